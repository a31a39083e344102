package s3db_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// crashCase is an operation that is cut off at each of its requests.
type crashCase struct {
	name    string
	prepare func(ctx context.Context, c *clienttest.Accounts) error
	run     func(ctx context.Context, c *clienttest.Accounts) error
	spoil   memstore.Fault // strikes the client that prepares, which then may fail
}

func account(id, v string) clienttest.AccountInsert {
	return clienttest.AccountInsert{ID: clienttest.AccountID(id), Name: v, Email: &v, Phone: new("tel" + v), Country: &v, City: &v, Plan: &v}
}

func insert(ids ...string) func(context.Context, *clienttest.Accounts) error {
	return func(ctx context.Context, c *clienttest.Accounts) error {
		for _, id := range ids {
			if _, err := c.Insert(ctx, account(id, id)); err != nil {
				return err
			}
		}
		return nil
	}
}

func set(text string) func(context.Context, *clienttest.Accounts) error {
	return func(ctx context.Context, c *clienttest.Accounts) error {
		_, err := c.SetContent(ctx, "a", strings.NewReader(text))
		return err
	}
}

func crashCases() []crashCase {
	nothing := func(context.Context, *clienttest.Accounts) error { return nil }
	moved := clienttest.AccountPatch{Country: s3db.Set("z"), City: s3db.Clear[string]()}
	renamed := clienttest.AccountPatch{Email: s3db.Set("z"), Phone: s3db.Clear[string]()}
	return []crashCase{
		{name: "insert", prepare: nothing, run: insert("a")},
		{name: "insert after a delete", prepare: func(ctx context.Context, c *clienttest.Accounts) error {
			return errors.Join(insert("a")(ctx, c), c.Delete(ctx, "a"))
		}, run: insert("a")},
		{name: "update of indexed fields", prepare: insert("a"), run: func(ctx context.Context, c *clienttest.Accounts) error {
			_, err := c.Update(ctx, "a", moved)
			return err
		}},
		{name: "update of unique fields", prepare: insert("a"), run: func(ctx context.Context, c *clienttest.Accounts) error {
			_, err := c.Update(ctx, "a", renamed)
			return err
		}},
		{name: "upsert of a new document", prepare: nothing, run: func(ctx context.Context, c *clienttest.Accounts) error {
			_, err := c.Upsert(ctx, "a", account("", "z"))
			return err
		}},
		{name: "upsert of an existing document", prepare: insert("a"), run: func(ctx context.Context, c *clienttest.Accounts) error {
			_, err := c.Upsert(ctx, "a", account("", "z"))
			return err
		}},
		{name: "replace", prepare: insert("a"), run: func(ctx context.Context, c *clienttest.Accounts) error {
			_, err := c.Replace(ctx, "a", account("", "z"))
			return err
		}},
		{name: "delete", prepare: insert("a"), run: func(ctx context.Context, c *clienttest.Accounts) error { return c.Delete(ctx, "a") }},
		{name: "refused insert", prepare: insert("a"), run: func(ctx context.Context, c *clienttest.Accounts) error {
			in := account("b", "b")
			in.Phone = new("tela")
			_, err := c.Insert(ctx, in)
			if !errors.Is(err, s3db.ErrUnique) {
				return fmt.Errorf("got %w", err)
			}
			return nil
		}},
		{name: "first content", prepare: insert("a"), run: set("new")},
		{name: "content in place of another", prepare: func(ctx context.Context, c *clienttest.Accounts) error {
			return errors.Join(insert("a")(ctx, c), set("old")(ctx, c))
		}, run: set("new")},
		{name: "content in parts", prepare: func(ctx context.Context, c *clienttest.Accounts) error {
			return errors.Join(insert("a")(ctx, c), set("old")(ctx, c))
		}, run: set(strings.Repeat("new", 3<<20))},
		{name: "delete of the content", prepare: func(ctx context.Context, c *clienttest.Accounts) error {
			return errors.Join(insert("a")(ctx, c), set("old")(ctx, c))
		}, run: func(ctx context.Context, c *clienttest.Accounts) error {
			_, err := c.DeleteContent(ctx, "a")
			return err
		}},
		{name: "delete of a document with content", prepare: func(ctx context.Context, c *clienttest.Accounts) error {
			return errors.Join(insert("a")(ctx, c), set("old")(ctx, c))
		}, run: func(ctx context.Context, c *clienttest.Accounts) error { return c.Delete(ctx, "a") }},
		{name: "delete of many", prepare: insert("a", "b", "c"), run: func(ctx context.Context, c *clienttest.Accounts) error {
			return c.DeleteMany(ctx, "a", "b", "c")
		}},
		{name: "delete of all", prepare: insert("a", "b", "c"), run: func(ctx context.Context, c *clienttest.Accounts) error {
			_, err := c.DeleteAll(ctx, s3db.Confirm("accounts"))
			return err
		}},
		{name: "take-over", prepare: abandonClaims, run: insert("a"), spoil: crashAtCommitOfX},
		{name: "repair of leftovers", prepare: abandonClaims, spoil: crashAtCommitOfX, run: func(ctx context.Context, c *clienttest.Accounts) error {
			_, err := c.Database().Fsck(ctx, s3db.FsckOptions{Repair: true, Exclusive: true})
			return err
		}},
	}
}

