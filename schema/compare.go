package schema

import (
	"cmp"
	"fmt"
	"slices"
)

// Effect says whom a change of a schema breaks.
type Effect string

// The effects, the gravest first. One change may have the first two.
const (
	// WireBreaking: programs of the earlier schema that still run cannot read or
	// change documents that the present one writes, or miss documents in partitions.
	WireBreaking Effect = "wire-breaking"
	// SourceBreaking: programs that compile with the earlier client need a change.
	SourceBreaking Effect = "source-breaking"
	// Safe: neither.
	Safe Effect = "safe"
)

// Change is one difference between two schemas.
type Change struct {
	Effect   Effect
	Position Position // in the present schema
	Resource string   // "" for the schema itself
	Path     string   // of the attribute or index, "" for the resource itself
	Message  string
}

// Compare returns what changed from an earlier schema to s, in the order of s, the
// gravest first at one place. Both must be numbered by Assign. Rules, defaults and
// descriptions are not compared: no program and no stored document depends on them.
func (s *Schema) Compare(earlier *Schema) []Change {
	c := &comparison{at: s.Start()}
	if s.Package != earlier.Package {
		c.add(SourceBreaking, c.at, "", "the package %s is now called %s", earlier.Package, s.Package)
	}
	for _, old := range earlier.Resources {
		if s.resource(old.Name) == nil {
			c.resource = old.Name
			c.add(SourceBreaking, c.at, "", "the resource is gone; its documents stay where they are")
		}
	}
	for _, now := range s.Resources {
		c.resource, c.at = now.Name, now.Pos
		if old := earlier.resource(now.Name); old != nil {
			c.resources(old, now)
		} else {
			c.add(Safe, now.Pos, "", "the resource is new")
		}
	}
	slices.SortStableFunc(c.changes, func(a, b Change) int {
		return cmp.Or(a.Position.compare(b.Position), cmp.Compare(a.Effect.grave(), b.Effect.grave()))
	})
	return c.changes
}

func (e Effect) grave() int { return slices.Index([]Effect{WireBreaking, SourceBreaking, Safe}, e) }

// Start returns the first place in the file of s.
func (s *Schema) Start() Position { return Position{File: s.File, Line: 1, Column: 1} }

func (s *Schema) resource(name string) *Resource {
	i := slices.IndexFunc(s.Resources, func(r *Resource) bool { return r.Name == name })
	if i < 0 {
		return nil
	}
	return s.Resources[i]
}

// comparison collects the changes of a schema.
type comparison struct {
	resource string
	at       Position // of the resource or the object that is compared
	changes  []Change
}

func (c *comparison) add(e Effect, at Position, path, format string, args ...any) {
	c.changes = append(c.changes, Change{Effect: e, Position: at, Resource: c.resource, Path: path, Message: fmt.Sprintf(format, args...)})
}

func (c *comparison) resources(old, now *Resource) {
	if old.GoName != now.GoName {
		c.add(SourceBreaking, now.Pos, "", "the Go names of the resource change with its option go")
	}
	if old.Timestamps && !now.Timestamps {
		c.add(SourceBreaking, now.Pos, "", "the fields CreatedAt and UpdatedAt are gone")
	}
	if old.ID.Any && !now.ID.Any {
		c.add(WireBreaking, now.Pos, "", "documents whose ids are not plain ASCII cannot be reached any more")
	}
	c.attributes(old.Attributes, now.Attributes, "", true)
	c.indexes("partition", old.Partitions, now.Partitions)
	c.indexes("unique constraint", old.Uniques, now.Uniques)
	c.relations(old, now)
	c.expiry(old, now)
}

// attributes compares those of a resource or an object by their numbers.
func (c *comparison) attributes(old, now []*Attribute, prefix string, top bool) {
	for _, o := range old {
		if slices.ContainsFunc(now, func(a *Attribute) bool { return a.Number == o.Number }) {
			continue
		}
		i := slices.IndexFunc(now, func(a *Attribute) bool { return a.Name == o.Name || a.Was == o.Name })
		if i >= 0 && top {
			c.add(WireBreaking, now[i].Pos, prefix+now[i].Name,
				"the attribute is stored in another way: programs of the earlier schema do not find it, and cannot change such documents")
			c.goType(o, now[i], prefix)
			continue
		}
		if o.needsValue() || o.HasDefault() {
			c.add(WireBreaking, c.at, prefix+o.Name, "the attribute is gone, and programs of the earlier schema cannot read documents without it")
		}
		c.add(SourceBreaking, c.at, prefix+o.Name, "the attribute is gone")
	}
	for _, a := range now {
		i := slices.IndexFunc(old, func(o *Attribute) bool { return o.Number == a.Number })
		switch {
		case i >= 0:
			c.attribute(old[i], a, prefix)
		case slices.ContainsFunc(old, func(o *Attribute) bool { return o.Name == a.Name || o.Name == a.Was }):
			// Told above: it has a new number.
		case a.needsValue():
			if top && a.Migrate {
				c.add(WireBreaking, a.Pos, prefix+a.Name, "the attribute is new and made by a function: programs of the earlier schema cannot change such documents")
			}
			c.add(SourceBreaking, a.Pos, prefix+a.Name, "the attribute is new, and programs must give it a value")
		default:
			c.add(Safe, a.Pos, prefix+a.Name, "the attribute is new")
		}
	}
}

