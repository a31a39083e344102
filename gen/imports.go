package gen

import (
	"path"
	"slices"
	"strings"
)

// module is the path of the module that generated code imports.
const module = "github.com/s3dbgen/s3dbgen"

// pkg is the import path of a package that generated code may use, after the
// name of the package and a blank where the path does not end in it.
type pkg string

// The packages of generated code. Only the runtime has a name that differs from
// the end of its path.
const (
	pkgBehaviors pkg = module + "/behaviors"
	pkgContext   pkg = "context"
	pkgDecimal   pkg = "github.com/shopspring/decimal"
	pkgFixture   pkg = module + "/runtime/fixture"
	pkgJSON      pkg = "encoding/json"
	pkgMath      pkg = "math"
	pkgNetip     pkg = "net/netip"
	pkgRegexp    pkg = "regexp"
	pkgRuntime   pkg = "s3db " + module + "/runtime"
	pkgS3Store   pkg = module + "/runtime/s3store"
	pkgBoltStore pkg = module + "/runtime/boltstore"
	pkgMemStore  pkg = module + "/runtime/memstore"
	pkgTime      pkg = "time"
	pkgUUID      pkg = "github.com/google/uuid"
)

func (p pkg) path() string {
	_, after, found := strings.Cut(string(p), " ")
	if !found {
		return string(p)
	}
	return after
}

func (p pkg) name() string {
	name, _, found := strings.Cut(string(p), " ")
	if !found {
		return path.Base(name)
	}
	return name
}

// imports are the packages that one file uses.
type imports map[pkg]bool

// qualified returns a name of another package, and notes the import.
func (i imports) qualified(p pkg, name string) string {
	i[p] = true
	return p.name() + "." + name
}

// rt returns a name of the runtime.
func (i imports) rt(name string) string { return i.qualified(pkgRuntime, name) }

// lines returns the lines of the import declaration: the standard library, a
// blank line, the others.
func (i imports) lines() []string {
	var std, others []string
	for p := range i {
		line := `"` + p.path() + `"`
		if path.Base(p.path()) != p.name() {
			line = p.name() + " " + line
		}
		if strings.Contains(p.path(), ".") {
			others = append(others, line)
		} else {
			std = append(std, line)
		}
	}
	byPath := func(a, b string) int {
		return strings.Compare(a[strings.IndexByte(a, '"'):], b[strings.IndexByte(b, '"'):])
	}
	slices.SortFunc(std, byPath)
	slices.SortFunc(others, byPath)
	if len(std) > 0 && len(others) > 0 {
		std = append(std, "")
	}
	return append(std, others...)
}
