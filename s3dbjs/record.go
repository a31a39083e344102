package s3dbjs

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Record is a decoded document.
type Record struct {
	ID               string
	Version          *Version       // by which it was decoded
	Values           map[string]any // by attribute; see the types in value.go
	Created, Updated time.Time      // zero unless the resource keeps timestamps
	Content          *Content       // nil when there is none
	Problems         []Problem
}

// Content is the binary content of a document.
type Content struct {
	Body []byte
	Type string // media type; "" when s3db.js did not store it
}

// Decode reads a stored document. passphrase decrypts secrets; without one they
// become problems. It takes any bytes: what cannot be decoded is a problem of the
// record.
func (r *Resource) Decode(id string, object *s3db.Object, passphrase string) *Record {
	d := &decoding{
		resource: r, passphrase: passphrase, record: &Record{ID: id},
		headers: map[string]stored{}, values: map[string]value{},
	}
	d.readHeaders(object.Metadata)
	d.findVersion()
	d.layout, d.ambiguous = r.layout(d.version, d.keys())
	d.decodeHeaders()
	d.readBody(object.Body)
	d.gather()
	return d.record
}

// decoding is the state of Decode.
type decoding struct {
	resource   *Resource
	version    *Version
	passphrase string
	record     *Record
	layout     *layout
	ambiguous  bool // of the layout

	headers map[string]stored // by name, in lower case
	bad     map[string]error  // headers that cannot be read
	values  map[string]value  // by the path of the attribute
	whole   bool              // the body has the whole document
}

// value is what one attribute has.
type value struct {
	value   any
	present bool
	problem *Problem
	doubt   bool   // the header has two readings; a whole body decides
	text    string // of a secret, as it is stored
}

func (d *decoding) problem(kind ProblemKind, field, detail string) {
	d.record.Problems = append(d.record.Problems, d.newProblem(kind, field, detail))
}

func (d *decoding) newProblem(kind ProblemKind, field, detail string) Problem {
	return Problem{Kind: kind, Resource: d.resource.Name, ID: d.record.ID, Field: field, Detail: detail}
}

func (d *decoding) readHeaders(metadata map[string]string) {
	decode := decodeHeader
	if d.resource.Seed() {
		decode = decodeSeedHeader
	}
	d.bad = map[string]error{}
	for name, text := range metadata {
		s, err := decode(text)
		if err != nil {
			d.bad[strings.ToLower(name)] = err
			continue
		}
		d.headers[strings.ToLower(name)] = s
	}
}

// keys returns the headers that hold attributes, sorted.
func (d *decoding) keys() []string {
	var keys []string
	for _, name := range slices.Sorted(maps.Keys(d.headers)) {
		if !isInternal(name) {
			keys = append(keys, name)
		}
	}
	return keys
}

// isInternal reports whether a header or a member of a body belongs to the
// library: its updates store read-only fields of the read before.
func isInternal(name string) bool {
	return strings.HasPrefix(name, "_") || strings.HasPrefix(name, "$") ||
		name == "id" || name == "metadata_updatedat" || name == "metadata.updatedAt"
}

func (d *decoding) findVersion() {
	name := d.headers["_v"].text
	d.version = d.resource.version(name)
	if d.version == nil {
		d.version = d.resource.Current
		if name != "" {
			d.problem(BadVersion, "", "the document is of a version that the definition does not have; read by the current one")
		}
	}
	d.record.Version = d.version
}

// decodeHeaders reads every attribute that has a header.
func (d *decoding) decodeHeaders() {
	for _, name := range slices.Sorted(maps.Keys(d.bad)) {
		if path, ok := d.layout.byKey[name]; ok {
			p := d.newProblem(Undecodable, path, d.bad[name].Error())
			d.values[path] = value{problem: &p}
		} else if !isInternal(name) {
			d.problem(Undecodable, name, d.bad[name].Error())
		}
	}
	keys := d.keys()
	buffers := d.buffers(keys)
	for _, key := range keys {
		if buffers[key] {
			continue
		}
		if paths := d.layout.clashes[key]; paths != nil {
			for _, path := range paths {
				p := d.newProblem(Undecodable, path, "it shares a header with another attribute ("+strings.Join(paths, ", ")+"), because HTTP does not tell upper from lower case: one of the values is lost")
				d.values[path] = value{problem: &p}
			}
			continue
		}
		a := d.attribute(key)
		if a == nil {
			d.problem(Undeclared, key, "a header that the definition does not name")
			continue
		}
		v := d.decode(a, d.headers[key])
		if d.ambiguous && v.problem == nil && v.present {
			p := d.newProblem(Ambiguous, a.Path, "the number of the header has another meaning by position than in the registry; read by the registry")
			v.problem = &p
		}
		d.values[a.Path] = v
	}
}

// attribute returns the attribute of a header, nil when there is none: by its
// number, or by the name of an attribute that had none yet when it was written.
func (d *decoding) attribute(key string) *Attribute {
	if path, ok := d.layout.byKey[key]; ok {
		return d.version.index[path]
	}
	for _, path := range slices.Sorted(maps.Keys(d.version.index)) {
		if headerName(path) == key {
			return d.version.index[path]
		}
	}
	return nil
}

