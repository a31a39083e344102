package fulltext

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Hit is a document that a search has found.
type Hit[T any] struct {
	// Document is the document as Get returned it just now.
	Document *T
	// Score is above 0 and at most 1: the part that the document has of the score of
	// one in which each word filled each field.
	Score float64
	// Fields are the paths of the attributes in which a word was found, in the order
	// of On.
	Fields []string
	// Words are the words of the document that matched, folded to lower case, sorted.
	Words []string
}

// Index searches the documents of one resource. It is a value: methods that narrow
// it return a new one. It is safe for concurrent use.
type Index[T any, ID ~string] struct {
	index   *index
	reader  reader
	hits    func(context.Context, ...ID) ([]*T, error)
	filters []s3db.Query[T, ID]
	limit   int
	all     bool
	err     error
}

// Of returns the index of a resource, which the plugin must have been given to New
// with On. The collection is that of the generated client: db.Products.Collection.
// Errors: ErrConfig.
func Of[T any, ID ~string, I, P any](p *Plugin, c *s3db.Collection[T, ID, I, P]) (Index[T, ID], error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if installed, _ := s3db.PluginOf[*Plugin](c.Database()); installed != p {
		return Index[T, ID]{}, configError("Of: the plugin is not installed in the database of %s; pass it to Open with s3db.WithPlugin", c.Name())
	}
	x := p.indexes[c.Name()]
	if x == nil {
		return Index[T, ID]{}, configError("Of: the plugin does not index %s; give New an On(%q, …)", c.Name(), c.Name())
	}
	if _, ok := x.texts((*T)(nil)); !ok {
		return Index[T, ID]{}, configError("On(%q) has attributes of another resource: its documents are %T", x.name, (*T)(nil))
	}
	stored := c.Stored()
	return Index[T, ID]{
		index: x, hits: c.GetMany, limit: x.options.MaxResults,
		reader: reader{
			get: func(ctx context.Context, id string) (found, error) {
				s, err := stored.Get(ctx, ID(id))
				f := found{revision: s.Revision, live: s.Document != nil, includes: s.Includes}
				if f.live {
					f.texts, _ = x.texts(s.Document)
				}
				return f, err
			},
			ids: func(ctx context.Context) iter.Seq2[string, error] {
				return func(yield func(string, error) bool) {
					for id, err := range stored.IDs(ctx) {
						if !yield(string(id), err) {
							return
						}
					}
				}
			},
		},
	}, nil
}

// In keeps the hits that a query finds, such as db.Products.ByCategory("cheese").Query,
// and those of earlier calls. The query's order, offset, limit and cursor
// have no effect.
func (x Index[T, ID]) In(q s3db.Query[T, ID]) Index[T, ID] {
	x.filters = append(slices.Clip(x.filters), q)
	return x
}

// Limit keeps the n best hits, at most Options.MaxResults.
func (x Index[T, ID]) Limit(n int) Index[T, ID] {
	if n < 1 {
		x.err = wrap(s3db.ErrQuery, "Limit(%d): must be at least 1", n)
	}
	x.limit = min(n, x.index.options.MaxResults)
	return x
}

// AllWords keeps the documents that have every word of the search, in whichever
// fields. Without it one word is enough, and more score higher.
func (x Index[T, ID]) AllWords() Index[T, ID] {
	x.all = true
	return x
}

// Compact takes the documents that were marked since the last one into segments,
// so that searches need not read them. It may run at any time, in any program,
// while others search and write; after a crash the next one goes on. Errors:
// ErrConflict while a Rebuild is under way.
func (x Index[T, ID]) Compact(ctx context.Context) error {
	return x.index.alone(ctx, func() error {
		err := x.index.compact(ctx, x.reader)
		if errors.Is(err, errIncomplete) {
			return x.index.rebuild(ctx, x.reader)
		}
		return err
	})
}

// Rebuild makes the index anew from all documents. It is needed when programs
// without the plugin have written, when the options have changed, or when a
// migration gave an indexed attribute other values. Searches go on with the old
// index meanwhile. It costs 1 request for each document. A Rebuild that crashed
// is repeated. Errors: ErrConflict when another one began meanwhile.
func (x Index[T, ID]) Rebuild(ctx context.Context) error {
	return x.index.alone(ctx, func() error { return x.index.rebuild(ctx, x.reader) })
}

// Status tells how the index is.
type Status struct {
	Complete   bool // there is an index; the first search makes one
	Rebuilding bool // a Rebuild is under way, or has crashed
	Documents  int  // in segments
	Segments   int
	Marked     int // documents that each search reads; Compact takes them into segments
}

