package cache_test

import (
	"context"
	"fmt"
	"log"
	"time"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	"github.com/s3dbgen/s3dbgen/plugins/cache"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

func Example() {
	ctx := context.Background()
	kept := cache.New(cache.Options{TTL: time.Minute, MaxSize: 5000})
	var sent s3db.RequestCounter
	db, err := shop.Open(ctx, "mem://cache-example", s3db.WithPlugin(kept), s3db.WithRequestObserver(sent.Observe),
		s3db.WithPassphrase("correct horse"), s3db.WithIDs("products", s3db.NanoID(12)))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	insert := func(id shop.OrderID, user shop.UserID) {
		order := shop.OrderInsert{ID: id, User: user, PlacedAt: time.Now(), Items: []shop.OrderItem{{Product: "tea", Quantity: 1}},
			Shipping: shop.OrderShipping{Street: "1 Main St", City: "Rio", Country: "BR"}}
		if _, err := db.Orders.Insert(ctx, order); err != nil {
			log.Fatal(err)
		}
	}
	list := func(user shop.UserID) {
		before := sent.Counts()
		orders, err := db.Orders.ByUser(user).List(ctx)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %d orders, %d requests\n", user, len(orders), sent.Counts().Sub(before).Total())
	}

	insert("o1", "ada")
	insert("o2", "bob")
	list("ada")
	list("ada")
	list("bob")
	insert("o3", "bob") // concerns bob's orders, and not ada's
	list("ada")
	list("bob")
	fmt.Printf("%.0f%% hits\n", 100*kept.Stats().Total.HitRate())
	// Output:
	// ada: 1 orders, 2 requests
	// ada: 1 orders, 0 requests
	// bob: 1 orders, 2 requests
	// ada: 1 orders, 0 requests
	// bob: 2 orders, 3 requests
	// 40% hits
}
