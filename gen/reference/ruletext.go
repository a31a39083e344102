package reference

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/s3dbgen/s3dbgen/schema"
)

// leaf returns the type inside arrays, maps and secrets.
func leaf(t *schema.Type) *schema.Type {
	for t.Elem != nil {
		t = t.Elem
	}
	return t
}

// typeText names a type as the schema language does: "array of string".
func typeText(t *schema.Type) string {
	switch {
	case t.Kind == schema.KindSecret && t.Elem.Kind == schema.KindString:
		return string(t.Kind)
	case t.Elem != nil:
		return string(t.Kind) + " of " + typeText(t.Elem)
	}
	return string(t.Kind)
}

// ruleTexts writes the rules of an attribute as the schema language does.
func ruleTexts(a *schema.Attribute) []string {
	var list []string
	flag := func(on bool, name string) {
		if on {
			list = append(list, name)
		}
	}
	flag(a.Optional, "optional")
	flag(a.Immutable, "immutable")
	if a.HasDefault() {
		list = append(list, "default:"+defaultText(a))
	}
	return append(list, typeRules(a.Type)...)
}

// defaultText is a default as the schema writes it.
func defaultText(a *schema.Attribute) string {
	switch v := a.Default.(type) {
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case []byte:
		return base64Text(v)
	default:
		return fmt.Sprint(v)
	}
}

// typeRules are the rules of a type, then those of what it holds.
func typeRules(t *schema.Type) []string {
	var list []string
	r := &t.Rules
	flag := func(on bool, name string) {
		if on {
			list = append(list, name)
		}
	}
	text := func(name, value string) {
		if value != "" {
			list = append(list, name+":"+value)
		}
	}
	size := func(name string, n *int64) {
		if n != nil {
			text(name, strconv.FormatInt(*n, 10))
		}
	}
	duration := func(number string) string {
		if n, err := strconv.ParseInt(number, 10, 64); err == nil && t.Kind == schema.KindDuration {
			return time.Duration(n).String()
		}
		return number
	}
	size("min", r.Min)
	size("max", r.Max)
	size("length", r.Length)
	text("min", duration(r.MinNumber)+r.MinTime)
	text("max", duration(r.MaxNumber)+r.MaxTime)
	text("equal", r.Equal)
	text("notEqual", r.NotEqual)
	flag(r.Positive, "positive")
	flag(r.Negative, "negative")
	text("pattern", r.Pattern)
	text("contains", r.Contains)
	text("startsWith", r.StartsWith)
	text("endsWith", r.EndsWith)
	text("enum", strings.Join(r.In, ","))
	for _, x := range []struct {
		on   bool
		name string
	}{
		{r.Alpha, "alpha"}, {r.Numeric, "numeric"}, {r.Alphanum, "alphanum"}, {r.Alphadash, "alphadash"}, {r.Hex, "hex"},
		{r.Base64, "base64"}, {r.SingleLine, "singleLine"}, {r.Trim, "trim"}, {r.Lowercase, "lowercase"}, {r.Uppercase, "uppercase"}, {r.UniqueItems, "unique"},
	} {
		flag(x.on, x.name)
	}
	if r.Generate > 0 {
		text("generate", strconv.Itoa(r.Generate))
	}
	if r.UUIDVersion > 0 {
		text("version", strconv.Itoa(r.UUIDVersion))
	}
	text("schemes", strings.Join(r.Schemes, ","))
	if len(t.Enum) > 0 {
		names := make([]string, len(t.Enum))
		for i, v := range t.Enum {
			names[i] = v.Name
		}
		text("values", strings.Join(names, ","))
	}
	if t.Elem != nil && t.Elem.Fields == nil {
		inner := typeRules(t.Elem)
		if t.Kind == schema.KindSecret && t.Elem.Kind == schema.KindString {
			return append(list, inner...)
		}
		for _, rule := range inner {
			list = append(list, "items."+rule)
		}
	}
	return list
}
