package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/s3dbgen/s3dbgen/example/barcode"
	shop "github.com/s3dbgen/s3dbgen/example/generated"
	"github.com/s3dbgen/s3dbgen/internal/canary"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// These tests show statements of testdata/mission.md on a whole generated client.

// clock is the time of documents in these tests.
var clock = time.Date(2025, time.March, 14, 15, 9, 26, 535897932, time.UTC)

// options open a shop fast and at the same time.
func options() []s3db.Option {
	return []s3db.Option{
		s3db.WithKey("test", canary.Key(7)),
		s3db.WithIDs("products", productID),
		s3db.WithClock(func() time.Time { return clock }),
		s3db.WithPasswordParams(s3db.PasswordParams{Memory: 8, Time: 1, Threads: 1}),
	}
}

// password and apiKey are secrets in these tests; the second looks like an encoded
// word of a header.
const (
	password = canary.Mark + " correct horse"
	apiKey   = "=?" + canary.Mark + "?="
)

// newShop opens a shop in memory, where no secret may be left.
func newShop(t *testing.T) (*shop.DB, *memstore.Store) {
	t.Helper()
	store := memstore.New()
	canary.SearchStore(t, store.Server().Client())
	db, err := shop.New(t.Context(), store, options()...)
	if err != nil {
		t.Fatal(err)
	}
	return db, store
}

// urls are places of each kind; each call gives an empty one.
func urls(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{
		"mem":  "mem://",
		"file": "file://" + filepath.Join(canary.TempDir(t), "shop.db"),
		"s3":   server.Get(t).URL(t, "shop"),
	}
}

// must fails the test unless the error that comes with a value is nil.
func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// ada is an input with the required attributes only.
func ada(id shop.UserID) shop.UserInsert {
	return shop.UserInsert{ID: id, Name: "Ada", Email: string(id) + "@example.com", Password: password}
}

// TestFieldsAreMetadata looks at the object of a document: its attributes are
// user metadata, and the body holds none of them.
func TestFieldsAreMetadata(t *testing.T) {
	t.Parallel()
	db, store := newShop(t)
	must[*shop.User](t)(db.Users.Insert(t.Context(), ada("ada")))
	object := must[*s3db.Object](t)(store.Get(t.Context(), "resource=users/data/id=ada"))
	if got := object.Metadata["1"]; got != "Ada" {
		t.Errorf("header 1 is %q, want the name; metadata is %v", got, object.Metadata)
	}
	if bytes.Contains(object.Body, []byte("Ada")) || bytes.Contains(object.Body, []byte(`"fields"`)) {
		t.Errorf("the body holds attributes: %s", object.Body)
	}
	size := 0
	for name, value := range object.Metadata {
		size += len("x-amz-meta-") + len(name) + len(value)
	}
	if size > s3db.DefaultMetadataLimit {
		t.Errorf("metadata of %d bytes", size)
	}
}

