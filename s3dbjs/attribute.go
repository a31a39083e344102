package s3dbjs

import (
	"slices"
	"strconv"
	"strings"
)

// Kind is how values of an attribute are stored.
type Kind string

// The kinds. Names are the types of s3db.js but for Nested, an object whose
// attributes are known, and Integer.
const (
	Text         Kind = "string" // also every type that is stored as it is
	Number       Kind = "number"
	Integer      Kind = "integer"
	Boolean      Kind = "boolean"
	Date         Kind = "date" // a JavaScript Date: an instant
	DateTime     Kind = "datetime"
	DateOnly     Kind = "dateonly"
	TimeOnly     Kind = "timeonly"
	Duration     Kind = "duration"
	UUID         Kind = "uuid"
	IP4          Kind = "ip4"
	IP6          Kind = "ip6"
	MAC          Kind = "mac"
	CIDR         Kind = "cidr"
	Semver       Kind = "semver"
	Phone        Kind = "phone"
	Color        Kind = "color"
	EAN          Kind = "ean"
	Money        Kind = "money"
	Decimal      Kind = "decimal"
	Latitude     Kind = "geo:lat"
	Longitude    Kind = "geo:lon"
	Point        Kind = "geo:point"
	Embedding    Kind = "embedding"
	Array        Kind = "array"
	JSON         Kind = "json"
	Any          Kind = "any"
	Object       Kind = "object" // of any shape
	Nested       Kind = "nested"
	Secret       Kind = "secret"
	SecretNumber Kind = "secretNumber"
	SecretAny    Kind = "secretAny"
	Password     Kind = "password"
	Buffer       Kind = "buffer" // also bits
)

// Rule is one part of a definition such as "string|min:2", or one option of its
// mapping form.
type Rule struct {
	Name string
	Arg  string // "" without one
}

// Attribute is a value that the definition of a resource names.
type Attribute struct {
	Name       string
	Path       string // "address.geo.lat"
	Definition string // the rule string, or the JSON of the mapping form; "" of a nested object
	Type       string // the type as it is written: "email", "geo:lat"
	Kind       Kind
	Digits     int    // decimal places of Money, Decimal and the geographical kinds
	Items      Kind   // of an Array: Text, Number or Integer when its items are packed, else JSON
	ItemType   string // of an Array, as it is written
	Rules      []Rule // without the type
	Optional   bool
	Fields     []*Attribute // of a Nested object
}

// rule returns the argument of a rule.
func (a *Attribute) rule(name string) (arg string, ok bool) {
	i := slices.IndexFunc(a.Rules, func(r Rule) bool { return r.Name == name })
	if i < 0 {
		return "", false
	}
	return a.Rules[i].Arg, true
}

// parseAttribute reads the definition of one attribute.
func parseAttribute(name, path string, def *node) *Attribute {
	a := &Attribute{Name: name, Path: path}
	switch {
	case def.kind == stringNode:
		a.Definition = def.text
		first, rest, _ := strings.Cut(def.text, "|")
		a.Type = strings.TrimSpace(first)
		for part := range strings.SplitSeq(rest, "|") {
			if name, arg, _ := strings.Cut(strings.TrimSpace(part), ":"); name != "" {
				a.Rules = append(a.Rules, Rule{name, arg})
			}
		}
		a.classify()
	case def.object() && isMappingForm(def):
		a.Definition = string(def.raw)
		a.Type = def.get("type").string()
		for _, m := range def.members {
			if m.name == "type" || m.name == "props" || m.name == "properties" {
				continue
			}
			arg := m.value.string()
			if m.value.kind != stringNode {
				arg = string(m.value.raw)
			}
			a.Rules = append(a.Rules, Rule{m.name, arg})
		}
		a.classify()
		for _, key := range []string{"props", "properties"} {
			if props := def.get(key); props.object() && a.Kind == Object {
				a.Kind = Nested
				a.Fields = parseAttributes(path, props)
			}
		}
	case def.object():
		a.Type, a.Kind = "object", Nested
		a.Optional = strings.Contains(def.get("$$type").string(), "optional")
		a.Fields = parseAttributes(path, def)
	default: // nothing that the library could have stored by
		a.Definition, a.Type, a.Kind = string(def.raw), "any", Any
	}
	return a
}

// parseAttributes reads the definitions of an object, those of the library's own
// keys left out.
func parseAttributes(path string, def *node) []*Attribute {
	var list []*Attribute
	for _, m := range def.members {
		if strings.HasPrefix(m.name, "$$") {
			continue
		}
		list = append(list, parseAttribute(m.name, joinPath(path, m.name), m.value))
	}
	return list
}

func joinPath(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// isMappingForm tells {type: "array", items: "string"} from a nested object that
// has an attribute named type.
func isMappingForm(def *node) bool {
	t := def.get("type")
	if t == nil || t.kind != stringNode || strings.Contains(t.text, "|") {
		return false
	}
	for _, m := range def.members {
		switch m.name {
		case "type", "items", "props", "properties", "optional", "required", "nullable", "min", "max", "length", "pattern", "enum", "values",
			"integer", "positive", "negative", "default", "unique", "convert", "strict", "trim", "lowercase", "uppercase", "empty",
			"alpha", "alphanum", "alphadash", "numeric", "hex", "base64", "singleLine", "contains", "equal", "notEqual", "description", "label", "messages":
		default:
			return false
		}
	}
	return true
}

// classify finds the kind from type and rules.
func (a *Attribute) classify() {
	optional, ok := a.rule("optional")
	a.Optional = ok && optional != "false"
	parts := strings.Split(a.Type, ":")
	base := parts[0]
	digits := func(at, otherwise int) int {
		if at < len(parts) {
			if n, err := strconv.Atoi(parts[at]); err == nil && n >= 0 && n <= 18 {
				return n
			}
		}
		return otherwise
	}
	a.Kind = Text
	switch base {
	case "number":
		a.Kind = Number
		if arg, ok := a.rule("integer"); ok && arg != "false" {
			a.Kind = Integer
		}
	case "boolean", "date", "datetime", "dateonly", "timeonly", "duration", "uuid", "ip4", "ip6", "mac", "cidr", "semver", "phone", "color",
		"ean", "embedding", "json", "any", "object", "secret", "secretNumber", "secretAny", "password":
		a.Kind = Kind(base)
	case "money":
		a.Kind, a.Digits = Money, digits(1, 2)
	case "crypto":
		a.Kind, a.Digits = Money, digits(1, 8)
	case "decimal":
		a.Kind, a.Digits = Decimal, digits(1, 2)
	case "geo":
		a.Digits = digits(2, 6)
		switch {
		case len(parts) < 2:
		case parts[1] == "lat", parts[1] == "lon", parts[1] == "point":
			a.Kind = Kind("geo:" + parts[1])
		}
	case "buffer", "bits":
		a.Kind = Buffer
	case "array":
		a.Kind = Array
		a.ItemType, _ = a.rule("items")
		a.Items = JSON
		switch a.ItemType {
		case "string":
			a.Items = Text
		case "number":
			a.Items = Number
			if arg, ok := a.rule("integer"); ok && arg != "false" {
				a.Items = Integer
			}
		}
		// The mapping form is stored as JSON, whatever its items.
		if strings.HasPrefix(a.Definition, "{") {
			a.Items = JSON
		}
	}
}

// isSecret reports whether values are stored encrypted.
func (k Kind) isSecret() bool { return k == Secret || k == SecretNumber || k == SecretAny }

// isPlain reports whether the stored text is the value.
func (k Kind) isPlain() bool { return k == Text || k == Password }
