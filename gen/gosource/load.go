// Package gosource looks at the Go source that a generation depends on beside its
// schema: the types that the rule goType names, and the programs that are plugins.
package gosource

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/tools/go/packages"

	"github.com/s3dbgen/s3dbgen/gen/sources"
)

// place is where the generated package is, or will be.
type place struct {
	output string // its directory, absolute
	dir    string // the nearest that exists
	root   string // of its module; "" without one
	module string // path of the module
	self   string // import path of the generated package; "" without a module
}

// placeOf finds out where a directory is, which need not exist.
func placeOf(dir string) (place, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return place{}, err
	}
	p := place{output: dir, dir: sources.Existing(dir)}
	file := sources.Above(p.dir, "go.mod")
	if file == "" {
		return p, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return p, err
	}
	p.root, p.module = filepath.Dir(file), modfile.ModulePath(text)
	below, err := filepath.Rel(p.root, dir)
	if err != nil {
		return p, err
	}
	p.self = path.Join(p.module, filepath.ToSlash(below))
	return p, nil
}

// expected is the directory of a package of the module by its path, "" of others.
func (p place) expected(importPath string) string {
	below, ok := strings.CutPrefix(importPath, p.module)
	if p.module == "" || !ok || below != "" && below[0] != '/' {
		return ""
	}
	return filepath.Join(p.root, filepath.FromSlash(below))
}

// graph loads packages with all that they import, without types.
func graph(ctx context.Context, dir string, patterns ...string) ([]*packages.Package, error) {
	return load(ctx, dir, packages.NeedName|packages.NeedFiles|packages.NeedEmbedFiles|packages.NeedImports|packages.NeedDeps|packages.NeedModule, patterns)
}

// load runs the go command. It changes no file of the module and may compile packages
// into the build cache.
func load(ctx context.Context, dir string, mode packages.LoadMode, patterns []string) ([]*packages.Package, error) {
	list, err := packages.Load(&packages.Config{Context: ctx, Dir: dir, Mode: mode}, patterns...)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("go list: %s", firstLine(err.Error()))
	}
	return list, nil
}

// firstLine is the first line of a message that says something.
func firstLine(text string) string {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			return line
		}
	}
	return ""
}
