package s3db

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
)

// Query reads documents of one resource. It is a value: methods that narrow it
// return a new one, and it may be run any number of times. Which requests a query
// costs, its Plan says.
type Query[T any, ID ~string] struct {
	run  runner[T, ID]
	spec *querySpec
}

// querySpec is what a query asks for. It is not changed: its methods return a
// changed copy.
type querySpec struct {
	index   *indexInfo  // the partition to read; nil: any
	steps   []narrowing // of its fields
	where   []node
	match   []func(d any) bool // the predicates of where; d is the pointer to a document
	order   []ordering
	offset  int
	limit   int // negative: none
	most    int // documents to sort in memory
	parts   int // of the keys, to list at the same time
	after   Cursor
	resumed bool           // after was given
	seen    func(document) // is told each document that satisfies; nil: nobody asks
	err     error
}

// runner runs queries: a Collection, with the types forgotten that a query does
// not need. All ways to read more than one document go through it.
type runner[T any, ID ~string] interface {
	runAll(ctx context.Context, s *querySpec, options []StreamOption) iter.Seq2[*T, error]
	runList(ctx context.Context, s *querySpec) ([]*T, error)
	runGetAll(ctx context.Context, s *querySpec) ([]*T, error)
	runIDs(ctx context.Context, s *querySpec) iter.Seq2[ID, error]
	runCount(ctx context.Context, s *querySpec) (int, error)
	runPage(ctx context.Context, s *querySpec, size int, options []PageOption) (*Page[T], error)
	runPlan(s *querySpec) Plan
	runMatch(s *querySpec, d *T) (bool, error)
	Name() string
}

// Query returns the query of all documents of the resource, in the order of their
// ids.
func (c *Collection[T, ID, I, P]) Query() Query[T, ID] {
	return Query[T, ID]{run: c, spec: everything()}
}

// everything is the query of all documents.
func everything() *querySpec { return &querySpec{limit: -1, most: DefaultSortLimit} }

// GetAll returns all documents of the resource in the order of their ids, or the
// first error. It costs 1 request for each document and 1 for each 1,000.
func (c *Collection[T, ID, I, P]) GetAll(ctx context.Context) ([]*T, error) {
	return c.runGetAll(ctx, c.Query().spec)
}

// Where keeps the documents that satisfy all predicates, those of earlier calls
// included.
func (q Query[T, ID]) Where(list ...Predicate[*T]) Query[T, ID] {
	return Query[T, ID]{q.run, q.spec.withWhere(forget(list))}
}

// OrderBy sets the order of the result, by the first attribute first; documents
// that are alike in it are in the order of their keys or ids. Where keys have the order,
// it costs nothing; otherwise the result is sorted in memory, see SortLimit. Texts
// of more than 100 bytes are in the order of their first 100 when keys order them.
func (q Query[T, ID]) OrderBy(list ...Order[*T]) Query[T, ID] {
	order := make([]ordering, len(list))
	for i, o := range list {
		order[i] = o.ordering
	}
	return Query[T, ID]{q.run, q.spec.withOrder(order)}
}

// SortLimit sets the number of documents that the query may hold in memory to
// sort them, DefaultSortLimit unless it is called. A query that would need more
// fails with ErrSortLimit. With a Limit, only that many documents are held.
func (q Query[T, ID]) SortLimit(n int) Query[T, ID] {
	return Query[T, ID]{q.run, q.spec.withSortLimit(n)}
}

// Limit ends the result after n documents.
func (q Query[T, ID]) Limit(n int) Query[T, ID] {
	return Query[T, ID]{q.run, q.spec.withLimit(n)}
}

// Offset leaves the first n documents out. They are read, unless the query is of
// the whole resource, where 1 request leaves out 1,000; a cursor leaves them out
// for nothing.
func (q Query[T, ID]) Offset(n int) Query[T, ID] {
	return Query[T, ID]{q.run, q.spec.withOffset(n)}
}

// ParallelList lists the keys in up to n parts at the same time, which makes counts,
// ids and fast scans of many documents up to n times as fast. Where the parts begin
// is guessed from the keys that came before, so it works best with ids that are
// spread evenly: generated ones of any kind, and numbers in sequence. Order and
// result are the same.
//
// The first 12,000 keys are listed one page after the other. Beyond, k keys cost up
// to k/8,000 + n requests more than without, and up to 12,000·n of them are held in
// memory. It does nothing to a query with a Limit, nor to Page and First.
func (q Query[T, ID]) ParallelList(n int) Query[T, ID] {
	return Query[T, ID]{q.run, q.spec.withParts(n)}
}

// After goes on where a page of the same query ended. The empty cursor is the
// start. Errors: ErrCursor.
func (q Query[T, ID]) After(c Cursor) Query[T, ID] {
	return Query[T, ID]{q.run, q.spec.withAfter(c)}
}

func (s *querySpec) withWhere(list []predicate) *querySpec {
	c := *s
	c.where, c.match = slices.Clip(c.where), slices.Clip(c.match)
	for _, p := range list {
		c.where = append(c.where, p.node)
		c.match = append(c.match, p.holds)
	}
	return &c
}

func (s *querySpec) withOrder(order []ordering) *querySpec {
	c := *s
	c.order = order
	return &c
}

func (s *querySpec) withSortLimit(n int) *querySpec {
	c := *s
	if n < 1 {
		c.fail("SortLimit(%d): must be at least 1", n)
	}
	c.most = n
	return &c
}

func (s *querySpec) withLimit(n int) *querySpec {
	c := *s
	if n < 0 {
		c.fail("Limit(%d): must not be negative", n)
	}
	c.limit = n
	return &c
}

