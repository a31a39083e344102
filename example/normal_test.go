package main

import (
	"testing"

	"github.com/shopspring/decimal"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// TestLookupsAsGiven: rules that change a text before it is stored (trim, lowercase,
// uppercase) change it in lookups and queries too, so that a program finds what it wrote.
func TestLookupsAsGiven(t *testing.T) {
	ctx := t.Context()
	db, _ := newShop(t)
	const email = " Ada@X.io "
	ada := must[*shop.User](t)(db.Users.Insert(ctx, shop.UserInsert{
		Name: " Ada ", Email: email, Password: "12345678", Nickname: new("LoveLace"),
		Profile: &shop.UserProfile{Country: "br", Preferences: &shop.UserProfilePreferences{Theme: "dark"}},
	}))
	if ada.Email != "ada@x.io" || ada.Profile.Country != "BR" {
		t.Fatalf("stored as %q, %q", ada.Email, ada.Profile.Country)
	}
	tea := must[*shop.Product](t)(db.Products.Insert(ctx, shop.ProductInsert{
		ID: "tea", Name: "tea", Supplier: "s", Code: "t1", Category: "x", Price: decimal.New(1, 0),
	}))
	for _, given := range []string{email, "ada@x.io", "ADA@X.IO"} {
		if d, err := db.Users.ByEmail(ctx, given); err != nil || d.ID != ada.ID {
			t.Errorf("ByEmail(%q): %v, %v", given, d, err)
		}
	}
	if d, err := db.Products.BySupplierCode(ctx, "s", "t1"); err != nil || d.ID != tea.ID {
		t.Errorf("BySupplierCode: %v, %v", d, err)
	}
	if _, err := db.Users.ByEmail(ctx, "ada@x.io\xff"); err == nil {
		t.Error("a text that is none found a document")
	}
	w := shop.UserWhere
	for name, q := range map[string]s3db.Query[shop.User, shop.UserID]{
		"partition":           db.Users.ByCountry("br").Query,
		"composite partition": db.Users.ByCountryAndTheme("Br").Theme("dark").Query,
		"Eq, by the claim":    db.Users.Query().Where(w.Email.Eq(email)),
		"Eq, by a partition":  db.Users.Query().Where(w.Profile.Country.Eq("br")),
		"Eq":                  db.Users.Query().Where(w.Nickname.Eq("LoveLace")),
		"In":                  db.Users.Query().Where(w.Nickname.In("x", "LOVELACE")),
		"not Ne":              db.Users.Query().Where(s3db.Not(w.Nickname.Ne("LoveLace"))),
		"Ge and Le":           db.Users.Query().Where(w.Nickname.Ge("LOVE"), w.Nickname.Le("Lovelace")),
		"Prefix":              db.Users.Query().Where(w.Nickname.Prefix("Love")),
		"Contains":            db.Users.Query().Where(w.Nickname.Contains("eLa")),
	} {
		if n, err := q.Count(ctx); n != 1 || err != nil {
			t.Errorf("%s: %d documents, %v", name, n, err)
		}
	}
	// Blanks at the ends of a part of a text count.
	if n, err := db.Users.Query().Where(w.Name.Contains("a ")).Count(ctx); n != 0 || err != nil {
		t.Errorf("Contains with a blank: %d documents, %v", n, err)
	}
}
