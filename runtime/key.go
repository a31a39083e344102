package s3db

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Keys of objects (docs/format.md, "Keys"):
//
//	<prefix>/resource=users/data/id=<id>
//	<prefix>/resource=users/partition=byCountry/country=<value>!/id=<id>!<token>
//	<prefix>/resource=users/unique=email/email=<value>!
//	<prefix>/resource=users/unique=email/hmac=<hash>!
//	<prefix>/resource=users/content/id=<id>!<token>
//
// Texts in keys are escaped byte by byte: letters, digits and "-" stand for
// themselves, any other byte is written as an escape and two hex digits. Which
// escape it is depends on the byte, so that the order of the escaped texts is the
// order of the texts. "!" is below all of these and ends a text that something
// follows.

const (
	// keyEnd ends an escaped text; it sorts before every byte of one.
	keyEnd = '!'
	// maxIDText is the number of bytes that an escaped id may have.
	maxIDText = 200
	// maxKeyValue is the number of bytes that an escaped value may have before it
	// is cut and hashed.
	maxKeyValue = 160
	// maxKeySegment is the number of bytes of a segment of a key.
	maxKeySegment = 255
)

// appendKeyText appends an escaped text.
func appendKeyText(b []byte, s string) []byte {
	const hexDigits = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		var escape byte
		switch {
		case c == '-', c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z':
			b = append(b, c)
			continue
		case c < '-':
			escape = ','
		case c < '0':
			escape = '.'
		case c < 'A':
			escape = '='
		case c < 'a':
			escape = '_'
		default:
			escape = '~'
		}
		b = append(b, escape, hexDigits[c>>4], hexDigits[c&15])
	}
	return b
}

// parseKeyText is the inverse of appendKeyText. It accepts only what that writes.
func parseKeyText(s string) (string, bool) {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch c {
		case ',', '.', '=', '_', '~':
			if len(s)-i < 3 {
				return "", false
			}
			v, err := hex.DecodeString(s[i+1 : i+3])
			if err != nil {
				return "", false
			}
			b = append(b, v[0])
			i += 2
		default:
			b = append(b, c)
		}
	}
	if string(appendKeyText(make([]byte, 0, len(s)), string(b))) != s {
		return "", false
	}
	return string(b), true
}

