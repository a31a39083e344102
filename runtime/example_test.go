package s3db_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"net/netip"
	"strings"
	"time"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// The examples use the client of the shop in example/schema.yaml. A program opens it
// at a URL such as "s3://bucket/shop", with a passphrase from its environment.
func Example() {
	ctx := context.Background()
	db, err := shop.Open(ctx, "mem://", s3db.WithPassphrase("correct horse"), s3db.WithIDs("products", s3db.ULID))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	review, err := db.Reviews.Insert(ctx, shop.ReviewInsert{Product: "tea", User: "ada", Stars: 5, Title: "Good", Text: "Warm."})
	if err != nil {
		log.Fatal(err)
	}
	for review, err := range db.Reviews.ByProduct("tea").All(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(review.User, review.Stars)
	}
	fmt.Println(db.Reviews.Delete(ctx, review.ID))
	// Output:
	// ada 5
	// <nil>
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

// ada and the following are inputs of the examples.
func ada() shop.UserInsert {
	return shop.UserInsert{ID: "ada", Name: "Ada", Email: "ada@example.com", Password: "correct horse"}
}

func bob() shop.UserInsert {
	return shop.UserInsert{ID: "bob", Name: "Bob", Email: "bob@example.com", Password: "battery staple"}
}

func review(id shop.ReviewID, stars int64) shop.ReviewInsert {
	return shop.ReviewInsert{ID: id, Product: "tea", User: "user of " + string(id), Stars: stars, Title: "Tea", Text: "Warm."}
}

func session(id shop.SessionID) shop.SessionInsert {
	return shop.SessionInsert{ID: id, User: "ada", IP: netip.IPv6Loopback(), StartedAt: time.Now(), Csrf: strings.Repeat("0f", 16)}
}
