package gen

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// generatedFile makes a file as the generator does.
func generatedFile(name, body string) File {
	return File{Name: name, Content: []byte(markerStart + sum([]byte(body)) + markerEnd + body)}
}

func apply(t *testing.T, dir string, files ...File) *Plan {
	t.Helper()
	p, err := NewPlan(dir, "shop", files)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Apply(); err != nil {
		t.Fatal(err)
	}
	return p
}

// tree returns the files below a directory with their content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		rel, relErr := filepath.Rel(dir, path)
		files[rel] = string(text)
		return errors.Join(err, relErr)
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestApplyWritesOnlyWhatDiffers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "shop")
	a, b := generatedFile("a.go", "package shop\n"), generatedFile("b.go", "package shop\n\nvar b int\n")
	apply(t, dir, a, b)
	if diff := cmp.Diff(map[string]string{"a.go": string(a.Content), "b.go": string(b.Content)}, tree(t, dir)); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	before, err := os.Stat(filepath.Join(dir, "a.go"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "b.go"), 0o600); err != nil {
		t.Fatal(err)
	}
	b2 := generatedFile("b.go", "package shop\n\nvar b2 int\n")
	p := apply(t, dir, a, b2)
	if changes := p.Changes(); len(changes) != 1 || changes[0].Path != filepath.Join(dir, "b.go") || changes[0].State != Stale {
		t.Errorf("changes: %v", changes)
	}
	after, err := os.Stat(filepath.Join(dir, "a.go"))
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(before, after) || !before.ModTime().Equal(after.ModTime()) {
		t.Error("a file that does not change was written")
	}
	changed, err := os.Stat(filepath.Join(dir, "b.go"))
	if err != nil {
		t.Fatal(err)
	}
	if changed.Mode().Perm() != 0o600 {
		t.Errorf("permissions of a replaced file became %v", changed.Mode())
	}
}

// unwritable names a file that can be planned and not written: the name under which it
// is written first, which is longer, has more than 255 characters.
var unwritable = strings.Repeat("x", 250)

// When one file cannot be written, none is, and nothing is left behind.
func TestApplyWritesAllOrNothing(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "shop")
	old := generatedFile("a.go", "package shop\n")
	apply(t, dir, old, generatedFile("gone.go", "package shop\n"))
	want := tree(t, root)

	p, err := NewPlan(dir, "shop", []File{generatedFile("a.go", "package shop\n\nvar a int\n"), generatedFile("b.go", "package shop\n")})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Add(filepath.Join(root, "missing", unwritable), []byte("x")); err != nil {
		t.Fatal(err)
	}
	err = p.Apply()
	if !errors.Is(err, syscall.ENAMETOOLONG) || !strings.HasPrefix(err.Error(), "nothing was written: ") {
		t.Errorf("Apply: %v", err)
	}
	if diff := cmp.Diff(want, tree(t, root)); diff != "" {
		t.Errorf("something changed (-before +after):\n%s", diff)
	}
}

// A directory made for files that could not be written goes away again.
func TestApplyRemovesTheDirectoriesItMade(t *testing.T) {
	root := t.TempDir()
	p, err := NewPlan(filepath.Join(root, "new", "shop"), "shop", []File{generatedFile("a.go", "package shop\n")})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Add(filepath.Join(root, "missing", unwritable), []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := p.Apply(); err == nil {
		t.Fatal("Apply: no error")
	}
	if diff := cmp.Diff(map[string]string{}, tree(t, root)); diff != "" {
		t.Errorf("something was left (-want +got):\n%s", diff)
	}
	for _, name := range []string{"new", "missing"} {
		if _, err := os.Stat(filepath.Join(root, name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the directory %s is still there: %v", name, err)
		}
	}
}

// A plan makes the directories of its files.
func TestApplyMakesDirectories(t *testing.T) {
	root := t.TempDir()
	p, err := NewPlan(filepath.Join(root, "shop"), "shop", []File{generatedFile("a.go", "package shop\n")})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Add(filepath.Join(root, "cmd", "demo", "main.go"), []byte("package main\n")); err != nil {
		t.Fatal(err)
	}
	if err := p.Apply(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "cmd", "demo", "main.go")); err != nil {
		t.Error(err)
	}
}

func TestPlanStates(t *testing.T) {
	dir := t.TempDir()
	same, stale, edited, crlf := generatedFile("same.go", "package shop\n"), generatedFile("stale.go", "package shop\n\nvar old int\n"),
		generatedFile("edited.go", "package shop\n"), generatedFile("crlf.go", "package shop\n")
	apply(t, dir, same, stale, edited, crlf, generatedFile("leftover.go", "package shop\n"))
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("edited.go", string(edited.Content)+"\nvar mine int\n")
	write("crlf.go", strings.ReplaceAll(string(crlf.Content), "\n", "\r\n"))
	write("foreign.go", "package shop\n")
	write("empty.go", "")
	write("not-go.txt", string(same.Content))
	if err := os.Mkdir(filepath.Join(dir, "sub.go"), 0o700); err != nil {
		t.Fatal(err)
	}

	p, err := NewPlan(dir, "shop", []File{
		same, generatedFile("stale.go", "package shop\n"), edited, crlf, generatedFile("missing.go", "package shop\n"),
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]State{}
	for _, s := range p.steps {
		got[filepath.Base(s.Path)] = s.State
	}
	want := map[string]State{
		"same.go": Unchanged, "stale.go": Stale, "edited.go": Edited, "crlf.go": Unchanged, "missing.go": Missing, "leftover.go": LeftOver,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPlanRefusesForeignFiles(t *testing.T) {
	for _, text := range []string{"package shop\n", "", "// Code generated by another tool. DO NOT EDIT.\n\npackage shop\n"} {
		dir := t.TempDir()
		path := filepath.Join(dir, "a.go")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := NewPlan(dir, "shop", []File{generatedFile("a.go", "package shop\n")})
		var foreign *ForeignFileError
		if !errors.As(err, &foreign) || foreign.Path != path {
			t.Errorf("%q in the way: %v", text, err)
		}
	}
}
