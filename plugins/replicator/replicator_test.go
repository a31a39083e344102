package replicator_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/targettest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

type (
	accountID = clienttest.AccountID
	account   = clienttest.AccountInsert
	patch     = clienttest.AccountPatch
)

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// toMemory are options with one target in memory, named "copy".
func toMemory(m *targettest.Memory, change ...func(*replicator.TargetOptions)) replicator.Options {
	target := replicator.TargetOptions{Name: "copy", Target: m.Target(), Routes: map[string][]replicator.Route{"accounts": {{}}}}
	for _, f := range change {
		f(&target)
	}
	return replicator.Options{OnDemand: true, Targets: []replicator.TargetOptions{target}}
}

// writer are options of a program that leaves intents and does nothing else.
func writer() replicator.Options {
	return replicator.Options{WriteOnly: true, Resources: []string{"accounts"}}
}

func open(t *testing.T, store s3db.Store, o replicator.Options, options ...s3db.Option) (*clienttest.Accounts, *replicator.Replicator) {
	t.Helper()
	r := replicator.New(o)
	c := must(clienttest.Open(t.Context(), store, 2, 1, append(options, s3db.WithPlugin(r))...))(t)
	t.Cleanup(func() {
		if err := c.Database().Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return c, r
}

func sync(t *testing.T, r *replicator.Replicator) {
	t.Helper()
	if err := r.Sync(t.Context()); err != nil {
		t.Fatalf("sync: %v", err)
	}
}

// names are the names of the accounts in a place, by their ids.
func names(m *targettest.Memory) string {
	var list []string
	for _, c := range m.Rows("accounts") {
		var d struct{ Name string }
		_ = json.Unmarshal(c.After, &d) // no document has no name
		list = append(list, c.ID+"="+d.Name)
	}
	return strings.Join(list, " ")
}

// equal checks that a place has exactly the documents of the database.
func equal(t *testing.T, c *clienttest.Accounts, m *targettest.Memory) {
	t.Helper()
	want, got := map[string]s3db.Revision{}, map[string]s3db.Revision{}
	for d, err := range c.Query().All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		want[string(d.ID)] = d.Meta.Revision
	}
	for _, r := range m.Rows("accounts") {
		got[r.ID] = r.Revision
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("target (-database +target):\n%s", diff)
	}
}

// left are the keys of intents that are there.
func left(server *memstore.Server) (keys []string) {
	for _, k := range server.Keys() {
		if strings.Contains(k, "/outbox/") {
			keys = append(keys, k)
		}
	}
	return keys
}

// TestChanges: each committed write reaches the target once, in order, with the
// documents before and after, and leaves nothing behind.
func TestChanges(t *testing.T) {
	for _, local := range []bool{false, true} {
		server := memstore.NewServer(memstore.Options{Local: local})
		var m targettest.Memory
		var applied []string
		m.Applied = func(c replicator.Change) {
			var before, after struct{ Name string }
			_ = json.Unmarshal(c.Before, &before)
			_ = json.Unmarshal(c.After, &after)
			applied = append(applied, fmt.Sprintf("%s %s %q %q", c.Action, c.ID, before.Name, after.Name))
		}
		c, r := open(t, server.Client(), toMemory(&m))
		ctx := t.Context()
		sync(t, r)
		must(c.Insert(ctx, account{ID: "a", Name: "Ada", Email: new("a@x.io"), Country: new("UK")}))(t)
		sync(t, r)
		must(c.Update(ctx, "a", patch{Name: s3db.Set("Ada L."), Country: s3db.Set("BR")}))(t)
		must(c.Insert(ctx, account{ID: "b", Name: "Bob"}))(t)
		if _, err := c.Insert(ctx, account{ID: "b", Name: "Bob"}); !errors.Is(err, s3db.ErrAlreadyExists) {
			t.Fatal(err)
		}
		if _, err := c.Insert(ctx, account{ID: "c", Name: "Cy", Email: new("a@x.io")}); !errors.Is(err, s3db.ErrUnique) {
			t.Fatal(err)
		}
		for i := range 20 {
			must(c.Update(ctx, "b", patch{Name: s3db.Set(fmt.Sprint("Bob", i))}))(t)
		}
		if err := c.Delete(ctx, "b"); err != nil {
			t.Fatal(err)
		}
		must(c.Upsert(ctx, "b", account{Name: "Bea"}))(t)
		if err := c.Delete(ctx, "a"); err != nil {
			t.Fatal(err)
		}
		sync(t, r)
		want := []string{`insert a "" "Ada"`, `update a "Ada" "Ada L."`, `delete a "Ada L." ""`, `insert b "" "Bob"`}
		last := "Bob"
		for i := range 20 {
			next := fmt.Sprint("Bob", i)
			want = append(want, fmt.Sprintf("update b %q %q", last, next))
			last = next
		}
		want = append(want, `delete b "Bob19" ""`, `insert b "" "Bea"`)
		slices.SortStableFunc(applied, func(a, b string) int { return strings.Compare(strings.Fields(a)[1], strings.Fields(b)[1]) })
		if diff := cmp.Diff(want, applied); diff != "" {
			t.Errorf("local %t: applied (-want +got):\n%s", local, diff)
		}
		equal(t, c, &m)
		if keys := left(server); len(keys) > 0 {
			t.Errorf("intents are left: %q", keys)
		}
		sync(t, r)
		if len(applied) != len(want) {
			t.Error("changes were applied again")
		}
	}
}

// TestRequests: a write costs one request more, and nothing else; many at once cost one
// for 1,000.
func TestRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plainStore, store := memstore.New(), memstore.New()
		plain := must(clienttest.Open(t.Context(), plainStore, 2, 1))(t)
		c, _ := open(t, store, writer())
		ctx := t.Context()
		check := func(op string, more int, f func(c *clienttest.Accounts) error) {
			t.Helper()
			a, b := plainStore.Counts(), store.Counts()
			if err := errors.Join(f(plain), f(c)); err != nil {
				t.Fatalf("%s: %v", op, err)
			}
			want := plainStore.Counts().Sub(a)
			want.Put += more
			if diff := cmp.Diff(want, store.Counts().Sub(b)); diff != "" {
				t.Errorf("%s: requests (-want +got):\n%s", op, diff)
			}
		}
		check("insert", 1, func(c *clienttest.Accounts) error {
			_, err := c.Insert(ctx, account{ID: "a", Name: "n", Email: new("a@x.io"), Country: new("BR")})
			return err
		})
		check("update", 1, func(c *clienttest.Accounts) error {
			_, err := c.Update(ctx, "a", patch{Country: s3db.Set("PT")})
			return err
		})
		check("upsert", 1, func(c *clienttest.Accounts) error { _, err := c.Upsert(ctx, "b", account{Name: "n"}); return err })
		check("delete", 1, func(c *clienttest.Accounts) error { return c.Delete(ctx, "a") })
		check("get", 0, func(c *clienttest.Accounts) error { _, err := c.Get(ctx, "b"); return err })
		var list []account
		var ids []clienttest.AccountID
		for i := range 3000 {
			id := clienttest.AccountID(fmt.Sprint("m", i))
			list, ids = append(list, account{ID: id, Name: "n"}), append(ids, id)
		}
		check("insertMany", 3, func(c *clienttest.Accounts) error { _, err := c.InsertMany(ctx, list); return err })
		check("updateMany", 3, func(c *clienttest.Accounts) error {
			_, err := c.UpdateMany(ctx, ids, patch{Name: s3db.Set("m")})
			return err
		})
		check("deleteMany", 3, func(c *clienttest.Accounts) error { return c.DeleteMany(ctx, ids...) })
		check("writer", 3, func(c *clienttest.Accounts) error {
			w, err := c.Writer(ctx)
			if err != nil {
				return err
			}
			for _, in := range list {
				in.ID = "w" + in.ID
				if err := w.Write(in); err != nil {
					return err
				}
			}
			return w.Close()
		})
	})
}

