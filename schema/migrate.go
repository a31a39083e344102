package schema

import (
	"slices"
	"strings"
)

// moved returns nil when the attribute cannot go on under the number that it has,
// because its values are stored in another way from now on: the number is burned
// then, and from is the number that a conversion which loses nothing reads, if
// there is one. A number has one type for ever, so that no program takes a value
// for what it is not.
func (a *assigner) moved(attribute *Attribute, f *lockedField) (kept *lockedField, from int) {
	now := attribute.Type.signature()
	converts := !attribute.Migrate && exactly(f.typ, now)
	if !converts && (!attribute.Migrate || a.goesOn(attribute, f)) {
		return f, 0
	}
	if converts {
		from = f.number
	}
	a.burn(f.name, joinNumber("", ".", f.number))
	return nil, from
}

// exactly reports whether values of one type have exact ones of another, so that
// no function needs to be written. Integers beyond 2^53 have no exact number; a
// document that holds one is an error when it is read.
func exactly(stored, now string) bool {
	return stored == string(KindInteger) && (now == string(KindNumber) || now == string(KindDecimal))
}

// goesOn reports whether stored values of an attribute are values of it as it is
// now, so that its number stays. An object in which something new takes the place
// of something gone does not go on, even if its values could be read: what was
// stored under the one may have to become the other.
func (a *assigner) goesOn(attribute *Attribute, f *lockedField) bool {
	var inside exchange
	return a.readable(attribute, f, &inside) && !(inside.gained && inside.lost)
}

// exchange notes whether an object, at any depth, has attributes that it had not,
// and had ones that it has no more.
type exchange struct{ gained, lost bool }

// readable reports whether stored values of an attribute can be read as values of
// it, and notes what changed inside.
func (a *assigner) readable(attribute *Attribute, f *lockedField, inside *exchange) bool {
	if !readsAs(f.typ, attribute.Type.signature()) || f.optional && attribute.needsValue() {
		return false
	}
	leaf := attribute.Type.leaf()
	for key := range a.locked.values {
		if name, ok := strings.CutPrefix(key, f.name+"="); ok && !slices.Contains(leaf.removed, name) &&
			!slices.ContainsFunc(leaf.Enum, func(v EnumValue) bool { return v.Name == name || v.Was == name }) {
			return false
		}
	}
	if leaf.Fields == nil {
		return true
	}
	kept := map[string]bool{}
	for _, inner := range leaf.Fields {
		name := f.name + "." + inner.Name
		if a.locked.fields[name] == nil && inner.Was != "" {
			name = f.name + "." + inner.Was
		}
		stored := a.locked.fields[name]
		kept[name] = true
		inside.gained = inside.gained || stored == nil
		if stored == nil && inner.needsValue() || stored != nil && !a.readable(inner, stored, inside) {
			return false
		}
	}
	for key := range a.locked.fields {
		inside.lost = inside.lost || inScope(key, f.name+".", ".") && !kept[key]
	}
	return true
}

// needsValue reports whether a document without the attribute cannot be read.
func (a *Attribute) needsValue() bool {
	absentIsEmpty := slices.Contains([]Kind{KindArray, KindMap, KindJSON, KindBytes}, a.Type.Kind) || a.Type.signature() == freeform
	return !a.Optional && !absentIsEmpty && !a.HasDefault()
}

const nothingStored = "; when nothing is stored yet, remove the versions of the resource from the lock file"

func typeChangeHelp(a *Attribute) string {
	if a.Path != a.Name {
		return "give the new attribute another name, or say migrate at the object that holds it"
	}
	return "add the rule migrate, and write the function that the generated code asks for; or give the new attribute another name"
}

func requiredHelp(a *Attribute) string {
	if a.Path != a.Name {
		return "make it optional, or say migrate at the object that holds it" + nothingStored
	}
	return "make it optional, give it a default, or add the rule migrate" + nothingStored
}
