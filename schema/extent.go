package schema

import (
	"math"
	"strconv"
	"time"
)

// How long the texts of values get, by the rules of docs/format.md: "Texts of
// values", "Packed texts" and "Armour".

// extent is how long the texts of a type get.
type extent struct {
	text  int      // bytes of the text, as it is packed
	wire  int      // bytes of the text in a header, written character by character
	plain bool     // the text is its own armour, wherever it stands
	open  *openEnd // why there is no most, nil when there is one; the sizes leave out what is open
}

// openEnd is a value without a greatest size.
type openEnd struct {
	attribute *Attribute // the innermost that holds it
	typ       *Type
	what      string // "has no max"
	fix       string // what gives it a greatest size, "" when nothing does
}

// vast is a size that no rule means, so that products do not overflow.
const vast = 1 << 40

func sized(n int) extent { return extent{text: n, wire: n, plain: true} }

// header returns the bytes of a header's value that is a text of the extent.
func (e extent) header() int {
	const empty = len("~")
	if e.plain {
		return max(empty, e.text)
	}
	return max(empty, min(e.wire, len("~ ")+rawBase64(e.text)))
}

// plus returns the extent of two texts, one after the other.
func (e extent) plus(f extent) extent {
	if e.open == nil {
		e.open = f.open
	}
	return extent{text: min(vast, e.text+f.text), wire: min(vast, e.wire+f.wire), plain: e.plain && f.plain, open: e.open}
}

// times returns the extent of n texts.
func (e extent) times(n int) extent {
	times := func(size int) int {
		if size > 0 && n > vast/size {
			return vast
		}
		return n * size
	}
	e.text, e.wire = times(e.text), times(e.wire)
	return e
}

// orMore returns the larger extent of two, in each respect.
func (e extent) orMore(f extent) extent {
	return extent{text: max(e.text, f.text), wire: max(e.wire, f.wire), plain: e.plain && f.plain, open: e.open}
}

// rawBase64 is the size of n bytes in base64 without padding.
func rawBase64(n int) int { return (n*8 + 5) / 6 }

// base62Digits is the number of digits of v in base 62.
func base62Digits(v uint64) int {
	n := 1
	for ; v >= 62; v /= 62 {
		n++
	}
	return n
}

func base62Signed(v int64) int {
	if v < 0 {
		return len("-") + base62Digits(-uint64(v)) //nolint:gosec // two's complement
	}
	return base62Digits(uint64(v))
}

// ruler measures the texts of types: the longest that the rules allow, or typical ones.
type ruler struct {
	typical bool
	cut     map[*Attribute]int // strings that are cut, with the characters that must stay
}

// value measures a value: packed into another one, or with a header of its own.
func (m ruler) value(a *Attribute, t *Type, packed bool) extent {
	switch {
	case t.Kind.isText() && t.Kind != KindPassword:
		return m.string(a, t, packed)
	case t.Kind.isNumber(), t.Kind.isTime(), t.Kind == KindDuration:
		return m.quantity(a, t)
	}
	switch t.Kind {
	case KindBoolean:
		return sized(1)
	case KindUUID:
		return sized(22)
	case KindIP4:
		return sized(base62Digits(math.MaxUint32))
	case KindIP6, KindIP:
		if m.typical && t.Kind == KindIP {
			return sized(base62Digits(math.MaxUint32))
		}
		return sized(len(":") + 22)
	case KindEnum:
		most := 1
		for _, v := range t.Enum {
			most = max(most, v.Number)
		}
		return sized(base62Digits(uint64(most))) //nolint:gosec // above zero
	case KindBytes:
		n, open := m.count(a, t, typicalBytes)
		return extent{text: rawBase64(n), wire: rawBase64(n), plain: true, open: open}
	case KindPassword:
		return m.password()
	case KindSecret:
		return m.sealed(a, t)
	case KindArray, KindMap:
		return m.list(a, t).enclosed(packed)
	case KindObject:
		if t.Fields != nil {
			return m.object(t.Fields).enclosed(packed)
		}
	default:
	}
	if m.typical {
		return sized(typicalJSON)
	}
	return extent{open: &openEnd{attribute: a, typ: t, what: "may hold any JSON, which has no max"}}
}

