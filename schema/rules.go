package schema

import (
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
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
	allowed                   []span // places of Rules.In
	lost                      bool   // what follows may be a part of a pattern
}

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
		if kind == KindSecret {
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

// isFalse reports whether an argument switches a rule off.
func (a argument) isFalse() bool { return a.given && a.text == "false" }

// flag reads whether a rule without argument is on.
func (d *declaration) flag(r rule) bool {
	if !r.arg.given {
		return true
	}
	if r.arg.node != nil {
		on := false
		return d.readBool(r.arg.node, r.name, &on) && on
	}
	switch r.arg.text {
	case "true":
		return true
	case "false":
		return false
	}
	d.report(CodeRuleArgument, r.arg.at, "rule %s takes no argument but true or false", quote(r.name)).
		help("write %s", r.name)
	return false
}

// text reads the argument of a rule as text.
func (d *declaration) text(r rule) (string, bool) {
	switch {
	case r.arg.node != nil && r.arg.node.kind != scalarNode:
		d.report(CodeWrongNode, r.arg.at, "%s must be a single value, this is %s", r.name, r.arg.node.kind)
		return "", false
	case r.arg.node != nil && (r.arg.node.isNull() || r.arg.text == ""):
	case r.arg.given:
		return r.arg.text, true
	}
	d.missingArgument(r)
	return "", false
}

func (d *declaration) missingArgument(r rule) {
	d.report(CodeRuleArgument, r.at, "rule %s needs an argument", quote(r.name)).help("write %s:…", r.name)
}

// number reads the argument of a rule as a whole number.
func (d *declaration) number(r rule, least, most int) (int, bool) {
	text, ok := d.text(r)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		d.report(CodeRuleArgument, r.arg.at, "rule %s needs a whole number from %d to %d, not %s", quote(r.name), least, most, quote(text))
		return 0, false
	}
	return n, true
}

func (d *declaration) unique(r rule) {
	if !d.flag(r) {
		return
	}
	a := d.attribute
	switch {
	case d.typ.Kind == KindArray:
		d.rules.UniqueItems = true
	case !d.indexable(d.typ, d.scope, r.at, "rule unique"):
	default:
		d.scope.resource.Uniques = append(d.scope.resource.Uniques, &Index{
			Pos:    r.at.pos,
			Name:   a.Path,
			Fields: []*IndexField{{Pos: r.at.pos, Path: a.Path, Attribute: a, Through: slices.Clone(d.scope.through)}},
		})
	}
}

func (d *declaration) immutable() {
	if !d.scope.top() {
		d.report(CodePlace, d.seen["immutable"].at, "only an attribute of the resource itself can be immutable").
			help("make the whole object immutable")
		return
	}
	d.attribute.Immutable = true
}

func (d *declaration) was(r rule) {
	name, ok := d.text(r)
	if !ok {
		return
	}
	if name == d.attribute.Name {
		d.report(CodeRuleArgument, r.arg.at, "was names the attribute itself").help("give the former name, or remove it")
		return
	}
	d.attribute.Was = name
}

// empty reads fastest-validator's rule empty: empty:false is min:1.
func (d *declaration) empty(r rule) {
	if r.arg.isFalse() {
		if first, ok := d.seen["min"]; ok {
			d.report(CodeContradiction, r.at, "empty:false and min say how much is the least").
				help("keep min").also(d.src, first.at, "min is given here")
			return
		}
		one := int64(1)
		d.rules.Min = &one
		d.least = bound{value: big.NewRat(1, 1), count: true, rule: &rule{name: "min", at: r.at, arg: argument{text: "1"}}}
		d.seen["min"] = &rule{name: "empty:false", at: r.at}
		return
	}
	d.flag(r)
}

func (d *declaration) pattern(r rule) {
	text, ok := d.text(r)
	if !ok {
		return
	}
	if _, err := regexp.Compile(text); err != nil {
		message := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		report := d.report(CodePattern, r.arg.at, "pattern does not compile: %s", message)
		rest := ""
		if r.arg.node == nil {
			rest = r.arg.origin.value[r.arg.from+len(text):]
		}
		switch {
		case strings.Contains(message, "(?"):
			report.help("patterns are those of Go's package regexp (RE2), which has no look-around")
		case strings.Contains(message, "invalid escape"):
			report.help("patterns are those of Go's package regexp (RE2), which has no backreferences")
		case strings.HasPrefix(strings.TrimLeft(rest, " \t"), "|"):
			d.lost = true
			report.help("a pattern that contains | stands between slashes: pattern:/a|b/")
		}
		return
	}
	d.rules.Pattern = text
}

