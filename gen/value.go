package gen

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/s3dbgen/s3dbgen/schema"
)

// value decides the Go type of a type of the schema. What describes it in
// comments; optional matters for types that have nil for "absent".
func (b *builder) value(what string, t *schema.Type, optional bool) *value {
	if t.GoType != nil {
		return b.custom(b.kindValue(what, t, optional && absentIsNil(t)), t)
	}
	return b.kindValue(what, t, optional)
}

// kindValue decides the Go type of a kind.
func (b *builder) kindValue(what string, t *schema.Type, optional bool) *value {
	v := &value{}
	switch t.Kind {
	case schema.KindEnum:
		b.enumValue(v, what, t)
	case schema.KindArray:
		v.kind = arrayValue
		v.elem = b.value("an item of "+what, t.Elem, false)
		v.typ = "[]" + v.elem.typ
	case schema.KindMap:
		v.kind = dictValue
		v.elem = b.value("a value of "+what, t.Elem, false)
		v.typ = "map[string]" + v.elem.typ
	case schema.KindSecret:
		v.kind = secretValue
		v.elem = b.value(what, secretElem(t), false)
		v.typ = fmt.Sprintf("%s[%s]", b.imports.rt("Secret"), v.elem.typ)
	case schema.KindPassword:
		v.kind, v.scalar = passwordValue, "Password"
		v.typ = b.imports.rt("PasswordHash")
	case schema.KindObject:
		if t.Fields == nil {
			v.kind, v.scalar, v.typ = mapValue, "Object", "map[string]any"
		} else {
			b.objectValue(v, what, t)
		}
	default:
		b.scalar(v, t.Kind)
		b.refValue(v, t)
	}
	b.rulesLiteral(v, t, optional)
	return v
}

// secretElem returns what a secret holds: a string unless the schema says more.
func secretElem(t *schema.Type) *schema.Type {
	if t.Elem == nil {
		return &schema.Type{Pos: t.Pos, Kind: schema.KindString}
	}
	return t.Elem
}

func (b *builder) scalar(v *value, k schema.Kind) {
	switch k {
	case schema.KindNumber:
		v.scalar, v.typ = "Float", "float64"
	case schema.KindInteger:
		v.scalar, v.typ = "Int", "int64"
	case schema.KindBoolean:
		v.scalar, v.typ = "Bool", "bool"
	case schema.KindDate:
		v.scalar, v.typ = "Date", b.imports.rt("Date")
	case schema.KindDateTime:
		v.scalar, v.typ = "Time", b.imports.qualified(pkgTime, "Time")
	case schema.KindDuration:
		v.scalar, v.typ = "Duration", b.imports.qualified(pkgTime, "Duration")
	case schema.KindUUID:
		v.scalar, v.typ = "UUID", b.imports.qualified(pkgUUID, "UUID")
	case schema.KindIP4, schema.KindIP6, schema.KindIP:
		v.scalar, v.typ = "IP", b.imports.qualified(pkgNetip, "Addr")
	case schema.KindDecimal:
		v.scalar, v.typ = "Decimal", b.imports.qualified(pkgDecimal, "Decimal")
	case schema.KindBytes:
		v.kind, v.scalar, v.typ = sliceValue, "Bytes", "[]byte"
	case schema.KindJSON:
		v.kind, v.scalar, v.typ = sliceValue, "JSON", b.imports.qualified(pkgJSON, "RawMessage")
	default: // string, text, email, url
		v.scalar, v.typ = "String", "string"
	}
}

// refValue makes a string that holds an id one of the type of that id.
func (b *builder) refValue(v *value, t *schema.Type) {
	if t.Ref != nil {
		v.ref, v.typ = true, b.resources[t.Ref].id()
	}
}

// enumConstant is the constant of a value of an enum. Types of the program have their
// own, so that the value is written as it is stored.
func (n *namer) enumConstant(t *schema.Type, x *schema.EnumValue) string {
	if t.GoType != nil {
		return strconv.Quote(x.Name)
	}
	return n.constants[x]
}

func (b *builder) enumValue(v *value, what string, t *schema.Type) {
	e := b.enums[t]
	if e == nil {
		name := b.types[t]
		e = &enum{
			name:     name,
			doc:      []string{fmt.Sprintf("%s is %s.", name, what)},
			declared: t.GoType == nil,
			of:       name,
			table:    b.local(unexported(name) + "Values"),
		}
		if !e.declared {
			e.name, e.of = "string", what
		}
		for i := range t.Enum {
			x := &t.Enum[i]
			e.constants = append(e.constants, constant{
				name:   b.enumConstant(t, x),
				value:  x.Name,
				number: x.Number,
				doc:    docText("", x.Description, x.Deprecated),
			})
		}
		b.enums[t] = e
		b.r.enums = append(b.r.enums, e)
	}
	v.kind, v.enum, v.typ = enumValue, e, e.name
}

func (b *builder) objectValue(v *value, what string, t *schema.Type) {
	o := b.objects[t]
	if o == nil {
		name := b.types[t]
		at := len(b.r.objects)
		o = b.object(name, []string{fmt.Sprintf("%s is %s.", name, what)}, t.Fields)
		b.objects[t] = o
		b.r.objects = append(b.r.objects, nil)
		copy(b.r.objects[at+1:], b.r.objects[at:]) // before those that it holds
		b.r.objects[at] = o
	}
	v.kind, v.object, v.typ, v.normalizes = objectValue, o, o.name, o.normalizes
}

