package schema

import (
	"go/token"
	"regexp"
	"strings"
)

// GoType is a type of the program that values have in Go, given by the rule goType.
// How they are stored is that of the kind: documents, keys and rules know nothing of
// the type.
type GoType struct {
	Pos     Position
	Import  string // path of the package, as in an import declaration
	Name    string // of the type in it
	Package string // name of the package; set with Form by who has loaded it
	Form    GoForm
}

// String is the type as the schema names it.
func (g *GoType) String() string { return g.Import + "." + g.Name }

// GoForm says how values of a GoType become values of the kind that is stored, and
// back.
type GoForm string

// The forms; "" means that nobody has looked at the type yet.
const (
	GoConversion GoForm = "conversion" // by a conversion: both types have the same underlying type
	GoText       GoForm = "text"       // by MarshalText and UnmarshalText
	GoBinary     GoForm = "binary"     // by MarshalBinary and UnmarshalBinary
	GoJSON       GoForm = "json"       // by MarshalJSON and UnmarshalJSON
)

// Converts reports whether a conversion makes the values of the type those that are
// stored. It is taken to be so as long as nobody has looked at the type.
func (g *GoType) Converts() bool { return g.Form == "" || g.Form == GoConversion }

// GoTypes returns the types that the rule goType gives, in the order of the schema,
// each with the Type that it is given to.
func (s *Schema) GoTypes() []*Type {
	var found []*Type
	for _, r := range s.Resources {
		found = collectGoTypes(found, r.Attributes)
	}
	return found
}

func collectGoTypes(found []*Type, attributes []*Attribute) []*Type {
	for _, a := range attributes {
		for t := a.Type; t != nil; t = t.Elem {
			if t.GoType != nil {
				found = append(found, t)
			}
			found = collectGoTypes(found, t.Fields)
		}
	}
	return found
}

// importPattern is the path of a package, goNamePattern a name in it.
const (
	importPattern = `[A-Za-z0-9_~-][A-Za-z0-9._~+-]*(?:/[A-Za-z0-9_~-][A-Za-z0-9._~+-]*)*`
	goNamePattern = `\p{Lu}[\p{L}\p{Nd}_]*`
)

var importPath = regexp.MustCompile(`^` + importPattern + `$`)

// hasGoType reports whether values of a kind can have a type of the program.
func (k Kind) hasGoType() bool { return k.isKey() || k == KindBytes || k == KindJSON }

// goType reads the rule goType: an import path, a dot and the name of a type.
func (d *declaration) goType(r rule) {
	text, ok := d.text(r)
	if !ok {
		return
	}
	const help = "write the path of the package, a dot and the type: github.com/acme/money.Amount"
	slash := strings.LastIndexByte(text, '/')
	dot := strings.LastIndexByte(text, '.')
	switch {
	case strings.HasPrefix(text, "*"):
		d.report(CodeGoType, r.arg.at, "goType names a pointer").help("name the type itself: what is optional becomes a pointer to it")
		return
	case strings.ContainsAny(text, "[]"):
		d.report(CodeGoType, r.arg.at, "goType names no declared type").
			help("declare one, as in type Amount money.Of[EUR] or type Key []byte, and name that; arrays and maps give their items a goType")
		return
	case dot <= slash+1:
		d.report(CodeGoType, r.arg.at, "%s names no type of a package", quote(text)).help(help)
		return
	case !importPath.MatchString(text[:dot]):
		d.report(CodeGoType, r.arg.at, "%s is not the path of a package", quote(text[:dot])).help(help)
		return
	case !token.IsIdentifier(text[dot+1:]):
		d.report(CodeGoType, r.arg.at, "%s is not the name of a type", quote(text[dot+1:])).help(help)
		return
	case !token.IsExported(text[dot+1:]):
		d.report(CodeGoType, r.arg.at, "%s is not exported, and the generated package cannot name it", text[dot+1:]).
			help("give it a name that begins with a capital letter")
		return
	}
	t := d.typ
	if t.Kind == KindSecret && t.Elem != nil {
		t = t.Elem
	}
	t.GoType = &GoType{Pos: r.arg.at.pos, Import: text[:dot], Name: text[dot+1:]}
}

// checkGoType reports what a type of the program cannot be combined with.
func (d *declaration) checkGoType() {
	d.exclude("goType", "generate", "what is generated is a string", "remove one of the two")
}
