package reference

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/s3dbgen/s3dbgen/gen"
	"github.com/s3dbgen/s3dbgen/schema"
)

// WriteOpenAPI writes the JSON of documents and of what inserts and updates take, as
// components of an OpenAPI 3.1 description: https://spec.openapis.org/oas/v3.1.1.html.
// The paths are those of the program that serves them, so there are none.
func WriteOpenAPI(w io.Writer, r *gen.Reference) error {
	version := 0
	for _, x := range r.Resources {
		version = max(version, x.Version)
	}
	info := ordered{{"title", r.Schema.Package}, {"version", strconv.Itoa(version)}}
	if r.Schema.Description != "" {
		info.set("description", r.Schema.Description)
	}
	return writeIndented(w, ordered{
		{"openapi", "3.1.0"},
		{"x-comment", Mark},
		{"info", info},
		{"components", ordered{{"schemas", components(r, "#/components/schemas/")}}},
	})
}

// WriteJSONSchema writes the schemas of WriteOpenAPI as definitions of one JSON
// Schema, draft 2020-12: https://json-schema.org/draft/2020-12.
func WriteJSONSchema(w io.Writer, r *gen.Reference) error {
	root := ordered{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"$comment", Mark}, {"title", r.Schema.Package}}
	if r.Schema.Description != "" {
		root.set("description", r.Schema.Description)
	}
	root.set("$defs", components(r, "#/$defs/"))
	return writeIndented(w, root)
}

// The three forms in which a program meets a document.
type form int

const (
	stored form = iota // a document, in which secrets are redacted
	input              // what an insert takes
	patch              // what an update takes
)

// componentWriter makes the schemas of one reference.
type componentWriter struct {
	names  *gen.Reference
	prefix string // of references
	all    ordered
	done   map[string]bool
}

func components(r *gen.Reference, prefix string) ordered {
	c := &componentWriter{names: r, prefix: prefix, done: map[string]bool{}}
	for _, x := range r.Resources {
		c.resource(x)
	}
	return c.all
}

// reference returns a reference to a schema, which write makes unless it is there.
func (c *componentWriter) reference(name string, write func() ordered) ordered {
	name = componentName(name)
	if !c.done[name] {
		c.done[name] = true
		at := len(c.all)
		c.all.set(name, nil) // before what it refers to
		written := write()
		c.all[at].value = written
	}
	return ordered{{"$ref", c.prefix + name}}
}

// componentName writes a Go name in the characters that OpenAPI allows.
func componentName(name string) string {
	var b strings.Builder
	for _, c := range name {
		if c < utf8.RuneSelf {
			b.WriteRune(c)
		} else {
			fmt.Fprintf(&b, "_%04X", c)
		}
	}
	return b.String()
}

func (c *componentWriter) resource(r *gen.ResourceReference) {
	c.reference(r.Document, func() ordered {
		properties, required := ordered{{"id", ordered{{"type", "string"}, {"minLength", 1}, {"readOnly", true}}}}, []string{"id"}
		c.properties(r.Attributes, stored, &properties, &required)
		if r.Timestamps {
			for _, name := range []string{"createdAt", "updatedAt"} {
				properties.set(name, ordered{{"type", "string"}, {"format", "date-time"}, {"readOnly", true}})
				required = append(required, name)
			}
		}
		return described(object(properties, required), "A document of "+r.Name+". "+r.Description, r.Deprecated)
	})
	c.reference(r.Insert, func() ordered {
		id := ordered{{"type", "string"}, {"minLength", 1}, {"description", "Left out, it is made."}}
		properties, required := ordered{{"id", id}}, []string{}
		c.properties(r.Attributes, input, &properties, &required)
		return described(object(properties, required), "What an insert into "+r.Name+" takes.", r.Deprecated)
	})
	c.reference(r.Patch, func() ordered {
		properties := ordered{}
		c.properties(r.Attributes, patch, &properties, nil)
		return described(object(properties, nil), "What an update of "+r.Name+" takes: attributes to set, and null for those to clear.", r.Deprecated)
	})
}

func object(properties ordered, required []string) ordered {
	o := ordered{{"type", "object"}, {"properties", properties}}
	if len(required) > 0 {
		o.set("required", required)
	}
	return append(o, member{"additionalProperties", false})
}

// described adds what people read.
func described(o ordered, description, deprecated string) ordered {
	if deprecated != "" {
		description = strings.TrimSpace(description + " Deprecated: " + deprecated)
	}
	if description = strings.TrimSpace(description); description != "" {
		o.set("description", description)
	}
	if deprecated != "" {
		o.set("deprecated", true)
	}
	return o
}

