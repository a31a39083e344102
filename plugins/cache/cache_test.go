package cache_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	"github.com/s3dbgen/s3dbgen/plugins/cache"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

type (
	doc   = clienttest.Account
	docID = clienttest.AccountID
	input = clienttest.AccountInsert
	patch = clienttest.AccountPatch
)

func must[T any](v T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

// open opens a database of accounts with all partitions and unique constraints.
func open(tb testing.TB, store s3db.Store, options ...s3db.Option) *clienttest.Accounts {
	tb.Helper()
	return must(clienttest.Open(tb.Context(), store, 3, 2, options...))(tb)
}

// fill inserts accounts: a and b in BR, c in US, d in no country.
func fill(tb testing.TB, c *clienttest.Accounts) {
	tb.Helper()
	for i, in := range []input{
		{ID: "a", Country: new("BR"), City: new("Rio")}, {ID: "b", Country: new("BR"), City: new("Natal")},
		{ID: "c", Country: new("US"), City: new("Rio")}, {ID: "d"},
	} {
		in.Name, in.Count, in.Email = "n", int64(i), new(string(in.ID)+"@x.io")
		must(c.Insert(tb.Context(), in))(tb)
	}
}

// reads are all ways to read, each with what it finds as a text.
func reads(c *clienttest.Accounts) map[string]func(context.Context) (string, error) {
	where := clienttest.Where()
	list := func(q s3db.Query[doc, docID]) func(context.Context) (string, error) {
		return func(ctx context.Context) (string, error) {
			docs, err := q.List(ctx)
			return texts(docs...), err
		}
	}
	one := func(d *doc, err error) (string, error) {
		if errors.Is(err, s3db.ErrNotFound) {
			return "none", nil
		}
		return texts(d), err
	}
	count := func(q s3db.Query[doc, docID]) func(context.Context) (string, error) {
		return func(ctx context.Context) (string, error) {
			n, err := q.Count(ctx)
			return fmt.Sprint(n), err
		}
	}
	ids := func(q s3db.Query[doc, docID]) func(context.Context) (string, error) {
		return func(ctx context.Context) (text string, err error) {
			for id, failed := range q.IDs(ctx) {
				text, err = text+" "+string(id), errors.Join(err, failed)
			}
			return text, err
		}
	}
	old := where.Count.Ge(2)
	return map[string]func(context.Context) (string, error){
		"get a":    func(ctx context.Context) (string, error) { return one(c.Get(ctx, "a")) },
		"get z":    func(ctx context.Context) (string, error) { return one(c.Get(ctx, "z")) },
		"exists a": func(ctx context.Context) (string, error) { yes, err := c.Exists(ctx, "a"); return fmt.Sprint(yes), err },
		"exists z": func(ctx context.Context) (string, error) { yes, err := c.Exists(ctx, "z"); return fmt.Sprint(yes), err },
		"getMany": func(ctx context.Context) (string, error) {
			d, err := c.GetMany(ctx, "b", "c")
			if errors.Is(err, s3db.ErrNotFound) {
				err = nil
			}
			return texts(d...), err
		},
		"getAll":  func(ctx context.Context) (string, error) { d, err := c.GetAll(ctx); return texts(d...), err },
		"email a": func(ctx context.Context) (string, error) { return one(clienttest.ByEmail(ctx, c, "a@x.io")) },
		"email z": func(ctx context.Context) (string, error) { return one(clienttest.ByEmail(ctx, c, "z@x.io")) },
		"list":    list(c.Query()),
		"list all": func(ctx context.Context) (string, error) {
			return texts(slices.Collect(documents(ctx, c.Query()))...), nil
		},
		"list old":  list(c.Query().Where(old)),
		"count":     count(c.Query()),
		"count old": count(c.Query().Where(old)),
		"ids":       ids(c.Query()),
		"ids old":   ids(c.Query().Where(old)),
		"page": func(ctx context.Context) (string, error) {
			p, err := c.Query().OrderBy(where.Count.Desc()).Page(ctx, 2, s3db.WithTotal())
			if err != nil {
				return "", err
			}
			next, err := c.Query().OrderBy(where.Count.Desc()).After(p.Cursor).Page(ctx, 2)
			if err != nil {
				return "", err
			}
			return fmt.Sprint(texts(p.Items...), p.Total, p.HasMore, texts(next.Items...), next.HasMore), nil
		},
		"first": func(ctx context.Context) (string, error) {
			return one(c.Query().OrderBy(where.Count.Desc()).First(ctx))
		},
		"in BR":     list(clienttest.ByCountry(c, "BR").Query),
		"in US":     list(clienttest.ByCountry(c, "US").Query),
		"old in BR": list(clienttest.ByCountry(c, "BR").Where(old)),
		"count BR":  count(clienttest.ByCountry(c, "BR").Query),
		"where BR":  list(c.Query().Where(where.Country.Eq("BR"))),
		"A to C":    list(clienttest.ByCountry(c).Between("A", "C").Query),
		"Rio in BR": list(clienttest.ByCountryCity(c, "BR").City("Rio").Query),
		"in cities": count(clienttest.ByCountryCity(c, "BR").Query),
	}
}

func documents(ctx context.Context, q s3db.Query[doc, docID]) func(func(*doc) bool) {
	return func(yield func(*doc) bool) {
		for d, err := range q.All(ctx) {
			if err != nil || !yield(d) {
				return
			}
		}
	}
}

// texts tell all attributes of documents.
func texts(docs ...*doc) string {
	var b strings.Builder
	str := func(s *string) string {
		if s == nil {
			return "-"
		}
		return *s
	}
	for _, d := range docs {
		if d != nil {
			fmt.Fprintf(&b, "[%s %s %d %s %s %s %s]", d.ID, d.Name, d.Count, str(d.Email), str(d.Country), str(d.City), d.Meta.Revision)
		}
	}
	return b.String()
}

// TestCachedReads: each read costs nothing the second time, and finds the same.
func TestCachedReads(t *testing.T) {
	store := memstore.New()
	c := open(t, store, s3db.WithPlugin(cache.New(cache.Options{})))
	fill(t, c)
	plain := reads(open(t, store))
	for name, read := range reads(c) {
		want := must(plain[name](t.Context()))(t)
		for i := range 2 {
			before := store.Counts()
			got := must(read(t.Context()))(t)
			cost := store.Counts().Sub(before).Total()
			if got != want {
				t.Errorf("%s, read %d: got %s, want %s", name, i, got, want)
			}
			if i == 1 && cost != 0 {
				t.Errorf("%s costs %d requests the second time", name, cost)
			}
		}
	}
}

// TestInvalidation: a write clears what it may have changed, and nothing else.
func TestInvalidation(t *testing.T) {
	inBR := []string{"in BR", "count BR", "where BR", "A to C", "in cities"}
	everything := []string{"list", "page", "first"}
	numbers := []string{"count", "ids"}
	join := func(lists ...[]string) []string { return slices.Concat(lists...) }
	for _, test := range []struct {
		name  string
		write func(context.Context, *clienttest.Accounts) error
		stale []string // what it clears; all else stays
	}{
		{"insert elsewhere", func(ctx context.Context, c *clienttest.Accounts) error {
			_, err := c.Insert(ctx, input{ID: "e", Name: "n", Country: new("FR")})
			return err
		}, join(everything, numbers)},
		{"insert what was missing", func(ctx context.Context, c *clienttest.Accounts) error {
			_, err := c.Insert(ctx, input{ID: "z", Name: "n", Email: new("z@x.io")})
			return err
		}, join(everything, numbers, []string{"get z", "exists z", "email z"})},
		{"insert into BR", func(ctx context.Context, c *clienttest.Accounts) error {
			_, err := c.Insert(ctx, input{ID: "e", Name: "n", Count: 5, Country: new("BR"), City: new("Rio")})
			return err
		}, join(everything, numbers, inBR, []string{"list old", "count old", "ids old", "old in BR", "Rio in BR"})},
		{"a name", func(ctx context.Context, c *clienttest.Accounts) error {
			_, err := c.Update(ctx, "a", patch{Name: s3db.Set("m")})
			return err
		}, join(everything, []string{"get a", "email a", "in BR", "where BR", "A to C", "Rio in BR"})},
		{"move from BR to US", func(ctx context.Context, c *clienttest.Accounts) error {
			_, err := c.Upsert(ctx, "b", input{Name: "n", Count: 1, Country: new("US")})
			return err
		}, join(everything, inBR, []string{"getMany", "in US"})},
		{"past a bound", func(ctx context.Context, c *clienttest.Accounts) error {
			_, err := c.Update(ctx, "d", patch{Count: s3db.Set[int64](1)})
			return err
		}, join(everything, []string{"list old", "count old", "ids old"})},
		{"delete", func(ctx context.Context, c *clienttest.Accounts) error { return c.Delete(ctx, "c") },
			join(everything, numbers, []string{"getMany", "list old", "count old", "ids old", "in US"})},
		{"delete many", func(ctx context.Context, c *clienttest.Accounts) error { return c.DeleteMany(ctx, "d") },
			join(everything, numbers, []string{"list old", "count old", "ids old"})},
		{"a refused insert", func(ctx context.Context, c *clienttest.Accounts) error {
			if _, err := c.Insert(ctx, input{ID: "d", Name: "n"}); !errors.Is(err, s3db.ErrAlreadyExists) {
				return fmt.Errorf("it was not refused: %w", err)
			}
			return nil
		}, join(everything, numbers)}, // before it was refused, nobody knew
	} {
		t.Run(test.name, func(t *testing.T) {
			store := memstore.New()
			c := open(t, store, s3db.WithPlugin(cache.New(cache.Options{})))
			fill(t, c)
			cached, plain := reads(c), reads(open(t, store))
			for _, read := range cached {
				must(read(t.Context()))(t)
			}
			if err := test.write(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			var stale []string
			for name, read := range cached {
				if name == "getAll" || name == "list all" {
					continue // they share the result of list
				}
				want := must(plain[name](t.Context()))(t)
				before := store.Counts()
				if got := must(read(t.Context()))(t); got != want {
					t.Errorf("%s is stale: got %s, want %s", name, got, want)
				}
				if store.Counts().Sub(before).Total() > 0 {
					stale = append(stale, name)
				}
			}
			if diff := cmp.Diff(test.stale, stale, cmpopts.SortSlices(strings.Compare)); diff != "" {
				t.Errorf("cleared (-want +got):\n%s", diff)
			}
		})
	}
}

// TestModel: whatever is written, a client with a cache finds what one without
// finds, in whatever order.
func TestModel(t *testing.T) {
	for name, o := range map[string]cache.Options{"memory": {MaxSize: 40}, "s3": {Driver: cache.S3}, "verify": {Verify: true}, "s3 verify": {Driver: cache.S3, Verify: true}} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			store := memstore.New()
			c := open(t, store, s3db.WithPlugin(cache.New(o)))
			other := c
			if o.Driver == cache.S3 || o.Verify { // then the writes of others are seen at once
				other = open(t, store, s3db.WithPlugin(cache.New(o)))
			}
			cached, plain := reads(c), reads(open(t, store))
			rnd := rand.New(rand.NewPCG(1, 2))
			pick := func(list ...string) string { return list[rnd.IntN(len(list))] }
			maybe := func(list ...string) *string {
				if v := pick(list...); v != "" {
					return &v
				}
				return nil
			}
			for step := range 250 {
				id := docID(pick("a", "b", "c", "d", "z"))
				in := input{ID: id, Name: pick("m", "n"), Count: rnd.Int64N(4), Country: maybe("BR", "US", "A", ""), City: maybe("Rio", "Natal", "")}
				if rnd.IntN(2) == 0 {
					in.Email = new(string(id) + "@x.io")
				}
				w := c
				if rnd.IntN(2) == 0 {
					w = other
				}
				switch rnd.IntN(4) {
				case 0:
					_ = w.Delete(ctx, id)
				case 1:
					_, _ = w.Update(ctx, id, patch{Count: s3db.Set(in.Count)})
				case 2:
					_, _ = w.Insert(ctx, in)
				default:
					_, _ = w.Replace(ctx, id, in)
				}
				for name, read := range cached {
					if rnd.IntN(3) > 0 {
						continue
					}
					want := must(plain[name](ctx))(t)
					if got := must(read(ctx))(t); got != want {
						t.Fatalf("step %d: %s found %s, want %s", step, name, got, want)
					}
				}
			}
		})
	}
}

