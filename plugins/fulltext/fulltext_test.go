package fulltext_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	"github.com/s3dbgen/s3dbgen/plugins/fulltext"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

type (
	accounts = clienttest.Accounts
	account  = clienttest.Account
	id       = clienttest.AccountID
	texts    = fulltext.Index[account, id]
	hit      = fulltext.Hit[account]
)

// onAccounts indexes names and bios.
func onAccounts() fulltext.Resource {
	where := clienttest.Where()
	return fulltext.On("accounts", where.Name, where.Bio)
}

// open opens a database of accounts in the partition byCountry, with an index.
func open(tb testing.TB, store s3db.Store, o fulltext.Options) (*accounts, texts) {
	tb.Helper()
	p := fulltext.New(o, onAccounts())
	c, err := clienttest.Open(tb.Context(), store, 1, 0, s3db.WithPlugin(p))
	if err != nil {
		tb.Fatal(err)
	}
	x, err := fulltext.Of(p, c)
	if err != nil {
		tb.Fatal(err)
	}
	return c, x
}

func must[R any](r R, err error) func(testing.TB) R {
	return func(tb testing.TB) R {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return r
	}
}

func insert(tb testing.TB, c *accounts, name, text, bio string) *account {
	tb.Helper()
	in := clienttest.AccountInsert{ID: id(name), Name: text}
	if bio != "" {
		in.Bio = &bio
	}
	return must(c.Insert(tb.Context(), in))(tb)
}

// idsOf are the ids of hits, in their order.
func idsOf(hits []hit) string {
	var list []string
	for _, h := range hits {
		list = append(list, string(h.Document.ID))
	}
	return strings.Join(list, " ")
}

// wantHits searches in all states of the index: with the writes marked, and
// compacted.
func wantHits(t *testing.T, x texts, text, want string) {
	t.Helper()
	if got := idsOf(must(x.Search(t.Context(), text))(t)); got != want {
		t.Errorf("%q finds %q, want %q", text, got, want)
	}
}

// TestWritesAreIndexed: inserts, updates and deletes are found at once, by the
// program that wrote and by others, before and after a compaction.
func TestWritesAreIndexed(t *testing.T) {
	ctx := t.Context()
	server := memstore.NewServer(memstore.Options{})
	c, x := open(t, server.Client(), fulltext.Options{})
	_, other := open(t, server.Client(), fulltext.Options{})
	for _, compact := range []bool{false, true} {
		step := func(text, want string) {
			t.Helper()
			if compact {
				if err := other.Compact(ctx); err != nil {
					t.Fatal(err)
				}
				if s := must(x.Status(ctx))(t); s.Marked != 0 {
					t.Errorf("after a compaction: %+v", s)
				}
			}
			wantHits(t, x, text, want)
			wantHits(t, other, text, want)
		}
		insert(t, c, "a", "quick foxes", "they jump")
		insert(t, c, "b", "lazy dogs", "they sleep, and do not jump")
		step("fox", "a")
		step("jumping", "a b")
		must(c.Update(ctx, "a", clienttest.AccountPatch{Name: s3db.Set("slow snails")}))(t)
		step("fox", "")
		step("snail", "a")
		must(c.Replace(ctx, "b", clienttest.AccountInsert{Name: "parrot"}))(t)
		step("sleep", "")
		step("parrots", "b")
		must(c.Upsert(ctx, "b", clienttest.AccountInsert{Name: "penguin"}))(t)
		step("parrot penguin", "b")
		if err := c.Delete(ctx, "a"); err != nil {
			t.Fatal(err)
		}
		step("snail", "")
		must(c.Upsert(ctx, "z", clienttest.AccountInsert{Name: "zebra"}))(t)
		step("zebra", "z")
		if err := c.DeleteMany(ctx, "b", "z"); err != nil {
			t.Fatal(err)
		}
		step("zebra penguin", "")
		if s := must(x.Status(ctx))(t); compact && (s.Documents != 0 || s.Segments != 0) {
			t.Errorf("of nothing: %+v", s)
		}
	}
}

