package dynamic

import (
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// key adds the values of a document to the key of an index.
func (x *index) key(k *s3db.KeyBuilder, d *Document) {
	for i := range x.fields {
		x.fields[i].add(k, d)
	}
}

func (f *indexField) add(k *s3db.KeyBuilder, d *Document) {
	v, ok := f.value(d)
	if !ok {
		f.rules(k).Absent()
		return
	}
	f.put(k, v)
}

// value returns the value of the field in a document; ok is false when it is
// absent.
func (f *indexField) value(d *Document) (v any, ok bool) {
	if f.through == nil {
		switch f.path {
		case fieldCreated:
			return d.CreatedAt, true
		case fieldUpdated:
			return d.UpdatedAt, true
		case fieldVersion:
			return int64(d.Meta.StoredVersion), true
		default:
			return d.ID, true
		}
	}
	values := d.Values
	for i, a := range f.through {
		if v, ok = values[a.name]; !ok {
			return nil, false
		}
		if i < len(f.through)-1 {
			values, _ = v.(Values)
		}
	}
	return v, true
}

// put adds one value of the field's type, with the rules of the index.
func (f *indexField) put(k *s3db.KeyBuilder, v any) {
	k = f.rules(k)
	if t, isTime := v.(time.Time); isTime && f.date {
		v = s3db.DateOf(t.UTC())
	}
	if day, isDay := v.(s3db.Date); isDay {
		k.Date(day)
		return
	}
	if secret, isSecret := v.(Secret); isSecret {
		inside, err := secret.unsealed()
		if err != nil {
			k.Fail(err)
			return
		}
		s3db.KeySecret(k, &inside, f.scalar().key)
		return
	}
	f.scalar().key(k, v)
}

func (f *indexField) rules(k *s3db.KeyBuilder) *s3db.KeyBuilder {
	if f.maxLength > 0 {
		k = k.MaxLength(f.maxLength)
	}
	if f.desc {
		k = k.Desc()
	}
	return k
}

// scalar is the type of the field.
func (f *indexField) scalar() *scalar {
	if f.through != nil {
		return f.through[len(f.through)-1].typ.single()
	}
	switch f.path {
	case fieldCreated, fieldUpdated:
		return scalarOf("datetime")
	case fieldVersion:
		return scalarOf("integer")
	default:
		return scalarOf("string")
	}
}

// model is the form in which the runtime takes the index.
func (x *index) model() s3db.Index[Document] {
	m := s3db.Index[Document]{Name: x.name, Hashed: x.hashed, Key: x.key}
	for _, f := range x.fields {
		m.Fields = append(m.Fields, f.path)
	}
	return m
}
