package gosource

import (
	"fmt"
	"go/types"
	"strings"

	"github.com/s3dbgen/s3dbgen/schema"
)

// stored is the Go type of a kind.
type stored struct {
	path, name string     // of a type that is one of a package
	typ        types.Type // of others: the underlying type
	text       string     // how a user writes it
}

// storedAs returns the Go type of a kind.
func storedAs(k schema.Kind) stored {
	bytes := types.NewSlice(types.Typ[types.Byte])
	switch k {
	case schema.KindInteger:
		return stored{typ: types.Typ[types.Int64], text: "int64"}
	case schema.KindNumber:
		return stored{typ: types.Typ[types.Float64], text: "float64"}
	case schema.KindBoolean:
		return stored{typ: types.Typ[types.Bool], text: "bool"}
	case schema.KindDuration:
		return stored{typ: types.Typ[types.Int64], text: "time.Duration"}
	case schema.KindUUID:
		const size = 16
		return stored{typ: types.NewArray(types.Typ[types.Byte], size), text: "[16]byte"}
	case schema.KindBytes:
		return stored{typ: bytes, text: "[]byte"}
	case schema.KindJSON:
		return stored{path: "encoding/json", name: "RawMessage", text: "json.RawMessage"}
	case schema.KindDateTime:
		return stored{path: "time", name: "Time", text: "time.Time"}
	case schema.KindIP, schema.KindIP4, schema.KindIP6:
		return stored{path: "net/netip", name: "Addr", text: "netip.Addr"}
	case schema.KindDecimal:
		return stored{path: "github.com/shopspring/decimal", name: "Decimal", text: "decimal.Decimal"}
	case schema.KindDate:
		return stored{path: "github.com/s3dbgen/s3dbgen/runtime", name: "Date", text: "s3db.Date"}
	default: // texts and enums
		return stored{typ: types.Typ[types.String], text: "string"}
	}
}

// method is one that a type needs.
type method struct {
	name, signature string
	takes           bool // bytes; else it returns them
}

// pair is the two methods of a form.
type pair struct {
	form        schema.GoForm
	write, read method
	first       bool // before a conversion: the methods say what the kind is made of
}

// methodsOf returns the methods that a kind can use; none for kinds that have no text.
func methodsOf(k schema.Kind) (pair, bool) {
	of := func(form schema.GoForm, what, argument string, first bool) pair {
		return pair{form, method{"Marshal" + what, "() ([]byte, error)", false}, method{"Unmarshal" + what, "(" + argument + " []byte) error", true}, first}
	}
	switch k {
	case schema.KindBytes:
		return of(schema.GoBinary, "Binary", "data", true), true
	case schema.KindJSON:
		return of(schema.GoJSON, "JSON", "data", true), true
	case schema.KindNumber, schema.KindBoolean, schema.KindDuration:
		return pair{}, false
	case schema.KindInteger, schema.KindDecimal, schema.KindUUID, schema.KindIP, schema.KindIP4, schema.KindIP6, schema.KindDate, schema.KindDateTime:
		return of(schema.GoText, "Text", "text", false), true
	default:
		return of(schema.GoText, "Text", "text", true), true
	}
}

// form decides how values of a type are stored as a kind; or says why not, and what
// would do.
func (l *looker) form(k schema.Kind, name *types.TypeName) (form schema.GoForm, problem, help string) {
	of := storedAs(k)
	t := types.Unalias(name.Type())
	if of.path != "" {
		of.typ = l.lookup(of)
	}
	if named, ok := t.(*types.Named); ok && of.path != "" && named.Obj().Name() == of.name && named.Obj().Pkg().Path() == of.path {
		return schema.GoConversion, "", "" // the very type, under another name
	}
	converts := of.typ != nil && types.Identical(t.Underlying(), of.typ.Underlying())
	methods, ok := methodsOf(k)
	var lacks []string
	if ok {
		for _, m := range []method{methods.write, methods.read} {
			if why := lacking(name, t, m); why != "" {
				lacks = append(lacks, why)
			}
		}
	}
	declare := fmt.Sprintf("declare it as type %s %s", name.Name(), of.text)
	switch {
	case ok && lacks == nil && (methods.first || !converts):
		return methods.form, "", ""
	case converts:
		return schema.GoConversion, "", ""
	case !ok:
		return "", fmt.Sprintf("it is not declared as %s", of.text), declare
	}
	var add []string
	for _, m := range []method{methods.write, methods.read} {
		if lacking(name, t, m) != "" {
			receiver := "x "
			if m.takes {
				receiver = "x *"
			}
			add = append(add, fmt.Sprintf("func (%s%s) %s%s", receiver, name.Name(), m.name, m.signature))
		}
	}
	return "", strings.Join(lacks, ", and "), "add " + strings.Join(add, " and ") + ", or " + declare
}

// lookup finds the type of a kind that is a struct, nil when its package is not there.
func (l *looker) lookup(of stored) types.Type {
	x := l.types[of.path]
	if x == nil {
		return nil
	}
	o := x.Types.Scope().Lookup(of.name)
	if o == nil {
		return nil
	}
	return o.Type()
}

// lacking says why a type does not have a method, "" when it has.
func lacking(name *types.TypeName, t types.Type, m method) string {
	bytes := types.NewSlice(types.Typ[types.Byte])
	problem := types.Universe.Lookup("error").Type()
	tuple := func(list ...types.Type) *types.Tuple {
		var vars []*types.Var
		for _, x := range list {
			vars = append(vars, types.NewParam(0, nil, "", x))
		}
		return types.NewTuple(vars...)
	}
	want := types.NewSignatureType(nil, nil, nil, nil, tuple(bytes, problem), false)
	if m.takes {
		want = types.NewSignatureType(nil, nil, nil, tuple(bytes), tuple(problem), false)
	}
	selection := types.NewMethodSet(types.NewPointer(t)).Lookup(nil, m.name)
	if selection == nil {
		return fmt.Sprintf("it has no method %s%s", m.name, m.signature)
	}
	f, ok := selection.Obj().(*types.Func)
	if ok && types.Identical(f.Signature(), want) {
		if m.takes && types.NewMethodSet(t).Lookup(nil, m.name) != nil && !isReference(t) {
			return fmt.Sprintf("its method %s has the receiver %s, and what it reads would be lost", m.name, name.Name())
		}
		return ""
	}
	have := ""
	if ok {
		have = strings.TrimPrefix(types.TypeString(f.Signature(), (*types.Package).Name), "func")
	}
	return fmt.Sprintf("its method %s is %s, not %s", m.name, have, m.signature)
}

// isReference reports whether a method can change a value that it has a copy of.
func isReference(t types.Type) bool {
	switch t.Underlying().(type) {
	case *types.Map, *types.Pointer:
		return true
	}
	return false
}

// article puts an article before the name of a kind.
func article(k schema.Kind) string {
	switch {
	case k == schema.KindBytes || k == schema.KindJSON:
		return string(k)
	case strings.ContainsRune("aeio", rune(k[0])):
		return "an " + string(k)
	}
	return "a " + string(k)
}
