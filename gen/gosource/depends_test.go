package gosource_test

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"

	"github.com/s3dbgen/s3dbgen/gen/gosource"
	"github.com/s3dbgen/s3dbgen/gen/sources"
	"github.com/s3dbgen/s3dbgen/schema"
)

// workspace has a module that uses packages of others: one by a replacement, one by a
// workspace file that is elsewhere.
const workspace = `
-- shop/go.mod --
module example.com/shop

go 1.26

require example.com/money v0.0.0

replace example.com/money => ../money
-- shop/go.sum --
-- shop/types/types.go --
package types

import (
	_ "embed"

	"example.com/money"
)

//go:embed text.txt
var text string

type Amount = money.Amount
-- shop/types/text.txt --
text
-- shop/types/types_test.go --
package types
-- shop/other/other.go --
package other
-- money/go.mod --
module example.com/money

go 1.26
-- money/money.go --
package money

type Amount int64
-- elsewhere/go.work --
go 1.26

use (
	../shop
	../money
)
-- elsewhere/env --
GOFLAGS=-mod=mod
-- shop/plugin/main.go --
package main

func main() {}
`

func sum(t *testing.T, s sources.Set) [sha256.Size]byte {
	t.Helper()
	h := sha256.New()
	if _, err := s.WriteTo(h); err != nil {
		t.Fatal(err)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// TestDependencies: each change that could make another answer changes the sum of the
// sources; those that cannot do not.
func TestDependencies(t *testing.T) {
	for name, c := range map[string]struct {
		env    map[string]string // paths below the directory
		file   string
		counts bool
	}{
		"the type's package":        {nil, "shop/types/types.go", true},
		"a new file of it":          {nil, "shop/types/more.go", true},
		"its embedded file":         {nil, "shop/types/text.txt", true},
		"its test":                  {nil, "shop/types/types_test.go", false},
		"a package of no matter":    {nil, "shop/other/other.go", false},
		"the generated package":     {nil, "shop/store/client.go", false},
		"a package that it imports": {nil, "money/money.go", true},
		"the module":                {nil, "shop/go.mod", true},
		"its sums":                  {nil, "shop/go.sum", true},
		"its vendored packages":     {nil, "shop/vendor/modules.txt", true},
		"a nearer module":           {nil, "shop/store/go.mod", true},
		"the replacing module":      {nil, "money/go.mod", true},
		"a new workspace":           {nil, "shop/go.work", true},
		"a new workspace above":     {nil, "go.work", true},
		"a workspace elsewhere":     {map[string]string{"GOWORK": "elsewhere/go.work"}, "elsewhere/go.work", true},
		"its sums ":                 {map[string]string{"GOWORK": "elsewhere/go.work"}, "elsewhere/go.work.sum", true},
		"a workspace of no matter":  {nil, "elsewhere/go.work", false},
		"settings elsewhere":        {map[string]string{"GOENV": "elsewhere/env"}, "elsewhere/env", true},
		"settings of no matter":     {nil, "elsewhere/env", false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, workspace)
			for name, path := range c.env {
				t.Setenv(name, filepath.Join(dir, filepath.FromSlash(path)))
			}
			s, found := schema.Parse("schema.yaml", []byte("package: store\nresources: {orders: {attributes: {x: {type: integer, goType: example.com/shop/types.Amount}}}}\n"))
			if found.HasErrors() {
				t.Fatal(found)
			}
			found, set, err := gosource.Types(t.Context(), s, filepath.Join(dir, "shop", "store"))
			if err != nil || found.HasErrors() {
				t.Fatal(err, found)
			}
			before := sum(t, set)
			path := filepath.Join(dir, filepath.FromSlash(c.file))
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte("// changed"), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := sum(t, set) != before; got != c.counts {
				t.Errorf("another answer: %t, of %+v", got, set)
			}
		})
	}
}

// TestDependencyOnVariables: what the go command is told by the environment counts.
func TestDependencyOnVariables(t *testing.T) {
	dir := write(t, workspace)
	set, err := gosource.Program(t.Context(), filepath.Join(dir, "shop", "plugin"), []string{"."})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"GOFLAGS", "GOWORK", "GOENV", "GOOS", "GOARCH", "CGO_ENABLED", "GOPACKAGESDRIVER", "GOROOT", "GOTOOLCHAIN", "GOPATH", "PATH"} {
		before := sum(t, set)
		t.Setenv(name, "other")
		if sum(t, set) == before {
			t.Errorf("%s does not count", name)
		}
	}
}

// TestProgram finds the package that "go run" would run.
func TestProgram(t *testing.T) {
	t.Parallel()
	dir := write(t, workspace)
	main := filepath.Join(dir, "shop", "plugin", "main.go")
	for name, c := range map[string]struct {
		args   []string
		counts bool
	}{
		"package":           {[]string{"./plugin"}, true},
		"arguments":         {[]string{"./plugin", "./other"}, true},
		"flags":             {[]string{"-mod=mod", "-race", "-tags", "x", "--ldflags", "-s", "./plugin", "-x"}, true},
		"file":              {[]string{"-race", "plugin/main.go", "x"}, true},
		"directory":         {[]string{"-C", "plugin", "."}, true},
		"another directory": {[]string{"-C=other", "."}, false},
		"another package":   {[]string{"./other"}, false},
		"a version":         {[]string{"example.com/plugin@v1.0.0", "./plugin"}, false},
		"no package at all": {[]string{"-race"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := gosource.Program(t.Context(), filepath.Join(dir, "shop"), c.args)
			if err != nil {
				t.Fatal(err)
			}
			if set.Covers(main) != c.counts {
				t.Errorf("%q: %+v", c.args, set)
			}
		})
	}
}
