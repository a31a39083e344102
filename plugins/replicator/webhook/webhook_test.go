package webhook_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/s3dbgen/s3dbgen/internal/canary"
	"github.com/s3dbgen/s3dbgen/internal/leaktest"
	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/targettest"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/webhook"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

func TestMain(m *testing.M) { leaktest.Tests{M: m}.Main() }

// secret is a canary of the form of the standard.
func secret() string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(canary.Mark+"-webhook"))
}

// receiver keeps the latest state of each document, as a receiver would. It verifies
// requests with the library of the standard.
type receiver struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	rows     map[string]webhook.Change
	requests []request
	refuse   bool                                                     // a request with a bad change as a whole
	answer   func(n int, w http.ResponseWriter, r *http.Request) bool // of the request n, counted from 1; true: answered
}

type request struct {
	id, key, auth string
	event         webhook.Event
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{t: t, rows: map[string]webhook.Change{}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Server.Close)
	return r
}

func (r *receiver) config() webhook.Config {
	return webhook.Config{URL: r.URL + "/changes", Secrets: []string{secret()}, Header: map[string]string{"Authorization": "Bearer t"}}
}

func open(t *testing.T, config webhook.Config) *webhook.Target {
	t.Helper()
	target, err := webhook.New(config)
	if err != nil {
		t.Fatal(err)
	}
	target.Hurry()
	t.Cleanup(func() { _ = target.Close() })
	return target
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		r.t.Error(err)
	}
	standard, err := standardwebhooks.NewWebhook(secret())
	if err != nil {
		r.t.Error(err)
	}
	if err := standard.Verify(body, req.Header); err != nil {
		r.t.Errorf("the library of the standard: %v", err)
	}
	if err := webhook.Verify(req.Header, body, time.Now(), "another secret of 24 characters", secret()); err != nil {
		r.t.Errorf("Verify: %v", err)
	}
	var event webhook.Event
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&event); err != nil || event.Type != "s3db.changes" || req.Method != http.MethodPost || req.Header.Get("Content-Type") != "application/json" {
		r.t.Errorf("%s %s %s: %v", req.Method, req.Header.Get("Content-Type"), body, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, request{req.Header.Get("Webhook-Id"), req.Header.Get("Idempotency-Key"), req.Header.Get("Authorization"), event})
	if r.answer != nil && r.answer(len(r.requests), w, req) {
		return
	}
	r.take(w, event.Data.Changes)
}

type rejection struct {
	Index  int    `json:"index"`
	Reason string `json:"reason"`
}

