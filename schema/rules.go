package schema

import (
	"slices"
)

// ruleSpec is what there is to know of a rule.
type ruleSpec struct {
	name  string
	of    func(Kind) bool // the kinds that it applies to; nil for attributes of any kind
	apply func(d *declaration, r rule)
}

// toggle makes the apply function of a rule that is on or off.
func toggle(set func(d *declaration)) func(*declaration, rule) {
	return func(d *declaration, r rule) {
		if d.flag(r) {
			set(d)
		}
	}
}

// textRule makes the apply function of a rule with a text.
func textRule(field func(*Rules) *string) func(*declaration, rule) {
	return func(d *declaration, r rule) {
		if text, ok := d.text(r); ok {
			*field(d.rules) = text
		}
	}
}

// oneOf makes the kinds of a rule that applies to few.
func oneOf(kinds ...Kind) func(Kind) bool {
	return func(k Kind) bool { return slices.Contains(kinds, k) }
}

// textBut makes the kinds of a rule of texts that does not apply to one of them.
func textBut(kind Kind) func(Kind) bool {
	return func(k Kind) bool { return k.isText() && k != kind }
}

// ruleSpecs returns all rules, in the order of the documentation.
func ruleSpecs() []ruleSpec {
	return []ruleSpec{
		// Of attributes.
		{"optional", nil, toggle(func(d *declaration) { d.attribute.Optional = true })},
		{"required", nil, toggle(func(*declaration) {})},
		{"unique", nil, (*declaration).unique},
		{"immutable", nil, toggle((*declaration).immutable)},
		{"default", nil, func(d *declaration, r rule) { d.defaultTo = &r }},
		{"was", nil, (*declaration).was},
		{"migrate", nil, toggle((*declaration).migrate)},
		{"go", nil, func(d *declaration, r rule) {
			if name, ok := d.text(r); ok && d.goName(r.arg.at, name) {
				d.attribute.GoName = name
			}
		}},
		{"description", nil, func(d *declaration, r rule) {
			if text, ok := d.text(r); ok {
				d.attribute.Description = text
			}
		}},
		{"deprecated", nil, func(d *declaration, r rule) {
			if r.arg.node != nil {
				d.deprecated(r.arg.node, &d.attribute.Deprecated)
			} else if text, ok := d.text(r); ok {
				d.attribute.Deprecated = text
			}
		}},

		// Of single values.
		{"goType", Kind.hasGoType, (*declaration).goType},

		// Of values with an order or a size.
		{"min", Kind.isOrdered, func(d *declaration, r rule) { d.limit(r, &d.least) }},
		{"max", Kind.isOrdered, func(d *declaration, r rule) { d.limit(r, &d.most) }},
		{"length", Kind.isSized, func(d *declaration, r rule) { d.limit(r, &d.exact) }},
		{"empty", Kind.isSized, (*declaration).empty},

		// Of numbers.
		{"integer", oneOf(KindInteger, KindNumber), toggle(func(*declaration) {})},
		{"positive", Kind.isQuantity, toggle(func(d *declaration) { d.rules.Positive = true })},
		{"negative", Kind.isQuantity, toggle(func(d *declaration) { d.rules.Negative = true })},
		{"equal", Kind.isNumber, func(d *declaration, r rule) { d.limit(r, &d.equal) }},
		{"notEqual", Kind.isNumber, func(d *declaration, r rule) {
			if b, ok := d.bound(r); ok {
				d.rules.NotEqual = b.text
			}
		}},

		// Of texts.
		{"pattern", Kind.isText, (*declaration).pattern},
		{"contains", Kind.isText, textRule(func(r *Rules) *string { return &r.Contains })},
		{"startsWith", Kind.isText, textRule(func(r *Rules) *string { return &r.StartsWith })},
		{"endsWith", Kind.isText, textRule(func(r *Rules) *string { return &r.EndsWith })},
		{"enum", oneOf(KindEnum, KindString, KindText, KindEmail, KindURL), (*declaration).enum},
		{"alpha", Kind.isPlain, toggle(func(d *declaration) { d.rules.Alpha = true })},
		{"numeric", Kind.isPlain, toggle(func(d *declaration) { d.rules.Numeric = true })},
		{"alphanum", Kind.isPlain, toggle(func(d *declaration) { d.rules.Alphanum = true })},
		{"alphadash", Kind.isPlain, toggle(func(d *declaration) { d.rules.Alphadash = true })},
		{"hex", Kind.isPlain, toggle(func(d *declaration) { d.rules.Hex = true })},
		{"base64", Kind.isPlain, toggle(func(d *declaration) { d.rules.Base64 = true })},
		{"singleLine", Kind.isText, toggle(func(d *declaration) { d.rules.SingleLine = true })},
		{"trim", textBut(KindPassword), toggle(func(d *declaration) { d.rules.Trim = true })},
		{"lowercase", oneOf(KindString, KindText, KindEmail), toggle(func(d *declaration) { d.rules.Lowercase = true })},
		{"uppercase", Kind.isPlain, toggle(func(d *declaration) { d.rules.Uppercase = true })},
		{"normalize", oneOf(KindEmail), toggle(func(d *declaration) { d.rules.Trim, d.rules.Lowercase = true, true })},

		{"example", Kind.isText, func(d *declaration, r rule) {
			if text, ok := d.text(r); ok {
				d.rules.Example, d.example = text, &r
			}
		}},

		// Of one kind.
		{"values", oneOf(KindEnum), (*declaration).enum},
		{"version", oneOf(KindUUID), func(d *declaration, r rule) {
			if n, ok := d.number(r, 1, 8); ok {
				d.rules.UUIDVersion = n
			}
		}},
		{"schemes", oneOf(KindURL), (*declaration).schemes},
		{"items", oneOf(KindArray, KindMap, KindSecret), (*declaration).items},
		{"fields", oneOf(KindObject), (*declaration).objectFields},
		{"properties", oneOf(KindObject), (*declaration).objectFields},
		{"generate", oneOf(KindSecret, KindPassword), (*declaration).generate},
	}
}

