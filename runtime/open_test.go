package s3db_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// TestOpenRefuses: what Open cannot work with is a clear error, and nothing is
// written.
func TestOpenRefuses(t *testing.T) {
	registry := func(text string) func(*testing.T, *memstore.Store) {
		return func(t *testing.T, store *memstore.Store) {
			t.Helper()
			if _, err := store.Put(t.Context(), "s3db.json", []byte(text), nil, s3db.Condition{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	nothing := func(*testing.T, *memstore.Store) {}
	lax := memstore.Options{Quirks: memstore.Quirks{IgnoreIfMatch: true}}
	for _, test := range []struct {
		name    string
		server  memstore.Options
		prepare func(*testing.T, *memstore.Store)
		options []s3db.Option
		is      error
		says    string
	}{
		{"a registry that is not JSON", memstore.Options{}, registry("<html>"), nil, s3db.ErrCorrupt, "s3db.json is not JSON"},
		{"a registry of something else", memstore.Options{}, registry(`{"version":"1","s3dbVersion":"11"}`), nil, s3db.ErrCorrupt, `has no "format"`},
		{"a newer registry", memstore.Options{}, registry(`{"format":2}`), nil, s3db.ErrNewerFormat, "has format 2, this program knows up to 1"},
		{"a registry without a salt", memstore.Options{}, registry(`{"format":1,"database":"x"}`), nil, s3db.ErrCorrupt, "salt"},
		{"a registry of wrong types", memstore.Options{}, registry(`{"format":1,"database":5}`), nil, s3db.ErrCorrupt, "database"},
		{"an empty registry", memstore.Options{}, registry(""), nil, s3db.ErrCorrupt, "s3db.json is not JSON"},
		{"a server that ignores conditions", lax, nothing, nil, s3db.ErrConfig, "SingleWriter"},
		{"ids of an unknown resource", memstore.Options{}, nothing, []s3db.Option{s3db.WithIDs("acounts", s3db.ULID)}, s3db.ErrConfig, `WithIDs("acounts")`},
		{"a key of the wrong size", memstore.Options{}, nothing, []s3db.Option{s3db.WithKey("k", make([]byte, 16))}, s3db.ErrConfig, "32 bytes"},
		{"an empty passphrase", memstore.Options{}, nothing, []s3db.Option{s3db.WithPassphrase("")}, s3db.ErrConfig, "empty"},
		{"no concurrency", memstore.Options{}, nothing, []s3db.Option{s3db.WithConcurrency(0)}, s3db.ErrConfig, "WithConcurrency(0)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := memstore.NewServer(test.server)
			test.prepare(t, server.Client())
			before := fmt.Sprint(server.Keys())
			_, err := clienttest.Open(t.Context(), server.Client(), 1, 1, test.options...)
			if !errors.Is(err, test.is) || !strings.Contains(fmt.Sprint(err), test.says) {
				t.Errorf("error is %v; want one that matches %v and says %q", err, test.is, test.says)
			}
			var e *s3db.Error
			if !errors.As(err, &e) || e.Op != "open" {
				t.Errorf("error is %#v, want *s3db.Error of open", err)
			}
			if after := fmt.Sprint(server.Keys()); after != before {
				t.Errorf("a refused open changed the keys from %s to %s", before, after)
			}
		})
	}
	t.Run("with SingleWriter", func(t *testing.T) {
		if _, err := clienttest.Open(t.Context(), memstore.NewServer(lax).Client(), 1, 1, s3db.SingleWriter()); err != nil {
			t.Error(err)
		}
	})
	t.Run("tools do not create", func(t *testing.T) {
		store := memstore.New()
		_, err := s3db.New(t.Context(), store, s3db.Config{Existing: true})
		if !errors.Is(err, s3db.ErrNotFound) {
			t.Errorf("error is %v, want ErrNotFound", err)
		}
	})
}

// TestOpenRaces: processes that open a new database at once agree on one, with one
// version of each resource.
func TestOpenRaces(t *testing.T) {
	const processes = 16
	server := memstore.NewServer(memstore.Options{})
	ids := make([]string, processes)
	var wg sync.WaitGroup
	for i := range processes {
		wg.Go(func() {
			c, err := clienttest.Open(t.Context(), server.Client(), i%2, 0)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = c.Database().ID()
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Fatalf("the processes opened the databases %v", ids)
		}
	}
	var reg struct {
		Resources map[string]struct{ Versions []struct{ Version int } }
	}
	obj, err := server.Client().Get(t.Context(), "s3db.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(obj.Body, &reg); err != nil {
		t.Fatal(err)
	}
	var versions []int
	for _, v := range reg.Resources["accounts"].Versions {
		versions = append(versions, v.Version)
	}
	if diff := cmp.Diff([]int{0, 1}, versions); diff != "" {
		t.Errorf("versions of the two shapes (-want +got):\n%s", diff)
	}
}

// TestRegistryKeepsUnknown: keys that a newer program of the same format wrote
// survive the writes of this one.
func TestRegistryKeepsUnknown(t *testing.T) {
	store := memstore.New()
	ctx := t.Context()
	if _, err := clienttest.Open(ctx, store, 0, 0); err != nil {
		t.Fatal(err)
	}
	obj, err := store.Get(ctx, "s3db.json")
	if err != nil {
		t.Fatal(err)
	}
	body := strings.Replace(string(obj.Body), "{", `{"future":{"a":[1]},`, 1)
	if _, err := store.Put(ctx, "s3db.json", []byte(body), nil, s3db.Condition{}); err != nil {
		t.Fatal(err)
	}
	if _, err := clienttest.Open(ctx, store, 1, 0); err != nil { // writes a version
		t.Fatal(err)
	}
	obj, err = store.Get(ctx, "s3db.json")
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Future struct{ A []int }
	}
	if err := json.Unmarshal(obj.Body, &got); err != nil || len(got.Future.A) != 1 {
		t.Errorf("the unknown key became %s (%v)", obj.Body, err)
	}
}

// TestCorruptDocument: a document that cannot be read is a clear error, and is
// not overwritten.
func TestCorruptDocument(t *testing.T) {
	ctx := t.Context()
	for _, test := range []struct {
		name     string
		body     string
		metadata map[string]string
		is       error
		says     string
	}{
		{"no header", "{}", nil, s3db.ErrCorrupt, `header "s"`},
		{"a newer format", "{}", map[string]string{"s": "2-0"}, s3db.ErrNewerFormat, "format 2"},
		{"an unknown critical flag", "{}", map[string]string{"s": "1-0-T"}, s3db.ErrNewerFormat, "critical flag"},
		{"no body", "", map[string]string{"s": "1-0", "1": "x"}, s3db.ErrCorrupt, "body"},
		{"half a body", `{"rev":"0123456789012345678901`, map[string]string{"s": "1-0", "1": "x"}, s3db.ErrCorrupt, "body"},
		{
			"a number that is none", `{"rev":"0123456789012345678901","created":"2026-01-01T00:00:00Z","updated":"2026-01-01T00:00:00Z"}`,
			map[string]string{"s": "1-0", "1": "x", "2": "!!"}, s3db.ErrCorrupt, "count: ",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			store := memstore.New()
			c, err := clienttest.Open(ctx, store, 0, 0)
			if err != nil {
				t.Fatal(err)
			}
			const key = "resource=accounts/data/id=a"
			etag, err := store.Put(ctx, key, []byte(test.body), test.metadata, s3db.Condition{})
			if err != nil {
				t.Fatal(err)
			}
			_, get := c.Get(ctx, "a")
			_, update := c.Update(ctx, "a", clienttest.AccountPatch{Name: s3db.Set("y")})
			_, upsert := c.Upsert(ctx, "a", clienttest.AccountInsert{Name: "y"})
			for _, err := range []error{get, update, upsert} {
				if !errors.Is(err, test.is) || !strings.Contains(fmt.Sprint(err), test.says) {
					t.Errorf("error is %v; want one that matches %v and says %q", err, test.is, test.says)
				}
			}
			if _, err := c.Insert(ctx, clienttest.AccountInsert{ID: "a", Name: "y"}); err == nil {
				t.Error("an insert went over it")
			}
			if obj, err := store.Get(ctx, key); err != nil || obj.ETag != etag {
				t.Errorf("the object was changed: %v, %v", obj, err)
			}
		})
	}
}
