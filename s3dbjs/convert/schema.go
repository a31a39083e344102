package convert

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/s3dbgen/s3dbgen/s3dbjs"
	"github.com/s3dbgen/s3dbgen/schema"
)

// Schema writes a schema file for a database of s3db.js. What the schema language
// has no word for is approximated, and a comment says so. The result is valid.
func Schema(def *s3dbjs.Definition, packageName string) string {
	w := &writer{}
	w.line(0, "# Imported from a database of s3db.js "+oneLine(def.Release)+". Comments tell where the two differ;")
	w.line(0, "# see docs/s3dbjs.md of s3dbgen.")
	w.line(0, "package: "+packageName)
	if len(def.Resources) == 0 {
		w.line(0, "resources: {}")
		return w.String()
	}
	w.line(0, "resources:")
	names := ResourceNames(def)
	for i, r := range def.Resources {
		w.resource(names[i], r)
	}
	return w.String()
}

// writer collects lines of YAML.
type writer struct{ strings.Builder }

func (w *writer) line(depth int, text string) {
	w.WriteString(strings.Repeat("  ", depth) + text + "\n")
}

func (w *writer) comment(depth int, format string, args ...any) {
	w.line(depth, "# "+oneLine(fmt.Sprintf(format, args...)))
}

// oneLine keeps what others wrote within its comment.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 || r == 0xfeff {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

func (w *writer) resource(name string, r *s3dbjs.Resource) {
	v := r.Current
	if name != r.Name {
		w.comment(1, "s3db.js: %s. The name is not allowed here.", r.Name)
	}
	if r.CreatedBy != "" && r.CreatedBy != "user" {
		w.comment(1, "Made by a plugin of s3db.js (%s).", r.CreatedBy)
	}
	w.line(1, name+":")
	if v.Timestamps {
		w.line(2, "timestamps: true")
	}
	w.behavior(v.Behavior)
	w.ids(v)
	if slices.ContainsFunc(r.Partitions, isVersionPartition) {
		w.line(2, "versioning: true # s3db.js numbers versions by itself; here the lock file does")
	}
	if len(v.Hooks) > 0 {
		w.comment(2, "Hooks (%s) are Go code here.", strings.Join(v.Hooks, ", "))
	}
	if !v.AutoDecrypt {
		w.comment(2, "autoDecrypt is off there; here secrets are always decrypted.")
	}
	w.attributes(r)
	w.partitions(r)
}

func (w *writer) behavior(name string) {
	switch schema.Behavior(name) {
	case schema.UserManaged, "":
		w.line(2, "behavior: user-managed # there the limit raises an event; here what does not fit goes to the body as well")
	case schema.EnforceLimits, schema.BodyOverflow, schema.BodyOnly:
		w.line(2, "behavior: "+name)
	case schema.TruncateData:
		w.line(2, "behavior: truncate-data # here only texts are cut, never dropped")
	default:
		w.comment(2, "behavior: %s is not known here.", name)
	}
}

func (w *writer) ids(v *s3dbjs.Version) {
	size := v.IDSize
	if size < 4 || size > 128 {
		size = 22
	}
	switch v.IDGenerator {
	case "", "default":
	case "custom":
		w.comment(2, "There a function makes the ids: write \"generator: custom\" and give it to Open with s3db.WithIDs.")
	default:
		w.comment(2, "idGenerator %s has no equivalent here.", v.IDGenerator)
	}
	w.line(2, "id:")
	w.line(3, "generator: nanoid")
	w.line(3, "size: "+strconv.Itoa(size))
	w.line(3, "charset: any # s3db.js allows ids that are no single word")
}

func (w *writer) attributes(r *s3dbjs.Resource) {
	v := r.Current
	names := AttributeNames(v.Attributes, true, v.Timestamps)
	var body writer
	for i, a := range v.Attributes {
		if names[i] == "" {
			if a.Name == "id" {
				body.comment(3, "id: %s: every document has one here.", a.Definition)
			}
			continue
		}
		body.attribute(3, names[i], a, v.AllNestedOptional)
	}
	removed(&body, r)
	if !slices.ContainsFunc(names, func(name string) bool { return name != "" }) {
		body.comment(3, "The resource has no attributes there, and needs one here.")
		body.line(3, "value: json|optional")
	}
	w.line(2, "attributes:")
	w.WriteString(body.String())
}

