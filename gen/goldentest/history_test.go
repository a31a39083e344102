package goldentest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/canary"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/testdata/versions/v0/v0"
	"github.com/s3dbgen/s3dbgen/testdata/versions/v1/v1"
	"github.com/s3dbgen/s3dbgen/testdata/versions/v5/v5"
)

func testKey() s3db.Option { return s3db.WithKey("test", canary.Key(1)) }

func clientV0(t *testing.T, store s3db.Store) *v0.DB {
	t.Helper()
	db, err := v0.New(t.Context(), store, testKey())
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func clientV1(t *testing.T, store s3db.Store) *v1.DB {
	t.Helper()
	db, err := v1.New(t.Context(), store, testKey())
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func clientV5(t *testing.T, store s3db.Store, options ...s3db.Option) *v5.DB {
	t.Helper()
	if len(options) == 0 {
		options = append(options, testKey())
	}
	db, err := v5.New(t.Context(), store, options...)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// keptStates are the keys of kept states.
func keptStates(server *memstore.Server) []string {
	return slices.DeleteFunc(server.Keys(), func(key string) bool { return !strings.HasPrefix(key, "resource=users/history/id=") })
}

// historyVersions are the versions of a history.
func historyVersions(t *testing.T, db *v5.DB, id v5.UserID) (versions []int) {
	t.Helper()
	list, err := db.Users.History(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		versions = append(versions, d.Meta.StoredVersion)
	}
	return versions
}

// TestHistory: a write to a document of an older version keeps what it was, one
// state for each version, until the document is deleted.
func TestHistory(t *testing.T) {
	ctx := t.Context()
	server := memstore.NewServer(memstore.Options{})
	old, one := clientV0(t, server.Client()), clientV1(t, server.Client())
	openVersion(t, server, 0).insertAll(0)
	change := func(country string) {
		t.Helper()
		if _, err := one.Users.Update(ctx, "full0", v1.UserPatch{Country: s3db.Set(country)}); err != nil {
			t.Fatal(err)
		}
	}
	change("PT")
	first := keptStates(server)
	change("BR") // of the same version: nothing is kept
	if len(first) != 1 || !slices.Equal(first, keptStates(server)) {
		t.Errorf("kept: %v, then %v", first, keptStates(server))
	}
	if _, err := old.Users.Update(ctx, "full0", v0.UserPatch{Name: s3db.Set("Ada L.")}); err != nil {
		t.Fatal(err)
	}
	change("US") // the newer state of version 0 takes the place of the first
	if kept := keptStates(server); len(kept) != 1 || kept[0] == first[0] {
		t.Errorf("kept in place of %v: %v", first, kept)
	}

	store := server.Client()
	db := clientV5(t, store)
	store.ResetCounts()
	if _, err := db.Users.Update(ctx, "full0", v5.UserPatch{Nick: s3db.Set("new")}); err != nil {
		t.Fatal(err)
	}
	if got := historyVersions(t, db, "full0"); !slices.Equal(got, []int{1, 0}) {
		t.Errorf("history has versions %v", got)
	}
	list, err := db.Users.History(ctx, "full0")
	if err != nil {
		t.Fatal(err)
	}
	// Version 0 has kept what version 1 had added.
	want := expected(t, "full0", 0, newest)
	want["fullName"], want["country"], want["tier"], want["tags"] = "Ada L.", "BR", "free", []any{"free", "work"}
	if diff := cmp.Diff(want, normal(t, list[1])); diff != "" || list[1].PIN.Reveal().Code != "p0" {
		t.Errorf("the state of version 0 (-want +got):\n%s", diff)
	}
	if _, err := db.Users.UpdateFrom(ctx, list[0], v5.UserPatch{Nick: s3db.Set("x")}); !errors.Is(err, s3db.ErrConflict) {
		t.Errorf("an update from a kept state: %v", err)
	}
	r := openDynamic(t, server)
	raw, err := r.History(ctx, "full0")
	if err != nil || len(raw) != 2 || raw[1].Values["legacy"] != "l" || raw[1].Values["name"] != "Ada L." || raw[1].Values["age"] != int64(36) || raw[1].Meta.StoredVersion != 0 {
		t.Errorf("without generated code: %v, %v", raw, err)
	}
	if none := historyVersions(t, db, "bare0"); none != nil {
		t.Errorf("a document that was not written since has a history: %v", none)
	}
	if report, err := db.Migrate(ctx, s3db.MigrateOptions{Exclusive: true}); err != nil || report[0].Migrated != 1 {
		t.Errorf("%+v, %v", report, err)
	}
	if got := historyVersions(t, db, "bare0"); !slices.Equal(got, []int{0}) {
		t.Errorf("after the migration bare0 has the versions %v", got)
	}
	checkClean(t, server, db.Database())
	if err := db.Users.DeleteMany(ctx, "full0", "bare0"); err != nil {
		t.Fatal(err)
	}
	if kept := keptStates(server); len(kept) > 0 {
		t.Errorf("after the delete: %v", kept)
	}
	if _, err := db.Users.History(ctx, "full0"); !errors.Is(err, s3db.ErrNotFound) {
		t.Errorf("history of what is deleted: %v", err)
	}
}

// TestHistoryCrash ends an update, which keeps a state, at each of its requests,
// before and after the server applied it: whoever sees the new document finds the
// state before it, and a repair leaves nothing that no document names.
func TestHistoryCrash(t *testing.T) {
	for n := 1; ; n++ {
		struck := false
		for _, applied := range []bool{false, true} {
			t.Run(fmt.Sprintf("request %d, applied %v", n, applied), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					server := memstore.NewServer(memstore.Options{})
					openVersion(t, server, 0).insertAll(0)
					store := server.Client()
					crashing := clientV5(t, store)
					store.ResetCounts()
					store.SetFault(func(r memstore.Request) memstore.Injection {
						if r.Seq != n {
							return memstore.Injection{}
						}
						struck = true
						return memstore.Injection{Fault: memstore.Crash, Applied: applied}
					})
					_, err := crashing.Users.Update(t.Context(), "full0", v5.UserPatch{Country: s3db.Set("PT")})
					if !struck && err != nil {
						t.Fatal(err)
					}
					db := clientV5(t, server.Client())
					checkClean(t, server, db.Database())
					d, err := db.Users.Get(t.Context(), "full0")
					if err != nil {
						t.Fatal(err)
					}
					var want []int
					if d.Country != nil {
						want = []int{0}
					}
					if got := historyVersions(t, db, "full0"); !slices.Equal(got, want) || len(keptStates(server)) != len(want) {
						t.Errorf("history %v, want %v; kept %v", got, want, keptStates(server))
					}
				})
			})
		}
		if !struck {
			t.Logf("%d requests", n-1)
			return
		}
	}
}

