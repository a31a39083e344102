package s3db_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/testdata/golden/secrets/secrets"
)

var serial = uuid.MustParse("8d3ae1c9-60d8-4c1e-9d0b-3c7cf9c6a6f5")

// pin is long enough not to be in a ciphertext by chance.
const pin = 471147114000

// badge has four unique secrets of its own.
func badge(id secrets.BadgeID) secrets.BadgeInsert {
	own := serial
	copy(own[:], id)
	return secrets.BadgeInsert{
		ID: id, Site: "main", Code: s3db.NewSecret(needle + "-" + string(id)), PIN: s3db.NewSecret(pin + int64(id[0])),
		Serial: new(s3db.NewSecret(own)),
		Holder: secrets.BadgeHolder{Name: "Ada", Tax: new(s3db.NewSecret(needle + "-tax-" + string(id))), Level: s3db.NewSecret(secrets.BadgeHolderLevelHigh)},
	}
}

// TestUniqueSecrets: no two documents have the same secret, whatever its type and
// place, and it is found again, though no object shows it.
func TestUniqueSecrets(t *testing.T) {
	ctx := t.Context()
	server := memstore.NewServer(memstore.Options{})
	store := server.Client()
	db := openVaults(t, store, key("k1", 1))
	first, err := db.Badges.Insert(ctx, badge("a"))
	if err != nil {
		t.Fatal(err)
	}
	for field, change := range map[string]func(*secrets.BadgeInsert){
		"code":       func(b *secrets.BadgeInsert) { b.Code = first.Code },
		"site+pin":   func(b *secrets.BadgeInsert) { b.PIN = first.PIN },
		"serial":     func(b *secrets.BadgeInsert) { b.Serial = first.Serial },
		"holder.tax": func(b *secrets.BadgeInsert) { b.Holder.Tax = first.Holder.Tax },
	} {
		in := badge("b")
		change(&in)
		_, err := db.Badges.Insert(ctx, in)
		if e, ok := errors.AsType[*s3db.Error](err); !errors.Is(err, s3db.ErrUnique) || !ok || e.Field != field || strings.Contains(fmt.Sprintf("%+v", err), "needle") {
			t.Errorf("the same %s: %v", field, err)
		}
	}
	elsewhere := badge("c")
	elsewhere.Site, elsewhere.PIN = "other", first.PIN
	elsewhere.Serial, elsewhere.Holder.Tax = nil, nil
	if _, err := db.Badges.Insert(ctx, elsewhere); err != nil {
		t.Errorf("the same pin at another site: %v", err)
	}
	if n := len(claimKeys(t, store, "badges")); n != 4+2 {
		t.Errorf("%d claims", n)
	}
	found := func(what string, want secrets.BadgeID, find func() (*secrets.Badge, error)) {
		t.Helper()
		before := store.Counts()
		d, err := find()
		if err != nil || d.ID != want {
			t.Fatalf("%s: %v, %v", what, d, err)
		}
		if diff := cmp.Diff(memstore.Counts{Get: 2}, store.Counts().Sub(before)); diff != "" {
			t.Errorf("%s: requests (-want +got):\n%s", what, diff)
		}
	}
	found("code", "a", func() (*secrets.Badge, error) { return db.Badges.ByCode(ctx, needle+"-a") })
	found("seat", "c", func() (*secrets.Badge, error) { return db.Badges.BySeat(ctx, "other", first.PIN.Reveal()) })
	found("serial", "a", func() (*secrets.Badge, error) { return db.Badges.BySerial(ctx, first.Serial.Reveal()) })
	found("tax", "a", func() (*secrets.Badge, error) { return db.Badges.ByHolderTax(ctx, needle+"-tax-a") })

	// A change moves the claim, and a delete gives it back.
	if _, err := db.Badges.Update(ctx, "a", secrets.BadgePatch{Code: s3db.Set(s3db.NewSecret(needle + "-moved"))}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Badges.ByCode(ctx, needle+"-a"); !errors.Is(err, s3db.ErrNotFound) {
		t.Errorf("by the code that it had: %v", err)
	}
	found("the new code", "a", func() (*secrets.Badge, error) { return db.Badges.ByCode(ctx, needle+"-moved") })
	if err := db.Badges.Delete(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	again := badge("b")
	again.Code, again.Serial = s3db.NewSecret(needle+"-moved"), first.Serial
	if _, err := db.Badges.Insert(ctx, again); err != nil {
		t.Errorf("after the delete: %v", err)
	}
	report, err := db.Badges.Database().Fsck(ctx, s3db.FsckOptions{Exclusive: true, Repair: true})
	if err != nil || slices.ContainsFunc(report.Findings, func(f s3db.Finding) bool { return f.Kind != s3db.OldTombstone }) {
		t.Errorf("fsck: %+v, %v", report, err)
	}
	for _, key := range server.Keys() {
		o, err := store.Get(ctx, key)
		if err != nil {
			t.Fatal(err)
		}
		for _, hidden := range []string{"needle", strconv.Itoa(pin)[:8], "d8-4c1e-9d0b"} {
			if key != "s3db.json" && strings.Contains(fmt.Sprint(key, o.Metadata, string(o.Body)), hidden) {
				t.Errorf("%s shows %s", key, hidden)
			}
		}
	}
}

// TestUniqueSecretsCannotBeGuessed: the names of claims are no function of the
// value and of what the store shows, so that nobody without a key can try values.
func TestUniqueSecretsCannotBeGuessed(t *testing.T) {
	hash := regexp.MustCompile(`hmac=[0-9a-zA-Z]{43}!$`)
	var names [][]string
	for range 2 {
		store := memstore.New()
		if _, err := openVaults(t, store, key("k1", 1)).Badges.Insert(t.Context(), badge("a")); err != nil {
			t.Fatal(err)
		}
		names = append(names, claimKeys(t, store, "badges"))
	}
	// Two databases have the same key, resource, constraints and values.
	for i, name := range names[0] {
		if !hash.MatchString(name) || name == names[1][i] {
			t.Errorf("the claim %s has no secret of its database", name)
		}
	}
}

// TestQueriesBySecrets: a query for the values of a unique secret reads its claims;
// one for another secret reads all documents, and finds the same.
func TestQueriesBySecrets(t *testing.T) {
	ctx := t.Context()
	store := memstore.New()
	db := openVaults(t, store, key("k1", 1))
	for _, id := range []secrets.BadgeID{"a", "b", "c", "d"} {
		if _, err := db.Badges.Insert(ctx, badge(id)); err != nil {
			t.Fatal(err)
		}
	}
	where := secrets.BadgeWhere
	for _, test := range []struct {
		name   string
		query  s3db.Query[secrets.Badge, secrets.BadgeID]
		access string
		want   []string
	}{
		{"one", db.Badges.Query().Where(where.Code.Eq(needle + "-b")), "unique code", []string{"b"}},
		{"some", db.Badges.Query().Where(where.Code.In(needle+"-c", "none", needle+"-a")), "unique code", []string{"a", "c"}},
		{"in an object", db.Badges.Query().Where(where.Holder.Tax.Eq(needle + "-tax-d")), "unique holder.tax", []string{"d"}},
		{"composite", db.Badges.Query().Where(where.PIN.Eq(pin+'c'), where.Site.Eq("main")), "unique seat", []string{"c"}},
		{"with a filter", db.Badges.Query().Where(where.Code.Eq(needle+"-b"), where.PIN.Eq(1)), "unique code", nil},
		{"part of it", db.Badges.Query().Where(where.PIN.Eq(pin + 'c')), "resource ", []string{"c"}},
		{"not", db.Badges.Query().Where(where.Code.Ne(needle + "-b")), "resource ", []string{"a", "c", "d"}},
		{"either", db.Badges.Query().Where(s3db.Or(where.Code.Eq(needle+"-b"), where.Code.Eq(needle+"-d"))), "unique code", []string{"b", "d"}},
		{"set", db.Badges.Query().Where(where.Serial.IsSet()), "resource ", []string{"a", "b", "c", "d"}},
	} {
		plan := test.query.Plan()
		if got := plan.Access + " " + plan.Index; got != test.access || strings.Contains(plan.String(), "needle") {
			t.Errorf("%s: %s, wanted %s", test.name, plan, test.access)
		}
		var got []string
		for d, err := range test.query.All(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(d.ID))
		}
		slices.Sort(got)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}

	// Two queries that differ in nothing but a secret have different cursors.
	page, err := db.Badges.Query().Where(where.Code.In(needle+"-a", needle+"-b")).Page(ctx, 1)
	if err != nil || page.Cursor == "" {
		t.Fatal(page, err)
	}
	if _, err := db.Badges.Query().Where(where.Code.In(needle+"-a", needle+"-c")).After(page.Cursor).Page(ctx, 1); !errors.Is(err, s3db.ErrCursor) {
		t.Errorf("the cursor of another query: %v", err)
	}
}

// TestUniqueSecretsOutliveTheKey: the claims stay the same under another key, and
// after the old one was dropped.
func TestUniqueSecretsOutliveTheKey(t *testing.T) {
	server := rotationStore(t)
	before := claimKeys(t, server.Client(), "badges")
	both := openVaults(t, server.Client(), key("new", 2), key("old", 1))
	same := badge("x")
	same.Code = s3db.NewSecret(needle + "-k")
	if _, err := both.Badges.Insert(t.Context(), same); !errors.Is(err, s3db.ErrUnique) {
		t.Errorf("with both keys: %v", err)
	}
	rotate(t, openTool(t, server.Client(), key("new", 2), key("old", 1)), s3db.RotateOptions{Drop: "old"})
	if diff := cmp.Diff(before, claimKeys(t, server.Client(), "badges")); diff != "" {
		t.Errorf("claims (-before +after):\n%s", diff)
	}
	now := openVaults(t, server.Client(), key("new", 2))
	if d, err := now.Badges.ByCode(t.Context(), needle+"-k"); err != nil || d.ID != "k" {
		t.Errorf("lookup under the new key: %v, %v", d, err)
	}
	if _, err := now.Badges.Insert(t.Context(), same); !errors.Is(err, s3db.ErrUnique) {
		t.Errorf("with the new key alone: %v", err)
	}
}

// TestUniqueSecretsWithoutGeneratedCode: tools name claims as the generated client
// does. Without the key they read and do not write.
func TestUniqueSecretsWithoutGeneratedCode(t *testing.T) {
	ctx := t.Context()
	store := memstore.New()
	db := openVaults(t, store, key("k1", 1))
	if _, err := db.Badges.Insert(ctx, badge("a")); err != nil {
		t.Fatal(err)
	}
	open := func(options ...s3db.Option) *dynamic.Resource {
		d, err := dynamic.New(ctx, store, dynamic.Config{}, options...)
		if err != nil {
			t.Fatal(err)
		}
		r, err := d.Resource("badges")
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	tool := open(key("k1", 1))
	input := func(id, code string) dynamic.Input {
		in, err := tool.ParseInput([]byte(`{"id":"` + id + `","site":"` + id + `","code":"` + code + `","pin":7,"holder":{"name":"Bo","level":"low"}}`))
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
	if _, err := tool.Insert(ctx, input("b", needle+"-a")); !errors.Is(err, s3db.ErrUnique) {
		t.Errorf("a code that a badge has: %v", err)
	}
	if _, err := tool.Insert(ctx, input("b", needle+"-b")); err != nil {
		t.Fatal(err)
	}
	if d, err := db.Badges.ByCode(ctx, needle+"-b"); err != nil || d.ID != "b" {
		t.Errorf("what the tool wrote: %v, %v", d, err)
	}
	// An update of something else keeps what it does not show, and its claims.
	before := claimKeys(t, store, "badges")
	if _, err := tool.Update(ctx, "a", dynamic.Patch{"site": "main-2"}); err != nil {
		t.Fatal(err)
	}
	after := claimKeys(t, store, "badges")
	if d, err := db.Badges.BySeat(ctx, "main-2", pin+'a'); err != nil || d.ID != "a" || len(after) != len(before) {
		t.Errorf("after an update by the tool: %v, %v; claims %q", d, err, after)
	}
	if err := tool.Delete(ctx, "b"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Badges.Insert(ctx, badge("b")); err != nil {
		t.Errorf("after a delete by the tool: %v", err)
	}
	without := open()
	if d, err := without.Get(ctx, "a"); err != nil || d.Values["site"] != "main-2" {
		t.Errorf("read without a key: %v, %v", d, err)
	}
	if _, err := without.Update(ctx, "a", dynamic.Patch{"site": "x"}); !errors.Is(err, s3db.ErrDecrypt) {
		t.Errorf("update without a key: %v", err)
	}
	if _, err := without.Insert(ctx, input("z", needle+"-a")); !errors.Is(err, s3db.ErrConfig) {
		t.Errorf("insert without a key: %v", err)
	}
	report, err := db.Badges.Database().Fsck(ctx, s3db.FsckOptions{Exclusive: true})
	if err != nil || slices.ContainsFunc(report.Findings, func(f s3db.Finding) bool { return f.Kind != s3db.OldTombstone }) {
		t.Errorf("fsck: %+v, %v", report, err)
	}
}

// TestUniqueSecretsInAPlainIndex: a stored shape that says otherwise makes nobody
// write a secret into a name.
func TestUniqueSecretsInAPlainIndex(t *testing.T) {
	ctx := t.Context()
	store := memstore.New()
	if _, err := openVaults(t, store, key("k1", 1)).Badges.Insert(ctx, badge("a")); err != nil {
		t.Fatal(err)
	}
	changeShape(t, store, `"hashed":true,`, "")
	d, err := dynamic.New(ctx, store, dynamic.Config{}, key("k1", 1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Resource("badges"); !errors.Is(err, s3db.ErrCorrupt) || !strings.Contains(err.Error(), `"code" is a secret`) {
		t.Errorf("opened: %v", err)
	}
}

// changeShape replaces a text in the stored shape of badges, version 0.
func changeShape(t *testing.T, store s3db.Store, old, with string) {
	t.Helper()
	o, err := store.Get(t.Context(), "s3db.json")
	if err != nil {
		t.Fatal(err)
	}
	var registry map[string]any
	if err := json.Unmarshal(o.Body, &registry); err != nil {
		t.Fatal(err)
	}
	resources, _ := registry["resources"].(map[string]any)
	badges, _ := resources["badges"].(map[string]any)
	versions, _ := badges["versions"].([]any)
	version, _ := versions[0].(map[string]any)
	part, err := s3db.New(t.Context(), store, s3db.Config{Existing: true})
	if err != nil {
		t.Fatal(err)
	}
	d := part.Describe()
	i := slices.IndexFunc(d.Resources, func(r s3db.DescribedResource) bool { return r.Name == "badges" })
	shape := strings.ReplaceAll(d.Resources[i].Versions[0].Schema, old, with)
	sum := sha256.Sum256([]byte(shape))
	version["schema"], version["hash"] = json.RawMessage(shape), hex.EncodeToString(sum[:])
	body, err := json.Marshal(registry)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(t.Context(), "s3db.json", body, nil, s3db.Condition{}); err != nil {
		t.Fatal(err)
	}
}

// TestUniqueSecretsByMigration: a secret becomes unique when a database has
// documents already. Those of two equal secrets are named; the others get claims.
func TestUniqueSecretsByMigration(t *testing.T) {
	ctx := t.Context()
	store := memstore.New()
	openVaults(t, store, key("k1", 1)) // makes the database
	changeShape(t, store, `{"name":"code","hashed":true,"fields":[{"path":"code"}]},`, "")
	older, err := dynamic.New(ctx, store, dynamic.Config{}, key("k1", 1))
	if err != nil {
		t.Fatal(err)
	}
	r, err := older.Resource("badges")
	if err != nil {
		t.Fatal(err)
	}
	for i, code := range []string{"one", "two", "two"} {
		in, err := r.ParseInput(fmt.Appendf(nil, `{"id":"%c","site":"main","code":"%s","pin":%d,"holder":{"name":"Bo","level":"low"}}`, 'a'+i, code, i))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Insert(ctx, in); err != nil {
			t.Fatal(err)
		}
	}
	db := openVaults(t, store, key("k1", 1))
	if d, err := db.Badges.ByCode(ctx, "one"); err != nil || d.ID != "a" {
		t.Errorf("before the migration: %v, %v", d, err)
	}
	report, err := db.Badges.Migrate(ctx, s3db.MigrateOptions{Exclusive: true})
	bulk, ok := errors.AsType[*s3db.BulkError](err)
	if !ok || !errors.Is(err, s3db.ErrUnique) || len(bulk.Failed) != 1 || report.Migrated != 2 || report.Complete {
		t.Fatalf("migrated %+v, %v", report, err)
	}
	if _, err := db.Badges.Update(ctx, secrets.BadgeID(bulk.Failed[0].ID), secrets.BadgePatch{Code: s3db.Set(s3db.NewSecret("three"))}); err != nil {
		t.Fatal(err)
	}
	report, err = db.Badges.Migrate(ctx, s3db.MigrateOptions{Exclusive: true})
	if err != nil || !report.Complete {
		t.Fatalf("again: %+v, %v", report, err)
	}
	before := store.Counts()
	for _, code := range []string{"one", "two", "three"} {
		if _, err := db.Badges.ByCode(ctx, code); err != nil {
			t.Errorf("%s: %v", code, err)
		}
	}
	if diff := cmp.Diff(memstore.Counts{Get: 6}, store.Counts().Sub(before)); diff != "" {
		t.Errorf("requests of lookups (-want +got):\n%s", diff)
	}
}
