package promexport_test

import (
	"context"
	"log"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	"github.com/s3dbgen/s3dbgen/plugins/costs"
	"github.com/s3dbgen/s3dbgen/plugins/metrics"
	"github.com/s3dbgen/s3dbgen/plugins/promexport"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

func Example() {
	m, spent := metrics.New(metrics.Options{}), &costs.Plugin{}
	db, err := shop.Open(context.Background(), "mem://prometheus-example", s3db.WithPlugin(spent, m),
		s3db.WithPassphrase("correct horse"), s3db.WithIDs("products", s3db.NanoID(12)))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	prometheus.MustRegister(&promexport.Collector{Metrics: m, Costs: spent})
	http.Handle("/metrics", promhttp.Handler())
	// Output:
}
