package main

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestMessagesHaveOnePrefix: a message begins with the name of the command, and that of
// the runtime is nowhere in it.
func TestMessagesHaveOnePrefix(t *testing.T) {
	missing := "file://" + filepath.ToSlash(filepath.Join(t.TempDir(), "none.db"))
	for _, args := range [][]string{
		{"inspect", missing}, {"fsck", missing}, {"get", missing, "users", "a"}, {"list", missing, "users"},
		{"export", missing, "users", "-"}, {"export", missing, "-", "--sequences"}, {"import", missing, "users", "-"},
		{"migrate", missing}, {"sweep", missing}, {"rotate", missing, "--key-file", "k=none"}, {"inspect", "gopher://x"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr)
		if code != exitFailed || !strings.HasPrefix(stderr.String(), "s3dbgen: ") || strings.Contains(stderr.String(), "s3db: ") {
			t.Errorf("%v: exit code %d: %s", args, code, stderr.String())
		}
	}
	inner := fmt.Errorf("s3db: insert users/a: %w", errors.New("a%s3db: b"))
	for _, test := range []struct {
		err  error
		want string
	}{
		{inner, "insert users/a: a%s3db: b"},
		{fmt.Errorf("line 3: %w", inner), "line 3: insert users/a: a%s3db: b"},
		{errors.Join(inner, inner), "insert users/a: a%s3db: b\ninsert users/a: a%s3db: b"},
	} {
		if got := describe(test.err); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}
