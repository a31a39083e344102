package fulltext_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	"github.com/s3dbgen/s3dbgen/plugins/fulltext"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// cost returns the requests of f.
func cost(t *testing.T, store *memstore.Store, f func() error) memstore.Counts {
	t.Helper()
	before := store.Counts()
	if err := f(); err != nil {
		t.Fatal(err)
	}
	return store.Counts().Sub(before)
}

// TestRequests: what the README says of requests.
func TestRequests(t *testing.T) {
	ctx := t.Context()
	store := memstore.New()
	c, x := open(t, store, fulltext.Options{})
	want := func(name string, got, want memstore.Counts) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	want("insert", cost(t, store, func() error {
		return drop(c.Insert(ctx, clienttest.AccountInsert{ID: "a", Name: "apple"}))
	}), memstore.Counts{Put: 2})
	want("update of a text", cost(t, store, func() error {
		return drop(c.Update(ctx, "a", clienttest.AccountPatch{Name: s3db.Set("bread")}))
	}), memstore.Counts{Get: 1, Put: 2})
	want("update of something else", cost(t, store, func() error {
		return drop(c.Update(ctx, "a", clienttest.AccountPatch{Count: s3db.Set(int64(2))}))
	}), memstore.Counts{Get: 1, Put: 1})
	want("delete", cost(t, store, func() error { return c.Delete(ctx, "a") }), memstore.Counts{Get: 1, Put: 2})

	for i := range 100 {
		insert(t, c, fmt.Sprintf("d%02d", i), "apple "+[]string{"bread", "cherry"}[i%2], "")
	}
	if err := x.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	search := func(x texts, text string) func() error {
		return func() error { return drop(x.Search(ctx, text)) }
	}
	// The marks, the manifest, a block of terms, one of documents, and the hits.
	want("search", cost(t, store, search(x.Limit(5), "apple cherry")), memstore.Counts{List: 1, Get: 1 + 1 + 1 + 5})
	want("search for nothing that is there", cost(t, store, search(x, "zebra")), memstore.Counts{List: 1, Get: 1 + 1})
	must(c.Update(ctx, "d07", clienttest.AccountPatch{Name: s3db.Set("dough")}))(t)
	must(c.Update(ctx, "d08", clienttest.AccountPatch{Name: s3db.Set("dough")}))(t)
	want("search with two marked documents", cost(t, store, search(x.Limit(5), "apple")), memstore.Counts{List: 1, Get: 1 + 2 + 1 + 1 + 5})

	// The segments, the marks, the manifest, two documents and a block of documents to find
	// them; two blocks of a new segment, the list of those that left the old one, the
	// manifest, and the marks go.
	want("compaction", cost(t, store, func() error { return x.Compact(ctx) }), memstore.Counts{List: 2, Get: 1 + 2 + 1, Put: 2 + 1 + 1, DeleteMany: 1})
	want("compaction of nothing", cost(t, store, func() error { return x.Compact(ctx) }), memstore.Counts{List: 2, Get: 1})
	want("search in two segments", cost(t, store, search(x.Limit(5), "apple dough")), memstore.Counts{List: 1, Get: 1 + 2 + 1 + 2 + 5})
}

// TestGrowth: however often a few documents are compacted, there are few segments
// and no garbage, and a search reads few blocks.
func TestGrowth(t *testing.T) {
	ctx := t.Context()
	store := memstore.New()
	c, x := open(t, store, fulltext.Options{})
	for i := 1; i <= 300; i++ {
		insert(t, c, fmt.Sprintf("d%03d", i), "apple", "")
		if i%10 == 0 {
			must(c.Update(ctx, id(fmt.Sprintf("d%03d", i/2)), clienttest.AccountPatch{Name: s3db.Set("bread")}))(t)
		}
		if err := x.Compact(ctx); err != nil {
			t.Fatal(err)
		}
		s := must(x.Status(ctx))(t)
		if most := 1 + math.Log(float64(i))/math.Log(5); s.Documents != i || float64(s.Segments) > most {
			t.Fatalf("after %d compactions: %+v; at most %.1f segments", i, s, most)
		}
	}
	n := cost(t, store, func() error { return drop(x.Limit(1).Search(ctx, "apple")) })
	if s := must(x.Status(ctx))(t); n.Total() > 2+3*s.Segments+1 {
		t.Errorf("a search in %d segments: %+v", s.Segments, n)
	}
	objects := 0
	for range must(store.List(ctx, s3db.ListRequest{Prefix: "plugin=fulltext/"}))(t).Items {
		objects++
	}
	if s := must(x.Status(ctx))(t); objects > 1+3*s.Segments {
		t.Errorf("%d objects for %d segments", objects, s.Segments)
	}
}

// TestCompactAfter: a search that finds too many documents marked compacts first,
// unless it must not.
func TestCompactAfter(t *testing.T) {
	ctx := t.Context()
	server := memstore.NewServer(memstore.Options{})
	c, x := open(t, server.Client(), fulltext.Options{CompactAfter: 5})
	_, never := open(t, server.Client(), fulltext.Options{CompactAfter: -1})
	wantHits(t, x, "apple", "") // makes the index
	for i := range 6 {
		insert(t, c, fmt.Sprintf("d%d", i), "apple", "")
	}
	wantHits(t, never, "apple", "d0 d1 d2 d3 d4 d5")
	if s := must(x.Status(ctx))(t); s.Marked != 6 || s.Documents != 0 {
		t.Errorf("before: %+v", s)
	}
	wantHits(t, x, "apple", "d0 d1 d2 d3 d4 d5")
	if s := must(x.Status(ctx))(t); s.Marked != 0 || s.Documents != 6 {
		t.Errorf("after: %+v", s)
	}
}

// TestSelectiveFilter: a filter that few documents satisfy reads candidates in ever
// larger rounds, and only until there are enough.
func TestSelectiveFilter(t *testing.T) {
	ctx := t.Context()
	store := memstore.New()
	c, x := open(t, store, fulltext.Options{})
	for i := range 500 {
		in := clienttest.AccountInsert{ID: id(fmt.Sprintf("d%03d", i)), Name: "apple", Country: new([]string{"BR", "US"}[i/10%2])}
		must(c.Insert(ctx, in))(t)
	}
	if err := x.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	const index = 1 + 1 + 1 // manifest, terms, documents
	us := x.Limit(2).In(clienttest.ByCountry(c, "US").Query)
	n := cost(t, store, func() error { return drop(us.Search(ctx, "apple")) })
	if n.Get != index+2+4+8 { // documents 0 to 13, of which 10 to 13 are in it
		t.Errorf("requests: %+v", n)
	}
	nobody := x.Limit(2).In(clienttest.ByCountry(c, "JP").Query)
	if n := cost(t, store, func() error { return drop(nobody.Search(ctx, "apple")) }); n.Get != index+500 {
		t.Errorf("requests for nothing: %+v", n)
	}
}
