package boltstore_test

import (
	"path/filepath"
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/boltstore"
)

// TestClient runs the client's suite on files.
func TestClient(t *testing.T) {
	clienttest.Run(t, func(t *testing.T) s3db.Store {
		t.Helper()
		store, err := boltstore.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), boltstore.Options{})
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
		store, err := boltstore.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), boltstore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		return store
	})
}
