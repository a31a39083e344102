package gen

import (
	"cmp"
	"fmt"
	"go/token"
	"slices"
	"strings"

	"github.com/s3dbgen/s3dbgen/schema"
)

// newProgram decides everything about the generated package.
func newProgram(s *schema.Schema, lock Names) (*program, schema.Diagnostics) {
	p, n := programOf(s, lock)
	if n.diagnostics.HasErrors() {
		return nil, n.diagnostics.Sort()
	}
	return p, n.diagnostics
}

// programOf decides the names, whose diagnostics count, and then the rest.
func programOf(s *schema.Schema, lock Names) (*program, *namer) {
	if lock == nil {
		lock = noNames{}
	}
	n := nameAll(s, lock)
	if n.diagnostics.HasErrors() {
		return nil, n
	}
	p := &program{name: s.Package, doc: packageDoc(s), drivers: drivers(s.Stores)}
	n.goImports(s)
	files := scope{"client": {}}
	if s.Fixtures {
		p.fixtures = &fixtures{imports: imports{pkgFixture: true}}
	}
	for _, r := range s.Resources {
		b := &builder{namer: n, imports: imports{}, schema: r}
		p.resources = append(p.resources, b.resource(files))
		if p.fixtures != nil {
			p.fixtures.list = append(p.fixtures.list, p.fixtures.fixtureFor(b, &n.diagnostics))
		}
	}
	if p.fixtures != nil {
		p.fixtures.file = files.unique("fixtures")
	}
	return p, n
}

func packageDoc(s *schema.Schema) []string {
	kept := "documents"
	if list := resourceList(s.Resources); list != "" {
		kept = list
	}
	return docText(fmt.Sprintf("Package %s keeps %s in an S3 bucket, in one local file or in memory.", s.Package, kept), s.Description, "")
}

