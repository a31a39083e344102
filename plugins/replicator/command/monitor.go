package command

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
)

// monitor answers what the state of targets is. Asking costs requests, so an answer
// counts for some seconds.
type monitor struct {
	ask func(context.Context) ([]replicator.Status, error)

	mu   sync.Mutex
	at   time.Time
	list []replicator.Status
	err  error
}

// fresh is how long an answer counts.
const fresh = 10 * time.Second

func newMonitor(r *replicator.Replicator) *monitor { return &monitor{ask: r.Status} }

func (m *monitor) status(ctx context.Context) ([]replicator.Status, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.at.IsZero() || time.Since(m.at) >= fresh {
		m.list, m.err = m.ask(ctx)
		m.at = time.Now()
	}
	return m.list, m.err
}

// serve answers health and metrics until stop is called.
func serve(ctx context.Context, address string, m *monitor) (stop func(), bound string, err error) {
	l, err := listener(ctx, address)
	if err != nil {
		return nil, "", err
	}
	const patience = 10 * time.Second
	server := &http.Server{Handler: m.handler(), ReadHeaderTimeout: patience, WriteTimeout: 6 * patience}
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(l) }) // it ends by Shutdown
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			_ = server.Close()
		}
		running.Wait()
	}, l.Addr().String(), nil
}

func (m *monitor) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", m.ready)
	mux.HandleFunc("GET /metrics", m.metrics)
	return mux
}

// ready answers 503 with the reasons while a target is failing or the database cannot be
// asked.
func (m *monitor) ready(w http.ResponseWriter, r *http.Request) {
	list, err := m.status(r.Context())
	var problems []string
	if err != nil {
		problems = append(problems, err.Error())
	}
	for i := range list {
		if list[i].State == replicator.Failing {
			problems = append(problems, list[i].Target+": "+list[i].Error)
		}
	}
	if problems != nil {
		http.Error(w, strings.Join(problems, "\n"), http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ok\n"))
}

// metrics answers in the text format of Prometheus:
// https://prometheus.io/docs/instrumenting/exposition_formats/.
func (m *monitor) metrics(w http.ResponseWriter, r *http.Request) {
	list, err := m.status(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write(exposition(list))
}

func exposition(list []replicator.Status) []byte {
	var b bytes.Buffer
	flag := func(is bool) float64 {
		if is {
			return 1
		}
		return 0
	}
	for _, x := range []struct {
		name, kind, help string
		value            func(*replicator.Status) float64
	}{
		{"lag_changes", "gauge", "Changes in the log that the target has not passed.", func(s *replicator.Status) float64 { return float64(s.LagChanges) }},
		{"lag_seconds", "gauge", "Age of the oldest of them.", func(s *replicator.Status) float64 { return s.Lag.Seconds() }},
		{"unsettled", "gauge", "Intents that are not in the log yet.", func(s *replicator.Status) float64 { return float64(s.Unsettled) }},
		{"parked_documents", "gauge", "Documents with dead letters.", func(s *replicator.Status) float64 { return float64(s.Parked) }},
		{"snapshot_documents", "gauge", "Documents that the snapshot has applied.", func(s *replicator.Status) float64 { return float64(s.Documents) }},
		{"snapshot_done", "gauge", "Whether the snapshot is done.", func(s *replicator.Status) float64 { return flag(s.SnapshotDone) }},
		{"paused", "gauge", "Whether the target is paused.", func(s *replicator.Status) float64 { return flag(s.Paused) }},
		{"failing", "gauge", "Whether the last call of the target by this process failed.", func(s *replicator.Status) float64 { return flag(s.State == replicator.Failing) }},
		{"applied_changes_total", "counter", "Changes applied by this process.", func(s *replicator.Status) float64 { return float64(s.Changes) }},
		{"applied_batches_total", "counter", "Calls of the target that ended well.", func(s *replicator.Status) float64 { return float64(s.Batches) }},
		{"apply_errors_total", "counter", "Calls of the target that failed.", func(s *replicator.Status) float64 { return float64(s.Errors) }},
		{"apply_retries_total", "counter", "Calls of the target that failed after another one.", func(s *replicator.Status) float64 { return float64(s.Retries) }},
		{"rejected_changes_total", "counter", "Changes put aside as dead letters.", func(s *replicator.Status) float64 { return float64(s.Rejected) }},
		{"apply_seconds_total", "counter", "Time spent in calls of the target.", func(s *replicator.Status) float64 { return s.Duration.Seconds() }},
	} {
		name := "s3db_replicator_" + x.name
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, x.help, name, x.kind)
		for i := range list {
			fmt.Fprintf(&b, "%s{target=%s} %s\n", name, label(list[i].Target), strconv.FormatFloat(x.value(&list[i]), 'g', -1, 64))
		}
	}
	return b.Bytes()
}

// label quotes the value of a label.
func label(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
