package shop_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Let a session go after its time: it is absent from that instant on, and a sweep frees
// what it takes.
func Example_expiry() {
	ctx := context.Background()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	db, err := shop.Open(ctx, "mem://", s3db.WithKey("k", bytes.Repeat([]byte{1}, 32)), s3db.WithIDs("products", s3db.ULID),
		s3db.WithClock(func() time.Time { return now }))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = db.Close() }()
	session, err := db.Sessions.Insert(ctx, shop.SessionInsert{
		User: "ada", IP: netip.MustParseAddr("127.0.0.1"), StartedAt: now, Csrf: "0123456789abcdef0123456789abcdef",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("expires", session.Meta.Expires.Format(time.DateOnly))

	now = now.AddDate(1, 0, 1)
	_, err = db.Sessions.Get(ctx, session.ID)
	fmt.Println("absent:", errors.Is(err, s3db.ErrNotFound))

	reports, err := db.Sweep(ctx, s3db.SweepOptions{Grace: time.Minute})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range reports {
		fmt.Println(r.Resource, "deleted:", r.Deleted)
	}
	// Output:
	// expires 2027-01-01
	// absent: true
	// sessions deleted: 1
}
