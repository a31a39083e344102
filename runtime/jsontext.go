package s3db

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// A small reader and writer of JSON (RFC 8259) for bodies: it takes strings out
// of the body without copying, and keeps the members it does not know as they
// stand. It accepts what encoding/json accepts, but for three things: invalid
// UTF-8, escapes of half a surrogate pair, and repeated names of members are
// mistakes.

// appendJSONString appends a quoted string. Only what must be escaped is.
func appendJSONString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(append(b, s[start:i]...), '\\')
		switch c {
		case '"', '\\':
			b = append(b, c)
		case '\n':
			b = append(b, 'n')
		case '\r':
			b = append(b, 'r')
		case '\t':
			b = append(b, 't')
		default:
			b = append(b, 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		start = i + 1
	}
	return append(append(b, s[start:]...), '"')
}

var errJSONSyntax = errors.New("not valid JSON")

// maxJSONDepth is the depth of nested values that the parser follows, as in
// encoding/json.
const maxJSONDepth = 10000

// jsonParser reads one JSON text from its start.
type jsonParser struct {
	src string
	pos int
}

func (p *jsonParser) blanks() {
	for p.pos < len(p.src) {
		switch p.src[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// next consumes the byte c after blanks.
func (p *jsonParser) next(c byte) bool {
	if p.pos < len(p.src) && p.src[p.pos] == c {
		p.pos++
		return true
	}
	p.blanks()
	if p.pos < len(p.src) && p.src[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

// syntax returns the error of a mistake here.
func (p *jsonParser) syntax() error {
	return fmt.Errorf("%w at byte %d of %d", errJSONSyntax, p.pos, len(p.src))
}

// end checks that nothing but blanks follows.
func (p *jsonParser) end() error {
	p.blanks()
	if p.pos != len(p.src) {
		return p.syntax()
	}
	return nil
}

// open reads the start of an object.
func (p *jsonParser) open() error {
	if !p.next('{') {
		return p.syntax()
	}
	return nil
}

// name reads the name of a member.
func (p *jsonParser) name() (string, error) {
	name, err := p.string()
	if err == nil && !p.next(':') {
		err = p.syntax()
	}
	return name, err
}

// more reads what follows a member: another one, or the end of the object.
func (p *jsonParser) more() (bool, error) {
	if p.next(',') {
		return true, nil
	}
	if p.next('}') {
		return false, nil
	}
	return false, p.syntax()
}

// object reads an object and calls member for each name; member reads the value.
func (p *jsonParser) object(member func(name string) error) error {
	err := p.open()
	for more := err == nil && !p.next('}'); more; {
		var name string
		if name, err = p.name(); err != nil {
			return err
		}
		if err = member(name); err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
		more, err = p.more()
	}
	return err
}

// string reads a string.
func (p *jsonParser) string() (string, error) {
	if !p.next('"') {
		return "", p.syntax()
	}
	start := p.pos
	ascii := true
	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; {
		case c == '"':
			s := p.src[start:p.pos]
			if !ascii && !utf8.ValidString(s) {
				return "", errUTF8
			}
			p.pos++
			return s, nil
		case c == '\\':
			return p.escapedString(start)
		case c < ' ':
			return "", p.syntax()
		case c >= utf8.RuneSelf:
			ascii = false
		}
		p.pos++
	}
	return "", p.syntax()
}

// escapedString reads on in a string that has an escape here.
func (p *jsonParser) escapedString(start int) (string, error) {
	b := []byte(p.src[start:p.pos])
	for p.pos < len(p.src) {
		c := p.src[p.pos]
		p.pos++
		switch {
		case c == '"':
			if !utf8.Valid(b) {
				return "", errUTF8
			}
			return string(b), nil
		case c < ' ':
			return "", p.syntax()
		case c != '\\':
			b = append(b, c)
		default:
			r, ok := p.escape()
			if !ok {
				return "", p.syntax()
			}
			b = utf8.AppendRune(b, r)
		}
	}
	return "", p.syntax()
}

// escape reads what follows a backslash.
func (p *jsonParser) escape() (rune, bool) {
	if p.pos == len(p.src) {
		return 0, false
	}
	c := p.src[p.pos]
	p.pos++
	switch c {
	case '"', '\\', '/':
		return rune(c), true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	case 'u':
		r, ok := p.hex4()
		if !ok || !utf16.IsSurrogate(r) {
			return r, ok
		}
		if !strings.HasPrefix(p.src[p.pos:], `\u`) {
			return 0, false
		}
		p.pos += 2
		low, ok := p.hex4()
		r = utf16.DecodeRune(r, low)
		return r, ok && r != utf8.RuneError
	}
	return 0, false
}

func (p *jsonParser) hex4() (rune, bool) {
	if len(p.src)-p.pos < 4 {
		return 0, false
	}
	var r rune
	for range 4 {
		c := p.src[p.pos]
		p.pos++
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// raw reads any value and returns it as it stands.
func (p *jsonParser) raw() (string, error) {
	p.blanks()
	start := p.pos
	if err := p.skip(0); err != nil {
		return "", err
	}
	return p.src[start:p.pos], nil
}

// skip reads any value.
func (p *jsonParser) skip(depth int) error {
	if depth > maxJSONDepth {
		return p.syntax()
	}
	p.blanks()
	if p.pos == len(p.src) {
		return p.syntax()
	}
	switch c := p.src[p.pos]; c {
	case '"':
		_, err := p.string()
		return err
	case '{':
		seen := map[string]bool{}
		return p.object(func(name string) error {
			if seen[name] {
				return errTwice
			}
			seen[name] = true
			return p.skip(depth + 1)
		})
	case '[':
		p.pos++
		if p.next(']') {
			return nil
		}
		for {
			if err := p.skip(depth + 1); err != nil {
				return err
			}
			if p.next(',') {
				continue
			}
			if p.next(']') {
				return nil
			}
			return p.syntax()
		}
	case 't':
		return p.word("true")
	case 'f':
		return p.word("false")
	case 'n':
		return p.word("null")
	}
	return p.number()
}

func (p *jsonParser) word(w string) error {
	if !strings.HasPrefix(p.src[p.pos:], w) {
		return p.syntax()
	}
	p.pos += len(w)
	return nil
}

// number passes a number.
func (p *jsonParser) number() error {
	if p.pos < len(p.src) && p.src[p.pos] == '-' {
		p.pos++
	}
	if p.pos < len(p.src) && p.src[p.pos] == '0' {
		p.pos++
	} else if !p.digits() {
		return p.syntax()
	}
	if p.pos < len(p.src) && p.src[p.pos] == '.' {
		p.pos++
		if !p.digits() {
			return p.syntax()
		}
	}
	if p.pos < len(p.src) && p.src[p.pos]|0x20 == 'e' {
		p.pos++
		if p.pos < len(p.src) && (p.src[p.pos] == '+' || p.src[p.pos] == '-') {
			p.pos++
		}
		if !p.digits() {
			return p.syntax()
		}
	}
	return nil
}

func (p *jsonParser) digits() bool {
	start := p.pos
	for p.pos < len(p.src) && p.src[p.pos] >= '0' && p.src[p.pos] <= '9' {
		p.pos++
	}
	return p.pos > start
}

// time reads a string that is a time of RFC 3339.
func (p *jsonParser) time() (time.Time, error) {
	s, err := p.string()
	if err != nil {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || !storableTime(t) {
		return time.Time{}, errors.New("not a time of RFC 3339")
	}
	return t.UTC(), nil
}
