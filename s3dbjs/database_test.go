package s3dbjs_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/s3dbjs"
)

// store returns a store that holds the fixture.
func (f *fixture) store() *memstore.Store {
	store := memstore.New()
	for _, o := range f.Objects {
		store.Server().Plant(o.Key, o.Body, o.Metadata)
	}
	return store
}

func open(t *testing.T, store s3db.Store, passphrase string) (*s3dbjs.Database, error) {
	t.Helper()
	reader, err := s3db.NewReader(store)
	if err != nil {
		t.Fatal(err)
	}
	return s3dbjs.Open(t.Context(), reader, passphrase)
}

// TestDatabase reads a whole database through a store: every id once, nothing of a
// resource whose name begins alike, ids with slashes whole.
func TestDatabase(t *testing.T) {
	t.Parallel()
	f := loadFixture(t, "seed")
	store := f.store()
	store.Server().Plant("resource=orders/data/id=a/b", []byte(`{"name":"slash"}`), map[string]string{"0": "slash", "_v": "v0"})
	store.Server().Plant("resource=orders2/data/id=x", nil, nil)
	store.Server().Plant("resource=part/evil", nil, nil)
	store.Server().Plant("plugin=cache/x", nil, nil)
	db, err := open(t, store, f.Passphrase)
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, r := range db.Definition.Resources {
		var ids []string
		for id, err := range db.IDs(t.Context(), r) {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
		total += len(ids)
		want := len(f.Expected[r.Name])
		if r.Name == "orders" {
			want++
			if !slices.Contains(ids, "a/b") {
				t.Errorf("the id with a slash is not listed: %q", ids)
			}
		}
		if len(ids) != want {
			t.Errorf("%s: %d ids, want %d", r.Name, len(ids), want)
		}
	}
	rec, err := db.Get(t.Context(), db.Definition.Resource("orders"), "a/b")
	if err != nil || rec.Values["name"] != "slash" {
		t.Errorf("the id with a slash: %v, %v", rec, err)
	}
	survey, err := db.Survey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	documents := 0
	for _, n := range survey.Documents {
		documents += n
	}
	if documents != total || total != len(f.dataKeys())+1 {
		t.Errorf("the survey counts %d documents, listings give %d", documents, total)
	}
	if diff := cmp.Diff([]string{"resource=orders2/data/id=x", "resource=part/evil"}, survey.Examples); diff != "" || survey.Others != 2 || survey.Plugins != 1 {
		t.Errorf("survey %+v\n%s", survey, diff)
	}
	if want := len(f.Objects) - len(f.dataKeys()) - 1; survey.References != want {
		t.Errorf("%d references, want %d", survey.References, want)
	}
}

// TestNoDatabase: a place without a database, and one with a database of another
// kind, are told apart.
func TestNoDatabase(t *testing.T) {
	t.Parallel()
	if _, err := open(t, memstore.New(), ""); !errors.Is(err, s3db.ErrNotFound) {
		t.Errorf("an empty store: %v", err)
	}
	ours := memstore.New()
	if _, err := s3db.New(t.Context(), ours, s3db.Config{}); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, ours, ""); !errors.Is(err, s3dbjs.ErrDefinition) {
		t.Errorf("a database of this module: %v", err)
	}
	for text, ok := range map[string]bool{
		`{"resources":{}}`:      true,
		`{"resources":[]}`:      false,
		`{"resources":{"a":1}}`: false,
		`{"resources":{"a":{"currentVersion":"v1","versions":{}}}}`:                       false,
		`{"resources":{"a":{"currentVersion":"v1","versions":{"v0":{"attributes":{}}}}}}`: false,
		`{"resources":{"a":{"currentVersion":"v1","versions":{"v1":{}}}}}`:                false,
		`{"resources":{"a":{"currentVersion":"v1","versions":{"v1":{"attributes":{}}}}}}`: true,
		`{`: false, ``: false, `{} x`: false, `nil`: false,
	} {
		if _, err := s3dbjs.ParseDefinition([]byte(text)); (err == nil) != ok || !ok && !errors.Is(err, s3dbjs.ErrDefinition) {
			t.Errorf("%s: %v, want success: %t", text, err, ok)
		}
	}
}
