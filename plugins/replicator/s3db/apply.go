package s3db

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
)

// document is what a call of Apply does to one document.
type document struct{ steps []step } // in order

type step struct {
	index    int
	change   *replicator.Change
	copy     *opened // as the change's version sees it
	resource *dynamic.Resource
	input    dynamic.Input // not of a delete
}

// Apply implements [replicator.Target]. Of several changes of a document only the last is
// written; documents are written at the same time.
func (t *Target) Apply(ctx context.Context, changes []replicator.Change) ([]replicator.Rejection, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.newest == nil {
		return nil, errors.New("s3db target: Apply before Prepare")
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	refused := replicator.NewRefusals(changes)
	docs, err := t.read(ctx, changes, refused)
	if err != nil {
		return nil, err
	}
	b := &batch{target: t, refused: refused, stale: &stale{}}
	if err := b.run(ctx, docs); err != nil {
		return nil, err
	}
	if len(b.stale.keys) > 0 {
		if err := t.newest.space.Delete(ctx, b.stale.keys...); err != nil {
			return nil, err
		}
	}
	return refused.List(), nil
}

// read parses changes and groups them by document. What is no document of its resource is
// refused.
func (t *Target) read(ctx context.Context, changes []replicator.Change, refused *replicator.Refusals) ([]*document, error) {
	type key struct{ resource, id string }
	found := map[key]*document{}
	var docs []*document
	for i := range changes {
		c := &changes[i]
		o, err := t.at(ctx, version{c.Resource, c.Version})
		if err != nil {
			return nil, err
		}
		if len(t.resources[c.Resource].RoutesOf(c.Action)) == 0 || refused.Skip(i) {
			continue
		}
		s := step{index: i, change: c, copy: o}
		if s.resource, err = o.Resource(c.Resource); err != nil {
			return nil, err
		}
		if c.Action != replicator.Delete {
			if s.input, err = s.resource.ParseInput(c.After); err != nil {
				refused.Refuse(i, err.Error())
				continue
			}
			s.input.ID = c.ID
		}
		k := key{c.Resource, c.ID}
		d := found[k]
		if d == nil {
			d = &document{}
			found[k] = d
			docs = append(docs, d)
		}
		d.steps = append(d.steps, s)
	}
	return docs, nil
}

// batch is one call of Apply.
type batch struct {
	target *Target
	stale  *stale

	mu      sync.Mutex
	refused *replicator.Refusals
	waiting []*document // for a unique value that another document of the copy has
}

// run writes documents at the same time. Those that wait for a unique value are tried
// once more after all others.
func (b *batch) run(ctx context.Context, docs []*document) error {
	for again := false; len(docs) > 0; again = true {
		running, ctx := errgroup.WithContext(ctx)
		running.SetLimit(b.target.config.Concurrency)
		for _, d := range docs {
			running.Go(func() error { return b.write(ctx, d, again) })
		}
		if err := running.Wait(); err != nil || again {
			return err
		}
		docs = b.waiting
	}
	return nil
}

// write brings a document to the last state that the copy takes.
func (b *batch) write(ctx context.Context, d *document, again bool) error {
	for len(d.steps) > 0 {
		s := d.steps[len(d.steps)-1]
		err := b.apply(ctx, s)
		key := waitKey{s.change.Shard, s.change.Seq}
		switch {
		case err == nil || errors.Is(err, errOlder):
			b.target.waits.end(key)
			return nil
		case errors.Is(err, s3db.ErrUnique) && !again:
			b.mu.Lock()
			b.waiting = append(b.waiting, d)
			b.mu.Unlock()
			return nil
		case errors.Is(err, s3db.ErrUnique) && !b.target.waits.tooLong(key):
			return fmt.Errorf("s3db target: waiting for the document that has the value to change: %w", err)
		case !isRefusal(err):
			return err
		}
		b.target.waits.end(key)
		b.mu.Lock()
		b.refused.Refuse(s.index, err.Error())
		b.mu.Unlock()
		d.steps = d.steps[:len(d.steps)-1]
	}
	return nil
}

// isRefusal reports whether the copy will never take the document as it is.
func isRefusal(err error) bool {
	for _, refusal := range []error{s3db.ErrUnique, s3db.ErrValidation, s3db.ErrTooLarge, s3db.ErrInvalidID} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return false
}

// apply writes one change.
func (b *batch) apply(ctx context.Context, s step) error {
	c, r := s.change, s.resource
	a := applying{resource: r, change: c, stale: b.stale}
	if c.Action == replicator.Delete {
		err := b.target.remove(context.WithValue(ctx, applyingKey{}, a), c)
		if errors.Is(err, s3db.ErrNotFound) {
			return s.copy.putGone(ctx, c)
		}
		return err
	}
	a.input = &s.input
	writing := context.WithValue(ctx, applyingKey{}, a)
	times := s3db.KeepTimestamps(s.input.CreatedAt, s.input.UpdatedAt)
	insert := c.Action == replicator.Insert
	const mostRaces = 20
	for range mostRaces {
		var err error
		if insert {
			_, err = r.Insert(writing, s.input, times)
		} else {
			_, err = r.Replace(writing, c.ID, s.input, times)
		}
		switch {
		case insert && errors.Is(err, s3db.ErrAlreadyExists), !insert && errors.Is(err, s3db.ErrNotFound):
			insert = !insert
		case errors.Is(err, errRenewed) || isOfAnotherVersion(err):
			if err := s.copy.writable(ctx, c.Resource); err != nil {
				return err
			}
			room := a
			room.renewing, insert = true, true
			if err := b.target.remove(context.WithValue(ctx, applyingKey{}, room), c); err != nil && !errors.Is(err, s3db.ErrNotFound) {
				return err
			}
		default:
			return err
		}
	}
	return fmt.Errorf("%w: others keep making and deleting %s/%s", s3db.ErrConflict, c.Resource, c.ID)
}

// waitsBeforeRefusal is how often a change may fail for a unique value before it is
// rejected. Other shards go on meanwhile.
const waitsBeforeRefusal = 20

type waitKey struct {
	shard int
	seq   replicator.Seq
}

// waits counts how often changes failed for a unique value.
type waits struct {
	mu     sync.Mutex
	failed map[waitKey]int
}

func (w *waits) tooLong(key waitKey) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed[key]++
	return w.failed[key] > waitsBeforeRefusal
}

func (w *waits) end(key waitKey) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.failed, key)
}
