package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"github.com/s3dbgen/s3dbgen/internal/snippets"
)

// editor validates schema files as an editor does, by the JSON Schema.
type editor struct{ schema *jsonschema.Schema }

func newEditor(tb testing.TB) editor {
	tb.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(JSONSchema()))
	if err != nil {
		tb.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("s3dbgen.schema.json", document); err != nil {
		tb.Fatal(err)
	}
	compiled, err := c.Compile("s3dbgen.schema.json")
	if err != nil {
		tb.Fatal(err)
	}
	return editor{compiled}
}

// check returns why an editor underlines a schema: it is not YAML, or the JSON Schema
// refuses it.
func (e editor) check(text string) error {
	s := newSource("schema.yaml", []byte(text))
	r := &reporter{src: s}
	tree := r.readTree()
	if found := r.diagnostics(); found.HasErrors() {
		return &DiagnosticsError{found}
	}
	return e.schema.Validate(instance(tree))
}

// instance is a file in the types of JSON, by the types that YAML gives texts without
// quotes.
func instance(n *node) any {
	switch n.kind {
	case mappingNode:
		m := map[string]any{}
		for _, p := range n.pairs {
			m[p.key.value] = instance(p.value)
		}
		return m
	case sequenceNode:
		list := []any{}
		for _, item := range n.items {
			list = append(list, instance(item))
		}
		return list
	}
	switch n.tag {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.value, "true")
	case "!!int", "!!float":
		var number any
		if err := yaml.Unmarshal([]byte(n.value), &number); err == nil {
			if text, err := json.Marshal(number); err == nil {
				return json.Number(text)
			}
		}
	}
	return n.value
}

// beyondJSONSchema are mistakes that a JSON Schema cannot see, or not always: each needs
// another place of the file, the lock file, or a computation.
var beyondJSONSchema = map[Code]string{
	CodePattern:         "whether a regular expression compiles",
	CodeDefault:         "whether a default is a value of its type and keeps its rules",
	CodeContradiction:   "whether two rules can be kept together",
	CodeDuplicateRule:   "rules that stand in one rule string twice, or in the string and in the mapping",
	CodeRuleArgument:    "whether a day is in the calendar, a number in its range, a former name another",
	CodeEnumValues:      "values that stand in one text twice",
	CodeReservedName:    "names that depend on the options of the resource",
	CodeSecretPlace:     "whether an object with a secret is inside an array",
	CodeIndexField:      "whether an attribute is there",
	CodeIndexKind:       "what type the attribute of a partition or constraint has",
	CodeIndexSecret:     "what type the attribute of a partition or constraint has",
	CodeIndexRule:       "what type the attribute of a partition or constraint has",
	CodeIndexDuplicate:  "partitions that an option adds",
	CodeIndexSame:       "partitions over the same attributes",
	CodeIndexSize:       "how long names are together",
	CodeIndexSystem:     "which options the resource has",
	CodeConflictingKeys: "a size that stands apart from its generator",
	CodeRelationTarget:  "whether a resource is there", CodeRelationBy: "whether an attribute is there", CodeRelationType: "what type the attribute has",
	CodeRelationOpposite: "what the other resource says", CodeRelationPartition: "what the other resource says",
	CodeTTLAfter: "whether an attribute is there, and its type", CodeTTLFor: "whether a life is none at all, or too long",
	CodeBudgetRefused: "how large documents can become",
	CodeBudgetCut:     "how large documents can become",
	CodeWas:           "the lock file",
	CodeTypeChange:    "the lock file", CodeEnumRemoved: "the lock file", CodePossibleRename: "the lock file", CodeNewRequired: "the lock file", CodeLockHistory: "the lock file",
}

