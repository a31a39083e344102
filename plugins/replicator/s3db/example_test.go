package s3db_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	target "github.com/s3dbgen/s3dbgen/plugins/replicator/s3db"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/boltstore"
)

// A copy of the reviews in a file, which the same client opens.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "copy")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	url := "file://" + filepath.ToSlash(filepath.Join(dir, "copy.db"))

	file, err := target.New(target.Config{URL: url, Drivers: []s3db.Driver{boltstore.Driver()}})
	if err != nil {
		log.Fatal(err)
	}
	replicated := replicator.New(replicator.Options{
		OnDemand: true, // for this example: otherwise changes flow by themselves
		Targets:  []replicator.TargetOptions{{Name: "copy", Target: file, Routes: map[string][]replicator.Route{"reviews": {{}}}}},
	})
	options := []s3db.Option{s3db.WithKey("k1", make([]byte, 32)), s3db.WithIDs("products", s3db.ULID)}
	db, err := shop.Open(ctx, "mem://", append(options, s3db.WithPlugin(replicated))...)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := db.Reviews.Insert(ctx, shop.ReviewInsert{ID: "r1", Product: "tea", User: "ada", Stars: 5, Title: "Good", Text: "Warm."}); err != nil {
		log.Fatal(err)
	}
	if err := replicated.Sync(ctx); err != nil {
		log.Fatal(err)
	}
	if err := db.Close(); err != nil { // closes the target, and so the file
		log.Fatal(err)
	}

	again, err := shop.Open(ctx, url, options...)
	if err != nil {
		log.Fatal(err)
	}
	defer again.Close()
	r, err := again.Reviews.Get(ctx, "r1")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.User, r.Stars)
	// Output:
	// ada 5
}