func (s *querySpec) withOffset(n int) *querySpec {
	c := *s
	if n < 0 {
		c.fail("Offset(%d): must not be negative", n)
	}
	c.offset = n
	return &c
}

func (s *querySpec) withParts(n int) *querySpec {
	c := *s
	if n < 1 {
		c.fail("ParallelList(%d): must be at least 1", n)
	}
	c.parts = n
	return &c
}

func (s *querySpec) withAfter(from Cursor) *querySpec {
	c := *s
	c.after, c.resumed = from, from != ""
	return &c
}

// satisfied reports whether a document satisfies the predicates.
func (s *querySpec) satisfied(d document) bool {
	return !slices.ContainsFunc(s.match, func(match func(d any) bool) bool { return !match(d) })
}

func (s *querySpec) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf("%w: "+format, append([]any{ErrQuery}, args...)...)
	}
}

// All reads the documents, many at a time; BatchSize and Concurrency bound how
// many. An error about one document names it and does not end the loop; an error
// of the listing or of the context does. The loop may end at any time, and
// everything it started has then ended too.
func (q Query[T, ID]) All(ctx context.Context, options ...StreamOption) iter.Seq2[*T, error] {
	return q.run.runAll(ctx, q.spec, options)
}

// IDs yields the ids of the documents. Without predicates on other attributes,
// those of a resource cost 1 request for each 1,000. Of a partition it reads the
// documents too, because an entry is a hint and only the document decides.
func (q Query[T, ID]) IDs(ctx context.Context) iter.Seq2[ID, error] {
	return q.run.runIDs(ctx, q.spec)
}

// List returns all documents of the query, or the first error.
func (q Query[T, ID]) List(ctx context.Context) ([]*T, error) {
	return q.run.runList(ctx, q.spec)
}

// Collect returns all documents of the query that can be read, and a *BulkError
// that names the others. An error that ends the reading is returned as it is.
func (q Query[T, ID]) Collect(ctx context.Context, options ...StreamOption) ([]*T, error) {
	var list []*T
	bulk := &BulkError{Op: "list"}
	n := 0
	for d, err := range q.All(ctx, options...) {
		e, ok := errors.AsType[*Error](err)
		switch {
		case err == nil:
			list = append(list, d)
		case !ok || e.ID == "":
			return list, err
		default:
			bulk.Resource = e.Resource
			bulk.Failed = append(bulk.Failed, ItemError{Index: n, ID: e.ID, Err: err})
		}
		n++
	}
	bulk.Total = n
	if len(bulk.Failed) > 0 {
		return list, bulk
	}
	return list, nil
}

// First returns the first document of the query. Errors: ErrNotFound when there
// is none.
func (q Query[T, ID]) First(ctx context.Context) (*T, error) {
	spec := q.spec
	if spec.limit != 0 {
		spec = spec.withLimit(1)
	}
	list, err := q.run.runList(ctx, spec)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, &Error{Op: "list", Resource: q.run.Name(), Err: ErrNotFound}
	}
	return list[0], nil
}

// Count returns the number of documents. Without predicates on other attributes
// than the id, those of a resource cost 1 request for each 1,000; otherwise the
// documents are read.
func (q Query[T, ID]) Count(ctx context.Context) (int, error) {
	return q.run.runCount(ctx, q.spec)
}

// Page returns up to size documents and a cursor for the next ones. It costs 1
// request to list, and 1 for each document; predicates that no key covers make it
// read more. Errors: ErrQuery, ErrCursor.
func (q Query[T, ID]) Page(ctx context.Context, size int, options ...PageOption) (*Page[T], error) {
	return q.run.runPage(ctx, q.spec, size, options)
}

// Plan tells how the query would be run and what it would cost, without a
// request.
func (q Query[T, ID]) Plan() Plan { return q.run.runPlan(q.spec) }

// Page is one page of a result.
type Page[T any] struct {
	Items   []*T
	HasMore bool   // there are documents, or keys that were not looked at, after the last item
	Cursor  Cursor // for After; "" at the end
	Total   int    // documents of the query, when WithTotal asked for it; otherwise -1
}

// PageOption changes one Page.
type PageOption func(*pageOptions)

type pageOptions struct{ total bool }

// WithTotal counts all documents of the query as well, at the price of Count.
func WithTotal() PageOption { return func(o *pageOptions) { o.total = true } }

// StreamOption changes how many documents one call works on at a time.
type StreamOption func(*streamOptions) error

type streamOptions struct {
	batch       int
	concurrency int
	failed      func(ItemError)

	defaultBatch bool // nobody asked for a size
}

// BatchSize bounds the documents that a stream holds in memory: those on their way
// and those that the other side has not taken. The default is four times the
// concurrency.
func BatchSize(n int) StreamOption {
	return func(o *streamOptions) error {
		if n < 1 {
			return fmt.Errorf("%w: BatchSize(%d): must be at least 1", ErrQuery, n)
		}
		o.batch = n
		return nil
	}
}

// Concurrency bounds the documents that a call reads or writes at the same time.
// The default, and the most, is the concurrency of the database.
func Concurrency(n int) StreamOption {
	return func(o *streamOptions) error {
		if n < 1 {
			return fmt.Errorf("%w: Concurrency(%d): must be at least 1", ErrQuery, n)
		}
		o.concurrency = n
		return nil
	}
}

func newStreamOptions(concurrency int, list []StreamOption) (streamOptions, error) {
	o := streamOptions{concurrency: concurrency}
	for _, set := range list {
		if err := set(&o); err != nil {
			return o, err
		}
	}
	o.concurrency = min(o.concurrency, concurrency)
	if o.batch == 0 {
		o.defaultBatch = true
		o.batch = 4 * o.concurrency
	}
	return o, nil
}
