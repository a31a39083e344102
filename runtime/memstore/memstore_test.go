package memstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/runtime/storetest"
)

func TestConformance(t *testing.T) {
	for name, opts := range map[string]memstore.Options{
		"strict":                {},
		"more metadata":         {MetadataLimit: 4096},
		"no conditional delete": {Quirks: memstore.Quirks{IgnoreDeleteCondition: true}},
		"directories are keys":  {Quirks: memstore.Quirks{DirectoryKeys: true}},
		"slow":                  {Latency: func(r memstore.Request) time.Duration { return time.Duration(r.Seq%3) * 10 * time.Microsecond }},
	} {
		t.Run(name, func(t *testing.T) {
			server := memstore.NewServer(opts)
			storetest.Run(t, func(*testing.T) s3db.Store { return server.Client() })
		})
	}
}

// put writes an object without a condition.
func put(t *testing.T, store *memstore.Store, key, body string) {
	t.Helper()
	if _, err := store.Put(t.Context(), key, []byte(body), nil, s3db.Condition{}); err != nil {
		t.Fatal(err)
	}
}

// As servers that keep directories do.
func TestDirectories(t *testing.T) {
	store := memstore.New()
	put(t, store, "a/b", "x")
	put(t, store, "c", "x")
	for key, code := range map[string]string{"a": "ExistingObjectIsDirectory", "a/b/c": "ObjectParentIsFile", "a/b/c/d": "ObjectParentIsFile", "c/d": "ObjectParentIsFile"} {
		_, err := store.Put(t.Context(), key, nil, nil, s3db.Condition{})
		if se, ok := errors.AsType[*s3db.StoreError](err); !ok || se.Status != 409 || se.Code != code || se.Temporary {
			t.Errorf("put %s: %v", key, err)
		}
	}
	put(t, store, "a/b", "again")
	put(t, store, "a/bc", "x") // beside, not below
	if err := store.Delete(t.Context(), "c", s3db.Condition{}); err != nil {
		t.Fatal(err)
	}
	put(t, store, "c/d", "x")
}

func TestCounts(t *testing.T) {
	server := memstore.NewServer(memstore.Options{})
	a, b := server.Client(), server.Client()
	var seen []string
	cancel := a.Observe(func(r memstore.Request) { seen = append(seen, fmt.Sprintf("%d %s %v", r.Seq, r, r.Applied)) })
	put(t, a, "k", "x")
	_, _ = a.Get(t.Context(), "k")
	_, _ = a.Head(t.Context(), "none")
	before := a.Counts()
	_, _ = a.Put(t.Context(), "k", nil, nil, s3db.IfAbsent())
	_ = a.Delete(t.Context(), "k", s3db.Condition{})
	_ = a.DeleteMany(t.Context(), []string{"k", "l"})
	_ = a.DeleteMany(t.Context(), nil) // sends nothing
	_, _ = a.List(t.Context(), s3db.ListRequest{Prefix: "k"})
	ended, stop := context.WithCancel(t.Context())
	stop()
	_, _ = a.Get(ended, "k") // sends nothing
	if want := (memstore.Counts{Get: 1, Head: 1, Put: 2, Delete: 1, DeleteMany: 1, List: 1}); a.Counts() != want || want.Total() != 7 {
		t.Errorf("counts %+v, want %+v", a.Counts(), want)
	}
	if want := (memstore.Counts{Put: 1, Delete: 1, DeleteMany: 1, List: 1}); a.Counts().Sub(before) != want {
		t.Errorf("since then %+v, want %+v", a.Counts().Sub(before), want)
	}
	if b.Counts() != (memstore.Counts{}) {
		t.Errorf("the other client has %+v", b.Counts())
	}
	want := []string{
		"1 put k true", "2 get k true", "3 head none: not found false", "4 put k if absent: precondition failed false",
		"5 delete k true", "6 delete many (2 keys) true", "7 list k true",
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
	cancel()
	a.ResetCounts()
	put(t, a, "k", "x")
	if len(seen) != len(want) || a.Counts().Total() != 1 {
		t.Errorf("after cancelling and resetting: %d observed, %+v", len(seen), a.Counts())
	}
}

func TestCountsInParallel(t *testing.T) {
	store := memstore.New()
	var mu sync.Mutex
	seqs := map[int]bool{}
	store.Observe(func(r memstore.Request) {
		mu.Lock()
		defer mu.Unlock()
		seqs[r.Seq] = true
	})
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() { _, _ = store.Get(context.Background(), "k/"+strconv.Itoa(i)) })
	}
	wg.Wait()
	if store.Counts().Get != 50 || len(seqs) != 50 {
		t.Errorf("%+v, %d numbers", store.Counts(), len(seqs))
	}
}

