package schema

import (
	"slices"
	"strconv"
	"strings"
)

// place is where a type can stand. What may be written there differs.
type place struct {
	name  string // of the definitions
	kinds []string
	rules []ruleSpec
}

// places returns the places of types: attributes of a resource; fields of an object;
// items of an array or map and what a secret holds.
func places() []*place {
	without := func(names []string, out ...string) []string {
		return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(out, name) })
	}
	rules := func(keep func(ruleSpec) bool) []ruleSpec {
		return slices.DeleteFunc(ruleSpecs(), func(s ruleSpec) bool { return !keep(s) })
	}
	// These are of attributes of a resource only.
	top := []string{"immutable", "default", "migrate", "generate"}
	nested := func(s ruleSpec) bool { return !slices.Contains(top, s.name) }
	item := func(s ruleSpec) bool { return nested(s) && (s.of != nil || s.name == "unique") }
	all := kindNames()
	plain := without(all, string(KindSecret), string(KindPassword))
	return []*place{
		{"attribute", all, ruleSpecs()},
		{"field", without(all, string(KindPassword)), rules(nested)},
		{"item", plain, rules(item)},
	}
}

// isItem reports whether types here are of items.
func (p *place) isItem() bool { return p.name == "item" }

// allows reports whether a rule can be written for a kind here.
func (p *place) allows(s ruleSpec, k Kind) bool {
	switch s.name {
	case "unique":
		return k == KindArray || !p.isItem()
	case "default":
		return k.isKey() || k == KindBytes
	}
	return s.of == nil || s.of(k) || k == KindSecret && s.of(KindString)
}

// typeForm is a type in any of its forms.
func (p *place) typeForm() form {
	return anyForm(reference(p.name+"String"), reference(p.name+"Mapping"), p.objectForm())
}

// stringForm is a rule string. The types that need no argument come first, for
// completion.
func (p *place) stringForm() form {
	whole := make([]string, 0, len(p.kinds))
	for _, group := range p.groups() {
		whole = append(whole, group.whole)
	}
	return anyForm(enumForm(p.bareKinds()), patternForm(`^\s*(?:`+strings.Join(whole, "|")+`)\s*$`))
}

// bareKinds are the types that need no argument.
func (p *place) bareKinds() []string {
	return slices.DeleteFunc(slices.Clone(p.kinds), func(k string) bool { return needed(Kind(k)) != nil })
}

// needed returns the rules of which a kind needs one; nil if none.
func needed(k Kind) []string {
	switch k {
	case KindEnum:
		return []string{"values", "enum"}
	case KindArray, KindMap:
		return []string{"items"}
	}
	return nil
}

// kindGroup is a set of kinds with the same rules.
type kindGroup struct {
	kinds string   // alternatives of a pattern
	rules []string // names
	args  form     // rules whose values depend on the kind
	part  string   // pattern of a rule string, which may lack a rule that is needed
	whole string   // pattern of a rule string
}

// groups returns the kinds of a place with their rules.
func (p *place) groups() []*kindGroup {
	var groups []*kindGroup
	for _, name := range p.kinds {
		k := Kind(name)
		g := &kindGroup{kinds: name, args: form{}}
		var each, one, holds ruleStrings // one: those of which one is needed; holds: of a secret that says what it holds
		for _, s := range p.rules {
			if !p.allows(s, k) {
				continue
			}
			g.rules = append(g.rules, s.name)
			if name := valueForm(s.name, k); name != "" {
				g.args[s.name] = reference(name)
			}
			argument, ok := p.argument(s, k)
			if !ok {
				continue
			}
			if k != KindSecret || s.name != "items" {
				each.add(s.name, argument)
			}
			if slices.Contains(needed(k), s.name) {
				one.add(s.name, argument)
			}
			if k == KindSecret && ofSecret(s) {
				holds.add(s.name, argument)
			}
		}
		more := each.repeated()
		if holds != nil {
			more = `(?:` + more + `|` + holds.repeated() + `)`
		}
		g.part, g.whole = more, more
		if one != nil {
			g.whole = more + `\s*\|\s*` + one.pattern() + more
		}
		if k == KindEnum {
			g.whole = `(?:\s*:` + anyPattern + more + `|` + g.whole + `)`
			g.part = `(?:\s*:` + anyPattern + `)?` + more
		}
		if i := slices.IndexFunc(groups, func(other *kindGroup) bool { return other.whole == g.whole && slices.Equal(other.rules, g.rules) }); i >= 0 {
			groups[i].kinds += "|" + name
			continue
		}
		groups = append(groups, g)
	}
	for _, g := range groups {
		kinds := `(?:` + g.kinds + `)`
		g.part, g.whole = kinds+g.part, kinds+g.whole
	}
	return groups
}

// ruleStrings are rules of a rule string: the names of those with the same argument.
type ruleStrings []struct {
	argument string
	names    []string
}

