package fulltext

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"
	"strings"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// source is something that a segment is made from: another segment, or documents
// that were just read. No two sources of one segment have the same document.
type source struct {
	docs      iter.Seq2[listed, error]
	terms     iter.Seq2[termPostings, error] // in the order of terms; one may come several times in a row
	gone      numbers                        // documents that are left out
	renumbers []uint32                       // old numbers to new ones plus one; 0 for those that are gone
}

// termPostings are some postings of a term, in the order of numbers.
type termPostings struct {
	term string
	list iter.Seq[posting]
}

// segmentSource reads a segment but for some documents.
func (x *index) segmentSource(ctx context.Context, s *segment, gone numbers) *source {
	return &source{gone: gone, docs: x.allDocuments(ctx, s), terms: func(yield func(termPostings, error) bool) {
		for e, err := range x.allTerms(ctx, s) {
			if !yield(termPostings{e.term, e.list(len(x.fields))}, err) {
				return
			}
		}
	}}
}

// entrySource reads entries, which are sorted by their ids.
func entrySource(entries []entry) *source {
	terms := map[string][]posting{}
	for i, e := range entries {
		for term, counts := range e.terms {
			terms[term] = append(terms[term], newPosting(uint32(i), counts, e.lengths)) //nolint:gosec // far fewer
		}
	}
	return &source{
		docs: func(yield func(listed, error) bool) {
			for i, e := range entries {
				if !yield(listed{number: uint32(i), id: e.id, lengths: e.lengths}, nil) { //nolint:gosec // far fewer
					return
				}
			}
		},
		terms: func(yield func(termPostings, error) bool) {
			for _, term := range slices.Sorted(maps.Keys(terms)) {
				if !yield(termPostings{term, slices.Values(terms[term])}, nil) {
					return
				}
			}
		},
	}
}

// merge writes a segment from sources. It holds a block of each in memory, the
// postings of one term, and 4 bytes for each document. A segment without documents
// is not written.
func (x *index) merge(ctx context.Context, sources []*source) (segment, error) {
	w := x.newSegment()
	docs := make([]iter.Seq2[listed, error], len(sources))
	terms := make([]iter.Seq2[termPostings, error], len(sources))
	for i, s := range sources {
		docs[i], terms[i] = s.docs, s.terms
	}
	for d, err := range inOrder(docs, func(a, b listed) int { return strings.Compare(a.id, b.id) }) {
		if err != nil {
			return segment{}, err
		}
		s := sources[d.source]
		if s.gone.has(d.item.number) {
			s.renumbers = append(s.renumbers, 0)
			continue
		}
		number, err := w.document(ctx, d.item.id, d.item.lengths)
		if err != nil {
			return segment{}, err
		}
		s.renumbers = append(s.renumbers, number+1)
	}
	if w.seg.Docs == 0 {
		return segment{}, nil
	}
	if err := w.endList(ctx); err != nil {
		return segment{}, err
	}
	term, list := "", []posting(nil)
	flush := func() error {
		slices.SortFunc(list, func(a, b posting) int { return cmp.Compare(a.number, b.number) })
		err := w.term(ctx, term, list)
		list = list[:0]
		return err
	}
	for t, err := range inOrder(terms, func(a, b termPostings) int { return strings.Compare(a.term, b.term) }) {
		if err != nil {
			return segment{}, err
		}
		if t.item.term != term {
			if err := flush(); err != nil {
				return segment{}, err
			}
			term = t.item.term
		}
		renumbers := sources[t.source].renumbers
		for p := range t.item.list {
			if int(p.number) >= len(renumbers) {
				return segment{}, wrap(s3db.ErrCorrupt, "%s: a posting names no document; Rebuild makes the index anew", x.name)
			}
			if to := renumbers[p.number]; to > 0 {
				list = append(list, posting{to - 1, p.counts})
			}
		}
	}
	if err := flush(); err != nil {
		return segment{}, err
	}
	return w.finish(ctx)
}

// from is an item of one of several sequences.
type from[E any] struct {
	source int
	item   E
}

// inOrder merges sequences that are in order into one. Of equal items those of the
// first sequence come first.
func inOrder[E any](sequences []iter.Seq2[E, error], compare func(a, b E) int) iter.Seq2[from[E], error] {
	return func(yield func(from[E], error) bool) {
		type head struct {
			from[E]
			err  error
			next func() (E, error, bool)
		}
		var heads []*head
		advance := func(h *head) (ok bool) {
			h.item, h.err, ok = h.next()
			return ok
		}
		for i, seq := range sequences {
			next, stop := iter.Pull2(seq)
			defer stop()
			h := &head{from: from[E]{source: i}, next: next}
			if advance(h) {
				heads = append(heads, h)
			}
		}
		for len(heads) > 0 {
			least := 0
			for i, h := range heads {
				if h.err != nil {
					yield(from[E]{}, h.err)
					return
				}
				if compare(h.item, heads[least].item) < 0 {
					least = i
				}
			}
			h := heads[least]
			if !yield(h.from, nil) {
				return
			}
			if !advance(h) {
				heads = slices.Delete(heads, least, least+1)
			}
		}
	}
}