// enclosed adds the parentheses of a container within another.
func (e extent) enclosed(packed bool) extent {
	e = e.orMore(extent{text: len("^"), wire: len("^"), plain: true})
	if packed {
		return e.plus(sized(len("()")))
	}
	return e
}

// What is typical, where the rules leave it open. Texts are of plain letters.
const (
	typicalString = 24
	typicalText   = 200
	typicalURL    = 40
	typicalBytes  = 32 // bytes
	typicalItems  = 3
	typicalKey    = 8 // characters of a key of a map
	typicalJSON   = 64
	typicalNumber = len("wf,") // 19.99, as a number and as a decimal
)

// count returns the characters, bytes or items of a value: the most, or typically.
func (m ruler) count(a *Attribute, t *Type, typically int) (int, *openEnd) {
	r := &t.Rules
	if r.Length != nil {
		return int(*r.Length), nil
	}
	if m.typical {
		if r.Min != nil {
			typically = max(typically, int(*r.Min))
		}
		if r.Max != nil {
			typically = min(typically, int(*r.Max))
		}
		return typically, nil
	}
	if r.Max != nil {
		return int(*r.Max), nil
	}
	return 0, &openEnd{attribute: a, typ: t, what: "has no max", fix: "max"}
}

// quantity measures numbers and times, whose texts get longer with their distance
// from zero.
func (m ruler) quantity(a *Attribute, t *Type) extent {
	r := &t.Rules
	switch t.Kind {
	case KindInteger:
		if m.typical {
			return sized(base62Signed(typicalInteger(r)))
		}
		low, high := wholeBounds(r)
		return sized(max(base62Signed(low), base62Signed(high)))
	case KindNumber:
		if m.typical {
			return sized(typicalNumber)
		}
		// 17 decimal digits at most are 10 of base 62, the power of ten three more.
		const size = 13
		if sign(r.MinNumber) >= 0 && r.MinNumber != "" || r.Positive || sign(r.Equal) > 0 {
			return sized(size)
		}
		return sized(len("-") + size)
	case KindDecimal:
		if m.typical {
			return sized(typicalNumber)
		}
		return extent{open: &openEnd{attribute: a, typ: t, what: "is a decimal, whose digits have no max"}}
	case KindDate:
		if m.typical {
			return sized(len("594")) // 2024-02-29
		}
		const day = 24 * 60 * 60
		first, last := timeBounds(r)
		return sized(max(base62Signed(first.Unix()/day), base62Signed(last.Unix()/day)))
	case KindDateTime:
		if m.typical {
			return sized(len("1Rpk50.1Z")) // 2024-01-15T10:20:30.123Z
		}
		first, last := timeBounds(r)
		return sized(max(base62Signed(first.Unix()), base62Signed(last.Unix())) + secondPart)
	default:
	}
	if m.typical {
		return sized(len("W4")) // an hour
	}
	low, high := wholeBounds(r)
	const second = int64(time.Second)
	size := max(base62Signed(low/second), base62Signed(high/second))
	if low < 0 && low > -second { // the sign stands before a zero
		size = max(size, len("-0"))
	}
	return sized(size + secondPart)
}

// secondPart is the part of a second: a mark, and 999,999,999 in base 62.
const secondPart = len(";15FTGf")

// typicalInteger is 10,000, or what is nearest to it.
func typicalInteger(r *Rules) int64 {
	low, high := wholeBounds(r)
	return max(low, min(high, 10_000))
}

// wholeBounds returns the least and the greatest whole number that rules allow.
func wholeBounds(r *Rules) (low, high int64) {
	low, high = math.MinInt64, math.MaxInt64
	if r.Positive {
		low = 1
	}
	if r.Negative {
		high = -1
	}
	if n, err := strconv.ParseInt(r.MinNumber, 10, 64); err == nil {
		low = max(low, n)
	}
	if n, err := strconv.ParseInt(r.MaxNumber, 10, 64); err == nil {
		high = min(high, n)
	}
	if n, err := strconv.ParseInt(r.Equal, 10, 64); err == nil {
		return n, n
	}
	return low, high
}

// sign returns the sign of a number as rules hold it; 0 of an absent one.
func sign(number string) int {
	f, err := strconv.ParseFloat(number, 64)
	switch {
	case err != nil || f == 0:
		return 0
	case f < 0:
		return -1
	}
	return 1
}

