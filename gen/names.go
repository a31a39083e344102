package gen

import (
	"fmt"
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

	pkg       scope // types, constants and functions of the package
	db        scope // fields and methods of DB
	resources map[*schema.Resource]resourceNames
	types     map[*schema.Type]string // nested objects and enums
	fields    map[*schema.Attribute]string
	constants map[*schema.EnumValue]string
}

// resourceNames are the exported names of one resource.
type resourceNames struct {
	document, collection, field string
}

func (r resourceNames) id() string     { return r.document + "ID" }
func (r resourceNames) insert() string { return r.document + "Insert" }
func (r resourceNames) patch() string  { return r.document + "Patch" }

func (r resourceNames) all() []string {
	return []string{r.document, r.collection, r.id(), r.insert(), r.patch()}
}

func nameAll(s *schema.Schema, lock Names) *namer {
	n := &namer{
		schema:      s,
		lock:        lock,
		inflections: newInflections(),
		pkg:         scope{},
		db:          scope{},
		resources:   map[*schema.Resource]resourceNames{},
		types:       map[*schema.Type]string{},
		fields:      map[*schema.Attribute]string{},
		constants:   map[*schema.EnumValue]string{},
	}
	fixed := owner{what: "the generated client"}
	n.pkg.claim(fixed, "DB", "Open", "New", "config", "newDB")
	n.db.claim(fixed, "Close", "Database")
	for _, old := range []bool{true, false} {
		for _, r := range s.Resources {
			n.nameResource(r, old)
		}
		for _, r := range s.Resources {
			if names, ok := n.resources[r]; ok {
				n.nameTypes(names.document, r.Name, r.Attributes, old)
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

// nameResource names a resource and its types. Old resources have a name given
// in the schema or by an earlier run.
func (n *namer) nameResource(r *schema.Resource, old bool) {
	if _, done := n.resources[r]; done {
		return
	}
	o := owner{pos: r.Pos, what: fmt.Sprintf("the resource %q", r.Name), own: true}
	list := words(r.Name)
	name, frozen := r.GoName, false
	if name == "" {
		name, frozen = n.lock.FrozenName(r.Name)
	}
	given := name != ""
	if given != old {
		return
	}
	if !given {
		name = exported(n.inflections.singular(list))
	}
	names := n.resourceNames(name, list)
	other, ok := n.pkg.claim(o, names.all()...)
	for i := 1; !ok && !given && !other.own; i++ {
		names = n.resourceNames(numbered(name+"Document", i), list)
		other, ok = n.pkg.claim(o, names.all()...)
	}
	if !ok {
		n.fail(names.document, o, other)
		return
	}
	for _, derived := range names.all()[1:] {
		n.pkg[derived] = owner{pos: o.pos, what: o.what}
	}
	names.field = n.db.unique(names.field)
	if r.GoName == "" && !frozen {
		n.lock.GoName(r.Name, names.document)
	} else if frozen {
		n.lock.GoName(r.Name, name)
	}
	n.resources[r] = names
}

// resourceNames derives the names beside the one of the document.
func (n *namer) resourceNames(document string, list []string) resourceNames {
	names := resourceNames{document: document, collection: exported(n.inflections.plural(n.inflections.singular(list)))}
	if given := exported(list); given != exported(n.inflections.singular(list)) {
		names.collection = given // the plural as the schema writes it
	}
	names.field = names.collection
	if _, taken := n.pkg[names.collection]; taken || names.collection == document {
		names.collection = document + "Collection"
	}
	return names
}

func exported(list []string) string { return goName(strings.Join(list, " ")) }

func numbered(name string, n int) string {
	if n == 1 {
		return name
	}
	return name + strconv.Itoa(n)
}

// nameTypes names the nested objects and enums below an owner. Old ones are
// those of attributes that an earlier run named.
func (n *namer) nameTypes(ownerType, path string, attributes []*schema.Attribute, old bool) {
	for _, a := range attributes {
		at := path + "." + a.Name
		if _, frozen := n.lock.FrozenName(at); !frozen && a.GoName == "" && old {
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
			n.nameTypes(n.types[t], at, t.Fields, old)
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
	if frozen, ok := n.lock.FrozenName(key); ok {
		if other, free := n.pkg.claim(o, frozen); !free {
			n.fail(frozen, o, other)
		}
		n.types[t] = n.lock.GoName(key, frozen)
		return
	}
	preferred := name
	for i := 1; ; i++ {
		if _, ok := n.pkg.claim(o, name); ok {
			break
		}
		name = numbered(preferred+suffix, i)
	}
	if name != preferred {
		name = n.lock.GoName(key, name)
	}
	n.types[t] = name
}

// nameConstants names the values of an enum.
func (n *namer) nameConstants(t *schema.Type, path string) {
	for _, old := range []bool{true, false} {
		for i := range t.Enum {
			n.nameConstant(t, &t.Enum[i], path, old)
		}
	}
}

func (n *namer) nameConstant(t *schema.Type, v *schema.EnumValue, path string, old bool) {
	key := path + "=" + v.Name
	prefix := n.types[t]
	suffix := v.GoName
	if suffix == "" {
		suffix, _ = n.lock.FrozenName(key)
	}
	given := suffix != ""
	if given != old {
		return
	}
	o := owner{pos: v.Pos, what: fmt.Sprintf("the enum value %q", v.Name), own: true}
	if !given {
		suffix = camel(words(v.Name))
	}
	if suffix != "" {
		other, ok := n.pkg.claim(o, prefix+suffix)
		if !ok && given {
			n.fail(prefix+suffix, o, other)
			return
		}
		if !ok {
			suffix = ""
		}
	}
	if suffix == "" { // signs only, or two values that differ in signs
		suffix = "Value" + strconv.Itoa(v.Number)
		if _, ok := n.pkg.claim(o, prefix+suffix); !ok {
			suffix = n.pkg.unique(prefix + suffix + "n")[len(prefix):]
		}
	}
	if v.GoName == "" {
		suffix = n.lock.GoName(key, suffix)
	}
	n.constants[v] = prefix + suffix
}

// nameFields names the fields of one struct.
func (n *namer) nameFields(path string, attributes []*schema.Attribute, reserved ...string) {
	s := scope{}
	s.claim(owner{what: "the generated field"}, reserved...)
	for _, old := range []bool{true, false} {
		for _, a := range attributes {
			n.nameField(s, path+"."+a.Name, a, old)
		}
	}
}

func (n *namer) nameField(s scope, path string, a *schema.Attribute, old bool) {
	name := a.GoName
	if name == "" {
		name, _ = n.lock.FrozenName(path)
	}
	given := name != ""
	if given != old {
		return
	}
	o := owner{pos: a.Pos, what: fmt.Sprintf("the attribute %q", a.Path), own: true}
	if !given {
		name = goName(a.Name)
	}
	other, ok := s.claim(o, name)
	if !ok && !given && !other.own {
		name = s.unique(name + "Field")
		ok = true
	}
	if !ok {
		n.fail(name, o, other)
		return
	}
	if a.GoName == "" {
		name = n.lock.GoName(path, name)
	}
	n.fields[a] = name
}
