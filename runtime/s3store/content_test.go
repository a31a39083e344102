package s3store_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	"github.com/s3dbgen/s3dbgen/runtime/s3store"
)

// TestContentURL: anybody who has the URL reads the content with its type, as long
// as the document has it.
func TestContentURL(t *testing.T) {
	store, err := s3store.New(t.Context(), options(t))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	c, err := clienttest.Open(t.Context(), store, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	clienttest.CheckContentURL(t, c, true)
}

// TestAbandonedContentFreesItsConnection: a content that is closed before its end
// takes its connection with it, and one that was read leaves it for the next.
func TestAbandonedContentFreesItsConnection(t *testing.T) {
	opts := options(t)
	var opened atomic.Int64
	closed := make(chan struct{}, 100)
	opts.HTTPClient = &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			opened.Add(1)
			return &countedConn{Conn: conn, closed: closed}, err
		},
	}}
	store, err := s3store.New(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	c, err := clienttest.Open(t.Context(), store, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Insert(t.Context(), clienttest.AccountInsert{ID: "a", Name: "Ada"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.SetContent(t.Context(), "a", strings.NewReader(strings.Repeat("x", 30<<20))); err != nil {
		t.Fatal(err)
	}
	for len(closed) > 0 {
		<-closed
	}
	before := opened.Load()
	const readers = 5
	for range readers {
		r, err := c.Content(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		<-closed // its connection
	}
	abandoned := opened.Load() - before
	for range readers {
		if _, err := clienttest.ReadContent(t.Context(), c, "a"); err != nil {
			t.Fatal(err)
		}
	}
	if whole := opened.Load() - before - abandoned; whole > 1 {
		t.Errorf("reading %d contents to their ends opened %d connections", readers, whole)
	}
}

type countedConn struct {
	net.Conn
	closed chan struct{}
	once   atomic.Bool
}

func (c *countedConn) Close() error {
	if !c.once.Swap(true) {
		c.closed <- struct{}{}
	}
	return c.Conn.Close()
}