// resourceList names a few resources in prose: "orders, products and users".
func resourceList(resources []*schema.Resource) string {
	const few = 4
	if len(resources) == 0 || len(resources) > few {
		return ""
	}
	var names []string
	for _, r := range resources {
		names = append(names, r.Name)
	}
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

func drivers(stores []schema.Store) []driver {
	all := []struct {
		store  schema.Store
		driver driver
	}{
		{schema.StoreS3, driver{pkgS3Store, "s3://bucket/prefix"}},
		{schema.StoreFile, driver{pkgBoltStore, "file://path"}},
		{schema.StoreMem, driver{pkgMemStore, "mem://name"}},
	}
	var list []driver
	for _, d := range all {
		if len(stores) == 0 || slices.Contains(stores, d.store) {
			list = append(list, d.driver)
		}
	}
	return list
}

// builder decides what the file of one resource holds.
type builder struct {
	*namer
	imports imports
	schema  *schema.Resource
	r       *resource
	texts   map[*schema.Attribute]int // strings that may be cut, with the runes that must stay
	objects map[*schema.Type]*object
	enums   map[*schema.Type]*enum
	customs map[*schema.Type]*value // of types of the program
}

func (b *builder) resource(files scope) *resource {
	names := b.resources[b.schema]
	name := names.document
	b.texts = b.schema.Texts()
	b.objects, b.enums, b.customs = map[*schema.Type]*object{}, map[*schema.Type]*enum{}, map[*schema.Type]*value{}
	b.r = &resource{
		name:       b.schema.Name,
		file:       files.unique(fileName(names.field)),
		imports:    b.imports,
		document:   name,
		id:         names.id(),
		insert:     names.insert(),
		patch:      names.patch(),
		hooks:      names.hooks(),
		middleware: names.middleware(),
		collection: names.collection,
		field:      names.field,
		model:      b.local(unexported(name) + "Model"),
		schema:     b.local(unexported(name) + "Schema"),
		new:        b.local("new" + name),
		merge:      b.local("merge" + name),
		apply:      b.local("apply" + names.patch()),
		shape:      b.schema.StoredShape(),
		settings:   b.schema.StoredSettings(),
		behavior:   behaviorName(b.schema.Behavior),
		history:    b.schema.History,
		anyID:      b.schema.ID.Any,
		times:      b.schema.Timestamps,
		deprecated: docText("", "", b.schema.Deprecated),
	}
	b.r.newID = b.newID(b.schema.ID)
	b.imports.qualified(pkgBehaviors, b.r.behavior)
	if b.r.times {
		b.imports.qualified(pkgTime, "Time")
	}
	sentence := fmt.Sprintf("%s is a document of the resource %s.", name, b.schema.Name)
	b.r.root = b.object(name, docText(sentence, b.schema.Description, b.schema.Deprecated), b.schema.Attributes)
	if slices.ContainsFunc(b.r.root.fields, func(f *field) bool { return f.immutable }) {
		b.r.keep = b.local("keep" + name)
	}
	for _, i := range b.schema.Partitions {
		b.r.partitions = append(b.r.partitions, b.index(i))
	}
	for _, i := range b.schema.Uniques {
		b.r.uniques = append(b.r.uniques, b.index(i))
	}
	b.access()
	b.relations()
	b.r.ttl = b.ttl()
	b.attributes(b.r.root)
	b.r.version, b.r.versions = b.schema.Version, b.olderVersions()
	if b.schema.Behavior != schema.TruncateData {
		b.r.root.cuttable = false
	}
	return b.r
}

// fileName makes the name of a file without "_", so that it can never end in one
// that the go command obeys, such as "_test" or "_linux".
func fileName(field string) string { return strings.ToLower(field) }

func behaviorName(b schema.Behavior) string {
	return camel(words(string(cmp.Or(b, schema.UserManaged))))
}

func (b *builder) newID(id schema.ID) string {
	switch id.Generator {
	case schema.Custom:
		return ""
	case schema.UUIDv1:
		return b.imports.rt("UUIDv1")
	case schema.UUIDv4:
		return b.imports.rt("UUIDv4")
	case schema.UUIDv7:
		return b.imports.rt("UUIDv7")
	case schema.ULID:
		return b.imports.rt("ULID")
	default:
		const size = 22
		return fmt.Sprintf("%s(%d)", b.imports.rt("NanoID"), cmp.Or(id.Size, size))
	}
}

// local takes an unexported name of the package.
func (b *builder) local(name string) string {
	if token.IsKeyword(name) {
		name += "_"
	}
	return b.pkg.unique(name)
}

func (b *builder) object(name string, doc []string, attributes []*schema.Attribute) *object {
	o := &object{name: name, doc: doc}
	for _, a := range attributes {
		f := b.field(name, a)
		o.fields = append(o.fields, f)
		o.normalizes = o.normalizes || f.value.normalizes
		o.cuttable = o.cuttable || f.text != nil || f.value.cuttable()
	}
	o.encode = b.local("encode" + name)
	o.decode = b.local("decode" + name)
	o.validate = b.local("validate" + name)
	if o.cuttable {
		o.texts = b.local("texts" + name)
	}
	return o
}

// cuttable reports whether the value holds objects with strings that may be cut.
func (v *value) cuttable() bool {
	switch v.kind {
	case objectValue:
		return v.object.cuttable
	case arrayValue:
		return v.elem.kind == objectValue && v.elem.object.cuttable
	default:
		return false
	}
}

func (b *builder) field(ownerName string, a *schema.Attribute) *field {
	name := b.fields[a]
	v := b.value(fmt.Sprintf("the attribute %s of %s %s", a.Name, article(ownerName), ownerName), a.Type, a.Optional)
	f := &field{
		attribute: a.Name,
		name:      name,
		number:    a.Number,
		doc:       docText("", a.Description, a.Deprecated),
		value:     v,
		optional:  a.Optional,
		immutable: a.Immutable,
		generate:  a.Type.Rules.Generate,
		document:  v.typ,
		insert:    v.typ,
		change:    v.typ,
	}
	f.rules = b.rulesOf(ownerName+name, v)
	switch {
	case v.kind == passwordValue:
		f.insert = b.imports.rt("Password")
		f.change = f.insert
		f.input = b.passwordRules(ownerName+name, a.Type)
	case v.kind == secretValue:
		b.r.secrets = true
		if b.unique(a) {
			f.key = b.keyMethod(secretElem(a.Type))
		}
	}
	if a.HasDefault() {
		f.def = b.literal(a)
	}
	if f.pointer() {
		f.document = "*" + f.document
	}
	if f.pointer() || f.given() && !v.nilable() {
		f.insert = "*" + f.insert
	}
	f.text = b.text(a)
	b.codec(ownerName+name, f)
	return f
}

// unique reports whether an attribute is part of a unique constraint.
func (b *builder) unique(a *schema.Attribute) bool {
	return slices.ContainsFunc(b.schema.Uniques, func(x *schema.Index) bool {
		return slices.ContainsFunc(x.Fields, func(f *schema.IndexField) bool { return f.Attribute == a })
	})
}

func article(noun string) string {
	if strings.ContainsAny(noun[:1], "AEIO") {
		return "an"
	}
	return "a"
}

// text says how truncate-data may cut the attribute; nil when it may not.
func (b *builder) text(a *schema.Attribute) *text {
	least, ok := b.texts[a]
	if !ok {
		return nil
	}
	list := a.Type.Kind == schema.KindArray
	return &text{list: list, optional: a.Optional && !list, min: least}
}