// gate is a plugin that holds reads after the store has answered them.
type gate struct {
	arrived, open chan struct{}
	closed        bool
}

func (*gate) Name() string { return "gate" }

func (g *gate) Install(_ context.Context, db *s3db.Database) error {
	db.OnRead(func(ctx context.Context, _ *s3db.PendingRead, next func(context.Context) (*s3db.ReadResult, error)) (*s3db.ReadResult, error) {
		found, err := next(ctx)
		if err == nil && found.Documents != nil { // read now what a list has
			var docs []any
			for d, err := range found.Documents {
				if err != nil {
					return nil, err
				}
				docs = append(docs, d)
			}
			found.Documents = func(yield func(any, error) bool) {
				for _, d := range docs {
					if !yield(d, nil) {
						return
					}
				}
			}
		}
		if g.closed {
			g.arrived <- struct{}{}
			<-g.open
		}
		return found, err
	})
	return nil
}

// TestOvertakenReads: a read that began before a write is not kept after it, nor
// given to those who come after it.
func TestOvertakenReads(t *testing.T) {
	for _, name := range []string{"get a", "email a", "list", "list all", "in BR"} {
		for _, o := range []cache.Options{{}, {Driver: cache.S3}, {Verify: true}} {
			t.Run(fmt.Sprint(name, o), func(t *testing.T) {
				ctx := t.Context()
				store := memstore.New()
				g := &gate{arrived: make(chan struct{}), open: make(chan struct{})}
				c := open(t, store, s3db.WithPlugin(cache.New(o), g))
				fill(t, c)
				read := reads(c)[name]
				g.closed = true
				early := make(chan string, 1)
				go func() {
					text, _ := read(ctx)
					early <- text
				}()
				<-g.arrived
				g.closed = false
				must(c.Update(ctx, "a", patch{Name: s3db.Set("new")}))(t)
				if text := must(read(ctx))(t); !strings.Contains(text, "[a new") {
					t.Errorf("after the write somebody gets %s", text)
				}
				close(g.open)
				<-early
				if text := must(read(ctx))(t); !strings.Contains(text, "[a new") {
					t.Errorf("the early read was kept: %s", text)
				}
			})
		}
	}
}