// everything returns inputs that give every attribute a value, most of them
// awkward to store.
func everything() (shop.UserInsert, shop.ProductInsert, shop.OrderInsert, shop.ReviewInsert, shop.SessionInsert, shop.ReportInsert, shop.VisitInsert) {
	user := shop.UserInsert{
		ID: "a", Name: "Łukasz 🦊 \x00", Email: "l@example.com", Password: password,
		TaxNumber: new(s3db.NewSecret("null")),
		Card:      new(s3db.NewSecret(shop.UserCard{Number: "4242424242424242", Expires: s3db.Date{Year: 2030, Month: 1, Day: 31}})),
		APIKey:    new(s3db.NewSecret(apiKey)),
		Role:      new(shop.UserRoleStaff), Age: new(int64(1<<62 + 1)), Newsletter: new(true),
		Born: new(s3db.Date{Year: 1815, Month: 12, Day: 10}), Website: new("https://example.com/?q=%C3%A9#x"),
		Interests: []string{"", "null", "a,b", " x ", "\\"},
		Profile: &shop.UserProfile{Country: "BR", Bio: new(""), Preferences: &shop.UserProfilePreferences{
			Theme: "dark", Locale: new("pt-BR"),
		}},
		Nickname: new("lu1"),
	}
	product := shop.ProductInsert{
		ID: "chá/🫖 %2e", Name: "Tea", Supplier: "a_b-c", Code: "X1", Category: "../drinks",
		Price: decimal.RequireFromString("19.900"), Weight: new(0.1), Stock: new(int64(9_007_199_254_740_993)),
		Warranty: new(36*time.Hour + 1), MadeIn: []string{"IN", "LK"}, Labels: map[string]string{"": "", "a=b": "1|2"},
		Specification: json.RawMessage(`{"a":[1,2.50,null],"b":"\u003c"}`), Thumbnail: []byte{0, 255, '\n'},
		Discontinued: new(false), EAN: new(barcode.EAN("01234565")),
	}
	order := shop.OrderInsert{
		ID: "o", User: "a", Status: new(shop.OrderStatusShipped),
		PlacedAt: time.Date(1, time.January, 1, 0, 0, 0, 1, time.UTC), Reference: new(uuid.MustParse("6ba7b810-9dad-41d1-80b4-00c04fd430c8")),
		Items:    []shop.OrderItem{{Product: "p,1", Quantity: 1, Price: decimal.New(5, 3)}, {Product: "p\n2", Quantity: 1 << 40, Price: decimal.RequireFromString("0.00")}},
		Shipping: shop.OrderShipping{Street: "  1 st  ", City: "São Paulo", Country: "BR"}, Note: new("a\r\nb"),
	}
	review := shop.ReviewInsert{ID: "r", Product: "p", User: "a", Stars: 5, Title: "ok", Text: strings.Repeat("word ", 60)}
	session := shop.SessionInsert{
		ID: "s", User: "a", IP: netip.MustParseAddr("::ffff:1.2.3.4"), IP4: new(netip.MustParseAddr("255.255.255.255")), IP6: new(netip.MustParseAddr("2001:db8::1")),
		StartedAt: time.Date(9999, time.December, 31, 23, 59, 59, 999999999, time.UTC), Lasts: new(-time.Nanosecond),
		Csrf: strings.Repeat("0aF9", 8), Fingerprint: new("AA=="),
	}
	report := shop.ReportInsert{
		ID: "d", Day: s3db.Date{Year: 2024, Month: 2, Day: 29}, Period: new("P1D"), File: new("report.csv"),
		Revenue: decimal.RequireFromString("-123456789012345678901234567890.10"), Trend: new(-1e-300), Edition: new(int64(1)),
		Rows: map[string]any{"list": []any{"x", true, nil, 1.5}, "deep": map[string]any{"": "y"}}, Loss: new(-0.25),
	}
	visit := shop.VisitInsert{ID: "v", Page: "/", Referrer: new("https://example.com/"), Agent: new(strings.Repeat("é", 3000))}
	return user, product, order, review, session, report, visit
}

// TestEveryTypeRoundTrips stores every attribute of every resource in every kind
// of store: what Get returns is what Insert returned, which is what was given.
func TestEveryTypeRoundTrips(t *testing.T) {
	t.Parallel()
	for name, url := range urls(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := must[*shop.DB](t)(shop.Open(t.Context(), url, options()...))
			t.Cleanup(func() { _ = db.Close() })
			user, product, order, review, session, report, visit := everything()
			roundTrip(t, db.Users.Insert, db.Users.Get, user, "a")
			roundTrip(t, db.Products.Insert, db.Products.Get, product, product.ID)
			roundTrip(t, db.Orders.Insert, db.Orders.Get, order, "o")
			roundTrip(t, db.Reviews.Insert, db.Reviews.Get, review, "r")
			roundTrip(t, db.Sessions.Insert, db.Sessions.Get, session, "s")
			roundTrip(t, db.Reports.Insert, db.Reports.Get, report, "d")
			roundTrip(t, db.Visits.Insert, db.Visits.Get, visit, "v")
		})
	}
}

