package storetest_test

import (
	"testing"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/runtime/storetest"
)

// The test of a store: each test of the suite gets an empty one.
func ExampleRun() {
	_ = func(t *testing.T) { // TestConformance of your package
		storetest.Run(t, func(t *testing.T) s3db.Store {
			store := memstore.New()
			t.Cleanup(func() { _ = store.Close() })
			return store
		})
	}
}