// TestReadsDuringAWrite: what is read while a write is on its way is not kept.
func TestReadsDuringAWrite(t *testing.T) {
	for _, outcome := range []string{"committed", "unknown"} {
		t.Run(outcome, func(t *testing.T) {
			ctx := t.Context()
			store := memstore.New()
			c := open(t, store, s3db.WithPlugin(cache.New(cache.Options{})), s3db.WithRetry(s3db.RetryPolicy{Requests: 1}))
			fill(t, c)
			var late func()
			var seen string
			store.SetFault(func(r memstore.Request) memstore.Injection {
				if r.Kind != memstore.Put || !strings.Contains(r.Key, "/data/") {
					return memstore.Injection{}
				}
				store.SetFault(nil)
				seen = texts(must(c.Get(ctx, "a"))(t))
				if outcome == "committed" {
					return memstore.Injection{}
				}
				return memstore.Injection{Fault: memstore.Timeout, Late: func(apply func()) { late = apply }}
			})
			_, err := c.Update(ctx, "a", patch{Name: s3db.Set("new")})
			if outcome == "unknown" {
				if !errors.Is(err, s3db.ErrUnknownOutcome) {
					t.Fatalf("the outcome is known: %v", err)
				}
				must(c.Get(ctx, "a"))(t) // and is not kept, because the write arrives now
				late()
			} else if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(seen, "[a n ") {
				t.Errorf("during the write: %s", seen)
			}
			if text := texts(must(c.Get(ctx, "a"))(t)); !strings.Contains(text, "[a new") {
				t.Errorf("after the write: %s", text)
			}
		})
	}
}

