package promexport_test

import (
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	"github.com/s3dbgen/s3dbgen/internal/canary"
	"github.com/s3dbgen/s3dbgen/plugins/costs"
	"github.com/s3dbgen/s3dbgen/plugins/metrics"
	"github.com/s3dbgen/s3dbgen/plugins/promexport"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// visit opens a database whose requests take 20 ms, and does one of each.
func visit(t *testing.T, plugins ...s3db.Plugin) *shop.DB {
	t.Helper()
	ctx := t.Context()
	store := memstore.New()
	db, err := shop.New(ctx, store, s3db.WithPlugin(plugins...),
		s3db.WithKey("k1", canary.Key(1)), s3db.WithIDs("products", s3db.NanoID(12)))
	if err != nil {
		t.Fatal(err)
	}
	store.SetFault(func(memstore.Request) memstore.Injection { return memstore.Injection{Delay: 20 * time.Millisecond} })
	if _, err := db.Sessions.Get(ctx, "nobody"); !errors.Is(err, s3db.ErrNotFound) {
		t.Fatal(err)
	}
	if n, err := db.Sessions.Query().Count(ctx); err != nil || n != 0 {
		t.Fatal(n, err)
	}
	if list, err := db.Sessions.GetAll(ctx); err != nil || len(list) != 0 {
		t.Fatal(list, err)
	}
	return db
}

// TestCollector: a scrape has what the plugins counted, in the form and with the names
// that Prometheus wants.
func TestCollector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, spent := metrics.New(metrics.Options{}), &costs.Plugin{}
		db := visit(t, spent, m)
		c := &promexport.Collector{Metrics: m, Costs: spent, Labels: prometheus.Labels{"database": "shop"}}
		const want = `
# HELP s3db_operations_total Calls of methods, by what became of them.
# TYPE s3db_operations_total counter
s3db_operations_total{database="shop",operation="count",outcome="read",resource="sessions"} 1
s3db_operations_total{database="shop",operation="get",outcome="error",resource="sessions"} 1
s3db_operations_total{database="shop",operation="getAll",outcome="read",resource="sessions"} 1
# HELP s3db_errors_total Errors that methods have returned.
# TYPE s3db_errors_total counter
s3db_errors_total{database="shop",resource="sessions",type="ErrNotFound"} 1
`
		if err := testutil.CollectAndCompare(c, strings.NewReader(want), "s3db_operations_total", "s3db_errors_total"); err != nil {
			t.Error(err)
		}
		problems, err := testutil.CollectAndLint(c)
		if err != nil || len(problems) > 0 {
			t.Error(err, problems)
		}
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(c)
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, f := range families {
			seen[f.GetName()] = true
			for _, x := range f.GetMetric() {
				h := x.GetHistogram()
				if f.GetName() != "s3db_operation_duration_seconds" {
					continue
				}
				if h.GetSampleCount() != 1 || h.GetSampleSum() < 0.02 {
					t.Errorf("%d calls of %v s", h.GetSampleCount(), h.GetSampleSum())
				}
				for _, b := range h.GetBucket() {
					if within := h.GetSampleSum() <= b.GetUpperBound(); (b.GetCumulativeCount() == 1) != within {
						t.Errorf("the bucket up to %v s has %d of a call of %v s", b.GetUpperBound(), b.GetCumulativeCount(), h.GetSampleSum())
					}
				}
			}
		}
		for _, name := range []string{"operations_total", "operation_duration_seconds", "errors_total", "requests_total", "request_repetitions_total", "request_duration_seconds", "dollars_total"} {
			if !seen["s3db_"+name] {
				t.Errorf("no s3db_%s", name)
			}
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestScrape: it is served over HTTP.
func TestScrape(t *testing.T) {
	m := metrics.New(metrics.Options{NoPerformance: true})
	db := visit(t, m)
	defer db.Close()
	registry := prometheus.NewRegistry()
	registry.MustRegister(&promexport.Collector{Metrics: m})
	server := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	defer server.Close()
	reply, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil || !strings.Contains(string(body), `s3db_operations_total{operation="get",outcome="error",resource="sessions"} 1`) || strings.Contains(string(body), "seconds") {
		t.Errorf("%v\n%s", err, body)
	}
}

// BenchmarkScrape reads the numbers of many methods.
func BenchmarkScrape(b *testing.B) {
	m := metrics.New(metrics.Options{})
	db, err := shop.New(b.Context(), memstore.New(), s3db.WithPlugin(m), s3db.WithKey("k1", canary.Key(1)), s3db.WithIDs("products", s3db.NanoID(12)))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Sessions.GetAll(b.Context()); err != nil {
		b.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(&promexport.Collector{Metrics: m})
	for b.Loop() {
		if _, err := registry.Gather(); err != nil {
			b.Fatal(err)
		}
	}
}
