package replicator

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// follower takes the log of one shard to one target.
type follower struct {
	*destination
	shard   int
	lease   lease
	at      kept[checkpoint]
	letters letters

	mu       sync.Mutex        // one step at a time; guards what is above as well
	loaded   bool              // at and letters are what the store has
	under    string            // the ETag of the record under which they were loaded
	prepared *s3db.Description // what the target was told of; nil for nothing yet
	failures int               // calls of the target in a row that have failed
	stuck    stuck
	refused  refused
	behind   bool     // the last step took a segment, so that there may be many
	ahead    *segment // that comes next, read while the one before was applied; or nil
}

// stuck is where calls of the target fail again and again. It counts until the step is
// done with: what comes before in the same step succeeds again each time.
type stuck struct {
	seq    Seq // of the first change
	id     string
	calls  int
	single bool // changes are sent one by one, to find the one that is at fault
}

// refused are the documents whose letters a replay has sent in vain.
type refused struct {
	token     string // of the replay
	documents map[documentKey]bool
}

// ErrGap is the error of a target that has fallen behind what is left of the log.
// Only Reset helps.
var ErrGap = errors.New("segments of the log that the target has not seen are gone: reset the target")

// step does what there is to do, up to one segment, and reports whether there may be
// more.
func (f *follower) step(ctx context.Context) (more bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	mine, err := f.lease.hold(ctx)
	if mine && err == nil {
		more, err = f.work(ctx)
	}
	if !mine || err != nil {
		f.loaded = false
	}
	if !mine && err == nil {
		f.stats.is(f.shard, Idle)
	}
	if f.behind = more; !more {
		f.ahead = nil
	}
	return more, err
}

func (f *follower) work(ctx context.Context) (more bool, err error) {
	rec := kept[record]{space: f.space, key: recordKey(f.options.Name)}
	if err := rec.load(ctx); err != nil {
		return false, err
	}
	if rec.value.Paused {
		f.stats.is(f.shard, Paused)
		return false, nil
	}
	if rec.etag != f.under { // a snapshot may have come and gone
		f.loaded, f.under = false, rec.etag
	}
	if err := f.prepare(ctx); err != nil {
		return false, err
	}
	if !rec.value.Snapshot.Done {
		if f.shard > 0 {
			f.loaded = false // the checkpoint is going to be set
			return false, nil
		}
		return f.snapshot(ctx, &rec)
	}
	if err := f.load(ctx); err != nil {
		return false, err
	}
	if r := rec.value.Replay; r != nil && !slices.Contains(rec.value.Replayed, f.shard) {
		if err := f.replay(ctx, *r); err != nil {
			return false, err
		}
		return true, rec.change(ctx, func(x *record) bool {
			if x.Replay == nil || x.Replay.Token != r.Token {
				return false
			}
			x.Replayed = append(x.Replayed, f.shard)
			return true
		})
	}
	return f.next(ctx)
}

// prepare tells the target the resources, once.
func (f *follower) prepare(ctx context.Context) error {
	if f.prepared != nil {
		return nil
	}
	described := f.images.described()
	if err := f.destination.prepare(ctx, described); err != nil {
		return f.failed(ctx, fmt.Errorf("prepare: %w", err))
	}
	f.prepared = described
	return nil
}

// load reads where the target is.
func (f *follower) load(ctx context.Context) error {
	if f.loaded {
		return nil
	}
	f.at = kept[checkpoint]{space: f.space, key: checkpointKey(f.options.Name, f.shard)}
	if err := f.at.load(ctx); err != nil {
		return err
	}
	f.letters = letters{space: f.space, target: f.options.Name, shard: f.shard}
	if err := f.letters.load(ctx); err != nil {
		return err
	}
	f.stats.parked(f.shard, len(f.letters.parked))
	f.loaded = true
	return nil
}

