package s3db_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// journal is a plugin that writes down each write before it commits.
type journal struct {
	name   string
	trace  *[]string
	fail   error
	space  *s3db.Space
	refuse error // of writes
}

func (j *journal) Name() string { return j.name }

func (j *journal) Install(_ context.Context, db *s3db.Database) (err error) {
	*j.trace = append(*j.trace, "install "+j.name)
	if j.fail != nil {
		return j.fail
	}
	if j.space, err = db.Space(j.name); err != nil {
		return err
	}
	db.OnWrite(func(_ context.Context, w *s3db.PendingWrite) error {
		if j.refuse != nil {
			return j.refuse
		}
		w.OnOutcome(func(_ context.Context, o s3db.Outcome) {
			*j.trace = append(*j.trace, map[s3db.Outcome]string{
				s3db.OutcomeCommitted: "committed ", s3db.OutcomeRefused: "refused ", s3db.OutcomeUnknown: "unknown ",
			}[o]+w.Operation+" "+w.ID)
		})
		return w.Put(j.space, "log/"+s3db.KeyText(w.ID)+"/"+string(w.Revision), []byte(w.Operation))
	})
	return nil
}

func (j *journal) Close() error { *j.trace = append(*j.trace, "close "+j.name); return nil }

func (j *journal) keys(t *testing.T) []string {
	t.Helper()
	var keys []string
	for item, err := range j.space.List(t.Context(), "log/", "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, item.Key)
	}
	return keys
}

// TestPlugins: installed in order, found by name and by type, closed in reverse.
func TestPlugins(t *testing.T) {
	var trace []string
	a, b := &journal{name: "a", trace: &trace}, &journal{name: "b", trace: &trace}
	c, _ := openAccounts(t, s3db.WithPlugin(a, b))
	if found, ok := s3db.PluginOf[*journal](c.Database()); !ok || found != a || c.Database().Plugin("b") != s3db.Plugin(b) || c.Database().Plugin("c") != nil {
		t.Errorf("found %v, %t", found, ok)
	}
	for range 2 {
		if err := c.Database().Close(); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"install a", "install b", "close b", "close a"}, trace); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPluginsThatCannotBe: each mistake is an error of Open, and what was
// installed before is closed.
func TestPluginsThatCannotBe(t *testing.T) {
	var trace []string
	make1 := func(name string) *journal { return &journal{name: name, trace: &trace} }
	bad := make1("bad")
	bad.fail = errors.New("no network")
	for _, test := range []struct {
		plugins []s3db.Plugin
		want    string
	}{
		{[]s3db.Plugin{nil}, "a plugin is nil"},
		{[]s3db.Plugin{make1("A/b")}, `the name "A/b" is not made of lower-case letters`},
		{[]s3db.Plugin{make1("a"), make1("a")}, `two plugins are called "a"`},
		{[]s3db.Plugin{make1("a"), bad}, "plugin bad: no network"},
	} {
		trace = nil
		_, err := clienttest.Open(t.Context(), memstore.New(), 0, 0, s3db.WithPlugin(test.plugins...))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, want %s", err, test.want)
		}
		if slices.Contains(trace, "install a") && !slices.Contains(trace, "close a") {
			t.Errorf("%s: what was installed stays open: %v", test.want, trace)
		}
	}
}

