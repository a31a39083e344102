package s3store_test

import (
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/s3store"
)

// TestClient runs the client's suite on the server, each test in a bucket of its
// own.
func TestClient(t *testing.T) {
	clienttest.Run(t, func(t *testing.T) s3db.Store {
		t.Helper()
		store, err := s3store.New(t.Context(), options(t))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		return store
	})
}

// TestLargeContent: a content passes through memory in parts.
func TestLargeContent(t *testing.T) {
	clienttest.RunLargeContent(t, func(t *testing.T) s3db.Store {
		t.Helper()
		store, err := s3store.New(t.Context(), options(t))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		return store
	})
}
