package s3db

import (
	"context"
	"hash/maphash"
	"slices"
)

// reading is a query on its way: where it reads, and from where on.
type reading struct {
	access

	spec   *querySpec
	source func(context.Context) source
	inKeys bool // the predicates are about ids alone: keys decide
	exact  bool // the source has no document twice
	after  rank // of an order that is made in memory: where to go on
	hash   []byte
}

// open plans a query. limit is the number of documents that are wanted, or
// negative.
func (c *engine) open(s *querySpec, limit int) (*reading, error) {
	if s.err != nil {
		return nil, s.err
	}
	r := &reading{spec: s, access: c.choose(s), exact: true}
	r.hash = c.queryHash(r)
	after, err := r.resume(c.db.id)
	if err != nil {
		return nil, err
	}
	r.inKeys = c.inKeys(r.access, s)
	var how listing
	switch {
	case limit < 0:
		how.parts = s.parts
	case r.sorted && len(r.filters) == 0: // ask for no more keys than can be used
		how.first = min(limit+s.offset+1+len(r.pushed), maxPage) // a bound may be in the range and not count
	}
	switch r.kind {
	case accessResource:
		prefix := dataPrefix(c.db.prefix, c.model.Resource)
		ranges := []keyRange{r.steps[0].ids(prefix)}
		if after != "" {
			ranges = resume(ranges, prefix+after)
		}
		r.source = func(ctx context.Context) source { return c.documents(ctx, ranges, how) }
		if r.inKeys && len(s.where) > 0 {
			r.source = func(ctx context.Context) source { return c.matching(c.documents(ctx, ranges, how), s.match) }
		}
	case accessPartition:
		root := entryPrefix(c.db.prefix, c.model.Resource, r.index.name, "")
		ranges := stretches(root, r.index.fields, r.steps)
		if after != "" {
			ranges = resume(ranges, root+after+afterEnd)
		}
		r.exact = exact(r.index.fields, r.steps)
		r.source = func(ctx context.Context) source { return c.entries(ctx, r.index.name, ranges, how) }
	case accessIDs, accessUnique:
		var items []scanItem
		for _, v := range r.values {
			switch {
			case v <= after && after != "":
			case r.kind == accessUnique:
				items = append(items, scanItem{path: v, claim: true})
			case ValidateID(v, c.model.AnyID) == nil: // others name no document
				items = append(items, scanItem{id: v})
			}
		}
		r.source = func(context.Context) source { return named(items) }
	default:
		r.source = func(context.Context) source { return named(nil) }
	}
	return r, nil
}

// maxPage is the number of keys of one listing.
const maxPage = 1000

// ids is the range of keys of documents whose ids are within the narrowing.
func (s *narrowing) ids(prefix string) keyRange {
	key := func(v *keyText) string { return string(appendKeyText([]byte(prefix), string(v.text))) }
	kr := keyRange{prefix: prefix}
	if s.prefix != nil {
		kr.prefix = key(s.prefix)
	}
	if s.from != nil {
		kr.from = key(s.from)
	}
	if s.to != nil {
		kr.to = key(s.to) + string(keyEnd) // above it, and below all longer ids
	}
	return kr
}

// place is the position of an item in the source, for a cursor.
func (r *reading) place(item scanItem) string {
	switch r.kind {
	case accessResource:
		return string(appendKeyText(nil, item.id))
	case accessPartition:
		return string(appendKeyText([]byte(item.path+"/id="), item.id))
	case accessUnique:
		return item.path
	default:
		return item.id
	}
}

// conditionsBeside reports whether a predicate is about something else than one
// attribute.
func conditionsBeside(where []node, path string) bool {
	return slices.ContainsFunc(where, func(n node) bool { return !n.about(path) })
}

// scan starts to read documents, need of them or all. The caller must close the
// scanner.
func (c *engine) scan(ctx context.Context, r *reading, need int, o streamOptions) *scanner {
	bounds := scanOptions{ahead: o.batch, parallel: o.concurrency, need: need}
	return newScanner(ctx, r.source, func(ctx context.Context, item scanItem) (document, error) {
		d, err := c.readItem(ctx, r, item)
		if err != nil || d == nil || !r.spec.satisfied(d) {
			return nil, err
		}
		if r.spec.seen != nil {
			r.spec.seen(d)
		}
		return d, nil
	}, bounds)
}