// TestPendingWrites: what an observer puts is there before the commit, stays with
// a committed write and goes with a refused one.
func TestPendingWrites(t *testing.T) {
	var trace []string
	j := &journal{name: "journal", trace: &trace}
	var order []string
	c, store := openAccounts(t, s3db.WithPlugin(j), s3db.WithRequestObserver(func(r s3db.Request) {
		for _, part := range []string{"plugin=", "/data/"} {
			if r.Kind == s3db.RequestPut && strings.Contains(r.Key, part) {
				order = append(order, part)
			}
		}
	}))
	ctx := t.Context()
	before := store.Counts()
	d := must(c.Insert(ctx, clienttest.AccountInsert{ID: "x", Name: "a"}))(t)
	if got := store.Counts().Sub(before).Put; got != 2 {
		t.Errorf("an insert with an observer: %d PUTs, want 2", got)
	}
	if diff := cmp.Diff([]string{"plugin=", "/data/"}, order); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want := []string{"log/x/" + string(d.Meta.Revision)}
	if diff := cmp.Diff(want, j.keys(t)); diff != "" {
		t.Errorf("after an insert (-want +got):\n%s", diff)
	}
	if _, err := c.Insert(ctx, clienttest.AccountInsert{ID: "x", Name: "b"}); !errors.Is(err, s3db.ErrAlreadyExists) {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, j.keys(t)); diff != "" {
		t.Errorf("after a refused insert (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"install journal", "committed insert x", "refused insert x"}, trace); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	j.refuse = errors.New("closed for today")
	before = store.Counts()
	if err := c.Delete(ctx, "x"); !errors.Is(err, j.refuse) || store.Counts().Sub(before).Total() != 1 {
		t.Errorf("an observer that refuses: %v, requests %+v", err, store.Counts().Sub(before))
	}
	report := must(c.Database().Fsck(ctx, s3db.FsckOptions{Exclusive: true}))(t)
	if !report.Clean() || report.Documents != 1 {
		t.Errorf("fsck: %+v", report)
	}
}

// TestSpace: conditions, listing, and keys that cannot be.
func TestSpace(t *testing.T) {
	c, _ := openAccounts(t)
	ctx := t.Context()
	if _, err := c.Database().Space("no/name"); !errors.Is(err, s3db.ErrConfig) {
		t.Errorf("a name with a slash: %v", err)
	}
	s := must(c.Database().Space("test"))(t)
	etag := must(s.Put(ctx, "a/1", []byte("one"), s3db.IfAbsent()))(t)
	if _, err := s.Put(ctx, "a/1", nil, s3db.IfAbsent()); !errors.Is(err, s3db.ErrPrecondition) {
		t.Errorf("twice: %v", err)
	}
	etag = must(s.Put(ctx, "a/1", []byte("two"), s3db.IfMatchETag(etag)))(t)
	if obj := must(s.Get(ctx, "a/1"))(t); string(obj.Body) != "two" || obj.ETag != etag {
		t.Errorf("read %q %s", obj.Body, obj.ETag)
	}
	must(s.Put(ctx, "a/2", nil, s3db.Condition{}))(t)
	must(s.Put(ctx, "b/1", nil, s3db.Condition{}))(t)
	var keys []string
	for item, err := range s.List(ctx, "a/", "a/1") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, item.Key)
	}
	if diff := cmp.Diff([]string{"a/2"}, keys); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for item, err := range s.List(ctx, "", "a") { // which every key that follows begins with
		if err != nil || item.Key != "a/1" {
			t.Errorf("after the start of a key: %q, %v", item.Key, err)
		}
		break
	}
	if ok, err := s.DeleteIf(ctx, "a/1", `"other"`); ok || err != nil {
		t.Errorf("another ETag: %t, %v", ok, err)
	}
	if ok, err := s.DeleteIf(ctx, "a/1", etag); !ok || err != nil {
		t.Errorf("its ETag: %t, %v", ok, err)
	}
	if err := s.Delete(ctx, "a/2", "b/1", "missing"); err != nil {
		t.Error(err)
	}
	if _, err := s.Get(ctx, "a/2"); !errors.Is(err, s3db.ErrNotFound) {
		t.Errorf("removed: %v", err)
	}
	for _, key := range []string{"", "a//b", "a/../b", ".", strings.Repeat("x", 256), strings.Repeat("x/", 600)} {
		if _, err := s.Put(ctx, key, nil, s3db.Condition{}); !errors.Is(err, s3db.ErrConfig) {
			t.Errorf("key %.20q: %v", key, err)
		}
	}
}

// TestSpaceListGoesOn: a listing that goes on after a key has all keys behind it,
// those that start with it included.
func TestSpaceListGoesOn(t *testing.T) {
	ctx := t.Context()
	c, err := clienttest.Open(ctx, memstore.New(), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	space, err := c.Database().Space("journal")
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"log/a", "log/a-b", "log/ab", "log/a~", "log/b", "log/b0", "log/c"}
	for _, key := range append(slices.Clone(all), "other/a") {
		if _, err := space.Put(ctx, key, nil, s3db.Condition{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, after := range append(slices.Clone(all), "", "log/", "log/a!", "log/bz", "log/z") {
		var got, want []string
		for item, err := range space.List(ctx, "log/", after) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, item.Key)
		}
		for _, key := range all {
			if key > after {
				want = append(want, key)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("after %q: %q, want %q", after, got, want)
		}
	}
}
