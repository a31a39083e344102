package s3db

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// Encoder writes the fields of one document as texts. Generated code calls one
// method for each attribute, with the attribute's number, in ascending order of
// the numbers.
//
// The first mistake sticks: later calls change nothing, and the write of the
// document fails with it. An Encoder serves one goroutine.
type Encoder struct {
	buf    []byte
	spans  []span
	packer packer
	sealer sealer
	keep   []nestedField // unknown fields of nested objects, written again
	top    []field       // unknown fields of the document, written again
	out    []field
	err    error
}

// span is the place of a field in the buffer: its text and, unless that is its own
// wire, its wire behind it.
type span struct {
	number     int
	start, end int
	wireEnd    int // 0 when the text is the wire
}

// field is an encoded attribute of a document.
type field struct {
	number int
	text   string // as it stands in the body
	wire   string // as it stands in a header; "" when it has not been made
}

func newEncoder(s sealer) *Encoder {
	e := &Encoder{}
	e.reset(s)
	return e
}

// reset makes the encoder empty. Fields handed out before stay valid.
func (e *Encoder) reset(s sealer) {
	e.buf, e.spans, e.out = e.buf[:0], e.spans[:0], e.out[:0]
	e.packer = packer{path: e.packer.path[:0]}
	e.sealer, e.keep, e.top, e.err = s, nil, nil, nil
}

// preserve makes the encoder write fields that this program does not know again.
// It is called before the document is encoded.
func (e *Encoder) preserve(u unknownFields) {
	for i := range u.fields {
		if f := &u.fields[i]; f.wire == "" {
			f.wire = string(appendArmour(nil, f.text))
		}
	}
	e.top, e.keep = u.fields, u.nested
	if u.lost != "" {
		e.fail(0, errLostField(u.lost))
	}
}

// Err returns the first mistake, or nil.
func (e *Encoder) Err() error { return e.err }

// fail keeps the first mistake. Number 0 stands for the document.
func (e *Encoder) fail(n int, err error) {
	if e.err == nil {
		e.err = fieldError(e.packer.path, e.packer.kind, n, err)
	}
}

// fields returns the encoded fields in ascending order of their numbers. The
// slice is valid until reset, the strings for ever.
func (e *Encoder) fields() []field {
	all := string(e.buf)
	out := slices.Grow(e.out[:0], len(e.spans)+len(e.top))
	top := e.top
	for _, s := range e.spans {
		for len(top) > 0 && top[0].number <= s.number {
			if top[0].number < s.number {
				out = append(out, top[0])
			}
			top = top[1:]
		}
		text := all[s.start:s.end]
		wire := text
		if s.wireEnd > 0 {
			wire = all[s.end:s.wireEnd]
		}
		out = append(out, field{number: s.number, text: text, wire: wire})
	}
	e.out = append(out, top...)
	return e.out
}

// String writes a string, which must be valid UTF-8.
func (e *Encoder) String(n int, v string) {
	if plainWire(v) {
		if e.begin(n) {
			e.atom(v)
			e.endPlain()
		}
		return
	}
	if !utf8.ValidString(v) {
		e.fail(n, errUTF8)
		return
	}
	if e.begin(n) {
		e.atom(v)
		e.end()
	}
}

// Int writes an integer.
func (e *Encoder) Int(n int, v int64) {
	if e.begin(n) {
		e.buf = appendBase62Int(e.buf, v)
		e.endPlain()
	}
}

// Float writes a number. NaN and infinities are refused.
func (e *Encoder) Float(n int, v float64) {
	if v-v != 0 {
		e.fail(n, errNotFinit)
		return
	}
	if e.begin(n) {
		e.buf = appendFloat(e.buf, v)
		e.endPlain()
	}
}

// Decimal writes a decimal with its exact coefficient and exponent.
func (e *Encoder) Decimal(n int, v decimal.Decimal) {
	if e.begin(n) {
		e.buf = appendDecimal(e.buf, v)
		e.endPlain()
	}
}

// Bool writes a boolean.
func (e *Encoder) Bool(n int, v bool) {
	if e.begin(n) {
		c := byte('0')
		if v {
			c = '1'
		}
		e.buf = append(e.buf, c)
		e.endPlain()
	}
}

// Time writes an instant of the years 1 to 9999 with its nanoseconds. Its
// location is not kept.
func (e *Encoder) Time(n int, v time.Time) {
	if !storableTime(v) {
		e.fail(n, errYear)
		return
	}
	if e.begin(n) {
		e.buf = appendTime(e.buf, v)
		e.endPlain()
	}
}

// Date writes a calendar day of the years 1 to 9999.
func (e *Encoder) Date(n int, v Date) {
	days := v.days()
	if again, ok := dateFromDays(days); !ok || again != v {
		e.fail(n, errDay)
		return
	}
	if e.begin(n) {
		e.buf = appendBase62Int(e.buf, days)
		e.endPlain()
	}
}

// Duration writes a duration.
func (e *Encoder) Duration(n int, v time.Duration) {
	if e.begin(n) {
		e.buf = appendDuration(e.buf, v)
		e.endPlain()
	}
}

