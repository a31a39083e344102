// Package plugins_test tests plugins together.
package plugins_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	"github.com/s3dbgen/s3dbgen/plugins/audit"
	"github.com/s3dbgen/s3dbgen/plugins/cache"
	"github.com/s3dbgen/s3dbgen/plugins/costs"
	"github.com/s3dbgen/s3dbgen/plugins/fulltext"
	"github.com/s3dbgen/s3dbgen/plugins/metrics"
	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/targettest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// installed are the plugins of one database; those that are nil are not.
type installed struct {
	costs    *costs.Plugin
	metrics  *metrics.Plugin
	cache    *cache.Plugin
	audit    *audit.Plugin
	fulltext *fulltext.Plugin

	replicator *replicator.Replicator
	copied     *targettest.Memory
}

// choose makes the plugins whose bit is set.
func choose(bits int) (in installed, list []s3db.Plugin) {
	add := func(bit int, build func() s3db.Plugin) {
		if bits&(1<<bit) != 0 {
			list = append(list, build())
		}
	}
	add(0, func() s3db.Plugin { in.costs = &costs.Plugin{}; return in.costs })
	add(1, func() s3db.Plugin { in.metrics = metrics.New(metrics.Options{}); return in.metrics })
	add(2, func() s3db.Plugin { in.cache = cache.New(cache.Options{}); return in.cache })
	add(3, func() s3db.Plugin { in.audit = audit.New(audit.Options{IncludeData: true}); return in.audit })
	add(4, func() s3db.Plugin {
		in.fulltext = fulltext.New(fulltext.Options{}, fulltext.On("reviews", shop.ReviewWhere.Title, shop.ReviewWhere.Text))
		return in.fulltext
	})
	add(5, func() s3db.Plugin {
		in.copied = &targettest.Memory{}
		in.replicator = replicator.New(replicator.Options{OnDemand: true, Targets: []replicator.TargetOptions{
			{Name: "copy", Target: in.copied.Target(), Routes: map[string][]replicator.Route{"reviews": {{}}}},
		}})
		return in.replicator
	})
	return in, list
}

// names of plugins, for names of tests.
func names(list []s3db.Plugin) string {
	text := make([]string, len(list))
	for i, p := range list {
		text[i] = p.Name()
	}
	return strings.Join(text, "+")
}

