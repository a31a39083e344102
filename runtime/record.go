package s3db

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A document is one object. Its metadata holds the system header and the fields
// that fit; its body is a JSON object with what the protocol needs and the other
// fields. docs/format.md describes both.

const (
	// recordFormat is the version of the format that this program writes. It
	// reads no newer one.
	recordFormat = 1
	// systemHeader names the header of format, schema version and flags.
	systemHeader = "s"
	// maxFieldNumber is the largest number of a field.
	maxFieldNumber = 999_999_999
	// knownFlags are the critical flags that this program understands: D marks a
	// tombstone, a document that reads as absent.
	knownFlags = "D"
)

// record is a stored document, with its fields as texts.
type record struct {
	format, version  int
	flags            string // letters, each once; upper case is critical
	rev, fence, past string
	least            int // version of the schema below which programs must not change the document
	created, updated time.Time
	entries          map[string]string   // partition → token
	claims           map[string]claimRef // unique constraint → claim
	content          *contentRef         // nil: the document has no content
	history          map[int]string      // version → token of the state that was kept of it
	meta             []field             // fields in the metadata, ascending
	body             []field             // fields in the body, ascending
	extra            []rawMember         // unknown members of the body, by name
	headers          map[string]string   // headers that are none of ours
}

// claimRef is the document's side of a unique claim.
type claimRef struct {
	token, etag string
	extra       []rawMember
}

// rawMember is a member of a JSON object that this program does not know.
type rawMember struct {
	name string
	json string
}

// overhead returns the bytes of the metadata that are no fields, as they count
// against the limit.
func (r *record) overhead() int {
	n := headerSize(systemHeader, r.system())
	for k, v := range r.headers {
		n += headerSize(k, v)
	}
	return n
}

// headerSize returns the bytes that one header counts: MinIO counts the
// "x-amz-meta-" of each name, AWS does not.
func headerSize(name, value string) int { return 11 + len(name) + len(value) }

// system returns the value of the system header.
func (r *record) system() string {
	var a [32]byte
	b := appendBase62(a[:0], uint64(r.format)) //nolint:gosec // not negative
	b = append(b, '-')
	b = appendBase62(b, uint64(r.version)) //nolint:gosec // not negative
	if r.flags != "" {
		b = append(append(b, '-'), r.flags...)
	}
	if string(b) == "1-0" {
		return "1-0"
	}
	return string(b)
}

