package s3db_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// crowd inserts n accounts that are in every partition and hold every value.
func crowd(t *testing.T, c *clienttest.Accounts, n int) []clienttest.AccountID {
	t.Helper()
	ids := make([]clienttest.AccountID, n)
	for i := range n {
		v := fmt.Sprintf("d%04d", i)
		ids[i] = clienttest.AccountID(v)
		if _, err := c.Insert(t.Context(), account(v, v)); err != nil {
			t.Fatal(err)
		}
	}
	return ids
}

// TestDeleteManyRequests: each document is read and committed by itself, each
// claim released by itself, and the entries of all go 1,000 at a time.
func TestDeleteManyRequests(t *testing.T) {
	const n = 1100
	for p := range 4 {
		for k := range 3 {
			t.Run(fmt.Sprintf("p=%d, k=%d", p, k), func(t *testing.T) {
				store := memstore.New()
				c, err := clienttest.Open(t.Context(), store, p, k)
				if err != nil {
					t.Fatal(err)
				}
				want := memstore.Counts{Get: n, Put: n, Delete: n * k, DeleteMany: (n*p + 999) / 1000}
				ids := crowd(t, c, n)
				before := store.Counts()
				if err := c.DeleteMany(t.Context(), ids...); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, store.Counts().Sub(before)); diff != "" {
					t.Errorf("deleteMany (-want +got):\n%s", diff)
				}
				crowd(t, c, n)
				before = store.Counts()
				if deleted, err := c.DeleteAll(t.Context(), s3db.Confirm("accounts")); err != nil || deleted != n {
					t.Fatal(deleted, err)
				}
				want.List = 2
				if diff := cmp.Diff(want, store.Counts().Sub(before)); diff != "" {
					t.Errorf("deleteAll (-want +got):\n%s", diff)
				}
				clienttest.CheckExact(t, store, p, k)
			})
		}
	}
}

// TestDeleteAllGoesOn: a document that cannot be read is named and stays; all
// others go.
func TestDeleteAllGoesOn(t *testing.T) {
	store := memstore.New()
	c, err := clienttest.Open(t.Context(), store, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	crowd(t, c, 5)
	if _, err := store.Put(t.Context(), "resource=accounts/data/id=d0002", []byte("not ours"), nil, s3db.Condition{}); err != nil {
		t.Fatal(err)
	}
	n, err := c.DeleteAll(t.Context(), s3db.Confirm("accounts"))
	bulk, ok := errors.AsType[*s3db.BulkError](err)
	if n != 4 || !ok || len(bulk.Failed) != 1 || bulk.Failed[0].ID != "d0002" || bulk.Failed[0].Index != 2 || bulk.Total != 5 || !errors.Is(err, s3db.ErrCorrupt) {
		t.Errorf("deleted %d, %v", n, err)
	}
	if left, err := c.Query().Count(t.Context()); err != nil || left != 1 {
		t.Errorf("left %d, %v", left, err)
	}
}

// TestDeleteAllEnds: a store that does not answer, or a context that ends, ends it;
// what was deleted is told.
func TestDeleteAllEnds(t *testing.T) {
	for name, failing := range map[string]func(cancel context.CancelFunc) memstore.Fault{
		"unavailable": func(context.CancelFunc) memstore.Fault {
			return func(r memstore.Request) memstore.Injection {
				if strings.HasSuffix(r.Key, "data/id=d0500") {
					return memstore.Injection{Fault: memstore.Refused}
				}
				return memstore.Injection{}
			}
		},
		"canceled": func(cancel context.CancelFunc) memstore.Fault {
			return func(r memstore.Request) memstore.Injection {
				if strings.HasSuffix(r.Key, "data/id=d0500") {
					cancel()
				}
				return memstore.Injection{}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const n = 1010
				server := memstore.NewServer(memstore.Options{})
				setup, err := clienttest.Open(t.Context(), server.Client(), 1, 1)
				if err != nil {
					t.Fatal(err)
				}
				crowd(t, setup, n)
				store := server.Client()
				c, err := clienttest.Open(t.Context(), store, 1, 1)
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				store.SetFault(failing(cancel))
				deleted, err := c.DeleteAll(ctx, s3db.Confirm("accounts"))
				if err == nil {
					t.Fatal("no error")
				}
				if name == "unavailable" && !errors.Is(err, s3db.ErrUnavailable) || name == "canceled" && !errors.Is(err, context.Canceled) {
					t.Errorf("the error is %v", err)
				}
				left, err := setup.Query().Count(t.Context())
				if err != nil || deleted+left != n || left < n-1000 || deleted < 400 {
					t.Errorf("told of %d deleted, left %d of %d, %v", deleted, left, n, err)
				}
				clienttest.CheckIndexes(t, server.Client(), 1, 1)
			})
		})
	}
}
