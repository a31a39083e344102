package gen

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/s3dbgen/s3dbgen/schema"
)

// versions is the file of the older versions of a resource.
type versions struct {
	file          string
	imports       imports
	resource      string // in the schema
	hashes, steps string // functions; steps is "" when nothing has to be done
	hash          []string
	list          []*step
}

// step brings documents to a version. Expressions and statements are Go source.
type step struct {
	version   int
	convert   []string
	drop      []string // numbers
	defaults  []string // statements over e
	migration *migration
}

// migration is a function that the program has to give, with its types.
type migration struct {
	function string // MigrateUserV0ToV1
	old, new *resource
}

// olderVersions decides the file of the older versions; nil when there is none.
func (b *builder) olderVersions() *versions {
	s := b.schema
	if s.Version == 0 {
		return nil
	}
	v := &versions{
		file: b.r.file + "_versions", imports: imports{}, resource: s.Name,
		hashes: b.local(unexported(b.r.document) + "Hashes"), hash: s.Hashes,
	}
	if len(s.Steps) > 0 {
		v.imports[pkgRuntime] = true
		v.steps = b.local(unexported(b.r.document) + "Steps")
	}
	for _, x := range s.Steps {
		v.list = append(v.list, b.step(v, x))
	}
	return v
}

func (b *builder) step(v *versions, x *schema.Step) *step {
	s := &step{version: x.Version}
	for _, c := range x.Conversions {
		function := "IntToDecimal"
		if c.Kind == schema.KindNumber {
			function = "IntToFloat"
		}
		s.convert = append(s.convert, fmt.Sprintf("s3db.%s(%d, %d)", function, c.From, c.To))
	}
	for _, n := range x.Drop {
		s.drop = append(s.drop, fmt.Sprint(n))
	}
	here := *b // literals of defaults need imports of this file
	here.imports = v.imports
	for _, a := range x.Defaults {
		i := slices.IndexFunc(b.r.root.fields, func(f *field) bool { return f.attribute == a.Name })
		s.defaults = append(s.defaults, b.r.root.fields[i].value.storage().encode("e", fmt.Sprint(a.Number), here.literal(a)))
	}
	if m := x.Migration; m != nil {
		s.migration = &migration{
			function: b.pkg.unique(fmt.Sprintf("Migrate%sV%dToV%d", b.r.document, m.From, x.Version)),
			old:      b.frozen(v, fmt.Sprintf("V%d", m.From), m.Old, fmt.Sprintf("is a document of %s as version %d stored it.", b.schema.Name, m.From)),
			new: b.frozen(v, fmt.Sprintf("V%dChanges", x.Version), m.New,
				fmt.Sprintf("holds the attributes of %s that version %d stores in another way than version %d.", b.schema.Name, x.Version, m.From)),
		}
	}
	return s
}

// frozen decides a struct for attributes as a version had them. Its names come
// from those of the schema alone, so that they stay.
func (b *builder) frozen(v *versions, suffix string, attributes []*schema.Attribute, what string) *resource {
	names := *b.namer
	names.lock, names.recorded = noNames{}, maps.Clone(b.recorded)
	name := b.pkg.unique(b.r.document + suffix)
	names.nameTypes(name, b.schema.Name, attributes, derived)
	names.nameFields(b.schema.Name, attributes)
	b.diagnostics = names.diagnostics
	f := &builder{
		namer: &names, imports: v.imports, schema: &schema.Resource{Name: b.schema.Name}, r: &resource{},
		objects: map[*schema.Type]*object{}, enums: map[*schema.Type]*enum{},
	}
	f.r.root = f.object(name, []string{name + " " + what}, attributes)
	b.r.secrets = b.r.secrets || f.r.secrets
	return f.r
}

// declared are the structs of a frozen version, the outermost first.
func (r *resource) declared() []*object { return append([]*object{r.root}, r.objects...) }

// list prints expressions as a slice literal.
func sliceOf(typ string, list []string) string {
	return "[]" + typ + "{" + strings.Join(list, ", ") + "}"
}
