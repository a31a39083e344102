package s3dbgen_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/s3dbgen/s3dbgen"

// importRule says what packages may import beside the standard library. A
// package matches by its path within the module; "x/..." is x and all below it.
// The first rule that matches counts.
type importRule struct {
	packages string
	ours     []string // paths within the module
	others   []string // modules
	because  string
}

// importRules is the architecture: what may know what. A package that no rule
// matches is an error, so that a new one is placed deliberately.
var importRules = []importRule{
	{
		packages: "schema/...",
		ours:     []string{"schema/..."},
		others:   []string{"gopkg.in/yaml.v3"},
		because:  "the schema language stands alone",
	},
	{
		packages: "templates",
		because:  "templates are text",
	},
	{
		packages: "runtime/compat",
		because:  "the compatibility constants are shared by generator and runtime",
	},
	{
		packages: "runtime/fixture",
		because:  "generator and generated code read templates of texts alike; programs link nothing for it",
	},
	{
		packages: "gen/plugin",
		ours:     []string{"schema"},
		because:  "generator plugins see the schema and what is decided about the package, not how it is printed",
	},
	{
		packages: "gen/sources",
		because:  "what a generation depends on is files",
	},
	{
		packages: "gen/gosource",
		ours:     []string{"schema", "gen/sources"},
		others:   []string{"golang.org/x/mod", "golang.org/x/tools"},
		because:  "only this package looks at the Go code of users",
	},
	{
		packages: "gen/...",
		ours:     []string{"gen/...", "schema", "templates", "runtime/compat", "runtime/fixture"},
		others:   []string{"github.com/dave/jennifer", "github.com/go-openapi/inflect"},
		because:  "the generator writes names of the runtime and does not run it",
	},
	{
		packages: "runtime/s3store",
		ours:     []string{"runtime", "runtime/internal/s3rules"},
		others:   []string{"github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go"},
		because:  "of what users link, only this package knows the AWS SDK",
	},
	{
		packages: "runtime/boltstore",
		ours:     []string{"runtime", "runtime/internal/s3rules"},
		others:   []string{"go.etcd.io/bbolt"},
		because:  "a store knows the runtime and its own engine",
	},
	{
		packages: "runtime/memstore",
		ours:     []string{"runtime", "runtime/internal/s3rules"},
		others:   []string{"github.com/tidwall/btree"},
		because:  "a store knows the runtime and its own engine",
	},
	{
		packages: "runtime/dynamic",
		ours:     []string{"runtime", "behaviors"},
		others:   []string{"github.com/google/uuid", "github.com/shopspring/decimal"},
		because:  "what knows a database from its registry alone uses the public API, like generated code",
	},
	{
		packages: "runtime/transfer",
		ours:     []string{"runtime", "runtime/dynamic"},
		others:   []string{"github.com/klauspost/compress"},
		because:  "moving documents needs no more than the public API of dynamic documents",
	},
	{
		packages: "runtime/internal/...",
		ours:     []string{"runtime"},
		because:  "what the stores share knows no store",
	},
	{
		packages: "runtime/s3dbtest",
		ours:     []string{"runtime", "runtime/memstore"},
		because:  "the kit for tests of users opens their clients on the strict double, and knows none of them",
	},
	{
		packages: "runtime/storetest",
		ours:     []string{"runtime"},
		others:   []string{"github.com/google/go-cmp"},
		because:  "the suite of stores sees them through the interface only",
	},
	{
		packages: "runtime",
		ours:     []string{"runtime/compat", "runtime/internal/..."},
		others: []string{
			"github.com/google/uuid",
			"github.com/matoous/go-nanoid/v2",
			"github.com/oklog/ulid/v2",
			"github.com/shopspring/decimal",
			"golang.org/x/crypto",
		},
		because: "every program that uses a generated client links the runtime: no SDK, few libraries",
	},
	{
		packages: "s3dbjs/migrate",
		ours:     []string{"s3dbjs", "s3dbjs/convert", "schema", "runtime", "runtime/dynamic", "runtime/memstore"},
		others:   []string{"github.com/shopspring/decimal"},
		because:  "it writes through the public API and plans in memory",
	},
	{
		packages: "s3dbjs/convert",
		ours:     []string{"s3dbjs", "schema"},
		others:   []string{"github.com/shopspring/decimal"},
		because:  "it knows both descriptions of a database and no store",
	},
	{
		packages: "s3dbjs",
		ours:     []string{"runtime"},
		others:   []string{"github.com/shopspring/decimal"},
		because:  "it reads a foreign format and knows nothing of schemas and stores",
	},
	{
		packages: "behaviors/behaviortest",
		ours:     []string{"runtime", "behaviors"},
		others:   []string{"github.com/google/go-cmp"},
		because:  "the suite of behaviors uses the public API of the runtime",
	},
	{
		packages: "behaviors",
		ours:     []string{"runtime"},
		because:  "behaviors use the public API of the runtime",
	},
	{
		packages: "plugins/fulltext",
		ours:     []string{"runtime"},
		others: []string{
			"github.com/clipperhouse/uax29/v2",
			"github.com/google/uuid",
			"github.com/kljensen/snowball",
			"golang.org/x/sync",
			"golang.org/x/text",
		},
		because: "a plugin uses the public API of the runtime and the libraries of its field",
	},
	{
		packages: "example/barcode",
		because:  "a type of the program stands alone: what is generated imports it",
	},
	{
		packages: "example/generated/...",
		ours:     []string{"runtime", "behaviors", "runtime/fixture", "example/barcode", "runtime/s3store", "runtime/boltstore", "runtime/memstore"},
		others:   []string{"github.com/google/uuid", "github.com/shopspring/decimal"},
		because:  "generated code names the runtime, its stores and the types of values, of which one is the program's",
	},
	{
		packages: "example/plugins/generated",
		ours:     []string{"runtime", "behaviors", "runtime/s3store", "runtime/boltstore", "runtime/memstore"},
		because:  "generated code names the runtime and its stores",
	},
	{
		packages: "example/plugins/...",
		ours:     []string{"gen", "gen/plugin", "schema", "example/plugins/..."},
		because:  "generator plugins of users use the public API of the generator",
	},
	{
		packages: "example",
		ours:     []string{"runtime", "example/generated", "example/barcode"},
		others:   []string{"github.com/google/uuid", "github.com/shopspring/decimal"},
		because:  "the example is a program of a user",
	},
	{
		packages: "cmd/s3dbgen",
		ours:     []string{"schema", "gen", "gen/reference", "gen/sources", "templates", "runtime", "runtime/dynamic", "runtime/transfer", "runtime/s3store", "runtime/boltstore", "runtime/memstore", "s3dbjs", "s3dbjs/convert", "s3dbjs/migrate", "plugins/audit", "plugins/replicator/command", "plugins/replicator/config", "plugins/replicator/s3db/link", "plugins/replicator/webhook/link"},
		others:   []string{"github.com/fsnotify/fsnotify", "github.com/spf13/cobra", "github.com/spf13/pflag", "github.com/rogpeppe/go-internal", "github.com/schollz/progressbar/v3", "golang.org/x/mod", "golang.org/x/term"},
		because:  "the command prints what schema, gen and runtime decide",
	},
	{
		packages: "plugins/cache",
		ours:     []string{"runtime"},
		others:   []string{"github.com/maypok86/otter/v2"},
		because:  "a plugin uses the public API of the runtime; only this one knows the library of caches",
	},
	{
		packages: "plugins/replicator/targettest",
		ours:     []string{"runtime", "plugins/replicator"},
		others:   []string{"github.com/google/go-cmp"},
		because:  "the suite of targets sees them through the interface only",
	},
	{
		packages: "plugins/replicator/config",
		ours:     []string{"schema", "runtime", "plugins/replicator"},
		because:  "a configuration names targets and knows none: their drivers come from the program",
	},
	{
		packages: "plugins/replicator/command",
		ours:     []string{"schema", "runtime", "runtime/dynamic", "plugins/replicator", "plugins/replicator/config"},
		others:   []string{"github.com/spf13/cobra"},
		because:  "a command line of any program: it knows drivers through the configuration",
	},
	{
		packages: "plugins/replicator/s3db/link",
		ours:     []string{"runtime", "plugins/replicator", "plugins/replicator/config", "plugins/replicator/s3db"},
		because:  "only this package knows both a target and configuration files",
	},
	{
		packages: "plugins/replicator/webhook/link",
		ours:     []string{"plugins/replicator", "plugins/replicator/config", "plugins/replicator/webhook"},
		because:  "only this package knows both a target and configuration files",
	},
	{
		packages: "plugins/replicator/s3db",
		ours:     []string{"runtime", "runtime/dynamic", "plugins/replicator"},
		others:   []string{"golang.org/x/sync"},
		because:  "a copy is written through the public API, with the drivers that the program gives",
	},
	{
		packages: "plugins/replicator/webhook",
		ours:     []string{"runtime", "plugins/replicator"},
		because:  "a target knows the replicator's interface and the libraries of its field",
	},
	{
		packages: "plugins/replicator",
		ours:     []string{"runtime", "runtime/dynamic"},
		others:   []string{"golang.org/x/sync"},
		because:  "it knows targets through its interface, and documents as the registry describes them",
	},
	{
		packages: "plugins/...",
		ours:     []string{"runtime"},
		others:   []string{"golang.org/x/sync"},
		because:  "a plugin uses the public API of the runtime",
	},
	{
		packages: "internal/clienttest",
		ours:     []string{"runtime", "runtime/memstore", "behaviors"},
		others:   []string{"github.com/google/go-cmp"},
		because:  "the suite of the client runs on any store; only the strict double is its own",
	},
	{
		packages: "internal/evolution",
		ours:     []string{"runtime", "runtime/dynamic", "runtime/memstore", "plugins/replicator", "plugins/replicator/targettest", "internal/canary", "testdata/..."},
		others:   []string{"github.com/google/go-cmp", "github.com/shopspring/decimal"},
		because:  "the suite of schema changes knows targets through their interface alone",
	},
	{
		packages: "testdata/gotypes/...",
		ours:     []string{"runtime"},
		others:   []string{"github.com/google/uuid", "github.com/shopspring/decimal"},
		because:  "they are types as users have them",
	},
	{
		packages: "testdata/versions/...",
		ours:     []string{"behaviors", "runtime", "runtime/memstore"},
		others:   []string{"github.com/shopspring/decimal"},
		because:  "generated code knows the runtime and what it is configured with",
	},
	{
		packages: "internal/canary/...",
		ours:     []string{"runtime", "internal/canary"},
		because:  "it looks at what goes through a store and knows no store",
	},
	{
		packages: "internal/mutants",
		because:  "it changes the text of the product and knows nothing of it",
	},
	{
		packages: "internal/leaktest",
		others:   []string{"go.uber.org/goleak"},
		because:  "it looks at the test binary and knows nothing of what is tested",
	},
	{
		packages: "internal/foreign",
		ours:     []string{"internal/testserver"},
		others:   []string{"github.com/aws/aws-sdk-go-v2"},
		because:  "it puts recorded objects on a server and knows nothing of the product",
	},
	{
		packages: "internal/snippets",
		because:  "it reads pages and knows the product by its command and its packages alone",
	},
	{
		packages: "internal/performance",
		because:  "it reads what benchmarks print and knows nothing of the product",
	},
	{
		packages: "internal/release",
		others:   []string{"golang.org/x/mod"},
		because:  "it makes a release of files and knows nothing of what is in them",
	},
	{
		packages: "internal/trial",
		ours:     []string{"internal/release", "internal/snippets"},
		others:   []string{"golang.org/x/mod"},
		because:  "it does what pages say and knows the product by its commands alone",
	},
	{
		packages: "internal/recording",
		because:  "it draws what a program printed and knows nothing of it",
	},
	{
		packages: "internal/sim",
		because:  "it is tests alone, of the client and its stores",
	},
	{
		packages: "internal/testserver/process",
		because:  "it runs any process",
	},
	{
		packages: "internal/testserver/postgres",
		ours:     []string{"internal/testserver/process"},
		because:  "modules without an S3 SDK start this server too",
	},
	{
		packages: "internal/testserver/fauxqs",
		ours:     []string{"internal/testserver/process"},
		because:  "modules without an S3 SDK start this server too",
	},
	{
		packages: "internal/testserver",
		ours:     []string{"internal/canary", "internal/testserver/process"},
		others:   []string{"github.com/aws/aws-sdk-go-v2"},
		because:  "it starts servers for tests and knows nothing of what they are for",
	},
}

