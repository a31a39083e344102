package s3db_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// openAccountsAs opens accounts with the first p partitions and k unique
// constraints, each of which is a version of its own.
func openAccountsAs(t *testing.T, store s3db.Store, p, k int) *clienttest.Accounts {
	t.Helper()
	c, err := clienttest.Open(t.Context(), store, p, k)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func insertAccount(t *testing.T, c *clienttest.Accounts, id, country, plan, email string) {
	t.Helper()
	in := clienttest.AccountInsert{ID: clienttest.AccountID(id), Name: "n", Country: &country, Plan: &plan, Email: &email}
	if _, err := c.Insert(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

// byPlan lists the ids of the third partition, which only the newer version has.
func byPlan(t *testing.T, c *clienttest.Accounts, plans ...string) []string {
	t.Helper()
	list, err := s3db.InPartition(c, "byPlan", (*s3db.KeyBuilder).String, plans...).List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, d := range list {
		ids = append(ids, string(d.ID))
	}
	return ids
}

// TestMixedVersions lets programs of two versions write one database, of which
// only the newer has the partition byPlan and the unique email: no row of the
// partition is ever missing, in the order of its keys, and none is twice.
func TestMixedVersions(t *testing.T) {
	server := memstore.NewServer(memstore.Options{})
	older := openAccountsAs(t, server.Client(), 1, 0)
	insertAccount(t, older, "a", "BR", "pro", "a@x.io")
	newer := openAccountsAs(t, server.Client(), 3, 1)
	insertAccount(t, newer, "b", "BR", "free", "b@x.io")
	insertAccount(t, older, "c", "PT", "pro", "c@x.io")

	want := func(step string, all ...string) {
		t.Helper()
		if diff := cmp.Diff(all, byPlan(t, newer)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step, diff)
		}
	}
	want("after inserts by both", "b", "a", "c") // free before pro
	if diff := cmp.Diff([]string{"a", "c"}, byPlan(t, newer, "pro")); diff != "" {
		t.Errorf("one value (-want +got):\n%s", diff)
	}
	plan := func(c *clienttest.Accounts, id, plan string) {
		t.Helper()
		if _, err := c.Update(t.Context(), clienttest.AccountID(id), clienttest.AccountPatch{Plan: s3db.Set(plan)}); err != nil {
			t.Fatal(err)
		}
	}
	plan(newer, "a", "gold")
	want("after an update by the newer", "b", "a", "c")
	plan(older, "a", "zinc") // the entry under gold stays behind
	want("after an update by the older", "b", "c", "a")
	plan(older, "b", "pro") // had an entry under free
	want("after an update by the older of what the newer inserted", "b", "c", "a")
	plan(newer, "b", "pro") // nothing changes but who wrote it last
	plan(newer, "a", "zinc")
	want("after the newer wrote again", "b", "c", "a")

	report, err := newer.Migrate(t.Context(), s3db.MigrateOptions{Exclusive: true})
	if err != nil || !report.Complete || report.Migrated != 1 {
		t.Fatalf("migrated: %+v, %v", report, err)
	}
	want("after the migration", "b", "c", "a")
	if plans, err := s3db.Distinct(t.Context(), newer, "byPlan", func(d *clienttest.Account) string { return *d.Plan }); err != nil || !slices.Equal(plans, []string{"pro", "zinc"}) {
		t.Errorf("distinct plans are %v, %v", plans, err)
	}
	if d, err := clienttest.ByEmail(t.Context(), newer, "c@x.io"); err != nil || d.ID != "c" {
		t.Errorf("lookup after the migration: %v, %v", d, err)
	}
	_, err = newer.Insert(t.Context(), clienttest.AccountInsert{Name: "n", Email: new("a@x.io")})
	if !errors.Is(err, s3db.ErrUnique) {
		t.Errorf("an email of the first version is taken twice: %v", err)
	}
	exact := newer.Database()
	if _, err := exact.Fsck(t.Context(), s3db.FsckOptions{Exclusive: true, Repair: true}); err != nil {
		t.Fatal(err)
	}
	clienttest.CheckExact(t, server.Client(), 3, 1)
}

// TestIncompleteIndexes: lookups and distinct values find documents without
// entries and claims too, and Versions says which indexes are incomplete; reads
// cost what the entries cost when the migration is complete.
func TestIncompleteIndexes(t *testing.T) {
	server := memstore.NewServer(memstore.Options{})
	older := openAccountsAs(t, server.Client(), 1, 0)
	insertAccount(t, older, "a", "BR", "pro", "a@x.io")
	insertAccount(t, older, "b", "PT", "free", "b@x.io")
	store := server.Client()
	newer := openAccountsAs(t, store, 3, 1)
	ctx := t.Context()
	if d, err := clienttest.ByEmail(ctx, newer, "b@x.io"); err != nil || d.ID != "b" {
		t.Errorf("lookup: %v, %v", d, err)
	}
	if _, err := clienttest.ByEmail(ctx, newer, "x@x.io"); !errors.Is(err, s3db.ErrNotFound) {
		t.Errorf("lookup of what nobody has: %v", err)
	}
	plans, err := s3db.Distinct(ctx, newer, "byPlan", func(d *clienttest.Account) string { return *d.Plan })
	if err != nil || !slices.Equal(plans, []string{"free", "pro"}) {
		t.Errorf("distinct plans are %v, %v", plans, err)
	}
	versions := func(c *clienttest.Accounts) s3db.ResourceVersion {
		t.Helper()
		list, err := c.Database().Versions(ctx)
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		return list[0]
	}
	want := s3db.ResourceVersion{
		Resource: "accounts", Version: 1, Newest: 1, Writable: true,
		Incomplete: []string{"partition byCountryCity", "partition byPlan", "unique email"},
	}
	if diff := cmp.Diff(want, versions(newer)); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	if _, err := newer.Migrate(ctx, s3db.MigrateOptions{Exclusive: true}); err != nil {
		t.Fatal(err)
	}
	want.Oldest, want.Incomplete = 1, nil
	if diff := cmp.Diff(want, versions(newer)); diff != "" {
		t.Errorf("versions after the migration (-want +got):\n%s", diff)
	}
	if v := versions(older); !v.Outdated() || v.Writable {
		t.Errorf("the older program: %+v", v)
	}
	store.ResetCounts()
	byPlan(t, newer, "pro")
	if c := store.Counts(); c.List != 1 || c.Get != 1 {
		t.Errorf("a read of the complete partition sends %+v, want 1 list and 1 get", c)
	}
}

// TestDroppedPartition: the older program reads all rows of a partition that the
// newer one does not keep up any more.
func TestDroppedPartition(t *testing.T) {
	server := memstore.NewServer(memstore.Options{})
	insertAccount(t, openAccountsAs(t, server.Client(), 3, 0), "a", "BR", "pro", "a@x.io")
	newer := openAccountsAs(t, server.Client(), 1, 0)
	insertAccount(t, newer, "b", "BR", "free", "b@x.io")
	if _, err := newer.Update(t.Context(), "a", clienttest.AccountPatch{Plan: s3db.Set("zinc")}); err != nil {
		t.Fatal(err)
	}
	older := openAccountsAs(t, server.Client(), 3, 0) // starts when the newer version is there
	if diff := cmp.Diff([]string{"b", "a"}, byPlan(t, older)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestOlderWritersAreShutOut: a program that was running when the migration began
// learns of it within five minutes, and the migration counts only when it began
// an hour after that.
func TestOlderWritersAreShutOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := memstore.NewServer(memstore.Options{Now: time.Now})
		older := openAccountsAs(t, server.Client(), 1, 0)
		insertAccount(t, older, "a", "BR", "pro", "a@x.io")
		newer := openAccountsAs(t, server.Client(), 3, 0)
		migrate := func() *s3db.MigrateReport {
			t.Helper()
			report, err := newer.Migrate(t.Context(), s3db.MigrateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return report
		}
		first := migrate()
		if first.Complete || first.Migrated != 1 || time.Until(first.Again) != time.Hour {
			t.Errorf("the first run: %+v", first)
		}
		<-time.After(4 * time.Minute)
		insertAccount(t, older, "late", "BR", "free", "l@x.io") // it cannot know yet
		if diff := cmp.Diff([]string{"late", "a"}, byPlan(t, newer)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		<-time.After(2 * time.Minute)
		_, err := older.Update(t.Context(), "a", clienttest.AccountPatch{Name: s3db.Set("x")})
		if !errors.Is(err, s3db.ErrOutdated) {
			t.Errorf("the older program writes six minutes after it was shut out: %v", err)
		}
		if _, err := older.Get(t.Context(), "late"); err != nil {
			t.Errorf("the older program does not read any more: %v", err)
		}
		if again := migrate(); again.Complete || again.Migrated != 1 {
			t.Errorf("the run within the hour: %+v", again)
		}
		<-time.After(time.Hour)
		if last := migrate(); !last.Complete || last.Migrated != 0 || last.Documents != 2 {
			t.Errorf("the run after an hour: %+v", last)
		}
		if done := migrate(); !done.Complete || done.Documents != 0 {
			t.Errorf("the run after the last: %+v", done)
		}
	})
}

// TestMigrateReports: documents that cannot be migrated are named and stay, and
// keep the migration from being complete; a dry run finds broken rules and writes
// nothing.
func TestMigrateReports(t *testing.T) {
	server := memstore.NewServer(memstore.Options{})
	older := openAccountsAs(t, server.Client(), 1, 0)
	insertAccount(t, older, "a", "BR", "pro", "same@x.io")
	insertAccount(t, older, "b", "BR", "pro", "same@x.io")
	insertAccount(t, older, "c", "BR", "pro", "c@x.io")
	store := server.Client()
	newer := openAccountsAs(t, store, 1, 1)
	before := fmt.Sprint(server.Keys())
	report, err := newer.Migrate(t.Context(), s3db.MigrateOptions{DryRun: true})
	if err != nil || report.Complete || report.Migrated != 3 || fmt.Sprint(server.Keys()) != before {
		t.Errorf("the dry run: %+v, %v", report, err)
	}
	if _, err := older.Update(t.Context(), "c", clienttest.AccountPatch{Name: s3db.Set("older programs still write")}); err != nil {
		t.Errorf("after a dry run: %v", err)
	}
	var progress []s3db.MigrateReport
	report, err = newer.Migrate(t.Context(), s3db.MigrateOptions{Exclusive: true, Progress: func(r s3db.MigrateReport) { progress = append(progress, r) }})
	bulk, ok := errors.AsType[*s3db.BulkError](err)
	if !ok || len(bulk.Failed) != 1 || !errors.Is(err, s3db.ErrUnique) || strings.Contains(err.Error(), "same@x.io") {
		t.Fatalf("two documents with one email: %v", err)
	}
	if report.Complete || report.Migrated != 2 || report.Failed != 1 || len(progress) != 1 || progress[0] != *report {
		t.Errorf("report %+v, progress %+v", report, progress)
	}
	if _, err := newer.Update(t.Context(), clienttest.AccountID(bulk.Failed[0].ID), clienttest.AccountPatch{Email: s3db.Set("other@x.io")}); err != nil {
		t.Fatal(err)
	}
	report, err = newer.Migrate(t.Context(), s3db.MigrateOptions{Exclusive: true})
	if err != nil || !report.Complete || report.Resumed {
		t.Errorf("after the clash was put right: %+v, %v", report, err)
	}
}

// TestMigrateCrash ends a migration at each of its requests, before and after the
// server applied it. The next run completes it; all rows of the new partition and
// all claims are there, and times of updates stay.
func TestMigrateCrash(t *testing.T) {
	const documents = 3
	for n := 1; ; n++ {
		var struck atomic.Bool // requests run side by side
		for _, applied := range []bool{false, true} {
			t.Run(fmt.Sprintf("request %d, applied %v", n, applied), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					server := memstore.NewServer(memstore.Options{})
					older := openAccountsAs(t, server.Client(), 1, 0)
					for i := range documents {
						insertAccount(t, older, fmt.Sprint("d", i), "BR", fmt.Sprint("p", i), fmt.Sprintf("%d@x.io", i))
					}
					updated := map[clienttest.AccountID]time.Time{}
					for d, err := range older.Query().All(t.Context()) {
						if err != nil {
							t.Fatal(err)
						}
						updated[d.ID] = d.UpdatedAt
					}
					<-time.After(time.Hour)
					store := server.Client()
					crashing := openAccountsAs(t, store, 3, 1)
					store.ResetCounts()
					fault := crashAt(n, applied)
					store.SetFault(func(r memstore.Request) memstore.Injection {
						x := fault(r)
						if x.Fault == memstore.Crash {
							struck.Store(true)
						}
						return x
					})
					_, err := crashing.Migrate(t.Context(), s3db.MigrateOptions{Exclusive: true})
					if !struck.Load() && err != nil {
						t.Fatal(err)
					}
					newer := openAccountsAs(t, server.Client(), 3, 1)
					if diff := cmp.Diff([]string{"d0", "d1", "d2"}, byPlan(t, newer)); diff != "" {
						t.Errorf("after the crash (-want +got):\n%s", diff)
					}
					report, err := newer.Migrate(t.Context(), s3db.MigrateOptions{Exclusive: true})
					if err != nil || !report.Complete {
						t.Fatalf("the next run: %+v, %v", report, err)
					}
					clienttest.CheckIndexes(t, server.Client(), 3, 1)
					for d, err := range newer.Query().All(t.Context()) {
						if err != nil || !d.UpdatedAt.Equal(updated[d.ID]) || d.Meta.StoredVersion != 1 {
							t.Errorf("%v, %v: updated %v, was %v", d, err, d.UpdatedAt, updated[d.ID])
						}
					}
					if diff := cmp.Diff([]string{"d0", "d1", "d2"}, byPlan(t, newer)); diff != "" {
						t.Errorf("after the next run (-want +got):\n%s", diff)
					}
				})
			})
		}
		if !struck.Load() {
			t.Logf("%d requests", n-1)
			return
		}
	}
}

