package goldentest

import (
	"encoding/json"
	"flag"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	v1 "github.com/s3dbgen/s3dbgen/testdata/compat/v1/client"
)

// record writes the objects of testdata/compat/v1 anew. It is for the release that
// begins a new compatibility constant, and for no other.
var record = flag.Bool("record", false, "record the stored objects of the compatibility constant anew")

const compatObjects = "../../testdata/compat/v1/objects.json"

// storedObject is an object as a program of the release wrote it.
type storedObject struct {
	Key      string            `json:"key"`
	Body     []byte            `json:"body"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

// openV1 opens a database with the client that was generated when GeneratedV1
// began, which no run of the generator touches.
func openV1(t *testing.T, store s3db.Store) *v1.DB {
	t.Helper()
	db, err := v1.New(t.Context(), store, s3db.WithKey("test", make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// TestCompatV1 builds and runs the client that was frozen with the constant
// GeneratedV1 against this runtime: it reads what a program of that release
// stored, changes it, finds it by its indexes, and leaves nothing for fsck.
func TestCompatV1(t *testing.T) {
	ctx := t.Context()
	server := memstore.NewServer(memstore.Options{})
	store := server.Client()
	if *record {
		recordV1(t)
	}
	text, err := os.ReadFile(compatObjects)
	if err != nil {
		t.Fatal(err)
	}
	var objects []storedObject
	if err := json.Unmarshal(text, &objects); err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		if _, err := store.Put(ctx, o.Key, o.Body, o.Metadata, s3db.IfAbsent()); err != nil {
			t.Fatal(err)
		}
	}
	db := openV1(t, store)
	ada, err := db.Users.Get(ctx, "ada")
	if err != nil {
		t.Fatal(err)
	}
	want := document{
		"id": "ada", "fullName": "Ada é 日本 👍", "email": "ada@x.io", "age": "old", "nick": "al", "score": -0.5, "role": "owner", "country": "BR", "tier": "pro",
		"profile": document{"city": "Rio", "zip": 2, "lines": []any{"a", "", "c|d"}, "kind": "work"}, "pin": "[redacted]", "tags": []any{"x"}, "points": 3,
	}
	if diff := cmp.Diff(normal(t, want), normal(t, ada)); diff != "" || ada.PIN.Reveal().Code != "p" {
		t.Errorf("read what was stored (-want +got):\n%s", diff)
	}
	if _, err := db.Users.Insert(ctx, v1.UserInsert{ID: "eve", FullName: "Eve", Email: "eve@x.io", Role: v1.UserRoleGuest, Profile: v1.UserProfile{City: "Rio", Lines: []string{}, Kind: v1.UserProfileKindHome}, Tags: []string{}}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Users.Update(ctx, "bob", v1.UserPatch{Profile: s3db.Set(v1.UserProfile{City: "Rio", Lines: []string{}, Kind: v1.UserProfileKindHome})}); err != nil {
		t.Fatal(err)
	}
	if err := db.Users.Delete(ctx, "eve"); err != nil {
		t.Fatal(err)
	}
	list, err := db.Users.ByCity("Rio").List(ctx)
	var ids []string
	for _, d := range list {
		ids = append(ids, string(d.ID))
	}
	if err != nil || !slices.Equal(ids, []string{"ada", "bob"}) {
		t.Errorf("documents in Rio: %v, %v", ids, err)
	}
	if d, err := db.Users.ByNick(ctx, "al"); err != nil || d.ID != "ada" {
		t.Errorf("by nick: %v, %v", d, err)
	}
	if _, err := db.Migrate(ctx, s3db.MigrateOptions{Exclusive: true}); err != nil {
		t.Error(err)
	}
	checkClean(t, server, db.Database())
}

// recordV1 stores documents and writes down the objects.
func recordV1(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	server := memstore.NewServer(memstore.Options{})
	store := server.Client()
	db := openV1(t, store)
	for _, in := range []v1.UserInsert{
		{
			ID: "ada", FullName: "Ada é 日本 👍", Email: "ada@x.io", Age: new("old"), Nick: new("al"), Score: new(-0.5), Role: v1.UserRoleOwner, Country: new("BR"), Tier: new("pro"),
			Profile: v1.UserProfile{City: "Rio", Zip: new(int64(2)), Lines: []string{"a", "", "c|d"}, Kind: v1.UserProfileKindWork},
			PIN:     new(s3db.NewSecret(v1.UserPIN{Code: "p"})), Tags: []string{"x"}, Points: new(int64(3)),
		},
		{ID: "bob", FullName: "Bob", Email: "bob@x.io", Role: v1.UserRoleMember, Profile: v1.UserProfile{City: "Ulm", Lines: []string{}, Kind: v1.UserProfileKindHome}, Tags: []string{}},
	} {
		if _, err := db.Users.Insert(ctx, in); err != nil {
			t.Fatal(err)
		}
	}
	var objects []storedObject
	for _, key := range server.Keys() {
		o, err := store.Get(ctx, key)
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, storedObject{Key: key, Body: o.Body, Metadata: o.Metadata})
	}
	text, err := json.MarshalIndent(objects, "", " ")
	if err == nil {
		err = os.WriteFile(compatObjects, append(text, '\n'), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
