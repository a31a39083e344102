package s3db

import "context"

// Collection reads and writes the documents of one resource. T is the document,
// ID its id, I the input of an insert, P a patch. It is safe for concurrent use.
//
// Every write is a compare-and-swap: it is based on the state of the document
// that it read, and is applied again to the newer state when another writer was
// faster. A write either is applied whole or not at all.
type Collection[T any, ID ~string, I, P any] struct {
	engine *engine
	model  *Model[T, ID, I, P]
}

// NewCollection returns the collection of a resource that was in the Config of
// db. Generated code calls it.
func NewCollection[T any, ID ~string, I, P any](db *Database, model *Model[T, ID, I, P]) *Collection[T, ID, I, P] {
	return &Collection[T, ID, I, P]{engine: newEngine(db, model.forget(), model.NewID), model: model}
}

// Name returns the name of the resource.
func (c *Collection[T, ID, I, P]) Name() string { return c.engine.model.Resource }

// Database returns the database that the collection is part of.
func (c *Collection[T, ID, I, P]) Database() *Database { return c.engine.db }

// Version returns the version of the resource's schema that this program writes,
// as the database counts versions.
func (c *Collection[T, ID, I, P]) Version() int { return c.engine.version }

// Insert stores a new document and returns it. Without an id in the input it
// gets a generated one. Errors: ErrAlreadyExists, ErrUnique, ErrValidation,
// ErrInvalidID, ErrTooLarge.
//
// It costs 1 request plus 1 for each partition and unique constraint.
func (c *Collection[T, ID, I, P]) Insert(ctx context.Context, in I, opts ...WriteOption) (*T, error) {
	args := InsertArgs[I]{Input: in, Options: opts}
	if c.engine.plain() {
		d, err := c.insert(ctx, &args)
		return of[T](d), err
	}
	call := &InsertCall[T, I]{Args: args}
	call.id = func() string { return string(c.model.InsertID(&call.Args.Input)) }
	return run(ctx, c.engine, MethodInsert, call, opts, func(ctx context.Context) (any, error) { return c.insert(ctx, &call.Args) })
}

func (c *Collection[T, ID, I, P]) insert(ctx context.Context, args *InsertArgs[I]) (document, error) {
	return c.engine.insert(ctx, string(c.model.InsertID(&args.Input)), args.Options, func(v *Validator, d document) {
		c.model.New(v, &args.Input, of[T](d))
	})
}

// Get returns the document. It costs 1 request. Errors: ErrNotFound.
func (c *Collection[T, ID, I, P]) Get(ctx context.Context, id ID) (*T, error) {
	if c.engine.plain() {
		d, err := c.engine.get(ctx, string(id))
		return of[T](d), err
	}
	call := &GetCall[T, ID]{Args: GetArgs[ID]{ID: id}}
	return run(ctx, c.engine, MethodGet, call, nil, func(ctx context.Context) (any, error) { return c.engine.get(ctx, string(call.Args.ID)) })
}

// Exists reports whether there is a document with this id. It costs 1 request.
func (c *Collection[T, ID, I, P]) Exists(ctx context.Context, id ID) (bool, error) {
	if c.engine.plain() {
		return c.engine.exists(ctx, string(id))
	}
	call := &ExistsCall[ID]{Args: GetArgs[ID]{ID: id}}
	return run(ctx, c.engine, MethodExists, call, nil, func(ctx context.Context) (any, error) { return c.engine.exists(ctx, string(call.Args.ID)) })
}

// GetMany returns the documents with these ids, in their order, read in
// parallel, each as Get does. Where a document is missing or cannot be read the
// result holds nil, and the error is a *BulkError that names each such place;
// errors.Is with ErrNotFound reports that some are missing. It costs 1 request for
// each id.
func (c *Collection[T, ID, I, P]) GetMany(ctx context.Context, ids ...ID) ([]*T, error) {
	if c.engine.plain() {
		return c.getMany(ctx, ids)
	}
	call := &GetManyCall[T, ID]{Args: ManyArgs[ID]{IDs: ids}}
	return run(ctx, c.engine, MethodGetMany, call, nil, func(ctx context.Context) (any, error) { return c.getMany(ctx, call.Args.IDs) })
}

func (c *Collection[T, ID, I, P]) getMany(ctx context.Context, ids []ID) ([]*T, error) {
	return many(c, "getMany", len(ids), nil, func(i int) ID { return ids[i] }, func(i int) (*T, error) { return c.Get(ctx, ids[i]) })
}

// idTexts returns ids without their type.
func idTexts[ID ~string](ids []ID) []string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = string(id)
	}
	return texts
}

// Update applies a patch and returns the document as it is then. Attributes that
// the patch does not name keep the value that other writers gave them. Errors:
// ErrNotFound, ErrUnique, ErrValidation, ErrTooLarge; ErrConflict under IfMatch.
//
// It costs 2 requests, and 2 more for each partition or unique constraint whose
// values change.
func (c *Collection[T, ID, I, P]) Update(ctx context.Context, id ID, patch P, opts ...WriteOption) (*T, error) {
	return c.runUpdate(ctx, &UpdateArgs[T, ID, P]{ID: id, Patch: patch, Options: opts})
}

