package fulltext_test

import (
	"context"
	"fmt"
	"log"
	"strconv"

	"github.com/shopspring/decimal"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	"github.com/s3dbgen/s3dbgen/plugins/fulltext"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Products are found by their names.
func Example() {
	ctx := context.Background()
	search := fulltext.New(fulltext.Options{Language: "en-US"},
		fulltext.On("products", shop.ProductWhere.Name, shop.ProductWhere.Category))
	n := 0
	db, err := shop.Open(ctx, "mem://fulltext-example", s3db.WithPassphrase("correct horse"), s3db.WithPlugin(search),
		s3db.WithIDs("products", func() (string, error) { n++; return "p" + strconv.Itoa(n), nil }))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	for _, p := range []struct{ name, category string }{
		{"Running shoes, blue", "shoes"}, {"Blue cheese", "cheese"}, {"Shoe polish", "care"}, {"Cheddar, blueberry flavoured", "cheese"},
	} {
		in := shop.ProductInsert{Name: p.name, Supplier: "acme", Code: "C" + strconv.Itoa(n), Category: p.category, Price: decimal.New(995, -2)}
		if _, err := db.Products.Insert(ctx, in); err != nil {
			log.Fatal(err)
		}
	}

	products, err := fulltext.Of(search, db.Products.Collection)
	if err != nil {
		log.Fatal(err)
	}
	show := func(hits []fulltext.Hit[shop.Product], err error) {
		if err != nil {
			log.Fatal(err)
		}
		for _, h := range hits {
			fmt.Printf("%.2f %s %v %v\n", h.Score, h.Document.Name, h.Fields, h.Words)
		}
	}
	show(products.Search(ctx, "shoes"))
	show(products.In(db.Products.ByCategory("cheese").Query).Limit(10).Search(ctx, "blue*"))

	// From time to time, so that searches need not read what was written since.
	if err := products.Compact(ctx); err != nil {
		log.Fatal(err)
	}
	show(products.AllWords().Search(ctx, "run blue"))
	// Output:
	// 0.44 Running shoes, blue [name category] [shoes]
	// 0.25 Shoe polish [name] [shoe]
	// 0.25 Blue cheese [name] [blue]
	// 0.21 Cheddar, blueberry flavoured [name] [blueberry]
	// 0.21 Running shoes, blue [name] [blue running]
}
