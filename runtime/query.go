package s3db

import (
	"context"
	"iter"
)

// Query reads documents of one resource. It is a value: methods that narrow it
// return a new one, and it may be run any number of times.
type Query[T any, ID ~string] struct {
	source querySource[T, ID]
	err    error // of a value that cannot be a key
}

// querySource is a resource, or a part of one, that can be listed.
type querySource[T any, ID ~string] interface {
	all(ctx context.Context) iter.Seq2[*T, error]
	ids(ctx context.Context) iter.Seq2[ID, error]
}

// All reads the documents in the order of the query's keys, many at a time but
// never more than the concurrency of the database ahead of the loop. An error
// about one document does not end the loop; an error of the listing does.
func (q Query[T, ID]) All(ctx context.Context) iter.Seq2[*T, error] {
	if q.err != nil {
		return func(yield func(*T, error) bool) { yield(nil, q.err) }
	}
	return q.source.all(ctx)
}

// IDs yields the ids of the documents. Of a partition, it reads the documents
// too, because an entry is a hint and only the document decides.
func (q Query[T, ID]) IDs(ctx context.Context) iter.Seq2[ID, error] {
	if q.err != nil {
		return func(yield func(ID, error) bool) { yield("", q.err) }
	}
	return q.source.ids(ctx)
}

// List returns all documents of the query, or the first error.
func (q Query[T, ID]) List(ctx context.Context) ([]*T, error) {
	var list []*T
	for d, err := range q.All(ctx) {
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, nil
}

// Count returns the number of documents. A whole resource is counted by listing
// alone, 1 request for each 1,000; a partition is counted by reading its
// documents, because an entry is a hint.
func (q Query[T, ID]) Count(ctx context.Context) (int, error) {
	n := 0
	for _, err := range q.IDs(ctx) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// Query returns the query of all documents of the resource, in the order of their
// ids.
func (c *Collection[T, ID, I, P]) Query() Query[T, ID] {
	return Query[T, ID]{source: wholeResource[T, ID, I, P]{c}}
}

type wholeResource[T any, ID ~string, I, P any] struct{ c *Collection[T, ID, I, P] }

func (w wholeResource[T, ID, I, P]) all(ctx context.Context) iter.Seq2[*T, error] {
	return w.c.scan(ctx, w.c.documents(ctx), nil)
}

func (w wholeResource[T, ID, I, P]) ids(ctx context.Context) iter.Seq2[ID, error] {
	return func(yield func(ID, error) bool) {
		for item, err := range w.c.documents(ctx) {
			if err != nil {
				yield("", w.c.fail("list", "", err))
				return
			}
			if !yield(ID(item.id), nil) {
				return
			}
		}
	}
}
