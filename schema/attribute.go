package schema

import "slices"

// scope is where a type stands.
type scope struct {
	resource  *Resource
	prefix    string       // path of the object, with a "." at the end
	through   []*Attribute // objects on the way
	container string       // "array" or "map" when inside one
	secret    bool         // inside a secret
}

// top reports whether attributes of s are those of the resource itself.
func (s scope) top() bool { return s.prefix == "" }

// attributes reads the attributes of a resource.
func (p *parser) attributes(r *Resource, n *node) {
	if p.filled(n, "attributes", "attribute") {
		r.Attributes = p.fields(n, scope{resource: r})
	}
}

// fields reads the attributes of a resource or of a nested object.
func (p *parser) fields(n *node, s scope) []*Attribute {
	var all []*Attribute
	for _, pair := range n.pairs {
		if pair.key.value == "$$type" && !s.top() {
			continue
		}
		all = append(all, p.attribute(pair.key, pair.value, s))
	}
	return all
}

// attribute reads one attribute. One with a bad name is returned like others, so
// that partitions which name it are not reported as well.
func (p *parser) attribute(key, value *node, s scope) *Attribute {
	a := &Attribute{Pos: key.span().pos, Name: key.value, Path: s.prefix + key.value}
	if p.attributeName(key) && s.top() {
		if why := s.resource.reserved(key.value); why != "" {
			p.report(CodeReservedName, key.span(), "%s cannot name an attribute: %s", quote(key.value), why).
				help("%s", reservedHelp(key.value))
		}
	}
	a.Type = p.typeOf(value, s, a)
	return a
}

// typeOf reads a type in any of its forms. The attribute is nil for items. The
// result is never nil; its Kind is "" when the type is not known.
func (p *parser) typeOf(n *node, s scope, a *Attribute) *Type {
	t := &Type{Pos: n.span().pos}
	switch {
	case n.isText() && n.value != "":
		p.declare(t, p.splitRules(n), s, a)
	case n.kind == scalarNode:
		p.report(CodeMissingType, n.span(), "%s has no type", subject(a)).help("write a type, such as string")
	case n.kind == sequenceNode:
		p.report(CodeWrongNode, n.span(), "%s must be a type, this is a list", subject(a)).
			help("an array is written array|items:string, a choice of texts enum:a,b,c")
	default:
		if _, ok := n.get("type"); ok {
			p.longForm(t, n, s, a)
		} else {
			p.nested(t, n, s, a)
		}
	}
	return t
}

// subject names what a type belongs to, for messages.
func subject(a *Attribute) string {
	if a == nil {
		return "items"
	}
	return "attribute " + quote(a.Name)
}

// longForm reads a mapping with the key type: {type: string, min: 2}.
func (p *parser) longForm(t *Type, n *node, s scope, a *Attribute) {
	given, _ := n.get("type")
	if !given.value.isText() || given.value.value == "" {
		p.report(CodeWrongNode, given.value.span(), "type must be the name of a type, this is %s", given.value.what()).
			help("an attribute that is itself named type is written {type: object, fields: {type: …}}")
		return
	}
	t.Pos = given.value.span().pos
	rules := p.splitRules(given.value)
	for _, pair := range n.pairs {
		if pair.key.value != "type" {
			rules = append(rules, rule{name: pair.key.value, at: pair.key.span(), arg: nodeArgument(pair.value)})
		}
	}
	p.declare(t, rules, s, a)
}

// nested reads a mapping without the key type: a nested object in short form.
func (p *parser) nested(t *Type, n *node, s scope, a *Attribute) {
	var rules []rule
	fields := len(n.pairs)
	if shape, ok := n.get("$$type"); ok {
		fields--
		if !shape.value.isText() {
			p.report(CodeWrongNode, shape.value.span(), "$$type must be a text such as object|optional, this is %s", shape.value.what())
		} else if rules = p.splitRules(shape.value); len(rules) > 0 && rules[0].name != string(KindObject) {
			p.report(CodeUnknownType, rules[0].at, "$$type must begin with object, this is %s", quote(rules[0].name))
			rules = nil
		}
	}
	if rules == nil && p.onlyRules(n) {
		p.report(CodeMissingType, span{pos: n.pos}, "%s has rules and no type", subject(a)).
			help("add the type, as in {type: string, %s: …}", n.pairs[0].key.value)
		return
	}
	if rules == nil {
		rules = []rule{{name: string(KindObject), at: span{pos: n.pos}}}
	}
	if fields == 0 {
		p.report(CodeEmptySection, span{pos: n.pos}, "%s is an object without fields", subject(a)).
			help("write object for an object of any shape")
		return
	}
	rules = append(rules, rule{name: "fields", at: span{pos: n.pos}, arg: nodeArgument(n)})
	p.declare(t, rules, s, a)
}

// onlyRules reports whether a mapping looks like rules of a type that is left out, and
// not like the attributes of an object: its keys are rules, and no value is a type.
func (p *parser) onlyRules(n *node) bool {
	for _, pair := range n.pairs {
		if p.rule(pair.key.value) == nil || pair.value.kind == mappingNode || looksLikeType(pair.value) {
			return false
		}
	}
	return len(n.pairs) > 0
}

// declare fills a type, and the attribute it belongs to, from rules; the first
// names the kind.
func (p *parser) declare(t *Type, rules []rule, s scope, a *Attribute) {
	if len(rules) == 0 {
		return
	}
	first := rules[0]
	if !Kind(first.name).known() {
		p.unknownType(first, rules[1:])
		return
	}
	t.Kind = Kind(first.name)
	rules = rules[1:]
	switch {
	case first.arg.given && t.Kind == KindEnum:
		rules = slices.Insert(rules, 0, rule{name: "values", at: first.at, arg: first.arg})
	case first.arg.given:
		p.report(CodeRuleArgument, first.arg.at, "type %s takes no argument", first.name).
			help("separate rules with |, as in string|min:2")
	}
	d := &declaration{parser: p, typ: t, kind: t.Kind, rules: &t.Rules, scope: s, attribute: a, seen: map[string]*rule{}}
	d.read(rules)
}

// unknownType reports a first rule that is not a type.
func (p *parser) unknownType(first rule, rest []rule) {
	if kind := kindHint(first.name); kind != "" {
		p.report(CodeUnknownType, first.at, "unknown type %s", quote(first.name)).help("write %s", kind)
		return
	}
	if p.rule(first.name) != nil {
		d := p.report(CodeUnknownType, first.at, "rule %s stands where the type should", quote(first.name))
		for _, r := range rest {
			if Kind(r.name).known() {
				d.help("begin with the type: %s|%s", r.name, first.name)
				return
			}
		}
		d.help("begin with the type, as in string|%s", first.name)
		return
	}
	p.report(CodeUnknownType, first.at, "unknown type %s", quote(first.name)).help("%s", didYouMean(first.name, kindNames()))
}
