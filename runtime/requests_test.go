package s3db_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// TestRequests asserts what every single-document operation costs, for each
// number of partitions (p) and unique constraints (k). Nothing ever lists.
func TestRequests(t *testing.T) {
	full := func(id clienttest.AccountID, v string) clienttest.AccountInsert {
		return clienttest.AccountInsert{
			ID: id, Name: "n", Email: &v, Phone: &v, Country: &v, City: &v, Plan: &v,
		}
	}
	move := clienttest.AccountPatch{
		Email: s3db.Set("new"), Phone: s3db.Set("new"), Country: s3db.Set("new"), City: s3db.Set("new"), Plan: s3db.Set("new"),
	}
	name := clienttest.AccountPatch{Name: s3db.Set("other")}
	type op struct {
		name string
		run  func(ctx context.Context, c *clienttest.Accounts, held *clienttest.Account) error
		want func(p, k int) memstore.Counts
	}
	// removed is how the entries of one document go: one request for all.
	removed := func(c memstore.Counts, p int) memstore.Counts {
		switch {
		case p == 1:
			c.Delete++
		case p > 1:
			c.DeleteMany++
		}
		return c
	}
	drop := func(_ *clienttest.Account, err error) error { return err }
	ops := []op{
		{"insert", func(ctx context.Context, c *clienttest.Accounts, _ *clienttest.Account) error {
			return drop(c.Insert(ctx, full("b", "b")))
		}, func(p, k int) memstore.Counts { return memstore.Counts{Put: 1 + p + k} }},
		{"get", func(ctx context.Context, c *clienttest.Accounts, _ *clienttest.Account) error {
			return drop(c.Get(ctx, "a"))
		}, func(_, _ int) memstore.Counts { return memstore.Counts{Get: 1} }},
		{"get missing", func(ctx context.Context, c *clienttest.Accounts, _ *clienttest.Account) error {
			if _, err := c.Get(ctx, "nobody"); err == nil {
				return fmt.Errorf("found")
			}
			return nil
		}, func(_, _ int) memstore.Counts { return memstore.Counts{Get: 1} }},
		{"exists", func(ctx context.Context, c *clienttest.Accounts, _ *clienttest.Account) error {
			_, err := c.Exists(ctx, "a")
			return err
		}, func(_, _ int) memstore.Counts { return memstore.Counts{Head: 1} }},
		{"update, indexes unchanged", func(ctx context.Context, c *clienttest.Accounts, _ *clienttest.Account) error {
			return drop(c.Update(ctx, "a", name))
		}, func(_, _ int) memstore.Counts { return memstore.Counts{Get: 1, Put: 1} }},
		{"update from, indexes unchanged", func(ctx context.Context, c *clienttest.Accounts, held *clienttest.Account) error {
			return drop(c.UpdateFrom(ctx, held, name))
		}, func(_, _ int) memstore.Counts { return memstore.Counts{Put: 1} }},
		{"update, all indexes changed", func(ctx context.Context, c *clienttest.Accounts, _ *clienttest.Account) error {
			return drop(c.Update(ctx, "a", move))
		}, func(p, k int) memstore.Counts {
			return removed(memstore.Counts{Get: 1, Put: 1 + p + k, Delete: k}, p)
		}},
		{"update from, all indexes changed", func(ctx context.Context, c *clienttest.Accounts, held *clienttest.Account) error {
			return drop(c.UpdateFrom(ctx, held, move))
		}, func(p, k int) memstore.Counts {
			return removed(memstore.Counts{Put: 1 + p + k, Delete: k}, p)
		}},
		{"set content", func(ctx context.Context, c *clienttest.Accounts, _ *clienttest.Account) error {
			return drop(c.SetContent(ctx, "a", strings.NewReader("new")))
		}, func(_, _ int) memstore.Counts { return memstore.Counts{Get: 1, Put: 2} }},
		{"set content of a missing document", func(ctx context.Context, c *clienttest.Accounts, _ *clienttest.Account) error {
			if _, err := c.SetContent(ctx, "nobody", strings.NewReader("new")); !errors.Is(err, s3db.ErrNotFound) {
				return fmt.Errorf("found: %w", err)
			}
			return nil
		}, func(_, _ int) memstore.Counts { return memstore.Counts{Get: 1} }},
		{"has content", func(ctx context.Context, c *clienttest.Accounts, _ *clienttest.Account) error {
			_, err := c.HasContent(ctx, "a")
			return err
		}, func(_, _ int) memstore.Counts { return memstore.Counts{Get: 1} }},
		{"replace, indexes unchanged", func(ctx context.Context, c *clienttest.Accounts, _ *clienttest.Account) error {
			return drop(c.Replace(ctx, "a", full("", "a")))
		}, func(_, _ int) memstore.Counts { return memstore.Counts{Get: 1, Put: 1} }},
		{"upsert existing, indexes unchanged", func(ctx context.Context, c *clienttest.Accounts, _ *clienttest.Account) error {
			return drop(c.Upsert(ctx, "a", full("", "a")))
		}, func(_, _ int) memstore.Counts { return memstore.Counts{Get: 1, Put: 1} }},
		{"upsert new", func(ctx context.Context, c *clienttest.Accounts, _ *clienttest.Account) error {
			return drop(c.Upsert(ctx, "b", full("", "b")))
		}, func(p, k int) memstore.Counts { return memstore.Counts{Get: 1, Put: 1 + p + k} }},
		{"delete", func(ctx context.Context, c *clienttest.Accounts, _ *clienttest.Account) error {
			return c.Delete(ctx, "a")
		}, func(p, k int) memstore.Counts { return removed(memstore.Counts{Get: 1, Put: 1, Delete: k}, p) }},
		{"delete with a known revision", func(ctx context.Context, c *clienttest.Accounts, held *clienttest.Account) error {
			return c.Delete(ctx, "a", s3db.IfMatch(held.Meta.Revision))
		}, func(p, k int) memstore.Counts { return removed(memstore.Counts{Get: 1, Put: 1, Delete: k}, p) }},
		{"delete many", func(ctx context.Context, c *clienttest.Accounts, _ *clienttest.Account) error {
			return c.DeleteMany(ctx, "a")
		}, func(p, k int) memstore.Counts { return removed(memstore.Counts{Get: 1, Put: 1, Delete: k}, p) }},
		{"update by a function", func(ctx context.Context, c *clienttest.Accounts, _ *clienttest.Account) error {
			return drop(c.UpdateFunc(ctx, "a", func(*clienttest.Account) (clienttest.AccountPatch, error) { return move, nil }))
		}, func(p, k int) memstore.Counts {
			return removed(memstore.Counts{Get: 1, Put: 1 + p + k, Delete: k}, p)
		}},
		{"replace, all indexes changed", func(ctx context.Context, c *clienttest.Accounts, _ *clienttest.Account) error {
			return drop(c.Replace(ctx, "a", full("", "new")))
		}, func(p, k int) memstore.Counts {
			return removed(memstore.Counts{Get: 1, Put: 1 + p + k, Delete: k}, p)
		}},
		{"upsert existing, all indexes changed", func(ctx context.Context, c *clienttest.Accounts, _ *clienttest.Account) error {
			return drop(c.Upsert(ctx, "a", full("", "new")))
		}, func(p, k int) memstore.Counts {
			return removed(memstore.Counts{Get: 1, Put: 1 + p + k, Delete: k}, p)
		}},
		{"all values cleared", func(ctx context.Context, c *clienttest.Accounts, _ *clienttest.Account) error {
			return drop(c.Replace(ctx, "a", clienttest.AccountInsert{Name: "n"}))
		}, func(p, k int) memstore.Counts { return removed(memstore.Counts{Get: 1, Put: 1, Delete: k}, p) }},
		{"get many", func(ctx context.Context, c *clienttest.Accounts, _ *clienttest.Account) error {
			_, err := c.GetMany(ctx, "a", "a", "a")
			return err
		}, func(_, _ int) memstore.Counts { return memstore.Counts{Get: 3} }},
	}
	for p := range 4 {
		for k := range 3 {
			for _, op := range ops {
				t.Run(fmt.Sprintf("%s, p=%d, k=%d", op.name, p, k), func(t *testing.T) {
					ctx := t.Context()
					store := memstore.New()
					c, err := clienttest.Open(ctx, store, p, k)
					if err != nil {
						t.Fatal(err)
					}
					held, err := c.Insert(ctx, full("a", "a"))
					if err != nil {
						t.Fatal(err)
					}
					before := store.Counts()
					if err := op.run(ctx, c, held); err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(op.want(p, k), store.Counts().Sub(before)); diff != "" {
						t.Errorf("requests (-want +got):\n%s", diff)
					}
				})
			}
		}
	}
}