// TestMigrateGoesOn: a run that was cut off after some pages is gone on with, and
// what it could not migrate is not forgotten.
func TestMigrateGoesOn(t *testing.T) {
	const documents = 1500
	server := memstore.NewServer(memstore.Options{})
	older := openAccountsAs(t, server.Client(), 0, 0)
	for i := range documents {
		if _, err := older.Insert(t.Context(), clienttest.AccountInsert{ID: clienttest.AccountID(fmt.Sprintf("d%04d", i)), Name: "n", Plan: new("p")}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	newer := openAccountsAs(t, server.Client(), 3, 0)
	_, err := newer.Migrate(ctx, s3db.MigrateOptions{Exclusive: true, Progress: func(s3db.MigrateReport) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("the run that is cut off: %v", err)
	}
	report, err := openAccountsAs(t, server.Client(), 3, 0).Migrate(t.Context(), s3db.MigrateOptions{Exclusive: true})
	want := &s3db.MigrateReport{Resource: "accounts", Version: 1, Documents: 500, Migrated: 500, Resumed: true, Complete: true}
	if diff := cmp.Diff(want, report); diff != "" || err != nil {
		t.Errorf("the run that goes on (-want +got), %v:\n%s", err, diff)
	}
	if n := len(byPlan(t, newer)); n != documents {
		t.Errorf("the partition has %d documents, want %d", n, documents)
	}
}

// TestForeignShape: a database in which a field has another type is refused, since
// a lock file must have been lost.
func TestForeignShape(t *testing.T) {
	store := memstore.New()
	openAccountsAs(t, store, 0, 0)
	obj, err := store.Get(t.Context(), "s3db.json")
	if err != nil {
		t.Fatal(err)
	}
	other := strings.Replace(string(obj.Body), `"name": "count"`, `"name": "score"`, 1)
	other = strings.Replace(other, `"type": "integer"`, `"type": "boolean"`, 1)
	if _, err := store.Put(t.Context(), "s3db.json", []byte(other), nil, s3db.Condition{}); err != nil {
		t.Fatal(err)
	}
	_, err = clienttest.Open(t.Context(), store, 1, 0)
	if !errors.Is(err, s3db.ErrConfig) || !strings.Contains(fmt.Sprint(err), "field 2 has another type in version 0") {
		t.Errorf("error is %v", err)
	}
}

// TestWaitingForTheRegistryEnds: a writer whose context ends does not wait for
// another one that reads the registry again, however long that takes.
func TestWaitingForTheRegistryEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, store := openAccounts(t)
		must(c.Insert(t.Context(), clienttest.AccountInsert{ID: "a", Name: "n"}))(t)
		<-time.After(6 * time.Minute)
		store.SetFault(func(r memstore.Request) memstore.Injection {
			if strings.HasSuffix(r.Key, "s3db.json") {
				return memstore.Injection{Fault: memstore.Stall}
			}
			return memstore.Injection{}
		})
		first, giveUp := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := c.Update(first, "a", clienttest.AccountPatch{Name: s3db.Set("x")})
			done <- err
		}()
		synctest.Wait()
		const patience = time.Second
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		start := time.Now()
		_, err := c.Update(ctx, "a", clienttest.AccountPatch{Name: s3db.Set("y")})
		if waited := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || waited != patience {
			t.Errorf("the second writer waited %v: %v", waited, err)
		}
		giveUp()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("the first writer: %v", err)
		}
	})
}
