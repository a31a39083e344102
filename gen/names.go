package gen

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/s3dbgen/s3dbgen/schema"
)

// Names remembers the Go names of earlier runs, so that a name that programs
// use never changes because something was added elsewhere. *schema.Lock is one.
type Names interface {
	// FrozenName returns the name that an earlier run recorded for a path.
	FrozenName(path string) (name string, ok bool)
	// GoName records the name of a path, or returns the one recorded before.
	GoName(path, name string) string
}

// noNames remembers nothing.
type noNames struct{}

// FrozenName implements Names.
func (noNames) FrozenName(string) (string, bool) { return "", false }

// GoName implements Names.
func (noNames) GoName(_, name string) string { return name }

// namer decides all names of a package. Names that the option "go" gives come
// first, then those of earlier runs, then those derived now; so only something
// new in the schema ever has to give way.
//
// Two things of the schema that would get one name are an error that says how to
// tell them apart. A name that clashes with one that the generator itself
// derives ("user_insert" beside the input type of "users") gives way: it gets a
// suffix that says what it is.
type namer struct {
	schema      *schema.Schema
	lock        Names
	inflections inflections
	diagnostics schema.Diagnostics
	recorded    map[string]bool // paths whose names come from this run

	pkg         scope // types, constants and functions of the package
	collections scope // fields of DB
	resources   map[*schema.Resource]resourceNames
	types       map[*schema.Type]string // nested objects and enums
	fields      map[*schema.Attribute]string
	constants   map[*schema.EnumValue]string
	goPackages  map[string]pkg // of types of the program, by their paths
}

// resourceNames are the exported names of one resource.
type resourceNames struct {
	document, collection string
	field                string // of DB
}

func (r resourceNames) id() string     { return r.document + "ID" }
func (r resourceNames) insert() string { return r.document + "Insert" }
func (r resourceNames) patch() string  { return r.document + "Patch" }

func (r resourceNames) hooks() string      { return r.document + "Hooks" }
func (r resourceNames) middleware() string { return r.document + "Middleware" }

// beside are the names of the types beside the document.
func (r resourceNames) beside() []string {
	return []string{r.id(), r.insert(), r.patch(), r.hooks(), r.middleware()}
}

func nameAll(s *schema.Schema, lock Names) *namer {
	n := &namer{
		schema:      s,
		lock:        lock,
		inflections: newInflections(),
		recorded:    map[string]bool{},
		pkg:         scope{},
		collections: scope{},
		resources:   map[*schema.Resource]resourceNames{},
		types:       map[*schema.Type]string{},
		fields:      map[*schema.Attribute]string{},
		constants:   map[*schema.EnumValue]string{},
	}
	fixed := owner{what: "the generated client"}
	n.pkg.claim(fixed, "DB", "Open", "New", "config", "newDB")
	for _, from := range []origin{given, frozen, derived} {
		for _, r := range s.Resources {
			n.nameDocument(r, from)
		}
		for _, r := range s.Resources {
			n.nameCollection(r, from)
		}
		for _, r := range s.Resources {
			if names, ok := n.resources[r]; ok && from != given {
				n.nameTypes(names.document, r.Name, r.Attributes, from)
			}
		}
	}
	for _, r := range s.Resources {
		reserved := []string{"ID", "Meta"}
		if r.Timestamps {
			reserved = append(reserved, "CreatedAt", "UpdatedAt")
		}
		n.nameFields(r.Name, r.Attributes, reserved...)
	}
	return n
}

// origin says where a name comes from. Names are given out in this order.
type origin int

const (
	given   origin = iota // by the option "go"
	frozen                // by an earlier run
	derived               // by this run
)

// origin returns where the name for a path comes from, and the name if it is
// known already.
func (n *namer) origin(explicit, path string) (origin, string) {
	if explicit != "" {
		return given, explicit
	}
	if name, ok := n.lock.FrozenName(path); ok && !n.recorded[path] {
		return frozen, name
	}
	return derived, ""
}

