package s3db

import (
	"context"
	"iter"
)

// StoredView reads the documents of a resource as the store has them: hooks,
// middleware and subscribers do not see it and cannot change what it returns. It
// is for plugins that keep something which has to agree with what is stored, such
// as an index. It is safe for concurrent use.
type StoredView[T any, ID ~string] struct{ engine *engine }

// Stored returns the view of the collection's documents as they are stored.
func (c *Collection[T, ID, I, P]) Stored() StoredView[T, ID] { return StoredView[T, ID]{c.engine} }

// StoredState is a state in which a document was found.
type StoredState[T any] struct {
	// Document is nil when there is none.
	Document *T
	// Revision is that of the document, or of the tombstone in its place; "" when
	// there is neither.
	Revision Revision

	lineage
}

// Get reads what is stored under an id, which may be nothing: that is no error.
// 1 request.
func (v StoredView[T, ID]) Get(ctx context.Context, id ID) (StoredState[T], error) {
	const op = "get"
	s, err := v.engine.read(ctx, string(id))
	if err != nil {
		return StoredState[T]{}, v.engine.fail(op, string(id), err)
	}
	found := StoredState[T]{Revision: s.revision(), lineage: s.lineage()}
	if s.live() {
		d, err := v.engine.decode(string(id), s)
		if err != nil {
			return StoredState[T]{}, v.engine.fail(op, string(id), err)
		}
		found.Document = of[T](d.doc)
	}
	return found, nil
}

// Decode makes a document of an image of this resource, such as those of
// [PendingWrite.Images]. Errors are those of Get.
func (v StoredView[T, ID]) Decode(i Image) (*T, error) {
	d, err := v.engine.decode(i.id, state{record: i.record, etag: i.etag})
	if err != nil {
		return nil, v.engine.fail("get", i.id, err)
	}
	return of[T](d.doc), nil
}

// DecodeWith is Decode without bringing anything up to date: decode gets the fields as
// the version stored them. It is for programs without generated code.
func (v StoredView[T, ID]) DecodeWith(i Image, decode func(r *Decoder, d *T, version int) error) (*T, error) {
	d, err := v.engine.decodeWith(i.id, state{record: i.record, etag: i.etag}, func(r *Decoder, d document, version int) error { return decode(r, of[T](d), version) })
	if err != nil {
		return nil, v.engine.fail("get", i.id, err)
	}
	return of[T](d), nil
}

// IDs yields the ids of the documents, in the order of their bytes. 1 request for
// each 1,000.
func (v StoredView[T, ID]) IDs(ctx context.Context) iter.Seq2[ID, error] { return v.IDsAfter(ctx, "") }

// IDsAfter yields the ids after one, which need not exist.
func (v StoredView[T, ID]) IDsAfter(ctx context.Context, after ID) iter.Seq2[ID, error] {
	return func(yield func(ID, error) bool) {
		kr := keyRange{prefix: dataPrefix(v.engine.db.prefix, v.engine.model.Resource)}
		if after != "" {
			kr.after = dataKey(v.engine.db.prefix, v.engine.model.Resource, string(after))
		}
		for items, err := range v.engine.documents(ctx, []keyRange{kr}, listing{}) {
			if err != nil {
				yield("", v.engine.fail("listIds", "", err))
				return
			}
			for _, item := range items {
				if !yield(ID(item.id), nil) {
					return
				}
			}
		}
	}
}

// Match reports whether the query would find a document, judged by the document
// alone: whether it is in the query's partition with the values asked for, and
// satisfies the predicates. It sends no request; order, offset, limit and cursor
// have no effect. Errors: those of a query that cannot be run.
func (q Query[T, ID]) Match(d *T) (bool, error) { return q.run.runMatch(q.spec, d) }

// runMatch implements runner.
func (c *Collection[T, ID, I, P]) runMatch(s *querySpec, d *T) (bool, error) {
	found, err := c.engine.matches(s, d)
	if err != nil {
		return false, c.engine.fail("match", "", err)
	}
	return found, nil
}

func (c *engine) matches(s *querySpec, d document) (bool, error) {
	if s.err != nil {
		return false, s.err
	}
	if s.index != nil {
		x := &c.model.Partitions[s.index.place]
		path, err := x.path(&KeyBuilder{}, d)
		if err != nil || path == "" {
			return false, err
		}
		if here, err := x.isAt(d, path, s.steps); err != nil || !here {
			return false, err
		}
	}
	return s.satisfied(d), nil
}
