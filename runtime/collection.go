package s3db

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Collection reads and writes the documents of one resource. T is the document,
// ID its id, I the input of an insert, P a patch. It is safe for concurrent use.
//
// Every write is a compare-and-swap: it is based on the state of the document
// that it read, and is applied again to the newer state when another writer was
// faster. A write either is applied whole or not at all.
type Collection[T any, ID ~string, I, P any] struct {
	db      *Database
	model   *Model[T, ID, I, P]
	newID   IDGenerator
	version int
	turns   turns
	codecs  codecs
	reads   engine

	hooks      registrations[Hooks[T, ID]]
	middleware registrations[Middleware[T, ID, I, P]]
	piped      piped[T, ID, I, P]
	events     registrations[subscriber[Event[T, ID]]]
}

// NewCollection returns the collection of a resource that was in the Config of
// db. Generated code calls it.
func NewCollection[T any, ID ~string, I, P any](db *Database, model *Model[T, ID, I, P]) *Collection[T, ID, I, P] {
	newID := model.NewID
	if custom := db.options.ids[model.Resource]; custom != nil {
		newID = custom
	}
	c := &Collection[T, ID, I, P]{db: db, model: model, newID: newID, version: db.versions[model.Resource]}
	c.reads = engine{db: db, resource: model.Resource, anyID: model.AnyID, partitions: indexInfos(model.Partitions), uniques: indexInfos(model.Uniques), docs: c}
	return c
}

// Name returns the name of the resource.
func (c *Collection[T, ID, I, P]) Name() string { return c.model.Resource }

// Database returns the database that the collection is part of.
func (c *Collection[T, ID, I, P]) Database() *Database { return c.db }

// Version returns the version of the resource's schema that this program writes.
func (c *Collection[T, ID, I, P]) Version() int { return c.version }

// Insert stores a new document and returns it. Without an id in the input it
// gets a generated one. Errors: ErrAlreadyExists, ErrUnique, ErrValidation,
// ErrInvalidID, ErrTooLarge.
//
// It costs 1 request plus 1 for each partition and unique constraint.
func (c *Collection[T, ID, I, P]) Insert(ctx context.Context, in I, opts ...WriteOption) (d *T, err error) {
	began := c.started()
	args := &InsertArgs[I]{Input: in, Options: opts}
	if p := c.pipes(); p != nil {
		d, err = p.insert.run(ctx, *args, opts)
	} else {
		d, err = c.insert(ctx, args)
	}
	c.failed(ctx, began, "insert", c.model.InsertID(&args.Input), err)
	return d, err
}

func (c *Collection[T, ID, I, P]) insert(ctx context.Context, args *InsertArgs[I]) (*T, error) {
	const op = "insert"
	id := string(c.model.InsertID(&args.Input))
	given := id != ""
	for n := 0; ; n++ {
		if !given {
			generated, err := c.newID()
			if err != nil {
				return nil, c.fail(op, "", err)
			}
			id = generated
		}
		d, err := c.write(ctx, &write[T]{
			op: op, id: id, options: newWriteOptions(args.Options), blind: true,
			create: func(v *Validator, d *T) { c.model.New(v, &args.Input, d) },
		})
		const collisions = 4
		if !given && n < collisions && collided(err) {
			continue // the generated id is taken: draw another one
		}
		return d, err
	}
}

// collided reports that an id is taken, and that it is not a hook that says so.
func collided(err error) bool {
	_, hook := errors.AsType[*HookError](err)
	return errors.Is(err, ErrAlreadyExists) && !hook
}

// Get returns the document. It costs 1 request. Errors: ErrNotFound.
func (c *Collection[T, ID, I, P]) Get(ctx context.Context, id ID) (d *T, err error) {
	began := c.started()
	if p := c.pipes(); p != nil {
		d, err = p.get.run(ctx, GetArgs[ID]{ID: id}, nil)
	} else {
		d, err = c.get(ctx, id)
	}
	c.told(ctx, began, Event[T, ID]{Kind: EventGet, Operation: "get", ID: id, Document: d}, err)
	return d, err
}

func (c *Collection[T, ID, I, P]) get(ctx context.Context, id ID) (*T, error) {
	const op = "get"
	if err := c.beforeGet(ctx, id); err != nil {
		return nil, c.fail(op, string(id), err)
	}
	s, err := c.read(ctx, string(id))
	if err != nil {
		return nil, c.fail(op, string(id), err)
	}
	if !s.live() {
		return nil, c.fail(op, string(id), ErrNotFound)
	}
	d, err := c.decode(string(id), s)
	if err == nil {
		err = c.afterGet(ctx, d.doc)
	}
	if err != nil {
		return nil, c.fail(op, string(id), err)
	}
	return d.doc, nil
}

