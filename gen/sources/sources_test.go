package sources_test

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/s3dbgen/s3dbgen/gen/sources"
)

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

func hash(t *testing.T, s sources.Set) [sha256.Size]byte {
	t.Helper()
	h := sha256.New()
	if _, err := s.WriteTo(h); err != nil {
		t.Fatal(err)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// world is a directory, and a set of what is in it.
func world(t *testing.T) (dir string, set sources.Set) {
	t.Helper()
	dir = t.TempDir()
	at := func(path string) string { return filepath.Join(dir, filepath.FromSlash(path)) }
	put(t, at("money/money.go"), "package money")
	put(t, at("money/money_test.go"), "package money")
	put(t, at("texts/de/a.txt"), "eins")
	put(t, at("one.txt"), "1")
	put(t, at("real/words"), "a")
	put(t, at("bin/tool"), "tool")
	for link, to := range map[string]string{"linked": "real", "texts/round": "..", "texts/word": "../real/words"} {
		if err := os.Symlink(to, at(link)); err != nil {
			t.Skip(err)
		}
	}
	t.Setenv("S3DBGEN_TEST_SOURCE", "a")
	return dir, sources.Set{
		Packages:  []string{at("money"), at("missing/package")},
		Trees:     []string{at("texts"), at("one.txt"), at("none.txt"), at("linked"), at("later/tree")},
		Programs:  []string{at("bin/tool"), at("bin/none")},
		Variables: []string{"S3DBGEN_TEST_SOURCE"},
	}
}

// event is the path of which a watcher tells when path is made or changed: the first
// that does not exist.
func event(path string) string {
	for {
		parent := filepath.Dir(path)
		if _, err := os.Stat(parent); err == nil {
			return path
		}
		path = parent
	}
}

// TestChanges: each change that counts changes the hash, is covered, and is seen in one of
// the directories; others change nothing and are not covered.
func TestChanges(t *testing.T) {
	write := func(text string) func(*testing.T, string) {
		return func(t *testing.T, path string) { t.Helper(); put(t, path, text) }
	}
	variable := func(value string) func(*testing.T, string) {
		return func(t *testing.T, _ string) { t.Helper(); t.Setenv("S3DBGEN_TEST_SOURCE", value) }
	}
	for name, c := range map[string]struct {
		path   string
		change func(t *testing.T, path string)
		counts bool
	}{
		"file of a package":             {"money/money.go", write("package money // x"), true},
		"another file of it":            {"money/more.go", write("package money"), true},
		"file of it that is gone":       {"money/money.go", remove, true},
		"assembly":                      {"money/money.s", write("TEXT"), true},
		"test of a package":             {"money/money_test.go", write("package x"), false},
		"text beside a package":         {"money/README", write("x"), false},
		"directory below a package":     {"money/below/x.go", write("package below"), false},
		"package that was not there":    {"missing/package/x.go", write("package x"), true},
		"file of a tree":                {"texts/de/a.txt", write("zwei"), true},
		"new file in a tree":            {"texts/fr/b.txt", write(""), true},
		"file that is gone":             {"texts/de/a.txt", remove, true},
		"file alone":                    {"one.txt", write("2"), true},
		"file beside it":                {"two.txt", write("2"), false},
		"file that was not there":       {"none.txt", write(""), true},
		"directory that was not there":  {"later/tree/x", write(""), true},
		"program":                       {"bin/tool", write("tool 2"), true},
		"program of the same size":      {"bin/tool", func(_ *testing.T, p string) { _ = os.Chtimes(p, time.Time{}, time.Unix(1, 0)) }, true},
		"program that was not there":    {"bin/none", write(""), true},
		"file beside a program":         {"bin/other", write(""), false},
		"file behind a link":            {"linked/words", write("b"), true},
		"tree that is gone":             {"texts", remove, true},
		"package that is gone":          {"money", remove, true},
		"variable":                      {"", variable("b"), true},
		"variable that is set to empty": {"", variable(""), true},
	} {
		t.Run(name, func(t *testing.T) {
			dir, set := world(t)
			path := filepath.Join(dir, filepath.FromSlash(c.path))
			told := event(path)
			if c.path != "" {
				if got := set.Covers(told); got != c.counts {
					t.Errorf("covers %s: %t", told, got)
				}
				if c.counts && !slices.Contains(set.Directories(), filepath.Dir(told)) {
					t.Errorf("a change of %s is not seen in %q", told, set.Directories())
				}
			}
			before := hash(t, set)
			if hash(t, set) != before {
				t.Error("the hash is never the same")
			}
			c.change(t, path)
			if got := hash(t, set) != before; got != c.counts {
				t.Errorf("the hash changed: %t", got)
			}
		})
	}
}

// TestUnreadable: what is there and cannot be read is an error, not something that is
// missing.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "file"), "")
	below := filepath.Join(dir, "file", "below") // of a file
	for name, set := range map[string]sources.Set{"package": {Packages: []string{below}}, "tree": {Trees: []string{below}}} {
		if _, err := set.WriteTo(sha256.New()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestMerge: a merged set has no order of its own.
func TestMerge(t *testing.T) {
	t.Parallel()
	a := sources.Set{Packages: []string{"b", "a"}, Trees: []string{"t"}, Variables: []string{"V"}}
	b := sources.Set{Packages: []string{"c", "b"}, Programs: []string{"p"}}
	ab, ba := a.Merge(b), b.Merge(a)
	if !ab.Equal(ba) || !slices.Equal(ab.Packages, []string{"a", "b", "c"}) || len(ab.Programs) != 1 || len(ab.Trees) != 1 || len(ab.Variables) != 1 {
		t.Errorf("%+v, %+v", ab, ba)
	}
	if ab.Equal(a.Merge(sources.Set{})) {
		t.Error("different sets are equal")
	}
}
