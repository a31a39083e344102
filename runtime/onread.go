package s3db

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"iter"
)

// PendingRead is a read that is about to be sent: below the middleware and the
// hooks of its method, which have had their say, and run whoever answers it. It is
// given to observers by [Database.OnRead]. Get, GetMany and List and the methods
// made of them, ListIDs, GetAll, Count, Page and Lookup are such reads; Distinct,
// contents, and what writes read for themselves are not.
type PendingRead struct {
	Resource string
	Method   Method // a GetMany is a MethodGet for each document
	ID       string // of MethodGet and MethodExists
	// Stream: the caller takes the documents or ids one by one, at its own pace, and
	// may stop. Otherwise it takes all of them.
	Stream bool

	engine *engine
	spec   *querySpec // of what reads by a query
	query  *reading   // likewise
	size   int        // of a page
	total  bool       // of a page
	unique *index     // of a lookup
	path   string     // likewise

	life lifetime
}

// ReadResult is what a read found. An observer that answers a read fills in the
// fields of its method. Documents are pointers to documents of the generated
// package; they go to the caller, who may change them.
type ReadResult struct {
	Document  any                   // of MethodGet and MethodLookup; nil when there is none
	Exists    bool                  // of MethodExists
	Documents iter.Seq2[any, error] // of MethodList, MethodGetAll and MethodPage
	IDs       iter.Seq2[string, error]
	Count     int
	More      bool   // of a page, as in Page
	Cursor    Cursor // likewise
	Total     int    // likewise
}

// ReadObserver is called in place of a read; next reads. Sequences in the result of
// next may be used once, and send their requests while they are.
type ReadObserver func(ctx context.Context, r *PendingRead, next func(context.Context) (*ReadResult, error)) (*ReadResult, error)

// OnRead calls f in place of each read of any resource, the first one registered
// around the others. It is to reads what [Database.OnWrite] is to writes, and
// closer to the store than middleware: hooks run around it, and its arguments are
// those that middleware has made. The returned function ends this.
func (db *Database) OnRead(f ReadObserver) (remove func()) { return db.reads.add(f) }

// answer lets observers answer a read.
func (c *engine) answer(ctx context.Context, r *PendingRead, read func(context.Context) (*ReadResult, error)) (*ReadResult, error) {
	r.Resource, r.engine = c.model.Resource, c
	observers := c.db.reads.all()
	if len(observers) == 1 {
		return observers[0].value(ctx, r, read)
	}
	var from func(i int) func(context.Context) (*ReadResult, error)
	from = func(i int) func(context.Context) (*ReadResult, error) {
		if i == len(observers) {
			return read
		}
		return func(ctx context.Context) (*ReadResult, error) { return observers[i].value(ctx, r, from(i+1)) }
	}
	return from(0)(ctx)
}

// observed reports whether somebody may answer reads.
func (c *engine) observed() bool { return !c.db.reads.empty() }

// answered reads one document through the observers.
func (c *engine) answered(ctx context.Context, r *PendingRead, read func(context.Context) (document, error)) (document, error) {
	found, err := c.answer(ctx, r, func(ctx context.Context) (*ReadResult, error) {
		d, err := read(ctx)
		if err != nil {
			return nil, err
		}
		r.see(d)
		return &ReadResult{Document: d}, nil
	})
	if err != nil {
		return nil, err
	}
	return found.Document, nil
}

// asQuery makes the read of a query. It is nil when nobody may answer it, or
// when the query has an error, which running it will tell.
func (c *engine) asQuery(m Method, s *querySpec) *PendingRead {
	if !c.observed() {
		return nil
	}
	query, err := c.open(s, s.limit)
	if err != nil {
		return nil
	}
	r := &PendingRead{Method: m, query: query}
	seeing := *s
	if c.model.TTL != nil {
		seeing.seen = r.see
	}
	r.spec = &seeing
	return r
}

// streamed is stream, answered by observers if there are any.
func (c *engine) streamed(ctx context.Context, m Method, s *querySpec, whole bool, options []StreamOption, yield func(document, error) bool) {
	op := m.String()
	r := c.asQuery(m, s)
	if r == nil {
		c.stream(ctx, op, s, options, yield)
		return
	}
	r.Stream = !whole
	found, err := c.answer(ctx, r, func(ctx context.Context) (*ReadResult, error) {
		return &ReadResult{Documents: func(yield func(any, error) bool) { c.stream(ctx, op, r.spec, options, yield) }}, nil
	})
	if err != nil {
		yield(nil, c.fail(op, "", err))
		return
	}
	found.Documents(yield)
}

