package s3dbjs

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"net/url"
	"strings"
	"unicode/utf8"
)

// stored is a value as the schema layer of s3db.js wrote it, out of the header or
// body that carried it.
type stored struct {
	state storedState
	text  string
}

type storedState int

const (
	storedText storedState = iota
	storedNull
	storedUndefined
)

// maxInflated bounds what a compressed header may become.
const maxInflated = 1 << 20

var (
	errHeaderEncoding = errors.New("the text of the header is not well encoded")
	errUnknownBase85  = errors.New(`the text is compressed in base 85 ("z85:"), which no release that was examined writes`)
)

// decodeHeader undoes the encoding of header values of release 21.
func decodeHeader(value string) (stored, error) {
	switch value {
	case "null":
		return stored{state: storedNull}, nil
	case "undefined":
		return stored{state: storedUndefined}, nil
	}
	prefix, rest, ok := strings.Cut(value, ":")
	if !ok {
		return stored{text: value}, nil
	}
	switch prefix {
	case "d":
		if text, ok := fromDictionary(rest); ok {
			return stored{text: text}, nil
		}
		return stored{text: value}, nil
	case "u":
		text, err := url.PathUnescape(rest)
		if err != nil || !utf8.ValidString(text) {
			return stored{}, errHeaderEncoding
		}
		return stored{text: text}, nil
	case "b":
		text, err := base64.StdEncoding.DecodeString(rest)
		if err != nil || !utf8.Valid(text) {
			return stored{}, errHeaderEncoding
		}
		return stored{text: string(text)}, nil
	case "z":
		text, err := inflate(rest)
		return stored{text: text}, err
	case "z85":
		return stored{}, errUnknownBase85
	}
	return stored{text: value}, nil
}

// inflate reads base64 of a raw deflate stream.
func inflate(text string) (string, error) {
	packed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", errHeaderEncoding
	}
	r := flate.NewReader(bytes.NewReader(packed))
	out, err := io.ReadAll(io.LimitReader(r, maxInflated+1))
	if err != nil || len(out) > maxInflated || !utf8.Valid(out) {
		return "", errHeaderEncoding
	}
	return string(out), nil
}

// fromDictionary returns the text of a code after "d:".
func fromDictionary(code string) (string, bool) {
	if rest, ok := strings.CutPrefix(code, "@"); ok && rest != "" {
		if prefix := dictionaryPrefix(rest[0]); prefix != "" {
			return prefix + rest[1:], true
		}
		return "", false
	}
	if len(code) != 1 {
		return "", false
	}
	word := dictionaryWord(code[0])
	return word, word != ""
}

// dictionaryWord returns the word of a code. The library gives "f" to font/woff2 as
// well, and reads "failed".
func dictionaryWord(code byte) string {
	switch code {
	case 'j':
		return "application/json"
	case 'X':
		return "application/xml"
	case 'J':
		return "application/ld+json"
	case 'H':
		return "text/html"
	case 'T':
		return "text/plain"
	case 'C':
		return "text/css"
	case 'V':
		return "text/javascript"
	case 'v':
		return "text/csv"
	case 'P':
		return "image/png"
	case 'I':
		return "image/jpeg"
	case 'G':
		return "image/gif"
	case 'S':
		return "image/svg+xml"
	case 'W':
		return "image/webp"
	case 'Q':
		return "application/pdf"
	case 'z':
		return "application/zip"
	case 'o':
		return "application/octet-stream"
	case 'u':
		return "application/x-www-form-urlencoded"
	case 'F':
		return "multipart/form-data"
	case 'w':
		return "font/woff"
	case 'p':
		return "processing"
	case 'c':
		return "completed"
	case 's':
		return "succeeded"
	case 'f':
		return "failed"
	case 'x':
		return "cancelled"
	case 't':
		return "timeout"
	case 'r':
		return "retrying"
	case 'a':
		return "authorized"
	case 'K':
		return "captured"
	case 'R':
		return "refunded"
	case 'd':
		return "declined"
	case 'h':
		return "shipped"
	case 'D':
		return "delivered"
	case 'e':
		return "returned"
	case 'i':
		return "in_transit"
	case 'n':
		return "initialized"
	case 'm':
		return "terminated"
	}
	return ""
}

// dictionaryPrefix returns the beginning of a URL for a code.
func dictionaryPrefix(code byte) string {
	switch code {
	case '1':
		return "/api/v1/"
	case '2':
		return "/api/v2/"
	case '3':
		return "/api/v3/"
	case 'a':
		return "/api/"
	case 'A':
		return "https://api.example.com/"
	case 'H':
		return "https://api."
	case 'W':
		return "https://www."
	case 'h':
		return "https://"
	case 't':
		return "http://"
	case 's':
		return "https://s3.amazonaws.com/"
	case 'S':
		return "https://s3-"
	case 'L':
		return "http://localhost:"
	case 'l':
		return "http://localhost"
	case 'v':
		return "/v1/"
	case 'u':
		return "/users/"
	case 'p':
		return "/products/"
	}
	return ""
}

// decodeSeedHeader reads a header value of the seed, which sends UTF-8 as it is.
// Some servers return it so, and AWS as encoded words (RFC 2047).
func decodeSeedHeader(value string) (stored, error) {
	if strings.HasPrefix(value, "=?") && strings.HasSuffix(value, "?=") {
		if text, err := new(mime.WordDecoder).DecodeHeader(value); err == nil && utf8.ValidString(text) {
			return stored{text: text}, nil
		}
	}
	if !utf8.ValidString(value) {
		return stored{}, errHeaderEncoding
	}
	return stored{text: value}, nil
}
