package gosource_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/s3dbgen/s3dbgen/gen/gosource"
	"github.com/s3dbgen/s3dbgen/gen/sources"
	"github.com/s3dbgen/s3dbgen/schema"
)

// TestPlaces: a type is found wherever the go command finds its package for the
// generated one, and what is in directories of the user counts for the stamp.
func TestPlaces(t *testing.T) {
	t.Parallel()
	const money = "package money\n\ntype Cents int64\n"
	for name, c := range map[string]struct {
		archive string
		typ     string
		source  string // that must count
	}{
		"replaced": {
			archive: "-- shop/go.mod --\nmodule example.com/shop\n\ngo 1.26\n\nrequire example.com/money v1.2.3\n\nreplace example.com/money => ../cash\n" +
				"-- cash/go.mod --\nmodule example.com/money\n\ngo 1.26\n" +
				"-- cash/money.go --\n" + money,
			typ: "example.com/money.Cents", source: "cash",
		},
		"vendored": {
			archive: "-- shop/go.mod --\nmodule example.com/shop\n\ngo 1.26\n\nrequire example.com/money v1.2.3\n" +
				"-- shop/vendor/modules.txt --\n# example.com/money v1.2.3\n## explicit; go 1.26\nexample.com/money\n" +
				"-- shop/vendor/example.com/money/money.go --\n" + money,
			typ: "example.com/money.Cents", source: "shop/vendor/example.com/money",
		},
		"workspace": {
			archive: "-- go.work --\ngo 1.26\n\nuse (\n\t./cash\n\t./shop\n)\n" +
				"-- shop/go.mod --\nmodule example.com/shop\n\ngo 1.26\n" +
				"-- cash/go.mod --\nmodule example.com/money\n\ngo 1.26\n" +
				"-- cash/money.go --\n" + money,
			typ: "example.com/money.Cents", source: "cash",
		},
		"internal": {
			archive: "-- shop/go.mod --\nmodule example.com/shop\n\ngo 1.26\n" +
				"-- shop/internal/money/money.go --\n" + money,
			typ: "example.com/shop/internal/money.Cents", source: "shop/internal/money",
		},
		"name of the package": {
			archive: "-- shop/go.mod --\nmodule example.com/shop\n\ngo 1.26\n" +
				"-- shop/go-money.v2/money.go --\n" + money,
			typ: "example.com/shop/go-money.v2.Cents", source: "shop/go-money.v2",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := write(t, c.archive)
			found, s, set := lookIn(t, filepath.Join(dir, "shop", "db"), "integer", c.typ)
			g := s.GoTypes()[0].GoType
			if found != "" || g.Form != schema.GoConversion || g.Package != "money" {
				t.Errorf("form %q, package %q\n%s", g.Form, g.Package, found)
			}
			if !set.Covers(filepath.Join(dir, filepath.FromSlash(c.source), "money.go")) {
				t.Errorf("%s does not count: %+v", c.source, set)
			}
		})
	}
}

// TestPlacesOutOfReach: what the go command does not find, or the generated package may
// not import, is told at its place.
func TestPlacesOutOfReach(t *testing.T) {
	t.Parallel()
	const money = "package money\n\ntype Cents int64\n"
	for name, c := range map[string]struct {
		archive string
		typ     string
		want    []string
	}{
		"replaced by nothing": {
			archive: "-- shop/go.mod --\nmodule example.com/shop\n\ngo 1.26\n\nrequire example.com/money v1.2.3\n\nreplace example.com/money => ../cash\n",
			typ:     "example.com/money.Cents", want: []string{"S3D0530", "cash"},
		},
		"not vendored": {
			archive: "-- shop/go.mod --\nmodule example.com/shop\n\ngo 1.26\n\nrequire example.com/money v1.2.3\n" +
				"-- shop/vendor/modules.txt --\n# example.com/money v1.2.3\n## explicit; go 1.26\n",
			typ: "example.com/money.Cents", want: []string{"S3D0530", "vendor", "go mod vendor"},
		},
		"not in the workspace": {
			archive: "-- go.work --\ngo 1.26\n\nuse ./shop\n" +
				"-- shop/go.mod --\nmodule example.com/shop\n\ngo 1.26\n" +
				"-- cash/go.mod --\nmodule example.com/money\n\ngo 1.26\n" +
				"-- cash/money.go --\n" + money,
			typ: "example.com/money.Cents", want: []string{"S3D0530", "example.com/money"},
		},
		"internal to another module": {
			archive: "-- go.work --\ngo 1.26\n\nuse (\n\t./cash\n\t./shop\n)\n" +
				"-- shop/go.mod --\nmodule example.com/shop\n\ngo 1.26\n" +
				"-- cash/go.mod --\nmodule example.com/money\n\ngo 1.26\n" +
				"-- cash/internal/money/money.go --\n" + money,
			typ: "example.com/money/internal/money.Cents", want: []string{"S3D0530", "internal to example.com/money", "output below example.com/money"},
		},
		"internal to Go": {
			archive: "-- shop/go.mod --\nmodule example.com/shop\n\ngo 1.26\n",
			typ:     "internal/goarch.ArchFamilyType", want: []string{"S3D0530", "internal to the standard library"},
		},
		"for another system": {
			archive: "-- shop/go.mod --\nmodule example.com/shop\n\ngo 1.26\n" +
				"-- shop/money/money.go --\n//go:build plan9\n\n" + money,
			typ: "example.com/shop/money.Cents", want: []string{"S3D0530", "build constraints exclude all Go files"},
		},
		"of a test": {
			archive: "-- shop/go.mod --\nmodule example.com/shop\n\ngo 1.26\n" +
				"-- shop/money/money.go --\npackage money\n\ntype Cent int64\n" +
				"-- shop/money/money_test.go --\n" + money,
			typ: "example.com/shop/money.Cents", want: []string{"S3D0531", "has no type Cents", "Cent"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := write(t, c.archive)
			found, s, set := lookIn(t, filepath.Join(dir, "shop", "db"), "integer", c.typ)
			if s.GoTypes()[0].GoType.Form != "" || set.IsEmpty() {
				t.Errorf("form %q, sources %+v", s.GoTypes()[0].GoType.Form, set)
			}
			for _, text := range c.want {
				if !strings.Contains(found, text) {
					t.Errorf("nothing says %q:\n%s", text, found)
				}
			}
		})
	}
}

// lookIn looks at one type as the package in dir would import it.
func lookIn(t *testing.T, dir, kind, name string) (string, *schema.Schema, sources.Set) {
	t.Helper()
	text := "package: shop\nresources:\n  orders:\n    attributes:\n      x: {type: " + kind + ", goType: " + name + "}\n"
	s, found := schema.Parse("schema.yaml", []byte(text))
	if found.HasErrors() {
		t.Fatal(found)
	}
	found, set, err := gosource.Types(t.Context(), s, dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range found {
		if d.Position.Line != 5 || d.Position.Column < 20 {
			t.Errorf("%s: the place is %v", name, d.Position)
		}
	}
	return found.String(), s, set
}