// goPackage is what go list says of a package.
type goPackage struct {
	ImportPath string
	Standard   bool
	Module     *struct{ Path string }
	Imports    []string
	Deps       []string
}

// TestImportDirections keeps the directions of imports between the packages and
// the libraries each of them may use.
func TestImportDirections(t *testing.T) {
	t.Parallel()
	packages := goList(t)
	for _, p := range packages {
		name, ok := withinModule(p.ImportPath)
		if !ok {
			continue
		}
		rule, ok := ruleFor(name)
		if !ok {
			t.Errorf("package %s has no rule in importRules: say what it may import", name)
			continue
		}
		for _, imported := range p.Imports {
			if problem := rule.check(imported, packages); problem != "" {
				t.Errorf("%s imports %s: %s", name, problem, rule.because)
			}
		}
	}
}

// TestCoreHasNoSDK proves that a program which links only the runtime and the
// embedded stores links no SDK and no driver of a server.
func TestCoreHasNoSDK(t *testing.T) {
	t.Parallel()
	packages := goList(t)
	foreign := []string{"aws", "sqs", "bigquery", "cloud.google.com", "pgx", "lib/pq", "minio", "versitygw", "net/http"}
	for _, name := range []string{"runtime", "behaviors", "runtime/dynamic", "runtime/memstore", "runtime/boltstore"} {
		p, ok := packages[path.Join(module, name)]
		if !ok {
			t.Errorf("package %s is gone", name)
			continue
		}
		for _, dep := range p.Deps {
			for _, word := range foreign {
				if strings.Contains(dep, word) {
					t.Errorf("%s depends on %s", name, dep)
				}
			}
		}
	}
}

