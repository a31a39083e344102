package s3db

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Image is a document as the store has it: attributes encoded, secrets encrypted. It
// does not change, and may be kept and shared; documents made from it may be
// changed. Its zero value is no document.
type Image struct {
	id, etag string
	record   *record
}

// Image returns the image of a document that the read has found. It is of what
// the store has, whatever was done to the fields of the document. ok is false when
// the document did not come from the store.
func (r *PendingRead) Image(document any) (i Image, ok bool) {
	m := r.engine.model
	if document == nil {
		return Image{}, false
	}
	stored := m.Meta(document).stored
	if stored == nil {
		return Image{}, false
	}
	return Image{id: m.id(document), etag: stored.etag, record: stored.record}, true
}

// Document makes a document of an image of its resource. No two of them share
// anything that can be changed. Errors are those of Get, such as ErrDecrypt when
// the program no longer has the key of a secret.
func (r *PendingRead) Document(i Image) (any, error) {
	d, err := r.engine.decode(i.id, state{record: i.record, etag: i.etag})
	if err != nil {
		return nil, err
	}
	return d.doc, nil
}

// MarshalBinary implements encoding.BinaryMarshaler: the id, the ETag, headers and
// the body. Nothing is decrypted.
func (i Image) MarshalBinary() ([]byte, error) {
	if i.record == nil {
		return nil, errors.New("s3db: an empty image")
	}
	body, metadata := i.record.object()
	b := appendCounted(appendCounted(nil, []byte(i.id)), []byte(i.etag))
	b = binary.AppendUvarint(b, uint64(len(metadata)))
	for _, name := range sortedKeys(metadata) {
		b = appendCounted(appendCounted(b, []byte(name)), []byte(metadata[name]))
	}
	return appendCounted(b, body), nil
}

// UnmarshalBinary implements encoding.BinaryUnmarshaler. Errors match ErrCorrupt or
// ErrNewerFormat.
func (i *Image) UnmarshalBinary(b []byte) error {
	texts := func(n int) (list []string, ok bool) {
		for range n {
			text, rest, ok := cutCounted(b)
			if !ok {
				return nil, false
			}
			list, b = append(list, string(text)), rest
		}
		return list, true
	}
	head, ok := texts(2)
	n, size := binary.Uvarint(b)
	if !ok || size <= 0 || n > uint64(len(b)) {
		return fmt.Errorf("%w: an image of a document is damaged", ErrCorrupt)
	}
	b = b[size:]
	headers, ok := texts(2 * int(n)) //nolint:gosec // not above len(b)
	body, okBody := texts(1)
	if !ok || !okBody || len(b) > 0 {
		return fmt.Errorf("%w: an image of a document is damaged", ErrCorrupt)
	}
	obj := &Object{Metadata: make(map[string]string, n), Body: []byte(body[0]), ETag: head[1]}
	for k := 0; k < len(headers); k += 2 {
		obj.Metadata[headers[k]] = headers[k+1]
	}
	rec, err := parseRecord(obj)
	if err != nil {
		return err
	}
	*i = Image{id: head[0], etag: head[1], record: rec}
	return nil
}