// TestObserversThatRefuse: a write that another plugin refuses leaves nothing
// behind that keeps reads from being cached.
func TestObserversThatRefuse(t *testing.T) {
	ctx := t.Context()
	store := memstore.New()
	c := open(t, store, s3db.WithPlugin(cache.New(cache.Options{})))
	fill(t, c)
	no := errors.New("no")
	remove := c.Database().OnWrite(func(context.Context, *s3db.PendingWrite) error { return no })
	if _, err := c.Update(ctx, "a", patch{}); !errors.Is(err, no) {
		t.Fatal(err)
	}
	remove()
	must(c.Get(ctx, "a"))(t)
	before := store.Counts()
	if must(c.Get(ctx, "a"))(t); store.Counts() != before {
		t.Error("after a refused write nothing is cached")
	}
}

// TestSingleFlight: 64 callers ask for what nobody has read, at a cost of one.
func TestSingleFlight(t *testing.T) {
	for name, want := range map[string]int{"get a": 1, "count": 1, "email a": 2, "in BR": 3, "list": 5} {
		synctest.Test(t, func(t *testing.T) {
			store := memstore.New()
			p := cache.New(cache.Options{})
			c := open(t, store, s3db.WithPlugin(p))
			fill(t, c)
			store.SetFault(func(memstore.Request) memstore.Injection { return memstore.Injection{Delay: time.Second} })
			read := reads(c)[name]
			before := store.Counts()
			var wg sync.WaitGroup
			for range 64 {
				wg.Go(func() {
					if _, err := read(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if got := store.Counts().Sub(before).Total(); got != want {
				t.Errorf("%s: %d requests, want %d", name, got, want)
			}
			if s := p.Stats().Total; s.Hits != 63 || s.Misses != 1 {
				t.Errorf("%s: %+v", name, s)
			}
		})
	}
}

// TestLeaderGivesUp: the end of one caller's context is nobody else's.
func TestLeaderGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		c := open(t, store, s3db.WithPlugin(cache.New(cache.Options{})))
		fill(t, c)
		store.SetFault(func(memstore.Request) memstore.Injection { return memstore.Injection{Delay: time.Second} })
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			if _, err := c.Get(ctx, "a"); !errors.Is(err, context.Canceled) {
				t.Errorf("the one who gave up: %v", err)
			}
		}()
		synctest.Wait()
		go func() {
			if _, err := c.Get(t.Context(), "a"); err != nil {
				t.Errorf("the one who waited: %v", err)
			}
		}()
		synctest.Wait()
		cancel()
		time.Sleep(3 * time.Second) //nolint:forbidigo // the clock of the bubble
	})
}

