package testserver

import (
	"bytes"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/canary"
)

// TestWire sends texts to a peer that answers with what is said here: bytes arrive
// unchanged in both directions, and a canary is found in either.
func TestWire(t *testing.T) {
	secret := canary.Value("x")
	for _, test := range []struct {
		name, request, reply string
		leaks                []string
	}{
		{"none", strings.Repeat("request ", 10_000), strings.Repeat("reply ", 10_000), nil},
		{"request", strings.Repeat("r", 32<<10-5) + secret, "reply", []string{"as it is"}}, // where two reads meet
		{"reply", "request", "before " + secret, []string{"as it is"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			peer, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer peer.Close()
			got := make(chan []byte, 1)
			go func() {
				conn, err := peer.Accept()
				if err != nil {
					close(got)
					return
				}
				defer conn.Close()
				request := make([]byte, len(test.request))
				_, _ = io.ReadFull(conn, request)
				_, _ = io.WriteString(conn, test.reply)
				got <- request
			}()
			var mu sync.Mutex
			var leaks []string
			w, err := newWire(t.Context(), peer.Addr().String(), func(how string, around []byte) {
				mu.Lock()
				defer mu.Unlock()
				leaks = append(leaks, how)
				if !bytes.Contains(around, []byte(secret)) {
					t.Errorf("around the leak is %q", around)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			conn, err := net.Dial("tcp", w.address())
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(conn, test.request)
			reply, err := io.ReadAll(conn)
			if err != nil || string(reply) != test.reply {
				t.Errorf("the reply is %d bytes, %v; want %d", len(reply), err, len(test.reply))
			}
			_ = conn.Close()
			w.close()
			if request := <-got; string(request) != test.request {
				t.Errorf("the request is %d bytes, want %d", len(request), len(test.request))
			}
			if !slices.Equal(leaks, test.leaks) {
				t.Errorf("leaks %q, want %q", leaks, test.leaks)
			}
		})
	}
}
