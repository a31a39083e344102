package memstore_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// Two programs on one server: one of them dies in the middle of a write, and the other
// one finds either all of it or nothing. Package s3dbtest makes such tests shorter.
func Example() {
	ctx := context.Background()
	server := memstore.NewServer(memstore.Options{})
	first, second := server.Client(), server.Client()
	options := []s3db.Option{s3db.WithKey("k1", make([]byte, 32)), s3db.WithIDs("products", s3db.ULID), s3db.WithRetry(s3db.RetryPolicy{Requests: 1})}
	dying, err := shop.New(ctx, first, options...)
	if err != nil {
		log.Fatal(err)
	}
	db, err := shop.New(ctx, second, options...)
	if err != nil {
		log.Fatal(err)
	}

	first.SetFault(func(r memstore.Request) memstore.Injection {
		if r.Kind == memstore.Put && strings.Contains(r.Key, "/data/") {
			return memstore.Injection{Fault: memstore.Crash, Delay: time.Microsecond}
		}
		return memstore.Injection{}
	})
	review := shop.ReviewInsert{ID: "r1", Product: "tea", User: "ada", Stars: 5, Title: "Good", Text: "Warm."}
	_, err = dying.Reviews.Insert(ctx, review)
	fmt.Println("crashed:", errors.Is(err, memstore.ErrCrashed))

	_, err = db.Reviews.Insert(ctx, review) // takes over the unique value that was left behind
	fmt.Println(err)
	fmt.Println(second.Counts().Put > 0)
	// Output:
	// crashed: true
	// <nil>
	// true
}
