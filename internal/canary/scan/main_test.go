package main

import (
	"strings"
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/canary"
)

func TestScan(t *testing.T) {
	var out, report strings.Builder
	in := "a line\nanother with " + canary.Value("x") + "\nthe last"
	leaks, err := scan(strings.NewReader(in), &out, &report)
	if leaks != 1 || err != nil || out.String() != in {
		t.Errorf("%d leaks, %v, copied %q", leaks, err, out.String())
	}
	const want = "canary: line 2 of the output holds a secret as it is\ncanary: 3 lines searched, 1 with a secret\n"
	if report.String() != want {
		t.Errorf("reported %q, want %q", report.String(), want)
	}
}
