package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	"github.com/s3dbgen/s3dbgen/internal/canary"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/boltstore"
)

// insertSessions puts sessions into a database at a time.
func insertSessions(t *testing.T, url string, at time.Time, ids ...shop.SessionID) {
	t.Helper()
	db, err := shop.Open(t.Context(), url, s3db.WithPassphrase(canary.Value(scriptPassphrase)), s3db.WithRegion("us-east-1"),
		s3db.WithIDs("products", s3db.ULID), s3db.WithClock(func() time.Time { return at }))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, id := range ids {
		if _, err := db.Sessions.Insert(t.Context(), session(id, at)); err != nil {
			t.Fatal(err)
		}
	}
}

func session(id shop.SessionID, at time.Time) shop.SessionInsert {
	return shop.SessionInsert{ID: id, User: "ada", StartedAt: at, IP: netip.MustParseAddr("127.0.0.1"), Csrf: strings.Repeat("0f", 16)}
}

// sweptJSON is the report as a program reads it.
type sweptJSON struct {
	sweepReport

	Dollars float64 `json:"dollars"`
}

func parseSweep(t *testing.T, out string) (report sweptJSON) {
	t.Helper()
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return report
}

// longAgo is when sessions were made that have expired since.
var longAgo = time.Date(2020, time.January, 1, 0, 0, 0, 0, time.UTC)

// TestSweepCommand deletes what has expired from the command line.
func TestSweepCommand(t *testing.T) {
	path := filepath.ToSlash(filepath.Join(canary.TempDir(t), "shop.db"))
	url := "file://" + path
	insertSessions(t, url, longAgo, "a", "b", "c")
	insertSessions(t, url, time.Now(), "young")
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"sweep", url, "--dry-run"}, "sessions: 3 documents due, 3 to delete, 0 changed, 0 gone already, 0 failed\n4 requests, $0.0000062\n"},
		{[]string{"sweep", url, "--grace", "999999h"}, "sessions: 0 documents due, 0 deleted, 0 changed, 0 gone already, 0 failed\n1 request, $0.000005\n"},
		{[]string{"count", url, "sessions"}, "1\n"},
		{[]string{"sweep", url, "sessions"}, "sessions: 3 documents due, 3 deleted, 0 changed, 0 gone already, 0 failed\n8 requests, $0.0000062\n"},
		{[]string{"sweep", url}, "sessions: 0 documents due, 0 deleted, 0 changed, 0 gone already, 0 failed\n1 request, $0.000005\n"},
		{[]string{"count", url, "sessions"}, "1\n"},
		{[]string{"fsck", url}, "1 document, 1 entry, 0 claims, 0 contents, 0 tombstones; 0 findings, 0 recent\n"},
	} {
		if code, out := command(t, test.args...); code != exitOK || out != test.want {
			t.Errorf("%v: exit code %d\n%s\twant %s", test.args, code, out, test.want)
		}
	}

	// A document that cannot be deleted is named, and ends nothing.
	insertSessions(t, url, longAgo, "broken", "whole")
	store, err := boltstore.Open(t.Context(), path, boltstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.Put(t.Context(), "resource=sessions/data/id=broken", []byte("x"), nil, s3db.Condition{})
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	code, out := command(t, "sweep", url, "--format", "json")
	report := parseSweep(t, out)
	if code != exitDifferent {
		t.Errorf("exit code %d", code)
	}
	if want := (s3db.SweepReport{Resource: "sessions", Due: 2, Deleted: 1, Failed: 1}); len(report.Resources) != 1 || report.Resources[0] != want || report.DryRun || report.Requests == 0 || report.Dollars == 0 {
		t.Errorf("the report is %s", out)
	}
	if len(report.Failures) != 1 || report.Failures[0].ID != "broken" || report.Failures[0].Resource != "sessions" {
		t.Errorf("failures: %+v", report.Failures)
	}
	code, out = command(t, "sweep", url)
	if !strings.HasPrefix(out, "delete sessions/broken: ") || !strings.Contains(out, "1 document due, 0 deleted, 0 changed, 0 gone already, 1 failed") || code != exitDifferent {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// TestSweepCommandRefuses: wrong usage, and resources without a ttl.
func TestSweepCommandRefuses(t *testing.T) {
	url := "file://" + filepath.ToSlash(filepath.Join(canary.TempDir(t), "shop.db"))
	insertSessions(t, url, longAgo)
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"sweep"}, "sweep takes a database URL and names of resources, got 0 arguments"},
		{[]string{"sweep", url, "--grace", "-1s"}, "--grace -1s: must not be negative"},
		{[]string{"sweep", url, "--format", "xml"}, `--format "xml": must be text or json`},
		{[]string{"sweep", url, "users"}, `documents of "users" do not expire: it has no ttl`},
		{[]string{"sweep", url, "sessions", "session"}, `the database has no resource "session"`},
		{[]string{"sweep", "mem://"}, `memory belongs to one program`},
	} {
		if code, out := command(t, test.args...); code != exitFailed || !strings.Contains(out, test.want) {
			t.Errorf("%v: exit code %d\n%s\twant %s", test.args, code, out, test.want)
		}
	}
	if code, out := command(t, "sweep", usersFile(t, 3, false)); code != exitOK || out != "no resource has a ttl\n" {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// TestSweepOnServer sweeps on a real server, which refuses to go on in the middle. The
// next sweep ends it.
func TestSweepOnServer(t *testing.T) {
	const n = 20
	server := foreignServer(t)
	proxy := newBreaker(t, server.Endpoint)
	url := strings.Replace(server.BucketURL(server.Bucket(t), "shop"), server.Endpoint[len("http://"):], proxy.Listener.Addr().String(), 1)
	ids := make([]shop.SessionID, n)
	for i := range ids {
		ids[i] = shop.SessionID(fmt.Sprintf("s%02d", i))
	}
	insertSessions(t, url, longAgo, ids...)
	insertSessions(t, url, time.Now(), "young")

	proxy.fail(http.MethodPut, n/2)
	code, stdout, stderr := commandLine(t, "sweep", url)
	if code != exitFailed || !strings.Contains(stderr, "403") || !strings.Contains(stdout, fmt.Sprintf("%d documents due, %d deleted", n, n/2)) {
		t.Fatalf("a sweep that is refused: exit code %d\n%s%s", code, stdout, stderr)
	}
	proxy.fail(http.MethodPut, 1<<30)
	code, stdout, stderr = commandLine(t, "sweep", url, "--format", "json")
	if got := parseSweep(t, stdout).Resources; code != exitOK || len(got) != 1 || got[0].Deleted != n/2 {
		t.Errorf("the rest: exit code %d, %+v\n%s", code, got, stderr)
	}
	if code, stdout, stderr = commandLine(t, "sweep", url); code != exitOK || !strings.HasSuffix(stdout, "1 request, $0.000005\n") {
		t.Errorf("nothing is left: exit code %d\n%s%s", code, stdout, stderr)
	}
	if code, stdout, stderr = commandLine(t, "count", url, "sessions"); code != exitOK || stdout != "1\n" {
		t.Errorf("count: exit code %d\n%s%s", code, stdout, stderr)
	}
	if code, stdout, stderr = commandLine(t, "fsck", url); code != exitOK || stdout != "1 document, 1 entry, 0 claims, 0 contents, 20 tombstones; 0 findings, 20 recent\n" {
		t.Errorf("fsck: exit code %d\n%s%s", code, stdout, stderr)
	}
}
