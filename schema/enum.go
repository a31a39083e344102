package schema

import (
	"strings"
	"unicode"
)

// maxEnumName bounds the name of an enum value, in bytes; it can be part of a key.
const maxEnumName = 128

// enum reads the values of an enum, or the allowed values of a text.
func (d *declaration) enum(r rule) {
	if r.arg.node != nil && r.arg.node.kind == mappingNode {
		d.report(CodeWrongNode, r.arg.at, "%s must be a list, this is a mapping", r.name).
			help("write a list; a value with options is {name: …, go: …}")
		return
	}
	before := len(d.found)
	seen := map[string]span{}
	for _, a := range d.arguments(r) {
		v := EnumValue{Pos: a.at.pos, Name: a.text}
		at, keep := a.at, true
		if a.node != nil && a.node.kind != scalarNode {
			if at, keep = d.enumValue(a.node, &v); !keep && v.Name == "" {
				continue
			}
		} else if a.node != nil && a.node.isNull() {
			d.report(CodeEnumValues, at, "a value of an enum must be a text, this is nothing").help("quote it if null is meant: \"null\"")
			continue
		}
		if first, ok := seen[v.Name]; ok {
			d.report(CodeEnumValues, at, "value %s is given twice", quote(v.Name)).
				help("remove one of the two").also(d.src, first, "first given here")
			continue
		}
		seen[v.Name] = at
		fault := enumFault(v.Name)
		if d.typ.Kind != KindEnum && a.node != nil {
			fault = "" // any text may be an allowed value
		}
		if fault != "" {
			d.report(CodeEnumValues, at, "value %s %s", quote(v.Name), fault)
			continue
		}
		if !keep {
			d.typ.removed = append(d.typ.removed, v.Name)
			continue
		}
		if d.typ.Kind == KindEnum {
			d.typ.Enum = append(d.typ.Enum, v)
		} else {
			d.rules.In = append(d.rules.In, v.Name)
			d.allowed = append(d.allowed, at)
		}
	}
	if len(d.typ.Enum)+len(d.rules.In) == 0 && len(d.found) == before {
		d.report(CodeEnumValues, r.at, "%s needs at least one value", quote(r.name)).help("write enum:small,large")
	}
}

// enumValue reads a value with options; keep is false when it is removed or has no name.
func (d *declaration) enumValue(n *node, v *EnumValue) (at span, keep bool) {
	at = n.span()
	if n.kind != mappingNode || d.typ.Kind != KindEnum {
		d.report(CodeWrongNode, at, "an allowed value must be a text, this is %s", n.what())
		return at, false
	}
	removed := false
	d.options(n, "a value of an enum", []option{
		{"name", func(_, n *node) {
			at = n.span()
			d.readText(n, "name", &v.Name)
			v.Pos = at.pos
		}},
		{"go", func(_, n *node) {
			// A suffix of the constant, as Admin in UserRoleAdmin.
			if d.readText(n, "go", &v.GoName) && !goSuffix(v.GoName) {
				d.report(CodeGoName, n.span(), "%s cannot end the name of a Go constant", quote(v.GoName)).
					help("use letters, digits and _ only, as in Admin for UserRoleAdmin")
			}
		}},
		{"was", func(_, n *node) { d.readText(n, "was", &v.Was) }},
		{"description", func(_, n *node) { d.readText(n, "description", &v.Description) }},
		{"deprecated", func(_, n *node) { d.deprecated(n, &v.Deprecated) }},
		{"removed", func(_, n *node) { d.readBool(n, "removed", &removed) }},
	}, map[string]string{"value": "write name", "const": "write go"})
	if _, ok := n.get("name"); !ok {
		d.report(CodeEnumValues, span{pos: n.pos}, "a value of an enum needs a name").help("write {name: …}")
	}
	return at, !removed && v.Name != ""
}

func goSuffix(name string) bool {
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' {
			return false
		}
	}
	return name != "" && len(name) <= maxName
}

// enumFault says why a text cannot be a value of an enum, "" if it can.
func enumFault(name string) string {
	switch {
	case name == "":
		return "is empty"
	case strings.TrimSpace(name) != name:
		return "begins or ends with a blank"
	case len(name) > maxEnumName:
		return "is longer than 128 bytes"
	case strings.ContainsFunc(name, unicode.IsControl):
		return "contains a control character"
	}
	return ""
}

// checkEnum reports an enum without values.
func (d *declaration) checkEnum() {
	if _, given := d.seen["enum"]; d.typ.Kind == KindEnum && !given {
		d.report(CodeEnumValues, span{pos: d.typ.Pos}, "an enum needs values").help("write enum:small,large")
	}
}