// record notes a name for later runs, unless the schema gives it.
func (n *namer) record(from origin, path, name string) {
	if from != given {
		n.recorded[path] = from == derived
		n.lock.GoName(path, name)
	}
}

// fail reports that a name is taken.
func (n *namer) fail(name string, o, other owner) {
	message := fmt.Sprintf("%s and %s would both be %s in Go", o.what, other.what, name)
	help := fmt.Sprintf(`give %s another name in Go with the option "go"`, o.what)
	var related []schema.Related
	if other.pos.IsValid() {
		related = append(related, schema.Related{Position: other.pos, Message: other.what + " is here"})
	}
	n.diagnostics = append(n.diagnostics, n.schema.Diagnose(schema.CodeGoNameTaken, o.pos, message, help, related...))
}

// nameDocument names the document of a resource and the types beside it.
func (n *namer) nameDocument(r *schema.Resource, pass origin) {
	from, name := n.origin(r.GoName, r.Name)
	if from != pass {
		return
	}
	o := owner{pos: r.Pos, what: fmt.Sprintf("the resource %q", r.Name), own: true}
	if from == derived {
		name = exported(n.inflections.singular(words(r.Name)))
	}
	names := resourceNames{document: name}
	claim := func() (owner, bool) {
		return n.pkg.claim(o, append(names.beside(), names.document)...)
	}
	other, ok := claim()
	for i := 1; !ok && from == derived && !other.own; i++ {
		names.document = numbered(name+"Document", i)
		other, ok = claim()
	}
	if !ok {
		n.fail(name, o, other)
		return
	}
	for _, beside := range names.beside() {
		n.pkg[beside] = owner{pos: o.pos, what: o.what} // these never stand for the resource
	}
	n.record(from, r.Name, names.document)
	n.resources[r] = names
}

// nameCollection names the type of the collection of a resource, and the field
// of DB that holds it, like the resource itself. Where the name is taken, as it
// is by the document of a resource in the singular, the type is called after the
// document.
func (n *namer) nameCollection(r *schema.Resource, pass origin) {
	names, ok := n.resources[r]
	if from, _ := n.origin(r.GoName, r.Name); !ok || from != pass {
		return
	}
	names.field = exported(words(r.Name))
	names.collection = names.field
	key := r.Name + ".#collection" // no attribute is called so
	o := owner{pos: r.Pos, what: fmt.Sprintf("the resource %q", r.Name)}
	if name, ok := n.lock.FrozenName(key); ok {
		names.collection = name
		if other, ok := n.pkg.claim(o, name); !ok {
			n.fail(name, o, other)
		}
	} else if _, ok := n.pkg.claim(o, names.collection); !ok {
		names.collection = n.pkg.unique(names.document + "Collection")
	}
	if names.collection != names.field {
		n.lock.GoName(key, names.collection)
	}
	if slices.Contains([]string{"Close", "Database", "Migrate", "Sweep"}, names.field) { // methods of DB
		names.field += "Collection"
	}
	if other, ok := n.collections.claim(owner{pos: r.Pos, what: o.what, own: true}, names.field); !ok {
		n.fail(names.field, o, other)
	}
	n.resources[r] = names
}

func exported(list []string) string { return goName(strings.Join(list, " ")) }

func numbered(name string, n int) string {
	if n == 1 {
		return name
	}
	return name + strconv.Itoa(n)
}

