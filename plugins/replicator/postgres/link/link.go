// Package link makes PostgreSQL known to configuration files.
package link

import (
	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/config"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/postgres"
)

// Driver is the driver "postgres".
func Driver() config.Driver {
	return config.Driver{Name: "postgres", New: func(s *config.Settings) (replicator.Target, error) {
		c := postgres.Config{
			ConnectionString: s.Text("connectionString"),
			Host:             s.Text("host"),
			Port:             s.Number("port", 1, 65535),
			Database:         s.Text("database"),
			User:             s.Text("user"),
			Password:         s.Text("password"),
			Schema:           s.Text("schema"),
			Table:            s.Text("tableName"),
			Documents:        s.OneOf("columns", "typed", "json") == "json",
			LogTable:         s.Text("logTable"),
		}
		if s.Has("ssl") {
			c.SSL = new(s.Bool("ssl"))
		}
		return postgres.New(c)
	}}
}
