package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/foreign"
	"github.com/s3dbgen/s3dbgen/internal/testserver"
	"github.com/s3dbgen/s3dbgen/s3dbjs/migrate"
)

// foreignDatabase puts a database that s3db.js wrote into a bucket of a real server
// and returns its URL.
func foreignDatabase(t *testing.T, server *testserver.Server, bucket, name string) (url, passphrase string) {
	t.Helper()
	passphrase = foreign.Put(t, server, bucket, "old/"+name, "../../s3dbjs/testdata/"+name+".json", nil)
	return server.BucketURL(bucket, "old/"+name), passphrase
}

// foreignServer starts a server for one test.
func foreignServer(t *testing.T) *testserver.Server {
	t.Helper()
	var shared testserver.Shared
	server := shared.Get(t)
	t.Cleanup(shared.Close)
	return server
}

// TestImportSchema reads a database of s3db.js on a real server.
func TestImportSchema(t *testing.T) {
	server := foreignServer(t)
	bucket := server.Bucket(t)
	url, _ := foreignDatabase(t, server, bucket, "seed")
	run1 := func(args ...string) (int, string, string) {
		var stdout, stderr bytes.Buffer
		code := run(context.Background(), append([]string{"import-schema"}, args...), strings.NewReader(""), &stdout, &stderr)
		return code, stdout.String(), stderr.String()
	}
	golden, err := os.ReadFile("../../s3dbjs/convert/testdata/seed.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(string(golden), "package: shop", "package: seed", 1)
	if code, out, stderr := run1(url); code != exitOK || out != want {
		t.Errorf("exit code %d, %s\n%s", code, stderr, out)
	}
	file := filepath.Join(t.TempDir(), "schema.yaml")
	if code, out, stderr := run1(url, "-o", file, "--package", "shop"); code != exitOK || out != file+": 15 resources\n" {
		t.Errorf("exit code %d, %s%s", code, out, stderr)
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, golden) {
		t.Errorf("the file: %v\n%s", err, got)
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "import-schema takes one database URL, got 0"},
		{[]string{url, "-o", file}, "exists; name another file"},
		{[]string{server.BucketURL(bucket, "nowhere")}, "there is no database here (no s3db.json)"},
		{[]string{"gopher://x"}, "gopher"},
		{[]string{url, "--package", "Not Go"}, "package"},
	} {
		if code, out, stderr := run1(test.args...); code != exitFailed || out != "" || !strings.Contains(stderr, test.want) {
			t.Errorf("%v: exit code %d, stdout %q, stderr %q, want %q", test.args, code, out, stderr, test.want)
		}
	}
}

// TestMigrateCommand copies a database of s3db.js on a real server into a database
// on the same server, into a file, and again.
func TestMigrateCommand(t *testing.T) {
	server := foreignServer(t)
	bucket := server.Bucket(t)
	url, passphrase := foreignDatabase(t, server, bucket, "v21")
	dir := t.TempDir()
	old, key := filepath.Join(dir, "old.txt"), filepath.Join(dir, "key.txt")
	for name, text := range map[string]string{old: passphrase + "\n", key: "the new one\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run1 := func(command string, args ...string) (int, string) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), append([]string{command}, args...), strings.NewReader(""), &stdout, &stderr)
		return code, stdout.String() + stderr.String()
	}
	for _, to := range []string{server.BucketURL(bucket, "new"), "file://" + filepath.ToSlash(filepath.Join(dir, "new.db"))} {
		flags := []string{"--from-s3dbjs", url, "--from-passphrase-file", old, "--to", to, "--passphrase-file", key}
		code, text := run1("migrate", append(flags, "--dry-run")...)
		if code != 1 || !strings.Contains(text, "kinds_str: 33 documents, 33 to copy, 0 unchanged, 0 not copied\n") || !strings.Contains(text, "0 partition entries and 0 unique claims built") {
			t.Errorf("dry run to %.4s: exit code %d\n%s", to, code, text)
		}
		if code, text = run1("fsck", to); code != exitFailed {
			t.Errorf("the dry run made a database: exit code %d, %s", code, text)
		}
		// Two prices of products are of an older version, and a text is cut.
		code, text = run1("migrate", flags...)
		for _, want := range []string{
			"unmapped products/p1: price: the schema has no such attribute\n", "truncated docs-truncate-data/big: ",
			"notes: 1 document, 1 copied, 0 unchanged, 0 not copied, 1 content\n", "orders: 16 documents, 16 copied, 0 unchanged, 0 not copied\n",
		} {
			if code != 1 || !strings.Contains(text, want) {
				t.Errorf("to %.4s: exit code %d, want 1 and %q in\n%s", to, code, want, text)
			}
		}
		if code, text = run1("fsck", to, "--exclusive"); code != exitOK || !strings.Contains(text, "0 findings") || !strings.HasPrefix(text, "114 documents, ") {
			t.Errorf("fsck of %.4s: exit code %d, %s", to, code, text)
		}
		code, text = run1("migrate", append(flags, "--format", "json")...)
		var report migrate.Report
		if err := json.Unmarshal([]byte(text), &report); err != nil || code != 1 || report.Entries != 0 {
			t.Errorf("again to %.4s: exit code %d, %v, %s", to, code, err, text)
		}
		for _, r := range report.Resources {
			if r.Copied != 0 || r.Unchanged != r.Documents {
				t.Errorf("again to %.4s: %+v", to, *r)
			}
		}
	}
}

// TestMigrateRefuses: wrong usage, and what cannot be copied soundly.
func TestMigrateRefuses(t *testing.T) {
	server := foreignServer(t)
	bucket := server.Bucket(t)
	url, _ := foreignDatabase(t, server, bucket, "seed")
	dir := t.TempDir()
	file := filepath.Join(dir, "schema.yaml")
	if err := os.WriteFile(file, []byte("package: shop\nresources: {notes: {attributes: {title: string|optional}}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	to := "file://" + filepath.ToSlash(filepath.Join(dir, "new.db"))
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "migrate takes the URL of one database, or --from-s3dbjs and --to"},
		{[]string{"--from-s3dbjs", url}, "migrate needs the URL of the new database: --to"},
		{[]string{"--from-s3dbjs", url, "--to", to, "--format", "xml"}, `--format "xml": must be text or json`},
		{[]string{"--from-s3dbjs", url, "--to", to, "--from-default-passphrase", "--from-passphrase-file", "x"}, "exclude each other"},
		{[]string{"--from-s3dbjs", url, "--to", to, "-f", file}, "has changes that its lock file does not know"},
		{[]string{"--from-s3dbjs", url, "--to", to}, "the schema has secret attributes: give their key"},
		{[]string{"--from-s3dbjs", server.BucketURL(bucket, "none"), "--to", to}, "there is no database here"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), append([]string{"migrate"}, test.args...), strings.NewReader(""), &stdout, &stderr)
		if code != exitFailed || !strings.Contains(stderr.String(), test.want) || stdout.Len() > 0 {
			t.Errorf("%v: exit code %d, stdout %q, stderr %q; want %q", test.args, code, stdout.String(), stderr.String(), test.want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "new.db")); err == nil {
		t.Error("a refused migration made a file")
	}
}
