package s3db

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// KeyBuilder collects the values of a partition or of a unique constraint, in the
// order of its fields. Generated code calls one method for each field.
//
// In keys, values of one type sort as the values do: numbers by size, times by
// time, texts by their bytes.
type KeyBuilder struct {
	text      []byte
	values    []keyValue
	maxLength int
	desc      bool
	day       bool
	absent    bool
	hashed    bool
	secret    bool // some value must not be seen in a key
	err       error
}

// keyValue is the place of a value in the text.
type keyValue struct {
	start, end int
	desc       bool
}

// reset makes the builder empty.
func (k *KeyBuilder) reset() { *k = KeyBuilder{text: k.text[:0], values: k.values[:0]} }

// MaxLength makes the next value count by its first n characters only. Times
// count as "2024-01-15T10:20:30.5", so that 10 leaves the day. It has no effect on
// numbers, decimals and durations.
func (k *KeyBuilder) MaxLength(n int) *KeyBuilder {
	k.maxLength = n
	return k
}

// Desc makes the next value sort from large to small.
func (k *KeyBuilder) Desc() *KeyBuilder {
	k.desc = true
	return k
}

// as makes the next value stand as an index has it.
func (k *KeyBuilder) as(f KeyForm) *KeyBuilder {
	k.maxLength, k.desc, k.day = f.MaxLength, f.Desc, f.Day
	return k
}

// Absent adds a value that is not there: the document is not in the index.
func (k *KeyBuilder) Absent() {
	k.absent = true
	k.added(len(k.text))
}

// added ends the value that starts at an offset.
func (k *KeyBuilder) added(start int) {
	k.values = append(k.values, keyValue{start: start, end: len(k.text), desc: k.desc})
	k.maxLength, k.desc, k.day = 0, false, false
}

// cut ends a value of text, cut to its maximum length.
func (k *KeyBuilder) cut(start int) {
	if k.maxLength > 0 {
		at := start
		for i := 0; i < k.maxLength && at < len(k.text); i++ {
			_, size := utf8.DecodeRune(k.text[at:])
			at += size
		}
		k.text = k.text[:at]
	}
	k.added(start)
}

// String adds a text.
func (k *KeyBuilder) String(v string) {
	start := len(k.text)
	k.text = append(k.text, v...)
	k.cut(start)
}

// Enum adds the name of an enum's value.
func (k *KeyBuilder) Enum(name string) { k.String(name) }

// Bool adds a boolean; false sorts first.
func (k *KeyBuilder) Bool(v bool) {
	start := len(k.text)
	k.text = strconv.AppendBool(k.text, v)
	k.cut(start)
}

// UUID adds a UUID.
func (k *KeyBuilder) UUID(v uuid.UUID) { k.String(v.String()) }

// Date adds a calendar day.
func (k *KeyBuilder) Date(v Date) { k.String(v.String()) }

// Time adds an instant.
func (k *KeyBuilder) Time(v time.Time) {
	if k.day {
		k.Date(DateOf(v.UTC()))
		return
	}
	start := len(k.text)
	k.text = v.UTC().AppendFormat(k.text, "2006-01-02T15:04:05.999999999")
	if !storableTime(v) {
		k.fail(errYear)
	}
	k.cut(start)
}

// Int adds an integer.
func (k *KeyBuilder) Int(v int64) {
	start := len(k.text)
	k.text = appendKeyInt(k.text, v)
	k.added(start)
}

// Duration adds a duration.
func (k *KeyBuilder) Duration(v time.Duration) { k.Int(int64(v)) }

// Float adds a number. NaN and infinities are refused.
func (k *KeyBuilder) Float(v float64) {
	start := len(k.text)
	if v-v != 0 {
		k.fail(errNotFinit)
		v = 0
	}
	neg := v < 0
	if neg {
		v = -v
	}
	if v == 0 {
		k.text = append(k.text, '0')
	} else {
		mant, exp := shortest(v)
		var a [20]byte
		k.text = appendKeyNumber(k.text, neg, strconv.AppendUint(a[:0], mant, 10), exp+decimalDigits(mant))
	}
	k.added(start)
}

// Decimal adds a decimal. Decimals that differ only in zeros at the end have the
// same key.
func (k *KeyBuilder) Decimal(v decimal.Decimal) {
	start := len(k.text)
	if v.IsZero() {
		k.text = append(k.text, '0')
	} else {
		digits := v.Coefficient().Append(nil, 10)
		neg := digits[0] == '-'
		if neg {
			digits = digits[1:]
		}
		magnitude := len(digits) + int(v.Exponent())
		for digits[len(digits)-1] == '0' {
			digits = digits[:len(digits)-1]
		}
		k.text = appendKeyNumber(k.text, neg, digits, magnitude)
	}
	k.added(start)
}

// IP adds an address; IPv4 addresses sort before IPv6 addresses.
func (k *KeyBuilder) IP(v netip.Addr) {
	start := len(k.text)
	switch {
	case v.Is4():
		for i, b := range v.As4() {
			if i > 0 {
				k.text = append(k.text, '-')
			}
			k.text = append(k.text, '0'+b/100, '0'+b/10%10, '0'+b%10)
		}
	case v.Is6():
		k.text = append(k.text, "v6-"...)
		const hexDigits = "0123456789abcdef"
		for i, b := range v.As16() {
			if i > 0 && i%2 == 0 {
				k.text = append(k.text, '-')
			}
			k.text = append(k.text, hexDigits[b>>4], hexDigits[b&15])
		}
		if zone := v.Zone(); zone != "" {
			k.text = append(append(k.text, '%'), zone...)
		}
	default:
		k.fail(errIP)
	}
	k.cut(start)
}

