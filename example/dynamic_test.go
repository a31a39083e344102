package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/shopspring/decimal"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	"github.com/s3dbgen/s3dbgen/internal/canary"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// These tests hold package dynamic, which knows a database from its registry
// alone, to what the generated client of that database does.

// insertEverything inserts a document with every attribute into every resource and
// returns them by resource.
func insertEverything(t *testing.T, db *shop.DB) map[string]any {
	t.Helper()
	user, product, order, review, session, report, visit := everything()
	review.Title, review.Text = "A title", strings.Repeat("many words ", 400) // is cut
	ctx := t.Context()
	return map[string]any{
		"users":    must[*shop.User](t)(db.Users.Insert(ctx, user)),
		"products": must[*shop.Product](t)(db.Products.Insert(ctx, product)),
		"orders":   must[*shop.Order](t)(db.Orders.Insert(ctx, order)),
		"reviews":  must[*shop.Review](t)(db.Reviews.Insert(ctx, review)),
		"sessions": must[*shop.Session](t)(db.Sessions.Insert(ctx, session)),
		"reports":  must[*shop.Report](t)(db.Reports.Insert(ctx, report)),
		"visits":   must[*shop.Visit](t)(db.Visits.Insert(ctx, visit)),
	}
}

// openDynamic opens a shop by its registry alone.
func openDynamic(t *testing.T, store s3db.Store, config dynamic.Config, opts ...s3db.Option) *dynamic.Database {
	t.Helper()
	return must[*dynamic.Database](t)(dynamic.New(t.Context(), store, config, opts...))
}

// only returns the one document of a resource.
func only(t *testing.T, db *dynamic.Database, resource string) (*dynamic.Resource, *dynamic.Document) {
	t.Helper()
	r := must[*dynamic.Resource](t)(db.Resource(resource))
	docs := must[[]*dynamic.Document](t)(r.Query().List(t.Context()))
	if len(docs) != 1 {
		t.Fatalf("%s: %d documents", resource, len(docs))
	}
	return r, docs[0]
}

// decimals compares texts that are decimals as numbers: encoding/json drops the
// zeros at the end of a decimal, which the dynamic form keeps.
var decimals = cmp.FilterValues(func(a, b string) bool {
	_, errA := decimal.NewFromString(a)
	_, errB := decimal.NewFromString(b)
	return errA == nil && errB == nil
}, cmp.Comparer(func(a, b string) bool {
	return decimal.RequireFromString(a).Equal(decimal.RequireFromString(b))
}))

func tree(t *testing.T, v any) any {
	t.Helper()
	text := must[[]byte](t)(json.Marshal(v))
	r := json.NewDecoder(bytes.NewReader(text))
	r.UseNumber()
	var x any
	if err := r.Decode(&x); err != nil {
		t.Fatal(err)
	}
	return x
}

// TestDynamicJSON: the JSON of a document that was read by the registry alone is
// that of the generated struct, for every type and every behavior.
func TestDynamicJSON(t *testing.T) {
	t.Parallel()
	db, store := newShop(t)
	documents := insertEverything(t, db)
	opened := openDynamic(t, store, dynamic.Config{}, s3db.WithClock(func() time.Time { return clock }))
	if got, want := len(opened.Resources()), len(documents); got != want {
		t.Fatalf("%d resources, want %d", got, want)
	}
	for name, want := range documents {
		_, got := only(t, opened, name)
		if diff := cmp.Diff(tree(t, want), tree(t, got), decimals); diff != "" {
			t.Errorf("%s (-generated +dynamic):\n%s", name, diff)
		}
	}
}

