package audit_test

import (
	"context"
	"fmt"
	"log"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	"github.com/s3dbgen/s3dbgen/plugins/audit"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

func Example() {
	tracked := audit.New(audit.Options{IncludeData: true, RetentionDays: 365})
	ctx := audit.WithUser(context.Background(), "ada")
	db, err := shop.Open(ctx, "mem://audit-example", s3db.WithPlugin(tracked),
		s3db.WithPassphrase("correct horse"), s3db.WithIDs("products", s3db.NanoID(12)))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	in := shop.ReviewInsert{ID: "r1", Product: "p1", User: "u1", Stars: 5, Title: "Good", Text: "It works."}
	if _, err := db.Reviews.Insert(ctx, in); err != nil {
		log.Fatal(err)
	}
	if _, err := db.Reviews.Update(ctx, "r1", shop.ReviewPatch{Stars: s3db.Set(int64(1))}); err != nil {
		log.Fatal(err)
	}
	for e, err := range tracked.Log().Entries(ctx, audit.Query{Resource: "reviews", User: "ada"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.User, e.Operation, e.ID, e.State)
	}
	report, err := tracked.Log().Verify(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Entries, "entries,", len(report.Problems), "problems")
	// Output:
	// ada insert r1 committed
	// ada update r1 committed
	// 2 entries, 0 problems
}
