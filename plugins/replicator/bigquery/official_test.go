package bigquery_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestOfficialClient tests the double of BigQuery with Google's own client, in a module
// apart: that client links 43 modules.
func TestOfficialClient(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds Google's client, which takes a minute at first")
	}
	// go test repeats a cached result unless a file that the test itself looked at has
	// changed.
	for _, dir := range []string{"testdata/official", "internal/bqdouble"} {
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err == nil {
				_, err = os.Stat(path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	command := exec.CommandContext(t.Context(), "go", "test", "./...")
	command.Dir = filepath.Join("testdata", "official")
	command.Env = append(os.Environ(), "GOWORK=off")
	out, err := command.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
