// Package fauxqs runs a server of Amazon SQS's protocol for tests: fauxqs, which
// keeps the rules of FIFO queues, partial failures of batches and the limit of 1 MiB.
//
// A test binary starts one, at its first use, and shares it:
//
//	var server fauxqs.Shared
//
//	func TestMain(m *testing.M) { defer server.Close(); m.Run() }
//
//	func TestX(t *testing.T) { endpoint := server.Get(t).Endpoint; … }
//
// It needs Node.js 20 on PATH. S3DB_TEST_FAUXQS is the directory of the package
// fauxqs; else it is looked for in .tools.
package fauxqs

import (
	"bytes"
	"context"
	_ "embed" // of the launcher
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/testserver/process"
)

//go:embed launcher.mjs
var launcher string

// Shared is the one server of a test binary. The zero Shared is ready for use.
type Shared struct {
	shared process.Shared[*Server]
}

// Get returns the server and starts it when that has not happened yet. Without it
// the test is skipped, or fails under S3DB_TEST_REQUIRE_SERVERS=1.
func (s *Shared) Get(tb testing.TB) *Server {
	tb.Helper()
	return s.shared.Get(tb, Start)
}

// Close stops the server, if it was started.
func (s *Shared) Close() { s.shared.Close() }

// Server is a running server without queues. It accepts any credentials, and names
// queues http://sqs.REGION.localhost:PORT/000000000000/NAME, which no client should
// dial: requests go to the Endpoint.
type Server struct {
	Endpoint string // http://127.0.0.1:PORT

	process *process.Process
}

// Start starts a server and waits until it answers. An error matches
// exec.ErrNotFound when Node.js or fauxqs is not installed.
func Start(ctx context.Context) (*Server, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, fmt.Errorf("testserver: %w: Node.js 20, which fauxqs, the server of SQS, needs", exec.ErrNotFound)
	}
	dir := os.Getenv("S3DB_TEST_FAUXQS")
	if dir == "" {
		dir = filepath.Join(process.Tools(), "npm", "node_modules", "fauxqs")
	}
	app := filepath.Join(dir, "dist", "app.js")
	if _, err := os.Stat(app); err != nil {
		return nil, fmt.Errorf("testserver: %w: fauxqs, the server of SQS; `make servers` installs it where npm can", exec.ErrNotFound)
	}
	var printed firstLine
	s := &Server{process: process.Start(func(ctx context.Context) *exec.Cmd {
		cmd := exec.CommandContext(ctx, node, "--input-type=module", "--eval", launcher, app)
		cmd.Stdout = &printed
		return cmd
	})}
	err = s.process.Await(ctx, func(context.Context) error {
		s.Endpoint = printed.text()
		if s.Endpoint == "" {
			return errors.New("no address yet")
		}
		return nil
	})
	if err != nil {
		s.Stop()
		return nil, fmt.Errorf("testserver: fauxqs: %w", err)
	}
	return s, nil
}

// Stop kills the server and waits until it is gone.
func (s *Server) Stop() { s.process.Stop() }

// firstLine keeps what a process prints.
type firstLine struct {
	mu      sync.Mutex
	printed bytes.Buffer
}

func (f *firstLine) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.printed.Write(p)
}

// text returns the first line, or "" while it is not complete.
func (f *firstLine) text() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	line, _, complete := strings.Cut(f.printed.String(), "\n")
	if !complete {
		return ""
	}
	return line
}
