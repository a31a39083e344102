package fulltext

import (
	"encoding/binary"
	"hash/crc32"
	"iter"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// The objects of a segment are blocks: a byte for the format, entries one after
// the other, and the CRC-32C of both. Numbers are unsigned varints.
//
//	documents  length and bytes of the id, words of each field
//	terms      bytes shared with the term before, length and bytes of the rest, length
//	           and bytes of the postings
//	posting    number of the document less the one before, and for each field how
//	           often the term is in it and, unless that is 0, the words of the field
//	dead       number of the document less the one before
//
// Documents are numbered from 0 in the order of their ids. A term whose postings are
// many has several entries in a row; in each, numbers start anew.

const blockFormat = 1

// blockSize is the number of bytes at which a block is full, and entrySize that of
// the postings of one entry.
const (
	blockSize = 64 << 10
	entrySize = 32 << 10
)

// sealBlock completes a block whose first byte was left free.
func sealBlock(b []byte) []byte {
	b[0] = blockFormat
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

// openBlock verifies a block and returns its entries.
func openBlock(key string, b []byte) (blockReader, error) {
	if len(b) < 5 || binary.LittleEndian.Uint32(b[len(b)-4:]) != crc32.Checksum(b[:len(b)-4], crc32.MakeTable(crc32.Castagnoli)) {
		return blockReader{}, wrap(s3db.ErrCorrupt, "%s is damaged; Rebuild makes the index anew", key)
	}
	if b[0] != blockFormat {
		return blockReader{}, wrap(s3db.ErrNewerFormat, "%s has format %d, this program knows %d", key, b[0], blockFormat)
	}
	return blockReader{key: key, rest: b[1 : len(b)-4]}, nil
}

// blockReader reads the entries of a block. After a mistake it is at its end.
type blockReader struct {
	key  string
	rest []byte
	bad  bool
}

func (r *blockReader) more() bool { return len(r.rest) > 0 && !r.bad }

func (r *blockReader) uint() uint32 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > 1<<32-1 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return uint32(v)
}

func (r *blockReader) bytes(n uint32) []byte {
	if uint64(n) > uint64(len(r.rest)) {
		r.bad, r.rest = true, nil
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *blockReader) err() error {
	if r.bad {
		return wrap(s3db.ErrCorrupt, "%s cannot be read; Rebuild makes the index anew", r.key)
	}
	return nil
}

// listed is a document in a segment.
type listed struct {
	number  uint32
	id      string
	lengths []uint32
}

func appendListed(b []byte, id string, lengths []uint32) []byte {
	b = append(binary.AppendUvarint(b, uint64(len(id))), id...)
	for _, n := range lengths {
		b = binary.AppendUvarint(b, uint64(n))
	}
	return b
}

// documents yields the documents of a block, the first of which has a number.
func (r *blockReader) documents(number uint32, fields int) iter.Seq[listed] {
	return func(yield func(listed) bool) {
		for ; r.more(); number++ {
			d := listed{number: number, id: string(r.bytes(r.uint())), lengths: make([]uint32, fields)}
			for f := range d.lengths {
				d.lengths[f] = r.uint()
			}
			if r.bad || !yield(d) {
				return
			}
		}
	}
}

// posting is one document of a term. counts is what follows the number in a block.
type posting struct {
	number uint32
	counts []byte
}

func newPosting(number uint32, counts, lengths []uint32) posting {
	p := posting{number: number}
	for f, n := range counts {
		if p.counts = binary.AppendUvarint(p.counts, uint64(n)); n > 0 {
			p.counts = binary.AppendUvarint(p.counts, uint64(lengths[f]))
		}
	}
	return p
}

// add adds the counts of a posting to those of a document, and sets the lengths of
// the fields that have any.
func (p posting) add(counts, lengths []uint32) {
	r := blockReader{rest: p.counts}
	for f := range counts {
		if n := r.uint(); n > 0 {
			counts[f] += n
			lengths[f] = r.uint()
		}
	}
}

// termEntry is an entry of a block of terms.
type termEntry struct {
	term     string
	postings []byte
}

// terms yields the entries of a block.
func (r *blockReader) terms() iter.Seq[termEntry] {
	return func(yield func(termEntry) bool) {
		last := ""
		for r.more() {
			shared := r.uint()
			if uint64(shared) > uint64(len(last)) {
				r.bad = true
				return
			}
			last = last[:shared] + string(r.bytes(r.uint()))
			e := termEntry{term: last, postings: r.bytes(r.uint())}
			if r.bad || !yield(e) {
				return
			}
		}
	}
}

// list yields the postings of an entry.
func (e termEntry) list(fields int) iter.Seq[posting] {
	return func(yield func(posting) bool) {
		r := blockReader{rest: e.postings}
		number := uint32(0)
		for r.more() {
			number += r.uint()
			start := r.rest
			for range fields {
				if r.uint() > 0 {
					r.uint()
				}
			}
			if r.bad || !yield(posting{number, start[:len(start)-len(r.rest)]}) {
				return
			}
		}
	}
}

// numbers is a set of documents of a segment.
type numbers map[uint32]struct{}

func (s numbers) has(n uint32) bool { _, ok := s[n]; return ok }
