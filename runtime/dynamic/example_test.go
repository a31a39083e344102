package dynamic_test

import (
	"context"
	"encoding/json"
	"fmt"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// A program without generated code changes a document that the generated client
// of the database wrote.
func Example() {
	ctx := context.Background()
	store := memstore.New()
	client, err := shop.New(ctx, store, s3db.WithIDs("products", s3db.ULID), s3db.WithPassphrase("the client's own"))
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := client.Reviews.Insert(ctx, shop.ReviewInsert{ID: "r1", Product: "tea", User: "ada", Stars: 4, Title: "Good", Text: "Warm."}); err != nil {
		fmt.Println(err)
		return
	}

	db, err := dynamic.New(ctx, store, dynamic.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	reviews, err := db.Resource("reviews")
	if err != nil {
		fmt.Println(err)
		return
	}
	patch, err := reviews.ParsePatch([]byte(`{"stars":5,"title":"Very good"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	review, err := reviews.Update(ctx, "r1", patch)
	if err != nil {
		fmt.Println(err)
		return
	}
	values, err := json.Marshal(review.Values)
	fmt.Println(review.ID, string(values), err)

	_, err = reviews.ParsePatch([]byte(`{"stars":"five","name":1}`))
	fmt.Println(err)
	// Output:
	// r1 {"product":"tea","stars":5,"text":"Warm.","title":"Very good","user":"ada"} <nil>
	// validation failed: stars: type: must be an integer of 64 bits; name: unknown: there is no such attribute; there are product, user, stars, title, text
}
