package replicator_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/targettest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

var errDead = errors.New("the process has crashed")

// checkpointAt is where the checkpoint of the first shard is.
const checkpointAt = "plugin=replicator/target=copy/shard=0"

// dying is the store of a process that crashes at a request, before it is sent.
type dying struct {
	s3db.Store
	left atomic.Int64 // requests until then
	at   string       // counts only those whose keys end in this
}

func (d *dying) step(key string) error {
	if d.left.Load() < 0 || strings.HasSuffix(key, d.at) && d.left.Add(-1) < 0 {
		return &s3db.StoreError{Op: "request", Key: key, Err: errDead}
	}
	return nil
}

func (d *dying) Get(ctx context.Context, key string) (*s3db.Object, error) {
	if err := d.step(key); err != nil {
		return nil, err
	}
	return d.Store.Get(ctx, key)
}

func (d *dying) Head(ctx context.Context, key string) (*s3db.Object, error) {
	if err := d.step(key); err != nil {
		return nil, err
	}
	return d.Store.Head(ctx, key)
}

func (d *dying) Put(ctx context.Context, key string, body []byte, metadata map[string]string, cond s3db.Condition) (string, error) {
	if err := d.step(key); err != nil {
		return "", err
	}
	return d.Store.Put(ctx, key, body, metadata, cond)
}

func (d *dying) Delete(ctx context.Context, key string, cond s3db.Condition) error {
	if err := d.step(key); err != nil {
		return err
	}
	return d.Store.Delete(ctx, key, cond)
}

func (d *dying) DeleteMany(ctx context.Context, keys []string) error {
	if err := d.step(keys[0]); err != nil {
		return err
	}
	return d.Store.DeleteMany(ctx, keys)
}

func (d *dying) List(ctx context.Context, req s3db.ListRequest) (*s3db.ListPage, error) {
	if err := d.step(req.Prefix); err != nil {
		return nil, err
	}
	return d.Store.List(ctx, req)
}

// openDying opens accounts in a process that will crash, which gives no lease back.
func openDying(t *testing.T, store *dying, o replicator.Options) (*clienttest.Accounts, *replicator.Replicator) {
	t.Helper()
	store.left.Store(1 << 40)
	r := replicator.New(o)
	c := must(clienttest.Open(t.Context(), store, 2, 1, s3db.WithPlugin(r)))(t)
	t.Cleanup(func() { _ = c.Database().Close() })
	return c, r
}

// TestSnapshotCrash: a process crashes at any request of a snapshot, while a document is
// changed, made and deleted after the snapshot has begun. Another one goes on, and
// the target has all documents in their last state.
func TestSnapshotCrash(t *testing.T) {
	t.Parallel()
	for n := int64(0); ; n++ {
		server := memstore.NewServer(memstore.Options{})
		writes := writer()
		writes.Shards = 2
		programs, _ := open(t, server.Client(), writes)
		ctx := t.Context()
		for i := range 4 {
			must(programs.Insert(ctx, account{ID: targetID(i), Name: "before"}))(t)
		}
		var m targettest.Memory
		o := toMemory(&m)
		o.Instance, o.Shards = "one", 2
		store := &dying{Store: server.Client()}
		_, r := openDying(t, store, o)
		store.left.Store(n)
		err := r.Sync(ctx)
		store.left.Store(-1) // it is gone, and gives nothing back
		must(programs.Update(ctx, targetID(0), patch{Name: s3db.Set("after")}))(t)
		must(programs.Insert(ctx, account{ID: "new", Name: "after"}))(t)
		if err := programs.Delete(ctx, targetID(1)); err != nil {
			t.Fatal(err)
		}
		_, again := open(t, server.Client(), o)
		sync(t, again)
		equal(t, programs, &m)
		if t.Failed() {
			t.Fatalf("a crash at request %d", n)
		}
		if err == nil {
			if n < 20 {
				t.Errorf("a snapshot takes %d requests only", n)
			}
			return
		}
	}
}

