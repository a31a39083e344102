package dynamic

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// shape is what the registry says of a resource: the stored shape of its newest
// version (schema.Resource.StoredShape) and its settings.
type shape struct {
	resource   string
	schema     string // as it stands in the registry
	told       bool   // known is what a program has told
	known      settings
	version    int         // in the lock file of the program that told the steps
	hashes     []string    // of the versions in that lock file
	steps      []s3db.Step // for documents of older versions
	versions   []s3db.DescribedVersion
	object     *object
	partitions []*index
	uniques    []*index
	ttl        *storedTTL // nil when documents do not expire
	life       *s3db.TTL[Document]
	secrets    bool // some attribute is a secret
	reveal     bool // decrypt secrets on reading
}

// settings are those of schema.Resource.StoredSettings.
type settings struct {
	Behavior   string `json:"behavior"`
	Timestamps bool   `json:"timestamps"`
	History    bool   `json:"history"`
	ID         struct {
		Generator string `json:"generator"`
		Size      int    `json:"size"`
		Charset   string `json:"charset"`
	} `json:"id"`
	Immutable []string      `json:"immutable"`
	Texts     []settingText `json:"texts"`
}

type settingText struct {
	Path string `json:"path"`
	Min  int    `json:"min"`
}

// object is the attributes of a document or of a nested object, in the order of
// their numbers.
type object struct{ fields []*field }

func (o *object) field(name string) *field {
	for _, f := range o.fields {
		if f.name == name {
			return f
		}
	}
	return nil
}

// field is an attribute.
type field struct {
	number   int
	name     string
	optional bool
	typ      *valueType
	cut      bool // truncate-data may cut it
	keyed    bool // a secret that is part of a unique constraint
	min      int  // to so many characters
}

// valueType is the type of an attribute or of an item.
type valueType struct {
	kind   string
	scalar *scalar           // nil for containers, secrets and passwords
	elem   *valueType        // items of an array, values of a map, what a secret holds
	object *object           // of a typed object
	values s3db.Enum[string] // of an enum
}

// index is a partition or a unique constraint.
type index struct {
	name   string
	fields []indexField
	hashed bool
}

type indexField struct {
	path      string
	through   []*field // objects on the way, and the attribute; nil for a system field
	date      bool
	maxLength int
	desc      bool
}

// The JSON of a stored shape.
type (
	storedShape struct {
		Resource   string        `json:"resource"`
		Fields     []storedField `json:"fields"`
		Partitions []storedIndex `json:"partitions"`
		Uniques    []storedIndex `json:"uniques"`
		TTL        *storedTTL    `json:"ttl"`
	}
	storedTTL struct {
		After string `json:"after"`
		For   string `json:"for"`
		Every string `json:"every"`
	}
	storedField struct {
		Number   int    `json:"number"`
		Name     string `json:"name"`
		Optional bool   `json:"optional"`
		storedType
	}
	storedType struct {
		Type   string        `json:"type"`
		Items  *storedType   `json:"items"`
		Fields []storedField `json:"fields"`
		Values []storedValue `json:"values"`
	}
	storedValue struct {
		Number int    `json:"number"`
		Name   string `json:"name"`
	}
	storedIndex struct {
		Name   string `json:"name"`
		Hashed bool   `json:"hashed"`
		Fields []struct {
			Path      string `json:"path"`
			Date      bool   `json:"date"`
			MaxLength int    `json:"maxlength"`
			Desc      bool   `json:"desc"`
		} `json:"fields"`
	}
)

// shape reads what the registry says of a resource, in the version that is asked for.
func (c Config) shape(r *s3db.DescribedResource) (*shape, error) {
	hash, ok := c.At[r.Name]
	if !ok {
		return newShape(r, c.Reveal)
	}
	older, err := asOf(r, hash)
	if err != nil {
		return nil, err
	}
	return newShape(older, c.Reveal)
}

