//go:build !race

package cache_test

import (
	"testing"

	"github.com/s3dbgen/s3dbgen/plugins/cache"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// TestAllocationsOfHits: a hit allocates little beside the document that it makes. The race
// detector allocates, too, so it is left out.
func TestAllocationsOfHits(t *testing.T) {
	c := open(t, memstore.New(), s3db.WithPlugin(cache.New(cache.Options{})))
	fill(t, c)
	for _, test := range []struct {
		name string
		most float64
		run  func() error
	}{
		{"exists", 5, func() error { _, err := c.Exists(t.Context(), "a"); return err }},
		{"get", 10, func() error { _, err := c.Get(t.Context(), "a"); return err }},
	} {
		var err error
		got := testing.AllocsPerRun(200, func() { err = test.run() })
		if err != nil || got > test.most {
			t.Errorf("%s: %.0f allocations, at most %.0f; %v", test.name, got, test.most, err)
		}
		t.Logf("%s: %.0f allocations", test.name, got)
	}
}