// TestDynamicWritesTheSame: a document that is exported from one database and
// inserted into another by the registry alone is stored byte for byte as the
// generated client stored it, with the same entries and claims; the generated
// client reads it there, and fsck finds nothing.
func TestDynamicWritesTheSame(t *testing.T) {
	t.Parallel()
	db, from := newShop(t)
	documents := insertEverything(t, db)
	source := openDynamic(t, from, dynamic.Config{Reveal: true}, options()...)

	other, to := newShop(t)
	target := openDynamic(t, to, dynamic.Config{}, options()...)
	for name := range documents {
		_, d := only(t, source, name)
		r := must[*dynamic.Resource](t)(target.Resource(name))
		in := must[dynamic.Input](t)(r.ParseInput(must[[]byte](t)(d.RevealedJSON())))
		must[*dynamic.Document](t)(r.Insert(t.Context(), in, s3db.KeepTimestamps(in.CreatedAt, in.UpdatedAt)))
	}

	want, got := stored(t, from), stored(t, to)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("keys (-generated +dynamic):\n%s", diff)
	}
	for key, fields := range want {
		if diff := cmp.Diff(fields, got[key]); diff != "" {
			t.Errorf("%s (-generated +dynamic):\n%s", key, diff)
		}
	}
	report := must[*s3db.FsckReport](t)(target.Fsck(t.Context(), s3db.FsckOptions{Exclusive: true}))
	if len(report.Findings) > 0 || report.Documents != len(documents) {
		t.Errorf("fsck: %+v", report)
	}
	for name, d := range readEverything(t, other) {
		if diff := cmp.Diff(documents[name], d, cmpopts.IgnoreTypes(s3db.Meta{}), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Errorf("%s, read by the generated client (-want +got):\n%s", name, diff)
		}
	}
}

// readEverything reads what insertEverything inserted.
func readEverything(t *testing.T, db *shop.DB) map[string]any {
	t.Helper()
	ctx := t.Context()
	return map[string]any{
		"users":    must[*shop.User](t)(db.Users.Get(ctx, "a")),
		"products": must[*shop.Product](t)(db.Products.Get(ctx, "chá/🫖 %2e")),
		"orders":   must[*shop.Order](t)(db.Orders.Get(ctx, "o")),
		"reviews":  must[*shop.Review](t)(db.Reviews.Get(ctx, "r")),
		"sessions": must[*shop.Session](t)(db.Sessions.Get(ctx, "s")),
		"reports":  must[*shop.Report](t)(db.Reports.Get(ctx, "d")),
		"visits":   must[*shop.Visit](t)(db.Visits.Get(ctx, "v")),
	}
}

var entryToken = regexp.MustCompile(`![0-9A-Za-z]{11}$`)

// stored returns the objects of a database without what differs by chance: tokens,
// revisions, ETags and the ciphertexts of secrets. Of a document it returns the
// headers, and the members of the body that hold attributes and times.
func stored(t *testing.T, store *memstore.Store) map[string]map[string]string {
	t.Helper()
	objects := map[string]map[string]string{}
	page := must[*s3db.ListPage](t)(store.List(t.Context(), s3db.ListRequest{}))
	for _, item := range page.Items {
		if item.Key == "s3db.json" {
			continue
		}
		object := must[*s3db.Object](t)(store.Get(t.Context(), item.Key))
		fields := maps.Clone(object.Metadata)
		if strings.Contains(item.Key, "/data/") {
			var body map[string]json.RawMessage
			if err := json.Unmarshal(object.Body, &body); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"created", "updated", "fields"} {
				fields["body "+name] = string(body[name])
			}
		}
		if strings.HasPrefix(item.Key, "resource=users/data/") {
			for _, number := range []string{"5", "6", "7"} {
				fields[number] = fmt.Sprintf("%d bytes", len(fields[number]))
			}
		}
		objects[entryToken.ReplaceAllString(item.Key, "!")] = fields
	}
	return objects
}

