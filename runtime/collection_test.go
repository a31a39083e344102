package s3db_test

import (
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// TestClient runs the client's suite on the in-memory store, once as a server
// with conditional deletes and once as one without.
func TestClient(t *testing.T) {
	t.Run("conditional delete", func(t *testing.T) {
		clienttest.Run(t, func(*testing.T) s3db.Store { return memstore.New() })
	})
	t.Run("local", func(t *testing.T) {
		clienttest.Run(t, func(*testing.T) s3db.Store { return memstore.NewServer(memstore.Options{Local: true}).Client() })
	})
	t.Run("no conditional delete", func(t *testing.T) {
		clienttest.Run(t, func(*testing.T) s3db.Store {
			return memstore.NewServer(memstore.Options{Quirks: memstore.Quirks{RefuseDeleteCondition: true}}).Client()
		})
	})
}
