package s3db

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// Decoder reads the fields of one document from their texts. Generated code calls
// one method for each attribute, with the attribute's number, in ascending order
// of the numbers.
//
// The first mistake sticks: later calls return zero values, and the read of the
// document fails with it. A Decoder serves one goroutine.
type Decoder struct {
	fields []field // ascending
	merged []field // backs fields when some are in the body
	asked  []bool  // by index of fields
	at     int     // index of fields where the next search starts
	place  place
	sealer sealer
	nested []nestedField
	lost   string
	err    error
}

// place is where a Decoder stands in a packed text.
type place struct {
	kind packKind
	src  string // text being read
	pos  int    // offset in src
	next int    // objects: number of the field at pos; 0 at the end
	last int    // objects: number of the field before it
	path []int  // numbers of the fields around this place
	list bool   // an array or a map is around this place
}

func newDecoder(r *record, s sealer) *Decoder {
	d := &Decoder{}
	d.reset(r, s)
	return d
}

// reset makes the decoder read the fields of r.
func (d *Decoder) reset(r *record, s sealer) {
	d.fields, d.merged, d.at = r.meta, d.merged[:0], 0
	d.place = place{path: d.place.path[:0]}
	d.sealer, d.nested, d.lost, d.err = s, nil, "", nil
	if len(r.body) > 0 {
		d.merge(r.meta, r.body)
	}
	d.asked = slices.Grow(d.asked[:0], len(d.fields))[:len(d.fields)]
	clear(d.asked)
}

// merge makes one list of the fields in the metadata and those in the body.
func (d *Decoder) merge(meta, body []field) {
	for len(meta)+len(body) > 0 {
		if len(body) == 0 || (len(meta) > 0 && meta[0].number < body[0].number) {
			d.merged, meta = append(d.merged, meta[0]), meta[1:]
		} else {
			d.merged, body = append(d.merged, body[0]), body[1:]
		}
	}
	d.fields = d.merged
}

// Err returns the first mistake, or nil. It matches ErrCorrupt, ErrNewerFormat or
// ErrDecrypt.
func (d *Decoder) Err() error { return d.err }

// fail keeps the first mistake.
func (d *Decoder) fail(n int, err error) {
	if d.err != nil {
		return
	}
	if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrNewerFormat) && !errors.Is(err, ErrDecrypt) {
		err = fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	d.err = fieldError(d.place.path, d.place.kind, n, err)
}

// unknown returns the fields that no one asked for.
func (d *Decoder) unknown() unknownFields {
	u := unknownFields{nested: d.nested, lost: d.lost}
	for i, f := range d.fields {
		if !d.asked[i] {
			u.fields = append(u.fields, f)
		}
	}
	return u
}

// find returns the text of field n of the document.
func (d *Decoder) find(n int) (string, bool) {
	for i := d.at; i < len(d.fields) && d.fields[i].number <= n; i++ {
		d.at = i + 1
		if d.fields[i].number == n {
			d.asked[i] = true
			return d.fields[i].text, true
		}
	}
	return "", false
}

// has reports whether value n is there; an absent one is consumed.
func (d *Decoder) has(n int) bool {
	if d.err != nil {
		return false
	}
	p := &d.place
	switch p.kind {
	case inDocument:
		for i := d.at; i < len(d.fields) && d.fields[i].number <= n; i++ {
			d.at = i
			if d.fields[i].number == n {
				return true
			}
		}
		return false
	case inObject:
		d.seek(n)
		return p.next == n
	case inArray, inMap:
		if strings.HasPrefix(p.src[p.pos:], packAbsent) {
			p.pos += len(packAbsent)
			return false
		}
	case inSingle:
	}
	return d.err == nil
}