// TestTTL: a result is kept for its time, in which the writes of others are not
// seen.
func TestTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		store := memstore.New()
		c, other := open(t, store, s3db.WithPlugin(cache.New(cache.Options{TTL: time.Minute}))), open(t, store)
		fill(t, c)
		must(c.Query().Count(ctx))(t)
		must(other.Insert(ctx, input{ID: "e", Name: "n"}))(t)
		time.Sleep(59 * time.Second) //nolint:forbidigo // the clock of the bubble
		if n := must(c.Query().Count(ctx))(t); n != 4 {
			t.Errorf("within its time: %d", n)
		}
		time.Sleep(2 * time.Second) //nolint:forbidigo // likewise
		if n := must(c.Query().Count(ctx))(t); n != 5 {
			t.Errorf("after its time: %d", n)
		}
	})
}

// TestMaxSize: no more documents are kept than may be, and those that are used
// stay.
func TestMaxSize(t *testing.T) {
	ctx := t.Context()
	store := memstore.New()
	const most, all = 20, 200
	c := open(t, store, s3db.WithPlugin(cache.New(cache.Options{MaxSize: most})))
	for i := range all {
		must(c.Insert(ctx, input{ID: docID(fmt.Sprintf("d%03d", i)), Name: "n"}))(t)
	}
	for i := range all {
		must(c.Get(ctx, docID(fmt.Sprintf("d%03d", i))))(t)
		must(c.Get(ctx, "d000"))(t)
	}
	before := store.Counts()
	if must(c.Get(ctx, "d000"))(t); store.Counts() != before {
		t.Error("what is used most is gone")
	}
	for i := range all {
		must(c.Exists(ctx, docID(fmt.Sprintf("d%03d", i))))(t)
	}
	before = store.Counts()
	for i := range all {
		must(c.Exists(ctx, docID(fmt.Sprintf("d%03d", i))))(t)
	}
	if got := store.Counts().Sub(before).Head; got < all-most {
		t.Errorf("%d of %d results were kept, at most %d may be", all-got, all, most)
	}
	for range 2 { // a list that is too long for it
		before = store.Counts()
		if n := len(must(c.GetAll(ctx))(t)); n != all {
			t.Errorf("%d documents", n)
		}
		if store.Counts().Sub(before).Get != all {
			t.Error("a result above MaxSize was kept")
		}
	}
}

// TestNoAliases: what callers do to documents, others do not see.
func TestNoAliases(t *testing.T) {
	ctx := t.Context()
	c := open(t, memstore.New(), s3db.WithPlugin(cache.New(cache.Options{})))
	fill(t, c)
	for range 3 {
		for _, d := range append(must(c.Query().List(ctx))(t), must(c.Get(ctx, "a"))(t), must(clienttest.ByEmail(ctx, c, "a@x.io"))(t)) {
			if d.Name != "n" || !strings.HasSuffix(*d.Email, "@x.io") {
				t.Fatalf("somebody else's change: %s", texts(d))
			}
			d.Name, *d.Email = "changed", "changed"
		}
	}
	d := must(c.Get(ctx, "a"))(t)
	d.Name = "changed"
	if d = must(c.UpdateFrom(ctx, d, patch{Count: s3db.Set[int64](9)}))(t); d.Name != "n" || d.Count != 9 {
		t.Errorf("an update from a cached document wrote %s", texts(d))
	}
}