// next applies the next segment.
func (f *follower) next(ctx context.Context) (more bool, err error) {
	at := f.at.value
	from := at.Seq
	if c, ok := f.options.Target.(Checkpointer); ok {
		own, err := c.Checkpoint(ctx, f.shard)
		if err != nil {
			return false, f.failed(ctx, fmt.Errorf("checkpoint: %w", err))
		}
		if own.Compare(from) > 0 {
			from = own
		}
	}
	number := from.Segment
	if from == EndOf(number) || number == 0 {
		number++
	}
	seg, err := f.segment(ctx, number)
	if errors.Is(err, s3db.ErrNotFound) {
		return false, f.gap(ctx, number, from)
	}
	if err != nil {
		return false, err
	}
	if f.behind || len(seg.Changes) >= f.options.BatchSize {
		wait := f.readAhead(ctx, number+1)
		defer func() { f.ahead = wait(err == nil) }()
	}
	changes := slices.DeleteFunc(seg.Changes, func(c Change) bool { return c.Seq.Compare(from) <= 0 || !f.takes(c) })
	if err := f.applyAll(ctx, changes); err != nil {
		return false, err
	}
	done := checkpoint{Seq: EndOf(number), Total: seg.Total, Time: at.Time}
	if n := len(seg.Changes); n > 0 {
		done.Time = seg.Changes[n-1].Time
	}
	if err := f.at.save(ctx, done); err != nil {
		return false, err
	}
	f.stuck = stuck{}
	f.stats.is(f.shard, CatchingUp)
	return true, nil
}

// segment returns a segment, the one that was read ahead if it is that.
func (f *follower) segment(ctx context.Context, number uint64) (*segment, error) {
	seg := f.ahead
	if f.ahead = nil; seg != nil && seg.number == number {
		return seg, nil
	}
	return readSegment(ctx, f.space, f.shard, number)
}

// readAhead begins to read the segment that comes next. wait returns it; nil when it is
// not wanted any more, or could not be read: then it is asked for again when its turn
// comes, since it may be there by then, or the error is told.
func (f *follower) readAhead(ctx context.Context, number uint64) (wait func(wanted bool) *segment) {
	ctx, cancel := context.WithCancel(ctx)
	found := make(chan *segment, 1)
	go func() {
		seg, _ := readSegment(ctx, f.space, f.shard, number) // nil with an error
		found <- seg
	}()
	return func(wanted bool) *segment {
		defer cancel()
		if !wanted {
			cancel()
		}
		return <-found
	}
}

// gap reports whether the log goes on behind a segment that is not there.
func (f *follower) gap(ctx context.Context, missing uint64, from Seq) error {
	for item, err := range f.space.List(ctx, logRoot(f.shard), segmentKey(f.shard, missing)) {
		if err != nil {
			return err
		}
		if _, err := readSegment(ctx, f.space, f.shard, missing); errors.Is(err, s3db.ErrNotFound) {
			return f.failed(ctx, fmt.Errorf("%w: it has come to %s, and the next one is %s", ErrGap, from, item.Key))
		}
		return nil // it was put meanwhile
	}
	f.stats.is(f.shard, UpToDate)
	return nil
}

// evolve tells the target of a schema that is newer than the one it was told of.
func (f *follower) evolve(ctx context.Context, changes []Change) error {
	newer := func(than *s3db.Description) bool {
		return slices.ContainsFunc(changes, func(c Change) bool {
			return !slices.ContainsFunc(than.Resources, func(r s3db.DescribedResource) bool { return r.Name == c.Resource && r.Version >= c.Version })
		})
	}
	if !newer(f.prepared) {
		return nil
	}
	if newer(f.images.described()) {
		if err := f.images.refresh(ctx); err != nil {
			return err
		}
	}
	f.prepared = nil
	return f.prepare(ctx)
}

