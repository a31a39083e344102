package gen_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/gen"
)

// TestVersionChain generates six versions of one schema, each with the lock file
// that the version before left, and compares them with those in
// testdata/versions. Package goldentest compiles and runs them.
func TestVersionChain(t *testing.T) {
	const versions = 6
	lock := ""
	for k := range versions {
		dir := fmt.Sprintf("../testdata/versions/v%d", k)
		path := filepath.Join(t.TempDir(), "schema.yaml")
		writeText(t, path, readText(t, filepath.Join(dir, "schema.yaml")))
		if lock != "" {
			writeText(t, lockPath(path), lock)
		}
		s, next, files := generate(t, path)
		lock = string(next.Bytes())
		if s.Resources[0].Version != k {
			t.Errorf("version %d is number %d in the lock file", k, s.Resources[0].Version)
		}
		out := filepath.Join(dir, s.Package)
		if *update {
			plan, err := gen.NewPlan(out, s.Package, files)
			if err == nil {
				err = plan.Add(filepath.Join(dir, lockName), next.Bytes())
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
			if e.Name() != "migrations.go" { // written by hand
				want[e.Name()] = readText(t, filepath.Join(out, e.Name()))
			}
		}
		got := generatedTree(t, path)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("version %d (-golden +generated; go test ./gen -update writes them):\n%s", k, diff)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}
