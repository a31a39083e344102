// Package money has types of a program for numbers.
package money

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Cents is converted.
type Cents int64

// Amount is stored by its text: a decimal with two digits.
type Amount struct{ Minor int64 }

// MarshalText has a value receiver.
func (a Amount) MarshalText() ([]byte, error) {
	if a.Minor == Unstorable {
		return nil, errors.New("no such amount: canary")
	}
	sign, n := "", a.Minor
	if n < 0 {
		sign, n = "-", -n
	}
	return fmt.Appendf(nil, "%s%d.%02d", sign, n/100, n%100), nil
}

// UnmarshalText takes at most two digits.
func (a *Amount) UnmarshalText(text []byte) error {
	whole, digits, _ := strings.Cut(string(text), ".")
	if len(digits) > 2 {
		return errors.New("more than two digits: canary")
	}
	n, err := strconv.ParseInt(whole+(digits + "00")[:2], 10, 64)
	a.Minor = n
	return err
}

// Unstorable has no text, Unreadable one that is not read again.
const (
	Unstorable = -1 << 63
	Unreadable = 666
)

// Score is stored by its text, an integer.
type Score struct{ N int64 } //nolint:recvcheck // methods of both kinds count

// MarshalText has a pointer receiver.
func (s *Score) MarshalText() ([]byte, error) { return strconv.AppendInt(nil, s.N, 10), nil }

// UnmarshalText refuses one number that MarshalText writes.
func (s *Score) UnmarshalText(text []byte) (err error) {
	if s.N, err = strconv.ParseInt(string(text), 10, 64); s.N == Unreadable {
		return errors.New("that number is not read: canary")
	}
	return err
}

// MarshalJSON writes the number.
func (s Score) MarshalJSON() ([]byte, error) { return s.MarshalText() }

// UnmarshalJSON reads it.
func (s *Score) UnmarshalJSON(text []byte) error { return s.UnmarshalText(text) }
