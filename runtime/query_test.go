package s3db_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// Tests in a bubble of synctest fail when a goroutine is left behind.

type accountQuery = s3db.Query[clienttest.Account, clienttest.AccountID]

// accounts returns a server with n accounts, of which a third is in BR and each
// has its number as count, and a client to it.
func accounts(t *testing.T, n int, o memstore.Options, options ...s3db.Option) (*clienttest.Accounts, *memstore.Store, *memstore.Server) {
	t.Helper()
	latency := o.Latency
	slow := false
	server := memstore.NewServer(memstore.Options{Latency: func(r memstore.Request) time.Duration {
		if !slow || latency == nil {
			return 0
		}
		return latency(r)
	}})
	c, err := clienttest.Open(t.Context(), server.Client(), 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	list := make([]clienttest.AccountInsert, n)
	for i := range list {
		list[i] = clienttest.AccountInsert{ID: clienttest.AccountID(fmt.Sprintf("a%06d", i)), Name: "n", Count: int64(i)}
		if i%3 == 0 {
			list[i].Country = new("BR")
		}
		if i%2 == 0 {
			list[i].Email = new(fmt.Sprintf("%d@x.io", i))
		}
	}
	if _, err := c.InsertMany(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	store := server.Client()
	if c, err = clienttest.Open(t.Context(), store, 3, 1, options...); err != nil {
		t.Fatal(err)
	}
	slow = true
	store.ResetCounts()
	return c, store, server
}

func latency(d time.Duration) memstore.Options {
	return memstore.Options{Latency: func(memstore.Request) time.Duration { return d }}
}

// TestQueryRequests asserts what each way to run a query costs, and that its plan
// says the same.
func TestQueryRequests(t *testing.T) {
	t.Parallel()
	const n = 2500
	c, store, _ := accounts(t, n, memstore.Options{})
	w := clienttest.Where()
	ctx := t.Context()
	list := func(q accountQuery) error { _, err := q.List(ctx); return err }
	page := func(q accountQuery) error { _, err := q.Page(ctx, 20); return err }
	second := func(q accountQuery) error {
		p, err := q.Page(ctx, 20)
		if err != nil {
			return err
		}
		store.ResetCounts()
		_, err = q.After(p.Cursor).Page(ctx, 20)
		return err
	}
	count := func(q accountQuery) error { _, err := q.Count(ctx); return err }
	first := func(q accountQuery) error { _, err := q.First(ctx); return err }
	ids := func(q accountQuery) error {
		for _, err := range q.IDs(ctx) {
			if err != nil {
				return err
			}
		}
		return nil
	}
	all := c.Query()
	for _, test := range []struct {
		name string
		q    accountQuery
		run  func(accountQuery) error
		want memstore.Counts
	}{
		{"list", all, list, memstore.Counts{List: 3, Get: n}},
		{"count", all, count, memstore.Counts{List: 3}},
		{"ids", all, ids, memstore.Counts{List: 3}},
		{"first", all, first, memstore.Counts{List: 1, Get: 1}},
		{"page", all, page, memstore.Counts{List: 1, Get: 20}},
		{"page by cursor", all, second, memstore.Counts{List: 1, Get: 20}},
		{"page by cursor in a partition", all.Where(w.Country.Eq("BR")), second, memstore.Counts{List: 1, Get: 20}},
		{"limit", all.Limit(7), list, memstore.Counts{List: 1, Get: 7}},
		{"limit in a partition", all.Where(w.Country.Eq("BR")).Limit(7), list, memstore.Counts{List: 1, Get: 7}},
		{"offset", all.Offset(2000).Limit(7), list, memstore.Counts{List: 3, Get: 7}},
		{"partition", all.Where(w.Country.Eq("BR")), list, memstore.Counts{List: 1, Get: (n + 2) / 3}},
		{"unique", all.Where(w.Email.Eq("8@x.io")), list, memstore.Counts{Get: 2}},
		{"two unique values", all.Where(w.Email.In("8@x.io", "10@x.io")), list, memstore.Counts{Get: 4}},
		{"id", all.Where(w.ID.Eq("a000007")), list, memstore.Counts{Get: 1}},
		{"ids by name", all.Where(s3db.Or(w.ID.Eq("a000007"), w.ID.In("a000008"))), list, memstore.Counts{Get: 2}},
		{"prefix of ids", all.Where(w.ID.Prefix("a00000")), list, memstore.Counts{List: 1, Get: 10}},
		{"range of ids", all.Where(w.ID.Ge("a000100"), w.ID.Lt("a000110")), list, memstore.Counts{List: 1, Get: 10}},
		{"count of a range of ids", all.Where(w.ID.Ge("a000100"), w.ID.Lt("a000110")), count, memstore.Counts{List: 1}},
		{"nothing", all.Where(w.Country.In()), list, memstore.Counts{}},
		{"limit 0", all.Limit(0), list, memstore.Counts{}},
	} {
		store.ResetCounts()
		if err := test.run(test.q); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if diff := cmp.Diff(test.want, store.Counts()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		if p := test.q.Plan(); p.Known && test.name != "count" && (int(p.Requests.Get) != test.want.Get || test.name != "offset" && int(p.Requests.List) != test.want.List) && !strings.Contains(test.name, "page") {
			t.Errorf("%s: the plan says %+v, the query took %+v", test.name, p.Requests, test.want)
		}
	}
}

// TestScanIsAsFastAsItCanBe: with a latency of 20 ms, reading 10,000 documents 64 at
// a time takes hardly longer than its reads would without any listing.
func TestScanIsAsFastAsItCanBe(t *testing.T) {
	const n, width, ms = 10_000, 64, 20 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		c, _, _ := accounts(t, n, latency(ms), s3db.WithConcurrency(width))
		start := time.Now()
		got := 0
		for _, err := range c.Query().All(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got++
		}
		took, ideal := time.Since(start), ms+(n+width-1)/width*ms
		if got != n || took*10 > ideal*13 {
			t.Errorf("%d documents in %v, ideal is %v", got, took, ideal)
		}
		t.Logf("took %v, ideal %v", took, ideal)
	})
}

// TestLoopsMayEndAnywhere abandons a loop after each of its documents, and once
// before the first.
func TestLoopsMayEndAnywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, _ := accounts(t, 40, latency(time.Millisecond), s3db.WithConcurrency(4))
		w := clienttest.Where()
		for _, q := range []accountQuery{c.Query(), c.Query().Where(w.Country.Eq("BR")), c.Query().OrderBy(w.Count.Desc()), c.Query().Where(w.ID.In("a000001", "a000002"))} {
			for stop := range 41 {
				n := 0
				for _, err := range q.All(t.Context()) {
					if err != nil {
						t.Fatal(err)
					}
					if n++; n > stop {
						break
					}
				}
				n = 0
				for _, err := range q.IDs(t.Context()) {
					if err != nil {
						t.Fatal(err)
					}
					if n++; n > stop {
						break
					}
				}
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		seen, failed := 0, 0
		start := time.Now()
		for _, err := range c.Query().All(ctx) {
			switch {
			case err == nil:
				if seen++; seen == 3 {
					start = time.Now()
					cancel()
				}
			case errors.Is(err, context.Canceled):
				failed++
			default:
				t.Error(err)
			}
		}
		if failed != 1 || time.Since(start) != 0 {
			t.Errorf("after it was cancelled: %d errors, %v", failed, time.Since(start))
		}
	})
}

