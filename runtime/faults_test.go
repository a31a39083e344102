package s3db_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// faultSeeds is the number of seeded fault plans of each test below.
const faultSeeds = 1000

// rates are far beyond what a real server does.
var rates = memstore.Rates{
	InternalError: 0.06, SlowDown: 0.05, Conflict: 0.05, Reset: 0.05, LostReply: 0.08, Timeout: 0.04, Refused: 0.03, Stall: 0.02,
}

// withSeeds runs a test under each seed, in virtual time, so that pauses and
// timeouts cost nothing. A failure names the seed.
func withSeeds(t *testing.T, run func(t *testing.T, seed uint64)) {
	t.Helper()
	seeds := uint64(faultSeeds)
	if testing.Short() {
		seeds = 50
	}
	for seed := range seeds {
		ok := t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { run(t, seed) })
		})
		if !ok {
			t.FailNow()
		}
	}
}

func openClient(t *testing.T, server *memstore.Server, seed uint64, p, k int) *clienttest.Accounts {
	t.Helper()
	store := server.Client()
	store.SetFault(memstore.Faults(seed, rates))
	c, err := clienttest.Open(t.Context(), store, p, k)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestFaultsOneWriter: a writer that nobody disturbs sees every operation succeed
// under faults that pass, and never a conflict with itself.
func TestFaultsOneWriter(t *testing.T) {
	withSeeds(t, func(t *testing.T, seed uint64) {
		t.Helper()
		ctx := t.Context()
		server := memstore.NewServer(memstore.Options{})
		c := openClient(t, server, seed, 2, 1)
		rnd := rand.New(rand.NewPCG(seed, 1))
		for i := range 3 {
			id := clienttest.AccountID(fmt.Sprintf("d%d", i))
			d, err := c.Insert(ctx, clienttest.AccountInsert{ID: id, Name: "n", Email: new(string(id)), Country: new("BR")})
			if err != nil {
				t.Fatalf("insert: %v", err)
			}
			want := int64(0)
			for range 4 {
				want++
				patch := clienttest.AccountPatch{Count: s3db.Set(want)}
				if rnd.IntN(2) == 0 {
					patch.Country = s3db.Set(fmt.Sprint(rnd.IntN(3)))
					patch.Email = s3db.Set(fmt.Sprint(id, rnd.IntN(3)))
				}
				if rnd.IntN(2) == 0 {
					d, err = c.UpdateFrom(ctx, d, patch)
				} else {
					d, err = c.Update(ctx, id, patch, s3db.IfMatch(d.Meta.Revision))
				}
				if err != nil {
					t.Fatalf("update: %v", err)
				}
			}
			if got, err := c.Get(ctx, id); err != nil || got.Count != want {
				t.Fatalf("read back: %v, %v, want count %d", got, err, want)
			}
			if rnd.IntN(3) == 0 {
				if err := c.Delete(ctx, id); err != nil {
					t.Fatalf("delete: %v", err)
				}
				if _, err := c.Get(ctx, id); !errors.Is(err, s3db.ErrNotFound) {
					t.Fatalf("after a delete: %v", err)
				}
			}
		}
		clienttest.CheckIndexes(t, server.Client(), 2, 1)
	})
}

// TestFaultsCounter: acknowledged increments of several clients are all counted
// and none twice, by Add as by UpdateFunc. An increment whose outcome is unknown may
// count or not.
func TestFaultsCounter(t *testing.T) {
	const clients, each = 4, 8
	withSeeds(t, func(t *testing.T, seed uint64) {
		t.Helper()
		server := memstore.NewServer(memstore.Options{})
		setup, err := clienttest.Open(t.Context(), server.Client(), 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := setup.Insert(t.Context(), clienttest.AccountInsert{ID: "n", Name: "n"}); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		acknowledged, unknown := int64(0), int64(0)
		var wg sync.WaitGroup
		for i := range clients {
			c := openClient(t, server, seed*clients+uint64(i), 1, 0)
			increment := []func(context.Context, *clienttest.Accounts, clienttest.AccountID) error{clienttest.Add, clienttest.Increment}[i%2]
			wg.Go(func() {
				for range each {
					err := increment(t.Context(), c, "n")
					mu.Lock()
					switch {
					case err == nil:
						acknowledged++
					case errors.Is(err, s3db.ErrUnknownOutcome):
						unknown++
					default:
						t.Errorf("increment: %v", err)
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		d, err := setup.Get(t.Context(), "n")
		if err != nil {
			t.Fatal(err)
		}
		if d.Count < acknowledged || d.Count > acknowledged+unknown {
			t.Errorf("counted %d, acknowledged %d, unknown %d", d.Count, acknowledged, unknown)
		}
		if unknown > clients {
			t.Errorf("%d of %d outcomes unknown", unknown, clients*each)
		}
	})
}

// TestFaultsUnique: several clients fight over few values; whatever happens, no
// value has two holders and no index entry is missing.
func TestFaultsUnique(t *testing.T) {
	const clients = 4
	withSeeds(t, func(t *testing.T, seed uint64) {
		t.Helper()
		server := memstore.NewServer(memstore.Options{
			Quirks: memstore.Quirks{RefuseDeleteCondition: seed%2 == 1},
		})
		var wg sync.WaitGroup
		for i := range clients {
			c := openClient(t, server, seed*clients+uint64(i), 2, 2)
			rnd := rand.New(rand.NewPCG(seed, uint64(i)))
			wg.Go(func() {
				for range 6 {
					if err := randomOperation(t.Context(), c, rnd); err != nil && !expected(err) {
						t.Errorf("seed %d: %v", seed, err)
					}
				}
			})
		}
		wg.Wait()
		clienttest.CheckIndexes(t, server.Client(), 2, 2)
	})
}

// expected are the errors that the fight of TestFaultsUnique may end in.
func expected(err error) bool {
	for _, e := range []error{s3db.ErrUnique, s3db.ErrNotFound, s3db.ErrAlreadyExists, s3db.ErrConflict, s3db.ErrUnknownOutcome, s3db.ErrUnavailable} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// randomOperation changes one of three documents to one of three values.
func randomOperation(ctx context.Context, c *clienttest.Accounts, rnd *rand.Rand) error {
	id := clienttest.AccountID(fmt.Sprintf("d%d", rnd.IntN(3)))
	value := func() *string { return new(fmt.Sprintf("v%d", rnd.IntN(3))) }
	in := clienttest.AccountInsert{Name: "n", Email: value(), Phone: value(), Country: value(), City: value()}
	switch rnd.IntN(5) {
	case 0:
		in.ID = id
		_, err := c.Insert(ctx, in)
		return err
	case 1:
		_, err := c.Upsert(ctx, id, in)
		return err
	case 2:
		_, err := c.Replace(ctx, id, in)
		return err
	case 3:
		return c.Delete(ctx, id)
	default:
		_, err := c.Update(ctx, id, clienttest.AccountPatch{Email: s3db.Set(*in.Email), Country: s3db.Clear[string]()})
		return err
	}
}
