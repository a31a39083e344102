package s3db

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Format is a set of forms that a string must have, all at the same time.
type Format uint16

// The formats. All but base64 refuse the empty string.
const (
	FormatEmail      Format = 1 << iota // address without a display name: ada@example.com
	FormatURL                           // absolute URL, see StringRules.Schemes
	FormatAlpha                         // letters a-z and A-Z
	FormatNumeric                       // digits 0-9
	FormatAlphanum                      // letters a-z and A-Z, digits
	FormatAlphadash                     // letters a-z and A-Z, digits, "-", "_"
	FormatHex                           // digits 0-9, a-f, A-F
	FormatBase64                        // standard alphabet, padded (RFC 4648, section 4)
	FormatSingleLine                    // no line break of any script
)

func (f Format) check(v *Validator, path, s string, schemes []string) {
	if f&FormatEmail != 0 && !isEmail(s) {
		v.Add(path, "email", "must be an email address")
	}
	if f&FormatURL != 0 {
		checkURL(v, path, s, schemes)
	}
	if f&FormatAlpha != 0 && !all(s, isLetter) {
		v.Add(path, "alpha", "must consist of the letters a-z and A-Z")
	}
	if f&FormatNumeric != 0 && !all(s, isDigit) {
		v.Add(path, "numeric", "must consist of digits")
	}
	if f&FormatAlphanum != 0 && !all(s, isLetterOrDigit) {
		v.Add(path, "alphanum", "must consist of the letters a-z and A-Z and digits")
	}
	if f&FormatAlphadash != 0 && !all(s, isDash) {
		v.Add(path, "alphadash", "must consist of the letters a-z and A-Z, digits, - and _")
	}
	if f&FormatHex != 0 && !all(s, isHex) {
		v.Add(path, "hex", "must consist of hexadecimal digits")
	}
	if f&FormatBase64 != 0 && !isBase64(s) {
		v.Add(path, "base64", "must be base64 with padding")
	}
	if f&FormatSingleLine != 0 && strings.ContainsFunc(s, isLineBreak) {
		v.Add(path, "singleLine", "must be one line")
	}
}

// all reports whether s is not empty and every byte is of a class.
func all(s string, class func(byte) bool) bool {
	for i := range len(s) {
		if !class(s[i]) {
			return false
		}
	}
	return s != ""
}

func isLetter(c byte) bool        { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
func isDigit(c byte) bool         { return '0' <= c && c <= '9' }
func isLetterOrDigit(c byte) bool { return isLetter(c) || isDigit(c) }
func isDash(c byte) bool          { return isLetterOrDigit(c) || c == '-' || c == '_' }
func isHex(c byte) bool           { return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' }

func isBase64(s string) bool {
	if len(s)%4 != 0 {
		return false
	}
	digits := strings.TrimSuffix(strings.TrimSuffix(s, "="), "=")
	return digits == "" && s == "" || all(digits, func(c byte) bool { return isLetterOrDigit(c) || c == '+' || c == '/' })
}

func isLineBreak(r rune) bool {
	switch r {
	case '\n', '\v', '\f', '\r', '\u0085', '\u2028', '\u2029':
		return true
	}
	return false
}

// isEmail accepts the addresses that people have: the dot-atom form of RFC 5322
// (letters of all scripts by RFC 6531) at a domain of two labels or more, within
// the lengths of RFC 5321. It refuses what the RFCs allow and mail servers do
// not: quotes, comments, address literals.
func isEmail(s string) bool {
	const longestLocal, longest = 64, 254
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at > longestLocal || len(s) > longest {
		return false
	}
	return isDotAtom(s[:at]) && isDomain(s[at+1:], 2)
}

func isDotAtom(s string) bool {
	last := '.'
	for _, r := range s {
		if r == '.' && last == '.' || !isAtomRune(r) {
			return false
		}
		last = r
	}
	return last != '.'
}

func isAtomRune(r rune) bool {
	if r < utf8.RuneSelf {
		return isLetterOrDigit(byte(r)) || strings.ContainsRune("!#$%&'*+-/=?^_`{|}~.", r)
	}
	return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r)
}

// isDomain accepts host names of at least so many labels, of which the last one
// is not a number (RFC 1123, with letters of all scripts).
func isDomain(s string, labels int) bool {
	if len(s) > 253 {
		return false
	}
	for {
		label, rest, more := strings.Cut(s, ".")
		if !isLabel(label) {
			return false
		}
		labels--
		if !more {
			return labels <= 0 && !all(label, isDigit)
		}
		s = rest
	}
}

func isLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for _, r := range s {
		switch {
		case r < utf8.RuneSelf && (isLetterOrDigit(byte(r)) || r == '-'):
		case r >= utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r)):
		default:
			return false
		}
	}
	return true
}

