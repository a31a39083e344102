package dynamic

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// MarshalJSON returns the form that the generated struct has: the id, the
// attributes in the order of their numbers, the timestamps. Secrets and passwords
// are "[redacted]".
func (d *Document) MarshalJSON() ([]byte, error) { return d.appendJSON(nil, false) }

// RevealedJSON is MarshalJSON with the values of secrets, which must have been
// read with Config.Reveal, and the hashes of passwords, as {"phc":"$argon2id$…"}.
// ParseInput reads it back.
func (d *Document) RevealedJSON() ([]byte, error) { return d.appendJSON(nil, true) }

// PublicJSON is MarshalJSON without the members whose values are secrets or
// passwords, or arrays or maps of them.
func (d *Document) PublicJSON() ([]byte, error) {
	return d.append(&jsonWriter{omit: true})
}

func (d *Document) appendJSON(b []byte, reveal bool) ([]byte, error) {
	return d.append(&jsonWriter{b: b, reveal: reveal})
}

func (d *Document) append(w *jsonWriter) ([]byte, error) {
	w.b = append(w.b, '{')
	w.member(fieldID)
	w.any(d.ID)
	if d.shape != nil {
		w.attributes(d.shape.object, d.Values)
		if d.shape.timestamps() {
			w.member(fieldCreated)
			w.any(d.CreatedAt)
			w.member(fieldUpdated)
			w.any(d.UpdatedAt)
		}
	}
	return append(w.b, '}'), w.err
}

// jsonWriter appends JSON. The first error sticks.
type jsonWriter struct {
	b      []byte
	reveal bool
	omit   bool // leave out what is hidden
	err    error
}

// member starts a member of an object.
func (w *jsonWriter) member(name string) {
	if len(w.b) > 0 && w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.any(name)
	w.b = append(w.b, ':')
}

// any appends what encoding/json writes of a value.
func (w *jsonWriter) any(v any) {
	if w.err != nil {
		return
	}
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	w.err = e.Encode(v)
	w.b = append(w.b, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...)
}

func (w *jsonWriter) attributes(o *object, values Values) {
	for _, f := range o.fields {
		if v, ok := values[f.name]; ok && !(w.omit && f.typ.hides()) {
			w.member(f.name)
			w.value(f.typ, v)
		}
	}
}

func (w *jsonWriter) value(t *valueType, v any) {
	switch {
	case v == nil:
		w.b = append(w.b, "null"...)
	case t.scalar != nil && t.scalar.form != nil:
		w.any(t.scalar.form(v))
	case t.scalar != nil:
		w.any(v)
	case t.object != nil:
		x, _ := v.(Values)
		w.b = append(w.b, '{')
		w.attributes(t.object, x)
		w.b = append(w.b, '}')
	case t.kind == kindArray:
		list, _ := v.([]any)
		w.b = append(w.b, '[')
		for i, x := range list {
			if i > 0 {
				w.b = append(w.b, ',')
			}
			w.value(t.elem, x)
		}
		w.b = append(w.b, ']')
	case t.kind == kindMap:
		m, _ := v.(map[string]any)
		w.b = append(w.b, '{')
		for _, k := range slices.Sorted(maps.Keys(m)) {
			w.member(k)
			w.value(t.elem, m[k])
		}
		w.b = append(w.b, '}')
	default:
		w.hidden(t, v)
	}
}

// hidden writes a secret or a password.
func (w *jsonWriter) hidden(t *valueType, v any) {
	s, isSecret := v.(Secret)
	value, revealed := s.Value()
	h, isHash := v.(s3db.PasswordHash)
	switch {
	case w.reveal && isSecret && revealed:
		w.value(t.elem, value)
	case w.reveal && isHash:
		w.b = append(w.b, '{')
		w.member(passwordHash)
		w.any(h.PHC())
		w.b = append(w.b, '}')
	default:
		w.any(redacted)
	}
}

// passwordHash is the member that holds the hash of a password in JSON.
const passwordHash = "phc"

// ParseInput reads the JSON of a document, as MarshalJSON, RevealedJSON or
// encoding/json with the generated struct write it, or as a person writes the
// input of an insert. It reports every mistake at once, as a *s3db.ValidationError
// with the rules "json", "type", "unknown" and "required", and never quotes a
// value.
//
// A password is a text, which is hashed when it is written, or {"phc":"…"}, a hash
// that is taken as it is. A secret or password that is "[redacted]" keeps the value
// that the document has in the database, if there is one.
func (r *Resource) ParseInput(data []byte) (Input, error) {
	v := &s3db.Validator{}
	p := parser{v: v}
	var in Input
	members, ok := p.members("", data)
	if !ok {
		return Input{}, v.Err()
	}
	rest := members[:0]
	for _, m := range members {
		switch {
		case m.name == fieldID:
			if json.Unmarshal(m.value, &in.ID) != nil || in.ID == "" {
				v.Add(fieldID, "type", "must be a text")
			}
		case m.name == fieldCreated && r.shape.timestamps():
			in.CreatedAt = p.time(m)
		case m.name == fieldUpdated && r.shape.timestamps():
			in.UpdatedAt = p.time(m)
		default:
			rest = append(rest, m)
		}
	}
	in.Values = p.attributes("", r.shape.object, rest)
	if v.Err() == nil {
		checker{v: v}.attributes("", r.shape.object, in.Values)
	}
	return in, v.Err()
}