// newShape reads what the registry says of a resource.
func newShape(r *s3db.DescribedResource, reveal bool) (*shape, error) {
	fail := func(kind error, format string, args ...any) error {
		return fmt.Errorf("%w: the registry's entry of resource %q: "+format, append([]any{kind, r.Name}, args...)...)
	}
	version, ok := r.Newest()
	if !ok {
		return nil, fail(s3db.ErrCorrupt, "version %d, the newest, is missing", r.Version)
	}
	var stored storedShape
	if err := json.Unmarshal([]byte(version.Schema), &stored); err != nil {
		return nil, fail(s3db.ErrCorrupt, "the stored shape of version %d cannot be read: %w", r.Version, err)
	}
	if stored.Resource != r.Name || len(stored.Fields) == 0 {
		return nil, fail(s3db.ErrCorrupt, "what is stored for version %d is no shape of documents", r.Version)
	}
	s := &shape{resource: r.Name, schema: version.Schema, reveal: reveal, told: r.Settings != "", versions: r.Versions}
	var err error
	if s.hashes, s.steps, err = r.History(); err != nil {
		return nil, err
	}
	s.version = max(len(s.hashes)-1, 0)
	if s.object, err = newObject(stored.Fields); err != nil {
		return nil, fail(s3db.ErrNewerFormat, "%w", err)
	}
	s.secrets = s.object.secrets()
	if s.told {
		if err := json.Unmarshal([]byte(r.Settings), &s.known); err != nil {
			return nil, fail(s3db.ErrCorrupt, "its settings cannot be read: %w", err)
		}
	}
	if len(r.Versions) > 1 && s.hashes == nil {
		s.known.Behavior = "" // nobody told how to write, or what documents of older versions need
	}
	if s.ttl = stored.TTL; s.ttl != nil { // the runtime keeps its index
		stored.Partitions = slices.DeleteFunc(stored.Partitions, func(x storedIndex) bool {
			return len(x.Fields) == 1 && x.Fields[0].Path == fieldExpires
		})
	}
	if s.partitions, err = s.indexes(stored.Partitions); err != nil {
		return nil, fail(s3db.ErrCorrupt, "%w", err)
	}
	if s.uniques, err = s.indexes(stored.Uniques); err != nil {
		return nil, fail(s3db.ErrCorrupt, "%w", err)
	}
	if s.life, err = s.newTTL(); err != nil {
		return nil, fail(s3db.ErrCorrupt, "ttl: %w", err)
	}
	for _, t := range s.known.Texts {
		if err := s.object.mark(t); err != nil {
			return nil, fail(s3db.ErrCorrupt, "settings: %w", err)
		}
	}
	return s, nil
}

func newObject(stored []storedField) (*object, error) {
	o := &object{}
	for _, f := range stored {
		t, err := newType(f.storedType)
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", f.Name, err)
		}
		o.fields = append(o.fields, &field{number: f.Number, name: f.Name, optional: f.Optional, typ: t})
	}
	slices.SortFunc(o.fields, func(a, b *field) int { return a.number - b.number })
	return o, nil
}

func newType(stored storedType) (t *valueType, err error) {
	t = &valueType{kind: stored.Type}
	switch {
	case stored.Type == kindObject && stored.Fields != nil:
		t.object, err = newObject(stored.Fields)
	case stored.Type == kindArray, stored.Type == kindMap, stored.Type == kindSecret:
		if stored.Items == nil {
			return nil, fmt.Errorf("%s without items", stored.Type)
		}
		t.elem, err = newType(*stored.Items)
	case stored.Type == kindPassword:
	case stored.Type == kindEnum:
		for _, v := range stored.Values {
			for len(t.values) <= v.Number {
				t.values = append(t.values, "")
			}
			t.values[v.Number] = v.Name
		}
		t.scalar = enumScalar(t.values)
	default:
		if t.scalar = scalarOf(stored.Type); t.scalar == nil {
			return nil, fmt.Errorf("this program does not know the type %q", stored.Type)
		}
	}
	return t, err
}

// single is the scalar of a single value, also of one that a secret holds; nil for
// others.
func (t *valueType) single() *scalar {
	if t.kind == kindSecret {
		return t.elem.scalar
	}
	return t.scalar
}

