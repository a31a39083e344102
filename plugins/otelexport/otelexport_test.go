package otelexport_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/codes"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	"github.com/s3dbgen/s3dbgen/internal/canary"
	"github.com/s3dbgen/s3dbgen/plugins/otelexport"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// open opens the example on a store whose requests take 20 ms.
func open(tb testing.TB, plugins ...s3db.Plugin) *shop.DB {
	tb.Helper()
	store := memstore.New()
	db, err := shop.New(tb.Context(), store, s3db.WithPlugin(plugins...), s3db.WithKey("k1", canary.Key(1)), s3db.WithIDs("products", s3db.NanoID(12)))
	if err != nil {
		tb.Fatal(err)
	}
	store.SetFault(func(memstore.Request) memstore.Injection { return memstore.Injection{Delay: 20 * time.Millisecond} })
	return db
}

// TestTraces: a call has a span within that of its caller, requests have theirs within
// it, and each is as long as what it stands for; nothing tells which document.
func TestTraces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spans := tracetest.NewInMemoryExporter()
		provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
		db := open(t, &otelexport.Plugin{Traces: provider, Metrics: sdkmetric.NewMeterProvider()})

		ctx, caller := provider.Tracer("test").Start(t.Context(), "caller")
		if _, err := db.Sessions.Get(ctx, "secret-visitor"); !errors.Is(err, s3db.ErrNotFound) {
			t.Fatal(err)
		}
		for d, err := range db.Sessions.Query().All(ctx) {
			t.Error(d, err)
		}
		caller.End()

		byID := map[string]tracetest.SpanStub{}
		for _, s := range spans.GetSpans() {
			byID[s.SpanContext.SpanID().String()] = s
		}
		var got []string
		for _, s := range spans.GetSpans() {
			line := fmt.Sprintf("%s %s", s.Name, s.EndTime.Sub(s.StartTime))
			if s.Status.Code == codes.Error {
				line += " " + s.Status.Description
			}
			if parent, ok := byID[s.Parent.SpanID().String()]; ok {
				line += " in " + parent.Name
				if s.StartTime.Before(parent.StartTime) || s.EndTime.After(parent.EndTime) {
					t.Errorf("%s is not within %s", s.Name, parent.Name)
				}
			}
			got = append(got, line)
			if text := fmt.Sprint(s); strings.Contains(text, "secret-visitor") {
				t.Errorf("a span tells the id: %s", text)
			}
		}
		want := []string{"GET 20ms in get sessions", "get sessions 20ms ErrNotFound in caller", "LIST 20ms in list sessions", "list sessions 20ms in caller", "caller 40ms"}
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestMeasurements: calls and requests are measured, with their errors.
func TestMeasurements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader := sdkmetric.NewManualReader()
		db := open(t, &otelexport.Plugin{Metrics: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)), NoRequests: true})
		ctx := t.Context()
		if _, err := db.Sessions.Get(ctx, "nobody"); !errors.Is(err, s3db.ErrNotFound) {
			t.Fatal(err)
		}
		if _, err := db.Sessions.GetAll(ctx); err != nil {
			t.Fatal(err)
		}
		var data metricdata.ResourceMetrics
		if err := reader.Collect(ctx, &data); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range data.ScopeMetrics {
			for _, m := range s.Metrics {
				h, ok := m.Data.(metricdata.Histogram[float64])
				if !ok {
					t.Fatalf("%s is a %T", m.Name, m.Data)
				}
				for _, p := range h.DataPoints {
					var about []string
					for _, a := range p.Attributes.ToSlice() {
						about = append(about, a.Value.String())
					}
					got = append(got, fmt.Sprintf("%s %d %.2fs %s", m.Name, p.Count, p.Sum, strings.Join(about, " ")))
				}
			}
		}
		slices.Sort(got)
		want := []string{
			"db.client.operation.duration 1 0.02s sessions get s3db ErrNotFound",
			"db.client.operation.duration 1 0.02s sessions getAll s3db",
			"s3db.request.duration 1 0.02s ErrNotFound get",
			"s3db.request.duration 1 0.02s list",
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestGlobalProviders: the zero value uses what the program has set.
func TestGlobalProviders(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	before := otel.GetTracerProvider()
	defer otel.SetTracerProvider(before)
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)))
	db := open(t, &otelexport.Plugin{NoRequests: true})
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := db.Sessions.Query().Count(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := spans.GetSpans(); len(got) != 1 || got[0].Name != "count sessions" {
		t.Errorf("%v", got)
	}
}

// BenchmarkGet compares a read without the plugin, with providers that drop all, and
// with spans that are recorded.
func BenchmarkGet(b *testing.B) {
	recording := sdktrace.NewTracerProvider()
	for name, plugins := range map[string][]s3db.Plugin{
		"without":   nil,
		"noop":      {&otelexport.Plugin{}},
		"recording": {&otelexport.Plugin{Traces: recording}},
	} {
		b.Run(name, func(b *testing.B) {
			db, err := shop.New(b.Context(), memstore.New(), s3db.WithPlugin(plugins...), s3db.WithKey("k1", canary.Key(1)), s3db.WithIDs("products", s3db.NanoID(12)))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := db.Sessions.Get(b.Context(), "nobody"); !errors.Is(err, s3db.ErrNotFound) {
					b.Fatal(err)
				}
			}
			if err := db.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}
