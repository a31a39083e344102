package s3db_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// TestStoredView: it reads what is stored, whatever hooks and middleware say, and
// tells which writes a state includes.
func TestStoredView(t *testing.T) {
	ctx := t.Context()
	// A store with a network in between leaves tombstones.
	store := memstore.NewServer(memstore.Options{Quirks: memstore.Quirks{RefuseDeleteCondition: true}}).Client()
	c := must(clienttest.Open(ctx, store, 1, 0))(t)
	view := c.Stored()
	none := must(view.Get(ctx, "x"))(t)
	if none.Document != nil || none.Revision != "" || none.Includes("") {
		t.Errorf("of nothing: %+v", none)
	}
	first := must(c.Insert(ctx, clienttest.AccountInsert{ID: "x", Name: "a"}))(t)
	second := must(c.Update(ctx, "x", clienttest.AccountPatch{Name: s3db.Set("b")}))(t)

	deny := errors.New("no reading here")
	c.Hook(s3db.Hooks[clienttest.Account, clienttest.AccountID]{
		AfterGet: func(_ context.Context, d *clienttest.Account) error { d.Name = "masked"; return nil },
	})
	c.Database().Use(func(context.Context, s3db.AnyCall, func(context.Context) (any, error)) (any, error) { return nil, deny })
	if _, err := c.Get(ctx, "x"); !errors.Is(err, deny) {
		t.Fatalf("the middleware does not stand in the way: %v", err)
	}
	store.ResetCounts()
	s := must(view.Get(ctx, "x"))(t)
	if n := store.Counts(); n.Total() != 1 || n.Get != 1 {
		t.Errorf("requests: %+v", n)
	}
	if s.Document == nil || s.Document.Name != "b" || s.Revision != second.Meta.Revision {
		t.Errorf("found %+v", s)
	}
	if !s.Includes(first.Meta.Revision) || !s.Includes(second.Meta.Revision) || s.Includes("other") || s.Includes("0123456789012345678901") {
		t.Error("it does not know which writes it includes")
	}
	var ids []clienttest.AccountID
	for id, err := range view.IDs(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if diff := cmp.Diff([]clienttest.AccountID{"x"}, ids); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	other := must(clienttest.Open(ctx, store, 1, 0))(t)
	if err := other.Delete(ctx, "x"); err != nil {
		t.Fatal(err)
	}
	s = must(view.Get(ctx, "x"))(t)
	if s.Document != nil || s.Revision == "" || s.Revision == second.Meta.Revision || !s.Includes(second.Meta.Revision) {
		t.Errorf("of a tombstone: %+v", s)
	}
}

// TestQueryMatch: a query judges a document without reading any.
func TestQueryMatch(t *testing.T) {
	store := memstore.New()
	c := openAccountsAs(t, store, 2, 0)
	store.ResetCounts()
	where := clienttest.Where()
	d := &clienttest.Account{Name: "a", Count: 3, Country: new("BR")}
	inBoth := &clienttest.Account{Name: "a", Country: new("BR"), City: new("Rio")}
	for name, test := range map[string]struct {
		q    s3db.Query[clienttest.Account, clienttest.AccountID]
		d    *clienttest.Account
		want bool
	}{
		"all":                         {c.Query(), d, true},
		"a predicate":                 {c.Query().Where(where.Count.Gt(2)), d, true},
		"a predicate that fails":      {c.Query().Where(where.Count.Gt(2), where.Name.Eq("b")), d, false},
		"its partition":               {clienttest.ByCountry(c, "BR", "US").Query, d, true},
		"any value of a partition":    {clienttest.ByCountry(c).Query, d, true},
		"no value of the partition":   {clienttest.ByCountry(c).Query, &clienttest.Account{}, false},
		"another value":               {clienttest.ByCountry(c, "US").Query, d, false},
		"a range":                     {clienttest.ByCountry(c).Between("AA", "CC").Query, d, true},
		"outside of a range":          {clienttest.ByCountry(c).From("CC").Query, d, false},
		"one field of two is absent":  {clienttest.ByCountryCity(c, "BR").Query, d, false},
		"both fields":                 {clienttest.ByCountryCity(c, "BR").City("Rio").Query, inBoth, true},
		"the second field is another": {clienttest.ByCountryCity(c, "BR").City("Natal").Query, inBoth, false},
		"a partition and a predicate": {clienttest.ByCountry(c, "BR").Where(where.Name.Eq("b")), d, false},
	} {
		if got, err := test.q.Match(test.d); err != nil || got != test.want {
			t.Errorf("%s: %t, %v", name, got, err)
		}
	}
	if _, err := c.Query().Limit(-1).Match(d); !errors.Is(err, s3db.ErrQuery) {
		t.Errorf("a query that cannot be: %v", err)
	}
	if n := store.Counts().Total(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// TestAttributeValue: an attribute tells its path, and its value in a document.
func TestAttributeValue(t *testing.T) {
	where := clienttest.Where()
	d := &clienttest.Account{Name: "a", Bio: new("b")}
	if v, ok := where.Name.Value(d); v != "a" || !ok || where.Name.Path() != "name" {
		t.Errorf("name: %q, %t, %s", v, ok, where.Name.Path())
	}
	if v, ok := where.Bio.Value(d); v != "b" || !ok {
		t.Errorf("bio: %q, %t", v, ok)
	}
	if v, ok := where.City.Value(d); v != "" || ok {
		t.Errorf("absent: %q, %t", v, ok)
	}
}

// TestParseKeyText reads back what KeyText writes, and nothing else.
func TestParseKeyText(t *testing.T) {
	for _, text := range []string{"", "a", "a/b", "x!y", "ü\x00", "~2F"} {
		if got, ok := s3db.ParseKeyText(s3db.KeyText(text)); got != text || !ok {
			t.Errorf("%q: %q, %t", text, got, ok)
		}
	}
	if _, ok := s3db.ParseKeyText("a/b"); ok {
		t.Error("read what KeyText never writes")
	}
}
