package s3db

import (
	"encoding/hex"
	"errors"
	"math"
	"strconv"
)

// ContentInfo describes the content of a document: bytes of any number that are
// kept beside it.
type ContentInfo struct {
	// Type is the media type, such as "image/png".
	Type string
	// Size is the number of bytes.
	Size int64
	// SHA256 is the checksum of all bytes.
	SHA256 [32]byte
}

// contentRef is the document's side of its content, the member "content" of its
// body. The object that it names was whole before the document named it, and
// nobody writes an object of that name again.
type contentRef struct {
	token string
	ContentInfo
	extra []rawMember
}

// info returns what callers may know; nil for no content.
func (c *contentRef) info() *ContentInfo {
	if c == nil {
		return nil
	}
	info := c.ContentInfo
	return &info
}

// append appends the JSON of the reference.
func (c *contentRef) append(b []byte) []byte {
	b = appendJSONString(append(b, `{"t":`...), c.token)
	b = strconv.AppendInt(append(b, `,"size":`...), c.Size, 10)
	b = appendJSONString(append(b, `,"type":`...), c.Type)
	b = append(b, `,"sha256":"`...)
	b = append(hex.AppendEncode(b, c.SHA256[:]), '"')
	return append(appendRaw(b, c.extra), '}')
}

// The members of a reference to content, to see when one repeats or is missing.
const (
	seenContentToken = 1 << iota
	seenContentSize
	seenContentType
	seenContentSum
	seenContentAll = 1<<iota - 1
)

// content reads a reference to content.
func (p *jsonParser) content() (*contentRef, error) {
	c := &contentRef{}
	seen := 0
	err := p.object(func(name string) (err error) {
		bit := 0
		switch name {
		case "t":
			bit = seenContentToken
			c.token, err = p.token(1, maxToken)
		case "size":
			bit = seenContentSize
			c.Size, err = p.size()
		case "type":
			bit = seenContentType
			c.Type, err = p.string()
		case "sha256":
			bit = seenContentSum
			err = p.sum(&c.SHA256)
		default:
			c.extra, err = p.unknown(c.extra, name)
		}
		if seen&bit != 0 {
			return errTwice
		}
		seen |= bit
		return err
	})
	if err == nil && seen != seenContentAll {
		err = errors.New("a member of the content is missing")
	}
	return c, err
}

// size reads a number of bytes: a whole number without sign, blanks and leading
// zeros.
func (p *jsonParser) size() (int64, error) {
	p.blanks()
	start := p.pos
	if err := p.number(); err != nil {
		return 0, err
	}
	text := p.src[start:p.pos]
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n > math.MaxInt64 || strconv.FormatUint(n, 10) != text {
		return 0, errors.New("not a number of bytes")
	}
	return int64(n), nil
}

// sum reads a SHA-256 in lower-case hexadecimal.
func (p *jsonParser) sum(dst *[32]byte) error {
	s, err := p.string()
	if err != nil {
		return err
	}
	sum, err := hex.DecodeString(s)
	if err != nil || len(sum) != len(dst) || hex.EncodeToString(sum) != s {
		return errors.New("not a SHA-256 in lower-case hexadecimal")
	}
	copy(dst[:], sum)
	return nil
}