func (r *ruleStrings) add(name, argument string) {
	for i := range *r {
		if (*r)[i].argument == argument {
			(*r)[i].names = append((*r)[i].names, name)
			return
		}
	}
	*r = append(*r, struct {
		argument string
		names    []string
	}{argument, []string{name}})
}

// pattern is one of the rules.
func (r *ruleStrings) pattern() string {
	var all []string
	for _, same := range *r {
		all = append(all, `(?:`+strings.Join(same.names, "|")+`)`+same.argument)
	}
	return `(?:` + strings.Join(all, "|") + `)`
}

// repeated is some rules, each behind a |.
func (r *ruleStrings) repeated() string { return `(?:\s*\|\s*` + r.pattern() + `)*` }

// ofSecret reports whether a rule is for a secret itself: not for what it holds, which
// has rules of its own when items says what that is.
func ofSecret(s ruleSpec) bool { return s.of == nil || s.of(KindSecret) }

// Patterns of arguments in rule strings.
const (
	anyPattern     = `[^|]*[^|\s][^|]*`
	countPattern   = `\s*\+?[0-9]+`
	decimalPattern = `\s*[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?`
	dayPattern     = `\s*[0-9]{4}-[0-9]{2}-[0-9]{2}`
	spanPattern    = `\s*[+-]?(?:0|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+`
	// A generated text has 8 to 1024 characters.
	lengthPattern = `0*(?:[89]|[1-9][0-9]{1,2}|10[01][0-9]|102[0-4])`
)

// argument returns the pattern of what follows the name of a rule in a rule string, and
// whether it can be written there.
func (p *place) argument(s ruleSpec, k Kind) (string, bool) {
	needs := func(pattern string) (string, bool) { return `\s*:` + pattern, true }
	switch s.name {
	case "unique":
		if !canBeUnique(k) {
			return needs(`\s*false`)
		}
	case "fields", "properties":
		return "", false
	case "min", "max", "length", "equal", "notEqual":
		return needs(boundPattern(k))
	case "pattern":
		return needs(`(?:\s*/.+/|` + anyPattern + `)`)
	case "go":
		return needs(`\s*\p{Lu}[\p{L}\p{Nd}_]*`)
	case "goType":
		return needs(`\s*` + importPattern + `\.` + goNamePattern)
	case "version":
		return needs(`\s*[1-8]`)
	case "schemes":
		scheme := `\s*[a-z][a-z0-9+.-]*\s*`
		return needs(scheme + `(?:,` + scheme + `)*`)
	case "items":
		item := places()[2]
		return needs(`\s*(?:` + strings.Join(item.bareKinds(), "|") + `)`)
	case "generate":
		return `(?:\s*:\s*(?:true|false|` + lengthPattern + `)?)?`, true
	}
	if isFlag(s.name) {
		return `(?:\s*:\s*(?:true|false)?)?`, true
	}
	return needs(anyPattern)
}

// canBeUnique reports whether the rule unique can be on for a kind.
func canBeUnique(k Kind) bool { return k == KindArray || k == KindSecret || k.isKey() }

// boundPattern is the pattern of a limit of values of a kind.
func boundPattern(k Kind) string {
	switch {
	case k.isSized() || k == KindSecret:
		return countPattern
	case k.isNumber():
		return decimalPattern
	case k == KindDate:
		return dayPattern
	case k == KindDateTime:
		return dayPattern + `(?:T[0-9:.,]+(?:Z|[+-][0-9:]+))?`
	case k == KindDuration:
		return spanPattern
	}
	return anyPattern
}

// valueForm names the form of the value of a rule as a key of a mapping when it depends
// on the kind; "" when not.
func valueForm(rule string, k Kind) string {
	switch rule {
	case "unique":
		if !canBeUnique(k) {
			return "off"
		}
	case "min", "max", "length", "equal", "notEqual":
		switch {
		case k.isSized() || k == KindSecret:
			return "count"
		case k.isTime() || k == KindDuration:
			return string(k)
		}
		return "quantity"
	case "enum", "values":
		if k == KindEnum {
			return "enumValues"
		}
		return "allowedValues"
	}
	return ""
}

// valueForms are the forms that valueForm names.
func valueForms() form {
	list := func(value form) form {
		text := textForm()
		text["pattern"] = `\S`
		return anyForm(text, form{"type": "array", "minItems": 1, "uniqueItems": true, "items": value})
	}
	limit := func(k Kind) string { return `^` + strings.TrimPrefix(boundPattern(k), `\s*`) + `$` }
	return form{
		"off":           form{"const": false},
		"count":         anyForm(form{"type": "integer", "minimum": 0, "maximum": maxCount}, patternForm(limit(KindString))),
		"quantity":      form{"type": []string{"string", "number"}, "pattern": limit(KindNumber)},
		"date":          patternForm(limit(KindDate)),
		"datetime":      patternForm(limit(KindDateTime)),
		"duration":      patternForm(limit(KindDuration)),
		"enumValues":    list(anyForm(enumNameForm(), mappingForm(enumValueForms(), "name"))),
		"allowedValues": list(textForm()),
	}
}

