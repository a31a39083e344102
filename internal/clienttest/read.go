package clienttest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// idsOf runs a query and returns the ids in its order, joined by blanks.
func idsOf(t *testing.T, q interface {
	List(context.Context) ([]*Account, error)
}) string {
	t.Helper()
	list, err := q.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, d := range list {
		ids = append(ids, string(d.ID))
	}
	return strings.Join(ids, " ")
}

func testPartitions(t *testing.T, store s3db.Store) {
	t.Helper()
	ctx := t.Context()
	c := mustOpen(t, store, 3, 1)
	long := strings.Repeat("long", 200)
	for _, a := range []struct{ id, country, city string }{
		{"a", "US", "Austin"}, {"b", "USA", "Boston"}, {"c", "US", "Chicago"}, {"d", "US-A", ""}, {"e", "BR", "Rio"},
		{"f", "BR", "São Paulo"}, {"g", "", "Nowhere"}, {"h", "../x", "%2e"}, {"i", long + "1", "x"}, {"j", "m" + long, "x"}, {"k", "US\x00", "\x00"},
	} {
		in := AccountInsert{ID: AccountID(a.id), Name: "n", Email: new(a.id + "@x.io")}
		if a.country != "" {
			in.Country = &a.country
		}
		if a.city != "" {
			in.City = &a.city
		}
		must[*Account](t)(c.Insert(ctx, in))
	}
	for _, q := range []struct {
		name string
		got  string
		want string
	}{
		{"one value", idsOf(t, ByCountry(c, "US")), "a c"},
		{"a longer value", idsOf(t, ByCountry(c, "USA")), "b"},
		{"a value with a hyphen", idsOf(t, ByCountry(c, "US-A")), "d"},
		{"a value with NUL", idsOf(t, ByCountry(c, "US\x00")), "k"},
		{"a hostile value", idsOf(t, ByCountry(c, "../x")), "h"},
		{"a long value", idsOf(t, ByCountry(c, long+"1")), "i"},
		{"several values", idsOf(t, ByCountry(c, "USA", "BR", "USA")), "e f b"},
		{"no such value", idsOf(t, ByCountry(c, "PT")), ""},
		{"any value", idsOf(t, ByCountry(c)), "h e f a c k d b i j"},
		{"between", idsOf(t, ByCountry(c).Between("US", "US-A")), "a c k d"},
		{"from", idsOf(t, ByCountry(c).From("US-A")), "d b i j"},
		{"until", idsOf(t, ByCountry(c).Until("BR")), "h e f"},
		{"until a long value", idsOf(t, ByCountry(c).From("a").Until(long+"1")), "i"},
		{"from a long value", idsOf(t, ByCountry(c).From("m"+long)), "j"},
		{"a prefix of a composite", idsOf(t, ByCountryCity(c, "US").City()), "a c"},
		{"a prefix without the second step", idsOf(t, ByCountryCity(c, "US", "BR")), "e f a c"},
		{"a whole composite", idsOf(t, ByCountryCity(c, "BR").City("São Paulo")), "f"},
		{"a range in a composite", idsOf(t, ByCountryCity(c, "US").City().Between("B", "D")), "c"},
		{"all", idsOf(t, c.Query()), "a b c d e f g h i j k"},
	} {
		if q.got != q.want {
			t.Errorf("%s: got %q, want %q", q.name, q.got, q.want)
		}
	}
	if n := must[int](t)(c.Query().Count(ctx)); n != 11 {
		t.Errorf("counted %d documents, want 11", n)
	}
	if n := must[int](t)(ByCountry(c, "US").Count(ctx)); n != 2 {
		t.Errorf("counted %d documents in US, want 2", n)
	}
	want := []string{"../x", "BR", "US", "US\x00", "US-A", "USA", long + "1", "m" + long}
	if diff := cmp.Diff(want, must[[]string](t)(DistinctCountry(ctx, c))); diff != "" {
		t.Errorf("distinct values (-want +got):\n%s", diff)
	}
	if d := must[*Account](t)(ByEmail(ctx, c, "e@x.io")); d.ID != "e" {
		t.Errorf("looked up e@x.io, got %s", d.ID)
	}
	_, err := ByEmail(ctx, c, "nobody@x.io")
	wantErr(t, err, s3db.ErrNotFound)

	// Leftovers of a crash are hints that nobody follows.
	for _, key := range []string{
		root + "partition=byCountry/country=US!/id=e!AAAAAAAAAAA",
		root + "partition=byCountry/country=US!/id=a!AAAAAAAAAAA",
		root + "partition=byCountry/country=US!/id=ghost!AAAAAAAAAAA",
		root + "partition=byCountry/country=ZZ!/id=ghost!AAAAAAAAAAA",
	} {
		if _, err := store.Put(ctx, key, nil, nil, s3db.Condition{}); err != nil {
			t.Fatal(err)
		}
	}
	if got := idsOf(t, ByCountry(c, "US")); got != "a c" {
		t.Errorf("with leftovers: got %q", got)
	}
	if got := must[[]string](t)(DistinctCountry(ctx, c)); slices.Contains(got, "ZZ") {
		t.Error("a leftover counts as a value")
	}
	// Two values that differ only where their keys are cut and hashed.
	must[*Account](t)(c.Insert(ctx, AccountInsert{ID: "l", Name: "n", Country: new(long + "2")}))
	if one, two := idsOf(t, ByCountry(c, long+"1")), idsOf(t, ByCountry(c, long+"2")); one != "i" || two != "l" {
		t.Errorf("long values: got %q and %q", one, two)
	}
	if err := c.Delete(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	if n := must[int](t)(c.Query().Count(ctx)); n != 11 {
		t.Errorf("counted %d documents after a delete, want 10", n)
	}
}

// testMoving lists partitions while writers move documents between them.
func testMoving(t *testing.T, store s3db.Store) {
	t.Helper()
	const stay, move, movers, lists = 20, 8, 16, 10
	ctx := t.Context()
	c := mustOpen(t, store, 1, 0)
	for i := range stay {
		must[*Account](t)(c.Insert(ctx, AccountInsert{ID: AccountID(fmt.Sprintf("stay%02d", i)), Name: "n", Country: new("A")}))
	}
	for i := range move {
		must[*Account](t)(c.Insert(ctx, AccountInsert{ID: AccountID(fmt.Sprintf("move%02d", i)), Name: "n", Country: new("A")}))
	}
	moving, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for w := range movers {
		rnd := rand.New(rand.NewPCG(1, uint64(w)))
		wg.Go(func() {
			for moving.Err() == nil {
				id := AccountID(fmt.Sprintf("move%02d", rnd.IntN(move)))
				_, err := c.Update(moving, id, AccountPatch{Country: s3db.Set(string(rune('A' + rnd.IntN(3))))})
				if err != nil && moving.Err() == nil {
					t.Errorf("move: %v", err)
				}
			}
		})
	}
	for range lists {
		for i, q := range []s3db.PartitionQuery[Account, AccountID, string]{ByCountry(c, "A"), ByCountry(c)} {
			one := i == 0
			seen := map[AccountID]int{}
			for d, err := range q.All(ctx) {
				if err != nil {
					t.Errorf("list: %v", err)
					continue
				}
				seen[d.ID]++
				if one && *d.Country != "A" {
					t.Errorf("%s is listed under A and is in %s", d.ID, *d.Country)
				}
			}
			for i := range stay {
				if id := AccountID(fmt.Sprintf("stay%02d", i)); seen[id] == 0 {
					t.Errorf("%s was missed", id)
				}
			}
			for id, n := range seen {
				if n > 1 {
					t.Errorf("%s was returned %d times", id, n)
				}
			}
		}
	}
	stop()
	wg.Wait()
}
