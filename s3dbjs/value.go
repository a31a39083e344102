package s3dbjs

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Values of documents are, by the kind of their attribute:
//
//	string           texts, UUIDs, addresses, codes, YYYY-MM-DD of DateOnly,
//	                 hh:mm:ss of TimeOnly, decrypted secrets
//	bool             Boolean
//	int64, float64   Integer; float64 beyond the range of int64
//	float64          Number, SecretNumber, items of Embedding
//	decimal.Decimal  Money, Decimal, Latitude, Longitude
//	time.Time        Date, DateTime, in UTC
//	time.Duration    Duration
//	[]byte           Buffer
//	json.RawMessage  JSON, Any, Object, arrays of items of any shape
//	[]any            Array with packed items, Embedding
//	map[string]any   Nested, and Point with latitude and longitude
//	nil              null
//
// An absent attribute is not in its map. A text that is not of the form that its
// kind has comes back as a string: s3db.js stores some unchecked.

var (
	errLost      = errors.New("s3db.js stored an empty text for a number that it cannot encode (such as 1e-7): the value is lost")
	errNotBool   = errors.New("neither true nor false")
	errNotJSON   = errors.New("not JSON")
	errNotTime   = errors.New("not a time")
	errObject    = errors.New("s3db.js encrypted the text [object Object] instead of the object: the value is lost")
	errWrongType = errors.New("the JSON is of another type")
)

// decodeText reads the text of a value that is no secret and no nested object.
func (a *Attribute) decodeText(text string) (any, error) {
	switch a.Kind {
	case Number:
		return decodeNumber(text)
	case Integer:
		return decodeInteger(text)
	case Boolean:
		return decodeBool(text)
	case Date, DateTime:
		return decodeTime(text)
	case DateOnly:
		return decodeDay(text)
	case TimeOnly:
		return decodeTimeOfDay(text)
	case Duration:
		n, err := parseInt(text)
		if err != nil || n > math.MaxInt64/int64(time.Millisecond) || n < math.MinInt64/int64(time.Millisecond) {
			return text, nil //nolint:nilerr // stored unchecked
		}
		return time.Duration(n) * time.Millisecond, nil
	case UUID:
		return decodeUUID(text), nil
	case IP4, IP6:
		return decodeIP(text, a.Kind), nil
	case MAC:
		return decodeMAC(text), nil
	case CIDR:
		return decodeCIDR(text), nil
	case Semver:
		return decodeSemver(text), nil
	case Phone:
		return decodePhone(text), nil
	case Color:
		return decodeColor(text), nil
	case EAN:
		return decodeEAN(text), nil
	case Money, Decimal, Latitude, Longitude:
		if d, ok := decodeFixed(text, a.Kind, a.Digits); ok {
			return d, nil
		}
		return text, nil
	case Point:
		return decodePoint(text, a.Digits)
	case Embedding:
		return decodeVector(text)
	case Array:
		return a.decodeArray(text)
	case Any:
		if looksLikeJSON(text) {
			return json.RawMessage(text), nil
		}
		return quoteJSON(text), nil
	case JSON:
		if json.Valid([]byte(text)) {
			return json.RawMessage(text), nil
		}
		return quoteJSON(text), nil // a text is stored without its quotes
	case Object:
		if !json.Valid([]byte(text)) {
			return nil, errNotJSON
		}
		return json.RawMessage(text), nil
	case Buffer:
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return text, nil //nolint:nilerr // stored unchecked
		}
		return b, nil
	}
	return text, nil
}

func looksLikeJSON(text string) bool {
	return text != "" && (text[0] == '{' || text[0] == '[') && json.Valid([]byte(text))
}

