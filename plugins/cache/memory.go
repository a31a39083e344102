package cache

import (
	"time"

	"github.com/maypok86/otter/v2"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// key names what is asked.
type key struct{ resource, hash string }

// memory keeps entries in this process, those that are used most.
type memory struct{ cache *otter.Cache[key, *entry] }

// newMemory calls gone for each entry that is no longer kept.
func newMemory(size int, gone func(*entry)) (*memory, error) {
	c, err := otter.New(&otter.Options[key, *entry]{
		MaximumWeight: uint64(size), //nolint:gosec // not negative
		Weigher:       func(_ key, e *entry) uint32 { return e.weight() },
		// The fence takes no lock of the cache while it holds its own.
		OnAtomicDeletion: func(x otter.DeletionEvent[key, *entry]) { gone(x.Value) },
		// Eviction is short, and done by whoever adds an entry.
		Executor: func(f func()) { f() },
	})
	if err != nil {
		return nil, err
	}
	return &memory{c}, nil
}

// get returns an entry that is true and not too old, or nil.
func (m *memory) get(k key, r *s3db.PendingRead, now time.Time) *entry {
	if m == nil {
		return nil
	}
	e, ok := m.cache.GetIfPresent(k)
	if !ok || !e.live.Load() {
		return nil
	}
	if !now.Before(e.expires) || !r.Holds(e.until) {
		m.cache.Invalidate(k)
		return nil
	}
	return e
}

func (m *memory) set(e *entry) { m.cache.Set(e.key, e) }

func (m *memory) drop(dead []*entry) {
	for _, e := range dead {
		m.cache.Invalidate(e.key)
	}
}

func (m *memory) clear() { m.cache.InvalidateAll() }