// applies reports whether a rule of values applies to k.
func (s *ruleSpec) applies(k Kind) bool { return s.of != nil && s.of(k) }

// ruleHint says what to write for a rule of other systems, "" when none is known.
func ruleHint(name string) string {
	return map[string]string{
		"maxlength": "write max", "maxLength": "write max", "minlength": "write min", "minLength": "write min",
		"maximum": "write max", "minimum": "write min", "size": "write length", "len": "write length",
		"minItems": "write min", "maxItems": "write max", "minProps": "write min", "maxProps": "write max",
		"regex": "write pattern", "regexp": "write pattern", "match": "write pattern",
		"in": "write enum", "oneOf": "write enum", "choices": "write values", "prefix": "write startsWith", "suffix": "write endsWith",
		"nullable": "write optional", "nullish": "write optional", "null": "write optional", "notNull": "attributes are required unless optional: remove it",
		"readonly": "write immutable", "readOnly": "write immutable", "lower": "write lowercase", "upper": "write uppercase",
		"uniqueItems": "write unique", "props": "write fields", "rename": "write was", "renamedFrom": "write was", "comment": "write description", "doc": "write description",
		"convert":   "values in Go are typed already: remove it",
		"strict":    "objects with fields hold these fields only: remove it",
		"mode":      "remove it",
		"of":        "write items",
		"custom":    "a check of your own is a hook, registered in Go",
		"trimLeft":  "write trim",
		"trimRight": "write trim",
		"partition": "partitions are an option of the resource",
		"index":     "partitions are an option of the resource",
	}[name]
}

// rule returns what there is to know of a rule, nil when there is none of the name.
func (p *parser) rule(name string) *ruleSpec {
	for i := range p.specs {
		if p.specs[i].name == name {
			return &p.specs[i]
		}
	}
	return nil
}
