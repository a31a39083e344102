package fulltext

import (
	"context"
	"encoding/binary"
	"errors"
	"iter"
	"maps"
	"slices"
	"sort"
	"strconv"

	"github.com/google/uuid"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

const segmentsDir = "segments/"

// segment is a part of the index: some documents with all their terms. Its
// blocks never change; documents that have left it are listed in an object beside
// them.
type segment struct {
	ID    string      `json:"id"`
	Docs  int         `json:"docs"`
	Words []int64     `json:"words"` // in each field, of the documents that have not left
	Lists []documents `json:"lists"` // the blocks of documents
	Terms []firstTerm `json:"terms"` // the blocks of terms
	Gone  *departed   `json:"gone,omitempty"`
}

// documents tells where a block of documents begins.
type documents struct {
	First  string `json:"first"`
	Number uint32 `json:"number"`
}

// firstTerm tells where a block of terms begins.
type firstTerm struct {
	Term string `json:"term"`
	More bool   `json:"more,omitempty"` // the block before ends with postings of the same term
}

// departed names the object that lists the documents which have left a segment.
type departed struct {
	Name string `json:"name"`
	Docs int    `json:"docs"`
}

func (s *segment) live() int {
	if s.Gone != nil {
		return s.Docs - s.Gone.Docs
	}
	return s.Docs
}

func (s *segment) key(x *index, name string) string { return x.root + segmentsDir + s.ID + "/" + name }
func (s *segment) listKey(x *index, i int) string   { return s.key(x, "d"+strconv.Itoa(i)) }
func (s *segment) termsKey(x *index, i int) string  { return s.key(x, "t"+strconv.Itoa(i)) }

// keys are those of all objects of the segment.
func (s *segment) keys(x *index) []string {
	var keys []string
	for i := range s.Lists {
		keys = append(keys, s.listKey(x, i))
	}
	for i := range s.Terms {
		keys = append(keys, s.termsKey(x, i))
	}
	if s.Gone != nil {
		keys = append(keys, s.key(x, s.Gone.Name))
	}
	return keys
}

// blocksOf returns the range of blocks that have the terms from lo until before hi.
func (s *segment) blocksOf(lo, hi string) (from, to int) {
	from = sort.Search(len(s.Terms), func(i int) bool { return s.Terms[i].Term > lo }) - 1
	for from > 0 && s.Terms[from].More && s.Terms[from].Term == lo {
		from--
	}
	to = sort.Search(len(s.Terms), func(i int) bool { return s.Terms[i].Term >= hi })
	return max(from, 0), to
}

// listOf returns the block that has an id, if any has; -1 when none can have it.
func (s *segment) listOf(id string) int {
	return sort.Search(len(s.Lists), func(i int) bool { return s.Lists[i].First > id }) - 1
}

// listAt returns the block that has a number.
func (s *segment) listAt(number uint32) int {
	return sort.Search(len(s.Lists), func(i int) bool { return s.Lists[i].Number > number }) - 1
}

// segmentWriter writes a segment: all documents in the order of their ids, then
// all terms in their order.
type segmentWriter struct {
	x       *index
	seg     segment
	block   []byte
	last    string // term of the block
	waiting []object
}

// object is an object to put.
type object struct {
	key  string
	body []byte
}

func (x *index) newSegment() *segmentWriter {
	return &segmentWriter{x: x, seg: segment{ID: uuid.NewString(), Words: make([]int64, len(x.fields))}}
}

// document adds a document and returns its number.
func (w *segmentWriter) document(ctx context.Context, id string, lengths []uint32) (uint32, error) {
	number := uint32(w.seg.Docs) //nolint:gosec // memory ends before the numbers do
	if len(w.block) == 0 {
		w.block = append(w.block, 0)
		w.seg.Lists = append(w.seg.Lists, documents{First: id, Number: number})
	}
	w.block = appendListed(w.block, id, lengths)
	w.seg.Docs++
	for f, n := range lengths {
		w.seg.Words[f] += int64(n)
	}
	if len(w.block) >= blockSize {
		return number, w.endList(ctx)
	}
	return number, nil
}

func (w *segmentWriter) endList(ctx context.Context) error {
	if len(w.block) == 0 {
		return nil
	}
	return w.put(ctx, w.seg.listKey(w.x, len(w.seg.Lists)-1))
}

// term adds a term with its postings, in the order of numbers.
func (w *segmentWriter) term(ctx context.Context, term string, list []posting) error {
	for begun := false; len(list) > 0; begun = true {
		var postings []byte
		last := uint32(0)
		for len(list) > 0 && len(postings) < entrySize {
			postings = append(binary.AppendUvarint(postings, uint64(list[0].number-last)), list[0].counts...)
			last, list = list[0].number, list[1:]
		}
		if err := w.entry(ctx, term, postings, begun); err != nil {
			return err
		}
	}
	return nil
}

func (w *segmentWriter) entry(ctx context.Context, term string, postings []byte, more bool) error {
	if len(w.block) == 0 {
		w.block, w.last = append(w.block, 0), ""
		w.seg.Terms = append(w.seg.Terms, firstTerm{Term: term, More: more})
	}
	shared := 0
	for shared < min(len(term), len(w.last)) && term[shared] == w.last[shared] {
		shared++
	}
	w.block = binary.AppendUvarint(w.block, uint64(shared))
	w.block = append(binary.AppendUvarint(w.block, uint64(len(term)-shared)), term[shared:]...)
	w.block = append(binary.AppendUvarint(w.block, uint64(len(postings))), postings...)
	if w.last = term; len(w.block) >= blockSize {
		return w.put(ctx, w.seg.termsKey(w.x, len(w.seg.Terms)-1))
	}
	return nil
}

// put ends the block, and sends blocks when there are enough of them.
func (w *segmentWriter) put(ctx context.Context, key string) error {
	w.waiting = append(w.waiting, object{key, sealBlock(w.block)})
	if w.block = nil; len(w.waiting) == parallel {
		return w.send(ctx)
	}
	return nil
}

func (w *segmentWriter) send(ctx context.Context) error {
	list := w.waiting
	w.waiting = nil
	return inParallel(ctx, len(list), func(ctx context.Context, i int) error { return w.x.put(ctx, list[i].key, list[i].body) })
}

// finish sends what is left and returns the segment.
func (w *segmentWriter) finish(ctx context.Context) (segment, error) {
	if len(w.block) > 0 {
		if err := w.put(ctx, w.seg.termsKey(w.x, len(w.seg.Terms)-1)); err != nil {
			return segment{}, err
		}
	}
	return w.seg, w.send(ctx)
}

// put writes an object of a segment, whose name nobody else uses.
func (x *index) put(ctx context.Context, key string, body []byte) error {
	_, err := x.space.Put(ctx, key, body, s3db.Condition{})
	return err
}

// depart adds documents to those that have left a segment.
func (x *index) depart(ctx context.Context, s segment, gone numbers, list []listed) (segment, error) {
	all := slices.Collect(maps.Keys(gone))
	s.Words = slices.Clone(s.Words)
	for _, d := range list {
		all = append(all, d.number)
		for f, n := range d.lengths {
			s.Words[f] -= int64(n)
		}
	}
	slices.Sort(all)
	body, last := []byte{0}, uint32(0)
	for _, n := range all {
		body = binary.AppendUvarint(body, uint64(n-last))
		last = n
	}
	s.Gone = &departed{Name: "x" + uuid.NewString(), Docs: len(all)}
	return s, x.put(ctx, s.key(x, s.Gone.Name), sealBlock(body))
}

// errGone is the error of a reader whose segment a compaction has removed.
var errGone = errors.New("the index was compacted meanwhile")

// blocks are blocks that one operation has read.
type blocks struct {
	x      *index
	bodies map[string][]byte
}

func (x *index) blocks() *blocks { return &blocks{x: x, bodies: map[string][]byte{}} }

// load reads the blocks that are not there yet. 1 request each.
func (b *blocks) load(ctx context.Context, keys []string) error {
	keys = slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(keys))), func(key string) bool { return b.bodies[key] != nil })
	bodies := make([][]byte, len(keys))
	err := inParallel(ctx, len(keys), func(ctx context.Context, i int) error {
		obj, err := b.x.space.Get(ctx, keys[i])
		if errors.Is(err, s3db.ErrNotFound) {
			return errGone
		}
		if err == nil {
			bodies[i] = obj.Body
		}
		return err
	})
	for i, key := range keys {
		b.bodies[key] = bodies[i]
	}
	return err
}

