package s3db_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/testdata/golden/secrets/secrets"
)

// safe has a secret of every type that an attribute can have.
func safe(id secrets.SafeID) secrets.SafeInsert {
	return secrets.SafeInsert{
		ID: id, Label: "label",
		A: s3db.NewSecret(needle), B: s3db.NewSecret(needle + "\nßß"), C: s3db.NewSecret(math.Copysign(0, -1)), D: s3db.NewSecret(int64(math.MinInt64)), E: s3db.NewSecret(true),
		F: s3db.NewSecret(s3db.Date{Year: 1999, Month: time.May, Day: 31}), G: s3db.NewSecret(time.Unix(1, 2).UTC()), H: s3db.NewSecret(-time.Nanosecond),
		I: s3db.NewSecret(uuid.MustParse("6ba7b810-9dad-11d1-80b4-00c04fd430c8")), J: s3db.NewSecret("needle@example.com"), K: s3db.NewSecret("https://example.com/needle"),
		L: s3db.NewSecret(netip.MustParseAddr("127.0.0.1")), M: s3db.NewSecret(netip.MustParseAddr("2001:db8::1")), N: s3db.NewSecret(secrets.SafeNHigh),
		O: s3db.NewSecret([]byte(needle)), P: s3db.NewSecret(decimal.RequireFromString("1.50")), Q: s3db.NewSecret(json.RawMessage(`{"k":["needle",1]}`)),
		R: s3db.NewSecret(map[string]string{needle: needle}), S: s3db.NewSecret(map[string]any{"k": needle}),
	}
}

