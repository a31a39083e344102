package sim

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// open returns a client with one partition and one unique constraint and a fault
// plan of its own.
func open(t *testing.T, server *memstore.Server, fault memstore.Fault) *clienttest.Accounts {
	t.Helper()
	store := server.Client()
	c, err := clienttest.Open(t.Context(), store, 1, 1, retry())
	if err != nil {
		t.Fatal(err)
	}
	store.SetFault(fault)
	return c
}

func account(id, v string) clienttest.AccountInsert {
	return clienttest.AccountInsert{ID: clienttest.AccountID(id), Name: v, Email: &v, Country: &v}
}

func mustRepair(ctx context.Context, t *testing.T, c *clienttest.Accounts) {
	t.Helper()
	report, err := c.Database().Fsck(ctx, s3db.FsckOptions{Repair: true})
	if err != nil || !report.Clean() {
		t.Errorf("repair: %+v, %v", report, err)
	}
}

const dataKey = "resource=accounts/data/id="

// TestInsertOverOldTombstone: the commit of an insert is late; the insert meets a
// tombstone of yesterday, removes its entries and crashes; a repair runs; then the
// commit arrives. It must not make a document without entries.
func TestInsertOverOldTombstone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := memstore.NewServer(memstore.Options{})
		c := open(t, server, nil)
		if _, err := c.Insert(t.Context(), account("a", "v")); err != nil {
			t.Fatal(err)
		}
		if err := c.Delete(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		pass(24 * time.Hour)
		var late func()
		dropped := false
		insert := open(t, server, func(req memstore.Request) memstore.Injection {
			switch {
			case req.Key == dataKey+"a" && req.Condition.Absent() && late == nil:
				return memstore.Injection{Fault: memstore.Timeout, Late: func(apply func()) { late = apply }}
			case req.Kind == memstore.Delete:
				dropped = true
			case dropped:
				return memstore.Injection{Fault: memstore.Crash}
			}
			return memstore.Injection{}
		})
		if _, err := insert.Insert(t.Context(), account("a", "v")); err == nil || late == nil || !dropped {
			t.Fatalf("the insert did not go as planned: %v, %v", err, dropped)
		}
		mustRepair(t.Context(), t, c)
		late()
		clienttest.CheckIndexes(t, server.Client(), 1, 1)
		pass(2 * time.Hour)
		mustRepair(t.Context(), t, c)
	})
}

// TestFencedThenDeleted: on a store without a network, an insert has claimed a
// value and is slow. Another document takes the value over, which fences the id of
// the slow one; then that id is inserted and deleted. The slow insert must not
// commit as if nothing had been there: its value has another holder.
func TestFencedThenDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := memstore.NewServer(memstore.Options{Local: true})
		c := open(t, server, nil)
		between := false
		slow := open(t, server, func(req memstore.Request) memstore.Injection {
			if req.Kind == memstore.Put && req.Key == dataKey+"a" && !between {
				between = true
				for _, in := range []clienttest.AccountInsert{account("b", "v"), account("a", "w")} {
					if _, err := c.Insert(t.Context(), in); err != nil {
						t.Error(err)
					}
				}
				if err := c.Delete(t.Context(), "a"); err != nil {
					t.Error(err)
				}
			}
			return memstore.Injection{}
		})
		_, err := slow.Insert(t.Context(), account("a", "v"))
		if !errors.Is(err, s3db.ErrUnique) {
			t.Errorf("the slow insert: %v, want that the value is taken", err)
		}
		clienttest.CheckIndexes(t, server.Client(), 1, 1)
	})
}

// TestOvertakenThenDeleted: on a store without a network, an insert has claimed a
// value and is slow. Another insert of the same id writes the claim anew, commits,
// and is deleted, which releases the claim. The slow insert must not commit as if
// nothing had been there: nobody holds its claim, and the next one who wants the
// value sees no owner to fence.
func TestOvertakenThenDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := memstore.NewServer(memstore.Options{Local: true})
		c := open(t, server, nil)
		between := false
		slow := open(t, server, func(req memstore.Request) memstore.Injection {
			if req.Kind == memstore.Put && req.Key == dataKey+"a" && !between {
				between = true
				if _, err := c.Insert(t.Context(), account("a", "v")); err != nil {
					t.Error(err)
				}
				if err := c.Delete(t.Context(), "a"); err != nil {
					t.Error(err)
				}
			}
			return memstore.Injection{}
		})
		// It may succeed, once it has claimed the value again.
		if _, err := slow.Insert(t.Context(), account("a", "v")); err != nil {
			t.Error(err)
		}
		if _, err := c.Insert(t.Context(), account("b", "v")); !errors.Is(err, s3db.ErrUnique) {
			t.Errorf("the next one who wants the value: %v", err)
		}
		clienttest.CheckIndexes(t, server.Client(), 1, 1)
	})
}

