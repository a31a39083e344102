package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
)

// replyError is an answer that is no success.
type replyError struct {
	host   string
	status int
	text   string        // the begin of a plain answer
	after  time.Duration // that the receiver asks to wait
}

func (e *replyError) Error() string {
	s := fmt.Sprintf("webhook: %s answers %d %s", e.host, e.status, http.StatusText(e.status))
	switch e.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		s += ": it does not accept the secret or the headers of the configuration"
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		s += ": the url of the configuration is not that of a receiver"
	}
	if e.status >= 300 && e.status < 400 {
		s += ": redirects are not followed, name the final url in the configuration"
	}
	if e.text != "" {
		s += ": " + e.text
	}
	return s
}

// class is what a status means.
type class int

const (
	delivered class = iota
	passing         // the same request may succeed later
	refused         // a change is at fault
	wrong           // the configuration is at fault: all changes would fail
)

// classOf tells what a status means. A wrong url, secret or method must not reject every
// change there is; 410 and other 4xx speak of what was sent.
func classOf(status int) class {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return passing
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed,
		http.StatusProxyAuthRequired, http.StatusMisdirectedRequest, http.StatusUpgradeRequired:
		return wrong
	}
	switch {
	case status >= 500:
		return passing
	case status >= 400:
		return refused
	case status >= 300:
		return wrong
	}
	return delivered
}

// refusedBy tells whether a change is at fault for an error of a batch, and why.
func refusedBy(err error) (string, bool) {
	e, ok := errors.AsType[*replyError](err)
	if !ok || classOf(e.status) != refused {
		return "", false
	}
	return strings.TrimPrefix(e.Error(), "webhook: "), true
}

// rejection is a change that the receiver rejects although it takes the request.
type rejection struct {
	Index  int    `json:"index"`
	Reason string `json:"reason"`
}

// deliver sends a request until it is answered, as often as the configuration allows.
func (t *Target) deliver(ctx context.Context, target, id string, body []byte) ([]rejection, error) {
	for n := 1; ; n++ {
		rejected, err := t.attempt(ctx, target, id, body)
		if err == nil {
			return rejected, nil
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("webhook: %w", context.Cause(ctx))
		}
		e, answered := errors.AsType[*replyError](err)
		if n >= t.config.Attempts || answered && (classOf(e.status) != passing || e.after > t.config.MaxWait) {
			return nil, err
		}
		const longest = 30 * time.Second
		wait := rand.N(min(longest, t.first<<min(n-1, 10))) + time.Millisecond //nolint:gosec // not a secret
		if answered {
			wait = max(wait, e.after)
		}
		if err := replicator.Pause(ctx, wait); err != nil {
			return nil, fmt.Errorf("webhook: %w", err)
		}
	}
}

// attempt sends a request once, signed at this time.
func (t *Target) attempt(ctx context.Context, target, id string, body []byte) ([]rejection, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, t.config.Timeout, fmt.Errorf("no answer within %v", t.config.Timeout))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, value := range t.config.Header {
		req.Header.Set(name, value)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "s3dbgen-replicator")
	req.Header.Set("Idempotency-Key", id)
	sign(req.Header, id, time.Now(), body, t.keys)
	resp, err := t.client.Do(req)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, fmt.Errorf("webhook: %s: %w", host(target), err)
	}
	defer func() {
		_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection can be used again
		_ = resp.Body.Close()
	}()
	const mostOfReply = 1 << 20
	text, err := io.ReadAll(io.LimitReader(resp.Body, mostOfReply))
	if err != nil {
		return nil, fmt.Errorf("webhook: %s: reading the answer: %w", host(target), err)
	}
	if classOf(resp.StatusCode) != delivered {
		return nil, readError(resp, host(target), text)
	}
	return readRejections(resp, host(target), text)
}

func readError(resp *http.Response, host string, text []byte) error {
	e := &replyError{host: host, status: resp.StatusCode}
	if kind := resp.Header.Get("Content-Type"); strings.HasPrefix(kind, "text/plain") || strings.HasPrefix(kind, "application/json") {
		e.text = shortened(string(text))
	}
	header := resp.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(header); err == nil && seconds > 0 {
		e.after = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		e.after = max(0, time.Until(at))
	}
	return e
}

// readRejections reads the changes that the receiver rejects from its answer, if it is
// JSON with a member "rejected".
func readRejections(resp *http.Response, host string, text []byte) ([]rejection, error) {
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		return nil, nil
	}
	var reply struct {
		Rejected []rejection `json:"rejected"`
	}
	if err := json.Unmarshal(text, &reply); err != nil && bytes.Contains(text, []byte(`"rejected"`)) {
		return nil, fmt.Errorf("webhook: %s: the list of rejected changes cannot be read: %w", host, err)
	}
	return reply.Rejected, nil
}
