package s3db

import (
	"context"
	"errors"
)

// GetByUnique returns the document that holds the values of a unique constraint,
// which put writes in the order of its fields. It costs 2 requests: the claim,
// and the document that it names; see [ResourceVersion] for when it reads more. Errors: ErrNotFound. Generated code calls it.
func GetByUnique[T any, ID ~string, I, P any](ctx context.Context, c *Collection[T, ID, I, P], name string, put func(*KeyBuilder)) (*T, error) {
	if c.engine.plain() {
		d, err := c.engine.find(ctx, name, put)
		return of[T](d), err
	}
	call := &LookupCall[T]{Args: LookupArgs{Constraint: name}}
	return run(ctx, c.engine, MethodLookup, call, nil, func(ctx context.Context) (any, error) { return c.engine.find(ctx, name, put) })
}

// find is lookup with its hooks and the errors of a method.
func (c *engine) find(ctx context.Context, name string, put func(*KeyBuilder)) (document, error) {
	d, err := c.lookup(ctx, name, put)
	if err == nil {
		err = c.afterGet(ctx, d)
	}
	if err != nil {
		return nil, c.fail("get", "", err)
	}
	return d, nil
}

func (c *engine) lookup(ctx context.Context, name string, put func(*KeyBuilder)) (document, error) {
	index, err := c.unique(name)
	if err != nil {
		return nil, err
	}
	var b KeyBuilder
	put(&b)
	path, err := c.claimOf(&index.indexInfo, &b)
	if err != nil {
		return nil, err
	}
	if path == "" {
		return nil, ErrNotFound // nobody holds an absent value
	}
	read := func(ctx context.Context) (document, error) { return c.readClaimed(ctx, index, path) }
	var d document
	if c.observed() {
		d, err = c.answered(ctx, &PendingRead{Method: MethodLookup, unique: index, path: path}, read)
	} else {
		d, err = read(ctx)
	}
	if err == nil && d == nil {
		err = ErrNotFound
	}
	return d, err
}

// readClaimed reads the document that holds a unique value. It is nil when there
// is none. Where documents may have no claims, it reads all of them to find one.
func (c *engine) readClaimed(ctx context.Context, index *index, path string) (document, error) {
	d, err := c.claimant(ctx, index, path)
	if err != nil || d != nil {
		return d, err
	}
	view, err := c.db.current(ctx, c.model.Resource)
	if err != nil || view.complete(uniqueName(index.name)) {
		return nil, err
	}
	return c.derivedLookup(ctx, index, path)
}

// claimant reads the document that the claim of a value names, if it holds the
// value.
func (c *engine) claimant(ctx context.Context, index *index, path string) (document, error) {
	obj, err := c.db.requests.get(ctx, claimKey(c.db.prefix, c.model.Resource, index.name, path))
	if errors.Is(err, ErrNotFound) {
		return nil, nil //nolint:nilnil // no document, and that is no error here
	}
	if err != nil {
		return nil, err
	}
	owner, err := parseClaim(obj.Body)
	if err != nil || owner.ID == "" {
		return nil, err
	}
	d, err := c.readListed(ctx, owner.ID)
	if err != nil || d == nil {
		return nil, err
	}
	// The claim says who may hold the value; the document says whether it does.
	var b KeyBuilder
	if holds, err := c.claimPath(index, &b, d); err != nil || holds != path {
		return nil, err
	}
	return d, nil
}

// readListed reads a document that something else named. It is nil when there is
// none any more.
func (c *engine) readListed(ctx context.Context, id string) (document, error) {
	s, err := c.db.readState(ctx, dataKey(c.db.prefix, c.model.Resource, id))
	if err != nil || !s.live() {
		return nil, err
	}
	d, err := c.decode(id, s)
	if err != nil || c.expired(d.doc) {
		return nil, err
	}
	return d.doc, nil
}

func (c *engine) unique(name string) (*index, error) {
	for i := range c.model.Uniques {
		if c.model.Uniques[i].name == name {
			return &c.model.Uniques[i], nil
		}
	}
	return nil, configError("there is no unique constraint %q", name)
}
