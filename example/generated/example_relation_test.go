package shop_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Load the users of orders, and the orders of users, many at once.
func Example_relations() {
	ctx := context.Background()
	var requests s3db.RequestCounter
	db, err := shop.Open(ctx, "mem://", s3db.WithKey("k", bytes.Repeat([]byte{1}, 32)), s3db.WithIDs("products", s3db.ULID),
		s3db.WithPasswordParams(s3db.PasswordParams{Memory: 8, Time: 1, Threads: 1}), s3db.WithRequestObserver(requests.Observe))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = db.Close() }()
	for _, name := range []string{"Ada", "Bob"} {
		if _, err := db.Users.Insert(ctx, shop.UserInsert{ID: shop.UserID(name), Name: name, Email: name + "@example.com", Password: "correct horse"}); err != nil {
			fmt.Println(err)
			return
		}
	}
	for i, user := range []shop.UserID{"Ada", "Bob", "Ada", "Eve"} {
		_, err := db.Orders.Insert(ctx, shop.OrderInsert{
			ID: shop.OrderID(fmt.Sprint("o", i)), User: user, PlacedAt: time.Now(),
			Items:    []shop.OrderItem{{Product: "tea", Quantity: 1, Price: decimal.NewFromInt(4)}},
			Shipping: shop.OrderShipping{Street: "s", City: "Rio", Country: "BR"},
		})
		if err != nil {
			fmt.Println(err)
			return
		}
	}

	orders, err := db.Orders.Query().List(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	before := requests.Counts()
	buyers, err := db.Orders.LoadBuyer(ctx, orders)
	fmt.Println("Eve is missing:", errors.Is(err, s3db.ErrNotFound))
	for i, buyer := range buyers {
		if buyer != nil {
			fmt.Println(orders[i].ID, "is of", buyer.Name)
		}
	}
	lists, err := db.Users.LoadOrders(ctx, buyers) // Ada twice, and nil for Eve
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("orders of Ada and Bob:", len(lists[0]), len(lists[1]))
	after := requests.Counts()
	fmt.Println("requests:", after.Get-before.Get, "GET", after.List-before.List, "LIST")

	// Output:
	// Eve is missing: true
	// o0 is of Ada
	// o1 is of Bob
	// o2 is of Ada
	// orders of Ada and Bob: 2 1
	// requests: 6 GET 2 LIST
}
