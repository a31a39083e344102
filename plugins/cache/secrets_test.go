package cache_test

import (
	"testing"

	"github.com/shopspring/decimal"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	"github.com/s3dbgen/s3dbgen/internal/canary"
	"github.com/s3dbgen/s3dbgen/plugins/cache"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// TestSecretsInTheCache: what goes to the store has no secret in clear, although
// another process gets it from there; and one without the key does not.
func TestSecretsInTheCache(t *testing.T) {
	ctx := t.Context()
	server := memstore.New()
	puts := 0
	store := &canary.Store{Store: server, Leak: func(where, how string) { t.Errorf("%s, %s", where, how) }}
	openShop := func(o cache.Options, key s3db.Option) (*shop.DB, error) {
		return shop.New(ctx, store, s3db.WithPlugin(cache.New(o)), key, s3db.WithIDs("products", s3db.NanoID(12)),
			s3db.WithPasswordParams(s3db.PasswordParams{Memory: 8, Time: 1, Threads: 1}),
			s3db.WithRequestObserver(func(r s3db.Request) {
				if r.Kind == s3db.RequestPut {
					puts++
				}
			}))
	}
	key := s3db.WithKey("k1", canary.Key(1))
	secret := canary.Value("taxNumber")
	o := cache.Options{Driver: cache.S3}
	a, b := must(openShop(o, key))(t), must(openShop(o, key))(t)
	in := shop.UserInsert{ID: "ada", Name: "Ada", Email: "a@x.io", Password: s3db.Password(canary.Value("password")), Newsletter: new(true)}
	in.TaxNumber = new(s3db.NewSecret(secret))
	must(a.Users.Insert(ctx, in))(t)
	before := puts
	must(a.Users.Query().List(ctx))(t)
	if puts != before+2 {
		t.Fatalf("the result went nowhere: %d PUTs", puts-before)
	}
	counts := server.Counts()
	list := must(b.Users.Query().List(ctx))(t)
	if len(list) != 1 || list[0].TaxNumber.Reveal() != secret || server.Counts().Sub(counts).Total() != 1 {
		t.Errorf("another process: %d documents, %+v", len(list), server.Counts().Sub(counts))
	}
}

// TestNoAliasesOfContainers: slices, maps and bytes of documents are not shared.
func TestNoAliasesOfContainers(t *testing.T) {
	ctx := t.Context()
	db := must(shop.New(ctx, memstore.New(), s3db.WithPlugin(cache.New(cache.Options{})), s3db.WithKey("k", canary.Key(1)), s3db.WithIDs("products", s3db.NanoID(12))))(t)
	must(db.Products.Insert(ctx, shop.ProductInsert{
		ID: "tea", Name: "Tea", Supplier: "s", Code: "C", Category: "c", Price: decimal.NewFromInt(3), MadeIn: []string{"BR"},
		Labels: map[string]string{"a": "b"}, Thumbnail: make([]byte, 3000), Specification: []byte(`{"a":1}`),
	}))(t)
	for range 3 {
		p := must(db.Products.Get(ctx, "tea"))(t)
		if p.MadeIn[0] != "BR" || p.Labels["a"] != "b" || p.Thumbnail[0] != 0 || string(p.Specification) != `{"a":1}` {
			t.Fatal("somebody else's change")
		}
		p.MadeIn[0], p.Labels["a"], p.Thumbnail[0], p.Specification[1] = "US", "c", 1, 'x'
	}
}
