package transfer_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"time"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/runtime/transfer"
)

// Export a resource as JSON Lines, and import it into another database.
func Example() {
	ctx := context.Background()
	clock := s3db.WithClock(func() time.Time { return time.Date(2026, time.March, 14, 0, 0, 0, 0, time.UTC) })
	reviews := func(documents ...shop.ReviewInsert) *dynamic.Resource {
		store := memstore.New()
		client, err := shop.New(ctx, store, s3db.WithKey("k1", make([]byte, 32)), s3db.WithIDs("products", s3db.ULID), clock)
		if err != nil {
			log.Fatal(err)
		}
		if _, err := client.Reviews.InsertMany(ctx, documents); err != nil {
			log.Fatal(err)
		}
		db, err := dynamic.New(ctx, store, dynamic.Config{})
		if err != nil {
			log.Fatal(err)
		}
		resource, err := db.Resource("reviews")
		if err != nil {
			log.Fatal(err)
		}
		return resource
	}
	from := reviews(
		shop.ReviewInsert{ID: "r1", Product: "tea", User: "ada", Stars: 5, Title: "Good", Text: "Warm."},
		shop.ReviewInsert{ID: "r2", Product: "tea", User: "bob", Stars: 2, Title: "Cold", Text: "Cold."})

	var file bytes.Buffer
	format, err := transfer.FormatOf("reviews.jsonl")
	if err != nil {
		log.Fatal(err)
	}
	out, err := transfer.Export(ctx, from, &file, transfer.ExportOptions{Format: format})
	fmt.Println(out.Documents, err)

	to := reviews()
	in, err := transfer.Import(ctx, to, &file, transfer.ImportOptions{Format: format, KeepTimestamps: true})
	fmt.Println(in.Documents, err)

	_, err = transfer.Export(ctx, to, os.Stdout, transfer.ExportOptions{Format: transfer.Format{Records: "csv"}})
	fmt.Println(err)
	// Output:
	// 2 <nil>
	// 2 <nil>
	// id,product,user,stars,title,text,createdAt,updatedAt
	// r1,tea,ada,5,Good,Warm.,2026-03-14T00:00:00Z,2026-03-14T00:00:00Z
	// r2,tea,bob,2,Cold,Cold.,2026-03-14T00:00:00Z,2026-03-14T00:00:00Z
	// <nil>
}
