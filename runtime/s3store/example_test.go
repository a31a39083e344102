package s3store_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"time"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/s3store"
)

// A bucket with an HTTP client of the program's own. Without such wishes the URL
// does: shop.Open(ctx, "s3://bucket/shop").
func ExampleNew() {
	ctx := context.Background()
	store, err := s3store.New(ctx, s3store.Options{
		Bucket:     "bucket",
		Region:     "eu-central-1",
		HTTPClient: &http.Client{Timeout: time.Minute},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	db, err := shop.New(ctx, store, s3db.WithPassphrase("correct horse"), s3db.WithIDs("products", s3db.ULID))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	fmt.Println(db.Database().Capabilities())
}