func (r *receiver) take(w http.ResponseWriter, changes []webhook.Change) {
	rejected := []rejection{}
	bad := map[string]bool{}
	for i, c := range changes {
		var doc map[string]any
		if json.Unmarshal(c.Data, &doc) != nil && c.Action != replicator.Delete {
			if r.refuse {
				http.Error(w, "a document is no object", http.StatusUnprocessableEntity)
				return
			}
			bad[c.ID] = true
			rejected = append(rejected, rejection{i, "the document is no object"})
		}
	}
	for _, c := range changes {
		if last, ok := r.rows[c.ID]; bad[c.ID] || ok && last.Seq.Compare(c.Seq) >= 0 {
			continue
		}
		r.rows[c.ID] = c
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(map[string]any{"rejected": rejected})
}

// Open implements [targettest.Place].
func (r *receiver) Open(t *testing.T) replicator.Target { return open(t, r.config()) }

// Documents implements [targettest.Place].
func (r *receiver) Documents(*testing.T, string) map[string]json.RawMessage {
	r.mu.Lock()
	defer r.mu.Unlock()
	docs := map[string]json.RawMessage{}
	for id, c := range r.rows {
		if c.Action != replicator.Delete {
			docs[id] = c.Data
		}
	}
	return docs
}

// Poison implements [targettest.Place].
func (r *receiver) Poison(c *replicator.Change) bool {
	c.After = json.RawMessage(`"no object"`)
	return true
}

func TestTarget(t *testing.T) {
	t.Run("rejects changes", func(t *testing.T) {
		targettest.Run(t, func(t *testing.T) targettest.Place { return newReceiver(t) })
	})
	t.Run("refuses requests", func(t *testing.T) {
		targettest.Run(t, func(t *testing.T) targettest.Place {
			r := newReceiver(t)
			r.refuse = true
			return r
		})
	})
}

func prepare(t *testing.T, target *webhook.Target, routes ...replicator.Route) {
	t.Helper()
	if routes == nil {
		routes = []replicator.Route{{}}
	}
	err := target.Prepare(t.Context(), replicator.Source{Database: "db1", Name: "hook", Shards: 1, Resources: []replicator.Resource{{Name: "users", Routes: routes}}})
	if err != nil {
		t.Fatal(err)
	}
}

func insert(segment uint64, id string) replicator.Change {
	return replicator.Change{
		Seq: replicator.Seq{Segment: segment}, Resource: "users", Action: replicator.Insert, ID: id, Revision: s3db.Revision(fmt.Sprint("r", segment)),
		Time: time.Date(2026, 11, 30, 12, 0, 0, 1_500_000, time.UTC), After: json.RawMessage(fmt.Sprintf(`{"id":%q}`, id)),
	}
}

// TestMessage is what a receiver gets, to the byte.
func TestMessage(t *testing.T) {
	t.Parallel()
	var got []byte
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got, _ = io.ReadAll(r.Body) }))
	defer server.Close()
	target := open(t, webhook.Config{URL: server.URL, Secrets: []string{secret()}})
	prepare(t, target)
	update := insert(2, "a")
	update.Action, update.Before, update.Version = replicator.Update, json.RawMessage(`{"id":"a","n":1}`), 3
	remove := insert(3, "b")
	remove.Action, remove.Before, remove.After = replicator.Delete, remove.After, nil
	gone := replicator.Change{Seq: replicator.EndOf(3), Resource: "users", Action: replicator.Delete, ID: "c", Snapshot: true}
	if rejected, err := target.Apply(t.Context(), []replicator.Change{insert(1, "a"), update, remove, gone}); err != nil || rejected != nil {
		t.Fatal(rejected, err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, got, "", "  "); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "event.json")
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), indented.String()+"\n"); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}

