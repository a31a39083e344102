package goldentest

import (
	"context"
	"errors"
	"slices"
	"testing"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/testdata/compat/newer/v6/v6"
	"github.com/s3dbgen/s3dbgen/testdata/compat/newer/v7/v7"
	frozen "github.com/s3dbgen/s3dbgen/testdata/compat/v1/client"
)

// TestFrozenClient: the client that was frozen with the constant GeneratedV1, which
// no run of the generator touches, meets two versions of the schema that are newer
// than it. It reads what it may, keeps what it does not know, and changes nothing
// that it cannot understand.
func TestFrozenClient(t *testing.T) {
	ctx := t.Context()
	server := memstore.NewServer(memstore.Options{})
	old := openV1(t, server.Client()).Users
	for _, id := range []frozen.UserID{"ada", "bob"} {
		in := frozen.UserInsert{ID: id, FullName: "Ada", Email: string(id) + "@x.io", Age: new("36 years"), Role: frozen.UserRoleOwner, Profile: frozen.UserProfile{City: "Rio", Lines: []string{}, Kind: frozen.UserProfileKindHome}, Tags: []string{}}
		if _, err := old.Insert(ctx, in); err != nil {
			t.Fatal(err)
		}
	}
	key := s3db.WithKey("test", make([]byte, 32)) // that of openV1
	six, err := v6.New(ctx, server.Client(), key)
	if err != nil {
		t.Fatal(err)
	}
	for id, role := range map[v6.UserID]v6.UserRole{"eve": v6.UserRoleMember, "guy": v6.UserRoleAuditor} {
		in := v6.UserInsert{ID: id, FullName: "Eve", Email: string(id) + "@x.io", Role: role, Profile: v6.UserProfile{City: "Rio", Lines: []string{}, Kind: v6.UserProfileKindHome}, Tags: []string{}, Motto: new("carpe diem"), Level: new(int64(7))}
		if _, err := six.Users.Insert(ctx, in); err != nil {
			t.Fatal(err)
		}
	}

	// A client that starts now, as one that was running.
	late := openV1(t, server.Client()).Users
	for what, users := range map[string]frozen.Users{"running": old, "started": late} {
		eve, err := users.Get(ctx, "eve")
		if err != nil || eve.FullName != "Eve" || eve.Points != 10 || eve.Meta.StoredVersion != 6 {
			t.Errorf("%s client: a document of version 6: %+v, %v", what, eve, err)
		}
		if d, err := users.Get(ctx, "guy"); !errors.Is(err, s3db.ErrOutdated) {
			t.Errorf("%s client: a role that it does not have: %+v, %v", what, d, err)
		}
	}
	if _, err := late.Update(ctx, "eve", frozen.UserPatch{Country: s3db.Set("PT"), Profile: s3db.Set(frozen.UserProfile{City: "Ulm", Lines: []string{}, Kind: frozen.UserProfileKindHome})}); err != nil {
		t.Fatal(err)
	}
	eve, err := six.Users.Get(ctx, "eve")
	if err != nil || eve.Motto == nil || *eve.Motto != "carpe diem" || eve.Level != 7 || *eve.Country != "PT" || eve.Meta.StoredVersion != 5 {
		t.Errorf("after a change by the frozen client: %+v, %v", eve, err)
	}
	if list, err := six.Users.ByCity("Ulm").List(ctx); err != nil || len(list) != 1 || list[0].ID != "eve" {
		t.Errorf("documents in Ulm: %v, %v", list, err)
	}

	// Version 7 stores the age, which is optional, in another way: the frozen client
	// can read the rest, and a write of it would bring the old age back.
	seven, err := v7.New(ctx, server.Client(), key)
	if err != nil {
		t.Fatal(err)
	}
	if d, err := seven.Users.Update(ctx, "ada", v7.UserPatch{Country: s3db.Set("PT")}); err != nil || d.Age == nil || *d.Age != 36 {
		t.Fatalf("an update by version 7: %+v, %v", d, err)
	}
	before := stored(t, server)
	late = openV1(t, server.Client()).Users
	if ada, err := late.Get(ctx, "ada"); err != nil || ada.FullName != "Ada" || *ada.Country != "PT" || ada.Age != nil || ada.Meta.StoredVersion != 7 {
		t.Errorf("a document of version 7: %+v, %v", ada, err)
	}
	for what, do := range map[string]func(context.Context) error{
		"update": func(ctx context.Context) error {
			_, err := late.Update(ctx, "ada", frozen.UserPatch{Points: s3db.Set(int64(1))})
			return err
		},
		"upsert": func(ctx context.Context) error {
			_, err := late.Upsert(ctx, "ada", frozen.UserInsert{FullName: "Ada", Email: "ada@x.io", Role: frozen.UserRoleOwner, Profile: frozen.UserProfile{City: "Rio", Lines: []string{}, Kind: frozen.UserProfileKindHome}, Tags: []string{}})
			return err
		},
		"delete": func(ctx context.Context) error { return late.Delete(ctx, "ada") },
	} {
		if err := do(ctx); !errors.Is(err, s3db.ErrOutdated) {
			t.Errorf("%s of a document of version 7: %v", what, err)
		}
	}
	if !slices.Equal(before, stored(t, server)) {
		t.Error("the frozen client has changed what version 7 wrote")
	}
	if bob, err := late.Get(ctx, "bob"); err != nil || *bob.Age != "36 years" {
		t.Errorf("its own document: %+v, %v", bob, err)
	}

	// After a migration it reads what has its attributes, and writes nothing.
	if _, err := seven.Migrate(ctx, s3db.MigrateOptions{Exclusive: true}); err != nil {
		t.Fatal(err)
	}
	late = openV1(t, server.Client()).Users
	if bob, err := late.Get(ctx, "bob"); err != nil || bob.Points != 10 || bob.Age != nil {
		t.Errorf("its own document after the migration: %+v, %v", bob, err)
	}
	if _, err := late.Insert(ctx, frozen.UserInsert{ID: "new", FullName: "New", Email: "new@x.io", Role: frozen.UserRoleOwner, Profile: frozen.UserProfile{City: "Rio", Lines: []string{}, Kind: frozen.UserProfileKindHome}, Tags: []string{}}); !errors.Is(err, s3db.ErrOutdated) {
		t.Errorf("an insert after the migration: %v", err)
	}
	checkClean(t, server, seven.Database())
}

// stored are the keys of the documents with the ETags of what they hold.
func stored(t *testing.T, server *memstore.Server) []string {
	t.Helper()
	var list []string
	store := server.Client()
	for _, key := range server.Keys() {
		o, err := store.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, key+" "+o.ETag)
	}
	return list
}