// TestDynamicKeepsSecrets: without a key, documents with secrets can be read and
// updated, and their ciphertexts stay as they are; with the key and Reveal the
// values are there. Nothing shows them by accident.
func TestDynamicKeepsSecrets(t *testing.T) {
	t.Parallel()
	db, store := newShop(t)
	insertEverything(t, db)
	const key = "resource=users/data/id=a"
	before := must[*s3db.Object](t)(store.Get(t.Context(), key)).Metadata

	r, d := only(t, openDynamic(t, store, dynamic.Config{}), "users")
	secret, _ := d.Values["taxNumber"].(dynamic.Secret)
	if _, ok := secret.Value(); ok || secret.Key() != "test" {
		t.Errorf("read without Reveal: decrypted: %t, key %q", ok, secret.Key())
	}
	patch := must[dynamic.Patch](t)(r.ParsePatch([]byte(`{"name":"Grace","apiKey":"[redacted]","password":"[redacted]"}`)))
	must[*dynamic.Document](t)(r.Update(t.Context(), "a", patch))
	text := must[[]byte](t)(json.Marshal(d))
	in := must[dynamic.Input](t)(r.ParseInput(bytes.Replace(text, []byte(`"age":4611686018427387905`), []byte(`"age":5`), 1)))
	must[*dynamic.Document](t)(r.Replace(t.Context(), "a", in))
	after := must[*s3db.Object](t)(store.Get(t.Context(), key)).Metadata
	for _, number := range []string{"3", "4", "5", "6", "7"} {
		if before[number] != after[number] {
			t.Errorf("field %s changed", number)
		}
	}
	user := must[*shop.User](t)(db.Users.Get(t.Context(), "a"))
	if *user.Age != 5 || user.TaxNumber.Reveal() != "null" || !user.Password.Verify(password) {
		t.Errorf("the generated client reads %+v", user)
	}

	_, err := r.Insert(t.Context(), in)
	var invalid *s3db.ValidationError
	if in.ID = "b"; !errors.Is(err, s3db.ErrAlreadyExists) && !errors.As(err, &invalid) {
		t.Errorf("insert of redacted secrets: %v", err)
	}
	if _, err := r.Insert(t.Context(), in); !errors.As(err, &invalid) || len(invalid.Violations) != 5 {
		t.Errorf("insert of redacted secrets and passwords: %v", err)
	}
	patch = dynamic.Patch{"apiKey": dynamic.NewSecret("new")}
	if _, err := r.Update(t.Context(), "a", patch); !errors.Is(err, s3db.ErrConfig) {
		t.Errorf("a new secret without a key: %v", err)
	}

	_, d = only(t, openDynamic(t, store, dynamic.Config{Reveal: true}, options()...), "users")
	for _, shown := range []string{fmt.Sprintf("%v %+v %#v %s", d, d.Values, d.Values["card"], d.Values["taxNumber"]), string(must[[]byte](t)(json.Marshal(d)))} {
		if strings.Contains(shown, "4242") || canary.Find([]byte(shown)) != "" || strings.Contains(shown, "argon2id") {
			t.Errorf("a secret is shown: %s", shown)
		}
	}
	revealed := string(must[[]byte](t)(d.RevealedJSON()))
	if !strings.Contains(revealed, `"card":{"number":"4242424242424242","expires":"2030-01-31"}`) {
		t.Errorf("revealed: %s", revealed)
	}
	if _, err := dynamic.New(t.Context(), store, dynamic.Config{Reveal: true}); !errors.Is(err, s3db.ErrConfig) {
		t.Errorf("Reveal without a key: %v", err)
	}
}

// TestDynamicSecretsStayInTheirPlace: a sealed value opens in its own document
// only, so it is not copied into another one; a revealed one is encrypted anew.
func TestDynamicSecretsStayInTheirPlace(t *testing.T) {
	t.Parallel()
	db, store := newShop(t)
	insertEverything(t, db)
	users, d := only(t, openDynamic(t, store, dynamic.Config{}), "users")
	d.Values["email"] = "b@example.com"
	var invalid *s3db.ValidationError
	if _, err := users.Insert(t.Context(), dynamic.Input{ID: "b", Values: d.Values}); !errors.As(err, &invalid) || len(invalid.Violations) != 3 || invalid.Violations[0].Rule != "sealed" {
		t.Errorf("insert of sealed values: %v", err)
	}
	if _, err := users.Update(t.Context(), "a", dynamic.Patch{"taxNumber": d.Values["apiKey"]}); !errors.As(err, &invalid) {
		t.Errorf("update with the sealed value of another attribute: %v", err)
	}
	users, d = only(t, openDynamic(t, store, dynamic.Config{Reveal: true}, options()...), "users")
	d.Values["email"] = "b@example.com"
	must[*dynamic.Document](t)(users.Insert(t.Context(), dynamic.Input{ID: "b", Values: d.Values}))
	if u := must[*shop.User](t)(db.Users.Get(t.Context(), "b")); u.APIKey.Reveal() != apiKey {
		t.Error("the copy has another secret")
	}
}

