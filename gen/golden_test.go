package gen_test

import (
	"flag"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/gen"
	"github.com/s3dbgen/s3dbgen/gen/gosource"
	"github.com/s3dbgen/s3dbgen/schema"
)

var update = flag.Bool("update", false, "write the golden files anew")

const goldenDir = "../testdata/golden"

// TestGolden generates the package of every schema in testdata/golden and
// compares it with the committed one, the lock file included. Package goldentest
// compiles and runs them.
func TestGolden(t *testing.T) {
	for _, name := range goldenNames(t) {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(goldenDir, name)
			s, lock, files := generate(t, filepath.Join(dir, "schema.yaml"))
			out := filepath.Join(dir, s.Package)
			if s.Output != "" {
				out = filepath.Join(dir, s.Output)
			}
			if *update {
				plan, err := gen.NewPlan(out, s.Package, files)
				if err == nil {
					err = plan.Add(filepath.Join(dir, lockName), lock.Bytes())
				}
				if err == nil {
					err = plan.Apply()
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			want := map[string]string{lockName: readText(t, filepath.Join(dir, lockName))}
			for _, e := range readDir(t, out) {
				want[e.Name()] = readText(t, filepath.Join(out, e.Name()))
			}
			got := map[string]string{lockName: string(lock.Bytes())}
			for _, f := range files {
				got[f.Name] = string(f.Content)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("generated files differ from the golden ones (-golden +generated; go test ./gen -update writes them):\n%s", diff)
			}
		})
	}
}

// TestDeterministic generates every golden schema again and again, with another
// number of processors each time: not a byte may differ.
func TestDeterministic(t *testing.T) {
	const runs = 20
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, name := range goldenNames(t) {
		path := filepath.Join(goldenDir, name, "schema.yaml")
		first := generatedTree(t, path)
		for i := range runs {
			runtime.GOMAXPROCS(1 + i%8)
			if later := generatedTree(t, path); !maps.Equal(first, later) {
				t.Fatalf("%s: run %d differs from the first (-first +later):\n%s", name, i, cmp.Diff(first, later))
			}
		}
	}
}

// TestNamesSettleAtOnce generates with the lock file of the first run: what that
// run froze must be what it used, and nothing may give way to it.
func TestNamesSettleAtOnce(t *testing.T) {
	for _, name := range goldenNames(t) {
		path := filepath.Join(t.TempDir(), "schema.yaml")
		writeText(t, path, readText(t, filepath.Join(goldenDir, name, "schema.yaml")))
		first := generatedTree(t, path)
		writeText(t, lockPath(path), first[lockName])
		if diff := cmp.Diff(first, generatedTree(t, path)); diff != "" {
			t.Errorf("%s: the second run differs from the first (-first +second):\n%s", name, diff)
		}
	}
}

const lockName = "schema.lock.yaml"

func lockPath(path string) string { return strings.TrimSuffix(path, ".yaml") + ".lock.yaml" }

// generatedTree returns the content of all generated files, the lock file
// included.
func generatedTree(tb testing.TB, path string) map[string]string {
	tb.Helper()
	_, lock, files := generate(tb, path)
	tree := map[string]string{lockName: string(lock.Bytes())}
	for _, f := range files {
		tree[f.Name] = string(f.Content)
	}
	return tree
}

// generate parses a schema with the lock file beside it and generates its files.
func generate(tb testing.TB, path string) (*schema.Schema, *schema.Lock, []gen.File) {
	tb.Helper()
	s, found := schema.Parse(filepath.Base(path), []byte(readText(tb, path)))
	if found.HasErrors() {
		tb.Fatal(found.String())
	}
	lockText, err := os.ReadFile(lockPath(path))
	if err != nil && !os.IsNotExist(err) {
		tb.Fatal(err)
	}
	lock, found := schema.ReadLock(lockName, lockText)
	if found.HasErrors() {
		tb.Fatal(found.String())
	}
	if found := s.Assign(lock); found.HasErrors() {
		tb.Fatal(found.String())
	}
	lookAtTypes(tb, s)
	files, found, err := gen.Generate(s, lock)
	if err != nil {
		tb.Fatal(err)
	}
	if found.HasErrors() {
		tb.Fatal(found.String())
	}
	return s, lock, files
}

// forms are the types of golden schemas that have been looked at, by their names and
// kinds.
var forms = map[string]schema.GoType{}

// lookAtTypes finds out how the types that a schema names are stored.
func lookAtTypes(tb testing.TB, s *schema.Schema) {
	tb.Helper()
	key := func(t *schema.Type) string { return string(t.Kind) + " " + t.GoType.String() }
	missing := func(t *schema.Type) bool { return forms[key(t)].Form == "" }
	list := s.GoTypes()
	if slices.ContainsFunc(list, missing) {
		found, _, err := gosource.Types(tb.Context(), s, goldenDir)
		if err != nil || len(found) > 0 {
			tb.Fatal(err, found)
		}
		for _, t := range list {
			forms[key(t)] = *t.GoType
		}
	}
	for _, t := range list {
		known := forms[key(t)]
		t.GoType.Package, t.GoType.Form = known.Package, known.Form
	}
}

func goldenNames(tb testing.TB) []string {
	tb.Helper()
	var names []string
	for _, e := range readDir(tb, goldenDir) {
		names = append(names, e.Name())
	}
	const least = 12
	if len(names) < least {
		tb.Fatalf("%d golden schemas, there should be at least %d", len(names), least)
	}
	return names
}

func readDir(tb testing.TB, dir string) []fs.DirEntry {
	tb.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	return list
}

func readText(tb testing.TB, path string) string {
	tb.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

func writeText(tb testing.TB, path, text string) {
	tb.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}