// streamedIDs is streamIDs, answered by observers if there are any.
func (c *engine) streamedIDs(ctx context.Context, op string, s *querySpec, yield func(string, error) bool) {
	r := c.asQuery(MethodListIDs, s)
	if r == nil {
		c.streamIDs(ctx, op, s, yield)
		return
	}
	r.Stream = true
	found, err := c.answer(ctx, r, func(ctx context.Context) (*ReadResult, error) {
		return &ReadResult{IDs: func(yield func(string, error) bool) { c.streamIDs(ctx, op, r.spec, yield) }}, nil
	})
	if err != nil {
		yield("", c.fail(op, "", err))
		return
	}
	found.IDs(yield)
}

// counted is count, answered by observers if there are any.
func (c *engine) counted(ctx context.Context, s *querySpec) (int, error) {
	r := c.asQuery(MethodCount, s)
	if r == nil {
		return c.count(ctx, s)
	}
	found, err := c.answer(ctx, r, func(ctx context.Context) (*ReadResult, error) {
		n, err := c.count(ctx, r.spec)
		if err != nil {
			return nil, err
		}
		return &ReadResult{Count: n}, nil
	})
	if err != nil {
		return 0, c.fail("count", "", err)
	}
	return found.Count, nil
}

// paged is page, answered by observers if there are any.
func (c *engine) paged(ctx context.Context, s *querySpec, size int, options []PageOption) (*pageOf, error) {
	r := c.asQuery(MethodPage, s)
	if r == nil {
		return c.page(ctx, s, size, options)
	}
	var po pageOptions
	for _, set := range options {
		set(&po)
	}
	r.size, r.total = size, po.total
	found, err := c.answer(ctx, r, func(ctx context.Context) (*ReadResult, error) {
		p, err := c.page(ctx, r.spec, size, options)
		if err != nil {
			return nil, err
		}
		return &ReadResult{Documents: sequence(p.items), More: p.more, Cursor: p.cursor, Total: p.total}, nil
	})
	if err != nil {
		return nil, c.fail("page", "", err)
	}
	page := &pageOf{more: found.More, cursor: found.Cursor, total: found.Total}
	for d, err := range found.Documents {
		if err != nil {
			return nil, c.fail("page", "", err)
		}
		page.items = append(page.items, d)
	}
	return page, nil
}

func sequence[V any](list []V) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		for _, v := range list {
			if !yield(v, nil) {
				return
			}
		}
	}
}

// Key names what is asked: two reads of one resource with the same key, by programs
// of one schema version, find the same unless something is written in between. It
// is the method and the id for a read of one document by its id, and otherwise a
// hash of the query with its values, in 64 hexadecimal digits; a keyed one when
// these are secrets.
func (r *PendingRead) Key() string {
	if r.spec == nil && r.unique == nil {
		return r.Method.String() + " " + r.ID
	}
	b := binary.AppendUvarint([]byte(r.Method.group()), uint64(r.engine.version)) //nolint:gosec // not negative
	if r.unique != nil {
		b = appendCounted(appendCounted(b, []byte(r.unique.name)), []byte(r.path))
	}
	if r.spec != nil {
		b = appendCounted(b, []byte(r.spec.after))
		for _, n := range []int{r.spec.limit, r.spec.offset, r.size} {
			b = binary.AppendVarint(b, int64(n))
		}
		if r.total {
			b = append(b, 't')
		}
		b = appendQuery(b, r.Resource, r.query)
	}
	if r.spec == nil {
		sum := sha256.Sum256(b)
		return hex.EncodeToString(sum[:])
	}
	return hex.EncodeToString(r.engine.sumOfQuery(b, r.query))
}

// group is the same for methods that find the same documents.
func (m Method) group() string {
	if m == MethodGetAll {
		m = MethodList
	}
	return m.String()
}

