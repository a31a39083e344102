package dynamic

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/shopspring/decimal"

	"github.com/s3dbgen/s3dbgen/behaviors"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// model is what the runtime needs of the resource.
func (s *shape) model() *s3db.Model[Document, string, Input, Patch] {
	m := &s3db.Model[Document, string, Input, Patch]{
		Resource: s.resource,
		Schema:   s.schema,
		Version:  s.version,
		Hashes:   s.hashes,
		Steps:    s.steps,
		Behavior: behaviorOf(s.known.Behavior),
		History:  s.known.History,
		NewID:    s.newID(),
		AnyID:    !s.told || s.known.ID.Charset == "any",
		Secrets:  s.secrets,
		Names:    s.object.names(),
		ID:       func(d *Document) *string { return &d.ID },
		Meta:     func(d *Document) *s3db.Meta { return &d.Meta },
		InsertID: func(in *Input) string { return in.ID },
		New: func(v *s3db.Validator, in *Input, d *Document) {
			d.shape = s
			checker{v: v}.attributes("", s.object, in.Values)
			d.Values = s.hashed(v, in.Values)
		},
		Merge: func(v *s3db.Validator, in *Input, d *Document) {
			values := maps.Clone(in.Values)
			for _, name := range s.known.Immutable {
				delete(values, name)
			}
			s.set(v, values, d)
		},
		Keep:  s.restore,
		Apply: s.apply,
		Validate: func(v *s3db.Validator, d *Document) {
			d.Values = checker{v: v}.settle("", s.object, d.Values, d.stored)
		},
		Encode: func(e *s3db.Encoder, d *Document) { s.object.encode(e, &d.Values) },
		Decode: func(r *s3db.Decoder, d *Document) {
			d.shape = s
			s.object.decode(r, &d.Values, s.reveal)
			d.stored = d.Values
		},
		Texts: func(t *s3db.Texts, d *Document) {
			d.Values = maps.Clone(d.Values)
			s.object.texts(t, "", d.Values)
		},
	}
	if s.timestamps() {
		m.Times = func(d *Document) (created, updated *time.Time) { return &d.CreatedAt, &d.UpdatedAt }
	}
	m.TTL = s.life
	for _, x := range s.partitions {
		m.Partitions = append(m.Partitions, x.model())
	}
	for _, x := range s.uniques {
		m.Uniques = append(m.Uniques, x.model())
	}
	return m
}

func (o *object) names() []string {
	var names []string
	for _, f := range o.fields {
		for len(names) <= f.number {
			names = append(names, "")
		}
		names[f.number] = f.name
	}
	return names
}

// set puts values in the place of those that a document has.
func (s *shape) set(v *s3db.Validator, values Values, d *Document) {
	checker{v: v, partial: true}.attributes("", s.object, values)
	d.Values = maps.Clone(d.Values)
	maps.Copy(d.Values, s.hashed(v, values))
}

// apply applies a patch.
func (s *shape) apply(v *s3db.Validator, p *Patch, d *Document) {
	values := Values{}
	cleared := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(*p)) {
		f := s.object.field(name)
		switch x := (*p)[name]; {
		case slices.Contains(s.known.Immutable, name):
			v.Add(name, "immutable", "is set by the insert and cannot be changed")
		case sum(v, name, x, d.Values, values):
		case x != nil:
			values[name] = x
		case f == nil:
			v.Add(shortened(name), "unknown", s.object.unknown())
		case !f.optional:
			v.Add(name, "required", "must not be cleared")
		default:
			cleared[name] = true
		}
	}
	s.set(v, values, d)
	maps.DeleteFunc(d.Values, func(name string, _ any) bool { return cleared[name] })
}

// sum adds to a number when a change of the patch does so, and reports whether it
// does. It takes what it adds to from values, and puts the sum into changed.
func sum(v *s3db.Validator, name string, change any, values, changed Values) bool {
	switch c := change.(type) {
	case s3db.Change[int64]:
		changed[name] = added(v, name, c, values)
	case s3db.Change[float64]:
		changed[name] = added(v, name, c, values)
	case s3db.Change[time.Duration]:
		changed[name] = added(v, name, c, values)
	case s3db.Change[decimal.Decimal]:
		changed[name] = added(v, name, c, values)
	default:
		return false
	}
	return true
}