// TestDynamicRenewsSecrets encrypts the secrets of a document with another key.
func TestDynamicRenewsSecrets(t *testing.T) {
	t.Parallel()
	db, store := newShop(t)
	insertEverything(t, db)
	both := append([]s3db.Option{s3db.WithKey("new", canary.Key(8))}, options()...)
	opened := openDynamic(t, store, dynamic.Config{Reveal: true}, both...)
	r, d := only(t, opened, "users")
	patch := dynamic.Patch{}
	for name, v := range d.Values {
		if s, ok := v.(dynamic.Secret); ok {
			renewed, _ := s.Renewed()
			patch[name] = renewed
		}
	}
	must[*dynamic.Document](t)(r.Update(t.Context(), "a", patch))
	_, d = only(t, opened, "users")
	for name := range patch {
		if s, _ := d.Values[name].(dynamic.Secret); s.Key() != "new" {
			t.Errorf("%s is encrypted with the key %q", name, s.Key())
		}
	}
	reopened := must[*shop.DB](t)(shop.New(t.Context(), store, both...))
	if u := must[*shop.User](t)(reopened.Users.Get(t.Context(), "a")); u.Card.Reveal().Number != "4242424242424242" {
		t.Error("the generated client reads another secret")
	}
}

// TestDynamicPatches: updates, upserts and replacements by the registry alone move
// entries and claims and respect what is immutable.
func TestDynamicPatches(t *testing.T) {
	t.Parallel()
	db, store := newShop(t)
	insertEverything(t, db)
	opened := openDynamic(t, store, dynamic.Config{})
	ctx := context.WithoutCancel(t.Context())

	users, _ := only(t, opened, "users")
	must[*dynamic.Document](t)(users.Update(ctx, "a", must[dynamic.Patch](t)(users.ParsePatch(
		[]byte(`{"email":"new@example.com","profile":{"country":"PT"},"nickname":null}`)))))
	if u := must[*shop.User](t)(db.Users.ByEmail(ctx, "new@example.com")); u.Nickname != nil || u.Profile.Country != "PT" {
		t.Errorf("after the patch: %+v", u)
	}
	if _, err := db.Users.ByEmail(ctx, "l@example.com"); !errors.Is(err, s3db.ErrNotFound) {
		t.Errorf("the old claim: %v", err)
	}
	found := must[s3db.Query[dynamic.Document, string]](t)(users.InPartition("byCountry", "PT"))
	if n := must[int](t)(found.Count(ctx)); n != 1 {
		t.Errorf("%d documents in the partition", n)
	}
	if n := must[int](t)(db.Users.ByCountry("BR").Count(ctx)); n != 0 {
		t.Errorf("%d documents in the old partition", n)
	}

	orders, o := only(t, opened, "orders")
	if _, err := orders.Update(ctx, "o", dynamic.Patch{"user": "b"}); !errors.Is(err, s3db.ErrValidation) {
		t.Errorf("change of an immutable attribute: %v", err)
	}
	in := dynamic.Input{Values: maps.Clone(o.Values)}
	in.Values["user"], in.Values["note"] = "b", "upserted"
	if d := must[*dynamic.Document](t)(orders.Upsert(ctx, "o", in)); d.Values["user"] != "a" || d.Values["note"] != "upserted" {
		t.Errorf("after the upsert: %v", d.Values)
	}
	delete(in.Values, "note")
	if d := must[*dynamic.Document](t)(orders.Replace(ctx, "o", in)); d.Values["user"] != "a" || d.Values["note"] != nil {
		t.Errorf("after the replacement: %v", d.Values)
	}
	if d := must[*dynamic.Document](t)(orders.Insert(ctx, dynamic.Input{Values: in.Values})); len(d.ID) != 36 || d.ID[14] != '7' {
		t.Errorf("the id %s is no UUID of version 7", d.ID)
	}
	products, p := only(t, opened, "products")
	p.Values["code"] = "X2"
	if _, err := products.Insert(ctx, dynamic.Input{Values: p.Values}); !errors.Is(err, s3db.ErrInvalidID) {
		t.Errorf("a document without an id where its program makes them: %v", err)
	}
	report := must[*s3db.FsckReport](t)(opened.Fsck(ctx, s3db.FsckOptions{Exclusive: true}))
	if len(report.Findings) > 0 {
		t.Errorf("fsck: %+v", report.Findings)
	}
}