// TestSnapshotBreaks: documents that make the target fail are found in a snapshot, wherever
// they stand in it: each failure begins again, and what comes before them succeeds. It is
// what the simulation found with seed 68.
func TestSnapshotBreaks(t *testing.T) {
	t.Parallel()
	const documents = 300 // more than are read at once
	server := memstore.NewServer(memstore.Options{})
	writes := writer()
	writes.Shards = 2
	programs, _ := open(t, server.Client(), writes)
	for i := range documents {
		must(programs.Insert(t.Context(), account{ID: targetID(i), Name: "n"}))(t)
	}
	breaks := map[string]bool{"id100": true, "id200": true, "id50": true, "id97": true, "id98": true, "id99": true}
	var m targettest.Memory
	m.Fail = func(_ context.Context, changes []replicator.Change) error {
		for _, c := range changes {
			if breaks[c.ID] {
				return errors.New("out of cheese")
			}
		}
		return nil
	}
	o := toMemory(&m, func(o *replicator.TargetOptions) { o.Retries = 2 })
	o.Shards = 2
	_, r := open(t, server.Client(), o)
	var err error
	for range 40 {
		if err = r.Sync(t.Context()); err == nil {
			break
		}
	}
	if n := len(m.Rows("accounts")); err != nil || n != documents-len(breaks) {
		t.Errorf("the target has %d documents, %v", n, err)
	}
	if got := letters(t, r); len(got) != len(breaks) {
		t.Errorf("letters: %q", got)
	}
	m.Fail = nil
	if err := r.Replay(t.Context(), "copy", replicator.Document{}); err != nil {
		t.Fatal(err)
	}
	sync(t, r)
	equal(t, programs, &m)
}

func targetID(i int) accountID { return accountID(fmt.Sprint("id", i)) }

// TestLettersOnce: a process crashes after it has put letters and before it has kept its
// checkpoint. What it did again leaves no second letter, and nothing overtakes.
func TestLettersOnce(t *testing.T) {
	t.Parallel()
	server := memstore.NewServer(memstore.Options{})
	m := targettest.Memory{Refuse: bad}
	o := toMemory(&m)
	o.Instance = "one"
	store := &dying{Store: server.Client(), at: checkpointAt}
	c, r := openDying(t, store, o)
	sync(t, r)
	must(c.Insert(t.Context(), account{ID: "b", Name: "bad"}))(t)
	must(c.Update(t.Context(), "b", patch{Name: s3db.Set("healed")}))(t)
	must(c.Insert(t.Context(), account{ID: "c", Name: "good"}))(t)
	var before, after []string
	keys := func() (list []string) {
		for _, k := range server.Keys() {
			if strings.Contains(k, "/dead/") {
				list = append(list, k)
			}
		}
		return list
	}
	for n := int64(0); before == nil && n < 20; n++ { // the first one may be a read
		store.left.Store(n)
		if err := r.Sync(t.Context()); err == nil {
			t.Fatal("the process did not crash before it had letters")
		}
		before = keys()
	}
	_, again := open(t, server.Client(), o)
	sync(t, again)
	if after = keys(); len(before) != 2 || !cmp.Equal(before, after) {
		t.Errorf("letters before %q, after %q", before, after)
	}
	if got := names(&m); got != "c=good" {
		t.Errorf("target: %s", got)
	}
}

// TestTakingTurns: two changes that make the target fail are put aside once each under
// every policy that does so, though each failure begins again with the first one. It is
// what the simulation found with seed 101.
func TestTakingTurns(t *testing.T) {
	t.Parallel()
	for _, policy := range []replicator.Policy{replicator.Park, replicator.Skip} {
		server := memstore.NewServer(memstore.Options{})
		m := targettest.Memory{Refuse: bad}
		m.Fail = func(_ context.Context, changes []replicator.Change) error {
			for _, c := range changes {
				if c.ID == "b" || c.ID == "d" {
					return errors.New("out of cheese")
				}
			}
			return nil
		}
		c, r := open(t, server.Client(), toMemory(&m, func(o *replicator.TargetOptions) { o.Retries, o.Policy = 3, policy }))
		sync(t, r)
		for _, x := range []account{{ID: "a", Name: "bad"}, {ID: "b", Name: "x"}, {ID: "c", Name: "x"}, {ID: "d", Name: "x"}, {ID: "e", Name: "x"}} {
			must(c.Insert(t.Context(), x))(t)
		}
		var err error
		for range 30 {
			if err = r.Sync(t.Context()); err == nil {
				break
			}
		}
		if got := names(&m); err != nil || got != "c=x e=x" {
			t.Errorf("%s: target %s, %v", policy, got, err)
		}
		dead := 0
		for _, k := range server.Keys() {
			if strings.Contains(k, "/dead/") {
				dead++
			}
		}
		if got := letters(t, r); len(got) != 3 || dead != 3 {
			t.Errorf("%s: letters %q in %d objects", policy, got, dead)
		}
	}
}

