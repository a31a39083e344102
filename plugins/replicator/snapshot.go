package replicator

import (
	"context"
	"iter"
	"slices"
	"time"
)

// A snapshot tells a target the documents that were there before it began to follow
// the log. The head of each shard's log is noted first; then each document is read and
// applied at the end of that segment. Writers go on: what they write is settled behind
// that position, and wins.

// snapshotWindow is the number of documents that are read at the same time.
const snapshotWindow = 256

// snapshot goes on with the snapshot, a thousand documents or so, and reports that
// there is more to do.
func (f *follower) snapshot(ctx context.Context, rec *kept[record]) (more bool, err error) {
	f.loaded = false
	if !rec.value.Snapshot.Marked {
		if err := f.mark(ctx, rec); err != nil {
			return false, err
		}
	}
	s := rec.value.Snapshot
	aside := make([]letters, f.shards)
	for shard := range aside {
		aside[shard] = letters{space: f.space, target: f.options.Name, shard: shard}
	}
	budget := snapshotWindow * 4
	for _, name := range f.names() {
		if f.options.NoSnapshot || slices.Contains(s.Until, name) {
			continue
		}
		after := ""
		if s.Resource == name {
			after = s.After
		}
		var window []string
		ended := true
		for id, err := range f.ids(ctx, name, after) {
			if err != nil {
				return false, err
			}
			if budget == 0 {
				ended = false
				break
			}
			budget--
			if window = append(window, id); len(window) == snapshotWindow {
				if err := f.tell(ctx, name, window, s.Heads, aside); err != nil {
					return false, err
				}
				s.Resource, s.After, s.Documents = name, id, s.Documents+int64(len(window))
				window = window[:0]
			}
		}
		if n := len(window); n > 0 {
			if err := f.tell(ctx, name, window, s.Heads, aside); err != nil {
				return false, err
			}
			s.Resource, s.After, s.Documents = name, window[n-1], s.Documents+int64(n)
		}
		if !ended {
			return true, f.keep(ctx, rec, s)
		}
		s.Until, s.Resource, s.After = append(slices.Clip(s.Until), name), "", ""
	}
	s.Done, s.Until = true, nil
	return true, f.keep(ctx, rec, s)
}

// keep saves the progress of a snapshot, unless it was begun anew.
func (f *follower) keep(ctx context.Context, rec *kept[record], s snapshot) error {
	next := rec.value
	next.Snapshot = s
	if err := rec.save(ctx, next); err != nil {
		return err
	}
	f.stuck = stuck{}
	f.stats.is(f.shard, Snapshot)
	f.events.emit(ctx, Event{Kind: EventSnapshot, Target: f.options.Name, Documents: s.Documents, Done: s.Done})
	return nil
}

// mark notes the heads of the logs in the record, then moves the target's checkpoints
// there, so that what comes behind them stays in the log. The record decides: who loses
// the race for it moves nothing, and who stood still afterwards moves nothing back.
func (f *follower) mark(ctx context.Context, rec *kept[record]) error {
	began := age{time.Now()}
	heads := make([]uint64, f.shards)
	ends := make([]checkpoint, f.shards)
	for shard := range heads {
		head, err := headOf(ctx, f.space, shard)
		if err != nil {
			return err
		}
		heads[shard], ends[shard] = head, checkpoint{Seq: EndOf(head)}
		if head > 0 {
			seg, err := readSegment(ctx, f.space, shard, head)
			if err != nil {
				return err
			}
			ends[shard].Total = seg.Total
		}
	}
	next := rec.value
	next.Snapshot = snapshot{Heads: heads}
	if err := rec.save(ctx, next); err != nil {
		return err
	}
	for shard, end := range ends {
		at := kept[checkpoint]{space: f.space, key: checkpointKey(f.options.Name, shard)}
		err := at.change(ctx, func(c *checkpoint) bool {
			behind := c.Seq.Compare(end.Seq) < 0
			if behind {
				*c = end
			}
			return behind
		})
		if err != nil {
			return err
		}
	}
	if since(began) >= headLife {
		return errMoved // the log may have been cleared before it was kept: mark anew
	}
	s := rec.value.Snapshot
	s.Marked = true
	return f.keep(ctx, rec, s)
}

// tell reads documents and applies them. Those that this snapshot has put aside before, as
// the letters of each shard say, it leaves there.
func (f *follower) tell(ctx context.Context, resource string, ids []string, heads []uint64, aside []letters) error {
	found := make([]*Change, len(ids))
	err := each(len(ids), func(i int) error {
		p := placeOf(resource, ids[i], f.shards)
		c := Change{
			Shard: p.shard, Seq: EndOf(heads[p.shard]), Resource: resource, Action: Insert, ID: ids[i],
			Time: f.now().UTC(), Snapshot: true,
		}
		s, err := f.db.ObjectState(ctx, resource, ids[i])
		if err != nil || !s.Live() {
			return err // it was deleted meanwhile, which the log tells
		}
		c.Revision = s.Revision
		told, ok := f.images.tell(ctx, c, s.Image)
		if !ok {
			c.After = nil
		} else {
			c = told
		}
		found[i] = &c
		return nil
	})
	if err != nil {
		return err
	}
	for shard := range f.shards {
		if err := aside[shard].load(ctx); err != nil {
			return err
		}
		f.letters = aside[shard]
		var changes []Change
		for _, c := range found {
			if c == nil || c.Shard != shard || !f.takes(*c) {
				continue
			}
			if c.After != nil {
				changes = append(changes, *c)
				continue
			}
			done, err := f.aside(ctx, *c)
			if err == nil && !done {
				err = f.reject(ctx, *c, "the document cannot be read", false)
			}
			if err != nil {
				return err
			}
		}
		if err := f.applyAll(ctx, changes); err != nil {
			return err
		}
	}
	return nil
}

// ids yields the ids of a resource after one.
func (d *destination) ids(ctx context.Context, resource, after string) iter.Seq2[string, error] {
	r, err := d.images.docs().Resource(resource)
	if err != nil {
		return func(yield func(string, error) bool) { yield("", err) }
	}
	return r.Stored().IDsAfter(ctx, after)
}

// reread reads the document of a change that tells a state, when it could not be read
// before.
func (f *follower) reread(ctx context.Context, c Change) (told Change, ok bool, err error) {
	s, err := f.db.ObjectState(ctx, c.Resource, c.ID)
	if err != nil {
		return c, false, err
	}
	c.Revision = s.Revision
	if !s.Live() {
		c.Action = Delete
		return c, true, nil
	}
	told, ok = f.images.tell(ctx, c, s.Image)
	return told, ok, nil
}
