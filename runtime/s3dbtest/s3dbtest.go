// Package s3dbtest opens databases for tests: on a strict S3 server in memory, with
// faults, with the requests counted, and closed when the test ends.
//
//	db, link := s3dbtest.Open(t, shop.New)
//
// Time and chance are those of the program. A test that wants to decide them takes
// [Clock] and [IDs], package testing/synctest for everything that waits, and
// cryptotest.SetGlobalRandom for ids, revisions and ciphertexts.
package s3dbtest

import (
	"context"
	"testing"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// Client is the client that a generated package makes of a database: its *DB.
type Client interface {
	Database() *s3db.Database
	Close() error
}

// New is the function New of a generated package.
type New[C Client] func(context.Context, s3db.Store, ...s3db.Option) (C, error)

// Open opens an empty database in memory for one test, and closes it when the test
// and its subtests are over. A database that does not open ends the test.
//
// Three things differ from a program, each until an option says otherwise: requests
// that fail are repeated at once, passwords are hashed at the least cost, and there
// is a key for secrets.
func Open[C Client](tb testing.TB, open New[C], options ...s3db.Option) (C, *Link) {
	tb.Helper()
	return connect(tb, memstore.NewServer(memstore.Options{}), open, options)
}

// Join opens the database of another link a second time, as another program does:
// with options, faults and requests of its own. The same options give it the same
// keys.
func Join[C Client](tb testing.TB, other *Link, open New[C], options ...s3db.Option) (C, *Link) {
	tb.Helper()
	return connect(tb, other.store.Server(), open, options)
}

func connect[C Client](tb testing.TB, server *memstore.Server, open New[C], options []s3db.Option) (C, *Link) {
	tb.Helper()
	link := &Link{store: server.Client()}
	link.store.SetFault(link.inject)
	db, err := open(tb.Context(), link.store, append(first(), append(options, last())...)...)
	if err != nil {
		tb.Fatalf("s3dbtest: the database does not open: %v", err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Errorf("s3dbtest: the database does not close: %v", err)
		}
		_ = link.store.Close() // it always succeeds
	})
	return db, link
}

// first are the options of tests that come before those of the caller, which
// replace them.
func first() []s3db.Option {
	return []s3db.Option{
		s3db.WithRetry(s3db.RetryPolicy{Base: time.Nanosecond, Cap: time.Nanosecond}),
		s3db.WithPasswordParams(s3db.PasswordParams{Memory: 8, Time: 1, Threads: 1}),
	}
}

// last is the key of tests. It comes after those of the caller, so that theirs
// encrypts.
func last() s3db.Option { return s3db.WithKey("s3dbtest", []byte("for tests, not for real secrets.")) }

// Link is the connection of one database to its server. It is safe for concurrent
// use.
type Link struct {
	store  *memstore.Store
	faults faults
}

// Store returns the store of the link, to open more databases on it, to watch its
// requests or to look at the objects of its server. Do not call its SetFault: the
// link has installed its own.
func (l *Link) Store() *memstore.Store { return l.store }
