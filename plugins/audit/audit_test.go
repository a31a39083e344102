package audit_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/canary"
	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	"github.com/s3dbgen/s3dbgen/plugins/audit"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/testdata/golden/secrets/secrets"
)

type (
	account = clienttest.AccountInsert
	patch   = clienttest.AccountPatch
)

// open opens accounts with the plugin. Each call is a session.
func open(t *testing.T, store s3db.Store, o audit.Options) (*clienttest.Accounts, *audit.Log) {
	t.Helper()
	p := audit.New(o)
	c, err := clienttest.Open(t.Context(), store, 1, 1, s3db.WithPlugin(p))
	if err != nil {
		t.Fatal(err)
	}
	return c, p.Log()
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// entries lists "operation id user state" of what a query finds.
func entries(t *testing.T, log *audit.Log, q audit.Query) []string {
	t.Helper()
	var list []string
	for e, err := range log.Entries(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprint(e.Operation, " ", e.ID, " ", e.User, " ", e.State))
	}
	return list
}

func verify(t *testing.T, log *audit.Log, anchors ...audit.Anchor) *audit.Report {
	t.Helper()
	return must(log.Verify(t.Context(), anchors...))(t)
}

// intact fails when the log has problems.
func intact(t *testing.T, log *audit.Log) *audit.Report {
	t.Helper()
	r := verify(t, log)
	if len(r.Problems) > 0 {
		t.Errorf("problems: %+v", r.Problems)
	}
	return r
}

// TestWrites: each way to write has its entry, which costs one PUT in the round
// that the write has anyway.
func TestWrites(t *testing.T) {
	store := memstore.New()
	c, log := open(t, store, audit.Options{})
	ctx := audit.WithUser(t.Context(), "ada")
	d := must(c.Insert(ctx, account{ID: "first", Name: "n"}))(t) // begins the session
	before := store.Counts()
	costs := func(what string, want memstore.Counts) {
		t.Helper()
		if diff := cmp.Diff(want, store.Counts().Sub(before)); diff != "" {
			t.Errorf("%s: requests (-want +got):\n%s", what, diff)
		}
		before = store.Counts()
	}
	must(c.Insert(ctx, account{ID: "a", Name: "n"}))(t)
	costs("insert", memstore.Counts{Put: 1 + 1})
	d = must(c.UpdateFrom(ctx, d, patch{Name: s3db.Set("m")}))(t)
	costs("update from", memstore.Counts{Put: 1 + 1})
	must(c.Upsert(ctx, "a", account{Name: "o"}))(t)
	must(c.Upsert(ctx, "b", account{Name: "o"}))(t)
	must(c.Replace(t.Context(), "b", account{Name: "p"}))(t)
	before = store.Counts()
	if err := c.Delete(ctx, "b"); err != nil {
		t.Fatal(err)
	}
	got := store.Counts().Sub(before)
	plain := memstore.New()
	other := must(clienttest.Open(t.Context(), plain, 1, 1))(t)
	must(other.Insert(ctx, account{ID: "b", Name: "n"}))(t)
	before = plain.Counts()
	if err := other.Delete(ctx, "b"); err != nil {
		t.Fatal(err)
	}
	want := plain.Counts().Sub(before)
	want.Put++
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("delete: requests (-want +got):\n%s", diff)
	}
	if err := c.DeleteMany(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	wantEntries := []string{
		"insert first ada committed", "insert a ada committed", "update first ada committed", "update a ada committed", "insert b ada committed",
		"update b  committed", "delete b ada committed", "delete a ada committed",
	}
	if diff := cmp.Diff(wantEntries, entries(t, log, audit.Query{})); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	for e, err := range log.Entries(t.Context(), audit.Query{ID: "first", NewestFirst: true, Limit: 1}) {
		if err != nil || e.Revision != d.Meta.Revision || e.Base == "" || e.Method != "update" || e.Before != nil || e.After != nil {
			t.Errorf("entry %+v, %v", e, err)
		}
	}
	if err := c.Database().Close(); err != nil {
		t.Fatal(err)
	}
	if r := intact(t, log); r.Entries != 8 || r.Sessions != 1 || r.Unsettled != 0 {
		t.Errorf("report: %+v", r)
	}
}

