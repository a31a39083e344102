package s3db

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// Place leads from a document to an object in it, or to the document itself; D and O
// are pointers to them. Generated code makes the attributes of the object with it.
//
// What attributes do is compiled once, in this package, for values of all types:
// they are passed as pointers. What is generic only gives the types.
type Place[D, O any] struct {
	name string
	get  func(d any) any // a pointer to the object, or nil; nil: of the document itself
}

// DocumentOf is the place of the document itself.
func DocumentOf[D any]() Place[D, D] { return Place[D, D]{} }

// ObjectAt is the place of an object within the object.
func ObjectAt[D, O any, U comparable](at Place[D, O], name string, get func(O) U) Place[D, U] {
	return Place[D, U]{join(at.name, name), through(at, func(o O) any {
		var none U
		if u := get(o); u != none {
			return u
		}
		return nil
	})}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// through makes a function of an object one of the document. Where there is no
// object it returns the zero value.
func through[D, O, R any](at Place[D, O], get func(O) R) func(d any) R {
	return func(d any) R {
		if at.get != nil {
			d = at.get(d)
		}
		o, ok := d.(O)
		if !ok {
			var zero R
			return zero
		}
		return get(o)
	}
}

// attribute is an attribute with its types forgotten. Values are passed as
// pointers to them.
type attribute struct {
	path string
	get  func(d any) any // nil where there is no value
	kind kind
}

// kind is what values of one type can do.
type kind struct {
	put     func(*KeyBuilder, any)
	compare func(a, b any) int
	text    func(any) string // of texts
	hidden  bool             // values are secrets
	// stored brings a value, or a part of one, to the form that documents hold; nil
	// where that is any.
	stored func(x any, part bool) any
}

func kindOf[V any](put func(*KeyBuilder, V), compare func(a, b V) int) kind {
	value := func(x any) V { return *x.(*V) } //nolint:forcetypeassert // the type of the attribute, or that of its value
	return kind{
		put:     func(k *KeyBuilder, x any) { put(k, value(x)) },
		compare: func(a, b any) int { return compare(value(a), value(b)) },
	}
}

func textKind[V ~string]() kind {
	text := func(x any) string { return string(*x.(*V)) } //nolint:forcetypeassert // the type of the attribute, or that of its value
	return kind{
		put:     func(k *KeyBuilder, x any) { k.String(text(x)) },
		compare: func(a, b any) int { return cmp.Compare(text(a), text(b)) },
		text:    text,
	}
}

func enumKind[V ~string]() kind {
	k := textKind[V]()
	k.put = func(b *KeyBuilder, x any) { b.Enum(k.text(x)) }
	return k
}

func newAttribute[D, O, V any](at Place[D, O], name string, k kind, get func(O) *V) attribute {
	return attribute{join(at.name, name), through(at, func(o O) any {
		if x := get(o); x != nil {
			return x
		}
		return nil
	}), k}
}

// stored is a value of a query, or a part of one, in the form that documents hold.
func (a *attribute) stored(v any, part bool) any {
	if a.kind.stored == nil {
		return v
	}
	return a.kind.stored(v, part)
}

// is makes a predicate on the value.
func (a *attribute) is(op operator, match func(x any) bool, values ...any) predicate {
	n := node{op: op, path: a.path, hidden: a.kind.hidden}
	for _, v := range values {
		n.values = append(n.values, func(k *KeyBuilder) { a.kind.put(k, v) })
	}
	return predicate{n, func(d any) bool {
		x := a.get(d)
		return x != nil && match(x)
	}}
}

// compared makes a predicate that holds when the value is, compared with v, as
// holds says.
func (a *attribute) compared(op operator, v any, holds func(order int) bool) predicate {
	v = a.stored(v, false)
	return a.is(op, func(x any) bool { return holds(a.kind.compare(x, v)) }, v)
}

func (a *attribute) eq(v any) predicate {
	return a.compared(opEq, v, func(order int) bool { return order == 0 })
}

func (a *attribute) ne(v any) predicate {
	return a.compared(opNe, v, func(order int) bool { return order != 0 })
}

func (a *attribute) lt(v any) predicate {
	return a.compared(opLt, v, func(order int) bool { return order < 0 })
}

func (a *attribute) le(v any) predicate {
	return a.compared(opLe, v, func(order int) bool { return order <= 0 })
}

func (a *attribute) gt(v any) predicate {
	return a.compared(opGt, v, func(order int) bool { return order > 0 })
}

func (a *attribute) ge(v any) predicate {
	return a.compared(opGe, v, func(order int) bool { return order >= 0 })
}

func (a *attribute) in(values []any) predicate {
	for i, v := range values {
		values[i] = a.stored(v, false)
	}
	return a.is(opIn, func(x any) bool {
		return slices.ContainsFunc(values, func(v any) bool { return a.kind.compare(x, v) == 0 })
	}, values...)
}

func (a *attribute) isSet() predicate { return a.is(opIsSet, func(any) bool { return true }) }

func (a *attribute) prefix(v any) predicate {
	v = a.stored(v, true)
	return a.is(opPrefix, func(x any) bool { return strings.HasPrefix(a.kind.text(x), a.kind.text(v)) }, v)
}

func (a *attribute) contains(v any) predicate {
	v = a.stored(v, true)
	return a.is(opContains, func(x any) bool { return strings.Contains(a.kind.text(x), a.kind.text(v)) }, v)
}

func (a *attribute) order(desc bool) ordering {
	return ordering{a.path, desc, func(k *KeyBuilder, d any) {
		if x := a.get(d); x != nil {
			a.kind.put(k, x)
		} else {
			k.Absent()
		}
	}}
}

func pointers[V any](values []V) []any {
	list := make([]any, len(values))
	for i, v := range values {
		list[i] = &v
	}
	return list
}

// EqualAttr is an attribute whose values are equal or not: a boolean, an enum.
type EqualAttr[D, V any] struct{ a *attribute }

// Path names the attribute, as "name" or "address.city".
func (x EqualAttr[D, V]) Path() string { return x.a.path }

// Value returns the attribute of a document; ok is false when it has none.
func (x EqualAttr[D, V]) Value(d D) (value V, ok bool) {
	if p, is := x.a.get(d).(*V); is {
		return *p, true
	}
	return value, false
}

// Eq holds when the value is v.
func (x EqualAttr[D, V]) Eq(v V) Predicate[D] { return Predicate[D]{x.a.eq(&v)} }

// Ne holds when there is a value and it is not v. Not(Eq(v)) holds for documents
// without a value as well.
func (x EqualAttr[D, V]) Ne(v V) Predicate[D] { return Predicate[D]{x.a.ne(&v)} }

// In holds when the value is one of these.
func (x EqualAttr[D, V]) In(values ...V) Predicate[D] { return Predicate[D]{x.a.in(pointers(values))} }

// IsSet holds when the document has a value.
func (x EqualAttr[D, V]) IsSet() Predicate[D] { return Predicate[D]{x.a.isSet()} }

// OrderedAttr is an attribute whose values have an order: a number, a time, an
// address.
type OrderedAttr[D, V any] struct{ EqualAttr[D, V] }

// Lt holds when the value is below v.
func (x OrderedAttr[D, V]) Lt(v V) Predicate[D] { return Predicate[D]{x.a.lt(&v)} }

// Le holds when the value is v or below.
func (x OrderedAttr[D, V]) Le(v V) Predicate[D] { return Predicate[D]{x.a.le(&v)} }

// Gt holds when the value is above v.
func (x OrderedAttr[D, V]) Gt(v V) Predicate[D] { return Predicate[D]{x.a.gt(&v)} }

// Ge holds when the value is v or above.
func (x OrderedAttr[D, V]) Ge(v V) Predicate[D] { return Predicate[D]{x.a.ge(&v)} }

// Asc orders documents by the value, from small to large; those without a value
// come last.
func (x OrderedAttr[D, V]) Asc() Order[D] { return Order[D]{x.a.order(false)} }

// Desc orders documents by the value, from large to small; those without a value
// come last.
func (x OrderedAttr[D, V]) Desc() Order[D] { return Order[D]{x.a.order(true)} }

// TextAttr is a text, or the id of a document. Texts are compared by their bytes.
type TextAttr[D any, V ~string] struct{ OrderedAttr[D, V] }

// Prefix holds when the text begins with v.
func (x TextAttr[D, V]) Prefix(v V) Predicate[D] { return Predicate[D]{x.a.prefix(&v)} }

// Contains holds when v is part of the text.
func (x TextAttr[D, V]) Contains(v V) Predicate[D] { return Predicate[D]{x.a.contains(&v)} }

// AnyAttr is an attribute of documents of which a query can ask whether it is
// there: bytes, JSON, free-form objects, maps.
type AnyAttr[D any] struct {
	path  string
	isSet func(d any) bool
}

// IsSet holds when the document has a value.
func (x AnyAttr[D]) IsSet() Predicate[D] {
	return Predicate[D]{predicate{node{op: opIsSet, path: x.path}, x.isSet}}
}

// ArrayAttr is an array of values.
type ArrayAttr[D, V any] struct {
	AnyAttr[D]

	put func(*KeyBuilder, V)
	has func(match func(V) bool) func(d any) bool
}

// Contains holds when an item of the array equals v.
func (x ArrayAttr[D, V]) Contains(v V) Predicate[D] {
	var want KeyBuilder
	x.put(&want, v)
	match := func(item V) bool {
		var k KeyBuilder
		x.put(&k, item)
		return k.err == nil && want.err == nil && bytes.Equal(k.text, want.text)
	}
	n := node{op: opHas, path: x.path, values: []func(*KeyBuilder){func(k *KeyBuilder) { x.put(k, v) }}}
	return Predicate[D]{predicate{n, x.has(match)}}
}

// ObjectsAttr is an array of objects; U is the pointer to one.
type ObjectsAttr[D, U any] struct {
	AnyAttr[D]

	has func(predicate) func(d any) bool
}

// Any holds when some item of the array satisfies the predicate.
func (x ObjectsAttr[D, U]) Any(p Predicate[U]) Predicate[D] {
	return Predicate[D]{predicate{node{op: opHas, path: x.path, parts: []node{p.predicate.node}}, x.has(p.predicate)}}
}

func equal[D, O, V any](at Place[D, O], name string, k kind, get func(O) *V) EqualAttr[D, V] {
	a := newAttribute(at, name, k, get)
	return EqualAttr[D, V]{&a}
}
