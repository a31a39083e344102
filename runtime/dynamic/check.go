package dynamic

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// checker reports values that are not of their types.
type checker struct {
	v       *s3db.Validator
	partial bool // required attributes may be missing, at the top level
}

// attributes adds what is wrong with the attributes of an input.
func (c checker) attributes(path string, o *object, values Values) {
	for _, f := range o.fields {
		v, ok := values[f.name]
		if !ok {
			if !f.optional && !c.partial {
				c.v.Add(join(path, f.name), "required", "must be set")
			}
			continue
		}
		checker{v: c.v}.value(join(path, f.name), f.typ, v)
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if o.field(name) == nil {
			c.v.Add(join(path, shortened(name)), "unknown", o.unknown())
		}
	}
}

// unknown is what to say of a name that is none of the attributes.
func (o *object) unknown() string {
	names := make([]string, len(o.fields))
	for i, f := range o.fields {
		names[i] = f.name
	}
	return "there is no such attribute; there are " + listed(names)
}

// value adds what is wrong with one value.
func (c checker) value(path string, t *valueType, v any) {
	if _, kept := v.(stored); kept && t.hidden() {
		return // judged when the document is known
	}
	switch {
	case t.scalar != nil:
		if !t.scalar.holds(v) {
			c.wrong(path, t.scalar.want, t.scalar.goType, v)
		}
	case t.object != nil:
		x, ok := v.(Values)
		if !ok {
			c.wrong(path, "an object", "dynamic.Values", v)
			return
		}
		c.attributes(path, t.object, x)
	case t.kind == kindArray:
		list, ok := v.([]any)
		if !ok {
			c.wrong(path, "an array", "[]any", v)
			return
		}
		for i, x := range list {
			c.value(path+"["+strconv.Itoa(i)+"]", t.elem, x)
		}
	case t.kind == kindMap:
		m, ok := v.(map[string]any)
		if !ok {
			c.wrong(path, "an object", "map[string]any", v)
			return
		}
		for _, k := range slices.Sorted(maps.Keys(m)) {
			c.value(path+"["+strconv.Quote(shortened(k))+"]", t.elem, m[k])
		}
	case t.kind == kindSecret:
		c.secret(path, t, v)
	case t.kind == kindPassword:
		switch p := v.(type) {
		case s3db.Password:
		case s3db.PasswordHash:
			if p.IsZero() {
				c.v.Add(path, "required", "must be set")
			}
		default:
			c.wrong(path, "a password", "s3db.Password or s3db.PasswordHash", v)
		}
	}
}

func (c checker) secret(path string, t *valueType, v any) {
	s, ok := v.(Secret)
	switch {
	case !ok:
		c.wrong(path, "a secret", "dynamic.Secret", v)
	case s.sealed == nil && s.value.IsZero():
		c.v.Add(path, "required", "must be set")
	case !s.value.IsZero():
		c.value(path, t.elem, s.value.Reveal())
	}
}

// wrong says what a value must be in Go. JSON was checked when it was read.
func (c checker) wrong(path, want, goType string, v any) {
	c.v.Add(path, "type", fmt.Sprintf("must be %s (%s), is of type %T", want, goType, v))
}

// hidden reports whether JSON shows values as "[redacted]".
func (t *valueType) hidden() bool { return t.kind == kindSecret || t.kind == kindPassword }

// settle decides what becomes of secrets and passwords that an input does not give
// anew: those that are "[redacted]" stay as old has them, and a sealed value stays
// sealed where it came from. Anywhere else it would not open.
func (c checker) settle(path string, o *object, values, old Values) Values {
	if o == nil || !o.hides() {
		return values
	}
	settled := maps.Clone(values)
	for _, f := range o.fields {
		at := join(path, f.name)
		was, had := old[f.name]
		switch x := values[f.name].(type) {
		case stored:
			if had {
				settled[f.name] = was
			} else {
				c.v.Add(at, "redacted", redacted+" stands for a value that was left out, and there is none in the database to keep")
			}
		case Secret:
			oldSecret, _ := was.(Secret)
			if x.sealed == nil || bytes.Equal(x.sealed, oldSecret.sealed) {
				continue
			}
			renewed, ok := x.Renewed()
			if !ok {
				c.v.Add(at, "sealed", "is encrypted for another document or attribute; open the database with Reveal to copy it")
			}
			settled[f.name] = renewed
		case Values:
			oldInner, _ := was.(Values)
			settled[f.name] = c.settle(at, f.typ.object, x, oldInner)
		}
	}
	return settled
}

// join appends a name to a path.
func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// shortened is a name from outside that fits a message.
func shortened(name string) string {
	const longest = 60
	r := []rune(name)
	if len(r) <= longest {
		return name
	}
	return string(r[:longest]) + "…"
}
