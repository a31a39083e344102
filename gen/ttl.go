package gen

import "fmt"

// ttl is the literal that says when documents expire; "" when they do not.
func (b *builder) ttl() string {
	t := b.schema.TTL
	if t == nil {
		return ""
	}
	var l literal
	if t.For > 0 {
		l.add("For", b.duration(t.For))
	}
	l.add("Every", b.duration(t.Every()))
	switch {
	case t.Attribute != nil:
		pointer := "&d." + b.fields[t.Attribute]
		if t.Attribute.Optional {
			pointer = pointer[1:]
		}
		if v := b.customs[t.Attribute.Type]; v != nil {
			pointer = fmt.Sprintf("%s.StoredPointer(%s)", v.form, pointer)
		}
		l.add("After", fmt.Sprintf("func(d *%s) *%s { return %s }", b.r.document, b.imports.qualified(pkgTime, "Time"), pointer))
	case t.After == "updatedAt":
		l.flag("Updated", true)
	}
	return "&" + l.of(fmt.Sprintf("%s[%s]", b.imports.rt("TTL"), b.r.document))
}

// swept are the collections whose documents expire.
func (p *program) swept() []string {
	var list []string
	for _, r := range p.resources {
		if r.ttl != "" {
			list = append(list, "db."+r.field)
		}
	}
	return list
}
