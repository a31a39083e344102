package schema

import (
	"slices"
	"strconv"
	"strings"
)

// Assign gives attributes and enum values the numbers that l records, and new
// ones numbers that were never used, and sets the version and hash of each
// resource. What is no longer in s is burned in l. Changes that stored documents
// would not survive are errors; then neither s nor l may be used further.
func (s *Schema) Assign(l *Lock) Diagnostics {
	r := &reporter{src: s.src}
	for _, resource := range s.Resources {
		locked := l.resources[resource.Name]
		if locked == nil {
			locked = newLockedResource()
			l.resources[resource.Name] = locked
		}
		a := &assigner{reporter: r, lock: l, resource: resource, locked: locked, stored: len(locked.versions) > 0}
		a.object(resource.Attributes, "", "", a.stored)
		a.version()
	}
	return r.diagnostics()
}

// assigner assigns the numbers of one resource.
type assigner struct {
	*reporter
	lock     *Lock
	resource *Resource
	locked   *lockedResource
	stored   bool           // documents may be stored
	added    []*lockedField // facts new in this run
	burned   []*lockedField
}

// object assigns the numbers of the attributes of the resource or of an object
// with the given path and number path, both "" for the resource. Stored tells
// whether documents may hold the object.
func (a *assigner) object(attributes []*Attribute, path, numbers string, stored bool) {
	prefix := ""
	if path != "" {
		prefix = path + "."
	}
	names := make([]string, len(attributes))
	for i, attribute := range attributes {
		names[i] = prefix + attribute.Name
	}
	for i, attribute := range attributes {
		if attribute.Was != "" {
			a.rename(a.locked.fields, names[i], prefix+attribute.Was, attribute.Was, names, numbers, ".", attribute.Pos)
		}
	}
	burned := a.burnMissing(prefix, numbers, names)
	next := a.highest(a.locked.fields, prefix, numbers, ".") + 1
	var fresh []*Attribute
	for i, attribute := range attributes {
		f, from := a.locked.fields[names[i]], 0
		lacking := f == nil || f.optional // stored documents may have no value
		if f != nil && path == "" && stored {
			f, from = a.moved(attribute, f)
		}
		isNew := f == nil
		if isNew {
			f = &lockedField{
				name: names[i], number: next, typ: attribute.Type.signature(), optional: attribute.Optional,
				migrate: attribute.Migrate && stored, from: from,
			}
			next++
			a.locked.fields[names[i]] = f
			a.added = append(a.added, f)
			if lacking {
				fresh = append(fresh, attribute)
			}
		}
		attribute.Number = f.number
		a.sameType(attribute, f)
		if !isNew && f.optional {
			a.required(attribute, stored)
		}
		f.typ, f.optional = attribute.Type.signature(), attribute.Optional
		inner, innerStored := joinNumber(numbers, ".", f.number), stored && !isNew
		leaf := attribute.Type.leaf()
		a.enum(leaf, names[i], inner, innerStored)
		a.object(leaf.Fields, names[i], inner, innerStored)
	}
	a.guessRename(fresh, burned)
	for _, attribute := range fresh {
		if attribute.Was == "" {
			a.required(attribute, stored)
		}
	}
}

func joinNumber(numbers, separator string, n int) string {
	if numbers == "" {
		return strconv.Itoa(n)
	}
	return numbers + separator + strconv.Itoa(n)
}

// inScope reports whether key is directly below prefix.
func inScope(key, prefix, separator string) bool {
	rest, ok := strings.CutPrefix(key, prefix)
	return ok && rest != "" && (separator == "=" || !strings.Contains(rest, "."))
}

// highest returns the highest number ever used in an object or enum.
func (a *assigner) highest(facts map[string]*lockedField, prefix, numbers, separator string) int {
	highest := 0
	for key, f := range facts {
		if inScope(key, prefix, separator) {
			highest = max(highest, f.number)
		}
	}
	for key := range a.locked.removed {
		if n, ok := a.burnedNumber(key, numbers, separator); ok {
			highest = max(highest, n)
		}
	}
	return highest
}

// burnedNumber returns the last number of a burned number path when it lies
// directly in the object or enum with the given number path.
func (a *assigner) burnedNumber(key, numbers, separator string) (int, bool) {
	i := strings.LastIndexAny(key, ".=")
	if i < 0 {
		n, err := strconv.Atoi(key)
		return n, numbers == "" && err == nil
	}
	n, err := strconv.Atoi(key[i+1:])
	return n, err == nil && key[:i] == numbers && key[i:i+1] == separator
}

