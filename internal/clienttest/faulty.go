package clienttest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// faulty is one client's way to a store, on which requests fail before they are
// sent and replies get lost after they were applied, as a seed says. The client may
// crash at its commit.
type faulty struct {
	s3db.Store
	percent int    // of requests that fail, one half before and one half after
	crash   *crash // nil: the client lives
	number  int64  // of the client, from 1
	commit  string // how the key of its commit ends

	mu   sync.Mutex
	rnd  *rand.Rand
	dead bool
}

// crash ends the first client that gets to its commit: before the commit is sent,
// or after it was applied.
type crash struct {
	applied bool

	mu     sync.Mutex // held over a commit until it is known whether it was the first
	victim int64      // number of the client that crashed
}

// at reports whether a client crashes at a commit of it.
func (c *crash) at(client int64, commit func() error) (crashed bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.victim != 0 {
		return false, nil
	}
	if c.applied {
		if err := commit(); err != nil {
			return false, err // somebody fenced it: it goes on
		}
	}
	c.victim = client
	return true, nil
}

var errDead = errors.New("the client has crashed")

// send sends a request, or not.
func (f *faulty) send(op, key string, request func() error) error {
	f.mu.Lock()
	dead, draw := f.dead, f.rnd.IntN(100)
	f.mu.Unlock()
	lost := func(maybe bool) error {
		return &s3db.StoreError{Op: op, Key: key, Status: 503, Temporary: true, MaybeApplied: maybe, Err: errors.New("injected")}
	}
	switch {
	case dead:
		return &s3db.StoreError{Op: op, Key: key, Err: errDead}
	case draw < f.percent/2:
		return lost(false)
	}
	err := request()
	if draw < f.percent && (err == nil || errors.Is(err, s3db.ErrPrecondition)) {
		return lost(true)
	}
	return err
}

// Get implements s3db.Store.
func (f *faulty) Get(ctx context.Context, key string) (obj *s3db.Object, err error) {
	err = f.send("get", key, func() (e error) { obj, e = f.Store.Get(ctx, key); return e })
	return obj, err
}

// Put implements s3db.Store.
func (f *faulty) Put(ctx context.Context, key string, body []byte, metadata map[string]string, cond s3db.Condition) (etag string, err error) {
	put := func() (e error) { etag, e = f.Store.Put(ctx, key, body, metadata, cond); return e }
	if f.crash != nil && strings.HasSuffix(key, f.commit) {
		crashed, err := f.crash.at(f.number, put)
		if err != nil {
			return etag, err
		}
		if crashed {
			f.mu.Lock()
			f.dead = true
			f.mu.Unlock()
		}
	}
	err = f.send("put", key, put)
	return etag, err
}

// Delete implements s3db.Store.
func (f *faulty) Delete(ctx context.Context, key string, cond s3db.Condition) error {
	return f.send("delete", key, func() error { return f.Store.Delete(ctx, key, cond) })
}

// DeleteMany implements s3db.Store.
func (f *faulty) DeleteMany(ctx context.Context, keys []string) error {
	return f.send("delete many", keys[0], func() error { return f.Store.DeleteMany(ctx, keys) })
}

// Capabilities says that there is a network in between: replies get lost.
func (f *faulty) Capabilities() s3db.Capabilities {
	caps := f.Store.Capabilities()
	caps.Local = false
	return caps
}

// claimants opens one client for each writer. prepare finishes its store.
func claimants(t *testing.T, store s3db.Store, prepare func(f *faulty)) []*Accounts {
	t.Helper()
	clients := make([]*Accounts, writers)
	for i := range clients {
		f := &faulty{Store: store, rnd: rand.New(rand.NewPCG(1, uint64(i)))}
		f.number, f.commit = int64(i)+1, fmt.Sprintf("data/id=w%d", i)
		retry := s3db.WithRetry(s3db.RetryPolicy{Requests: 12, Base: time.Millisecond, Cap: 20 * time.Millisecond})
		clients[i] = mustOpen(t, f, 0, 1, retry)
		prepare(f)
	}
	return clients
}

// claimOne lets every client insert a document with one value, and returns how
// each ended.
func claimOne(t *testing.T, clients []*Accounts) []error {
	t.Helper()
	return contend(func(i int) error {
		_, err := clients[i].Insert(t.Context(), AccountInsert{ID: AccountID(fmt.Sprintf("w%d", i)), Name: "n", Email: new("a@x.io")})
		return err
	})
}

// holders are the documents that exist, out of those of claimOne.
func holders(t *testing.T, store s3db.Store) []string {
	t.Helper()
	return strings.Fields(idsOf(t, mustOpen(t, store, 0, 1).Query()))
}

// testClaimRaceFaults: requests fail and replies get lost while 64 writers claim
// one value. One gets it; the others are told so.
func testClaimRaceFaults(t *testing.T, store s3db.Store) {
	t.Helper()
	clients := claimants(t, store, func(f *faulty) { f.percent = 16 })
	won := tally(t, claimOne(t, clients), s3db.ErrUnique)
	if got := holders(t, store); won != 1 || len(got) != 1 {
		t.Errorf("%d writers were told that they have the value; documents: %q", won, got)
	}
	checkOneClaim(t, store)
}

// testClaimRaceCrash: the first writer that gets to its commit crashes there. When
// the commit was not sent, one of the others gets the value, at once; when it was
// applied, the dead one has it.
func testClaimRaceCrash(t *testing.T, store s3db.Store) {
	t.Helper()
	for _, x := range []*crash{{}, {applied: true}} {
		// Both run on one store, one after the other.
		if left, err := mustOpen(t, store, 0, 1).DeleteAll(t.Context(), s3db.Confirm("accounts")); err != nil {
			t.Fatal(left, err)
		}
		clients := claimants(t, store, func(f *faulty) { f.crash = x })
		errs := claimOne(t, clients)
		dead := int(x.victim) - 1
		if dead < 0 || !errors.Is(errs[dead], errDead) {
			t.Fatalf("applied %v: nobody crashed", x.applied)
		}
		errs = append(errs[:dead:dead], errs[dead+1:]...)
		won := tally(t, errs, s3db.ErrUnique)
		got := holders(t, store)
		want := 1 // of the others
		if x.applied {
			want = 0
		}
		if won != want || len(got) != 1 || x.applied && got[0] != fmt.Sprintf("w%d", dead) {
			t.Errorf("applied %v: %d of the others were told that they have the value; documents: %q; the dead one is w%d", x.applied, won, got, dead)
		}
		checkOneClaim(t, store)
	}
}

// checkOneClaim verifies that the value is taken, and can be looked up.
func checkOneClaim(t *testing.T, store s3db.Store) {
	t.Helper()
	checkClaims(t, store, 1)
	c := mustOpen(t, store, 0, 1)
	if d, err := ByEmail(t.Context(), c, "a@x.io"); err != nil || d.Email == nil || *d.Email != "a@x.io" {
		t.Errorf("looked up %v, %v", d, err)
	}
	_, err := c.Insert(t.Context(), AccountInsert{ID: "late", Name: "n", Email: new("a@x.io")})
	wantErr(t, err, s3db.ErrUnique)
}
