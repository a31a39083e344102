package fulltext_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/testserver"
	"github.com/s3dbgen/s3dbgen/plugins/fulltext"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/boltstore"
	"github.com/s3dbgen/s3dbgen/runtime/s3store"
)

var server testserver.Shared

func TestMain(m *testing.M) {
	defer server.Close()
	m.Run()
}

// TestStores: in one local file and on a real S3 server, sixteen writers, a
// compaction and a rebuild at the same time leave an index that finds what the
// documents say.
func TestStores(t *testing.T) {
	for name, openStore := range map[string]func(t *testing.T) s3db.Store{
		"file": func(t *testing.T) s3db.Store {
			t.Helper()
			return must[s3db.Store](boltstore.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), boltstore.Options{}))(t)
		},
		"server": func(t *testing.T) s3db.Store {
			t.Helper()
			srv := server.Get(t)
			return must[s3db.Store](s3store.New(t.Context(), s3store.Options{
				Bucket: srv.Bucket(t), Endpoint: srv.Endpoint, AccessKey: srv.AccessKey, SecretKey: srv.SecretKey,
			}))(t)
		},
	} {
		t.Run(name, func(t *testing.T) {
			const writers, writes = 16, 8
			store := openStore(t)
			t.Cleanup(func() { _ = store.Close() })
			_, x := open(t, store, fulltext.Options{})
			var running sync.WaitGroup
			for w := range writers {
				c, x := open(t, store, fulltext.Options{CompactAfter: -1})
				running.Go(func() {
					for i := range writes {
						name := fmt.Sprintf("doc%d", (w*7+i)%10)
						run := upsert(name, vocabulary()[(w+i)%7])
						if (w+i)%5 == 0 {
							run = remove(name)
						}
						if err := run(t.Context(), c, x); err != nil && !errors.Is(err, s3db.ErrConflict) {
							t.Error(err)
						}
					}
				})
			}
			for _, tend := range []func(context.Context) error{x.Compact, x.Rebuild, x.Compact} {
				running.Go(func() {
					if err := tend(t.Context()); err != nil && !errors.Is(err, s3db.ErrConflict) {
						t.Error(err)
					}
				})
			}
			running.Wait()
			for range 2 {
				checkStore(t, store)
				if err := x.Compact(t.Context()); err != nil && !errors.Is(err, s3db.ErrConflict) {
					t.Fatal(err)
				}
			}
			if err := x.Rebuild(t.Context()); err != nil {
				t.Fatal(err)
			}
			checkStore(t, store)
		})
	}
}
