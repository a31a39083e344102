package gen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/s3dbgen/s3dbgen/schema"
)

// index decides how the keys of a partition or unique constraint are made.
func (b *builder) index(i *schema.Index) *index {
	x := &index{name: i.Name, hashed: i.Hashed}
	for _, f := range i.Fields {
		x.fields = append(x.fields, f.Path)
		x.forms = append(x.forms, form(f))
		x.key = append(x.key, b.segment(f, "d", f.Through))
	}
	return x
}

// form says how the values of a field stand in the key.
func form(f *schema.IndexField) string {
	var parts []string
	if slices.ContainsFunc(f.Through, func(a *schema.Attribute) bool { return a.Optional }) || f.Attribute != nil && f.Attribute.Optional {
		parts = append(parts, "Optional: true")
	}
	if f.Desc {
		parts = append(parts, "Desc: true")
	}
	if f.MaxLength > 0 {
		parts = append(parts, fmt.Sprintf("MaxLength: %d", f.MaxLength))
	}
	if f.Date && (f.Attribute == nil || f.Attribute.Type.Kind == schema.KindDateTime) {
		parts = append(parts, "Day: true")
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// segment is the statement that adds one value to a key: f's, reached from the
// variable root through objects. A missing optional object makes it absent.
func (b *builder) segment(f *schema.IndexField, root string, through []*schema.Attribute) string {
	for i, a := range through {
		root += "." + b.fields[a]
		if a.Optional {
			o := letter(len(f.Through) - len(through) + i)
			return fmt.Sprintf("s3db.KeyOptional(k, %s, func(k *s3db.KeyBuilder, %s %s) { %s })",
				root, o, b.types[a.Type], b.segment(f, o, through[i+1:]))
		}
	}
	k := "k"
	if f.MaxLength > 0 {
		k += fmt.Sprintf(".MaxLength(%d)", f.MaxLength)
	}
	if f.Desc {
		k += ".Desc()"
	}
	a := f.Attribute
	if a == nil {
		return systemSegment(f, k)
	}
	x := root + "." + b.fields[a]
	v := &value{}
	switch {
	case a.Type.GoType != nil:
		return b.customs[a.Type].keyPart(f, k, x)
	case a.Type.Kind == schema.KindSecret:
		if !a.Optional {
			x = "&" + x
		}
		return fmt.Sprintf("s3db.KeySecret(%s, %s, %s)", k, x, b.keyMethod(secretElem(a.Type)))
	case a.Type.Kind == schema.KindEnum:
		table := b.enums[a.Type].table
		if a.Optional {
			return fmt.Sprintf("s3db.KeyOptional(%s, %s, %s.Key)", k, x, table)
		}
		return fmt.Sprintf("%s.Key(%s, %s)", table, k, x)
	case f.Date && a.Type.Kind == schema.KindDateTime:
		if a.Optional {
			return fmt.Sprintf("s3db.KeyOptional(%s, %s, func(k *s3db.KeyBuilder, t time.Time) { k.Date(s3db.DateOf(t.UTC())) })", k, x)
		}
		return fmt.Sprintf("%s.Date(s3db.DateOf(%s.UTC()))", k, x)
	}
	b.scalar(v, a.Type.Kind)
	if b.refValue(v, a.Type); v.ref && a.Optional {
		return fmt.Sprintf("s3db.KeyOptional(%s, %s, s3db.KeyID[%s])", k, x, v.typ)
	}
	if v.ref {
		return fmt.Sprintf("%s.String(string(%s))", k, x)
	}
	if a.Optional {
		return fmt.Sprintf("s3db.KeyOptional(%s, %s, (*s3db.KeyBuilder).%s)", k, x, v.scalar)
	}
	return fmt.Sprintf("%s.%s(%s)", k, v.scalar, x)
}

// keyMethod is the function that adds a value of a type to a key.
func (b *builder) keyMethod(t *schema.Type) string {
	if t.GoType != nil {
		return b.customs[t].form + ".Key"
	}
	if t.Kind == schema.KindEnum {
		return b.enums[t].table + ".Key"
	}
	if normal := b.normal(t.Rules); normal != "" {
		return normal + ".Key"
	}
	v := &value{}
	b.scalar(v, t.Kind)
	return "(*s3db.KeyBuilder)." + v.scalar
}

// letter names the variable of the nth object on the way.
func letter(n int) string { return strings.Repeat("o", n+1) }

func systemSegment(f *schema.IndexField, k string) string {
	switch f.Path {
	case "createdAt", "updatedAt":
		field := "d.CreatedAt"
		if f.Path == "updatedAt" {
			field = "d.UpdatedAt"
		}
		if f.Date {
			return fmt.Sprintf("%s.Date(s3db.DateOf(%s.UTC()))", k, field)
		}
		return fmt.Sprintf("%s.Time(%s)", k, field)
	case "_v":
		return k + ".Int(int64(d.Meta.StoredVersion))"
	default:
		return k + ".String(string(d.ID))"
	}
}