// TestContentRequests asserts what the operations on a content cost that is there.
func TestContentRequests(t *testing.T) {
	const large = 17 << 20 // three parts
	for _, op := range []struct {
		name string
		run  func(ctx context.Context, c *clienttest.Accounts) error
		want memstore.Counts
	}{
		{"set", func(ctx context.Context, c *clienttest.Accounts) error {
			_, err := c.SetContent(ctx, "a", strings.NewReader("new"))
			return err
		}, memstore.Counts{Get: 1, Put: 2, Delete: 1}},
		{"set, 8 MiB", func(ctx context.Context, c *clienttest.Accounts) error {
			_, err := c.SetContent(ctx, "a", strings.NewReader(strings.Repeat("x", 8<<20)))
			return err
		}, memstore.Counts{Get: 1, Put: 2, Delete: 1}},
		{"set, in parts", func(ctx context.Context, c *clienttest.Accounts) error {
			_, err := c.SetContent(ctx, "a", strings.NewReader(strings.Repeat("x", large)))
			return err
		}, memstore.Counts{Get: 1, Put: 1 + 3 + 1 + 1, Delete: 1}},
		{"read", func(ctx context.Context, c *clienttest.Accounts) error {
			_, err := clienttest.ReadContent(ctx, c, "a")
			return err
		}, memstore.Counts{Get: 2}},
		{"read a range", func(ctx context.Context, c *clienttest.Accounts) error {
			r, err := c.Content(ctx, "a", s3db.ContentRange{Offset: 1, Length: 1})
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, r)
			return errors.Join(err, r.Close())
		}, memstore.Counts{Get: 2}},
		{"has", func(ctx context.Context, c *clienttest.Accounts) error {
			_, err := c.HasContent(ctx, "a")
			return err
		}, memstore.Counts{Get: 1}},
		{"delete the content", func(ctx context.Context, c *clienttest.Accounts) error {
			_, err := c.DeleteContent(ctx, "a")
			return err
		}, memstore.Counts{Get: 1, Put: 1, Delete: 1}},
		{"delete the document", func(ctx context.Context, c *clienttest.Accounts) error {
			return c.Delete(ctx, "a")
		}, memstore.Counts{Get: 1, Put: 1, Delete: 1}},
		{"update", func(ctx context.Context, c *clienttest.Accounts) error {
			_, err := c.Update(ctx, "a", clienttest.AccountPatch{Name: s3db.Set("other")})
			return err
		}, memstore.Counts{Get: 1, Put: 1}},
	} {
		t.Run(op.name, func(t *testing.T) {
			ctx := t.Context()
			store := memstore.New()
			c, err := clienttest.Open(ctx, store, 0, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Insert(ctx, clienttest.AccountInsert{ID: "a", Name: "n"}); err != nil {
				t.Fatal(err)
			}
			if _, err := c.SetContent(ctx, "a", strings.NewReader("old")); err != nil {
				t.Fatal(err)
			}
			before := store.Counts()
			if err := op.run(ctx, c); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(op.want, store.Counts().Sub(before)); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

// TestReadRequests asserts what lookups and listings cost: a lookup the claim and
// its document, a listing its pages and its documents, counts and ids of a whole
// resource the pages alone.
func TestReadRequests(t *testing.T) {
	const n = 5
	store := memstore.New()
	c, err := clienttest.Open(t.Context(), store, 3, 2)
	if err != nil {
		t.Fatal(err)
	}
	crowd(t, c, n)
	for name, x := range map[string]struct {
		run  func(ctx context.Context) error
		want memstore.Counts
	}{
		"lookup": {func(ctx context.Context) error {
			_, err := clienttest.ByEmail(ctx, c, "d0001")
			return err
		}, memstore.Counts{Get: 2}},
		"lookup of nothing": {func(ctx context.Context) error {
			if _, err := clienttest.ByEmail(ctx, c, "nobody"); !errors.Is(err, s3db.ErrNotFound) {
				return fmt.Errorf("got %w", err)
			}
			return nil
		}, memstore.Counts{Get: 1}},
		"count of all": {func(ctx context.Context) error {
			_, err := c.Query().Count(ctx)
			return err
		}, memstore.Counts{List: 1}},
		"list of a partition's place": {func(ctx context.Context) error {
			_, err := clienttest.ByCountry(c, "d0001").List(ctx)
			return err
		}, memstore.Counts{List: 1, Get: 1}},
		"list of a range": {func(ctx context.Context) error {
			_, err := clienttest.ByCountry(c).Between("d0001", "d0003").List(ctx)
			return err
		}, memstore.Counts{List: 1, Get: 3}},
		"count of a partition's place": {func(ctx context.Context) error {
			_, err := clienttest.ByCountry(c, "d0001").Count(ctx)
			return err
		}, memstore.Counts{List: 1, Get: 1}},
	} {
		before := store.Counts()
		if err := x.run(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(x.want, store.Counts().Sub(before)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestOpenRequests: opening an existing database costs one request.
func TestOpenRequests(t *testing.T) {
	store := memstore.New()
	for i, want := range []memstore.Counts{{Get: 1, Put: 1}, {Get: 1}} {
		before := store.Counts()
		if _, err := clienttest.Open(t.Context(), store, 3, 2); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, store.Counts().Sub(before)); diff != "" {
			t.Errorf("open number %d (-want +got):\n%s", i+1, diff)
		}
	}
}

// TestInvalidWritesNothing: a document that breaks a rule costs no request.
func TestInvalidWritesNothing(t *testing.T) {
	store := memstore.New()
	c, err := clienttest.Open(t.Context(), store, 3, 2)
	if err != nil {
		t.Fatal(err)
	}
	before := store.Counts()
	if _, err := c.Insert(t.Context(), clienttest.AccountInsert{Name: ""}); err == nil {
		t.Fatal("an empty name was accepted")
	}
	if n := store.Counts().Sub(before).Total(); n != 0 {
		t.Errorf("a refused insert sent %d requests", n)
	}
}