// removed names the attributes that only older versions have.
func removed(w *writer, r *s3dbjs.Resource) {
	now := map[string]bool{}
	for _, a := range r.Current.Attributes {
		now[a.Name] = true
	}
	for _, v := range slices.Backward(r.Versions) {
		for _, a := range v.Attributes {
			if !now[a.Name] {
				now[a.Name] = true
				w.comment(3, "%s: %s: removed after %s. Documents of that time have it; to keep their values, declare it, optional.", a.Name, a.Definition, v.Name)
			}
		}
	}
}

// attribute writes an attribute so that the schema accepts it: with all rules, else
// without them, else as JSON of any shape.
func (w *writer) attribute(depth int, name string, a *s3dbjs.Attribute, nestedOptional bool) {
	d := define(a, nestedOptional)
	if name != a.Name {
		w.comment(depth, "s3db.js: %s. The name is taken or not allowed here.", a.Name)
	}
	err := check(d)
	if err != "" {
		d.strip()
		d.note("s3db.js: %s. Its rules are left out: %s", a.Definition, err)
	}
	if err != "" && check(d) != "" {
		d = &definition{typ: "json", optional: d.optional, notes: d.notes}
	}
	d.write(w, depth, name)
}

// check returns why the schema language refuses a definition, or "".
func check(d *definition) string {
	var w writer
	w.line(0, "package: x")
	w.line(0, "resources:")
	w.line(1, "rows:")
	w.line(2, "attributes:")
	d.write(&w, 3, "value")
	return problem(w.String())
}

// problem returns the first mistake in a schema, or "".
func problem(text string) string {
	_, found := schema.Parse("schema.yaml", []byte(text))
	for _, f := range found {
		if f.Severity != schema.Warning {
			return f.Message
		}
	}
	return ""
}

// definition is an attribute of the schema to be.
type definition struct {
	typ      string
	items    string // of arrays and secrets
	rules    []s3dbjs.Rule
	optional bool
	names    []string // of fields
	fields   []*definition
	notes    []string
}

func (d *definition) note(format string, args ...any) {
	d.notes = append(d.notes, fmt.Sprintf(format, args...))
}

// strip takes away all rules.
func (d *definition) strip() {
	d.rules = nil
	for _, f := range d.fields {
		f.strip()
	}
}

func (d *definition) write(w *writer, depth int, name string) {
	for _, n := range d.notes {
		w.comment(depth, "%s", n)
	}
	switch {
	case d.fields != nil:
		w.line(depth, name+":")
		w.line(depth+1, "type: object")
		if d.optional {
			w.line(depth+1, "optional: true")
		}
		w.line(depth+1, "fields:")
		for i, f := range d.fields {
			f.write(w, depth+2, d.names[i])
		}
	case d.typ == "secret" && d.items != "" || slices.ContainsFunc(d.rules, needsMapping):
		w.line(depth, name+":")
		w.line(depth+1, "type: "+d.typ)
		if d.items != "" {
			w.line(depth+1, "items: "+d.items)
		}
		for _, r := range d.rules {
			w.line(depth+1, r.Name+": "+argument(r))
		}
		if d.optional {
			w.line(depth+1, "optional: true")
		}
	default:
		parts := []string{d.typ}
		if d.items != "" {
			parts = append(parts, "items:"+d.items)
		}
		for _, r := range d.rules {
			parts = append(parts, strings.TrimSuffix(r.Name+":"+r.Arg, ":"))
		}
		if d.optional {
			parts = append(parts, "optional")
		}
		w.line(depth, name+": "+scalar(strings.Join(parts, "|")))
	}
}

// needsMapping reports whether a rule cannot stand in a rule string.
func needsMapping(r s3dbjs.Rule) bool {
	return r.Name == "pattern" || r.Name == "description" || strings.ContainsAny(r.Arg, "|\"'\\") || r.Arg != strings.TrimSpace(r.Arg)
}

func argument(r s3dbjs.Rule) string {
	switch {
	case r.Arg == "":
		return "true"
	case r.Name == "enum":
		parts := strings.Split(r.Arg, ",")
		for i := range parts {
			parts[i] = strconv.Quote(parts[i])
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return scalar(r.Arg)
}

// scalar writes a text as a YAML value.
func scalar(s string) string {
	if plain(s) {
		return s
	}
	return strconv.Quote(s)
}

// plain reports whether YAML reads a text as it is and as a text or number.
func plain(s string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_|:.,+-]*$`).MatchString(s) && !strings.HasSuffix(s, ":")
}
