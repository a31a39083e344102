package costs_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	"github.com/s3dbgen/s3dbgen/plugins/costs"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// sent is what the store saw.
func sent(c memstore.Counts) s3db.RequestCounts {
	return s3db.RequestCounts{
		Get: int64(c.Get), Head: int64(c.Head), Put: int64(c.Put),
		Delete: int64(c.Delete), DeleteMany: int64(c.DeleteMany), List: int64(c.List),
	}
}

// TestCosts: each request counts once, for the operation and the resource that
// sent it, from Open on, and their prices add up without rounding.
func TestCosts(t *testing.T) {
	ctx := t.Context()
	store := memstore.New()
	p := &costs.Plugin{}
	c := must(clienttest.Open(ctx, store, 1, 1, s3db.WithPlugin(p)))(t)
	if got := p.Costs(); got.Total.Requests != sent(store.Counts()) || got.ByOperation[""] != got.Total || got.Total.Requests.Put == 0 {
		t.Errorf("Open: %+v, the store saw %+v", got, store.Counts())
	}

	p.Reset()
	before := store.Counts()
	for _, id := range []clienttest.AccountID{"a", "b"} {
		must(c.Insert(ctx, clienttest.AccountInsert{ID: id, Name: "n", Email: new(string(id)), Country: new("BR")}))(t)
	}
	must(c.Get(ctx, "a"))(t)
	must(c.GetMany(ctx, "a", "b"))(t)
	must(c.Exists(ctx, "a"))(t)
	must(clienttest.ByCountry(c, "BR").List(ctx))(t)
	must(c.Query().IDs(ctx), error(nil))(t)(func(clienttest.AccountID, error) bool { return true })
	must(c.Query().Count(ctx))(t)
	must(clienttest.ByEmail(ctx, c, "a"))(t)
	must(c.UpdateMany(ctx, []clienttest.AccountID{"a", "b"}, clienttest.AccountPatch{Name: s3db.Set("m")}))(t)
	if err := c.DeleteMany(ctx, "a", "b"); err != nil {
		t.Fatal(err)
	}

	got := p.Costs()
	if seen := sent(store.Counts().Sub(before)); got.Total.Requests != seen {
		t.Errorf("counted %+v, the store saw %+v", got.Total.Requests, seen)
	}
	requests := map[string]s3db.RequestCounts{}
	for name, x := range got.ByOperation {
		requests[name] = x.Requests
	}
	want := map[string]s3db.RequestCounts{
		"insert":     {Put: 6},
		"get":        {Get: 1},
		"getMany":    {Get: 2},
		"exists":     {Head: 1},
		"list":       {List: 1, Get: 2},
		"listIds":    {List: 1},
		"count":      {List: 1},
		"lookup":     {Get: 2},
		"update":     {Get: 2, Put: 2},
		"deleteMany": requests["deleteMany"],
	}
	if diff := cmp.Diff(want, requests); diff != "" || requests["deleteMany"].Total() == 0 {
		t.Errorf("by operation (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]costs.Cost{"accounts": got.Total}, got.ByResource); diff != "" {
		t.Errorf("by resource (-want +got):\n%s", diff)
	}
	sum := s3db.NanoDollars(0)
	for _, x := range got.ByOperation {
		sum += x.Dollars
	}
	if r := got.Total.Requests; sum != got.Total.Dollars || sum != s3db.NanoDollars(5000*(r.Put+r.List)+400*(r.Get+r.Head)) {
		t.Errorf("%s in all, %s by operation", got.Total.Dollars, sum)
	}
}

// TestCostOfThree: 1 put, 1 list and 1 get.
func TestCostOfThree(t *testing.T) {
	ctx := t.Context()
	p := costs.New(s3db.ClassStandard.Prices())
	c := must(clienttest.Open(ctx, memstore.New(), 0, 0, s3db.WithPlugin(p)))(t)
	p.Reset()
	must(c.Insert(ctx, clienttest.AccountInsert{ID: "a", Name: "n"}))(t)
	must(c.Query().Count(ctx))(t)
	must(c.Get(ctx, "a"))(t)
	text := string(must(json.Marshal(p.Costs().Total))(t))
	if want := `{"requests":{"get":1,"head":0,"put":1,"delete":0,"deleteMany":0,"list":1},"dollars":0.0000104}`; text != want {
		t.Errorf("got %s, want %s", text, want)
	}
}

// TestRepetitionsCost: what the runtime sends again is billed again.
func TestRepetitionsCost(t *testing.T) {
	ctx := t.Context()
	store := memstore.New()
	p := costs.New(s3db.Prices{Get: 7})
	c := must(clienttest.Open(ctx, store, 0, 0, s3db.WithPlugin(p), s3db.WithRetry(s3db.RetryPolicy{Base: 1})))(t)
	must(c.Insert(ctx, clienttest.AccountInsert{ID: "a", Name: "n"}))(t)
	p.Reset()
	left := 3
	store.SetFault(func(memstore.Request) memstore.Injection {
		if left--; left >= 0 {
			return memstore.Injection{Fault: memstore.SlowDown}
		}
		return memstore.Injection{}
	})
	must(c.Get(ctx, "a"))(t)
	if got := p.Costs().Total; got.Requests != (s3db.RequestCounts{Get: 4}) || got.Dollars != 28 {
		t.Errorf("got %+v", got)
	}
}

// TestCostsOfHooks: what a hook does to its own resource is part of the operation,
// what it does to another one is an operation on that.
func TestCostsOfHooks(t *testing.T) {
	ctx := t.Context()
	store := memstore.New()
	p := &costs.Plugin{}
	users := must(clienttest.OpenResource(ctx, store, "users", 0, 0, s3db.WithPlugin(p)))(t)
	logs := must(clienttest.OpenResource(ctx, store, "logs", 0, 0, s3db.WithPlugin(p)))(t)
	users.Hook(s3db.Hooks[clienttest.Account, clienttest.AccountID]{BeforeInsert: func(ctx context.Context, d *clienttest.Account) error {
		if _, err := users.Exists(ctx, "boss"); err != nil {
			return err
		}
		_, err := logs.Upsert(ctx, "last", clienttest.AccountInsert{Name: "insert"})
		return err
	}})
	p.Reset()
	must(users.Insert(ctx, clienttest.AccountInsert{ID: "a", Name: "n"}))(t)
	got := p.Costs()
	want := map[string]s3db.RequestCounts{"insert": {Head: 1, Put: 1}, "upsert": {Get: 1, Put: 1}}
	for name, counts := range want {
		if got.ByOperation[name].Requests != counts {
			t.Errorf("%s: %+v, want %+v", name, got.ByOperation[name].Requests, counts)
		}
	}
	if got.ByResource["users"].Requests != want["insert"] || got.ByResource["logs"].Requests != want["upsert"] {
		t.Errorf("by resource: %+v", got.ByResource)
	}
}

// TestCostsByName: the plugin is found again by its name and by its type.
func TestCostsByName(t *testing.T) {
	p := &costs.Plugin{}
	c := must(clienttest.Open(t.Context(), memstore.New(), 0, 0, s3db.WithPlugin(p)))(t)
	if found, ok := s3db.PluginOf[*costs.Plugin](c.Database()); !ok || found != p || c.Database().Plugin("costs") != s3db.Plugin(p) {
		t.Errorf("found %v, %t", found, ok)
	}
	if text := p.Costs().Total.Dollars.String(); !strings.HasPrefix(text, "$0.00") {
		t.Errorf("opening cost %s", text)
	}
}

func BenchmarkObserve(b *testing.B) {
	p := &costs.Plugin{}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			p.ObserveRequest(context.Background(), s3db.Request{Kind: s3db.RequestGet})
		}
	})
}
