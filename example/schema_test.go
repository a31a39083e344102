package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"github.com/s3dbgen/s3dbgen/schema"
)

// TestSchemaUsesEverything keeps the example complete: a type, rule or option that
// the language has is shown in it.
func TestSchemaUsesEverything(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("schema.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, diagnostics := schema.Parse("schema.yaml", src)
	if diagnostics.HasErrors() {
		t.Fatal(diagnostics)
	}
	u := &usage{values: map[string]bool{}, fields: map[string]bool{}}
	u.note(reflect.ValueOf(s))

	for _, of := range []string{"Kind", "Behavior", "IDGenerator", "Store"} {
		for _, value := range constants(t, of) {
			if !u.values[of+" "+value] {
				t.Errorf("no %s is %s", of, value)
			}
		}
	}
	// What the parser alone sets, or only another state of the lock file. Plugins have an
	// example of their own.
	decided := map[string]bool{
		"Schema.Plugins":   true,
		"Resource.Version": true, "Resource.Hash": true, "Attribute.Number": true, "EnumValue.Number": true,
		"Attribute.Was": true, "EnumValue.Was": true, "Resource.Hashes": true, "Resource.Steps": true,
	}
	for _, of := range []reflect.Type{
		reflect.TypeFor[schema.Schema](), reflect.TypeFor[schema.Resource](), reflect.TypeFor[schema.ID](),
		reflect.TypeFor[schema.Attribute](), reflect.TypeFor[schema.Type](), reflect.TypeFor[schema.EnumValue](),
		reflect.TypeFor[schema.Rules](), reflect.TypeFor[schema.Index](), reflect.TypeFor[schema.IndexField](),
		reflect.TypeFor[schema.Relation](),
	} {
		for field := range of.Fields() {
			name := of.Name() + "." + field.Name
			if field.IsExported() && !decided[name] && !u.fields[name] {
				t.Errorf("nothing sets %s", name)
			}
		}
	}
}

// usage is what a schema makes use of: the values of the language's enumerations
// and the fields that are not zero.
type usage struct {
	values map[string]bool // "Kind string"
	fields map[string]bool // "Rules.Min"
}

func (u *usage) note(v reflect.Value) {
	declared := []reflect.Type{reflect.TypeFor[*schema.Resource](), reflect.TypeFor[*schema.Attribute](), reflect.TypeFor[*schema.Index]()}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			u.note(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			u.note(v.Index(i))
		}
	case reflect.String:
		u.values[v.Type().Name()+" "+v.String()] = true
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if !field.IsExported() || v.Field(i).IsZero() {
				continue
			}
			u.fields[v.Type().Name()+"."+field.Name] = true
			if v.Type() == reflect.TypeFor[schema.IndexField]() || slices.Contains(declared, v.Field(i).Type()) {
				continue // noted where it is declared
			}
			u.note(v.Field(i))
		}
	default:
	}
}

// constants returns the values of the constants that package schema declares of
// a type.
func constants(t *testing.T, of string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "../schema/schema.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); ok && name.Name == of {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, value)
		}
		return true
	})
	if len(values) == 0 {
		t.Fatalf("package schema has no constants of type %s", of)
	}
	return values
}
