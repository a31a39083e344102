package shop_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"net/netip"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Open a database in memory, in a file ("file://./shop.db") or in a bucket
// ("s3://bucket/shop", "http://KEY:SECRET@localhost:9000/bucket/shop"), and keep a
// document in it.
func ExampleOpen() {
	ctx := context.Background()
	db, err := shop.Open(ctx, "mem://",
		s3db.WithPassphrase("correct horse"),     // the schema has secrets
		s3db.WithIDs("products", s3db.NanoID(8)), // and says that the program makes these ids
	)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	p, err := db.Products.Insert(ctx, shop.ProductInsert{Name: "Tea", Supplier: "leaf", Code: "t1", Category: "tea", Price: decimal.RequireFromString("19.90")})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(p.ID), p.Name, p.Code, p.Price.StringFixed(2), p.Stock)
	// Output:
	// 8 Tea T1 19.90 0
}

// openShop opens an empty shop in memory, where hashing a password costs little.
func openShop(ctx context.Context, options ...s3db.Option) *shop.DB {
	db, err := shop.Open(ctx, "mem://", append([]s3db.Option{
		s3db.WithKey("k1", bytes.Repeat([]byte{1}, 32)),
		s3db.WithIDs("products", s3db.ULID),
		s3db.WithPasswordParams(s3db.PasswordParams{Memory: 8, Time: 1, Threads: 1}),
	}, options...)...)
	if err != nil {
		log.Fatal(err)
	}
	return db
}

// A method for each unique attribute, and for each group of them, finds the one
// document that has the values.
func ExampleUsers_ByEmail() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	if _, err := db.Users.Insert(ctx, shop.UserInsert{ID: "ada", Name: "Ada", Email: "ada@example.com", Password: "correct horse"}); err != nil {
		log.Fatal(err)
	}
	u, err := db.Users.ByEmail(ctx, "ada@example.com")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(u.ID)
	_, err = db.Products.BySupplierCode(ctx, "leaf", "T1")
	fmt.Println(errors.Is(err, s3db.ErrNotFound))
	// Output:
	// ada
	// true
}

// A method for each partition reads the documents with some values, and nothing else.
func ExampleUsers_ByCountry() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	for name, country := range map[string]string{"Ada": "GB", "Bia": "BR", "Caio": "BR"} {
		in := shop.UserInsert{ID: shop.UserID(name), Name: name, Email: name + "@example.com", Password: "correct horse", Profile: &shop.UserProfile{Country: country}}
		if _, err := db.Users.Insert(ctx, in); err != nil {
			log.Fatal(err)
		}
	}
	for u, err := range db.Users.ByCountry("BR").All(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(u.Name)
	}
	countries, err := db.Users.DistinctCountry(ctx) // from keys alone
	fmt.Println(countries, err)
	// Output:
	// Bia
	// Caio
	// [BR GB] <nil>
}

// Keys sort as values do, so that a partition answers ranges.
func ExampleProducts_ByPrice() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	for i, price := range []int64{30, 5, 100, 10} {
		in := shop.ProductInsert{Name: fmt.Sprint("for ", price), Supplier: "leaf", Code: fmt.Sprint("t", i), Category: "tea", Price: decimal.NewFromInt(price)}
		if _, err := db.Products.Insert(ctx, in); err != nil {
			log.Fatal(err)
		}
	}
	show := func(products []*shop.Product, err error) {
		if err != nil {
			log.Fatal(err)
		}
		for _, p := range products {
			fmt.Println(p.Name)
		}
	}
	show(db.Products.ByPrice().Between(decimal.NewFromInt(10), decimal.NewFromInt(50)).List(ctx))
	show(db.Products.ByPrice().From(decimal.NewFromInt(50)).List(ctx))
	show(db.Products.ByPrice().Until(decimal.NewFromInt(10)).Limit(1).List(ctx))
	// Output:
	// for 10
	// for 30
	// for 100
	// for 5
}

