package gosource

import (
	"context"
	"fmt"
	"go/types"
	"maps"
	"path"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"

	"github.com/s3dbgen/s3dbgen/gen/sources"
	"github.com/s3dbgen/s3dbgen/schema"
)

// Types looks at the types that the rule goType of a schema names, as the package in
// dir would import them, and sets how their values are stored. dir need not exist, and
// what is in it need not compile. The set is all on which the answer depends, also
// when a type is not right. Without such types nothing is run.
func Types(ctx context.Context, s *schema.Schema, dir string) (schema.Diagnostics, sources.Set, error) {
	list := s.GoTypes()
	if len(list) == 0 {
		return nil, sources.Set{}, nil
	}
	p, err := placeOf(dir)
	if err != nil {
		return nil, sources.Set{}, err
	}
	l := &looker{place: p, schema: s, types: map[string]*packages.Package{}}
	depends, err := l.packages(ctx, list)
	if err != nil {
		return nil, depends, err
	}
	for _, t := range list {
		if x := l.types[t.GoType.Import]; x != nil {
			l.look(x, t)
		}
	}
	return l.found, depends, nil
}

// looker looks at types of one schema.
type looker struct {
	place

	schema *schema.Schema
	found  schema.Diagnostics
	types  map[string]*packages.Package // those that are right, by their paths
}

func (l *looker) fail(t *schema.Type, code schema.Code, help, format string, args ...any) {
	l.found = append(l.found, l.schema.Diagnose(code, t.GoType.Pos, fmt.Sprintf(format, args...), help))
}

// packages loads the packages of types and reports those that cannot be imported. The
// types of the kinds that are stored are loaded with them, since whether two types
// are the same can be said only of those that were loaded together.
func (l *looker) packages(ctx context.Context, list []*schema.Type) (sources.Set, error) {
	byPath := map[string]*schema.Type{} // the first that names it
	for _, t := range list {
		if byPath[t.GoType.Import] == nil {
			byPath[t.GoType.Import] = t
		}
	}
	paths := slices.Sorted(maps.Keys(byPath))
	loaded, err := graph(ctx, l.dir, paths...)
	if err != nil {
		if ctx.Err() != nil {
			return sources.Set{}, err
		}
		l.fail(list[0], schema.CodeGoTypePackage, "the go command finds the packages of types; it must be in PATH and able to read the module", "%s", err)
		return l.dependencies(ctx, nil), nil
	}
	depends := l.dependencies(ctx, loaded)
	var right []string
	for _, x := range loaded {
		if t := byPath[x.PkgPath]; t != nil && l.importable(x, t) {
			right = append(right, x.PkgPath)
		}
	}
	if len(right) == 0 {
		return depends, nil
	}
	for _, t := range list {
		if of := storedAs(t.Kind).path; of != "" {
			right = append(right, of)
		}
	}
	slices.Sort(right)
	loaded, err = load(ctx, l.dir, packages.LoadTypes, slices.Compact(right))
	if err != nil {
		return depends, err
	}
	for _, x := range loaded {
		t := byPath[x.PkgPath]
		if t != nil && len(x.Errors) > 0 {
			l.fail(t, schema.CodeGoTypePackage, "put the package right first", "package %s does not compile: %s", x.PkgPath, l.about(x.Errors[0]))
			continue
		}
		if len(x.Errors) == 0 && x.Types != nil {
			l.types[x.PkgPath] = x
		}
	}
	return depends, nil
}

// about is an error of a package, with its place below the module.
func (l *looker) about(e packages.Error) string {
	text := firstLine(e.Msg)
	if e.Pos != "" && e.Pos != "-" {
		text = e.Pos + ": " + text
	}
	if l.root != "" {
		text = strings.ReplaceAll(text, l.root+"/", "")
	}
	return text
}

// importable reports whether the generated package can import another one.
func (l *looker) importable(x *packages.Package, t *schema.Type) bool {
	at := t.GoType.Import
	switch way := l.cycle(x); {
	case len(way) == 1:
		l.fail(t, schema.CodeGoTypeCycle, "move the type to a package of its own", "package %s is the generated one, which cannot import itself", at)
		return false
	case way != nil:
		l.fail(t, schema.CodeGoTypeCycle, "move the type to a package that does not import "+l.self,
			"package %s imports the generated one, and would be imported by it: %s", at, strings.Join(way, " imports "))
		return false
	}
	if len(x.Errors) > 0 {
		help := "look at the path; when it is right, go get " + at + " adds it to go.mod"
		switch {
		case len(x.GoFiles) > 0:
			help = "put the package right first"
		case l.expected(at) != "":
			help = "look at the path, which begins with that of this module, " + l.module
		case strings.Contains(x.Errors[0].Msg, "-mod=vendor"):
			help = "look at the path; when it is right, import it in a file of the module and run go mod vendor"
		}
		l.fail(t, schema.CodeGoTypePackage, help, "package %s cannot be loaded: %s", at, l.about(x.Errors[0]))
		return false
	}
	if x.Name == "main" {
		l.fail(t, schema.CodeGoTypePackage, "move the type to a package that is no command", "package %s is a command, which cannot be imported", at)
		return false
	}
	parent, internal := internalTo(at)
	if internal && parent == "" {
		l.fail(t, schema.CodeGoTypePackage, "declare a type of your own", "package %s is internal to the standard library", at)
		return false
	}
	if internal && l.self != parent && !strings.HasPrefix(l.self, parent+"/") {
		l.fail(t, schema.CodeGoTypePackage, "move it, or give the schema an output below "+parent, "package %s is internal to %s, and the generated package %s is not in it", at, parent, l.self)
		return false
	}
	return true
}