// TestRefusedWrites: what was not done leaves no entry, and no hole that looks like
// a removed one.
func TestRefusedWrites(t *testing.T) {
	store := memstore.New()
	c, log := open(t, store, audit.Options{})
	must(c.Insert(t.Context(), account{ID: "a", Name: "n", Email: new("x@x.io")}))(t)
	for range 3 {
		if _, err := c.Insert(t.Context(), account{ID: "a", Name: "n"}); !errors.Is(err, s3db.ErrAlreadyExists) {
			t.Fatal(err)
		}
		if _, err := c.Insert(t.Context(), account{ID: "b", Name: "n", Email: new("x@x.io")}); !errors.Is(err, s3db.ErrUnique) {
			t.Fatal(err)
		}
	}
	refuse := errors.New("closed")
	remove := c.Database().OnWrite(func(context.Context, *s3db.PendingWrite) error { return refuse })
	if err := c.Delete(t.Context(), "a"); !errors.Is(err, refuse) {
		t.Fatal(err)
	}
	remove()
	intact(t, log)
	must(c.Insert(t.Context(), account{ID: "c", Name: "n"}))(t)
	if r := intact(t, log); r.Entries != 2 || r.Unsettled != 1 { // the newest one
		t.Errorf("report: %+v", r)
	}
	// The entry before a hole is still linked to the one after it.
	other := func(body string) string { return strings.Replace(body, `"method":"`, `"method":"x`, 1) }
	if p := tamper(t, store, log, other, "!insert!", 0, nil); len(p) == 0 || p[0].Kind != audit.Broken {
		t.Errorf("an entry before a hole was altered: %+v", p)
	}
}

// TestUnderWay: an entry that is not stored yet, though a later one is, does not
// look removed, however long it takes.
func TestUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, log := open(t, memstore.New(), audit.Options{})
		release := make(chan struct{})
		c.Database().OnWrite(func(_ context.Context, w *s3db.PendingWrite) error {
			if w.ID == "slow" {
				<-release
			}
			return nil
		})
		var running sync.WaitGroup
		running.Go(func() { must(c.Insert(t.Context(), account{ID: "slow", Name: "n"}))(t) })
		synctest.Wait()
		must(c.Insert(t.Context(), account{ID: "fast", Name: "n"}))(t)
		if r := intact(t, log); r.Entries != 1 || r.Unsettled != 2 {
			t.Errorf("one is under way: %+v", r)
		}
		close(release)
		running.Wait()
		must(c.Insert(t.Context(), account{ID: "third", Name: "n"}))(t)
		if r := intact(t, log); r.Entries != 3 || r.Unsettled != 1 {
			t.Errorf("afterwards: %+v", r)
		}
	})
}

