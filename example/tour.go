package main

import (
	"fmt"
	"io"
	"strings"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// tour prints what the steps do and what they cost.
type tour struct {
	db       *shop.DB
	out      io.Writer
	requests *s3db.RequestCounter

	lines  []string           // of the step that runs
	before s3db.RequestCounts // it
}

// say notes a line of the step.
func (t *tour) say(format string, args ...any) {
	t.lines = append(t.lines, fmt.Sprintf(format, args...))
}

// done prints the step with its requests and their price.
func (t *tour) done(title string) {
	now := t.requests.Counts()
	cost := now.Sub(t.before)
	fmt.Fprintf(t.out, "%s  (%s)\n", title, requests(cost))
	for _, line := range t.lines {
		fmt.Fprintf(t.out, "    %s\n", line)
	}
	t.lines, t.before = nil, now
}

// bill prints what all steps cost together.
func (t *tour) bill() {
	all := t.requests.Counts()
	fmt.Fprintf(t.out, "\nIn S3 Standard all of this costs $%.7f: %s.\n", all.Dollars(), requests(all))
	fmt.Fprintf(t.out, "One dollar buys it %d times.\n", int(1/all.Dollars()))
}

// requests says how many requests of each kind there were.
func requests(c s3db.RequestCounts) string {
	var parts []string
	for _, kind := range []struct {
		name string
		n    int64
	}{
		{"GET", c.Get}, {"HEAD", c.Head}, {"PUT", c.Put}, {"DELETE", c.Delete}, {"DELETE of many", c.DeleteMany}, {"LIST", c.List},
	} {
		if kind.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", kind.n, kind.name))
		}
	}
	if len(parts) == 0 {
		return "no request"
	}
	return strings.Join(parts, ", ")
}
