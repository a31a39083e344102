package plugin_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/gen/plugin"
	"github.com/s3dbgen/s3dbgen/internal/leaktest"
	"github.com/s3dbgen/s3dbgen/schema"
)

// TestMain is a plugin when a test starts it as one.
func TestMain(m *testing.M) {
	if behavior := os.Getenv("TEST_PLUGIN"); behavior != "" {
		os.Exit(pretend(behavior)) //nolint:forbidigo // it stands for the main of a plugin
	}
	leaktest.Tests{M: m}.Main()
}

// pretend behaves as a plugin in one of some ways, and returns its exit code.
func pretend(behavior string) int {
	switch behavior {
	case "serve":
		err := plugin.Serve(os.Stdin, os.Stdout, func(req *plugin.Request) (*plugin.Response, error) {
			return &plugin.Response{Files: []plugin.File{{Name: "x", Content: req.Plugin + " " + req.Package.Name + " " + req.Options["who"].(string)}, {Name: "y", Data: []byte{0, 255}}}}, nil
		})
		if err != nil {
			return 1
		}
	case "fail":
		_, _ = io.WriteString(os.Stderr, "warming up\nthe option file is missing\n")
		return 3
	case "hang":
		_, _ = io.Copy(io.Discard, os.Stdin)
		select {}
	default:
		_, _ = io.WriteString(os.Stdout, behavior)
	}
	return 0
}

// process is the test binary as a plugin.
func process(t *testing.T, behavior string) *plugin.Process {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &plugin.Process{Plugin: "test", Command: []string{"/usr/bin/env", "TEST_PLUGIN=" + behavior, binary}, Options: map[string]any{"who": "ada"}}
}

func request() *plugin.Request { return &plugin.Request{Package: &plugin.Package{Name: "shop"}} }

func TestProcess(t *testing.T) {
	t.Parallel()
	got, err := process(t, "serve").Generate(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}
	want := &plugin.Response{Files: []plugin.File{{Name: "x", Content: "test shop ada"}, {Name: "y", Data: []byte{0, 255}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
}

// TestProcessFails tells of each way in which a program is no plugin.
func TestProcessFails(t *testing.T) {
	t.Parallel()
	for behavior, want := range map[string]string{
		"fail":               "/usr/bin/env ended with exit code 3: the option file is missing",
		" ":                  "it answered nothing; without files the answer is {}",
		"hello":              "its answer is not the JSON of a response: invalid character 'h' looking for beginning of value",
		`{"files": 1}`:       "its answer is not the JSON of a response: json: cannot unmarshal number into Go struct field Response.files of type []plugin.File",
		`{"file": []}`:       `its answer is not the JSON of a response: json: unknown field "file"`,
		`{"files": []} done`: "its answer has something after the JSON of the response; logs belong to standard error",
	} {
		var stderr bytes.Buffer
		p := process(t, behavior)
		p.Stderr = &stderr
		if _, err := p.Generate(t.Context(), request()); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", behavior, err, want)
		}
		if behavior == "fail" && !strings.HasPrefix(stderr.String(), "warming up\n") {
			t.Errorf("what the program says is lost: %q", stderr.String())
		}
	}
	missing := &plugin.Process{Plugin: "test", Command: []string{"./none"}, Dir: t.TempDir()}
	if _, err := missing.Generate(t.Context(), request()); err == nil || !strings.Contains(err.Error(), "./none did not run: ") {
		t.Errorf("a program that does not exist: %v", err)
	}
}

// TestProcessEnds kills a program that does not answer, and one whose generation ends.
func TestProcessEnds(t *testing.T) {
	t.Parallel()
	slow := process(t, "hang")
	slow.Timeout = time.Millisecond
	if _, err := slow.Generate(t.Context(), request()); err == nil || err.Error() != "/usr/bin/env gave no answer within 1ms" {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := process(t, "hang").Generate(ctx, request()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestServeRefuses(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                "the request is not readable: EOF",
		`{"protocol": 2}`: "the request has protocol 2, this plugin was built for 1",
	} {
		err := plugin.Serve(strings.NewReader(in), io.Discard, nil)
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", in, err, want)
		}
	}
}

// TestRules: the rules of the protocol are those of schemas, so that the conversion
// compiles; this one shows that it loses nothing.
func TestRules(t *testing.T) {
	t.Parallel()
	in := schema.Rules{Min: new(int64(2)), Pattern: "a", In: []string{"x"}, UUIDVersion: 7}
	if diff := cmp.Diff(in, schema.Rules(plugin.RulesOf(in))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
