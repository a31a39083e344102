package s3db

import (
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// This file has what code that earlier versions generated calls, so that it builds
// with this version. Code generated now does not: a method of a generic type is
// compiled for each resource, called or not.

// Path is a [Place] whose methods make attributes.
//
// Deprecated: generate the client again.
type Path[D, O comparable] struct{ at Place[D, O] }

// Root is the path to the document itself.
//
// Deprecated: use [DocumentOf].
func Root[D comparable]() Path[D, D] { return Path[D, D]{DocumentOf[D]()} }

// Into goes on to an object within the object.
//
// Deprecated: use [ObjectAt].
func Into[D, O, U comparable](at Path[D, O], name string, get func(O) U) Path[D, U] {
	return Path[D, U]{ObjectAt(at.at, name, get)}
}

// String calls [StringAt].
func (p Path[D, O]) String(name string, get func(O) *string) TextAttr[D, string] {
	return StringAt(p.at, name, get)
}

// Int calls [IntAt].
func (p Path[D, O]) Int(name string, get func(O) *int64) OrderedAttr[D, int64] {
	return IntAt(p.at, name, get)
}

// Float calls [FloatAt].
func (p Path[D, O]) Float(name string, get func(O) *float64) OrderedAttr[D, float64] {
	return FloatAt(p.at, name, get)
}

// Decimal calls [DecimalAt].
func (p Path[D, O]) Decimal(name string, get func(O) *decimal.Decimal) OrderedAttr[D, decimal.Decimal] {
	return DecimalAt(p.at, name, get)
}

// Duration calls [DurationAt].
func (p Path[D, O]) Duration(name string, get func(O) *time.Duration) OrderedAttr[D, time.Duration] {
	return DurationAt(p.at, name, get)
}

// Date calls [DateAt].
func (p Path[D, O]) Date(name string, get func(O) *Date) OrderedAttr[D, Date] {
	return DateAt(p.at, name, get)
}

// Time calls [TimeAt].
func (p Path[D, O]) Time(name string, get func(O) *time.Time) OrderedAttr[D, time.Time] {
	return TimeAt(p.at, name, get)
}

// UUID calls [UUIDAt].
func (p Path[D, O]) UUID(name string, get func(O) *uuid.UUID) OrderedAttr[D, uuid.UUID] {
	return UUIDAt(p.at, name, get)
}

// IP calls [IPAt].
func (p Path[D, O]) IP(name string, get func(O) *netip.Addr) OrderedAttr[D, netip.Addr] {
	return IPAt(p.at, name, get)
}

// Bool calls [BoolAt].
func (p Path[D, O]) Bool(name string, get func(O) *bool) EqualAttr[D, bool] {
	return BoolAt(p.at, name, get)
}

// Value calls [ValueAt].
func (p Path[D, O]) Value(name string, get func(O) bool) AnyAttr[D] {
	return ValueAt(p.at, name, get)
}

// IDAttr is the id of a document.
//
// Deprecated: use [IDAt].
func IDAttr[D, O comparable, ID ~string](at Path[D, O], get func(O) *ID) TextAttr[D, ID] {
	return IDAt(at.at, get)
}

// EnumAttr is an enum.
//
// Deprecated: use [EnumAt].
func EnumAttr[D, O comparable, V ~string](at Path[D, O], name string, get func(O) *V) EqualAttr[D, V] {
	return EnumAt(at.at, name, get)
}

// ArrayOf is an array of values.
//
// Deprecated: use [ValuesAt].
func ArrayOf[D, O comparable, V any](at Path[D, O], name string, put func(*KeyBuilder, V), get func(O) []V) ArrayAttr[D, V] {
	return ValuesAt(at.at, name, put, get)
}

// ObjectsOf is an array of objects.
//
// Deprecated: use [ItemsAt].
func ObjectsOf[D, O comparable, U any](at Path[D, O], name string, get func(O) []U) ObjectsAttr[D, *U] {
	return ItemsAt(at.at, name, get)
}
