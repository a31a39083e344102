package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// TestProgressBar: on a terminal, a bar shows how many documents of how many are
// done, the rate, what has passed and what remains of the time, and the price. A
// message stands on a line of its own, and at the end nothing is left of the bar.
func TestProgressBar(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		var requests s3db.RequestCounter
		p := newProgress(&out, true, &requests, "exported", 1000)
		for n := 1; n <= 500; n++ {
			<-time.After(10 * time.Millisecond)
			requests.Observe(s3db.Request{Kind: s3db.RequestPut})
			p.to(n)
		}
		bar := out.String()[strings.LastIndex(out.String(), "\r"):]
		for _, want := range []string{`\$0\.0025`, `50%`, `\(500/1000, 100 documents/s\)`, `\[[45]s:[45]s\]`} {
			if !regexp.MustCompile(want).MatchString(bar) {
				t.Errorf("the bar lacks %s: %q", want, bar)
			}
		}
		p.message("line %d: %s", 7, "is broken")
		if _, last, _ := cutLast(out.String(), "\r"); last != "line 7: is broken\n" {
			t.Errorf("the message does not stand alone: %q", last)
		}
		p.to(1000)
		p.end()
		if _, last, _ := cutLast(out.String(), "\r"); strings.TrimSpace(last) != "" {
			t.Errorf("after the end, the line has %q", last)
		}
	})
}

// TestProgressLines: without a terminal there is a line for each 10,000 documents, and
// no control characters.
func TestProgressLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	var requests s3db.RequestCounter
	for range 1000 {
		requests.Observe(s3db.Request{Kind: s3db.RequestGet})
	}
	p := newProgress(&out, false, &requests, "imported", 25_000)
	for n := 1000; n <= 25_000; n += 1000 {
		p.to(n)
	}
	p.message("line 3: is broken")
	p.end()
	want := "imported 10000 documents, $0.0004\nimported 20000 documents, $0.0004\nline 3: is broken\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
