package testserver

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"

	"github.com/s3dbgen/s3dbgen/internal/canary"
)

// wire stands before a server and searches every byte that goes to it and comes
// from it for canaries: nothing of S3's protocol carries a secret key, and of the
// secrets of documents only ciphertexts travel.
type wire struct {
	listener net.Listener
	upstream string
	leak     func(how string, around []byte)
	done     sync.WaitGroup
}

// newWire listens on a loopback address.
func newWire(ctx context.Context, upstream string, leak func(how string, around []byte)) (*wire, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &wire{listener: l, upstream: upstream, leak: leak}
	w.done.Go(w.serve)
	return w, nil
}

func (w *wire) address() string { return w.listener.Addr().String() }

// close ends the listening and waits until the connections have ended, as they do
// when the server has.
func (w *wire) close() {
	_ = w.listener.Close()
	w.done.Wait()
}

func (w *wire) serve() {
	for {
		client, err := w.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			w.done.Go(func() { w.relay(client) })
		}
	}
}

// relay passes bytes on until either side has closed.
func (w *wire) relay(client net.Conn) {
	defer func() { _ = client.Close() }()
	var d net.Dialer
	server, err := d.DialContext(context.Background(), "tcp", w.upstream)
	if err != nil {
		return // the client sees that nobody answers
	}
	defer func() { _ = server.Close() }()
	var replies sync.WaitGroup
	replies.Go(func() {
		_, _ = io.Copy(io.MultiWriter(&canary.Stream{Leak: w.leak}, client), server)
		_ = client.Close() // ends the copy of requests
	})
	_, _ = io.Copy(io.MultiWriter(&canary.Stream{Leak: w.leak}, server), client)
	_ = server.Close()
	replies.Wait()
}
