package gen

import (
	"cmp"
	"fmt"
	"go/token"
	"slices"
	"strings"

	"github.com/s3dbgen/s3dbgen/schema"
)

// access decides the methods of the collection that read partitions and unique
// values.
func (b *builder) access() {
	methods := scope{}
	for _, i := range b.schema.Partitions {
		b.r.reads = append(b.r.reads, b.partitionRead(methods, i))
	}
	b.distincts(methods)
	for _, i := range b.schema.Uniques {
		b.r.lookups = append(b.r.lookups, b.lookup(methods, i))
	}
}

// by makes the name of a method from that of an index: "byCountry" and "country"
// are both ByCountry.
func by(name string) string {
	list := words(name)
	if len(list) > 1 && strings.EqualFold(list[0], "by") {
		list = list[1:]
	}
	return "By" + camel(list)
}

// keyValue decides how a program gives one value of a key.
func (b *builder) keyValue(f *schema.IndexField) keyValue {
	v := keyValue{path: f.Path, param: b.paramName(goName(lastPart(f.Path)))}
	call, keyed := "", false // call is what has a method Key
	switch {
	case f.Date && (f.Attribute == nil || f.Attribute.Type.Kind == schema.KindDateTime):
		v.typeOf, call = b.imports.rt("Date"), "Date(v)"
	case f.Attribute == nil:
		v.typeOf, call = b.systemValue(f.Path)
	case keyType(f).GoType != nil:
		x := b.customs[keyType(f)]
		v.typeOf, call, keyed = x.typ, x.form, true
		if !f.Desc && f.MaxLength == 0 {
			v.put = x.form + ".Key"
		}
	case keyType(f).Kind == schema.KindEnum:
		e := b.enums[keyType(f)]
		v.typeOf = e.name
		if f.Desc || f.MaxLength > 0 {
			call = "Enum(string(v))"
		} else {
			v.put = e.table + ".Key"
		}
	default:
		x := &value{}
		b.scalar(x, keyType(f).Kind)
		b.refValue(x, keyType(f))
		v.typeOf, call = x.typ, x.scalar+"(v)"
		if normal := b.normal(keyType(f).Rules); normal != "" {
			call, keyed = normal, true
			if !f.Desc && f.MaxLength == 0 {
				v.put = normal + ".Key"
			}
		}
		if x.ref {
			call = "String(string(v))"
			if !f.Desc && f.MaxLength == 0 {
				v.put = fmt.Sprintf("s3db.KeyID[%s]", x.typ)
			}
		}
	}
	modifiers := ""
	if f.MaxLength > 0 {
		modifiers += fmt.Sprintf("MaxLength(%d).", f.MaxLength)
	}
	if f.Desc {
		modifiers += "Desc()."
	}
	if keyed {
		k := strings.TrimSuffix("k."+modifiers, ".")
		v.put = cmp.Or(v.put, fmt.Sprintf("func(k *s3db.KeyBuilder, v %s) { %s.Key(%s, v) }", v.typeOf, call, k))
		v.call = fmt.Sprintf("%s.Key(%s, %s)", call, k, v.param)
		return v
	}
	method, isPlain := strings.CutSuffix(call, "(v)")
	switch {
	case v.put != "":
	case isPlain && modifiers == "" && !strings.Contains(method, "("):
		v.put = "(*s3db.KeyBuilder)." + method
	default:
		v.put = fmt.Sprintf("func(k *s3db.KeyBuilder, v %s) { k.%s%s }", v.typeOf, modifiers, call)
	}
	v.call = "k." + modifiers + strings.Replace(cmp.Or(call, "Enum(string(v))"), "v)", v.param+")", 1)
	return v
}

// keyType is the type of the values that a program looks up by an attribute: of a
// secret, what it holds.
func keyType(f *schema.IndexField) *schema.Type {
	if t := f.Attribute.Type; t.Kind == schema.KindSecret {
		return secretElem(t)
	}
	return f.Attribute.Type
}

// systemValue is the type of a system field, and the call that adds it to a key.
func (b *builder) systemValue(path string) (typ, call string) {
	switch path {
	case "createdAt", "updatedAt":
		return b.imports.qualified(pkgTime, "Time"), "Time(v)"
	case "_v":
		return "int", "Int(int64(v))"
	default:
		return b.r.id, "String(string(v))"
	}
}