// take returns the text of the required scalar n.
func (d *Decoder) take(n int) (string, bool) {
	if d.err != nil {
		return "", false
	}
	p := &d.place
	switch p.kind {
	case inDocument:
		s, ok := d.find(n)
		if !ok {
			d.fail(n, errAbsent)
		}
		return s, ok
	case inSingle:
		return p.src, true
	case inObject:
		d.seek(n)
		if p.next != n {
			d.fail(n, errAbsent)
			return "", false
		}
	case inArray, inMap:
	}
	start, escaped := p.pos, false
	p.pos = nextSpecial(p.src, p.pos)
	for p.pos < len(p.src) && p.src[p.pos] == packEscape {
		escaped = true
		p.pos = nextSpecial(p.src, p.pos+1)
	}
	s := p.src[start:p.pos]
	if escaped {
		var ok bool
		if s, ok = unescape(s, false); !ok {
			d.fail(n, errPacked)
			return "", false
		}
	}
	d.passed()
	return s, d.err == nil
}

// passed moves on to the next field of an object after one has been read.
func (d *Decoder) passed() {
	p := &d.place
	if p.kind != inObject {
		return
	}
	p.last = p.next
	p.next = 0
	if p.pos < len(p.src) && p.src[p.pos] == packSep {
		p.pos++
		d.readTag()
	}
}

// readTag reads the number of the field of an object that starts here.
func (d *Decoder) readTag() {
	p := &d.place
	p.next = p.last + 1
	rest := p.src[p.pos:]
	if len(rest) < 2 || rest[0] != packEscape || base62Values[rest[1]] == base62Invalid {
		return
	}
	end := strings.IndexByte(rest, ':')
	if end < 0 {
		d.fail(p.next, errPacked)
		return
	}
	n, err := parseBase62(rest[1:end])
	if err != nil || n > maxFieldNumber || int(n) <= p.next {
		d.fail(p.next, errPacked)
		return
	}
	p.next = int(n)
	p.pos += end + 1
}

// seek passes the fields of an object below n and keeps them as unknown.
func (d *Decoder) seek(n int) {
	p := &d.place
	for d.err == nil && p.next != 0 && p.next < n {
		number, start := p.next, p.pos
		if !d.skip() {
			d.fail(number, errPacked)
			return
		}
		switch {
		case p.list:
			if d.lost == "" {
				d.lost = numberPath(append(p.path, number))
			}
		default:
			d.nested = append(d.nested, nestedField{path: slices.Clone(p.path), number: number, text: p.src[start:p.pos]})
		}
		d.passed()
	}
}

// skip passes one value of any shape.
func (d *Decoder) skip() bool {
	p := &d.place
	depth := 0
	for ; p.pos < len(p.src); p.pos++ {
		switch p.src[p.pos] {
		case packSep:
			if depth == 0 {
				return true
			}
		case packOpen:
			depth++
		case packClose:
			if depth == 0 {
				return true
			}
			depth--
		}
	}
	return depth == 0
}

// open enters the container n. The place around it is returned; it is entered
// again by shut.
func (d *Decoder) open(n int, kind packKind) (outer place, ok bool) {
	p := &d.place
	outer = *p
	path := p.path
	inner := place{kind: kind, list: p.list || kind != inObject}
	switch p.kind {
	case inDocument:
		s, _ := d.find(n)
		inner.src = s
		path = append(path, n)
	case inSingle:
		inner.src = p.src
	case inObject, inArray, inMap:
		if p.kind == inObject {
			path = append(path, n)
		}
		if p.pos == len(p.src) || p.src[p.pos] != packOpen {
			d.fail(n, errPacked)
			return outer, false
		}
		inner.src, inner.pos = p.src, p.pos+1
	}
	inner.path = path
	d.place = inner
	return outer, true
}

// empty passes the mark of an empty container.
func (d *Decoder) empty() bool {
	p := &d.place
	if p.pos < len(p.src) && p.src[p.pos] == packEscape && (p.pos+1 == len(p.src) || p.src[p.pos+1] == packClose) {
		p.pos++
		return true
	}
	return false
}

// shut leaves a container, which must end here.
func (d *Decoder) shut(n int, outer place) {
	inner := d.place
	outer.path = inner.path[:len(outer.path)]
	d.place = outer
	if d.err != nil {
		return
	}
	if outer.kind <= inSingle {
		if inner.pos != len(inner.src) {
			d.fail(n, errPacked)
		}
		return
	}
	if inner.pos == len(inner.src) || inner.src[inner.pos] != packClose {
		d.fail(n, errPacked)
		return
	}
	d.place.pos = inner.pos + 1
	d.passed()
}

