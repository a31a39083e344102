package s3db_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	"github.com/s3dbgen/s3dbgen/internal/canary"
	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	target "github.com/s3dbgen/s3dbgen/plugins/replicator/s3db"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/boltstore"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
)

// TestGeneratedClient: the generated client opens the copy, whose registry says the same,
// finds the documents by partition and unique value, and decrypts their secrets.
func TestGeneratedClient(t *testing.T) {
	t.Parallel()
	drivers := []s3db.Driver{boltstore.Driver()}
	from, to := "file://"+filepath.Join(t.TempDir(), "shop.db"), "file://"+filepath.Join(t.TempDir(), "copy.db")
	options := []s3db.Option{s3db.WithKey("k", canary.Key(1)), s3db.WithIDs("products", s3db.NanoID(8))}
	source, err := shop.Open(t.Context(), from, options...)
	if err != nil {
		t.Fatal(err)
	}
	tax := canary.Value("tax number")
	ada, err := source.Users.Insert(t.Context(), shop.UserInsert{
		Name: "Ada", Email: "ada@x.io", Password: "a long password", TaxNumber: new(s3db.NewSecret(tax)), Profile: &shop.UserProfile{Country: "BR"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := source.Close(); err != nil {
		t.Fatal(err)
	}

	db, err := dynamic.Open(t.Context(), from, dynamic.Config{Drivers: drivers, Reveal: true}, options[0])
	if err != nil {
		t.Fatal(err)
	}
	described := db.Describe()
	var changes []replicator.Change
	replicated := replicator.Source{Database: described.ID, Name: "copy", Shards: 1}
	for i := range described.Resources {
		r, err := replicator.Describe(&described.Resources[i], true, []replicator.Route{{}})
		if err != nil {
			t.Fatal(err)
		}
		replicated.Resources = append(replicated.Resources, r)
	}
	users, err := db.Resource("users")
	if err != nil {
		t.Fatal(err)
	}
	d, err := users.Get(t.Context(), string(ada.ID))
	if err != nil {
		t.Fatal(err)
	}
	text, err := d.RevealedJSON()
	if err != nil {
		t.Fatal(err)
	}
	changes = append(changes, replicator.Change{
		Seq: replicator.EndOf(1), Resource: "users", Action: replicator.Insert, ID: d.ID, Revision: d.Meta.Revision, After: json.RawMessage(text), Snapshot: true,
		Version: described.Resources[slices.IndexFunc(described.Resources, func(r s3db.DescribedResource) bool { return r.Name == "users" })].Version,
	})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	x, err := target.New(target.Config{URL: to, Drivers: drivers, Reveal: true, Options: options[:1]})
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Prepare(t.Context(), replicated); err != nil {
		t.Fatal(err)
	}
	apply(t, x, changes...)
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}

	replica, err := shop.Open(t.Context(), to, options...)
	if err != nil {
		t.Fatal(err)
	}
	defer replica.Close()
	got, err := replica.Users.ByEmail(t.Context(), "ada@x.io")
	if err != nil {
		t.Fatal(err)
	}
	want, err := json.Marshal(ada)
	if err != nil {
		t.Fatal(err)
	}
	copied, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(copied)); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
	if got.TaxNumber.Reveal() != tax || !got.Password.Verify("a long password") {
		t.Error("the secret or the password is another one")
	}
	n := 0
	for _, err := range replica.Users.ByCountry("BR").All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 1 {
		t.Errorf("%d users in BR", n)
	}
	for i, r := range replica.Database().Describe().Resources {
		want := described.Resources[i]
		if r.Settings != want.Settings || r.Version != want.Version || r.Versions[len(r.Versions)-1].Schema != want.Versions[len(want.Versions)-1].Schema {
			t.Errorf("the registry of the copy says something else of %s", r.Name)
		}
	}
}
