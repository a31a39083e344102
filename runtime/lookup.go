package s3db

import "context"

// GetByUnique returns the document that holds the values of a unique constraint,
// which put writes in the order of its fields. It costs 2 requests: the claim,
// and the document that it names. Errors: ErrNotFound. Generated code calls it.
func GetByUnique[T any, ID ~string, I, P any](ctx context.Context, c *Collection[T, ID, I, P], name string, put func(*KeyBuilder)) (*T, error) {
	d, err := c.lookup(ctx, name, put)
	if err != nil {
		return nil, c.fail("get", "", err)
	}
	return d, nil
}

func (c *Collection[T, ID, I, P]) lookup(ctx context.Context, name string, put func(*KeyBuilder)) (*T, error) {
	index, err := c.unique(name)
	if err != nil {
		return nil, err
	}
	var b KeyBuilder
	put(&b)
	path, err := c.db.claimPath(c.model.Resource, name, index.Fields, index.Hashed, &b)
	if err != nil {
		return nil, err
	}
	if path == "" {
		return nil, ErrNotFound // nobody holds an absent value
	}
	obj, err := c.db.requests.get(ctx, claimKey(c.db.prefix, c.model.Resource, name, path))
	if err != nil {
		return nil, err
	}
	owner, err := parseClaim(obj.Body)
	if err != nil {
		return nil, err
	}
	if owner.ID == "" {
		return nil, ErrNotFound
	}
	// The claim says who may hold the value; the document says whether it does.
	d, err := c.readListed(ctx, scanItem{id: owner.ID, path: path}, func(d *T, item scanItem) (bool, error) {
		var b KeyBuilder
		holds, err := c.claimPath(index, &b, d)
		return holds == item.path, err
	})
	if err == nil && d == nil {
		err = ErrNotFound
	}
	return d, err
}

func (c *Collection[T, ID, I, P]) unique(name string) (*Index[T], error) {
	for i := range c.model.Uniques {
		if c.model.Uniques[i].Name == name {
			return &c.model.Uniques[i], nil
		}
	}
	return nil, configError("there is no unique constraint %q", name)
}