// rename moves the facts of a former name to the present one. Names are all that
// the schema has in the same object or enum.
func (a *assigner) rename(facts map[string]*lockedField, key, former, formerName string, names []string, numbers, separator string, pos Position) {
	at := span{pos, a.src.wordEnd(pos)}
	current, old := facts[key], facts[former]
	switch {
	case slices.Contains(names, former):
		a.report(CodeWas, at, "was: %s names what the schema still has", quote(formerName)).
			help("remove was: a rename is recorded once it has been generated")
	case current != nil && old != nil:
		a.also(a.report(CodeWas, at, "%s and %s are recorded both, one cannot become the other", quote(formerName), quote(key)).
			help("remove was"), old, "the former one is recorded here")
	case current != nil: // the rename is done
	case old != nil:
		for _, facts := range []map[string]*lockedField{a.locked.fields, a.locked.values} {
			move(facts, former, key)
		}
	case !a.revive(facts, key, former, numbers, separator):
		a.report(CodeWas, at, "was: %s names nothing that the lock file records", quote(formerName)).
			help("%s", a.wasHelp(facts, former, separator))
	}
}

func (a *assigner) wasHelp(facts map[string]*lockedField, former, separator string) string {
	var candidates []string
	for _, key := range sortedKeys(facts) {
		candidates = append(candidates, key[strings.LastIndex(key, separator)+1:])
	}
	if c := closest(former[strings.LastIndex(former, separator)+1:], candidates); c != "" {
		return "did you mean " + quote(c) + "?"
	}
	return "remove was"
}

// also adds the line of a fact to a report, when it has one.
func (a *assigner) also(d *finding, f *lockedField, message string) {
	if f.at.pos.IsValid() {
		d.also(a.lock.src, f.at, "%s", message)
	}
}

// move changes the first part of keys: the fact itself and those below it.
func move(facts map[string]*lockedField, from, to string) {
	for _, key := range sortedKeys(facts) {
		rest, ok := strings.CutPrefix(key, from)
		if !ok || rest != "" && rest[0] != '.' && rest[0] != '=' {
			continue
		}
		f := facts[key]
		delete(facts, key)
		f.name = to + rest
		facts[f.name] = f
	}
}

// revive takes the latest burned fact with the former name into use again.
func (a *assigner) revive(facts map[string]*lockedField, key, former, numbers, separator string) bool {
	best := ""
	for number, f := range a.locked.removed {
		if _, ok := a.burnedNumber(number, numbers, separator); !ok || f.name != former {
			continue
		}
		if best == "" || compareNumberPaths(number, best) > 0 {
			best = number
		}
	}
	if best == "" {
		return false
	}
	for _, number := range sortedKeys(a.locked.removed) {
		f := a.locked.removed[number]
		below := strings.HasPrefix(number, best+".") || strings.HasPrefix(number, best+"=")
		if number != best && (!below || !strings.HasPrefix(f.name, former)) {
			continue
		}
		delete(a.locked.removed, number)
		f.name = key + strings.TrimPrefix(f.name, former)
		f.until = 0
		f.number, _ = strconv.Atoi(number[strings.LastIndexAny(number, ".=")+1:])
		if f.typ == "" {
			a.locked.values[f.name] = f
		} else {
			a.locked.fields[f.name] = f
		}
	}
	return facts[key] != nil
}

// burnMissing burns the facts of an object that the schema no longer has, and
// returns those of the object itself.
func (a *assigner) burnMissing(prefix, numbers string, names []string) []*lockedField {
	var burned []*lockedField
	for _, key := range sortedKeys(a.locked.fields) {
		if !inScope(key, prefix, ".") || slices.Contains(names, key) {
			continue
		}
		f := a.locked.fields[key]
		a.burn(key, joinNumber(numbers, ".", f.number))
		burned = append(burned, f)
	}
	return burned
}

// burn burns a field with all below it.
func (a *assigner) burn(key, number string) {
	for _, below := range sortedKeys(a.locked.fields) {
		if inScope(below, key+".", ".") {
			a.burn(below, joinNumber(number, ".", a.locked.fields[below].number))
		}
	}
	for _, value := range sortedKeys(a.locked.values) {
		if inScope(value, key+"=", "=") {
			a.retire(a.locked.values, value, joinNumber(number, "=", a.locked.values[value].number))
		}
	}
	a.retire(a.locked.fields, key, number)
}