func decodeNumber(text string) (any, error) {
	if text == "" {
		return nil, errLost
	}
	f, err := parseNumber(text)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func decodeInteger(text string) (any, error) {
	if text == "" {
		return nil, errLost
	}
	if n, err := parseInt(text); err == nil && n > -1<<53 && n < 1<<53 {
		return n, nil
	}
	// Beyond, the library wrote what its doubles could hold.
	f, err := parseNumber(text)
	if err != nil {
		return nil, err
	}
	return integer(f), nil
}

// integer returns the int64 of a whole number that has one.
func integer(f float64) any {
	if f == math.Trunc(f) && f >= -1<<63 && f < 1<<63 {
		return int64(f)
	}
	return f
}

func decodeBool(text string) (any, error) {
	switch text {
	case "1", "true":
		return true, nil
	case "0", "false":
		return false, nil
	}
	return nil, errNotBool
}

// decodeTime reads the milliseconds of release 21 or the ISO text of the seed,
// which stores a Date as JSON, in quotes.
func decodeTime(text string) (any, error) {
	if len(text) >= 2 && text[0] == '"' && text[len(text)-1] == '"' {
		text = text[1 : len(text)-1]
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	const most = 8_640_000_000_000_000 // of a JavaScript Date
	n, err := parseInt(text)
	if err != nil || n > most || n < -most {
		return nil, errNotTime
	}
	return time.UnixMilli(n).UTC(), nil
}

func decodeDay(text string) (any, error) {
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t.Format(time.DateOnly), nil
	}
	const most = 100_000_000
	n, err := parseInt(text)
	if err != nil || n > most || n < -most {
		return nil, errNotTime
	}
	return time.Unix(0, 0).UTC().AddDate(0, 0, int(n)).Format(time.DateOnly), nil
}

// decodeTimeOfDay reads the milliseconds since midnight. (The library itself
// reads NaN.)
func decodeTimeOfDay(text string) (any, error) {
	if _, err := time.Parse("15:04:05.999", text); err == nil {
		return text, nil
	}
	n, err := parseInt(text)
	if err != nil || n < 0 || n >= 24*60*60*1000 {
		return nil, errNotTime
	}
	return time.UnixMilli(n).UTC().Format("15:04:05.999"), nil
}

// word reads digits of base 62 of a fixed width, at most a bound.
func word(text string, most uint64) (uint64, bool) {
	n, err := parseUint(text)
	return n, err == nil && n <= most
}

func decodeUUID(text string) string {
	if len(text) != 24 {
		return text
	}
	var hex strings.Builder
	for i := 0; i < 24; i += 6 {
		n, ok := word(text[i:i+6], math.MaxUint32)
		if !ok {
			return text
		}
		fmt.Fprintf(&hex, "%08x", n)
	}
	h := hex.String()
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func decodeIP(text string, kind Kind) string {
	b, err := base64.StdEncoding.DecodeString(text)
	want := 4
	if kind == IP6 {
		want = 16
	}
	if err != nil || len(b) != want {
		return text
	}
	ip, _ := netip.AddrFromSlice(b)
	return ip.String()
}

func decodeMAC(text string) string {
	n, ok := word(text, 1<<48-1)
	if !ok || len(text) != 9 {
		return text
	}
	parts := make([]string, 6)
	for i := range parts {
		parts[i] = fmt.Sprintf("%02x", n>>(40-8*i)&0xff)
	}
	return strings.Join(parts, ":")
}

func decodeCIDR(text string) string {
	if len(text) < 7 {
		return text
	}
	ip, ok := word(text[:6], math.MaxUint32)
	bits, fits := word(text[6:], 32)
	if !ok || !fits {
		return text
	}
	return fmt.Sprintf("%d.%d.%d.%d/%d", ip>>24, ip>>16&0xff, ip>>8&0xff, ip&0xff, bits)
}

func decodeSemver(text string) string {
	n, err := parseUint(text)
	if err != nil {
		return text
	}
	return fmt.Sprintf("%d.%d.%d", n/1_000_000, n/1000%1000, n%1000)
}

func decodePhone(text string) string {
	n, err := parseUint(text)
	if err != nil {
		return text
	}
	return "+" + strconv.FormatUint(n, 10)
}

func decodeColor(text string) string {
	n, ok := word(text, 1<<24-1)
	if !ok || len(text) != 5 {
		return text
	}
	return fmt.Sprintf("#%06x", n)
}

func decodeEAN(text string) string {
	if text == "" {
		return text
	}
	width, known := 0, true
	switch text[0] {
	case '0':
		width = 8
	case '1':
		width = 13
	case '2':
		width = 12
	case '3':
		width = 14
	default:
		known = false
	}
	n, err := parseUint(text[1:])
	digits := strconv.FormatUint(n, 10)
	if !known || err != nil || len(digits) > width {
		return text
	}
	return strings.Repeat("0", width-len(digits)) + digits
}

// decodeFixed reads a number with a fixed count of decimal places. It is exact,
// where the library divides doubles.
func decodeFixed(text string, kind Kind, digits int) (decimal.Decimal, bool) {
	mark := "~"
	switch kind {
	case Money:
		mark = "$"
	case Decimal:
		mark = "^"
	}
	rest, ok := strings.CutPrefix(text, mark)
	if !ok {
		return decimal.Decimal{}, false
	}
	rest, negative := strings.CutPrefix(rest, "-")
	n, err := parseUint(rest)
	if err != nil {
		return decimal.Decimal{}, false
	}
	d := decimal.NewFromBigInt(new(big.Int).SetUint64(n), -int32(digits)) //nolint:gosec // at most 18
	if negative {
		d = d.Neg()
	}
	switch kind {
	case Latitude:
		d = d.Sub(decimal.New(90, 0))
	case Longitude:
		d = d.Sub(decimal.New(180, 0))
	}
	return d, true
}

func decodePoint(text string, digits int) (any, error) {
	lat, lon, ok := strings.Cut(strings.TrimPrefix(text, "~"), "~")
	a, okLat := decodeFixed("~"+lat, Latitude, digits)
	b, okLon := decodeFixed("~"+lon, Longitude, digits)
	if !ok || !okLat || !okLon {
		return nil, errors.New("not a point")
	}
	return map[string]any{"latitude": a, "longitude": b}, nil
}

// isVector reports whether an array is stored as an embedding.
func isVector(text string) bool { return strings.HasPrefix(text, "^[") }

func decodeVector(text string) (any, error) {
	inner, ok := strings.CutSuffix(strings.TrimPrefix(text, "^["), "]")
	if !isVector(text) || !ok {
		return nil, errors.New("not a vector")
	}
	list := []any{}
	if inner == "" {
		return list, nil
	}
	for part := range strings.SplitSeq(inner, ",") {
		n, err := parseInt(part)
		if err != nil {
			return nil, err
		}
		list = append(list, float64(n)/1e6)
	}
	return list, nil
}

func (a *Attribute) decodeArray(text string) (any, error) {
	switch a.Items {
	case Text:
		return splitTexts(text), nil
	case Number, Integer:
		if isVector(text) {
			return decodeVector(text)
		}
		list := []any{}
		if text == "" {
			return list, nil
		}
		decode := decodeNumber
		if a.Items == Integer {
			decode = decodeInteger
		}
		for part := range strings.SplitSeq(text, "|") {
			n, err := decode(part)
			if err != nil {
				return nil, err
			}
			list = append(list, n)
		}
		return list, nil
	}
	if text == "" || text[0] != '[' || !json.Valid([]byte(text)) {
		return nil, errNotJSON
	}
	return json.RawMessage(text), nil
}

// splitTexts reads texts joined by "|", with "\" before "|" and "\" of their own.
// No text and one empty text are stored alike; s3db.js reads no text.
func splitTexts(text string) []any {
	list := []any{}
	if text == "" {
		return list
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && (text[i+1] == '\\' || text[i+1] == '|'):
			i++
			b.WriteByte(text[i])
		case c == '|':
			list = append(list, b.String())
			b.Reset()
		default:
			b.WriteByte(c)
		}
	}
	return append(list, b.String())
}

// decodeSecret gives a decrypted text the type of its attribute.
func (a *Attribute) decodeSecret(plain string) (any, error) {
	if plain == "[object Object]" {
		return nil, errObject
	}
	if a.Kind == SecretNumber {
		if f, err := strconv.ParseFloat(plain, 64); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f, nil
		}
	}
	return plain, nil
}

