package postgres_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/s3dbgen/s3dbgen/internal/leaktest"
	server "github.com/s3dbgen/s3dbgen/internal/testserver/postgres"
	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/postgres"
)

var shared server.Shared

func TestMain(m *testing.M) {
	leaktest.Tests{M: m, Then: []func(){shared.Close}}.Main()
}

// database is an empty schema of the shared cluster, the only one that its URL finds.
type database struct {
	url  string
	pool *pgxpool.Pool
}

func newDatabase(tb testing.TB) *database {
	tb.Helper()
	schema := "test_" + strings.ToLower(rand.Text())
	d := &database{url: shared.Get(tb).URL("postgres") + "&search_path=" + schema}
	var err error
	if d.pool, err = pgxpool.New(tb.Context(), d.url); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(d.pool.Close)
	d.exec(tb, "CREATE SCHEMA "+schema)
	return d
}

func (d *database) exec(tb testing.TB, sql string, args ...any) {
	tb.Helper()
	if _, err := d.pool.Exec(tb.Context(), sql, args...); err != nil {
		tb.Fatalf("%s: %v", sql, err)
	}
}

// query returns the first column of a query's rows.
func query[T any](tb testing.TB, d *database, sql string, args ...any) []T {
	tb.Helper()
	rows, err := d.pool.Query(tb.Context(), sql, args...)
	if err != nil {
		tb.Fatalf("%s: %v", sql, err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[T])
	if err != nil {
		tb.Fatalf("%s: %v", sql, err)
	}
	return list
}

// target returns a target of the database.
func (d *database) target(tb testing.TB, config postgres.Config) *postgres.Target {
	tb.Helper()
	if config.ConnectionString == "" && config.Host == "" {
		config.ConnectionString = d.url
	}
	target, err := postgres.New(config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := target.Close(); err != nil {
			tb.Error(err)
		}
	})
	return target
}

// prepare prepares a target for resources.
func prepare(tb testing.TB, target *postgres.Target, resources ...replicator.Resource) {
	tb.Helper()
	if err := target.Prepare(tb.Context(), source(resources...)); err != nil {
		tb.Fatal(err)
	}
}

func source(resources ...replicator.Resource) replicator.Source {
	return replicator.Source{Database: "db1", Name: "test", Shards: 4, Resources: resources}
}

// apply applies changes, none of which is refused.
func apply(tb testing.TB, target *postgres.Target, changes ...replicator.Change) {
	tb.Helper()
	rejected, err := target.Apply(tb.Context(), changes)
	if err != nil || len(rejected) > 0 {
		tb.Fatalf("Apply: %+v, %v", rejected, err)
	}
}
