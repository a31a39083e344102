package gosource

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/s3dbgen/s3dbgen/gen/sources"
)

// Program returns all on which a program of Go depends. The arguments are those of "go
// run", which runs in dir. That of a package with a version depends on nothing here.
func Program(ctx context.Context, dir string, args []string) (sources.Set, error) {
	named, below := packagesOf(args)
	if !filepath.IsAbs(below) {
		below = filepath.Join(dir, below)
	}
	p, err := placeOf(below)
	if err != nil {
		return sources.Set{}, err
	}
	if len(named) == 0 {
		return p.dependencies(ctx, nil), nil
	}
	loaded, err := graph(ctx, p.dir, named...)
	if err != nil && ctx.Err() != nil {
		return sources.Set{}, err
	}
	return p.dependencies(ctx, loaded), nil // what cannot be loaded does not run either, which is told then
}

// packagesOf are the package, or the files of one, among the arguments of "go run", and
// the directory to which they change first.
func packagesOf(args []string) (named []string, dir string) {
	for i := 0; i < len(args); i++ {
		flag, isFlag := strings.CutPrefix(args[i], "-")
		flag, value, whole := strings.Cut(strings.TrimPrefix(flag, "-"), "=")
		switch {
		case isFlag:
			if !whole && hasValue(flag) && i+1 < len(args) {
				i++
				value = args[i]
			}
			if flag == "C" {
				dir = value
			}
		case strings.Contains(args[i], "@"):
			return nil, dir
		case !strings.HasSuffix(args[i], ".go"):
			return args[i : i+1], dir
		default:
			end := i
			for end < len(args) && strings.HasSuffix(args[end], ".go") {
				end++
			}
			return args[i:end], dir
		}
	}
	return nil, dir
}

// hasValue reports whether a flag of "go run" takes the next argument.
func hasValue(name string) bool {
	switch name {
	case "C", "p", "covermode", "coverpkg", "asmflags", "buildmode", "compiler", "exec", "gccgoflags", "gcflags", "installsuffix",
		"ldflags", "mod", "modfile", "overlay", "pgo", "pkgdir", "tags", "toolexec":
		return true
	}
	return false
}
