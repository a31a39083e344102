package s3db

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
)

// Cursor is a place in the result of a query. It is made of letters, digits, "-"
// and "_", and opaque; it fits the query of the page it came from, with any size of
// the page, for ever. It holds the values by which the query is ordered.
type Cursor string

// A cursor is, in base64url: its format, a check, the hash of its query, and the
// place. The check is keyed with the id of the database, which is no secret: it
// finds damage and mistakes.
const (
	cursorFormat    = 1
	cursorCheckSize = 12
	cursorHashSize  = 8
)

// cursor makes the cursor of the place after an item, or after a rank when the
// order is made in memory.
func (r *reading) cursor(database string, item scanItem, place rank) Cursor {
	b := bytes.Clone(r.hash)
	if r.sorted {
		b = append(b, r.place(item)...)
	} else {
		b = appendCounted(b, []byte(place.id))
		for _, v := range place.values {
			if v == nil {
				b = append(b, 0)
			} else {
				b = appendCounted(append(b, 1), v)
			}
		}
	}
	sealed := append([]byte{cursorFormat}, cursorCheck(database, b)...)
	return Cursor(base64.RawURLEncoding.EncodeToString(append(sealed, b...)))
}

// resume reads the cursor of the query. It returns the place in the source from
// which to go on, or sets that in the order.
func (r *reading) resume(database string) (after string, err error) {
	if !r.spec.resumed {
		return "", nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(string(r.spec.after))
	switch {
	case err != nil || len(b) < 1+cursorCheckSize+cursorHashSize:
		return "", fmt.Errorf("%w: it is damaged: pass on the Cursor of a Page as it is", ErrCursor)
	case b[0] != cursorFormat:
		return "", fmt.Errorf("%w: another version of this program made it: begin again without one", ErrCursor)
	}
	check, rest := b[1:1+cursorCheckSize], b[1+cursorCheckSize:]
	hash, place := rest[:cursorHashSize], rest[cursorHashSize:]
	if !hmac.Equal(check, cursorCheck(database, rest)) {
		return "", fmt.Errorf("%w: it is damaged, or of another database", ErrCursor)
	}
	if !bytes.Equal(hash, r.hash) {
		return "", fmt.Errorf("%w: it comes from another query: the resource, predicates and order must be the same", ErrCursor)
	}
	if r.sorted {
		return string(place), nil
	}
	id, place, ok := cutCounted(place)
	r.after.id = string(id)
	for range r.spec.order {
		if !ok || len(place) == 0 {
			break
		}
		var v []byte
		if set := place[0]; set == 0 {
			place = place[1:]
		} else {
			v, place, ok = cutCounted(place[1:])
		}
		r.after.values = append(r.after.values, v)
	}
	if !ok || len(r.after.values) != len(r.spec.order) || len(place) > 0 {
		return "", fmt.Errorf("%w: it is damaged", ErrCursor)
	}
	return "", nil
}

func cursorCheck(database string, b []byte) []byte {
	mac := hmac.New(sha256.New, []byte("s3dbgen 1 cursor "+database))
	mac.Write(b)
	return mac.Sum(nil)[:cursorCheckSize]
}

// queryHash tells a query, and the way that it takes, from others.
func (c *engine) queryHash(r *reading) []byte {
	return c.sumOfQuery(appendQuery(nil, c.model.Resource, r), r)[:cursorHashSize]
}

// sumOfQuery hashes what tells a query from others. When the query is about
// secrets the hash is keyed: else it would be a test of guesses.
func (c *engine) sumOfQuery(b []byte, r *reading) []byte {
	if slices.ContainsFunc(r.spec.where, node.secret) {
		mac := hmac.New(sha256.New, c.db.hashKey)
		mac.Write(b)
		return mac.Sum(nil)
	}
	sum := sha256.Sum256(b)
	return sum[:]
}

// appendQuery appends all that tells a query, and the way that it takes, from
// others.
func appendQuery(b []byte, resource string, r *reading) []byte {
	b = appendCounted(b, []byte(resource))
	b = append(b, byte(r.kind))
	if r.index != nil {
		b = appendCounted(b, []byte(r.index.name))
	}
	for _, p := range r.spec.where {
		b = p.appendTo(append(b, 'w'))
	}
	for _, s := range r.spec.steps {
		b = append(b, 's')
		for _, v := range s.values {
			b = appendCounted(append(b, 'v'), v.text)
		}
		for _, bound := range []*keyText{s.from, s.to} {
			if b = append(b, 'b'); bound != nil {
				b = appendCounted(b, bound.text)
			}
		}
	}
	for _, o := range r.spec.order {
		b = appendCounted(append(b, 'o'), []byte(o.String()))
	}
	return b
}

// appendCounted appends a text after its length.
func appendCounted(b, text []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func cutCounted(b []byte) (text, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, nil, false
	}
	end := size + int(n) //nolint:gosec // not above len(b)
	return b[size:end:end], b[end:], true
}