// ParsePatch reads a patch: null clears an attribute, any other value is set, one
// that is not named stays. Errors are those of ParseInput.
func (r *Resource) ParsePatch(data []byte) (Patch, error) {
	v := &s3db.Validator{}
	p := parser{v: v}
	members, ok := p.members("", data)
	if !ok {
		return nil, v.Err()
	}
	patch := Patch{}
	rest := members[:0]
	for _, m := range members {
		if f := r.shape.object.field(m.name); f != nil && isNull(m.value) && f.typ.kind != "json" {
			patch[m.name] = nil
			continue
		}
		rest = append(rest, m)
	}
	for name, x := range p.attributes("", r.shape.object, rest) {
		if x != any(stored{}) {
			patch[name] = x
		}
	}
	return patch, v.Err()
}

// parser reads JSON as the types of a resource say.
type parser struct{ v *s3db.Validator }

// member is a member of a JSON object.
type member struct {
	name  string
	value json.RawMessage
}

// members reads an object. Names that repeat are mistakes.
func (p parser) members(path string, data []byte) ([]member, bool) {
	if problem := notJSON(data); problem != "" {
		p.v.Add(path, "json", problem)
		return nil, false
	}
	r := json.NewDecoder(bytes.NewReader(data))
	if t, err := r.Token(); err != nil || t != json.Delim('{') {
		p.v.Add(path, "type", "must be an object")
		return nil, false
	}
	var all []member
	seen := map[string]bool{}
	for r.More() {
		t, err := r.Token()
		name, ok := t.(string)
		m := member{name: name}
		if err == nil {
			err = r.Decode(&m.value)
		}
		if err != nil || !ok { // cannot be: the JSON is valid
			p.v.Add(path, "json", "is not valid JSON")
			return nil, false
		}
		if seen[name] {
			p.v.Add(join(path, shortened(name)), "json", "stands twice")
			return nil, false
		}
		seen[name] = true
		all = append(all, m)
	}
	return all, true
}

// notJSON says why bytes are no JSON text, "" when they are one.
func notJSON(data []byte) string {
	if !utf8.Valid(data) {
		return "is not valid UTF-8"
	}
	if json.Valid(data) {
		return ""
	}
	var raw json.RawMessage
	err := json.Unmarshal(data, &raw)
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		return "is not valid JSON: the mistake is at byte " + strconv.FormatInt(s.Offset, 10)
	}
	return "is not valid JSON"
}

func isNull(raw json.RawMessage) bool { return string(raw) == "null" }

func (p parser) time(m member) time.Time {
	var t time.Time
	if json.Unmarshal(m.value, &t) != nil {
		p.v.Add(m.name, "type", "must be "+scalarOf("datetime").want)
	}
	return t.UTC()
}

func (p parser) attributes(path string, o *object, members []member) Values {
	values := make(Values, len(members))
	for _, m := range members {
		f := o.field(m.name)
		if f == nil {
			p.v.Add(join(path, shortened(m.name)), "unknown", o.unknown())
			continue
		}
		if isNull(m.value) && f.typ.kind != "json" {
			continue // absent
		}
		if x, ok := p.value(join(path, f.name), f.typ, m.value); ok {
			values[f.name] = x
		}
	}
	return values
}

// value reads a value. It reports false, and why, when it is not of its type.
func (p parser) value(path string, t *valueType, data json.RawMessage) (any, bool) {
	switch {
	case t.scalar != nil:
		v, ok := t.scalar.parse(data)
		if !ok || isNull(data) && t.kind != "json" {
			p.v.Add(path, "type", "must be "+t.scalar.want)
			return nil, false
		}
		if at, isTime := v.(time.Time); isTime {
			v = at.UTC()
		}
		return v, true
	case t.object != nil:
		members, ok := p.members(path, data)
		if !ok {
			return nil, false
		}
		return p.attributes(path, t.object, members), true
	case t.kind == kindArray:
		var items []json.RawMessage
		if json.Unmarshal(data, &items) != nil || items == nil {
			p.v.Add(path, "type", "must be an array")
			return nil, false
		}
		list := make([]any, len(items))
		for i, item := range items {
			list[i], _ = p.value(path+"["+strconv.Itoa(i)+"]", t.elem, item)
		}
		return list, true
	case t.kind == kindMap:
		members, ok := p.members(path, data)
		if !ok {
			return nil, false
		}
		m := make(map[string]any, len(members))
		for _, x := range members {
			m[x.name], _ = p.value(path+"["+strconv.Quote(shortened(x.name))+"]", t.elem, x.value)
		}
		return m, true
	case string(data) == `"`+redacted+`"`:
		return stored{}, true
	case t.kind == kindSecret:
		v, ok := p.value(path, t.elem, data)
		return NewSecret(v), ok
	default:
		return p.password(path, data)
	}
}

func (p parser) password(path string, data json.RawMessage) (any, bool) {
	var plain string
	if json.Unmarshal(data, &plain) == nil {
		return s3db.Password(plain), true
	}
	var hash map[string]s3db.PasswordHash
	if err := json.Unmarshal(data, &hash); err != nil || len(hash) != 1 || hash[passwordHash].IsZero() {
		p.v.Add(path, "type", `must be a text, or {"phc":"…"} with an Argon2id hash`)
		return nil, false
	}
	return hash[passwordHash], true
}
