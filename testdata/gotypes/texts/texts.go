// Package texts has types of a program for texts and enums.
package texts

import "fmt"

// Slug is converted.
type Slug string

// Token is converted, and kept in secrets.
type Token string

// Color is converted to the values of an enum.
type Color string

// Tag is stored by its text.
type Tag struct{ Name string }

// MarshalText writes the name.
func (t Tag) MarshalText() ([]byte, error) { return []byte(t.Name), nil }

// UnmarshalText reads it.
func (t *Tag) UnmarshalText(text []byte) error {
	t.Name = string(text)
	return nil
}

// Level is a number in Go and the name of an enum's value in storage.
type Level int

// The levels.
const (
	Low Level = iota + 1
	High
)

// MarshalText writes the name.
func (l Level) MarshalText() ([]byte, error) {
	switch l {
	case Low:
		return []byte("low"), nil
	case High:
		return []byte("high"), nil
	}
	return []byte(fmt.Sprint(int(l))), nil
}

// UnmarshalText reads it.
func (l *Level) UnmarshalText(text []byte) error {
	switch string(text) {
	case "low":
		*l = Low
	case "high":
		*l = High
	default:
		return fmt.Errorf("no level %q", text)
	}
	return nil
}
