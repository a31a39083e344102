package s3db_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// ledger is a plugin that puts one object for each group of writes.
type ledger struct {
	mu    sync.Mutex
	space *s3db.Space
	sizes []int
	fail  error
}

func (*ledger) Name() string { return "ledger" }

func (l *ledger) Install(_ context.Context, db *s3db.Database) (err error) {
	l.space, err = db.Space("ledger")
	db.OnWriteGroup(func(_ context.Context, g *s3db.WriteGroup) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.sizes = append(l.sizes, len(g.Writes))
		if l.fail != nil {
			return l.fail
		}
		return g.Put(l.space, "group/"+string(g.Writes[0].Revision), []byte(fmt.Sprint(len(g.Writes))))
	})
	return err
}

// seen returns the sizes of the groups since the last call.
func (l *ledger) seen() []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	sizes := l.sizes
	l.sizes = nil
	return sizes
}

func grouped(t *testing.T, options ...s3db.Option) (*clienttest.Accounts, *memstore.Store, *ledger) {
	t.Helper()
	l := &ledger{}
	c, store := openAccounts(t, append(options, s3db.WithPlugin(l))...)
	return c, store, l
}

func inserts(n int) (list []clienttest.AccountInsert, ids []clienttest.AccountID) {
	for i := range n {
		id := clienttest.AccountID(fmt.Sprintf("g%05d", i))
		list, ids = append(list, clienttest.AccountInsert{ID: id, Name: "n"}), append(ids, id)
	}
	return list, ids
}

// TestGroups: calls for many documents make groups of 1,000, and one object of a
// plugin costs one request for each.
func TestGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 2500
		c, store, l := grouped(t)
		plain, plainStore := openAccounts(t)
		list, ids := inserts(n)
		want := []int{1000, 1000, 500}
		check := func(op string, call func(c *clienttest.Accounts) error) {
			t.Helper()
			l.seen()
			before, plainBefore := store.Counts(), plainStore.Counts()
			if err := call(c); err != nil {
				t.Fatalf("%s: %v", op, err)
			}
			if err := call(plain); err != nil {
				t.Fatal(err)
			}
			if got := l.seen(); !slices.Equal(got, want) {
				t.Errorf("%s: groups of %v, want %v", op, got, want)
			}
			spent, usual := store.Counts().Sub(before), plainStore.Counts().Sub(plainBefore)
			usual.Put += len(want)
			if diff := cmp.Diff(usual, spent); diff != "" {
				t.Errorf("%s: requests (-want +got):\n%s", op, diff)
			}
		}
		ctx := t.Context()
		check("insertMany", func(c *clienttest.Accounts) error { _, err := c.InsertMany(ctx, list); return err })
		check("updateMany", func(c *clienttest.Accounts) error {
			_, err := c.UpdateMany(ctx, ids, clienttest.AccountPatch{Name: s3db.Set("m")})
			return err
		})
		check("deleteMany", func(c *clienttest.Accounts) error { return c.DeleteMany(ctx, ids...) })
		check("writer", func(c *clienttest.Accounts) error {
			w, err := c.Writer(ctx)
			if err != nil {
				return err
			}
			for _, in := range list {
				in.ID = "w" + in.ID // where no tombstone is in the way
				if err := w.Write(in); err != nil {
					return err
				}
			}
			return w.Close()
		})
		want = []int{1000, 500, 1000} // after each page of the listing
		check("deleteAll", func(c *clienttest.Accounts) error {
			_, err := c.DeleteAll(ctx, s3db.Confirm("accounts"))
			return err
		})
		want = []int{1}
		check("insert", func(c *clienttest.Accounts) error {
			_, err := c.Insert(ctx, clienttest.AccountInsert{ID: "one", Name: "n"})
			return err
		})
	})
}

// TestGroupBeforeCommit: no write of a group commits before the group's object is
// there.
func TestGroupBeforeCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, store, _ := grouped(t)
		list, _ := inserts(50)
		store.SetFault(func(r memstore.Request) memstore.Injection {
			if r.Kind == memstore.Put && len(r.Key) > 6 && r.Key[:6] == "plugin" {
				return memstore.Injection{Fault: memstore.Crash}
			}
			return memstore.Injection{}
		})
		_, err := c.InsertMany(t.Context(), list)
		bulk, ok := errors.AsType[*s3db.BulkError](err)
		if !ok || len(bulk.Failed) != 50 {
			t.Fatal(err)
		}
		for _, key := range store.Server().Keys() {
			if key != "s3db.json" {
				t.Errorf("%s is there", key)
			}
		}
	})
}