// TestJSONSchemaRefusesWrong holds the JSON Schema to the corpus of wrong schemas: it
// refuses each but those whose mistakes are all beyond it, and every code that is said
// to be beyond it is so in some case.
func TestJSONSchemaRefusesWrong(t *testing.T) {
	t.Parallel()
	e := newEditor(t)
	beyond := map[Code]bool{}
	for _, path := range wrongCorpus(t) {
		for _, c := range readCorpus(t, path) {
			if e.check(c.schema) != nil {
				continue
			}
			for _, d := range c.run() {
				if d.Position.File != "schema.yaml" {
					continue // an editor looks at one file
				}
				if _, ok := beyondJSONSchema[d.Code]; !ok {
					t.Errorf("%s/%s: not refused\n%s", strings.TrimSuffix(filepath.Base(path), ".txtar"), c.name, d)
				}
				beyond[d.Code] = true
			}
		}
	}
	for code, why := range beyondJSONSchema {
		if !beyond[code] {
			t.Errorf("%s (%s) is always refused, it is not beyond the JSON Schema", code, why)
		}
	}
}

// rightSchemas are the right schemas of tests and docs.
func rightSchemas(tb testing.TB) map[string]string {
	tb.Helper()
	right := map[string]string{}
	for _, pattern := range []string{"testdata/right/*.yaml", "../example/schema.yaml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			tb.Fatalf("%s: %v", pattern, err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				tb.Fatal(err)
			}
			right[path] = string(text)
		}
	}
	for _, code := range Codes() {
		if e, _ := Explain(code); e.Right != "" && !ofReplication(code) {
			right["explain "+string(code)] = e.Right
		}
	}
	maps.Copy(right, docsSchemas(tb))
	return right
}

// docsSchemas returns the schemas that the documentation shows, by their places, whole
// or as the parts that their fences name.
func docsSchemas(tb testing.TB) map[string]string {
	tb.Helper()
	pages, err := snippets.Read("..", "README.md", "docs/*.md")
	if err != nil {
		tb.Fatal(err)
	}
	schemas := map[string]string{}
	for _, page := range pages {
		for _, b := range page.Blocks {
			indented := func(by string) string {
				return by + strings.TrimSuffix(strings.ReplaceAll(b.Text, "\n", "\n"+by), by)
			}
			switch b.Kind() {
			case "yaml schema":
				schemas[b.Place()] = b.Text
			case "yaml resources":
				schemas[b.Place()] = "package: shop\nresources:\n" + indented("  ")
			case "yaml resource":
				schemas[b.Place()] = attributesOf("      name: string\n") + indented("    ")
			case "yaml attributes":
				schemas[b.Place()] = attributesOf(indented("      "))
			}
		}
	}
	if len(schemas) < 15 {
		tb.Errorf("found only %d schemas in the documentation", len(schemas))
	}
	return schemas
}

// TestJSONSchemaAcceptsRight shows that an editor underlines nothing that is right.
func TestJSONSchemaAcceptsRight(t *testing.T) {
	t.Parallel()
	e := newEditor(t)
	for place, text := range rightSchemas(t) {
		if err := e.check(text); err != nil {
			t.Errorf("%s: %v", place, err)
		}
	}
}

