package convert

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/s3dbgen/s3dbgen/s3dbjs"
)

// define chooses the type and the rules that come closest.
func define(a *s3dbjs.Attribute, nestedOptional bool) *definition {
	d := &definition{optional: a.Optional}
	d.setType(a, nestedOptional)
	for _, r := range a.Rules {
		d.addRule(a, r)
	}
	return d
}

// setType sets the type, and notes what it is not.
func (d *definition) setType(a *s3dbjs.Attribute, nestedOptional bool) {
	switch a.Kind {
	case s3dbjs.Text:
		d.typ = "string"
		switch base, _, _ := strings.Cut(a.Type, ":"); base {
		case "string":
		case "text", "email", "url":
			d.typ = base
		default:
			d.note("s3db.js: %s. There is no such type here; values stay as they are.", a.Definition)
		}
	case s3dbjs.Number, s3dbjs.Integer, s3dbjs.Boolean, s3dbjs.UUID, s3dbjs.IP4, s3dbjs.IP6, s3dbjs.Duration, s3dbjs.DateTime,
		s3dbjs.JSON, s3dbjs.Secret:
		d.typ = string(a.Kind)
	case s3dbjs.Date:
		d.typ = "datetime"
		d.note("s3db.js: %s. A date is an instant there, and a day here.", a.Definition)
	case s3dbjs.DateOnly:
		d.typ = "date"
	case s3dbjs.TimeOnly, s3dbjs.MAC, s3dbjs.CIDR, s3dbjs.Semver, s3dbjs.Phone, s3dbjs.Color, s3dbjs.EAN:
		d.typ = "string"
		d.note("s3db.js: %s. There is no such type here; a text, and nothing checks its form.", a.Definition)
	case s3dbjs.Money, s3dbjs.Decimal, s3dbjs.Latitude, s3dbjs.Longitude:
		d.typ = "decimal"
		d.note("s3db.js: %s. Exact here, and not rounded to %d places.", a.Definition, a.Digits)
	case s3dbjs.Point:
		d.typ = "object"
		d.names = []string{"latitude", "longitude"}
		d.fields = []*definition{{typ: "decimal"}, {typ: "decimal"}}
		d.note("s3db.js: %s.", a.Definition)
	case s3dbjs.Embedding:
		d.typ, d.items = "array", "number"
		d.note("s3db.js: %s. There six decimal places are kept.", a.Definition)
	case s3dbjs.Array:
		d.setItems(a)
	case s3dbjs.Any:
		d.typ = "json"
		d.note("s3db.js: %s. What was no text there has become one, unless it is an array or an object.", a.Definition)
	case s3dbjs.Object:
		d.typ = "object"
	case s3dbjs.Nested:
		d.setFields(a, nestedOptional)
	case s3dbjs.SecretNumber:
		d.typ, d.items = "secret", "number"
	case s3dbjs.SecretAny:
		d.typ = "secret"
		d.note("s3db.js: %s. Only texts survive there.", a.Definition)
	case s3dbjs.Password:
		d.typ = "string"
		d.note("s3db.js: %s. Its hashes stay texts: the type password here verifies Argon2id in PHC form only.", a.Definition)
	case s3dbjs.Buffer:
		d.typ = "bytes"
	default:
		d.typ = "json"
	}
}

func (d *definition) setItems(a *s3dbjs.Attribute) {
	d.typ, d.items = "array", "json"
	switch a.Items {
	case s3dbjs.Text:
		d.items = "string"
	case s3dbjs.Number:
		d.items = "number"
	case s3dbjs.Integer:
		d.items = "integer"
	default:
		if a.ItemType != "" {
			d.note("s3db.js: %s. Items may have any shape here.", a.Definition)
		}
	}
}

func (d *definition) setFields(a *s3dbjs.Attribute, nestedOptional bool) {
	d.typ = "object"
	d.optional = d.optional || nestedOptional
	d.names = AttributeNames(a.Fields, false, false)
	if len(a.Fields) == 0 {
		return
	}
	d.fields = []*definition{}
	for i, f := range a.Fields {
		field := define(f, nestedOptional)
		if d.names[i] != f.Name {
			field.note("s3db.js: %s. The name is not allowed here.", f.Name)
		}
		d.fields = append(d.fields, field)
	}
}

