//go:build !race

package s3db_test

import (
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// TestUnhookedAllocations holds operations without middleware, hooks and
// subscribers to the allocations that they had before these existed. The race
// detector allocates, too, so it is left out.
func TestUnhookedAllocations(t *testing.T) {
	c, err := clienttest.Open(t.Context(), memstore.New(), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	must(c.Insert(ctx, clienttest.AccountInsert{ID: "a", Name: "n"}))(t)
	drop := func(_ *doc, err error) error { return err }
	for _, test := range []struct {
		name string
		most float64
		run  func() error
	}{
		{"get", 17, func() error { return drop(c.Get(ctx, "a")) }},
		{"exists", 11, func() error { _, err := c.Exists(ctx, "a"); return err }},
		{"update", 56, func() error { return drop(c.Update(ctx, "a", clienttest.AccountPatch{Name: s3db.Set("x")})) }},
		{"upsert", 57, func() error { return drop(c.Upsert(ctx, "a", clienttest.AccountInsert{Name: "y"})) }},
		{"replace", 57, func() error { return drop(c.Replace(ctx, "a", clienttest.AccountInsert{Name: "z"})) }},
		{"insert and delete", 135, func() error {
			if _, err := c.Insert(ctx, clienttest.AccountInsert{ID: "b", Name: "n"}); err != nil {
				return err
			}
			return c.Delete(ctx, "b")
		}},
	} {
		var err error
		const runs = 200
		got := testing.AllocsPerRun(runs, func() { err = test.run() })
		if err != nil || got > test.most {
			t.Errorf("%s: %.0f allocations, at most %.0f before; %v", test.name, got, test.most, err)
		}
	}
}
