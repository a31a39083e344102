package gen_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// goldenFiles returns all generated files below testdata/golden and of the
// example.
func goldenFiles(tb testing.TB) []string {
	tb.Helper()
	var files []string
	for _, root := range []string{goldenDir, "../example/generated"} {
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
	return files
}

// TestGeneratedLines holds the promise of at most 450 lines for a resource of ten
// attributes, here with timestamps, partitions, a unique constraint, an enum, a
// nested object, an array of objects, and a description of each attribute.
func TestGeneratedLines(t *testing.T) {
	const most, attributes = 450, 10
	path := filepath.Join(t.TempDir(), "schema.yaml")
	writeText(t, path, `
package: shop
resources:
  users:
    timestamps: true
    behavior: truncate-data
    partitions: {byRole: role, byCountry: profile.country, byBoth: [role, profile.country]}
    attributes:
      name: {type: string, min: 2, max: 100, description: How the user wants to be called.}
      email: {type: email, unique: true, description: Where the user is reached.}
      role: {type: enum, values: [customer, clerk, admin], default: customer, description: What the user may do.}
      age: {type: integer, positive: true, optional: true, description: In years.}
      password: {type: password, min: 8, description: Known to nobody.}
      apiKey: {type: secret, generate: true, description: For programs.}
      profile: {type: object, optional: true, description: What others see., fields: {country: string, bio: text|optional}}
      addresses: {type: array, optional: true, description: Where parcels go., items: {type: object, fields: {street: string, city: string}}}
      tags: {type: array, items: string, unique: true, optional: true, description: Free words.}
      seenAt: {type: datetime, optional: true, description: The last time.}
`)
	s, _, files := generate(t, path)
	if n := len(s.Resources[0].Attributes); n != attributes {
		t.Fatalf("the schema has %d attributes", n)
	}
	for _, f := range files {
		if n := bytes.Count(f.Content, []byte("\n")); f.Name != "client.go" && n > most {
			t.Errorf("%s has %d lines, more than %d", f.Name, n, most)
		} else {
			t.Logf("%s: %d lines", f.Name, n)
		}
	}
}

// TestGeneratedCodeIsPlain wants every golden file to be as gofmt has it, with
// straight-line code only and a comment on everything exported.
func TestGeneratedCodeIsPlain(t *testing.T) {
	for _, path := range goldenFiles(t) {
		content := []byte(readText(t, path))
		if formatted, err := format.Source(content); err != nil || !bytes.Equal(formatted, content) {
			t.Errorf("%s is not formatted: %v", path, err)
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, path, content, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(path) == "client.go" && f.Doc == nil {
			t.Errorf("%s: no package comment", path)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if what := notPlain(n); what != "" {
				t.Errorf("%s: %s", set.Position(n.Pos()), what)
			}
			return true
		})
	}
}

// notPlain says what is wrong with a node of generated code, "" for nothing.
func notPlain(n ast.Node) string {
	switch n := n.(type) {
	case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt, *ast.GoStmt, *ast.DeferStmt,
		*ast.BranchStmt, *ast.LabeledStmt:
		return fmt.Sprintf("control flow in generated code: %T", n)
	case *ast.FuncDecl:
		if n.Name.IsExported() && n.Doc == nil {
			return n.Name.Name + " has no comment"
		}
		if n.Name.Name == "init" {
			return "generated code has no init"
		}
	case *ast.GenDecl:
		for _, s := range n.Specs {
			if s, ok := s.(*ast.TypeSpec); ok && s.Name.IsExported() && n.Doc == nil {
				return s.Name.Name + " has no comment"
			}
			if s, ok := s.(*ast.ValueSpec); ok && s.Names[0].IsExported() && n.Doc == nil && s.Doc == nil {
				return s.Names[0].Name + " has no comment"
			}
		}
	}
	return ""
}

// lintConfig holds generated code to what a demanding user runs. The names that
// a schema gives are the user's own.
const lintConfig = `version: "2"
linters:
  default: none
  enable: [errcheck, govet, ineffassign, revive, staticcheck, unconvert, unused]
  settings:
    govet: {enable-all: true, disable: [fieldalignment]}
    revive:
      rules: [{name: exported}, {name: unused-parameter}, {name: receiver-naming}, {name: redefines-builtin-id}, {name: unexported-return}]
    staticcheck: {checks: [all, -ST1000, -ST1003]}
  exclusions:
    rules:
      - {path: ^gotypes/, linters: [unconvert], text: unnecessary conversion} # of an alias of what is stored, which is no type of its own
formatters:
  enable: [gofmt, goimports]
issues: {max-issues-per-linter: 0, max-same-issues: 0}
`

// TestGeneratedCodePassesVet runs go vet over the golden packages.
func TestGeneratedCodePassesVet(t *testing.T) {
	if testing.Short() {
		t.Skip("type-checks all golden packages")
	}
	packages := map[string]bool{}
	for _, path := range goldenFiles(t) {
		packages["./"+filepath.ToSlash(filepath.Dir(path))] = true
	}
	command := exec.CommandContext(t.Context(), "go", append([]string{"vet"}, slices.Sorted(maps.Keys(packages))...)...)
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("go vet: %v\n%s", err, out)
	}
}

// TestGeneratedCodePassesLinters runs staticcheck and others, through
// golangci-lint, over the golden packages. It needs minutes of a processor, so
// "make lint" runs it: GOLDEN_LINTER is the path of golangci-lint. Linters leave
// generated files out, so they get copies without the marker.
func TestGeneratedCodePassesLinters(t *testing.T) {
	linter := os.Getenv("GOLDEN_LINTER")
	if linter == "" {
		t.Skip("GOLDEN_LINTER is not set")
	}
	dir := t.TempDir()
	module, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range goldenFiles(t) {
		content := readText(t, path)
		if strings.Contains(path, "/stores/") || strings.Contains(path, "/example/") {
			continue // they link the SDK, which linters would read whole
		}
		_, body, found := strings.Cut(content, "DO NOT EDIT.\n\n")
		if !found {
			t.Fatalf("%s has no marker", path)
		}
		parts := strings.Split(filepath.ToSlash(filepath.Dir(path)), "/")
		to := filepath.Join(dir, parts[len(parts)-2], filepath.Base(path))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			t.Fatal(err)
		}
		writeText(t, to, body)
	}
	goMod := strings.Replace(readText(t, "../go.mod"), "module github.com/s3dbgen/s3dbgen\n",
		"module golden\n\nrequire github.com/s3dbgen/s3dbgen v0.0.0\n\nreplace github.com/s3dbgen/s3dbgen => "+module+"\n", 1)
	writeText(t, filepath.Join(dir, "go.mod"), goMod)
	writeText(t, filepath.Join(dir, "go.sum"), readText(t, "../go.sum"))
	writeText(t, filepath.Join(dir, ".golangci.yml"), lintConfig)
	command := exec.CommandContext(t.Context(), linter, "run", "--allow-parallel-runners", "./...")
	command.Dir = dir
	command.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("golangci-lint: %v\n%s", err, out)
	}
}