// roundTrip inserts, reads back, and compares both with the input, by JSON where
// the types differ.
func roundTrip[T any, ID ~string, I any](t *testing.T, insert func(context.Context, I, ...s3db.WriteOption) (*T, error), get func(context.Context, ID) (*T, error), in I, id ID) {
	t.Helper()
	inserted := must[*T](t)(insert(t.Context(), in))
	read := must[*T](t)(get(t.Context(), id))
	compare := cmp.Options{
		cmpopts.IgnoreTypes(s3db.Meta{}), cmpopts.EquateComparable(netip.Addr{}),
		// A decimal is its value and its trailing zeros.
		cmp.Comparer(func(a, b decimal.Decimal) bool {
			return a.Coefficient().Cmp(b.Coefficient()) == 0 && a.Exponent() == b.Exponent()
		}),
	}
	if diff := cmp.Diff(inserted, read, compare...); diff != "" {
		t.Errorf("%T (-inserted +read):\n%s", in, diff)
	}
	var given, stored map[string]any
	for from, to := range map[any]*map[string]any{&in: &given, read: &stored} {
		if err := json.Unmarshal(must[[]byte](t)(json.Marshal(from)), to); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range given {
		if name == "password" {
			continue // stored as a hash
		}
		if diff := cmp.Diff(value, stored[name]); diff != "" {
			t.Errorf("%T: %s (-given +read):\n%s", in, name, diff)
		}
	}
}

// TestSecretsAreStoredEncrypted looks for secrets in all that is stored.
func TestSecretsAreStoredEncrypted(t *testing.T) {
	t.Parallel()
	db, store := newShop(t)
	in := ada("ada")
	taxNumber := canary.Value("tax number")
	in.TaxNumber = new(s3db.NewSecret(taxNumber))
	in.APIKey = new(s3db.NewSecret(apiKey))
	must[*shop.User](t)(db.Users.Insert(t.Context(), in))
	for _, key := range store.Server().Keys() {
		object := must[*s3db.Object](t)(store.Get(t.Context(), key))
		stored := key + string(object.Body)
		for name, value := range object.Metadata {
			stored += name + value
		}
		for _, secret := range []string{taxNumber, apiKey, password} {
			if strings.Contains(stored, secret) {
				t.Errorf("%s holds %q", key, secret)
			}
		}
	}
	u := must[*shop.User](t)(db.Users.Get(t.Context(), "ada"))
	if u.TaxNumber.Reveal() != taxNumber || u.APIKey.Reveal() != apiKey || !u.Password.Verify(password) {
		t.Error("secrets do not come back")
	}
}

// TestWrongKey opens a shop with another key than its documents were written with.
func TestWrongKey(t *testing.T) {
	t.Parallel()
	db, store := newShop(t)
	must[*shop.User](t)(db.Users.Insert(t.Context(), ada("ada")))
	other, err := shop.New(t.Context(), store.Server().Client(),
		append(options()[1:], s3db.WithKey("test", canary.Key(8)))...)
	if err != nil {
		return // refused at once: as good
	}
	if u, err := other.Users.Get(t.Context(), "ada"); !errors.Is(err, s3db.ErrDecrypt) {
		t.Errorf("got %v, %v; want ErrDecrypt", u, err)
	}
}

// TestSecretsAreGenerated leaves out a secret and a password with the rule
// generate: both are made, and the password is told once, by the insert.
func TestSecretsAreGenerated(t *testing.T) {
	t.Parallel()
	db, _ := newShop(t)
	a := must[*shop.User](t)(db.Users.Insert(t.Context(), ada("a")))
	b := must[*shop.User](t)(db.Users.Insert(t.Context(), ada("b")))
	if len(a.APIKey.Reveal()) != 32 || a.APIKey.Reveal() == b.APIKey.Reveal() {
		t.Errorf("secrets are %q and %q, want 32 characters each, different", a.APIKey.Reveal(), b.APIKey.Reveal())
	}
	code, ok := a.RecoveryCode.Generated()
	other, _ := b.RecoveryCode.Generated()
	if !ok || len(code) != 20 || code == other {
		t.Errorf("passwords are %q and %q, want 20 characters each, different", string(code), string(other))
	}
	read := must[*shop.User](t)(db.Users.Get(t.Context(), "a"))
	if again, ok := read.RecoveryCode.Generated(); ok {
		t.Errorf("the password is told again: %q", string(again))
	}
	if !read.RecoveryCode.Verify(code) || read.APIKey.Reveal() != a.APIKey.Reveal() {
		t.Error("what was generated is not what was stored")
	}
}

// TestGeneratedIDs inserts without an id under each generator.
func TestGeneratedIDs(t *testing.T) {
	t.Parallel()
	db, _ := newShop(t)
	user, product, order, review, session, report, visit := everything()
	user.ID, product.ID, order.ID, review.ID, session.ID, report.ID, visit.ID = "", "", "", "", "", "", ""
	ctx := t.Context()
	const hex = "[0-9a-f]"
	for _, test := range []struct {
		generator, id, form string
	}{
		{"nanoid", string(must[*shop.User](t)(db.Users.Insert(ctx, user)).ID), `[0-9A-Za-z_-]{22}`},
		{"custom", string(must[*shop.Product](t)(db.Products.Insert(ctx, product)).ID), `product/[0-9A-Za-z_-]{8}`},
		{"uuidv7", string(must[*shop.Order](t)(db.Orders.Insert(ctx, order)).ID), hex + "{8}-" + hex + "{4}-7" + hex + "{3}-[89ab]" + hex + "{3}-" + hex + "{12}"},
		{"nanoid of 10", string(must[*shop.Review](t)(db.Reviews.Insert(ctx, review)).ID), `[0-9A-Za-z_-]{10}`},
		{"ulid", string(must[*shop.Session](t)(db.Sessions.Insert(ctx, session)).ID), `[0-7][0-9A-HJKMNP-TV-Z]{25}`},
		{"uuidv4", string(must[*shop.Report](t)(db.Reports.Insert(ctx, report)).ID), hex + "{8}-" + hex + "{4}-4" + hex + "{3}-[89ab]" + hex + "{3}-" + hex + "{12}"},
		{"uuidv1", string(must[*shop.Visit](t)(db.Visits.Insert(ctx, visit)).ID), hex + "{8}-" + hex + "{4}-1" + hex + "{3}-[89ab]" + hex + "{3}-" + hex + "{12}"},
	} {
		if !regexp.MustCompile("^" + test.form + "$").MatchString(test.id) {
			t.Errorf("%s made %q", test.generator, test.id)
		}
	}
}

// TestIDCollision has a generator repeat itself: a fresh id is drawn. What cannot
// be an id is refused.
func TestIDCollision(t *testing.T) {
	t.Parallel()
	ids := []string{"same", "same", "other"}
	next := func() (string, error) { id := ids[0]; ids = ids[1:]; return id, nil }
	db := must[*shop.DB](t)(shop.New(t.Context(), memstore.New(), append(options(), s3db.WithIDs("products", next))...))
	_, product, _, _, _, _, _ := everything()
	product.ID = ""
	a := must[*shop.Product](t)(db.Products.Insert(t.Context(), product))
	product.Code = "X2"
	b := must[*shop.Product](t)(db.Products.Insert(t.Context(), product))
	if a.ID != "same" || b.ID != "other" {
		t.Errorf("ids are %q and %q", a.ID, b.ID)
	}
	for _, id := range []string{"", "\x00", strings.Repeat("x", 300)} {
		ids = []string{id}
		if _, err := db.Products.Insert(t.Context(), product); !errors.Is(err, s3db.ErrInvalidID) {
			t.Errorf("a generator that makes %.10q: %v, want ErrInvalidID", id, err)
		}
	}
}

// TestListHasNoEnd lists more documents than a page of S3 holds.
func TestListHasNoEnd(t *testing.T) {
	t.Parallel()
	db, _ := newShop(t)
	const n = 1003
	for range n {
		must[*shop.Visit](t)(db.Visits.Insert(t.Context(), shop.VisitInsert{Page: "/"}))
	}
	seen := map[shop.VisitID]bool{}
	for v, err := range db.Visits.Query().All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		seen[v.ID] = true
	}
	if len(seen) != n || len(must[[]*shop.Visit](t)(db.Visits.Query().List(t.Context()))) != n {
		t.Errorf("listed %d documents, want %d", len(seen), n)
	}
}