// TestStreamBounds: a loop that takes its time never has more documents ahead of it
// than BatchSize, nor more reads under way than Concurrency.
func TestStreamBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const batch, width = 50, 10
		var busy, most, started atomic.Int64
		c, store, _ := accounts(t, 300, memstore.Options{})
		store.SetFault(func(r memstore.Request) memstore.Injection {
			if r.Kind == memstore.Get {
				started.Add(1)
				most.Store(max(most.Load(), busy.Add(1)))
				<-time.After(time.Millisecond)
				busy.Add(-1)
			}
			return memstore.Injection{}
		})
		taken := int64(0)
		for _, err := range c.Query().All(t.Context(), s3db.BatchSize(batch), s3db.Concurrency(width)) {
			if err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Second)
			synctest.Wait()
			if ahead := started.Load() - taken; ahead > batch {
				t.Fatalf("%d documents are ahead of the loop", ahead)
			}
			taken++
		}
		if taken != 300 || most.Load() != width {
			t.Errorf("%d documents, %d reads at once", taken, most.Load())
		}
	})
}

// TestOneBadDocument: an error about one document names it and does not end the
// loop.
func TestOneBadDocument(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c, _, server := accounts(t, 30, memstore.Options{})
	server.Plant("resource=accounts/data/id=a000010", []byte("no document"), map[string]string{"s": "1-1"})
	var got, failed []string
	for d, err := range c.Query().All(ctx) {
		if e, ok := errors.AsType[*s3db.Error](err); ok {
			failed = append(failed, e.ID)
			continue
		}
		got = append(got, string(d.ID))
	}
	if len(got) != 29 || !slices.Equal(failed, []string{"a000010"}) {
		t.Errorf("%d documents, failed %v", len(got), failed)
	}
	list, err := c.Query().Collect(ctx)
	bulk, ok := errors.AsType[*s3db.BulkError](err)
	if !ok || len(list) != 29 || bulk.Total != 30 || len(bulk.Failed) != 1 || bulk.Failed[0].Index != 10 || bulk.Failed[0].ID != "a000010" {
		t.Errorf("collect: %d documents, %v", len(list), err)
	}
	if _, err := c.Query().List(ctx); !errors.Is(err, s3db.ErrCorrupt) {
		t.Errorf("list: %v", err)
	}
}