// applyAll applies changes in their order, but those that are put aside.
func (f *follower) applyAll(ctx context.Context, changes []Change) error {
	size := f.options.BatchSize
	if f.stuck.single {
		size = 1
	}
	var batch []Change
	flush := func() error {
		rest := batch
		for len(rest) > 0 {
			var err error
			if rest, err = f.apply(ctx, rest); err != nil {
				return err
			}
		}
		batch = batch[:0]
		return nil
	}
	for _, c := range changes {
		aside, err := f.aside(ctx, c)
		if err != nil {
			return err
		}
		if aside {
			continue
		}
		if batch = append(batch, c); len(batch) >= size {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// aside reports whether a change is among the letters of its document, puts it there if it
// has to wait behind them, or else leaves it to be applied.
func (f *follower) aside(ctx context.Context, c Change) (bool, error) {
	if c.Seq == EndOf(c.Seq.Segment) { // of a snapshot: what older letters say of the document, it says better
		return f.letters.have(ctx, c)
	}
	switch f.options.Policy {
	case Park:
		waits, done, err := f.letters.holds(ctx, c)
		if err == nil && waits && !done {
			err = f.reject(ctx, c, "follows a change that was rejected", true)
		}
		return waits, err
	case Skip:
		return f.letters.have(ctx, c)
	case Stop:
	}
	return false, nil
}

// apply sends changes to the target once, and puts aside what it refuses. It returns
// those that are to be sent again.
func (f *follower) apply(ctx context.Context, changes []Change) (again []Change, err error) {
	if err := f.still(ctx); err != nil {
		return nil, err
	}
	if err := f.evolve(ctx, changes); err != nil {
		return nil, err
	}
	began := time.Now()
	rejected, err := f.send(ctx, changes)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, f.undone(ctx, changes, err)
	}
	f.failures = 0
	for _, r := range rejected {
		if r.Index < 0 || r.Index >= len(changes) {
			return nil, fmt.Errorf("the target has rejected change %d of %d", r.Index, len(changes))
		}
		c := changes[r.Index]
		switch {
		case f.options.Policy == Stop:
			return nil, f.failed(ctx, fmt.Errorf("%w: %s of %s/%s (%s): %s", ErrRejected, c.Action, c.Resource, c.ID, c.Seq, r.Reason))
		case r.Held && f.options.Policy == Skip:
			again = append(again, c)
		default:
			if err := f.reject(ctx, c, r.Reason, r.Held); err != nil {
				return nil, err
			}
		}
	}
	if len(again) == len(changes) {
		return nil, fmt.Errorf("the target holds back %d changes and rejects none", len(again))
	}
	f.stats.applied(f.shard, len(changes)-len(rejected), time.Since(began))
	f.events.emit(ctx, Event{Kind: EventApplied, Target: f.options.Name, Shard: f.shard, Changes: len(changes) - len(rejected), Duration: time.Since(began)})
	return again, nil
}

// still keeps the lease while there is much to apply.
func (f *follower) still(ctx context.Context) error {
	mine, err := f.lease.hold(ctx)
	if err == nil && !mine {
		err = errMoved
	}
	return err
}

// ErrRejected is the error of a target that has stopped at a change which it
// refuses, under the policy Stop.
var ErrRejected = errors.New("the target has rejected a change")

// send calls the target under its timeout.
func (f *follower) send(ctx context.Context, changes []Change) ([]Rejection, error) {
	ctx, cancel := context.WithTimeout(ctx, f.options.Timeout)
	defer cancel()
	return f.options.Target.Apply(ctx, changes)
}

// undone handles a call that has failed. When that goes on although the target says
// that it is well, some change is at fault: it is looked for, and put aside.
func (f *follower) undone(ctx context.Context, changes []Change, cause error) error {
	err := f.failed(ctx, cause)
	switch {
	case f.options.Policy == Stop || !f.atFault(ctx, changes[0]):
		return err
	case !f.stuck.single:
		f.stuck.single, f.stuck.calls = true, 0
		return err
	}
	return f.reject(ctx, changes[0], "the target fails: "+cause.Error(), false)
}

// atFault counts a call that has failed, which began with a change, and reports whether
// that has gone on for long enough while the target says that it is well.
func (f *follower) atFault(ctx context.Context, first Change) bool {
	at := &f.stuck
	if at.seq != first.Seq || at.id != first.ID {
		*at = stuck{seq: first.Seq, id: first.ID, single: at.single}
	}
	if at.calls++; at.calls < f.options.Retries {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, f.options.Timeout)
	defer cancel()
	return f.options.Target.Test(ctx) == nil
}

// reject puts a change aside.
func (f *follower) reject(ctx context.Context, c Change, reason string, held bool) error {
	if err := f.letters.put(ctx, DeadLetter{Change: c, Reason: reason, Held: held, Time: f.now().UTC()}); err != nil {
		return err
	}
	f.stats.rejected(f.letters.shard)
	if f.loaded { // else they are not all known
		f.stats.parked(f.shard, len(f.letters.parked))
	}
	f.events.emit(ctx, Event{Kind: EventRejected, Target: f.options.Name, Shard: f.letters.shard, Changes: 1, Change: &c, Err: fmt.Errorf("%w: %s", ErrRejected, reason)})
	return nil
}

// failed notes an error of the target.
func (f *follower) failed(ctx context.Context, err error) error {
	f.failures++
	f.stats.failed(f.shard, err, f.failures > 1)
	f.events.emit(ctx, Event{Kind: EventError, Target: f.options.Name, Shard: f.shard, Err: err})
	return err
}

// replay applies letters again, those of each document in their order up to the first
// that is rejected again.
func (f *follower) replay(ctx context.Context, r replay) error {
	if f.refused.token != r.Token {
		f.refused = refused{token: r.Token, documents: map[documentKey]bool{}}
	}
	prefix := f.letters.root()
	if r.Resource != "" && r.ID != "" {
		p := placeOf(r.Resource, r.ID, f.shards)
		if p.shard != f.shard {
			return nil
		}
		prefix = f.letters.dir(p.hash)
	}
	var list []DeadLetter // of one document
	flush := func() error {
		done := list
		list = nil
		return f.resend(ctx, done)
	}
	for d, err := range f.letters.all(ctx, prefix) {
		if err != nil {
			return err
		}
		if r.Resource != "" && d.Change.Resource != r.Resource {
			continue
		}
		if len(list) > 0 && (list[0].document() != d.document() || len(list) >= f.options.BatchSize) {
			if err := flush(); err != nil {
				return err
			}
		}
		if !f.refused.documents[d.document()] {
			list = append(list, d)
		}
	}
	return flush()
}

// resend applies letters of one document and removes those that are done with. After one
// that is rejected, or that makes the target fail for long, the document is left.
func (f *follower) resend(ctx context.Context, list []DeadLetter) error {
	if len(list) == 0 {
		return nil
	}
	var changes []Change
	for _, d := range list {
		c := d.Change
		c.Again = true
		if c.Snapshot && c.After == nil && c.Action != Delete {
			told, ok, err := f.reread(ctx, c)
			if err != nil {
				return err
			}
			if !ok {
				f.refused.documents[d.document()] = true
				break
			}
			c = told
		}
		changes = append(changes, c)
	}
	if len(changes) == 0 {
		return nil
	}
	if err := f.still(ctx); err != nil {
		return err
	}
	if err := f.evolve(ctx, changes); err != nil {
		return err
	}
	rejected, err := f.send(ctx, changes)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err = f.failed(ctx, err); f.atFault(ctx, changes[0]) {
			f.refused.documents[list[0].document()] = true
			return nil
		}
		return err
	}
	f.failures = 0
	done := list[:len(changes)]
	for _, r := range rejected {
		if r.Index >= 0 && r.Index < len(done) {
			done = done[:r.Index]
			f.refused.documents[list[0].document()] = true
		}
	}
	if err := f.letters.remove(ctx, done); err != nil {
		return err
	}
	f.letters.parked = nil // some may be free again
	if err := f.letters.load(ctx); err != nil {
		return err
	}
	f.stats.applied(f.shard, len(done), 0)
	f.stats.parked(f.shard, len(f.letters.parked))
	return nil
}

// backoff is the time to wait after failures in a row, at least half of its limit.
func backoff(failures int) time.Duration {
	const first, most = 100 * time.Millisecond, 30 * time.Second
	limit := min(first<<min(failures, 16), most)
	return limit/2 + rand.N(limit/2) //nolint:gosec // it spreads load
}
