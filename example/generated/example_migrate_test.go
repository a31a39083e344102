package shop_test

import (
	"context"
	"fmt"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/testdata/versions/v3/v3"
	"github.com/s3dbgen/s3dbgen/testdata/versions/v4/v4"
)

// Read a document of an older version, and bring all of them to the version of the
// program. MigrateUserV3ToV4 is in testdata/versions/v4/v4/migrations.go.
func Example_migrate() {
	ctx := context.Background()
	store, key := memstore.New(), s3db.WithKey("k", make([]byte, 32))
	older, err := v3.New(ctx, store, key)
	if err != nil {
		fmt.Println(err)
		return
	}
	street := "Rua A, 5"
	in := v3.UserInsert{ID: "ada", FullName: "Ada", Email: "ada@x.io", Role: v3.UserRoleMember, Profile: v3.UserProfile{City: "Rio", Street: &street}}
	if _, err := older.Users.Insert(ctx, in); err != nil {
		fmt.Println(err)
		return
	}

	db, err := v4.New(ctx, store, key)
	if err != nil {
		fmt.Println(err)
		return
	}
	ada, err := db.Users.Get(ctx, "ada") // calls MigrateUserV3ToV4
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%q, stored by version %d\n", ada.Profile.Lines, ada.Meta.StoredVersion)

	report, err := db.Users.Migrate(ctx, s3db.MigrateOptions{DryRun: true}) // of one resource, to see what would fail
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Migrated, "to migrate,", report.Failed, "would fail")

	reports, err := db.Migrate(ctx, s3db.MigrateOptions{Exclusive: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(reports[0].Migrated, "migrated, complete:", reports[0].Complete)

	states, err := db.Users.History(ctx, "ada") // the schema says "history: true"
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, state := range states {
		fmt.Println("was", state.FullName, "under version", state.Meta.StoredVersion)
	}

	// Output:
	// ["Rua A" "5"], stored by version 3
	// 1 to migrate, 0 would fail
	// 1 migrated, complete: true
	// was Ada under version 3
}