// TestLeftOver: the entry of a refused write that could not be removed is known for
// what it is.
func TestLeftOver(t *testing.T) {
	store := memstore.New()
	c, log := open(t, store, audit.Options{})
	must(c.Insert(t.Context(), account{ID: "a", Name: "n"}))(t)
	store.SetFault(func(r memstore.Request) memstore.Injection {
		if r.Kind == memstore.Delete || r.Kind == memstore.DeleteMany {
			return memstore.Injection{Fault: memstore.Denied}
		}
		return memstore.Injection{}
	})
	if _, err := c.Insert(t.Context(), account{ID: "a", Name: "n"}); !errors.Is(err, s3db.ErrAlreadyExists) {
		t.Fatal(err)
	}
	want := []string{"insert a  committed", "insert a  refused"}
	if diff := cmp.Diff(want, entries(t, log, audit.Query{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := c.Database().Close(); err != nil {
		t.Fatal(err)
	}
	other := must(audit.OpenLog(c.Database(), audit.LogOptions{}))(t)
	if diff := cmp.Diff(want, entries(t, other, audit.Query{})); diff != "" {
		t.Errorf("after the end of the session (-want +got):\n%s", diff)
	}
	if r := intact(t, other); r.Refused != 1 || r.Entries != 2 {
		t.Errorf("report: %+v", r)
	}
}

// TestQuery: names of entries answer; only what is asked for is read.
func TestQuery(t *testing.T) {
	store := memstore.New()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	p := audit.New(audit.Options{Now: func() time.Time { now = now.Add(time.Minute); return now }})
	c := must(clienttest.Open(t.Context(), store, 0, 0, s3db.WithPlugin(p)))(t)
	start := now
	long := strings.Repeat("ü/!", 100)
	for i, user := range []string{"ada", "bob", "", long} {
		ctx := audit.WithUser(t.Context(), user)
		id := clienttest.AccountID(fmt.Sprint("id", i))
		must(c.Insert(ctx, account{ID: id, Name: "n"}))(t)
		must(c.Update(ctx, id, patch{Name: s3db.Set("m")}))(t)
	}
	for name, test := range map[string]struct {
		q    audit.Query
		want []string
	}{
		"user":      {audit.Query{User: "bob"}, []string{"insert id1 bob committed", "update id1 bob committed"}},
		"long user": {audit.Query{User: long, Operation: audit.Update}, []string{"update id3 " + long + " committed"}},
		"id":        {audit.Query{ID: "id0", Resource: "accounts"}, []string{"insert id0 ada committed", "update id0 ada committed"}},
		"time":      {audit.Query{From: start.Add(5 * time.Minute), Until: start.Add(6 * time.Minute)}, []string{"insert id2  committed"}},
		"newest":    {audit.Query{Operation: audit.Update, NewestFirst: true, Limit: 2}, []string{"update id3 " + long + " committed", "update id2  committed"}},
		"resource":  {audit.Query{Resource: "account"}, nil},
	} {
		if diff := cmp.Diff(test.want, entries(t, p.Log(), test.q)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	other := must(audit.OpenLog(c.Database(), audit.LogOptions{}))(t)
	before := store.Counts()
	if got := entries(t, other, audit.Query{Resource: "accounts", User: "ada", Operation: audit.Update}); len(got) != 1 || !strings.HasSuffix(got[0], "open") {
		t.Errorf("entries of a session that goes on: %q", got)
	}
	if diff := cmp.Diff(memstore.Counts{List: 1, Get: 2}, store.Counts().Sub(before)); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	// What the session has not said yet the documents tell.
	asked := audit.Query{User: "bob", Includes: func(ctx context.Context, resource, id string, rev s3db.Revision) (bool, error) {
		s, err := c.Stored().Get(ctx, clienttest.AccountID(id))
		return resource == "accounts" && s.Includes(rev), err
	}}
	if diff := cmp.Diff([]string{"insert id1 bob committed", "update id1 bob committed"}, entries(t, other, asked)); diff != "" {
		t.Errorf("with the documents (-want +got):\n%s", diff)
	}
}

// TestSecrets: entries hold the documents under IncludeData, and no secret ever.
func TestSecrets(t *testing.T) {
	server := memstore.NewServer(memstore.Options{})
	leaks := 0
	store := &canary.Store{Store: server.Client(), Leak: func(where, how string) { leaks++; t.Errorf("%s holds a secret %s", where, how) }}
	p := audit.New(audit.Options{IncludeData: true, Operations: []string{audit.Insert, audit.Update, audit.Delete, audit.Get}})
	db := must(secrets.New(t.Context(), store, s3db.WithPlugin(p), s3db.WithKey("k", canary.Key(1)), s3db.WithPasswordParams(s3db.PasswordParams{Memory: 8, Time: 1, Threads: 1})))(t)
	ctx := t.Context()
	must(db.Badges.Insert(ctx, secrets.BadgeInsert{
		ID: "b", Site: "main", Code: s3db.NewSecret(canary.Value("code")), PIN: s3db.NewSecret(int64(1)),
		Holder: secrets.BadgeHolder{Name: "Ada", Tax: new(s3db.NewSecret(canary.Value("tax"))), Level: s3db.NewSecret(secrets.BadgeHolderLevelLow)},
	}))(t)
	must(db.Badges.Update(ctx, "b", secrets.BadgePatch{Site: s3db.Set("annex"), Code: s3db.Set(s3db.NewSecret(canary.Value("new")))}))(t)
	must(db.Badges.ByCode(ctx, canary.Value("new")))(t)
	var states []string
	for e, err := range p.Log().Entries(ctx, audit.Query{Resource: "badges"}) {
		if err != nil {
			t.Fatal(err)
		}
		var before, after struct{ Site, Code string }
		_ = json.Unmarshal(e.Before, &before)
		_ = json.Unmarshal(e.After, &after)
		states = append(states, fmt.Sprint(e.Operation, before, after, e.ID))
	}
	want := []string{"insert{ } {main [redacted]}b", "update{main [redacted]} {annex [redacted]}b", "get{ } { }b"}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, key := range server.Keys() {
		o := must(server.Client().Get(ctx, key))(t)
		if strings.HasPrefix(key, "plugin=audit/") && canary.Find([]byte(key+string(o.Body))) != "" {
			t.Errorf("%s holds a secret", key)
		}
	}
}

// TestReads: a read is written down before the document is handed over, and is no
// read when that fails.
func TestReads(t *testing.T) {
	store := memstore.New()
	c, log := open(t, store, audit.Options{Operations: []string{audit.Get}, Resources: []string{"accounts"}})
	must(c.Insert(t.Context(), account{ID: "a", Name: "n"}))(t)
	must(c.Get(audit.WithUser(t.Context(), "eve"), "a"))(t)
	if _, err := c.Get(t.Context(), "none"); !errors.Is(err, s3db.ErrNotFound) {
		t.Error(err)
	}
	must(c.GetMany(t.Context(), "a"))(t)
	if diff := cmp.Diff([]string{"get a eve committed", "get a  committed"}, entries(t, log, audit.Query{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	store.SetFault(func(r memstore.Request) memstore.Injection {
		if r.Kind == memstore.Put {
			return memstore.Injection{Fault: memstore.Crash}
		}
		return memstore.Injection{}
	})
	if d, err := c.Get(t.Context(), "a"); err == nil || d != nil {
		t.Errorf("read %v, %v", d, err)
	}
}

// TestOptions: what cannot be is an error of Open.
func TestOptions(t *testing.T) {
	p := audit.New(audit.Options{})
	must(clienttest.Open(t.Context(), memstore.New(), 0, 0, s3db.WithPlugin(p)))(t)
	for want, p := range map[string]*audit.Plugin{
		`unknown operation "list"`:             audit.New(audit.Options{Operations: []string{"list"}}),
		`no resource "users"`:                  audit.New(audit.Options{Resources: []string{"users"}}),
		"-1 days of retention":                 audit.New(audit.Options{RetentionDays: -1}),
		"the key has 3 bytes, needs 32":        audit.New(audit.Options{Key: []byte("abc")}),
		"one audit.Plugin is for one database": p,
	} {
		_, err := clienttest.Open(t.Context(), memstore.New(), 0, 0, s3db.WithPlugin(p))
		if !errors.Is(err, s3db.ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// key is that of tests whose log has one.
var key = bytes.Repeat([]byte{7}, 32)

// tamper changes the n-th object below a prefix whose key contains a text, or
// removes it when change makes it "", and returns what Verify finds. The object is
// then put back. With a key the hash is made anew, as somebody could who knows how;
// nil makes it with the plain hash.
func tamper(t *testing.T, store *memstore.Store, log *audit.Log, change func(string) string, in string, n int, key []byte, anchors ...audit.Anchor) []audit.Problem {
	t.Helper()
	ctx := t.Context()
	page := must(store.List(ctx, s3db.ListRequest{Prefix: "plugin=audit/"}))(t)
	items := slices.DeleteFunc(page.Items, func(x s3db.ListItem) bool { return !strings.Contains(x.Key, in) })
	o := must(store.Get(ctx, items[n].Key))(t)
	plain, _, _ := strings.Cut(string(o.Body), `,"hash":"`)
	changed := change(plain + "}")
	switch {
	case changed == "":
		if err := store.Delete(ctx, items[n].Key, s3db.Condition{}); err != nil {
			t.Fatal(err)
		}
	case changed == plain+"}":
		t.Fatalf("nothing to change in %s", o.Body)
	default:
		sum := sha256.Sum256([]byte(changed))
		hash := sum[:]
		if key != nil {
			mac := hmac.New(sha256.New, key)
			mac.Write([]byte(changed))
			hash = mac.Sum(nil)
		}
		body := strings.TrimSuffix(changed, "}") + `,"hash":"` + hex.EncodeToString(hash) + `"}`
		must(store.Put(ctx, items[n].Key, []byte(body), nil, s3db.Condition{}))(t)
	}
	problems := verify(t, log, anchors...).Problems
	must(store.Put(ctx, items[n].Key, o.Body, nil, s3db.Condition{}))(t)
	return problems
}

// TestTampering alters and removes each object of a log with two sessions, one of
// which was closed. All of it is noticed: with a key in any case, without one also
// when the hash is made to fit.
func TestTampering(t *testing.T) {
	for _, key := range [][]byte{nil, key} {
		store := memstore.New()
		o := audit.Options{Key: key}
		first, log := open(t, store, o)
		for i := range 5 {
			must(first.Insert(t.Context(), account{ID: clienttest.AccountID(fmt.Sprint("a", i)), Name: "n"}))(t)
		}
		if err := first.Database().Close(); err != nil {
			t.Fatal(err)
		}
		second, _ := open(t, store, o)
		for i := range 3 {
			must(second.Update(t.Context(), clienttest.AccountID(fmt.Sprint("a", i)), patch{Name: s3db.Set("m")}))(t)
		}
		report := intact(t, log)
		none := func(string) string { return "" }
		other := func(body string) string { return strings.Replace(body, `"method":"`, `"method":"x`, 1) }
		for n := range 5 {
			if p := tamper(t, store, log, none, "!insert!", n, key); len(p) == 0 || p[0].Kind != audit.Removed || p[0].Number != int64(n+1) {
				t.Errorf("insert %d removed: %+v", n, p)
			}
			if p := tamper(t, store, log, other, "!insert!", n, key); len(p) == 0 || p[0].Kind != audit.Broken {
				t.Errorf("insert %d altered, with a hash that fits: %+v", n, p)
			}
			if p := tamper(t, store, log, other, "!insert!", n, []byte("another")); len(p) == 0 || p[0].Kind != audit.Altered {
				t.Errorf("insert %d altered: %+v", n, p)
			}
		}
		for n := range 2 { // the session goes on: nobody knows its last entry yet
			if p := tamper(t, store, log, none, "!update!", n, key); len(p) == 0 || p[0].Kind != audit.Removed {
				t.Errorf("update %d removed: %+v", n, p)
			}
		}
		if p := tamper(t, store, log, none, "!update!", 2, key, report.Anchors...); len(p) == 0 || p[0].Kind != audit.Removed {
			t.Errorf("the last update removed, with anchors: %+v", p)
		}
		if p := tamper(t, store, log, other, "!update!", 2, key, report.Anchors...); len(p) == 0 || p[0].Kind != audit.Broken {
			t.Errorf("the last update altered, with anchors: %+v", p)
		}
		for n := range 2 {
			if p := tamper(t, store, log, none, "/session/", n, key); len(p) == 0 || p[0].Kind != audit.SessionRemoved {
				t.Errorf("record %d removed: %+v", n, p)
			}
			if p := tamper(t, store, log, func(b string) string { return strings.Replace(b, `"last"`, `"least"`, 1) }, "/session/", n, []byte("another")); len(p) == 0 || p[0].Kind != audit.Altered {
				t.Errorf("record %d altered: %+v", n, p)
			}
		}
		// An entry under another name, and one more under a number that is taken.
		page := must(store.List(t.Context(), s3db.ListRequest{Prefix: "plugin=audit/entry/"}))(t)
		o0 := must(store.Get(t.Context(), page.Items[0].Key))(t)
		copied := strings.Replace(page.Items[0].Key, "!insert!", "!delete!", 1)
		must(store.Put(t.Context(), copied, o0.Body, nil, s3db.Condition{}))(t)
		if p := verify(t, log).Problems; len(p) == 0 || p[0].Kind != audit.Altered || !strings.HasSuffix(copied, p[0].Key) {
			t.Errorf("a copy: %+v", p)
		}
		if err := store.Delete(t.Context(), copied, s3db.Condition{}); err != nil {
			t.Fatal(err)
		}
		intact(t, log)
		// The first session without a trace of its own.
		var keys []string
		for _, x := range must(store.List(t.Context(), s3db.ListRequest{Prefix: "plugin=audit/"}))(t).Items {
			if strings.Contains(x.Key, report.Anchors[0].Session) {
				keys = append(keys, x.Key)
			}
		}
		if err := store.DeleteMany(t.Context(), keys); err != nil || len(keys) != 6 {
			t.Fatal(keys, err)
		}
		if p := verify(t, log).Problems; len(p) != 1 || p[0].Kind != audit.SessionRemoved {
			t.Errorf("a session removed: %+v", p)
		}
	}
}

// TestWithoutTheKey: a log with a key does not verify without it.
func TestWithoutTheKey(t *testing.T) {
	store := memstore.New()
	c, _ := open(t, store, audit.Options{Key: key})
	must(c.Insert(t.Context(), account{ID: "a", Name: "n"}))(t)
	log := must(audit.OpenLog(c.Database(), audit.LogOptions{}))(t)
	if r := verify(t, log); len(r.Problems) != 2 || r.Problems[0].Kind != audit.Altered {
		t.Errorf("report: %+v", r)
	}
	for _, err := range log.Entries(t.Context(), audit.Query{}) {
		if !errors.Is(err, s3db.ErrCorrupt) {
			t.Errorf("read: %v", err)
		}
	}
}

// committed checks that each state in which a document is has its entry.
func committed(t *testing.T, c *clienttest.Accounts, log *audit.Log, ids ...string) {
	t.Helper()
	for _, id := range ids {
		s := must(c.Stored().Get(t.Context(), clienttest.AccountID(id)))(t)
		if s.Revision == "" {
			continue
		}
		found := false
		for e, err := range log.Entries(t.Context(), audit.Query{ID: id}) {
			found = found || err == nil && e.Revision == s.Revision && e.State != audit.Refused
		}
		if !found {
			t.Errorf("document %s was written without an entry", id)
		}
	}
}

// TestCrash ends a program at each request of an operation, before and after the
// server applied it: no committed write lacks its entry, the log holds, and the next
// program goes on. What was not committed is not said to be.
func TestCrash(t *testing.T) {
	for name, run := range map[string]func(context.Context, *clienttest.Accounts) error{
		"insert": func(ctx context.Context, c *clienttest.Accounts) error {
			_, err := c.Insert(ctx, account{ID: "b", Name: "n", Country: new("BR"), Email: new("b@x.io")})
			return err
		},
		"update": func(ctx context.Context, c *clienttest.Accounts) error {
			_, err := c.Update(ctx, "a", patch{Country: s3db.Set("PT"), Email: s3db.Set("z@x.io")})
			return err
		},
		"refused": func(ctx context.Context, c *clienttest.Accounts) error {
			_, err := c.Insert(ctx, account{ID: "a", Name: "n", Country: new("BR")})
			if errors.Is(err, s3db.ErrAlreadyExists) {
				return nil
			}
			return err
		},
		"delete": func(ctx context.Context, c *clienttest.Accounts) error { return c.Delete(ctx, "a") },
		"close":  func(_ context.Context, c *clienttest.Accounts) error { return c.Database().Close() },
	} {
		for n, struck := 1, true; struck; n++ {
			struck = false
			for _, applied := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, request %d, applied %v", name, n, applied), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						server := memstore.NewServer(memstore.Options{})
						before, log := open(t, server.Client(), audit.Options{})
						must(before.Insert(t.Context(), account{ID: "a", Name: "n", Country: new("BR"), Email: new("a@x.io")}))(t)
						store := server.Client()
						c, _ := open(t, store, audit.Options{})
						if name == "close" {
							must(c.Insert(t.Context(), account{ID: "c", Name: "n"}))(t)
						}
						store.ResetCounts()
						store.SetFault(func(r memstore.Request) memstore.Injection {
							if r.Seq != n {
								return memstore.Injection{}
							}
							struck = true
							return memstore.Injection{Fault: memstore.Crash, Applied: applied}
						})
						err := run(t.Context(), c)
						if !struck && err != nil {
							t.Fatal(err)
						}
						after, log2 := open(t, server.Client(), audit.Options{})
						committed(t, after, log, "a", "b", "c")
						intact(t, log)
						must(after.Upsert(t.Context(), "b", account{Name: "again"}))(t)
						committed(t, after, log2, "a", "b", "c")
						intact(t, log2)
					})
				})
			}
		}
	}
}

// TestConcurrentWriters: many goroutines of two programs write the same documents
// on a server that loses requests and replies. The log holds, and has the entry of
// each acknowledged write.
func TestConcurrentWriters(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const programs, writers, each = 2, 8, 6
				server := memstore.NewServer(memstore.Options{})
				var mu sync.Mutex
				var acknowledged []s3db.Revision
				var running sync.WaitGroup
				var all []*clienttest.Accounts
				for p := range programs {
					store := server.Client()
					c, _ := open(t, store, audit.Options{Key: key})
					store.SetFault(memstore.Faults(seed*10+uint64(p), memstore.Rates{InternalError: 0.06, SlowDown: 0.03, Conflict: 0.03, Reset: 0.03, LostReply: 0.06, Refused: 0.03}))
					all = append(all, c)
					for w := range writers {
						running.Go(func() {
							for i := range each {
								id := clienttest.AccountID(fmt.Sprint("d", (w+i)%3))
								d, err := c.Upsert(t.Context(), id, account{Name: fmt.Sprint(p, w, i)})
								if err == nil {
									mu.Lock()
									acknowledged = append(acknowledged, d.Meta.Revision)
									mu.Unlock()
								}
							}
						})
					}
				}
				running.Wait()
				log := must(audit.OpenLog(all[0].Database(), audit.LogOptions{Key: key}))(t)
				for _, c := range all {
					if err := c.Database().Close(); err != nil {
						t.Log(err) // the record of the session stays as it was
					}
				}
				states := map[s3db.Revision]audit.State{}
				for e, err := range log.Entries(context.Background(), audit.Query{}) {
					if err != nil {
						t.Fatal(err)
					}
					states[e.Revision] = e.State
				}
				for _, rev := range acknowledged {
					if s := states[rev]; s == "" || s == audit.Refused {
						t.Errorf("an acknowledged write has the entry %q", s)
					}
				}
				if len(acknowledged) < programs*writers*each/2 {
					t.Errorf("only %d writes", len(acknowledged))
				}
				intact(t, log)
			})
		})
	}
}

// TestHeads: a session that was never closed tells at times how far it is, so that
// its entries cannot be cut off.
func TestHeads(t *testing.T) {
	store := memstore.New()
	c, log := open(t, store, audit.Options{})
	other := must(audit.OpenLog(c.Database(), audit.LogOptions{}))(t)
	for i := range 130 {
		must(c.Upsert(t.Context(), "a", account{Name: fmt.Sprint(i)}))(t)
	}
	if got := entries(t, other, audit.Query{Limit: 1}); !strings.HasSuffix(got[0], "committed") {
		t.Errorf("after 130 entries: %q", got)
	}
	for _, n := range []int{127, 126} { // the newest that the record knows, and the one before
		page := must(store.List(t.Context(), s3db.ListRequest{Prefix: "plugin=audit/entry/"}))(t)
		var keys []string
		for _, x := range page.Items[n:] {
			keys = append(keys, x.Key)
		}
		if err := store.DeleteMany(t.Context(), keys); err != nil {
			t.Fatal(err)
		}
		if p := verify(t, log).Problems; len(p) != 128-n || p[0].Kind != audit.Removed {
			t.Errorf("cut off after %d: %+v", n, p)
		}
	}
}

// day starts a clock at midnight and moves it by whole days.
type day struct{ n int }

func (d *day) now() time.Time { return time.Date(2026, 1, 1+d.n, 0, 0, 0, 0, time.UTC) }

// fill writes an entry on each of five days, in a session that then ends.
func fill(t *testing.T, server *memstore.Server, d *day) *audit.Log {
	t.Helper()
	c, _ := open(t, server.Client(), audit.Options{Now: d.now})
	for d.n = range 5 {
		must(c.Upsert(t.Context(), "a", account{Name: fmt.Sprint(d.n)}))(t)
	}
	if err := c.Database().Close(); err != nil {
		t.Fatal(err)
	}
	fresh, _ := open(t, server.Client(), audit.Options{Now: d.now})
	return must(audit.OpenLog(fresh.Database(), audit.LogOptions{Now: d.now}))(t)
}

// TestSweep: expired entries go, the chain of the others holds, and what goes in
// another way is still noticed.
func TestSweep(t *testing.T) {
	server, d := memstore.NewServer(memstore.Options{}), &day{}
	log := fill(t, server, d)
	store := server.Client()
	for range 2 {
		d.n = 3
		n := must(log.Sweep(t.Context(), d.now()))(t)
		r := intact(t, log)
		if r.Entries != 2 || r.Expired != 0 || (n != 3 && n != 0) {
			t.Errorf("removed %d, report %+v", n, r)
		}
	}
	if p := tamper(t, store, log, func(string) string { return "" }, "!update!", 0, nil); len(p) == 0 || p[0].Kind != audit.Removed {
		t.Errorf("an entry that has not expired was removed: %+v", p)
	}
	if p := tamper(t, store, log, func(b string) string { return strings.Replace(b, `"method":"`, `"method":"x`, 1) }, "!update!", 0, nil); len(p) == 0 || p[0].Kind != audit.Broken {
		t.Errorf("the first entry that has not expired was altered: %+v", p)
	}
	d.n = 9
	if n := must(log.Sweep(t.Context(), d.now()))(t); n != 2 {
		t.Errorf("removed %d", n)
	}
	if r := intact(t, log); r.Entries != 0 || r.Sessions != 1 {
		t.Errorf("report %+v", r)
	}
}

// TestSweepCrash ends a sweep at each of its requests: the log holds, and the next
// sweep does what is left.
func TestSweepCrash(t *testing.T) {
	for n, struck := 1, true; struck; n++ {
		struck = false
		for _, applied := range []bool{false, true} {
			server, d := memstore.NewServer(memstore.Options{}), &day{}
			log := fill(t, server, d)
			store := server.Client()
			dying := must(clienttest.Open(t.Context(), store, 1, 1))(t)
			store.ResetCounts()
			store.SetFault(func(r memstore.Request) memstore.Injection {
				if r.Seq != n {
					return memstore.Injection{}
				}
				struck = true
				return memstore.Injection{Fault: memstore.Crash, Applied: applied}
			})
			d.n = 3
			_, _ = must(audit.OpenLog(dying.Database(), audit.LogOptions{}))(t).Sweep(t.Context(), d.now())
			intact(t, log)
			must(log.Sweep(t.Context(), d.now()))(t)
			if r := intact(t, log); r.Entries != 2 || r.Expired != 0 {
				t.Errorf("request %d, applied %v: %+v", n, applied, r)
			}
		}
	}
}

// TestRetention: a program that writes removes what has expired, each day, until it
// is closed.
func TestRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, log := open(t, memstore.New(), audit.Options{RetentionDays: 2})
		for i := range 3 {
			must(c.Upsert(t.Context(), "a", account{Name: fmt.Sprint(i)}))(t)
			<-time.After(20 * time.Hour) // of the bubble's clock
		}
		if got := entries(t, log, audit.Query{}); len(got) != 3 {
			t.Errorf("after 60 hours, swept at 48: %q", got)
		}
		<-time.After(13 * time.Hour)
		synctest.Wait()
		if got := entries(t, log, audit.Query{}); len(got) != 1 {
			t.Errorf("after 73 hours, swept at 72: %q", got)
		}
		intact(t, log)
		if err := c.Database().Close(); err != nil {
			t.Fatal(err)
		}
	})
}
