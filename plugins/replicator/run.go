package replicator

import (
	"context"
	"errors"
	"sync"
	"time"
)

// keeper settles one shard while it has the lease for it.
type keeper struct {
	*Replicator
	lease   lease
	settler settler
	woken   chan struct{} // holds a value when there is something to settle

	mu        sync.Mutex // one pass at a time; guards lease and settler
	collected age
}

func (r *Replicator) newKeeper(shard int) *keeper {
	return &keeper{
		Replicator: r, lease: r.newLease("lease/" + shardName(shard)), woken: make(chan struct{}, 1),
		settler: settler{db: r.db, space: r.space, shard: shard, tell: r.images.tell},
	}
}

// wake says that a write of a shard was committed.
func (r *Replicator) wake(shard int) {
	select {
	case r.settlers[shard].woken <- struct{}{}:
	default:
	}
}

// step is one pass. It reports what it found, and false when another process settles
// the shard.
func (k *keeper) step(ctx context.Context) (done settled, mine bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if mine, err = k.lease.hold(ctx); !mine || err != nil {
		k.settler.head = nil
		return settled{}, mine, err
	}
	done, err = k.settler.pass(ctx)
	if errors.Is(err, errBehind) {
		return settled{more: true}, true, nil // the log has gone on: look again
	}
	if err != nil {
		k.settler.head = nil
		return done, true, err
	}
	if done.segment != nil {
		k.events.emit(ctx, Event{Kind: EventSettled, Shard: k.settler.shard, Changes: len(done.segment.Changes)})
	}
	if done.more {
		return done, true, nil // an intent that is there again needs the segments which settled it
	}
	return done, true, k.collect(ctx)
}

// collect removes, now and then, segments that all targets have passed.
func (k *keeper) collect(ctx context.Context) error {
	if !k.collected.at.IsZero() && since(k.collected) < retention/2 {
		return nil
	}
	passed, now, err := slowest(ctx, k.space, k.settler.shard)
	if err == nil && !now.IsZero() { // without a target nobody reads the clock, and little is lost
		_, err = collect(ctx, k.space, k.settler.shard, passed, now)
	}
	if err != nil {
		return err
	}
	k.collected = age{time.Now()}
	return nil
}

func (k *keeper) release(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.settler.head = nil
	return k.lease.release(ctx)
}

// Sync settles and applies until nothing is left that this process can do now: writes
// that may be in flight stay, and so does what other processes work at. Options.OnDemand
// makes it the only thing that does so. The error is the first one; the rest was tried.
func (r *Replicator) Sync(ctx context.Context) error {
	var first error
	note := func(err error) {
		if first == nil {
			first = err
		}
	}
	for _, k := range r.settlers {
		for {
			done, mine, err := k.step(ctx)
			note(err)
			if err != nil || !mine || done.segment == nil && !done.more {
				break
			}
		}
	}
	for again := true; again && ctx.Err() == nil; { // a snapshot is done once for all shards
		again = false
		for _, f := range r.followers {
			for {
				more, err := f.step(ctx)
				note(err)
				if err != nil || !more {
					break
				}
				again = len(r.followers) > 1
			}
		}
	}
	return first
}

// start runs a goroutine for each shard, and for each target and shard.
func (r *Replicator) start() {
	var ctx context.Context
	ctx, r.stop = context.WithCancel(context.Background())
	wakes := make([]chan struct{}, len(r.followers))
	for i, f := range r.followers {
		wakes[i] = make(chan struct{}, 1)
		r.running.Go(func() { f.run(ctx, wakes[i]) })
	}
	for _, k := range r.settlers {
		r.running.Go(func() {
			k.run(ctx, func() {
				for i, f := range r.followers {
					if f.shard == k.settler.shard {
						select {
						case wakes[i] <- struct{}{}:
						default:
						}
					}
				}
			})
		})
	}
}

// run settles: at once when a write of this process was committed, else at growing
// intervals while there is nothing to do.
func (k *keeper) run(ctx context.Context, settled func()) {
	pause, failures := k.options.Interval, 0
	for {
		done, mine, err := k.step(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			failures++
			k.events.emit(ctx, Event{Kind: EventError, Shard: k.settler.shard, Err: err})
			if !sleep(ctx, nil, max(backoff(failures), k.options.Interval)) {
				return
			}
			continue
		case done.segment != nil || done.more:
			settled()
			pause = k.options.Interval
			if done.more && !sleep(ctx, nil, 0) {
				return
			}
			if done.more {
				continue
			}
		case !mine:
			pause = min(k.options.Lease, k.options.Sweep)
		default:
			pause = min(2*pause, k.options.Sweep)
		}
		failures = 0
		// What comes within the interval waits for its end, so that it is settled together.
		if !sleep(ctx, nil, k.options.Interval) || !sleep(ctx, k.woken, min(pause, k.keepAlive())-k.options.Interval) {
			return
		}
	}
}

// keepAlive is the time in which a lease must be looked at again.
func (r *Replicator) keepAlive() time.Duration { return max(r.options.Lease/3, r.options.Interval) }

// run follows the log: at once when this process has settled, else at growing intervals.
func (f *follower) run(ctx context.Context, woken <-chan struct{}) {
	pause := f.Replicator.options.Interval
	for failures := 0; ; {
		more, err := f.step(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !errors.Is(err, errMoved):
			failures++
			f.events.emit(ctx, Event{Kind: EventError, Target: f.options.Name, Shard: f.shard, Err: err})
			if !sleep(ctx, nil, min(backoff(failures), f.keepAlive())) {
				return
			}
			continue
		case more:
			pause, failures = f.Replicator.options.Interval, 0
			continue
		}
		failures = 0
		if !sleep(ctx, woken, min(pause, f.keepAlive())) {
			return
		}
		pause = min(2*pause, f.Replicator.options.Sweep)
	}
}

// sleep waits, or until it is woken, and reports false when the context has ended.
func sleep(ctx context.Context, woken <-chan struct{}, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-woken:
		return true
	case <-ctx.Done():
		return false
	}
}