// Exists reports whether there is a document with this id. It costs 1 request.
func (c *Collection[T, ID, I, P]) Exists(ctx context.Context, id ID) (ok bool, err error) {
	began := c.started()
	if p := c.pipes(); p != nil {
		ok, err = p.exists.run(ctx, GetArgs[ID]{ID: id}, nil)
	} else {
		ok, err = c.exists(ctx, id)
	}
	e := Event[T, ID]{Kind: EventExists, Operation: "exists", ID: id}
	if ok {
		e.Count = 1
	}
	c.told(ctx, began, e, err)
	return ok, err
}

func (c *Collection[T, ID, I, P]) exists(ctx context.Context, id ID) (bool, error) {
	err := c.beforeExists(ctx, id)
	exists := false
	if err == nil {
		exists, err = c.isThere(ctx, string(id))
	}
	if err == nil {
		err = c.afterExists(ctx, id, exists)
	}
	if err != nil {
		return false, c.fail("exists", string(id), err)
	}
	return exists, nil
}

func (c *Collection[T, ID, I, P]) isThere(ctx context.Context, id string) (bool, error) {
	key, err := c.key(id)
	if err != nil {
		return false, err
	}
	obj, err := c.db.requests.head(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var rec record
	if err := rec.parseSystem(obj.Metadata); err != nil {
		return false, err
	}
	return !rec.tombstone(), nil
}

// GetMany returns the documents with these ids, in their order, read in
// parallel, each as Get does. Where a document is missing or cannot be read the
// result holds nil, and the error is a *BulkError that names each such place;
// errors.Is with ErrNotFound reports that some are missing. It costs 1 request for
// each id.
func (c *Collection[T, ID, I, P]) GetMany(ctx context.Context, ids ...ID) ([]*T, error) {
	if p := c.pipes(); p != nil {
		return p.getMany.run(ctx, ManyArgs[ID]{IDs: ids}, nil)
	}
	return c.getMany(ctx, ids)
}

func (c *Collection[T, ID, I, P]) getMany(ctx context.Context, ids []ID) ([]*T, error) {
	docs := make([]*T, len(ids))
	errs := make([]error, len(ids))
	parallel(len(ids), c.db.options.concurrency, func(i int) {
		docs[i], errs[i] = c.Get(ctx, ids[i])
	})
	bulk := &BulkError{Op: "getMany", Resource: c.model.Resource, Total: len(ids)}
	for i, err := range errs {
		bulk.add(i, string(ids[i]), err)
	}
	return docs, bulk.orNil()
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

func (c *Collection[T, ID, I, P]) runUpdate(ctx context.Context, args *UpdateArgs[T, ID, P]) (d *T, err error) {
	began := c.started()
	if p := c.pipes(); p != nil {
		d, err = p.update.run(ctx, *args, args.Options)
	} else {
		d, err = c.update(ctx, args)
	}
	c.failed(ctx, began, "update", args.ID, err)
	return d, err
}

func (c *Collection[T, ID, I, P]) update(ctx context.Context, args *UpdateArgs[T, ID, P]) (*T, error) {
	id := string(args.ID)
	w := &write[T]{op: "update", id: id, options: newWriteOptions(args.Options)}
	w.change = func(v *Validator, d *T, s state) (*T, error) {
		patch := &args.Patch
		if args.Func != nil {
			// Func gets a document of its own, so that only its patch has an effect.
			seen, err := c.decode(id, s)
			if err != nil {
				return nil, err
			}
			made, err := args.Func(seen.doc)
			if err != nil {
				return nil, err
			}
			patch = &made
		}
		c.model.Apply(v, patch, d)
		return d, nil
	}
	if args.From != nil {
		meta := c.model.Meta(args.From)
		if w.options.ifMatch == "" {
			w.options.ifMatch = meta.Revision
		}
		if meta.stored != nil {
			w.known = &state{record: meta.stored.record, etag: meta.stored.etag}
		}
	}
	return c.write(ctx, w)
}

// Replace stores a document in place of an existing one: attributes that the
// input does not give are cleared or get their defaults, immutable ones and the
// time of creation stay. Errors are those of Update.
func (c *Collection[T, ID, I, P]) Replace(ctx context.Context, id ID, in I, opts ...WriteOption) (d *T, err error) {
	began := c.started()
	args := &PutArgs[ID, I]{ID: id, Input: in, Options: opts}
	if p := c.pipes(); p != nil {
		d, err = p.replace.run(ctx, *args, opts)
	} else {
		d, err = c.replace(ctx, args)
	}
	c.failed(ctx, began, "replace", id, err)
	return d, err
}

func (c *Collection[T, ID, I, P]) replace(ctx context.Context, args *PutArgs[ID, I]) (*T, error) {
	return c.write(ctx, &write[T]{
		op: "replace", id: string(args.ID), options: newWriteOptions(args.Options),
		change: func(v *Validator, old *T, _ state) (*T, error) {
			d := new(T)
			c.model.New(v, &args.Input, d)
			if c.model.Keep != nil {
				c.model.Keep(old, d)
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
func (c *Collection[T, ID, I, P]) Upsert(ctx context.Context, id ID, in I, opts ...WriteOption) (d *T, err error) {
	began := c.started()
	args := &PutArgs[ID, I]{ID: id, Input: in, Options: opts}
	if p := c.pipes(); p != nil {
		d, err = p.upsert.run(ctx, *args, opts)
	} else {
		d, err = c.upsert(ctx, args)
	}
	c.failed(ctx, began, "upsert", id, err)
	return d, err
}

func (c *Collection[T, ID, I, P]) upsert(ctx context.Context, args *PutArgs[ID, I]) (*T, error) {
	return c.write(ctx, &write[T]{
		op: "upsert", id: string(args.ID), options: newWriteOptions(args.Options),
		create: func(v *Validator, d *T) { c.model.New(v, &args.Input, d) },
		change: func(v *Validator, d *T, _ state) (*T, error) { c.model.Merge(v, &args.Input, d); return d, nil },
	})
}

// Delete removes the document with its partition entries and unique claims.
// Errors: ErrNotFound; ErrConflict under IfMatch. It costs 2 requests, 1 more for
// all partitions together and 1 for each unique constraint.
func (c *Collection[T, ID, I, P]) Delete(ctx context.Context, id ID, opts ...WriteOption) (err error) {
	began := c.started()
	args := &DeleteArgs[ID]{ID: id, Options: opts}
	if p := c.pipes(); p != nil {
		_, err = p.delete.run(ctx, *args, opts)
	} else {
		err = c.delete(ctx, args)
	}
	c.failed(ctx, began, "delete", id, err)
	return err
}

func (c *Collection[T, ID, I, P]) delete(ctx context.Context, args *DeleteArgs[ID]) error {
	_, err := c.write(ctx, &write[T]{op: "delete", id: string(args.ID), options: newWriteOptions(args.Options), remove: true})
	return err
}

// fail wraps an error of an operation; errors that are wrapped already stay.
func (c *Collection[T, ID, I, P]) fail(op, id string, err error) error {
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	e := &Error{Op: op, Resource: c.model.Resource, ID: id, Err: asUnavailable(err)}
	if f, ok := errors.AsType[*attributeError](err); ok {
		e.Field, e.Err = f.path, f.err
	}
	if n, ok := errors.AsType[*pathError](err); ok {
		e.Field, e.Err = attributePath(c.model.Names, n.path), n.err
	}
	return e
}

// attributeError is an error about attributes of a document, before it has its
// operation.
type attributeError struct {
	path string
	err  error
}

func (e *attributeError) Error() string { return e.path + ": " + e.err.Error() }
func (e *attributeError) Unwrap() error { return e.err }

func (c *Collection[T, ID, I, P]) key(id string) (string, error) {
	if err := ValidateID(id, c.model.AnyID); err != nil {
		return "", err
	}
	return dataKey(c.db.prefix, c.model.Resource, id), nil
}

func (c *Collection[T, ID, I, P]) read(ctx context.Context, id string) (state, error) {
	key, err := c.key(id)
	if err != nil {
		return state{}, err
	}
	return c.db.readState(ctx, key)
}

// describe sets what the document holds beside its attributes. Without an ETag
// the state is not known to be the current one.
func (c *Collection[T, ID, I, P]) describe(d *T, id string, s state) {
	*c.model.ID(d) = ID(id)
	meta := c.model.Meta(d)
	*meta = Meta{Revision: Revision(s.record.rev), Version: s.record.version, InBody: len(s.record.body) > 0, Content: s.record.content.info()}
	if s.etag != "" {
		meta.stored = &stored{record: s.record, etag: s.etag}
	}
	c.setTimes(d, s.record.created, s.record.updated)
}

func (c *Collection[T, ID, I, P]) setTimes(d *T, created, updated time.Time) {
	if c.model.Times != nil {
		pc, pu := c.model.Times(d)
		*pc, *pu = created, updated
	}
}

// parallel runs f(0) … f(n-1), at most width at a time.
func parallel(n, width int, f func(i int)) {
	if n == 1 {
		f(0)
		return
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, width)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			f(i)
		})
	}
	wg.Wait()
}
