package s3db_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/google/go-cmp/cmp"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// describe opens a database with one resource and returns what the registry says
// of the resource then.
func describe(t *testing.T, store s3db.Store, schema, settings string) s3db.DescribedResource {
	t.Helper()
	model := &s3db.Model[struct{}, string, struct{}, struct{}]{Resource: "r", Schema: schema, Settings: settings, NewID: s3db.ULID}
	db, err := s3db.New(t.Context(), store, s3db.Config{Resources: []s3db.Resource{model}})
	if err != nil {
		t.Fatal(err)
	}
	return db.Describe().Resources[0]
}

// TestSettingsAreRegistered: the registry takes the settings of the newest program,
// whatever older ones say; they are no part of a version; and the stored shape is
// there byte for byte, as its hash says.
func TestSettingsAreRegistered(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	const first, second = `{"fields":[{"number":1,"name":"a<b & c"}]}`, `{"fields":[{"number":2,"name":"new"}]}`
	for _, step := range []struct {
		schema, settings string
		version          int
		want             string
	}{
		{first, "", 0, ""},
		{first, `{"behavior":"x"}`, 0, `{"behavior":"x"}`},
		{first, "", 0, `{"behavior":"x"}`},
		{first, `{"behavior":"<y>"}`, 0, `{"behavior":"<y>"}`},
		{second, `{"behavior":"z"}`, 1, `{"behavior":"z"}`},
		{first, `{"behavior":"<y>"}`, 1, `{"behavior":"z"}`},
	} {
		got := describe(t, store, step.schema, step.settings)
		if got.Version != step.version || got.Settings != step.want {
			t.Errorf("%s %s: version %d, settings %s; want %d, %s", step.schema, step.settings, got.Version, got.Settings, step.version, step.want)
		}
	}
	before, err := store.Get(t.Context(), "s3db.json")
	if err != nil {
		t.Fatal(err)
	}
	var schemas []string
	for _, v := range describe(t, store, second, `{"behavior":"z"}`).Versions {
		sum := sha256.Sum256([]byte(v.Schema))
		if hex.EncodeToString(sum[:]) != v.Hash {
			t.Errorf("version %d has the hash of another text than %s", v.Version, v.Schema)
		}
		schemas = append(schemas, v.Schema)
	}
	if diff := cmp.Diff([]string{first, second}, schemas); diff != "" {
		t.Errorf("stored shapes (-want +got):\n%s", diff)
	}
	after, err := store.Get(t.Context(), "s3db.json")
	if err != nil {
		t.Fatal(err)
	}
	if string(before.Body) != string(after.Body) {
		t.Error("opening with what the registry has wrote it again")
	}
}
