package s3dbjs

import (
	"errors"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

const (
	base62Digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	base36Digits = "0123456789abcdefghijklmnopqrstuvwxyz"
)

var (
	errNoNumber   = errors.New("not a number in base 62")
	errOutOfRange = errors.New("number out of range")
)

// encodeKey writes the index of an attribute as the name of its header.
func encodeKey(digits string, index int) string {
	var b []byte
	for {
		b = append([]byte{digits[index%len(digits)]}, b...)
		index /= len(digits)
		if index == 0 {
			return string(b)
		}
	}
}

// parseUint reads a number in base 62.
func parseUint(s string) (uint64, error) {
	if s == "" {
		return 0, errNoNumber
	}
	var n uint64
	for i := range len(s) {
		d := strings.IndexByte(base62Digits, s[i])
		if d < 0 {
			return 0, errNoNumber
		}
		hi, lo := bits.Mul64(n, 62)
		sum, carry := bits.Add64(lo, uint64(d), 0)
		if hi != 0 || carry != 0 {
			return 0, errOutOfRange
		}
		n = sum
	}
	return n, nil
}

// parseInt reads a whole number in base 62 with an optional sign.
func parseInt(s string) (int64, error) {
	digits, negative := strings.CutPrefix(s, "-")
	n, err := parseUint(digits)
	if err != nil {
		return 0, err
	}
	if n > math.MaxInt64 {
		return 0, errOutOfRange
	}
	if negative {
		return -int64(n), nil
	}
	return int64(n), nil
}

// parseNumber reads a double: sign, whole part in base 62, and after a point the
// decimal digits and the exponent as JavaScript printed them. Large whole numbers
// are summed up in doubles, as they were written.
func parseNumber(s string) (float64, error) {
	text, negative := strings.CutPrefix(s, "-")
	sign := 1.0
	if negative {
		sign = -1
	}
	whole, fraction, hasFraction := strings.Cut(text, ".")
	if hasFraction {
		n, err := parseUint(whole)
		if err != nil {
			return 0, err
		}
		if fraction == "" || fraction[0] < '0' || fraction[0] > '9' || strings.ContainsAny(fraction, "xXpP_nN") {
			return 0, errNoNumber
		}
		f, err := strconv.ParseFloat(strconv.FormatUint(n, 10)+"."+fraction, 64)
		if err != nil {
			return 0, errNoNumber
		}
		return sign * f, nil
	}
	if whole == "" {
		return 0, errNoNumber
	}
	f := 0.0
	for i := range len(whole) {
		d := strings.IndexByte(base62Digits, whole[i])
		if d < 0 {
			return 0, errNoNumber
		}
		f = f*62 + float64(d)
	}
	if math.IsInf(f, 0) {
		return 0, errOutOfRange
	}
	if f == 0 {
		return 0, nil
	}
	return sign * f, nil
}
