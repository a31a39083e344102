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
	if _, err := client.Visits.Insert(ctx, shop.VisitInsert{ID: "v1", Page: "/"}); err != nil {
		fmt.Println(err)
		return
	}

	db, err := dynamic.New(ctx, store, dynamic.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	visits, err := db.Resource("visits")
	if err != nil {
		fmt.Println(err)
		return
	}
	patch, err := visits.ParsePatch([]byte(`{"page":"/cart","agent":"curl"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	visit, err := visits.Update(ctx, "v1", patch)
	if err != nil {
		fmt.Println(err)
		return
	}
	values, err := json.Marshal(visit.Values)
	fmt.Println(visit.ID, string(values), err)

	_, err = visits.ParsePatch([]byte(`{"page":7,"pages":1}`))
	fmt.Println(err)
	// Output:
	// v1 {"agent":"curl","page":"/cart"} <nil>
	// validation failed: page: type: must be a text; pages: unknown: there is no such attribute; there are page, referrer, agent
}