// TestGroupsThatFail: what fails by itself keeps nobody waiting, and an error of the
// observer is that of each write.
func TestGroupsThatFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, l := grouped(t)
		ctx := t.Context()
		list, ids := inserts(30)
		list[3].Name = ""       // breaks a rule
		list[4].ID = list[5].ID // one of them is too late
		began := time.Now()
		_, err := c.InsertMany(ctx, list)
		bulk, ok := errors.AsType[*s3db.BulkError](err)
		if !ok || len(bulk.Failed) != 2 || time.Since(began) > 4*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		if got := l.seen(); !slices.Equal(got, []int{29}) {
			t.Errorf("groups of %v", got)
		}
		// The same document twice: the second write begins anew, in a group of its own.
		docs, err := c.UpdateMany(ctx, append(ids[8:], ids[9], ids[9]), clienttest.AccountPatch{Name: s3db.Set("m")})
		if err != nil || docs[0].Name != "m" {
			t.Error(err)
		}
		l.fail = errors.New("closed for today")
		err = c.DeleteMany(ctx, ids[8:]...)
		if bulk, ok = errors.AsType[*s3db.BulkError](err); !ok || len(bulk.Failed) != 22 || !errors.Is(err, l.fail) {
			t.Errorf("an observer that refuses: %v", err)
		}
	})
}

// TestGroupsOfStreams: a writer whose producer is slow, or whose context ends, keeps
// nothing for long.
func TestGroupsOfStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, l := grouped(t)
		list, _ := inserts(40)
		ctx, cancel := context.WithCancel(t.Context())
		w, err := c.Writer(ctx, s3db.BatchSize(10))
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range list[:3] {
			if err := w.Write(in); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(time.Second)
		if n, err := c.Query().Count(ctx); n != 3 || err != nil || !slices.Equal(l.seen(), []int{3}) {
			t.Errorf("%d documents, %v", n, err)
		}
		for _, in := range list[3:23] {
			if err := w.Write(in); err != nil {
				t.Fatal(err)
			}
		}
		if got := l.seen(); len(got) < 1 || got[0] != 10 {
			t.Errorf("groups of %v", got)
		}
		cancel()
		if err := w.Write(list[30]); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if err := w.Close(); err == nil {
			t.Error("the writer closed well under a context that had ended")
		}
	})
}

// TestObjectState: what is stored is told without a client of the resource, with the
// writes that led to it.
func TestObjectState(t *testing.T) {
	var images []s3db.Image
	c, store := openAccounts(t)
	ctx := t.Context()
	c.Database().OnWrite(func(_ context.Context, w *s3db.PendingWrite) error {
		before, after := w.Images()
		images = append(images, before, after)
		return nil
	})
	state := func() s3db.ObjectState { return must(c.Database().ObjectState(ctx, "accounts", "x"))(t) }
	if s := state(); s.Live() || s.Revision != "" || s.Includes("") || !s.Complete() {
		t.Errorf("nothing: %+v", s)
	}
	var revisions []s3db.Revision
	d := must(c.Insert(ctx, clienttest.AccountInsert{ID: "x", Name: "n0"}))(t)
	revisions = append(revisions, d.Meta.Revision)
	for i := range 17 {
		d = must(c.Update(ctx, "x", clienttest.AccountPatch{Name: s3db.Set(fmt.Sprint("n", i+1))}))(t)
		revisions = append(revisions, d.Meta.Revision)
	}
	s := state()
	for i, rev := range revisions {
		want := 17 - i
		if want > 16 {
			want = -1
		}
		if got := s.Writes(rev); got != want || s.Includes(rev) != (want >= 0) {
			t.Errorf("revision %d was %d writes ago, want %d", i, got, want)
		}
	}
	if s.Complete() || !s.Live() || s.Revision != revisions[17] {
		t.Errorf("%+v", s)
	}
	if err := c.Delete(ctx, "x"); err != nil {
		t.Fatal(err)
	}
	if s := state(); s.Live() || s.Revision == "" || s.Writes(revisions[17]) != 1 {
		t.Errorf("a tombstone: %+v", s)
	}
	// The images are read by who knows the database from its registry alone.
	db, err := dynamic.New(ctx, store, dynamic.Config{})
	if err != nil {
		t.Fatal(err)
	}
	accounts := must(db.Resource("accounts"))(t)
	var names []any
	for _, i := range images[len(images)-4:] {
		if i == (s3db.Image{}) {
			names = append(names, nil)
			continue
		}
		names = append(names, must(accounts.Stored().Decode(i))(t).Values["name"])
	}
	if diff := cmp.Diff([]any{"n16", "n17", "n17", nil}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if now := must(c.Database().DescribeNow(ctx))(t); len(now.Resources) != 1 || now.ID != c.Database().ID() {
		t.Errorf("described: %+v", now)
	}
}
