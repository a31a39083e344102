package process

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// startTimeout bounds the start of a server. It is long: a machine that builds and
// tests many packages at once is slow.
const startTimeout = 60 * time.Second

// Server is what runs until Stop.
type Server interface {
	comparable
	Stop()
}

// Shared is the one server of a test binary. The zero Shared is ready for use.
type Shared[S Server] struct {
	once   sync.Once
	server S
	err    error
}

// Get returns the server and starts it when that has not happened yet. When start
// returns an error that matches exec.ErrNotFound, the server is not installed: the
// test is skipped, or fails under S3DB_TEST_REQUIRE_SERVERS=1.
func (s *Shared[S]) Get(tb testing.TB, start func(ctx context.Context) (S, error)) S {
	tb.Helper()
	s.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
		defer cancel()
		s.server, s.err = start(ctx)
	})
	if s.err != nil {
		if errors.Is(s.err, exec.ErrNotFound) && os.Getenv("S3DB_TEST_REQUIRE_SERVERS") != "1" {
			tb.Skipf("left out: %v", s.err)
		}
		tb.Fatalf("%v", s.err)
	}
	return s.server
}

// Close stops the server, if it was started.
func (s *Shared[S]) Close() {
	s.once.Do(func() { s.err = errors.New("the test server is closed") })
	var none S
	if s.server != none {
		s.server.Stop()
	}
}
