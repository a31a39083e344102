package schema

import (
	"math"
	"strconv"
	"strings"
)

// argument is what a rule says beside its name.
type argument struct {
	given  bool
	text   string
	at     span
	node   *node // the value in the mapping form, nil in a rule string
	origin *node // the scalar that text is a part of
	from   int   // offset of text in the value of origin
}

// list returns the elements of an argument: of a list, or of a text with commas.
func (a argument) list() []argument {
	var all []argument
	if a.node != nil && a.node.kind == sequenceNode {
		for _, item := range a.node.items {
			all = append(all, nodeArgument(item))
		}
		return all
	}
	for start := 0; start <= len(a.text); {
		end := len(a.text)
		if i := strings.IndexByte(a.text[start:], ','); i >= 0 {
			end = start + i
		}
		from, to := trim(a.text, start, end)
		all = append(all, argument{given: true, text: a.text[from:to], at: a.origin.part(a.from+from, a.from+to), origin: a.origin, from: a.from + from})
		start = end + 1
	}
	return all
}

// nodeArgument is the argument that the value of a mapping's key is.
func nodeArgument(n *node) argument {
	return argument{given: true, text: n.value, at: n.span(), node: n, origin: n}
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

// maxCount bounds sizes: nothing larger can be stored.
const maxCount = math.MaxInt32
