// Command scan reads what go test -v prints and fails when a canary is in it. It
// reports the lines with one, by their tests, and the failures of tests.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"

	"github.com/s3dbgen/s3dbgen/internal/canary"
)

func main() {
	leaks, err := scan(os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "canary:", err)
	}
	if err != nil || leaks > 0 {
		os.Exit(1)
	}
}

var (
	running = regexp.MustCompile(`^\s*(?:=== (?:RUN|CONT|NAME)\s+|--- [A-Z]+: )(\S+)`)
	failure = regexp.MustCompile(`^(\s*--- FAIL|FAIL|panic:|\S+\.go:\d+:\d+:)`)
)

// scan counts the lines with a canary.
func scan(in io.Reader, report io.Writer) (leaks int, err error) {
	lines, test := bufio.NewReader(in), "no test"
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if found := running.FindSubmatch(line); found != nil {
			test = string(found[1])
		}
		if how := canary.Find(line); how != "" {
			leaks++
			fmt.Fprintf(report, "canary: line %d, after %s, holds a secret %s: %.300q\n", n, test, how, line)
		} else if failure.Match(line) {
			fmt.Fprintf(report, "%s\n", bytes.TrimRight(line, "\n"))
		}
		if errors.Is(err, io.EOF) {
			fmt.Fprintf(report, "canary: %d lines searched, %d with a secret\n", n, leaks)
			return leaks, nil
		}
		if err != nil {
			return leaks, err
		}
	}
}