// Scope names a set of documents that contains all those on which the result of
// the read depends: one document, one unique value, a partition or a stretch of it,
// or "" for all of the resource. A write concerns the read only if it is one of
// [PendingWrite.Scopes].
func (r *PendingRead) Scope() string {
	switch {
	case r.unique != nil:
		return uniqueScope(r.unique.name, r.path)
	case r.spec == nil:
		return idScope(r.ID)
	case r.query.kind == accessIDs && len(r.query.values) == 1:
		return idScope(r.query.values[0])
	case r.query.kind == accessUnique && len(r.query.values) == 1:
		return uniqueScope(r.query.index.name, r.query.values[0])
	case r.query.kind == accessPartition:
		scope := []byte(partitionScope(r.query.index.name))
		for _, s := range r.query.steps {
			if len(s.values) != 1 {
				break
			}
			scope = append(append(scope, s.values[0].segment...), '/')
		}
		return string(scope)
	}
	return ""
}

func idScope(id string) string             { return "id=" + id }
func uniqueScope(name, path string) string { return uniqueName(name) + "/" + path }
func partitionScope(name string) string    { return partitionName(name) + "/" }

// Scopes are the scopes that the document is in before or after the write, see
// [PendingRead.Scope].
func (p *PendingWrite) Scopes() []string {
	scopes := []string{"", idScope(p.ID)}
	for _, d := range []document{p.Before, p.After} {
		if d == nil {
			continue
		}
		keys, err := p.engine.indexKeys(d)
		if err != nil {
			continue // it cannot be written either
		}
		for i, x := range p.engine.model.Partitions {
			path := keys.partition(i)
			if path == "" {
				continue
			}
			scopes = append(scopes, partitionScope(x.name))
			for at := range path {
				if path[at] == '/' {
					scopes = append(scopes, partitionScope(x.name)+path[:at+1])
				}
			}
			scopes = append(scopes, partitionScope(x.name)+path+"/")
		}
		for i, x := range p.engine.model.Uniques {
			if path := keys.unique(i); path != "" {
				scopes = append(scopes, uniqueScope(x.name, path))
			}
		}
	}
	return scopes
}

// ChangedBy reports whether a write that found the document before and left the
// document after, each a pointer to a document or nil for none, may change what the
// read finds. It is exact about predicates and partitions, and takes limits and
// offsets for nothing.
func (r *PendingRead) ChangedBy(before, after any) bool {
	was, is := r.concerns(before), r.concerns(after)
	inOrder := r.query != nil && r.query.kind == accessResource && r.query.sorted
	switch {
	case r.Method == MethodExists, r.Method == MethodCount && !r.spec.resumed, r.Method == MethodListIDs && inOrder:
		return was != is // the values of the document do not show
	}
	return was || is
}

// concerns reports whether a document is among those that the read chooses from.
func (r *PendingRead) concerns(d document) bool {
	if d == nil {
		return false
	}
	if r.unique != nil {
		path, err := r.engine.claimPath(r.unique, &KeyBuilder{}, d)
		return err != nil || path == r.path
	}
	if r.spec == nil {
		return r.engine.model.id(d) == r.ID
	}
	found, err := r.engine.matches(r.spec, d)
	return err != nil || found
}

// Plan tells the way of the query; the zero Plan for reads without one.
func (r *PendingRead) Plan() Plan {
	if r.spec == nil {
		return Plan{}
	}
	if r.Method == MethodPage {
		limited := *r.spec
		limited.limit = r.size
		return r.engine.plan(&limited)
	}
	return r.engine.plan(r.spec)
}

// Stamp lists the documents from which a query chooses, or all of the resource,
// and returns a hash of their ids and ETags: the same as long as none of them is
// written, by whatever process. ok is false when there are more than 1,000 times
// pages, and for reads without a query. It costs at most that many LIST requests.
func (r *PendingRead) Stamp(ctx context.Context, pages int) (stamp string, requests int, ok bool, err error) {
	if r.spec == nil {
		return "", 0, false, nil
	}
	prefix := dataPrefix(r.engine.db.prefix, r.Resource)
	kr := keyRange{prefix: prefix}
	if r.query.kind == accessResource {
		kr = r.query.steps[0].ids(prefix)
	}
	sum := sha256.New()
	var b []byte
	for page, err := range r.engine.db.requests.pages(ctx, []keyRange{kr}, listing{}) {
		if err != nil {
			return "", requests, false, asUnavailable(err)
		}
		if requests++; requests > pages {
			return "", requests, false, nil
		}
		for _, item := range page {
			b = appendCounted(appendCounted(b[:0], []byte(item.Key)), []byte(item.ETag))
			sum.Write(b)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), requests, true, nil
}