// TestHooksOfCachedReads: hooks and middleware run whoever answers, and a query is
// cached as middleware has narrowed it.
func TestHooksOfCachedReads(t *testing.T) {
	type tenant struct{}
	ctx := t.Context()
	store := memstore.New()
	c := open(t, store, s3db.WithPlugin(cache.New(cache.Options{})))
	fill(t, c)
	c.Use(s3db.Middleware[doc, docID, input, patch]{GetAll: func(ctx context.Context, call *s3db.GetAllCall[doc, docID]) ([]*doc, error) {
		country, _ := ctx.Value(tenant{}).(string)
		call.Args.Query = call.Args.Query.Where(clienttest.Where().Country.Eq(country))
		return call.Next(ctx)
	}})
	no := errors.New("no")
	allowed := true
	c.Hook(s3db.Hooks[doc, docID]{
		BeforeGet: func(context.Context, docID) error {
			if !allowed {
				return no
			}
			return nil
		},
		AfterGet: func(_ context.Context, d *doc) error { d.Name = "masked"; return nil },
	})
	for range 2 {
		if d := must(c.Get(ctx, "a"))(t); d.Name != "masked" {
			t.Errorf("got %q", d.Name)
		}
		for country, want := range map[string]int{"BR": 2, "US": 1} {
			if list := must(c.GetAll(context.WithValue(ctx, tenant{}, country)))(t); len(list) != want {
				t.Errorf("%s has %d documents", country, len(list))
			}
		}
	}
	allowed = false
	if _, err := c.Get(ctx, "a"); !errors.Is(err, no) {
		t.Errorf("a cached document goes around its hook: %v", err)
	}
}

// TestStreams: a stream that was given up is not kept, and streams of one query
// may run within each other.
func TestStreams(t *testing.T) {
	ctx := t.Context()
	store := memstore.New()
	c := open(t, store, s3db.WithPlugin(cache.New(cache.Options{})))
	fill(t, c)
	for d := range documents(ctx, c.Query()) {
		if d.ID == "b" {
			break
		}
	}
	pairs := 0
	for range documents(ctx, c.Query()) {
		for range documents(ctx, c.Query()) {
			pairs++
		}
	}
	if pairs != 16 {
		t.Errorf("%d pairs of 4 documents", pairs)
	}
	store.SetFault(func(r memstore.Request) memstore.Injection {
		if strings.HasSuffix(r.Key, "id=c") {
			return memstore.Injection{Fault: memstore.Denied}
		}
		return memstore.Injection{}
	})
	q := c.Query().Offset(1)
	if list, err := q.Collect(ctx); err == nil || len(list) != 2 {
		t.Errorf("%d documents, %v", len(list), err)
	}
	store.SetFault(nil)
	if list, err := q.Collect(ctx); err != nil || len(list) != 3 {
		t.Errorf("a result with an error was kept: %d documents, %v", len(list), err)
	}
}

// TestVerify: a write of another process is seen at once, and one LIST finds that
// there was none.
func TestVerify(t *testing.T) {
	for _, driver := range []cache.Driver{cache.Memory, cache.S3} {
		ctx := t.Context()
		store := memstore.New()
		c := open(t, store, s3db.WithPlugin(cache.New(cache.Options{Verify: true, Driver: driver})))
		other := open(t, store)
		fill(t, c)
		cost := func(name string) memstore.Counts {
			before := store.Counts()
			got := must(reads(c)[name](ctx))(t)
			spent := store.Counts().Sub(before)
			if want := must(reads(other)[name](ctx))(t); got != want {
				t.Errorf("%s: got %s, want %s", name, got, want)
			}
			return spent
		}
		hit := memstore.Counts{List: 1}
		if driver == cache.S3 {
			hit.Get = 1
		}
		for _, name := range []string{"list", "in BR", "list old", "page"} {
			cost(name)
			want := hit
			if name == "page" { // it is two
				want.List, want.Get = 2*hit.List, 2*hit.Get
			}
			if got := cost(name); got != want {
				t.Errorf("%s, verified: %+v", name, got)
			}
			must(other.Update(ctx, "a", patch{Name: s3db.Set("by another process")}))(t)
			if got := cost(name); got.Get <= hit.Get {
				t.Errorf("%s, after a write: %+v", name, got)
			}
			if got := cost(name); got != want {
				t.Errorf("%s, verified again: %+v", name, got)
			}
		}
		for range 2 { // what costs as much to verify as to read
			if got := cost("get a"); got != (memstore.Counts{Get: 1}) {
				t.Errorf("get: %+v", got)
			}
			if got := cost("count"); got != (memstore.Counts{List: 1}) {
				t.Errorf("count: %+v", got)
			}
		}
	}
}

