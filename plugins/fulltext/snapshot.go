package fulltext

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
)

// snapshot is the index at one moment, and what a search found in it.
type snapshot struct {
	x        *index
	blocks   *blocks
	manifest *manifest
	marked   []string // ids of the documents that have marks, sorted
	states   []found  // of those

	words      []queryWord
	all        bool
	ranking    ranking
	candidates []candidate
}

func (s *snapshot) readMarked(ctx context.Context, r reader) (err error) {
	s.states, err = r.read(ctx, s.marked)
	return err
}

// candidate is a document with a word, as the index has it.
type candidate struct {
	segment int
	number  uint32
	id      string // "" until it is looked up
	score   float64
	counts  []uint32
	lengths []uint32
}

// collect finds all documents that have a word, and scores them. It reads the
// blocks that it needs at once.
func (s *snapshot) collect(ctx context.Context) error {
	var keys []string
	for i := range s.manifest.Segments {
		seg := &s.manifest.Segments[i]
		keys = append(keys, seg.listKeys(s.x, s.marked)...)
		if seg.Gone != nil {
			keys = append(keys, seg.key(s.x, seg.Gone.Name))
		}
		for _, w := range s.words {
			for from, to := seg.blocksOf(w.terms()); from < to; from++ {
				keys = append(keys, seg.termsKey(s.x, from))
			}
		}
	}
	if err := s.blocks.load(ctx, keys); err != nil {
		return err
	}
	fields := len(s.x.fields)
	total := statistics{words: make([]int64, fields)}
	for i := range s.manifest.Segments {
		if err := s.collectFrom(ctx, i, &total); err != nil {
			return err
		}
	}
	for i, state := range s.states {
		if !state.live {
			continue
		}
		m := s.x.analyzer.match(s.words, state.texts)
		total.docs++
		for f, n := range m.lengths {
			total.words[f] += int64(n)
		}
		if len(m.words) > 0 {
			s.candidates = append(s.candidates, candidate{id: s.marked[i], counts: m.counts, lengths: m.lengths})
		}
	}
	having := make([]int, len(s.words))
	for _, c := range s.candidates {
		for i := range having {
			if has(c.counts, fields, i) {
				having[i]++
			}
		}
	}
	s.ranking = newRanking(total, having)
	s.candidates = slices.DeleteFunc(s.candidates, func(c candidate) bool { return !hasEnough(c.counts, fields, s.all) })
	for i := range s.candidates {
		c := &s.candidates[i]
		c.score = s.ranking.score(c.counts, c.lengths)
	}
	slices.SortFunc(s.candidates, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	return nil
}

// collectFrom adds what a segment has, but for documents that have left it or are
// marked.
func (s *snapshot) collectFrom(ctx context.Context, i int, total *statistics) error {
	seg := &s.manifest.Segments[i]
	gone, err := s.blocks.gone(ctx, seg)
	if err != nil {
		return err
	}
	marked, err := s.blocks.find(ctx, seg, gone, s.marked)
	if err != nil {
		return err
	}
	total.docs += seg.live() - len(marked)
	for f, n := range seg.Words {
		total.words[f] += n
	}
	for _, d := range marked {
		gone[d.number] = struct{}{}
		for f, n := range d.lengths {
			total.words[f] -= int64(n)
		}
	}
	fields := len(s.x.fields)
	places := map[uint32]int{}
	for w, word := range s.words {
		lo, hi := word.terms()
		for from, to := seg.blocksOf(lo, hi); from < to; from++ {
			r, err := s.blocks.open(ctx, seg.termsKey(s.x, from))
			if err != nil {
				return err
			}
			for e := range r.terms() {
				if e.term < lo || e.term >= hi {
					continue
				}
				for p := range e.list(fields) {
					if gone.has(p.number) {
						continue
					}
					at, ok := places[p.number]
					if !ok {
						at = len(s.candidates)
						places[p.number] = at
						s.candidates = append(s.candidates, candidate{
							segment: i, number: p.number, counts: make([]uint32, len(s.words)*fields), lengths: make([]uint32, fields),
						})
					}
					c := &s.candidates[at]
					p.add(c.counts[w*fields:(w+1)*fields], c.lengths)
				}
			}
			if err := r.err(); err != nil {
				return err
			}
		}
	}
	return nil
}

// mostAtATime bounds the documents that a search with filters holds in memory.
const mostAtATime = 256

// best yields the ids of the candidates from the best one on, about as many at a
// time as are wanted.
func (s *snapshot) best(ctx context.Context, wanted int) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		// More at a time when few satisfy the filters.
		for rest := s.candidates; len(rest) > 0; {
			n := min(wanted, len(rest))
			for n < len(rest) && rest[n].score == rest[n-1].score {
				n++ // their ids decide
			}
			batch := rest[:n]
			rest = rest[n:]
			if err := s.identify(ctx, batch); err != nil {
				yield(nil, err)
				return
			}
			slices.SortFunc(batch, func(a, b candidate) int {
				return cmp.Or(cmp.Compare(b.score, a.score), strings.Compare(a.id, b.id))
			})
			for len(batch) > 0 {
				ids := make([]string, min(wanted, len(batch)))
				for i := range ids {
					ids[i] = batch[i].id
				}
				batch = batch[len(ids):]
				if !yield(ids, nil) {
					return
				}
				wanted = max(wanted, min(2*wanted, mostAtATime))
			}
		}
	}
}

// identify looks up the ids of candidates.
func (s *snapshot) identify(ctx context.Context, list []candidate) error {
	type place struct{ segment, block int }
	wanted := map[place]map[uint32]*candidate{}
	var keys []string
	for i := range list {
		c := &list[i]
		if c.id != "" {
			continue
		}
		seg := &s.manifest.Segments[c.segment]
		at := place{c.segment, seg.listAt(c.number)}
		if wanted[at] == nil {
			wanted[at] = map[uint32]*candidate{}
			keys = append(keys, seg.listKey(s.x, at.block))
		}
		wanted[at][c.number] = c
	}
	if err := s.blocks.load(ctx, keys); err != nil {
		return err
	}
	for at, numbers := range wanted {
		seg := &s.manifest.Segments[at.segment]
		r, err := s.blocks.open(ctx, seg.listKey(s.x, at.block))
		if err != nil {
			return err
		}
		for d := range r.documents(seg.Lists[at.block].Number, len(s.x.fields)) {
			if c := numbers[d.number]; c != nil {
				c.id = d.id
			}
		}
		if err := r.err(); err != nil {
			return err
		}
	}
	return nil
}