// addRule takes over a rule, or notes that it is gone.
func (d *definition) addRule(a *s3dbjs.Attribute, r s3dbjs.Rule) {
	number := regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`).MatchString(r.Arg)
	off := r.Arg == "false"
	flag := r.Arg == "" || r.Arg == "true"
	switch r.Name {
	case "optional", "required", "items", "integer", "type":
		return // part of the type
	case "min", "max", "length":
		if number && (d.typ != "secret" || d.items == "") && d.typ != "json" {
			d.rules = append(d.rules, r)
			return
		}
	case "pattern":
		if re, ok := expression(r.Arg); ok {
			d.rules = append(d.rules, s3dbjs.Rule{Name: r.Name, Arg: re})
			return
		}
	case "enum", "values":
		if d.typ == "string" && r.Arg != "" && !strings.HasPrefix(r.Arg, "[") {
			d.rules = append(d.rules, s3dbjs.Rule{Name: "enum", Arg: r.Arg})
			return
		}
	case "contains", "equal", "notEqual":
		if r.Arg != "" && (r.Name == "contains" || number) {
			d.rules = append(d.rules, r)
			return
		}
	case "positive", "negative", "alpha", "numeric", "alphanum", "alphadash", "hex", "base64", "singleLine", "trim", "lowercase", "uppercase", "normalize":
		if off {
			return
		}
		if flag {
			d.rules = append(d.rules, s3dbjs.Rule{Name: r.Name})
			return
		}
	case "empty":
		if off {
			d.rules = append(d.rules, r)
		}
		return
	case "unique":
		if flag {
			d.rules = append(d.rules, s3dbjs.Rule{Name: "unique"})
			if d.typ != "array" {
				d.note("s3db.js: %s. There unique is not enforced, so documents may clash.", a.Definition)
			}
		}
		return
	case "description":
		if r.Arg != "" {
			d.rules = append(d.rules, s3dbjs.Rule{Name: r.Name, Arg: oneLine(r.Arg)})
		}
		return
	case "default":
		if !d.optional && r.Arg != "" && (d.typ == "string" || d.typ == "boolean" && (flag || off) || number && (d.typ == "number" || d.typ == "integer")) {
			d.rules = append(d.rules, r)
			return
		}
	}
	d.note("s3db.js: the rule %q has no equivalent here and is left out.", strings.TrimSuffix(r.Name+":"+r.Arg, ":"))
}

// expression returns a regular expression of JavaScript for Go, if Go has it.
func expression(arg string) (string, bool) {
	if len(arg) > 1 && arg[0] == '/' && arg[len(arg)-1] == '/' {
		arg = arg[1 : len(arg)-1]
	}
	if _, err := regexp.Compile(arg); err != nil || arg == "" {
		return "", false
	}
	return arg, true
}

// partitions writes the partitions that can be kept. Those that the options make
// by themselves are left out.
func (w *writer) partitions(r *s3dbjs.Resource) {
	var body writer
	var names []string
	for _, p := range r.Partitions {
		names = append(names, p.Name)
	}
	names = unique(names, indexName)
	kept := false
	for i, p := range r.Partitions {
		if isVersionPartition(p) || r.Current.Timestamps && (p.Name == "byCreatedDate" || p.Name == "byUpdatedDate") {
			continue
		}
		var one writer
		if names[i] != p.Name {
			one.comment(3, "s3db.js: %s. The name is not allowed here.", p.Name)
		}
		w.partition(&one, names[i], p, r)
		if reason := checkPartition(r, one.String()); reason != "" {
			body.comment(3, "%s: %s: %s", p.Name, describeFields(p), reason)
			continue
		}
		kept = true
		body.WriteString(one.String())
	}
	if kept {
		w.line(2, "partitions:")
	} else if body.Len() > 0 {
		w.comment(2, "Partitions that cannot be kept:")
	}
	w.WriteString(body.String())
}

func isVersionPartition(p s3dbjs.Partition) bool {
	return p.Name == "byVersion" && len(p.Fields) == 1 && p.Fields[0].Path == "_v"
}

func describeFields(p s3dbjs.Partition) string {
	parts := make([]string, len(p.Fields))
	for i, f := range p.Fields {
		parts[i] = f.Path + " " + f.Rules
	}
	return strings.Join(parts, ", ")
}

func (w *writer) partition(out *writer, name string, p s3dbjs.Partition, r *s3dbjs.Resource) {
	var fields writer
	for _, f := range p.Fields {
		path, a := schemaPath(r, f.Path)
		rules := ""
		for part := range strings.SplitSeq(f.Rules, "|") {
			length, ok := strings.CutPrefix(part, "maxlength:")
			switch n, err := strconv.Atoi(length); {
			case ok && err == nil && n > 0:
				rules += "|maxlength:" + strconv.Itoa(n)
			case part == "date" && a != nil && (a.Kind == s3dbjs.DateTime || a.Kind == s3dbjs.Date):
				rules = "date" // the first ten characters of a day are the day
			case part == "date":
				out.comment(3, "%s: there %q takes the day of a text too; here only its first characters count.", f.Path, f.Rules)
			}
			if rules == "date|maxlength:10" {
				rules = "date"
			}
		}
		typ := "string"
		if a != nil {
			typ = define(a, false).typ
		}
		if rules == "date" {
			fields.line(5, scalar(path)+": date")
		} else {
			fields.line(5, scalar(path)+": "+typ+rules)
		}
	}
	out.line(3, name+":")
	out.line(4, "fields:")
	out.WriteString(fields.String())
}

// schemaPath returns the path that an attribute has in the schema, and the
// attribute, nil when the definition does not have it.
func schemaPath(r *s3dbjs.Resource, path string) (string, *s3dbjs.Attribute) {
	list, top := r.Current.Attributes, true
	out, rest := "", path
	for {
		found := false
		names := AttributeNames(list, top, false)
		for i, a := range list {
			tail, below := strings.CutPrefix(rest, a.Name+".")
			if rest != a.Name && !below {
				continue
			}
			if out != "" {
				out += "."
			}
			out += names[i]
			if rest == a.Name {
				return out, a
			}
			list, rest, top, found = a.Fields, tail, false, true
			break
		}
		if !found {
			return path, nil
		}
	}
}

// checkPartition returns why the schema language refuses a partition, or "".
func checkPartition(r *s3dbjs.Resource, text string) string {
	w := &writer{}
	w.line(0, "package: x")
	w.line(0, "resources:")
	w.line(1, "rows:")
	if r.Current.Timestamps {
		w.line(2, "timestamps: true")
	}
	w.attributes(r)
	w.line(2, "partitions:")
	w.WriteString(text)
	return problem(w.String())
}
