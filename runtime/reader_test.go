package s3db_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// TestReader reads what another program stored: all pages, in order, through a
// server that fails now and then, and nothing of a neighbour.
func TestReader(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store := memstore.New()
	var want []string
	for i := range 2500 {
		name := fmt.Sprintf("a/%04d", i)
		want = append(want, name)
		store.Server().Plant(name, []byte(name), map[string]string{"_V": "São"})
	}
	store.Server().Plant("b", nil, nil)
	failures := 0
	store.SetFault(func(r memstore.Request) memstore.Injection {
		if failures++; failures%2 == 1 {
			return memstore.Injection{Fault: memstore.SlowDown}
		}
		return memstore.Injection{}
	})
	r, err := s3db.NewReader(store, s3db.WithRetry(s3db.RetryPolicy{Base: 1, Cap: 1}))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for item, err := range r.List(ctx, "a/") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, item.Key)
	}
	if !slices.Equal(got, want) || failures != 6 {
		t.Errorf("%d keys in %d requests, want %d in 6", len(got), failures, len(want))
	}
	store.SetFault(nil)
	o, err := r.Get(ctx, "a/0007")
	if err != nil || string(o.Body) != "a/0007" || o.Metadata["_V"] != "São" {
		t.Errorf("get: %v, %v", o, err)
	}
	if _, err := r.Get(ctx, "c"); !errors.Is(err, s3db.ErrNotFound) {
		t.Errorf("a missing object: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := store.Get(ctx, "b"); err != nil {
		t.Errorf("Close closed a store that it had not opened: %v", err)
	}
}
