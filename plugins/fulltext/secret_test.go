package fulltext_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	"github.com/s3dbgen/s3dbgen/internal/canary"
	"github.com/s3dbgen/s3dbgen/plugins/fulltext"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// openShop opens the shop of the example with an index of users.
func openShop(tb testing.TB, store s3db.Store, fields ...s3db.TextAttr[*shop.User, string]) (*shop.DB, *fulltext.Plugin, error) {
	tb.Helper()
	p := fulltext.New(fulltext.Options{}, fulltext.On("users", fields...))
	db, err := shop.New(tb.Context(), store, s3db.WithPassphrase(canary.Value("passphrase")), s3db.WithPlugin(p),
		s3db.WithIDs("products", func() (string, error) { return "p", nil }), s3db.WithPasswordParams(s3db.PasswordParams{Memory: 8, Time: 1, Threads: 1}))
	return db, p, err
}

// TestSecretsAreNeverIndexed: an attribute that is secret is refused, however it is
// named, and the words of secrets are nowhere in the index.
func TestSecretsAreNeverIndexed(t *testing.T) {
	ctx := t.Context()
	at := s3db.DocumentOf[*shop.User]()
	for _, path := range []string{"taxNumber", "password", "apiKey", "card.number"} {
		forged := s3db.StringAt(at, path, func(d *shop.User) *string { return new(d.TaxNumber.String()) })
		_, _, err := openShop(t, memstore.New(), shop.UserWhere.Name, forged)
		if !errors.Is(err, s3db.ErrConfig) || !strings.Contains(err.Error(), `On("users"), `+path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	server := memstore.NewServer(memstore.Options{})
	canary.SearchStore(t, server.Client())
	db, p, err := openShop(t, server.Client(), shop.UserWhere.Name, shop.UserWhere.Profile.Bio)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Users.Insert(ctx, shop.UserInsert{
		ID: "ada", Name: "Ada Lovelace", Email: "ada@example.com", Password: s3db.Password("xyzzyword " + canary.Value("password")), TaxNumber: new(s3db.NewSecret("xyzzytax " + canary.Value("tax"))),
		Profile: &shop.UserProfile{Country: "GB", Bio: new("computes engines")},
	})
	if err != nil {
		t.Fatal(err)
	}
	users := must(fulltext.Of(p, db.Users.Collection))(t)
	for range 2 {
		if hits := must(users.Search(ctx, "engine lovelace"))(t); len(hits) != 1 || len(hits[0].Fields) != 2 {
			t.Errorf("hits: %+v", hits)
		}
		for _, word := range []string{"xyzzyword", "xyzzytax", "xyzzy*"} {
			if hits := must(users.Search(ctx, word))(t); len(hits) != 0 {
				t.Errorf("%s is found", word)
			}
		}
		if err := users.Compact(ctx); err != nil {
			t.Fatal(err)
		}
	}
	blocks := 0
	for _, key := range server.Keys() {
		if strings.HasPrefix(key, "plugin=") {
			blocks++
			if body := must(server.Client().Get(ctx, key))(t).Body; bytes.Contains(body, []byte("xyzzy")) {
				t.Errorf("%s has a secret", key)
			}
		}
	}
	if blocks < 3 {
		t.Errorf("the index has %d objects", blocks)
	}
}
