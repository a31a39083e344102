package goldentest

import (
	"context"
	"fmt"
	"log"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/testdata/golden/gotypes/gotypes"
	"github.com/s3dbgen/s3dbgen/testdata/gotypes/money"
)

// The attribute amount is a decimal in storage, and a money.Amount of the program in Go.
func Example_typeOfYourOwn() {
	ctx := context.Background()
	db, err := gotypes.New(ctx, memstore.New(), s3db.WithKey("k", make([]byte, 32)))
	if err != nil {
		log.Fatal(err)
	}
	for n, minor := range []int64{1000, 950} {
		in := gotypes.NewIndexedFixture(n, func(in *gotypes.IndexedInsert) { in.Amount = money.Amount{Minor: minor} })
		if _, err := db.Indexed.Insert(ctx, in); err != nil {
			log.Fatal(err)
		}
	}
	where := gotypes.IndexedWhere.Amount
	cheap, err := db.Indexed.Query().Where(where.Lt(money.Amount{Minor: 1000})).List(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d: %T %d\n", len(cheap), cheap[0].Amount, cheap[0].Amount.Minor)
	// Output: 1: money.Amount 950
}
