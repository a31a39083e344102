package bqdouble

import (
	"strings"
	"unicode"
)

// token is a word of GoogleSQL:
// https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical.
type token struct {
	kind tokenKind
	text string // of a word in upper case in upper
	at   int
}

type tokenKind int

const (
	tokenEnd    tokenKind = iota
	tokenWord             // a keyword or a name
	tokenQuoted           // a name in backticks
	tokenString
	tokenNumber
	tokenSign
	tokenParameter // @name
)

func (t token) is(words ...string) bool {
	for _, w := range words {
		if t.kind == tokenWord && strings.EqualFold(t.text, w) || t.kind == tokenSign && t.text == w {
			return true
		}
	}
	return false
}

// lex splits a statement into tokens.
func lex(s string) ([]token, *failure) {
	var tokens []token
	for i := 0; i < len(s); {
		c := s[i]
		rest := s[i:]
		switch {
		case c == ' ' || c == '\n' || c == '\t':
			i++
			continue
		case c == '`':
			end := strings.IndexByte(rest[1:], '`')
			if end < 1 {
				return nil, invalidQuery("Syntax error: Unclosed identifier literal at [%d]", i)
			}
			tokens = append(tokens, token{tokenQuoted, rest[1 : end+1], i})
			i += end + 2
		case c == '\'':
			value, size, f := quoted(rest, i)
			if f != nil {
				return nil, f
			}
			tokens = append(tokens, token{tokenString, value, i})
			i += size
		case c == '@' && len(rest) > 1 && isWordStart(rest[1]):
			n := 2
			for n < len(rest) && (isWordStart(rest[n]) || unicode.IsDigit(rune(rest[n]))) {
				n++
			}
			tokens = append(tokens, token{tokenParameter, rest[1:n], i})
			i += n
		case isWordStart(c):
			n := 1
			for n < len(rest) && (isWordStart(rest[n]) || unicode.IsDigit(rune(rest[n]))) {
				n++
			}
			tokens = append(tokens, token{tokenWord, rest[:n], i})
			i += n
		case c >= '0' && c <= '9':
			n := 1
			for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
				n++
			}
			tokens = append(tokens, token{tokenNumber, rest[:n], i})
			i += n
		default:
			sign := rest[:1]
			for _, two := range []string{">=", "<=", "!=", "<>"} {
				if strings.HasPrefix(rest, two) {
					sign = two
				}
			}
			if !strings.Contains("().,*=<>=!=", sign) {
				return nil, invalidQuery("Syntax error: Unexpected %q at [%d]", sign, i)
			}
			tokens = append(tokens, token{tokenSign, sign, i})
			i += len(sign)
		}
	}
	return append(tokens, token{kind: tokenEnd, at: len(s)}), nil
}

func isWordStart(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// quoted reads a string literal and returns its value and its length.
func quoted(s string, at int) (string, int, *failure) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; c {
		case '\'':
			return b.String(), i + 1, nil
		case '\n':
			return "", 0, invalidQuery("Syntax error: Unclosed string literal at [%d]", at)
		case '\\':
			i++
			if i == len(s) || !strings.ContainsRune(`\'"`, rune(s[i])) {
				return "", 0, invalidQuery("Syntax error: Illegal escape sequence at [%d]", at)
			}
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", 0, invalidQuery("Syntax error: Unclosed string literal at [%d]", at)
}
