package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/postgres"
)

// BenchmarkApply compares changes that are applied with the same rows in plain batches
// of pgx, an INSERT for each, which knows neither JSON nor conflicts nor a checkpoint.
// One operation is a batch of 1,000.
func BenchmarkApply(b *testing.B) {
	const size = 1000
	people := resource("people", 0, attribute("name", "string"), attribute("email", "email"), attribute("age", "integer"), attribute("score", "number"),
		attribute("active", "boolean"), attribute("born", "date"), attribute("tags", "array"), attribute("seen", "datetime"))
	batch := func(n int) (changes []replicator.Change, rows [][]any) {
		for i := range size {
			id := fmt.Sprintf("person-%d-%d", n, i)
			email := id + "@example.com"
			seen := time.Date(2026, 11, 30, 12, 0, i, 0, time.UTC)
			document := fmt.Sprintf(`{"id":%q,"name":"Person %d","email":%q,"age":%d,"score":%d.25,"active":true,"born":"1990-01-02","tags":["a","b"],"seen":%q}`, id, i, email, i, i, seen.Format(time.RFC3339))
			c := put(uint64(n+1), "people", id, document)
			c.Seq.Offset = uint32(i) //nolint:gosec // small
			changes = append(changes, c)
			rows = append(rows, []any{id, fmt.Sprint("Person ", i), email, i, float64(i) + 0.25, true, time.Date(1990, 1, 2, 0, 0, 0, 0, time.UTC), `["a","b"]`, seen,
				string(c.Revision), c.Version, c.Time, false, c.Seq.String()})
		}
		return changes, rows
	}
	d := newDatabase(b)
	target := d.target(b, postgres.Config{})
	prepare(b, target, people)
	d.exec(b, "CREATE TABLE plain (id text PRIMARY KEY, name text, email text, age bigint, score double precision, active boolean, born date, tags jsonb, seen timestamptz, "+
		"_revision text, _version integer, _time timestamptz, _deleted boolean, _seq text)")
	plain := func(rows [][]any) {
		var batch pgx.Batch
		for _, row := range rows {
			batch.Queue("INSERT INTO plain VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)", row...)
		}
		if err := d.pool.SendBatch(context.Background(), &batch).Close(); err != nil {
			b.Fatal(err)
		}
	}
	var ours, theirs time.Duration
	n := 0
	for b.Loop() {
		changes, rows := batch(n)
		n++
		start := time.Now()
		apply(b, target, changes...)
		ours += time.Since(start)
		start = time.Now()
		plain(rows)
		theirs += time.Since(start)
	}
	b.ReportMetric(float64(n*size)/ours.Seconds(), "changes/s")
	b.ReportMetric(float64(n*size)/theirs.Seconds(), "plain/s")
	b.ReportMetric(theirs.Seconds()/ours.Seconds(), "ratio")
}
