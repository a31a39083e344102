package schema

import (
	"math/big"
	"regexp"
	"slices"
	"strings"
)

func (d *declaration) unique(r rule) {
	if !d.flag(r) {
		return
	}
	if d.typ.Kind == KindArray {
		d.rules.UniqueItems = true
		return
	}
	d.only = &r
}

// constraint makes the unique constraint of the rule unique, when all that the
// attribute holds is known.
func (d *declaration) constraint() {
	if d.only == nil || !d.indexable(d.typ, d.scope, d.only.at, "rule", "unique") {
		return
	}
	a, at := d.attribute, d.only.at
	x := &Index{
		Pos:    at.pos,
		Name:   a.Path,
		Fields: []*IndexField{{Pos: at.pos, Path: a.Path, Attribute: a, Through: slices.Clone(d.scope.through)}},
		Hashed: d.typ.Kind == KindSecret,
	}
	d.keyNames(d.scope.resource, x, at, aConstraint)
	d.scope.resource.Uniques = append(d.scope.resource.Uniques, x)
}

func (d *declaration) immutable() {
	if !d.scope.top() {
		d.report(CodePlace, d.seen["immutable"].at, "only an attribute of the resource itself can be immutable").
			help("make the whole object immutable")
		return
	}
	d.attribute.Immutable = true
}

func (d *declaration) migrate() {
	if !d.scope.top() {
		d.report(CodePlace, d.seen["migrate"].at, "only an attribute of the resource itself can be migrated").
			help("say migrate at the object that holds it: the function then makes the whole object")
		return
	}
	d.attribute.Migrate = true
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
		d.report(CodeRuleKind, r.at, "only a secret that holds a string can be generated").help("remove generate, or write items: string")
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
