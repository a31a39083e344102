package gosource

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// Sources are the files and directories on which a result depends, all absolute. Those
// of the standard library and of modules in the module cache are not among them: they
// cannot change without go.mod or the go command.
type Sources struct {
	Dirs     []string // of Go packages: their files, and which there are
	Files    []string // their content; they need not exist
	Programs []string // known by their size and time of modification
}

// IsEmpty reports whether nothing but the schema counts.
func (s Sources) IsEmpty() bool { return len(s.Dirs)+len(s.Files)+len(s.Programs) == 0 }

// goVariables change what the go command finds.
func goVariables() []string {
	return []string{
		"CGO_ENABLED", "GO111MODULE", "GOARCH", "GOENV", "GOEXPERIMENT", "GOFLAGS", "GOMODCACHE", "GOOS", "GOPATH", "GOROOT", "GOTOOLCHAIN", "GOWORK", "PATH",
	}
}

// WriteTo writes all that counts, for a hash.
func (s Sources) WriteTo(w io.Writer) (int64, error) {
	c := &counter{w: w}
	if s.IsEmpty() {
		return 0, nil
	}
	for _, name := range goVariables() {
		c.part("env", name, []byte(os.Getenv(name)))
	}
	for _, path := range s.Programs {
		info, err := os.Stat(path)
		if err == nil {
			c.part("program", path, fmt.Appendf(nil, "%d %d", info.Size(), info.ModTime().UnixNano()))
		} else {
			c.part("no program", path, nil)
		}
	}
	for _, path := range s.Files {
		c.file(path)
	}
	for _, dir := range s.Dirs {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			c.fail(err)
		}
		c.part("dir", dir, nil)
		for _, e := range entries {
			if isSource(e.Name()) && !e.IsDir() {
				c.file(filepath.Join(dir, e.Name()))
			}
		}
	}
	return c.n, c.err
}

// isSource reports whether the go command may compile a file of this name.
func isSource(name string) bool {
	switch filepath.Ext(name) {
	case ".go":
		return !strings.HasSuffix(name, "_test.go")
	case ".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".hxx", ".m", ".s", ".S", ".syso", ".swig", ".swigcxx":
		return true
	}
	return false
}

// counter writes parts that cannot be taken for each other.
type counter struct {
	w   io.Writer
	n   int64
	err error
}

func (c *counter) part(kind, name string, content []byte) {
	n, err := fmt.Fprintf(c.w, "%s %q %d\n%s\n", kind, name, len(content), content)
	c.n += int64(n)
	c.fail(err)
}

func (c *counter) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

func (c *counter) file(path string) {
	content, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.part("no file", path, nil)
	case err != nil:
		c.fail(err)
	default:
		c.part("file", path, content)
	}
}

// sourcesOf are those of packages and of all that they import.
func (p place) sourcesOf(roots []*packages.Package) Sources {
	dirs, files := map[string]bool{}, map[string]bool{}
	packages.Visit(roots, nil, func(x *packages.Package) {
		if m := x.Module; m != nil && m.GoMod != "" && !inCache(x) {
			files[m.GoMod] = true
		}
		dir := dirOf(x)
		if dir == "" {
			dir = p.expected(x.PkgPath)
		}
		if dir == "" || inCache(x) {
			return
		}
		dirs[dir] = true
		for _, f := range x.EmbedFiles {
			files[f] = true
		}
	})
	if p.root != "" {
		for _, name := range []string{"go.mod", "go.sum", "vendor/modules.txt"} {
			files[filepath.Join(p.root, filepath.FromSlash(name))] = true
		}
	}
	for _, name := range []string{"go.work", "go.work.sum"} {
		if file := above(p.dir, name); file != "" {
			files[file] = true
		}
	}
	if config, err := os.UserConfigDir(); err == nil {
		files[filepath.Join(config, "go", "env")] = true
	}
	s := Sources{Dirs: slices.Sorted(maps.Keys(dirs)), Files: slices.Sorted(maps.Keys(files))}
	if command, err := exec.LookPath("go"); err == nil {
		s.Programs = []string{command}
	}
	return s
}

// inCache reports whether a package cannot change: it is one of the standard library, or
// of a module in the module cache.
func inCache(x *packages.Package) bool {
	m := x.Module
	switch {
	case m == nil:
		return dirOf(x) != "" // what is not found has no module either
	case m.Replace != nil:
		m = m.Replace
	}
	vendored := strings.Contains(filepath.ToSlash(dirOf(x)), "/vendor/")
	return !m.Main && m.Version != "" && !vendored
}

func dirOf(x *packages.Package) string {
	for _, f := range slices.Concat(x.GoFiles, x.OtherFiles, x.IgnoredFiles) {
		return filepath.Dir(f)
	}
	return ""
}