// TestSecretsOfEveryType: what a secret of any type holds comes back to the bit
// and is nowhere in the store.
func TestSecretsOfEveryType(t *testing.T) {
	server := memstore.NewServer(memstore.Options{})
	db := openVaults(t, server.Client(), key("k1", 1))
	in, err := db.Safes.Insert(t.Context(), safe("a"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := db.Safes.Get(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	exact := cmp.Comparer(func(a, b s3db.Secret[float64]) bool {
		return math.Float64bits(a.Reveal()) == math.Float64bits(b.Reveal())
	})
	if diff := cmp.Diff(in, got, cmpopts.IgnoreFields(secrets.Safe{}, "Meta"), exact); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
	if got.P.Reveal().Exponent() != -2 || string(got.Q.Reveal()) != `{"k":["needle",1]}` || got.S.Reveal()["k"] != needle {
		t.Error("a secret did not come back as it was")
	}
	o, err := server.Client().Get(t.Context(), "resource=safes/data/id=a")
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprint(o.Metadata) + string(o.Body); strings.Contains(text, "needle") {
		t.Errorf("the store holds a secret: %s", text)
	}
}

// sealedFields returns the stored texts of a document's secrets by field number.
func sealedFields(t *testing.T, store s3db.Store, key string) map[string]string {
	t.Helper()
	o, err := store.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	fields := maps.Clone(o.Metadata)
	var body struct{ Fields map[string]string }
	if err := json.Unmarshal(o.Body, &body); err != nil {
		t.Fatal(err)
	}
	maps.Copy(fields, body.Fields)
	delete(fields, "s")
	delete(fields, "1") // the label
	return fields
}

// TestTamperedSecretsDoNotOpen takes the stored text of a secret and changes every
// character to every other one, cuts it at every length, and puts it wherever
// else a secret could stand: another document, attribute, resource and database.
// None of it ever yields a value.
func TestTamperedSecretsDoNotOpen(t *testing.T) {
	const resource, number = "resource=safes/data/id=", "2"
	store, other := memstore.New(), memstore.New()
	db, elsewhere := openVaults(t, store, key("k1", 1)), openVaults(t, other, key("k1", 1))
	for _, id := range []secrets.SafeID{"a", "b"} {
		if _, err := db.Safes.Insert(t.Context(), safe(id)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := elsewhere.Safes.Insert(t.Context(), safe("a")); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Vaults.Insert(t.Context(), vault("a")); err != nil {
		t.Fatal(err)
	}
	o, err := store.Get(t.Context(), resource+"a")
	if err != nil {
		t.Fatal(err)
	}
	sealed, inHeader := o.Metadata[number]
	if !inHeader {
		t.Fatal("the secret is not in the metadata")
	}
	tries := 0
	try := func(what, text string) {
		t.Helper()
		tries++
		metadata := maps.Clone(o.Metadata)
		metadata[number] = text
		if _, err := store.Put(t.Context(), resource+"a", o.Body, metadata, s3db.Condition{}); err != nil {
			t.Fatal(err)
		}
		d, err := db.Safes.Get(t.Context(), "a")
		var located *s3db.Error
		if d != nil || !errors.Is(err, s3db.ErrDecrypt) || !errors.As(err, &located) || located.Field != "a" {
			t.Fatalf("%s: read %v, %v", what, d, err)
		}
		if _, err := db.Safes.Update(t.Context(), "a", secrets.SafePatch{Label: s3db.Set("x")}); !errors.Is(err, s3db.ErrDecrypt) {
			t.Fatalf("%s: an update of something else wrote over it: %v", what, err)
		}
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=.+/ "
	for i := range sealed {
		for _, c := range []byte(alphabet) {
			if c == sealed[i] || (c == ' ' && (i == 0 || i == len(sealed)-1)) { // no header begins or ends with a blank
				continue
			}
			try(fmt.Sprintf("character %d as %q", i, c), sealed[:i]+string(c)+sealed[i+1:])
		}
		if i > 0 {
			try(fmt.Sprintf("cut to %d characters", i), sealed[:i])
		}
	}
	try("empty", "~")
	try("longer", sealed+"A")
	try("twice", sealed+sealed)
	for from, fields := range map[string]map[string]string{
		"another document":  sealedFields(t, store, resource+"b"),
		"another attribute": sealedFields(t, store, resource+"a"),
		"another resource":  sealedFields(t, store, "resource=vaults/data/id=a"),
		"another database":  sealedFields(t, other, resource+"a"),
	} {
		for n, text := range fields {
			if text != sealed && !strings.ContainsAny(text, "~`\n") && len(text) < 300 {
				try(from+", field "+n, text)
			}
		}
	}
	if _, err := store.Put(t.Context(), resource+"a", o.Body, o.Metadata, s3db.Condition{}); err != nil {
		t.Fatal(err)
	}
	if d, err := db.Safes.Get(t.Context(), "a"); err != nil || d.A.Reveal() != needle {
		t.Errorf("the untouched document: %v", err)
	}
	t.Logf("%d forgeries", tries)
}

// TestUntouchedSecretsStayAsTheyAre: an update of something else leaves a sealed
// value as it is, byte for byte; a new value, place or key makes a new one.
func TestUntouchedSecretsStayAsTheyAre(t *testing.T) {
	const at = "resource=safes/data/id=a"
	store := memstore.New()
	db := openVaults(t, store, key("k1", 1))
	if _, err := db.Safes.Insert(t.Context(), safe("a")); err != nil {
		t.Fatal(err)
	}
	first := sealedFields(t, store, at)
	if _, err := db.Safes.Update(t.Context(), "a", secrets.SafePatch{Label: s3db.Set("other")}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, sealedFields(t, store, at)); diff != "" {
		t.Errorf("an update of the label changed secrets:\n%s", diff)
	}

	// The bytes of a secret that was read, changed in place and set again.
	d, err := db.Safes.UpdateFunc(t.Context(), "a", func(d *secrets.Safe) (secrets.SafePatch, error) {
		d.O.Reveal()[0]++
		return secrets.SafePatch{O: s3db.Set(d.O)}, nil
	})
	want := []byte(needle)
	want[0]++
	if err != nil || string(d.O.Reveal()) != string(want) {
		t.Fatalf("the update returned %v", err)
	}
	if got, err := db.Safes.Get(t.Context(), "a"); err != nil || string(got.O.Reveal()) != string(want) {
		t.Errorf("the changed bytes were not stored: %v", err)
	}

	// A secret that was read and set on another document and attribute.
	if _, err := db.Safes.Insert(t.Context(), safe("b")); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Safes.Update(t.Context(), "b", secrets.SafePatch{A: s3db.Set(d.B), B: s3db.Set(d.A)}); err != nil {
		t.Fatal(err)
	}
	if got, err := db.Safes.Get(t.Context(), "b"); err != nil || !got.A.Equal(d.B) || !got.B.Equal(d.A) {
		t.Errorf("secrets that were copied: %v", err)
	}

	before := sealedFields(t, store, at)
	both := openVaults(t, store, key("k2", 2), key("k1", 1))
	if _, err := both.Safes.Update(t.Context(), "a", secrets.SafePatch{Label: s3db.Set("third")}); err != nil {
		t.Fatal(err)
	}
	for n, text := range sealedFields(t, store, at) {
		if text == before[n] {
			t.Errorf("field %s is still under the old key", n)
		}
	}
	if _, err := openVaults(t, store, key("k2", 2)).Safes.Get(t.Context(), "a"); err != nil {
		t.Errorf("under the new key alone: %v", err)
	}
}

// TestWithoutTheKeyNothingIsLost: a program with another key can neither read nor
// write nor delete a document with secrets.
func TestWithoutTheKeyNothingIsLost(t *testing.T) {
	store := memstore.New()
	old := openVaults(t, store, key("k1", 1))
	if _, err := old.Safes.Insert(t.Context(), safe("a")); err != nil {
		t.Fatal(err)
	}
	openVaults(t, store, key("k2", 2), key("k1", 1)) // now k2 is a key of the database
	stranger := openVaults(t, store, key("k2", 2))
	o, err := store.Get(t.Context(), "resource=safes/data/id=a")
	if err != nil {
		t.Fatal(err)
	}
	_, update := stranger.Safes.Update(t.Context(), "a", secrets.SafePatch{Label: s3db.Set("x")})
	_, upsert := stranger.Safes.Upsert(t.Context(), "a", safe(""))
	_, replace := stranger.Safes.Replace(t.Context(), "a", safe(""))
	remove := stranger.Safes.Delete(t.Context(), "a")
	for _, err := range []error{update, upsert, replace, remove} {
		if !errors.Is(err, s3db.ErrDecrypt) || !strings.Contains(err.Error(), `needs the key "k1"`) {
			t.Errorf("error = %v", err)
		}
	}
	if now, err := store.Get(t.Context(), "resource=safes/data/id=a"); err != nil || now.ETag != o.ETag {
		t.Errorf("the document was changed: %v", err)
	}
}
