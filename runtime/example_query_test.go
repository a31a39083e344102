package s3db_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// openReviews opens a shop with the reviews r1 to r9, which have 1 to 5 stars.
func openReviews(ctx context.Context, options ...s3db.Option) *shop.DB {
	db := openShop(ctx, options...)
	for i := range 9 {
		r := review(shop.ReviewID(fmt.Sprint("r", i+1)), int64(i%5+1))
		r.Product = []string{"tea", "coffee"}[i%2]
		if _, err := db.Reviews.Insert(ctx, r); err != nil {
			log.Fatal(err)
		}
	}
	return db
}

// A query is a value: methods narrow it, and it can be run as often as you like.
func ExampleQuery() {
	ctx := context.Background()
	db := openReviews(ctx)
	defer db.Close()

	good := db.Reviews.Query().Where(shop.ReviewWhere.Stars.Ge(4))
	reviews, err := good.OrderBy(shop.ReviewWhere.Stars.Desc(), shop.ReviewWhere.ID.Asc()).Limit(2).List(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range reviews {
		fmt.Println(r.ID, r.Stars)
	}
	first, err := good.First(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(first.ID)
	// Output:
	// r5 5
	// r4 4
	// r4
}

// Predicates are methods of attributes. What compiles depends on the type.
func ExampleQuery_Where() {
	ctx := context.Background()
	db := openReviews(ctx)
	defer db.Close()

	where := shop.ReviewWhere
	for _, q := range []s3db.Query[shop.Review, shop.ReviewID]{
		db.Reviews.Query().Where(where.Product.Eq("tea"), where.Stars.Gt(2), where.Stars.Lt(5)),
		db.Reviews.Query().Where(s3db.Or(where.Stars.Le(1), where.Product.Prefix("cof"))),
		db.Reviews.Query().Where(s3db.Not(s3db.And(where.Stars.Ne(3), where.Text.Contains("arm")))),
		db.Reviews.Query().Where(where.ID.In("r2", "r7", "r11")),
		db.Reviews.Query().Where(s3db.Not(where.Title.IsSet())),
	} {
		n, err := q.Count(ctx)
		fmt.Println(n, err)
	}
	// Output:
	// 2 <nil>
	// 5 <nil>
	// 2 <nil>
	// 2 <nil>
	// 0 <nil>
}

// Inside arrays: of values, and of objects by their own attributes.
func ExampleObjectsAttr_Any() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	q := db.Orders.Query().Where(shop.OrderWhere.Items.Any(s3db.And(
		shop.OrderItemWhere.Product.Eq("tea"),
		shop.OrderItemWhere.Quantity.Ge(10),
	)))
	fmt.Println(q.Match(&shop.Order{Items: []shop.OrderItem{{Product: "tea", Quantity: 1}, {Product: "cup", Quantity: 10}}}))
	fmt.Println(q.Match(&shop.Order{Items: []shop.OrderItem{{Product: "tea", Quantity: 12}}}))

	likes := db.Users.Query().Where(shop.UserWhere.Interests.Contains("chess"))
	fmt.Println(likes.Match(&shop.User{Interests: []string{"go", "chess"}}))
	// Output:
	// false <nil>
	// true <nil>
	// true <nil>
}

// One by one, in the order of keys, while others are being read; the loop may end at
// any time.
func ExampleQuery_All() {
	ctx := context.Background()
	db := openReviews(ctx)
	defer db.Close()

	for r, err := range db.Reviews.Query().All(ctx, s3db.BatchSize(50), s3db.Concurrency(10)) {
		if err != nil {
			log.Fatal(err)
		}
		if r.Stars == 3 {
			fmt.Println("found", r.ID)
			break
		}
	}
	// Output:
	// found r3
}

// All that can be read; an error names the rest.
func ExampleQuery_Collect() {
	ctx := context.Background()
	db := openReviews(ctx)
	defer db.Close()

	reviews, err := db.Reviews.Query().Where(shop.ReviewWhere.Product.Eq("coffee")).Collect(ctx)
	fmt.Println(len(reviews), err)
	// Output:
	// 4 <nil>
}

// Ids cost a listing, and no reads.
func ExampleQuery_IDs() {
	ctx := context.Background()
	var sent s3db.RequestCounter
	db := openReviews(ctx, s3db.WithRequestObserver(sent.Observe))
	defer db.Close()

	before := sent.Counts()
	for id, err := range db.Reviews.Query().Where(shop.ReviewWhere.ID.Ge("r8")).IDs(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(id)
	}
	fmt.Println("requests:", sent.Counts().Sub(before).Total())
	// Output:
	// r8
	// r9
	// requests: 1
}

// A count costs one request for each 1,000 documents. ParallelList counts millions in
// several parts at once.
func ExampleQuery_Count() {
	ctx := context.Background()
	db := openReviews(ctx)
	defer db.Close()

	n, err := db.Reviews.Query().ParallelList(8).Count(ctx)
	fmt.Println(n, err)
	// Output:
	// 9 <nil>
}

// Page by page. The cursor is a string that a web page can carry; it is checked
// against its query.
func ExampleQuery_Page() {
	ctx := context.Background()
	db := openReviews(ctx)
	defer db.Close()

	q := db.Reviews.Query()
	cursor := s3db.Cursor("")
	for {
		page, err := q.After(cursor).Page(ctx, 4, s3db.WithTotal())
		if err != nil {
			log.Fatal(err)
		}
		for _, r := range page.Items {
			fmt.Print(r.ID, " ")
		}
		fmt.Println("of", page.Total, page.HasMore)
		if cursor = page.Cursor; cursor == "" {
			break
		}
	}
	_, err := q.After("something else").Page(ctx, 4)
	fmt.Println(errors.Is(err, s3db.ErrCursor))
	// Output:
	// r1 r2 r3 r4 of 9 true
	// r5 r6 r7 r8 of 9 true
	// r9 of 9 false
	// true
}

// Offsets work, and read what they leave out.
func ExampleQuery_Offset() {
	ctx := context.Background()
	db := openReviews(ctx)
	defer db.Close()

	reviews, err := db.Reviews.Query().Offset(7).List(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(reviews), reviews[0].ID)
	// Output:
	// 2 r8
}

// An order that the keys do not have is made in memory, up to a limit.
func ExampleQuery_SortLimit() {
	ctx := context.Background()
	db := openReviews(ctx)
	defer db.Close()

	_, err := db.Reviews.Query().OrderBy(shop.ReviewWhere.Title.Asc()).SortLimit(5).List(ctx)
	fmt.Println(errors.Is(err, s3db.ErrSortLimit))
	// Output:
	// true
}

// What a query would read and cost, without a request.
func ExampleQuery_Plan() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	plan := db.Reviews.Query().Where(shop.ReviewWhere.Product.Eq("tea"), shop.ReviewWhere.Stars.Ge(4), shop.ReviewWhere.Title.Contains("!")).Plan()
	fmt.Println(plan)
	fmt.Println(plan.For(20).Total(), "requests for 20 documents;", plan.Dollars() < 0.001)
	// Output:
	// reviews: list the partition byProduct
	//   keys    product = and stars ≥
	//   filter  title contains
	//   cost    1 LIST + 1000 GET = $0.000405, when it reads 1,000 documents
	// 21 requests for 20 documents; true
}
