package replicator_test

import (
	"context"
	"fmt"
	"log"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// printed is a target: it gets the changes of each document in their order, each at
// least once, and must take one that it has seen for none. Package targettest holds
// targets to that.
type printed struct{}

func (printed) Test(context.Context) error                       { return nil }
func (printed) Prepare(context.Context, replicator.Source) error { return nil }
func (printed) Close() error                                     { return nil }

func (printed) Apply(_ context.Context, changes []replicator.Change) ([]replicator.Rejection, error) {
	for _, c := range changes {
		fmt.Println(c.Action, c.Resource, c.ID)
	}
	return nil, nil
}

// Every committed change of reviews goes to a target.
func Example() {
	ctx := context.Background()
	replicated := replicator.New(replicator.Options{
		OnDemand: true, // for this example: otherwise changes flow by themselves
		Targets: []replicator.TargetOptions{{
			Name: "printed", Target: printed{},
			Routes: map[string][]replicator.Route{"reviews": {{}}},
		}},
	})
	db, err := shop.Open(ctx, "mem://", s3db.WithPlugin(replicated), s3db.WithKey("k1", make([]byte, 32)), s3db.WithIDs("products", s3db.ULID))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	if _, err := db.Reviews.Insert(ctx, shop.ReviewInsert{ID: "r1", Product: "tea", User: "ada", Stars: 5, Title: "Good", Text: "Warm."}); err != nil {
		log.Fatal(err)
	}
	if err := replicated.Sync(ctx); err != nil {
		log.Fatal(err)
	}
	if err := db.Reviews.Delete(ctx, "r1"); err != nil {
		log.Fatal(err)
	}
	if err := replicated.Sync(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// insert reviews r1
	// delete reviews r1
}