// TestKeysTellQueriesApart: limits, offsets and sizes of pages are part of what is
// asked.
func TestKeysTellQueriesApart(t *testing.T) {
	ctx := t.Context()
	c := open(t, memstore.New(), s3db.WithPlugin(cache.New(cache.Options{})))
	fill(t, c)
	for n := range 4 {
		if got := len(must(c.Query().Limit(n).List(ctx))(t)); got != n {
			t.Errorf("Limit(%d): %d documents", n, got)
		}
		if got := len(must(c.Query().Offset(n).List(ctx))(t)); got != 4-n {
			t.Errorf("Offset(%d): %d documents", n, got)
		}
		if got := len(must(c.Query().Page(ctx, n+1))(t).Items); got != n+1 {
			t.Errorf("Page(%d): %d documents", n+1, got)
		}
	}
}

// TestVerifySharesNoReads: a read that began before another process wrote is not
// given to those who ask after it.
func TestVerifySharesNoReads(t *testing.T) {
	ctx := t.Context()
	store := memstore.New()
	g := &gate{arrived: make(chan struct{}), open: make(chan struct{})}
	c, other := open(t, store, s3db.WithPlugin(cache.New(cache.Options{Verify: true}), g)), open(t, store)
	fill(t, c)
	g.closed = true
	early := make(chan error, 1)
	go func() { _, err := c.Query().List(ctx); early <- err }()
	<-g.arrived
	g.closed = false
	must(other.Update(ctx, "a", patch{Name: s3db.Set("new")}))(t)
	if text := texts(must(c.Query().List(ctx))(t)...); !strings.Contains(text, "[a new") {
		t.Errorf("the second read: %s", text)
	}
	close(g.open)
	if err := <-early; err != nil {
		t.Error(err)
	}
}

// TestVerifyOnlyWhatPays: where a result has too few documents for the LISTs that
// would verify it, it is read, and nothing is listed in vain for long.
func TestVerifyOnlyWhatPays(t *testing.T) {
	ctx := t.Context()
	store := memstore.New()
	c := open(t, store, s3db.WithPlugin(cache.New(cache.Options{Verify: true})))
	for i := range 1001 {
		country := "BR"
		if i == 0 {
			country = "US"
		}
		must(c.Insert(ctx, input{ID: docID(fmt.Sprintf("d%04d", i)), Name: "n", Country: &country}))(t)
	}
	read := reads(c)["in US"]
	for i, want := range []memstore.Counts{{List: 3, Get: 1}, {List: 1, Get: 1}, {List: 1, Get: 1}} {
		before := store.Counts()
		must(read(ctx))(t)
		if got := store.Counts().Sub(before); got != want {
			t.Errorf("read %d: %+v, want %+v", i, got, want)
		}
	}
}

// TestShared: a result that one process read costs another one 1 GET, until
// somebody writes what it depends on.
func TestShared(t *testing.T) {
	ctx := t.Context()
	store := memstore.New()
	shared := func() s3db.Option { return s3db.WithPlugin(cache.New(cache.Options{Driver: cache.S3})) }
	a, b := open(t, store, shared()), open(t, store, shared())
	fill(t, a)
	cost := func(c *clienttest.Accounts, name string) memstore.Counts {
		before := store.Counts()
		got := must(reads(c)[name](ctx))(t)
		spent := store.Counts().Sub(before)
		if want := must(reads(open(t, store))[name](ctx))(t); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
		return spent
	}
	hit := memstore.Counts{Get: 1}
	for _, name := range []string{"list", "in BR", "in US", "count"} {
		if got := cost(a, name); got.Put != 2 {
			t.Errorf("%s, first: %+v", name, got)
		}
		if got := cost(b, name); got != hit {
			t.Errorf("%s, by another process: %+v", name, got)
		}
	}
	before := store.Counts()
	must(b.Update(ctx, "a", patch{Name: s3db.Set("m")}))(t)
	if got := store.Counts().Sub(before); got.List != 1 || got.DeleteMany != 1 {
		t.Errorf("a write with results to clear: %+v", got)
	}
	if got := cost(a, "in US"); got != hit {
		t.Errorf("a partition that was not written: %+v", got)
	}
	for _, name := range []string{"in BR", "list"} {
		if got := cost(a, name); got == hit {
			t.Errorf("%s is stale", name)
		}
	}
	if got := cost(a, "get a"); got != hit { // itself
		t.Errorf("get: %+v", got)
	}
}

