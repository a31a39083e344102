package s3db

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"
)

// redacted stands for a secret wherever a program prints one.
const redacted = "[redacted]"

// Secret is a value that is stored encrypted and that does not show itself: fmt
// with any verb, JSON, text encodings and slog print "[redacted]". Reveal
// returns the value.
//
// The zero Secret holds nothing; a required attribute refuses it.
type Secret[T any] struct {
	// A pointer to a pointer, because fmt calls no methods on unexported fields: it
	// follows one pointer at most, and then prints an address and not the value.
	p **T
	// What the store has, if the secret was read from there; nil otherwise.
	sealed *[]byte
}

// NewSecret returns a secret that holds a value.
func NewSecret[T any](value T) Secret[T] { return Secret[T]{p: new(&value)} }

// Reveal returns the value, or the zero value of T when the secret holds nothing.
func (s Secret[T]) Reveal() T {
	if s.p == nil {
		var zero T
		return zero
	}
	return **s.p
}

// IsZero reports whether the secret holds nothing. A secret that holds "" is not
// zero.
func (s Secret[T]) IsZero() bool { return s.p == nil }

// Equal reports whether two secrets hold the same value. For strings and bytes
// the time it takes tells nothing about the values but their lengths.
func (s Secret[T]) Equal(other Secret[T]) bool {
	if s.p == nil || other.p == nil {
		return s.p == other.p
	}
	switch a := any(**s.p).(type) {
	case string:
		b, _ := any(**other.p).(string)
		return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
	case []byte:
		b, _ := any(**other.p).([]byte)
		return subtle.ConstantTimeCompare(a, b) == 1
	case interface{ Equal(T) bool }: // time.Time, decimal.Decimal
		return a.Equal(**other.p)
	default:
		return reflect.DeepEqual(**s.p, **other.p)
	}
}

// Format implements fmt.Formatter: every verb prints "[redacted]".
func (s Secret[T]) Format(f fmt.State, _ rune) { printRedacted(f) }

// String returns "[redacted]".
func (s Secret[T]) String() string { return redacted }

// LogValue implements slog.LogValuer.
func (s Secret[T]) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]".
func (s Secret[T]) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "[redacted]", and null for a secret that holds nothing.
func (s Secret[T]) MarshalJSON() ([]byte, error) {
	if s.p == nil {
		return []byte("null"), nil
	}
	return []byte(`"` + redacted + `"`), nil
}

// UnmarshalJSON reads the value itself, so that input may come as JSON. It
// refuses "[redacted]": that is what an export of a secret looks like, and to
// store it would lose the value.
func (s *Secret[T]) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, []byte("null")) {
		*s = Secret[T]{}
		return nil
	}
	if isRedacted(data) {
		return errRedacted
	}
	value := new(T)
	if err := json.Unmarshal(data, value); err != nil {
		// The error of encoding/json may quote the value.
		return fmt.Errorf("s3db: a secret of type %T cannot be read from this JSON", *value)
	}
	*s = Secret[T]{p: &value}
	return nil
}

var errRedacted = errors.New("s3db: " + redacted + " stands for a secret that was left out; it is not a value")

func isRedacted(data []byte) bool {
	return bytes.Equal(bytes.TrimSpace(data), []byte(`"`+redacted+`"`))
}

// printRedacted ignores flags and widths. A failed write is the printer's matter.
func printRedacted(f fmt.State) { _, _ = io.WriteString(f, redacted) }
