package dynamic

import (
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

func (o *object) encode(e *s3db.Encoder, v *Values) {
	for _, f := range o.fields {
		if x, ok := (*v)[f.name]; ok {
			f.typ.encode(e, f.number, x)
		}
	}
}

// decode reads the attributes. A required one may be absent: a document that was
// written before the attribute was added has none.
func (o *object) decode(d *s3db.Decoder, v *Values, reveal bool) {
	*v = make(Values, len(o.fields))
	for _, f := range o.fields {
		if x := s3db.DecodeOptional(d, f.number, func(d *s3db.Decoder, n int) any { return f.decode(d, n, reveal) }); x != nil {
			(*v)[f.name] = *x
		}
	}
}

// decode reads the attribute. A secret that is part of a unique constraint can be
// decrypted later, for the key of its claim.
func (f *field) decode(d *s3db.Decoder, n int, reveal bool) any {
	v := f.typ.decode(d, n, reveal)
	s, isSecret := v.(Secret)
	if isSecret && f.keyed && !reveal {
		s.unseal = s3db.UnsealLater(d, n, s.sealed, func(d *s3db.Decoder, n int) any { return f.typ.elem.decode(d, n, true) })
		return s
	}
	return v
}

// encode writes a value that check accepts; nil is an absent item.
func (t *valueType) encode(e *s3db.Encoder, n int, v any) {
	switch {
	case t.scalar != nil:
		t.scalar.encode(e, n, v)
	case t.object != nil:
		var p *Values
		if x, ok := v.(Values); ok {
			p = &x
		}
		s3db.EncodeObject(e, n, p, t.object.encode)
	case t.kind == kindArray:
		list, _ := v.([]any)
		s3db.EncodeArray(e, n, list, t.elem.encode)
	case t.kind == kindMap:
		m, _ := v.(map[string]any)
		s3db.EncodeMap(e, n, m, t.elem.encode)
	case t.kind == kindSecret:
		s, _ := v.(Secret)
		if s.sealed != nil {
			e.Bytes(n, s.sealed)
			return
		}
		s3db.EncodeSecret(e, n, s.value, t.elem.encode)
	case t.kind == kindPassword:
		h, _ := v.(s3db.PasswordHash)
		e.Password(n, h)
	}
}

func (t *valueType) decode(d *s3db.Decoder, n int, reveal bool) any {
	item := func(d *s3db.Decoder, n int) any { return t.elem.decode(d, n, reveal) }
	switch {
	case t.scalar != nil:
		return t.scalar.decode(d, n)
	case t.object != nil:
		var v Values
		s3db.DecodeObject(d, n, &v, func(d *s3db.Decoder, v *Values) { t.object.decode(d, v, reveal) })
		return v
	case t.kind == kindArray:
		if list := s3db.DecodeArray(d, n, item); list != nil {
			return list
		}
	case t.kind == kindMap:
		if m := s3db.DecodeMap(d, n, item); m != nil {
			return m
		}
	case t.kind == kindSecret:
		s := Secret{sealed: d.Bytes(n)}
		if reveal {
			s.value = s3db.Unseal(d, n, s.sealed, item)
		}
		return s
	case t.kind == kindPassword:
		return d.Password(n)
	}
	return nil
}
