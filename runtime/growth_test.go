package s3db_test

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// BenchmarkGrowth measures how the cost of what reads and writes many documents
// grows with their number, on the memory store, without latency and with 20 ms for
// each request: time, requests, and the live heap above the store's own while it runs.
func BenchmarkGrowth(b *testing.B) {
	for _, latency := range []time.Duration{0, 20 * time.Millisecond} {
		for _, n := range []int{1_000, 10_000, 100_000} {
			g := &growth{n: n}
			for _, op := range []struct {
				name string
				run  func(g *growth, ctx context.Context, tick func()) error
			}{
				{"write", (*growth).write}, {"stream", (*growth).stream}, {"count", (*growth).count}, {"countParallel", (*growth).countParallel}, {"page", (*growth).page},
			} {
				b.Run(fmt.Sprintf("op=%s/latency=%v/n=%d", op.name, latency, n), func(b *testing.B) {
					b.StopTimer()
					run := func(tick func()) {
						if err := op.run(g, b.Context(), tick); err != nil {
							b.Fatal(err)
						}
					}
					held, peak := liveHeap(), int64(0)
					if op.name != "write" {
						run(func() { peak = max(peak, liveHeap()-held) })
					}
					requests := 0
					b.ResetTimer()
					for range b.N {
						if op.name == "write" {
							g.server = memstore.NewServer(memstore.Options{Latency: func(memstore.Request) time.Duration { return time.Duration(g.latency.Load()) }})
						}
						g.open(b) // a client that has not learnt how long an answer takes
						g.latency.Store(int64(latency))
						b.StartTimer()
						run(func() {})
						b.StopTimer()
						g.latency.Store(0)
						requests = g.store.Counts().Total()
					}
					b.ReportMetric(float64(requests), "requests")
					b.ReportMetric(float64(peak>>10), "held-KiB")
				})
			}
		}
	}
}

// growth is a database of n documents.
type growth struct {
	n       int
	c       *clienttest.Accounts
	server  *memstore.Server
	store   *memstore.Store
	latency atomic.Int64
}

// open opens the database anew.
func (g *growth) open(b *testing.B) {
	b.Helper()
	g.store = g.server.Client()
	c, err := clienttest.Open(b.Context(), g.store, 0, 0, s3db.WithConcurrency(64))
	if err != nil {
		b.Fatal(err)
	}
	g.c = c
	g.store.ResetCounts()
}

func liveHeap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // far below
}

func (g *growth) write(ctx context.Context, _ func()) error {
	w, err := g.c.Writer(ctx)
	if err != nil {
		return err
	}
	for i := range g.n {
		in := clienttest.AccountInsert{ID: clienttest.AccountID(fmt.Sprintf("a%07d", i)), Name: "Ada Lovelace", Count: int64(i), Bio: new("Wrote the first program for a machine that did not exist.")}
		if err := w.Write(in); err != nil {
			return err
		}
	}
	return w.Close()
}

func (g *growth) stream(ctx context.Context, tick func()) error {
	read := 0
	for _, err := range g.c.Query().All(ctx) {
		if err != nil {
			return err
		}
		if read++; read%(g.n/10) == 0 {
			tick()
		}
	}
	return g.all(read)
}

func (g *growth) count(ctx context.Context, tick func()) error {
	return g.countOf(ctx, g.c.Query(), tick)
}

func (g *growth) countParallel(ctx context.Context, tick func()) error {
	return g.countOf(ctx, g.c.Query().ParallelList(8), tick)
}

func (g *growth) countOf(ctx context.Context, q accountQuery, tick func()) error {
	read := 0
	for _, err := range q.IDs(ctx) {
		if err != nil {
			return err
		}
		if read++; read%(g.n/10) == 0 {
			tick()
		}
	}
	return g.all(read)
}

func (g *growth) page(ctx context.Context, tick func()) error {
	p, err := g.c.Query().Page(ctx, 20)
	if err != nil {
		return err
	}
	tick()
	if len(p.Items) != 20 {
		return fmt.Errorf("a page of %d documents", len(p.Items))
	}
	return nil
}

func (g *growth) all(read int) error {
	if read != g.n {
		return fmt.Errorf("%d documents of %d", read, g.n)
	}
	return nil
}
