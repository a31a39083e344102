package replicator_test

import (
	"context"
	"errors"
	"fmt"
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

// bad refuses accounts whose names begin with "bad".
func bad(c replicator.Change) string {
	if strings.Contains(string(c.After), `"name":"bad`) {
		return "the name is bad"
	}
	return ""
}

// letters are the dead letters of the target "copy".
func letters(t *testing.T, r *replicator.Replicator) (list []string) {
	t.Helper()
	for d, err := range r.DeadLetters(t.Context(), "copy") {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprintf("%s %s: %s", d.Change.Action, d.Change.ID, d.Reason))
	}
	return list
}

// TestPoison: a change that the target refuses neither stops nor loses the others, and
// its document keeps its order or goes on without it, as the policy says.
func TestPoison(t *testing.T) {
	write := func(t *testing.T, c *clienttest.Accounts) {
		ctx := t.Context()
		must(c.Insert(ctx, account{ID: "a", Name: "good"}))(t)
		must(c.Insert(ctx, account{ID: "b", Name: "bad"}))(t)
		must(c.Insert(ctx, account{ID: "c", Name: "good"}))(t)
		must(c.Update(ctx, "b", patch{Name: s3db.Set("healed")}))(t)
		must(c.Update(ctx, "c", patch{Name: s3db.Set("better")}))(t)
	}
	later := func(t *testing.T, c *clienttest.Accounts) {
		must(c.Update(t.Context(), "b", patch{Name: s3db.Set("later")}))(t)
		must(c.Update(t.Context(), "a", patch{Name: s3db.Set("later")}))(t)
	}
	t.Run("park", func(t *testing.T) {
		m := targettest.Memory{Refuse: bad}
		c, r := open(t, memstore.New(), toMemory(&m))
		sync(t, r)
		write(t, c)
		sync(t, r)
		later(t, c)
		sync(t, r)
		if got := names(&m); got != "a=later c=better" {
			t.Errorf("target: %s", got)
		}
		want := []string{"insert b: the name is bad", "update b: follows a rejected change", "update b: follows a change that was rejected"}
		if diff := cmp.Diff(want, letters(t, r)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if s := must(r.Status(t.Context()))(t)[0]; s.Parked != 1 || s.Rejected != 3 {
			t.Errorf("%+v", s)
		}
		// Rejected again, nothing is lost, and nothing overtakes.
		replay := func() {
			t.Helper()
			if err := r.Replay(t.Context(), "copy", replicator.Document{Resource: "accounts", ID: "b"}); err != nil {
				t.Fatal(err)
			}
			sync(t, r)
			if done := must(r.Replayed(t.Context(), "copy"))(t); !done {
				t.Error("the replay is not done")
			}
		}
		replay()
		if got := names(&m); got != "a=later c=better" || len(letters(t, r)) != 3 {
			t.Errorf("target: %s, letters %q", got, letters(t, r))
		}
		m.Refuse = nil
		replay()
		if got := names(&m); got != "a=later b=later c=better" || len(letters(t, r)) != 0 {
			t.Errorf("target: %s, letters %q", got, letters(t, r))
		}
		must(c.Update(t.Context(), "b", patch{Name: s3db.Set("free")}))(t)
		sync(t, r)
		equal(t, c, &m)
	})
	t.Run("discard", func(t *testing.T) {
		m := targettest.Memory{Refuse: bad}
		c, r := open(t, memstore.New(), toMemory(&m))
		write(t, c)
		sync(t, r)
		write2 := must(c.Update(t.Context(), "b", patch{Name: s3db.Set("bad again")}))(t)
		sync(t, r)
		if n, err := r.DiscardLetters(t.Context(), "copy", replicator.Document{}); n == 0 || err != nil {
			t.Errorf("discarded %d, %v", n, err)
		}
		must(c.UpdateFrom(t.Context(), write2, patch{Name: s3db.Set("good")}))(t)
		sync(t, r)
		equal(t, c, &m)
	})
	t.Run("skip", func(t *testing.T) {
		m := targettest.Memory{Refuse: bad}
		c, r := open(t, memstore.New(), toMemory(&m, func(o *replicator.TargetOptions) { o.Policy = replicator.Skip }))
		sync(t, r)
		write(t, c)
		sync(t, r)
		equal(t, c, &m)
		if diff := cmp.Diff([]string{"insert b: the name is bad"}, letters(t, r)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("stop", func(t *testing.T) {
		m := targettest.Memory{Refuse: bad}
		c, r := open(t, memstore.New(), toMemory(&m, func(o *replicator.TargetOptions) { o.Policy = replicator.Stop }))
		sync(t, r)
		write(t, c)
		for range 20 {
			if err := r.Sync(t.Context()); !errors.Is(err, replicator.ErrRejected) || !strings.Contains(err.Error(), "accounts/b") {
				t.Fatal(err)
			}
		}
		if n := len(letters(t, r)); n > 0 {
			t.Errorf("%d letters", n)
		}
		m.Refuse = nil
		sync(t, r)
		equal(t, c, &m)
	})
}

// TestDown: a target that is down for the whole time loses nothing, and one change that
// makes it fail is found.
func TestDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("connection refused")
		var m targettest.Memory
		m.Fail = func(context.Context, []replicator.Change) error { return nil }
		c, r := open(t, memstore.New(), toMemory(&m, func(o *replicator.TargetOptions) { o.Target = testFails{o.Target, &m}; o.BatchSize = 7 }))
		sync(t, r) // the snapshot
		m.Fail = func(context.Context, []replicator.Change) error { return down }
		for i := range 50 {
			must(c.Insert(t.Context(), account{ID: clienttest.AccountID(fmt.Sprint("d", i)), Name: "n"}))(t)
			if err := r.Sync(t.Context()); !errors.Is(err, down) {
				t.Fatal(err)
			}
		}
		if s := must(r.Status(t.Context()))(t)[0]; s.State != replicator.Failing || s.Errors != 50 || s.Retries != 49 || s.Error != "connection refused" {
			t.Errorf("%+v", s)
		}
		// Up again, but one document makes it fail.
		m.Fail = func(_ context.Context, list []replicator.Change) error {
			for _, c := range list {
				if c.ID == "d13" {
					return errors.New("out of cheese")
				}
			}
			return nil
		}
		for range 100 {
			if r.Sync(t.Context()) == nil {
				break
			}
		}
		if diff := cmp.Diff([]string{"insert d13: the target fails: out of cheese"}, letters(t, r)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		m.Fail = nil
		if err := r.Replay(t.Context(), "copy", replicator.Document{}); err != nil {
			t.Fatal(err)
		}
		sync(t, r)
		equal(t, c, &m)
	})
}

// testFails is a target whose Test fails while all of its calls do.
type testFails struct {
	replicator.Target
	m *targettest.Memory
}

func (x testFails) Test(ctx context.Context) error { return x.m.Fail(ctx, nil) }

// TestPause: nothing is applied until Resume, and nothing is lost.
func TestPause(t *testing.T) {
	var m targettest.Memory
	c, r := open(t, memstore.New(), toMemory(&m))
	ctx := t.Context()
	sync(t, r)
	if err := r.Pause(ctx, "copy"); err != nil {
		t.Fatal(err)
	}
	must(c.Insert(ctx, account{ID: "a", Name: "n"}))(t)
	sync(t, r)
	if s := must(r.Status(ctx))(t)[0]; names(&m) != "" || s.State != replicator.Paused || !s.Paused || s.LagChanges != 1 || s.Lag <= 0 {
		t.Errorf("target %q, %+v", names(&m), s)
	}
	if err := r.Resume(ctx, "copy"); err != nil {
		t.Fatal(err)
	}
	sync(t, r)
	equal(t, c, &m)
	if err := r.Pause(ctx, "other"); !errors.Is(err, s3db.ErrNotFound) {
		t.Error(err)
	}
}

// TestReconcile: what programs without the replicator wrote, and what somebody did to
// the target, is found and put right through the log.
func TestReconcile(t *testing.T) {
	server := memstore.NewServer(memstore.Options{})
	var m targettest.Memory
	c, r := open(t, server.Client(), toMemory(&m))
	ctx := t.Context()
	for _, id := range []clienttest.AccountID{"a", "b", "c", "d", "e"} {
		must(c.Insert(ctx, account{ID: id, Name: "old"}))(t)
	}
	sync(t, r)
	without := must(clienttest.Open(ctx, server.Client(), 2, 1))(t)
	must(without.Update(ctx, "a", patch{Name: s3db.Set("unseen")}))(t)
	must(without.Insert(ctx, account{ID: "z", Name: "unseen"}))(t)
	if err := without.Delete(ctx, "c"); err != nil {
		t.Fatal(err)
	}
	m.Drop("accounts", "d")
	reconcile := func(o replicator.ReconcileOptions) *replicator.Report {
		t.Helper()
		return must(r.Reconcile(ctx, "copy", o))(t)
	}
	want := &replicator.Report{Documents: 5, Missing: 2, Stale: 1, Extra: 1}
	if diff := cmp.Diff(want, reconcile(replicator.ReconcileOptions{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want.Repaired = 4
	if diff := cmp.Diff(want, reconcile(replicator.ReconcileOptions{Repair: true})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	must(c.Update(ctx, "z", patch{Name: s3db.Set("seen")}))(t)
	sync(t, r)
	equal(t, c, &m)
	if report := reconcile(replicator.ReconcileOptions{}); !report.Clean() {
		t.Errorf("%+v", report)
	}
	if keys := left(server); len(keys) > 0 {
		t.Errorf("intents are left: %q", keys)
	}
}

// TestReconcileOrder: differences are told by the order of their ids, though documents are
// read at the same time and in several windows.
func TestReconcileOrder(t *testing.T) {
	const documents = 600 // more than two windows
	store := memstore.New()
	var m targettest.Memory
	c, r := open(t, store, toMemory(&m))
	without := must(clienttest.Open(t.Context(), store, 2, 1))(t)
	sync(t, r)
	id := func(i int) clienttest.AccountID { return clienttest.AccountID(fmt.Sprintf("%03d", i)) }
	for i := range documents {
		must(c.Insert(t.Context(), account{ID: id(i), Name: "n"}))(t)
	}
	sync(t, r)
	var want []string
	for i := range documents {
		switch i % 5 {
		case 1:
			m.Drop("accounts", string(id(i)))
			want = append(want, fmt.Sprint("missing ", id(i)))
		case 2:
			must(without.Update(t.Context(), id(i), patch{Name: s3db.Set("unseen")}))(t)
			want = append(want, fmt.Sprint("stale ", id(i)))
		case 4:
			if err := without.Delete(t.Context(), id(i)); err != nil {
				t.Fatal(err)
			}
			want = append(want, fmt.Sprint("extra ", id(i)))
		}
	}
	var got []string
	found := func(d replicator.Difference) { got = append(got, fmt.Sprint(d.Kind, " ", d.ID)) }
	must(r.Reconcile(t.Context(), "copy", replicator.ReconcileOptions{Found: found, Resources: []string{"accounts", "accounts"}}))(t)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestForeignWrites: where a program without the replicator wrote in between, the state
// of the document is told after the changes that are known.
func TestForeignWrites(t *testing.T) {
	for _, writes := range []int{1, 3, 20} {
		t.Run(fmt.Sprint(writes), func(t *testing.T) {
			server := memstore.NewServer(memstore.Options{})
			var m targettest.Memory
			var applied []string
			m.Applied = func(c replicator.Change) { applied = append(applied, fmt.Sprint(c.Action, " ", c.Snapshot)) }
			c, r := open(t, server.Client(), toMemory(&m))
			ctx := t.Context()
			without := must(clienttest.Open(ctx, server.Client(), 2, 1))(t)
			sync(t, r)
			must(c.Insert(ctx, account{ID: "a", Name: "0"}))(t)
			for i := range writes {
				must(without.Update(ctx, "a", patch{Name: s3db.Set(fmt.Sprint("unseen", i))}))(t)
			}
			sync(t, r)
			if writes <= 16 {
				if diff := cmp.Diff([]string{"insert false", "insert true"}, applied); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				equal(t, c, &m)
			}
			must(without.Update(ctx, "a", patch{Name: s3db.Set("unseen")}))(t)
			must(c.Update(ctx, "a", patch{Name: s3db.Set("seen")}))(t)
			sync(t, r)
			equal(t, c, &m)
			must(c.Update(ctx, "a", patch{Name: s3db.Set("to be deleted")}))(t)
			if err := without.Delete(ctx, "a"); err != nil {
				t.Fatal(err)
			}
			sync(t, r)
			equal(t, c, &m)
		})
	}
}

// TestBackground: what runs by itself does so at once, ends with the database, and
// another process goes on.
func TestBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := memstore.NewServer(memstore.Options{})
		var m targettest.Memory
		o := toMemory(&m)
		o.OnDemand = false
		r := replicator.New(o)
		first := must(clienttest.Open(t.Context(), server.Client(), 2, 1, s3db.WithPlugin(r)))(t)
		ctx := t.Context()
		<-time.After(3 * time.Minute)
		at := time.Now()
		reached := make(chan time.Duration, 100)
		m.Applied = func(replicator.Change) { reached <- time.Since(at) }
		must(first.Insert(ctx, account{ID: "a", Name: "n"}))(t)
		if took := <-reached; took > 0 {
			t.Errorf("an own write took %v", took)
		}
		second, _ := open(t, server.Client(), o)
		<-time.After(time.Minute)
		at = time.Now()
		must(second.Insert(ctx, account{ID: "b", Name: "n"}))(t)
		if took := <-reached; took > time.Minute {
			t.Errorf("a write of another process took %v", took)
		}
		<-time.After(time.Minute)
		if err := first.Database().Close(); err != nil {
			t.Fatal(err)
		}
		at = time.Now()
		must(second.Insert(ctx, account{ID: "c", Name: "n"}))(t)
		if took := <-reached; took > time.Minute {
			t.Errorf("after a process ended it took %v", took)
		}
		equal(t, second, &m)
	})
}

// TestCrashedProcess: the leases of a process that crashed end by themselves, at once
// for a process of its name.
func TestCrashedProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := memstore.NewServer(memstore.Options{})
		var m targettest.Memory
		o := toMemory(&m)
		o.Instance = "one"
		c, r := open(t, server.Client(), o)
		sync(t, r)
		must(c.Insert(t.Context(), account{ID: "a", Name: "n"}))(t)
		o.Instance = "two"
		_, other := open(t, server.Client(), o)
		sync(t, other)
		if got := names(&m); got != "" {
			t.Errorf("another process works for the target while it has a lease: %s", got)
		}
		o.Instance = "one"
		_, again := open(t, server.Client(), o)
		sync(t, again)
		equal(t, c, &m)
		must(c.Update(t.Context(), "a", patch{Name: s3db.Set("m")}))(t)
		<-time.After(31 * time.Second)
		sync(t, other)
		equal(t, c, &m)
	})
}

// TestOptions: what cannot be is an error of Open that says so.
func TestOptions(t *testing.T) {
	var m targettest.Memory
	for want, change := range map[string]func(*replicator.Options){
		`the database has no resource "users"`: func(o *replicator.Options) { o.Resources = []string{"users"} },
		`target "copy": the database has no`:   func(o *replicator.Options) { o.Targets[0].Routes = map[string][]replicator.Route{"users": {{}}} },
		`target "copy" has no resources`:       func(o *replicator.Options) { o.Targets[0].Routes = nil },
		`resource "accounts" has no route`:     func(o *replicator.Options) { o.Targets[0].Routes["accounts"] = nil },
		`a target needs a name`:                func(o *replicator.Options) { o.Targets[0].Name = "" },
		`two targets are called "copy"`:        func(o *replicator.Options) { o.Targets = append(o.Targets, o.Targets[0]) },
		`target "copy" is nil`:                 func(o *replicator.Options) { o.Targets[0].Target = nil },
		`unknown policy 9`:                     func(o *replicator.Options) { o.Targets[0].Policy = 9 },
		`must not be negative`:                 func(o *replicator.Options) { o.Targets[0].BatchSize = -1 },
		`times must not be negative`:           func(o *replicator.Options) { o.Lease = -1 },
		`65 shards: must be 1 to 64`:           func(o *replicator.Options) { o.Shards = 65 },
		`has 1 shards, not 4, which cannot be`: func(o *replicator.Options) { o.Shards = 4 },
	} {
		server := memstore.NewServer(memstore.Options{})
		open(t, server.Client(), writer())
		o := toMemory(&m)
		change(&o)
		_, err := clienttest.Open(t.Context(), server.Client(), 2, 1, s3db.WithPlugin(replicator.New(o)))
		if !errors.Is(err, s3db.ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