// Types that are no scalars.
const (
	kindObject   = "object"
	kindArray    = "array"
	kindMap      = "map"
	kindSecret   = "secret"
	kindPassword = "password"
	kindEnum     = "enum"
)

func (o *object) secrets() bool {
	return slices.ContainsFunc(o.fields, func(f *field) bool { return f.typ.secrets() })
}

// hides reports whether some attribute is a secret or a password.
func (o *object) hides() bool {
	return slices.ContainsFunc(o.fields, func(f *field) bool { return f.typ.secrets() || f.typ.kind == kindPassword })
}

// hides reports whether values of the type are hidden, or lists of such.
func (t *valueType) hides() bool {
	return t.hidden() || (t.kind == kindArray || t.kind == kindMap) && t.elem.hides()
}

func (t *valueType) secrets() bool {
	return t.kind == kindSecret || t.object != nil && t.object.secrets() || t.elem != nil && t.elem.secrets()
}

// mark notes that truncate-data may cut a text.
func (o *object) mark(t settingText) error {
	first, rest, nested := strings.Cut(t.Path, ".")
	f := o.field(first)
	if f == nil {
		return fmt.Errorf("texts name the attribute %q, which is not there", t.Path)
	}
	if !nested {
		f.cut, f.min = true, t.Min
		return nil
	}
	typ := f.typ
	if typ.kind == kindArray {
		typ = typ.elem
	}
	if typ.object == nil {
		return fmt.Errorf("texts name the attribute %q, which is not there", t.Path)
	}
	return typ.object.mark(settingText{Path: rest, Min: t.Min})
}

// System fields that an index may be over.
const (
	fieldID      = "id"
	fieldCreated = "createdAt"
	fieldUpdated = "updatedAt"
	fieldVersion = "_v"
	fieldExpires = "_expires"
)

func (s *shape) indexes(stored []storedIndex) ([]*index, error) {
	var all []*index
	for _, x := range stored {
		i := &index{name: x.Name, hashed: x.Hashed}
		for _, f := range x.Fields {
			through, err := s.resolve(f.Path)
			if err != nil {
				return nil, fmt.Errorf("index %s: %w", x.Name, err)
			}
			if n := len(through); n > 0 && through[n-1].typ.kind == kindSecret {
				if !x.Hashed {
					return nil, fmt.Errorf("index %s: attribute %q is a secret, which only a hashed unique constraint may use", x.Name, f.Path)
				}
				through[n-1].keyed = true
			}
			i.fields = append(i.fields, indexField{path: f.Path, through: through, date: f.Date, maxLength: f.MaxLength, desc: f.Desc})
		}
		all = append(all, i)
	}
	return all, nil
}

// resolve returns the attributes on the way to a path, and nil for a system field.
func (s *shape) resolve(path string) ([]*field, error) {
	var through []*field
	o := s.object
	for name := range strings.SplitSeq(path, ".") {
		var f *field
		if o != nil {
			f = o.field(name)
		}
		switch {
		case f == nil && slices.Contains([]string{fieldID, fieldCreated, fieldUpdated, fieldVersion}, path):
			return nil, nil
		case f == nil:
			return nil, fmt.Errorf("there is no attribute %q", path)
		}
		through = append(through, f)
		o = f.typ.object
	}
	if s := through[len(through)-1].typ.single(); s == nil || s.key == nil {
		return nil, fmt.Errorf("attribute %q cannot be part of a key", path)
	}
	return through, nil
}

// timestamps reports whether documents have createdAt and updatedAt. Older
// registries do not say so; the partitions that go with them do.
func (s *shape) timestamps() bool {
	if s.told {
		return s.known.Timestamps
	}
	return slices.ContainsFunc(s.partitions, func(i *index) bool {
		return slices.ContainsFunc(i.fields, func(f indexField) bool { return f.through == nil && f.path == fieldCreated })
	})
}

// listed joins names for a message.
func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
