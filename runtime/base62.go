package s3db

import (
	"errors"
	"math/bits"
)

// Integers are written in base 62, most significant digit first, with the
// alphabet 0-9, a-z, A-Z and a "-" before negative numbers: 10000 is "2Bi". The
// shortest form is the only one: no leading zeros, no "-0", no "+".

const base62Digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// base62Pairs holds the two digits of each number below 62², so that a division
// yields two digits.
//
//nolint:gochecknoglobals // table, never written
var base62Pairs = makeBase62Pairs()

// base62Values maps a byte to its digit's value, or to base62Invalid.
//
//nolint:gochecknoglobals // table, never written
var base62Values = makeBase62Values()

const base62Invalid = 0xFF

// base62Max is the number of digits of the largest uint64.
const base62Max = 11

// uuidDigits is the number of digits of the largest 128-bit number.
const uuidDigits = 22

var errBase62 = errors.New("not a base62 number")

func makeBase62Pairs() *[2 * 62 * 62]byte {
	var t [2 * 62 * 62]byte
	for i := range 62 * 62 {
		t[2*i], t[2*i+1] = base62Digits[i/62], base62Digits[i%62]
	}
	return &t
}

func makeBase62Values() *[256]byte {
	var t [256]byte
	for i := range t {
		t[i] = base62Invalid
	}
	for i := range len(base62Digits) {
		t[base62Digits[i]] = byte(i)
	}
	return &t
}

// appendBase62 appends the digits of v.
func appendBase62(b []byte, v uint64) []byte {
	if v < 62 {
		return append(b, base62Digits[v])
	}
	var a [base62Max + 1]byte
	i := len(a)
	for v >= 62*62 {
		q := v / (62 * 62)
		p := 2 * (v - q*(62*62))
		v = q
		i -= 2
		a[i+1], a[i] = base62Pairs[p+1], base62Pairs[p]
	}
	if v >= 62 {
		i -= 2
		a[i+1], a[i] = base62Pairs[2*v+1], base62Pairs[2*v]
	} else {
		i--
		a[i] = base62Digits[v]
	}
	return append(b, a[i:]...)
}

// appendBase62Int appends a signed number.
func appendBase62Int(b []byte, v int64) []byte {
	if v < 0 {
		return appendBase62(append(b, '-'), -uint64(v)) //nolint:gosec // two's complement: right for the smallest int64 too
	}
	return appendBase62(b, uint64(v))
}

// parseBase62 reads a number in its one form.
func parseBase62(s string) (uint64, error) {
	if len(s) == 0 || len(s) > base62Max || (s[0] == '0' && len(s) > 1) {
		return 0, errBase62
	}
	var v uint64
	if len(s) < base62Max {
		for i := range len(s) {
			d := base62Values[s[i]]
			if d == base62Invalid {
				return 0, errBase62
			}
			v = v*62 + uint64(d)
		}
		return v, nil
	}
	for i := range len(s) {
		d := base62Values[s[i]]
		hi, lo := bits.Mul64(v, 62)
		sum, carry := bits.Add64(lo, uint64(d), 0)
		if d == base62Invalid || hi != 0 || carry != 0 {
			return 0, errBase62
		}
		v = sum
	}
	return v, nil
}

// parseBase62Int reads a signed number in its one form.
func parseBase62Int(s string) (int64, error) {
	if len(s) > 0 && s[0] == '-' {
		v, err := parseBase62(s[1:])
		if err != nil || v == 0 || v > 1<<63 {
			return 0, errBase62
		}
		return -int64(v), nil //nolint:gosec // 1<<63 becomes the smallest int64
	}
	v, err := parseBase62(s)
	if err != nil || v > 1<<63-1 {
		return 0, errBase62
	}
	return int64(v), nil
}

// appendBase62Wide appends a 128-bit number in exactly uuidDigits digits.
func appendBase62Wide(b []byte, hi, lo uint64) []byte {
	var parts [3]uint64
	for i := 2; i >= 0; i-- {
		var rem uint64
		qhi := hi / base62Ten
		lo, rem = bits.Div64(hi%base62Ten, lo, base62Ten)
		hi = qhi
		parts[i] = rem
	}
	b = appendBase62Fixed(b, parts[0], uuidDigits-20)
	b = appendBase62Fixed(b, parts[1], 10)
	return appendBase62Fixed(b, parts[2], 10)
}

// appendBase62Fixed appends exactly n digits; n is even.
func appendBase62Fixed(b []byte, v uint64, n int) []byte {
	b = append(b, "0000000000"[:n]...)
	for i := len(b) - 2; n > 0; n -= 2 {
		q := v / (62 * 62)
		p := 2 * (v - q*(62*62))
		b[i+1], b[i] = base62Pairs[p+1], base62Pairs[p]
		v = q
		i -= 2
	}
	return b
}

// parseBase62Wide reads a 128-bit number of exactly uuidDigits digits.
func parseBase62Wide(s string) (hi, lo uint64, err error) {
	if len(s) != uuidDigits {
		return 0, 0, errBase62
	}
	var parts [3]uint64
	bad := byte(0)
	for i := range uuidDigits {
		d := base62Values[s[i]]
		bad |= d
		p := &parts[(i+8)/10]
		*p = *p*62 + uint64(d)
	}
	if bad >= 64 {
		return 0, 0, errBase62
	}
	// Digits are below 62, so that the parts are exact.
	for _, part := range parts {
		overflow, h := bits.Mul64(hi, base62Ten)
		carry, l := bits.Mul64(lo, base62Ten)
		var c uint64
		lo, c = bits.Add64(l, part, 0)
		hi, c = bits.Add64(h, carry, c)
		if overflow != 0 || c != 0 {
			return 0, 0, errBase62
		}
	}
	return hi, lo, nil
}

// base62Ten is 62^10, the largest power that leaves a remainder in a word.
const base62Ten = 839299365868340224