func added[T s3db.Number](v *s3db.Validator, name string, c s3db.Change[T], values Values) T {
	number, _ := values[name].(T) // of another type: the result has the wrong one, which is told
	s3db.Apply(v, name, c, &number)
	return number
}

// restore puts what a replacement cannot change back.
func (s *shape) restore(old, d *Document) {
	d.stored = old.Values
	for _, name := range s.known.Immutable {
		delete(d.Values, name)
		if v, ok := old.Values[name]; ok {
			d.Values[name] = v
		}
	}
}

// hashed returns a copy of the values with the hashes of passwords in the place of
// passwords, which only stand at the top level.
func (s *shape) hashed(v *s3db.Validator, values Values) Values {
	result := make(Values, len(values))
	for name, x := range values {
		if p, ok := x.(s3db.Password); ok {
			if f := s.object.field(name); f != nil && f.typ.kind == kindPassword {
				x = s3db.HashPassword(v, name, p, s3db.StringRules{})
			}
		}
		result[name] = x
	}
	return result
}

// texts offers the strings that truncate-data may cut. values are the caller's
// own; nested ones are copied before they change.
func (o *object) texts(t *s3db.Texts, path string, values Values) {
	for _, f := range o.fields {
		at := join(path, f.name)
		switch x := values[f.name].(type) {
		case string:
			if f.cut {
				t.AddFunc(at, f.min, x, func(s string) { values[f.name] = s })
			}
		case Values:
			if f.typ.object != nil {
				own := maps.Clone(x)
				values[f.name] = own
				f.typ.object.texts(t, at, own)
			}
		case []any:
			own := slices.Clone(x)
			values[f.name] = own
			f.textsOfItems(t, at, own)
		}
	}
}

func (f *field) textsOfItems(t *s3db.Texts, path string, items []any) {
	for i, item := range items {
		at := path + "[" + strconv.Itoa(i) + "]"
		switch x := item.(type) {
		case string:
			if f.cut {
				t.AddFunc(at, f.min, x, func(s string) { items[i] = s })
			}
		case Values:
			if f.typ.elem.object != nil {
				own := maps.Clone(x)
				items[i] = own
				f.typ.elem.object.texts(t, at, own)
			}
		}
	}
}

// behaviorOf returns the behavior with a name.
func behaviorOf(name string) s3db.Behavior {
	for _, b := range []s3db.Behavior{
		behaviors.UserManaged, behaviors.EnforceLimits, behaviors.TruncateData, behaviors.BodyOverflow, behaviors.BodyOnly,
	} {
		if b.Name() == name {
			return b
		}
	}
	return unknownBehavior(name)
}

// unknownBehavior refuses to write: what another behavior makes of a document may
// be something that its clients do not expect.
type unknownBehavior string

// Name implements s3db.Behavior.
func (b unknownBehavior) Name() string { return string(b) }

// Fit implements s3db.Behavior.
func (b unknownBehavior) Fit(*s3db.Draft) error {
	if b == "" {
		return fmt.Errorf("%w: the registry does not tell how documents of the resource are written: open the database once with its generated client, of this release or a later one", s3db.ErrConfig)
	}
	return fmt.Errorf("%w: the behavior %q is not known to this program", s3db.ErrNewerFormat, string(b))
}

var errOwnIDs = errors.New("the program of this resource makes its ids: give the document an id")

// newID is the generator that the settings name.
func (s *shape) newID() s3db.IDGenerator {
	switch s.known.ID.Generator {
	case "nanoid":
		return s3db.NanoID(s.known.ID.Size)
	case "uuidv1":
		return s3db.UUIDv1
	case "uuidv4":
		return s3db.UUIDv4
	case "uuidv7":
		return s3db.UUIDv7
	case "ulid":
		return s3db.ULID
	}
	return func() (string, error) { return "", fmt.Errorf("%w: %w", s3db.ErrInvalidID, errOwnIDs) }
}