// UpdateFrom applies a patch to a document that the caller has read or written,
// if nobody changed it since; otherwise it fails with ErrConflict. It saves the
// read of Update: 1 request when no partition or unique value changes. Only what
// the patch says is changed, whatever the caller did to the fields of d.
func (c *Collection[T, ID, I, P]) UpdateFrom(ctx context.Context, d *T, patch P, opts ...WriteOption) (*T, error) {
	return c.runUpdate(ctx, &UpdateArgs[T, ID, P]{ID: *c.model.ID(d), Patch: patch, From: d, Options: opts})
}

// UpdateFunc reads the document, asks f for a patch, and applies it if nobody
// changed the document meanwhile; otherwise it begins again, so f may run several
// times and must have no effect of its own. An error of f ends the update and is
// returned. Concurrent UpdateFunc calls never lose a change of each other.
func (c *Collection[T, ID, I, P]) UpdateFunc(ctx context.Context, id ID, f func(d *T) (P, error), opts ...WriteOption) (*T, error) {
	return c.runUpdate(ctx, &UpdateArgs[T, ID, P]{ID: id, Func: f, Options: opts})
}

func (c *Collection[T, ID, I, P]) runUpdate(ctx context.Context, args *UpdateArgs[T, ID, P]) (*T, error) {
	if c.engine.plain() {
		d, err := c.update(ctx, args)
		return of[T](d), err
	}
	call := &UpdateCall[T, ID, P]{Args: *args}
	return run(ctx, c.engine, MethodUpdate, call, args.Options, func(ctx context.Context) (any, error) { return c.update(ctx, &call.Args) })
}

func (c *Collection[T, ID, I, P]) update(ctx context.Context, args *UpdateArgs[T, ID, P]) (document, error) {
	var held document
	if args.From != nil {
		held = args.From
	}
	return c.engine.update(ctx, string(args.ID), held, args.Options, func(v *Validator, d document, s state) (document, error) {
		patch := &args.Patch
		if args.Func != nil {
			// Func gets a document of its own, so that only its patch has an effect.
			seen, err := c.engine.decode(string(args.ID), s)
			if err != nil {
				return nil, err
			}
			made, err := args.Func(of[T](seen.doc))
			if err != nil {
				return nil, err
			}
			patch = &made
		}
		c.model.Apply(v, patch, of[T](d))
		return d, nil
	})
}

// Replace stores a document in place of an existing one: attributes that the
// input does not give are cleared or get their defaults, immutable ones and the
// time of creation stay. Errors are those of Update.
func (c *Collection[T, ID, I, P]) Replace(ctx context.Context, id ID, in I, opts ...WriteOption) (*T, error) {
	args := PutArgs[ID, I]{ID: id, Input: in, Options: opts}
	if c.engine.plain() {
		d, err := c.replace(ctx, &args)
		return of[T](d), err
	}
	call := &PutCall[T, ID, I]{Args: args}
	return run(ctx, c.engine, MethodReplace, call, opts, func(ctx context.Context) (any, error) { return c.replace(ctx, &call.Args) })
}

func (c *Collection[T, ID, I, P]) replace(ctx context.Context, args *PutArgs[ID, I]) (document, error) {
	return c.engine.write(ctx, &write{
		op: "replace", id: string(args.ID), options: newWriteOptions(args.Options),
		change: func(v *Validator, old document, _ state) (document, error) {
			d := new(T)
			c.model.New(v, &args.Input, d)
			if c.model.Keep != nil {
				c.model.Keep(of[T](old), d)
			}
			return d, nil
		},
	})
}

// Upsert inserts the document when there is none with this id; otherwise it sets
// the attributes that the input gives and keeps the others. Concurrent upserts of
// one id are applied one after the other. Errors: ErrUnique, ErrValidation,
// ErrInvalidID, ErrTooLarge; ErrConflict under IfMatch.
//
// It costs 2 requests, and those of the entries that change.
func (c *Collection[T, ID, I, P]) Upsert(ctx context.Context, id ID, in I, opts ...WriteOption) (*T, error) {
	args := PutArgs[ID, I]{ID: id, Input: in, Options: opts}
	if c.engine.plain() {
		d, err := c.upsert(ctx, &args)
		return of[T](d), err
	}
	call := &PutCall[T, ID, I]{Args: args}
	return run(ctx, c.engine, MethodUpsert, call, opts, func(ctx context.Context) (any, error) { return c.upsert(ctx, &call.Args) })
}

func (c *Collection[T, ID, I, P]) upsert(ctx context.Context, args *PutArgs[ID, I]) (document, error) {
	return c.engine.write(ctx, &write{
		op: "upsert", id: string(args.ID), options: newWriteOptions(args.Options),
		create: func(v *Validator, d document) { c.model.New(v, &args.Input, of[T](d)) },
		change: func(v *Validator, d document, _ state) (document, error) {
			c.model.Merge(v, &args.Input, of[T](d))
			return d, nil
		},
	})
}

// Delete removes the document with its partition entries and unique claims.
// Errors: ErrNotFound; ErrConflict under IfMatch. It costs 2 requests, 1 more for
// all partitions together and 1 for each unique constraint.
func (c *Collection[T, ID, I, P]) Delete(ctx context.Context, id ID, opts ...WriteOption) error {
	if c.engine.plain() {
		return c.engine.delete(ctx, string(id), opts)
	}
	call := &DeleteCall[ID]{Args: DeleteArgs[ID]{ID: id, Options: opts}}
	_, err := run(ctx, c.engine, MethodDelete, call, opts, func(ctx context.Context) (any, error) {
		return nil, c.engine.delete(ctx, string(call.Args.ID), call.Args.Options)
	})
	return err
}
