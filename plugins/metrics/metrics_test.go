package metrics_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	"github.com/s3dbgen/s3dbgen/plugins/metrics"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// slow makes each request take a time of its kind.
func slow(r memstore.Request) memstore.Injection {
	delays := map[memstore.Kind]time.Duration{memstore.Get: 20 * time.Millisecond, memstore.Put: 40 * time.Millisecond, memstore.List: 100 * time.Millisecond}
	return memstore.Injection{Delay: delays[r.Kind]}
}

// open opens a database without partitions and unique constraints, so that a write
// is one request.
func open(t *testing.T, store s3db.Store, plugins ...s3db.Plugin) *clienttest.Accounts {
	t.Helper()
	c, err := clienttest.Open(t.Context(), store, 0, 0, s3db.WithPlugin(plugins...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// use does a known number of operations, each of a known time.
func use(t *testing.T, c *clienttest.Accounts) {
	t.Helper()
	ctx := t.Context()
	var errs []error
	for _, id := range []clienttest.AccountID{"a", "b", "c"} {
		_, err := c.Insert(ctx, clienttest.AccountInsert{ID: id, Name: "n"})
		errs = append(errs, err)
	}
	_, err := c.Upsert(ctx, "a", clienttest.AccountInsert{Name: "m"})
	errs = append(errs, err)
	_, err = c.Update(ctx, "b", clienttest.AccountPatch{Name: s3db.Set("m")})
	errs = append(errs, err, c.Delete(ctx, "c"))
	_, err = c.Get(ctx, "a")
	errs = append(errs, err)
	_, err = c.Query().List(ctx)
	errs = append(errs, err)
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(ctx, "x"); !errors.Is(err, s3db.ErrNotFound) {
		t.Fatal(err)
	}
	if _, err := c.Insert(ctx, clienttest.AccountInsert{ID: "a", Name: "n"}); !errors.Is(err, s3db.ErrAlreadyExists) {
		t.Fatal(err)
	}
}

// TestMetrics: the numbers are those of what was done, and the times those that the
// requests took.
func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		p := metrics.New(metrics.Options{})
		c := open(t, store, p)
		store.SetFault(slow)
		began := time.Now()
		use(t, c)
		took := time.Since(began)

		m := p.Metrics()
		if got, want := m.Usage, (metrics.Usage{
			Resources:          map[string]metrics.ResourceUsage{"accounts": {Inserts: 3, Updates: 2, Deletes: 1, Reads: 2}},
			TotalOperations:    10,
			MostActiveResource: "accounts",
			PeakUsageHour:      "00:00", // of the clock of synctest
		}); !cmp.Equal(got, want) {
			t.Error(cmp.Diff(want, got))
		}
		if got, want := m.Errors, (metrics.Errors{
			Total:      2,
			ByType:     map[string]int64{"ErrNotFound": 1, "ErrAlreadyExists": 1},
			ByResource: map[string]int64{"accounts": 2},
		}); !cmp.Equal(got, want) {
			t.Error(cmp.Diff(want, got))
		}
		if m.Performance.TotalRequests != 10 || m.Performance.AverageResponseTime != metrics.Milliseconds(took/10) {
			t.Errorf("%d operations of %s on average, together they took %s", m.Performance.TotalRequests, m.Performance.AverageResponseTime, took)
		}
		slowest := m.Performance.SlowestOperations
		if !slices.IsSortedFunc(slowest, func(a, b metrics.SlowOperation) int { return int(b.AverageTime - a.AverageTime) }) || len(slowest) != 6 {
			t.Errorf("slowest operations: %+v", slowest)
		}
		if got, want := slowest[0], (metrics.SlowOperation{Operation: "list", Resource: "accounts", AverageTime: metrics.Milliseconds(120 * time.Millisecond), Longest: metrics.Milliseconds(120 * time.Millisecond), Count: 1}); got != want {
			t.Errorf("the slowest is %+v, want %+v: a LIST and a GET", got, want)
		}
		for _, o := range p.Totals().Operations {
			if o.Operation == "get" && (o.Count() != 2 || o.Time != 40*time.Millisecond || o.Buckets[slices.Index(metrics.Bounds(), 25*time.Millisecond)] != 2) {
				t.Errorf("gets: %+v", o)
			}
		}
		for _, r := range p.Totals().Requests {
			if r.Kind == "list" && r.Time < 100*time.Millisecond {
				t.Errorf("lists: %+v", r)
			}
		}
		if err := c.Database().Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestRate: operations per second are of the time since Open.
func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := metrics.New(metrics.Options{})
		c := open(t, memstore.New(), p)
		use(t, c)
		<-time.After(5 * time.Second)
		if got := p.Metrics().Performance.RequestsPerSecond; got != 2 {
			t.Errorf("%v operations a second, want 10 in 5 s", got)
		}
	})
}