// buffers finds the bytes of Buffers, which are stored one a header (v_0, v_1, …),
// and returns the headers that belong to some.
func (d *decoding) buffers(keys []string) map[string]bool {
	used := map[string]bool{}
	for _, path := range slices.Sorted(maps.Keys(d.version.index)) {
		if d.version.index[path].Kind != Buffer {
			continue
		}
		var body []byte
		for i := 0; ; i++ {
			key := headerName(path) + "_" + strconv.Itoa(i)
			if _, found := slices.BinarySearch(keys, key); !found {
				break
			}
			n, err := strconv.ParseUint(d.headers[key].text, 10, 8)
			if err != nil {
				break
			}
			used[key] = true
			body = append(body, byte(n))
		}
		if body != nil {
			d.values[path] = value{value: body, present: true}
		}
	}
	return used
}

// decode reads one stored value.
func (d *decoding) decode(a *Attribute, s stored) value {
	text := s.text
	switch {
	case s.state == storedNull:
		return value{present: true}
	case s.state == storedUndefined:
		return value{}
	case a.Kind.isPlain():
		// The seed writes null and undefined as these words, like the words.
		doubt := d.resource.Seed() && (text == "null" || text == "undefined")
		v := value{value: text, present: true, doubt: doubt}
		if doubt {
			p := d.newProblem(Ambiguous, a.Path, "null, undefined and these words are stored alike; read as the word")
			v.problem = &p
		}
		return v
	case text == "undefined":
		return value{}
	case text == "null" && !(a.Kind == Array && a.Items == Text):
		v := value{present: true}
		if a.Kind == Number || a.Kind == Integer {
			p := d.newProblem(Ambiguous, a.Path, "null and the number 5598187 are stored alike; read as null")
			v.doubt, v.problem = true, &p
		}
		return v
	case a.Kind.isSecret():
		return d.decrypt(a, text)
	case a.Kind == Nested:
		return d.decodeNested(a, text)
	}
	decoded, err := a.decodeText(text)
	return d.result(a, decoded, err)
}

func (d *decoding) result(a *Attribute, decoded any, err error) value {
	if err != nil {
		p := d.newProblem(Undecodable, a.Path, err.Error())
		return value{problem: &p}
	}
	return value{value: decoded, present: true}
}

// decrypt reads a secret.
func (d *decoding) decrypt(a *Attribute, text string) value {
	plain, err := decryptSecret(text, d.passphrase)
	switch {
	case errors.Is(err, errNoCiphertext):
		return d.result(a, nil, err)
	case err != nil:
		p := d.newProblem(Encrypted, a.Path, err.Error())
		return value{problem: &p, text: text}
	case plain == "null":
		return value{present: true, text: text}
	case plain == "undefined":
		return value{text: text}
	}
	decoded, err := a.decodeSecret(plain)
	v := d.result(a, decoded, err)
	v.text = text
	return v
}

// decodeNested reads the header of an object itself, which an empty one has.
func (d *decoding) decodeNested(a *Attribute, text string) value {
	n, err := parseJSON([]byte(text))
	if err != nil || !n.object() {
		return d.result(a, nil, errWrongType)
	}
	d.mergeJSON(a.Path, n)
	return value{value: map[string]any{}, present: true}
}

// gather builds the record from the values of the attributes.
func (d *decoding) gather() {
	if d.headers["_truncated"].text == "true" && !d.whole {
		d.problem(Truncated, "", "s3db.js cut or dropped values to make the document fit")
	}
	d.record.Values = map[string]any{}
	for _, a := range d.version.Attributes {
		v, present := d.assemble(a)
		if d.version.Timestamps && (a.Path == "createdAt" || a.Path == "updatedAt") {
			d.timestamp(a, v)
			continue
		}
		if present {
			d.record.Values[a.Name] = v
		}
	}
}

// assemble returns an attribute with everything below it.
func (d *decoding) assemble(a *Attribute) (any, bool) {
	v := d.values[a.Path]
	if v.problem != nil {
		d.record.Problems = append(d.record.Problems, *v.problem)
	}
	if a.Kind != Nested {
		return v.value, v.present
	}
	fields := map[string]any{}
	for _, f := range a.Fields {
		if below, present := d.assemble(f); present {
			fields[f.Name] = below
		}
	}
	if len(fields) > 0 {
		return fields, true
	}
	return v.value, v.present
}

func (d *decoding) timestamp(a *Attribute, v any) {
	t, ok := v.(time.Time)
	if text, isText := v.(string); isText {
		decoded, err := decodeTime(text)
		t, ok = decoded.(time.Time)
		if err != nil {
			d.problem(Undecodable, a.Path, err.Error())
		}
	}
	switch {
	case !ok:
	case a.Path == "createdAt":
		d.record.Created = t
	default:
		d.record.Updated = t
	}
}
