// Package leaktest finds what tests leave behind: goroutines, connections and bodies
// of replies.
package leaktest

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
)

// Tests are the tests of a package. Run runs them, then the functions of Then, which
// end what the tests share, and fails when a goroutine is left after that. An open
// connection is found as well: it has goroutines.
//
//	func TestMain(m *testing.M) { leaktest.Tests{M: m}.Main() }
type Tests struct {
	M    *testing.M
	Then []func()
	// Except are functions of other modules in which a goroutine may be left.
	Except []string
}

// Main runs the tests and ends the test binary.
func (t Tests) Main() { os.Exit(t.Run()) } //nolint:forbidigo // it stands for the main of the test binary

// Run returns the exit code of the test binary.
func (t Tests) Run() int {
	code := t.M.Run()
	for _, f := range t.Then {
		f()
	}
	if code != 0 {
		return code
	}
	var options []goleak.Option
	for _, function := range t.Except {
		options = append(options, goleak.IgnoreAnyFunction(function))
	}
	if err := goleak.Find(options...); err != nil {
		fmt.Fprintln(os.Stderr, "leaktest: the tests left something running:", err)
		return 1
	}
	return 0
}

// Bodies is a transport of HTTP that knows which bodies of replies are still open. A
// connection whose body is not closed is never used again.
type Bodies struct {
	// Next sends the requests.
	Next http.RoundTripper

	open atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (b *Bodies) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.Next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	b.open.Add(1)
	resp.Body = &body{ReadCloser: resp.Body, all: b}
	return resp, nil
}

// CloseIdleConnections lets http.Client close those of Next.
func (b *Bodies) CloseIdleConnections() {
	if c, ok := b.Next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// Open returns the number of bodies that are not closed.
func (b *Bodies) Open() int { return int(b.open.Load()) }

type body struct {
	io.ReadCloser

	all    *Bodies
	closed atomic.Bool
}

// Close implements io.Closer.
func (b *body) Close() error {
	if !b.closed.Swap(true) {
		b.all.open.Add(-1)
	}
	return b.ReadCloser.Close()
}
