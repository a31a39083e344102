package postgres_test

import (
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/evolution"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/postgres"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/targettest"
)

// TestVersions: programs of six versions write side by side; tables get the columns of
// each and lose nothing.
func TestVersions(t *testing.T) {
	for name, config := range map[string]postgres.Config{"columns": {}, "documents": {Documents: true, Table: "users"}} {
		t.Run(name, func(t *testing.T) {
			evolution.Run(t, func(t *testing.T) targettest.Place {
				t.Helper()
				return place{newDatabase(t), config}
			})
		})
	}
}
