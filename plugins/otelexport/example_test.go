package otelexport_test

import (
	"context"
	"fmt"
	"log"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	"github.com/s3dbgen/s3dbgen/plugins/otelexport"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

func Example() {
	spans := tracetest.NewInMemoryExporter() // a program sends them to a collector
	traces := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))

	ctx := context.Background()
	db, err := shop.Open(ctx, "mem://otel-example", s3db.WithPlugin(&otelexport.Plugin{Traces: traces}),
		s3db.WithPassphrase("correct horse"), s3db.WithIDs("products", s3db.NanoID(12)))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	if _, err := db.Sessions.Query().Count(ctx); err != nil {
		log.Fatal(err)
	}
	for _, s := range spans.GetSpans() {
		fmt.Println(s.Name)
	}
	// Output:
	// LIST
	// count sessions
}
