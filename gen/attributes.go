package gen

import (
	"fmt"
	"slices"
	"strings"
)

// attributeTable lists the attributes of an object for the predicates and orders
// of queries.
type attributeTable struct {
	name, make string           // the type and the function that makes it
	where      string           // variable for the object itself as the document; "" when it is never one
	groups     []attributeGroup // of fields of one type
	values     []string         // elements of the literal, in the order of the schema
}

// attributeGroup are fields of one type.
type attributeGroup struct {
	names []string
	typ   string
}

func (t *attributeTable) add(name, typ, value string) {
	at := slices.IndexFunc(t.groups, func(g attributeGroup) bool { return g.typ == typ })
	if at < 0 {
		t.groups = append(t.groups, attributeGroup{typ: typ})
		at = len(t.groups) - 1
	}
	t.groups[at].names = append(t.groups[at].names, name)
	t.values = append(t.values, name+": "+value)
}

// attributes decides the table of an object and of those in it. Passwords have no
// place in it, and of secrets only those that are part of a unique constraint.
func (b *builder) attributes(o *object) *attributeTable {
	if o.attributes != nil {
		return o.attributes
	}
	t := &attributeTable{name: b.pkg.unique(o.name + "Attributes")}
	t.make = b.local(unexported(t.name))
	o.attributes = t
	get := func(name, typ, x string) string {
		return fmt.Sprintf("%q, func(d *%s) %s { return %s }", name, o.name, typ, x)
	}
	root := o == b.r.root
	if root {
		t.add("ID", fmt.Sprintf("s3db.TextAttr[D, %s]", b.r.id), fmt.Sprintf("s3db.IDAt(at, func(d *%s) *%s { return &d.ID })", o.name, b.r.id))
	}
	for _, f := range o.fields {
		v, x := f.value, "d."+f.name
		pointer := "&" + x
		if f.pointer() {
			pointer = x
		}
		scalar := func(v *value, of string) string {
			switch v.scalar {
			case "String":
				return fmt.Sprintf("s3db.TextAttr[D, %s]", of)
			case "Bool":
				return fmt.Sprintf("s3db.EqualAttr[D, %s]", of)
			}
			return fmt.Sprintf("s3db.OrderedAttr[D, %s]", of)
		}
		switch {
		case f.key != "":
			t.add(f.name, fmt.Sprintf("s3db.EqualAttr[D, %s]", v.elem.typ),
				fmt.Sprintf("s3db.SecretAt(at, %q, %s, func(d *%s) *%s { return %s })", f.attribute, f.key, o.name, v.typ, pointer))
		case v.kind == secretValue || v.kind == passwordValue:
		case v.kind == customValue:
			typ, call := v.attribute()
			if typ == "" {
				set := fmt.Sprintf("%q, func(*%s) bool { return true }", f.attribute, o.name)
				if f.optional || v.absent {
					set = get(f.attribute, "bool", x+" != nil")
				}
				t.add(f.name, "s3db.AnyAttr[D]", fmt.Sprintf("s3db.ValueAt(at, %s)", set))
				break
			}
			t.add(f.name, fmt.Sprintf("s3db.%s[D, %s]", typ, v.typ),
				"s3db."+fmt.Sprintf(call, f.attribute, fmt.Sprintf("func(d *%s) *%s { return %s }", o.name, v.typ, pointer)))
		case v.ref:
			t.add(f.name, fmt.Sprintf("s3db.TextAttr[D, %s]", v.typ), fmt.Sprintf("s3db.RefAt(at, %s)", get(f.attribute, "*"+v.typ, pointer)))
		case v.normal != "" && v.kind == plainValue:
			t.add(f.name, scalar(v, v.typ), fmt.Sprintf("s3db.NormalAt(at, %q, %s, func(d *%s) *%s { return %s })", f.attribute, v.normal, o.name, v.typ, pointer))
		case v.kind == plainValue:
			t.add(f.name, scalar(v, v.typ), fmt.Sprintf("s3db.%sAt(at, %s)", v.scalar, get(f.attribute, "*"+v.typ, pointer)))
		case v.kind == enumValue:
			t.add(f.name, fmt.Sprintf("s3db.EqualAttr[D, %s]", v.typ), fmt.Sprintf("s3db.EnumAt(at, %s)", get(f.attribute, "*"+v.typ, pointer)))
		case v.kind == objectValue:
			inner := b.attributes(v.object)
			t.add(f.name, inner.name+"[D]", fmt.Sprintf("%s(s3db.ObjectAt(at, %s))", inner.make, get(f.attribute, "*"+v.typ, pointer)))
		case v.kind == arrayValue && v.elem.kind == objectValue:
			inner := b.attributes(v.elem.object)
			if inner.where == "" {
				inner.where = b.pkg.unique(v.elem.object.name + "Where")
			}
			t.add(f.name, fmt.Sprintf("s3db.ObjectsAttr[D, *%s]", v.elem.typ), fmt.Sprintf("s3db.ItemsAt(at, %s)", get(f.attribute, v.typ, x)))
		case v.kind == arrayValue && (v.elem.kind == plainValue || v.elem.kind == enumValue || v.elem.kind == customValue && v.elem.stored.kind != sliceValue):
			put := "(*s3db.KeyBuilder)." + v.elem.scalar
			switch {
			case v.elem.kind == enumValue:
				put = v.elem.enum.table + ".Key"
			case v.elem.kind == customValue:
				put = v.elem.form + ".Key"
			case v.elem.normal != "":
				put = v.elem.normal + ".Key"
			}
			t.add(f.name, fmt.Sprintf("s3db.ArrayAttr[D, %s]", v.elem.typ),
				fmt.Sprintf("s3db.ValuesAt(at, %q, %s, func(d *%s) %s { return %s })", f.attribute, put, o.name, v.typ, x))
		default:
			t.add(f.name, "s3db.AnyAttr[D]", fmt.Sprintf("s3db.ValueAt(at, %s)", get(f.attribute, "bool", x+" != nil")))
		}
	}
	if root {
		t.where = b.pkg.unique(o.name + "Where")
		if b.r.times {
			for _, name := range []string{"createdAt", "updatedAt"} {
				t.add(goName(name), "s3db.OrderedAttr[D, time.Time]", fmt.Sprintf("s3db.TimeAt(at, %s)", get(name, "*time.Time", "&d."+goName(name))))
			}
		}
	}
	return t
}

// example is a predicate for the documentation.
func (t *attributeTable) example() string {
	for _, g := range t.groups {
		for _, name := range g.names {
			if name != "ID" && (strings.Contains(g.typ, "TextAttr") || strings.Contains(g.typ, "EqualAttr") || strings.Contains(g.typ, "OrderedAttr")) {
				return fmt.Sprintf("%s.%s.Eq(…)", t.where, name)
			}
		}
	}
	return t.where
}