// nameTypes names the nested objects and enums below an owner. In the pass of
// frozen names these are the types of attributes that an earlier run has seen.
func (n *namer) nameTypes(ownerType, path string, attributes []*schema.Attribute, pass origin) {
	for _, a := range attributes {
		at := path + "." + a.Name
		if from, _ := n.origin(a.GoName, at); from > pass {
			continue
		}
		t, list := innermost(a.Type), words(a.Name)
		if a.GoName != "" {
			list = words(a.GoName)
		}
		if t != a.Type && t.Kind != schema.KindSecret {
			list = n.inflections.singular(list)
		}
		switch {
		case t.Kind == schema.KindEnum:
			if _, done := n.types[t]; !done {
				n.nameType(t, ownerType+camelOr(list, a.GoName), "Enum", at, a)
				n.nameConstants(t, at)
			}
		case t.Kind == schema.KindObject && t.Fields != nil:
			if _, done := n.types[t]; !done {
				n.nameType(t, ownerType+camelOr(list, a.GoName), "Object", at, a)
				n.nameFields(at, t.Fields)
			}
			n.nameTypes(n.types[t], at, t.Fields, pass)
		}
	}
}

// camelOr joins words as part of a name; an explicit name is used as it is when
// it is a single word.
func camelOr(list []string, explicit string) string {
	if explicit != "" && len(list) == 1 {
		return explicit
	}
	return camel(list)
}

// innermost returns the type of the items of items, the one that may need a
// generated type.
func innermost(t *schema.Type) *schema.Type {
	for t.Elem != nil {
		t = t.Elem
	}
	return t
}

func (n *namer) nameType(t *schema.Type, name, suffix, path string, a *schema.Attribute) {
	key := path + "#type"
	o := owner{pos: a.Pos, what: fmt.Sprintf("the attribute %q", a.Path)}
	preferred := name
	if known, ok := n.lock.FrozenName(key); ok {
		name = known
		if other, ok := n.pkg.claim(o, name); !ok {
			n.fail(name, o, other)
		}
	} else if _, ok := n.pkg.claim(o, name); !ok {
		name = n.pkg.unique(name + suffix)
	}
	if name != preferred {
		n.lock.GoName(key, name)
	}
	n.types[t] = name
}

// nameConstants names the values of an enum.
func (n *namer) nameConstants(t *schema.Type, path string) {
	for _, pass := range []origin{given, frozen, derived} {
		for i := range t.Enum {
			n.nameConstant(t, &t.Enum[i], path, pass)
		}
	}
}

func (n *namer) nameConstant(t *schema.Type, v *schema.EnumValue, path string, pass origin) {
	key := path + "=" + v.Name
	prefix := n.types[t]
	from, suffix := n.origin(v.GoName, key)
	if from != pass {
		return
	}
	o := owner{pos: v.Pos, what: fmt.Sprintf("the enum value %q", v.Name)}
	if from == derived {
		suffix = camel(words(v.Name))
	}
	other, ok := owner{}, false
	if suffix != "" {
		other, ok = n.pkg.claim(o, prefix+suffix)
	}
	if !ok && from != derived {
		n.fail(prefix+suffix, o, other)
		return
	}
	if !ok { // signs only, or two values that differ in signs
		suffix = strings.TrimPrefix(n.pkg.unique(prefix+"Value"+strconv.Itoa(v.Number)), prefix)
	}
	n.record(from, key, suffix)
	n.constants[v] = prefix + suffix
}

// nameFields names the fields of one struct.
func (n *namer) nameFields(path string, attributes []*schema.Attribute, reserved ...string) {
	s := scope{}
	s.claim(owner{what: "a generated field"}, reserved...)
	for _, pass := range []origin{given, frozen, derived} {
		for _, a := range attributes {
			n.nameField(s, path+"."+a.Name, a, pass)
		}
	}
}

func (n *namer) nameField(s scope, path string, a *schema.Attribute, pass origin) {
	from, name := n.origin(a.GoName, path)
	if from != pass {
		return
	}
	o := owner{pos: a.Pos, what: fmt.Sprintf("the attribute %q", a.Path), own: true}
	if from == derived {
		name = goName(a.Name)
	}
	other, ok := s.claim(o, name)
	if !ok && from == derived && !other.own {
		name, ok = s.unique(name+"Field"), true
	}
	if !ok {
		n.fail(name, o, other)
		return
	}
	n.record(from, path, name)
	n.fields[a] = name
}
