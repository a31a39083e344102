package gen_test

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/s3dbgen/s3dbgen/gen"
	"github.com/s3dbgen/s3dbgen/schema"
)

// exports are the files with the types of the packages that generated code imports, and
// of all that they import, as the compiler has left them.
var exports = sync.OnceValues(func() (map[string]string, error) {
	out, err := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}",
		"../runtime/...", "../behaviors", "github.com/google/uuid", "github.com/shopspring/decimal").Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		files[path] = file
	}
	return files, nil
})

// typeChecker checks generated packages against the real runtime.
type typeChecker struct {
	set      *token.FileSet
	importer types.Importer
}

func newTypeChecker(tb testing.TB) *typeChecker {
	tb.Helper()
	files, err := exports()
	if err != nil {
		tb.Fatal(err)
	}
	set := token.NewFileSet()
	return &typeChecker{set, importer.ForCompiler(set, "gc", func(path string) (io.ReadCloser, error) {
		if files[path] == "" {
			return nil, fmt.Errorf("generated code imports %s", path)
		}
		return os.Open(files[path])
	})}
}

// check returns why the files are no package that compiles.
func (c *typeChecker) check(files []gen.File) error {
	set := c.set
	var parsed []*ast.File
	for _, f := range files {
		file, err := parser.ParseFile(set, f.Name, f.Content, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		parsed = append(parsed, file)
	}
	config := types.Config{Importer: c.importer, GoVersion: "go1.26"}
	_, err := config.Check("example.com/generated", set, parsed, nil)
	return err
}

// compiles reads a schema as the command does. What it generates must compile, and why
// it generates nothing must be said with a place in the schema.
func (c *typeChecker) compiles(t *testing.T, text string) {
	t.Helper()
	parsed, found := schema.Parse("schema.yaml", []byte(text))
	lock, _ := schema.ReadLock("schema.lock.yaml", nil)
	var files []gen.File
	if parsed != nil {
		found = append(found, parsed.Assign(lock)...)
	}
	if parsed != nil && len(parsed.GoTypes()) > 0 {
		return // it depends on types that are not there
	}
	if !found.HasErrors() {
		var err error
		var names schema.Diagnostics
		if files, names, err = gen.Generate(parsed, lock); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		found = append(found, names...)
	}
	lines := strings.Count(text, "\n") + 1
	for _, d := range found {
		if !d.Position.IsValid() || d.Position.Line > lines || d.Message == "" {
			t.Fatalf("no place in the schema: %v\n%s", d, text)
		}
	}
	if found.HasErrors() {
		return
	}
	if err := c.check(files); err != nil {
		t.Errorf("generated code does not compile: %v\n%s", err, text)
	}
}

// TestTypeCheckerCatches shows that the check is one.
func TestTypeCheckerCatches(t *testing.T) {
	c := newTypeChecker(t)
	for text, right := range map[string]bool{
		"package a\n\nimport s3db \"github.com/s3dbgen/s3dbgen/runtime\"\n\nvar _ = s3db.ErrNotFound\n": true,
		"package a\n\nimport s3db \"github.com/s3dbgen/s3dbgen/runtime\"\n\nvar _ = s3db.ErrNothing\n":  false,
		"package a\n\nimport s3db \"github.com/s3dbgen/s3dbgen/runtime\"\n":                             false,
		"package a\n\nvar a, a int\n": false,
	} {
		if err := c.check([]gen.File{{Name: "a.go", Content: []byte(text)}}); (err == nil) != right {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// FuzzGenerate shows that what any text generates compiles, or is refused with a place.
func FuzzGenerate(f *testing.F) {
	for _, pattern := range []string{filepath.Join(goldenDir, "*", "schema.yaml"), "../schema/testdata/right/*.yaml", "../example/schema.yaml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			f.Fatalf("%s: %v", pattern, err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(text))
		}
	}
	for _, code := range schema.Codes() {
		e, _ := schema.Explain(code)
		f.Add(e.Right)
	}
	c := newTypeChecker(f)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) < 8<<10 {
			c.compiles(t, text)
		}
	})
}

// FuzzGenerateNames builds right schemas of names that are hard to tell apart or mean
// something in Go or in generated code, with every type and rule.
func FuzzGenerateNames(f *testing.F) {
	for i := range byte(40) {
		choices := make([]byte, 200)
		for j := range choices {
			choices[j] = byte(j)*i + i
		}
		f.Add(choices)
	}
	c := newTypeChecker(f)
	f.Fuzz(func(t *testing.T, choices []byte) {
		c.compiles(t, schemaOf(choices))
	})
}

// choices makes decisions of bytes; when they are used up, always the first.
type choices []byte

func (c *choices) below(n int) int {
	if len(*c) == 0 {
		return 0
	}
	b := int((*c)[0])
	*c = (*c)[1:]
	return b % n
}

func (c *choices) of(texts ...string) string { return texts[c.below(len(texts))] }