// open returns a block, and reads it when it is not there yet.
func (b *blocks) open(ctx context.Context, key string) (blockReader, error) {
	if err := b.load(ctx, []string{key}); err != nil {
		return blockReader{}, err
	}
	return openBlock(key, b.bodies[key])
}

// gone returns the documents that have left a segment.
func (b *blocks) gone(ctx context.Context, s *segment) (numbers, error) {
	if s.Gone == nil {
		return numbers{}, nil
	}
	r, err := b.open(ctx, s.key(b.x, s.Gone.Name))
	if err != nil {
		return nil, err
	}
	gone := make(numbers, s.Gone.Docs)
	for last := uint32(0); r.more(); {
		last += r.uint()
		gone[last] = struct{}{}
	}
	return gone, r.err()
}

// find returns the documents of a segment that have one of these ids, sorted, and
// have not left.
func (b *blocks) find(ctx context.Context, s *segment, gone numbers, ids []string) ([]listed, error) {
	if err := b.load(ctx, s.listKeys(b.x, ids)); err != nil {
		return nil, err
	}
	var list []listed
	for i := 0; i < len(ids); {
		block := s.listOf(ids[i])
		if block < 0 {
			i++
			continue
		}
		r, err := b.open(ctx, s.listKey(b.x, block))
		if err != nil {
			return nil, err
		}
		for d := range r.documents(s.Lists[block].Number, len(b.x.fields)) {
			for i < len(ids) && ids[i] < d.id {
				i++
			}
			if i < len(ids) && ids[i] == d.id && !gone.has(d.number) {
				list = append(list, d)
			}
		}
		if err := r.err(); err != nil {
			return nil, err
		}
		for i < len(ids) && s.listOf(ids[i]) == block {
			i++
		}
	}
	return list, nil
}

