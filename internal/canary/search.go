package canary

import (
	"context"
	"fmt"
	"testing"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// TempDir is tb.TempDir for a test that keeps a database there: when the test is
// over, a file with a canary fails it. Files that must hold one, such as those of
// keys, belong elsewhere.
func TempDir(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	tb.Cleanup(func() { SearchFiles(tb, dir) }) // before dir is removed
	return dir
}

// SearchFiles fails a test when a file below a directory holds a canary.
func SearchFiles(tb testing.TB, dir string) {
	tb.Helper()
	found, err := FindFiles(dir)
	if err != nil {
		tb.Errorf("canary: %v", err)
	}
	for path, how := range found {
		tb.Errorf("the file %s holds a secret %s", path, how)
	}
}

// SearchStore fails a test when an object of the store holds a canary at its end.
func SearchStore(tb testing.TB, store s3db.Store) {
	tb.Helper()
	ctx := context.WithoutCancel(tb.Context())
	tb.Cleanup(func() {
		for after := ""; ; {
			page, err := store.List(ctx, s3db.ListRequest{StartAfter: after})
			if err != nil {
				tb.Errorf("canary: %v", err)
				return
			}
			for _, item := range page.Items {
				o, err := store.Get(ctx, item.Key)
				if err != nil {
					tb.Errorf("canary: %v", err)
				} else if how := Find(fmt.Append(nil, item.Key, o.Metadata, string(o.Body))); how != "" {
					tb.Errorf("the object %s holds a secret %s", item.Key, how)
				}
				after = item.Key
			}
			if !page.More {
				return
			}
		}
	})
}
