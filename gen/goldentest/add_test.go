package goldentest

import (
	"errors"
	"math"
	"testing"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// TestDynamicAdd adds to an attribute without generated code.
func TestDynamicAdd(t *testing.T) {
	ctx := t.Context()
	server := memstore.NewServer(memstore.Options{})
	openVersion(t, server, 0).insertAll(0)
	r := openDynamic(t, server)
	page, err := r.Query().Page(ctx, 1)
	if err != nil || len(page.Items) != 1 {
		t.Fatal(err)
	}
	d := page.Items[0]
	age, ok := d.Values["age"].(int64)
	if !ok {
		t.Fatalf("%+v", d.Values)
	}
	for range 2 {
		age -= 5
		if d, err = r.Update(ctx, d.ID, dynamic.Patch{"age": s3db.Add(int64(-5))}); err != nil || d.Values["age"] != age {
			t.Fatalf("%+v, %v, want %d", d, err, age)
		}
	}
	most := dynamic.Patch{"age": s3db.Add(int64(math.MaxInt64))}
	_, first := r.Update(ctx, d.ID, most)
	_, second := r.Update(ctx, d.ID, most)
	if !errors.Is(errors.Join(first, second), s3db.ErrValidation) {
		t.Errorf("beyond the type: %v, %v", first, second)
	}
	if _, err := r.Update(ctx, d.ID, dynamic.Patch{"name": s3db.Add(int64(1))}); !errors.Is(err, s3db.ErrValidation) {
		t.Errorf("to a text: %v", err)
	}
}
