package convert_test

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/gen"
	"github.com/s3dbgen/s3dbgen/s3dbjs"
	"github.com/s3dbgen/s3dbgen/s3dbjs/convert"
	"github.com/s3dbgen/s3dbgen/schema"
)

var update = flag.Bool("update", false, "write the golden schemas anew")

// TestImportedSchemas imports the definitions of both generations. Each resource
// must validate and generate, and the text is the golden one.
func TestImportedSchemas(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"seed", "v21", "hostile"} {
		def := definition(t, name)
		text := convert.Schema(def, "shop")
		golden := "testdata/" + name + ".yaml"
		if *update {
			if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), text); diff != "" {
			t.Errorf("%s (-want +got):\n%s", golden, diff)
		}
		parsed := generates(t, name, text)
		if len(parsed.Resources) != len(def.Resources) {
			t.Errorf("%s: %d resources, want %d", name, len(parsed.Resources), len(def.Resources))
		}
		for i, r := range convert.ResourceNames(def) {
			if parsed.Resources[i].Name != r {
				t.Errorf("%s: resource %d is %s, want %s", name, i, parsed.Resources[i].Name, r)
			}
		}
	}
}

// generates parses, validates and generates a schema.
func generates(t *testing.T, name, text string) *schema.Schema {
	t.Helper()
	parsed, found := schema.Parse("schema.yaml", []byte(text))
	if err := found.Err(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, text)
	}
	lock, found := schema.ReadLock("schema.lock.yaml", nil)
	found = append(found, parsed.Assign(lock)...)
	found = append(found, gen.Validate(parsed, lock)...)
	if err := found.Err(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, text)
	}
	return parsed
}

func definition(t *testing.T, name string) *s3dbjs.Definition {
	t.Helper()
	var text []byte
	if name == "hostile" {
		text = []byte(hostile)
	} else {
		file, err := os.ReadFile("../testdata/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var fixture struct {
			Objects []struct {
				Key  string
				Body []byte
			}
		}
		if err := json.Unmarshal(file, &fixture); err != nil {
			t.Fatal(err)
		}
		for _, o := range fixture.Objects {
			if o.Key == "s3db.json" {
				text = o.Body
			}
		}
	}
	def, err := s3dbjs.ParseDefinition(text)
	if err != nil {
		t.Fatal(err)
	}
	return def
}

// hostile has names and rules that the schema language does not take.
const hostile = `{"s3dbVersion":"1\n# x","resources":{
"Users":{"currentVersion":"v1","createdBy":"plugin","partitions":{
	"by email":{"fields":{"email":"string"}},"byGone":{"fields":{"gone":"string"}},"byTags":{"fields":{"tags":"string"}},"byAt":{"fields":{"at":"date|maxlength:10"}},
	"byMeta":{"fields":{"meta.x y":"string|maxlength:3"}},"byVersion":{"fields":{"_v":"string"}}},
	"versions":{"v0":{"attributes":{"old":"string\n  evil: yes"}},"v1":{"idGenerator":"incremental","idSize":3,"autoDecrypt":false,"hooks":{"beforeInsert":{}},"behavior":"my-behavior","attributes":{
	"id":"string|required","email":"email|unique|min:5","e_mail":"string|pattern:^(a|b)+$","E-Mail":{"type":"string","pattern":"^[a-z]+$","min":2,"max":1},
	"look":"string|pattern:(?=a)b","size":"string|enum:s,m,l","odd: name":"number|min:1|max:10|convert:true","1st":"number|integer|positive|default:3",
	"":"string","tags":"array|items:string|min:1|unique","mails":"array|items:email","at":"datetime","pw":"password|min:8","any":"any|optional",
	"meta":{"$$type":"object|optional","x y":"string","type":"string","pw":"password","deep":{"n":"secretNumber|min:3"}},"created":"string|default:now","yes":"boolean|default:true",
	"n":7,"empty":{},"obj":{"type":"object","props":{"a":"string|uppercase","b":"number|equal:3"}},"both":"string|lowercase|uppercase","note":{"type":"string","description":"a # b\nc"}}}}},
"users":{"currentVersion":"v1","versions":{"v1":{"attributes":{}}}},
"u s\u2028ers/é":{"currentVersion":"v1","versions":{"v1":{"timestamps":true,"behavior":"truncate-data","attributes":{"createdAt":"datetime","updatedAt":"datetime"}}}},
"9":{"currentVersion":"v1","versions":{"v1":{"attributes":{"version":"string","revision":"string","content":"buffer","time":"timeonly","point":"geo:point|optional","func":"string","error":"any"}}}}
}}`

// TestSchemaIsValidWhateverTheDefinition imports each kind with each rule.
func TestSchemaIsValidWhateverTheDefinition(t *testing.T) {
	t.Parallel()
	kinds := []string{
		"string", "email", "url", "number", "boolean", "date", "datetime", "dateonly", "timeonly", "duration", "uuid", "ip4", "ip6", "mac", "money", "geo:point",
		"embedding:3", "array", "array|items:string", "array|items:number", "array|items:object", "json", "any", "object", "secret", "secretNumber", "secretAny", "password", "buffer", "made-up",
	}
	rules := []string{
		"min:1", "max:3", "min:9|max:2", "length:3", "pattern:^a$", "pattern:/a|b/", "enum:a,b", "integer", "positive", "negative", "positive|negative", "unique", "default:1", "default:x", "empty:false",
		"alpha", "hex", "trim", "lowercase|uppercase", "equal:3", "notEqual:3", "contains:x", "min:abc", "min:-5", "max:1.5", "nullable", "optional|default:1", "description:\"x\"", "hidden:true",
	}
	var b strings.Builder
	for i, kind := range kinds {
		for j, rule := range rules {
			if i+j > 0 {
				b.WriteString(",")
			}
			def, err := json.Marshal(kind + "|" + rule)
			if err != nil {
				t.Fatal(err)
			}
			name := "a" + strings.Repeat("x", i) + "y" + strings.Repeat("z", j)
			b.WriteString(`"` + name + `":` + string(def))
		}
	}
	def, err := s3dbjs.ParseDefinition([]byte(`{"resources":{"all":{"currentVersion":"v1","versions":{"v1":{"attributes":{` + b.String() + `}}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	parsed := generates(t, "all", convert.Schema(def, "shop"))
	if got, want := len(parsed.Resources[0].Attributes), len(kinds)*len(rules); got != want {
		t.Errorf("%d attributes, want %d", got, want)
	}
}
