package replicator

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Status is what is known of a target.
type Status struct {
	Target string
	State  State // of this process' work for it
	Stats        // of this process
	Error  string

	Documents    int64 // that the snapshot has applied
	SnapshotDone bool
	Paused       bool
	Parked       int // documents with dead letters, as far as this process knows

	// LagChanges is the number of changes in the log that the target has not passed, and
	// Lag the age of the oldest of them, by the clock of its writer; 0 when there is none.
	LagChanges uint64
	Lag        time.Duration
	// Unsettled is the number of intents that are not in the log yet.
	Unsettled int
}

// Status reads how far each target is, whoever works for it. It costs 2 requests for
// each shard and 4 for each target and shard, and 1 for every 1,000 intents.
func (r *Replicator) Status(ctx context.Context) ([]Status, error) {
	heads := make([]*segment, r.shards)
	unsettled := 0
	for shard := range heads {
		heads[shard] = &segment{}
		number, err := headOf(ctx, r.space, shard)
		if err == nil && number > 0 {
			heads[shard], err = readSegment(ctx, r.space, shard, number)
		}
		if err != nil {
			return nil, err
		}
		for _, err := range r.space.List(ctx, outboxRoot(shard), "") {
			if err != nil {
				return nil, err
			}
			unsettled++
		}
	}
	var list []Status
	for _, d := range r.targets {
		s := Status{Target: d.options.Name, Unsettled: unsettled}
		s.Stats, s.State, s.Error, s.Parked = d.stats.now()
		rec := kept[record]{space: r.space, key: recordKey(s.Target)}
		if err := rec.load(ctx); err != nil {
			return nil, err
		}
		s.Documents, s.SnapshotDone, s.Paused = rec.value.Snapshot.Documents, rec.value.Snapshot.Done, rec.value.Paused
		for shard, head := range heads {
			if err := d.lag(ctx, &s, shard, head); err != nil {
				return nil, err
			}
		}
		list = append(list, s)
	}
	return list, nil
}

// lag adds what a target lacks of one shard.
func (d *destination) lag(ctx context.Context, s *Status, shard int, head *segment) error {
	at := kept[checkpoint]{space: d.space, key: checkpointKey(s.Target, shard)}
	if err := at.load(ctx); err != nil {
		return err
	}
	if head.Total <= at.value.Total {
		return nil
	}
	s.LagChanges += head.Total - at.value.Total
	seg, err := readSegment(ctx, d.space, shard, at.value.Seq.Segment+1)
	if errors.Is(err, s3db.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(seg.Changes) > 0 {
		s.Lag = max(s.Lag, d.now().Sub(seg.Changes[0].Time))
	}
	return nil
}

// Pause keeps all processes from applying to a target until Resume. The log is kept
// for it as long.
func (r *Replicator) Pause(ctx context.Context, target string) error {
	return r.setPaused(ctx, target, true)
}

// Resume ends Pause.
func (r *Replicator) Resume(ctx context.Context, target string) error {
	return r.setPaused(ctx, target, false)
}

func (r *Replicator) setPaused(ctx context.Context, target string, paused bool) error {
	return r.changeRecord(ctx, target, func(x *record) bool {
		if x.Paused == paused {
			return false
		}
		x.Paused = paused
		return true
	})
}

// Reset begins anew with a snapshot of all documents, and forgets dead letters. What
// the target has stays: documents that were deleted and that it does not know to be are
// found by Reconcile.
func (r *Replicator) Reset(ctx context.Context, target string) error {
	if _, err := r.destination(target); err != nil {
		return err
	}
	var keys []string
	for item, err := range r.space.List(ctx, lettersRoot(target), "") {
		if err != nil {
			return err
		}
		keys = append(keys, item.Key)
	}
	if err := r.space.Delete(ctx, keys...); err != nil {
		return err
	}
	return r.changeRecord(ctx, target, func(x *record) bool {
		x.Snapshot, x.Replay, x.Replayed = snapshot{}, nil, nil
		return true
	})
}

func (r *Replicator) changeRecord(ctx context.Context, target string, f func(*record) bool) error {
	d, err := r.destination(target)
	if err != nil {
		return err
	}
	rec := kept[record]{space: r.space, key: recordKey(d.options.Name)}
	return rec.change(ctx, f)
}

// Forget removes what the database keeps about a target that no program has any more:
// until then, its checkpoints keep the log from being cleared. Errors match s3db.ErrConfig
// when this program has the target.
func (r *Replicator) Forget(ctx context.Context, target string) error {
	if _, err := r.destination(target); err == nil {
		return fmt.Errorf("%w: replicator: target %q is in use", s3db.ErrConfig, target)
	}
	var keys []string
	for _, prefix := range []string{targetRoot(target), lettersRoot(target)} {
		for item, err := range r.space.List(ctx, prefix, "") {
			if err != nil {
				return err
			}
			keys = append(keys, item.Key)
		}
	}
	return r.space.Delete(ctx, keys...)
}

// Targets returns the names of the targets that the database keeps something about,
// those of other programs included. 1 request for every 1,000 objects.
func (r *Replicator) Targets(ctx context.Context) ([]string, error) {
	var names []string
	for item, err := range r.space.List(ctx, targetsRoot, "") {
		if err != nil {
			return nil, err
		}
		part, _, _ := strings.Cut(strings.TrimPrefix(item.Key, targetsRoot), "/")
		if text, ok := s3db.ParseKeyText(part); ok && !slices.Contains(names, text) {
			names = append(names, text)
		}
	}
	return names, nil
}

// Document names a document; the zero Document means all, one without an ID all of the
// resource.
type Document struct{ Resource, ID string }

// DeadLetters yields the dead letters of a target, those of a document in the order of
// their changes. 1 request for each, and 1 for every 1,000.
func (r *Replicator) DeadLetters(ctx context.Context, target string) iter.Seq2[DeadLetter, error] {
	l := letters{space: r.space, target: target}
	return l.all(ctx, lettersRoot(target))
}

// Replay asks for dead letters to be applied again: those of a document in their
// order, up to the first that the target rejects again. Whoever works for the target
// does it; see Replayed.
func (r *Replicator) Replay(ctx context.Context, target string, what Document) error {
	return r.changeRecord(ctx, target, func(x *record) bool {
		x.Replay, x.Replayed = &replay{Token: rand.Text(), Resource: what.Resource, ID: what.ID}, nil
		return true
	})
}

// Replayed reports whether the last Replay is done with. 1 request.
func (r *Replicator) Replayed(ctx context.Context, target string) (bool, error) {
	rec := kept[record]{space: r.space, key: recordKey(target)}
	err := rec.load(ctx)
	return rec.value.Replay == nil || len(rec.value.Replayed) >= r.shards, err
}

// DiscardLetters removes the dead letters of a document, or of several, for good, and
// returns how many. The document is not parked any more.
func (r *Replicator) DiscardLetters(ctx context.Context, target string, what Document) (int, error) {
	n := 0
	for d, err := range r.DeadLetters(ctx, target) {
		if err != nil {
			return n, err
		}
		c := d.Change
		if what.Resource != "" && c.Resource != what.Resource || what.ID != "" && c.ID != what.ID {
			continue
		}
		l := letters{space: r.space, target: target, shard: c.Shard}
		if err := l.remove(ctx, []DeadLetter{d}); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
