package s3db

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// engine is what a Collection does to documents whose type it need not know:
// nearly all of it.
type engine struct {
	db      *Database
	model   *model
	newID   IDGenerator
	version int
	turns   turns
	codecs  codecs

	partitions, uniques []indexInfo // of the model, for the planner

	hooks      registrations[hookSet]
	middleware registrations[middlewareSet]
	events     registrations[subscriber]
}

func newEngine(db *Database, m *model, newID IDGenerator) *engine {
	if custom := db.options.ids[m.Resource]; custom != nil {
		newID = custom
	}
	c := &engine{db: db, model: m, newID: newID, version: db.versions[m.Resource]}
	for _, x := range m.Partitions {
		c.partitions = append(c.partitions, x.indexInfo)
	}
	for _, x := range m.Uniques {
		c.uniques = append(c.uniques, x.indexInfo)
	}
	return c
}

// insert stores a document that create makes, under an id of its own when none is
// given.
func (c *engine) insert(ctx context.Context, id string, opts []WriteOption, create func(*Validator, document)) (document, error) {
	const op = "insert"
	given := id != ""
	for n := 0; ; n++ {
		if !given {
			generated, err := c.newID()
			if err != nil {
				return nil, c.fail(op, "", err)
			}
			id = generated
		}
		d, err := c.write(ctx, &write{op: op, id: id, options: newWriteOptions(opts), blind: true, create: create})
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

func (c *engine) get(ctx context.Context, id string) (document, error) {
	const op = "get"
	if err := c.beforeGet(ctx, id); err != nil {
		return nil, c.fail(op, id, err)
	}
	d, err := c.load(ctx, id)
	if err == nil && (d == nil || c.expired(d)) { // since it was cached, perhaps
		err = ErrNotFound
	}
	if err == nil {
		err = c.afterGet(ctx, d)
	}
	if err != nil {
		return nil, c.fail(op, id, err)
	}
	return d, nil
}

// load reads a document, or lets observers answer; nil when there is none.
func (c *engine) load(ctx context.Context, id string) (document, error) {
	if !c.observed() {
		return c.loadStored(ctx, id)
	}
	return c.answered(ctx, &PendingRead{Method: MethodGet, ID: id}, func(ctx context.Context) (document, error) { return c.loadStored(ctx, id) })
}

func (c *engine) loadStored(ctx context.Context, id string) (document, error) {
	s, err := c.read(ctx, id)
	if err != nil || !s.live() {
		return nil, err
	}
	d, err := c.decode(id, s)
	if err != nil || c.expired(d.doc) {
		return nil, err
	}
	return d.doc, nil
}

func (c *engine) exists(ctx context.Context, id string) (bool, error) {
	err := c.beforeExists(ctx, id)
	exists := false
	if err == nil {
		exists, err = c.ask(ctx, id)
	}
	if err == nil {
		err = c.afterExists(ctx, id, exists)
	}
	if err != nil {
		return false, c.fail("exists", id, err)
	}
	return exists, nil
}

// ask is isThere, answered by observers if there are any.
func (c *engine) ask(ctx context.Context, id string) (bool, error) {
	if !c.observed() {
		return c.isThere(ctx, id)
	}
	r := &PendingRead{Method: MethodExists, ID: id}
	found, err := c.answer(ctx, r, func(ctx context.Context) (*ReadResult, error) {
		if c.model.TTL != nil {
			d, err := c.loadStored(ctx, id)
			r.see(d)
			return &ReadResult{Exists: d != nil}, err
		}
		exists, err := c.isThere(ctx, id)
		return &ReadResult{Exists: exists}, err
	})
	if err != nil {
		return false, err
	}
	return found.Exists, nil
}

func (c *engine) isThere(ctx context.Context, id string) (bool, error) {
	if c.model.TTL != nil { // the body says when it expires
		s, err := c.readPresent(ctx, id)
		return s.live(), err
	}
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

// update changes a document, from the state that the caller holds if held is a
// document of it.
func (c *engine) update(ctx context.Context, id string, held document, opts []WriteOption, change func(*Validator, document, state) (document, error)) (document, error) {
	w := &write{op: "update", id: id, options: newWriteOptions(opts), change: change}
	if held != nil {
		meta := c.model.Meta(held)
		if w.options.ifMatch == "" {
			w.options.ifMatch = meta.Revision
		}
		if meta.stored != nil {
			w.known = &state{record: meta.stored.record, etag: meta.stored.etag}
		}
	}
	return c.write(ctx, w)
}

func (c *engine) delete(ctx context.Context, id string, opts []WriteOption) error {
	_, err := c.write(ctx, &write{op: "delete", id: id, options: newWriteOptions(opts), remove: true})
	return err
}

// fail wraps an error of an operation; errors that are wrapped already stay.
func (c *engine) fail(op, id string, err error) error {
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

func (c *engine) key(id string) (string, error) {
	if err := ValidateID(id, c.model.AnyID); err != nil {
		return "", err
	}
	return dataKey(c.db.prefix, c.model.Resource, id), nil
}

func (c *engine) read(ctx context.Context, id string) (state, error) {
	key, err := c.key(id)
	if err != nil {
		return state{}, err
	}
	return c.db.readState(ctx, key)
}

// describe sets what the document holds beside its attributes. Without an ETag
// the state is not known to be the current one.
func (c *engine) describe(d document, id string, s state) {
	c.model.setID(d, id)
	meta := c.model.Meta(d)
	*meta = Meta{Revision: Revision(s.record.rev), Version: c.version, StoredVersion: s.record.version, InBody: len(s.record.body) > 0, Content: s.record.content.info()}
	if c.seen().newer(s.record.version) {
		meta.Version = s.record.version
	}
	if s.etag != "" {
		meta.stored = &stored{record: s.record, etag: s.etag}
	}
	c.setTimes(d, s.record.created, s.record.updated)
	meta.Expires = c.model.TTL.expires(d, s.record.created, s.record.updated)
}

func (c *engine) setTimes(d document, created, updated time.Time) {
	if c.model.Times != nil {
		pc, pu := c.model.Times(d)
		*pc, *pu = created, updated
	}
}

// parallel runs f(0) … f(n-1), at most width at a time, one of them on the caller's
// goroutine. No call has a goroutine of its own: a request needs a deep stack, which
// grows once for each goroutine.
func parallel(n, width int, f func(i int)) {
	if n == 1 {
		f(0)
		return
	}
	var next atomic.Int64
	work := func() {
		for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
			f(int(i))
		}
	}
	var others sync.WaitGroup
	for range min(n, width) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
}
