package s3db_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// expiring are accounts that live for an hour, on a clock that the test moves.
type expiring struct {
	*clienttest.Accounts

	server  *memstore.Server
	now     time.Time
	counter s3db.RequestCounter
}

func openExpiring(t *testing.T, ttl *s3db.TTL[clienttest.Account]) *expiring {
	t.Helper()
	e := &expiring{now: time.Date(2026, 1, 1, 0, 0, 30, 0, time.UTC), server: memstore.NewServer(memstore.Options{})}
	var err error
	e.Accounts, err = clienttest.OpenTTL(t.Context(), e.server.Client(), 1, 1, ttl, s3db.WithClock(func() time.Time { return e.now }), s3db.WithRequestObserver(e.counter.Observe))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (e *expiring) insert(t *testing.T, id clienttest.AccountID, email string) *clienttest.Account {
	t.Helper()
	d, err := e.Insert(t.Context(), clienttest.AccountInsert{ID: id, Name: "n", Email: &email, Country: new("BR")})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestExpired: an expired document is absent for every read and write, before a sweep.
func TestExpired(t *testing.T) {
	e := openExpiring(t, &s3db.TTL[clienttest.Account]{For: time.Hour, Every: time.Minute})
	ctx := t.Context()
	a := e.insert(t, "a", "a@x.io")
	if want := e.now.Add(time.Hour); !a.Meta.Expires.Equal(want) {
		t.Errorf("expires %v, want %v", a.Meta.Expires, want)
	}
	e.now = e.now.Add(time.Hour - time.Nanosecond)
	if _, err := e.Get(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	e.now = e.now.Add(time.Nanosecond)
	e.insert(t, "b", "b@x.io")
	absent := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, s3db.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := e.Get(ctx, "a")
	absent("get", err)
	if yes, err := e.Exists(ctx, "a"); yes || err != nil {
		t.Errorf("exists: %v, %v", yes, err)
	}
	_, err = e.Update(ctx, "a", clienttest.AccountPatch{Name: s3db.Set("x")})
	absent("update", err)
	_, err = e.UpdateFrom(ctx, a, clienttest.AccountPatch{Name: s3db.Set("x")})
	absent("update of a held document", err)
	absent("delete", e.Delete(ctx, "a"))
	list, err := e.Query().List(ctx)
	if err != nil || len(list) != 1 || list[0].ID != "b" {
		t.Errorf("list: %v, %v", list, err)
	}
	if n, err := e.Query().Count(ctx); err != nil || n != 1 {
		t.Errorf("count: %d, %v", n, err)
	}
	// Its id and its unique value are free, and what it held goes with it.
	e.insert(t, "c", "a@x.io")
	e.insert(t, "a", "a2@x.io")
	clienttest.CheckIndexes(t, e.server.Client(), 1, 1)
}

// TestSweep: a sweep deletes what has expired, at one LIST, and nothing else.
func TestSweep(t *testing.T) {
	e := openExpiring(t, &s3db.TTL[clienttest.Account]{For: time.Hour, Every: time.Minute, Updated: true})
	ctx := t.Context()
	for i := range 5 {
		e.insert(t, clienttest.AccountID(fmt.Sprint("d", i)), fmt.Sprint(i, "@x.io"))
	}
	e.now = e.now.Add(59 * time.Minute)
	if _, err := e.Update(ctx, "d0", clienttest.AccountPatch{Name: s3db.Set("lives on")}); err != nil {
		t.Fatal(err)
	}
	var report *s3db.SweepReport
	var err error
	sweep := func(o s3db.SweepOptions) string {
		return spent(&e.counter, func() { report, err = e.Sweep(ctx, o) })
	}
	if cost := sweep(s3db.SweepOptions{}); err != nil || report.Due != 0 || cost != "1 LIST 0 GET 0 other" {
		t.Errorf("nothing is due: %+v, %v, took %s", report, err, cost)
	}
	e.now = e.now.Add(2 * time.Minute)
	if cost := sweep(s3db.SweepOptions{DryRun: true}); err != nil || report.Deleted != 4 || cost != "1 LIST 4 GET 0 other" {
		t.Errorf("dry run: %+v, %v, took %s", report, err, cost)
	}
	if cost := sweep(s3db.SweepOptions{Grace: time.Hour}); err != nil || report.Due != 0 {
		t.Errorf("grace: %+v, %v, took %s", report, err, cost)
	}
	cost := sweep(s3db.SweepOptions{})
	if want := (s3db.SweepReport{Resource: e.Name(), Due: 4, Deleted: 4}); err != nil || *report != want {
		t.Errorf("sweep: %+v, %v, want %+v", report, err, want)
	}
	if cost != "1 LIST 4 GET 9 other" { // a tombstone and a claim for each, and all entries in one
		t.Errorf("4 deletes took %s", cost)
	}
	if d, err := e.Get(ctx, "d0"); err != nil || d.Name != "lives on" {
		t.Errorf("%+v, %v", d, err)
	}
	if sweep(s3db.SweepOptions{}); err != nil || report.Due != 0 {
		t.Errorf("again: %+v, %v", report, err)
	}
	clienttest.CheckIndexes(t, e.server.Client(), 1, 1)
}

// TestSweepSparesTheLiving: a document whose life is prolonged between the listing and
// the delete stays.
func TestSweepSparesTheLiving(t *testing.T) {
	ttl := &s3db.TTL[clienttest.Account]{Every: time.Minute, After: func(d *clienttest.Account) *time.Time { return new(time.Unix(d.Count, 0)) }}
	e := openExpiring(t, ttl)
	ctx := t.Context()
	if _, err := e.Insert(ctx, clienttest.AccountInsert{ID: "a", Name: "n", Count: e.now.Add(time.Hour).Unix()}); err != nil {
		t.Fatal(err)
	}
	late := e.now.Add(2 * time.Hour)
	prolonged := false
	early := e.now
	other, err := clienttest.OpenTTL(ctx, e.server.Client(), 1, 1, ttl, s3db.WithClock(func() time.Time { return early }))
	if err != nil {
		t.Fatal(err)
	}
	e.Hook(s3db.Hooks[clienttest.Account, clienttest.AccountID]{BeforeDelete: func(context.Context, *clienttest.Account) error {
		if prolonged {
			return nil
		}
		// Another process, whose clock is behind, commits before the sweep does.
		prolonged = true
		_, err := other.Update(ctx, "a", clienttest.AccountPatch{Count: s3db.Add(int64(7200))})
		return err
	}})
	e.now = late
	report, err := e.Sweep(ctx, s3db.SweepOptions{})
	if err != nil || report.Kept != 1 || report.Deleted != 0 || !prolonged {
		t.Errorf("%+v, %v", report, err)
	}
	if _, err := e.Get(ctx, "a"); err != nil {
		t.Error(err)
	}
}

// TestSweepCrash: a sweep that ends at any of its requests leaves nothing that the next
// one does not finish, and takes nothing that lives.
func TestSweepCrash(t *testing.T) {
	for last := 0; ; last++ {
		e := openExpiring(t, &s3db.TTL[clienttest.Account]{For: time.Hour, Every: time.Minute})
		ctx := t.Context()
		for i := range 3 {
			e.insert(t, clienttest.AccountID(fmt.Sprint("d", i)), fmt.Sprint(i, "@x.io"))
		}
		e.now = e.now.Add(2 * time.Hour)
		e.insert(t, "young", "young@x.io")
		store := e.server.Client()
		dying, err := clienttest.OpenTTL(ctx, store, 1, 1, &s3db.TTL[clienttest.Account]{For: time.Hour, Every: time.Minute},
			s3db.WithClock(func() time.Time { return e.now }), s3db.WithConcurrency(1), s3db.WithRetry(s3db.RetryPolicy{Requests: 1, Base: 1, Cap: 1}))
		if err != nil {
			t.Fatal(err)
		}
		sent := 0
		store.SetFault(func(memstore.Request) memstore.Injection {
			if sent++; sent > last {
				return memstore.Injection{Fault: memstore.Reset, Applied: sent == last+1 && last%2 == 1}
			}
			return memstore.Injection{}
		})
		_, failed := dying.Sweep(ctx, s3db.SweepOptions{})
		report, err := e.Sweep(ctx, s3db.SweepOptions{})
		if err != nil {
			t.Fatalf("after request %d: %+v, %v", last, report, err)
		}
		for i := range 3 {
			e.insert(t, clienttest.AccountID(fmt.Sprint("d", i)), fmt.Sprint(i, "@x.io")) // all is free
		}
		if n, err := e.Query().Count(ctx); err != nil || n != 4 {
			t.Errorf("after request %d: %d documents, %v", last, n, err)
		}
		clienttest.CheckIndexes(t, e.server.Client(), 1, 1)
		if failed == nil && sent <= last {
			return // it came to its end
		}
	}
}

// TestSweepsAtOnce: any number of sweeps delete each document once.
func TestSweepsAtOnce(t *testing.T) {
	ttl := &s3db.TTL[clienttest.Account]{For: time.Hour, Every: time.Minute}
	e := openExpiring(t, ttl)
	for i := range 20 {
		e.insert(t, clienttest.AccountID(fmt.Sprint("d", i)), fmt.Sprint(i, "@x.io"))
	}
	now := e.now.Add(2 * time.Hour)
	var deleted, events atomic.Int64
	var sweeps sync.WaitGroup
	for range 4 {
		c, err := clienttest.OpenTTL(t.Context(), e.server.Client(), 1, 1, ttl, s3db.WithClock(func() time.Time { return now }))
		if err != nil {
			t.Fatal(err)
		}
		c.Hook(s3db.Hooks[clienttest.Account, clienttest.AccountID]{AfterDelete: func(context.Context, *clienttest.Account) error { events.Add(1); return nil }})
		sweeps.Go(func() {
			report, err := c.Sweep(t.Context(), s3db.SweepOptions{})
			if err != nil {
				t.Error(err)
			}
			deleted.Add(int64(report.Deleted))
		})
	}
	sweeps.Wait()
	if deleted.Load() != 20 || events.Load() != 20 {
		t.Errorf("%d deleted, %d hooks", deleted.Load(), events.Load())
	}
	clienttest.CheckIndexes(t, e.server.Client(), 1, 1)
}