// TestJSONSchemaKnowsRules compares the JSON Schema with the parser for every type and
// rule, in rule strings and in mappings, of attributes, fields of objects, items and what
// secrets hold; and for every form of an argument where the rule applies.
func TestJSONSchemaKnowsRules(t *testing.T) {
	t.Parallel()
	e := newEditor(t)
	few := []string{"", "5"}
	all := append(few, "true", "false", "-5", "0.5", "9", "abc", "Abc", "2024-01-31", "2024-01-31T10:00:00Z", "1h30m", "a,b", "string", "/a|b/", "'5'", "[a, b]", "[5]", "{a: string}")
	base := map[string]string{"array": "array|items:integer", "map": "map|items:integer", "enum": "enum:a,b"}
	compare := func(place, line, declared string) {
		text := attributesOf(fmt.Sprintf("      "+line+"\n", declared))
		_, found := Parse("schema.yaml", []byte(text))
		err := e.check(text)
		seen := slices.ContainsFunc(found, func(d Diagnostic) bool { return beyondJSONSchema[d.Code] == "" })
		switch {
		case len(found) == 0 && err != nil:
			t.Errorf("%s %s is right, and refused: %v", place, declared, err)
		case seen && err == nil:
			t.Errorf("%s %s is not refused: %s", place, declared, found)
		}
	}
	for _, kind := range append(kindNames(), "nonsense") {
		begin := kind
		if base[kind] != "" {
			begin = base[kind]
		}
		for _, spec := range append(ruleSpecs(), ruleSpec{name: "nonsense"}) {
			arguments := few
			if spec.of == nil && (kind == "string" || kind == "integer") || spec.of != nil && (spec.of(Kind(kind)) || kind == "secret") {
				arguments = all
			}
			for _, argument := range arguments {
				short, long := begin+"|"+spec.name, fmt.Sprintf("{type: %q, %s: %s}", begin, spec.name, argument)
				if text := strings.Trim(argument, "'"); text != "" {
					short += ":" + text
				}
				compare("attribute", "a: %s", strconv.Quote(short))
				compare("attribute", "a: %s", long)
				if argument != "" && argument != "true" {
					continue // the form of arguments is the same everywhere
				}
				for place, line := range map[string]string{
					"field":     "o: {x: string, a: %s}",
					"item":      "o: {type: array, items: %s}",
					"itemField": "o: {type: array, items: {x: string, a: %s}}",
					"secret":    "o: {type: secret, items: %s}",
				} {
					compare(place, line, strconv.Quote(short))
					compare(place, line, long)
				}
			}
		}
	}
}

// TestJSONSchemaKnowsOptions holds the keys of each mapping, which the parser lists when
// it meets one that it does not know, to those of the JSON Schema, and each has a
// description.
func TestJSONSchemaKnowsOptions(t *testing.T) {
	t.Parallel()
	const unknown = "qqqqqqqqqqqqqqqqqqqqqqqq"
	for _, test := range []struct {
		schema string
		known  []optionForm
	}{
		{unknown + ": 1\npackage: shop\nresources: {users: {attributes: {name: string}}}\n", rootForms()},
		{"package: shop\ndefaults: {" + unknown + ": 1}\nresources: {users: {attributes: {name: string}}}\n", settingForms()},
		{"package: shop\nresources: {users: {attributes: {name: string}, " + unknown + ": 1}}\n", slices.Concat(settingForms(), resourceForms())},
		{"package: shop\nresources: {users: {attributes: {name: string}, id: {" + unknown + ": 1}}}\n", idForms()},
		{"package: shop\nresources: {users: {attributes: {name: string}, partitions: {a: {fields: name, " + unknown + ": 1}}}}\n",
			append(indexForms(aPartition, nil), optionForm{name: "hashed", about: "refused with a reason"})},
		{"package: shop\nresources: {users: {attributes: {name: string}, unique: {a: {fields: name, " + unknown + ": 1}}}}\n", indexForms(aConstraint, nil)},
		{attributesOf("      a: {type: enum, values: [{name: x, " + unknown + ": 1}]}\n"), enumValueForms()},
	} {
		_, found := Parse("schema.yaml", []byte(test.schema))
		if len(found) != 1 || found[0].Code != CodeUnknownKey {
			t.Errorf("%s\n%s", test.schema, found)
			continue
		}
		want := strings.Split(strings.TrimPrefix(found[0].Suggestion, "use one of: "), ", ")
		var got []string
		for _, o := range test.known {
			got = append(got, o.name)
			if o.about == "" {
				t.Errorf("%s has no description", o.name)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s(-parser +JSON Schema)\n%s", test.schema, diff)
		}
	}
	for _, s := range ruleSpecs() {
		if ruleAbout(s.name) == "" {
			t.Errorf("rule %s has no description", s.name)
		}
	}
}

// FuzzJSONSchema shows that an editor underlines no schema that the parser accepts.
func FuzzJSONSchema(f *testing.F) {
	for _, text := range rightSchemas(f) {
		f.Add(text)
	}
	e := newEditor(f)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2<<10 {
			return
		}
		if _, found := Parse("schema.yaml", []byte(text)); found.HasErrors() {
			return
		}
		if err := e.check(text); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	})
}
