package clienttest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// fill inserts n accounts, d00 and on, each in every partition and with every
// unique value.
func fill(t *testing.T, c *Accounts, n int) []AccountID {
	t.Helper()
	ids := make([]AccountID, n)
	errs := make([]error, n)
	for i := range n {
		ids[i] = AccountID(fmt.Sprintf("d%02d", i))
		v := string(ids[i])
		_, errs[i] = c.Insert(t.Context(), AccountInsert{ID: ids[i], Name: "n", Email: &v, Phone: &v, Country: &v, City: &v, Plan: new("pro")})
	}
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return ids
}

func testDeleteMany(t *testing.T, store s3db.Store) {
	t.Helper()
	ctx := t.Context()
	c := mustOpen(t, store, 3, 2)
	ids := fill(t, c, 12)
	if err := c.DeleteMany(ctx); err != nil {
		t.Errorf("deleting nothing: %v", err)
	}
	if err := c.DeleteMany(ctx, ids[:4]...); err != nil {
		t.Fatal(err)
	}
	// Ids that are not there, unusable or given twice do not hide the others.
	err := c.DeleteMany(ctx, "d04", "nobody", "d05", "d04", "", "d00", "d06")
	bulk, ok := errors.AsType[*s3db.BulkError](err)
	if !ok {
		t.Fatalf("deleted documents that are not there: %v", err)
	}
	var failed []string
	for _, x := range bulk.Failed {
		failed = append(failed, fmt.Sprintf("%d %s %v %v", x.Index, x.ID, errors.Is(x.Err, s3db.ErrNotFound), errors.Is(x.Err, s3db.ErrInvalidID)))
	}
	want := []string{"1 nobody true false", "4  false true", "5 d00 true false"}
	if diff := cmp.Diff(want, failed); diff != "" || bulk.Total != 6 || bulk.Op != "deleteMany" {
		t.Errorf("of %d, failed (-want +got):\n%s", bulk.Total, diff)
	}
	if got := idsOf(t, c.Query()); got != "d07 d08 d09 d10 d11" {
		t.Errorf("left: %s", got)
	}
	if got := idsOf(t, s3db.InPartition(c, "byPlan", (*s3db.KeyBuilder).String, "pro")); got != "d07 d08 d09 d10 d11" {
		t.Errorf("left in the partition: %s", got)
	}
	checkEntries(t, store, c, 3)
	checkClaims(t, store, 5*2)
	must[*Account](t)(c.Insert(ctx, AccountInsert{ID: "again", Name: "n", Email: new("d00"), Phone: new("d04")}))
}

func testDeleteAll(t *testing.T, store s3db.Store) {
	t.Helper()
	ctx := t.Context()
	const n = 7
	c := mustOpen(t, store, 3, 2)
	fill(t, c, n)
	siblings := map[string]*Accounts{}
	for _, name := range []string{"accounts2", "account", "accounts-2"} {
		siblings[name] = must[*Accounts](t)(OpenResource(ctx, store, name, 3, 2))
		fill(t, siblings[name], n)
	}
	others := map[string]string{}
	for _, key := range keys(t, store, "") {
		obj := must[*s3db.Object](t)(store.Get(ctx, key))
		if len(key) < len(root) || key[:len(root)] != root {
			others[key] = obj.ETag
		}
	}

	for _, not := range []s3db.Confirmation{{}, s3db.Confirm(""), s3db.Confirm("accounts2"), s3db.Confirm("Accounts")} {
		deleted, err := c.DeleteAll(ctx, not)
		wantErr(t, err, s3db.ErrConfig)
		if left := must[int](t)(c.Query().Count(ctx)); deleted != 0 || left != n {
			t.Fatalf("without its name it deleted %d and left %d documents", deleted, left)
		}
	}
	if deleted := must[int](t)(c.DeleteAll(ctx, s3db.Confirm("accounts"))); deleted != n {
		t.Errorf("deleted %d documents, want %d", deleted, n)
	}
	if left := must[int](t)(c.Query().Count(ctx)); left != 0 {
		t.Errorf("left %d documents", left)
	}
	checkEntries(t, store, c, 3)
	checkClaims(t, store, 0)
	for key, etag := range others {
		if obj, err := store.Get(ctx, key); err != nil || obj.ETag != etag {
			t.Errorf("the object %s of another resource changed: %v", key, err)
		}
	}
	for name, sibling := range siblings {
		if left := must[int](t)(sibling.Query().Count(ctx)); left != n {
			t.Errorf("%s has %d documents, want %d", name, left, n)
		}
		d := must[*Account](t)(ByEmail(ctx, sibling, "d03"))
		if d.ID != "d03" {
			t.Errorf("%s: looked up %s", name, d.ID)
		}
	}
	if deleted := must[int](t)(c.DeleteAll(ctx, s3db.Confirm("accounts"))); deleted != 0 {
		t.Errorf("deleted %d documents of none", deleted)
	}
	fill(t, c, 2) // ids and values are free again
	checkClaims(t, store, 4)
}