// stream yields the documents of a query with its order, offset and limit.
func (c *engine) stream(ctx context.Context, op string, s *querySpec, options []StreamOption, yield func(document, error) bool) {
	o, err := newStreamOptions(c.db.options.concurrency, options)
	if err != nil {
		yield(nil, c.fail(op, "", err))
		return
	}
	r, err := c.open(s, s.limit)
	if err != nil {
		yield(nil, c.fail(op, "", err))
		return
	}
	if s.limit == 0 {
		return
	}
	if !r.sorted {
		c.sort(ctx, op, r, o, s.limit, func(x ranked, err error) bool { return yield(x.doc, err) })
		return
	}
	c.inOrder(ctx, op, r, o, s.limit, func(f *fetch, err error) bool { return yield(f.doc, err) }, nil)
}

// inOrder yields the documents of a query that keys order, after its offset. then
// is called when the limit was reached.
func (c *engine) inOrder(ctx context.Context, op string, r *reading, o streamOptions, limit int, yield func(*fetch, error) bool, then func(*scanner)) {
	skip := r.spec.offset
	need := limit
	if r.inKeys {
		// Offset without reading: what a listing names is there.
		listed := r.source
		r.source = func(ctx context.Context) source { return skipItems(listed(ctx), r.spec.offset) }
		skip = 0
	} else if need >= 0 {
		need += skip
	}
	s := c.scan(ctx, r, need, o)
	defer s.close()
	once := newOnce(r.exact)
	for left := limit; left != 0; {
		f, ok := s.next()
		switch {
		case !ok:
			return
		case f.err != nil:
			if !yield(f, c.fail(op, f.item.id, f.err)) {
				return
			}
			s.want()
		case once.again(c.model.id(f.doc)):
			s.want()
		case skip > 0:
			skip--
		case yield(f, nil):
			left--
		default:
			return
		}
	}
	if then != nil {
		then(s)
	}
}

// skipItems leaves out the first n items of a source.
func skipItems(src source, n int) source {
	return func(yield func([]scanItem, error) bool) {
		for items, err := range src {
			cut := min(n, len(items))
			n -= cut
			if !yield(items[cut:], err) {
				return
			}
		}
	}
}

// once finds documents that come a second time, because they moved while the
// query ran. It takes about 16 bytes for each document.
type once struct {
	seed maphash.Seed
	seen map[uint64]struct{} // nil: no document can come twice
}

func newOnce(exact bool) once {
	if exact {
		return once{}
	}
	return once{maphash.MakeSeed(), map[uint64]struct{}{}}
}

func (o once) again(id string) bool {
	if o.seen == nil {
		return false
	}
	hash := maphash.String(o.seed, id)
	_, again := o.seen[hash]
	o.seen[hash] = struct{}{}
	return again
}

// sort yields the documents of a query in an order that no key has, after its
// offset. It holds them in memory.
func (c *engine) sort(ctx context.Context, op string, r *reading, o streamOptions, limit int, yield func(ranked, error) bool) (more bool) {
	order := r.spec.order
	by := sorter{order: order, most: -1, limit: r.spec.most}
	if limit >= 0 {
		by.most = limit + r.spec.offset + 1 // one more tells whether there are more
	}
	s := c.scan(ctx, r, -1, o)
	defer s.close()
	once := newOnce(r.exact)
	for {
		f, ok := s.next()
		if !ok {
			break
		}
		if f.err != nil {
			if !yield(ranked{}, c.fail(op, f.item.id, f.err)) {
				return false
			}
			continue
		}
		id := c.model.id(f.doc)
		place := rankOf(order, f.doc, id)
		if once.again(id) || r.after.id != "" && compareRanks(order, place, r.after) <= 0 {
			continue
		}
		if err := by.add(place, f.doc); err != nil {
			yield(ranked{}, c.fail(op, "", err))
			return false
		}
	}
	by.cut()
	list := by.list[min(r.spec.offset, len(by.list)):]
	for i, x := range list {
		if i == limit {
			return true
		}
		if !yield(x, nil) {
			return false
		}
	}
	return false
}

