package s3db

import (
	"context"
	"iter"
)

// This file has the ways in which a collection reads more than one document by a
// query. All methods of a Query end here.

// runAll implements runner.
func (c *Collection[T, ID, I, P]) runAll(ctx context.Context, s *querySpec, options []StreamOption) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		c.engine.stream(ctx, "list", s, options, func(d any, err error) bool { return yield(of[T](d), err) })
	}
}

// runList implements runner.
func (c *Collection[T, ID, I, P]) runList(ctx context.Context, op string, s *querySpec) (list []*T, err error) {
	c.engine.stream(ctx, op, s, nil, func(d any, failed error) bool {
		list, err = append(list, of[T](d)), failed
		return err == nil
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// runIDs implements runner.
func (c *Collection[T, ID, I, P]) runIDs(ctx context.Context, s *querySpec) iter.Seq2[ID, error] {
	return func(yield func(ID, error) bool) {
		c.engine.streamIDs(ctx, "listIds", s, func(id string, err error) bool { return yield(ID(id), err) })
	}
}

// runCount implements runner.
func (c *Collection[T, ID, I, P]) runCount(ctx context.Context, s *querySpec) (int, error) {
	return c.engine.count(ctx, s)
}

// runPage implements runner.
func (c *Collection[T, ID, I, P]) runPage(ctx context.Context, s *querySpec, size int, options []PageOption) (*Page[T], error) {
	p, err := c.engine.page(ctx, s, size, options)
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