// more passes the separator before a further element.
func (d *Decoder) more() bool {
	p := &d.place
	if d.err == nil && p.pos < len(p.src) && p.src[p.pos] == packSep {
		p.pos++
		return true
	}
	return false
}

// count returns how many elements the container has from here on.
func (d *Decoder) count() int {
	p := &d.place
	n, depth := 1, 0
	for i := nextSpecial(p.src, p.pos); i < len(p.src); i = nextSpecial(p.src, i+1) {
		switch p.src[i] {
		case packSep:
			if depth == 0 {
				n++
			}
		case packOpen:
			depth++
		case packClose:
			if depth == 0 {
				return n
			}
			depth--
		}
	}
	return n
}

// DecodeOptional reads a value that may be absent: nil.
func DecodeOptional[T any](d *Decoder, n int, get func(*Decoder, int) T) *T {
	if !d.has(n) {
		return nil
	}
	v := get(d, n)
	if d.err != nil {
		return nil
	}
	return &v
}

// DecodeArray reads an array; get reads one element. An absent one is nil.
func DecodeArray[T any](d *Decoder, n int, get func(*Decoder, int) T) []T {
	if !d.has(n) {
		return nil
	}
	outer, ok := d.open(n, inArray)
	if !ok {
		return nil
	}
	list := []T{}
	if !d.empty() {
		list = make([]T, 0, d.count())
		for i := 0; ; i++ {
			list = append(list, get(d, i))
			if !d.more() {
				break
			}
		}
	}
	d.shut(n, outer)
	if d.err != nil {
		return nil
	}
	return list
}

// DecodeMap reads a map; get reads one value. An absent one is nil.
func DecodeMap[T any](d *Decoder, n int, get func(*Decoder, int) T) map[string]T {
	if !d.has(n) {
		return nil
	}
	outer, ok := d.open(n, inMap)
	if !ok {
		return nil
	}
	m := map[string]T{}
	if !d.empty() {
		last := ""
		for i := 0; ; i++ {
			k, ok := d.key(i > 0, last)
			if !ok {
				d.fail(n, errPacked)
				break
			}
			last = k
			m[k] = get(d, i)
			if !d.more() {
				break
			}
		}
	}
	d.shut(n, outer)
	if d.err != nil {
		return nil
	}
	return m
}

// key reads the key of an entry of a map. Keys ascend.
func (d *Decoder) key(after bool, last string) (string, bool) {
	p := &d.place
	rest := p.src[p.pos:]
	end := strings.IndexAny(rest, "=|()")
	if end < 0 || rest[end] != '=' {
		return "", false
	}
	k, ok := unescape(rest[:end], true)
	if !ok || (after && k <= last) || !utf8.ValidString(k) {
		return "", false
	}
	p.pos += end + 1
	return k, true
}

// DecodeObject reads a required object; get reads its fields.
func DecodeObject[T any](d *Decoder, n int, v *T, get func(*Decoder, *T)) {
	if d.err == nil && !d.has(n) {
		d.fail(n, errAbsent)
	}
	if d.err != nil {
		return
	}
	outer, ok := d.open(n, inObject)
	if !ok {
		return
	}
	if !d.empty() {
		d.readTag()
	}
	get(d, v)
	d.seek(maxFieldNumber + 1)
	d.shut(n, outer)
}

// DecodeOptionalObject reads an object that may be absent: nil.
func DecodeOptionalObject[T any](d *Decoder, n int, get func(*Decoder, *T)) *T {
	if !d.has(n) {
		return nil
	}
	v := new(T)
	DecodeObject(d, n, v, get)
	if d.err != nil {
		return nil
	}
	return v
}

// DecodeSecret reads and decrypts a value; get reads what is inside. Generated code
// calls it.
func DecodeSecret[T any](d *Decoder, n int, get func(*Decoder, int) T) Secret[T] {
	if d.err != nil {
		return Secret[T]{}
	}
	sealed := d.Bytes(n)
	if d.err != nil {
		d.err = undecryptable(d.err)
		return Secret[T]{}
	}
	if sealed == nil {
		d.fail(n, errAbsent)
	}
	return Unseal(d, n, sealed, get)
}