// Of a partition with several fields the first ones are given.
func ExampleReviews_ByProduct() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	for i, stars := range []int64{5, 2, 4} {
		in := shop.ReviewInsert{Product: "tea", User: fmt.Sprint("user", i), Stars: stars, Title: "Tea", Text: "Warm."}
		if _, err := db.Reviews.Insert(ctx, in); err != nil {
			log.Fatal(err)
		}
	}
	for _, q := range []s3db.Query[shop.Review, shop.ReviewID]{
		db.Reviews.ByProduct("tea").Query,
		db.Reviews.ByProduct("tea").Stars(5).Query,
		db.Reviews.ByProduct("tea").Stars().From(4).Query,
	} {
		fmt.Println(q.Count(ctx))
	}
	// Output:
	// 3 <nil>
	// 1 <nil>
	// 2 <nil>
}

// Resources with timestamps are found by the day.
func ExampleVisits_ByCreatedDate() {
	ctx := context.Background()
	today := time.Date(2026, time.March, 14, 15, 9, 26, 0, time.UTC)
	db := openShop(ctx, s3db.WithClock(func() time.Time { return today }))
	defer db.Close()

	if _, err := db.Visits.Insert(ctx, shop.VisitInsert{Page: "/tea"}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(db.Visits.ByCreatedDate(s3db.DateOf(today)).Count(ctx))
	fmt.Println(db.Visits.ByCreatedDate().Until(s3db.DateOf(today.AddDate(0, 0, -1))).Count(ctx))
	// Output:
	// 1 <nil>
	// 0 <nil>
}

// Enums are types with constants; another text is refused.
func ExampleUserRole() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	in := shop.UserInsert{ID: "ada", Name: "Ada", Email: "ada@example.com", Password: "correct horse", Role: new(shop.UserRoleStaff)}
	u, err := db.Users.Insert(ctx, in)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(u.Role)
	_, err = db.Users.Update(ctx, "ada", shop.UserPatch{Role: s3db.Set(shop.UserRole("boss"))})
	fmt.Println(err)
	// Output:
	// clerk
	// s3db: update users/ada: validation failed: role: enum: must be one of customer, clerk, admin, guest
}

// Optional attributes are pointers; nil is absent, and Clear makes them so.
func ExampleUserPatch() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	u, err := db.Users.Insert(ctx, shop.UserInsert{
		ID: "ada", Name: "Ada", Email: "ada@example.com", Password: "correct horse",
		Age: new(int64(36)), Interests: []string{"chess"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(*u.Age, u.Interests, u.Website == nil)
	u, err = db.Users.Update(ctx, "ada", shop.UserPatch{
		Age: s3db.Clear[int64](), Interests: s3db.Clear[[]string](), Website: s3db.Set("https://example.com"),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(u.Age == nil, u.Interests == nil, *u.Website)
	// Output:
	// 36 [chess] true
	// true true https://example.com
}

// Documents that have expired read as absent at once; a sweep deletes them.
func ExampleDB_Sweep() {
	ctx := context.Background()
	now := time.Date(2026, time.March, 14, 0, 0, 0, 0, time.UTC)
	db := openShop(ctx, s3db.WithClock(func() time.Time { return now }))
	defer db.Close()

	s, err := db.Sessions.Insert(ctx, shop.SessionInsert{ID: "s1", User: "ada", IP: netip.IPv6Loopback(), StartedAt: now, Csrf: strings.Repeat("0f", 16)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.Meta.Expires)

	now = now.AddDate(2, 0, 0)
	_, err = db.Sessions.Get(ctx, "s1")
	fmt.Println(errors.Is(err, s3db.ErrNotFound))
	report, err := db.Sessions.Sweep(ctx, s3db.SweepOptions{Grace: time.Minute})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Deleted)
	_, err = db.Sweep(ctx, s3db.SweepOptions{}) // all resources
	fmt.Println(err)
	// Output:
	// 2027-03-14 00:00:00 +0000 UTC
	// true
	// 1
	// <nil>
}

// Inputs for tests: valid, and the same for the same number.
func ExampleNewUserFixture() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	for n := range 10 {
		u, err := db.Users.Insert(ctx, shop.NewUserFixture(n, func(in *shop.UserInsert) { in.Newsletter = new(n%2 == 0) }))
		if err != nil {
			log.Fatal(err)
		}
		if n == 7 {
			fmt.Println(u.Name, u.Email, u.Newsletter)
		}
	}
	// Output:
	// name-0007 email-0007@example.com false
}
