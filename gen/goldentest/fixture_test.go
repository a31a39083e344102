package goldentest

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/s3dbgen/s3dbgen/schema"
)

// fixture makes documents that obey their schema, in the form of their JSON.
// Variants of one attribute differ, as far as its rules leave a choice.
type fixture struct {
	variant int
	full    bool // with the optional attributes
}

// object returns a value for every attribute that keep accepts.
func (f fixture) object(attributes []*schema.Attribute, keep func(*schema.Attribute) bool) map[string]any {
	o := map[string]any{}
	for _, a := range attributes {
		if keep(a) && (f.full || !a.Optional) {
			o[a.Name] = f.value(a.Type)
		}
	}
	return o
}

func all(*schema.Attribute) bool { return true }

func (f fixture) value(t *schema.Type) any {
	if t.Ref != nil {
		return fmt.Sprintf("id-%d", f.variant)
	}
	switch t.Kind {
	case schema.KindNumber:
		return f.number(t.Rules)
	case schema.KindInteger:
		return int64(f.number(t.Rules))
	case schema.KindDecimal:
		if t.Rules.Negative {
			return fmt.Sprintf("-%d.25", 2+f.variant)
		}
		return fmt.Sprintf("%d.25", 2+f.variant)
	case schema.KindBoolean:
		return f.variant%2 == 0
	case schema.KindDate:
		return fmt.Sprintf("2024-02-%02d", 28+f.variant%2)
	case schema.KindDateTime:
		return fmt.Sprintf("2024-02-%02dT23:59:59.00%dZ", 28+f.variant%2, 1+f.variant)
	case schema.KindDuration:
		return 1500000001 + int64(f.variant)
	case schema.KindUUID:
		return fmt.Sprintf("018f3f5e-7a6b-%dc8d-9e0f-1a2b3c4d5e6%d", max(4, t.Rules.UUIDVersion), f.variant)
	case schema.KindIP, schema.KindIP4:
		return fmt.Sprintf("192.0.2.%d", 1+f.variant)
	case schema.KindIP6:
		return fmt.Sprintf("2001:db8::%d", 1+f.variant)
	case schema.KindEmail:
		return fmt.Sprintf("ada%d@example.com", f.variant)
	case schema.KindURL:
		return fmt.Sprintf("https://example.com/%d?q=ü", f.variant)
	case schema.KindEnum:
		return t.Enum[f.variant%len(t.Enum)].Name
	case schema.KindBytes:
		return base64.StdEncoding.EncodeToString([]byte{0, 0xff, 'x', byte('a' + f.variant)})
	case schema.KindJSON:
		return map[string]any{"list": []any{1, nil, "x"}, "variant": f.variant}
	case schema.KindArray, schema.KindMap:
		return f.container(t)
	case schema.KindSecret:
		return f.value(t.Elem)
	case schema.KindObject:
		if t.Fields == nil {
			return map[string]any{"any": map[string]any{"depth": []any{true}}, "variant": f.variant}
		}
		return f.object(t.Fields, all)
	default:
		return f.text(t.Rules)
	}
}

func (f fixture) number(r schema.Rules) float64 {
	switch {
	case r.Equal != "":
		return 7
	case r.Negative:
		return float64(-3 - f.variant)
	default:
		return float64(3 + f.variant)
	}
}

func (f fixture) container(t *schema.Type) any {
	const few = 2
	n := few
	if t.Rules.Length != nil {
		n = int(*t.Rules.Length)
	}
	list := make([]any, n)
	entries := map[string]any{}
	for i := range list {
		// Items differ, whatever the variant.
		list[i] = fixture{variant: f.variant + few*i, full: f.full}.value(t.Elem)
		entries[fmt.Sprintf("key %d = ü", i)] = list[i]
	}
	if t.Kind == schema.KindMap {
		return entries
	}
	return list
}

// text makes a string that obeys the rules.
func (f fixture) text(r schema.Rules) string {
	v := string(rune('a' + f.variant))
	switch {
	case r.Pattern != "":
		return patternSample(r.Pattern, v)
	case len(r.In) > 0:
		return r.In[f.variant%len(r.In)]
	case r.Numeric:
		return strings.Repeat("7", 11) + fmt.Sprint(f.variant)
	case r.Hex:
		return "c0ffee" + v
	case r.Base64:
		return base64.StdEncoding.EncodeToString([]byte(v))
	}
	text := v
	plain := r.Alpha || r.Alphanum || r.Alphadash
	least := 0
	if r.Min != nil {
		least = int(*r.Min)
	}
	if r.Length != nil {
		least = int(*r.Length)
	}
	for len(text) < least {
		text += "b"
	}
	if least == 0 && !plain && r.Max == nil {
		text += ` "é` // more than letters, where nothing is against it
	}
	if r.Uppercase {
		text = strings.ToUpper(text)
	}
	return r.StartsWith + text + r.Contains + r.EndsWith
}

// patternSample knows a text for each pattern in the golden schemas.
func patternSample(pattern, v string) string {
	switch pattern {
	case `^[A-Z]+-\d+$`:
		return strings.ToUpper(v) + "-12"
	case `^[a-z]{2}$`:
		return v + "z"
	case "^[\"`\\\\]+$":
		return strings.Repeat("\"`\\", int(v[0]-'a')+1)
	case "^`\\x00?\\n?$":
		return []string{"`", "`\n", "`\x00\n"}[int(v[0]-'a')%3]
	case `[0-9]`:
		return v + "1 secret phrase"
	}
	return "no sample for the pattern " + pattern
}

// comparable removes what the JSON of a document does not show.
func shown(attributes []*schema.Attribute, o map[string]any) map[string]any {
	visible := map[string]any{}
	for _, a := range attributes {
		value, ok := o[a.Name]
		if !ok || slices.Contains([]schema.Kind{schema.KindSecret, schema.KindPassword}, a.Type.Kind) {
			continue
		}
		if inner, ok := value.(map[string]any); ok && a.Type.Fields != nil {
			value = shown(a.Type.Fields, inner)
		}
		visible[a.Name] = value
	}
	return visible
}