// TestModules builds the modules that need a foreign SDK and are therefore no part
// of ./..., and proves that go.work names them, so that they are developed with
// the runtime beside them.
func TestModules(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("plugins/*/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	below, err := filepath.Glob("plugins/*/*/go.mod")
	if files = append(files, below...); err != nil || len(files) == 0 {
		t.Fatalf("no modules: %v", err)
	}
	work, err := os.ReadFile("go.work")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		dir := "./" + filepath.ToSlash(filepath.Dir(file))
		if !strings.Contains(string(work), "\t"+dir+"\n") {
			t.Errorf("go.work does not use %s", dir)
		}
		out, err := exec.CommandContext(t.Context(), "go", "vet", dir+"/...").CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", dir, err, out)
		}
	}
}

// TestFixturesAreNotLinked builds a program that uses a package with fixtures and calls
// none of them: it carries neither them nor what they call.
func TestFixturesAreNotLinked(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("links a program")
	}
	program := filepath.Join(t.TempDir(), "program")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./example").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	symbols, err := exec.CommandContext(t.Context(), "go", "tool", "nm", program).Output()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(symbols, []byte("/example/generated.Open")) {
		t.Fatal("the symbols do not name the generated package")
	}
	for _, word := range []string{"UserFixture", "/runtime/fixture."} {
		if bytes.Contains(symbols, []byte(word)) {
			t.Errorf("the program carries %s", word)
		}
	}
}

