package s3db_test

import (
	"fmt"
	"testing"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/testdata/golden/diary/diary"
)

// BenchmarkReadSecrets reads 1,000 documents that have three secrets and the same
// documents with three plain attributes, in memory, and reports how many times as
// long the first takes.
func BenchmarkReadSecrets(b *testing.B) {
	const documents = 1000
	ctx := b.Context()
	db, err := diary.New(ctx, memstore.New(), s3db.WithKey("k1", make([]byte, 32)))
	if err != nil {
		b.Fatal(err)
	}
	ids := make([]string, documents)
	for i := range ids {
		ids[i] = fmt.Sprintf("d%d", i)
		text := func(n int) string { return fmt.Sprintf("a text of an ordinary length %d %d", n, i) }
		plain := diary.PlainInsert{ID: diary.PlainID(ids[i]), Title: "title", Day: int64(i), A: text(1), B: text(2), C: text(3)}
		if _, err := db.Plains.Insert(ctx, plain); err != nil {
			b.Fatal(err)
		}
		secret := diary.SecretInsert{ID: diary.SecretID(ids[i]), Title: "title", Day: int64(i), A: s3db.NewSecret(text(1)), B: s3db.NewSecret(text(2)), C: s3db.NewSecret(text(3))}
		if _, err := db.Secrets.Insert(ctx, secret); err != nil {
			b.Fatal(err)
		}
	}
	var plain, secret time.Duration
	for b.Loop() {
		start := time.Now()
		for _, id := range ids {
			if _, err := db.Plains.Get(ctx, diary.PlainID(id)); err != nil {
				b.Fatal(err)
			}
		}
		middle := time.Now()
		for _, id := range ids {
			if _, err := db.Secrets.Get(ctx, diary.SecretID(id)); err != nil {
				b.Fatal(err)
			}
		}
		plain += middle.Sub(start)
		secret += time.Since(middle)
	}
	b.ReportMetric(0, "ns/op") // both together say nothing
	b.ReportMetric(float64(plain.Nanoseconds())/float64(b.N*documents), "plain-ns/document")
	b.ReportMetric(float64(secret.Nanoseconds())/float64(b.N*documents), "secret-ns/document")
	b.ReportMetric(float64(secret)/float64(plain), "times-plain")
}