// TestLeftOut: what is not to be collected is not.
func TestLeftOut(t *testing.T) {
	p := metrics.New(metrics.Options{NoPerformance: true, NoUsage: true, NoErrors: true})
	use(t, open(t, memstore.New(), p))
	if got, want := p.Metrics(), (metrics.Metrics{Errors: metrics.Errors{ByType: map[string]int64{}, ByResource: map[string]int64{}}}); !cmp.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
	totals := p.Totals()
	for _, o := range totals.Operations {
		if o.Time != 0 || o.Buckets != nil {
			t.Errorf("times of %+v", o)
		}
	}
	if len(totals.Errors) > 0 || len(totals.Requests) > 0 || totals.Hours != [24]int64{} {
		t.Errorf("%+v", totals)
	}
}

// caching is a plugin that says that it answered from a cache.
type caching struct{ hits, misses atomic.Int64 }

func (*caching) Name() string                                  { return "cache" }
func (*caching) Install(context.Context, *s3db.Database) error { return nil }
func (c *caching) CacheStatistics() (hits, misses int64, spent time.Duration) {
	return c.hits.Load(), c.misses.Load(), time.Duration(c.hits.Load()) * time.Millisecond
}

// TestCacheMetrics: what the cache answered is told, and flushed once.
func TestCacheMetrics(t *testing.T) {
	cache := &caching{}
	p := metrics.New(metrics.Options{})
	c := open(t, memstore.New(), p, cache)
	for i := range 3 {
		cache.hits.Add(3)
		cache.misses.Add(1)
		use(t, open(t, memstore.New()))
		if _, err := c.Exists(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		if i < 2 {
			if err := p.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := metrics.Cache{HitRate: 0.75, TotalHits: 9, TotalMisses: 3, AverageCacheTime: metrics.Milliseconds(time.Millisecond)}
	if got := p.Metrics().Cache; got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	history, err := p.History(t.Context(), time.Time{}, time.Time{})
	if err != nil || history.Cache.Hits != 6 || history.Cache.Misses != 2 {
		t.Errorf("flushed %+v, %v", history.Cache, err)
	}
}

// TestFlush: what two processes did is in the database after each interval and after
// Close, once, whatever a flush met; what is too old is removed.
func TestFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		server := memstore.NewServer(memstore.Options{})
		var failed []error
		options := metrics.Options{FlushInterval: time.Minute, Keep: time.Hour, OnFlushError: func(err error) { failed = append(failed, err) }}
		one, two := metrics.New(options), metrics.New(metrics.Options{FlushInterval: time.Minute})
		store := server.Client()
		c, d := open(t, store, one), open(t, server.Client(), two)

		use(t, c)
		if _, err := d.Get(ctx, "a"); err != nil {
			t.Fatal(err)
		}
		history := func() metrics.Totals {
			t.Helper()
			sum, err := one.History(ctx, time.Time{}, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			return sum
		}
		if n := history().Report().Usage.TotalOperations; n != 0 {
			t.Errorf("%d operations are flushed before the time", n)
		}
		<-time.After(time.Minute + time.Second)
		if n := history().Report().Usage.TotalOperations; n != 11 {
			t.Errorf("%d operations are flushed, want the 10 of one process and the 1 of the other", n)
		}

		// A flush that fails loses nothing, and says so.
		var down atomic.Bool
		down.Store(true)
		store.SetFault(func(r memstore.Request) (i memstore.Injection) {
			if down.Load() && r.Kind == memstore.Put {
				i.Fault = memstore.Denied
			}
			return i
		})
		if _, err := c.Get(ctx, "a"); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Minute)
		synctest.Wait()
		if len(failed) != 1 || !errors.Is(failed[0], s3db.ErrRefused) {
			t.Errorf("failures: %v", failed)
		}
		if n := one.Metrics().Usage.TotalOperations; n != 11 {
			t.Errorf("%d operations are known while the store is down, want 11", n)
		}
		down.Store(false)
		<-time.After(time.Minute)
		if n := history().Report().Usage.TotalOperations; n != 12 {
			t.Errorf("%d operations are flushed after the failure, want 12", n)
		}

		// Close flushes the rest.
		if _, err := d.Get(ctx, "a"); err != nil {
			t.Fatal(err)
		}
		if err := d.Database().Close(); err != nil {
			t.Fatal(err)
		}
		if n := history().Report().Usage.TotalOperations; n != 13 {
			t.Errorf("%d operations are flushed after Close, want 13", n)
		}

		// A part of the history, and what is left after an hour.
		middle := time.Now()
		<-time.After(50 * time.Minute)
		if _, err := c.Get(ctx, "a"); err != nil {
			t.Fatal(err)
		}
		<-time.After(2 * time.Minute)
		early, err := one.History(ctx, time.Time{}, middle)
		late, err2 := one.History(ctx, middle, time.Time{})
		if err != nil || err2 != nil || early.Report().Usage.TotalOperations != 12 || late.Report().Usage.TotalOperations != 2 {
			t.Errorf("%d operations until then, %d later", early.Report().Usage.TotalOperations, late.Report().Usage.TotalOperations)
		}
		<-time.After(15 * time.Minute)
		if n := history().Report().Usage.TotalOperations; n != 1 {
			t.Errorf("%d operations are left after an hour, want 1", n)
		}
		if err := c.Database().Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestIdleFlushes: a program that does nothing writes nothing.
func TestIdleFlushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		c := open(t, store, metrics.New(metrics.Options{FlushInterval: time.Minute}))
		store.ResetCounts()
		<-time.After(time.Hour)
		if n := store.Counts().Put; n != 0 {
			t.Errorf("%d PUTs", n)
		}
		if err := c.Database().Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestTotalsAddUp: however calls are divided among totals, the sum is the same, also
// after a way through JSON.
func TestTotalsAddUp(t *testing.T) {
	const seed = 7
	rnd := rand.New(rand.NewPCG(seed, seed))
	one := func() metrics.Totals {
		return metrics.Totals{
			From: time.Unix(rnd.Int64N(1000), 0).UTC(), To: time.Unix(1000+rnd.Int64N(1000), 0).UTC(),
			Operations: []metrics.OperationTotal{{Resource: fmt.Sprint("r", rnd.IntN(3)), Operation: fmt.Sprint("o", rnd.IntN(3)), Reads: rnd.Int64N(9), Failed: rnd.Int64N(9), Time: time.Duration(rnd.IntN(99)), Longest: time.Duration(rnd.IntN(99)), Buckets: []int64{rnd.Int64N(9), rnd.Int64N(9)}}},
			Errors:     []metrics.ErrorTotal{{Resource: fmt.Sprint("r", rnd.IntN(3)), Type: fmt.Sprint("t", rnd.IntN(3)), Count: rnd.Int64N(9)}},
			Requests:   []metrics.RequestTotal{{Kind: fmt.Sprint("k", rnd.IntN(3)), Count: rnd.Int64N(9), Buckets: []int64{rnd.Int64N(9)}}},
			Hours:      [24]int64{3: rnd.Int64N(9), 14: rnd.Int64N(9)},
			Cache:      metrics.CacheTotal{Hits: rnd.Int64N(9), Misses: rnd.Int64N(9), Time: time.Duration(rnd.IntN(99))},
		}
	}
	for range 200 {
		var list []metrics.Totals
		for range 6 {
			list = append(list, one())
		}
		var left, right metrics.Totals
		for i := range list {
			left = left.Add(list[i])
			right = list[len(list)-1-i].Add(right)
		}
		encoded, err := json.Marshal(right)
		if err != nil {
			t.Fatal(err)
		}
		var decoded metrics.Totals
		if err := json.Unmarshal(encoded, &decoded); err != nil {
			t.Fatal(err)
		}
		if !cmp.Equal(left, decoded) {
			t.Fatalf("seed %d: %s", seed, cmp.Diff(left, decoded))
		}
	}
}

// TestErrorTypes: each error of the runtime that a method can return has its name.
func TestErrorTypes(t *testing.T) {
	source, err := os.ReadFile("../../runtime/errors.go")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]error{
		"ErrNotFound": s3db.ErrNotFound, "ErrNoContent": s3db.ErrNoContent, "ErrRange": s3db.ErrRange, "ErrUnsupported": s3db.ErrUnsupported,
		"ErrAlreadyExists": s3db.ErrAlreadyExists, "ErrConflict": s3db.ErrConflict, "ErrUnique": s3db.ErrUnique, "ErrTooLarge": s3db.ErrTooLarge,
		"ErrValidation": s3db.ErrValidation, "ErrInvalidID": s3db.ErrInvalidID, "ErrDecrypt": s3db.ErrDecrypt, "ErrCorrupt": s3db.ErrCorrupt,
		"ErrNewerFormat": s3db.ErrNewerFormat, "ErrOutdated": s3db.ErrOutdated, "ErrNeedsProgram": s3db.ErrNeedsProgram, "ErrUnavailable": s3db.ErrUnavailable, "ErrRefused": s3db.ErrRefused,
		"ErrUnknownOutcome": s3db.ErrUnknownOutcome, "ErrConfig": s3db.ErrConfig, "ErrKeyProvider": s3db.ErrKeyProvider,
		"ErrQuery": s3db.ErrQuery, "ErrCursor": s3db.ErrCursor, "ErrSortLimit": s3db.ErrSortLimit,
	}
	others := []string{"ErrPrecondition", "ErrKeyInUse"} // of stores and of rotations, not of methods
	for _, m := range regexp.MustCompile(`(?m)^\t(Err\w+)\s*=`).FindAllStringSubmatch(string(source), -1) {
		e, ok := known[m[1]]
		switch {
		case !ok && !slices.Contains(others, m[1]):
			t.Errorf("%s has no name", m[1])
		case ok && metrics.ErrorType(fmt.Errorf("get users/ada: %w", e)) != m[1]:
			t.Errorf("%s is called %s", m[1], metrics.ErrorType(e))
		}
	}
	for err, want := range map[error]string{context.Canceled: "canceled", context.DeadlineExceeded: "deadline", errors.New("x"): "other"} {
		if got := metrics.ErrorType(err); got != want {
			t.Errorf("%v is called %s, want %s", err, got, want)
		}
	}
}

// TestRefusals: wrong uses say so.
func TestRefusals(t *testing.T) {
	p := metrics.New(metrics.Options{})
	if err := p.Flush(t.Context()); err == nil {
		t.Error("a plugin that is not installed flushed")
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	open(t, memstore.New(), p)
	if _, err := clienttest.Open(t.Context(), memstore.New(), 0, 0, s3db.WithPlugin(p)); err == nil {
		t.Error("one plugin counts for two databases")
	}
	if _, err := clienttest.Open(t.Context(), memstore.New(), 0, 0, s3db.WithPlugin(metrics.New(metrics.Options{FlushInterval: -1}))); err == nil {
		t.Error("a negative interval is accepted")
	}
}

// BenchmarkGet compares a read with and without the plugin.
func BenchmarkGet(b *testing.B) {
	for _, name := range []string{"without", "with"} {
		b.Run(name, func(b *testing.B) {
			var plugins []s3db.Plugin
			if name == "with" {
				plugins = append(plugins, metrics.New(metrics.Options{}))
			}
			c, err := clienttest.Open(b.Context(), memstore.New(), 0, 0, s3db.WithPlugin(plugins...))
			if err != nil {
				b.Fatal(err)
			}
			if _, err := c.Insert(b.Context(), clienttest.AccountInsert{ID: "a", Name: "n"}); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Get(b.Context(), "a"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
