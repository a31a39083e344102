package reference_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/s3dbgen/s3dbgen/gen"
	"github.com/s3dbgen/s3dbgen/gen/reference"
	"github.com/s3dbgen/s3dbgen/schema"
)

// schemas are the paths of all schemas that the project has.
func schemas(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("../../testdata/golden/*/schema.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatal("no schemas", err)
	}
	return append(paths, "../../example/schema.yaml")
}

func read(t *testing.T, path string) *gen.Reference {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, path, string(text))
}

func parse(t *testing.T, path, text string) *gen.Reference {
	t.Helper()
	s, found := schema.Parse(path, []byte(text))
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	lock, _ := schema.ReadLock("schema.lock.yaml", nil)
	s.Assign(lock)
	r, found := gen.NewReference(s, lock)
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return r
}

func price(gen.Requests) string { return "$1" }

// written returns all documents of a reference.
func written(t *testing.T, r *gen.Reference) map[string]string {
	t.Helper()
	all := map[string]string{}
	for name, write := range map[string]func(*bytes.Buffer) error{
		"markdown":   func(b *bytes.Buffer) error { return reference.WriteMarkdown(b, r, price) },
		"mermaid":    func(b *bytes.Buffer) error { return reference.WriteMermaid(b, r) },
		"openapi":    func(b *bytes.Buffer) error { return reference.WriteOpenAPI(b, r) },
		"jsonschema": func(b *bytes.Buffer) error { return reference.WriteJSONSchema(b, r) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), reference.Mark) {
			t.Errorf("%s: no mark", name)
		}
		all[name] = b.String()
	}
	return all
}

// TestOpenAPI: the components of every schema are a valid OpenAPI 3.1 document.
func TestOpenAPI(t *testing.T) {
	for _, path := range schemas(t) {
		loader := openapi3.NewLoader()
		doc, err := loader.LoadFromData([]byte(written(t, read(t, path))["openapi"]))
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if err := doc.Validate(t.Context()); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if !doc.IsOpenAPI31OrLater() {
			t.Errorf("%s: version %s", path, doc.OpenAPI)
		}
	}
}

// TestJSONSchema: the definitions of every schema compile, every one of them.
func TestJSONSchema(t *testing.T) {
	for _, path := range schemas(t) {
		compile(t, written(t, read(t, path))["jsonschema"])
	}
}

// compile compiles all definitions of a JSON Schema.
func compile(t *testing.T, text string) map[string]*jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("file:///schema.json", doc); err != nil {
		t.Fatal(err)
	}
	var root struct {
		Defs map[string]json.RawMessage `json:"$defs"`
	}
	if err := json.Unmarshal([]byte(text), &root); err != nil {
		t.Fatal(err)
	}
	all := map[string]*jsonschema.Schema{}
	for name := range root.Defs {
		if all[name], err = c.Compile("file:///schema.json#/$defs/" + name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	return all
}

// TestComponents: what a schema allows and forbids, its components do.
func TestComponents(t *testing.T) {
	all := compile(t, written(t, parse(t, "schema.yaml", `package: shop
resources:
  users:
    attributes:
      name: string|trim|min:2|max:5
      tag: string|lowercase|enum:a,b
      code: {type: string, pattern: '^[A-Z]+$', startsWith: X, optional: true}
      odd: {type: string, pattern: '(?i)^x$', optional: true}
      age: integer|min:1|max:9|default:5
      over: number|positive|notEqual:7|optional
      state: enum:open,closed|default:open
      at: datetime|optional
      day: date|optional
      bytes: bytes|length:3|optional
      pin: secret|optional
      login: password|min:8
      list: {type: array, items: uuid, max: 2, unique: true, optional: true}
      map: {type: map, items: boolean, max: 1, optional: true}
      free: object|optional
      any: json|optional
      fixed: string|immutable
      inner: {$$type: object|optional, key: secret, note: string}
      price: decimal|optional
`))["jsonschema"])
	insert := func(more string) string {
		return `{"name":"Ada","tag":"a","login":"12345678","fixed":"x"` + more + `}`
	}
	document := func(more string) string {
		return `{"id":"1","name":"Ada","tag":"a","login":"[redacted]","fixed":"x","age":5,"state":"open"` + more + `}`
	}
	for _, test := range []struct {
		component, value string
		right            bool
	}{
		{"UserInsert", insert(""), true},
		{"UserInsert", `{}`, false},
		{"UserInsert", insert(`,"id":"7"`), true},
		{"UserInsert", insert(`,"other":7`), false},
		{"UserInsert", strings.Replace(insert(""), "Ada", "A", 1), false},
		{"UserInsert", strings.Replace(insert(""), "Ada", " Ada   ", 1), true},
		{"User", strings.Replace(document(""), "Ada", " Ada   ", 1), false},
		{"UserInsert", strings.Replace(insert(""), `"a"`, `"A"`, 1), true},
		{"User", strings.Replace(document(""), `"a"`, `"A"`, 1), false},
		{"UserInsert", insert(`,"code":"XY"`), true},
		{"UserInsert", insert(`,"code":"YX"`), false},
		{"UserInsert", insert(`,"code":"Xy"`), false},
		{"UserInsert", insert(`,"odd":"X"`), true},
		{"UserInsert", insert(`,"age":10`), false},
		{"UserInsert", insert(`,"age":1.5`), false},
		{"UserInsert", insert(`,"over":0`), false},
		{"UserInsert", insert(`,"over":7`), false},
		{"UserInsert", insert(`,"over":0.1`), true},
		{"UserInsert", insert(`,"state":"shut"`), false},
		{"UserInsert", insert(`,"at":"2024-01-01T00:00:00Z","day":"2024-02-29"`), true},
		{"UserInsert", insert(`,"day":"2024-02-30"`), false},
		{"UserInsert", insert(`,"at":"noon"`), false},
		{"UserInsert", insert(`,"bytes":"AAAA"`), true},
		{"UserInsert", insert(`,"bytes":"AAAAAAAA"`), false},
		{"UserInsert", insert(`,"pin":"1234"`), true},
		{"UserInsert", strings.Replace(insert(""), "12345678", "1234567", 1), false},
		{"UserInsert", insert(`,"list":["8d3ae1c9-60d8-4c1e-9d0b-3c7cf9c6a6f5"]`), true},
		{"UserInsert", insert(`,"list":["8d3ae1c9-60d8-4c1e-9d0b-3c7cf9c6a6f5","8d3ae1c9-60d8-4c1e-9d0b-3c7cf9c6a6f5"]`), false},
		{"UserInsert", insert(`,"list":["x"]`), false},
		{"UserInsert", insert(`,"map":{"a":true}`), true},
		{"UserInsert", insert(`,"map":{"a":1}`), false},
		{"UserInsert", insert(`,"map":{"a":true,"b":true}`), false},
		{"UserInsert", insert(`,"free":{"a":[1]},"any":[null]`), true},
		{"UserInsert", insert(`,"free":1`), false},
		{"UserInsert", insert(`,"inner":{"key":"k","note":"n"}`), true},
		{"UserInsert", insert(`,"inner":{"key":"k"}`), false},
		{"UserInsert", insert(`,"price":"19.90"`), true},
		{"UserInsert", insert(`,"price":"cheap"`), false},
		{"User", document(""), true},
		{"User", document(`,"pin":"[redacted]","inner":{"key":"[redacted]","note":"n"}`), true},
		{"User", document(`,"pin":"1234"`), false},
		{"User", document(`,"inner":{"key":"1234","note":"n"}`), false},
		{"User", insert(""), false},
		{"UserPatch", `{}`, true},
		{"UserPatch", `{"at":null,"name":"Eve"}`, true},
		{"UserPatch", `{"name":null}`, false},
		{"UserPatch", `{"fixed":"y"}`, false},
		{"UserPatch", `{"inner":{"key":"k","note":"n"}}`, true},
		{"UserPatch", `{"pin":"1234","login":"87654321"}`, true},
	} {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(test.value))
		if err != nil {
			t.Fatal(err)
		}
		if err := all[test.component].Validate(value); (err == nil) != test.right {
			t.Errorf("%s of %s: %v, want right: %t", test.value, test.component, err, test.right)
		}
	}
}