// TestDynamicKeepsUnknownFields: fields that a newer client wrote survive an
// update by the registry alone.
func TestDynamicKeepsUnknownFields(t *testing.T) {
	t.Parallel()
	db, store := newShop(t)
	insertEverything(t, db)
	const key = "resource=users/data/id=a"
	object := must[*s3db.Object](t)(store.Get(t.Context(), key))
	object.Metadata["77"] = "from the future"
	object.Metadata["14"] += "|^9:nested"
	if _, err := store.Put(t.Context(), key, object.Body, object.Metadata, s3db.Condition{}); err != nil {
		t.Fatal(err)
	}
	users, _ := only(t, openDynamic(t, store, dynamic.Config{}), "users")
	must[*dynamic.Document](t)(users.Update(t.Context(), "a", dynamic.Patch{"age": int64(7)}))
	after := must[*s3db.Object](t)(store.Get(t.Context(), key)).Metadata
	if after["77"] != "from the future" || !strings.HasSuffix(after["14"], "|^9:nested") {
		t.Errorf("headers: %q, %q", after["77"], after["14"])
	}
}

// TestDynamicLeavesTheRegistry: opening a database by its registry changes nothing
// in it, and the generated client opens it at the same versions afterwards.
func TestDynamicLeavesTheRegistry(t *testing.T) {
	t.Parallel()
	db, store := newShop(t)
	before := must[*s3db.Object](t)(store.Get(t.Context(), "s3db.json"))
	opened := openDynamic(t, store, dynamic.Config{})
	users := must[*dynamic.Resource](t)(opened.Resource("users"))
	after := must[*s3db.Object](t)(store.Get(t.Context(), "s3db.json"))
	if !bytes.Equal(before.Body, after.Body) {
		t.Error("the registry changed")
	}
	if users.Version() != db.Users.Version() {
		t.Errorf("version %d, the generated client has %d", users.Version(), db.Users.Version())
	}
}

// TestDynamicTruncates: what truncate-data cuts, and to what length, is the same
// without generated code.
func TestDynamicTruncates(t *testing.T) {
	t.Parallel()
	db, from := newShop(t)
	_, to := newShop(t)
	_, _, _, review, _, _, _ := everything() //nolint:dogsled // one of seven
	review.Text = strings.Repeat("e\u0301te\u0301 ", 800)
	must[*shop.Review](t)(db.Reviews.Insert(t.Context(), review))
	r := must[*dynamic.Resource](t)(openDynamic(t, to, dynamic.Config{}, options()...).Resource("reviews"))
	in := must[dynamic.Input](t)(r.ParseInput(must[[]byte](t)(json.Marshal(review))))
	d := must[*dynamic.Document](t)(r.Insert(t.Context(), in))
	if text, _ := d.Values["text"].(string); !strings.HasSuffix(text, "...") || in.Values["text"] != review.Text {
		t.Errorf("the document has %d bytes of text, the input %d", len(text), len(in.Values["text"].(string)))
	}
	if diff := cmp.Diff(stored(t, from), stored(t, to)); diff != "" {
		t.Errorf("(-generated +dynamic):\n%s", diff)
	}
}
