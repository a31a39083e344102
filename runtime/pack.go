package s3db

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Arrays, maps and typed objects are packed into one text, to any depth. The
// grammar is in docs/format.md; in short:
//
//	array   1|2|3|4c91        a text each, "|" between them
//	map     color=red|size=L  sorted by key
//	object  Ada|u|^7:x        fields 1, 2 and 7: a number that does not follow
//	                          its predecessor is written before the text
//	nested  (1|2)|(3)         a container inside another has parentheses
//	empty   ^                 a container without anything in it
//	absent  ^-                an absent value where a value must stand
//
// The characters with a meaning are written as "^" and another one wherever they
// stand in a text, once however deep the text is nested.

const (
	packSep    = '|'
	packOpen   = '('
	packClose  = ')'
	packEscape = '^'
	packAbsent = "^-"
)

// packBytes are the bytes with a meaning in packed texts.
//
//nolint:gochecknoglobals // table, never written
var packBytes = [256]bool{packSep: true, packOpen: true, packClose: true, packEscape: true}

type packKind uint8

const (
	inDocument packKind = iota // fields of the document, each with its own text
	inSingle                   // the one value of a secret
	inArray
	inMap
	inObject
)

// packer is where an Encoder stands in a packed text.
type packer struct {
	kind packKind
	some bool  // something has been written into this container
	last int   // number of the last field of this object
	path []int // numbers of the fields around this place
}

// begin starts a value: it writes what separates it from the one before.
func (e *Encoder) begin(n int) bool {
	if e.err != nil {
		return false
	}
	p := &e.packer
	switch p.kind {
	case inDocument:
		if n <= p.last {
			e.fail(n, errOrder)
			return false
		}
		p.last = n
		e.spans = append(e.spans, span{number: n, start: len(e.buf)})
	case inArray:
		if p.some {
			e.buf = append(e.buf, packSep)
		}
		p.some = true
	case inObject:
		if n <= p.last {
			e.fail(n, errOrder)
			return false
		}
		if len(e.keep) > 0 {
			e.writeKept(n)
		}
		e.tag(n)
	case inMap, inSingle:
		if p.some {
			e.fail(n, errors.New("one value expected, two written"))
			return false
		}
		p.some = true
	}
	return true
}

// tag starts field n of an object.
func (e *Encoder) tag(n int) {
	p := &e.packer
	if p.some {
		e.buf = append(e.buf, packSep)
	}
	if n != p.last+1 {
		e.buf = appendBase62(append(e.buf, packEscape), uint64(n)) //nolint:gosec // above zero
		e.buf = append(e.buf, ':')
	}
	p.some, p.last = true, n
}

// writeKept writes the unknown fields of this object below number n again.
func (e *Encoder) writeKept(n int) {
	for i := range e.keep {
		k := &e.keep[i]
		if k.number > e.packer.last && k.number < n && slices.Equal(k.path, e.packer.path) {
			e.tag(k.number)
			e.buf = append(e.buf, k.text...)
		}
	}
}

// absent writes an absent value: nothing, unless the place must be filled.
func (e *Encoder) absent(n int) {
	switch e.packer.kind {
	case inDocument, inObject:
	case inSingle:
		e.fail(n, errAbsent)
	case inArray, inMap:
		if e.begin(n) {
			e.buf = append(e.buf, packAbsent...)
		}
	}
}

// atom writes a text, escaped where it is packed.
func (e *Encoder) atom(s string) {
	if e.packer.kind <= inSingle {
		e.buf = append(e.buf, s...)
		return
	}
	e.buf = appendEscaped(e.buf, s, false)
}

// nextSpecial returns the offset of the first special character from an offset on,
// or the length of the text.
func nextSpecial(s string, i int) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	for ; i+8 <= len(s); i += 8 {
		x := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		sep, escape := x^ones*packSep, x^ones*packEscape
		brackets := (x ^ ones*packOpen) & (ones * 0xFE) // "(" and ")" differ in one bit
		// The lowest bit set is exact, those above it may not be.
		if m := ((sep-ones)&^sep | (escape-ones)&^escape | (brackets-ones)&^brackets) & highs; m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for i < len(s) && !packBytes[s[i]] {
		i++
	}
	return i
}

// appendEscaped appends a text with its special characters escaped.
func appendEscaped(b []byte, s string, key bool) []byte {
	if !key && nextSpecial(s, 0) == len(s) {
		return append(b, s...)
	}
	start := 0
	for i := range len(s) {
		var c byte
		switch s[i] {
		case packSep:
			c = '/'
		case packOpen:
			c = '<'
		case packClose:
			c = '>'
		case packEscape:
			c = '\''
		case '=':
			if !key {
				continue
			}
			c = ':'
		default:
			continue
		}
		b = append(append(b, s[start:i]...), packEscape, c)
		start = i + 1
	}
	return append(b, s[start:]...)
}

// unescape is the inverse of appendEscaped.
func unescape(s string, key bool) (string, bool) {
	i := strings.IndexByte(s, packEscape)
	if i < 0 {
		return s, true
	}
	b := make([]byte, 0, len(s))
	for i >= 0 {
		b = append(b, s[:i]...)
		if i+1 == len(s) {
			return "", false
		}
		switch c := s[i+1]; {
		case c == '/':
			b = append(b, packSep)
		case c == '<':
			b = append(b, packOpen)
		case c == '>':
			b = append(b, packClose)
		case c == '\'':
			b = append(b, packEscape)
		case c == ':' && key:
			b = append(b, '=')
		default:
			return "", false
		}
		s = s[i+2:]
		i = strings.IndexByte(s, packEscape)
	}
	return string(append(b, s...)), true
}