func (c *comparison) attribute(old, now *Attribute, prefix string) {
	path := prefix + now.Name
	before, after := old.Type.signature(), now.Type.signature()
	if !readsAs(before, after) {
		c.add(WireBreaking, now.Pos, path, "number %d was %s and is now %s: the lock files do not belong together", now.Number, before, after)
		return
	}
	if old.Name != now.Name || old.GoName != now.GoName {
		if old.GoName == "" || old.GoName != now.GoName {
			c.add(SourceBreaking, now.Pos, path, "the attribute %s has another name in Go and in JSON", quote(old.Name))
		} else {
			c.add(SourceBreaking, now.Pos, path, "the attribute %s has another name in JSON", quote(old.Name))
		}
	}
	c.goType(old, now, prefix)
	switch {
	case old.Optional == now.Optional:
	case now.Optional:
		c.add(Safe, now.Pos, path, "the attribute is now optional; programs of the earlier schema cannot read documents without it")
	default:
		c.add(Safe, now.Pos, path, "the attribute is now required; older documents get its default")
	}
	if !old.Immutable && now.Immutable {
		c.add(SourceBreaking, now.Pos, path, "patches cannot change the attribute any more")
	}
	c.enum(old.Type.leaf(), now.Type.leaf(), now.Pos, path)
	outer := c.at
	c.at = now.Pos
	c.attributes(old.Type.leaf().Fields, now.Type.leaf().Fields, path+".", false)
	c.at = outer
}

// goType reports an attribute whose type in Go is another one.
func (c *comparison) goType(old, now *Attribute, prefix string) {
	pointer := func(a *Attribute) bool {
		return a.Optional && !slices.Contains([]Kind{KindArray, KindMap, KindJSON, KindBytes}, a.Type.Kind) && a.Type.signature() != freeform
	}
	before, after := goSignature(old.Type), goSignature(now.Type)
	if before != after || pointer(old) != pointer(now) {
		c.add(SourceBreaking, now.Pos, prefix+now.Name, "the attribute has another type in Go")
	}
}

// goSignature is the signature with kinds that are one type in Go made one.
func goSignature(t *Type) string {
	switch {
	case t.GoType != nil:
		return t.GoType.String()
	case t.Elem != nil:
		return string(t.Kind) + "(" + goSignature(t.Elem) + ")"
	case t.Kind == KindObject && t.Fields == nil:
		return freeform
	case t.Ref != nil:
		return "id(" + t.Ref.Name + ")"
	}
	return string(t.Kind.family())
}

func (c *comparison) enum(old, now *Type, at Position, path string) {
	for _, o := range old.Enum {
		i := slices.IndexFunc(now.Enum, func(v EnumValue) bool { return v.Number == o.Number })
		switch {
		case i < 0:
			c.add(SourceBreaking, at, path, "the value %s is gone from the enum", quote(o.Name))
		case now.Enum[i].Name != o.Name:
			c.add(SourceBreaking, now.Enum[i].Pos, path, "the value %s of the enum is now %s", quote(o.Name), quote(now.Enum[i].Name))
		}
	}
	for _, v := range now.Enum {
		if len(old.Enum) > 0 && !slices.ContainsFunc(old.Enum, func(o EnumValue) bool { return o.Number == v.Number }) {
			c.add(Safe, v.Pos, path, "the value %s is new in the enum; programs of the earlier schema cannot read documents that have it", quote(v.Name))
		}
	}
}

func (c *comparison) indexes(what string, old, now []*Index) {
	for _, o := range old {
		i := slices.IndexFunc(now, func(x *Index) bool { return x.Name == o.Name })
		switch {
		case i < 0:
			c.add(WireBreaking, c.at, o.Name, "the %s is gone: programs of the earlier schema may miss documents in it for five minutes, and scan from then on", what)
			c.add(SourceBreaking, c.at, o.Name, "the method that reads the %s is gone", what)
		case !sameIndex(o, now[i]):
			c.add(WireBreaking, now[i].Pos, o.Name, "the %s has other keys: programs of the earlier schema may miss documents in it for five minutes, and scan from then on", what)
		}
	}
	for _, x := range now {
		if !slices.ContainsFunc(old, func(o *Index) bool { return o.Name == x.Name }) {
			c.add(Safe, x.Pos, x.Name, "the %s is new; it is read by a scan until documents are migrated", what)
		}
	}
}

// sameIndex reports whether an index has the same keys in both schemas.
func sameIndex(old, now *Index) bool {
	x, y := shapeIndexes([]*Index{old})[0], shapeIndexes([]*Index{now})[0]
	if x.Hashed != y.Hashed || !slices.Equal(x.Fields, y.Fields) {
		return false
	}
	for i, f := range old.Fields {
		a, b := f.Attribute, now.Fields[i].Attribute
		if (a == nil) != (b == nil) || a != nil && (a.Number != b.Number || a.Type.Kind.family() != b.Type.Kind.family()) {
			return false
		}
	}
	return true
}
