package gen

import (
	"fmt"
	"go/token"
	gotypes "go/types"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/s3dbgen/s3dbgen/schema"
)

// formVar is a variable that says how values of a type of the program are stored.
type formVar struct{ name, literal string }

// goImports decides under which names generated files import the packages of the types
// that a schema gives. They are the same in all files, and none is that of something
// else there.
func (n *namer) goImports(s *schema.Schema) {
	n.goPackages = map[string]pkg{}
	known := map[string]pkg{}
	names := map[string]bool{}
	for _, p := range []pkg{
		pkgBehaviors, pkgContext, pkgDecimal, pkgFixture, pkgJSON, pkgMath, pkgNetip, pkgRegexp, pkgRuntime, pkgS3Store, pkgBoltStore, pkgMemStore, pkgTime, pkgUUID,
	} {
		known[p.path()], names[p.name()] = p, true
	}
	packages := map[string]string{}
	for _, t := range s.GoTypes() {
		packages[t.GoType.Import] = t.GoType.Package
	}
	for _, at := range slices.Sorted(maps.Keys(packages)) {
		if p, ok := known[at]; ok {
			n.goPackages[at] = p
			continue
		}
		name := packages[at]
		if name == "" || name == "_" {
			name = strings.Join(words(path.Base(at)), "") // nobody has looked
		}
		for i := 2; taken(name) || names[name]; i++ {
			name = fmt.Sprintf("%s%d", strings.TrimRight(name, "0123456789"), i)
		}
		name = n.pkg.unique(name)
		names[name] = true
		n.goPackages[at] = pkg(name + " " + at)
	}
}

// taken reports whether a name means something else in generated functions: a word of
// Go, or a variable.
func taken(name string) bool {
	return !token.IsIdentifier(name) || gotypes.Universe.Lookup(name) != nil || strings.Trim(name, "o") == "" ||
		slices.Contains([]string{"at", "c", "changes", "config", "created", "ctx", "d", "documents", "e", "fn", "in", "k", "more", "n", "old", "p", "q", "r", "t", "updated", "v", "x"}, name)
}

// goTypeName is a type of the program, in the files with these imports.
func (n *namer) goTypeName(i imports, g *schema.GoType) string {
	return i.qualified(n.goPackages[g.Import], g.Name)
}

// absentIsNil reports whether nil of a type of the program stands for an absent value:
// that of a slice does when a conversion makes it the one that is stored.
func absentIsNil(t *schema.Type) bool {
	return t.GoType.Converts() && (t.Kind == schema.KindBytes || t.Kind == schema.KindJSON)
}

// custom makes, of the value that is stored, one of a type of the program.
func (b *builder) custom(stored *value, t *schema.Type) *value {
	v := &value{
		kind: customValue, typ: b.goTypeName(b.imports, t.GoType), stored: stored, converts: t.GoType.Converts(), absent: absentIsNil(t),
		normalizes: stored.normalizes, hoisted: stored.hoisted,
	}
	v.form = b.form(v, t.GoType)
	v.rule = fmt.Sprintf("%s[%s, %s, %s]", b.imports.rt("FormRules"), v.typ, stored.typ, stored.rule)
	var l literal
	l.add("Form", v.form)
	if stored.rules != stored.rule+"{}" {
		l.add("Rules", stored.rules)
	}
	v.rules = l.of(v.rule)
	b.customs[t] = v
	return v
}

// form is the variable of a type of the program and a stored one, which values of both
// share.
func (b *builder) form(v *value, g *schema.GoType) string {
	of := b.imports.rt("Stored"+v.stored.scalar) + "()"
	if e := v.stored.enum; e != nil {
		of = fmt.Sprintf("%s(%s)", b.imports.rt("StoredEnum"), e.table)
	}
	var l string
	switch g.Form {
	case schema.GoText:
		l = fmt.Sprintf("%s[%s](%s)", b.imports.rt("TextForm"), v.typ, of)
	case schema.GoBinary:
		l = fmt.Sprintf("%s[%s]()", b.imports.rt("BinaryForm"), v.typ)
	case schema.GoJSON:
		l = fmt.Sprintf("%s[%s]()", b.imports.rt("JSONForm"), v.typ)
	default:
		convert := func(to, from string) string {
			return fmt.Sprintf("func(x %s) %s { return %[2]s(x) }", from, to)
		}
		l = fmt.Sprintf("%s(%s, %s, %s)", b.imports.rt("ConvertForm"), convert(v.stored.typ, v.typ), convert(v.typ, v.stored.typ), of)
	}
	if i := slices.IndexFunc(b.r.forms, func(f *formVar) bool { return f.literal == l }); i >= 0 {
		return b.r.forms[i].name
	}
	f := &formVar{name: b.local(unexported(b.r.document + g.Name + "Form")), literal: l}
	b.r.forms = append(b.r.forms, f)
	return f.name
}

// fill is the statement that gives a field of a type of the program its default, which
// is written as it is stored.
func (f *field) fill() string {
	v := f.value
	switch {
	case !v.converts:
		return fmt.Sprintf("d.%[1]s = s3db.OrDefaultForm(v, %[2]q, in.%[1]s, %[3]s, %[4]s)", f.name, f.attribute, v.form, f.def)
	default:
		return fmt.Sprintf("d.%[1]s = s3db.OrDefault(in.%[1]s, %[2]s(%[3]s))", f.name, v.typ, f.def)
	}
}

// keyPart is the statement that adds a value of an index to k: x, or what it points to
// when it is optional.
func (v *value) keyPart(f *schema.IndexField, k, x string) string {
	switch {
	case f.Date && f.Attribute.Type.Kind == schema.KindDateTime && f.Attribute.Optional:
		return fmt.Sprintf("s3db.KeyOptional(%s, %s, func(k *s3db.KeyBuilder, t %s) { k.Date(%s) })", k, x, v.typ, v.day("t"))
	case f.Date && f.Attribute.Type.Kind == schema.KindDateTime:
		return fmt.Sprintf("%s.Date(%s)", k, v.day(x))
	case f.Attribute.Optional:
		return fmt.Sprintf("s3db.KeyOptional(%s, %s, %s.Key)", k, x, v.form)
	}
	return fmt.Sprintf("%s.Key(%s, %s)", v.form, k, x)
}

// day is the UTC day of an instant of a type of the program.
func (v *value) day(x string) string {
	return fmt.Sprintf("s3db.DateOf(%s.Stored(%s).UTC())", v.form, x)
}

// attribute is the type of the attribute for queries, and its value but for name and
// getter, of a type of the program.
func (v *value) attribute() (typ, call string) {
	switch {
	case v.stored.kind == sliceValue:
		return "", ""
	case v.stored.kind == enumValue || v.stored.scalar == "Bool":
		return "EqualAttr", "FormEqualAt(at, %q, " + v.form + ", %s)"
	case v.stored.scalar == "String" && v.converts:
		return "TextAttr", "TextAt(at, %q, %s)"
	}
	return "OrderedAttr", "FormAt(at, %q, " + v.form + ", %s)"
}
