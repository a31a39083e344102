package sqs

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// proxy stands before the server and fails as SQS may: it is not there, or takes only
// some messages of a request.
type proxy struct {
	*httptest.Server

	mu       sync.Mutex
	down     bool
	fail     func(entry entry) bool // asked for each message, in order
	silent   bool                   // replies do not tell what failed
	requests [][]entry              // the batches that came
	hosts    []string
}

// entry is a message of a request.
type entry struct {
	ID, MessageBody, MessageGroupID string
}

func newProxy(t *testing.T, s *server) *proxy {
	t.Helper()
	upstream, err := url.Parse(s.endpoint)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	p := &proxy{}
	forward := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(upstream) },
		Transport: transport,
	}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.hosts = append(p.hosts, r.Host)
		if p.down {
			panic(http.ErrAbortHandler) //nolint:forbidigo // it breaks the connection
		}
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".SendMessageBatch") {
			p.batch(t, w, r, forward)
			return
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { p.Close(); transport.CloseIdleConnections() })
	return p
}

// batch passes on the messages that are not to fail, and adds the others to the reply.
func (p *proxy) batch(t *testing.T, w http.ResponseWriter, r *http.Request, forward http.Handler) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	var request map[string]json.RawMessage
	var raw []map[string]json.RawMessage
	var entries []entry
	decode(t, body, &request)
	decode(t, request["Entries"], &raw)
	decode(t, request["Entries"], &entries)
	p.requests = append(p.requests, entries)
	type failure struct {
		ID          string `json:"Id"`
		SenderFault bool
		Code        string
		Message     string
	}
	var failed []failure
	var kept []map[string]json.RawMessage
	for i, e := range entries {
		if p.fail != nil && p.fail(e) {
			failed = append(failed, failure{e.ID, false, "InternalError", "try again"})
			continue
		}
		kept = append(kept, raw[i])
	}
	if len(failed) == 0 {
		r.Body = io.NopCloser(bytes.NewReader(body))
		forward.ServeHTTP(w, r)
		return
	}
	reply := map[string]json.RawMessage{"Successful": json.RawMessage("[]")}
	if len(kept) > 0 {
		request["Entries"] = encode(t, kept)
		body = encode(t, request)
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		recorder := httptest.NewRecorder()
		forward.ServeHTTP(recorder, r)
		decode(t, recorder.Body.Bytes(), &reply)
	}
	var others []failure
	if reply["Failed"] != nil {
		decode(t, reply["Failed"], &others)
	}
	if p.silent {
		failed = nil
	}
	reply["Failed"] = encode(t, append(failed, others...))
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_, _ = w.Write(encode(t, reply))
}

// set changes the proxy between requests.
func (p *proxy) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

// took returns the batches that came, and forgets them.
func (p *proxy) took() (list [][]entry) {
	p.set(func() { list, p.requests = slices.Clone(p.requests), nil })
	return list
}

func decode(t *testing.T, data []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(data, v); err != nil {
		t.Error(err)
	}
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Error(err)
	}
	return b
}
