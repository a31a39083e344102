package replicator_test

import (
	"context"
	"fmt"
	"strings"
	gosync "sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/targettest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// segments are the names of the segments of the log that are there.
func segments(server *memstore.Server) (list []string) {
	for _, k := range server.Keys() {
		if name, ok := strings.CutPrefix(k, "plugin=replicator/log/shard=0/"); ok {
			list = append(list, strings.TrimLeft(name, "0"))
		}
	}
	return list
}

// TestCollect: segments go when they are an hour old and all targets have passed them,
// but never the newest.
func TestCollect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := memstore.NewServer(memstore.Options{})
		var m, slow targettest.Memory
		o := toMemory(&m)
		second := toMemory(&slow).Targets[0]
		second.Name = "slow"
		o.Targets = append(o.Targets, second)
		c, r := open(t, server.Client(), o)
		sync(t, r)
		write := func(n int) {
			for i := range n {
				must(c.Upsert(t.Context(), "a", account{Name: fmt.Sprint(i)}))(t)
				sync(t, r)
			}
		}
		want := func(list string) {
			t.Helper()
			sync(t, r)
			if got := strings.Join(segments(server), " "); got != list {
				t.Errorf("segments %q, want %q", got, list)
			}
		}
		write(2)
		if err := r.Pause(t.Context(), "slow"); err != nil {
			t.Fatal(err)
		}
		<-time.After(31 * time.Minute)
		write(2)
		want("1 2 3 4")
		<-time.After(31 * time.Minute)
		want("3 4")
		<-time.After(2 * time.Hour)
		want("3 4") // not passed by one target
		if err := r.Resume(t.Context(), "slow"); err != nil {
			t.Fatal(err)
		}
		sync(t, r)
		<-time.After(2 * time.Hour)
		want("4")
		write(1)
		want("4 5")
		equal(t, c, &m)
		equal(t, c, &slow)
		// A target that no program has any more holds nothing back when it is forgotten.
		_, only := open(t, server.Client(), toMemory(&m))
		if err := only.Forget(t.Context(), "slow"); err != nil {
			t.Fatal(err)
		}
		if names := must(only.Targets(t.Context()))(t); strings.Join(names, " ") != "copy" {
			t.Errorf("targets %q", names)
		}
	})
}

// stalled is a store whose client stands still, in the middle of a pass.
type stalled struct {
	s3db.Store
	mu   gosync.Mutex
	gate chan struct{} // nil: it goes on
}

func (s *stalled) Get(ctx context.Context, key string) (*s3db.Object, error) {
	s.mu.Lock()
	gate := s.gate
	s.mu.Unlock()
	if gate != nil && strings.Contains(key, "/data/") {
		<-gate // whatever its context says, as when the machine is suspended
		ctx = context.WithoutCancel(ctx)
	}
	return s.Store.Get(ctx, key)
}

// TestStalledSettler: a process that stood still for hours between listing intents and
// writing them down does not take the place of a segment that is gone by now.
func TestStalledSettler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := memstore.NewServer(memstore.Options{})
		var m targettest.Memory
		c, r := open(t, server.Client(), toMemory(&m))
		ctx := t.Context()
		sync(t, r)
		must(c.Insert(ctx, account{ID: "a", Name: "0"}))(t)
		sync(t, r)
		<-time.After(31 * time.Second) // its lease is over
		store := &stalled{Store: server.Client()}
		var other targettest.Memory
		o := toMemory(&other)
		o.Targets = nil
		o.Resources = []string{"accounts"}
		_, zombie := open(t, store, o, s3db.WithRetry(s3db.RetryPolicy{Timeout: 100 * time.Hour}))
		must(c.Update(ctx, "a", patch{Name: s3db.Set("1")}))(t)
		store.mu.Lock()
		store.gate = make(chan struct{})
		store.mu.Unlock()
		done := make(chan error)
		go func() { done <- zombie.Sync(ctx) }()
		synctest.Wait()
		<-time.After(31 * time.Second)
		for i := range 3 {
			sync(t, r)
			must(c.Update(ctx, "a", patch{Name: s3db.Set(fmt.Sprint(i + 2))}))(t)
		}
		sync(t, r)
		<-time.After(3 * time.Hour)
		sync(t, r)
		if got := strings.Join(segments(server), " "); got != "4" {
			t.Errorf("segments %q", got)
		}
		must(c.Update(ctx, "a", patch{Name: s3db.Set("last")}))(t)
		close(store.gate)
		if err := <-done; err != nil {
			t.Log("how it ends is not the point:", err)
		}
		<-time.After(31 * time.Second)
		sync(t, r)
		equal(t, c, &m)
		if got := names(&m); got != "a=last" {
			t.Errorf("target: %s", got)
		}
	})
}