// TestOvertakenByAnotherProcess: what one process read before another one's commit
// is not kept after it.
func TestOvertakenByAnotherProcess(t *testing.T) {
	for _, name := range []string{"list", "in BR", "count BR"} {
		ctx := t.Context()
		store := memstore.New()
		o := cache.Options{Driver: cache.S3}
		g := &gate{arrived: make(chan struct{}), open: make(chan struct{})}
		a, b := open(t, store, s3db.WithPlugin(cache.New(o), g)), open(t, store, s3db.WithPlugin(cache.New(o)))
		fill(t, a)
		g.closed = true
		early := make(chan error, 1)
		go func() { _, err := reads(a)[name](ctx); early <- err }()
		<-g.arrived
		g.closed = false
		must(b.Insert(ctx, input{ID: "e", Name: "new", Country: new("BR")}))(t)
		close(g.open)
		if err := <-early; err != nil {
			t.Error(err)
		}
		for _, c := range []*clienttest.Accounts{a, b} {
			want := must(reads(open(t, store))[name](ctx))(t)
			if got := must(reads(c)[name](ctx))(t); got != want {
				t.Errorf("%s: got %s, want %s", name, got, want)
			}
		}
	}
}

// TestStats: hits, misses and times by resources.
func TestStats(t *testing.T) {
	p := cache.New(cache.Options{})
	c := open(t, memstore.New(), s3db.WithPlugin(p))
	fill(t, c)
	for range 4 {
		must(c.Get(t.Context(), "a"))(t)
	}
	s := p.Stats()
	if u := s.ByResource["accounts"]; u.Hits != 3 || u.Misses != 1 || u.HitRate() != 0.75 || u.AverageTime() != u.Time/3 || s.Total != u {
		t.Errorf("%+v", s)
	}
	if found, ok := s3db.PluginOf[*cache.Plugin](c.Database()); !ok || found != p {
		t.Error("the plugin is not found by its type")
	}
	if (cache.Use{}).HitRate() != 0 || (cache.Use{}).AverageTime() != 0 {
		t.Error("rates of nothing")
	}
}

// TestOptions: what cannot be is an error of Open, and what is disabled is not there.
func TestOptions(t *testing.T) {
	used := cache.New(cache.Options{})
	open(t, memstore.New(), s3db.WithPlugin(used))
	for want, p := range map[string]*cache.Plugin{
		"TTL":       cache.New(cache.Options{TTL: -1}),
		"MaxSize":   cache.New(cache.Options{MaxSize: -1}),
		"Driver":    cache.New(cache.Options{Driver: 7}),
		"installed": used,
	} {
		if _, err := clienttest.Open(t.Context(), memstore.New(), 0, 0, s3db.WithPlugin(p)); !errors.Is(err, s3db.ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	store := memstore.New()
	c := open(t, store, s3db.WithPlugin(cache.New(cache.Options{Disabled: true})))
	for range 2 {
		_, _ = c.Get(t.Context(), "a")
	}
	if got := store.Counts().Get; got < 2 {
		t.Errorf("disabled, it caches: %d", got)
	}
}

// TestClear: nothing is left.
func TestClear(t *testing.T) {
	for _, driver := range []cache.Driver{cache.Memory, cache.S3} {
		store := memstore.New()
		p := cache.New(cache.Options{Driver: driver})
		c := open(t, store, s3db.WithPlugin(p))
		fill(t, c)
		for range 2 {
			before := store.Counts()
			if must(c.GetAll(t.Context()))(t); store.Counts().Sub(before).List == 0 {
				t.Error("it is still there")
			}
			if err := p.Clear(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
}