// KeyOptional adds a value that may be absent.
func KeyOptional[T any](k *KeyBuilder, v *T, put func(*KeyBuilder, T)) {
	if v == nil {
		k.Absent()
		return
	}
	put(k, *v)
}

// KeySecret adds what a secret holds; nil, or one that holds nothing, is absent.
// Only the hash of such a key is ever part of a name: in an index that is not
// hashed it is an error.
func KeySecret[T any](k *KeyBuilder, s *Secret[T], put func(*KeyBuilder, T)) {
	k.secret = true
	if s == nil || s.IsZero() {
		k.Absent()
		return
	}
	put(k, s.Reveal())
}

// Fail makes the key an error, such as that of a value that cannot be read.
func (k *KeyBuilder) Fail(err error) { k.fail(err) }

func (k *KeyBuilder) fail(err error) {
	if k.err == nil {
		k.err = err
	}
}

// appendKeyInt appends an integer: a letter for the number of its digits, and the
// digits. 42 is "b42".
func appendKeyInt(b []byte, v int64) []byte {
	u, start := uint64(v), len(b) //nolint:gosec // the sign is taken apart
	if v < 0 {
		u = -u
		b = append(b, '-')
	}
	at := len(b)
	b = strconv.AppendUint(append(b, 0), u, 10)
	b[at] = byte('a' + len(b) - at - 2)
	if v < 0 {
		b = append(mirror(b, start+1), 'z')
	}
	return b
}

// appendKeyNumber appends the number 0.digits·10^magnitude, whose digits neither
// begin nor end with zeros: 42.5 is "b425".
func appendKeyNumber(b []byte, neg bool, digits []byte, magnitude int) []byte {
	start := len(b)
	if neg {
		b = append(b, '-')
	}
	switch {
	case magnitude > 20:
		b = appendKeyInt(append(b, 'u'), int64(magnitude))
	case magnitude > 0:
		b = append(b, byte('a'+magnitude-1))
	case magnitude > -20:
		b = append(b, byte('Z'+magnitude))
	default:
		b = appendKeyInt(append(b, 'F'), int64(magnitude))
	}
	b = append(b, digits...)
	if neg {
		b = append(mirror(b, start+1), 'z')
	}
	return b
}

// mirror reverses the order of texts of "-", digits and letters: from an offset
// on it replaces each byte by the one as far from the other end.
func mirror(b []byte, from int) []byte {
	const order = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	for i := from; i < len(b); i++ {
		c := int(b[i])
		switch {
		case c >= 'a':
			c -= 'a' - 37
		case c >= 'A':
			c -= 'A' - 11
		case c >= '0':
			c -= '0' - 1
		default:
			c = 0
		}
		b[i] = order[len(order)-1-c]
	}
	return b
}

// mirrorKey reverses the order of escaped texts from an offset on and ends them
// with "~", which sorts after all that a mirrored text holds.
func mirrorKey(b []byte, from int) []byte {
	// The k-th byte of keyBytes becomes the k-th last byte of mirrored.
	const (
		keyBytes = ",-.0123456789=ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~"
		mirrored = "zyxwvutsrqponmlkjihgfedcba_ZYXWVUTSRQPONMLKJIHGFEDCBA=9876543210.-,*"
	)
	for i := from; i < len(b); i++ {
		for k := range len(keyBytes) {
			if keyBytes[k] == b[i] {
				b[i] = mirrored[k]
				break
			}
		}
	}
	return append(b, '~')
}

// path returns the segments of a key, one for each value:
// "country=BR!/city=S~C3~A3o,20Paulo!". names are those of all fields of the
// index; with fewer values than names the path is the start of longer ones. The
// path is "" when a value is absent.
func (k *KeyBuilder) path(names []string) (string, error) {
	switch {
	case k.err != nil:
		return "", k.err
	case k.absent:
		return "", nil
	case len(k.values) > len(names):
		return "", errors.New("an index with more values than fields")
	}
	var b []byte
	var err error
	for i := range k.values {
		if i > 0 {
			b = append(b, '/')
		}
		if b, err = k.appendSegment(b, names, i, i); err != nil {
			return "", err
		}
	}
	return string(b), nil
}

var errSecretKey = fmt.Errorf("%w: a secret can be part of a hashed unique constraint only", ErrConfig)

// appendSegment appends the segment of value v as that of field i of an index
// with these names.
func (k *KeyBuilder) appendSegment(b []byte, names []string, i, v int) ([]byte, error) {
	if k.err != nil {
		return b, k.err
	}
	if k.secret {
		return b, errSecretKey
	}
	start := len(b)
	b = append(appendKeyName(b, names[i]), '=')
	room := min(maxKeyValue, maxKeyPath/len(names), maxKeySegment-1-(len(b)-start))
	if room < keyHashSize+3 {
		return b, fmt.Errorf("the name of the field %q is too long for a key", names[i])
	}
	value := k.values[v]
	b, hashed := appendKeyValue(b, k.text[value.start:value.end], room, value.desc)
	k.hashed = k.hashed || hashed
	return b, nil
}

// keyText returns value i without its segment.
func (k *KeyBuilder) keyText(i int) keyText {
	v := k.values[i]
	return keyText{text: bytes.Clone(k.text[v.start:v.end]), desc: v.desc}
}

// maxKeyPath is the number of bytes that the values of an index have together.
const maxKeyPath = 480
