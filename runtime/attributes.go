package s3db

import (
	"cmp"
	"crypto/subtle"
	"net/netip"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// This file has the functions with which generated code makes the attributes of a
// document. In each, name is the attribute's and get returns a pointer to its
// value, nil where there is none.

// IDAt is the id of a document.
func IDAt[D, O any, ID ~string](at Place[D, O], get func(O) *ID) TextAttr[D, ID] {
	return TextAttr[D, ID]{OrderedAttr[D, ID]{equal(at, idPath, textKind[ID](), get)}}
}

// StringAt is a text.
func StringAt[D, O any](at Place[D, O], name string, get func(O) *string) TextAttr[D, string] {
	return TextAttr[D, string]{OrderedAttr[D, string]{equal(at, name, stringKind(), get)}}
}

// NormalAt is a text that rules change before it is stored. Queries change theirs in
// the same way, but blanks at the ends of a part of a text count.
func NormalAt[D, O any](at Place[D, O], name string, rules StringRules, get func(O) *string) TextAttr[D, string] {
	whole, k := rules, stringKind()
	rules.Trim = false
	k.stored = func(x any, part bool) any {
		text := k.text(x)
		if part {
			return new(rules.stored(text))
		}
		return new(whole.stored(text))
	}
	return TextAttr[D, string]{OrderedAttr[D, string]{equal(at, name, k, get)}}
}

// IntAt is an integer.
func IntAt[D, O any](at Place[D, O], name string, get func(O) *int64) OrderedAttr[D, int64] {
	return OrderedAttr[D, int64]{equal(at, name, intKind(), get)}
}

// FloatAt is a number.
func FloatAt[D, O any](at Place[D, O], name string, get func(O) *float64) OrderedAttr[D, float64] {
	return OrderedAttr[D, float64]{equal(at, name, floatKind(), get)}
}

// DecimalAt is a decimal; values that differ in zeros at the end are equal.
func DecimalAt[D, O any](at Place[D, O], name string, get func(O) *decimal.Decimal) OrderedAttr[D, decimal.Decimal] {
	return OrderedAttr[D, decimal.Decimal]{equal(at, name, decimalKind(), get)}
}

// DurationAt is a duration.
func DurationAt[D, O any](at Place[D, O], name string, get func(O) *time.Duration) OrderedAttr[D, time.Duration] {
	return OrderedAttr[D, time.Duration]{equal(at, name, durationKind(), get)}
}

// DateAt is a calendar day.
func DateAt[D, O any](at Place[D, O], name string, get func(O) *Date) OrderedAttr[D, Date] {
	return OrderedAttr[D, Date]{equal(at, name, dateKind(), get)}
}

// TimeAt is an instant.
func TimeAt[D, O any](at Place[D, O], name string, get func(O) *time.Time) OrderedAttr[D, time.Time] {
	return OrderedAttr[D, time.Time]{equal(at, name, timeKind(), get)}
}

// UUIDAt is a UUID, in the order of its bytes.
func UUIDAt[D, O any](at Place[D, O], name string, get func(O) *uuid.UUID) OrderedAttr[D, uuid.UUID] {
	return OrderedAttr[D, uuid.UUID]{equal(at, name, uuidKind(), get)}
}

// IPAt is an address; IPv4 addresses come before IPv6 addresses.
func IPAt[D, O any](at Place[D, O], name string, get func(O) *netip.Addr) OrderedAttr[D, netip.Addr] {
	return OrderedAttr[D, netip.Addr]{equal(at, name, ipKind(), get)}
}

// BoolAt is a boolean.
func BoolAt[D, O any](at Place[D, O], name string, get func(O) *bool) EqualAttr[D, bool] {
	return equal(at, name, boolKind(), get)
}

// EnumAt is an enum.
func EnumAt[D, O any, V ~string](at Place[D, O], name string, get func(O) *V) EqualAttr[D, V] {
	return equal(at, name, enumKind[V](), get)
}

// ValueAt is an attribute of which a query can ask only whether it is there.
func ValueAt[D, O any](at Place[D, O], name string, isSet func(O) bool) AnyAttr[D] {
	return AnyAttr[D]{join(at.name, name), through(at, isSet)}
}

// SecretAt is a secret that is part of a unique constraint; put adds what it holds
// to a key. A query for one value of it takes the claim, which holds an HMAC of the
// value, where the constraint is over this attribute alone. The time of a
// comparison tells nothing of the values but their lengths.
func SecretAt[D, O, V any](at Place[D, O], name string, put func(*KeyBuilder, V), get func(O) *Secret[V]) EqualAttr[D, V] {
	k := kindOf(put, func(x, y V) int {
		var i, j KeyBuilder
		put(&i, x)
		put(&j, y)
		return 1 - subtle.ConstantTimeCompare(i.text, j.text)
	})
	k.hidden = true
	return equal(at, name, k, func(o O) *V {
		if s := get(o); s != nil && !s.IsZero() {
			return new(s.Reveal())
		}
		return nil
	})
}

// ValuesAt is an array of values. Two of them are equal when they are the same in
// keys, to which put adds one.
func ValuesAt[D, O, V any](at Place[D, O], name string, put func(*KeyBuilder, V), get func(O) []V) ArrayAttr[D, V] {
	return ArrayAttr[D, V]{
		AnyAttr: ValueAt(at, name, func(o O) bool { return get(o) != nil }),
		put:     put,
		has: func(match func(V) bool) func(any) bool {
			return through(at, func(o O) bool { return slices.ContainsFunc(get(o), match) })
		},
	}
}

// ItemsAt is an array of objects.
func ItemsAt[D, O, U any](at Place[D, O], name string, get func(O) []U) ObjectsAttr[D, *U] {
	return ObjectsAttr[D, *U]{
		ValueAt(at, name, func(o O) bool { return get(o) != nil }),
		func(p predicate) func(any) bool {
			return through(at, func(o O) bool {
				list := get(o)
				for i := range list {
					if p.holds(&list[i]) {
						return true
					}
				}
				return false
			})
		},
	}
}

func stringKind() kind { return textKind[string]() }

func intKind() kind { return kindOf((*KeyBuilder).Int, cmp.Compare[int64]) }

func floatKind() kind { return kindOf((*KeyBuilder).Float, cmp.Compare[float64]) }

func decimalKind() kind { return kindOf((*KeyBuilder).Decimal, decimal.Decimal.Cmp) }

func durationKind() kind { return kindOf((*KeyBuilder).Duration, cmp.Compare[time.Duration]) }

func dateKind() kind { return kindOf((*KeyBuilder).Date, Date.Compare) }

func timeKind() kind { return kindOf((*KeyBuilder).Time, time.Time.Compare) }

func uuidKind() kind {
	return kindOf((*KeyBuilder).UUID, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
}

func ipKind() kind { return kindOf((*KeyBuilder).IP, netip.Addr.Compare) }

func boolKind() kind {
	return kindOf((*KeyBuilder).Bool, func(a, b bool) int {
		if a == b {
			return 0
		}
		return 1
	})
}
