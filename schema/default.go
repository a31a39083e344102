package schema

import (
	"slices"
	"strings"
)

// checkDefault reads the default of an attribute, which must keep its rules.
func (d *declaration) checkDefault(r rule) {
	switch {
	case !d.scope.top():
		d.report(CodePlace, r.at, "only an attribute of the resource itself can have a default").
			help("make the attribute optional")
		return
	case d.typ.Kind == KindSecret || d.typ.Kind == KindPassword:
		d.report(CodeRuleKind, r.at, "a %s cannot have a default", d.typ.Kind).
			help("a schema is no place for secrets; generate makes a fresh one for each document")
		return
	case !d.kind.isKey() && d.kind != KindBytes:
		d.report(CodeRuleKind, r.at, "%s cannot have a default", article(string(d.kind))).help("make the attribute optional")
		return
	case d.on("optional"):
		d.contradict(&r, d.seen["optional"], "an attribute with a default is never absent").help("keep one of the two")
		return
	}
	if r.arg.node != nil && !r.arg.node.isText() {
		d.report(CodeDefault, r.arg.at, "default must be %s, this is %s", describe(d.kind), r.arg.node.what())
		return
	}
	if r.arg.node == nil && !r.arg.given {
		d.missingArgument(r)
		return
	}
	if d.kind == KindEnum {
		d.defaultEnum(r)
		return
	}
	v, err := parseValue(d.kind, d.rules.normalise(r.arg.text))
	if err != nil {
		d.report(CodeDefault, r.arg.at, "default %s is not %s", quote(r.arg.text), describe(d.kind)).help("%s", err)
		return
	}
	if broken := d.breaks(v); broken != "" {
		d.report(CodeDefault, r.arg.at, "default %s breaks the rule %s", quote(r.arg.text), broken).
			help("change the default or the rule").also(d.src, d.seen[broken].at, "%s is given here", broken)
		return
	}
	d.attribute.Default = v.goValue
}

func (d *declaration) defaultEnum(r rule) {
	names := make([]string, len(d.typ.Enum))
	for i, v := range d.typ.Enum {
		names[i] = v.Name
	}
	if !slices.Contains(names, r.arg.text) {
		d.report(CodeDefault, r.arg.at, "default %s is not a value of the enum", quote(r.arg.text)).
			help("%s", didYouMean(r.arg.text, names))
		return
	}
	d.attribute.Default = r.arg.text
}

// breaks returns the rule that a default breaks, "" if none.
func (d *declaration) breaks(v value) string {
	if v.order != nil {
		if limit := d.outside(v.order); limit != nil {
			return limit.rule.name
		}
		switch {
		case d.equal.given() && d.equal.value.Cmp(v.order) != 0:
			return "equal"
		case d.rules.NotEqual != "" && d.rules.NotEqual == v.text:
			return "notEqual"
		case d.rules.Positive && v.order.Sign() <= 0:
			return "positive"
		case d.rules.Negative && v.order.Sign() >= 0:
			return "negative"
		}
		return ""
	}
	switch text := v.goValue.(type) {
	case []byte:
		n := int64(len(text))
		switch {
		case d.rules.Min != nil && n < *d.rules.Min:
			return "min"
		case d.rules.Max != nil && n > *d.rules.Max:
			return "max"
		case d.rules.Length != nil && n != *d.rules.Length:
			return "length"
		}
	case string:
		if d.kind == KindUUID && d.rules.UUIDVersion != 0 && text[14] != byte('0'+d.rules.UUIDVersion) {
			return "version"
		}
		if !d.kind.isText() {
			return ""
		}
		if d.kind == KindURL && len(d.rules.Schemes) > 0 && !slices.Contains(d.rules.Schemes, strings.ToLower(text[:strings.Index(text, ":")])) {
			return "schemes"
		}
		if len(d.rules.In) > 0 && !slices.Contains(d.rules.In, text) {
			return "enum"
		}
		return d.rules.fault(text)
	}
	return ""
}