// mappingForm is a mapping with the key type.
func (p *place) mappingForm() form {
	properties := form{"<<": form{}}
	var parts []string
	var ofKinds []form
	is := func(kinds string) form {
		return form{"required": []string{"type"}, "properties": form{"type": patternForm(`^\s*(?:` + kinds + `)\b`)}}
	}
	for _, g := range p.groups() {
		if g.part != g.whole {
			parts = append(parts, g.part)
		}
		then := form{"propertyNames": enumForm(append([]string{"<<", "type"}, g.rules...))}
		if len(g.args) > 0 {
			then["properties"] = g.args
		}
		ofKinds = append(ofKinds, form{"if": is(g.kinds), "then": then})
		if g.kinds == string(KindSecret) {
			ofKinds = append(ofKinds, p.secretForm(is(g.kinds))...)
		}
		for kind := range strings.SplitSeq(g.kinds, "|") {
			rules := needed(Kind(kind))
			if rules == nil {
				continue
			}
			lacks := is(kind)
			lacks["properties"] = form{"type": form{"allOf": []form{
				patternForm(`^\s*` + kind + `\s*(?:\||$)`),
				{"not": patternForm(`\|\s*(?:` + strings.Join(rules, "|") + `)\s*:`)},
			}}}
			one := make([]form, len(rules))
			for i, rule := range rules {
				one[i] = form{"required": []string{rule}}
			}
			ofKinds = append(ofKinds, form{"if": lacks, "then": form{"anyOf": one}})
		}
	}
	properties["type"] = described(anyForm(enumForm(p.kinds), reference(p.name+"String"), patternForm(`^\s*(?:`+strings.Join(parts, "|")+`)\s*$`)),
		"The type, perhaps with rules behind it, as in string|min:2.")
	for _, s := range p.rules {
		properties[s.name] = reference(ruleDefinition(s.name))
	}
	return form{"type": "object", "required": []string{"type"}, "properties": properties, "additionalProperties": false, "allOf": ofKinds}
}

// secretForm is what a mapping may hold that is a secret with items: no rules of strings,
// and it is generated only when it holds a string.
func (p *place) secretForm(secret form) []form {
	names := []string{"<<", "type"}
	for _, s := range p.rules {
		if ofSecret(s) && p.allows(s, KindSecret) {
			names = append(names, s.name)
		}
	}
	with := func(keys ...string) form {
		return form{"allOf": []form{secret, {"required": keys}}}
	}
	text := form{"properties": form{"items": anyForm(form{"type": "object"}, patternForm(`^\s*string\s*(?:\||$)`))}}
	return []form{
		{"if": with("items"), "then": form{"propertyNames": enumForm(names)}},
		{"if": with("items", "generate"), "then": text},
	}
}

// objectForm is a nested object in the short form.
func (p *place) objectForm() form {
	f := namedForm(`^\$\$type$|`+attributeNames(), reference("field"))
	f["properties"] = form{
		"<<":     form{},
		"$$type": described(reference("$$type"), "Rules of the object itself, as in object|optional."),
	}
	f["not"] = form{"required": []string{"type"}}
	f["if"] = form{"required": []string{"$$type"}}
	f["then"] = form{"minProperties": 2}
	return f
}

// objectString is the pattern of the rule string of a nested object.
func objectString() string {
	p := places()[0]
	i := slices.IndexFunc(p.groups(), func(g *kindGroup) bool { return slices.Contains(strings.Split(g.kinds, "|"), string(KindObject)) })
	return `^\s*` + p.groups()[i].part + `\s*$`
}

// ruleDefinition is the name of the definition of a rule as a key of a mapping.
func ruleDefinition(rule string) string { return "rule-" + rule }

// ruleForm is the value of a rule as a key of a mapping, whatever the kind.
func ruleForm(rule string) form {
	switch rule {
	case "items":
		return reference("item")
	case "fields", "properties":
		return namedForm(attributeNames(), reference("field"))
	case "default":
		return textForm()
	case "go":
		return goNameForm()
	case "goType":
		return patternForm(`^` + importPattern + `\.` + goNamePattern + `$`)
	case "deprecated":
		return deprecatedForm()
	case "version":
		return numberForm(1, 8)
	case "generate":
		return anyForm(form{"type": "boolean"}, form{"type": "integer", "minimum": minGenerate, "maximum": maxGenerate}, patternForm(`^\+?`+lengthPattern+`$`))
	case "schemes":
		scheme := func(pattern string) form {
			return form{"type": []string{"string", "boolean"}, "pattern": pattern}
		}
		return anyForm(scheme(`^[a-z0-9+., -]+$`), form{"type": "array", "items": scheme(schemePattern.String())})
	case "min", "max", "length", "equal", "notEqual", "enum", "values":
		return form{} // see valueForm
	}
	if isFlag(rule) {
		return form{"type": "boolean"}
	}
	return form{"type": []string{"string", "number", "boolean"}, "minLength": 1}
}

func decimal(n int) string { return strconv.Itoa(n) }
