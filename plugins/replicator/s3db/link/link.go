// Package link makes copies in other databases known to configuration files.
package link

import (
	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/config"
	target "github.com/s3dbgen/s3dbgen/plugins/replicator/s3db"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Driver is the driver "s3db". drivers open the connection strings.
func Driver(drivers ...s3db.Driver) config.Driver {
	return config.Driver{Name: "s3db", New: func(s *config.Settings) (replicator.Target, error) {
		c := target.Config{
			URL:         s.Required("connectionString"),
			Drivers:     drivers,
			Concurrency: s.Number("concurrency", 1, 1000),
		}
		if endpoint := s.Text("endpoint"); endpoint != "" {
			c.Options = append(c.Options, s3db.WithEndpoint(endpoint))
		}
		if region := s.Text("region"); region != "" {
			c.Options = append(c.Options, s3db.WithRegion(region))
		}
		keys := s.Keys()
		c.Options, c.Reveal = append(c.Options, keys...), keys != nil
		return target.New(c)
	}}
}
