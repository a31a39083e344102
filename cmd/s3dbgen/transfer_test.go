package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	"github.com/s3dbgen/s3dbgen/internal/canary"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// breaker stands before a server and refuses documents of a method from the nth on.
type breaker struct {
	*httptest.Server

	method string
	left   atomic.Int64 // requests that pass
}

func newBreaker(t *testing.T, endpoint string) *breaker {
	t.Helper()
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	b := &breaker{}
	b.left.Store(1 << 60)
	transport := &http.Transport{}
	proxy := &httputil.ReverseProxy{Transport: transport, ErrorLog: log.New(io.Discard, "", 0), Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // it is signed
	}}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == b.method && strings.Contains(r.URL.Path, "/data/") && b.left.Add(-1) < 0 {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		b.Close()
		transport.CloseIdleConnections()
	})
	return b
}

// fail refuses documents after n more requests of a method.
func (b *breaker) fail(method string, n int) {
	b.method = method
	b.left.Store(int64(n))
}

// commandLine runs the command line and returns its exit code and what it prints.
func commandLine(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// TestTransferOnServer exports from a real server and imports into it. Both are
// interrupted, and --resume ends with what they would have done in one go.
func TestTransferOnServer(t *testing.T) {
	const n = 120
	server := foreignServer(t)
	bucket := server.Bucket(t)
	proxy := newBreaker(t, server.Endpoint)
	at := func(name string) string {
		return strings.Replace(server.BucketURL(bucket, name), server.Endpoint[len("http://"):], proxy.Listener.Addr().String(), 1)
	}
	open := func(name string) *shop.DB {
		db, err := shop.Open(t.Context(), at(name), s3db.WithIDs("products", s3db.ULID), s3db.WithPassphrase(canary.Value(scriptPassphrase)), s3db.WithRegion("us-east-1"))
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	source, target := open("from"), open("to")
	list := make([]shop.ReviewInsert, n)
	for i := range list {
		list[i] = shop.ReviewInsert{ID: shop.ReviewID(fmt.Sprintf("r%04d", i)), Product: fmt.Sprint(i), User: "ada", Stars: 5, Title: "t", Text: "x"}
	}
	if _, err := source.Reviews.InsertMany(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	for _, db := range []*shop.DB{source, target} {
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	whole, file := filepath.Join(dir, "whole.jsonl"), filepath.Join(dir, "file.jsonl")
	if code, _, stderr := commandLine(t, "export", at("from"), "reviews", whole); code != 0 {
		t.Fatalf("export: %d, %s", code, stderr)
	}
	proxy.fail(http.MethodGet, 70)
	code, _, stderr := commandLine(t, "export", at("from"), "reviews", file, "--concurrency", "4")
	if code != 2 || !strings.Contains(stderr, "403") {
		t.Fatalf("an export that is refused: %d, %s", code, stderr)
	}
	proxy.fail(http.MethodGet, 1<<30)
	part, err := os.ReadFile(file + ".resume")
	if err != nil || !strings.Contains(string(part), `"after":"r00`) {
		t.Fatalf("the checkpoint is %q, %v", part, err)
	}
	if code, _, stderr := commandLine(t, "export", at("from"), "reviews", file, "--resume"); code != 0 || !strings.Contains(stderr, "exported 120 documents") {
		t.Fatalf("export --resume: %d, %s", code, stderr)
	}
	want, got := readText(t, whole), readText(t, file)
	if got != want || strings.Count(got, "\n") != n {
		t.Errorf("the resumed export has %d lines and is not that in one go, of %d", strings.Count(got, "\n"), strings.Count(want, "\n"))
	}

	proxy.fail(http.MethodPut, 50)
	if code, _, stderr := commandLine(t, "import", at("to"), "reviews", file, "--keep-timestamps", "--concurrency", "4"); code != 2 || !strings.Contains(stderr, "line ") {
		t.Fatalf("an import that is refused: %d, %s", code, stderr)
	}
	proxy.fail(http.MethodPut, 1<<30)
	if code, _, stderr := commandLine(t, "import", at("to"), "reviews", file, "--keep-timestamps", "--resume"); code != 0 {
		t.Fatalf("import --resume: %d, %s", code, stderr)
	}
	if _, err := os.Stat(file + ".resume"); !os.IsNotExist(err) {
		t.Errorf("a checkpoint is left: %v", err)
	}
	if code, stdout, stderr := commandLine(t, "export", at("to"), "reviews", "-"); code != 0 || stdout != want {
		t.Errorf("what was imported is not what was exported: %d, %s", code, stderr)
	}
	if code, _, stderr := commandLine(t, "fsck", at("to")); code != 0 {
		t.Errorf("fsck: %d, %s", code, stderr)
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestKeysOfDataCommands: get, list, export and import take keys from files.
func TestKeysOfDataCommands(t *testing.T) {
	dir := t.TempDir()
	path := filepath.ToSlash(filepath.Join(canary.TempDir(t), "shop.db"))
	key := canary.Key(7)
	secretsFile(t, path, s3db.WithKey("k1", key))
	file := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	right, wrong := "k1="+file("right", string(key)), "k1="+file("wrong", strings.Repeat("x", 32))
	exported := filepath.Join(dir, "vaults.jsonl")
	for _, args := range [][]string{
		{"get", "file://" + path, "vaults", "a"}, {"list", "file://" + path, "vaults"}, {"export", "file://" + path, "vaults", "-"},
	} {
		if code, stdout, stderr := commandLine(t, append(args, "--secrets", "--key-file", right)...); code != 0 || !strings.Contains(stdout, rotateSecret) {
			t.Errorf("%v: %d, %s%s", args[0], code, stdout, stderr)
		}
		if code, stdout, _ := commandLine(t, args...); code != 0 || strings.Contains(stdout, rotateSecret) {
			t.Errorf("%v without --secrets: %d, %s", args[0], code, stdout)
		}
		for _, keys := range [][]string{{"--key-file", wrong}, {"--passphrase-file", file("phrase", canary.Value("something else")+"\n")}, {}} {
			if code, stdout, stderr := commandLine(t, append(append(args, "--secrets"), keys...)...); code != 2 || strings.Contains(stdout, rotateSecret) {
				t.Errorf("%v %v: %d, %s", args[0], keys, code, stderr)
			}
		}
	}
	if code, _, stderr := commandLine(t, "export", "file://"+path, "vaults", exported, "--secrets", "--key-file", right); code != 0 {
		t.Fatalf("export: %s", stderr)
	}
	if code, _, stderr := commandLine(t, "import", "file://"+path, "vaults", exported, "--mode", "replace", "--key-file", right); code != 0 {
		t.Errorf("import: %d, %s", code, stderr)
	}
	other := filepath.ToSlash(filepath.Join(canary.TempDir(t), "other.db"))
	secretsFile(t, other, s3db.WithPassphrase(canary.Value("first line")))
	if code, stdout, stderr := commandLine(t, "get", "file://"+other, "vaults", "a", "--secrets", "--passphrase-file", file("phrase", canary.Value("first line")+"\nsecond\n")); code != 0 || !strings.Contains(stdout, rotateSecret) {
		t.Errorf("a passphrase from a file: %d, %s%s", code, stdout, stderr)
	}
}
