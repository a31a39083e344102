package cache_test

import (
	"fmt"
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	"github.com/s3dbgen/s3dbgen/plugins/cache"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// BenchmarkGet: what the cache answers, what the memory store answers, and what
// of the latter is decoding, which both do.
func BenchmarkGet(b *testing.B) {
	for name, options := range map[string][]s3db.Option{"cached": {s3db.WithPlugin(cache.New(cache.Options{}))}, "memory store": nil} {
		b.Run(name, func(b *testing.B) {
			c := open(b, memstore.New(), options...)
			fill(b, c)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Get(b.Context(), "a"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkExists is a hit without a document: the overhead alone.
func BenchmarkExists(b *testing.B) {
	c := open(b, memstore.New(), s3db.WithPlugin(cache.New(cache.Options{})))
	fill(b, c)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Exists(b.Context(), "a"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInvalidate is a write with 1,000 results of queries in the cache, none
// of which it concerns.
func BenchmarkInvalidate(b *testing.B) {
	for _, n := range []int{0, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := open(b, memstore.New(), s3db.WithPlugin(cache.New(cache.Options{})))
			fill(b, c)
			for i := range n {
				rare := c.Query().Where(clienttest.Where().Count.Gt(int64(i) + 100))
				if _, err := rare.Count(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				if _, err := c.Update(b.Context(), "a", patch{Name: s3db.Set("m")}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
