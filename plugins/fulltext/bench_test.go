package fulltext_test

import (
	"fmt"
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	"github.com/s3dbgen/s3dbgen/plugins/fulltext"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// BenchmarkInsert measures what the index adds to an insert, in memory.
func BenchmarkInsert(b *testing.B) {
	texts := corpus(b, 10_000)
	for _, with := range []bool{false, true} {
		b.Run(fmt.Sprintf("index=%t", with), func(b *testing.B) {
			var options []s3db.Option
			if with {
				options = append(options, s3db.WithPlugin(fulltext.New(fulltext.Options{}, onAccounts())))
			}
			store := memstore.New()
			c := must(clienttest.Open(b.Context(), store, 1, 0, options...))(b)
			store.ResetCounts()
			n := 0
			for b.Loop() {
				in := texts[n%len(texts)]
				in.ID = id(fmt.Sprint(n))
				n++
				if _, err := c.Insert(b.Context(), in); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(store.Counts().Total())/float64(n), "requests/op")
		})
	}
}

// BenchmarkSearch measures a search of two words in 10,000 documents, with all of
// them in segments and with 100 of them marked, against a query that reads them.
func BenchmarkSearch(b *testing.B) {
	ctx := b.Context()
	store := memstore.New()
	c, x := open(b, store, fulltext.Options{CompactAfter: -1})
	list := corpus(b, 10_000)
	if _, err := c.InsertMany(ctx, list); err != nil {
		b.Fatal(err)
	}
	if err := x.Compact(ctx); err != nil {
		b.Fatal(err)
	}
	measure := func(name string, search func() int) {
		b.Run(name, func(b *testing.B) {
			store.ResetCounts()
			n, hits := 0, 0
			for b.Loop() {
				n++
				hits = search()
			}
			if hits == 0 {
				b.Fatal("nothing is found")
			}
			b.ReportMetric(float64(store.Counts().Total())/float64(n), "requests/op")
		})
	}
	indexed := func(text string) func() int {
		return func() int { return len(must(x.Limit(10).Search(ctx, text))(b)) }
	}
	measure("index", indexed("prism lens"))
	measure("prefix", indexed("telesc*"))
	where := clienttest.Where()
	measure("scan", func() int {
		n := 0
		for _, err := range c.Query().Where(s3db.Or(where.Bio.Contains("rism"), where.Bio.Contains("lens"))).All(ctx) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		return n
	})
	for _, in := range list[:100] {
		must(c.Upsert(ctx, in.ID, clienttest.AccountInsert{Name: in.Name + " again", Bio: in.Bio}))(b)
	}
	measure("index, 100 marked", indexed("prism lens"))
}

// BenchmarkCompact measures the compaction of 1,000 documents.
func BenchmarkCompact(b *testing.B) {
	list := corpus(b, 10_000)[:1000]
	for b.Loop() {
		b.StopTimer()
		c, x := open(b, memstore.New(), fulltext.Options{})
		if err := x.Compact(b.Context()); err != nil {
			b.Fatal(err)
		}
		if _, err := c.InsertMany(b.Context(), list); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := x.Compact(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
