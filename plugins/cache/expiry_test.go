package cache_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	"github.com/s3dbgen/s3dbgen/plugins/cache"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// TestExpiredAreNotServed: a result is forgotten when one of its documents expires,
// though nobody has written anything, wherever it is kept.
func TestExpiredAreNotServed(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ttl := &s3db.TTL[doc]{Every: time.Minute, After: func(d *doc) *time.Time {
		if d.ID == "d" {
			return nil // it lives on
		}
		return new(start.Add(time.Duration(d.Count+1) * time.Hour))
	}}
	for _, options := range []cache.Options{
		{TTL: 24 * time.Hour}, {Verify: true, TTL: 24 * time.Hour},
		{Driver: cache.S3, TTL: 24 * time.Hour}, {Driver: cache.S3, Verify: true, TTL: 24 * time.Hour},
	} {
		t.Run(fmt.Sprintf("driver %d verify %t", options.Driver, options.Verify), func(t *testing.T) {
			store := memstore.New()
			now := start
			clock := s3db.WithClock(func() time.Time { return now })
			c := must(clienttest.OpenTTL(t.Context(), store, 3, 2, ttl, clock, s3db.WithPlugin(cache.New(options))))(t)
			plain := reads(must(clienttest.OpenTTL(t.Context(), store, 3, 2, ttl, clock))(t))
			fill(t, c)
			hits := int64(0)
			for range 4 { // a, b and c expire one after the other
				for name, read := range reads(c) {
					want := must(plain[name](t.Context()))(t)
					for i := range 2 {
						before := store.Counts()
						if got := must(read(t.Context()))(t); got != want {
							t.Errorf("%s, read %d after %v: got %s, want %s", name, i, now.Sub(start), got, want)
						}
						if store.Counts().Sub(before).Total() <= 2 && i == 1 {
							hits++
						}
					}
				}
				now = now.Add(time.Hour)
			}
			if hits == 0 {
				t.Error("nothing was kept")
			}
		})
	}
}
