package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/canary"
	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/boltstore"
)

// TestFsck runs the command on a file with one document and one leftover.
func TestFsck(t *testing.T) {
	path := filepath.ToSlash(filepath.Join(canary.TempDir(t), "shop.db"))
	const leftover = "resource=accounts/partition=byCountry/country=BR!/id=ghost!AAAAAAAAAAA"
	prepare(t, path, leftover)
	run1 := func(args ...string) (int, string) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), append([]string{"fsck", "file://" + path}, args...), strings.NewReader(""), &stdout, &stderr)
		return code, stdout.String() + stderr.String()
	}
	for _, test := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"recent leftovers are nobody's business", nil, 0, "1 document, 2 entries, 1 claim, 0 contents, 0 tombstones; 0 findings, 1 recent\n"},
		{
			"found", []string{"--exclusive"}, 1,
			"found dangling-entry " + leftover + "\n1 document, 2 entries, 1 claim, 0 contents, 0 tombstones; 1 finding, 0 recent\n",
		},
		{
			"repaired", []string{"--exclusive", "--repair"}, 0,
			"removed dangling-entry " + leftover + "\n1 document, 2 entries, 1 claim, 0 contents, 0 tombstones; 1 finding, 0 recent\n",
		},
		{"nothing left", []string{"--exclusive"}, 0, "1 document, 1 entry, 1 claim, 0 contents, 0 tombstones; 0 findings, 0 recent\n"},
	} {
		code, got := run1(test.args...)
		if diff := cmp.Diff(test.want, got); diff != "" || code != test.code {
			t.Errorf("%s: exit code %d, want %d (-want +got):\n%s", test.name, code, test.code, diff)
		}
	}
	code, text := run1("--format", "json")
	var report s3db.FsckReport
	if err := json.Unmarshal([]byte(text), &report); err != nil || code != 0 || report.Documents != 1 || report.Findings == nil {
		t.Errorf("exit code %d, %v, as JSON: %s", code, err, text)
	}
}

// TestFsckRefuses: wrong usage and places without a database.
func TestFsckRefuses(t *testing.T) {
	missing := "file://" + filepath.ToSlash(filepath.Join(t.TempDir(), "none.db"))
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"fsck"}, "fsck takes one database URL, got 0"},
		{[]string{"fsck", "a", "b"}, "fsck takes one database URL, got 2"},
		{[]string{"fsck", missing, "--format", "xml"}, `--format "xml": must be text or json`},
		{[]string{"fsck", missing}, "there is no file"},
		{[]string{"fsck", "gopher://x"}, "gopher"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), test.args, strings.NewReader(""), &stdout, &stderr)
		if code != exitFailed || !strings.Contains(stderr.String(), test.want) || stdout.Len() > 0 {
			t.Errorf("%v: exit code %d, stdout %q, stderr %q; want %d and %q", test.args, code, stdout.String(), stderr.String(), exitFailed, test.want)
		}
	}
	if _, err := os.Stat(missing[len("file://"):]); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("fsck created the file it did not find: %v", err)
	}
}

// prepare makes a database of one account, with one entry of no document.
func prepare(t *testing.T, path, leftover string) {
	t.Helper()
	store, err := boltstore.Open(t.Context(), path, boltstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	c, err := clienttest.Open(t.Context(), store, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Insert(t.Context(), clienttest.AccountInsert{Name: "n", Country: new("BR"), Email: new("a@x.io")}); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(t.Context(), leftover, nil, nil, s3db.Condition{}); err != nil {
		t.Fatal(err)
	}
}
