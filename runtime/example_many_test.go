package s3db_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// One that fails does not stop the others; the error names each.
func ExampleCollection_InsertMany() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	_, err := db.Reviews.InsertMany(ctx, []shop.ReviewInsert{review("r1", 5), review("r2", 6), review("r3", 4)})
	if bulk, ok := errors.AsType[*s3db.BulkError](err); ok {
		fmt.Println(len(bulk.Failed), "of", bulk.Total, "failed:")
		for _, failed := range bulk.Failed {
			fmt.Println(failed.Index, failed.ID, errors.Is(failed.Err, s3db.ErrValidation))
		}
	}
	n, err := db.Reviews.Query().Count(ctx)
	fmt.Println(n, err)
	// Output:
	// 1 of 3 failed:
	// 1 r2 true
	// 2 <nil>
}

// Documents are read side by side and come in the order of the ids; nil stands for
// one that could not be read.
func ExampleCollection_GetMany() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	if _, err := db.Reviews.InsertMany(ctx, []shop.ReviewInsert{review("r1", 5), review("r2", 4)}); err != nil {
		log.Fatal(err)
	}
	reviews, err := db.Reviews.GetMany(ctx, "r2", "r9", "r1")
	fmt.Println(reviews[0].Stars, reviews[1] == nil, reviews[2].Stars)
	fmt.Println(errors.Is(err, s3db.ErrNotFound))

	reviews, err = db.Reviews.GetAll(ctx)
	fmt.Println(len(reviews), err)
	// Output:
	// 4 true 5
	// true
	// 2 <nil>
}

// One patch for many documents.
func ExampleCollection_UpdateMany() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	if _, err := db.Reviews.InsertMany(ctx, []shop.ReviewInsert{review("r1", 5), review("r2", 4)}); err != nil {
		log.Fatal(err)
	}
	reviews, err := db.Reviews.UpdateMany(ctx, []shop.ReviewID{"r1", "r2"}, shop.ReviewPatch{Title: s3db.Set("Checked")})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range reviews {
		fmt.Println(r.ID, r.Stars, r.Title)
	}
	// Output:
	// r1 5 Checked
	// r2 4 Checked
}

// Some documents, or all of them, which has to be said by name.
func ExampleCollection_DeleteMany() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	if _, err := db.Reviews.InsertMany(ctx, []shop.ReviewInsert{review("r1", 5), review("r2", 4), review("r3", 3)}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(db.Reviews.DeleteMany(ctx, "r1"))
	n, err := db.Reviews.DeleteAll(ctx, s3db.Confirm("reviews"))
	fmt.Println(n, err)
	// Output:
	// <nil>
	// 2 <nil>
}

// A stream of inserts. Write waits while 100 documents are in memory; after Close all
// of them are stored, but for those that it names.
func ExampleCollection_Writer() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	w, err := db.Reviews.Writer(ctx, s3db.BatchSize(100), s3db.Concurrency(20), s3db.OnFailure(func(failed s3db.ItemError) {
		fmt.Println("refused:", failed.Index)
	}))
	if err != nil {
		log.Fatal(err)
	}
	for i := range 1000 {
		r := review(shop.ReviewID(fmt.Sprintf("r%03d", i)), 5)
		if i == 500 {
			r.Stars = 6
		}
		if err := w.Write(r); err != nil {
			log.Fatal(err)
		}
	}
	err = w.Close()
	fmt.Println(errors.Is(err, s3db.ErrValidation))
	n, err := db.Reviews.Query().Count(ctx)
	fmt.Println(n, err)
	// Output:
	// refused: 500
	// true
	// 999 <nil>
}
