// Package webhook replicates documents to an HTTP endpoint: it posts batches of changes
// as JSON, signed as https://www.standardwebhooks.com says, so that receivers find a
// library that verifies them in their language; [Verify] is the one for Go.
//
// Changes of a document arrive in order, one request after the other. A request that is
// sent again has the same id, and a change the same key, which is its revision: the
// receiver leaves out what it has seen. The position seq of a change tells which one is
// later.
//
// README.md tells what the receiver gets and what its answers mean.
package webhook

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Config says where to send changes. URL and Secrets are required.
type Config struct {
	// URL gets the changes whose routes name no other. It is https, or http to this
	// machine, or http anywhere with Plain.
	URL   string
	Plain bool
	// Secrets sign each request, all of them, so that a new one can be brought in while
	// the receiver still checks by the old one. One is "whsec_" and at least 24 bytes in
	// base64, or a text of at least 24 characters.
	Secrets []string
	// Header is added to each request, such as Authorization.
	Header map[string]string

	// BatchSize is the largest number of changes in a request; 0: 100.
	BatchSize int
	// BatchBytes is about the largest size of a request; 0: 1 MiB. A larger document is sent
	// alone.
	BatchBytes int
	// Timeout ends one request; 0: 15 seconds.
	Timeout time.Duration
	// Attempts is how often a request is sent that fails for a passing reason; 0: 5 times.
	Attempts int
	// MaxWait is the longest Retry-After that is waited for within Apply; 0: a minute.
	// After a longer one the changes are sent again when the replicator tries again.
	MaxWait time.Duration

	// CAFile holds certificates in PEM that are trusted instead of the system's.
	CAFile string
	// Transport sends the requests; nil: one of its own. CAFile must be "" with it.
	Transport http.RoundTripper
}

// Format implements fmt.Formatter: secrets and headers never print.
func (c Config) Format(f fmt.State, _ rune) {
	u, _ := url.Parse(c.URL) // New has told of a wrong one
	_, _ = fmt.Fprintf(f, "{%s, %d secrets [redacted]}", withoutUser(u), len(c.Secrets))
}

func withoutUser(u *url.URL) string {
	if u == nil {
		return "?"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// Target is a [replicator.Target]. It is safe for concurrent use.
type Target struct {
	config Config
	keys   [][]byte
	client *http.Client
	source atomic.Pointer[prepared]
	first  time.Duration // pause before the second attempt
}

type prepared struct {
	source    replicator.Source
	resources map[string]*replicator.Resource
}

var _ replicator.Target = (*Target)(nil)

// New returns a target. It sends no request. Errors match s3db.ErrConfig.
func New(config Config) (*Target, error) {
	if err := checkURL(config.URL, config.Plain); err != nil {
		return nil, err
	}
	t := &Target{config: config, first: 500 * time.Millisecond}
	for _, s := range config.Secrets {
		key, err := readSecret(s)
		if err != nil {
			return nil, err
		}
		t.keys = append(t.keys, key)
	}
	if t.keys == nil {
		return nil, configError("a secret is missing, which signs the requests")
	}
	for name := range config.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "webhook-") || slices.Contains([]string{"content-type", "content-length", "host", "idempotency-key"}, lower) {
			return nil, configError("header %s is set by the target itself", name)
		}
	}
	c := &t.config
	c.BatchSize, c.BatchBytes = cmp.Or(c.BatchSize, 100), cmp.Or(c.BatchBytes, 1<<20)
	c.Timeout, c.MaxWait, c.Attempts = cmp.Or(c.Timeout, 15*time.Second), cmp.Or(c.MaxWait, time.Minute), cmp.Or(c.Attempts, 5)
	if c.BatchSize < 0 || c.BatchBytes < 0 || c.Timeout < 0 || c.MaxWait < 0 || c.Attempts < 0 {
		return nil, configError("a limit is negative")
	}
	transport, err := newTransport(config)
	if err != nil {
		return nil, err
	}
	t.client = &http.Client{
		Transport: transport,
		// Whoever answers a redirect is not whom the requests are for.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return t, nil
}

func configError(format string, args ...any) error {
	return fmt.Errorf("%w: webhook: "+format, append([]any{s3db.ErrConfig}, args...)...)
}

func checkURL(text string, plain bool) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return configError("the url must be one such as https://example.com/changes")
	}
	address, err := netip.ParseAddr(u.Hostname())
	local := err == nil && address.IsLoopback() || u.Hostname() == "localhost"
	if u.Scheme == "http" && !local && !plain {
		return configError("%s sends documents in the clear; use https, or allow it with plain", withoutUser(u))
	}
	if u.User != nil {
		return configError("the url of %s holds credentials; give them as a header", u.Host)
	}
	return nil
}