// TestReplayInVain: a letter that makes the target fail for long is left, and neither holds
// up the replay of others nor what comes.
func TestReplayInVain(t *testing.T) {
	t.Parallel()
	m := targettest.Memory{Refuse: bad}
	c, r := open(t, memstore.New(), toMemory(&m, func(o *replicator.TargetOptions) { o.Retries = 2 }))
	sync(t, r)
	for _, id := range []accountID{"a", "b", "d"} {
		must(c.Insert(t.Context(), account{ID: id, Name: "bad"}))(t)
	}
	sync(t, r)
	m.Refuse = nil
	m.Fail = func(_ context.Context, changes []replicator.Change) error {
		if changes[0].ID == "b" {
			return errors.New("out of order")
		}
		return nil
	}
	if err := r.Replay(t.Context(), "copy", replicator.Document{}); err != nil {
		t.Fatal(err)
	}
	must(c.Insert(t.Context(), account{ID: "e", Name: "good"}))(t)
	for range 10 {
		if err := r.Sync(t.Context()); err == nil {
			break
		}
	}
	if got := names(&m); got != "a=bad d=bad e=good" {
		t.Errorf("target: %s", got)
	}
	if got := letters(t, r); len(got) != 1 || !strings.HasPrefix(got[0], "insert b") {
		t.Errorf("letters: %q", got)
	}
}

// TestGap: a target that has fallen behind what is left of the log says so, and a reset
// brings it up to date.
func TestGap(t *testing.T) {
	t.Parallel()
	server := memstore.NewServer(memstore.Options{})
	var m targettest.Memory
	c, r := open(t, server.Client(), toMemory(&m))
	sync(t, r)
	m.Fail = func(context.Context, []replicator.Change) error { return errors.New("down") }
	for _, id := range []accountID{"a", "b"} {
		must(c.Insert(t.Context(), account{ID: id, Name: "n"}))(t)
		if err := r.Sync(t.Context()); err == nil {
			t.Fatal("the target is down")
		}
	}
	if got := segments(server); !cmp.Equal(got, []string{"1", "2"}) {
		t.Fatalf("segments: %q", got)
	}
	if err := server.Client().Delete(t.Context(), "plugin=replicator/log/shard=0/0000000000000001", s3db.Condition{}); err != nil {
		t.Fatal(err)
	}
	m.Fail = nil
	if err := r.Sync(t.Context()); !errors.Is(err, replicator.ErrGap) || !strings.Contains(fmt.Sprint(err), "reset the target") {
		t.Errorf("sync: %v", err)
	}
	if got := names(&m); got != "" {
		t.Errorf("behind a gap: %s", got)
	}
	if s := must(r.Status(t.Context()))(t)[0]; s.State != replicator.Failing || !strings.Contains(s.Error, "reset the target") {
		t.Errorf("status: %+v", s)
	}
	if err := r.Reset(t.Context(), "copy"); err != nil {
		t.Fatal(err)
	}
	sync(t, r)
	equal(t, c, &m)
}

// keeper is a target that keeps its checkpoint itself.
type keeper struct {
	replicator.Target

	at   replicator.Seq
	sent []string // ids of changes
}

func (k *keeper) Checkpoint(context.Context, int) (replicator.Seq, error) { return k.at, nil }

func (k *keeper) Apply(ctx context.Context, changes []replicator.Change) ([]replicator.Rejection, error) {
	rejected, err := k.Target.Apply(ctx, changes)
	for _, c := range changes {
		k.sent = append(k.sent, c.ID)
		if err == nil && !c.Snapshot && c.Seq.Compare(k.at) > 0 {
			k.at = c.Seq
		}
	}
	return rejected, err
}

// TestCheckpointer: what a target has by its own checkpoint is not sent again, though the
// process crashed before it kept its own; a checkpoint of the target that is behind, as
// after its backup was restored, is not followed back.
func TestCheckpointer(t *testing.T) {
	t.Parallel()
	server := memstore.NewServer(memstore.Options{})
	var m targettest.Memory
	k := &keeper{Target: m.Target()}
	o := toMemory(&m, func(o *replicator.TargetOptions) { o.Target = k })
	o.Instance = "one"
	store := &dying{Store: server.Client(), at: checkpointAt}
	first, r := openDying(t, store, o)
	sync(t, r)
	must(first.Insert(t.Context(), account{ID: "a", Name: "n"}))(t)
	for n := int64(0); len(k.sent) == 0 && n < 20; n++ {
		store.left.Store(n)
		if err := r.Sync(t.Context()); err == nil {
			t.Fatal("the process did not crash")
		}
	}
	c, again := open(t, server.Client(), o)
	sync(t, again)
	if strings.Join(k.sent, " ") != "a" {
		t.Errorf("sent %q, want a once", k.sent)
	}
	k.at = replicator.Seq{}
	must(c.Insert(t.Context(), account{ID: "b", Name: "n"}))(t)
	sync(t, again)
	if strings.Join(k.sent, " ") != "a b" {
		t.Errorf("sent %q, want a and b once", k.sent)
	}
}
