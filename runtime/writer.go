package s3db

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
)

// Writer inserts a stream of documents, several at a time, each as Insert does. It
// must be closed; only then are all documents stored. It is safe for concurrent
// use.
type Writer[I any] struct {
	ctx    context.Context
	insert func(context.Context, I) (id string, err error)
	failed func(ItemError)
	queue  chan queued[I]

	convoy  *convoy // nil: nobody observes groups
	running sync.WaitGroup
	open    sync.RWMutex // held by Write; Close waits for it
	closed  bool

	mu   sync.Mutex
	bulk BulkError
}

// queued is a document with its place in the stream.
type queued[I any] struct {
	index int
	in    I
}

// ErrClosed is the error of a Writer that is used after Close.
var ErrClosed = errors.New("the writer is closed")

// OnFailure calls f for each document that a Writer could not store, as soon as
// that is known, in addition to the error of Close. f may be called concurrently.
func OnFailure(f func(ItemError)) StreamOption {
	return func(o *streamOptions) error { o.failed = f; return nil }
}

// Writer starts a stream of inserts. BatchSize bounds the documents that are in
// memory, and Concurrency those that are inserted at the same time: when there are
// so many, Write waits. When ctx ends, what is not stored by then has failed.
// Errors: ErrQuery for options that cannot be.
//
// While somebody observes groups of writes, see Database.OnWriteGroup, BatchSize is
// also the size of groups, 1,000 by default, and a document that no other follows waits
// for a tenth of a second.
func (c *Collection[T, ID, I, P]) Writer(ctx context.Context, options ...StreamOption) (*Writer[I], error) {
	const op = "insertMany"
	o, err := newStreamOptions(c.engine.db.options.concurrency, options)
	if err != nil {
		return nil, c.engine.fail(op, "", err)
	}
	workers := min(o.concurrency, o.batch)
	convoy := c.engine.db.newConvoy(ctx, o.concurrency, streamLinger)
	if convoy != nil {
		if o.defaultBatch {
			o.batch = max(o.batch, mostGrouped)
		}
		workers = min(o.batch, mostGrouped)
		convoy.enter(workers)
	}
	opts := convoy.options(nil)
	w := &Writer[I]{
		convoy: convoy,
		ctx:    ctx, failed: o.failed, queue: make(chan queued[I], o.batch-workers), bulk: BulkError{Op: op, Resource: c.Name()},
		insert: func(ctx context.Context, in I) (string, error) {
			_, err := c.Insert(ctx, in, opts...)
			return string(c.model.InsertID(&in)), err
		},
	}
	for range workers {
		w.running.Go(w.work)
	}
	return w, nil
}

// Write hands a document over. It returns when there is room for it, before it is
// stored. An error means that the document is not stored: ErrClosed, or that of the
// context.
func (w *Writer[I]) Write(in I) error {
	w.open.RLock()
	defer w.open.RUnlock()
	if w.closed {
		return ErrClosed
	}
	if err := w.ctx.Err(); err != nil {
		return err
	}
	w.mu.Lock()
	item := queued[I]{w.bulk.Total, in}
	w.bulk.Total++
	w.mu.Unlock()
	select {
	case w.queue <- item:
		return nil
	case <-w.ctx.Done():
		w.store(item) // which fails, under its index
		return w.ctx.Err()
	}
}

func (w *Writer[I]) work() {
	if w.convoy != nil {
		defer w.convoy.leave()
	}
	for {
		select {
		case item, ok := <-w.queue:
			if !ok {
				return
			}
			w.store(item)
		case <-w.ctx.Done():
			return
		}
	}
}

func (w *Writer[I]) store(item queued[I]) {
	var id string
	var err error
	insert := func() { id, err = w.insert(w.ctx, item.in) }
	if w.convoy != nil {
		w.convoy.work(insert)
	} else {
		insert()
	}
	if err == nil {
		return
	}
	w.mu.Lock()
	w.bulk.add(item.index, id, err)
	w.mu.Unlock()
	if w.failed != nil {
		w.failed(ItemError{Index: item.index, ID: id, Err: err})
	}
}

// Close waits until every document that was handed over is stored or has failed.
// The error is a *BulkError that names those that failed by the number of their
// Write, counted from 0, and by the id they were given. Closing again returns the
// same.
func (w *Writer[I]) Close() error {
	w.open.Lock()
	defer w.open.Unlock()
	if !w.closed {
		w.closed = true
		close(w.queue)
		w.running.Wait()
		for item := range w.queue { // left over when the context ended
			w.store(item)
		}
		slices.SortFunc(w.bulk.Failed, func(a, b ItemError) int { return cmp.Compare(a.Index, b.Index) })
	}
	return w.bulk.orNil()
}
