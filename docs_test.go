package s3dbgen_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/snippets"
)

// link finds the links of a page, with the parts before and behind the #.
var link = regexp.MustCompile(`\]\(([^)#\s]*)(#[^)\s]*)?\)`)

// TestDocsLinks keeps the relative links of all pages alive, and their places within
// pages.
func TestDocsLinks(t *testing.T) {
	t.Parallel()
	docs := readDocs(t)
	for file, text := range docs {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			target := file
			if m[1] != "" {
				target = path.Join(path.Dir(file), m[1])
			}
			if _, err := os.Stat(filepath.FromSlash(target)); err != nil {
				t.Errorf("%s: link to %s, which does not exist", file, m[1])
			}
			if page, ok := docs[target]; ok && m[2] != "" && !slices.Contains(anchors(page), m[2][1:]) {
				t.Errorf("%s: link to %s%s: the page has no such heading", file, m[1], m[2])
			}
		}
	}
}

// TestDocsAreReachable: docs/README.md leads to each page of docs, and plugins.md to
// each plugin's.
func TestDocsAreReachable(t *testing.T) {
	t.Parallel()
	docs := readDocs(t)
	linked := map[string]bool{}
	for _, file := range []string{"docs/README.md", "docs/plugins.md"} {
		for _, m := range link.FindAllStringSubmatch(docs[file], -1) {
			linked[path.Join(path.Dir(file), m[1])] = true
		}
	}
	for file := range docs {
		if file != "docs/README.md" && path.Dir(file) != "docs/decisions" && !linked[file] {
			t.Errorf("neither docs/README.md nor docs/plugins.md links to %s", file)
		}
	}
}

var (
	heading = regexp.MustCompile("(?m)^#+ (.*)$")
	marks   = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors returns the places within a page to which GitHub lets a link point.
func anchors(page string) []string {
	var names []string
	for _, m := range heading.FindAllStringSubmatch(page, -1) {
		names = append(names, strings.ReplaceAll(marks.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return names
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

// readDocs returns README, everything under docs and what plugins say of themselves, by
// path.
func readDocs(t *testing.T) map[string]string {
	t.Helper()
	all, err := snippets.Read(".", "README.md", "docs/*.md", "docs/decisions/*.md", "plugins/*/README.md")
	if err != nil {
		t.Fatal(err)
	}
	docs := map[string]string{}
	for _, page := range all {
		docs[page.Path] = page.Text
	}
	return docs
}
