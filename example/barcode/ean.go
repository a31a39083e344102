// Package barcode has the number under the bars on a product: a type of the program,
// which the schema gives to an attribute with goType.
package barcode

import "errors"

// EAN is the number of an article: 8, 12, 13 or 14 digits, of which the last one
// follows from the others, so that mistyped ones are noticed.
type EAN string

// ErrMistyped is the error for a text that is no number of an article.
var ErrMistyped = errors.New("barcode: mistyped")

// Parse returns the number that a text is.
func Parse(text string) (EAN, error) {
	switch len(text) {
	case 8, 12, 13, 14:
	default:
		return "", ErrMistyped
	}
	sum, weight := 0, 1 // the last digit counts once, the one before it three times, and so on
	for i := len(text) - 1; i >= 0; i-- {
		if text[i] < '0' || text[i] > '9' {
			return "", ErrMistyped
		}
		sum += weight * int(text[i]-'0')
		weight = 4 - weight
	}
	if sum%10 != 0 {
		return "", ErrMistyped
	}
	return EAN(text), nil
}

// MarshalText is what is stored: the digits.
func (e EAN) MarshalText() ([]byte, error) { return []byte(e), nil }

// UnmarshalText reads digits. What it refuses is not stored: a value that could not be
// read again breaks the rule goType.
func (e *EAN) UnmarshalText(text []byte) (err error) {
	*e, err = Parse(string(text))
	return err
}
