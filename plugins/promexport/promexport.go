// Package promexport serves the metrics of a database to Prometheus.
package promexport

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/s3dbgen/s3dbgen/plugins/costs"
	"github.com/s3dbgen/s3dbgen/plugins/metrics"
)

// Collector is a [prometheus.Collector]. It reads the plugins when it is scraped and
// sends no request.
type Collector struct {
	// Metrics is the installed plugin.
	Metrics *metrics.Plugin
	// Costs, unless it is nil, adds s3db_dollars_total.
	Costs *costs.Plugin
	// Labels are put on all metrics, as to tell one database from another.
	Labels prometheus.Labels
}

// family is a metric with its labels.
func (c *Collector) family(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("s3db_"+name, help, labels, c.Labels)
}

func (c *Collector) operations() *prometheus.Desc {
	return c.family("operations_total", "Calls of methods, by what became of them.", "resource", "operation", "outcome")
}

func (c *Collector) operationSeconds() *prometheus.Desc {
	return c.family("operation_duration_seconds", "Time of a call of a method.", "resource", "operation")
}

func (c *Collector) documents() *prometheus.Desc {
	return c.family("listed_documents_total", "Documents that lists have read.", "resource", "operation")
}

func (c *Collector) errors() *prometheus.Desc {
	return c.family("errors_total", "Errors that methods have returned.", "resource", "type")
}

func (c *Collector) requests() *prometheus.Desc {
	return c.family("requests_total", "Attempts of requests to the store. A condition that was false is a failure.", "kind", "outcome")
}

func (c *Collector) repetitions() *prometheus.Desc {
	return c.family("request_repetitions_total", "Attempts that were not the first one.", "kind")
}

func (c *Collector) requestSeconds() *prometheus.Desc {
	return c.family("request_duration_seconds", "Time of an attempt of a request.", "kind")
}

func (c *Collector) cacheAnswers() *prometheus.Desc {
	return c.family("cache_answers_total", "Questions to the cache.", "outcome")
}

func (c *Collector) dollars() *prometheus.Desc {
	return c.family("dollars_total", "Price of the requests, in US dollars.", "resource")
}

// Describe implements [prometheus.Collector].
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.operations(), c.operationSeconds(), c.documents(), c.errors(),
		c.requests(), c.repetitions(), c.requestSeconds(), c.cacheAnswers(),
	} {
		out <- d
	}
	if c.Costs != nil {
		out <- c.dollars()
	}
}

// Collect implements [prometheus.Collector].
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	count := func(d *prometheus.Desc, n float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, n, labels...)
	}
	t := c.Metrics.Totals()
	for _, o := range t.Operations {
		for _, x := range []struct {
			outcome string
			n       int64
		}{{"insert", o.Inserts}, {"update", o.Updates}, {"delete", o.Deletes}, {"read", o.Reads}, {"error", o.Failed}} {
			if x.n > 0 {
				count(c.operations(), float64(x.n), o.Resource, o.Operation, x.outcome)
			}
		}
		if o.Documents > 0 {
			count(c.documents(), float64(o.Documents), o.Resource, o.Operation)
		}
		histogram(out, c.operationSeconds(), o.Buckets, o.Time, o.Resource, o.Operation)
	}
	for _, e := range t.Errors {
		count(c.errors(), float64(e.Count), e.Resource, e.Type)
	}
	for _, r := range t.Requests {
		count(c.requests(), float64(r.Count-r.Failed), r.Kind, "success")
		count(c.requests(), float64(r.Failed), r.Kind, "failure")
		count(c.repetitions(), float64(r.Repeated), r.Kind)
		histogram(out, c.requestSeconds(), r.Buckets, r.Time, r.Kind)
	}
	if t.Cache.Hits+t.Cache.Misses > 0 {
		count(c.cacheAnswers(), float64(t.Cache.Hits), "hit")
		count(c.cacheAnswers(), float64(t.Cache.Misses), "miss")
	}
	if c.Costs != nil {
		for resource, cost := range c.Costs.Costs().ByResource {
			count(c.dollars(), cost.Dollars.Dollars(), resource)
		}
	}
}

// histogram sends buckets as the cumulative ones of Prometheus.
func histogram(out chan<- prometheus.Metric, d *prometheus.Desc, buckets []int64, sum time.Duration, labels ...string) {
	if buckets == nil {
		return // times are left out
	}
	var n uint64
	upTo := map[float64]uint64{}
	for i, bound := range metrics.Bounds() {
		n += uint64(buckets[i])
		upTo[bound.Seconds()] = n
	}
	n += uint64(buckets[len(buckets)-1])
	out <- prometheus.MustNewConstHistogram(d, n, sum.Seconds(), upTo, labels...)
}