// story writes and reads reviews, and returns what it has read.
func story(t *testing.T, db *shop.DB) []string {
	t.Helper()
	ctx := t.Context()
	var read []string
	list := func() {
		t.Helper()
		reviews, err := db.Reviews.ByProduct("tea").List(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range reviews {
			read = append(read, fmt.Sprintf("%s %d %s", r.ID, r.Stars, r.Title))
		}
		n, err := db.Reviews.Query().Count(ctx)
		read = append(read, fmt.Sprint(n, err))
	}
	var inputs []shop.ReviewInsert
	for i := range 6 {
		product := []string{"tea", "cup"}[i%2]
		inputs = append(inputs, shop.ReviewInsert{ID: shop.ReviewID(fmt.Sprint("r", i)), Product: product, User: fmt.Sprint("u", i), Stars: 3, Title: fmt.Sprint("Verdict ", i), Text: "Warms the whole house."})
	}
	if _, err := db.Reviews.InsertMany(ctx, inputs); err != nil {
		t.Fatal(err)
	}
	list()
	list()
	if _, err := db.Reviews.Update(ctx, "r0", shop.ReviewPatch{Stars: s3db.Set(int64(5)), Title: s3db.Set("Splendid leaves")}); err != nil {
		t.Fatal(err)
	}
	list()
	if err := db.Reviews.Delete(ctx, "r2"); err != nil {
		t.Fatal(err)
	}
	list()
	_, err := db.Reviews.Get(ctx, "r2")
	read = append(read, fmt.Sprint(errors.Is(err, s3db.ErrNotFound)))
	return read
}

// own are the keys of the database that are of no plugin, without what differs from
// one run to another: the day, and the tokens of writes.
func own(keys []string) []string {
	varying := regexp.MustCompile(`\d{4}-\d\d-\d\d|![0-9A-Za-z]+$`)
	var list []string
	for _, key := range keys {
		if !strings.HasPrefix(key, "plugin=") {
			list = append(list, varying.ReplaceAllString(key, ""))
		}
	}
	slices.Sort(list)
	return list
}

// TestTogether: with each choice of plugins, the last one of which is all of them, a
// program reads the same and leaves the same keys, and each plugin does its work.
func TestTogether(t *testing.T) {
	const all = 1<<6 - 1
	var want, wantKeys []string
	for bits := range all + 1 {
		in, list := choose(bits)
		t.Run(names(list), func(t *testing.T) {
			ctx := t.Context()
			server := memstore.NewServer(memstore.Options{})
			store := server.Client()
			db, err := shop.New(ctx, store, s3db.WithPlugin(list...), s3db.WithKey("k1", make([]byte, 32)), s3db.WithIDs("products", s3db.NanoID(12)))
			if err != nil {
				t.Fatal(err)
			}
			got := story(t, db)
			if bits == 0 {
				want = got
			}
			if !slices.Equal(got, want) {
				t.Errorf("read (-without plugins +with):\n%s", cmp.Diff(want, got))
			}
			in.check(t, db, store)
			report, err := db.Database().Fsck(ctx, s3db.FsckOptions{})
			if err != nil || len(report.Findings) > 0 {
				t.Errorf("fsck: %v, %+v", err, report.Findings)
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
			if bits == 0 {
				wantKeys = own(server.Keys())
			}
			if keys := own(server.Keys()); !slices.Equal(keys, wantKeys) {
				t.Errorf("keys (-without plugins +with):\n%s", cmp.Diff(wantKeys, keys))
			}

			// Without them, the database is as it would be without.
			later, err := shop.New(ctx, server.Client(), s3db.WithKey("k1", make([]byte, 32)), s3db.WithIDs("products", s3db.NanoID(12)))
			if err != nil {
				t.Fatal(err)
			}
			if r, err := later.Reviews.Get(ctx, "r0"); err != nil || r.Title != "Splendid leaves" {
				t.Errorf("after they were removed: %+v, %v", r, err)
			}
			if err := later.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// check asks each plugin for its work.
func (in installed) check(t *testing.T, db *shop.DB, store *memstore.Store) {
	t.Helper()
	ctx := t.Context()
	if in.fulltext != nil {
		reviews, err := fulltext.Of(in.fulltext, db.Reviews.Collection)
		if err != nil {
			t.Fatal(err)
		}
		if hits, err := reviews.Search(ctx, "splendid"); err != nil || len(hits) != 1 || hits[0].Document.ID != "r0" {
			t.Errorf("search: %+v, %v", hits, err)
		}
		if hits, err := reviews.Search(ctx, "house"); err != nil || len(hits) != 5 {
			t.Errorf("a search finds %d of the 5 reviews that are left, %v", len(hits), err)
		}
	}
	if in.cache != nil {
		before := store.Counts()
		if _, err := db.Reviews.ByProduct("tea").List(ctx); err != nil {
			t.Fatal(err)
		}
		if sent := store.Counts().Sub(before); sent != (memstore.Counts{}) {
			t.Errorf("a list that was read before sent %+v", sent)
		}
	}
	if in.audit != nil {
		report, err := in.audit.Log().Verify(ctx)
		if err != nil || len(report.Problems) > 0 || report.Entries != 8 {
			t.Errorf("audit: %v, %+v, want 6 inserts, 1 update and 1 delete", err, report)
		}
	}
	if in.replicator != nil {
		if err := in.replicator.Sync(ctx); err != nil {
			t.Error(err)
		}
		var got []string
		for _, c := range in.copied.Rows("reviews") {
			var r shop.Review
			if err := json.Unmarshal(c.After, &r); err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%s %d %s", r.ID, r.Stars, r.Title))
		}
		want := []string{"r0 5 Splendid leaves", "r1 3 Verdict 1", "r3 3 Verdict 3", "r4 3 Verdict 4", "r5 3 Verdict 5"}
		if !slices.Equal(got, want) {
			t.Errorf("replicated (-want +got):\n%s", cmp.Diff(want, got))
		}
	}
	if in.metrics != nil {
		m := in.metrics.Metrics()
		u := m.Usage.Resources["reviews"]
		if u.Inserts != 6 || u.Updates != 1 || u.Deletes != 1 || m.Errors.ByType["ErrNotFound"] != 1 {
			t.Errorf("metrics: %+v", m)
		}
		if (m.Cache.TotalHits > 0) != (in.cache != nil) {
			t.Errorf("metrics of the cache: %+v", m.Cache)
		}
	}
	if in.costs != nil {
		counts, spent := store.Counts(), in.costs.Costs().Total.Requests
		if spent.Put != int64(counts.Put) || spent.Get != int64(counts.Get) || spent.List != int64(counts.List) || spent.Delete != int64(counts.Delete) {
			t.Errorf("costs: %+v, the store saw %+v", spent, counts)
		}
	}
}