// TestSameIDs: what is sent again has the same id, so that the receiver can tell.
func TestSameIDs(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	r.answer = func(n int, w http.ResponseWriter, _ *http.Request) bool {
		if n < 3 {
			w.WriteHeader(http.StatusBadGateway)
		}
		return n < 3
	}
	target := open(t, r.config())
	prepare(t, target)
	for range 2 {
		if _, err := target.Apply(t.Context(), []replicator.Change{insert(1, "a"), insert(2, "b")}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := target.Apply(t.Context(), []replicator.Change{insert(1, "a")}); err != nil {
		t.Fatal(err)
	}
	if len(r.requests) != 5 {
		t.Fatalf("%d requests", len(r.requests))
	}
	for i, x := range r.requests {
		if same := x.id == r.requests[0].id; same != (i < 4) || x.key != x.id || x.auth != "Bearer t" {
			t.Errorf("request %d: %+v", i, x)
		}
	}
}

func TestBatches(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	config := r.config()
	config.BatchSize, config.BatchBytes = 3, 2000
	target := open(t, config)
	prepare(t, target)
	var batch []replicator.Change
	for i := range 7 {
		batch = append(batch, insert(uint64(i+1), fmt.Sprint("id", i)))
	}
	batch[1].After = json.RawMessage(`{"id":"id1","long":"` + strings.Repeat("x", 3000) + `"}`)
	if _, err := target.Apply(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	var sizes []int
	last := replicator.Seq{}
	for _, x := range r.requests {
		sizes = append(sizes, len(x.event.Data.Changes))
		for _, c := range x.event.Data.Changes {
			if c.Seq.Compare(last) <= 0 {
				t.Errorf("%v after %v", c.Seq, last)
			}
			last = c.Seq
		}
	}
	if !slices.Equal(sizes, []int{1, 1, 3, 2}) {
		t.Errorf("sizes of requests: %v", sizes)
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	inserts := newReceiver(t)
	target := open(t, r.config())
	prepare(t, target, replicator.Route{}, replicator.Route{To: inserts.URL, Actions: []replicator.Action{replicator.Insert}})
	remove := insert(2, "a")
	remove.Action, remove.After = replicator.Delete, nil
	if _, err := target.Apply(t.Context(), []replicator.Change{insert(1, "a"), remove, insert(3, "b")}); err != nil {
		t.Fatal(err)
	}
	if len(r.requests[0].event.Data.Changes) != 3 || len(inserts.requests[0].event.Data.Changes) != 2 {
		t.Errorf("%+v, %+v", r.requests, inserts.requests)
	}
	err := target.Prepare(t.Context(), replicator.Source{Resources: []replicator.Resource{{Name: "users", Routes: []replicator.Route{{To: "http://example.com"}}}}})
	if !errors.Is(err, s3db.ErrConfig) {
		t.Errorf("a route in the clear: %v", err)
	}
}

// TestStatuses tells for each status whether the request is sent again, the change
// rejected, or neither.
func TestStatuses(t *testing.T) {
	t.Parallel()
	const again, rejects, ends = "again", "rejects", "ends"
	for status, want := range map[int]string{
		301: ends, 302: ends, 307: ends, 308: ends, 400: rejects, 401: ends, 403: ends, 404: ends, 405: ends, 407: ends, 408: again, 409: rejects, 410: rejects, 413: rejects,
		415: rejects, 418: rejects, 421: ends, 422: rejects, 425: again, 429: again, 500: again, 502: again, 503: again, 504: again, 200: "", 202: "", 204: "",
	} {
		r := newReceiver(t)
		r.answer = func(n int, w http.ResponseWriter, _ *http.Request) bool {
			if n == 1 {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(status)
			}
			return n == 1
		}
		target := open(t, r.config())
		prepare(t, target)
		rejected, err := target.Apply(t.Context(), []replicator.Change{insert(1, "a")})
		got := ""
		switch {
		case err != nil && len(r.requests) == 1:
			got = ends
		case err == nil && len(rejected) == 1:
			got = rejects
		case err == nil && len(r.requests) == 2:
			got = again
		}
		if got != want {
			t.Errorf("%d: %q, want %q (%v, %v, %d requests)", status, got, want, rejected, err, len(r.requests))
		}
	}
}

// TestRetryAfter waits as long as the receiver asks for, unless that is too long for
// Apply.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	r.answer = func(n int, w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	}
	config := r.config()
	config.MaxWait = time.Millisecond
	target := open(t, config)
	prepare(t, target)
	if _, err := target.Apply(t.Context(), []replicator.Change{insert(1, "a")}); err == nil || len(r.requests) != 1 {
		t.Errorf("a pause that is too long: %v after %d requests", err, len(r.requests))
	}
	// A context that ends meanwhile shows that the shorter pause is kept.
	target = open(t, r.config())
	prepare(t, target)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := target.Apply(ctx, []replicator.Change{insert(1, "a")}); !errors.Is(err, context.DeadlineExceeded) || len(r.requests) != 2 {
		t.Errorf("a pause of a second: %v after %d requests", err, len(r.requests))
	}
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	r.answer = func(n int, _ http.ResponseWriter, req *http.Request) bool {
		if n == 1 {
			<-req.Context().Done()
		}
		return n == 1
	}
	config := r.config()
	config.Timeout = 200 * time.Millisecond
	target := open(t, config)
	prepare(t, target)
	if _, err := target.Apply(t.Context(), []replicator.Change{insert(1, "a")}); err != nil {
		t.Error(err)
	}
	r.Server.Close()
	_, err := target.Apply(t.Context(), []replicator.Change{insert(1, "a")})
	if err == nil || canary.Find([]byte(err.Error())) != "" {
		t.Errorf("nobody listens: %v", err)
	}
}

func TestTest(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	target := open(t, r.config())
	if err := target.Test(t.Context()); err != nil || len(r.requests) != 1 || len(r.requests[0].event.Data.Changes) != 0 {
		t.Errorf("%v, %+v", err, r.requests)
	}
	r.answer = func(_ int, w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return true
	}
	if err := target.Test(t.Context()); err == nil || !strings.Contains(err.Error(), "does not accept the secret or the headers of the configuration: who are you?") {
		t.Errorf("wrong secret: %v", err)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	r := &receiver{t: t, rows: map[string]webhook.Change{}}
	r.Server = httptest.NewUnstartedServer(r)
	r.Server.Config.ErrorLog = log.New(io.Discard, "", 0) // it tells of the client that does not trust it
	r.StartTLS()
	t.Cleanup(r.Server.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	config := r.config()
	config.CAFile = ca
	if err := open(t, config).Test(t.Context()); err != nil {
		t.Errorf("with its certificate: %v", err)
	}
	config.CAFile, config.Attempts = "", 1
	if err := open(t, config).Test(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("without: %v", err)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	body := []byte(`{"type":"s3db.changes"}`)
	standard, err := standardwebhooks.NewWebhook(secret())
	if err != nil {
		t.Fatal(err)
	}
	signed, err := standard.Sign("msg_1", now, body)
	if err != nil {
		t.Fatal(err)
	}
	header := func(id, timestamp, signature string) http.Header {
		return http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {timestamp}, "Webhook-Signature": {signature}}
	}
	at := fmt.Sprint(now.Unix())
	for name, test := range map[string]struct {
		header http.Header
		body   []byte
		secret string
		later  time.Duration
		want   error
	}{
		"signed":           {header: header("msg_1", at, signed)},
		"one of two":       {header: header("msg_1", at, "v1,AAAA "+signed)},
		"almost too old":   {header: header("msg_1", at, signed), later: 5 * time.Minute},
		"too old":          {header: header("msg_1", at, signed), later: 5*time.Minute + time.Second, want: webhook.ErrTimestamp},
		"in the future":    {header: header("msg_1", at, signed), later: -6 * time.Minute, want: webhook.ErrTimestamp},
		"another body":     {header: header("msg_1", at, signed), body: []byte("{}"), want: webhook.ErrSignature},
		"another id":       {header: header("msg_2", at, signed), want: webhook.ErrSignature},
		"another time":     {header: header("msg_1", fmt.Sprint(now.Unix()+1), signed), want: webhook.ErrSignature},
		"another secret":   {header: header("msg_1", at, signed), secret: "another secret of 24 characters", want: webhook.ErrSignature},
		"another version":  {header: header("msg_1", at, "v2"+strings.TrimPrefix(signed, "v1")), want: webhook.ErrSignature},
		"nothing":          {header: http.Header{}, want: webhook.ErrSignature},
		"secret too short": {header: header("msg_1", at, signed), secret: "short", want: s3db.ErrConfig},
	} {
		if test.secret == "" {
			test.secret = secret()
		}
		if test.body == nil {
			test.body = body
		}
		err := webhook.Verify(test.header, test.body, now.Add(test.later), test.secret)
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*webhook.Config){
		"must be one such as https://example.com/changes":   func(c *webhook.Config) { c.URL = "ftp://example.com" },
		"http://example.com/x sends documents in the clear": func(c *webhook.Config) { c.URL = "http://example.com/x?token=" + canary.Mark },
		"holds credentials":                             func(c *webhook.Config) { c.URL = "https://u:" + canary.Mark + "@example.com" },
		"a secret is missing":                           func(c *webhook.Config) { c.Secrets = nil },
		"a secret has 5 bytes":                          func(c *webhook.Config) { c.Secrets = []string{"short"} },
		"goes on in base64":                             func(c *webhook.Config) { c.Secrets = []string{"whsec_?" + canary.Mark} },
		"header webhook-id is set by the target itself": func(c *webhook.Config) { c.Header = map[string]string{"webhook-id": "x"} },
		"a limit is negative":                           func(c *webhook.Config) { c.BatchSize = -1 },
		"the CA file":                                   func(c *webhook.Config) { c.CAFile = "nothing.pem" },
	} {
		config := webhook.Config{URL: "https://example.com/changes", Secrets: []string{secret()}}
		change(&config)
		_, err := webhook.New(config)
		if !errors.Is(err, s3db.ErrConfig) || !strings.Contains(fmt.Sprint(err), want) || canary.Find([]byte(fmt.Sprint(err))) != "" {
			t.Errorf("%v, want %s", err, want)
		}
	}
	config := webhook.Config{URL: "https://u:" + canary.Mark + "@example.com/x", Secrets: []string{secret()}, Header: map[string]string{"Authorization": canary.Mark}}
	if text := fmt.Sprintf("%v %+v %#v %s", config, config, config, config); canary.Find([]byte(text)) != "" {
		t.Errorf("a secret prints: %s", text)
	}
}