// Status costs 1 request, and 1 for each 1,000 marks.
func (x Index[T, ID]) Status(ctx context.Context) (Status, error) {
	marks, err := x.index.marks(ctx)
	if err != nil {
		return Status{}, err
	}
	m, err := x.index.readManifest(ctx)
	if err != nil {
		return Status{}, err
	}
	s := Status{Complete: m.Complete, Rebuilding: m.Rebuild != "", Segments: len(m.Segments), Marked: len(byID(marks))}
	for _, segment := range m.Segments {
		s.Documents += segment.live()
	}
	return s, nil
}

// Search finds documents that have a word of the text, the best ones first, those
// with the same score in the order of their ids. A word stands for all words with
// its stem, one that ends in "*" for all that begin with it. Words that are too
// short or too common count for nothing.
//
// A hit is a document that has the words and satisfies the filters when it is read;
// hooks and middleware of Get apply. The first search of a resource builds its
// index, and one that finds more than Options.CompactAfter documents marked begins
// with a Compact. Errors: ErrQuery when there is no word to search for;
// ErrConfig when the index was made with other options.
func (x Index[T, ID]) Search(ctx context.Context, text string) ([]Hit[T], error) {
	if x.err != nil {
		return nil, x.err
	}
	words, err := x.index.analyzer.parse(text)
	if err != nil {
		return nil, err
	}
	var hits []Hit[T]
	err = x.index.again(func() error {
		s, err := x.snapshot(ctx)
		if err != nil {
			return err
		}
		s.words, s.all = words, x.all
		if err := s.collect(ctx); err != nil {
			return err
		}
		hits, err = x.read(ctx, s)
		return err
	})
	return hits, err
}

// snapshot reads what the index consists of. The marks come first: one that is gone
// by then is in the segments that the manifest names.
func (x Index[T, ID]) snapshot(ctx context.Context) (*snapshot, error) {
	for tidied := false; ; tidied = true {
		marks, err := x.index.marks(ctx)
		if err != nil {
			return nil, err
		}
		m, err := x.index.readManifest(ctx)
		if err != nil {
			return nil, err
		}
		if err := m.check(x.index); err != nil {
			return nil, err
		}
		s := &snapshot{x: x.index, blocks: x.index.blocks(), manifest: m}
		for _, group := range byID(marks) {
			s.marked = append(s.marked, group[0].id)
		}
		full := x.index.options.CompactAfter >= 0 && len(s.marked) > x.index.options.CompactAfter && m.Rebuild == "" && !tidied
		if m.Complete && !full {
			return s, s.readMarked(ctx, x.reader)
		}
		if err := x.Compact(ctx); err != nil && (!m.Complete || !errors.Is(err, s3db.ErrConflict)) {
			return nil, err
		}
	}
}

// read reads the documents of the best candidates until there are enough hits.
func (x Index[T, ID]) read(ctx context.Context, s *snapshot) ([]Hit[T], error) {
	var hits []Hit[T]
	for batch, err := range s.best(ctx, x.limit) {
		if err != nil {
			return nil, err
		}
		ids := make([]ID, len(batch))
		for i, id := range batch {
			ids[i] = ID(id)
		}
		docs, err := x.hits(ctx, ids...)
		if err := butMissing(err); err != nil {
			return nil, err
		}
		for _, d := range docs {
			if d == nil {
				continue
			}
			hit, ok, err := x.judge(s, d)
			if err != nil {
				return nil, err
			}
			if ok {
				hits = append(hits, hit)
			}
		}
		if len(hits) >= x.limit {
			break
		}
	}
	// A document that was changed just now has another score.
	slices.SortStableFunc(hits, func(a, b Hit[T]) int { return cmp.Compare(b.Score, a.Score) })
	return hits[:min(len(hits), x.limit)], nil
}

// butMissing leaves out that documents are missing: they were deleted just now.
func butMissing(err error) error {
	bulk, ok := errors.AsType[*s3db.BulkError](err)
	if !ok {
		return err
	}
	for _, item := range bulk.Failed {
		if !errors.Is(item.Err, s3db.ErrNotFound) {
			return item.Err
		}
	}
	return nil
}

// judge decides by the document alone whether it is a hit.
func (x Index[T, ID]) judge(s *snapshot, d *T) (hit Hit[T], ok bool, err error) {
	for _, q := range x.filters {
		if ok, err := q.Match(d); err != nil || !ok {
			return hit, false, err
		}
	}
	texts, _ := x.index.texts(d)
	m := x.index.analyzer.match(s.words, texts)
	fields := len(texts)
	if !hasEnough(m.counts, fields, s.all) {
		return hit, false, nil
	}
	hit = Hit[T]{Document: d, Score: s.ranking.score(m.counts, m.lengths), Words: m.words}
	for f, path := range x.index.fields {
		for i := range s.words {
			if m.counts[i*fields+f] > 0 {
				hit.Fields = append(hit.Fields, path)
				break
			}
		}
	}
	return hit, true, nil
}
