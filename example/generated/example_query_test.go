package shop_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Read documents by predicates, see what that costs, and page through them.
func Example_query() {
	ctx := context.Background()
	db, err := shop.Open(ctx, "mem://", s3db.WithKey("k", bytes.Repeat([]byte{1}, 32)), s3db.WithIDs("products", s3db.ULID))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = db.Close() }()
	w, err := db.Orders.Writer(ctx, s3db.BatchSize(100))
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range 30 {
		err := w.Write(shop.OrderInsert{
			ID: shop.OrderID(fmt.Sprintf("o%02d", i)), User: []shop.UserID{"ada", "bob"}[i%2], PlacedAt: time.Now(),
			Items:    []shop.OrderItem{{Product: "tea", Quantity: int64(i)%5 + 1, Price: decimal.NewFromFloat(19.9)}},
			Shipping: shop.OrderShipping{Street: "s", City: "Rio", Country: "BR"},
		})
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	if err := w.Close(); err != nil { // now all of them are stored
		fmt.Println(err)
		return
	}

	q := db.Orders.Query().Where(
		shop.OrderWhere.User.Eq("ada"),
		shop.OrderWhere.Items.Any(shop.OrderItemWhere.Quantity.Gt(3)),
	)
	fmt.Println(q.Plan())
	for cursor := s3db.Cursor(""); ; {
		page, err := q.After(cursor).Page(ctx, 4)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, order := range page.Items {
			fmt.Println(order.ID, order.User)
		}
		if cursor = page.Cursor; cursor == "" {
			break
		}
	}
	n, err := db.Orders.Query().ParallelList(8).Count(ctx) // several listings at a time, where there are many
	fmt.Println(n, err)

	// Output:
	// orders: list the partition byUser
	//   keys    user =
	//   filter  items has an item with quantity >
	//   cost    1 LIST + 1000 GET = $0.000405, when it reads 1,000 documents
	// o04 ada
	// o08 ada
	// o14 ada
	// o18 ada
	// o24 ada
	// o28 ada
	// 30 <nil>
}