// TestCarried: of writes that share an intent, those that are committed are settled
// while others are in flight, and these are not forgotten.
func TestCarried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := memstore.NewServer(memstore.Options{})
		var m targettest.Memory
		_, r := open(t, server.Client(), toMemory(&m))
		sync(t, r)
		ctx := t.Context()
		store := server.Client()
		c, _ := open(t, store, writer(), s3db.WithRetry(s3db.RetryPolicy{Timeout: time.Hour}))
		store.SetFault(func(req memstore.Request) memstore.Injection {
			if req.Kind == memstore.Put && (strings.HasSuffix(req.Key, "/data/id=b") || strings.HasSuffix(req.Key, "/data/id=c")) {
				return memstore.Injection{Delay: 3 * time.Minute}
			}
			return memstore.Injection{}
		})
		done := make(chan error)
		go func() {
			_, err := c.InsertMany(ctx, []account{{ID: "a", Name: "n"}, {ID: "b", Name: "n"}, {ID: "c", Name: "n"}, {ID: "d", Name: "n"}})
			done <- err
		}()
		<-time.After(time.Minute)
		sync(t, r)
		if got := names(&m); got != "a=n d=n" || len(left(server)) > 0 {
			t.Errorf("target: %s, intents %q", got, left(server))
		}
		// Another process goes on, which knows of them from the log alone.
		<-time.After(time.Minute)
		var again targettest.Memory
		o := toMemory(&again)
		o.Targets[0].Name = "again"
		_, r = open(t, server.Client(), o)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		sync(t, r)
		equal(t, c, &again)
		if got := names(&again); got != "a=n b=n c=n d=n" {
			t.Errorf("target: %s", got)
		}
		var rows []clienttest.AccountID
		for _, row := range again.Rows("accounts") {
			if !row.Snapshot {
				rows = append(rows, clienttest.AccountID(row.ID))
			}
		}
		if len(rows) != 2 && len(rows) != 0 {
			t.Errorf("changes of %q", rows)
		}
		_, first := open(t, server.Client(), toMemory(&m))
		<-time.After(time.Minute)
		sync(t, first)
		equal(t, c, &m)
	})
}

// TestShards: documents keep to their shards, and targets get all of them.
func TestShards(t *testing.T) {
	server := memstore.NewServer(memstore.Options{})
	var m targettest.Memory
	seen := map[int]int{}
	m.Applied = func(c replicator.Change) { seen[c.Shard]++ }
	o := toMemory(&m)
	o.Shards = 4
	c, r := open(t, server.Client(), o)
	ctx := t.Context()
	must(c.Insert(ctx, account{ID: "before", Name: "n"}))(t)
	sync(t, r)
	for i := range 100 {
		must(c.Insert(ctx, account{ID: clienttest.AccountID(fmt.Sprint("s", i)), Name: "n"}))(t)
	}
	sync(t, r)
	equal(t, c, &m)
	for shard := range 4 {
		if seen[shard] == 0 {
			t.Errorf("nothing in shard %d: %v", shard, seen)
		}
	}
	if s := must(r.Status(ctx))(t)[0]; s.LagChanges != 0 || s.Unsettled != 0 {
		t.Errorf("%+v", s)
	}
}
