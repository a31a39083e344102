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
		c.reads.stream(ctx, "list", s, options, func(d any, err error) bool { return yield(typed[T](d), err) })
	}
}

// typed gives a document of the engine its type; nil stays nil.
func typed[T any](d any) *T {
	x, _ := d.(*T)
	return x
}

// runList implements runner.
func (c *Collection[T, ID, I, P]) runList(ctx context.Context, op string, s *querySpec) (list []*T, err error) {
	c.reads.stream(ctx, op, s, nil, func(d any, failed error) bool {
		list, err = append(list, typed[T](d)), failed
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
		c.reads.streamIDs(ctx, "listIds", s, func(id string, err error) bool { return yield(ID(id), err) })
	}
}

// runCount implements runner.
func (c *Collection[T, ID, I, P]) runCount(ctx context.Context, s *querySpec) (int, error) {
	return c.reads.count(ctx, s)
}

// runPage implements runner.
func (c *Collection[T, ID, I, P]) runPage(ctx context.Context, s *querySpec, size int, options []PageOption) (*Page[T], error) {
	p, err := c.reads.page(ctx, s, size, options)
	if err != nil {
		return nil, err
	}
	page := &Page[T]{Items: make([]*T, len(p.items)), HasMore: p.more, Cursor: p.cursor, Total: p.total}
	for i, d := range p.items {
		page.Items[i] = typed[T](d)
	}
	return page, nil
}

// runPlan implements runner.
func (c *Collection[T, ID, I, P]) runPlan(s *querySpec) Plan { return c.reads.plan(s) }

// readItem implements documents: it reads the document that a listing or a claim
// names, unless it is none that counts.
func (c *Collection[T, ID, I, P]) readItem(ctx context.Context, r *reading, item scanItem) (any, error) {
	if item.claim {
		return orNil(c.readClaimed(ctx, &c.model.Uniques[r.index.place], item.path))
	}
	d, err := c.readListed(ctx, item.id)
	if err != nil || d == nil || r.kind != accessPartition {
		return orNil(d, err)
	}
	// An entry counts only if the document is in that very place now.
	if here, err := c.model.Partitions[r.index.place].isAt(d, item.path, r.steps); err != nil || !here {
		return nil, err
	}
	return d, nil
}

// orNil makes no document a nil interface.
func orNil[T any](d *T, err error) (any, error) {
	if d == nil {
		return nil, err
	}
	return d, err
}

// idOf implements documents.
func (c *Collection[T, ID, I, P]) idOf(d any) string { return string(*c.model.ID(typed[T](d))) }

// withID implements documents.
func (c *Collection[T, ID, I, P]) withID(id string) any {
	d := new(T)
	*c.model.ID(d) = ID(id)
	return d
}