func checkURL(v *Validator, path, s string, schemes []string) {
	scheme, rest, found := strings.Cut(s, ":")
	if !found || !isScheme(scheme) || !isURLText(rest) || !isHierarchy(scheme, rest) {
		v.Add(path, "url", "must be an absolute URL")
		return
	}
	if len(schemes) == 0 {
		if !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
			v.Add(path, "url", "must start with http:// or https://")
		}
		return
	}
	if !slices.ContainsFunc(schemes, func(x string) bool { return strings.EqualFold(x, scheme) }) {
		v.Add(path, "schemes", "must have one of the schemes "+listed(schemes))
	}
}

// isScheme follows RFC 3986, section 3.1.
func isScheme(s string) bool {
	if s == "" || !isLetter(s[0]) {
		return false
	}
	return all(s, func(c byte) bool { return isLetterOrDigit(c) || c == '+' || c == '-' || c == '.' })
}

// isURLText refuses white space, control characters, what RFC 3986 leaves out,
// and percent signs that escape nothing.
func isURLText(s string) bool {
	for i, r := range s {
		switch {
		case r == '%':
			if i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
				return false
			}
		case r <= ' ' || r == 0x7F || strings.ContainsRune("\"<>\\^`{|}", r):
			return false
		case r >= utf8.RuneSelf && !unicode.IsGraphic(r) || unicode.IsSpace(r):
			return false
		}
	}
	return s != ""
}

// isHierarchy checks what follows the scheme. The schemes of the web need a
// host; others may do without, as in mailto:ada@example.com and file:///etc.
func isHierarchy(scheme, rest string) bool {
	authority, found := strings.CutPrefix(rest, "//")
	if !found {
		return !isWeb(scheme)
	}
	if end := strings.IndexAny(authority, "/?#"); end >= 0 {
		authority = authority[:end]
	}
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		if !all(authority[:at], isUserinfo) {
			return false
		}
		return isHost(authority[at+1:])
	}
	if authority == "" {
		return !isWeb(scheme) && rest != "//"
	}
	return isHost(authority)
}

func isWeb(scheme string) bool {
	switch strings.ToLower(scheme) { // no copy when it is lower case already
	case "http", "https", "ws", "wss", "ftp":
		return true
	}
	return false
}

// isUserinfo follows RFC 3986, section 3.2.1; isURLText has seen to the escapes.
func isUserinfo(c byte) bool {
	return isLetterOrDigit(c) || strings.IndexByte("-._~!$&'()*+,;=:%", c) >= 0
}

// isHost accepts a name or an address, with or without a port.
func isHost(s string) bool {
	if v6, found := strings.CutPrefix(s, "["); found {
		address, port, closed := strings.Cut(v6, "]")
		ip, err := netip.ParseAddr(address)
		return closed && err == nil && ip.Is6() && ip.Zone() == "" && (port == "" || port[0] == ':' && isPort(port[1:]))
	}
	host, port, found := strings.Cut(s, ":")
	return isHostName(host) && (!found || isPort(port))
}

// isHostName is laxer than isDomain: one label will do, and names with an
// underscore do exist.
func isHostName(s string) bool {
	s = strings.TrimSuffix(s, ".")
	if s == "" || len(s) > 253 {
		return false
	}
	last := '.'
	for _, r := range s {
		switch {
		case r == '.' && last == '.':
			return false
		case r < utf8.RuneSelf && (isDash(byte(r)) || r == '.'):
		case r >= utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r)):
		default:
			return false
		}
		last = r
	}
	return last != '.'
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0 && all(s, isDigit)
}
