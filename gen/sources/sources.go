// Package sources knows the files on which a generation depends beside its schema: the
// Go sources of types, and what plugins read.
package sources

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Set is what a result depends on. Paths are absolute and need not exist.
type Set struct {
	Packages  []string `json:"packages,omitempty"`  // directories of Go packages: their files, and which there are
	Trees     []string `json:"trees,omitempty"`     // files, or directories with all below them
	Programs  []string `json:"programs,omitempty"`  // known by their size and time of modification
	Variables []string `json:"variables,omitempty"` // names of environment variables
}

// Merge returns what is in one of two sets.
func (s Set) Merge(other Set) Set {
	return Set{
		Packages:  union(s.Packages, other.Packages),
		Trees:     union(s.Trees, other.Trees),
		Programs:  union(s.Programs, other.Programs),
		Variables: union(s.Variables, other.Variables),
	}
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// IsEmpty reports whether there is nothing.
func (s Set) IsEmpty() bool {
	return len(s.Packages)+len(s.Trees)+len(s.Programs)+len(s.Variables) == 0
}

// Equal reports whether two sets that Merge returned are the same.
func (s Set) Equal(other Set) bool {
	return slices.Equal(s.Packages, other.Packages) && slices.Equal(s.Trees, other.Trees) &&
		slices.Equal(s.Programs, other.Programs) && slices.Equal(s.Variables, other.Variables)
}

// WriteTo writes all that counts as it is now, for a hash.
func (s Set) WriteTo(w io.Writer) (int64, error) {
	c := &counter{w: w}
	for _, name := range s.Variables {
		value, ok := os.LookupEnv(name)
		c.part("variable", name, fmt.Appendf(nil, "%t %s", ok, value))
	}
	for _, path := range s.Programs {
		info, err := os.Stat(path)
		if err == nil {
			c.part("program", path, fmt.Appendf(nil, "%d %d", info.Size(), info.ModTime().UnixNano()))
		} else {
			c.part("no program", path, nil)
		}
	}
	for _, path := range s.Trees {
		c.tree(path)
	}
	for _, dir := range s.Packages {
		c.goPackage(dir)
	}
	return c.n, c.err
}

// Covers reports whether a change of a path may change what counts: it is of the set, in
// a directory of the set, or one in which something of the set would be.
func (s Set) Covers(path string) bool {
	for _, dir := range s.Packages {
		if filepath.Dir(path) == dir && isSource(path) || within(dir, path) {
			return true
		}
	}
	for _, tree := range s.Trees {
		if within(path, tree) || within(tree, path) {
			return true
		}
	}
	return slices.ContainsFunc(s.Programs, func(program string) bool { return within(program, path) })
}

// within reports whether a path is a directory or below it.
func within(path, dir string) bool {
	below, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(below)
}

// Directories returns the directories in which changes of the set are seen: those of its
// files, and for what does not exist the nearest above it that does.
func (s Set) Directories() []string {
	var dirs []string
	for _, path := range slices.Concat(s.Programs, s.Packages, s.Trees) {
		dirs = append(dirs, Existing(filepath.Dir(path)))
	}
	for _, dir := range s.Packages {
		dirs = append(dirs, Existing(dir))
	}
	for _, tree := range s.Trees {
		_ = walk(tree, func(path string, e fs.DirEntry) { // what cannot be read cannot be watched
			if e != nil && e.IsDir() {
				dirs = append(dirs, path)
			}
		})
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
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

func (c *counter) goPackage(dir string) {
	c.part("package", dir, nil)
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.fail(err)
	}
	for _, e := range entries {
		if isSource(e.Name()) && !e.IsDir() {
			c.file(filepath.Join(dir, e.Name()))
		}
	}
}

func (c *counter) tree(root string) {
	c.fail(walk(root, func(path string, e fs.DirEntry) {
		switch {
		case e == nil:
			c.part("no file", path, nil)
		case e.IsDir():
			c.part("directory", path, nil)
		case e.Type().IsRegular():
			c.file(path)
		default:
			c.part("special", path, nil) // reading it may never end
		}
	}))
}

// walk visits a file, or a directory and all below it, in order. A link is followed at
// the root, and below it when it leads to a file: those to directories may lead around in
// a circle. For a root that does not exist the entry is nil.
func walk(root string, visit func(path string, e fs.DirEntry)) error {
	info, err := os.Stat(root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		visit(root, nil)
		return nil
	case err != nil:
		return err
	case !info.IsDir():
		visit(root, fs.FileInfoToDirEntry(info))
		return nil
	}
	return fs.WalkDir(os.DirFS(root), ".", func(below string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		path := filepath.Join(root, filepath.FromSlash(below))
		if e.Type()&fs.ModeSymlink != 0 {
			if info, err := os.Stat(path); err == nil && !info.IsDir() {
				e = fs.FileInfoToDirEntry(info)
			}
		}
		visit(path, e)
		return nil
	})
}