// TestCursors: a cursor that was altered, or comes from another query or database,
// is refused.
func TestCursors(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c, _, _ := accounts(t, 60, memstore.Options{})
	other, _, _ := accounts(t, 60, memstore.Options{})
	w := clienttest.Where()
	base := c.Query().Where(w.Count.Lt(50))
	for _, q := range []accountQuery{base, base.OrderBy(w.Count.Desc()), base.Where(w.Country.Eq("BR"))} {
		p, err := q.Page(ctx, 5)
		if err != nil || !p.HasMore {
			t.Fatal(p, err)
		}
		for name, wrong := range map[string]accountQuery{
			"other value": c.Query().Where(w.Count.Lt(51)), "other attribute": c.Query().Where(w.Name.Eq("n")),
			"other order": q.OrderBy(w.Name.Asc()), "all": c.Query(), "another database": other.Query().Where(w.Count.Lt(50)),
		} {
			if _, err := wrong.After(p.Cursor).Page(ctx, 5); !errors.Is(err, s3db.ErrCursor) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for i := range len(p.Cursor) {
			b := []byte(p.Cursor)
			b[i] ^= 1
			if _, err := q.After(s3db.Cursor(b)).Page(ctx, 5); !errors.Is(err, s3db.ErrCursor) {
				t.Errorf("byte %d altered: %v", i, err)
			}
			if _, err := q.After(p.Cursor[:i]).Page(ctx, 5); i > 0 && !errors.Is(err, s3db.ErrCursor) {
				t.Errorf("cut at %d: %v", i, err)
			}
		}
		if next, err := q.After(p.Cursor).Page(ctx, 7); err != nil || len(next.Items) != 7 {
			t.Errorf("another size: %v", err)
		}
	}
}

// TestUnusableQueries: what cannot be is an error that says so, and costs nothing.
func TestUnusableQueries(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c, store, _ := accounts(t, 10, memstore.Options{})
	q := c.Query()
	for name, err := range map[string]error{
		"Limit(-1)":        drop(q.Limit(-1).List(ctx)),
		"Offset(-1)":       drop(q.Offset(-1).Count(ctx)),
		"Page(0)":          drop(q.Page(ctx, 0)),
		"SortLimit(0)":     drop(q.SortLimit(0).First(ctx)),
		"Limit and Page":   drop(q.Limit(1).Page(ctx, 1)),
		"BatchSize(0)":     drop(q.Collect(ctx, s3db.BatchSize(0))),
		"Concurrency(0)":   drop(q.Collect(ctx, s3db.Concurrency(0))),
		"After and Offset": drop(q.After("x").Offset(1).Page(ctx, 1)),
	} {
		if !errors.Is(err, s3db.ErrQuery) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := store.Counts().Total(); n != 0 {
		t.Errorf("%d requests", n)
	}
	_, err := q.OrderBy(clienttest.Where().Count.Desc()).SortLimit(9).List(ctx)
	if !errors.Is(err, s3db.ErrSortLimit) || !strings.Contains(err.Error(), "more than 9 documents") {
		t.Errorf("too much to sort: %v", err)
	}
	if list, err := q.OrderBy(clienttest.Where().Count.Desc()).SortLimit(9).Limit(4).List(ctx); err != nil || len(list) != 4 || list[0].Count != 9 {
		t.Errorf("the first of many: %v", err)
	}
}

func drop[T any](_ T, err error) error { return err }

// TestPlan prints the plan of each way.
func TestPlan(t *testing.T) {
	t.Parallel()
	c, store, _ := accounts(t, 0, memstore.Options{})
	w := clienttest.Where()
	q := c.Query()
	for _, test := range []struct {
		q    accountQuery
		want string
	}{
		{q, "accounts: list all documents\n  cost    1 LIST + 1000 GET = $0.000405, when it reads 1,000 documents"},
		{
			q.Where(w.Country.Eq("BR"), w.Count.Gt(3)).OrderBy(w.Count.Desc()),
			"accounts: list the partition byCountry\n  keys    country =\n  filter  count >\n  order   count desc (sorted in memory)\n  cost    1 LIST + 1000 GET = $0.000405, when it reads 1,000 documents",
		},
		{q.Where(w.Country.Eq("BR"), w.City.Prefix("R")).Limit(9), "accounts: list the partition byCountryCity\n  keys    country = and city starts with\n  cost    1 LIST + 9 GET = $0.0000086"},
		{q.Where(w.Email.Eq("x"), s3db.Or(w.Count.Lt(1), s3db.Not(w.City.IsSet()))), "accounts: look up the unique email\n  keys    email =\n  filter  count < or not city is set\n  cost    0 LIST + 2 GET = $0.0000008"},
		{q.Where(w.ID.In("a", "b")), "accounts: get documents by their ids\n  keys    id in (2 values)\n  cost    0 LIST + 2 GET = $0.0000008"},
		{q.Where(w.Country.In()), "accounts: nothing can match\n  keys    country in (0 values)\n  cost    0 LIST + 0 GET = $0"},
		{clienttest.ByCountry(c, "BR").From("A").Where(w.Name.Contains("x")), "accounts: list the partition byCountry\n  keys    country =\n  filter  name contains\n  cost    1 LIST + 1000 GET = $0.000405, when it reads 1,000 documents"},
	} {
		if diff := cmp.Diff(test.want, test.q.Plan().String()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	if n := store.Counts().Total(); n != 0 {
		t.Errorf("plans took %d requests", n)
	}
}

// TestReadsAdapt: a server that refuses above eight reads at a time gets fewer,
// and every document is read.
func TestReadsAdapt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, store, _ := accounts(t, 3000, memstore.Options{}, s3db.WithConcurrency(64), s3db.WithRetry(s3db.RetryPolicy{Requests: 50}))
		var busy, refused, reads atomic.Int64
		store.SetFault(func(r memstore.Request) memstore.Injection {
			if r.Kind != memstore.Get {
				return memstore.Injection{}
			}
			defer busy.Add(-1)
			reads.Add(1)
			if busy.Add(1) > 8 {
				<-time.After(time.Millisecond)
				refused.Add(1)
				return memstore.Injection{Fault: memstore.SlowDown}
			}
			<-time.After(10 * time.Millisecond)
			return memstore.Injection{}
		})
		n := 0
		for _, err := range c.Query().All(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		// Without the limit, most reads would be refused again and again.
		if n != 3000 || refused.Load()*4 > reads.Load() {
			t.Errorf("%d documents; %d of %d reads were refused", n, refused.Load(), reads.Load())
		}
		t.Logf("%d of %d reads were refused", refused.Load(), reads.Load())
	})
}
