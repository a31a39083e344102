package memstore_test

import (
	"testing"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/runtime/storetest"
)

func TestConformance(t *testing.T) {
	t.Run("Fresh", func(t *testing.T) {
		storetest.Run(t, func(*testing.T) s3db.Store { return memstore.New() })
	})
	t.Run("Shared", func(t *testing.T) {
		server := memstore.NewServer(memstore.Options{MetadataLimit: 4096})
		storetest.Run(t, func(*testing.T) s3db.Store { return server.Client() })
	})
	t.Run("NoConditionalDelete", func(t *testing.T) {
		server := memstore.NewServer(memstore.Options{Quirks: memstore.Quirks{IgnoreDeleteCondition: true}})
		storetest.Run(t, func(*testing.T) s3db.Store { return server.Client() })
	})
}
