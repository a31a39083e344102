package cache

import (
	"encoding/json"
	"errors"
	"iter"
	"sync/atomic"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// entry is what a read found, as the store has it.
type entry struct {
	key     key
	scope   string
	read    *s3db.PendingRead
	expires time.Time
	until   time.Time // when a document expires that was found; zero for never
	found   found

	stamp   string // with Verify: of the documents from which the read chose
	pages   int    // likewise: LIST requests of the stamp
	useless bool   // likewise: reading costs no more than verifying
	etag    string // of the object that was put in its place

	live atomic.Bool // nothing that it depends on was written since
	gone bool        // guarded by the fence: the memory has dropped it
}

// found is a ReadResult that can be kept.
type found struct {
	Images []s3db.Image `json:"images,omitempty"` // marshalled by entry
	IDs    []string     `json:"ids,omitempty"`
	Exists bool         `json:"exists,omitempty"`
	Count  int          `json:"count,omitempty"`
	More   bool         `json:"more,omitempty"`
	Cursor s3db.Cursor  `json:"cursor,omitempty"`
	Total  int          `json:"total,omitempty"`
}

// weight is what the entry counts against the size of the memory.
func (e *entry) weight() uint32 {
	const idsOfADocument = 32
	return uint32(max(1, len(e.found.Images), len(e.found.IDs)/idsOfADocument)) //nolint:gosec // bounded by memory
}

// result makes a result of the entry. Its documents are new ones.
func (e *entry) result(r *s3db.PendingRead) (*s3db.ReadResult, error) {
	f := &e.found
	found := &s3db.ReadResult{Exists: f.Exists, Count: f.Count, More: f.More, Cursor: f.Cursor, Total: f.Total}
	switch r.Method {
	case s3db.MethodGet, s3db.MethodLookup:
		if len(f.Images) == 0 {
			return found, nil
		}
		var err error
		found.Document, err = r.Document(f.Images[0])
		return found, err
	case s3db.MethodListIDs:
		found.IDs = func(yield func(string, error) bool) {
			for _, id := range f.IDs {
				if !yield(id, nil) {
					return
				}
			}
		}
	default:
		found.Documents = func(yield func(any, error) bool) {
			for _, image := range f.Images {
				if d, err := r.Document(image); !yield(d, err) {
					return
				}
			}
		}
	}
	return found, nil
}

// recorder takes down what a read finds.
type recorder struct {
	read     *s3db.PendingRead
	most     int // documents that can be kept
	found    found
	complete bool // so far, nothing is missing
}

// entry returns what was recorded, or nil when it cannot be kept.
func (c *recorder) entry(whole bool) *entry {
	if !whole || !c.complete {
		return nil
	}
	return &entry{read: c.read, found: c.found}
}

func (c *recorder) document(d any, err error) {
	image, ok := c.read.Image(d)
	if err != nil || !ok || len(c.found.Images) >= c.most {
		c.complete, c.found.Images = false, nil
		return
	}
	if c.complete {
		c.found.Images = append(c.found.Images, image)
	}
}

// whole reads a result to its end, and returns it to be read again.
func (c *recorder) whole(x *s3db.ReadResult) *s3db.ReadResult {
	c.complete = true
	c.found = found{Exists: x.Exists, Count: x.Count, More: x.More, Cursor: x.Cursor, Total: x.Total}
	if x.Document != nil {
		c.document(x.Document, nil)
	}
	if x.Documents != nil {
		type item struct {
			d   any
			err error
		}
		var items []item
		for d, err := range x.Documents {
			items = append(items, item{d, err})
			c.document(d, err)
		}
		x.Documents = func(yield func(any, error) bool) {
			for _, i := range items {
				if !yield(i.d, i.err) {
					return
				}
			}
		}
	}
	return x
}

// stream records a result while the caller reads it, at the caller's pace. end is
// told whether the caller came to its end.
func (c *recorder) stream(x *s3db.ReadResult, end func(whole bool)) {
	c.complete = true
	if x.Documents != nil {
		x.Documents = tee(x.Documents, c.document, end)
	}
	if x.IDs != nil {
		x.IDs = tee(x.IDs, func(id string, err error) {
			c.complete = c.complete && err == nil
			c.found.IDs = append(c.found.IDs, id)
		}, end)
	}
}

func tee[V any](seq iter.Seq2[V, error], record func(V, error), end func(whole bool)) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		whole := false
		defer func() { end(whole) }()
		for v, err := range seq {
			record(v, err)
			if !yield(v, err) {
				return
			}
		}
		whole = true
	}
}

// stored is the JSON of an entry.
type stored struct {
	Nonce     string    `json:"nonce"` // no two objects are alike, so that ETags tell them apart
	Expires   time.Time `json:"expires,omitzero"`
	Until     time.Time `json:"until,omitzero"`
	Stamp     string    `json:"stamp,omitempty"`
	Pages     int       `json:"pages,omitempty"`
	Useless   bool      `json:"useless,omitempty"`
	Result    *found    `json:"result,omitempty"` // nil while somebody is reading it
	Documents [][]byte  `json:"documents,omitempty"`
}

var errEmpty = errors.New("an empty result")

func (s *stored) marshal(e *entry) ([]byte, error) {
	result := e.found
	if e.useless {
		result = found{}
	}
	for _, image := range result.Images {
		b, err := image.MarshalBinary()
		if err != nil {
			return nil, err
		}
		s.Documents = append(s.Documents, b)
	}
	result.Images = nil
	s.Expires, s.Until, s.Stamp, s.Pages, s.Useless, s.Result = e.expires, e.until, e.stamp, e.pages, e.useless, &result
	return json.Marshal(s)
}

// entry reads the JSON back.
func (s *stored) entry(k key, r *s3db.PendingRead) (*entry, error) {
	if s.Result == nil {
		return nil, errEmpty
	}
	e := &entry{key: k, scope: r.Scope(), read: r, expires: s.Expires, until: s.Until, stamp: s.Stamp, pages: s.Pages, useless: s.Useless, found: *s.Result}
	for _, b := range s.Documents {
		var image s3db.Image
		if err := image.UnmarshalBinary(b); err != nil {
			return nil, err
		}
		e.found.Images = append(e.found.Images, image)
	}
	return e, nil
}