// Unseal decrypts the secret n, of which Bytes has read the sealed value; get
// reads what is inside. Generated code calls DecodeSecret instead.
func Unseal[T any](d *Decoder, n int, sealed []byte, get func(*Decoder, int) T) Secret[T] {
	if d.err != nil {
		return Secret[T]{}
	}
	if d.sealer == nil {
		d.fail(n, fmt.Errorf("%w: %w", ErrDecrypt, errNoKey))
		return Secret[T]{}
	}
	outer := d.place
	path := outer.path
	if outer.kind == inDocument || outer.kind == inObject {
		path = append(path, n)
	}
	plain, err := d.sealer.open(numberPath(path), sealed)
	if err != nil {
		d.fail(n, err)
		return Secret[T]{}
	}
	if !utf8.Valid(plain) {
		d.fail(n, errUTF8)
		return Secret[T]{}
	}
	d.place = place{kind: inSingle, src: string(plain), path: path}
	clear(plain)
	v := get(d, n)
	outer.path = path[:len(outer.path)]
	d.place = outer
	if d.err != nil {
		return Secret[T]{}
	}
	s := NewSecret(v)
	s.sealed = &sealed
	return s
}

// UnsealLater returns a function that is Unseal, for a secret that is decrypted only
// if it is needed. It may be called when the document has been read.
func UnsealLater[T any](d *Decoder, n int, sealed []byte, get func(*Decoder, int) T) func() (Secret[T], error) {
	s, at := d.sealer, place{kind: d.place.kind, path: slices.Clone(d.place.path)}
	return func() (Secret[T], error) {
		own := &Decoder{sealer: s, place: at}
		v := Unseal(own, n, sealed, get)
		return v, own.err
	}
}

// undecryptable says of a mistake in the text of a secret that it is one: bytes
// that were altered until they are no base64url any more are tampering as well.
func undecryptable(err error) error {
	if p, ok := errors.AsType[*pathError](err); ok {
		return &pathError{path: p.path, err: fmt.Errorf("%w: %w", ErrDecrypt, p.err)}
	}
	return err
}

// String reads a string.
func (d *Decoder) String(n int) string {
	// Headers, bodies and secrets are checked to be UTF-8 where they come in.
	s, _ := d.take(n)
	return s
}

// Int reads an integer.
func (d *Decoder) Int(n int) int64 { return scalar(d, n, parseBase62Int) }

// Float reads a number.
func (d *Decoder) Float(n int) float64 { return scalar(d, n, parseFloat) }

// Decimal reads a decimal.
func (d *Decoder) Decimal(n int) decimal.Decimal { return scalar(d, n, parseDecimal) }

// Bool reads a boolean.
func (d *Decoder) Bool(n int) bool { return scalar(d, n, parseBool) }

// Time reads an instant, in UTC.
func (d *Decoder) Time(n int) time.Time { return scalar(d, n, parseTime) }

// Date reads a calendar day.
func (d *Decoder) Date(n int) Date { return scalar(d, n, parseDay) }

// Duration reads a duration.
func (d *Decoder) Duration(n int) time.Duration { return scalar(d, n, parseDuration) }

// UUID reads a UUID.
func (d *Decoder) UUID(n int) uuid.UUID { return scalar(d, n, parseUUID) }

// IP reads an IPv4 or IPv6 address.
func (d *Decoder) IP(n int) netip.Addr { return scalar(d, n, parseIP) }

// Enum reads the number of an enum's value.
func (d *Decoder) Enum(n int) int { return scalar(d, n, parseEnum) }

// Password reads the hash of a password.
func (d *Decoder) Password(n int) PasswordHash { return scalar(d, n, ParsePasswordHash) }

// Bytes reads bytes; absent ones are nil.
func (d *Decoder) Bytes(n int) []byte {
	if !d.has(n) {
		return nil
	}
	return scalar(d, n, parseBytes)
}

// JSON reads a JSON value; an absent one is nil.
func (d *Decoder) JSON(n int) json.RawMessage {
	if !d.has(n) {
		return nil
	}
	return scalar(d, n, parseJSON)
}