// TestBulk: many writes at once reach the target, those that fail do not.
func TestBulk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := memstore.NewServer(memstore.Options{})
		var m targettest.Memory
		c, r := open(t, server.Client(), toMemory(&m))
		ctx := t.Context()
		var list []account
		var ids []clienttest.AccountID
		for i := range 2500 {
			id := clienttest.AccountID(fmt.Sprintf("m%04d", i))
			list, ids = append(list, account{ID: id, Name: "n"}), append(ids, id)
		}
		list[17].ID = list[18].ID
		if _, err := c.InsertMany(ctx, list); err == nil {
			t.Fatal("two documents with one id")
		}
		sync(t, r)
		equal(t, c, &m)
		if _, err := c.UpdateMany(ctx, ids, patch{Name: s3db.Set(strings.Repeat("x", 1000))}); err == nil {
			t.Fatal("a missing document was updated")
		}
		if err := c.DeleteMany(ctx, ids[2000:]...); err != nil {
			t.Fatal(err)
		}
		must(c.Update(ctx, ids[0], patch{Name: s3db.Set("last")}))(t)
		sync(t, r)
		equal(t, c, &m)
		if _, err := c.DeleteAll(ctx, s3db.Confirm("accounts")); err != nil {
			t.Fatal(err)
		}
		sync(t, r)
		equal(t, c, &m)
		if got := names(&m); got != "" {
			t.Errorf("left: %s", got)
		}
		// What was refused at first stays in its intent until an hour is over.
		<-time.After(2 * time.Hour)
		must(c.Insert(ctx, account{ID: "z", Name: "z"}))(t)
		sync(t, r)
		if keys := left(server); len(keys) > 0 {
			t.Errorf("intents are left: %q", keys)
		}
		equal(t, c, &m)
	})
}

