package gen_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNamesNeverChange adds to a schema whatever could claim the names that
// programs use already. They stay.
func TestNamesNeverChange(t *testing.T) {
	const before = `
package: shop
resources:
  users:
    attributes:
      user_name: string
      profile: {bio: text}
      role: enum:a-b,c
  user_notes: {attributes: {text: string}}
  orders: {attributes: {lines: {type: array, items: {type: object, fields: {sku: string}}}}}
`
	const after = `
package: shop
resources:
  user_insert: {attributes: {name: string}}
  user_profile: {attributes: {name: string}}
  user_roles: {attributes: {name: string}}
  order_lines: {attributes: {name: string}}
  user_role_c: {attributes: {name: string}}
  users:
    attributes:
      notes: {$$type: object|optional, text: string}
      insert: {$$type: object|optional, text: string}
      user_name: string
      profile: {bio: text}
      role: {type: enum, values: [a b, a-b, c, a_b]}
  user_notes: {attributes: {text: string}}
  orders: {attributes: {line: {$$type: object|optional, sku: string}, lines: {type: array, items: {type: object, fields: {sku: string}}}}}
`
	path := filepath.Join(t.TempDir(), "schema.yaml")
	writeText(t, path, before)
	first := generatedTree(t, path)
	writeText(t, lockPath(path), first[lockName])
	writeText(t, path, after)
	second := generatedTree(t, path)
	names := exportedNames(t, second)
	for _, name := range exportedNames(t, first) {
		if !slices.Contains(names, name) {
			t.Errorf("%s is gone or another", name)
		}
	}
	writeText(t, lockPath(path), second[lockName])
	if diff := cmp.Diff(second, generatedTree(t, path)); diff != "" {
		t.Errorf("the third run differs from the second:\n%s", diff)
	}
}

// exportedNames lists types with their fields and field types, and constants with
// their values.
func exportedNames(t *testing.T, files map[string]string) []string {
	t.Helper()
	var names []string
	for name, content := range files {
		if filepath.Ext(name) != ".go" {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, content, 0)
		if err != nil {
			t.Fatal(err)
		}
		source := func(n ast.Node) string { return content[n.Pos()-1 : n.End()-1] }
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.TypeSpec:
				names = append(names, "type "+n.Name.Name)
				if s, ok := n.Type.(*ast.StructType); ok {
					for _, field := range s.Fields.List {
						for _, x := range field.Names {
							names = append(names, n.Name.Name+"."+x.Name+" "+source(field.Type))
						}
					}
				}
			case *ast.ValueSpec:
				if n.Names[0].IsExported() {
					names = append(names, "const "+n.Names[0].Name+" = "+source(n.Values[0]))
				}
			case *ast.FuncDecl:
				return false
			}
			return true
		})
	}
	slices.Sort(names)
	return names
}