// name chooses a name with a meaning elsewhere, or one that a Go name cannot be told
// apart from another by.
func (c *choices) name() string {
	return c.of("name", "type", "func", "range", "string", "error", "nil", "true", "int64", "any", "len", "new", "append", "init", "main",
		"id", "ID", "Id", "meta", "Meta", "user", "users", "User", "userName", "user_name", "user-name", "UserName", "username", "userID", "userId",
		"s3db", "context", "time", "json", "uuid", "decimal", "netip", "ctx", "db", "err", "insert", "patch", "where", "Get", "Insert", "String",
		"created", "createdAt", "updatedAt", "revision", "fields", "value", "values", "client", "open", "close", "Open", "DB", "all", "count",
		"url", "URL", "html", "http2", "x", "X", "ä", "Ä", "ß", "имя", "日本", "a1", "a_1", "a-1", "a__b", "a--b", "class", "classes", "data", "series", "news", "bus")
}

// declared chooses a type with rules.
func (c *choices) declared(depth int) string {
	simple := []string{
		"string", "string|optional", "string|min:2|max:9|default:abc", `string|pattern:/^a|b$/`, "string|unique", "string|immutable", "text|optional|trim|lowercase",
		"email|normalize|unique", "url|schemes:https", "uuid|optional|unique", "uuid|version:7", "ip", "ip4|optional", "ip6|unique", "enum:a,b,A,a_b,a-b,1,type|default:a",
		"enum:x|optional|unique", "number|min:0.5|default:1", "integer|positive|unique|optional", "number|integer|notEqual:3", "decimal|min:0|default:1.50", "decimal|optional|unique",
		"boolean|default:true", "boolean|optional", "date|min:1900-01-01|default:2024-01-31", "datetime|optional|unique", "datetime|default:2024-01-31T10:00:00Z", "duration|max:1h|default:1m",
		"bytes|max:10", "bytes|optional|default:AAAA", "object", "object|optional", "json", "json|optional", "secret", "secret|generate", "secret|optional|unique", "password|generate:12", "password|optional",
		"array|items:string|unique", "array|items:decimal|optional", "map|items:integer", "map|items:json|optional", "string|enum:a,b|default:b", "string|deprecated:gone|description:what",
		"array|items:datetime|max:3", "array|items:bytes", "array|items:uuid", "map|items:date", "array|items:object", "map|items:boolean",
	}
	if depth > 2 || c.below(4) > 0 {
		return c.quoted(c.of(simple...))
	}
	switch c.below(5) {
	case 0:
		return "{" + c.attributes(depth+1, ", ") + "}"
	case 1:
		return "{type: object, optional: true, fields: {" + c.attributes(depth+1, ", ") + "}}"
	case 2:
		return "{type: array, items: " + c.declared(depth+1) + c.of("", ", optional: true", ", unique: true", ", max: 3") + "}"
	case 3:
		return "{type: map, items: " + c.declared(depth+1) + c.of("", ", optional: true") + "}"
	default:
		return "{type: secret, items: " + c.declared(depth+1) + c.of("", ", optional: true") + "}"
	}
}

func (c *choices) quoted(text string) string { return fmt.Sprintf("%q", text) }

func (c *choices) attributes(depth int, between string) string {
	seen := map[string]bool{}
	var all []string
	for range 1 + c.below(5) {
		name := c.name()
		if !seen[name] {
			seen[name] = true
			all = append(all, fmt.Sprintf("%q: %s", name, c.declared(depth)))
		}
	}
	return strings.Join(all, between)
}

// schemaOf makes a schema, right but for clashes of names and types.
func schemaOf(bytes []byte) string {
	c := choices(bytes)
	var b strings.Builder
	fmt.Fprintf(&b, "package: %s\nstores: [%s]\nresources:\n", c.of("shop", "runtime", "context", "time", "s3db", "json", "users", "a"), c.of("mem", "s3", "file", "s3, file, mem"))
	seen := map[string]bool{}
	for range 1 + c.below(3) {
		name := strings.ToLower(c.name())
		if seen[name] {
			continue
		}
		seen[name] = true
		fmt.Fprintf(&b, "  %q:\n", name)
		for _, option := range []string{"timestamps: true", "versioning: true", "history: true", "behavior: body-only", "id: uuidv7", "id: custom", "go: " + c.of("Type", "String", "User", "DB", "Client", "X", "Error")} {
			if c.below(6) == 1 && !(strings.HasPrefix(option, "id:") && strings.Contains(b.String(), "    id:")) {
				fmt.Fprintf(&b, "    %s\n", option)
			}
		}
		fmt.Fprintf(&b, "    attributes:\n      %s\n", c.attributes(0, "\n      "))
		for _, section := range []string{"partitions", "unique"} {
			if c.below(3) == 1 {
				fmt.Fprintf(&b, "    %s: {%q: [%s]}\n", section, c.of("byName", "all", "get", "type", "a-b", "insert", "x", "query"), c.of(c.name(), c.name()+", "+c.name()))
			}
		}
	}
	return b.String()
}
