package schema

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"
)

// LockFormat is the format of lock files that this package reads and writes.
const LockFormat = 1

// Lock is the content of schema.lock.yaml: what stored documents and programs
// rely on and the schema does not say. It is made by ReadLock, completed by
// Schema.Assign and by GoName, and written with Bytes. It may be used by one
// goroutine at a time.
type Lock struct {
	src       *source
	resources map[string]*lockedResource
	asked     map[string]map[string]bool // names asked for in this run, by resource
}

// lockedResource is what the lock knows of a resource. It stays when the
// resource leaves the schema, because its documents may still be stored.
type lockedResource struct {
	at       span
	versions map[int]string          // hash of the stored shape, by version
	shapes   map[int]string          // the stored shape itself, by version
	fields   map[string]*lockedField // in use, by path
	values   map[string]*lockedField // of enums in use, by path=value
	removed  map[string]*lockedField // numbers that are burned, by number path
	names    map[string]string       // Go names, by path as the generator gives it
}

// lockedField is the number of an attribute or of an enum value.
type lockedField struct {
	at       span // zero when it is new
	name     string
	number   int
	typ      string // signature, "" of an enum value
	optional bool
	since    int // version that brought it
	until    int // last version that may have it, when removed

	// How documents older than since get a value: from a function of the program,
	// or from the field with this number, by a conversion that loses nothing.
	migrate bool
	from    int
}

func newLockedResource() *lockedResource {
	return &lockedResource{
		versions: map[int]string{},
		shapes:   map[int]string{},
		fields:   map[string]*lockedField{},
		values:   map[string]*lockedField{},
		removed:  map[string]*lockedField{},
		names:    map[string]string{},
	}
}

// GoName returns the Go name frozen for a path, and freezes the proposed one
// when there is none yet, so that a later release that would derive another name
// changes no program. A path is a resource ("users"), an attribute of it
// ("users.profile.country") or a value of an enum ("users.role=admin"). Names
// given in the schema are not asked for. Names of a resource that were not asked
// for between ReadLock and Bytes are dropped, unless none was.
func (l *Lock) GoName(path, proposed string) string {
	resource, _, _ := strings.Cut(path, ".")
	resource, _, _ = strings.Cut(resource, "=")
	locked := l.resources[resource]
	if locked == nil {
		return proposed
	}
	if l.asked[resource] == nil {
		l.asked[resource] = map[string]bool{}
	}
	l.asked[resource][path] = true
	if frozen, ok := locked.names[path]; ok {
		return frozen
	}
	locked.names[path] = proposed
	return proposed
}

// FrozenName returns the Go name that an earlier run froze for a path, so that
// the generator can give names in use their place before it derives new ones. It
// records nothing.
func (l *Lock) FrozenName(path string) (name string, ok bool) {
	resource, _, _ := strings.Cut(path, ".")
	resource, _, _ = strings.Cut(resource, "=")
	locked := l.resources[resource]
	if locked == nil {
		return "", false
	}
	name, ok = locked.names[path]
	return name, ok
}

const lockHeader = `# Written by s3dbgen; do not edit. Commit this file beside the schema.
#
# It records what stored documents rely on: the numbers of attributes and of enum
# values, which stay for ever, the numbers that are burned because their attribute
# was removed, the versions of each resource with their hashes and shapes, and the
# Go names that programs use. Each fact is one line. When a merge conflicts, take
# the file of one side whole and run s3dbgen generate, which adds what the other
# declared.
`

// Bytes returns the text of the lock file. The same facts give the same bytes.
func (l *Lock) Bytes() []byte {
	var b strings.Builder
	b.WriteString(lockHeader)
	fmt.Fprintf(&b, "format: %d\n", LockFormat)
	if len(l.resources) > 0 {
		b.WriteString("resources:\n")
	}
	for _, name := range slices.Sorted(maps.Keys(l.resources)) {
		l.resources[name].write(&b, name, l.asked[name])
	}
	return []byte(b.String())
}