func newTransport(config Config) (http.RoundTripper, error) {
	if config.Transport != nil {
		if config.CAFile != "" {
			return nil, configError("a transport has its own certificates; leave out the CA file")
		}
		return config.Transport, nil
	}
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // the standard library says so
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if config.CAFile != "" {
		text, err := os.ReadFile(config.CAFile)
		if err != nil {
			return nil, configError("the CA file: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(text) {
			return nil, configError("the CA file %s holds no certificate in PEM", config.CAFile)
		}
		transport.TLSClientConfig.RootCAs = pool
	}
	return transport, nil
}

// Test implements [replicator.Target]: it sends an event without changes, which the
// receiver must answer like any other.
func (t *Target) Test(ctx context.Context) error {
	event := Event{Type: eventType, Timestamp: formatTime(time.Now()), Data: EventData{Changes: []Change{}}}
	body, err := json.Marshal(event)
	if err != nil {
		return err
	}
	_, err = t.deliver(ctx, t.config.URL, "test_"+hash(body), body)
	return err
}

// Prepare implements [replicator.Target]. A route leads to another URL, or, by "", to that
// of the configuration.
func (t *Target) Prepare(_ context.Context, source replicator.Source) error {
	p := &prepared{source: source, resources: map[string]*replicator.Resource{}}
	for i := range source.Resources {
		r := &source.Resources[i]
		p.resources[r.Name] = r
		for _, route := range r.Routes {
			if route.To == "" {
				continue
			}
			if err := checkURL(route.To, t.config.Plain); err != nil {
				return fmt.Errorf("resource %s: %w", r.Name, err)
			}
		}
	}
	t.source.Store(p)
	return nil
}

// Apply implements [replicator.Target].
func (t *Target) Apply(ctx context.Context, changes []replicator.Change) ([]replicator.Rejection, error) {
	p := t.source.Load()
	if p == nil {
		return nil, errors.New("webhook: Apply before Prepare")
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b := &batch{target: t, at: p, refused: replicator.NewRefusals(changes), texts: make([]json.RawMessage, len(changes))}
	urls := map[string][]int{}
	for i := range changes {
		c := &changes[i]
		r := p.resources[c.Resource]
		if r == nil {
			return nil, configError("nothing was prepared for resource %q", c.Resource)
		}
		var err error
		if b.texts[i], err = json.Marshal(message(c)); err != nil {
			b.refused.Refuse(i, "the document is not JSON")
			continue
		}
		for _, route := range r.RoutesOf(c.Action) {
			u := cmp.Or(route.To, t.config.URL)
			if list := urls[u]; len(list) == 0 || list[len(list)-1] != i {
				urls[u] = append(list, i)
			}
		}
	}
	for _, u := range slices.Sorted(maps.Keys(urls)) {
		if err := b.post(ctx, u, urls[u]); err != nil {
			return nil, err
		}
	}
	return b.refused.List(), nil
}

// batch is one call of Apply.
type batch struct {
	target  *Target
	at      *prepared
	refused *replicator.Refusals
	texts   []json.RawMessage // of the changes
}

// post sends changes to a URL, in order, in requests of a bounded size.
func (b *batch) post(ctx context.Context, target string, indexes []int) error {
	for len(indexes) > 0 {
		n, size := 0, 0
		for n < len(indexes) && n < b.target.config.BatchSize && (n == 0 || size+len(b.texts[indexes[n]]) <= b.target.config.BatchBytes) {
			size += len(b.texts[indexes[n]])
			n++
		}
		err := b.refused.Halve(ctx, indexes[:n], func(ctx context.Context, part []int) error { return b.send(ctx, target, part) }, refusedBy)
		if err != nil {
			return err
		}
		indexes = indexes[n:]
	}
	return nil
}

// send sends one request. The receiver may take it and reject some of its changes.
func (b *batch) send(ctx context.Context, target string, indexes []int) error {
	list := make([]json.RawMessage, 0, len(indexes))
	for _, i := range indexes {
		list = append(list, b.texts[i])
	}
	changes, err := json.Marshal(list)
	if err != nil {
		return err
	}
	s := b.at.source
	id := "s3db_" + hash([]byte(s.Database), []byte(s.Name), []byte(target), changes)
	body, err := json.Marshal(struct {
		Type string `json:"type"`
		Data any    `json:"data"`
	}{eventType, struct {
		Database   string          `json:"database"`
		Replicator string          `json:"replicator"`
		Changes    json.RawMessage `json:"changes"`
	}{s.Database, s.Name, changes}})
	if err != nil {
		return err
	}
	rejected, err := b.target.deliver(ctx, target, id, body)
	if err != nil {
		return err
	}
	for _, r := range rejected {
		if r.Index < 0 || r.Index >= len(indexes) {
			return fmt.Errorf("webhook: %s rejects change %d of %d", host(target), r.Index, len(indexes))
		}
		b.refused.Refuse(indexes[r.Index], "the receiver: "+shortened(cmp.Or(r.Reason, "no reason")))
	}
	for _, r := range rejected { // what follows them in this request
		for _, i := range indexes[r.Index:] {
			b.refused.Skip(i)
		}
	}
	return nil
}

// hash names bytes.
func hash(parts ...[]byte) string {
	h := sha256.New()
	for _, p := range parts {
		sum := sha256.Sum256(p)
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func host(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return "?"
	}
	return u.Host
}

// shortened keeps a text of the receiver on one line of a bounded length.
func shortened(text string) string {
	const most = 300
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "�")), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// Close implements [replicator.Target].
func (t *Target) Close() error {
	t.client.CloseIdleConnections()
	return nil
}