func (a *assigner) retire(facts map[string]*lockedField, key, number string) {
	f := facts[key]
	delete(facts, key)
	f.name = key
	a.locked.removed[number] = f
	a.burned = append(a.burned, f)
}

// sameType reports an attribute whose stored values have another type.
func (a *assigner) sameType(attribute *Attribute, f *lockedField) {
	now := attribute.Type.signature()
	if readsAs(f.typ, now) {
		return
	}
	d := a.report(CodeTypeChange, span{attribute.Pos, a.src.wordEnd(attribute.Pos)},
		"attribute %s was %s and is now %s, which stored documents do not hold", quote(attribute.Path), f.typ, now).
		help("%s", typeChangeHelp(attribute))
	a.also(d, f, "the type is recorded here")
}

// required reports an attribute that documents stored before may not have.
func (a *assigner) required(attribute *Attribute, stored bool) {
	if !stored || !attribute.needsValue() || attribute.Migrate {
		return
	}
	a.report(CodeNewRequired, span{attribute.Pos, a.src.wordEnd(attribute.Pos)},
		"documents stored before may have no %s, and cannot be read then", quote(attribute.Path)).
		help("%s", requiredHelp(attribute))
}

// guessRename warns when an attribute goes as another of its kind comes.
func (a *assigner) guessRename(fresh []*Attribute, burned []*lockedField) {
	if len(fresh) != 1 || len(burned) != 1 || !readsAs(burned[0].typ, fresh[0].Type.signature()) || fresh[0].Was != "" {
		return
	}
	old := burned[0].name[strings.LastIndex(burned[0].name, ".")+1:]
	d := a.report(CodePossibleRename, span{fresh[0].Pos, a.src.wordEnd(fresh[0].Pos)},
		"%s is new and %s is gone: values stored under the old name are left behind", quote(fresh[0].Name), quote(old)).
		help("if it is a rename, restore the lock file and add was: %s", old)
	a.also(d, burned[0], "recorded here before")
}

// enum assigns the numbers of the values of an enum.
func (a *assigner) enum(t *Type, path, numbers string, stored bool) {
	prefix := path + "="
	names := make([]string, len(t.Enum))
	for i, v := range t.Enum {
		names[i] = prefix + v.Name
	}
	for i, v := range t.Enum {
		if v.Was != "" {
			a.rename(a.locked.values, names[i], prefix+v.Was, v.Was, names, numbers, "=", v.Pos)
		}
	}
	for _, key := range sortedKeys(a.locked.values) {
		if !inScope(key, prefix, "=") || slices.Contains(names, key) {
			continue
		}
		name := strings.TrimPrefix(key, prefix)
		f := a.locked.values[key]
		if stored && !slices.Contains(t.removed, name) {
			d := a.report(CodeEnumRemoved, span{pos: t.Pos}, "value %s is gone from the enum, but stored documents may hold it", quote(name)).
				help("keep it, with deprecated: …; or, if no document holds it, say so: {name: %s, removed: true}", name)
			a.also(d, f, "the value is recorded here")
		}
		a.retire(a.locked.values, key, joinNumber(numbers, "=", f.number))
	}
	next := a.highest(a.locked.values, prefix, numbers, "=") + 1
	for i := range t.Enum {
		f := a.locked.values[names[i]]
		if f == nil {
			f = &lockedField{name: names[i], number: next}
			next++
			a.locked.values[names[i]] = f
			a.added = append(a.added, f)
		}
		t.Enum[i].Number = f.number
	}
}

// version finds the version of the resource's shape, or records a new one.
func (a *assigner) version() {
	a.resource.Hash = shapeHash(a.resource.StoredShape())
	next, known := 0, -1
	for version, hash := range a.locked.versions {
		next = max(next, version+1)
		if hash == a.resource.Hash {
			known = version
		}
	}
	for _, f := range a.burned {
		f.until = max(0, next-1)
	}
	if known < 0 {
		known = next
		for _, f := range a.added {
			f.since = next
		}
	}
	a.resource.Version = known
	a.locked.versions[known] = a.resource.Hash
	a.locked.shapes[known] = a.resource.StoredShape()
	a.steps()
}