// object returns the body and the metadata to store. The record must hold a
// revision; fields in meta must have their wire texts.
func (r *record) object() (body []byte, metadata map[string]string) {
	metadata = make(map[string]string, len(r.meta)+1+len(r.headers))
	maps.Copy(metadata, r.headers)
	metadata[systemHeader] = r.system()
	for i := range r.meta {
		metadata[strconv.Itoa(r.meta[i].number)] = r.meta[i].wire
	}
	size := 160 + len(r.past)
	for i := range r.body {
		size += len(r.body[i].text) + 12
	}
	b := make([]byte, 0, size)
	b = append(b, `{"rev":`...)
	b = appendJSONString(b, r.rev)
	if r.fence != "" {
		b = appendJSONString(append(b, `,"fence":`...), r.fence)
	}
	if r.past != "" {
		b = appendJSONString(append(b, `,"past":`...), r.past)
	}
	if r.least > 0 {
		b = strconv.AppendInt(append(b, `,"least":`...), int64(r.least), 10)
	}
	b = append(b, `,"created":"`...)
	b = r.created.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","updated":"`...)
	b = r.updated.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, '"')
	if len(r.entries) > 0 {
		b = append(b, `,"p":{`...)
		for i, k := range sortedKeys(r.entries) {
			b = appendJSONString(appendName(b, i, k), r.entries[k])
		}
		b = append(b, '}')
	}
	if len(r.claims) > 0 {
		b = append(b, `,"u":{`...)
		for i, k := range sortedKeys(r.claims) {
			c := r.claims[k]
			b = appendName(b, i, k)
			b = appendJSONString(append(b, `{"t":`...), c.token)
			b = appendJSONString(append(b, `,"e":`...), c.etag)
			b = append(appendRaw(b, c.extra), '}')
		}
		b = append(b, '}')
	}
	if r.content != nil {
		b = r.content.append(append(b, `,"content":`...))
	}
	if len(r.history) > 0 {
		b = append(b, `,"history":{`...)
		for i, v := range sortedKeys(r.history) {
			b = appendJSONString(appendName(b, i, strconv.Itoa(v)), r.history[v])
		}
		b = append(b, '}')
	}
	if len(r.body) > 0 {
		b = append(b, `,"fields":{`...)
		for i := range r.body {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, '"')
			b = strconv.AppendInt(b, int64(r.body[i].number), 10)
			b = appendJSONString(append(b, `":`...), r.body[i].text)
		}
		b = append(b, '}')
	}
	return r.pad(append(appendRaw(b, r.extra), '}')), metadata
}

// tombstoneGrain divides the size of a tombstone's body and never that of a
// document's, so that a listing, which shows sizes, tells them apart.
const tombstoneGrain = 64

// pad appends the blanks that give the body a size of its kind.
func (r *record) pad(b []byte) []byte {
	if !r.tombstone() {
		if len(b)%tombstoneGrain == 0 {
			b = append(b, ' ')
		}
		return b
	}
	for len(b)%tombstoneGrain != 0 {
		b = append(b, ' ')
	}
	return b
}

// tombstoneSize reports whether a body of this size is a tombstone's.
func tombstoneSize(size int64) bool { return size%tombstoneGrain == 0 }

func sortedKeys[K cmp.Ordered, T any](m map[K]T) []K {
	return slices.Sorted(maps.Keys(m))
}

// appendName appends the name of member i of an object.
func appendName(b []byte, i int, name string) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return append(appendJSONString(b, name), ':')
}

// appendRaw appends unknown members after known ones.
func appendRaw(b []byte, members []rawMember) []byte {
	for _, m := range members {
		b = append(appendJSONString(append(b, ','), m.name), ':')
		b = append(b, m.json...)
	}
	return b
}

// parseRecord reads a stored document. Errors match ErrCorrupt or ErrNewerFormat
// and name the header or the member at fault, never a value.
func parseRecord(o *Object) (*record, error) {
	r := &record{}
	if err := r.parseSystem(o.Metadata); err != nil {
		return nil, err
	}
	if err := r.parseMetadata(o.Metadata); err != nil {
		return nil, err
	}
	if err := r.parseBody(string(o.Body)); err != nil {
		return nil, err
	}
	for i, j := 0, 0; i < len(r.meta) && j < len(r.body); {
		switch a, b := r.meta[i].number, r.body[j].number; {
		case a == b:
			return nil, fmt.Errorf("%w: field %d is in the metadata and in the body", ErrCorrupt, a)
		case a < b:
			i++
		default:
			j++
		}
	}
	return r, nil
}

// parseSystem reads the system header.
func (r *record) parseSystem(metadata map[string]string) error {
	s, ok := metadata[systemHeader]
	if !ok {
		return fmt.Errorf("%w: header %q is missing: not a document of s3dbgen", ErrCorrupt, systemHeader)
	}
	format, rest, ok := strings.Cut(s, "-")
	f, err := parseBase62(format)
	if err != nil || f == 0 {
		return fmt.Errorf("%w: header %q: no format", ErrCorrupt, systemHeader)
	}
	if f > recordFormat {
		return fmt.Errorf("%w: storage format %d, this program knows %d", ErrNewerFormat, f, recordFormat)
	}
	version, flags, flagged := strings.Cut(rest, "-")
	v, err := parseBase62(version)
	if !ok || err != nil || v > maxFieldNumber {
		return fmt.Errorf("%w: header %q: no schema version", ErrCorrupt, systemHeader)
	}
	if flagged && flags == "" {
		return fmt.Errorf("%w: header %q: no flags after %q", ErrCorrupt, systemHeader, "-")
	}
	for i := range len(flags) {
		c := flags[i]
		upper := c >= 'A' && c <= 'Z'
		if (!upper && (c < 'a' || c > 'z')) || strings.IndexByte(flags[:i], c) >= 0 {
			return fmt.Errorf("%w: header %q: flags are not different letters", ErrCorrupt, systemHeader)
		}
		if upper && strings.IndexByte(knownFlags, c) < 0 {
			return fmt.Errorf("%w: the document has the critical flag %q", ErrNewerFormat, string(c))
		}
	}
	r.format, r.version, r.flags = int(f), int(v), flags
	return nil
}

// parseMetadata reads the fields in the metadata.
func (r *record) parseMetadata(metadata map[string]string) error {
	r.meta = slices.Grow(r.meta, len(metadata)-1)
	// Numbers are nearly always dense: asking for them in turn spares the sort.
	for n := 1; n < 2*len(metadata)+4 && len(r.meta) < len(metadata)-1; n++ {
		wire, ok := metadata[strconv.Itoa(n)]
		switch {
		case !ok:
		case plainWire(wire):
			r.meta = append(r.meta, field{number: n, text: wire, wire: wire})
		default:
			if err := r.addHeader(n, wire); err != nil {
				return err
			}
		}
	}
	if len(r.meta) == len(metadata)-1 {
		return nil
	}
	r.meta = r.meta[:0]
	for name, wire := range metadata {
		if name == systemHeader {
			continue
		}
		n, ok := fieldNumber(name)
		if !ok {
			if r.headers == nil {
				r.headers = map[string]string{}
			}
			r.headers[name] = wire
			continue
		}
		if err := r.addHeader(n, wire); err != nil {
			return err
		}
	}
	slices.SortFunc(r.meta, func(a, b field) int { return a.number - b.number })
	return nil
}

// addHeader adds the field of a header.
func (r *record) addHeader(n int, wire string) error {
	text, err := unarmour(wire)
	if err != nil {
		return fmt.Errorf("%w: header \"%d\": %w", ErrCorrupt, n, err)
	}
	r.meta = append(r.meta, field{number: n, text: text, wire: wire})
	return nil
}

// fieldNumber reads the name of a field: its number in decimal, without leading
// zeros.
func fieldNumber(name string) (int, bool) {
	if len(name) == 0 || len(name) > 9 || name[0] == '0' {
		return 0, false
	}
	n := 0
	for i := range len(name) {
		c := name[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// parseBody reads the body.
func (r *record) parseBody(src string) error {
	p := jsonParser{src: src}
	var seen uint
	err := p.open()
	for more := err == nil && !p.next('}'); more; {
		var name string
		if name, err = p.name(); err == nil {
			if err = r.parseMember(&p, name, &seen); err != nil {
				err = fmt.Errorf("%q: %w", name, err)
			} else {
				more, err = p.more()
			}
		}
		more = more && err == nil
	}
	if err == nil {
		err = p.end()
	}
	if err != nil {
		return fmt.Errorf("%w: body: %w", ErrCorrupt, err)
	}
	if r.rev == "" || seen&(seenCreated|seenUpdated) != seenCreated|seenUpdated {
		return fmt.Errorf("%w: body: no revision, or no times", ErrCorrupt)
	}
	return nil
}

// The members of a body, to see when one repeats.
const (
	seenRev = 1 << iota
	seenFence
	seenPast
	seenCreated
	seenUpdated
	seenEntries
	seenClaims
	seenContent
	seenFields
	seenLeast
	seenHistory
)

var errTwice = errors.New("member repeats")

// parseMember reads one member of the body.
func (r *record) parseMember(p *jsonParser, name string, seen *uint) (err error) {
	var bit uint
	switch name {
	case "rev":
		bit = seenRev
		r.rev, err = p.token(revisionSize, revisionSize)
	case "fence":
		bit = seenFence
		r.fence, err = p.token(1, maxToken)
	case "past":
		bit = seenPast
		if r.past, err = p.token(0, pastSize*tokenSize); len(r.past)%tokenSize != 0 {
			err = errWord
		}
	case "least":
		bit = seenLeast
		r.least, err = p.version()
	case "created":
		bit = seenCreated
		r.created, err = p.time()
	case "updated":
		bit = seenUpdated
		r.updated, err = p.time()
	case "p":
		bit = seenEntries
		err = r.parseEntries(p)
	case "u":
		bit = seenClaims
		err = r.parseClaims(p)
	case "content":
		bit = seenContent
		r.content, err = p.content()
	case "history":
		bit = seenHistory
		err = r.parseHistory(p)
	case "fields":
		bit = seenFields
		err = r.parseFields(p)
	default:
		r.extra, err = p.unknown(r.extra, name)
	}
	if *seen&bit != 0 {
		return errTwice
	}
	*seen |= bit
	return err
}

// maxToken is the number of characters that a token may have.
const maxToken = 64

var errWord = errors.New("not a token")

// token reads a revision or tokens: they become parts of keys, so that nothing but
// letters and digits may be in them.
func (p *jsonParser) token(shortest, longest int) (string, error) {
	s, err := p.string()
	if err != nil {
		return "", err
	}
	if len(s) < shortest || len(s) > longest {
		return "", errWord
	}
	for i := range len(s) {
		if base62Values[s[i]] == base62Invalid {
			return "", errWord
		}
	}
	return s, nil
}

// version reads a version of the schema.
func (p *jsonParser) version() (int, error) {
	text, err := p.raw()
	if err != nil {
		return 0, err
	}
	n, ok := fieldNumber(text)
	if !ok {
		return 0, errors.New("not a version")
	}
	return n, nil
}

// unknown keeps a member that this program does not know.
func (p *jsonParser) unknown(members []rawMember, name string) ([]rawMember, error) {
	for i := range members {
		if members[i].name == name {
			return members, errTwice
		}
	}
	json, err := p.raw()
	return append(members, rawMember{name: name, json: json}), err
}

// parseEntries reads the tokens of the document's entries.
func (r *record) parseEntries(p *jsonParser) error {
	r.entries = map[string]string{}
	return p.object(func(name string) error {
		if _, ok := r.entries[name]; ok {
			return errTwice
		}
		token, err := p.token(1, maxToken)
		r.entries[name] = token
		return err
	})
}

// parseClaims reads the document's side of its claims.
func (r *record) parseClaims(p *jsonParser) error {
	r.claims = map[string]claimRef{}
	return p.object(func(name string) error {
		if _, ok := r.claims[name]; ok {
			return errTwice
		}
		c, err := p.claim()
		r.claims[name] = c
		return err
	})
}

// claim reads one claim.
func (p *jsonParser) claim() (c claimRef, err error) {
	token, etag := false, false
	err = p.object(func(name string) (err error) {
		switch name {
		case "t":
			if token {
				return errTwice
			}
			token = true
			c.token, err = p.token(1, maxToken)
		case "e":
			if etag {
				return errTwice
			}
			etag = true
			c.etag, err = p.string()
		default:
			c.extra, err = p.unknown(c.extra, name)
		}
		return err
	})
	return c, err
}

// parseFields reads the fields in the body.
func (r *record) parseFields(p *jsonParser) error {
	err := p.object(func(name string) error {
		n, ok := fieldNumber(name)
		if !ok {
			return errors.New("not the number of a field")
		}
		text, err := p.string()
		r.body = append(r.body, field{number: n, text: text})
		return err
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(r.body, func(a, b field) int { return a.number - b.number })
	for i := 1; i < len(r.body); i++ {
		if r.body[i].number == r.body[i-1].number {
			return fmt.Errorf("%q: %w", strconv.Itoa(r.body[i].number), errTwice)
		}
	}
	return nil
}
