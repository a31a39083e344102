package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestExampleDocs keeps the documentation of the example true: it is what docs
// writes now. "make generate" writes it anew.
func TestExampleDocs(t *testing.T) {
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"docs", "--check", "-f", "../../example/schema.yaml"}, strings.NewReader(""), &stdout, &stderr)
	if code != exitOK {
		t.Errorf("exit code %d\n%s%s", code, stdout.String(), stderr.String())
	}
}
