package schema

import (
	"slices"
	"strings"
)

// declaration is a type being read from its rules.
type declaration struct {
	*parser
	typ       *Type
	kind      Kind   // what the rules of values apply to; string for a secret
	rules     *Rules // of typ, or of what a secret holds
	scope     scope
	attribute *Attribute // nil for items
	seen      map[string]*rule

	least, most, exact, equal bound // limits given, for comparison
	defaultTo                 *rule
	example                   *rule
	only                      *rule  // unique, of a value
	allowed                   []span // places of Rules.In
	lost                      bool   // what follows may be a part of a pattern
}

// read applies rules to the declaration.
func (d *declaration) read(rules []rule) {
	if d.kind == KindNumber && slices.ContainsFunc(rules, func(r rule) bool { return r.name == "integer" && !r.arg.isFalse() }) {
		d.kind, d.typ.Kind = KindInteger, KindInteger
	}
	if d.kind == KindSecret {
		d.secret(rules)
	}
	d.place()
	for i := range rules {
		r := &rules[i]
		spec := d.rule(r.name)
		if spec == nil {
			d.unknownRule(*r)
			continue
		}
		key := ruleKey(r.name)
		if first, ok := d.seen[key]; ok {
			message := "rule " + quote(r.name) + " is given twice"
			if first.name != r.name {
				message = first.name + " and " + r.name + " say the same"
			}
			d.report(CodeDuplicateRule, r.at, "%s", message).
				help("keep one of the two").also(d.src, first.at, "first given here")
			continue
		}
		d.seen[key] = r
		if !d.applicable(spec, *r) {
			continue
		}
		spec.apply(d, *r)
	}
	d.check()
}

// ruleKey returns the name under which a rule is noted: one for rules that say the same.
func ruleKey(name string) string {
	switch name {
	case "values":
		return "enum"
	case "properties":
		return "fields"
	}
	return name
}

// secret prepares the type of what a secret holds: a string unless items says.
func (d *declaration) secret(rules []rule) {
	if slices.ContainsFunc(rules, func(r rule) bool { return r.name == "items" }) {
		return
	}
	d.typ.Elem = &Type{Pos: d.typ.Pos, Kind: KindString}
	d.kind, d.rules = KindString, &d.typ.Elem.Rules
}

// place checks that a type may stand where it does.
func (d *declaration) place() {
	kind := d.typ.Kind
	if kind != KindSecret && kind != KindPassword {
		return
	}
	at := span{pos: d.typ.Pos}
	switch {
	case d.scope.secret:
		d.report(CodeSecretPlace, at, "a %s cannot be inside a secret", kind).help("what a secret holds is encrypted already: write string")
	case d.scope.container != "":
		report := d.report(CodeSecretPlace, at, "a %s cannot be inside %s", kind, article(d.scope.container))
		if kind == KindPassword {
			report.help("make it an attribute of the resource itself")
		} else {
			report.help("encrypt the whole: {type: secret, items: {type: %s, items: …}}", d.scope.container)
		}
	case kind == KindPassword && !d.scope.top():
		d.report(CodeSecretPlace, at, "a password must be an attribute of the resource itself, not of a nested object").
			help("move it out of the object, or make it a secret")
	}
}

// article puts an article before a noun or the name of a kind.
func article(noun string) string {
	switch {
	case noun == string(KindJSON), noun == string(KindBytes):
		return noun
	case strings.ContainsRune("aeio", rune(noun[0])): // "u" begins url, uuid and unique only
		return "an " + noun
	}
	return "a " + noun
}

// applicable reports whether a rule applies here, and says so if not.
func (d *declaration) applicable(spec *ruleSpec, r rule) bool {
	if attributeOnly := spec.of == nil && (r.name != "unique" || d.kind != KindArray); attributeOnly && d.attribute == nil {
		d.report(CodePlace, r.at, "rule %s is for attributes, not for items", quote(r.name)).
			help("%s", map[bool]string{true: "items are never absent: remove it", false: "move it to the attribute"}[r.name == "optional" || r.name == "required"])
		return false
	}
	kind := d.kind
	if spec.applies(d.typ.Kind) {
		kind = d.typ.Kind
	}
	if spec.of == nil || spec.of(kind) {
		return true
	}
	report := d.report(CodeRuleKind, r.at, "rule %s does not apply to %s", quote(r.name), article(string(d.typ.Kind)))
	switch {
	case d.typ.Kind == KindSecret:
		report.help("rules of what a secret holds are written in its items: {type: secret, items: \"%s|%s:…\"}", KindInteger, r.name)
	case d.typ.Kind == KindArray && d.typ.Elem != nil && spec.of(d.typ.Elem.Kind):
		report.help("rules of items are written with the items: {type: array, items: \"%s|%s…\"}", d.typ.Elem.Kind, r.name)
	case r.name == "values" && (d.typ.Kind == KindMap || d.typ.Kind == KindArray):
		report.help("write items for what a map or an array holds")
	case r.name == "values" && d.typ.Kind.isText():
		report.help("write enum")
	default:
		report.help("%s", appliesTo(spec))
	}
	return false
}

// appliesTo lists the kinds of a rule.
func appliesTo(spec *ruleSpec) string {
	var names []string
	for _, name := range kindNames() {
		if spec.applies(Kind(name)) {
			names = append(names, name)
		}
	}
	return spec.name + " applies to " + strings.Join(names, ", ")
}

func (d *declaration) unknownRule(r rule) {
	if d.lost {
		return
	}
	if Kind(r.name).known() || kindHint(r.name) != "" {
		d.report(CodeUnknownRule, r.at, "%s is a type, but the type is %s already", quote(r.name), d.typ.Kind).
			help("keep one type, at the begin")
		return
	}
	report := d.report(CodeUnknownRule, r.at, "unknown rule %s", quote(r.name))
	if hint := ruleHint(r.name); hint != "" {
		report.help("%s", hint)
		return
	}
	var names []string
	for _, spec := range d.specs {
		if spec.of == nil || spec.of(d.kind) || spec.applies(d.typ.Kind) {
			names = append(names, spec.name)
		}
	}
	c := closest(r.name, names)
	switch {
	case c != "":
		report.help("did you mean %s?", quote(c))
	case r.arg.node != nil && (r.arg.node.kind == mappingNode || looksLikeType(r.arg.node)):
		report.help("a mapping with the key type gives rules; an object with an attribute named type is written {type: object, fields: {type: …}}")
	default:
		report.help("use one of: %s", strings.Join(names, ", "))
	}
}

// looksLikeType reports whether a value could be the rule string of an attribute.
func looksLikeType(n *node) bool {
	name, _, _ := strings.Cut(n.value, "|")
	return n.isText() && Kind(name).known()
}
