package s3db

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// Integers are written in base 62, most significant digit first, with the
// alphabet 0-9, a-z, A-Z and a "-" before negative numbers: 10000 is "2Bi". The
// shortest form is the only one: no leading zeros, no "-0", no "+".

const base62Digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// base62Pairs holds the two digits of each number below 62², the first one in the
// low byte, so that a division yields two digits.
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

func makeBase62Pairs() (t [62 * 62]uint16) {
	for i := range t {
		t[i] = uint16(base62Digits[i/62]) | uint16(base62Digits[i%62])<<8
	}
	return t
}

func makeBase62Values() (t [256]byte) {
	for i := range t {
		t[i] = base62Invalid
	}
	for i := range len(base62Digits) {
		t[base62Digits[i]] = byte(i)
	}
	return t
}

// appendBase62 appends the digits of v.
func appendBase62(b []byte, v uint64) []byte {
	const eight = 62 * 62 * 62 * 62 * 62 * 62 * 62 * 62
	if v < eight {
		digits := base62Eight(v)
		zeros := min(bits.TrailingZeros64(digits^0x3030303030303030)/8, 7)
		n := len(b)
		return binary.LittleEndian.AppendUint64(b, digits>>(8*zeros))[:n+8-zeros]
	}
	high := v / eight
	if high >= 62*62 {
		b = append(b, base62Digits[high/(62*62)])
		high %= 62 * 62
		b = binary.LittleEndian.AppendUint16(b, base62Pairs[high])
	} else if high >= 62 {
		b = binary.LittleEndian.AppendUint16(b, base62Pairs[high])
	} else {
		b = append(b, base62Digits[high])
	}
	return binary.LittleEndian.AppendUint64(b, base62Eight(v%eight))
}

// base62Eight returns the eight digits of a number below 62^8, the first one in
// the lowest byte. Its divisions do not wait for each other.
func base62Eight(v uint64) uint64 {
	const two, four = 62 * 62, 62 * 62 * 62 * 62
	high, low := v/four, v%four
	return uint64(base62Pairs[high/two]) | uint64(base62Pairs[high%two])<<16 |
		uint64(base62Pairs[low/two])<<32 | uint64(base62Pairs[low%two])<<48
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
	if len(s) < 6 {
		v, bad := base62Value(s)
		if bad {
			return 0, errBase62
		}
		return v, nil
	}
	// The last five digits do not wait for the others.
	high, bad := base62Value(s[:len(s)-5])
	low, worse := base62Value(s[len(s)-5:])
	over, v := bits.Mul64(high, 62*62*62*62*62)
	v, carry := bits.Add64(v, low, 0)
	if bad || worse || over|carry != 0 {
		return 0, errBase62
	}
	return v, nil
}

// base62Value returns the value of at most six digits.
func base62Value(s string) (v uint64, bad bool) {
	var all byte
	for i := range len(s) {
		d := base62Values[s[i]]
		all |= d
		v = v*62 + uint64(d)
	}
	return v, all >= 64 // digits are below 62, base62Invalid has all bits
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
	for at := b[len(b)-n:]; len(at) > 0; at = at[:len(at)-2] {
		binary.LittleEndian.PutUint16(at[len(at)-2:], base62Pairs[v%(62*62)])
		v /= 62 * 62
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
