package release_test

import (
	"archive/zip"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"

	"github.com/s3dbgen/s3dbgen/internal/release"
)

// TestProxy: the go command downloads a checkout, with what is not committed yet, and
// without what git ignores, links and other modules.
func TestProxy(t *testing.T) {
	t.Parallel()
	root, home := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.com/Tea\n\ngo 1.26\n", "tea.go": "package tea\n", "removed.go": "package tea\n",
		".gitignore": "big\n", "big/data": "x", "plugins/other/go.mod": "module example.com/Tea/plugins/other\n", "plugins/other/a/b.go": "package b\n",
		"plugins/mine/c.go": "package mine\n",
	} {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "go.mod", "removed.go"}} {
		if out, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", root}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	if err := os.Remove(filepath.Join(root, "removed.go")); err != nil {
		t.Fatal(err)
	}

	proxy, err := release.Proxy(t.Context(), root, module.Version{Path: "example.com/Tea", Version: "v1.2.3"}, filepath.Join(home, "proxy"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", "example.com/Tea@latest")
	cmd.Dir = home
	cmd.Env = append(os.Environ(), "GOPROXY="+proxy, "GOMODCACHE="+filepath.Join(home, "mod"), "GONOSUMDB=example.com/Tea", "GOFLAGS=-modcacherw", "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var got struct{ Version, Zip string }
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	archive, err := zip.OpenReader(got.Zip)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = archive.Close() }()
	var names []string
	for _, f := range archive.File {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	want := []string{"example.com/Tea@v1.2.3/.gitignore", "example.com/Tea@v1.2.3/go.mod", "example.com/Tea@v1.2.3/plugins/mine/c.go", "example.com/Tea@v1.2.3/tea.go"}
	if diff := cmp.Diff(want, names); diff != "" || got.Version != "v1.2.3" {
		t.Errorf("version %s\n%s", got.Version, diff)
	}
}
