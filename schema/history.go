package schema

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Step says how documents of versions before Version become documents of it. The
// parts are done in their order. Attributes that Version added as optional, those
// that it removed and those that it renamed need nothing: numbers stay.
type Step struct {
	Version     int
	Conversions []Conversion
	Migration   *Migration   // nil when no function is needed
	Drop        []int        // numbers of the version before that this one does not have; only beside the two others
	Defaults    []*Attribute // of the resource: documents without a value get the default
}

// Conversion gives an attribute the values of the one that it was before, which
// stay the same values in another type.
type Conversion struct {
	From, To int // numbers
	Kind     Kind
}

// Migration is a function of the program that makes the attributes whose stored
// form changed.
type Migration struct {
	From int          // the version before
	Old  []*Attribute // all attributes of that version, as they were
	New  []*Attribute // what the function makes, as it was at first
}

// steps sets the history of the resource.
func (a *assigner) steps() {
	r := a.resource
	r.Hashes = make([]string, r.Version+1)
	for version, hash := range a.locked.versions {
		if version <= r.Version {
			r.Hashes[version] = hash
		}
	}
	for _, version := range slices.Sorted(maps.Keys(a.locked.versions)) {
		if version <= r.Version {
			if s := a.step(version); s != nil {
				r.Steps = append(r.Steps, s)
			}
		}
	}
}

// step returns what version needs, nil for nothing.
func (a *assigner) step(version int) *Step {
	s := &Step{Version: version}
	var made []int
	for _, f := range a.origins() {
		switch {
		case f.since != version:
		case f.migrate:
			made = append(made, f.number)
		case f.from > 0:
			s.Conversions = append(s.Conversions, Conversion{From: f.from, To: f.number, Kind: Kind(f.typ)})
		}
	}
	if len(made) > 0 {
		s.Migration = a.migration(version, made)
	}
	now, before := a.shapeAt(version), a.shapeAt(a.before(version))
	if s.Conversions != nil || s.Migration != nil {
		s.Drop = before.without(now)
	}
	for _, attribute := range a.resource.Attributes {
		has := before.required(attribute.Number)
		if attribute.HasDefault() && before != nil && !has && now.required(attribute.Number) {
			s.Defaults = append(s.Defaults, attribute)
		}
	}
	if s.Conversions == nil && s.Migration == nil && s.Defaults == nil {
		return nil
	}
	return s
}

// origins returns the attributes of the resource itself, those that were removed
// too, by their numbers.
func (a *assigner) origins() []*lockedField {
	var all []*lockedField
	for path, f := range a.locked.fields {
		if !strings.Contains(path, ".") {
			all = append(all, f)
		}
	}
	for number, f := range a.locked.removed {
		if n, ok := a.burnedNumber(number, "", "."); ok {
			removed := *f
			removed.number = n
			all = append(all, &removed)
		}
	}
	slices.SortFunc(all, func(x, y *lockedField) int { return x.number - y.number })
	return all
}

// before returns the version before another one, -1 when there is none.
func (a *assigner) before(version int) int {
	last := -1
	for v := range a.locked.versions {
		if v < version {
			last = max(last, v)
		}
	}
	return last
}

func (a *assigner) shapeAt(version int) *shape {
	text, ok := a.locked.shapes[version]
	if !ok {
		return nil
	}
	s := &shape{}
	if json.Unmarshal([]byte(text), s) != nil { // cannot be: its hash was checked
		return nil
	}
	return s
}

func (s *shape) field(number int) *shapeField {
	if s == nil {
		return nil
	}
	for i := range s.Fields {
		if s.Fields[i].Number == number {
			return &s.Fields[i]
		}
	}
	return nil
}

// required reports whether every document of the shape has a value.
func (s *shape) required(number int) bool {
	f := s.field(number)
	return f != nil && !f.Optional
}

// without returns the numbers that the other shape does not have.
func (s *shape) without(other *shape) []int {
	var numbers []int
	for i := range s.fields() {
		if n := s.Fields[i].Number; other.field(n) == nil {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

func (s *shape) fields() []shapeField {
	if s == nil {
		return nil
	}
	return s.Fields
}

// migration describes the function that version needs.
func (a *assigner) migration(version int, made []int) *Migration {
	m := &Migration{From: a.before(version)}
	old, now := a.shapeAt(m.From), a.shapeAt(version)
	if old == nil || now == nil {
		a.report(CodeLockHistory, span{a.resource.Pos, a.src.wordEnd(a.resource.Pos)},
			"the lock file does not know the shape of version %d of %s, which a migration needs", m.From, quote(a.resource.Name)).
			help("generate once from the schema of that version with this release of s3dbgen, and keep the lines under shapes")
		return nil
	}
	for i := range old.Fields {
		f := old.Fields[i]
		f.Optional = f.Optional || !a.always(f.Number, m.From)
		m.Old = append(m.Old, f.attribute(a.resource.Pos))
	}
	for _, number := range made {
		if f := now.field(number); f != nil {
			m.New = append(m.New, f.attribute(a.resource.Pos))
		}
	}
	return m
}

// always reports whether documents of all versions up to one have a value for a
// number, when the steps up to that version were done.
func (a *assigner) always(number, version int) bool {
	filled := false
	for _, s := range a.resource.Steps {
		made := slices.ContainsFunc(s.Conversions, func(c Conversion) bool { return c.To == number }) ||
			slices.ContainsFunc(s.Defaults, func(d *Attribute) bool { return d.Number == number }) ||
			s.Migration != nil && slices.ContainsFunc(s.Migration.New, func(d *Attribute) bool { return d.Number == number })
		filled = filled || s.Version <= version && made
	}
	for v := range a.locked.versions {
		if v <= version && !filled && !a.shapeAt(v).required(number) {
			return false
		}
	}
	return true
}

// attribute returns a field of a shape as an attribute without rules.
func (f *shapeField) attribute(pos Position) *Attribute {
	return f.attributeAt(pos, "")
}

func (f *shapeField) attributeAt(pos Position, prefix string) *Attribute {
	a := &Attribute{Pos: pos, Name: f.Name, Path: prefix + f.Name, Number: f.Number, Optional: f.Optional}
	a.Type = f.typeAt(pos, a.Path+".")
	return a
}

func (s *shapeType) typeAt(pos Position, prefix string) *Type {
	t := &Type{Pos: pos, Kind: Kind(s.Type)}
	if s.Items != nil {
		t.Elem = s.Items.typeAt(pos, prefix)
	}
	for i := range s.Fields {
		t.Fields = append(t.Fields, s.Fields[i].attributeAt(pos, prefix))
	}
	for _, v := range s.Values {
		t.Enum = append(t.Enum, EnumValue{Pos: pos, Name: v.Name, Number: v.Number})
	}
	return t
}
