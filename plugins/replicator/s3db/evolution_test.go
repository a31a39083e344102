package s3db_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/canary"
	"github.com/s3dbgen/s3dbgen/internal/evolution"
	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/targettest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/testdata/versions/v3/v3"
	"github.com/s3dbgen/s3dbgen/testdata/versions/v4/v4"
)

// TestEvolution: programs of six versions write side by side, and the copy takes all of it.
func TestEvolution(t *testing.T) {
	t.Parallel()
	evolution.Run(t, func(*testing.T) targettest.Place { return source{newPlace()} })
}

// source is a place for resources that have a registry.
type source struct{ *place }

func (s source) Open(t *testing.T) replicator.Target { return s.open(t, false) }

// Documents are as they are stored: only their program could bring some of them up to
// date.
func (s source) Documents(t *testing.T, resource string) map[string]json.RawMessage {
	t.Helper()
	db := s.read(t, false)
	r, err := db.Resource(resource)
	if err != nil {
		t.Fatal(err)
	}
	docs := map[string]json.RawMessage{}
	for id, err := range r.Stored().IDs(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		state, err := db.ObjectState(t.Context(), resource, id)
		if err != nil {
			t.Fatal(err)
		}
		if !state.Live() {
			continue
		}
		d, err := r.AsStored(state.Image)
		if err != nil {
			t.Fatal(err)
		}
		if docs[id], err = d.PublicJSON(); err != nil {
			t.Fatal(err)
		}
	}
	return docs
}

// TestMigratedCopy: when somebody has migrated the copy, a change of an older version is an
// error, and what it would take the place of stays.
func TestMigratedCopy(t *testing.T) {
	t.Parallel()
	p, server := newPlace(), memstore.NewServer(memstore.Options{})
	key := s3db.WithKey("copy", canary.Key(1))
	write := func() s3db.Option {
		return s3db.WithPlugin(replicator.New(replicator.Options{Resources: []string{"users"}, WriteOnly: true}))
	}
	older, err := v3.New(t.Context(), server.Client(), key, write())
	if err != nil {
		t.Fatal(err)
	}
	newer, err := v4.New(t.Context(), server.Client(), key, write())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newer.Users.Insert(t.Context(), v4.UserInsert{ID: "a", FullName: "Ada", Email: "a@x.io", Role: v4.UserRoleOwner, Profile: v4.UserProfile{City: "Ulm", Lines: []string{}, Kind: v4.UserProfileKindHome}}); err != nil {
		t.Fatal(err)
	}
	r := replicator.New(replicator.Options{OnDemand: true, Targets: []replicator.TargetOptions{
		{Name: "copy", Target: p.open(t, false), Routes: map[string][]replicator.Route{"users": {{}}}},
	}})
	db, err := dynamic.New(t.Context(), server.Client(), dynamic.Config{}, s3db.WithPlugin(r))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := r.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	replica, err := v4.New(t.Context(), kept{p.store}, key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := replica.Migrate(t.Context(), s3db.MigrateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := newer.Users.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := older.Users.Insert(t.Context(), v3.UserInsert{ID: "a", FullName: "Bob", Email: "b@x.io", Role: v3.UserRoleOwner, Profile: v3.UserProfile{City: "Ulm"}}); err != nil {
		t.Fatal(err)
	}
	if err := r.Sync(t.Context()); !errors.Is(err, s3db.ErrOutdated) || !strings.Contains(fmt.Sprint(err), "the copy was migrated") {
		t.Error(err)
	}
	if a, err := replica.Users.Get(t.Context(), "a"); err != nil || a.FullName != "Ada" {
		t.Errorf("the document of the copy: %v, %v", a, err)
	}
}
