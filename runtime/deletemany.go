package s3db

import (
	"context"
	"errors"
	"sync"
	"time"
)

// DeleteMany removes the documents with these ids, each as Delete does, several
// at a time. The error is a *BulkError that names each document that was not
// deleted, ErrNotFound for one that was not there; the others are gone. An id that
// stands twice counts once.
//
// It costs 2 requests for each document, 1 for each of its unique values, and 1 for
// every 1,000 partition entries of all documents together.
func (c *Collection[T, ID, I, P]) DeleteMany(ctx context.Context, ids ...ID) error {
	if c.engine.plain() {
		return c.deleteMany(ctx, ids)
	}
	call := &DeleteManyCall[ID]{Args: ManyArgs[ID]{IDs: ids}}
	_, err := run(ctx, c.engine, MethodDeleteMany, call, nil, func(ctx context.Context) (any, error) {
		return nil, c.deleteMany(ctx, call.Args.IDs)
	})
	return err
}

func (c *Collection[T, ID, I, P]) deleteMany(ctx context.Context, ids []ID) error {
	return c.engine.deleteMany(ctx, idTexts(ids), c.deleteLater)
}

// deleteMany deletes documents by a function that leaves the entries to a sweeper.
func (c *engine) deleteMany(ctx context.Context, ids []string, deleteLater deleteLater) error {
	sweep := &sweeper{requests: &c.db.requests}
	places := firstPlaces(ids)
	errs := make([]error, len(places))
	convoy := c.convoy(ctx)
	opts := convoy.options([]WriteOption{sweep.option})
	convoy.parallel(len(places), c.db.options.concurrency, func(i int) {
		errs[i] = deleteLater(ctx, ids[places[i]], opts)
	})
	sweep.flush(ctx)
	bulk := &BulkError{Op: "deleteMany", Resource: c.model.Resource, Total: len(places)}
	for i, err := range errs {
		bulk.add(places[i], ids[places[i]], err)
	}
	return bulk.orNil()
}

// Confirmation says that all documents of a resource are really meant.
type Confirmation struct{ resource string }

// Confirm confirms a call of DeleteAll, by the name of the resource that is to be
// emptied:
//
//	n, err := db.Users.DeleteAll(ctx, s3db.Confirm("users"))
func Confirm(resource string) Confirmation { return Confirmation{resource} }

// DeleteAll removes every document of the resource that is there when its listing
// gets to it, each as Delete does, and returns how many it removed. Documents that
// are inserted meanwhile may stay. Nothing of other resources is touched.
//
// A document that cannot be deleted does not end it: the error is a *BulkError that
// names each. ErrUnavailable and ErrRefused do. Errors: ErrConfig when the
// confirmation names another resource.
//
// It costs 1 request for every 1,000 documents and what DeleteMany costs.
func (c *Collection[T, ID, I, P]) DeleteAll(ctx context.Context, confirm Confirmation) (int, error) {
	return c.engine.deleteAll(ctx, confirm, c.deleteLater)
}

func (c *engine) deleteAll(ctx context.Context, confirm Confirmation, deleteLater deleteLater) (int, error) {
	const op = "deleteAll"
	if confirm.resource != c.model.Resource {
		return 0, c.fail(op, "", configError("pass s3db.Confirm(%q) to delete all documents; this confirms %q", c.model.Resource, confirm.resource))
	}
	sweep := &sweeper{requests: &c.db.requests, all: true}
	defer sweep.flush(ctx)
	bulk := &BulkError{Op: op, Resource: c.model.Resource}
	deleted := 0
	page := make([]string, 0, 2*bulkPage)
	run := func() bool {
		errs := make([]error, len(page))
		convoy := c.convoy(ctx)
		opts := convoy.options([]WriteOption{sweep.option})
		convoy.parallel(len(page), c.db.options.concurrency, func(i int) { errs[i] = deleteLater(ctx, page[i], opts) })
		hopeless := ctx.Err() != nil
		for i, err := range errs {
			switch {
			case err == nil:
				deleted++
			case !errors.Is(err, ErrNotFound): // else somebody was faster
				bulk.add(bulk.Total+i, page[i], err)
				hopeless = hopeless || errors.Is(err, ErrUnavailable) || errors.Is(err, ErrRefused)
			}
		}
		bulk.Total += len(page)
		page = page[:0]
		return !hopeless
	}
	for items, err := range c.documents(ctx, []keyRange{{prefix: dataPrefix(c.db.prefix, c.model.Resource)}}, listing{}) {
		if err != nil {
			return deleted, errors.Join(c.fail(op, "", err), bulk.orNil())
		}
		for _, item := range items {
			page = append(page, item.id)
		}
		if len(page) >= bulkPage && !run() {
			break
		}
	}
	run()
	if err := ctx.Err(); err != nil && len(bulk.Failed) == 0 {
		return deleted, c.fail(op, "", err)
	}
	return deleted, bulk.orNil()
}

// bulkPage is the number of documents that a bulk operation has in hand at once:
// a page of a listing.
const bulkPage = 1000

// deleteLater is Delete with options that leave the entries to a sweeper.
type deleteLater func(ctx context.Context, id string, opts []WriteOption) error

func (c *Collection[T, ID, I, P]) deleteLater(ctx context.Context, id string, opts []WriteOption) error {
	return c.Delete(ctx, ID(id), opts...)
}

// option makes a delete leave its entries to the sweeper.
func (s *sweeper) option(o *writeOptions) { o.sweep = s }

// firstPlaces returns the index of each id where it stands first.
func firstPlaces(ids []string) []int {
	seen := make(map[string]bool, len(ids))
	places := make([]int, 0, len(ids))
	for i, id := range ids {
		if !seen[id] {
			seen[id] = true
			places = append(places, i)
		}
	}
	return places
}

// sweeper removes the entries that deletes leave behind, up to 1,000 in one
// request. They belong to documents that are gone, so that losing them to a crash
// does no more harm than losing those of a single delete.
type sweeper struct {
	requests *requester
	due      time.Time // delete only documents that have expired by then; zero: see all
	all      bool      // delete documents whether or not they have expired; else only those that have not
	mu       sync.Mutex
	keys     []string
}

// add takes keys, and removes what fills a request.
func (s *sweeper) add(ctx context.Context, keys []string) {
	s.mu.Lock()
	s.keys = append(s.keys, keys...)
	var full []string
	if n := len(s.keys) / mostDeletes * mostDeletes; n > 0 {
		full, s.keys = s.keys[:n:n], append([]string(nil), s.keys[n:]...)
	}
	s.mu.Unlock()
	_ = s.requests.remove(ctx, full)
}

// flush removes the rest.
func (s *sweeper) flush(ctx context.Context) {
	s.mu.Lock()
	rest := s.keys
	s.keys = nil
	s.mu.Unlock()
	_ = s.requests.remove(ctx, rest)
}
