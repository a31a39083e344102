package s3dbtest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Clock is a clock that stands until it is set on, for createdAt and updatedAt:
//
//	clock := s3dbtest.NewClock(time.Date(2026, time.May, 1, 0, 0, 0, 0, time.UTC))
//	db, _ := s3dbtest.Open(t, shop.New, s3db.WithClock(clock.Now))
//
// It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that shows now.
func NewClock(now time.Time) *Clock { return &Clock{now: now} }

// Now returns what the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance sets the clock on.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// IDs makes the ids prefix1, prefix2 and so on, in the order in which documents are
// inserted, for s3db.WithIDs.
func IDs(prefix string) s3db.IDGenerator {
	var n atomic.Int64
	return func() (string, error) { return fmt.Sprint(prefix, n.Add(1)), nil }
}
