// Package link makes webhooks known to configuration files.
package link

import (
	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/config"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/webhook"
)

// Driver is the driver "webhook".
func Driver() config.Driver {
	return config.Driver{Name: "webhook", New: func(s *config.Settings) (replicator.Target, error) {
		c := webhook.Config{
			URL:        s.Required("url"),
			Plain:      s.Bool("plain"),
			Secrets:    s.Texts("secrets"),
			Header:     s.Map("headers"),
			BatchSize:  s.Number("batchSize", 1, 10_000),
			BatchBytes: s.Number("batchBytes", 1, 100<<20),
			Timeout:    s.Duration("timeout"),
			Attempts:   s.Number("attempts", 1, 100),
			MaxWait:    s.Duration("maxWait"),
			CAFile:     s.Text("caFile"),
		}
		if s.Has("secret") {
			c.Secrets = append([]string{s.Text("secret")}, c.Secrets...)
		}
		return webhook.New(c)
	}}
}
