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
	const eight = base62EightMax
	if v < eight {
		digits := base62Eight(v)
		zeros := min(bits.TrailingZeros64(digits^0x3030303030303030)/8, 7)
		n := len(b)
		return binary.LittleEndian.AppendUint64(b, digits>>(8*zeros))[:n+8-zeros]
	}
	high, low := v/eight, base62Eight(v%eight)
	switch {
	case high >= 62*62:
		b = append(b, "00000000000"...)
		at := b[len(b)-11:]
		at[0] = base62Digits[high/(62*62)]
		binary.LittleEndian.PutUint16(at[1:], base62Pairs[high%(62*62)])
		binary.LittleEndian.PutUint64(at[3:], low)
		return b
	case high >= 62:
		b = binary.LittleEndian.AppendUint16(b, base62Pairs[high])
	default:
		b = append(b, base62Digits[high])
	}
	return binary.LittleEndian.AppendUint64(b, low)
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
	low, worse := base62Five(s[len(s)-5:])
	high, bad := base62Value(s[:len(s)-5])
	over, v := bits.Mul64(high, 62*62*62*62*62)
	v, carry := bits.Add64(v, low, 0)
	if bad || worse || over|carry != 0 {
		return 0, errBase62
	}
	return v, nil
}

// base62Five returns the value of five digits, which do not wait for each other.
func base62Five(s string) (v uint64, bad bool) {
	_ = s[4]
	a, b, c, d, e := base62Values[s[0]], base62Values[s[1]], base62Values[s[2]], base62Values[s[3]], base62Values[s[4]]
	return (uint64(a)*62+uint64(b))*(62*62*62) + (uint64(c)*62+uint64(d))*62 + uint64(e), a|b|c|d|e >= 64
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
	high := hi / base62Ten
	middle, last := bits.Div64(hi%base62Ten, lo, base62Ten)
	first, middle := bits.Div64(high, middle, base62Ten)
	b = binary.LittleEndian.AppendUint16(b, base62Pairs[first])
	return appendBase62Ten(appendBase62Ten(b, middle), last)
}

// appendBase62Ten appends exactly ten digits.
func appendBase62Ten(b []byte, v uint64) []byte {
	b = binary.LittleEndian.AppendUint16(b, base62Pairs[v/base62EightMax])
	return binary.LittleEndian.AppendUint64(b, base62Eight(v%base62EightMax))
}

// parseBase62Wide reads a 128-bit number of exactly uuidDigits digits.
func parseBase62Wide(s string) (hi, lo uint64, err error) {
	if len(s) != uuidDigits {
		return 0, 0, errBase62
	}
	first, bad := base62Value(s[:2])
	middle, worse := base62TenValue(s[2:12])
	last, worst := base62TenValue(s[12:])
	if bad || worse || worst {
		return 0, 0, errBase62
	}
	// Digits are below 62, so that the parts are exact.
	hi, lo = bits.Mul64(first, base62Ten)
	var carry uint64
	lo, carry = bits.Add64(lo, middle, 0)
	hi += carry
	over, high := bits.Mul64(hi, base62Ten)
	hi, lo = bits.Mul64(lo, base62Ten)
	lo, carry = bits.Add64(lo, last, 0)
	hi, carry = bits.Add64(hi, high, carry)
	if over|carry != 0 {
		return 0, 0, errBase62
	}
	return hi, lo, nil
}

// base62TenValue returns the value of ten digits.
func base62TenValue(s string) (v uint64, bad bool) {
	high, bad := base62Five(s[:5])
	low, worse := base62Five(s[5:])
	return high*(62*62*62*62*62) + low, bad || worse
}

const (
	base62EightMax = 62 * 62 * 62 * 62 * 62 * 62 * 62 * 62 // 62^8
	// base62Ten is 62^10, the largest power that leaves a remainder in a word.
	base62Ten = 62 * 62 * base62EightMax
)