func TestClone(t *testing.T) {
	server := memstore.NewServer(memstore.Options{})
	store := server.Client()
	for i := range 1000 {
		put(t, store, "k/"+strconv.Itoa(i), "x")
	}
	clone := server.Clone()
	put(t, store, "only here", "x")
	put(t, clone.Client(), "only there", "x")
	put(t, clone.Client(), "k/1", "changed")
	if server.Len() != 1001 || clone.Len() != 1001 || slices.Contains(clone.Keys(), "only here") || slices.Contains(server.Keys(), "only there") {
		t.Errorf("%d and %d objects", server.Len(), clone.Len())
	}
	if o, err := store.Get(t.Context(), "k/1"); err != nil || string(o.Body) != "x" {
		t.Errorf("writing to the clone changed the original: %+v, %v", o, err)
	}
}

func TestClock(t *testing.T) {
	now := time.Date(2024, 2, 29, 12, 0, 0, 999, time.FixedZone("", 3600))
	store := memstore.NewServer(memstore.Options{Now: func() time.Time { return now }}).Client()
	put(t, store, "k", "x")
	o, err := store.Get(t.Context(), "k")
	if err != nil || !o.LastModified.Equal(now.Truncate(time.Second)) || !o.ServerTime.Equal(now) || o.ServerTime.Location() != time.UTC {
		t.Errorf("%+v, %v", o, err)
	}
}

// Every mem:// URL is a database of its own.
func TestDriver(t *testing.T) {
	u, err := s3db.ParseURL("mem://name/app")
	if err != nil {
		t.Fatal(err)
	}
	driver := memstore.Driver()
	first, prefix, err := driver.Open(t.Context(), s3db.DriverRequest{URL: u})
	if err != nil || prefix != "app" {
		t.Fatalf("prefix %q, %v", prefix, err)
	}
	if _, err := first.Put(t.Context(), "k", nil, nil, s3db.Condition{}); err != nil {
		t.Fatal(err)
	}
	second, _, err := driver.Open(t.Context(), s3db.DriverRequest{URL: u})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.Get(t.Context(), "k"); !errors.Is(err, s3db.ErrNotFound) {
		t.Errorf("two Opens share a database: %v", err)
	}
	if caps := first.Capabilities(); !caps.Local || !caps.ConditionalDelete {
		t.Errorf("capabilities %+v", caps)
	}
}

// Listing costs what a page has, however many keys there are.
func BenchmarkList(b *testing.B) {
	for _, keys := range []int{10_000, 1_000_000} {
		b.Run(strconv.Itoa(keys), func(b *testing.B) {
			store := memstore.New()
			for i := range keys {
				if _, err := store.Put(b.Context(), fmt.Sprintf("data/id=%08d", i), nil, nil, s3db.Condition{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ResetTimer()
			for i := 0; b.Loop(); i++ {
				if _, err := store.List(b.Context(), s3db.ListRequest{Prefix: "data/", StartAfter: fmt.Sprintf("data/id=%08d", i*1000%keys)}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
