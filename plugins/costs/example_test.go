package costs_test

import (
	"context"
	"fmt"
	"log"
	"net/netip"
	"strings"
	"time"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	"github.com/s3dbgen/s3dbgen/plugins/costs"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

func Example() {
	ctx := context.Background()
	spent := &costs.Plugin{}
	db, err := shop.Open(ctx, "mem://costs-example", s3db.WithPlugin(spent),
		s3db.WithPassphrase("correct horse"), s3db.WithIDs("products", s3db.NanoID(12)))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	spent.Reset() // leave out what Open cost
	login := shop.SessionInsert{ID: "s1", User: "ada", IP: netip.IPv6Loopback(), StartedAt: time.Now(), Csrf: strings.Repeat("0f", 16)}
	if _, err := db.Sessions.Insert(ctx, login); err != nil {
		log.Fatal(err)
	}
	if _, err := db.Sessions.Query().Count(ctx); err != nil {
		log.Fatal(err)
	}
	if _, err := db.Sessions.Get(ctx, "s1"); err != nil {
		log.Fatal(err)
	}

	now := spent.Costs()
	fmt.Println("all:", now.Total.Dollars)
	fmt.Println("inserts:", now.ByOperation["insert"].Dollars)
	fmt.Println("sessions:", now.ByResource["sessions"].Requests.Total(), "requests")
	fmt.Println("in Express One Zone:", s3db.ClassExpressOneZone.Prices().Of(now.Total.Requests))
	// Output:
	// all: $0.0000158
	// inserts: $0.00001
	// sessions: 5 requests
	// in Express One Zone: $0.00000345
}
