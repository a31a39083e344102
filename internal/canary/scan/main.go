// Command scan copies its input to its output and fails when a canary is in it:
// make canary sends the output of all tests through it.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/s3dbgen/s3dbgen/internal/canary"
)

func main() {
	leaks, err := scan(os.Stdin, os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "canary:", err)
	}
	if err != nil || leaks > 0 {
		os.Exit(1)
	}
}

// scan counts the lines with a canary and reports each.
func scan(in io.Reader, out, report io.Writer) (leaks int, err error) {
	lines := bufio.NewReader(in)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if how := canary.Find(line); how != "" {
			leaks++
			fmt.Fprintf(report, "canary: line %d of the output holds a secret %s\n", n, how)
		}
		if _, err := out.Write(line); err != nil {
			return leaks, err
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
