package migrate

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/s3dbgen/s3dbgen/s3dbjs"
	"github.com/s3dbgen/s3dbgen/s3dbjs/convert"
	"github.com/s3dbgen/s3dbgen/schema"
)

// draft is a document in the JSON that the target takes: attributes by name, and
// nested objects as drafts.
type draft map[string]any // json.RawMessage or draft

// translate names and writes the values of one level as the schema wants them.
// unmapped is called with the path of each attribute that the schema lacks.
func translate(attributes []*s3dbjs.Attribute, values map[string]any, target []*schema.Attribute, top bool, unmapped func(path string)) draft {
	names := convert.AttributeNames(attributes, top, false)
	d := draft{}
	for i, a := range attributes {
		v, present := values[a.Name]
		if !present {
			continue
		}
		t := find(target, names[i])
		switch {
		case t == nil:
			unmapped(a.Path)
		case v == nil && t.Type.Kind != schema.KindJSON: // null is absent
		case a.Kind == s3dbjs.Nested && t.Type.Kind == schema.KindObject && t.Type.Fields != nil:
			fields, ok := v.(map[string]any)
			if !ok {
				d[t.Name] = jsonOf(v, t.Type)
				continue
			}
			d[t.Name] = translate(a.Fields, fields, t.Type.Fields, false, unmapped)
		default:
			d[t.Name] = jsonOf(v, t.Type)
		}
	}
	return d
}

// find returns the attribute of a name, also of a former one.
func find(list []*schema.Attribute, name string) *schema.Attribute {
	for _, was := range []bool{false, true} {
		i := slices.IndexFunc(list, func(a *schema.Attribute) bool { return name != "" && (a.Name == name && !was || a.Was == name && was) })
		if i >= 0 {
			return list[i]
		}
	}
	return nil
}

// jsonOf writes a value. Types that do not fit are left to the target, which says
// so.
func jsonOf(v any, t *schema.Type) json.RawMessage {
	if t.Kind == schema.KindSecret && t.Elem != nil {
		t = t.Elem
	}
	switch v := v.(type) {
	case json.RawMessage:
		return v
	case time.Time:
		if t.Kind == schema.KindDate && v.Equal(v.Truncate(24*time.Hour)) {
			return quote(v.Format(time.DateOnly))
		}
		return quote(v.Format(time.RFC3339Nano))
	case time.Duration:
		if t.Kind == schema.KindString || t.Kind == schema.KindText {
			return quote(v.String())
		}
		return strconv.AppendInt(nil, int64(v), 10)
	case decimal.Decimal:
		if t.Kind == schema.KindNumber || t.Kind == schema.KindInteger || t.Kind == schema.KindJSON {
			return json.RawMessage(v.String())
		}
		return quote(v.StringFixed(max(0, -v.Exponent())))
	case float64:
		if t.Kind == schema.KindDecimal {
			return quote(decimal.NewFromFloat(v).String())
		}
		return marshal(v)
	case []byte:
		return quote(base64.StdEncoding.EncodeToString(v))
	case []any:
		item := &schema.Type{Kind: schema.KindJSON}
		if t.Elem != nil {
			item = t.Elem
		}
		parts := make([]json.RawMessage, len(v))
		for i := range v {
			parts[i] = jsonOf(v[i], item)
		}
		return marshal(parts)
	case map[string]any:
		members := map[string]json.RawMessage{}
		for name, x := range v {
			field := &schema.Type{Kind: schema.KindJSON}
			if a := find(t.Fields, name); a != nil {
				field = a.Type
			}
			members[name] = jsonOf(x, field)
		}
		return marshal(members)
	}
	return marshal(v)
}

func quote(s string) json.RawMessage { return marshal(s) }

// marshal writes JSON without the escapes that only HTML needs. Its values always
// have a JSON form.
func marshal(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return json.RawMessage("null")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// append writes the draft as JSON, with sorted names.
func (d draft) append(b []byte) []byte {
	b = append(b, '{')
	for i, name := range slices.Sorted(maps.Keys(d)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, quote(name)...), ':')
		switch v := d[name].(type) {
		case draft:
			b = v.append(b)
		case json.RawMessage:
			b = append(b, v...)
		}
	}
	return append(b, '}')
}

// lookup returns the JSON at a path, nil when there is none.
func (d draft) lookup(path string) json.RawMessage {
	name, rest, below := strings.Cut(path, ".")
	switch v := d[name].(type) {
	case draft:
		if below {
			return v.lookup(rest)
		}
	case json.RawMessage:
		if !below {
			return v
		}
	}
	return nil
}

// same reports whether two documents in JSON have the same values. cut allows the
// stored one to have texts that truncate-data has cut, and tells whether it did.
func same(stored, given []byte, allowCut bool) (equal, cut bool) {
	var a, b any
	if !decode(stored, &a) || !decode(given, &b) {
		return false, false
	}
	c := comparison{allowCut: allowCut}
	return c.equal(a, b), c.cut
}

func decode(data []byte, v any) bool {
	r := json.NewDecoder(bytes.NewReader(data))
	r.UseNumber()
	return r.Decode(v) == nil
}

type comparison struct{ allowCut, cut bool }

func (c *comparison) equal(stored, given any) bool {
	switch s := stored.(type) {
	case map[string]any:
		g, ok := given.(map[string]any)
		if !ok || len(s) != len(g) {
			return false
		}
		for name := range s {
			if x, ok := g[name]; !ok || !c.equal(s[name], x) {
				return false
			}
		}
		return true
	case []any:
		g, ok := given.([]any)
		return ok && len(s) == len(g) && !slices.ContainsFunc(indexes(len(s)), func(i int) bool { return !c.equal(s[i], g[i]) })
	case json.Number:
		g, ok := given.(json.Number)
		if !ok || s == g {
			return ok
		}
		_, serr := s.Int64()
		_, gerr := g.Int64()
		a, aerr := s.Float64()
		b, berr := g.Float64()
		return (serr != nil || gerr != nil) && aerr == nil && berr == nil && a == b
	case string:
		g, ok := given.(string)
		if ok && s != g && c.allowCut && strings.HasSuffix(s, "...") && strings.HasPrefix(g, strings.TrimSuffix(s, "...")) {
			c.cut = true
			return true
		}
		return ok && s == g
	}
	return stored == given
}

func indexes(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}
