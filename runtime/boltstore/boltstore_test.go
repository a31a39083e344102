package boltstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	bolt "go.etcd.io/bbolt"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/boltstore"
	"github.com/s3dbgen/s3dbgen/runtime/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) s3db.Store {
		t.Helper()
		return open(t, filepath.Join(t.TempDir(), "shop.db"))
	})
}

// open opens a file and closes it at the end of the test.
func open(tb testing.TB, path string) *boltstore.Store {
	tb.Helper()
	store, err := boltstore.Open(tb.Context(), path, boltstore.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := store.Close(); err != nil {
			tb.Errorf("Close: %v", err)
		}
	})
	return store
}

// put writes an object without a condition.
func put(tb testing.TB, store s3db.Store, key, body string) {
	tb.Helper()
	if _, err := store.Put(tb.Context(), key, []byte(body), map[string]string{"1": "x"}, s3db.Condition{}); err != nil {
		tb.Fatal(err)
	}
}

func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.db")
	first := open(t, path)
	put(t, first, "a", "body")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v, want 0600 (%v)", info.Mode(), err)
	}
	second := open(t, path)
	o, err := second.Get(t.Context(), "a")
	if err != nil || string(o.Body) != "body" || o.Metadata["1"] != "x" {
		t.Errorf("after reopening: %+v, %v", o, err)
	}
}

// What Get returns must be a copy: the pages of the file that it came from are
// written anew as soon as later commits free them.
func TestReadsAreCopies(t *testing.T) {
	store := open(t, filepath.Join(t.TempDir(), "shop.db"))
	body := strings.Repeat("first ", 2000) // several pages
	put(t, store, "a", body)
	o, err := store.Get(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	page, err := store.List(t.Context(), s3db.ListRequest{Prefix: "a"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		put(t, store, "a", strings.Repeat(fmt.Sprintf("later%d ", i), 2000))
	}
	if string(o.Body) != body || o.Metadata["1"] != "x" {
		t.Error("later writes changed what an earlier Get returned")
	}
	if page.Items[0].Key != "a" {
		t.Errorf("later writes changed what an earlier List returned: %q", page.Items[0].Key)
	}
	o.Body[0] = 'X' // pages of the file cannot be written to: this would end the process
}

func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.db")
	open(t, path)
	_, err := boltstore.Open(t.Context(), path, boltstore.Options{LockTimeout: 1})
	if !errors.Is(err, s3db.ErrConfig) || !strings.Contains(err.Error(), "in use by another process") || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := write("file", "x")
	foreign, newer, truncated := filepath.Join(dir, "foreign.db"), filepath.Join(dir, "newer.db"), filepath.Join(dir, "truncated.db")
	editBolt(t, foreign, func(tx *bolt.Tx) error {
		_, err := tx.CreateBucket([]byte("theirs"))
		return err
	})
	closed := open(t, newer)
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	editBolt(t, newer, func(tx *bolt.Tx) error { return tx.Bucket([]byte("s3db")).Put([]byte("format"), []byte("2")) })
	whole, err := os.ReadFile(newer)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(truncated, whole[:5000], 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, path string
		want       error
		text       string
	}{
		{"no path", "", s3db.ErrConfig, "no path is named"},
		{"home", "~/shop.db", s3db.ErrConfig, "~ is not expanded"},
		{"NUL", "a\x00b", s3db.ErrConfig, "NUL"},
		{"no directory", filepath.Join(dir, "none", "shop.db"), s3db.ErrConfig, "does not exist"},
		{"a file as directory", filepath.Join(file, "shop.db"), s3db.ErrConfig, "is no directory"},
		{"a directory", dir, s3db.ErrConfig, "is a directory"},
		{"short garbage", file, s3db.ErrCorrupt, "damaged"},
		{"garbage", write("garbage.db", strings.Repeat("no database ", 10000)), s3db.ErrCorrupt, "damaged"},
		{"zeros", write("zeros.db", strings.Repeat("\x00", 65536)), s3db.ErrCorrupt, "damaged"},
		{"cut off", truncated, s3db.ErrCorrupt, "damaged"},
		{"another program's", foreign, s3db.ErrConfig, "another program"},
		{"newer", newer, s3db.ErrNewerFormat, `format "2"`},
	} {
		store, err := boltstore.Open(t.Context(), test.path, boltstore.Options{})
		if err == nil {
			t.Errorf("%s: no error", test.name)
			_ = store.Close()
			continue
		}
		if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: error %v, want one that is %q and says %q", test.name, err, test.want, test.text)
		}
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "x" {
		t.Errorf("a file that is no database was changed: %q, %v", got, err)
	}
}

func TestReadOnlyDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "readonly")
	if err := os.Mkdir(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		dir = "/sys" // where not even root may create files
	}
	store, err := boltstore.Open(t.Context(), filepath.Join(dir, "shop.db"), boltstore.Options{})
	if err == nil {
		_ = store.Close()
		t.Skip("this user may write everywhere")
	}
	if !errors.Is(err, s3db.ErrConfig) || !strings.Contains(err.Error(), "cannot be opened for writing") {
		t.Errorf("error %v", err)
	}
}

