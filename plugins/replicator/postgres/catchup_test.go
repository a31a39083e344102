package postgres_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/postgres"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// BenchmarkCatchUp replicates changes that wait in a database in memory: settles their
// intents, takes the log to PostgreSQL, and compares the latter with plain batches of pgx
// that insert the same rows. Shards are followed side by side. One operation is 20,000
// changes.
func BenchmarkCatchUp(b *testing.B) {
	for _, shards := range []int{1, 2} {
		b.Run(fmt.Sprint("shards=", shards), func(b *testing.B) { benchmarkCatchUp(b, shards) })
	}
}

func benchmarkCatchUp(b *testing.B, shards int) {
	const documents = 10_000
	ctx := b.Context()
	var settled, caughtUp, plain time.Duration
	changes, rows := 0, 0
	for b.Loop() {
		b.StopTimer()
		d := newDatabase(b)
		server := memstore.NewServer(memstore.Options{})
		_, first := replicated(b, server.Client(), d.newTarget(b, postgres.Config{}), func(o *replicator.Options) { o.Shards = shards })
		synced(b, first) // from here on, the log is kept for the target
		c, r := replicated(b, server.Client(), nil, func(o *replicator.Options) {
			o.Targets, o.Resources = nil, []string{"accounts"}
		})
		list := make([]account, documents)
		for i := range list {
			list[i] = account{ID: clienttest.AccountID(fmt.Sprintf("account-%06d", i)), Name: fmt.Sprint("Account ", i), Count: int64(i), Email: new(fmt.Sprintf("a%d@example.com", i)), Country: new("BR"), City: new("São Paulo")}
		}
		if _, err := c.InsertMany(ctx, list); err != nil {
			b.Fatal(err)
		}
		for i := range list {
			list[i].Name += " again"
			list[i].ID += "-2"
			list[i].Email = nil
		}
		if _, err := c.InsertMany(ctx, list); err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		synced(b, r)
		settled += time.Since(start)

		target := d.newTarget(b, postgres.Config{})
		b.StartTimer()
		start = time.Now()
		catchUp(b, server.Client(), target, 2*documents)
		caughtUp += time.Since(start)
		b.StopTimer()
		if n := query[int](b, d, "SELECT count(*) FROM accounts")[0]; n != 2*documents {
			b.Fatalf("%d rows", n)
		}
		changes += 2 * documents

		plain += insertPlainly(b, d)
		rows += 2 * documents
		b.StartTimer()
	}
	b.ReportMetric(float64(changes)/settled.Seconds(), "settled/s")
	b.ReportMetric(float64(changes)/caughtUp.Seconds(), "changes/s")
	b.ReportMetric(float64(rows)/plain.Seconds(), "plain/s")
	b.ReportMetric(plain.Seconds()/caughtUp.Seconds(), "ratio")
}

// catchUp opens a program that replicates beside others, and waits until the target has
// got as many changes.
func catchUp(b *testing.B, store s3db.Store, target replicator.Target, changes int) {
	b.Helper()
	var applied atomic.Int64
	all := make(chan struct{})
	r := replicator.New(replicator.Options{
		Instance: "test", Interval: time.Millisecond,
		Targets: []replicator.TargetOptions{{Name: "postgres", Target: target, Routes: map[string][]replicator.Route{"accounts": {{}}}}},
	})
	r.Subscribe(func(_ context.Context, e replicator.Event) {
		if e.Kind == replicator.EventApplied && applied.Add(int64(e.Changes)) == int64(changes) {
			close(all)
		}
	})
	c, err := clienttest.Open(b.Context(), store, 1, 1, s3db.WithPlugin(r))
	if err != nil {
		b.Fatal(err)
	}
	<-all
	if err := c.Database().Close(); err != nil {
		b.Fatal(err)
	}
}

// insertPlainly reads the rows of the table and inserts them into another one like it.
func insertPlainly(b *testing.B, d *database) time.Duration {
	b.Helper()
	const size = 500
	d.exec(b, "CREATE TABLE plain (LIKE accounts INCLUDING ALL)")
	found, err := d.pool.Query(b.Context(), "SELECT * FROM accounts")
	if err != nil {
		b.Fatal(err)
	}
	rows, err := pgx.CollectRows(found, func(row pgx.CollectableRow) ([]any, error) { return row.Values() })
	if err != nil {
		b.Fatal(err)
	}
	params := "$1"
	for i := range rows[0][1:] {
		params += fmt.Sprintf(", $%d", i+2)
	}
	start := time.Now()
	for n := 0; n < len(rows); n += size {
		var batch pgx.Batch
		for _, row := range rows[n:min(n+size, len(rows))] {
			batch.Queue("INSERT INTO plain VALUES ("+params+")", row...)
		}
		if err := d.pool.SendBatch(context.Background(), &batch).Close(); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(start)
}