// timeBounds returns the first and the last instant that rules allow.
func timeBounds(r *Rules) (first, last time.Time) {
	first, last = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, r.MinTime); err == nil {
			first = t
		}
		if t, err := time.Parse(layout, r.MaxTime); err == nil {
			last = t
		}
	}
	return first, last
}

// Sizes of what stands for secrets and passwords (docs/format.md, "Secrets").
const (
	sealedRest  = 2 + 12 + 16 // format and length of the key's id, nonce, tag
	maxKeyID    = 32
	typicalID   = 8   // of a key that was given none
	longestPHC  = 378 // $argon2id$v=19$m=1048576,t=64,p=64$, and 128 bytes of salt and of hash
	ordinaryPHC = 97  // $argon2id$v=19$m=19456,t=2,p=1$, 16 bytes of salt and 32 of hash
)

func (m ruler) password() extent {
	if m.typical {
		return sized(ordinaryPHC)
	}
	return sized(longestPHC)
}

// sealed measures a secret: the encrypted text of its value, in base64.
func (m ruler) sealed(a *Attribute, t *Type) extent {
	id := maxKeyID
	if m.typical {
		id = typicalID
	}
	inner := m.value(a, t.Elem, false)
	size := rawBase64(sealedRest + id + inner.text)
	return extent{text: size, wire: size, plain: true, open: inner.open}
}

// list measures an array or a map.
func (m ruler) list(a *Attribute, t *Type) extent {
	n, open := m.count(a, t, typicalItems)
	if values := t.Elem.values(); t.Rules.UniqueItems && values > 0 && !m.typical && (open != nil || n > values) {
		n, open = values, nil
	}
	item := m.value(a, t.Elem, true)
	if t.Kind == KindMap {
		item = item.plus(m.key(a, t)).plus(sized(len("=")))
	}
	all := item.plus(sized(len("|"))).times(n)
	if n > 0 {
		all.text, all.wire = all.text-len("|"), all.wire-len("|")
	}
	if open != nil {
		all.open = open
	}
	return all
}

// values returns how many values a type has, 0 when they are not counted.
func (t *Type) values() int {
	switch {
	case t.Kind == KindEnum:
		return len(t.Enum)
	case t.Kind == KindBoolean:
		return 2
	}
	return len(t.Rules.In)
}

// key measures the keys of a map, which have no rules.
func (m ruler) key(a *Attribute, t *Type) extent {
	if m.typical {
		return sized(typicalKey)
	}
	return extent{open: &openEnd{attribute: a, typ: t, what: "is a map, whose keys have no max"}}
}

// object measures the packed attributes of an object. One whose number does not
// follow that of its predecessor has the number before it, so that leaving out an
// optional attribute may make the text longer.
func (m ruler) object(attributes []*Attribute) extent {
	sorted := byNumber(attributes)
	// longest[i] is the longest text whose last attribute is the one before i; the
	// first is that of no attribute.
	longest := make([]extent, len(sorted)+1)
	longest[0] = sized(0)
	all := sized(0)
	for i, a := range sorted {
		own := m.attribute(a, true)
		for before := i; before >= 0; before-- {
			joint, last := sized(0), 0
			if before > 0 {
				joint, last = sized(len("|")), sorted[before-1].Number
			}
			if a.Number != last+1 {
				joint = joint.plus(sized(len("^:") + base62Digits(uint64(a.Number)))) //nolint:gosec // above zero
			}
			whole := longest[before].plus(joint).plus(own)
			if before == i {
				longest[i+1] = whole
			}
			longest[i+1] = longest[i+1].orMore(whole)
			if m.typical || before > 0 && !sorted[before-1].Optional {
				break
			}
		}
		// Whatever follows must be there unless it is optional.
		if a.Optional {
			all = all.orMore(longest[i+1])
		} else {
			all = longest[i+1]
		}
		all.open = longest[i+1].open
	}
	return all
}

// attribute measures the value of an attribute.
func (m ruler) attribute(a *Attribute, packed bool) extent {
	if least, ok := m.cut[a]; ok {
		return m.shortened(a.Type, least, packed)
	}
	return m.value(a, a.Type, packed)
}
