package s3db_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// TestChangedTTL: a ttl that is added or changed holds for what was stored before, for
// reads at once and for a sweep that reads all documents; one that is removed
// lets them live.
func TestChangedTTL(t *testing.T) {
	ctx := t.Context()
	hour := &s3db.TTL[clienttest.Account]{For: time.Hour, Every: time.Minute}
	day := &s3db.TTL[clienttest.Account]{For: 24 * time.Hour, Every: time.Hour}
	for name, test := range map[string]struct {
		before, after *s3db.TTL[clienttest.Account]
		living        time.Duration // of the documents under the second, zero for ever
	}{
		"added": {nil, hour, time.Hour}, "shorter": {day, hour, time.Hour}, "longer": {hour, day, 24 * time.Hour}, "removed": {hour, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			server := memstore.NewServer(memstore.Options{})
			start := time.Date(2026, 1, 1, 0, 0, 30, 0, time.UTC)
			now := start
			clock := s3db.WithClock(func() time.Time { return now })
			var counter s3db.RequestCounter
			open := func(ttl *s3db.TTL[clienttest.Account]) *clienttest.Accounts {
				return must(clienttest.OpenTTL(ctx, server.Client(), 1, 1, ttl, clock, s3db.WithRequestObserver(counter.Observe)))(t)
			}
			insert := func(c *clienttest.Accounts, id clienttest.AccountID) {
				t.Helper()
				must(c.Insert(ctx, clienttest.AccountInsert{ID: id, Name: "n", Email: new(string(id) + "@x.io"), Country: new("BR")}))(t)
			}
			insert(open(test.before), "old")
			c := open(test.after)
			insert(c, "new")
			sweep := func(deleted int) string {
				t.Helper()
				var report *s3db.SweepReport
				cost := spent(&counter, func() { report = must(c.Sweep(ctx, s3db.SweepOptions{}))(t) })
				if report.Deleted != deleted || report.Due != deleted {
					t.Errorf("after %v: %+v, want %d deleted", now.Sub(start), report, deleted)
				}
				return cost
			}
			if test.living == 0 {
				now = now.Add(1000 * time.Hour)
				if n := must(c.Query().Count(ctx))(t); n != 2 || sweep(0) != "0 LIST 0 GET 0 other" {
					t.Errorf("%d live on", n)
				}
				return
			}
			now = start.Add(test.living - time.Nanosecond)
			if n := must(c.Query().Count(ctx))(t); n != 2 {
				t.Errorf("%d before their end", n)
			}
			if cost := sweep(0); cost == "1 LIST 0 GET 0 other" {
				t.Error("a sweep does not read the documents, some of which have no entry")
			}
			now = start.Add(test.living)
			if n := must(c.Query().Count(ctx))(t); n != 0 {
				t.Errorf("%d at their end", n)
			}
			if _, err := c.Get(ctx, "old"); !errors.Is(err, s3db.ErrNotFound) {
				t.Error(err)
			}
			now = now.Add(2 * time.Hour) // the grain of the index
			insert(c, "third")
			sweep(2)
			if n := must(c.Query().Count(ctx))(t); n != 1 {
				t.Errorf("%d are left", n)
			}
			// Entries under the earlier ttl are left over, as those of any changed partition.
			must(c.Migrate(ctx, s3db.MigrateOptions{Exclusive: true}))(t)
			must(c.Database().Fsck(ctx, s3db.FsckOptions{Repair: true, Exclusive: true}))(t)
			if cost := sweep(0); cost != "1 LIST 0 GET 0 other" {
				t.Errorf("after a migration a sweep takes %s", cost)
			}
		})
	}
}

// TestHistoryExpires: what is kept of a document ends with it, for reads at once, and in
// the store with a sweep or with the write that takes its place. It does not make the
// document live longer.
func TestHistoryExpires(t *testing.T) {
	ctx := t.Context()
	server := memstore.NewServer(memstore.Options{})
	start := time.Date(2026, 1, 1, 0, 0, 30, 0, time.UTC)
	now := start
	clock := s3db.WithClock(func() time.Time { return now })
	ttl := &s3db.TTL[clienttest.Account]{For: time.Hour, Every: time.Minute}
	old := must(clienttest.OpenHistory(ctx, server.Client(), 0, ttl, clock))(t)
	for _, id := range []clienttest.AccountID{"swept", "replaced"} {
		must(old.Insert(ctx, clienttest.AccountInsert{ID: id, Name: "before", Email: new(string(id) + "@x.io")}))(t)
	}
	c := must(clienttest.OpenHistory(ctx, server.Client(), 1, ttl, clock))(t)
	kept := func() (n int) {
		for _, key := range server.Keys() {
			if strings.Contains(key, "/history/") {
				n++
			}
		}
		return n
	}
	now = start.Add(30 * time.Minute)
	for _, id := range []clienttest.AccountID{"swept", "replaced"} {
		d := must(c.Update(ctx, id, clienttest.AccountPatch{Name: s3db.Set("after")}))(t)
		if want := start.Add(time.Hour); !d.Meta.Expires.Equal(want) {
			t.Errorf("%s expires %v, want %v", id, d.Meta.Expires, want)
		}
		list := must(c.History(ctx, id))(t)
		if len(list) != 1 || list[0].Name != "before" || list[0].Meta.StoredVersion != 0 || !list[0].Meta.Expires.Equal(d.Meta.Expires) {
			t.Errorf("history of %s: %+v", id, list)
		}
	}
	if kept() != 2 {
		t.Fatalf("%d states are kept", kept())
	}

	now = start.Add(time.Hour)
	for _, id := range []clienttest.AccountID{"swept", "replaced"} {
		if list, err := c.History(ctx, id); !errors.Is(err, s3db.ErrNotFound) {
			t.Errorf("history of %s, which has expired: %v, %v", id, list, err)
		}
	}
	now = now.Add(time.Minute)
	must(c.Insert(ctx, clienttest.AccountInsert{ID: "replaced", Name: "another", Email: new("replaced@x.io")}))(t)
	if list := must(c.History(ctx, "replaced"))(t); len(list) != 0 || kept() != 1 {
		t.Errorf("what took the place of a document has its history: %v; %d states are kept", list, kept())
	}
	if report := must(c.Sweep(ctx, s3db.SweepOptions{}))(t); report.Deleted != 1 || kept() != 0 {
		t.Errorf("%+v; %d states are kept", report, kept())
	}
	if report := must(c.Database().Fsck(ctx, s3db.FsckOptions{Exclusive: true}))(t); report.History != 0 || len(report.Findings) != report.Tombstones {
		t.Errorf("%+v", report)
	}
}
