package replicator

import (
	"context"
	"iter"
	"slices"
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
	s := rec.value.Snapshot
	f.loaded = false
	if len(s.Heads) == 0 {
		if s.Heads, err = f.mark(ctx); err != nil {
			return false, err
		}
		f.events.emit(ctx, Event{Kind: EventSnapshot, Target: f.options.Name})
	}
	f.letters = letters{space: f.space, target: f.options.Name, shard: f.shard}
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
				if err := f.tell(ctx, name, window, s.Heads); err != nil {
					return false, err
				}
				s.Resource, s.After, s.Documents = name, id, s.Documents+int64(len(window))
				window = window[:0]
			}
		}
		if n := len(window); n > 0 {
			if err := f.tell(ctx, name, window, s.Heads); err != nil {
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
	f.stats.snapshot(s)
	f.events.emit(ctx, Event{Kind: EventSnapshot, Target: f.options.Name, Documents: s.Documents, Done: s.Done})
	return nil
}

// mark notes the heads of the logs, and sets the target's checkpoints there, so that
// what comes behind them stays.
func (f *follower) mark(ctx context.Context) ([]uint64, error) {
	heads := make([]uint64, f.shards)
	for shard := range heads {
		head, err := headOf(ctx, f.space, shard)
		if err != nil {
			return nil, err
		}
		heads[shard] = head
		done := checkpoint{Seq: EndOf(head)}
		if head > 0 {
			seg, err := readSegment(ctx, f.space, shard, head)
			if err != nil {
				return nil, err
			}
			done.Total = seg.Total
		}
		at := kept[checkpoint]{space: f.space, key: checkpointKey(f.options.Name, shard)}
		if err := at.change(ctx, func(c *checkpoint) bool { *c = done; return true }); err != nil {
			return nil, err
		}
	}
	return heads, nil
}

// tell reads documents and applies them.
func (f *follower) tell(ctx context.Context, resource string, ids []string, heads []uint64) error {
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
	byShard := make([][]Change, f.shards)
	for _, c := range found {
		switch {
		case c == nil || !f.takes(*c):
		case c.After == nil:
			l := letters{space: f.space, target: f.options.Name, shard: c.Shard, parked: map[string]bool{}}
			if err := l.put(ctx, DeadLetter{Change: *c, Reason: "the document cannot be read", Time: c.Time}); err != nil {
				return err
			}
			f.stats.rejected(c.Shard, len(l.parked))
		default:
			byShard[c.Shard] = append(byShard[c.Shard], *c)
		}
	}
	for shard, changes := range byShard {
		f.letters = letters{space: f.space, target: f.options.Name, shard: shard, parked: map[string]bool{}}
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
func (f *follower) reread(ctx context.Context, c Change) (Change, bool) {
	s, err := f.db.ObjectState(ctx, c.Resource, c.ID)
	if err != nil {
		return c, false
	}
	c.Revision = s.Revision
	if !s.Live() {
		c.Action = Delete
		return c, true
	}
	return f.images.tell(ctx, c, s.Image)
}
