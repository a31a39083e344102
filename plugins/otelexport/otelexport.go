// Package otelexport sends traces and metrics of a database to OpenTelemetry.
//
// Names follow the semantic conventions for database clients:
// https://opentelemetry.io/docs/specs/semconv/database/.
package otelexport

import (
	"context"
	"errors"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/s3dbgen/s3dbgen/plugins/metrics"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// scope names this package to OpenTelemetry.
const scope = "github.com/s3dbgen/s3dbgen/plugins/otelexport"

// Plugin makes a span and a measurement of each call of a method, and of each
// attempt of a request that it sends. The zero value uses the global providers.
//
// A span of a call is a child of the span in the caller's context, and those of the
// requests are its children. It has the resource, the method and, where a call is
// about one document, nothing that tells which: ids may be personal. Errors are named by
// their type.
type Plugin struct {
	// Traces makes spans; nil: that of otel.GetTracerProvider.
	Traces trace.TracerProvider
	// Metrics makes instruments; nil: that of otel.GetMeterProvider.
	Metrics metric.MeterProvider
	// NoRequests leaves out the spans of requests.
	NoRequests bool

	tracer     trace.Tracer
	operations metric.Float64Histogram
	requests   metric.Float64Histogram
}

// Name implements [s3db.Plugin].
func (p *Plugin) Name() string { return "otel" }

// Install implements [s3db.Plugin]. Requests before it, those of Open, have no span.
func (p *Plugin) Install(_ context.Context, db *s3db.Database) error {
	traces, meters := p.Traces, p.Metrics
	if traces == nil {
		traces = otel.GetTracerProvider()
	}
	if meters == nil {
		meters = otel.GetMeterProvider()
	}
	meter := meters.Meter(scope)
	bounds := metric.WithExplicitBucketBoundaries(seconds(metrics.Bounds())...)
	var err, err2 error
	p.operations, err = meter.Float64Histogram("db.client.operation.duration", metric.WithUnit("s"), metric.WithDescription("Duration of calls of methods."), bounds)
	p.requests, err2 = meter.Float64Histogram("s3db.request.duration", metric.WithUnit("s"), metric.WithDescription("Duration of attempts of requests to the store."), bounds)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	p.tracer = traces.Tracer(scope)
	db.Use(p.call)
	return nil
}

func seconds(list []time.Duration) []float64 {
	out := make([]float64, len(list))
	for i, d := range list {
		out[i] = d.Seconds()
	}
	return out
}

// call makes the span of a call.
func (p *Plugin) call(ctx context.Context, call s3db.AnyCall, next func(context.Context) (any, error)) (any, error) {
	began := time.Now()
	method, resource := call.Method().String(), call.Resource()
	about := []attribute.KeyValue{
		attribute.String("db.system.name", "s3db"),
		attribute.String("db.operation.name", method),
		attribute.String("db.collection.name", resource),
	}
	ctx, span := p.tracer.Start(ctx, method+" "+resource, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(about...), trace.WithTimestamp(began))
	var failed error
	s3db.OnEnd(call, func() {
		if failed != nil {
			kind := attribute.String("error.type", metrics.ErrorType(failed))
			span.SetAttributes(kind)
			span.SetStatus(codes.Error, kind.Value.AsString())
			about = append(about, kind)
		}
		now := time.Now()
		p.operations.Record(ctx, now.Sub(began).Seconds(), metric.WithAttributes(about...))
		span.End(trace.WithTimestamp(now))
	})
	v, err := next(ctx)
	failed = err
	return v, err
}

// ObserveRequest implements [s3db.RequestObserver].
func (p *Plugin) ObserveRequest(ctx context.Context, r s3db.Request) {
	if p.tracer == nil {
		return // not installed yet
	}
	about := []attribute.KeyValue{attribute.String("s3db.request.kind", r.Kind.String())}
	if r.Err != nil {
		about = append(about, attribute.String("error.type", requestError(r.Err)))
	}
	p.requests.Record(ctx, r.Duration.Seconds(), metric.WithAttributes(about...))
	if p.NoRequests {
		return
	}
	if r.Attempt > 0 {
		about = append(about, attribute.Int("s3db.request.attempt", r.Attempt))
	}
	_, span := p.tracer.Start(ctx, strings.ToUpper(r.Kind.String()), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(about...), trace.WithTimestamp(r.Began))
	if r.Err != nil && !expected(r.Err) {
		span.SetStatus(codes.Error, requestError(r.Err))
	}
	span.End(trace.WithTimestamp(r.Began.Add(r.Duration)))
}

// expected reports an answer that is no failure of the store.
func expected(err error) bool {
	return errors.Is(err, s3db.ErrNotFound) || errors.Is(err, s3db.ErrPrecondition)
}

func requestError(err error) string {
	if errors.Is(err, s3db.ErrPrecondition) {
		return "ErrPrecondition"
	}
	return metrics.ErrorType(err)
}