// editBolt changes a file without the store.
func editBolt(t *testing.T, path string, edit func(*bolt.Tx) error) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(edit), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// Damage to any page is an error of the call that meets it, never a panic and
// never wrong data.
func TestDamagedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.db")
	store := open(t, path)
	const objects = 200
	body := func(i int) string { return strings.Repeat(fmt.Sprint(i, " "), 100) }
	for i := range objects {
		put(t, store, fmt.Sprintf("k/%03d", i), body(i))
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for page := 2; page < len(whole)/4096; page++ {
		damaged := append([]byte(nil), whole...)
		for i := page * 4096; i < (page+1)*4096; i += 7 {
			damaged[i] ^= 0x5a
		}
		copied := filepath.Join(t.TempDir(), "damaged.db")
		if err := os.WriteFile(copied, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		found += readDamaged(t, copied, objects, body)
	}
	if found == 0 {
		t.Error("no damage was found")
	}
}

// readDamaged reads all objects and counts those that are reported as damaged.
func readDamaged(t *testing.T, path string, objects int, body func(int) string) (found int) {
	t.Helper()
	store, err := boltstore.Open(t.Context(), path, boltstore.Options{})
	if err != nil {
		if !errors.Is(err, s3db.ErrCorrupt) && !errors.Is(err, s3db.ErrNewerFormat) && !errors.Is(err, s3db.ErrConfig) {
			t.Errorf("Open of a damaged file: %v", err)
		}
		return 1
	}
	defer store.Close()
	if _, err := store.List(t.Context(), s3db.ListRequest{}); err != nil {
		found++
	}
	for i := range objects {
		o, err := store.Get(t.Context(), fmt.Sprintf("k/%03d", i))
		switch {
		case err != nil:
			found++
		case string(o.Body) != body(i):
			t.Fatalf("object %d of a damaged file: %q", i, o.Body)
		}
	}
	return found
}

func TestDriver(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	driver := boltstore.Driver()
	for _, test := range []struct{ url, path, prefix string }{
		{"file://./a.db", "a.db", ""},
		{"file://b.db", "b.db", ""},
		{"file://c%20%25%2B+.db", "c %++.db", ""},
		{"file://" + filepath.ToSlash(filepath.Join(dir, "d.db")), "d.db", ""},
		{"file://localhost" + filepath.ToSlash(filepath.Join(dir, "e.db")), "e.db", ""},
		{"file://f.db?prefix=/app/one/", "f.db", "app/one"},
	} {
		u, err := s3db.ParseURL(test.url)
		if err != nil {
			t.Errorf("%s: %v", test.url, err)
			continue
		}
		store, prefix, err := driver.Open(t.Context(), s3db.DriverRequest{URL: u})
		if err != nil {
			t.Errorf("%s: %v", test.url, err)
			continue
		}
		if prefix != test.prefix {
			t.Errorf("%s: prefix %q, want %q", test.url, prefix, test.prefix)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(dir, test.path)); err != nil {
			t.Errorf("%s: %v", test.url, err)
		}
	}
	u, err := s3db.ParseURL("file://x.db?region=eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := driver.Open(t.Context(), s3db.DriverRequest{URL: u}); !errors.Is(err, s3db.ErrConfig) || !strings.Contains(err.Error(), `"region"`) {
		t.Errorf("unknown option: %v", err)
	}
}

func TestOpenHonoursContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := boltstore.Open(ctx, filepath.Join(t.TempDir(), "shop.db"), boltstore.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// BenchmarkPut shows what sharing commits gives: one writer waits for the disk
// twice a write, sixty-four of them together.
func BenchmarkPut(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			store := open(b, filepath.Join(b.TempDir(), "shop.db"))
			body, metadata := []byte(`{"rev":"0123456789abcdefghijkl"}`), map[string]string{"1": "Ada", "2": "ada@example.com"}
			var n atomic.Int64
			b.SetParallelism((writers + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
			write := func() {
				key := fmt.Sprintf("resource=users/data/id=%08d", n.Add(1))
				if _, err := store.Put(b.Context(), key, body, metadata, s3db.IfAbsent()); err != nil {
					b.Error(err)
				}
			}
			b.ResetTimer()
			if writers == 1 {
				for b.Loop() {
					write()
				}
				return
			}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					write()
				}
			})
		})
	}
}