// open starts a container of some kind and returns the place around it.
func (e *Encoder) open(n int, kind packKind) (packer, bool) {
	if !e.begin(n) {
		return packer{}, false
	}
	outer := e.packer
	if outer.kind > inSingle {
		e.buf = append(e.buf, packOpen)
	}
	e.packer = packer{kind: kind, path: outer.pathTo(n)}
	return outer, true
}

// pathTo returns the path of the value n here: positions in arrays and maps are
// no part of it.
func (p *packer) pathTo(n int) []int {
	if p.kind == inDocument || p.kind == inObject {
		return append(p.path, n)
	}
	return p.path
}

// shut ends the container.
func (e *Encoder) shut(outer packer) {
	if !e.packer.some && e.err == nil {
		e.buf = append(e.buf, packEscape)
	}
	outer.path = e.packer.path[:len(outer.path)]
	e.packer = outer
	if e.err != nil {
		return
	}
	if outer.kind > inSingle {
		e.buf = append(e.buf, packClose)
	}
	e.end()
}

// EncodeOptional writes the value that v points to; nil is an absent value.
func EncodeOptional[T any](e *Encoder, n int, v *T, put func(*Encoder, int, T)) {
	if v == nil {
		e.absent(n)
		return
	}
	put(e, n, *v)
}

// EncodeArray writes the elements of v in their order; put writes one of them.
// A nil slice is an absent value, which is not an empty one.
func EncodeArray[T any](e *Encoder, n int, v []T, put func(*Encoder, int, T)) {
	if v == nil {
		e.absent(n)
		return
	}
	outer, ok := e.open(n, inArray)
	if !ok {
		return
	}
	for i := range v {
		put(e, i, v[i])
	}
	e.shut(outer)
}

// EncodeMap writes the entries of v in the order of their keys; put writes one
// value. A nil map is an absent value, which is not an empty one.
func EncodeMap[T any](e *Encoder, n int, v map[string]T, put func(*Encoder, int, T)) {
	if v == nil {
		e.absent(n)
		return
	}
	outer, ok := e.open(n, inMap)
	if !ok {
		return
	}
	var few [16]string
	keys := few[:0]
	for k := range v {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for i, k := range keys {
		if !utf8.ValidString(k) {
			e.fail(n, errUTF8)
			break
		}
		if i > 0 {
			e.buf = append(e.buf, packSep)
		}
		e.buf = append(appendEscaped(e.buf, k, true), '=')
		e.packer.some = false
		put(e, i, v[k])
	}
	e.packer.some = len(keys) > 0
	e.shut(outer)
}

// EncodeObject writes the fields of the object that v points to; put writes them
// all. Nil is an absent value.
func EncodeObject[T any](e *Encoder, n int, v *T, put func(*Encoder, *T)) {
	if v == nil {
		e.absent(n)
		return
	}
	outer, ok := e.open(n, inObject)
	if !ok {
		return
	}
	put(e, v)
	if len(e.keep) > 0 && e.err == nil {
		e.writeKept(maxFieldNumber + 1)
	}
	e.shut(outer)
}

// EncodeSecret writes v encrypted; put writes its value.
func EncodeSecret[T any](e *Encoder, n int, v Secret[T], put func(*Encoder, int, T)) {
	if v.IsZero() {
		e.fail(n, errAbsent)
		return
	}
	if e.err != nil {
		return
	}
	outer, start := e.packer, len(e.buf)
	e.packer = packer{kind: inSingle, path: outer.pathTo(n)}
	put(e, n, v.Reveal())
	plain := slices.Clone(e.buf[start:])
	clear(e.buf[start:])
	e.buf = e.buf[:start]
	path := numberPath(e.packer.path)
	outer.path = e.packer.path[:len(outer.path)]
	e.packer = outer
	if e.err != nil {
		return
	}
	if e.sealer == nil {
		e.fail(n, errNoKey)
		return
	}
	var sealed []byte
	var err error
	if v.sealed != nil {
		sealed, err = e.sealer.reseal(path, plain, *v.sealed)
	} else {
		sealed, err = e.sealer.seal(path, plain)
	}
	clear(plain)
	if err != nil {
		e.fail(n, err)
		return
	}
	e.Bytes(n, sealed)
}

var errNoKey = errors.New("no key for secrets")

// numberPath prints a path of numbers, such as "5.2".
func numberPath(path []int) string {
	var a [32]byte
	b := a[:0]
	for i, p := range path {
		if i > 0 {
			b = append(b, '.')
		}
		b = strconv.AppendInt(b, int64(p), 10)
	}
	return string(b)
}

// unknownFields are the fields of a stored document that this program does not
// know: a newer program wrote them.
type unknownFields struct {
	fields []field       // of the document, ascending
	nested []nestedField // of objects in it, ascending within each object
	lost   string        // path of an unknown field inside an element of an array or a map, or ""
}

// nestedField is an unknown field of a nested object.
type nestedField struct {
	path   []int // numbers of the fields around it
	number int
	text   string // packed
}

// errLostField refuses to write a document again when an element of one of its
// arrays or maps has a field that this program does not know: elements have no
// identity, so there is no place to write the field again.
func errLostField(path string) error {
	return fmt.Errorf("field %s is not known to this program and inside a list, so that writing the document would lose it: %w", path, ErrNewerFormat)
}
