package boltstore

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	bolt "go.etcd.io/bbolt"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// stopped opens a store whose committer is stopped inside a commit, so that all
// writes line up. release lets it go on.
func stopped(t *testing.T) (store *Store, release func()) {
	t.Helper()
	store, err := Open(t.Context(), filepath.Join(t.TempDir(), "shop.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	w, started, release := blocker()
	store.queue <- w
	<-started
	t.Cleanup(func() {
		release()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store, release
}

// blocker returns a write that stops the committer: started is closed when it has.
func blocker() (w *write, started <-chan struct{}, release func()) {
	begun, released := make(chan struct{}), make(chan struct{})
	w = &write{op: "put", done: make(chan struct{}), apply: func(*bolt.Bucket) (outcome, fatal error) {
		close(begun)
		<-released
		return nil, nil
	}}
	var once sync.Once
	return w, begun, func() { once.Do(func() { close(released) }) }
}

// lineUp starts n calls and waits until their writes stand in line.
func lineUp(store *Store, n int, call func(i int)) *sync.WaitGroup {
	var wg sync.WaitGroup
	stand := len(store.queue)
	for i := range n {
		wg.Go(func() { call(i) })
	}
	for len(store.queue) < stand+n {
		runtime.Gosched()
	}
	return &wg
}

// version returns the number of the last transaction.
func version(t *testing.T, store *Store) (id int) {
	t.Helper()
	if err := store.db.View(func(tx *bolt.Tx) error { id = tx.ID(); return nil }); err != nil {
		t.Fatal(err)
	}
	return id
}

func TestWritesShareCommits(t *testing.T) {
	store, release := stopped(t)
	before := version(t, store)
	const n = 50
	wg := lineUp(store, n, func(i int) {
		if _, err := store.Put(t.Context(), "k/"+strconv.Itoa(i), []byte("x"), nil, s3db.IfAbsent()); err != nil {
			t.Error(err)
		}
	})
	release()
	wg.Wait()
	if commits := version(t, store) - before; commits > 2 { // that which all waited for is one of them
		t.Errorf("%d writes took %d commits, want 2 at most", n, commits)
	}
	page, err := store.List(t.Context(), s3db.ListRequest{Prefix: "k/"})
	if err != nil || len(page.Items) != n {
		t.Errorf("%d objects after %d writes (%v)", len(page.Items), n, err)
	}
}

// Conditions are evaluated one after the other inside a shared commit.
func TestConditionsInOneCommit(t *testing.T) {
	store, release := stopped(t)
	var won atomic.Int32
	wg := lineUp(store, 64, func(int) {
		switch _, err := store.Put(t.Context(), "k", []byte("x"), nil, s3db.IfAbsent()); {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, s3db.ErrPrecondition):
			t.Error(err)
		}
	})
	release()
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d of 64 conditional writes won", won.Load())
	}
}

// A write whose context ends in line is not carried out; one that the committer
// has taken is, and its caller learns what became of it.
func TestContextEnds(t *testing.T) {
	store, release := stopped(t)
	ctx, cancel := context.WithCancel(t.Context())
	var err error
	wg := lineUp(store, 1, func(int) { _, err = store.Put(ctx, "line", []byte("x"), nil, s3db.Condition{}) })
	cancel()
	wg.Wait()
	se, ok := errors.AsType[*s3db.StoreError](err)
	if !ok || !errors.Is(err, context.Canceled) || se.MaybeApplied || se.Temporary {
		t.Errorf("a write whose context ended in line: error %v (%+v)", err, se)
	}

	second, started, releaseSecond := blocker()
	store.queue <- second
	ctx, cancel = context.WithCancel(t.Context())
	wg = lineUp(store, 1, func(int) { _, err = store.Put(ctx, "taken", []byte("x"), nil, s3db.Condition{}) })
	release()
	<-started // the committer has taken both, and stands in the first
	cancel()
	releaseSecond()
	wg.Wait()
	if err != nil {
		t.Errorf("a write that the committer had taken: %v", err)
	}

	if _, err := store.Get(t.Context(), "line"); !errors.Is(err, s3db.ErrNotFound) {
		t.Errorf("a write whose context ended in line: Get gives %v", err)
	}
	if o, err := store.Get(t.Context(), "taken"); err != nil || string(o.Body) != "x" {
		t.Errorf("a write that the committer had taken: %+v, %v", o, err)
	}
}

// A write that cannot be carried out does not take others with it.
func TestFailureInACommit(t *testing.T) {
	store, release := stopped(t)
	broken := errors.New("broken")
	errs := make([]error, 10)
	wg := lineUp(store, len(errs), func(i int) {
		if i == 5 {
			errs[i] = store.write(t.Context(), &write{op: "put", key: "k", apply: func(*bolt.Bucket) (error, error) { return nil, broken }})
			return
		}
		if i == 6 {
			errs[i] = store.write(t.Context(), &write{op: "put", key: "k", apply: func(*bolt.Bucket) (error, error) {
				var none *bolt.Bucket
				return none.Put(nil, nil), nil // panics
			}})
			return
		}
		_, errs[i] = store.Put(t.Context(), "k/"+strconv.Itoa(i), nil, nil, s3db.IfAbsent())
	})
	release()
	wg.Wait()
	for i, err := range errs {
		switch se, _ := errors.AsType[*s3db.StoreError](err); {
		case i == 5 && (!errors.Is(err, broken) || !se.MaybeApplied || se.Temporary):
			t.Errorf("the broken write: %v", err)
		case i == 6 && !errors.Is(err, s3db.ErrCorrupt):
			t.Errorf("the write that panics: %v", err)
		case i != 5 && i != 6 && err != nil:
			t.Errorf("write %d: %v", i, err)
		}
	}
}

// Close commits what was handed over before.
func TestCloseCommits(t *testing.T) {
	store, release := stopped(t)
	errs := make([]error, 10)
	wg := lineUp(store, len(errs), func(i int) {
		_, errs[i] = store.Put(t.Context(), "k/"+strconv.Itoa(i), nil, nil, s3db.Condition{})
	})
	closed := make(chan error)
	go func() { closed <- store.Close() }()
	release()
	wg.Wait()
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	again, err := Open(t.Context(), store.Path(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	page, err := again.List(t.Context(), s3db.ListRequest{})
	if err != nil || len(page.Items) != len(errs) {
		t.Errorf("%d of %d writes are there after Close (%v)", len(page.Items), len(errs), err)
	}
}

// Commits wait for the disk.
func TestCommitsAreSynced(t *testing.T) {
	store, _ := stopped(t)
	if store.db.NoSync || store.db.NoGrowSync {
		t.Error("commits are not synced")
	}
}