// abandonClaims makes an insert of document x put the entries and claim the values
// of account a; crashAtCommitOfX ends it before its commit.
func abandonClaims(ctx context.Context, c *clienttest.Accounts) error {
	_, err := c.Insert(ctx, account("x", "a"))
	if !errors.Is(err, memstore.ErrCrashed) {
		return fmt.Errorf("the insert did not crash: %w", err)
	}
	return nil
}

func crashAtCommitOfX(r memstore.Request) memstore.Injection {
	if r.Kind == memstore.Put && r.Key == "resource=accounts/data/id=x" {
		return memstore.Injection{Fault: memstore.Crash}
	}
	return memstore.Injection{}
}

// crashServer is a server with a clock of its own.
type crashServer struct {
	*memstore.Server
	now time.Time
}

func newCrashServer(conditionalDelete bool) *crashServer {
	s := &crashServer{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	s.Server = memstore.NewServer(memstore.Options{
		Now:    func() time.Time { return s.now },
		Quirks: memstore.Quirks{RefuseDeleteCondition: !conditionalDelete},
	})
	return s
}

const crashPartitions, crashUniques = 3, 2

func (s *crashServer) open(t *testing.T, fault memstore.Fault) (*clienttest.Accounts, *memstore.Store) {
	t.Helper()
	store := s.Client()
	c, err := clienttest.Open(t.Context(), store, crashPartitions, crashUniques)
	if err != nil {
		t.Fatal(err)
	}
	store.ResetCounts()
	if fault != nil {
		store.SetFault(fault)
	}
	return c, store
}

// crashAt lets the client die at its n-th request.
func crashAt(n int, applied bool) memstore.Fault {
	return func(r memstore.Request) memstore.Injection {
		if r.Seq == n {
			return memstore.Injection{Fault: memstore.Crash, Applied: applied}
		}
		return memstore.Injection{}
	}
}

// TestCrash cuts each operation off at each of its requests, before and after the
// server applied it. Afterwards every invariant holds, the document is the old or
// the new one, the operation can be done again, and a repair finds the leftovers
// and leaves nothing behind.
func TestCrash(t *testing.T) {
	cases := 0
	for _, op := range crashCases() {
		for _, conditionalDelete := range []bool{true, false} {
			for n := 1; ; n++ {
				reached := false
				for _, applied := range []bool{false, true} {
					name := fmt.Sprintf("%s, request %d, applied %v, conditional delete %v", op.name, n, applied, conditionalDelete)
					t.Run(name, func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) {
							reached = crash(t, op, conditionalDelete, crashAt(n, applied)) || reached
						})
					})
					cases++
				}
				if !reached {
					break
				}
			}
		}
	}
	t.Logf("%d crashes", cases)
}

// crash reports whether the fault struck.
func crash(t *testing.T, op crashCase, conditionalDelete bool, fault memstore.Fault) bool {
	t.Helper()
	server := newCrashServer(conditionalDelete)
	setup, _ := server.open(t, op.spoil)
	if err := op.prepare(t.Context(), setup); err != nil {
		t.Fatal(err)
	}
	var struck atomic.Bool // requests of one write run side by side
	c, _ := server.open(t, func(r memstore.Request) memstore.Injection {
		x := fault(r)
		if x.Fault == memstore.Crash {
			struck.Store(true)
		}
		return x
	})
	err := op.run(t.Context(), c)
	if !struck.Load() && err != nil {
		t.Fatalf("without a crash: %v", err)
	}
	clienttest.CheckIndexes(t, server.Client(), crashPartitions, crashUniques)

	// The survivors can go on at once: nothing waits for the dead.
	after, _ := server.open(t, nil)
	clienttest.CheckContents(t, after)
	if err := op.run(t.Context(), after); err != nil && !errors.Is(err, s3db.ErrAlreadyExists) && !errors.Is(err, s3db.ErrNotFound) {
		t.Errorf("again after the crash: %v", err)
	}
	clienttest.CheckIndexes(t, server.Client(), crashPartitions, crashUniques)
	clienttest.CheckContents(t, after)
	checkRepair(t, server, after)
	return struck.Load()
}

// checkRepair runs fsck: it repairs leftovers only when they are old, finds no
// violation, and finds nothing the second time.
func checkRepair(t *testing.T, server *crashServer, c *clienttest.Accounts) {
	t.Helper()
	fsck := func() *s3db.FsckReport {
		t.Helper()
		report, err := c.Database().Fsck(t.Context(), s3db.FsckOptions{Repair: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range report.Findings {
			switch f.Kind {
			case s3db.DanglingEntry, s3db.AbandonedClaim, s3db.OldTombstone, s3db.LeftContent, s3db.AbandonedUpload:
			case s3db.MissingEntry, s3db.MissingClaim, s3db.MissingContent, s3db.CorruptObject:
				t.Errorf("violation: %+v", f)
			}
		}
		return report
	}
	if young := fsck(); len(young.Findings) > 0 {
		t.Errorf("fsck touched what may be work in progress: %+v", young.Findings)
	}
	server.now = server.now.Add(25 * time.Hour) // contents in parts have a day
	fsck()
	clienttest.CheckIndexes(t, server.Client(), crashPartitions, crashUniques)
	again := fsck()
	if diff := cmp.Diff([]s3db.Finding{}, again.Findings); diff != "" {
		t.Errorf("the second repair found (-want +got):\n%s", diff)
	}
	clienttest.CheckExact(t, server.Client(), crashPartitions, crashUniques)
	clienttest.CheckExactContents(t, server.Client(), c)
}
