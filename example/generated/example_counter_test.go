package shop_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/shopspring/decimal"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Sell from a stock in many places at once: nothing is sold twice, and never more than
// there is.
func Example_counters() {
	ctx := context.Background()
	db, err := shop.Open(ctx, "mem://", s3db.WithKey("k", bytes.Repeat([]byte{1}, 32)), s3db.WithIDs("products", s3db.ULID))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = db.Close() }()
	tea, err := db.Products.Insert(ctx, shop.ProductInsert{
		ID: "tea", Name: "Tea", Supplier: "leaf", Code: "T1", Category: "tea", Price: decimal.NewFromInt(4), Stock: new(int64(10)),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	var sold, refused atomic.Int64
	var buyers sync.WaitGroup
	for range 12 {
		buyers.Go(func() {
			_, err := db.Products.Update(ctx, tea.ID, shop.ProductPatch{Stock: s3db.Add(int64(-1))})
			switch {
			case err == nil:
				sold.Add(1)
			case errors.Is(err, s3db.ErrValidation):
				refused.Add(1)
			default:
				fmt.Println(err)
			}
		})
	}
	buyers.Wait()
	tea, err = db.Products.Get(ctx, tea.ID)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("sold:", sold.Load(), "refused:", refused.Load(), "left:", tea.Stock)
	_, err = db.Products.Update(ctx, tea.ID, shop.ProductPatch{Stock: s3db.Add(int64(-1))})
	fmt.Println(err)

	// Output:
	// sold: 10 refused: 2 left: 0
	// s3db: update products/tea: validation failed: stock: min: must be at least 0
}
