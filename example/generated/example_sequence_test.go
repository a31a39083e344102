package shop_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// TicketNumber is a number that a customer can say on the telephone.
type TicketNumber int64

// Number tickets in many places at once: each number comes once.
func Example_sequences() {
	ctx := context.Background()
	db, err := shop.Open(ctx, "mem://", s3db.WithKey("k", bytes.Repeat([]byte{1}, 32)), s3db.WithIDs("products", s3db.ULID))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = db.Close() }()
	tickets, err := s3db.NewSequence[TicketNumber](db.Database(), "tickets", s3db.SequenceOptions{Start: 1000})
	if err != nil {
		fmt.Println(err)
		return
	}
	var mu sync.Mutex
	var given []TicketNumber
	var desks sync.WaitGroup
	for range 5 {
		desks.Go(func() {
			n, err := tickets.Next(ctx)
			if err != nil {
				fmt.Println(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			given = append(given, n)
		})
	}
	desks.Wait()
	slices.Sort(given)
	fmt.Println(given)
	// Output: [1000 1001 1002 1003 1004]
}

// Take the sequences of a database to a copy of it, which must give no number again that
// the documents of the copy have. The commands export and import do the same.
func Example_sequencesOfCopies() {
	ctx := context.Background()
	open := func() *shop.DB {
		db, err := shop.Open(ctx, "mem://", s3db.WithKey("k", bytes.Repeat([]byte{1}, 32)), s3db.WithIDs("products", s3db.ULID))
		if err != nil {
			panic(err)
		}
		return db
	}
	db, restored := open(), open()
	defer func() { _, _ = db.Close(), restored.Close() }()
	tickets, err := s3db.NewSequence[TicketNumber](db.Database(), "tickets", s3db.SequenceOptions{})
	if err != nil {
		panic(err)
	}
	for range 3 {
		if _, err := tickets.Next(ctx); err != nil {
			panic(err)
		}
	}

	for state, err := range db.Database().Sequences(ctx) {
		if err != nil {
			panic(err)
		}
		fmt.Println(state.Name, state.Next)
		sequence, err := s3db.NewSequence[int64](restored.Database(), state.Name, s3db.SequenceOptions{})
		if err != nil {
			panic(err)
		}
		if err := sequence.Raise(ctx, state.Next); err != nil {
			panic(err)
		}
	}
	continued, err := s3db.NewSequence[TicketNumber](restored.Database(), "tickets", s3db.SequenceOptions{})
	if err != nil {
		panic(err)
	}
	n, err := continued.Next(ctx)
	fmt.Println(n, err)
	// Output:
	// tickets 4
	// 4 <nil>
}
