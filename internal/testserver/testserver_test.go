package testserver_test

import (
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/testserver"
)

func TestStartStop(t *testing.T) {
	var shared testserver.Shared
	server := shared.Get(t)
	if again := shared.Get(t); again != server {
		t.Error("a second Get started a second server")
	}
	if a, b := server.Bucket(t), server.Bucket(t); a == b {
		t.Errorf("two buckets are called %s", a)
	}
	if url := server.URL(t, "app"); !strings.HasPrefix(url, "s3://"+server.AccessKey+":s%2Fe+c%25r=") {
		t.Errorf("URL %q does not escape the secret key", url)
	}
	shared.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.Endpoint, nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
		t.Error("the server answers after Close")
	}
	shared.Close() // twice is fine
}

// recorder notes what a missing binary does to a test.
type recorder struct {
	testing.TB
	skipped, failed bool
}

func (r *recorder) Skipf(string, ...any)  { r.skipped = true }
func (r *recorder) Fatalf(string, ...any) { r.failed = true }

func TestMissingBinary(t *testing.T) {
	for _, test := range []struct {
		require       string
		skipped, fail bool
	}{{"", true, true}, {"1", false, true}} {
		t.Setenv("PATH", t.TempDir())
		t.Chdir(t.TempDir()) // no .tools/bin above
		t.Setenv("S3DB_TEST_SERVER", "versitygw")
		t.Setenv("S3DB_TEST_VERSITYGW", "")
		t.Setenv("S3DB_TEST_REQUIRE_SERVERS", test.require)
		r := &recorder{TB: t}
		var shared testserver.Shared
		shared.Get(r)
		if r.skipped != test.skipped {
			t.Errorf("S3DB_TEST_REQUIRE_SERVERS=%q: skipped %v, want %v", test.require, r.skipped, test.skipped)
		}
		if !r.skipped && !r.failed {
			t.Errorf("S3DB_TEST_REQUIRE_SERVERS=%q: neither skipped nor failed", test.require)
		}
	}
}

func TestUnknownServer(t *testing.T) {
	if _, err := testserver.Start(t.Context(), "gofakes3"); err == nil || !strings.Contains(err.Error(), "versitygw or minio") {
		t.Errorf("error %v", err)
	}
}

// A server that cannot start gives its own words, at once.
func TestServerThatFails(t *testing.T) {
	path, err := exec.LookPath("false")
	if err != nil {
		t.Skip(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Skip(err)
	}
	t.Setenv("S3DB_TEST_VERSITYGW", path)
	if _, err := testserver.Start(t.Context(), testserver.VersityGW); err == nil || !strings.Contains(err.Error(), "ended by itself") {
		t.Errorf("error %v", err)
	}
}
