package s3db

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Change is what a patch does to one attribute: keep it, which is the zero
// Change, set it, clear it, or add to it.
//
// In JSON an absent attribute is kept, null clears it, {"add": 3} adds to a number,
// and anything else is the value to set. Generated patches carry the tag omitzero,
// so that a kept attribute is absent.
type Change[T any] struct {
	kind  changeKind
	value T
}

type changeKind uint8

const (
	keepValue changeKind = iota
	setValue
	clearValue
	addValue
)

// Set returns the change to a value.
func Set[T any](value T) Change[T] { return Change[T]{kind: setValue, value: value} }

// Clear returns the change that removes an optional attribute. Clearing a
// required one is a violation of the rule "required".
func Clear[T any]() Change[T] { return Change[T]{kind: clearValue} }

// IsZero reports whether the change keeps the attribute as it is.
func (c Change[T]) IsZero() bool { return c.kind == keepValue }

// IsClear reports whether the change removes the attribute.
func (c Change[T]) IsClear() bool { return c.kind == clearValue }

// Value returns the value to set; ok is false when the change keeps or clears
// the attribute.
func (c Change[T]) Value() (value T, ok bool) { return c.value, c.kind == setValue }

// Added returns what the change adds to the attribute, see [Add]; ok is false when
// it does not add.
func (c Change[T]) Added() (n T, ok bool) { return c.value, c.kind == addValue }

// Format implements fmt.Formatter: it prints the value to set with the same verb,
// so that a password to set stays hidden, and otherwise "keep", "clear" or "add"
// with what is added.
func (c Change[T]) Format(f fmt.State, verb rune) {
	text := "keep"
	switch c.kind {
	case setValue:
		text = fmt.Sprintf(fmt.FormatString(f, verb), c.value)
	case clearValue:
		text = "clear"
	case addValue:
		text = "add " + fmt.Sprintf(fmt.FormatString(f, verb), c.value)
	}
	_, _ = io.WriteString(f, text) // a failed write is the printer's matter
}

// MarshalJSON returns null for Clear, the value for Set and {"add": n} for Add. A
// kept attribute has no JSON form: its field must be tagged omitzero.
func (c Change[T]) MarshalJSON() ([]byte, error) {
	switch c.kind {
	case setValue:
		return json.Marshal(c.value)
	case clearValue:
		return []byte("null"), nil
	case addValue:
		return json.Marshal(addition[T]{&c.value})
	default:
		return nil, errors.New(`s3db: a Change that keeps its attribute has no JSON form; tag the field "omitzero"`)
	}
}

// UnmarshalJSON reads null as Clear, the {"add": n} of a number as Add, and
// anything else as Set.
func (c *Change[T]) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, []byte("null")) {
		*c = Clear[T]()
		return nil
	}
	if bytes.HasPrefix(data, []byte("{")) && adds[T]() {
		var a addition[T]
		err := json.Unmarshal(data, &a)
		if a.Add != nil && err == nil {
			*c = Change[T]{kind: addValue, value: *a.Add}
			return nil
		}
		// The JSON of a type of the program may be an object.
		var value T
		if json.Unmarshal(data, &value) == nil {
			*c = Set(value)
			return nil
		}
		if err != nil {
			return err
		}
		return errors.New(`s3db: an object is no number; what adds to one is {"add": 3}`)
	}
	var value T
	if err := json.Unmarshal(data, &value); err != nil {
		return err
	}
	*c = Set(value)
	return nil
}

// Apply applies the change of a required attribute. Generated code calls it.
func Apply[T any](v *Validator, path string, c Change[T], dst *T) {
	switch c.kind {
	case addValue:
		addTo(v, path, dst, c.value)
	case setValue:
		*dst = c.value
	case clearValue:
		v.Add(path, "required", "must not be cleared")
	}
}

// ApplyOptional applies the change of an optional attribute that is no number.
// Generated code calls it.
func ApplyOptional[T any](c Change[T], dst **T) {
	switch c.kind {
	case addValue:
		// Only code that an earlier release generated brings numbers here. Without a
		// validator a sum that is too large is not made.
		sum := zeroIfNil(*dst)
		if addNumber(&sum, c.value) == "" {
			*dst = &sum
		}
	case setValue:
		value := c.value
		*dst = &value
	case clearValue:
		*dst = nil
	}
}

// ApplyOptionalNumber applies the change of an optional number, to which a change may
// add. Generated code calls it.
func ApplyOptionalNumber[T Number](v *Validator, path string, c Change[T], dst **T) {
	if c.kind != addValue {
		ApplyOptional(c, dst)
		return
	}
	sum := zeroIfNil(*dst)
	addTo(v, path, &sum, c.value)
	*dst = &sum
}

// ApplySlice applies the change of an array, of bytes or of raw JSON. Clearing a
// required one leaves it nil, which validation refuses. Generated code calls it.
func ApplySlice[S ~[]E, E any](c Change[S], dst *S) {
	if c.kind != keepValue {
		*dst = c.value
	}
}

// ApplyMap applies the change of a map or a free-form object, like ApplySlice.
func ApplyMap[M ~map[K]E, K comparable, E any](c Change[M], dst *M) {
	if c.kind != keepValue {
		*dst = c.value
	}
}

// OrDefault returns the value that p points to, or def when p is nil. Generated code
// fills defaults with it.
func OrDefault[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}

// MergeOptional sets an optional attribute when the input of an upsert gives it.
// Generated code calls it.
func MergeOptional[T any](in *T, dst **T) {
	if in != nil {
		*dst = in
	}
}

// MergeDefault sets an attribute that has a default when the input of an upsert
// gives it. Generated code calls it.
func MergeDefault[T any](in *T, dst *T) {
	if in != nil {
		*dst = *in
	}
}

// MergeSlice sets an optional array, bytes or raw JSON when the input of an
// upsert gives it, which an empty one that is not nil does. Generated code calls
// it.
func MergeSlice[S ~[]E, E any](in S, dst *S) {
	if in != nil {
		*dst = in
	}
}

// MergeMap sets an optional map or free-form object, like MergeSlice.
func MergeMap[M ~map[K]E, K comparable, E any](in M, dst *M) {
	if in != nil {
		*dst = in
	}
}
