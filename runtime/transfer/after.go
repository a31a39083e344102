package transfer

import (
	"context"
	"errors"
	"iter"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
)

// After reads the documents with ids above one, in the order of their ids; "" is
// below all of them. It lists the ids below too, 1 request for each 1,000, but
// does not read their documents.
func After(ctx context.Context, r *dynamic.Resource, id string) iter.Seq2[*dynamic.Document, error] {
	if id == "" {
		return r.Query().All(ctx)
	}
	return among(ctx, r, func(next string) bool { return next > id })
}

// From reads the documents with ids from one on, in the order of their ids, at the
// cost of After.
func From(ctx context.Context, r *dynamic.Resource, id string) iter.Seq2[*dynamic.Document, error] {
	return among(ctx, r, func(next string) bool { return next >= id })
}

// among reads the documents whose ids are wanted. It reads a few at first, since
// many callers want no more, and then more at a time.
func among(ctx context.Context, r *dynamic.Resource, wanted func(id string) bool) iter.Seq2[*dynamic.Document, error] {
	return func(yield func(*dynamic.Document, error) bool) {
		const most = 128
		batch := 8
		var ids []string
		for next, err := range r.Query().IDs(ctx) {
			if err != nil {
				yield(nil, err)
				return
			}
			if !wanted(next) {
				continue
			}
			if ids = append(ids, next); len(ids) == batch {
				if !read(ctx, r, ids, yield) {
					return
				}
				ids, batch = ids[:0], min(2*batch, most)
			}
		}
		read(ctx, r, ids, yield)
	}
}

// read yields the documents with some ids, without those that are gone.
func read(ctx context.Context, r *dynamic.Resource, ids []string, yield func(*dynamic.Document, error) bool) bool {
	docs, err := r.GetMany(ctx, ids...)
	failed := map[int]error{}
	if bulk, ok := errors.AsType[*s3db.BulkError](err); ok {
		for _, item := range bulk.Failed {
			failed[item.Index] = item.Err
		}
	}
	for i, d := range docs {
		err := failed[i]
		if errors.Is(err, s3db.ErrNotFound) || d == nil && err == nil {
			continue
		}
		if !yield(d, err) {
			return false
		}
	}
	return true
}
