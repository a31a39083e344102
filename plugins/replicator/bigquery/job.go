package bigquery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
)

// work is a job to run. The same work has the same name.
type work struct {
	name          string
	configuration map[string]any
	rows          []byte // that a load job uploads
}

// nameOf makes the name of work from all that makes it what it is.
func nameOf(kind string, parts ...[]byte) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write(strconv.AppendInt(nil, int64(len(p)), 10))
		h.Write([]byte{':'})
		h.Write(p)
	}
	return "s3db-" + kind + "-" + hex.EncodeToString(h.Sum(nil)[:16])
}

// job is what the API says of a job.
type job struct {
	JobReference struct{ JobID string }
	Status       struct {
		State       string
		ErrorResult *errorProto
		Errors      []errorProto
	}
	Statistics struct {
		EndTime int64 `json:",string"` // in milliseconds
	}
}

type errorProto struct{ Reason, Message string }

func (j *job) done() bool { return j.Status.State == "DONE" }

// jobError is why a job failed.
type jobError struct {
	reason   string
	messages []string
}

func (e *jobError) Error() string {
	return fmt.Sprintf("bigquery: %s (%s)", withoutValue(e.messages[len(e.messages)-1]), e.reason)
}

// passing reports whether the same job may succeed when it is run again. DML that met
// other DML is told as a mistake in the query.
func (e *jobError) passing() bool {
	return passingReason(e.reason) || strings.Contains(e.messages[0], "Could not serialize access to table")
}

// ofRow reports whether the rows are at fault.
func (e *jobError) ofRow() bool {
	return e.reason == "invalid" && strings.HasPrefix(e.messages[0], "Error while reading data")
}

func (j *job) err() error {
	if j.Status.ErrorResult == nil {
		return nil
	}
	e := &jobError{reason: j.Status.ErrorResult.Reason, messages: []string{j.Status.ErrorResult.Message}}
	for _, x := range j.Status.Errors {
		if x.Reason == e.reason && x.Message != e.messages[0] {
			e.messages = append(e.messages, x.Message)
		}
	}
	return e
}

// mostNames bounds the jobs of one name that are looked at.
const mostNames = 1000

// run runs work until it is done. A job of the same name that BigQuery has already
// stands for it, unless it failed, or ended before since: then what it wrote may be gone
// from the table by now, and the work is done under the next name.
func (t *Target) run(ctx context.Context, w work, since time.Time) error {
	ctx, cancel := context.WithTimeoutCause(ctx, t.config.JobTimeout, errors.New("the job takes longer than the configuration allows"))
	defer cancel()
	location, err := t.where(ctx)
	if err != nil {
		return err
	}
	failures := 0
	for n := range mostNames {
		id := w.name + "-" + strconv.Itoa(n)
		j, err := t.start(ctx, w, id, location)
		known := false
		if e, ok := errors.AsType[*apiError](err); ok && e.status == http.StatusConflict {
			known, err = true, nil
		}
		if err == nil {
			j, err = t.wait(ctx, j, id, location)
		}
		if err != nil {
			return err
		}
		err = j.err()
		if err == nil && known && time.UnixMilli(j.Statistics.EndTime).Before(since) {
			continue
		}
		e, failed := errors.AsType[*jobError](err)
		if !failed || !e.passing() && !known {
			return err
		}
		if known {
			continue // it failed some time ago
		}
		if failures++; failures >= t.config.Attempts {
			return err
		}
		if err := t.pace.wait(ctx, failures, 0); err != nil {
			return fmt.Errorf("bigquery: %w", err)
		}
	}
	return fmt.Errorf("bigquery: job %s failed %d times", w.name, mostNames)
}

func (t *Target) start(ctx context.Context, w work, id, location string) (*job, error) {
	r := request{
		method: http.MethodPost, path: t.projectPath("jobs"), rows: w.rows,
		body: map[string]any{
			"configuration": w.configuration,
			"jobReference":  map[string]any{"projectId": t.config.ProjectID, "jobId": id, "location": location},
		},
	}
	if w.rows != nil {
		r.path, r.query = "/upload"+r.path, url.Values{"uploadType": {"multipart"}}
	}
	j := &job{}
	return j, t.call(ctx, r, j)
}

// wait asks after a job until it is done.
func (t *Target) wait(ctx context.Context, j *job, id, location string) (*job, error) {
	for n := 0; j == nil || !j.done(); n++ {
		if n > 0 {
			const slowest = 5 * time.Second
			if err := replicator.Pause(ctx, min(slowest, t.pace.first<<min(n/2, 10)/2)); err != nil {
				return nil, fmt.Errorf("bigquery: job %s: %w", id, err)
			}
		}
		j = &job{}
		r := request{method: http.MethodGet, path: t.projectPath("jobs/" + id), query: url.Values{"location": {location}}}
		if err := t.call(ctx, r, j); err != nil {
			return nil, err
		}
	}
	return j, nil
}