// prefersBody reports whether a value in clear in the body says more than its
// header.
func (k Kind) prefersBody() bool {
	switch k {
	case Text, Number, Integer, Boolean, Date, Array, JSON, Any, Object, Nested:
		return true
	}
	return false
}

// decodeJSON reads a value in clear, as the body of a user-managed object has it.
func (a *Attribute) decodeJSON(n *node) (any, error) {
	if n.kind == nullNode {
		return nil, nil
	}
	switch a.Kind {
	case Number, SecretNumber:
		if n.kind == numberNode {
			return strconv.ParseFloat(string(n.raw), 64)
		}
	case Integer:
		if n.kind == numberNode {
			return jsonInteger(n)
		}
	case Boolean:
		if n.kind == boolNode {
			return n.true(), nil
		}
	case Date, DateTime:
		if n.kind == stringNode {
			return decodeTime(n.text)
		}
	case Money, Decimal, Latitude, Longitude:
		if n.kind == numberNode {
			return decodeJSONDecimal(n)
		}
	case JSON, Any:
		return n.raw, nil
	case Object:
		if n.kind == objectNode {
			return n.raw, nil
		}
	case Array:
		if n.kind == arrayNode {
			return a.decodeJSONArray(n)
		}
	case Embedding:
		if n.kind == arrayNode {
			return (&Attribute{Kind: Array, Items: Number}).decodeJSONArray(n)
		}
	default:
		if n.kind == stringNode {
			return n.text, nil
		}
	}
	return nil, errWrongType
}

func (a *Attribute) decodeJSONArray(n *node) (any, error) {
	if a.Items == JSON {
		return n.raw, nil
	}
	item := &Attribute{Kind: a.Items}
	list := make([]any, len(n.members))
	for i, m := range n.members {
		v, err := item.decodeJSON(m.value)
		if err != nil || v == nil {
			return nil, errWrongType
		}
		list[i] = v
	}
	return list, nil
}

// decodeJSONDecimal bounds the exponent, so that printing the number stays cheap.
func decodeJSONDecimal(n *node) (any, error) {
	d, err := decimal.NewFromString(string(n.raw))
	if err != nil || d.Exponent() > 400 || d.Exponent() < -400 {
		return nil, errOutOfRange
	}
	return d, nil
}

func jsonInteger(n *node) (any, error) {
	if i, err := json.Number(n.raw).Int64(); err == nil {
		return i, nil
	}
	f, err := strconv.ParseFloat(string(n.raw), 64)
	if err != nil {
		return nil, errOutOfRange
	}
	return integer(f), nil
}