// listKeys names the blocks that may have one of these ids.
func (s *segment) listKeys(x *index, ids []string) []string {
	var keys []string
	for _, id := range ids {
		if i := s.listOf(id); i >= 0 {
			keys = append(keys, s.listKey(x, i))
		}
	}
	return keys
}

// allDocuments yields the documents of a segment, one block in memory at a time.
func (x *index) allDocuments(ctx context.Context, s *segment) iter.Seq2[listed, error] {
	return func(yield func(listed, error) bool) {
		for i := range s.Lists {
			r, err := x.blocks().open(ctx, s.listKey(x, i))
			if err != nil {
				yield(listed{}, err)
				return
			}
			for d := range r.documents(s.Lists[i].Number, len(x.fields)) {
				if !yield(d, nil) {
					return
				}
			}
			if err := r.err(); err != nil {
				yield(listed{}, err)
				return
			}
		}
	}
}

// allTerms yields the entries of a segment's terms, likewise.
func (x *index) allTerms(ctx context.Context, s *segment) iter.Seq2[termEntry, error] {
	return func(yield func(termEntry, error) bool) {
		for i := range s.Terms {
			r, err := x.blocks().open(ctx, s.termsKey(x, i))
			if err != nil {
				yield(termEntry{}, err)
				return
			}
			for e := range r.terms() {
				if !yield(e, nil) {
					return
				}
			}
			if err := r.err(); err != nil {
				yield(termEntry{}, err)
				return
			}
		}
	}
}