// TestUnusableIDs refuses ids that cannot be kept apart or shown, and writes nothing.
func TestUnusableIDs(t *testing.T) {
	t.Parallel()
	db, store := newShop(t)
	before := store.Counts().Total()
	for _, id := range []shop.UserID{"..", ".", "a/b", `a\b`, "a b", "a\x00b", "\x7f", "é", "🦊", "\xff", shop.UserID(strings.Repeat("x", 2048))} {
		if _, err := db.Users.Insert(t.Context(), ada(id)); !errors.Is(err, s3db.ErrInvalidID) {
			t.Errorf("insert %q: %v, want ErrInvalidID", id, err)
		}
		if _, err := db.Users.Get(t.Context(), id); !errors.Is(err, s3db.ErrInvalidID) {
			t.Errorf("get %q: %v, want ErrInvalidID", id, err)
		}
	}
	if n := store.Counts().Total() - before; n != 0 {
		t.Errorf("%d requests were sent", n)
	}
	// Products allow any characters.
	_, product, _, _, _, _, _ := everything()
	for i, id := range []shop.ProductID{"..", ".", "a/b", `a\b`, "a b", "é", "🦊", "a", "A", "../users/id=ada"} {
		product.ID, product.Code = id, strings.Repeat("X", i+1)
		must[*shop.Product](t)(db.Products.Insert(t.Context(), product))
		if p := must[*shop.Product](t)(db.Products.Get(t.Context(), id)); p.Code != product.Code || p.ID != id {
			t.Errorf("%q reads back as %q", id, p.ID)
		}
	}
}

