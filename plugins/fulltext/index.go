package fulltext

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"golang.org/x/sync/errgroup"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// index is what is kept of one resource, without the types of its documents. Its
// objects lie below <resource>/ in the key space of the plugin:
//
//	<resource>/index                          the manifest
//	<resource>/marks/<id>/<base>/<revision>   marks
//	<resource>/segments/<segment>/…           blocks of segments
type index struct {
	Resource

	root     string
	space    *s3db.Space
	local    bool // see s3db.Capabilities
	options  Options
	analyzer *analyzer
	changing chan struct{} // holds a value while this program changes the segments
}

func newIndex(db *s3db.Database, space *s3db.Space, r Resource, o Options, a *analyzer) *index {
	return &index{Resource: r, root: s3db.KeyText(r.name) + "/", space: space, local: db.Capabilities().Local, options: o, analyzer: a, changing: make(chan struct{}, 1)}
}

// stamp tells indexes apart that hold other words for the same documents.
func (x *index) stamp() string {
	return fmt.Sprintf("%d %s %d %s", analysis, x.analyzer.base, x.analyzer.min, strings.Join(x.fields, " "))
}

// entry is a document as it is indexed.
type entry struct {
	id      string
	lengths []uint32            // words of each field
	terms   map[string][]uint32 // how often each term is in each field
}

// Each word is indexed as itself, for prefixes, and by its stem. The first byte of
// a term tells which.
const (
	termWord = "w"
	termStem = "s"
)

// analyze makes the entry of a document.
func (x *index) analyze(id string, texts []string) entry {
	e := entry{id: id, lengths: make([]uint32, len(texts)), terms: map[string][]uint32{}}
	add := func(term string, field int) {
		counts := e.terms[term]
		if counts == nil {
			counts = make([]uint32, len(texts))
			e.terms[term] = counts
		}
		counts[field]++
	}
	for f, text := range texts {
		for _, t := range x.analyzer.tokens(text) {
			e.lengths[f]++
			add(termWord+t.word, f)
			add(termStem+t.stem, f)
		}
	}
	return e
}

// parallel is how many requests of one operation are under way at a time.
const parallel = 16

// inParallel calls f for each number below n and returns the first error, after
// which it begins no more.
func inParallel(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	running, inner := errgroup.WithContext(ctx)
	running.SetLimit(parallel)
	for i := range n {
		if inner.Err() != nil {
			break
		}
		running.Go(func() error { return f(inner, i) })
	}
	if err := running.Wait(); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// list returns the objects below a key. 1 request for each 1,000.
func (x *index) list(ctx context.Context, below string) ([]s3db.ListItem, error) {
	var items []s3db.ListItem
	for item, err := range x.space.List(ctx, x.root+below, "") {
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// reader reads documents as they are stored.
type reader struct {
	get func(ctx context.Context, id string) (found, error)
	ids func(ctx context.Context) iter.Seq2[string, error]
}

// read reads documents in parallel, in the order of ids.
func (r reader) read(ctx context.Context, ids []string) ([]found, error) {
	states := make([]found, len(ids))
	return states, inParallel(ctx, len(ids), func(ctx context.Context, i int) (err error) {
		states[i], err = r.get(ctx, ids[i])
		return err
	})
}