// internalTo returns the path below which an internal package can be imported.
func internalTo(importPath string) (parent string, internal bool) {
	parts := strings.Split(importPath, "/")
	for i, part := range slices.Backward(parts) {
		if part == "internal" {
			return path.Join(parts[:i]...), true
		}
	}
	return "", false
}

// cycle returns the packages by which one imports the generated one, nil when it does
// not.
func (l *looker) cycle(x *packages.Package) []string {
	if l.self == "" {
		return nil
	}
	seen := map[string]bool{}
	var walk func(at string, x *packages.Package) []string
	walk = func(at string, x *packages.Package) []string {
		if at == l.self {
			return []string{at}
		}
		if seen[at] {
			return nil
		}
		seen[at] = true
		for _, next := range slices.Sorted(maps.Keys(x.Imports)) {
			if way := walk(next, x.Imports[next]); way != nil {
				return append([]string{at}, way...)
			}
		}
		return nil
	}
	return walk(x.PkgPath, x)
}

// look checks one type and decides its form.
func (l *looker) look(x *packages.Package, t *schema.Type) {
	g := t.GoType
	g.Package = x.Types.Name()
	object := x.Types.Scope().Lookup(g.Name)
	name, ok := object.(*types.TypeName)
	switch {
	case object == nil:
		l.fail(t, schema.CodeGoTypeName, schema.DidYouMean(g.Name, exportedTypes(x.Types)), "package %s has no type %s", g.Import, g.Name)
		return
	case !ok:
		l.fail(t, schema.CodeGoTypeName, schema.DidYouMean(g.Name, exportedTypes(x.Types)), "%s is %s, not a type", g, what(object))
		return
	case generic(name.Type()):
		l.fail(t, schema.CodeGoTypeName, fmt.Sprintf("declare one of its types, as in type X %s[…], and name that", g.Name), "%s is generic", g)
		return
	case types.IsInterface(name.Type()):
		l.fail(t, schema.CodeGoTypeName, "name a type that implements it: what is read must become a value of one type", "%s is an interface", g)
		return
	}
	if lock := lockIn(name.Type(), nil); lock != "" {
		l.fail(t, schema.CodeGoTypeName, "name a type without it: values are copied", "%s holds a lock, %s", g, lock)
		return
	}
	form, problem, help := l.form(t.Kind, name)
	if problem != "" {
		l.fail(t, schema.CodeGoTypeForm, help, "values of %s cannot be stored as %s: %s", g, article(t.Kind), problem)
		return
	}
	g.Form = form
}

// exportedTypes are those that a package declares.
func exportedTypes(p *types.Package) []string {
	var names []string
	for _, name := range p.Scope().Names() {
		if o, ok := p.Scope().Lookup(name).(*types.TypeName); ok && o.Exported() {
			names = append(names, name)
		}
	}
	return names
}

func what(o types.Object) string {
	switch o.(type) {
	case *types.Func:
		return "a function"
	case *types.Const:
		return "a constant"
	default:
		return "a variable"
	}
}

func generic(t types.Type) bool {
	if a, ok := t.(*types.Alias); ok && a.TypeParams().Len() > 0 {
		return true
	}
	n, ok := types.Unalias(t).(*types.Named)
	return ok && n.TypeParams().Len() > 0 && n.TypeArgs().Len() == 0
}

// lockIn names a part of a type that must not be copied, as go vet sees it: one whose
// pointer has the methods Lock and Unlock.
func lockIn(t types.Type, seen []types.Type) string {
	if slices.Contains(seen, t) {
		return ""
	}
	seen = append(seen, t)
	methods := types.NewMethodSet(types.NewPointer(t))
	_, isStruct := t.Underlying().(*types.Struct)
	if isStruct && methods.Lookup(nil, "Lock") != nil && methods.Lookup(nil, "Unlock") != nil && types.NewMethodSet(t).Lookup(nil, "Lock") == nil {
		return types.TypeString(t, (*types.Package).Name)
	}
	switch u := t.Underlying().(type) {
	case *types.Struct:
		for f := range u.Fields() {
			if lock := lockIn(f.Type(), seen); lock != "" {
				return lock
			}
		}
	case *types.Array:
		return lockIn(u.Elem(), seen)
	}
	return ""
}
