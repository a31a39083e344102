package leaktest_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Tests{M: m}.Main() }

// TestBodies counts a body until it is closed, once.
func TestBodies(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x") }))
	defer server.Close()
	bodies := &leaktest.Bodies{Next: &http.Transport{}}
	client := &http.Client{Transport: bodies}
	defer client.CloseIdleConnections()
	get := func() *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	first, second := get(), get()
	if n := bodies.Open(); n != 2 {
		t.Errorf("%d bodies are open, want 2", n)
	}
	_ = first.Body.Close()
	_ = first.Body.Close()
	if n := bodies.Open(); n != 1 {
		t.Errorf("%d bodies are open, want 1", n)
	}
	_ = second.Body.Close()
}

// TestMainFindsLeaks runs this test binary again with a test that leaves a goroutine,
// or an open connection, behind.
func TestMainFindsLeaks(t *testing.T) {
	t.Parallel()
	for what, told := range map[string]string{"goroutine": "TestLeaves", "connection": "persistConn"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestLeaves$")
		cmd.Env = append(os.Environ(), "LEAVE="+what)
		out, err := cmd.CombinedOutput()
		if _, failed := errors.AsType[*exec.ExitError](err); !failed || !strings.Contains(string(out), told) {
			t.Errorf("a %s was left, and nobody said so: %v\n%s", what, err, out)
		}
	}
}

// TestLeaves leaves behind what TestMainFindsLeaks asks for.
func TestLeaves(t *testing.T) {
	switch os.Getenv("LEAVE") {
	case "goroutine":
		go func() { select {} }()
	case "connection":
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := (&http.Client{Transport: &http.Transport{}}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
}
