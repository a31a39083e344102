package schema

import (
	"math/big"
)

// check reports rules that are missing or contradict each other, once all of a
// declaration are read.
func (d *declaration) check() {
	d.constraint()
	d.checkItems()
	d.checkEnum()
	d.exclude("optional", "required", "an attribute is either optional or required", "keep one of the two")
	d.exclude("positive", "negative", "no number is both positive and negative", "keep one of the two")
	d.exclude("lowercase", "uppercase", "a text cannot be turned to both cases", "keep one of the two")
	d.checkGoType()
	d.exclude("optional", "generate", "what is generated is never absent", "remove optional")
	for _, name := range []string{"pattern", "contains", "startsWith", "endsWith", "alpha", "numeric", "hex", "base64"} {
		d.exclude(name, "generate", "a generated text would break the rule", "keep min, max and length only")
	}
	d.checkBounds()
	d.checkSigns()
	d.checkAffixes()
	d.checkAllowed()
	d.checkExample()
	if d.defaultTo != nil {
		d.checkDefault(*d.defaultTo)
	}
}

// on reports whether a rule was given and not switched off.
func (d *declaration) on(name string) bool {
	r, ok := d.seen[name]
	return ok && !r.arg.isFalse()
}

// exclude reports two rules that cannot both be on.
func (d *declaration) exclude(a, b, why, fix string) {
	if !d.on(a) || !d.on(b) {
		return
	}
	first, second := d.seen[a], d.seen[b]
	if second.at.pos.compare(first.at.pos) < 0 {
		first, second = second, first
	}
	d.contradict(second, first, "%s and %s contradict each other: %s", a, b, why).help("%s", fix)
}

// contradict reports rule r, which another rule rules out.
func (d *declaration) contradict(r, other *rule, format string, args ...any) *finding {
	return d.report(CodeContradiction, r.at, format, args...).also(d.src, other.at, "%s is given here", other.name)
}

// checkItems reports containers that do not say what they hold.
func (d *declaration) checkItems() {
	if _, values := d.seen["enum"]; d.typ.Elem != nil || d.on("items") || values {
		return
	}
	switch d.typ.Kind {
	case KindArray:
		d.report(CodeItems, span{pos: d.typ.Pos}, "an array must say what its items are").
			help("write array|items:string; items of any shape are array|items:json")
	case KindMap:
		d.report(CodeItems, span{pos: d.typ.Pos}, "a map must say what its values are").
			help("write map|items:string; a map of any shape is object")
	default:
	}
}

func (d *declaration) checkBounds() {
	if d.least.given() && d.most.given() && d.least.value.Cmp(d.most.value) > 0 {
		d.contradict(d.most.rule, d.least.rule, "max %s is less than min %s", d.most.rule.arg.text, d.least.rule.arg.text)
	}
	for _, fixed := range []bound{d.exact, d.equal} {
		if !fixed.given() {
			continue
		}
		if fault := d.outside(fixed.value); fault != nil {
			d.contradict(fixed.rule, fault.rule, "%s %s contradicts %s %s", fixed.rule.name, fixed.rule.arg.text, fault.rule.name, fault.rule.arg.text)
		}
		if fixed.text == d.rules.NotEqual && !fixed.count {
			d.contradict(d.seen["notEqual"], fixed.rule, "equal and notEqual name the same value")
		}
	}
	n := d.typ.Rules.Generate
	if n == 0 {
		return
	}
	if fault := d.outside(new(big.Rat).SetInt64(int64(n))); fault != nil {
		d.contradict(d.seen["generate"], fault.rule, "%d generated characters contradict %s %s", n, fault.rule.name, fault.rule.arg.text)
	}
	if d.exact.given() && d.exact.value.Cmp(new(big.Rat).SetInt64(int64(n))) != 0 {
		d.contradict(d.seen["generate"], d.exact.rule, "%d generated characters contradict length %s", n, d.exact.rule.arg.text)
	}
}

// outside returns the limit that v breaks; nil if none.
func (d *declaration) outside(v *big.Rat) *bound {
	if d.least.given() && v.Cmp(d.least.value) < 0 {
		return &d.least
	}
	if d.most.given() && v.Cmp(d.most.value) > 0 {
		return &d.most
	}
	return nil
}

// checkSigns compares positive and negative with the limits.
func (d *declaration) checkSigns() {
	if d.rules.Positive {
		for _, b := range []bound{d.most, d.equal} {
			if b.given() && b.value.Sign() <= 0 {
				d.contradict(b.rule, d.seen["positive"], "%s %s contradicts positive", b.rule.name, b.rule.arg.text)
			}
		}
	}
	if d.rules.Negative {
		for _, b := range []bound{d.least, d.equal} {
			if b.given() && b.value.Sign() >= 0 {
				d.contradict(b.rule, d.seen["negative"], "%s %s contradicts negative", b.rule.name, b.rule.arg.text)
			}
		}
	}
}

// checkAffixes compares the texts that a value must hold with its length.
func (d *declaration) checkAffixes() {
	for _, limit := range []bound{d.most, d.exact} {
		if !limit.given() || !d.kind.isText() {
			continue
		}
		for name, text := range map[string]string{"contains": d.rules.Contains, "startsWith": d.rules.StartsWith, "endsWith": d.rules.EndsWith} {
			if limit.value.Cmp(new(big.Rat).SetInt64(int64(len([]rune(text))))) < 0 {
				d.contradict(d.seen[name], limit.rule, "%s is longer than %s %s", name, limit.rule.name, limit.rule.arg.text)
			}
		}
	}
}

// checkAllowed reports allowed values of a text that its other rules forbid.
func (d *declaration) checkAllowed() {
	for i, allowed := range d.rules.In {
		broken := d.rules.fault(d.rules.normalise(allowed))
		if broken == "" {
			continue
		}
		at := &rule{name: "enum", at: d.allowed[i]}
		d.contradict(at, d.seen[broken], "value %s breaks the rule %s", quote(allowed), broken).help("change the value or the rule")
	}
}

// checkExample reports an example that the other rules forbid.
func (d *declaration) checkExample() {
	if d.example == nil {
		return
	}
	if broken := d.typ.holder().Broken(d.rules.Example); broken != "" {
		at := d.seen[broken]
		if at == nil {
			d.report(CodeRuleArgument, d.example.arg.at, "example %s is not %s", quote(d.rules.Example), describe(d.kind))
			return
		}
		d.contradict(&rule{name: "example", at: d.example.arg.at}, at, "example %s breaks the rule %s", quote(d.rules.Example), broken).
			help("change the example or the rule")
	}
}
