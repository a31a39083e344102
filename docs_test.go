package s3dbgen_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocsLinks keeps the relative links of README and docs alive.
func TestDocsLinks(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#]+)(#[^)]*)?\)`)
	for file, text := range readDocs(t) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			target := path.Join(path.Dir(file), m[1])
			if _, err := os.Stat(filepath.FromSlash(target)); err != nil {
				t.Errorf("%s: link to %s, which does not exist", file, m[1])
			}
		}
	}
}

// TestDocsNameTests keeps the tests that documents cite real.
func TestDocsNameTests(t *testing.T) {
	t.Parallel()
	cited := regexp.MustCompile("`((?:[a-z0-9/]+\\.)?(?:Test|Fuzz|Benchmark|Example)[A-Z][A-Za-z0-9_]*)`")
	tests := declaredTests(t)
	for file, text := range readDocs(t) {
		for _, m := range cited.FindAllStringSubmatch(text, -1) {
			if !tests[m[1]] {
				t.Errorf("%s: cites %s: there is no such test", file, m[1])
			}
		}
	}
}

// TestDependenciesAreListed keeps docs/dependencies.md complete: each module that
// go.mod requires directly has its line, and no line is left over.
func TestDependenciesAreListed(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("go.mod"); err != nil { // so that a cached result ends with it
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)`").FindAllStringSubmatch(string(text), -1) {
		listed = append(listed, m[1])
	}
	within := func(module, line string) bool { return module == line || strings.HasPrefix(module, line+"/") }
	for _, required := range mod.Require {
		if required.Indirect {
			continue
		}
		found := false
		for _, line := range listed {
			found = found || within(required.Path, line)
		}
		if !found {
			t.Errorf("docs/dependencies.md has no line for %s", required.Path)
		}
	}
	for _, line := range listed {
		found := false
		for _, required := range mod.Require {
			found = found || within(required.Path, line) && !required.Indirect
		}
		if !found {
			t.Errorf("docs/dependencies.md lists %s, which go.mod does not require", line)
		}
	}
}

// readDocs returns README and everything under docs, by path.
func readDocs(t *testing.T) map[string]string {
	t.Helper()
	docs := map[string]string{}
	read := func(file string) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		docs[filepath.ToSlash(file)] = string(text)
	}
	if _, err := os.Stat("README.md"); err == nil {
		read("README.md")
	}
	err := filepath.WalkDir("docs", func(file string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(file, ".md") {
			read(file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return docs
}
