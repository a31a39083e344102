package gen

import (
	"strings"
	"unicode"
)

// words splits a name into words: at everything that is neither letter nor
// digit, and where a new word starts in camelCase ("userID", "HTTPServer").
// Marks such as combining accents vanish without splitting, since Go allows none
// in identifiers. A name without any small letter ("IN_PROGRESS") counts as
// written in small letters.
func words(name string) []string {
	if strings.IndexFunc(name, unicode.IsLower) < 0 {
		name = strings.ToLower(name)
	}
	var list []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			list = append(list, string(word))
			word = word[:0]
		}
	}
	runes := []rune(name)
	for i, r := range runes {
		switch {
		case unicode.IsMark(r):
			continue
		case !isIdentifierRune(r):
			flush()
			continue
		case unicode.IsUpper(r) && i > 0:
			afterSmall := unicode.IsLower(runes[i-1]) || unicode.IsDigit(runes[i-1])
			beforeSmall := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if afterSmall || unicode.IsUpper(runes[i-1]) && beforeSmall && !isPluralEnd(runes, i) {
				flush()
			}
		}
		word = append(word, r)
	}
	flush()
	return list
}

// isPluralEnd reports whether the capital at i is the last one of a plural such
// as "IDs", whose "s" ends the word.
func isPluralEnd(runes []rune, i int) bool {
	return runes[i+1] == 's' && (i+2 == len(runes) || !unicode.IsLower(runes[i+2]))
}

// isIdentifierRune reports whether Go allows r inside an identifier; "_" is left
// out because it separates words.
func isIdentifierRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}

// goName makes an exported Go identifier of words; "" when nothing is left.
func goName(name string) string {
	n := camel(words(name))
	if n == "" || unicode.IsUpper([]rune(n)[0]) {
		return n
	}
	// Scripts without capitals, and digits, need one to be exported.
	return "X" + n
}

// camel joins words, each with a capital first letter, initialisms in capitals.
func camel(list []string) string {
	var b strings.Builder
	for _, w := range list {
		b.WriteString(capital(w))
	}
	return b.String()
}

func capital(word string) string {
	if upper, ok := initialism(word); ok {
		return upper
	}
	runes := []rune(word)
	runes[0] = unicode.ToUpper(runes[0])
	return string(runes)
}

// initialism returns the spelling of a word that Go programs write in capitals:
// "id" → "ID", "urls" → "URLs", "ip4" → "IP4".
func initialism(word string) (string, bool) {
	lower := strings.ToLower(word)
	stem := strings.TrimRight(lower, "0123456789")
	if isInitialism(stem) || isInitialism(lower) {
		return strings.ToUpper(lower), true
	}
	if plural, ok := strings.CutSuffix(lower, "s"); ok && isInitialism(plural) {
		return strings.ToUpper(plural) + "s", true
	}
	return "", false
}

// isInitialism knows the initialisms of the Go style guides, and a few that
// schemas use.
func isInitialism(lower string) bool {
	switch lower {
	case "acl", "api", "ascii", "aws", "cpu", "css", "csv", "db", "dns", "eof", "gpu", "gps", "guid", "html", "http", "https",
		"iban", "id", "io", "ip", "ipv", "isbn", "iso", "json", "jwt", "lhs", "mac", "mfa", "os", "pdf", "pin", "qps", "ram", "rhs",
		"rpc", "sku", "sla", "smtp", "sms", "sql", "ssh", "sso", "ssl", "tcp", "tls", "totp", "ttl", "udp", "ui", "uid", "ulid",
		"uri", "url", "utf", "uuid", "vat", "vm", "xml", "xmpp", "xsrf", "xss", "yaml":
		return true
	}
	return false
}

// unexported returns an exported identifier with its first word in small
// letters: "UserRole" → "userRole", "URLMap" → "urlMap", "IDs" → "ids".
func unexported(name string) string {
	runes := []rune(name)
	for i, r := range runes {
		last := i+1 == len(runes)
		if i > 0 && (!unicode.IsUpper(r) || !last && unicode.IsLower(runes[i+1]) && !isPluralEnd(runes, i)) {
			break
		}
		runes[i] = unicode.ToLower(r)
	}
	return string(runes)
}