// lastPart names the field at the end of a path.
func lastPart(path string) string {
	if path == "_v" {
		return "version"
	}
	return path[strings.LastIndexByte(path, '.')+1:]
}

// paramName is the name of a parameter that hides nothing the method needs, nor a
// package of a type of the program.
func (b *builder) paramName(name string) string {
	param := paramName(name)
	for _, p := range b.goPackages {
		if p.name() == param {
			return param + "Value"
		}
	}
	return param
}

// paramName is the name of a parameter that hides nothing the method needs.
func paramName(name string) string {
	name = unexported(cmp.Or(name, "Value"))
	if token.IsKeyword(name) || slices.Contains([]string{"c", "q", "k", "v", "ctx", "more", "s3db", "string", "append", "time", "uuid", "netip", "decimal"}, name) {
		return name + "Value"
	}
	return name
}

// partitionRead decides the methods that read one partition: the first takes
// values of the first field, each further one those of the next field, so that
// only values in the order of the fields compile.
func (b *builder) partitionRead(methods scope, i *schema.Index) *partitionRead {
	p := &partitionRead{name: i.Name, method: methods.unique(by(i.Name))}
	for n, f := range i.Fields {
		s := keyStep{keyValue: b.keyValue(f)}
		if n > 0 {
			s.method = goName(lastPart(f.Path))
			if slices.Contains([]string{"", "PartitionQuery", "Query", "All", "IDs", "List", "Count", "Between", "From", "Until",
				"Where", "OrderBy", "SortLimit", "Limit", "Offset", "After", "Collect", "First", "Page", "Plan"}, s.method) {
				s.method += "Value"
			}
		}
		if n+1 < len(i.Fields) {
			s.typ = b.pkg.unique(b.r.collection + p.method + strings.TrimPrefix(s.method, p.method))
		}
		p.steps = append(p.steps, s)
	}
	return p
}

// distincts decides the methods that list the values of a field: of the first
// field of each partition, once for each field, in the partition with the fewest
// others.
func (b *builder) distincts(methods scope) {
	list := slices.Clone(b.schema.Partitions)
	slices.SortStableFunc(list, func(x, y *schema.Index) int { return cmp.Compare(len(x.Fields), len(y.Fields)) })
	done := map[string]bool{}
	for _, i := range list {
		f := i.Fields[0]
		whole := f.MaxLength == 0 || f.Date // a key that is cut does not hold the value
		if done[f.Path] || !whole || f.Path == "id" {
			continue
		}
		done[f.Path] = true
		b.imports[pkgContext] = true
		b.r.distincts = append(b.r.distincts, &distinct{
			partition: i.Name, path: f.Path, typ: b.keyValue(f).typeOf, value: b.valueOf(f),
			method: methods.unique("Distinct" + goName(lastPart(f.Path))),
		})
	}
}

// valueOf is the value of an index field in a document that is in the index.
func (b *builder) valueOf(f *schema.IndexField) string {
	switch f.Path {
	case "createdAt", "updatedAt":
		field := "d." + goName(f.Path)
		if f.Date {
			return fmt.Sprintf("s3db.DateOf(%s.UTC())", field)
		}
		return field
	case "_v":
		return "d.Meta.StoredVersion"
	}
	steps := []string{"d"}
	for _, a := range f.Through {
		steps = append(steps, b.fields[a])
	}
	x := strings.Join(append(steps, b.fields[f.Attribute]), ".")
	switch {
	case f.Date && f.Attribute.Type.Kind == schema.KindDateTime && f.Attribute.Type.GoType != nil:
		if f.Attribute.Optional {
			x = "*" + x
		}
		return b.customs[f.Attribute.Type].day(x)
	case f.Date && f.Attribute.Type.Kind == schema.KindDateTime:
		return fmt.Sprintf("s3db.DateOf(%s.UTC())", x)
	case f.Attribute.Optional:
		return "*" + x
	}
	return x
}

// lookup decides the method that finds the holder of a unique value.
func (b *builder) lookup(methods scope, i *schema.Index) *lookup {
	l := &lookup{name: i.Name, method: methods.unique(by(i.Name))}
	b.imports[pkgContext] = true
	params := scope{}
	for _, f := range i.Fields {
		v := b.keyValue(f)
		if name := params.unique(v.param); name != v.param {
			v.call = strings.Replace(v.call, v.param+")", name+")", 1)
			v.param = name
		}
		l.values = append(l.values, v)
	}
	return l
}
