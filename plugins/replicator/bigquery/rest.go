package bigquery

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
)

// request is one call of the API.
type request struct {
	method string
	path   string
	query  url.Values
	body   any
	rows   []byte // JSON lines that a load job uploads
	match  string // If-Match
}

func (t *Target) projectPath(rest string) string {
	return "/bigquery/v2/projects/" + url.PathEscape(t.config.ProjectID) + "/" + rest
}

func (t *Target) datasetPath() string { return t.projectPath("datasets/" + t.config.DatasetID) }

func (t *Target) tablePath(table string) string { return t.datasetPath() + "/tables/" + table }

// apiError is an error that the API told.
type apiError struct {
	status  int
	reason  string
	message string
	after   time.Duration // that it asks to wait
}

func (e *apiError) Error() string {
	return fmt.Sprintf("bigquery: %s (%d %s)", withoutValue(e.message), e.status, e.reason)
}

// withoutValue cuts the value of a field that BigQuery quotes in some messages.
func withoutValue(message string) string {
	before, _, _ := strings.Cut(message, "; Value:")
	const most = 1000
	if len(before) > most {
		before = strings.ToValidUTF8(before[:most], "") + "…"
	}
	return before
}

// passing reports whether the same request may succeed later:
// https://cloud.google.com/bigquery/docs/error-messages.
func (e *apiError) passing() bool {
	return e.status == http.StatusTooManyRequests || e.status == http.StatusRequestTimeout || e.status >= 500 && e.status != http.StatusNotImplemented ||
		e.status == http.StatusForbidden && passingReason(e.reason)
}

func passingReason(reason string) bool {
	return slices.Contains([]string{"backendError", "internalError", "rateLimitExceeded", "userRateLimitExceeded", "jobRateLimitExceeded", "jobBackendError", "jobInternalError", "tableUnavailable", "resourceInUse", "timeout"}, reason)
}

// pace is how long to wait between attempts and between questions after a job.
type pace struct{ first, most time.Duration }

func defaultPace() pace { return pace{500 * time.Millisecond, 32 * time.Second} }

// wait waits before the attempt n, counted from 1, with full jitter, and at least as
// long as the server asks for.
func (p pace) wait(ctx context.Context, n int, atLeast time.Duration) error {
	most := min(p.most, p.first<<min(n, 16))
	return replicator.Pause(ctx, max(atLeast, rand.N(most+1))) //nolint:gosec // not a secret
}

// call sends a request, again after failures that pass, and decodes the reply. Errors
// of the API are *apiError.
func (t *Target) call(ctx context.Context, r request, reply any) error {
	_, err := t.send(ctx, r, reply)
	return err
}

// send is call, and returns the time of the server.
func (t *Target) send(ctx context.Context, r request, reply any) (time.Time, error) {
	renewed := false
	for n := 1; ; n++ {
		token, err := t.tokens.get(ctx)
		var at time.Time
		if err == nil {
			at, err = t.attempt(ctx, r, token, reply)
		}
		if err == nil {
			return at, nil
		}
		e, told := errors.AsType[*apiError](err)
		if told && e.status == http.StatusUnauthorized && !renewed {
			renewed = true // a token that was taken back is not asked for its end
			t.tokens.refused(token)
			continue
		}
		if ctx.Err() != nil {
			return at, fmt.Errorf("bigquery: %w", context.Cause(ctx))
		}
		if n >= t.config.Attempts || told && !e.passing() || !told && refusedToken(err) {
			return at, err
		}
		after := time.Duration(0)
		if told {
			after = e.after
		}
		if err := t.pace.wait(ctx, n, after); err != nil {
			return at, fmt.Errorf("bigquery: %w", err)
		}
	}
}

// refusedToken reports whether Google does not know the credentials.
func refusedToken(err error) bool {
	e, ok := errors.AsType[*oauth2.RetrieveError](err)
	return ok && e.Response != nil && e.Response.StatusCode < 500 && e.Response.StatusCode != http.StatusTooManyRequests
}

// attempt sends a request once.
func (t *Target) attempt(ctx context.Context, r request, token *oauth2.Token, reply any) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, t.config.AttemptTimeout)
	defer cancel()
	kind, body, err := r.encode()
	if err != nil {
		return time.Time{}, err
	}
	target := t.base + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, bytes.NewReader(body))
	if err != nil {
		return time.Time{}, err
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if r.match != "" {
		req.Header.Set("If-Match", r.match)
	}
	token.SetAuthHeader(req)
	resp, err := t.client.Do(req)
	if err != nil {
		return time.Time{}, fmt.Errorf("bigquery: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	const mostOfReply = 64 << 20
	text, err := io.ReadAll(io.LimitReader(resp.Body, mostOfReply))
	if err != nil {
		return time.Time{}, fmt.Errorf("bigquery: reading the reply: %w", err)
	}
	at, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		at = time.Now()
	}
	if resp.StatusCode >= 300 {
		return at, readError(resp, text)
	}
	if reply == nil || len(text) == 0 {
		return at, nil
	}
	if err := json.Unmarshal(text, reply); err != nil {
		return at, fmt.Errorf("bigquery: the reply is not what the API promises: %w", err)
	}
	return at, nil
}

// encode makes the body of a request: JSON, or for an upload JSON and the rows
// (https://cloud.google.com/bigquery/docs/reference/api-uploads).
func (r *request) encode() (kind string, body []byte, err error) {
	if r.body == nil {
		return "", nil, nil
	}
	description, err := json.Marshal(r.body)
	if err != nil || r.rows == nil {
		return "application/json", description, err
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, part := range []struct {
		kind string
		data []byte
	}{{"application/json; charset=UTF-8", description}, {"application/octet-stream", r.rows}} {
		p, err := w.CreatePart(textproto.MIMEHeader{"Content-Type": {part.kind}})
		if err != nil {
			return "", nil, err
		}
		if _, err := p.Write(part.data); err != nil {
			return "", nil, err
		}
	}
	err = w.Close()
	return "multipart/related; boundary=" + w.Boundary(), b.Bytes(), err
}

func readError(resp *http.Response, text []byte) error {
	e := &apiError{status: resp.StatusCode, message: http.StatusText(resp.StatusCode)}
	var reply struct {
		Error struct {
			Message string
			Errors  []struct{ Reason string }
		}
	}
	if json.Unmarshal(text, &reply) == nil && reply.Error.Message != "" {
		e.message = reply.Error.Message
		if len(reply.Error.Errors) > 0 {
			e.reason = reply.Error.Errors[0].Reason
		}
	}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.after = time.Duration(seconds) * time.Second
	}
	return e
}
