// Package link makes BigQuery known to configuration files.
package link

import (
	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/bigquery"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/config"
)

// Driver is the driver "bigquery".
func Driver() config.Driver {
	return config.Driver{Name: "bigquery", New: func(s *config.Settings) (replicator.Target, error) {
		credentials := s.Part("credentials")
		c := bigquery.Config{
			ProjectID: s.Required("projectId"),
			DatasetID: s.Required("datasetId"),
			Location:  s.Text("location"),
			Credentials: bigquery.Credentials{
				ClientEmail: credentials.Text("client_email"),
				PrivateKey:  credentials.Text("private_key"),
				TokenURI:    credentials.Text("token_uri"),
			},
			TableID:        s.Text("tableId"),
			LogTable:       s.Text("logTable"),
			AttemptTimeout: s.Duration("attemptTimeout"),
			JobTimeout:     s.Duration("jobTimeout"),
			Attempts:       s.Number("attempts", 1, 100),
			Endpoint:       s.Text("endpoint"),
		}
		// The other members of a key file may stand beside them.
		for _, name := range []string{"type", "project_id", "private_key_id", "client_id", "auth_uri", "auth_provider_x509_cert_url", "client_x509_cert_url", "universe_domain"} {
			credentials.Has(name)
		}
		if s.OneOf("mode", "merge", "append") == "append" {
			c.Mode = bigquery.Append
		}
		if s.OneOf("columns", "typed", "json") == "json" {
			c.Columns = bigquery.JSON
		}
		return bigquery.New(c)
	}}
}
