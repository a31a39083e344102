package s3store_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/s3store"
)

// TestAbandoned: loops that end anywhere and contents that are not read to their end
// leave no body of a reply open, so that each connection serves the next request; see
// options.
func TestAbandoned(t *testing.T) {
	ctx := t.Context()
	store, err := s3store.New(ctx, options(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	c, err := clienttest.Open(ctx, store, 3, 0, s3db.WithConcurrency(16))
	if err != nil {
		t.Fatal(err)
	}
	const n = 60
	list := make([]clienttest.AccountInsert, n)
	for i := range list {
		list[i] = sampleAccount()
		list[i].ID = clienttest.AccountID(fmt.Sprintf("%03d", i))
	}
	if _, err := c.InsertMany(ctx, list); err != nil {
		t.Fatal(err)
	}
	w := clienttest.Where()
	for _, q := range []s3db.Query[clienttest.Account, clienttest.AccountID]{c.Query(), c.Query().Where(w.Country.Eq("GB")), c.Query().OrderBy(w.Name.Desc()), c.Query().ParallelList(4)} {
		for _, stop := range []int{1, 2, 17, n} {
			got := 0
			for _, err := range q.All(ctx) {
				if err != nil {
					t.Fatal(err)
				}
				if got++; got == stop {
					break
				}
			}
			ids := 0
			for _, err := range q.IDs(ctx) {
				if err != nil {
					t.Fatal(err)
				}
				if ids++; ids == stop {
					break
				}
			}
			if got != stop || ids != stop {
				t.Fatalf("%d documents and %d ids, want %d", got, ids, stop)
			}
		}
	}
	if _, err := c.SetContent(ctx, "000", io.LimitReader(zeros{}, 1<<20), s3db.ContentType("text/plain")); err != nil {
		t.Fatal(err)
	}
	for _, part := range []int64{0, 1, 1 << 19, 1 << 20} {
		content, err := c.Content(ctx, "000")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, content, part); err != nil {
			t.Fatal(err)
		}
		if err := content.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// zeros never end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