// TestIsolation keeps the same ids in two resources and in two databases, one of
// which is at a prefix that the other's begins with.
func TestIsolation(t *testing.T) {
	t.Parallel()
	s := server.Get(t)
	bucket := s.Bucket(t)
	ctx := t.Context()
	app := must[*shop.DB](t)(shop.Open(ctx, s.BucketURL(bucket, "app"), options()...))
	app2 := must[*shop.DB](t)(shop.Open(ctx, s.BucketURL(bucket, "app2"), options()...))
	for _, db := range []*shop.DB{app, app2} {
		t.Cleanup(func() { _ = db.Close() })
		must[*shop.User](t)(db.Users.Insert(ctx, ada("same"))) // and the same unique email
		must[*shop.Visit](t)(db.Visits.Insert(ctx, shop.VisitInsert{ID: "same", Page: "/"}))
	}
	if err := app.Users.Delete(ctx, "same"); err != nil {
		t.Fatal(err)
	}
	if ok := must[bool](t)(app.Visits.Exists(ctx, "same")); !ok {
		t.Error("deleting a user deleted a visit")
	}
	if ok := must[bool](t)(app2.Users.Exists(ctx, "same")); !ok {
		t.Error("deleting in app deleted in app2")
	}
}

// TestUniqueTellsNothing looks at the error of a clash: it names the attribute,
// and nothing of the other document.
func TestUniqueTellsNothing(t *testing.T) {
	t.Parallel()
	db, _ := newShop(t)
	in := ada("first-user")
	must[*shop.User](t)(db.Users.Insert(t.Context(), in))
	in.ID = "second"
	_, err := db.Users.Insert(t.Context(), in)
	var e *s3db.Error
	if !errors.Is(err, s3db.ErrUnique) || !errors.As(err, &e) || e.Field != "email" {
		t.Fatalf("%v, want ErrUnique about email", err)
	}
	if text := err.Error(); strings.Contains(text, "first-user") || strings.Contains(text, "@") {
		t.Errorf("the error tells of the other document: %s", text)
	}
	// Several attributes together.
	_, _, _, review, _, _, _ := everything()
	must[*shop.Review](t)(db.Reviews.Insert(t.Context(), review))
	review.ID = "other"
	if _, err := db.Reviews.Insert(t.Context(), review); !errors.Is(err, s3db.ErrUnique) {
		t.Errorf("second review of one user: %v, want ErrUnique", err)
	}
	review.User = "b"
	must[*shop.Review](t)(db.Reviews.Insert(t.Context(), review))
}

// TestTimestamps: the runtime sets them, from its clock, and an import may keep
// those of its source.
func TestTimestamps(t *testing.T) {
	t.Parallel()
	db, _ := newShop(t)
	u := must[*shop.User](t)(db.Users.Insert(t.Context(), ada("ada")))
	if !u.CreatedAt.Equal(clock) || !u.UpdatedAt.Equal(clock) {
		t.Errorf("created %v, updated %v, want %v", u.CreatedAt, u.UpdatedAt, clock)
	}
	created, updated := clock.AddDate(-2, 0, 0), clock.AddDate(-1, 0, 0)
	must[*shop.User](t)(db.Users.Insert(t.Context(), ada("old"), s3db.KeepTimestamps(created, updated)))
	u = must[*shop.User](t)(db.Users.Get(t.Context(), "old"))
	if !u.CreatedAt.Equal(created) || !u.UpdatedAt.Equal(updated) {
		t.Errorf("created %v, updated %v, want those of the source", u.CreatedAt, u.UpdatedAt)
	}
}

// TestRequestsArePriced counts the requests of one put and one get.
func TestRequestsArePriced(t *testing.T) {
	t.Parallel()
	counts := s3db.RequestCounts{Put: 1, List: 1, Get: 1, Delete: 5}
	if got := counts.Dollars(); got != 0.0000104 {
		t.Errorf("1 put, 1 list, 1 get and deletes cost $%.9f, want $0.0000104", got)
	}
}
