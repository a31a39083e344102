package boltstore_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/boltstore"
)

// A database in one local file, which is there again when the program runs next. The
// same by its URL: shop.Open(ctx, "file://./shop.db").
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "shop")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()

	for run := range 2 {
		store, err := boltstore.Open(ctx, filepath.Join(dir, "shop.db"), boltstore.Options{})
		if err != nil {
			log.Fatal(err)
		}
		db, err := shop.New(ctx, store, s3db.WithKey("k1", make([]byte, 32)), s3db.WithIDs("products", s3db.ULID))
		if err != nil {
			log.Fatal(err)
		}
		if run == 0 {
			review := shop.ReviewInsert{ID: "r1", Product: "tea", User: "ada", Stars: 5, Title: "Good", Text: "Warm."}
			if _, err := db.Reviews.Insert(ctx, review); err != nil {
				log.Fatal(err)
			}
		}
		r, err := db.Reviews.Get(ctx, "r1")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(r.Title)
		if err := db.Close(); err != nil {
			log.Fatal(err)
		}
		if err := store.Close(); err != nil { // whoever opens a store closes it
			log.Fatal(err)
		}
	}
	// Output:
	// Good
	// Good
}
