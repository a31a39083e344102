package s3db_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// Times and ids are made by functions of the program, here for a test.
func ExampleWithClock() {
	ctx := context.Background()
	n := 0
	db := openShop(ctx,
		s3db.WithClock(func() time.Time { return time.Date(2026, time.March, 14, 15, 9, 26, 0, time.UTC) }),
		s3db.WithIDs("users", func() (string, error) { n++; return fmt.Sprint("user", n), nil }))
	defer db.Close()

	in := ada()
	in.ID = ""
	u, err := db.Users.Insert(ctx, in)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(u.ID, u.CreatedAt)
	// Output:
	// user1 2026-03-14 15:09:26 +0000 UTC
}

// Short ids for one resource, in place of those that its schema says.
func ExampleWithIDs() {
	ctx := context.Background()
	db := openShop(ctx, s3db.WithIDs("sessions", s3db.NanoID(12)), s3db.WithIDs("users", s3db.UUIDv7))
	defer db.Close()

	s, err := db.Sessions.Insert(ctx, session(""))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(s.ID))
	// Output:
	// 12
}

// Every request is seen: how many there were, and what they cost.
func ExampleWithRequestObserver() {
	ctx := context.Background()
	var sent s3db.RequestCounter
	db := openShop(ctx, s3db.WithRequestObserver(sent.Observe))
	defer db.Close()

	before := sent.Counts()
	if _, err := db.Sessions.Insert(ctx, session("s1")); err != nil {
		log.Fatal(err)
	}
	cost := sent.Counts().Sub(before)
	fmt.Printf("%d PUT, $%.6f\n", cost.Put, cost.Dollars())
	// Output:
	// 2 PUT, $0.000010
}

// How often requests and conflicts are repeated, and how many reads are under way.
func ExampleWithRetry() {
	ctx := context.Background()
	policy := s3db.DefaultRetryPolicy()
	policy.Requests, policy.Base, policy.Cap = 3, time.Microsecond, time.Millisecond
	store := memstore.New()
	store.SetFault(func(r memstore.Request) memstore.Injection {
		if r.Kind == memstore.Get && strings.Contains(r.Key, "/data/id=ada") {
			return memstore.Injection{Fault: memstore.SlowDown} // 503, each time
		}
		return memstore.Injection{}
	})
	db, err := shop.New(ctx, store,
		s3db.WithKey("k1", make([]byte, 32)), s3db.WithIDs("products", s3db.ULID),
		s3db.WithRetry(policy),
		s3db.WithConcurrency(16))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	_, err = db.Users.Get(ctx, "ada")
	fmt.Println(errors.Is(err, s3db.ErrUnavailable))
	// Output:
	// true
}

// What a server really does, for one that nobody knows. Open asks by itself, and
// refuses a server that ignores conditions, unless told SingleWriter.
func ExampleProbe() {
	ctx := context.Background()
	caps, err := s3db.Probe(ctx, memstore.New(), "probe")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(caps.ConditionalPut, caps.ConditionalDelete, caps.MetadataLimit)
	// Output:
	// true true 2047
}

// An S3 compatible server by options. The same by the URL:
// s3://bucket/shop?endpoint=http://127.0.0.1:9000&region=eu-central-1
func ExampleWithEndpoint() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err := shop.Open(ctx, "s3://KEY:SECRET@bucket/shop",
		s3db.WithEndpoint("http://127.0.0.1:1"), // where nobody listens
		s3db.WithRegion("eu-central-1"),
		s3db.WithPathStyle(true),
		s3db.WithRetry(s3db.RetryPolicy{Requests: 1}),
		s3db.WithPassphrase("correct horse"), s3db.WithIDs("products", s3db.ULID))
	fmt.Println(errors.Is(err, s3db.ErrUnavailable))
	// Output:
	// true
}

// A server that ignores conditions is refused, unless the program promises that it is
// the only one that writes.
func ExampleSingleWriter() {
	ctx := context.Background()
	server := memstore.NewServer(memstore.Options{Quirks: memstore.Quirks{IgnoreIfAbsent: true, IgnoreIfMatch: true}})
	options := []s3db.Option{s3db.WithKey("k1", make([]byte, 32)), s3db.WithIDs("products", s3db.ULID)}

	_, err := shop.New(ctx, server.Client(), options...)
	fmt.Println(errors.Is(err, s3db.ErrConfig))
	_, err = shop.New(ctx, server.Client(), append(options, s3db.SingleWriter())...)
	fmt.Println(err)
	// Output:
	// true
	// <nil>
}

// Requests as numbers: added up, subtracted, and in dollars.
func ExampleRequestCounts() {
	insert := s3db.RequestCounts{Put: 3}
	get := s3db.RequestCounts{}.With(s3db.RequestGet)
	both := insert.Add(get)
	fmt.Println(both.Total(), both.Sub(get) == insert)
	fmt.Printf("$%.2f for a million\n", 1e6*both.Dollars())
	// Output:
	// 4 true
	// $15.40 for a million
}
