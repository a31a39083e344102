package s3db

import (
	"cmp"
	"fmt"
)

// Enum holds the values of an enum under the stable numbers that stand for them
// in storage, which begin with 1; "" marks a number that is not in use (any
// more). It is the rule of its values at the same time. Generated code makes one
// for each enum:
//
//	var userRoles = s3db.Enum[UserRole]{1: UserRoleAdmin, 2: UserRoleMember}
type Enum[T ~string] []T

// Number returns the number of a value, or 0 when the enum does not have it.
func (t Enum[T]) Number(value T) int {
	if value == "" {
		return 0
	}
	for n := range t {
		if t[n] == value {
			return n
		}
	}
	return 0
}

// Value returns the value with a number; ok is false when there is none.
func (t Enum[T]) Value(number int) (value T, ok bool) {
	if number < 0 || number >= len(t) || t[number] == "" {
		return "", false
	}
	return t[number], true
}

// Encode writes a value as field or item n.
func (t Enum[T]) Encode(e *Encoder, n int, value T) {
	number := t.Number(value)
	if number == 0 {
		e.fail(n, fmt.Errorf("%w: not a value of the enum", ErrValidation))
		return
	}
	e.Enum(n, number)
}

// Decode reads the value of field or item n. A number that this program does not
// know was written by one with a newer schema.
func (t Enum[T]) Decode(d *Decoder, n int) T {
	number := d.Enum(n)
	value, ok := t.Value(number)
	if !ok && d.err == nil {
		d.fail(n, fmt.Errorf("%w: number %d is no value of this program's enum", ErrNewerFormat, number))
	}
	return value
}

// Key adds a value to a key, by its name.
func (t Enum[T]) Key(k *KeyBuilder, value T) { k.Enum(string(value)) }

// Check implements Rule.
func (t Enum[T]) Check(v *Validator, path string, value *T) {
	if t.Number(*value) != 0 {
		return
	}
	if *value == "" {
		v.Add(path, "required", "must be set")
		return
	}
	names := make([]string, 0, len(t))
	for _, x := range t {
		if x != "" {
			names = append(names, string(x))
		}
	}
	v.Add(path, "enum", "must be one of "+listed(names))
}

func (Enum[T]) changes(*Validator, *T) bool     { return false }
func (Enum[T]) repeats(v *Validator, items []T) { reportRepeats(v, items, cmp.Compare) }