// properties adds the attributes of a document or of an object.
func (c *componentWriter) properties(attributes []*schema.Attribute, f form, properties *ordered, required *[]string) {
	for _, a := range attributes {
		if f == patch && a.Immutable {
			continue
		}
		s := c.typ(a.Type, f)
		generated := a.Type.Rules.Generate > 0
		if required != nil && !a.Optional && (f == stored || !a.HasDefault() && !generated) {
			*required = append(*required, a.Name)
		}
		if f == patch && a.Optional {
			s = ordered{{"anyOf", []any{s, ordered{{"type", "null"}}}}}
		}
		if f == input && a.HasDefault() {
			s.set("default", defaultJSON(a))
		}
		if secret := a.Type.Kind == schema.KindSecret || a.Type.Kind == schema.KindPassword; secret && f == stored {
			s.set("readOnly", true)
		} else if secret {
			s.set("writeOnly", true)
		}
		properties.set(a.Name, described(s, a.Description, a.Deprecated))
	}
}

// defaultJSON is a default as JSON has it.
func defaultJSON(a *schema.Attribute) any {
	switch v := a.Default.(type) {
	case time.Duration:
		return int64(v)
	case int64, float64, bool:
		return v
	default:
		return defaultText(a)
	}
}

// holdsSecret reports whether an object has another form in documents than in input.
func holdsSecret(attributes []*schema.Attribute) bool {
	for _, a := range attributes {
		if a.Type.Kind == schema.KindSecret || holdsSecret(leaf(a.Type).Fields) {
			return true
		}
	}
	return false
}

// redacted is what JSON shows of secrets and of hashes of passwords.
const redacted = "[redacted]"

// typ makes the schema of a type.
func (c *componentWriter) typ(t *schema.Type, f form) ordered {
	r := &t.Rules
	secret := t.Kind == schema.KindSecret || t.Kind == schema.KindPassword
	switch {
	case secret && f == stored:
		return ordered{{"type", "string"}, {"const", redacted}}
	case t.Kind == schema.KindSecret:
		return c.typ(t.Elem, f)
	case t.Kind == schema.KindPassword:
		return textSchema(t, "password", f)
	}
	if t.GoType != nil { // its JSON is its own affair
		return ordered{{"title", t.GoType.String()}}
	}
	switch t.Kind {
	case schema.KindString, schema.KindText:
		return textSchema(t, "", f)
	case schema.KindEmail:
		return textSchema(t, "email", f)
	case schema.KindURL:
		return textSchema(t, "uri", f)
	case schema.KindUUID:
		return ordered{{"type", "string"}, {"format", "uuid"}}
	case schema.KindIP4:
		return ordered{{"type", "string"}, {"format", "ipv4"}}
	case schema.KindIP6:
		return ordered{{"type", "string"}, {"format", "ipv6"}}
	case schema.KindIP:
		return ordered{{"type", "string"}, {"anyOf", []any{ordered{{"format", "ipv4"}}, ordered{{"format", "ipv6"}}}}}
	case schema.KindDate:
		return ordered{{"type", "string"}, {"format", "date"}}
	case schema.KindDateTime:
		return ordered{{"type", "string"}, {"format", "date-time"}}
	case schema.KindInteger:
		return numberSchema(ordered{{"type", "integer"}, {"format", "int64"}}, r)
	case schema.KindDuration:
		return numberSchema(ordered{{"type", "integer"}, {"format", "int64"}, {"title", "nanoseconds"}}, r)
	case schema.KindNumber:
		return numberSchema(ordered{{"type", "number"}, {"format", "double"}}, r)
	case schema.KindDecimal:
		return ordered{{"type", "string"}, {"format", "decimal"}, {"pattern", `^-?[0-9]+(\.[0-9]+)?$`}}
	case schema.KindBoolean:
		return ordered{{"type", "boolean"}}
	case schema.KindEnum:
		return c.enum(t)
	case schema.KindBytes:
		return bytesSchema(r)
	case schema.KindArray:
		return sizes(ordered{{"type", "array"}, {"items", c.typ(t.Elem, f)}}, r, "minItems", "maxItems", r.UniqueItems)
	case schema.KindMap:
		return sizes(ordered{{"type", "object"}, {"additionalProperties", c.typ(t.Elem, f)}}, r, "minProperties", "maxProperties", false)
	case schema.KindObject:
		if t.Fields != nil {
			return c.inner(t, f)
		}
		return ordered{{"type", "object"}}
	default:
		return ordered{} // any JSON
	}
}

// inner refers to the schema of an object within a document.
func (c *componentWriter) inner(t *schema.Type, f form) ordered {
	name := c.names.TypeName(t)
	if f == patch { // a patch sets an object as a whole
		f = input
	}
	if f == input && holdsSecret(t.Fields) {
		name += "Input"
	}
	return c.reference(name, func() ordered {
		properties, required := ordered{}, []string{}
		c.properties(t.Fields, f, &properties, &required)
		return object(properties, required)
	})
}

