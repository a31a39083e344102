package s3db

import (
	"context"
	"errors"
	"iter"

	"golang.org/x/sync/errgroup"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
)

// List implements [replicator.Lister]. Each document costs 2 requests beside those of
// listing.
func (t *Target) List(ctx context.Context, resource, after string) iter.Seq2[replicator.Listed, error] {
	return func(yield func(replicator.Listed, error) bool) {
		t.mu.RLock()
		defer t.mu.RUnlock()
		if t.newest == nil {
			yield(replicator.Listed{}, errors.New("s3db target: List before Prepare"))
			return
		}
		r, err := t.newest.Resource(resource)
		if err != nil {
			yield(replicator.Listed{}, err)
			return
		}
		var ids []string
		flush := func() bool {
			for _, x := range t.look(ctx, r, ids) {
				if x.err != nil || x.found {
					if !yield(x.listed, x.err) || x.err != nil {
						return false
					}
				}
			}
			ids = ids[:0]
			return true
		}
		for id, err := range r.Stored().IDs(ctx) {
			if err != nil {
				yield(replicator.Listed{}, err)
				return
			}
			if id <= after {
				continue
			}
			if ids = append(ids, id); len(ids) == 8*t.config.Concurrency && !flush() {
				return
			}
		}
		flush()
	}
}

type looked struct {
	listed replicator.Listed
	found  bool
	err    error
}

// look reads the positions of documents, at the same time.
func (t *Target) look(ctx context.Context, r *dynamic.Resource, ids []string) []looked {
	results := make([]looked, len(ids))
	var running errgroup.Group
	running.SetLimit(t.config.Concurrency)
	for i, id := range ids {
		running.Go(func() error {
			results[i] = t.lookAt(ctx, r, id)
			return nil
		})
	}
	_ = running.Wait() // errors are in the results
	return results
}

func (t *Target) lookAt(ctx context.Context, r *dynamic.Resource, id string) looked {
	state, err := t.newest.ObjectState(ctx, r.Name(), id)
	if err != nil || !state.Live() {
		return looked{err: err}
	}
	at, _, err := readPosition(ctx, t.newest.space, positionKey(r.Name(), id, string(state.Revision)))
	// What something else has written has no position and no revision of the source.
	return looked{listed: replicator.Listed{ID: id, Revision: at.Revision, Seq: at.Seq}, found: true, err: err}
}
