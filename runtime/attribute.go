package s3db

import (
	"bytes"
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// Path leads from a document to an object in it, or to the document itself; D and O
// are pointers to them. Its methods make the attributes of that object; get returns
// a pointer to the value, nil where there is none. Generated code calls them.
//
// That D and O are pointers lets the attributes of all resources share their
// compiled code.
type Path[D, O comparable] struct {
	name string
	get  func(D) O
}

// Root is the path to the document itself.
func Root[D comparable]() Path[D, D] { return Path[D, D]{get: func(d D) D { return d }} }

// Into goes on to an object within the object.
func Into[D, O, U comparable](at Path[D, O], name string, get func(O) U) Path[D, U] {
	return Path[D, U]{at.to(name), through(at, get)}
}

func (at Path[D, O]) to(name string) string {
	if at.name == "" {
		return name
	}
	return at.name + "." + name
}

// through makes a function of an object one of the document. Where there is no
// object it returns the zero value.
func through[D, O comparable, R any](at Path[D, O], get func(O) R) func(D) R {
	if direct, ok := any(get).(func(D) R); ok {
		return direct // the path leads to the document itself
	}
	return func(d D) R {
		var none O
		var zero R
		if o := at.get(d); o != none {
			return get(o)
		}
		return zero
	}
}

// String is a text.
func (at Path[D, O]) String(name string, get func(O) *string) TextAttr[D, string] {
	return textAttr(at, name, get)
}

// Int is an integer.
func (at Path[D, O]) Int(name string, get func(O) *int64) OrderedAttr[D, int64] {
	return ordered(at, name, get, (*KeyBuilder).Int, cmp.Compare)
}

// Float is a number.
func (at Path[D, O]) Float(name string, get func(O) *float64) OrderedAttr[D, float64] {
	return ordered(at, name, get, (*KeyBuilder).Float, cmp.Compare)
}

// Decimal is a decimal; values that differ in zeros at the end are equal.
func (at Path[D, O]) Decimal(name string, get func(O) *decimal.Decimal) OrderedAttr[D, decimal.Decimal] {
	return ordered(at, name, get, (*KeyBuilder).Decimal, decimal.Decimal.Cmp)
}

// Duration is a duration.
func (at Path[D, O]) Duration(name string, get func(O) *time.Duration) OrderedAttr[D, time.Duration] {
	return ordered(at, name, get, (*KeyBuilder).Duration, cmp.Compare)
}

// Date is a calendar day.
func (at Path[D, O]) Date(name string, get func(O) *Date) OrderedAttr[D, Date] {
	return ordered(at, name, get, (*KeyBuilder).Date, Date.Compare)
}

// Time is an instant.
func (at Path[D, O]) Time(name string, get func(O) *time.Time) OrderedAttr[D, time.Time] {
	return ordered(at, name, get, (*KeyBuilder).Time, time.Time.Compare)
}

// UUID is a UUID, in the order of its bytes.
func (at Path[D, O]) UUID(name string, get func(O) *uuid.UUID) OrderedAttr[D, uuid.UUID] {
	return ordered(at, name, get, (*KeyBuilder).UUID, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
}

// IP is an address; IPv4 addresses come before IPv6 addresses.
func (at Path[D, O]) IP(name string, get func(O) *netip.Addr) OrderedAttr[D, netip.Addr] {
	return ordered(at, name, get, (*KeyBuilder).IP, netip.Addr.Compare)
}

// Bool is a boolean.
func (at Path[D, O]) Bool(name string, get func(O) *bool) EqualAttr[D, bool] {
	return equal(at, name, get, (*KeyBuilder).Bool, func(a, b bool) int {
		if a == b {
			return 0
		}
		return 1
	})
}

// Value is an attribute of which a query can ask only whether it is there.
func (at Path[D, O]) Value(name string, isSet func(O) bool) AnyAttr[D] {
	return AnyAttr[D]{at.to(name), through(at, isSet)}
}

// IDAttr is the id of a document.
func IDAttr[D, O comparable, ID ~string](at Path[D, O], get func(O) *ID) TextAttr[D, ID] {
	return textAttr(at, idPath, get)
}

// EnumAttr is an enum.
func EnumAttr[D, O comparable, V ~string](at Path[D, O], name string, get func(O) *V) EqualAttr[D, V] {
	return equal(at, name, get, func(k *KeyBuilder, v V) { k.Enum(string(v)) }, cmp.Compare)
}

// ArrayOf is an array of values. Two of them are equal when they are the same in
// keys, to which put adds one.
func ArrayOf[D, O comparable, V any](at Path[D, O], name string, put func(*KeyBuilder, V), get func(O) []V) ArrayAttr[D, V] {
	return ArrayAttr[D, V]{
		AnyAttr: AnyAttr[D]{at.to(name), through(at, func(o O) bool { return get(o) != nil })},
		put:     put,
		has: func(match func(V) bool) func(D) bool {
			return through(at, func(o O) bool { return slices.ContainsFunc(get(o), match) })
		},
	}
}

// ObjectsOf is an array of objects.
func ObjectsOf[D, O comparable, U any](at Path[D, O], name string, get func(O) []U) ObjectsAttr[D, *U] {
	return ObjectsAttr[D, *U]{
		AnyAttr[D]{at.to(name), through(at, func(o O) bool { return get(o) != nil })},
		func(p Predicate[*U]) func(D) bool {
			return through(at, func(o O) bool {
				list := get(o)
				for i := range list {
					if p.Match(&list[i]) {
						return true
					}
				}
				return false
			})
		},
	}
}

// AnyAttr is an attribute of documents of which a query can ask whether it is
// there: bytes, JSON, free-form objects, maps.
type AnyAttr[D any] struct {
	path  string
	isSet func(D) bool
}

// IsSet holds when the document has a value.
func (a AnyAttr[D]) IsSet() Predicate[D] {
	return Predicate[D]{node{op: opIsSet, path: a.path}, a.isSet}
}

// ArrayAttr is an array of values.
type ArrayAttr[D, V any] struct {
	AnyAttr[D]

	put func(*KeyBuilder, V)
	has func(match func(V) bool) func(D) bool
}

// Contains holds when an item of the array equals v.
func (a ArrayAttr[D, V]) Contains(v V) Predicate[D] {
	var want KeyBuilder
	a.put(&want, v)
	match := func(x V) bool {
		var k KeyBuilder
		a.put(&k, x)
		return k.err == nil && want.err == nil && bytes.Equal(k.text, want.text)
	}
	return Predicate[D]{node{op: opHas, path: a.path, values: []func(*KeyBuilder){func(k *KeyBuilder) { a.put(k, v) }}}, a.has(match)}
}

// ObjectsAttr is an array of objects; U is the pointer to one.
type ObjectsAttr[D, U any] struct {
	AnyAttr[D]

	has func(Predicate[U]) func(D) bool
}

// Any holds when some item of the array satisfies the predicate.
func (a ObjectsAttr[D, U]) Any(p Predicate[U]) Predicate[D] {
	return Predicate[D]{node{op: opHas, path: a.path, parts: []node{p.node}}, a.has(p)}
}

// EqualAttr is an attribute whose values are equal or not: a boolean, an enum.
type EqualAttr[D, V any] struct {
	path    string
	get     func(D) *V // nil where there is none
	put     func(*KeyBuilder, V)
	compare func(a, b V) int
}

func equal[D, O comparable, V any](at Path[D, O], name string, get func(O) *V, put func(*KeyBuilder, V), compare func(a, b V) int) EqualAttr[D, V] {
	return EqualAttr[D, V]{at.to(name), through(at, get), put, compare}
}

// Path names the attribute, as "name" or "address.city".
func (a EqualAttr[D, V]) Path() string { return a.path }

// Value returns the attribute of a document; ok is false when it has none.
func (a EqualAttr[D, V]) Value(d D) (value V, ok bool) {
	if x := a.get(d); x != nil {
		return *x, true
	}
	return value, false
}

// is makes a predicate on the value.
func (a EqualAttr[D, V]) is(op operator, match func(V) bool, values ...V) Predicate[D] {
	n := node{op: op, path: a.path}
	for _, v := range values {
		n.values = append(n.values, func(k *KeyBuilder) { a.put(k, v) })
	}
	return Predicate[D]{n, func(d D) bool {
		x := a.get(d)
		return x != nil && match(*x)
	}}
}

// Eq holds when the value is v.
func (a EqualAttr[D, V]) Eq(v V) Predicate[D] {
	return a.is(opEq, func(x V) bool { return a.compare(x, v) == 0 }, v)
}

// Ne holds when there is a value and it is not v. Not(Eq(v)) holds for documents
// without a value as well.
func (a EqualAttr[D, V]) Ne(v V) Predicate[D] {
	return a.is(opNe, func(x V) bool { return a.compare(x, v) != 0 }, v)
}

// In holds when the value is one of these.
func (a EqualAttr[D, V]) In(values ...V) Predicate[D] {
	values = slices.Clone(values)
	return a.is(opIn, func(x V) bool {
		return slices.ContainsFunc(values, func(v V) bool { return a.compare(x, v) == 0 })
	}, values...)
}

// IsSet holds when the document has a value.
func (a EqualAttr[D, V]) IsSet() Predicate[D] { return a.is(opIsSet, func(V) bool { return true }) }

// OrderedAttr is an attribute whose values have an order: a number, a time, an
// address.
type OrderedAttr[D, V any] struct{ EqualAttr[D, V] }

func ordered[D, O comparable, V any](at Path[D, O], name string, get func(O) *V, put func(*KeyBuilder, V), compare func(a, b V) int) OrderedAttr[D, V] {
	return OrderedAttr[D, V]{equal(at, name, get, put, compare)}
}

// Lt holds when the value is below v.
func (a OrderedAttr[D, V]) Lt(v V) Predicate[D] {
	return a.is(opLt, func(x V) bool { return a.compare(x, v) < 0 }, v)
}

// Le holds when the value is v or below.
func (a OrderedAttr[D, V]) Le(v V) Predicate[D] {
	return a.is(opLe, func(x V) bool { return a.compare(x, v) <= 0 }, v)
}

// Gt holds when the value is above v.
func (a OrderedAttr[D, V]) Gt(v V) Predicate[D] {
	return a.is(opGt, func(x V) bool { return a.compare(x, v) > 0 }, v)
}

// Ge holds when the value is v or above.
func (a OrderedAttr[D, V]) Ge(v V) Predicate[D] {
	return a.is(opGe, func(x V) bool { return a.compare(x, v) >= 0 }, v)
}

// Asc orders documents by the value, from small to large; those without a value
// come last.
func (a OrderedAttr[D, V]) Asc() Order[D] { return a.order(false) }

// Desc orders documents by the value, from large to small; those without a value
// come last.
func (a OrderedAttr[D, V]) Desc() Order[D] { return a.order(true) }

func (a OrderedAttr[D, V]) order(desc bool) Order[D] {
	return Order[D]{a.path, desc, func(k *KeyBuilder, d D) { KeyOptional(k, a.get(d), a.put) }}
}

// TextAttr is a text, or the id of a document. Texts are compared by their bytes.
type TextAttr[D any, V ~string] struct{ OrderedAttr[D, V] }

func textAttr[D, O comparable, V ~string](at Path[D, O], name string, get func(O) *V) TextAttr[D, V] {
	return TextAttr[D, V]{ordered(at, name, get, func(k *KeyBuilder, v V) { k.String(string(v)) }, cmp.Compare)}
}

// Prefix holds when the text begins with v.
func (a TextAttr[D, V]) Prefix(v V) Predicate[D] {
	return a.is(opPrefix, func(x V) bool { return strings.HasPrefix(string(x), string(v)) }, v)
}

// Contains holds when v is part of the text.
func (a TextAttr[D, V]) Contains(v V) Predicate[D] {
	return a.is(opContains, func(x V) bool { return strings.Contains(string(x), string(v)) }, v)
}
