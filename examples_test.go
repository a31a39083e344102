package s3dbgen_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"

	"github.com/s3dbgen/s3dbgen/internal/snippets"
)

const (
	runtimePath = module + "/runtime"
	shopPath    = module + "/example/generated"
)

// withoutExample are the features that no example shows, and why.
var withoutExample = map[string]string{
	"Collection.HistoryWith": "for programs without generated code; package dynamic calls it",
	"StoredView.DecodeWith":  "for programs without generated code; package dynamic calls it",
	"Condition.Absent":       "for stores",
	"Condition.ETag":         "for stores",
	"PendingRead.ChangedBy":  "for caches; plugins/cache calls it",
	"PendingRead.Plan":       "for caches; plugins/cache calls it",
	"PendingRead.Scope":      "for caches; plugins/cache calls it",
	"PendingRead.Stamp":      "for caches; plugins/cache calls it",
	"PendingWrite.Scopes":    "for caches; plugins/cache calls it",
	"PendingWrite.Left":      "for logs; plugins/replicator calls it",
	"Database.Close":         "of what was opened without a generated client, whose Close calls it",
	"DefaultPasswordParams":  "the default of WithPasswordParams",
	"Predicate.Match":        "for the attributes of objects; Query.Match is what programs call",
}

// calledByOthers are methods that the standard library calls, and the constructors of
// what they serve: a program does not name them.
var calledByOthers = map[string]bool{
	"IsZero": true, "String": true, "Format": true, "LogValue": true, "Read": true, "Seek": true,
	"MarshalJSON": true, "UnmarshalJSON": true, "MarshalText": true, "UnmarshalText": true, "AppendText": true,
	"MarshalBinary": true, "UnmarshalBinary": true,
}

// TestExamplesOfFeatures: whatever a program can reach from a generated client is used in
// the file of an example whose output is compared. What can be reached is read off the
// types, so that a new method or option needs an example.
func TestExamplesOfFeatures(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("type-checks the tests of many packages")
	}
	walkSources(t, func(file string) { _, _ = os.Stat(file) }) // so that a cached result ends with them
	all, err := packages.Load(&packages.Config{
		Context: t.Context(),
		Mode:    packages.NeedName | packages.NeedFiles | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedImports,
		Tests:   true,
	}, "./runtime/...", "./example/generated", "./plugins/...")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	byID := map[string]*packages.Package{}
	for _, p := range all {
		for _, e := range p.Errors {
			t.Fatal(e)
		}
		byID[p.ID] = p
		for _, f := range p.Syntax {
			if strings.HasSuffix(p.Fset.Position(f.Pos()).Filename, "_test.go") && isExample(f) {
				uses(p, f, used)
			}
		}
	}
	features := &surface{
		seen:     map[*types.TypeName]bool{},
		internal: forGeneratedCode(byID[runtimePath].Syntax),
		makers:   makers(byID[runtimePath].Types),
	}
	features.reach(byID[shopPath].Types)
	if len(features.names) < 100 {
		t.Fatalf("found %d features only: %v", len(features.names), features.names)
	}
	for _, name := range features.names {
		if !used[name] && withoutExample[name] == "" {
			t.Errorf("no example with output uses s3db.%s", name)
		}
	}
	for name := range withoutExample {
		if used[name] || !slices.Contains(features.names, name) {
			t.Errorf("s3db.%s needs no exemption: an example uses it, or nothing leads to it", name)
		}
	}
	t.Logf("%d features, %d of them without an example", len(features.names), len(withoutExample))
}

// isExample reports whether a file has an example whose output is compared, and no test.
func isExample(f *ast.File) bool {
	tests := slices.ContainsFunc(f.Decls, func(decl ast.Decl) bool {
		fn, ok := decl.(*ast.FuncDecl)
		return ok && strings.HasPrefix(fn.Name.Name, "Test")
	})
	return !tests && slices.ContainsFunc(doc.Examples(f), func(e *doc.Example) bool { return e.Output != "" || e.EmptyOutput })
}

// uses adds the functions and methods of the runtime that a file uses.
func uses(p *packages.Package, f *ast.File, used map[string]bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			if fn, ok := p.TypesInfo.Uses[id].(*types.Func); ok && fn.Pkg() != nil && fn.Pkg().Path() == runtimePath {
				used[nameOf(fn)] = true
			}
		}
		return true
	})
}

// surface is what can be reached of the runtime from a generated client.
type surface struct {
	names    []string                          // of functions and methods, sorted
	seen     map[*types.TypeName]bool          // types that were followed
	internal map[string]bool                   // types and methods for generated code, by name
	makers   map[*types.TypeName][]*types.Func // functions that return an option of a type
}

// reach follows the methods and fields of the client to what they take and return.
func (s *surface) reach(shop *types.Package) {
	for _, name := range []string{"DB", "Open", "New"} {
		s.follow(shop.Scope().Lookup(name).Type())
	}
	slices.Sort(s.names)
	s.names = slices.Compact(s.names)
}