// appendKeyName appends the name of a resource, an index or a field. What names
// are usually made of, "." and "_" included, stands for itself.
func appendKeyName(b []byte, s string) []byte {
	const hexDigits = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case c == '-', c == '.', c == '_', c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z':
			b = append(b, c)
		default:
			b = append(b, '~', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return b
}

// appendKeyValue appends an escaped value and its end, in at most longest bytes
// and one. A value that is too long is cut between two escaped bytes; "!!" and a
// hash of the whole follow, which no other value can hold.
func appendKeyValue(b, value []byte, longest int, desc bool) (out []byte, hashed bool) {
	start := len(b)
	room := longest
	if desc {
		room--
	}
	// What is kept does not depend on bytes of the value after these.
	b = appendKeyText(b, string(value[:min(len(value), room+1)]))
	if hashed = len(b)-start > room; hashed {
		cut := start
		for next := cut; next <= start+room-keyHashSize; {
			cut = next
			switch b[next] {
			case ',', '.', '=', '_', '~':
				next += 3
			default:
				next++
			}
		}
		b = b[:cut]
	}
	if desc {
		b = mirrorKey(b, start)
	}
	if hashed {
		sum := sha256.Sum256(value)
		b = appendKeyHash(append(b, keyEnd, keyEnd), sum[:])
	}
	return append(b, keyEnd), hashed
}

// keyHashSize is the number of bytes of "!!" and a hash: 43 digits of base 62.
const keyHashSize = 2 + 43

// resourceKey starts the key of anything of a resource.
func resourceKey(prefix, resource string) []byte {
	b := make([]byte, 0, len(prefix)+len(resource)+maxIDText+40)
	if prefix != "" {
		b = append(append(b, prefix...), '/')
	}
	return append(appendKeyName(append(b, "resource="...), resource), '/')
}

// dataPrefix is what the keys of all documents of a resource start with.
func dataPrefix(prefix, resource string) string {
	return string(append(resourceKey(prefix, resource), "data/id="...))
}

// dataKey is the key of a document.
func dataKey(prefix, resource, id string) string {
	return string(appendKeyText(append(resourceKey(prefix, resource), "data/id="...), id))
}

// parseDataKey returns the id of the document under a key that starts with
// dataPrefix.
func parseDataKey(prefix, resource, key string) (id string, ok bool) {
	s, ok := strings.CutPrefix(key, dataPrefix(prefix, resource))
	if !ok || s == "" {
		return "", false
	}
	return parseKeyText(s)
}

// contentPrefix is what the keys of all contents of a resource start with.
func contentPrefix(prefix, resource string) string {
	return string(append(resourceKey(prefix, resource), "content/"...))
}

// historyPrefix is below all kept states of a resource's documents.
func historyPrefix(prefix, resource string) string {
	return string(append(resourceKey(prefix, resource), "history/"...))
}

// historyKey is the key of a kept state of a document; each has a token of its own.
func historyKey(prefix, resource, id, token string) string {
	b := append([]byte(historyPrefix(prefix, resource)), "id="...)
	b = append(appendKeyText(b, id), keyEnd)
	return string(append(b, token...))
}

// contentKey is the key of a content of a document; each one that was ever set
// has a token of its own.
func contentKey(prefix, resource, id, token string) string {
	b := append([]byte(contentPrefix(prefix, resource)), "id="...)
	b = append(appendKeyText(b, id), keyEnd)
	return string(append(b, token...))
}

// entryKey is the key of a document's entry in a partition; path is that of its
// values.
func entryKey(prefix, resource, partition, path, id, token string) string {
	b := []byte(entryPrefix(prefix, resource, partition, path))
	b = append(appendKeyText(append(b, "id="...), id), keyEnd)
	return string(append(b, token...))
}

// entryPrefix is what the keys of all entries of a partition start with whose
// first values have this path; "" for all entries of the partition.
func entryPrefix(prefix, resource, partition, path string) string {
	b := append(resourceKey(prefix, resource), "partition="...)
	b = append(appendKeyName(b, partition), '/')
	if path != "" {
		b = append(append(b, path...), '/')
	}
	return string(b)
}

// parseEntryKey returns the document's id and the token of an entry or a content.
// What follows a further "!" after the token is reserved.
func parseEntryKey(key string) (id, token string, ok bool) {
	i := strings.LastIndexByte(key, '/')
	s, ok := strings.CutPrefix(key[i+1:], "id=")
	if !ok {
		return "", "", false
	}
	text, token, ok := strings.Cut(s, string(keyEnd))
	if !ok {
		return "", "", false
	}
	token, _, _ = strings.Cut(token, string(keyEnd))
	id, ok = parseKeyText(text)
	return id, token, ok && id != "" && token != ""
}

// claimKey is the key of a unique claim; path is that of its values.
func claimKey(prefix, resource, unique, path string) string {
	b := append(resourceKey(prefix, resource), "unique="...)
	b = append(appendKeyName(b, unique), '/')
	return string(append(b, path...))
}

// ValidateID reports whether an id can name a document. Ids are printable ASCII
// without blanks, quotes, "/" and "\", and neither "." nor ".."; where anything
// is allowed (option "charset: any" of the schema), they are valid UTF-8 without
// NUL. Either way they are not empty, and at most 200 bytes long when each byte
// but letters, digits and "-" counts three. Errors match ErrInvalidID.
func ValidateID(id string, anything bool) error {
	if id == "" {
		return fmt.Errorf("%w: empty", ErrInvalidID)
	}
	if !anything {
		if id == "." || id == ".." {
			return fmt.Errorf("%w: %q is a name of directories", ErrInvalidID, id)
		}
		for i, r := range id {
			if r <= ' ' || r >= 0x7F || strings.ContainsRune("/\\\"'`", r) {
				return fmt.Errorf("%w: character %s at byte %d (the schema allows it with \"charset: any\" under id)", ErrInvalidID, describeRune(r), i)
			}
		}
	}
	if !utf8.ValidString(id) {
		return fmt.Errorf("%w: %w", ErrInvalidID, errUTF8)
	}
	if i := strings.IndexByte(id, 0); i >= 0 {
		return fmt.Errorf("%w: character NUL at byte %d", ErrInvalidID, i)
	}
	size := 0
	for i := range len(id) {
		if c := id[i]; c == '-' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
			size++
		} else {
			size += 3
		}
	}
	if size > maxIDText {
		return fmt.Errorf("%w: %d bytes too long (letters, digits and \"-\" count 1 byte, all others 3; the limit is %d)", ErrInvalidID, size-maxIDText, maxIDText)
	}
	return nil
}

// describeRune names a character in an error.
func describeRune(r rune) string {
	if unicode.IsPrint(r) {
		return fmt.Sprintf("%q (U+%04X)", r, r)
	}
	return fmt.Sprintf("U+%04X", r)
}