// TestHits: what a result tells.
func TestHits(t *testing.T) {
	c, x := open(t, memstore.New(), fulltext.Options{})
	insert(t, c, "a", "The Running Man", "He runs and ran, RUNS again; Straße and ﬁsh.")
	insert(t, c, "b", "Swimming", "no run here")
	for range 2 {
		hits := must(x.Search(t.Context(), "runs strasse FISH"))(t)
		if len(hits) != 2 || hits[0].Document.Name != "The Running Man" {
			t.Fatalf("hits: %+v", hits)
		}
		if diff := cmp.Diff([]string{"fish", "running", "runs", "strasse"}, hits[0].Words); diff != "" {
			t.Errorf("words (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"name", "bio"}, hits[0].Fields); diff != "" {
			t.Errorf("fields (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"bio"}, hits[1].Fields); diff != "" {
			t.Errorf("fields (-want +got):\n%s", diff)
		}
		if !(hits[0].Score > hits[1].Score && hits[1].Score > 0 && hits[0].Score <= 1) {
			t.Errorf("scores: %v, %v", hits[0].Score, hits[1].Score)
		}
		if err := x.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestScores: they are in (0,1]; more matched fields, more matched words and
// shorter fields score higher; documents alike come in the order of their ids.
func TestScores(t *testing.T) {
	c, x := open(t, memstore.New(), fulltext.Options{})
	insert(t, c, "both", "apple cake", "apple juice")
	insert(t, c, "one", "apple cake", "orange juice")
	insert(t, c, "long", "apple cake with butter, sugar, cinnamon, flour and eggs", "orange juice")
	insert(t, c, "none", "bread", "water")
	for _, name := range []string{"t3", "t1", "t2"} {
		insert(t, c, name, "pear tree", "green")
	}
	insert(t, c, "rare", strings.Repeat("unique ", 40), strings.Repeat("unique ", 40))
	for range 2 {
		wantHits(t, x, "apple", "both one long")
		wantHits(t, x, "apple orange", "one long both")
		wantHits(t, x.AllWords(), "apple orange", "one long")
		wantHits(t, x, "pear", "t1 t2 t3")
		wantHits(t, x.Limit(2), "pear", "t1 t2")
		for _, text := range []string{"apple", "pear green", "unique", "water bread apple juice", "jui*"} {
			for _, h := range must(x.Search(t.Context(), text))(t) {
				if !(h.Score > 0 && h.Score <= 1) {
					t.Errorf("%q scores %s with %v", text, h.Document.ID, h.Score)
				}
			}
		}
		if err := x.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPrefix: a word with a star stands for all that begin with it, as they stand
// in the text and not by their stems.
func TestPrefix(t *testing.T) {
	c, x := open(t, memstore.New(), fulltext.Options{})
	insert(t, c, "a", "happiness", "")
	insert(t, c, "b", "happening", "")
	insert(t, c, "c", "unhappy", "")
	for range 2 {
		wantHits(t, x, "happi*", "a")
		wantHits(t, x, "HAP*", "a b")
		wantHits(t, x, "happe* unhap*", "b c")
		wantHits(t, x, "x*", "")
		if err := x.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFilters: partitions and predicates narrow a search without a change of
// scores, and documents are judged as they are now.
func TestFilters(t *testing.T) {
	c, x := open(t, memstore.New(), fulltext.Options{MaxResults: 3})
	for i := range 40 {
		country := []string{"BR", "US"}[i%2]
		must(c.Insert(t.Context(), clienttest.AccountInsert{ID: id(fmt.Sprintf("d%02d", i)), Name: "apple", Country: &country, Count: int64(i)}))(t)
	}
	for range 2 {
		wantHits(t, x, "apple", "d00 d01 d02")
		wantHits(t, x.In(clienttest.ByCountry(c, "US").Query), "apple", "d01 d03 d05")
		wantHits(t, x.In(clienttest.ByCountry(c, "US").Where(clienttest.Where().Count.Gt(36))), "apple", "d37 d39")
		wantHits(t, x.In(clienttest.ByCountry(c, "US").Query).In(clienttest.ByCountry(c, "BR").Query), "apple", "")
		all, some := must(x.Search(t.Context(), "apple"))(t), must(x.In(clienttest.ByCountry(c, "BR").Query).Search(t.Context(), "apple"))(t)
		if all[0].Score != some[0].Score {
			t.Errorf("a filter changes the score from %v to %v", all[0].Score, some[0].Score)
		}
		if err := x.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := x.In(c.Query().Limit(-1)).Search(t.Context(), "apple"); !errors.Is(err, s3db.ErrQuery) {
		t.Errorf("a filter that cannot be: %v", err)
	}
}

// TestBadSearches: each mistake is an error that tells the way out.
func TestBadSearches(t *testing.T) {
	_, x := open(t, memstore.New(), fulltext.Options{})
	for _, text := range []string{"", "  ", "of the", "a b c", "!?", "*"} {
		_, err := x.Search(t.Context(), text)
		if !errors.Is(err, s3db.ErrQuery) || !strings.Contains(err.Error(), "no word to search for") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := x.Limit(0).Search(t.Context(), "apple"); !errors.Is(err, s3db.ErrQuery) {
		t.Errorf("Limit(0): %v", err)
	}
}

// TestInstall: every mistake in the options is an error of Open, and names its
// place.
func TestInstall(t *testing.T) {
	where := clienttest.Where()
	at := s3db.DocumentOf[*account]()
	field := func(name string) s3db.TextAttr[*account, string] {
		return s3db.StringAt(at, name, func(d *account) *string { return &d.Name })
	}
	on := func(fields ...s3db.TextAttr[*account, string]) []fulltext.Resource {
		return []fulltext.Resource{fulltext.On("accounts", fields...)}
	}
	for _, test := range []struct {
		options   fulltext.Options
		resources []fulltext.Resource
		want      []string
	}{
		{resources: nil, want: []string{"no resource is indexed"}},
		{resources: on(), want: []string{`On("accounts") names no attribute`}},
		{resources: on(field("nam"), field("count"), where.Name, where.Name), want: []string{
			`On("accounts"), nam: the resource has no such attribute`, `On("accounts"), count: its type is integer; only texts are indexed`,
			`On("accounts"), name: named twice`,
		}},
		{resources: on(field("name.first")), want: []string{`On("accounts"), name.first: the resource has no such attribute`}},
		{resources: []fulltext.Resource{fulltext.On("acounts", where.Name)}, want: []string{`On("acounts"): there is no such resource`}},
		{resources: append(on(where.Name), on(where.Bio)...), want: []string{`On("accounts") is given twice`}},
		{options: fulltext.Options{Language: "xx-klingon-1"}, resources: on(where.Name), want: []string{`Language "xx-klingon-1"`, "known are en, es"}},
		{options: fulltext.Options{Language: "ja"}, resources: on(where.Name), want: []string{`Language "ja" is not known`, "und for any other"}},
		{options: fulltext.Options{MinWordLength: -1, MaxResults: -2}, resources: on(where.Name), want: []string{"MinWordLength is -1", "MaxResults is -2"}},
	} {
		_, err := clienttest.Open(t.Context(), memstore.New(), 0, 0, s3db.WithPlugin(fulltext.New(test.options, test.resources...)))
		if !errors.Is(err, s3db.ErrConfig) {
			t.Errorf("%v: %v", test.want, err)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v\ndoes not say %s", err, want)
			}
		}
	}
	p := fulltext.New(fulltext.Options{}, onAccounts())
	c := must(clienttest.Open(t.Context(), memstore.New(), 0, 0, s3db.WithPlugin(p)))(t)
	if _, err := clienttest.Open(t.Context(), memstore.New(), 0, 0, s3db.WithPlugin(p)); !errors.Is(err, s3db.ErrConfig) {
		t.Errorf("a plugin for two databases: %v", err)
	}
	if _, err := fulltext.Of(fulltext.New(fulltext.Options{}, onAccounts()), c); err == nil || !strings.Contains(err.Error(), "not installed") {
		t.Errorf("a plugin of no database: %v", err)
	}
	people := must(clienttest.OpenResource(t.Context(), memstore.New(), "people", 0, 0,
		s3db.WithPlugin(fulltext.New(fulltext.Options{}, fulltext.On("people", where.Name)))))(t)
	other, _ := s3db.PluginOf[*fulltext.Plugin](people.Database())
	if _, err := fulltext.Of(other, people); err != nil {
		t.Error(err)
	}
}

// TestOtherOptions: an index that was made with other options is not used, until
// it is made anew.
func TestOtherOptions(t *testing.T) {
	ctx := t.Context()
	server := memstore.NewServer(memstore.Options{})
	c, x := open(t, server.Client(), fulltext.Options{})
	insert(t, c, "a", "an ox runs", "")
	wantHits(t, x, "running", "a")
	_, y := open(t, server.Client(), fulltext.Options{Language: "und", MinWordLength: 2})
	for name, err := range map[string]error{
		"search": drop(y.Search(ctx, "ox")), "compact": y.Compact(ctx),
	} {
		if !errors.Is(err, s3db.ErrConfig) || !strings.Contains(err.Error(), "Rebuild makes it anew") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := y.Rebuild(ctx); err != nil {
		t.Fatal(err)
	}
	wantHits(t, y, "ox", "a")
	wantHits(t, y, "running", "")
	if _, err := x.Search(ctx, "running"); !errors.Is(err, s3db.ErrConfig) {
		t.Errorf("the older options: %v", err)
	}
}

func drop[R any](_ R, err error) error { return err }

// TestExistingDocuments: what was written before the plugin, or without it, is
// found after the first search, or a Rebuild.
func TestExistingDocuments(t *testing.T) {
	ctx := t.Context()
	server := memstore.NewServer(memstore.Options{})
	plain := must(clienttest.Open(ctx, server.Client(), 1, 0))(t)
	insert(t, plain, "a", "apple", "")
	_, x := open(t, server.Client(), fulltext.Options{})
	wantHits(t, x, "apple", "a")
	insert(t, plain, "b", "apple", "")
	if err := plain.Delete(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	wantHits(t, x, "apple", "") // and nobody shows what is gone
	if err := x.Rebuild(ctx); err != nil {
		t.Fatal(err)
	}
	wantHits(t, x, "apple", "b")
}

// TestHooksGuardHits: what a hook hides from readers, a search does not tell.
func TestHooksGuardHits(t *testing.T) {
	c, x := open(t, memstore.New(), fulltext.Options{})
	insert(t, c, "a", "open", "hidden treasure")
	c.Hook(s3db.Hooks[account, id]{AfterGet: func(_ context.Context, d *account) error { d.Bio = nil; return nil }})
	for range 2 {
		wantHits(t, x, "treasure", "")
		wantHits(t, x, "open", "a")
		if err := x.Rebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
