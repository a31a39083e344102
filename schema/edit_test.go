package schema

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const edited = `package: shop
x-common: &common
  note: text|optional
resources:
  users:
    attributes: {<<: *common, name: string}
  orders:
    attributes: {<<: *common, total: decimal}
`

// edit parses a schema after one change.
func edit(apply func(*Tree) error) (*Schema, Diagnostics) {
	return Parse("schema.yaml", []byte(edited), Edit{By: "plugin p", Apply: apply})
}

func TestEdit(t *testing.T) {
	t.Parallel()
	s, found := edit(func(tree *Tree) error {
		if diff := cmp.Diff([]string{"users", "orders"}, tree.Keys("resources")); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
		if text, ok := tree.Text("resources", "users", "attributes", "name"); text != "string" || !ok {
			t.Errorf("text %q", text)
		}
		if _, ok := tree.Text("resources", "users"); ok || tree.Keys("none", "such") != nil {
			t.Error("there is something at a path without a value")
		}
		if !tree.Delete("resources", "users", "attributes", "note") || tree.Delete("resources", "none") {
			t.Error("delete does not tell what was there")
		}
		return errors.Join(
			tree.Set("email|unique", "resources", "users", "attributes", "email"),
			tree.Set("string|min:2", "resources", "users", "attributes", "name"),
			tree.Set("{byTotal: total}", "resources", "orders", "partitions"),
			tree.Set("string", "resources", "tags", "attributes", "word"),
		)
	})
	if len(found) > 0 {
		t.Fatal(found)
	}
	var got []string
	for _, r := range s.Resources {
		for _, a := range r.Attributes {
			got = append(got, r.Name+"."+a.Name)
		}
	}
	want := "users.name users.email orders.note orders.total tags.word" // the note of orders is shared, and stays
	if strings.Join(got, " ") != want {
		t.Errorf("attributes %v, want %s", got, want)
	}
	if len(s.Resources[1].Partitions) != 1 || *s.Resources[0].Attributes[0].Type.Rules.Min != 2 {
		t.Error("a change is lost")
	}
}

// TestEditMistakes shows where a change is wrong: in the text of the change, or in what
// the user wrote and the change broke.
func TestEditMistakes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		apply func(*Tree) error
		want  string
	}{
		"its type": {
			func(tree *Tree) error { return tree.Set("strng", "resources", "users", "attributes", "x") },
			"plugin p, resources.users.attributes.x:1:1: unknown type \"strng\" [S3D0201]\n  1 | strng\n    | ^^^^^\n  help: did you mean \"string\"?\n",
		},
		"its YAML": {
			func(tree *Tree) error { return tree.Set("{a", "resources", "users") },
			"plugin p, resources.users:1:",
		},
		"its place": {
			func(tree *Tree) error { return tree.Set("x", "package", "name") },
			"schema.yaml:1:1: plugin p sets package.name, but package is the text \"shop\" [S3D0520]",
		},
		"no path": {
			func(tree *Tree) error { return tree.Set("x") },
			"schema.yaml:1:1: plugin p sets a value without a path [S3D0520]",
		},
		"its own": {
			func(*Tree) error { return errors.New("no tenant is named") },
			"schema.yaml:1:1: no tenant is named [S3D0520]",
		},
		"what it leaves": {
			func(tree *Tree) error { tree.Delete("resources", "users", "attributes"); return nil },
			"schema.yaml:6:5: resource \"users\" has no attributes [S3D0013]",
		},
	} {
		s, found := edit(test.apply)
		if s != nil || !strings.HasPrefix(found.String(), test.want) {
			t.Errorf("%s: told\n%s\nwant\n%s", name, found, test.want)
		}
	}
}