// UUID writes a UUID.
func (e *Encoder) UUID(n int, v uuid.UUID) {
	if e.begin(n) {
		hi, lo := words(v)
		e.buf = appendBase62Wide(e.buf, hi, lo)
		e.endPlain()
	}
}

// IP writes an IPv4 or IPv6 address. The zero Addr is refused.
func (e *Encoder) IP(n int, v netip.Addr) {
	if !v.IsValid() || !utf8.ValidString(v.Zone()) {
		e.fail(n, errIP)
		return
	}
	if e.begin(n) {
		if zone := v.Zone(); zone != "" {
			e.buf = append(appendIP(e.buf, v), '%')
			e.atom(zone)
			e.end()
			return
		}
		e.buf = appendIP(e.buf, v)
		e.endPlain()
	}
}

// Bytes writes bytes; nil is an absent value.
func (e *Encoder) Bytes(n int, v []byte) {
	if v == nil {
		e.absent(n)
		return
	}
	if e.begin(n) {
		e.buf = base64.RawURLEncoding.AppendEncode(e.buf, v)
		e.end()
	}
}

// JSON writes a JSON value without the blanks between its tokens; nil is an
// absent value.
func (e *Encoder) JSON(n int, v json.RawMessage) {
	if v == nil {
		e.absent(n)
		return
	}
	if !utf8.Valid(v) {
		e.fail(n, errUTF8)
		return
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, v); err != nil {
		e.fail(n, errJSON)
		return
	}
	if e.begin(n) {
		e.atom(compact.String())
		e.end()
	}
}

// Object writes a free-form object as JSON with sorted keys; nil is an absent
// value. Its values are those that encoding/json can write.
func (e *Encoder) Object(n int, v map[string]any) {
	if v == nil {
		e.absent(n)
		return
	}
	if !validStrings(v) {
		e.fail(n, errUTF8)
		return
	}
	var b bytes.Buffer
	w := json.NewEncoder(&b)
	w.SetEscapeHTML(false)
	if err := w.Encode(v); err != nil {
		e.fail(n, errFreeForm)
		return
	}
	if e.begin(n) {
		e.atom(string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))))
		e.end()
	}
}

// Enum writes the number of an enum's value, which must be above zero.
func (e *Encoder) Enum(n, number int) {
	if number <= 0 {
		e.fail(n, errEnum)
		return
	}
	e.Int(n, int64(number))
}

// Password writes the hash of a password.
func (e *Encoder) Password(n int, v PasswordHash) {
	if v.IsZero() {
		e.fail(n, errAbsent)
		return
	}
	e.String(n, v.PHC())
}

// validStrings reports whether all strings of a free-form value are valid UTF-8;
// encoding/json would replace those that are not.
func validStrings(v any) bool {
	switch v := v.(type) {
	case string:
		return utf8.ValidString(v)
	case []any:
		for _, x := range v {
			if !validStrings(x) {
				return false
			}
		}
	case map[string]any:
		for k, x := range v {
			if !utf8.ValidString(k) || !validStrings(x) {
				return false
			}
		}
	}
	return true
}

// endPlain ends a value whose text consists of harmless ASCII.
func (e *Encoder) endPlain() {
	if e.packer.kind == inDocument {
		e.spans[len(e.spans)-1].end = len(e.buf)
	}
}

// end ends a value of any text.
func (e *Encoder) end() {
	if e.packer.kind != inDocument {
		return
	}
	s := &e.spans[len(e.spans)-1]
	s.end = len(e.buf)
	text := e.buf[s.start:s.end]
	if plainWire(text) {
		return
	}
	e.buf = appendArmour(e.buf, string(text))
	s.wireEnd = len(e.buf)
}

// The reasons why a value cannot be stored.
var (
	errUTF8     = errors.New("not valid UTF-8")
	errYear     = errors.New("the year is outside 1 to 9999")
	errDay      = errors.New("not a calendar day of the years 1 to 9999")
	errIP       = errors.New("not an IP address")
	errJSON     = errors.New("not valid JSON")
	errFreeForm = errors.New("holds a value that JSON cannot represent")
	errEnum     = errors.New("not a value of the enum")
	errAbsent   = errors.New("a required value is absent")
	errOrder    = errors.New("fields must be written in ascending order of their numbers")
)

// fieldError names a field by its path of numbers, such as "field 4.2".
func fieldError(path []int, kind packKind, n int, err error) error {
	var b []byte
	for _, p := range path {
		b = append(strconv.AppendInt(b, int64(p), 10), '.')
	}
	if kind == inDocument || kind == inObject {
		b = strconv.AppendInt(b, int64(n), 10)
	} else if len(b) > 0 {
		b = b[:len(b)-1]
	}
	if n == 0 && len(path) == 0 {
		return err
	}
	return &pathError{path: string(b), err: err}
}

// pathError is the error of one field, which it names by its path of numbers.
type pathError struct {
	path string
	err  error
}

func (e *pathError) Error() string { return "field " + e.path + ": " + e.err.Error() }
func (e *pathError) Unwrap() error { return e.err }