// TestSnapshot: documents from before reach the target, then the changes; what was
// written meanwhile wins.
func TestSnapshot(t *testing.T) {
	server := memstore.NewServer(memstore.Options{})
	ctx := t.Context()
	before := must(clienttest.Open(ctx, server.Client(), 2, 1))(t)
	for i := range 1500 {
		must(before.Insert(ctx, account{ID: clienttest.AccountID(fmt.Sprintf("s%04d", i)), Name: "old"}))(t)
	}
	var m targettest.Memory
	c, r := open(t, server.Client(), toMemory(&m))
	must(c.Update(ctx, "s0003", patch{Name: s3db.Set("before the snapshot")}))(t)
	done := int64(0)
	r.Subscribe(func(ctx context.Context, e replicator.Event) {
		if e.Kind != replicator.EventSnapshot || e.Documents == 0 || e.Done || done > 0 {
			return
		}
		done = e.Documents // and while it goes on:
		if _, err := c.Update(ctx, "s0001", patch{Name: s3db.Set("meanwhile, seen")}); err != nil {
			t.Error(err)
		}
		if err := c.Delete(ctx, "s1400"); err != nil {
			t.Error(err)
		}
	})
	sync(t, r)
	if done == 0 {
		t.Error("the snapshot had no progress")
	}
	sync(t, r)
	equal(t, c, &m)
	status := must(r.Status(ctx))(t)
	if s := status[0]; !s.SnapshotDone || s.Documents < 1499 || s.State != replicator.UpToDate || s.LagChanges != 0 || s.Unsettled != 0 {
		t.Errorf("%+v", s)
	}
	// A reset begins anew.
	m.Drop("accounts", "s0007")
	if err := r.Reset(ctx, "copy"); err != nil {
		t.Fatal(err)
	}
	sync(t, r)
	equal(t, c, &m)
}