func (s *surface) follow(t types.Type) {
	switch t := t.(type) {
	case *types.Pointer:
		s.follow(t.Elem())
	case *types.Slice:
		s.follow(t.Elem())
	case *types.Struct:
		for field := range t.Fields() {
			if field.Exported() {
				s.follow(field.Type())
			}
		}
	case *types.Signature:
		for v := range t.Params().Variables() {
			s.follow(v.Type())
		}
		for v := range t.Results().Variables() {
			s.follow(v.Type())
		}
	case *types.Named:
		for arg := range t.TypeArgs().Types() {
			s.follow(arg)
		}
		s.followNamed(t.Origin())
	}
}

func (s *surface) followNamed(t *types.Named) {
	name := t.Obj()
	if s.seen[name] || name.Pkg() == nil {
		return
	}
	s.seen[name] = true
	switch name.Pkg().Path() {
	case shopPath:
	case runtimePath:
		if s.internal[name.Name()] {
			return
		}
	default:
		return
	}
	for method := range t.Methods() {
		if method.Exported() {
			s.function(method)
		}
	}
	for _, maker := range s.makers[name] {
		s.function(maker)
	}
	s.follow(t.Underlying())
}

func (s *surface) function(fn *types.Func) {
	name := nameOf(fn)
	if s.internal[name] || calledByOthers[fn.Name()] && strings.Contains(name, ".") {
		return
	}
	if fn.Pkg().Path() == runtimePath {
		s.names = append(s.names, name)
	}
	s.follow(fn.Signature())
}

// nameOf returns "Collection.Insert" or "WithClock".
func nameOf(fn *types.Func) string {
	recv := fn.Signature().Recv()
	if recv == nil {
		return fn.Name()
	}
	t := types.Unalias(recv.Type())
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	if named, ok := t.(*types.Named); ok {
		return named.Obj().Name() + "." + fn.Name()
	}
	return fn.Name()
}

// makers returns the functions of the runtime that make options: values of a named
// function type, by that type.
func makers(runtime *types.Package) map[*types.TypeName][]*types.Func {
	list := map[*types.TypeName][]*types.Func{}
	for _, name := range runtime.Scope().Names() {
		fn, ok := runtime.Scope().Lookup(name).(*types.Func)
		if !ok || !fn.Exported() || fn.Signature().Results().Len() != 1 {
			continue
		}
		named, ok := fn.Signature().Results().At(0).Type().(*types.Named)
		if !ok || named.Obj().Pkg() != runtime {
			continue
		}
		list[named.Obj()] = append(list[named.Obj()], fn)
	}
	return list
}

// forGeneratedCode returns the types, functions and methods whose comment says that
// generated code uses them.
func forGeneratedCode(files []*ast.File) map[string]bool {
	names := map[string]bool{}
	add := func(name string, comment *ast.CommentGroup) {
		text := strings.Join(strings.Fields(comment.Text()), " ")
		if strings.Contains(text, "Generated code") {
			names[name] = true
		}
	}
	for _, f := range files {
		for _, decl := range f.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				name := decl.Name.Name
				if decl.Recv != nil {
					name = receiver(decl.Recv.List[0].Type) + "." + name
				}
				add(name, decl.Doc)
			case *ast.GenDecl:
				for _, spec := range decl.Specs {
					if spec, ok := spec.(*ast.TypeSpec); ok {
						add(spec.Name.Name, decl.Doc)
					}
				}
			}
		}
	}
	return names
}

func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// TestExamplesOfPackages: each package that the pages use in Go code has an example.
func TestExamplesOfPackages(t *testing.T) {
	t.Parallel()
	f, err := parser.ParseFile(token.NewFileSet(), "internal/snippets/testdata/surroundings.go", nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	found := examples(t)
	for _, spec := range f.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if dir, ok := strings.CutPrefix(name, module+"/"); ok && !slices.ContainsFunc(found, func(file string) bool { return path.Dir(file) == dir }) {
			t.Errorf("package %s has no example", dir)
		}
	}
}

// TestExamplesOfPages: each page that shows Go leads to an example that is run or
// compiled as it stands.
func TestExamplesOfPages(t *testing.T) {
	t.Parallel()
	found := examples(t)
	for _, page := range pages(t) {
		if !slices.ContainsFunc(page.Blocks, func(b *snippets.Block) bool { return b.Language == "go" }) {
			continue
		}
		leads := false
		for _, m := range link.FindAllStringSubmatch(page.Text, -1) {
			leads = leads || slices.Contains(found, path.Join(path.Dir(page.Path), m[1]))
		}
		if !leads {
			t.Errorf("%s shows Go and links to no file with an example", page.Path)
		}
	}
}

// examples returns the test files that have an example.
func examples(t *testing.T) []string {
	t.Helper()
	var list []string
	walkSources(t, func(file string) {
		if !strings.HasSuffix(file, "_test.go") {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Error(err)
			return
		}
		if len(doc.Examples(f)) > 0 {
			list = append(list, file)
		}
	})
	return list
}
