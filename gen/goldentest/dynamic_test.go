package goldentest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// lastWithoutCode is the newest version of the chain that no function leads to.
const lastWithoutCode = 3

// openDynamic opens a database without generated code.
func openDynamic(t *testing.T, server *memstore.Server) *dynamic.Resource {
	t.Helper()
	db, err := dynamic.New(t.Context(), server.Client(), dynamic.Config{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := db.Resource("users")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// fill writes the documents of versions up to one, each with its own client.
func fill(t *testing.T, server *memstore.Server, upTo int) {
	t.Helper()
	for version := range upTo + 1 {
		openVersion(t, server, version).insertAll(version)
	}
}

// TestDynamicVersions reads documents of four versions without generated code, as
// the newest client does, and migrates them: the newest client then finds every
// attribute, entry and claim, and fsck nothing.
func TestDynamicVersions(t *testing.T) {
	server := memstore.NewServer(memstore.Options{})
	fill(t, server, lastWithoutCode)
	r := openDynamic(t, server)
	check := func() {
		t.Helper()
		for from := range lastWithoutCode + 1 {
			for id := range written[from] {
				d, err := r.Get(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(expected(t, id, from, lastWithoutCode), normal(t, d)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", id, diff)
				}
			}
		}
	}
	check()
	if d, err := r.Get(t.Context(), "full0"); err != nil || d.Meta.StoredVersion != 0 || d.Meta.Version != lastWithoutCode {
		t.Errorf("%+v, %v", d.Meta, err)
	}
	before := fmt.Sprint(server.Keys())
	report, err := r.Migrate(t.Context(), s3db.MigrateOptions{DryRun: true})
	if err != nil || report.Migrated != 6 || fmt.Sprint(server.Keys()) != before {
		t.Errorf("the dry run: %+v, %v", report, err)
	}
	report, err = r.Migrate(t.Context(), s3db.MigrateOptions{Exclusive: true, DropRemoved: true})
	want := &s3db.MigrateReport{Resource: "users", Version: lastWithoutCode, Documents: 8, Migrated: 6, Complete: true}
	if diff := cmp.Diff(want, report); diff != "" || err != nil {
		t.Errorf("the migration (-want +got), %v:\n%s", err, diff)
	}
	check()

	newest := openVersion(t, server, lastWithoutCode)
	newest.check(lastWithoutCode, lastWithoutCode)
	full := []string{"full0", "full1", "full2", "full3"}
	if diff := cmp.Diff(full, newest.ids("ByCity", "Rio")); diff != "" {
		t.Errorf("documents in Rio (-want +got):\n%s", diff)
	}
	if list := newest.ids("ByVersion", 0); len(list) > 0 || len(newest.ids("ByVersion", lastWithoutCode)) != 8 {
		t.Errorf("documents of the first version: %v", list)
	}
	if _, m := newest.show("full0"); m.StoredVersion != lastWithoutCode {
		t.Errorf("stored under version %d", m.StoredVersion)
	}
	input := map[string]any{"id": "x", "fullName": "X", "email": "ada0@x.io", "role": "member", "profile": document{"city": "Ulm"}}
	if _, err := newest.try("Insert", newest.input("Insert", 1, input)); !errors.Is(err, s3db.ErrUnique) {
		t.Errorf("an email of the first version is taken twice: %v", err)
	}
	checkClean(t, server, r.Database())
	older := openVersion(t, server, 0)
	if _, err := older.try("Delete", older.id("full0")); !errors.Is(err, s3db.ErrOutdated) {
		t.Errorf("version 0 deletes after the migration: %v", err)
	}
}

// TestDynamicNeedsProgram: without generated code a document that takes a function
// of the program is an error and never a document with less in it, and a migration
// says so before it changes anything.
func TestDynamicNeedsProgram(t *testing.T) {
	server := memstore.NewServer(memstore.Options{})
	fill(t, server, newest)
	r := openDynamic(t, server)
	ctx := t.Context()
	for from := range newest + 1 {
		for id := range written[from] {
			d, err := r.Get(ctx, id)
			if from == newest {
				if diff := cmp.Diff(expected(t, id, from, newest), normal(t, d)); diff != "" || err != nil {
					t.Errorf("%s (-want +got), %v:\n%s", id, err, diff)
				}
				continue
			}
			if !errors.Is(err, s3db.ErrNeedsProgram) || d != nil {
				t.Errorf("%s of version %d: %v, %v", id, from, d, err)
			}
			if _, err := r.Update(ctx, id, dynamic.Patch{"country": "PT"}); !errors.Is(err, s3db.ErrNeedsProgram) {
				t.Errorf("update of %s: %v", id, err)
			}
			if err := r.Delete(ctx, id); !errors.Is(err, s3db.ErrNeedsProgram) {
				t.Errorf("delete of %s: %v", id, err)
			}
		}
	}
	versions, err := r.Database().Versions(ctx)
	if err != nil || !slices.Equal(versions[0].NeedsProgram, []int{4, 5}) {
		t.Errorf("versions: %+v, %v", versions, err)
	}
	before, _ := server.Client().Get(ctx, "s3db.json")
	if report, err := r.Migrate(ctx, s3db.MigrateOptions{Exclusive: true}); report != nil || !errors.Is(err, s3db.ErrNeedsProgram) {
		t.Errorf("migrate: %+v, %v", report, err)
	}
	if after, _ := server.Client().Get(ctx, "s3db.json"); after.ETag != before.ETag {
		t.Error("the migration that cannot be done has changed the registry")
	}
	openVersion(t, server, newest).migrate(s3db.MigrateOptions{Exclusive: true})
	if versions, err := r.Database().Versions(ctx); err != nil || versions[0].NeedsProgram != nil {
		t.Errorf("versions after the program migrated: %+v, %v", versions, err)
	}
	for from := range written {
		for id := range written[from] {
			d, err := r.Get(ctx, id)
			if diff := cmp.Diff(expected(t, id, from, newest), normal(t, d)); diff != "" || err != nil {
				t.Errorf("%s after the program migrated (-want +got), %v:\n%s", id, err, diff)
			}
		}
	}
}
