package clienttest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// conditional is a client's way to a store that counts the writes of sequences, and
// those of them that would be carried out whatever another client did before.
type conditional struct {
	s3db.Store
	blocks, blind *atomic.Int64
}

// Put implements s3db.Store.
func (c conditional) Put(ctx context.Context, key string, body []byte, metadata map[string]string, cond s3db.Condition) (string, error) {
	if strings.HasPrefix(key, "sequence=") {
		c.blocks.Add(1)
		if !cond.Absent() && cond.ETag() == "" {
			c.blind.Add(1)
		}
	}
	return c.Store.Put(ctx, key, body, metadata, cond)
}

// testSequence: callers of several databases, opened as by programs of their own, take
// numbers of one sequence at once. None comes twice, those of one caller grow, and no
// block is taken without a condition.
func testSequence(t *testing.T, store s3db.Store) {
	t.Helper()
	const databases, callers, each = 4, 4, 10
	var blocks, blind atomic.Int64
	var mu sync.Mutex
	var got []int64
	var running sync.WaitGroup
	for i := range databases {
		c := mustOpen(t, conditional{store, &blocks, &blind}, 0, 0,
			s3db.WithRetry(s3db.RetryPolicy{Conflicts: 1000, Base: time.Millisecond, Cap: 20 * time.Millisecond}))
		s := must[*s3db.Sequence[int64]](t)(s3db.NewSequence[int64](c.Database(), "invoices", s3db.SequenceOptions{Block: int64(1 + 2*(i%2))}))
		for range callers {
			running.Go(func() {
				before := int64(0)
				for range each {
					n, err := s.Next(t.Context())
					if err != nil || n <= before {
						t.Errorf("%d after %d, %v", n, before, err)
						return
					}
					before = n
					mu.Lock()
					got = append(got, n)
					mu.Unlock()
				}
			})
		}
	}
	running.Wait()
	slices.Sort(got)
	if different := len(slices.Compact(slices.Clone(got))); len(got) != databases*callers*each || different != len(got) {
		t.Errorf("%d numbers, %d different ones", len(got), different)
	}
	if blocks.Load() == 0 || blind.Load() > 0 {
		t.Errorf("%d of %d blocks were taken without a condition", blind.Load(), blocks.Load())
	}
}