// TestSecretsAreWriteOnly: a secret and a password are read-only where they are
// redacted, and write-only where they are given.
func TestSecretsAreWriteOnly(t *testing.T) {
	text := written(t, parse(t, "schema.yaml", "package: shop\nresources: {users: {attributes: {pin: secret, login: password}}}\n"))["openapi"]
	var doc struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct{ ReadOnly, WriteOnly bool }
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	for component, writeOnly := range map[string]bool{"User": false, "UserInsert": true, "UserPatch": true} {
		for _, name := range []string{"pin", "login"} {
			if p := doc.Components.Schemas[component].Properties[name]; p.WriteOnly != writeOnly || p.ReadOnly == writeOnly {
				t.Errorf("%s.%s: %+v", component, name, p)
			}
		}
	}
}

// TestTypesOfPrograms: nothing is claimed of the JSON of types that the program has.
func TestTypesOfPrograms(t *testing.T) {
	text := written(t, parse(t, "schema.yaml", "package: shop\nresources: {users: {attributes: {level: {type: integer, goType: log/slog.Level}, n: integer}}}\n"))["openapi"]
	var doc struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct{ Type, Title string }
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	got := doc.Components.Schemas["User"].Properties
	if got["level"].Type != "" || got["level"].Title != "log/slog.Level" || got["n"].Type != "integer" {
		t.Errorf("%+v", got)
	}
}

// TestDeterministic writes every document again and again: not a byte may differ.
func TestDeterministic(t *testing.T) {
	const runs = 10
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, path := range schemas(t) {
		first := written(t, read(t, path))
		for i := range runs {
			runtime.GOMAXPROCS(1 + i%4)
			for name, text := range written(t, read(t, path)) {
				if text != first[name] {
					t.Fatalf("%s: %s differs from run to run", path, name)
				}
			}
		}
	}
}

// TestHostileTexts: no name and no description gets out of its place.
func TestHostileTexts(t *testing.T) {
	r := parse(t, "schema.yaml", `package: shop
description: "# not a heading\n| a | b |\n<script>"
resources:
  users:
    description: "| `+"`"+` **bold** [x](y) --> ]]> \"quoted\" # ;"
    attributes:
      städtchen: {type: string, pattern: '^(a|b)\x60$', description: "a | b\n\n## c\r\n`+"```"+`", deprecated: "<b>|"}
      type2: {type: enum, values: ["a|b", '"', "c d"]}
      in: {x: {y: {type: array, items: {type: object, fields: {z: "string"}}}}}
`)
	all := written(t, r)
	for line := range strings.Lines(all["markdown"]) {
		if strings.HasPrefix(line, "| `") && strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") < 3 ||
			strings.HasPrefix(line, "# not") || strings.Contains(line, "<script>") || strings.HasPrefix(line, "## c") {
			t.Errorf("markdown: %q", line)
		}
		if cells := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"); strings.HasPrefix(line, "| `städtchen`") && cells != 5 && cells != 4 {
			t.Errorf("%d cells: %q", cells, line)
		}
	}
	for line := range strings.Lines(all["mermaid"]) {
		if strings.Count(line, `"`)%2 != 0 {
			t.Errorf("mermaid: %q", line)
		}
	}
}
