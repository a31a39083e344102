package s3db_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// load answers reads as a test wants, and keeps how many were under way when each of
// them arrived.
type load struct {
	answer func(n, busy int) (took time.Duration, refuse bool)

	mu     sync.Mutex
	busy   int
	widths []int
}

func (l *load) fault(r memstore.Request) memstore.Injection {
	if r.Kind != memstore.Get {
		return memstore.Injection{}
	}
	l.mu.Lock()
	l.busy++
	l.widths = append(l.widths, l.busy)
	took, refuse := l.answer(len(l.widths), l.busy)
	l.mu.Unlock()
	<-time.After(took)
	l.mu.Lock()
	l.busy--
	l.mu.Unlock()
	if refuse {
		return memstore.Injection{Fault: memstore.SlowDown}
	}
	return memstore.Injection{}
}

// most returns the most reads under way at the same time, from one read to another.
func (l *load) most(from, to int) (most int) {
	for _, n := range l.widths[from:to] {
		most = max(most, n)
	}
	return most
}

func (l *load) readAll(t *testing.T, n int) {
	t.Helper()
	c, store, _ := accounts(t, n, memstore.Options{}, s3db.WithConcurrency(64), s3db.WithRetry(s3db.RetryPolicy{Base: 1, Cap: 1}))
	store.SetFault(l.fault)
	read := 0
	for _, err := range c.Query().All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		read++
	}
	if read != n {
		t.Errorf("%d documents of %d", read, n)
	}
}

// TestReadsShrinkWithLatency: when answers take much longer than they did, fewer reads
// are under way; when they are fast again, as many as before.
func TestReadsShrinkWithLatency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const ms = time.Millisecond
		l := &load{answer: func(n, busy int) (time.Duration, bool) {
			if n > 500 && n < 2500 {
				return time.Duration(busy) * 5 * ms / 2, false // 16 at a time take 40 ms
			}
			return 10 * ms, false
		}}
		l.readAll(t, 6000)
		before, loaded, after := l.most(0, 500), l.most(1800, 2300), l.most(5500, 6000)
		if before != 64 || loaded < 16 || loaded > 40 || after != 64 {
			t.Errorf("reads at once: %d, when the server is loaded %d, afterwards %d", before, loaded, after)
		}
		t.Logf("reads at once: %d, when the server is loaded %d, afterwards %d", before, loaded, after)
	})
}

// TestReadsHalve: answers that ask for less halve the reads, once for all that were
// under way; then they grow back, by one for each round.
func TestReadsHalve(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &load{answer: func(n, _ int) (time.Duration, bool) { return 10 * time.Millisecond, n > 640 && n <= 704 }}
		l.readAll(t, 4000)
		// The reads that were under way when the first answer came have ended by then.
		halved, later, end := l.most(768, 800), l.most(1000, 1032), l.most(3900, 4064)
		if l.most(0, 704) != 64 || halved < 31 || halved > 34 || later <= halved || end != 64 {
			t.Errorf("reads at once: %d, after the refusals %d, then %d, at the end %d", l.most(0, 704), halved, later, end)
		}
	})
}

// TestRefusedReadsAreSentAgain: no document is lost to refusals, and each is read
// again as often as it was refused.
func TestRefusedReadsAreSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		refused := 0
		l := &load{answer: func(n, _ int) (time.Duration, bool) {
			if n%7 == 0 {
				refused++
			}
			return time.Millisecond, n%7 == 0
		}}
		l.readAll(t, 500)
		if len(l.widths) != 500+refused || refused == 0 {
			t.Errorf("%d reads, %d refused", len(l.widths), refused)
		}
	})
}
