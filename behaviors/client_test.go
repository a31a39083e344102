package behaviors_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/s3dbgen/s3dbgen/behaviors"
	"github.com/s3dbgen/s3dbgen/internal/leaktest"
	"github.com/s3dbgen/s3dbgen/internal/testserver"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/runtime/s3store"
)

// place is a store that tests run on.
type place struct {
	name string
	open func(t *testing.T) s3db.Store
}

func places() []place { return []place{{"memory", inMemory}, {"server", onServer}} }

func inMemory(*testing.T) s3db.Store { return memstore.New() }

func onServer(t *testing.T) s3db.Store {
	t.Helper()
	srv := server.Get(t)
	store, err := s3store.New(t.Context(), s3store.Options{
		Bucket: srv.Bucket(t), Endpoint: srv.Endpoint, AccessKey: srv.AccessKey, SecretKey: srv.SecretKey,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

var server testserver.Shared

func TestMain(m *testing.M) { leaktest.Tests{M: m, Then: []func(){server.Close}}.Main() }

var ignoreMeta = cmpopts.IgnoreFields(post{}, "Meta")

// mustInsert inserts a document and compares what the store gives back with what
// the insert returned.
func mustInsert(t *testing.T, c *posts, in postInsert) *post {
	t.Helper()
	d, err := c.Insert(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	back, err := c.Get(t.Context(), d.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d, back, ignoreMeta); diff != "" {
		t.Errorf("read back (-inserted +read): %s", diff)
	}
	if d.Meta.InBody != back.Meta.InBody {
		t.Errorf("InBody is %v after the insert and %v after the read", d.Meta.InBody, back.Meta.InBody)
	}
	return back
}

// object returns the stored object of a document.
func object(t *testing.T, store s3db.Store, id string) *s3db.Object {
	t.Helper()
	page, err := store.List(t.Context(), s3db.ListRequest{Prefix: "resource=posts/data/"})
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range page.Items {
		if strings.HasSuffix(item.Key, "id="+id) {
			o, err := store.Get(t.Context(), item.Key)
			if err != nil {
				t.Fatal(err)
			}
			return o
		}
	}
	t.Fatalf("no object for %s among %d", id, len(page.Items))
	return nil
}

// letters are repeated to long texts. There are words between the emoji, because
// these may take a form with a "&" for each, and versitygw needs 6 bytes for a "&"
// of the 4 KB that a file system gives it.
func letters() []string {
	return []string{"B", "é", "日本語", "Съешь ещё ", "Party 🎉👍 with an elephant 🐘. ", "\n"}
}

func wireSize(metadata map[string]string) int {
	size := 0
	for name, value := range metadata {
		size += len("x-amz-meta-") + len(name) + len(value)
	}
	return size
}

func TestUserManagedClient(t *testing.T) {
	for _, on := range places() {
		t.Run(on.name, func(t *testing.T) {
			store := on.open(t)
			c, events := openPosts(t, store, behaviors.UserManaged)
			small := mustInsert(t, c, postInsert{Title: "John", Content: "small"})
			if len(*events) != 0 || small.Meta.InBody {
				t.Errorf("a small document: %d events, in the body %v", len(*events), small.Meta.InBody)
			}
			large := mustInsert(t, c, postInsert{Title: "John", Content: strings.Repeat("A", 3000), Category: new("x")})
			if large.Content != strings.Repeat("A", 3000) || !large.Meta.InBody {
				t.Error("a large document was changed or is not in the body")
			}
			if _, err := c.Update(t.Context(), small.ID, postPatch{Content: s3db.Set(strings.Repeat("é", 2500))}); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Upsert(t.Context(), "new one", postInsert{Title: "Up", Content: strings.Repeat("B", 3000)}); !errors.Is(err, s3db.ErrInvalidID) {
				t.Errorf("an id with a blank: %v", err)
			}
			if _, err := c.Upsert(t.Context(), "new", postInsert{Title: "Up", Content: strings.Repeat("B", 3000)}); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Upsert(t.Context(), "new", postInsert{Title: "Up", Content: "small again"}); err != nil {
				t.Fatal(err)
			}
			type seen struct {
				Operation, ID, Content string
				Truncated              int
			}
			var got []seen
			for _, e := range *events {
				got = append(got, seen{e.Operation, e.ID, e.Data.Content[:3], len(e.Truncated)})
				if e.Limit != s3db.DefaultMetadataLimit || e.Excess != e.TotalSize-e.Limit || e.Excess <= 0 {
					t.Errorf("event %s: total %d, limit %d, excess %d", e.Operation, e.TotalSize, e.Limit, e.Excess)
				}
			}
			want := []seen{{"insert", large.ID, "AAA", 0}, {"update", small.ID, "é\xc3", 0}, {"upsert", "new", "BBB", 0}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("events (-want +got): %s", diff)
			}
			// What fits is in the metadata, and the size is counted as the event says.
			o := object(t, store, large.ID)
			if o.Metadata["1"] != "John" || o.Metadata["2"] != "" || !bytes.Contains(o.Body, []byte(strings.Repeat("A", 3000))) {
				t.Errorf("stored metadata %q", o.Metadata)
			}
			if total := wireSize(o.Metadata) + len("x-amz-meta-") + 1 + 3000; (*events)[0].TotalSize != total {
				t.Errorf("TotalSize = %d, want %d", (*events)[0].TotalSize, total)
			}
			if again, err := c.Get(t.Context(), "new"); err != nil || again.Meta.InBody || again.Content != "small again" {
				t.Errorf("a document that became small: %+v, %v", again, err)
			}
		})
	}
}

func TestEnforceLimitsClient(t *testing.T) {
	for _, on := range places() {
		t.Run(on.name, func(t *testing.T) {
			store := on.open(t)
			c, events := openPosts(t, store, behaviors.EnforceLimits)
			kept := mustInsert(t, c, postInsert{ID: "kept", Title: "large_setting", Content: "small"})
			listed := func() string {
				page, err := store.List(t.Context(), s3db.ListRequest{})
				if err != nil {
					t.Fatal(err)
				}
				var b strings.Builder
				for _, item := range page.Items {
					fmt.Fprintln(&b, item.Key, item.ETag)
				}
				return b.String()
			}
			before := listed()
			large := strings.Repeat("A", 3000)
			for op, write := range map[string]func() error{
				"insert": func() error {
					_, err := c.Insert(t.Context(), postInsert{ID: "new", Title: "large_setting", Content: large, Category: new("x")})
					return err
				},
				"update": func() error { _, err := c.Update(t.Context(), "kept", postPatch{Content: s3db.Set(large)}); return err },
				"replace": func() error {
					_, err := c.Replace(t.Context(), "kept", postInsert{Title: "xx", Content: large})
					return err
				},
				"upsert": func() error {
					_, err := c.Upsert(t.Context(), "kept", postInsert{Title: "xx", Content: large})
					return err
				},
			} {
				err := write()
				var large *s3db.SizeError
				if !errors.Is(err, s3db.ErrTooLarge) || !errors.As(err, &large) || large.Field != "content" || large.Limit != s3db.DefaultMetadataLimit {
					t.Errorf("%s: error = %v", op, err)
					continue
				}
				if text := err.Error(); !strings.HasPrefix(text, "s3db: "+op+" posts/") || !strings.Contains(text, "S3 metadata size exceeds 2KB limit") || strings.Contains(text, "AAAA") {
					t.Errorf("%s: error = %v", op, err)
				}
			}
			if after := listed(); after != before || len(*events) != 0 {
				t.Errorf("something was written: %s, before: %s, %d events", after, before, len(*events))
			}
			if d, err := c.Get(t.Context(), "kept"); err != nil || d.Content != "small" || d.Meta.Revision != kept.Meta.Revision {
				t.Errorf("the stored document: %+v, %v", d, err)
			}
		})
	}
}

func TestTruncateDataClient(t *testing.T) {
	for _, on := range places() {
		t.Run(on.name, func(t *testing.T) {
			store := on.open(t)
			c, events := openPosts(t, store, behaviors.TruncateData)
			for _, letter := range letters() {
				*events = nil
				in := postInsert{Title: "Short Title", Content: strings.Repeat(letter, 4000/len(letter)), Category: new("keep me"), Metadata: map[string]any{"a": "b"}}
				d := mustInsert(t, c, in)
				kept, dots := strings.CutSuffix(d.Content, "...")
				if !dots || !strings.HasPrefix(in.Content, kept) || !utf8.ValidString(d.Content) || len(kept) < 500 {
					t.Errorf("%q was cut to %d bytes, dots %v", letter, len(kept), dots)
				}
				if d.Title != in.Title || *d.Category != "keep me" || d.Metadata["a"] != "b" || d.Meta.InBody {
					t.Errorf("more than the content changed: %+v", d)
				}
				if len(*events) != 1 || !cmp.Equal((*events)[0].Truncated, []string{"content"}) || (*events)[0].Data.Content != d.Content || (*events)[0].TotalSize <= s3db.DefaultMetadataLimit {
					t.Errorf("events: %+v", *events)
				}
				if n := wireSize(object(t, store, d.ID).Metadata); n > s3db.DefaultMetadataLimit || n < s3db.DefaultMetadataLimit-16 {
					t.Errorf("%q: the metadata has %d bytes", letter, n)
				}
			}
			_, err := c.Insert(t.Context(), postInsert{Title: "xx", Metadata: map[string]any{"a": strings.Repeat("A", 3000)}})
			if !errors.Is(err, s3db.ErrTooLarge) || !strings.Contains(err.Error(), "the largest attribute is metadata with ") {
				t.Errorf("a document that has nothing to cut: %v", err)
			}
		})
	}
}

func TestBodyOverflowClient(t *testing.T) {
	for _, on := range places() {
		t.Run(on.name, func(t *testing.T) {
			store := on.open(t)
			c, events := openPosts(t, store, behaviors.BodyOverflow)
			in := postInsert{Title: "My Blog Post", Content: strings.Repeat("A", 5000), Category: new("John Doe")}
			d := mustInsert(t, c, in)
			if len(d.Content) != 5000 || !d.Meta.InBody || *d.Category != "John Doe" {
				t.Errorf("content of %d bytes, in the body %v", len(d.Content), d.Meta.InBody)
			}
			if len(*events) != 1 || (*events)[0].TotalSize < 5000 {
				t.Errorf("events: %+v", *events)
			}
			if o := object(t, store, d.ID); o.Metadata["1"] != "My Blog Post" || o.Metadata["3"] != "John Doe" || o.Metadata["2"] != "" {
				t.Errorf("metadata = %q", o.Metadata)
			}
			if small := mustInsert(t, c, postInsert{Title: "xx"}); small.Meta.InBody || len(*events) != 1 {
				t.Error("a small document is in the body or raises an event")
			}
		})
	}
}

func TestBodyOnlyClient(t *testing.T) {
	for _, on := range places() {
		t.Run(on.name, func(t *testing.T) {
			store := on.open(t)
			c, events := openPosts(t, store, behaviors.BodyOnly)
			in := postInsert{
				Title: "Large Document", Content: strings.Repeat("A", 100_000),
				Metadata: map[string]any{"author": "John Doe", "tags": []any{"large", "document"}, "deep": map[string]any{"list": []any{1.5, nil, true, map[string]any{}}}},
			}
			for _, in := range []postInsert{in, {Title: "xx", Content: "small"}} {
				d := mustInsert(t, c, in)
				if diff := cmp.Diff(in.Metadata, d.Metadata); diff != "" || d.Content != in.Content || !d.Meta.InBody {
					t.Errorf("content of %d bytes, in the body %v, metadata %s", len(d.Content), d.Meta.InBody, diff)
				}
				if o := object(t, store, d.ID); len(o.Metadata) != 1 || wireSize(o.Metadata) > 20 {
					t.Errorf("metadata = %q", o.Metadata)
				}
			}
			if len(*events) != 0 {
				t.Errorf("%d events without a limit", len(*events))
			}
		})
	}
}

// The limit holds on the wire to the byte: the store takes a document of just the
// limit, and one byte more is above it.
func TestLimitIsExactClient(t *testing.T) {
	for _, on := range places() {
		t.Run(on.name, func(t *testing.T) {
			store := on.open(t)
			c, _ := openPosts(t, store, behaviors.EnforceLimits)
			for _, letter := range letters() {
				fits, fails := 0, s3db.DefaultMetadataLimit
				probe := func(n int) error {
					_, err := c.DryRun(&post{Title: "xx", Content: strings.Repeat(letter, n)}, nil)
					return err
				}
				for fails-fits > 1 {
					if middle := (fits + fails) / 2; probe(middle) == nil {
						fits = middle
					} else {
						fails = middle
					}
				}
				d := mustInsert(t, c, postInsert{Title: "xx", Content: strings.Repeat(letter, fits)})
				if n := wireSize(object(t, store, d.ID).Metadata); n > s3db.DefaultMetadataLimit || n < s3db.DefaultMetadataLimit-32 {
					t.Errorf("%d times %s: the metadata has %d bytes", fits, letter, n)
				}
				if _, err := c.Insert(t.Context(), postInsert{Title: "xx", Content: strings.Repeat(letter, fails)}); !errors.Is(err, s3db.ErrTooLarge) {
					t.Errorf("%d times %s: %v", fails, letter, err)
				}
			}
		})
	}
}

// Documents stay readable and writable when the behavior of their resource is
// changed.
func TestBehaviorIsChangedLater(t *testing.T) {
	all := []s3db.Behavior{behaviors.UserManaged, behaviors.EnforceLimits, behaviors.TruncateData, behaviors.BodyOverflow, behaviors.BodyOnly}
	for _, on := range places() {
		t.Run(on.name, func(t *testing.T) {
			store := on.open(t)
			var written []*post
			for _, b := range all {
				c, _ := openPosts(t, store, b)
				for _, old := range written {
					got, err := c.Get(t.Context(), old.ID)
					if err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(old, got, ignoreMeta); diff != "" {
						t.Errorf("%s reads (-was +is): %s", b.Name(), diff)
					}
				}
				written = append(written, mustInsert(t, c, postInsert{Title: b.Name(), Content: "small"}))
				if b.Name() != "enforce-limits" {
					written = append(written, mustInsert(t, c, postInsert{Title: b.Name(), Content: strings.Repeat("A", 4000)}))
				}
			}
			for _, b := range all {
				c, _ := openPosts(t, store, b)
				for _, old := range written {
					d, err := c.Update(t.Context(), old.ID, postPatch{Title: s3db.Set(strings.ToUpper(old.Title))})
					if b.Name() == "enforce-limits" && len(old.Content) > 3000 {
						if !errors.Is(err, s3db.ErrTooLarge) {
							t.Errorf("update of a large document: %v", err)
						}
						continue
					}
					if err != nil || b.Name() != "truncate-data" && d.Content != old.Content && !strings.HasSuffix(d.Content, "...") {
						t.Errorf("%s updates %s: %v", b.Name(), old.Title, err)
					}
				}
			}
		})
	}
}

func TestDryRun(t *testing.T) {
	store := memstore.New()
	c, events := openPosts(t, store, behaviors.UserManaged)
	d := mustInsert(t, c, postInsert{Title: "John", Content: strings.Repeat("A", 3000)})
	was, before := *d, store.Counts()
	*events = nil

	own, err := c.DryRun(d, nil)
	if err != nil || own.Size != 15+16+3012 || own.Limit != s3db.DefaultMetadataLimit || own.Excess != own.Size-own.Limit || !own.Exceeds {
		t.Errorf("user-managed: %+v, %v", own, err)
	}
	want := []s3db.DraftField{{Number: 1, Name: "title", Size: 16}, {Number: 2, Name: "content", Size: 3012, InBody: true}}
	if diff := cmp.Diff(want, own.Fields); diff != "" {
		t.Errorf("fields (-want +got): %s", diff)
	}
	strict, err := c.DryRun(d, behaviors.EnforceLimits)
	if !errors.Is(err, s3db.ErrTooLarge) || strict.Excess != own.Excess {
		t.Errorf("enforce-limits: %+v, %v", strict, err)
	}
	cut, err := c.DryRun(d, behaviors.TruncateData)
	if err != nil || !cmp.Equal(cut.Truncated, []string{"content"}) {
		t.Errorf("truncate-data: %+v, %v", cut, err)
	}
	if diff := cmp.Diff(&was, d, ignoreMeta); diff != "" {
		t.Errorf("the document changed: %s", diff)
	}
	if n := store.Counts().Sub(before).Total(); n != 0 || len(*events) != 0 {
		t.Errorf("%d requests, %d events", n, len(*events))
	}
	bad := post{Title: "\xff"}
	if _, err := c.DryRun(&bad, nil); err == nil {
		t.Error("a document that cannot be encoded")
	}
}