func (d *declaration) schemes(r rule) {
	for _, a := range d.arguments(r) {
		if !schemePattern.MatchString(a.text) {
			d.report(CodeRuleArgument, a.at, "%s is not a scheme of a URL", quote(a.text)).help("write schemes:https or schemes:https,http")
			continue
		}
		d.rules.Schemes = append(d.rules.Schemes, a.text)
	}
}

var schemePattern = regexp.MustCompile(`^[a-z][a-z0-9+.-]*$`)

// arguments reads the argument of a rule as a list of texts.
func (d *declaration) arguments(r rule) []argument {
	switch {
	case !r.arg.given:
		d.missingArgument(r)
		return nil
	case r.arg.node != nil && r.arg.node.kind != sequenceNode && !r.arg.node.isText():
		d.report(CodeWrongNode, r.arg.at, "%s must be a list, this is %s", r.name, r.arg.node.what())
		return nil
	}
	return r.arg.list()
}

func (d *declaration) items(r rule) {
	s := d.scope
	switch d.typ.Kind {
	case KindSecret:
		s.secret = true
	default:
		s.container = string(d.typ.Kind)
	}
	switch {
	case !r.arg.given:
		d.missingArgument(r)
	case r.arg.node != nil:
		d.typ.Elem = d.typeOf(r.arg.node, d.inside(s), nil)
	default:
		d.typ.Elem = &Type{Pos: r.arg.at.pos}
		d.declare(d.typ.Elem, []rule{{name: r.arg.text, at: r.arg.at}}, d.inside(s), nil)
	}
	if d.typ.Elem == nil {
		d.typ.Elem = &Type{Pos: r.at.pos}
	}
}

// inside returns the scope of what the attribute contains.
func (d *declaration) inside(s scope) scope {
	if d.attribute != nil {
		s.prefix = d.attribute.Path + "."
		s.through = append(slices.Clip(s.through), d.attribute)
	}
	return s
}

func (d *declaration) objectFields(r rule) {
	if r.arg.node == nil || r.arg.node.kind != mappingNode {
		d.report(CodeWrongNode, r.at, "%s must be a mapping from names to types", r.name).
			help("use the mapping form: {type: object, fields: {name: string}}")
		return
	}
	if len(r.arg.node.pairs) == 0 {
		d.report(CodeEmptySection, r.arg.at, "%s has no attribute", r.name).help("leave it out for an object of any shape")
		return
	}
	d.typ.Fields = d.fields(r.arg.node, d.inside(d.scope))
}

// Lengths of generated secrets and passwords.
const (
	defaultGenerate = 24
	minGenerate     = 8
	maxGenerate     = 1024
)

func (d *declaration) generate(r rule) {
	if !d.scope.top() || d.attribute == nil {
		d.report(CodePlace, r.at, "only an attribute of the resource itself can be generated").
			help("move the secret out of the object")
		return
	}
	if d.typ.Kind == KindSecret && d.kind == KindSecret && (d.typ.Elem == nil || d.typ.Elem.Kind != KindString) {
		d.report(CodeRuleKind, r.at, "only a secret that holds a string can be generated")
		return
	}
	n := defaultGenerate
	switch {
	case r.arg.isFalse():
		return
	case r.arg.given && r.arg.text != "true":
		var ok bool
		if n, ok = d.number(r, minGenerate, maxGenerate); !ok {
			return
		}
	}
	d.typ.Rules.Generate = n
}

// limit reads a rule that bounds a size or a value.
func (d *declaration) limit(r rule, to *bound) {
	b, ok := d.bound(r)
	if !ok {
		return
	}
	*to = b
	if b.count {
		n := b.value.Num().Int64()
		switch r.name {
		case "min":
			d.rules.Min = &n
		case "max":
			d.rules.Max = &n
		case "length":
			d.rules.Length = &n
		}
		return
	}
	isTime := d.kind.isTime()
	switch {
	case r.name == "min" && isTime:
		d.rules.MinTime = b.text
	case r.name == "max" && isTime:
		d.rules.MaxTime = b.text
	case r.name == "min":
		d.rules.MinNumber = b.text
	case r.name == "max":
		d.rules.MaxNumber = b.text
	case r.name == "equal":
		d.rules.Equal = b.text
	}
}

// maxCount bounds sizes: nothing larger can be stored.
const maxCount = math.MaxInt32
