package goldentest

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/testdata/golden/expiry/expiry"
)

// expiring is a database with one document of each resource that expires, each with
// content, at a time when all have expired, and one that never does.
func expiring(t *testing.T) (*memstore.Server, *expiry.DB, s3db.Option) {
	t.Helper()
	ctx := t.Context()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := s3db.WithClock(func() time.Time { return now })
	server := memstore.NewServer(memstore.Options{})
	db, err := expiry.New(ctx, server.Client(), clock)
	if err != nil {
		t.Fatal(err)
	}
	check := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	text := func() io.Reader { return strings.NewReader("content") }
	check(db.Sessions.Insert(ctx, expiry.SessionInsert{ID: "a", User: "ada"}))
	check(db.Sessions.SetContent(ctx, "a", text()))
	check(db.Drafts.Insert(ctx, expiry.DraftInsert{ID: "a", Title: "t"}))
	check(db.Drafts.SetContent(ctx, "a", text()))
	check(db.Tokens.Insert(ctx, expiry.TokenInsert{ID: "a", Name: "n", Until: &now}))
	check(db.Tokens.Insert(ctx, expiry.TokenInsert{ID: "never", Name: "n"}))
	check(db.Codes.Insert(ctx, expiry.CodeInsert{ID: "a", Sent: &now}))
	check(db.Kept.Insert(ctx, expiry.KeptInsert{ID: "a", Name: "n"}))
	check(db.Kept.SetContent(ctx, "a", text()))
	now = now.AddDate(150, 0, 0)
	return server, db, clock
}

// TestSweepClients: the generated client and one without generated code delete the same,
// with contents, entries and claims, and tell the same.
func TestSweepClients(t *testing.T) {
	ctx := t.Context()
	want := []s3db.SweepReport{
		{Resource: "sessions", Due: 1, Deleted: 1}, {Resource: "drafts", Due: 1, Deleted: 1},
		{Resource: "tokens", Due: 1, Deleted: 1}, {Resource: "codes", Due: 1, Deleted: 1},
	}
	for name, sweep := range map[string]func(*memstore.Server, *expiry.DB, s3db.Option) []s3db.SweepReport{
		"generated": func(_ *memstore.Server, db *expiry.DB, _ s3db.Option) []s3db.SweepReport {
			reports, err := db.Sweep(ctx, s3db.SweepOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return reports
		},
		"dynamic": func(server *memstore.Server, _ *expiry.DB, clock s3db.Option) (reports []s3db.SweepReport) {
			db, err := dynamic.New(ctx, server.Client(), dynamic.Config{}, clock)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range want {
				r, err := db.Resource(x.Resource)
				if err != nil {
					t.Fatal(err)
				}
				if r.Expires() == "" {
					t.Errorf("%s does not expire", x.Resource)
				}
				report, err := r.Sweep(ctx, s3db.SweepOptions{})
				if err != nil {
					t.Fatal(err)
				}
				reports = append(reports, *report)
			}
			return reports
		},
	} {
		server, db, clock := expiring(t)
		if diff := cmp.Diff(want, sweep(server, db, clock)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(want[:0], sweepAgain(t, db)); diff != "" {
			t.Errorf("%s, again (-want +got):\n%s", name, diff)
		}
		report, err := db.Database().Fsck(ctx, s3db.FsckOptions{Exclusive: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range report.Findings {
			if f.Kind != s3db.OldTombstone {
				t.Errorf("%s leaves %s %s", name, f.Kind, f.Key)
			}
		}
		if report.Documents != 2 || report.Contents != 1 || report.Claims != 0 || report.Entries != 0 {
			t.Errorf("%s: %+v", name, report)
		}
	}
}

// sweepAgain returns the reports of a sweep that found something.
func sweepAgain(t *testing.T, db *expiry.DB) []s3db.SweepReport {
	t.Helper()
	reports, err := db.Sweep(t.Context(), s3db.SweepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found := []s3db.SweepReport{}
	for _, r := range reports {
		if r.Due > 0 {
			found = append(found, r)
		}
	}
	return found
}

// TestExpiredContentsAndClaims: what an expired document has is absent before a sweep
// too, and its unique value is free; what takes it has nothing of the old one.
func TestExpiredContentsAndClaims(t *testing.T) {
	ctx := t.Context()
	_, db, _ := expiring(t)
	absent := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, s3db.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := db.Sessions.ByUser(ctx, "ada")
	absent("lookup", err)
	_, err = db.Sessions.Content(ctx, "a")
	absent("content", err)
	if has, err := db.Sessions.HasContent(ctx, "a"); has {
		t.Errorf("HasContent: %t, %v", has, err)
	}
	_, err = db.Sessions.SetContent(ctx, "a", strings.NewReader("late"))
	absent("SetContent", err)
	if _, err := db.Sessions.Insert(ctx, expiry.SessionInsert{ID: "b", User: "ada"}); err != nil {
		t.Fatal(err)
	}
	if s, err := db.Sessions.ByUser(ctx, "ada"); err != nil || s.ID != "b" {
		t.Errorf("the new owner: %+v, %v", s, err)
	}
	if _, err := db.Sessions.Insert(ctx, expiry.SessionInsert{ID: "a", User: "bob"}); err != nil {
		t.Fatal(err)
	}
	if has, err := db.Sessions.HasContent(ctx, "a"); has || err != nil {
		t.Errorf("content of the document in its place: %t, %v", has, err)
	}
	report, err := db.Database().Fsck(ctx, s3db.FsckOptions{Exclusive: true})
	if err != nil || report.Documents != 7 || report.Contents != 2 { // of drafts and kept
		t.Errorf("fsck: %+v, %v", report, err)
	}
}

// TestResources: a database is connected to, creates its resources, and tells which there
// are.
func TestResources(t *testing.T) {
	ctx := t.Context()
	server, _, _ := expiring(t)
	db, err := dynamic.New(ctx, server.Client(), dynamic.Config{})
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, r := range db.Resources() {
		names = append(names, r.Name())
	}
	if diff := cmp.Diff([]string{"codes", "drafts", "kept", "sessions", "tokens"}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r, err := db.Resource("kept"); err != nil || r.Name() != "kept" {
		t.Errorf("a resource that exists: %v", err)
	}
	if _, err := db.Resource("none"); !errors.Is(err, s3db.ErrNotFound) {
		t.Errorf("one that does not: %v", err)
	}
	if _, err := dynamic.New(ctx, memstore.New(), dynamic.Config{}); !errors.Is(err, s3db.ErrNotFound) {
		t.Errorf("no database: %v", err)
	}
}