// reflectionAllowed are files of the runtime that may use reflection, because no
// read or write of a document goes through them.
var reflectionAllowed = map[string]string{
	"runtime/secret.go":   "Secret.Equal compares values of any type, for tests of the program",
	"runtime/addition.go": "a patch that comes as JSON may add to a type that the program declares as a number",
}

// TestNoReflectionOnTheDataPath proves that neither the runtime nor generated
// code uses reflection or unsafe by itself.
func TestNoReflectionOnTheDataPath(t *testing.T) {
	t.Parallel()
	fset := token.NewFileSet()
	walkSources(t, func(file string) {
		onPath := matches("runtime/...", file) || matches("behaviors/...", file) || matches("example/generated/...", file)
		if !onPath || strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "runtime/storetest/") || reflectionAllowed[file] != "" {
			return
		}
		f, err := parser.ParseFile(fset, file, nil, parser.ImportsOnly)
		if err != nil {
			t.Error(err)
			return
		}
		for _, spec := range f.Imports {
			if spec.Path.Value == `"reflect"` || spec.Path.Value == `"unsafe"` {
				t.Errorf("%s imports %s", file, spec.Path.Value)
			}
		}
	})
}

// TestImportRulesCatch switches the rules' input: each of these imports must be
// refused, or the rules prove nothing.
func TestImportRulesCatch(t *testing.T) {
	t.Parallel()
	other := func(importPath, modulePath string) *goPackage {
		return &goPackage{ImportPath: importPath, Module: &struct{ Path string }{modulePath}}
	}
	packages := map[string]*goPackage{
		"github.com/aws/aws-sdk-go-v2/service/s3": other("github.com/aws/aws-sdk-go-v2/service/s3", "github.com/aws/aws-sdk-go-v2/service/s3"),
		"gopkg.in/yaml.v3":                        other("gopkg.in/yaml.v3", "gopkg.in/yaml.v3"),
		"fmt":                                     {ImportPath: "fmt", Standard: true},
	}
	for _, test := range []struct {
		from, imported string
		refused        bool
	}{
		{"runtime", "github.com/aws/aws-sdk-go-v2/service/s3", true},
		{"runtime", module + "/behaviors", true},
		{"runtime", "gopkg.in/yaml.v3", true},
		{"schema", module + "/gen", true},
		{"schema", module + "/runtime", true},
		{"gen", module + "/runtime", true},
		{"behaviors", module + "/runtime/s3store", true},
		{"runtime/boltstore", "github.com/aws/aws-sdk-go-v2/service/s3", true},
		{"runtime/s3store", "github.com/aws/aws-sdk-go-v2/service/s3", false},
		{"runtime/s3store", "fmt", false},
		{"gen", module + "/schema", false},
	} {
		rule, ok := ruleFor(test.from)
		if !ok {
			t.Errorf("%s has no rule", test.from)
			continue
		}
		if problem := rule.check(test.imported, packages); (problem != "") != test.refused {
			t.Errorf("%s → %s: %q, want refused: %t", test.from, test.imported, problem, test.refused)
		}
	}
}

