package s3dbjs_test

import (
	"context"
	"fmt"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/s3dbjs"
)

// A program reads the documents of a database that s3db.js wrote. Here the store is
// in memory; s3db.OpenReader takes the URL of a bucket.
func Example() {
	ctx := context.Background()
	store := memstore.New()
	store.Server().Plant("s3db.json", []byte(`{"s3dbVersion":"21.6.2","resources":{"users":{"currentVersion":"v1",
		"versions":{"v1":{"attributes":{"name":"string","age":"number|integer"}}},"schemaRegistry":{"mapping":{"name":0,"age":1}}}}}`), nil)
	store.Server().Plant("resource=users/data/id=ana", nil, map[string]string{"_v": "v1", "0": "u:Jo%C3%A3o", "1": "G", "9": "?"})

	reader, err := s3db.NewReader(store)
	if err != nil {
		fmt.Println(err)
		return
	}
	db, err := s3dbjs.Open(ctx, reader, "") // the passphrase, when there are secrets
	if err != nil {
		fmt.Println(err)
		return
	}
	users := db.Definition.Resource("users")
	for id, err := range db.IDs(ctx, users) {
		if err != nil {
			fmt.Println(err)
			return
		}
		record, err := db.Get(ctx, users, id)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(record.ID, record.Values["name"], record.Values["age"])
		for _, p := range record.Problems {
			fmt.Println(p)
		}
	}
	// Output:
	// ana João 42
	// undeclared users/ana: 9: a header that the definition does not name
}
