package s3db

import (
	"encoding/base64"
	"errors"
	"strings"
	"unicode/utf8"
)

// Armour writes a text as the value of a header: printable ASCII that is never
// empty, has no blank at either end and no two in a row, and does not start with
// "=?". One text has one armour, and most plain ASCII is its own. For the rest
// there are three modes:
//
//   - ASCII, in which a text begins: a character stands for itself. "~" and "`"
//     begin pairs that stand for letters with accents, dashes and quotes.
//   - a window, for alphabets beside Latin: one byte a letter.
//   - groups, for Han, kana, Hangul and other large or rare scripts: seven bytes
//     for three characters.
//
// docs/format.md ("Armour") has the tables and examples; armour_tables.go too.

// errArmour is the mistake of a header that no writer has written.
var errArmour = errors.New("not an armoured text")

// plainWire reports whether a text is its own armour.
func plainWire[T string | []byte](s T) bool {
	if len(s) == 0 || s[0] == ' ' || s[len(s)-1] == ' ' || (s[0] == '=' && len(s) > 1 && s[1] == '?') {
		return false
	}
	i := 0
	for ; i+8 <= len(s); i += 8 {
		x := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		if !plainWord(x) {
			break
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; !plainBytes[c] && (c != ' ' || s[i-1] == ' ') {
			return false
		}
	}
	return true
}

// plainWord reports that eight bytes are plain and that no blank is among the
// first or the last of them or beside another. It may say false where that is so.
func plainWord(x uint64) bool {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	accent := x ^ ones*'`'
	blank := x ^ ones*' '
	blanks := (blank - ones) & ^blank & highs
	bad := x | (x + ones*2) | // above "}"
		((x - ones*' ') & ^x) | // below the blank
		((accent - ones) & ^accent)
	return bad&highs == 0 && blanks&(blanks>>8) == 0 && blanks&(0x80|0x80<<56) == 0
}

// appendArmour appends the armour of a text, which must be valid UTF-8.
func appendArmour(b []byte, s string) []byte {
	if plainWire(s) {
		return append(b, s...)
	}
	if s == "" {
		return append(b, '~')
	}
	start := len(b)
	a := armourer{out: b, src: s}
	a.run()
	if rest := 2 + base64.RawURLEncoding.EncodedLen(len(s)); len(a.out)-start > rest {
		b = append(a.out[:start], '~', ' ')
		return base64.RawURLEncoding.AppendEncode(b, []byte(s))
	}
	return a.out
}

// unarmour returns the text of an armour, or an error when nothing has this one.
func unarmour(wire string) (string, error) {
	if plainWire(wire) {
		return wire, nil
	}
	if wire == "~" {
		return "", nil
	}
	var text []byte
	if rest, ok := strings.CutPrefix(wire, "~ "); ok {
		var err error
		if text, err = base64.RawURLEncoding.DecodeString(rest); err != nil || !utf8.Valid(text) {
			return "", errArmour
		}
	} else {
		u := unarmourer{src: wire, out: make([]byte, 0, len(wire)*2)}
		if !u.run() {
			return "", errArmour
		}
		text = u.out
	}
	s := string(text)
	var a [256]byte
	if string(appendArmour(a[:0], s)) != wire {
		return "", errArmour
	}
	return s, nil
}

// The modes; a number from 0 on is that of a window.
const (
	modeASCII  = -1
	modeGroups = -2
)

// armourer writes an armour.
type armourer struct {
	src  string
	pos  int
	out  []byte
	mode int
}

func (a *armourer) run() {
	a.mode = modeASCII
	for a.pos < len(a.src) {
		c, size := rune(a.src[a.pos]), 1
		if c >= utf8.RuneSelf {
			c, size = utf8.DecodeRuneInString(a.src[a.pos:])
		}
		switch {
		case c == ' ':
			a.blank()
		case a.mode == modeGroups && a.grouped(a.pos):
			a.group()
			continue
		case a.mode != modeASCII && a.leaves(c):
			a.mode = modeASCII
			a.out = append(a.out, '`')
			continue
		case !a.char(c):
			continue
		}
		a.pos += size
	}
}

// blank writes a blank, in any mode. It is a pair where it would get lost.
func (a *armourer) blank() {
	if a.pos == 0 || a.pos == len(a.src)-1 || a.src[a.pos-1] == ' ' {
		a.out = append(a.out, '~', '*')
	} else {
		a.out = append(a.out, ' ')
	}
}

// leaves reports whether a character that is no blank can only be written in
// ASCII mode.
func (a *armourer) leaves(c rune) bool {
	if c > ' ' && c < 0x7F {
		if a.mode == modeGroups {
			return c != '~' && c != '|'
		}
		return c != '~' && strings.IndexByte(windowLiterals, byte(c)) < 0
	}
	return pageTwoSymbol(c) != 0
}

// char writes a character that is no blank. It reports false when it has only
// changed the mode.
func (a *armourer) char(c rune) bool {
	if c > ' ' && c < 0x7F {
		switch {
		case c == '`':
			a.out = append(a.out, '`', '`')
		case c == '~', c == '=' && a.pos == 0 && strings.HasPrefix(a.src, "=?"):
			a.out = append(a.out, '~', byte(c))
		default:
			a.out = append(a.out, byte(c))
		}
		return true
	}
	if symbol := pageOneSymbol(c); symbol != 0 {
		a.out = append(a.out, '~', symbol)
		return true
	}
	if symbol := pageTwoSymbol(c); symbol != 0 {
		a.out = append(a.out, '`', symbol)
		return true
	}
	if window, symbol := windowSymbol(c); symbol != 0 {
		if a.mode != window {
			a.mode = window
			a.out = append(a.out, '~', byte('0'+window)) //nolint:gosec // below ten
		}
		a.out = append(a.out, symbol)
		return true
	}
	if i := groupIndex(c); i >= 0 && i < groupScripts {
		a.mode = modeGroups
		a.out = append(a.out, '~', '9')
		return false
	}
	a.escape(c)
	return true
}

// escape writes a character that has no shorter form.
func (a *armourer) escape(c rune) {
	for i := range escapes {
		e := &escapes[i]
		for _, r := range e.ranges {
			if c >= r.low && c <= r.high {
				a.out = appendDigits(append(a.out, '~', e.symbol), r.index+int(c-r.low), e.digits)
				return
			}
		}
	}
}

// grouped reports whether the character at an offset of the source belongs into
// a group, in groups mode. Printable ASCII does when no more than two stand
// before the next one of the scripts: changing modes would be longer.
func (a *armourer) grouped(at int) bool {
	for ascii := 0; at < len(a.src); at++ {
		c := a.src[at]
		if c >= utf8.RuneSelf {
			r, _ := utf8.DecodeRuneInString(a.src[at:])
			return groupIndex(r) >= 0
		}
		if ascii++; ascii > 2 || c <= ' ' || c == '`' || c >= '|' {
			return false
		}
	}
	return false
}

// group writes up to three characters as one number.
func (a *armourer) group() {
	v, n := 0, 0
	for n < 3 && a.pos < len(a.src) && a.grouped(a.pos) {
		c, size := utf8.DecodeRuneInString(a.src[a.pos:])
		v = v*groupSize + groupIndex(c)
		a.pos += size
		n++
	}
	a.out = appendDigits(a.out, v, 2*n+1)
}

// appendDigits appends n digits, most significant first.
func appendDigits(b []byte, v, n int) []byte {
	start := len(b)
	b = append(b, "!!!!!!!"[:n]...)
	for i := len(b) - 1; i >= start; i-- {
		b[i] = armourDigits[v%len(armourDigits)]
		v /= len(armourDigits)
	}
	return b
}

// unarmourer reads an armour. It accepts more than armourer writes: the caller
// compares.
type unarmourer struct {
	src  string
	pos  int
	out  []byte
	mode int
}

func (u *unarmourer) run() bool {
	u.mode = modeASCII
	for u.pos < len(u.src) {
		c := u.src[u.pos]
		ok := true
		switch {
		case c == ' ', c == '|':
			u.out = append(u.out, c)
			u.pos++
		case c == '~':
			ok = u.pair()
		case c == '`' && u.mode != modeASCII:
			u.mode = modeASCII
			u.pos++
		case c == '`':
			ok = u.pageTwo()
		case u.mode == modeASCII:
			u.out = append(u.out, c)
			u.pos++
		case u.mode == modeGroups:
			ok = u.group()
		default:
			ok = u.letter(c)
		}
		if !ok {
			return false
		}
	}
	return true
}

// letter reads a byte in a window.
func (u *unarmourer) letter(c byte) bool {
	u.pos++
	if strings.IndexByte(windowLiterals, c) >= 0 {
		u.out = append(u.out, c)
		return true
	}
	i := strings.IndexByte(windowSymbols, c)
	if i < 0 || i >= len(windows[u.mode]) {
		return false
	}
	u.out = utf8.AppendRune(u.out, windows[u.mode][i])
	return true
}

// pageTwo reads a pair that begins with "`".
func (u *unarmourer) pageTwo() bool {
	if u.pos+1 == len(u.src) {
		return false
	}
	c := u.src[u.pos+1]
	u.pos += 2
	if c <= ' ' || c > '~' {
		return false
	}
	u.out = utf8.AppendRune(u.out, pageTwo[c-'!'])
	return true
}

// pair reads what begins with "~".
func (u *unarmourer) pair() bool {
	if u.pos+1 == len(u.src) {
		return false
	}
	c := u.src[u.pos+1]
	u.pos += 2
	switch {
	case c == '9':
		u.mode = modeGroups
		return true
	case c >= '0' && c < '9':
		u.mode = int(c - '0')
		return true
	case c >= '@' && c <= '}':
		u.out = utf8.AppendRune(u.out, rune(c)+0x80)
		return true
	case c == '*':
		u.out = append(u.out, ' ')
		return true
	case c == '~', c == '=':
		u.out = append(u.out, c)
		return true
	}
	for i := range pageOne {
		if pageOne[i].symbol == c {
			u.out = utf8.AppendRune(u.out, pageOne[i].char)
			return true
		}
	}
	for i := range escapes {
		if escapes[i].symbol == c {
			return u.escape(&escapes[i])
		}
	}
	return false
}

// escape reads the digits of an escape.
func (u *unarmourer) escape(e *escapeRange) bool {
	v, ok := u.digits(e.digits)
	if !ok {
		return false
	}
	for _, r := range e.ranges {
		if v >= r.index && v-r.index <= int(r.high-r.low) {
			u.out = utf8.AppendRune(u.out, r.low+rune(v-r.index)) //nolint:gosec // within the range
			return true
		}
	}
	return false
}

// group reads a group: seven bytes, or what is left of a run of them.
func (u *unarmourer) group() bool {
	end := u.pos
	for end < len(u.src) && end-u.pos < 7 && armourDigit(u.src[end]) >= 0 {
		end++
	}
	size := end - u.pos
	v, ok := u.digits(size)
	if !ok || size%2 == 0 || size < 3 {
		return false
	}
	var chars [3]rune
	for i := size/2 - 1; i >= 0; i-- {
		chars[i] = groupChar(v % groupSize)
		v /= groupSize
	}
	if v != 0 {
		return false
	}
	for _, c := range chars[:size/2] {
		u.out = utf8.AppendRune(u.out, c)
	}
	return true
}

// digits reads a number of n digits.
func (u *unarmourer) digits(n int) (v int, ok bool) {
	if len(u.src)-u.pos < n {
		return 0, false
	}
	for range n {
		d := armourDigit(u.src[u.pos])
		if d < 0 {
			return 0, false
		}
		v = v*len(armourDigits) + d
		u.pos++
	}
	return v, true
}