// Object reads a free-form object; an absent one is nil. A number is a float64,
// or a json.Number where a float64 would not be exact.
func (d *Decoder) Object(n int) map[string]any {
	if !d.has(n) {
		return nil
	}
	return scalar(d, n, parseFreeForm)
}

// scalar reads the required value n with the parser of its type.
func scalar[T any](d *Decoder, n int, parse func(string) (T, error)) T {
	s, ok := d.take(n)
	if ok {
		v, err := parse(s)
		if err == nil {
			return v
		}
		d.fail(n, err)
	}
	var zero T
	return zero
}

var (
	errPacked = errors.New("not a packed text")
	errBool   = errors.New("not a boolean")
	errUUID   = errors.New("not a UUID")
	errBytes  = errors.New("not base64url")
)

func parseBool(s string) (bool, error) {
	if s != "0" && s != "1" {
		return false, errBool
	}
	return s == "1", nil
}

func parseDay(s string) (Date, error) {
	days, err := parseBase62Int(s)
	if err != nil {
		return Date{}, err
	}
	day, ok := dateFromDays(days)
	if !ok {
		return Date{}, errDay
	}
	return day, nil
}

func parseEnum(s string) (int, error) {
	v, err := parseBase62(s)
	if err != nil || v == 0 || v > maxFieldNumber {
		return 0, errEnum
	}
	return int(v), nil
}

// words returns the two halves of a UUID.
func words(v uuid.UUID) (hi, lo uint64) {
	return binary.BigEndian.Uint64(v[:8]), binary.BigEndian.Uint64(v[8:])
}

func parseUUID(s string) (uuid.UUID, error) {
	hi, lo, err := parseBase62Wide(s)
	if err != nil {
		return uuid.UUID{}, errUUID
	}
	var v uuid.UUID
	binary.BigEndian.PutUint64(v[:8], hi)
	binary.BigEndian.PutUint64(v[8:], lo)
	return v, nil
}

// appendIP appends an address without its zone: the 32-bit number of an IPv4
// address; ":" and the 128-bit number of an IPv6 address, without leading zeros.
func appendIP(b []byte, v netip.Addr) []byte {
	if v.Is4() {
		a := v.As4()
		return appendBase62(b, uint64(binary.BigEndian.Uint32(a[:])))
	}
	a := v.As16()
	hi, lo := words(a)
	b = append(b, ':')
	if hi == 0 {
		return appendBase62(b, lo)
	}
	start := len(b)
	b = appendBase62Wide(b, hi, lo)
	zeros := 0
	for b[start+zeros] == '0' {
		zeros++
	}
	return append(b[:start], b[start+zeros:]...)
}

func parseIP(s string) (netip.Addr, error) {
	if len(s) == 0 || s[0] != ':' {
		v, err := parseBase62(s)
		if err != nil || v > 1<<32-1 {
			return netip.Addr{}, errIP
		}
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], uint32(v))
		return netip.AddrFrom4(a), nil
	}
	s, zone, zoned := strings.Cut(s[1:], "%")
	if len(s) == 0 || len(s) > uuidDigits || (s[0] == '0' && len(s) > 1) || (zoned && zone == "") || !utf8.ValidString(zone) {
		return netip.Addr{}, errIP
	}
	v, err := parseUUID(strings.Repeat("0", uuidDigits-len(s)) + s)
	if err != nil {
		return netip.Addr{}, errIP
	}
	return netip.AddrFrom16(v).WithZone(zone), nil
}

func parseBytes(s string) ([]byte, error) {
	v, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || strings.ContainsAny(s, "\r\n") {
		return nil, errBytes
	}
	return v, nil
}

func parseJSON(s string) (json.RawMessage, error) {
	if !utf8.ValidString(s) || !json.Valid([]byte(s)) {
		return nil, errJSON
	}
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(s)); err != nil || b.Len() != len(s) {
		return nil, errJSON
	}
	return json.RawMessage(s), nil
}

func parseFreeForm(s string) (map[string]any, error) {
	if _, err := parseJSON(s); err != nil {
		return nil, err
	}
	return ParseFreeForm([]byte(s))
}