// enum refers to the schema of an enum.
func (c *componentWriter) enum(t *schema.Type) ordered {
	return c.reference(c.names.TypeName(t), func() ordered {
		values := make([]string, len(t.Enum))
		var notes []string
		for i, v := range t.Enum {
			values[i] = v.Name
			if note := strings.TrimSpace(described(nil, v.Description, v.Deprecated).text()); note != "" {
				notes = append(notes, v.Name+": "+note)
			}
		}
		return described(ordered{{"type", "string"}, {"enum", values}}, strings.Join(notes, "\n"), "")
	})
}

// text returns the description of a schema.
func (o ordered) text() string {
	for _, m := range o {
		if s, ok := m.value.(string); ok && m.name == "description" {
			return s
		}
	}
	return ""
}

// sizes adds the rules of how many items there are.
func sizes(o ordered, r *schema.Rules, least, most string, unique bool) ordered {
	low, high := r.Min, r.Max
	if r.Length != nil {
		low, high = r.Length, r.Length
	}
	if low != nil && *low > 0 {
		o.set(least, *low)
	}
	if high != nil {
		o.set(most, *high)
	}
	if unique {
		o.set("uniqueItems", true)
	}
	return o
}

func bytesSchema(r *schema.Rules) ordered {
	encoded := func(n *int64) *int64 {
		if n == nil {
			return nil
		}
		size := (*n + 2) / 3 * 4
		return &size
	}
	return sizes(ordered{{"type", "string"}, {"contentEncoding", "base64"}},
		&schema.Rules{Min: encoded(r.Min), Max: encoded(r.Max), Length: encoded(r.Length)}, "minLength", "maxLength", false)
}

// numberSchema adds the rules of a number.
func numberSchema(o ordered, r *schema.Rules) ordered {
	number := func(name, text string) {
		if text != "" {
			o.set(name, json.Number(text))
		}
	}
	number("minimum", r.MinNumber)
	number("maximum", r.MaxNumber)
	number("const", r.Equal)
	if r.Positive {
		o.set("exclusiveMinimum", 0)
	}
	if r.Negative {
		o.set("exclusiveMaximum", 0)
	}
	if r.NotEqual != "" {
		o.set("not", ordered{{"const", json.Number(r.NotEqual)}})
	}
	return o
}

// textSchema makes the schema of a string. Input that is normalised before it is
// checked need not keep the rules that the stored text keeps.
func textSchema(t *schema.Type, format string, f form) ordered {
	r := t.Rules
	o := ordered{{"type", "string"}}
	trimmed := f != stored && r.Trim // blanks at the ends do not count
	cased := trimmed || f != stored && (r.Lowercase || r.Uppercase)
	if trimmed {
		format, r.Max = "", nil
		if r.Length != nil {
			r.Min, r.Length = r.Length, nil
		}
	}
	if cased {
		r.Pattern, r.StartsWith, r.EndsWith, r.Contains, r.In = "", "", "", "", nil
	}
	if format != "" {
		o.set("format", format)
	}
	if len(r.In) > 0 {
		o.set("enum", r.In)
	}
	o = sizes(o, &r, "minLength", "maxLength", false)
	var patterns []string
	if portable(r.Pattern) {
		patterns = append(patterns, r.Pattern)
	}
	for _, x := range []struct {
		on      bool
		pattern string
	}{
		{r.StartsWith != "", "^" + regexp.QuoteMeta(r.StartsWith)},
		{r.EndsWith != "", regexp.QuoteMeta(r.EndsWith) + "$"},
		{r.Contains != "", regexp.QuoteMeta(r.Contains)},
		{r.Alpha, "^[a-zA-Z]+$"},
		{r.Numeric, "^[0-9]+$"},
		{r.Alphanum, "^[a-zA-Z0-9]+$"},
		{r.Alphadash, "^[a-zA-Z0-9_-]+$"},
		{r.Hex, "^[0-9a-fA-F]+$"},
		{r.Base64, "^[a-zA-Z0-9+/]*={0,2}$"},
	} {
		if x.on && !trimmed {
			patterns = append(patterns, x.pattern)
		}
	}
	switch len(patterns) {
	case 0:
	case 1:
		o.set("pattern", patterns[0])
	default:
		all := make([]any, len(patterns))
		for i, p := range patterns {
			all[i] = ordered{{"pattern", p}}
		}
		o.set("allOf", all)
	}
	return o
}

// portable reports whether a pattern means the same in ECMA-262, the language of
// patterns in JSON Schema.
func portable(pattern string) bool {
	if pattern == "" {
		return false
	}
	for _, special := range []string{"(?", `\A`, `\z`, `\Q`, `\C`, `\a`, `\pN`, `\PN`, `\p`, `\P`, `\x{`, "[["} {
		if strings.Contains(strings.ReplaceAll(pattern, "(?:", "("), special) {
			return false
		}
	}
	return true
}
