package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/netip"
	"strings"
	"time"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	"github.com/s3dbgen/s3dbgen/plugins/metrics"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

func Example() {
	ctx := context.Background()
	m := metrics.New(metrics.Options{FlushInterval: time.Minute, Keep: 30 * 24 * time.Hour})
	db, err := shop.Open(ctx, "mem://metrics-example", s3db.WithPlugin(m),
		s3db.WithPassphrase("correct horse"), s3db.WithIDs("products", s3db.NanoID(12)))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close() // flushes once more

	login := shop.SessionInsert{ID: "s1", User: "ada", IP: netip.IPv6Loopback(), StartedAt: time.Now(), Csrf: strings.Repeat("0f", 16)}
	if _, err := db.Sessions.Insert(ctx, login); err != nil {
		log.Fatal(err)
	}
	if _, err := db.Sessions.Get(ctx, "s2"); !errors.Is(err, s3db.ErrNotFound) {
		log.Fatal(err)
	}

	now := m.Metrics()
	fmt.Println(now.Performance.TotalRequests, "operations, most of them on", now.Usage.MostActiveResource)
	fmt.Println("inserts:", now.Usage.Resources["sessions"].Inserts)
	fmt.Println("errors:", now.Errors.ByType)

	if err := m.Flush(ctx); err != nil { // as it happens every minute
		log.Fatal(err)
	}
	hour, err := m.History(ctx, time.Now().Add(-time.Hour), time.Time{}) // of all processes
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("in the last hour:", hour.Report().Usage.TotalOperations)
	// Output:
	// 2 operations, most of them on sessions
	// inserts: 1
	// errors: map[ErrNotFound:1]
	// in the last hour: 2
}
