package postgres_test

import (
	"log"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/postgres"
)

// Tables of PostgreSQL, made and evolved from the schema: users, and a row for each
// change beside.
func ExampleNew() {
	target, err := postgres.New(postgres.Config{
		ConnectionString: "postgres://replicator@db.example.com/analytics?sslmode=verify-full",
		LogTable:         "s3db_replicator_log",
	})
	if err != nil {
		log.Fatal(err)
	}
	_ = replicator.New(replicator.Options{Targets: []replicator.TargetOptions{{
		Name: "analytics", Target: target,
		Routes: map[string][]replicator.Route{"users": {{To: "shop_users"}}},
	}}})
}