// element makes sure that the value has functions that write and read it as an
// item of a container. Names start with name.
func (b *builder) element(name string, v *value) {
	if v.put != "" {
		return
	}
	switch v.kind {
	case enumValue:
		v.put, v.get = v.enum.table+".Encode", v.enum.table+".Decode"
	case customValue:
		v.put, v.get = v.form+".Encode", v.form+".Decode"
	case objectValue:
		if v.object.put == "" {
			v.object.put, v.object.get = b.local("put"+v.object.name), b.local("get"+v.object.name)
		}
		v.put, v.get = v.object.put, v.object.get
	case arrayValue, dictValue, secretValue:
		b.element(name+"Item", v.elem)
		if v.kind == secretValue {
			name += "Secret" // beside the functions of what it holds
		}
		i := &item{put: b.local("put" + name), get: b.local("get" + name), value: v}
		v.put, v.get = i.put, i.get
		b.r.items = append(b.r.items, i)
	default:
		if v.ref {
			v.put, v.get = fmt.Sprintf("%s[%s]", b.imports.rt("EncodeID"), v.typ), fmt.Sprintf("%s[%s]", b.imports.rt("DecodeID"), v.typ)
			return
		}
		v.put = fmt.Sprintf("(*%s).%s", b.imports.rt("Encoder"), v.scalar)
		v.get = fmt.Sprintf("(*%s).%s", b.imports.rt("Decoder"), v.scalar)
	}
}

// codec prepares the functions that a field needs: those of its items, and its
// own when it is optional.
func (b *builder) codec(name string, f *field) {
	v := f.value
	switch {
	case v.elem != nil:
		b.element(name+"Item", v.elem)
		if f.pointer() {
			b.element(name, v)
		}
	case f.pointer() && v.kind != objectValue:
		b.element(name, v)
	}
}

// encode is the statement that writes the field of d to e.
func (f *field) encode() string {
	v, at := f.value, fmt.Sprintf("%d, d.%s", f.number, f.name)
	switch {
	case f.pointer() && v.kind == objectValue:
		return fmt.Sprintf("s3db.EncodeObject(e, %s, %s)", at, v.object.encode)
	case f.pointer():
		return fmt.Sprintf("s3db.EncodeOptional(e, %s, %s)", at, v.put)
	}
	return v.encode("e", fmt.Sprint(f.number), "d."+f.name)
}

// encode is the statement that writes x as field or item n.
func (v *value) encode(encoder, n, x string) string {
	switch v.kind {
	case enumValue:
		return fmt.Sprintf("%s.Encode(%s, %s, %s)", v.enum.table, encoder, n, x)
	case customValue:
		return fmt.Sprintf("%s.Encode(%s, %s, %s)", v.form, encoder, n, x)
	case objectValue:
		return fmt.Sprintf("s3db.EncodeObject(%s, %s, &%s, %s)", encoder, n, x, v.object.encode)
	case arrayValue:
		return fmt.Sprintf("s3db.EncodeArray(%s, %s, %s, %s)", encoder, n, x, v.elem.put)
	case dictValue:
		return fmt.Sprintf("s3db.EncodeMap(%s, %s, %s, %s)", encoder, n, x, v.elem.put)
	case secretValue:
		return fmt.Sprintf("s3db.EncodeSecret(%s, %s, %s, %s)", encoder, n, x, v.elem.put)
	default:
		if v.ref {
			x = "string(" + x + ")"
		}
		return fmt.Sprintf("%s.%s(%s, %s)", encoder, v.scalar, n, x)
	}
}

// decode is the statement that reads the field of d from r.
func (f *field) decode() string {
	v, x := f.value, "d."+f.name
	switch {
	case f.pointer() && v.kind == objectValue:
		return fmt.Sprintf("%s = s3db.DecodeOptionalObject(r, %d, %s)", x, f.number, v.object.decode)
	case f.pointer():
		return fmt.Sprintf("%s = s3db.DecodeOptional(r, %d, %s)", x, f.number, v.get)
	case v.kind == objectValue:
		return fmt.Sprintf("s3db.DecodeObject(r, %d, &%s, %s)", f.number, x, v.object.decode)
	}
	return fmt.Sprintf("%s = %s", x, v.decode("r", fmt.Sprint(f.number)))
}

// decode is the expression that reads field or item n.
func (v *value) decode(decoder, n string) string {
	switch v.kind {
	case enumValue:
		return fmt.Sprintf("%s.Decode(%s, %s)", v.enum.table, decoder, n)
	case customValue:
		return fmt.Sprintf("%s.Decode(%s, %s)", v.form, decoder, n)
	case arrayValue:
		return fmt.Sprintf("s3db.DecodeArray(%s, %s, %s)", decoder, n, v.elem.get)
	case dictValue:
		return fmt.Sprintf("s3db.DecodeMap(%s, %s, %s)", decoder, n, v.elem.get)
	case secretValue:
		return fmt.Sprintf("s3db.DecodeSecret(%s, %s, %s)", decoder, n, v.elem.get)
	default:
		if v.ref {
			return fmt.Sprintf("%s(%s.%s(%s))", v.typ, decoder, v.scalar, n)
		}
		return fmt.Sprintf("%s.%s(%s)", decoder, v.scalar, n)
	}
}

// quoted returns strings as Go literals, separated by commas.
func quoted(list []string) string {
	var b strings.Builder
	for i, s := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", s)
	}
	return b.String()
}
