package s3db_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/s3dbgen/s3dbgen/behaviors"
	shop "github.com/s3dbgen/s3dbgen/example/generated"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// A document that does not fit the metadata of an object: what its resource says is
// done, here its longest text is cut, and there is an event.
func ExampleCollection_OnExceedsLimit() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	cancel := db.Reviews.OnExceedsLimit(func(_ context.Context, e s3db.ExceedsLimit[shop.Review]) {
		fmt.Println(e.Excess > 0, e.Limit, e.Truncated)
	})
	defer cancel()
	in := review("r1", 5)
	in.Text = strings.Repeat("It is good. ", 300)
	r, err := db.Reviews.Insert(ctx, in)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(r.Text) < len(in.Text), strings.HasSuffix(r.Text, "..."))
	// Output:
	// true 2047 [text]
	// true true
}

// How a document would be stored, without storing it: to choose a behavior, or to warn
// who types.
func ExampleCollection_DryRun() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	d := &shop.Review{Product: "tea", User: "ada", Stars: 5, Title: "Good", Text: strings.Repeat("It is good. ", 300)}
	for _, behavior := range []s3db.Behavior{behaviors.UserManaged, behaviors.TruncateData, behaviors.BodyOverflow} {
		run, err := db.Reviews.DryRun(d, behavior)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(run.Size > run.Limit, run.Truncated)
	}
	// Output:
	// true []
	// true [text]
	// true []
}

// Look for what crashes have left behind, and remove it.
func ExampleDatabase_Fsck() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()
	if _, err := db.Users.Insert(ctx, ada()); err != nil {
		log.Fatal(err)
	}

	report, err := db.Database().Fsck(ctx, s3db.FsckOptions{Repair: true})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Documents, "document,", report.Claims, "claim, clean:", report.Clean())
	// Output:
	// 1 document, 1 claim, clean: true
}

// What a database is and holds, as it says itself.
func ExampleDatabase_Describe() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	fmt.Println(len(db.Database().ID()) > 0, db.Database().Capabilities().ConditionalPut)
	for _, r := range db.Database().Describe().Resources {
		newest, _ := r.Newest()
		_, steps, err := r.History() // how documents of older versions become new ones
		fmt.Println(r.Name, newest.Version, len(steps), err)
	}
	now, err := db.Database().DescribeNow(ctx) // with what other programs added since
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(now.Resources), now.Keys)
	fmt.Println(db.Reports.Name(), db.Reports.Version())
	// Output:
	// true true
	// orders 0 0 <nil>
	// products 0 0 <nil>
	// reports 1 1 <nil>
	// reviews 0 0 <nil>
	// sessions 0 0 <nil>
	// users 1 0 <nil>
	// visits 0 0 <nil>
	// 7 [k1]
	// reports 1
}

// How the schema of the program stands to the database.
func ExampleDatabase_Versions() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	versions, err := db.Database().Versions(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, v := range versions {
		if v.Resource == "reports" {
			fmt.Println(v.Version, v.Newest, v.Writable, v.Outdated())
		}
	}
	// Output:
	// 1 1 true false
}
