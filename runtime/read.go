package s3db

import (
	"context"
	"iter"
)

// This file has the ways in which a collection reads more than one document by a
// query. All methods of a Query end here, and each goes through middleware.

// runAll implements runner.
func (c *Collection[T, ID, I, P]) runAll(ctx context.Context, s *querySpec, options []StreamOption) iter.Seq2[*T, error] {
	return c.all(ctx, s, false, options)
}

// all is runAll; whole says that the caller takes all documents.
func (c *Collection[T, ID, I, P]) all(ctx context.Context, s *querySpec, whole bool, options []StreamOption) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		if c.engine.plain() {
			c.list(MethodList, s, whole, options)(ctx, yield)
			return
		}
		began := c.engine.started()
		call := &ListCall[T, ID]{Args: c.queryArgs(s)}
		list, err := run(ctx, c.engine, MethodList, call, nil, func(ctx context.Context) (any, error) {
			read := c.list(MethodList, call.Args.Query.spec, whole, options)
			return iter.Seq2[*T, error](func(yield func(*T, error) bool) { read(ctx, yield) }), nil
		})
		if err != nil {
			yield(nil, err)
			return
		}
		defer end(&call.invocation)
		n := 0
		for d, err := range list {
			if err == nil {
				n++
			}
			if !yield(d, err) {
				break
			}
		}
		c.engine.listed(ctx, began, MethodList, n)
	}
}

func (c *Collection[T, ID, I, P]) queryArgs(s *querySpec) QueryArgs[T, ID] {
	return QueryArgs[T, ID]{Query: Query[T, ID]{run: c, spec: s}}
}

// list returns the function that yields the documents of a query.
func (c *Collection[T, ID, I, P]) list(m Method, s *querySpec, whole bool, options []StreamOption) func(context.Context, func(*T, error) bool) {
	return func(ctx context.Context, yield func(*T, error) bool) {
		c.engine.list(ctx, m, s, whole, options, func(d document, err error) bool { return yield(of[T](d), err) })
	}
}

// runList implements runner.
func (c *Collection[T, ID, I, P]) runList(ctx context.Context, s *querySpec) ([]*T, error) {
	return collect(c.all(ctx, s, true, nil))
}

// runGetAll implements runner.
func (c *Collection[T, ID, I, P]) runGetAll(ctx context.Context, s *querySpec) ([]*T, error) {
	read := func(ctx context.Context, s *querySpec) ([]*T, error) {
		return collect(func(yield func(*T, error) bool) { c.list(MethodGetAll, s, true, nil)(ctx, yield) })
	}
	if c.engine.plain() {
		return read(ctx, s)
	}
	began := c.engine.started()
	call := &GetAllCall[T, ID]{Args: c.queryArgs(s)}
	list, err := run(ctx, c.engine, MethodGetAll, call, nil, func(ctx context.Context) (any, error) { return read(ctx, call.Args.Query.spec) })
	if err == nil {
		c.engine.listed(ctx, began, MethodGetAll, len(list))
	}
	return list, err
}

// collect returns the documents of a sequence, or its first error.
func collect[T any](seq iter.Seq2[*T, error]) ([]*T, error) {
	var list []*T
	for d, err := range seq {
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, nil
}

// runIDs implements runner.
func (c *Collection[T, ID, I, P]) runIDs(ctx context.Context, s *querySpec) iter.Seq2[ID, error] {
	return func(yield func(ID, error) bool) {
		read := func(ctx context.Context, s *querySpec, yield func(ID, error) bool) {
			c.engine.ids(ctx, s, func(id string, err error) bool { return yield(ID(id), err) })
		}
		if c.engine.plain() {
			read(ctx, s, yield)
			return
		}
		began := c.engine.started()
		call := &ListIDsCall[T, ID]{Args: c.queryArgs(s)}
		ids, err := run(ctx, c.engine, MethodListIDs, call, nil, func(ctx context.Context) (any, error) {
			return iter.Seq2[ID, error](func(yield func(ID, error) bool) { read(ctx, call.Args.Query.spec, yield) }), nil
		})
		if err != nil {
			yield("", err)
			return
		}
		defer end(&call.invocation)
		n := 0
		for id, err := range ids {
			if err == nil {
				n++
			}
			if !yield(id, err) {
				break
			}
		}
		c.engine.listed(ctx, began, MethodListIDs, n)
	}
}

// runCount implements runner.
func (c *Collection[T, ID, I, P]) runCount(ctx context.Context, s *querySpec) (int, error) {
	if c.engine.plain() {
		return c.engine.number(ctx, s)
	}
	call := &CountCall[T, ID]{Args: c.queryArgs(s)}
	return run(ctx, c.engine, MethodCount, call, nil, func(ctx context.Context) (any, error) { return c.engine.number(ctx, call.Args.Query.spec) })
}

// runPage implements runner.
func (c *Collection[T, ID, I, P]) runPage(ctx context.Context, s *querySpec, size int, options []PageOption) (*Page[T], error) {
	if c.engine.plain() {
		return c.page(ctx, s, size, options)
	}
	began := c.engine.started()
	call := &PageCall[T, ID]{Args: PageArgs[T, ID]{Query: Query[T, ID]{run: c, spec: s}, Size: size}}
	page, err := run(ctx, c.engine, MethodPage, call, nil, func(ctx context.Context) (any, error) {
		return c.page(ctx, call.Args.Query.spec, call.Args.Size, options)
	})
	if err == nil && page != nil {
		c.engine.listed(ctx, began, MethodPage, len(page.Items))
	}
	return page, err
}

func (c *Collection[T, ID, I, P]) page(ctx context.Context, s *querySpec, size int, options []PageOption) (*Page[T], error) {
	p, err := c.engine.onePage(ctx, s, size, options)
	if err != nil {
		return nil, err
	}
	page := &Page[T]{Items: make([]*T, len(p.items)), HasMore: p.more, Cursor: p.cursor, Total: p.total}
	for i, d := range p.items {
		page.Items[i] = of[T](d)
	}
	return page, nil
}

// runPlan implements runner.
func (c *Collection[T, ID, I, P]) runPlan(s *querySpec) Plan { return c.engine.plan(s) }
