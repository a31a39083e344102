package schema

import (
	"cmp"
	"slices"
	"strconv"
)

// MetadataLimit is the number of bytes that the headers of a document may have:
// 11 for the "x-amz-meta-" of each, its name and its value. Every known server
// accepts that much.
const MetadataLimit = 2047

// Unbounded is the greatest size of what has none.
const Unbounded = -1

// Budget is what documents of a resource take of MetadataLimit when every
// attribute is in a header, in bytes on the wire.
type Budget struct {
	System  int // the system header
	Fields  []FieldBudget
	Typical int // of a document with all attributes, see FieldBudget
	Worst   int // of the largest document that keeps the rules, or Unbounded
}

// FieldBudget is the part of one attribute, its header included.
type FieldBudget struct {
	Attribute *Attribute
	Typical   int // with a text of a usual length in Latin letters, three items, …
	Worst     int // or Unbounded

	rest int // Worst without what is unbounded in it
	open *openEnd
}

// Budget measures the attributes of r by the rules of the storage format: no
// document that keeps the rules of the schema is larger than Worst. Numbers and
// Version are those of Assign.
func (r *Resource) Budget() Budget { return r.budget(nil) }

// budget measures r, with the strings in cut as short as truncate-data makes them.
func (r *Resource) budget(cut map[*Attribute]int) Budget {
	b := Budget{System: headerName("s") + len("1-") + base62Digits(uint64(max(0, r.Version)))} //nolint:gosec // not negative
	b.Typical, b.Worst = b.System, b.System
	for _, a := range r.Attributes {
		name := headerName(strconv.Itoa(a.Number))
		most := ruler{cut: cut}.attribute(a, false)
		f := FieldBudget{Attribute: a, Typical: name + ruler{typical: true}.attribute(a, false).header(), rest: name + most.header(), open: most.open}
		f.Worst = f.rest
		if f.open != nil {
			f.Worst = Unbounded
		}
		b.Fields = append(b.Fields, f)
		b.Typical += f.Typical
		if f.Worst == Unbounded || b.Worst == Unbounded {
			b.Worst = Unbounded
		} else {
			b.Worst += f.Worst
		}
	}
	return b
}

// headerName returns the bytes of a header without its value.
func headerName(name string) int { return len("x-amz-meta-") + len(name) }

// Fits reports whether every document fits MetadataLimit.
func (b Budget) Fits() bool { return b.Worst != Unbounded && b.Worst <= MetadataLimit }

// largest returns the field that is most to blame: the first without a greatest
// size, else the largest.
func (b Budget) largest() FieldBudget {
	if i := slices.IndexFunc(b.Fields, func(f FieldBudget) bool { return f.open != nil }); i >= 0 {
		return b.Fields[i]
	}
	return slices.MaxFunc(b.Fields, func(x, y FieldBudget) int { return cmp.Compare(x.Worst, y.Worst) })
}

// byNumber returns attributes in the order of their numbers.
func byNumber(attributes []*Attribute) []*Attribute {
	return slices.SortedFunc(slices.Values(attributes), func(a, b *Attribute) int { return cmp.Compare(a.Number, b.Number) })
}