// count returns the number of documents of a query.
func (c *engine) count(ctx context.Context, s *querySpec) (n int, err error) {
	unordered := *s
	if !s.resumed { // a cursor needs the order; a number has none
		unordered.order = nil
	}
	c.streamIDs(ctx, "count", &unordered, func(_ string, failed error) bool {
		n, err = n+1, failed
		return err == nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// streamIDs yields the ids of a query's documents. It reads the documents only
// when their ids do not decide whether they count.
func (c *engine) streamIDs(ctx context.Context, op string, s *querySpec, yield func(string, error) bool) {
	r, err := c.open(s, s.limit)
	if err != nil {
		yield("", c.fail(op, "", err))
		return
	}
	if !r.inKeys || !r.sorted {
		c.stream(ctx, op, s, nil, func(d document, err error) bool {
			if err != nil {
				return yield("", err)
			}
			return yield(c.model.id(d), nil)
		})
		return
	}
	left := s.limit
	if left == 0 {
		return
	}
	for items, err := range skipItems(r.source(ctx), s.offset) {
		if err != nil {
			yield("", c.fail(op, "", err))
			return
		}
		for _, item := range items {
			if !yield(item.id, nil) {
				return
			}
			if left--; left == 0 {
				return
			}
		}
	}
}

// matching leaves out items by predicates that are about the id alone.
func (c *engine) matching(src source, match []func(document) bool) source {
	return func(yield func([]scanItem, error) bool) {
		for items, err := range src {
			items = slices.DeleteFunc(items, func(item scanItem) bool {
				d := c.model.make() // it has nothing but an id
				c.model.setID(d, item.id)
				return slices.ContainsFunc(match, func(match func(document) bool) bool { return !match(d) })
			})
			if !yield(items, err) {
				return
			}
		}
	}
}

// pageOf is a Page without the type of its documents.
type pageOf struct {
	items  []document
	more   bool
	cursor Cursor
	total  int
}

// page returns a page of a query.
func (c *engine) page(ctx context.Context, s *querySpec, size int, options []PageOption) (*pageOf, error) {
	const op = "page"
	var po pageOptions
	for _, set := range options {
		set(&po)
	}
	one := *s
	switch {
	case size < 1:
		one.fail("Page(%d): must be at least 1", size)
	case s.limit >= 0:
		one.fail("Limit and Page: the size of the page is the limit")
	case s.resumed && s.offset > 0:
		one.fail("After and Offset: a cursor tells where to go on")
	}
	r, err := c.open(&one, size)
	if err != nil {
		return nil, c.fail(op, "", err)
	}
	o, err := newStreamOptions(c.db.options.concurrency, nil)
	if err != nil {
		return nil, c.fail(op, "", err)
	}
	page := &pageOf{total: -1}
	var last scanItem
	var place rank
	if r.sorted {
		c.inOrder(ctx, op, r, o, size, func(f *fetch, failed error) bool {
			page.items, last, err = append(page.items, f.doc), f.item, failed
			return err == nil
		}, func(s *scanner) { page.more = s.more() })
	} else {
		page.more = c.sort(ctx, op, r, o, size, func(x ranked, failed error) bool {
			page.items, place, err = append(page.items, x.doc), x.rank, failed
			return err == nil
		})
	}
	if err != nil {
		return nil, err
	}
	if page.more {
		page.cursor = r.cursor(c.db.id, last, place)
	}
	if po.total {
		all := *s
		all.after, all.resumed, all.offset = "", false, 0
		if page.total, err = c.count(ctx, &all); err != nil {
			return nil, err
		}
	}
	return page, nil
}

// readItem reads the document that a listing or a claim names, unless it is none
// that counts.
func (c *engine) readItem(ctx context.Context, r *reading, item scanItem) (document, error) {
	if item.claim {
		return c.readClaimed(ctx, &c.model.Uniques[r.index.place], item.path)
	}
	d, err := c.readListed(ctx, item.id)
	if err != nil || d == nil || r.kind != accessPartition {
		return d, err
	}
	// An entry counts only if the document is in that very place now.
	if here, err := c.model.Partitions[r.index.place].isAt(d, item.path, r.steps); err != nil || !here {
		return nil, err
	}
	return d, nil
}
