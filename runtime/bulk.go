package s3db

import "context"

// InsertMany inserts documents, several at a time, each as Insert does, with its
// validation, hooks and middleware. The result has the documents in the order of
// the input, nil where one failed; the error is then a *BulkError that names each by
// its index. One that fails does not keep the others from being stored.
func (c *Collection[T, ID, I, P]) InsertMany(ctx context.Context, list []I, opts ...WriteOption) ([]*T, error) {
	convoy := c.engine.convoy(ctx)
	opts = convoy.options(opts)
	return many(c, "insertMany", len(list), convoy, func(i int) ID { return c.model.InsertID(&list[i]) },
		func(i int) (*T, error) { return c.Insert(ctx, list[i], opts...) })
}

// UpdateMany applies one patch to documents, several at a time, each as Update
// does. Result and error are those of InsertMany; an id that stands twice is
// updated twice.
func (c *Collection[T, ID, I, P]) UpdateMany(ctx context.Context, ids []ID, patch P, opts ...WriteOption) ([]*T, error) {
	convoy := c.engine.convoy(ctx)
	opts = convoy.options(opts)
	return many(c, "updateMany", len(ids), convoy, func(i int) ID { return ids[i] },
		func(i int) (*T, error) { return c.Update(ctx, ids[i], patch, opts...) })
}

// convoy is that of a call which is given all of its documents.
func (c *engine) convoy(ctx context.Context) *convoy {
	return c.db.newConvoy(ctx, c.db.options.concurrency, listLinger)
}

// many does something with n documents, several at a time.
func many[T any, ID ~string, I, P any](c *Collection[T, ID, I, P], op string, n int, convoy *convoy, id func(i int) ID, do func(i int) (*T, error)) ([]*T, error) {
	docs := make([]*T, n)
	return docs, c.engine.bulk(op, n, convoy, func(i int) string { return string(id(i)) }, func(i int) (err error) {
		docs[i], err = do(i)
		return err
	})
}

// bulk does something n times, several at a time.
func (c *engine) bulk(op string, n int, convoy *convoy, id func(i int) string, do func(i int) error) error {
	errs := make([]error, n)
	convoy.parallel(n, c.db.options.concurrency, func(i int) { errs[i] = do(i) })
	bulk := &BulkError{Op: op, Resource: c.model.Resource, Total: n}
	for i, err := range errs {
		bulk.add(i, id(i), err)
	}
	return bulk.orNil()
}
