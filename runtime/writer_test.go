package s3db_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// TestWriter: when Close returns, every document is stored or named as failed.
func TestWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, _ := accounts(t, 10, latency(10*time.Millisecond))
		var told atomic.Int64
		w, err := c.Writer(t.Context(), s3db.BatchSize(25), s3db.Concurrency(5), s3db.OnFailure(func(s3db.ItemError) { told.Add(1) }))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 200 {
			in := clienttest.AccountInsert{ID: clienttest.AccountID(fmt.Sprintf("b%03d", i)), Name: "n"}
			switch i {
			case 50:
				in.ID = "a000003" // is taken
			case 100:
				in.Name = "" // breaks a rule
			}
			if err := w.Write(in); err != nil {
				t.Fatal(err)
			}
		}
		bulk, ok := errors.AsType[*s3db.BulkError](w.Close())
		if !ok || bulk.Total != 200 || len(bulk.Failed) != 2 || told.Load() != 2 {
			t.Fatalf("close: %+v, %d failures told", bulk, told.Load())
		}
		if f := bulk.Failed[0]; f.Index != 50 || f.ID != "a000003" || !errors.Is(f.Err, s3db.ErrAlreadyExists) {
			t.Errorf("first failure: %+v", f)
		}
		if f := bulk.Failed[1]; f.Index != 100 || f.ID != "b100" || !errors.Is(f.Err, s3db.ErrValidation) {
			t.Errorf("second failure: %+v", f)
		}
		if n, err := c.Query().Count(t.Context()); err != nil || n != 208 {
			t.Errorf("%d documents, %v", n, err)
		}
		if err := w.Write(clienttest.AccountInsert{}); !errors.Is(err, s3db.ErrClosed) {
			t.Errorf("write after close: %v", err)
		}
	})
}

// TestWriterWaits: a writer takes no more documents than BatchSize while the store
// does not answer, and none is lost when the context ends.
func TestWriterWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, store, _ := accounts(t, 0, memstore.Options{})
		store.SetFault(func(memstore.Request) memstore.Injection { return memstore.Injection{Fault: memstore.Stall} })
		ctx, cancel := context.WithCancel(t.Context())
		w, err := c.Writer(ctx, s3db.BatchSize(25), s3db.Concurrency(5))
		if err != nil {
			t.Fatal(err)
		}
		var taken atomic.Int64
		done := make(chan error)
		go func() {
			for {
				if err := w.Write(clienttest.AccountInsert{Name: "n"}); err != nil {
					done <- err
					return
				}
				taken.Add(1)
			}
		}()
		synctest.Wait()
		if n := taken.Load(); n != 25 {
			t.Errorf("%d documents were taken, want 25", n)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("write: %v", err)
		}
		bulk, ok := errors.AsType[*s3db.BulkError](w.Close())
		if !ok || int64(len(bulk.Failed)) != taken.Load()+1 || !errors.Is(bulk, context.Canceled) {
			t.Errorf("close: %v", bulk)
		}
	})
}

// TestMany: bulk methods tell what became of each document.
func TestMany(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c, store, _ := accounts(t, 3, memstore.Options{})
	docs, err := c.InsertMany(ctx, []clienttest.AccountInsert{{ID: "x", Name: "x"}, {ID: "a000001", Name: "y"}, {ID: "z", Name: ""}, {ID: "w", Name: "w"}})
	bulk, ok := errors.AsType[*s3db.BulkError](err)
	if !ok || len(bulk.Failed) != 2 || bulk.Failed[0].Index != 1 || bulk.Failed[1].ID != "z" || docs[0] == nil || docs[1] != nil || docs[2] != nil || docs[3].ID != "w" {
		t.Errorf("insertMany: %v, %v", docs, err)
	}
	store.ResetCounts()
	docs, err = c.UpdateMany(ctx, []clienttest.AccountID{"x", "nobody", "w"}, clienttest.AccountPatch{Count: s3db.Set(int64(9))})
	if bulk, ok = errors.AsType[*s3db.BulkError](err); !ok || len(bulk.Failed) != 1 || bulk.Failed[0].ID != "nobody" || !errors.Is(err, s3db.ErrNotFound) || docs[0].Count != 9 || docs[2].Count != 9 {
		t.Errorf("updateMany: %v, %v", docs, err)
	}
	if n := store.Counts(); n != (memstore.Counts{Get: 3, Put: 2}) {
		t.Errorf("updateMany took %+v", n)
	}
}