// check returns what is wrong with an import, or "".
func (r importRule) check(imported string, packages map[string]*goPackage) string {
	if name, ok := withinModule(imported); ok {
		for _, pattern := range r.ours {
			if matches(pattern, name) {
				return ""
			}
		}
		return name
	}
	p := packages[imported]
	if p == nil || p.Standard || p.Module == nil {
		return ""
	}
	for _, allowed := range r.others {
		if p.Module.Path == allowed || strings.HasPrefix(p.Module.Path, allowed+"/") {
			return ""
		}
	}
	return imported
}

// ruleFor returns the first rule that matches a package of the module.
func ruleFor(name string) (importRule, bool) {
	i := slices.IndexFunc(importRules, func(r importRule) bool { return matches(r.packages, name) })
	if i < 0 {
		return importRule{}, false
	}
	return importRules[i], true
}

// matches reports whether a path is the pattern or, for "x/...", below it.
func matches(pattern, name string) bool {
	if root, ok := strings.CutSuffix(pattern, "/..."); ok {
		return name == root || strings.HasPrefix(name, root+"/")
	}
	return name == pattern
}

// withinModule returns the path of one of the project's packages below the
// module's.
func withinModule(importPath string) (string, bool) {
	return strings.CutPrefix(importPath, module+"/")
}

// goList returns the module's packages and all they depend on, by import path.
func goList(t *testing.T) map[string]*goPackage {
	t.Helper()
	// go test repeats a cached result unless a file that the test itself looked
	// at has changed; what go list reads does not count.
	walkSources(t, func(file string) {
		if _, err := os.Stat(file); err != nil {
			t.Fatal(err)
		}
	})
	packages, err := listPackages()
	if err != nil {
		t.Fatal(err)
	}
	return packages
}

// listPackages asks the go command once for all tests.
var listPackages = sync.OnceValues(func() (map[string]*goPackage, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(context.Background(), "go", "list", "-deps", "-json=ImportPath,Standard,Module,Imports,Deps", "./...")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, stderr.Bytes())
	}
	packages := map[string]*goPackage{}
	for dec := json.NewDecoder(&stdout); ; {
		p := &goPackage{}
		if err := dec.Decode(p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, err
		}
		packages[p.ImportPath] = p
	}
})
