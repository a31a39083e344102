package s3db

import (
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Texts of numbers and times. Each value has one text and each text one value;
// the grammar of each is in docs/format.md.

var (
	errFloat    = errors.New("not a number")
	errDecimal  = errors.New("not a decimal")
	errSeconds  = errors.New("not a time")
	errNotFinit = errors.New("NaN and infinities cannot be stored")
)

// appendFloat appends the shortest decimal that reads back as v, as mantissa and
// power of ten: 19.99 is 1999·10⁻² is "wf,", 1e21 is "1+l". Up to three zeros at
// the end of a whole number are part of the mantissa: 1000 is "g8".
func appendFloat(b []byte, v float64) []byte {
	if v == 0 {
		if math.Signbit(v) {
			b = append(b, '-')
		}
		return append(b, '0')
	}
	if v < 0 {
		b = append(b, '-')
		v = -v
	}
	mant, exp := shortest(v)
	if exp > 0 && exp <= 3 && decimalDigits(mant)+exp <= 18 {
		for ; exp > 0; exp-- {
			mant *= 10
		}
	}
	return appendScaled(appendBase62(b, mant), exp)
}

// tenths are the marks of the powers 10⁻¹ to 10⁻⁴.
const tenths = ".,;:"

// appendScaled appends the power of ten of a mantissa.
func appendScaled(b []byte, exp int) []byte {
	switch {
	case exp == 0:
		return b
	case exp > 0:
		return appendBase62(append(b, '+'), uint64(exp))
	case exp >= -len(tenths):
		return append(b, tenths[-exp-1])
	}
	return appendBase62(append(b, '.'), uint64(-int64(exp)))
}

// shortest returns the shortest decimal mant·10^exp that reads back as v, which is
// above zero. There are no zeros at the end of mant.
func shortest(v float64) (mant uint64, exp int) {
	mant, exp, ok := shortDecimal(v)
	if !ok {
		return shortestDigits(v)
	}
	for exp >= 0 && mant%10 == 0 {
		mant /= 10
		exp++
	}
	return mant, exp
}

// decimalDigits returns the number of decimal digits of v.
func decimalDigits(v uint64) (n int) {
	for ; v > 0; v /= 10 {
		n++
	}
	return n
}

// shortDecimal finds the shortest form of whole numbers and of numbers of few
// decimals, which most are. A decimal of at most 15 digits that reads back as v is
// the shortest, but for zeros at its end.
func shortDecimal(v float64) (mant uint64, exp int, ok bool) {
	if v < 1<<53 && v == math.Trunc(v) {
		return uint64(v), 0, true
	}
	for k := 1; k <= 4 && v < 1e10; k++ {
		if m := math.Round(v * powersOfTen[k]); m/powersOfTen[k] == v {
			return uint64(m), -k, true
		}
	}
	return 0, 0, false
}

// shortestDigits finds the shortest form of any number.
func shortestDigits(v float64) (mant uint64, exp int) {
	var a [32]byte
	s := strconv.AppendFloat(a[:0], v, 'e', -1, 64)
	i, digits := 0, 0
	for ; s[i] != 'e'; i++ {
		if s[i] != '.' {
			mant = mant*10 + uint64(s[i]-'0')
			digits++
		}
	}
	for _, c := range s[i+2:] {
		exp = exp*10 + int(c-'0')
	}
	if s[i+1] == '-' {
		exp = -exp
	}
	return mant, exp - (digits - 1)
}

// parseFloat reads the text of a float and refuses any but the one form.
func parseFloat(s string) (float64, error) {
	neg, mant, exp, err := parseScaled(s)
	if err != nil {
		return 0, errFloat
	}
	var v float64
	if exp <= 0 && exp >= -22 && mant < 1e15 && (mant%10 != 0 || (exp == 0 && (mant%1e4 != 0 || mant == 0))) {
		// Decimals of at most 15 digits are the shortest form of their float, and
		// both numbers of the quotient are exact.
		v = float64(mant) / powersOfTen[-exp]
		if neg {
			v = -v
		}
		return v, nil
	}
	var a [40]byte
	t := strconv.AppendUint(a[:0], mant, 10)
	t = append(t, 'e')
	t = strconv.AppendInt(t, int64(exp), 10)
	v, err = strconv.ParseFloat(string(t), 64)
	if err != nil {
		return 0, errFloat
	}
	if neg {
		v = -v
	}
	var again [40]byte
	if string(appendFloat(again[:0], v)) != s {
		return 0, errFloat
	}
	return v, nil
}

//nolint:gochecknoglobals // table, never written
var powersOfTen = [...]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// splitScaled cuts the text of a mantissa with a power of ten.
func splitScaled(s string) (neg bool, mant string, exp int, err error) {
	if len(s) > 0 && s[0] == '-' {
		neg, s = true, s[1:]
	}
	i := 0
	for i < len(s) && base62Values[s[i]] != base62Invalid {
		i++
	}
	mant, s = s[:i], s[i:]
	if s == "" {
		return neg, mant, 0, nil
	}
	if mark := strings.IndexByte(tenths, s[0]); mark >= 0 && len(s) == 1 {
		return neg, mant, -mark - 1, nil
	}
	e, err := parseBase62(s[1:])
	switch {
	case err != nil || e > math.MaxInt32+1:
	case s[0] == '+' && e > 0 && e <= math.MaxInt32:
		return neg, mant, int(e), nil
	case s[0] == '.' && e > uint64(len(tenths)):
		return neg, mant, -int(e), nil
	}
	return false, "", 0, errFloat
}

func parseScaled(s string) (neg bool, mant uint64, exp int, err error) {
	neg, text, exp, err := splitScaled(s)
	if err != nil {
		return false, 0, 0, err
	}
	mant, err = parseBase62(text)
	return neg, mant, exp, err
}

// appendDecimal appends coefficient and power of ten as they are: 1.50 is
// 150·10⁻² is "2q,", which is not the text of 1.5.
func appendDecimal(b []byte, v decimal.Decimal) []byte {
	exp := int(v.Exponent())
	if digits := v.NumDigits(); digits <= 18 {
		return appendScaled(appendBase62Int(b, v.CoefficientInt64()), exp)
	}
	return appendScaled(v.Coefficient().Append(b, 62), exp)
}

// parseDecimal reads the text of a decimal.
func parseDecimal(s string) (decimal.Decimal, error) {
	neg, text, exp, err := splitScaled(s)
	if err != nil {
		return decimal.Decimal{}, errDecimal
	}
	if len(text) <= 10 {
		v, err := parseBase62(text)
		if err != nil || (neg && v == 0) {
			return decimal.Decimal{}, errDecimal
		}
		n := int64(v) //nolint:gosec // ten digits are below 2^60
		if neg {
			n = -n
		}
		return decimal.New(n, int32(exp)), nil //nolint:gosec // splitScaled checks the range
	}
	for i := range len(text) {
		if base62Values[text[i]] == base62Invalid {
			return decimal.Decimal{}, errDecimal
		}
	}
	c, ok := new(big.Int).SetString(text, 62)
	if !ok || text[0] == '0' {
		return decimal.Decimal{}, errDecimal
	}
	if neg {
		c.Neg(c)
	}
	return decimal.NewFromBigInt(c, int32(exp)), nil //nolint:gosec // splitScaled checks the range
}

// Units of the part of a second, coarsest first. A text uses the coarsest that
// is exact.
const (
	markMilli = '.'
	markMicro = ','
	markNano  = ';'
)

// appendSeconds appends a number of seconds and the part of a second that is
// left, which has the same sign: 1.5 s is "1.84".
func appendSeconds(b []byte, neg bool, sec uint64, nano uint32) []byte {
	if neg {
		b = append(b, '-')
	}
	b = appendBase62(b, sec)
	switch {
	case nano == 0:
		return b
	case nano%1e6 == 0:
		return appendBase62(append(b, markMilli), uint64(nano/1e6))
	case nano%1e3 == 0:
		return appendBase62(append(b, markMicro), uint64(nano/1e3))
	}
	return appendBase62(append(b, markNano), uint64(nano))
}

// parseSeconds reads what appendSeconds writes.
func parseSeconds(s string) (neg bool, sec uint64, nano uint32, err error) {
	if len(s) > 0 && s[0] == '-' {
		neg, s = true, s[1:]
	}
	i := 0
	for i < len(s) && base62Values[s[i]] != base62Invalid {
		i++
	}
	whole, rest := s[:i], s[i:]
	if rest != "" {
		var unit, coarser uint64
		switch rest[0] {
		case markMilli:
			unit, coarser = 1e6, 1e9
		case markMicro:
			unit, coarser = 1e3, 1e6
		case markNano:
			unit, coarser = 1, 1e3
		default:
			return false, 0, 0, errSeconds
		}
		part, err := parseBase62(rest[1:])
		if err != nil || part >= 1e9/unit || part*unit%coarser == 0 {
			return false, 0, 0, errSeconds
		}
		nano = uint32(part * unit) //nolint:gosec // below 1e9
	}
	sec, err = parseBase62(whole)
	if err != nil || (neg && sec == 0 && nano == 0) {
		return false, 0, 0, errSeconds
	}
	return neg, sec, nano, nil
}

// appendTime appends an instant as seconds since 1970-01-01T00:00:00Z.
func appendTime(b []byte, t time.Time) []byte {
	sec, nano := t.Unix(), uint32(t.Nanosecond()) //nolint:gosec // below 1e9
	if sec >= 0 {
		return appendSeconds(b, false, uint64(sec), nano)
	}
	if nano > 0 {
		sec, nano = sec+1, 1e9-nano
	}
	return appendSeconds(b, true, uint64(-sec), nano)
}

// The seconds of 0001-01-01T00:00:00Z and of 9999-12-31T23:59:59Z.
const (
	firstSecond = -62135596800
	lastSecond  = 253402300799
)

// storableTime reports whether a time is in the years 1 to 9999.
func storableTime(t time.Time) bool {
	sec := t.Unix()
	return sec >= firstSecond && sec <= lastSecond
}

// parseTime reads an instant; it is in UTC.
func parseTime(s string) (time.Time, error) {
	neg, sec, nano, err := parseSeconds(s)
	if err != nil || sec > lastSecond {
		return time.Time{}, errSeconds
	}
	t := time.Unix(int64(sec), int64(nano)).UTC()
	if neg {
		t = time.Unix(-int64(sec), -int64(nano)).UTC()
		if !storableTime(t) {
			return time.Time{}, errSeconds
		}
	}
	return t, nil
}

// appendDuration appends a duration as seconds.
func appendDuration(b []byte, d time.Duration) []byte {
	u := uint64(d) //nolint:gosec // the sign is taken apart below
	if d < 0 {
		u = -u
	}
	return appendSeconds(b, d < 0, u/1e9, uint32(u%1e9)) //nolint:gosec // below 1e9
}

// parseDuration reads a duration.
func parseDuration(s string) (time.Duration, error) {
	neg, sec, nano, err := parseSeconds(s)
	if err != nil || sec > math.MaxInt64/1_000_000_000 {
		return 0, errSeconds
	}
	u := sec*1e9 + uint64(nano)
	if u > math.MaxInt64 && !(neg && u == 1<<63) {
		return 0, errSeconds
	}
	if neg {
		return time.Duration(-u), nil //nolint:gosec // two's complement
	}
	return time.Duration(u), nil //nolint:gosec // checked above
}