// TestMovedWhileListed: a listing of all countries sees both entries of a document
// that is about to move, and reads it before and after.
func TestMovedWhileListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := memstore.NewServer(memstore.Options{})
		c := open(t, server, nil)
		if _, err := c.Insert(t.Context(), account("a", "v")); err != nil {
			t.Fatal(err)
		}
		var commit func()
		mover := open(t, server, func(req memstore.Request) memstore.Injection {
			if req.Kind == memstore.Put && req.Key == dataKey+"a" {
				return memstore.Injection{Fault: memstore.Crash, Late: func(apply func()) { commit = apply }}
			}
			return memstore.Injection{}
		})
		if _, err := mover.Update(t.Context(), "a", clienttest.AccountPatch{Country: s3db.Set("w")}); err == nil {
			t.Fatal("the update did not crash")
		}
		store := server.Client()
		reader, err := clienttest.Open(t.Context(), store, 1, 1, s3db.WithConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		reads := 0
		store.SetFault(func(req memstore.Request) memstore.Injection {
			if req.Kind == memstore.Get && req.Key == dataKey+"a" {
				if reads++; reads == 2 {
					commit()
				}
			}
			return memstore.Injection{}
		})
		list, err := clienttest.ByCountry(reader).List(t.Context())
		if err != nil || len(list) != 1 || reads != 2 {
			t.Errorf("%d documents from %d reads, %v; want the one, from 2", len(list), reads, err)
		}
	})
}

// TestSlowAttempt: an attempt waits for its claim for two hours. Its entry counts
// as a leftover then, and a repair removes it; the attempt must begin again.
func TestSlowAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := memstore.NewServer(memstore.Options{})
		c := open(t, server, nil)
		store := server.Client()
		slow, err := clienttest.Open(t.Context(), store, 1, 1, s3db.WithRetry(s3db.RetryPolicy{Timeout: 5 * time.Hour}))
		if err != nil {
			t.Fatal(err)
		}
		first := true
		store.SetFault(func(req memstore.Request) memstore.Injection {
			if req.Key == uniqueRoot+"email/email=v!" && first {
				first = false
				return memstore.Injection{Delay: 2 * time.Hour}
			}
			return memstore.Injection{}
		})
		done := make(chan error)
		go func() {
			_, err := slow.Insert(t.Context(), account("a", "v"))
			done <- err
		}()
		pass(90 * time.Minute)
		mustRepair(t.Context(), t, c)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		clienttest.CheckIndexes(t, server.Client(), 1, 1)
	})
}

// TestRepairSparesNewClaim: between the listing of a repair and its read of a
// claim, the value changes hands, and the new owner is about to commit. The claim
// is as old as what was read, not as what was listed.
func TestRepairSparesNewClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := memstore.NewServer(memstore.Options{})
		c := open(t, server, nil)
		if _, err := c.Insert(t.Context(), account("a", "v")); err != nil {
			t.Fatal(err)
		}
		pass(24 * time.Hour)
		var late func()
		change := func() {
			if _, err := c.Update(t.Context(), "a", clienttest.AccountPatch{Email: s3db.Set("w")}); err != nil {
				t.Error(err)
			}
			b := open(t, server, func(req memstore.Request) memstore.Injection {
				if req.Key == dataKey+"b" {
					return memstore.Injection{Fault: memstore.Crash, Late: func(apply func()) { late = apply }}
				}
				return memstore.Injection{}
			})
			if _, err := b.Insert(t.Context(), account("b", "v")); err == nil {
				t.Error("the insert did not crash")
			}
		}
		repair := open(t, server, func(req memstore.Request) memstore.Injection {
			if req.Kind == memstore.Get && req.Key == uniqueRoot+"email/email=v!" && late == nil {
				change()
			}
			return memstore.Injection{}
		})
		mustRepair(t.Context(), t, repair)
		late()
		mustRepair(t.Context(), t, c) // reports a document without its claim
	})
}