func (r *lockedResource) write(b *strings.Builder, name string, asked map[string]bool) {
	fmt.Fprintf(b, "  %s:\n", yamlText(name))
	section := func(title string, n int) {
		if n > 0 {
			fmt.Fprintf(b, "    %s:\n", title)
		}
	}
	section("versions", len(r.versions))
	for _, version := range slices.Sorted(maps.Keys(r.versions)) {
		fmt.Fprintf(b, "      %d: %q\n", version, r.versions[version])
	}
	section("shapes", len(r.shapes))
	for _, version := range slices.Sorted(maps.Keys(r.shapes)) {
		fmt.Fprintf(b, "      %d: %s\n", version, singleQuoted(r.shapes[version]))
	}
	section("fields", len(r.fields))
	for _, path := range slices.Sorted(maps.Keys(r.fields)) {
		f := r.fields[path]
		fmt.Fprintf(b, "      %s: {number: %d, %s}\n", yamlText(path), f.number, f.facts())
	}
	section("values", len(r.values))
	for _, path := range slices.Sorted(maps.Keys(r.values)) {
		f := r.values[path]
		fmt.Fprintf(b, "      %s: {number: %d%s}\n", yamlText(path), f.number, f.sinceFact())
	}
	section("removed", len(r.removed))
	for _, number := range slices.SortedFunc(maps.Keys(r.removed), compareNumberPaths) {
		f := r.removed[number]
		fmt.Fprintf(b, "      %q: {name: %s, %s, until: %d}\n", number, yamlText(f.name), f.facts(), f.until)
	}
	names := slices.Sorted(maps.Keys(r.names))
	if len(asked) > 0 {
		names = slices.DeleteFunc(names, func(path string) bool { return !asked[path] })
	}
	section("names", len(names))
	for _, path := range names {
		fmt.Fprintf(b, "      %s: %s\n", yamlText(path), yamlText(r.names[path]))
	}
}

// facts returns what a line says of a field beside its number.
func (f *lockedField) facts() string {
	optional := ""
	if f.optional {
		optional = ", optional: true"
	}
	typ := f.typ
	if typ == "" {
		typ = valueType
	}
	return "type: " + typ + optional + f.sinceFact() + f.originFact()
}

// originFact returns how older documents get a value, "" when they have none.
func (f *lockedField) originFact() string {
	switch {
	case f.migrate:
		return ", migrate: true"
	case f.from > 0:
		return ", from: " + strconv.Itoa(f.from)
	}
	return ""
}

// valueType is the type of a removed value of an enum.
const valueType = "value"

func (f *lockedField) sinceFact() string {
	if f.since == 0 {
		return ""
	}
	return ", since: " + strconv.Itoa(f.since)
}

// compareNumberPaths orders "2" before "10" and "4" before "4.1" and "4=1".
func compareNumberPaths(a, b string) int {
	split := func(r rune) bool { return r == '.' || r == '=' }
	s, t := strings.FieldsFunc(a, split), strings.FieldsFunc(b, split)
	for i := range min(len(s), len(t)) {
		x, _ := strconv.Atoi(s[i]) // read or made as numbers
		y, _ := strconv.Atoi(t[i])
		if c := cmp.Compare(x, y); c != 0 {
			return c
		}
	}
	return cmp.Or(cmp.Compare(len(s), len(t)), cmp.Compare(a, b))
}

// yamlText returns text as a YAML scalar that reads back as the same text.
func yamlText(text string) string {
	plain := text != ""
	for i, r := range text {
		if !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r) && !strings.ContainsRune("_-.=", r)) {
			plain = false
		}
	}
	n := yaml.Node{Kind: yaml.ScalarNode, Value: text}
	// YAML 1.1 reads these as booleans.
	booleans := []string{"y", "n", "yes", "no", "on", "off"}
	if plain && n.ShortTag() == "!!str" && !slices.Contains(booleans, strings.ToLower(text)) {
		return text
	}
	return quoteYAML(text)
}

// singleQuoted returns text in single quotes, in which JSON stays readable, unless
// some character needs an escape.
func singleQuoted(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return quoteYAML(text)
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

// quoteYAML returns text in double quotes, as both YAML and JSON read it.
func quoteYAML(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xFFFF:
			fmt.Fprintf(&b, `\U%08X`, r)
		default:
			fmt.Fprintf(&b, `\u%04X`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