// TestHistoryOfTwoWriters: of two writers that bring one document up to date at the
// same time, the one that fails takes nothing away from the other.
func TestHistoryOfTwoWriters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		server := memstore.NewServer(memstore.Options{})
		openVersion(t, server, 0).insertAll(0)
		store := server.Client()
		slow, fast := clientV5(t, store), clientV5(t, server.Client())
		overtaken := false
		store.SetFault(func(r memstore.Request) memstore.Injection {
			if r.Kind == memstore.Put && r.Key == "resource=users/data/id=full0" && !overtaken {
				overtaken = true
				if _, err := fast.Users.Update(ctx, "full0", v5.UserPatch{Country: s3db.Set("PT")}); err != nil {
					t.Error(err)
				}
			}
			return memstore.Injection{}
		})
		if _, err := slow.Users.Update(ctx, "full0", v5.UserPatch{Nick: s3db.Set("slow")}); err != nil {
			t.Fatal(err)
		}
		if got := historyVersions(t, slow, "full0"); !overtaken || !slices.Equal(got, []int{0}) || len(keptStates(server)) != 1 {
			t.Errorf("history %v, kept %v", got, keptStates(server))
		}
	})
}

// TestHistoryRotates: the secrets of kept states follow a new key, so that the old
// one can go, and fsck finds what is missing.
func TestHistoryRotates(t *testing.T) {
	ctx := t.Context()
	server := memstore.NewServer(memstore.Options{})
	openVersion(t, server, 0).insertAll(0)
	if _, err := clientV5(t, server.Client()).Users.Update(ctx, "full0", v5.UserPatch{Country: s3db.Set("PT")}); err != nil {
		t.Fatal(err)
	}
	next := s3db.WithKey("next", bytes.Repeat([]byte{7}, 32))
	report, err := clientV5(t, server.Client(), next, testKey()).Database().Rotate(ctx, s3db.RotateOptions{Drop: "test"})
	if err != nil || report.Rotated != 2 || report.Dropped != "test" {
		t.Fatalf("%+v, %v", report, err)
	}
	db := clientV5(t, server.Client(), next)
	list, err := db.Users.History(ctx, "full0")
	if err != nil || len(list) != 1 || list[0].PIN.Reveal().Code != "p0" {
		t.Errorf("under the new key: %v", err)
	}
	if err := server.Client().Delete(ctx, keptStates(server)[0], s3db.Condition{}); err != nil {
		t.Fatal(err)
	}
	found, err := db.Database().Fsck(ctx, s3db.FsckOptions{Exclusive: true})
	if err != nil || !slices.ContainsFunc(found.Findings, func(f s3db.Finding) bool { return f.Kind == s3db.MissingHistory && f.ID == "full0" }) {
		t.Errorf("a kept state was removed: %+v, %v", found, err)
	}
	r := openDynamic(t, server)
	if _, err := r.Update(ctx, "full0", dynamic.Patch{"country": "US"}); err != nil {
		t.Errorf("the document goes on: %v", err)
	}
}
