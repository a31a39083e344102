package s3db

import (
	"context"
	"slices"
	"sync"
	"time"
)

// WriteGroup are writes whose first rounds of requests are about to be sent. A call
// for one document is a group of one. A call for many makes groups of up to 1,000, so
// that what is stored about all of them costs one request.
type WriteGroup struct {
	Writes []*PendingWrite
	puts   []objectPut
}

// Put adds an object that is there before any write of the group commits, for 1
// request. The key must be one that no other group uses. In a group of one it is as
// PendingWrite.Put. In a larger one it is put before the writes' own first rounds, and
// stays whatever becomes of them.
func (g *WriteGroup) Put(space *Space, key string, body []byte) error {
	full, err := space.key(key)
	if err != nil {
		return err
	}
	g.puts = append(g.puts, objectPut{key: full, body: body})
	return nil
}

// OnWriteGroup is [Database.OnWrite] for groups. Its observers are called after those
// of single writes. An error of f ends the operations of all writes of the group. A
// write that another writer has beaten is attempted again in another group.
//
// While there is such an observer, InsertMany, UpdateMany, DeleteMany, DeleteAll and
// Writer hold up to 1,000 documents in hand instead of as many as they write at
// the same time.
func (db *Database) OnWriteGroup(f func(context.Context, *WriteGroup) error) (remove func()) {
	return db.groups.add(f)
}

// mostGrouped is the number of writes in a group.
const mostGrouped = 1000

// announceGroup tells observers of groups of a write: at once, or together with the
// others of its call.
func (c *engine) announceGroup(ctx context.Context, w *write, p *PendingWrite) error {
	if v := w.options.convoy; v != nil {
		return v.join(p)
	}
	g := &WriteGroup{Writes: []*PendingWrite{p}}
	if err := c.db.tellGroup(ctx, g); err != nil {
		return err
	}
	p.puts = append(p.puts, g.puts...)
	return nil
}

func (db *Database) tellGroup(ctx context.Context, g *WriteGroup) error {
	for _, f := range db.groups.all() {
		if err := f.value(ctx, g); err != nil {
			return err
		}
	}
	return nil
}

// convoy lets the writes of one call wait for each other after they have been decided
// and before they are sent. As many of them as the database's concurrency work at the
// same time; those that wait do not count.
type convoy struct {
	db     *Database
	ctx    context.Context // of the call
	slots  chan struct{}
	linger time.Duration // what the first one waits at most

	mu      sync.Mutex
	active  int // workers that may come to wait, those that wait included
	waiting *departure
}

// departure is a group that is being made up.
type departure struct {
	group WriteGroup
	timer *time.Timer
	gone  chan struct{} // closed when it has been told of and its objects are there
	err   error
}

// The longest that writes wait for others: those of a list, all of which are known to
// come, and those of a stream.
const (
	listLinger   = 5 * time.Second
	streamLinger = 100 * time.Millisecond
)

// newConvoy returns nil when nobody observes groups.
func (db *Database) newConvoy(ctx context.Context, concurrency int, linger time.Duration) *convoy {
	if db.groups.empty() {
		return nil
	}
	return &convoy{db: db, ctx: ctx, slots: make(chan struct{}, concurrency), linger: linger}
}

// option makes a write part of the convoy.
func (v *convoy) option(o *writeOptions) { o.convoy = v }

// options adds the convoy, if there is one, to the options of a call.
func (v *convoy) options(opts []WriteOption) []WriteOption {
	if v == nil {
		return opts
	}
	return append(slices.Clip(opts), v.option)
}

// parallel is parallel for the writes of a convoy; without one it is the plain one.
func (v *convoy) parallel(n, width int, f func(i int)) {
	if v == nil {
		parallel(n, width, f)
		return
	}
	v.enter(min(n, mostGrouped))
	left := sync.WaitGroup{}
	next := make(chan int)
	for range min(n, mostGrouped) {
		left.Go(func() {
			defer v.leave()
			for i := range next {
				v.work(func() { f(i) })
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	left.Wait()
}

// work runs f when there is a slot for it.
func (v *convoy) work(f func()) {
	v.slots <- struct{}{}
	defer func() { <-v.slots }()
	f()
}

// enter says that n more writes are going to come, or to leave.
func (v *convoy) enter(n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.active += n
}

func (v *convoy) leave() {
	v.mu.Lock()
	v.active--
	d := v.ready()
	v.mu.Unlock()
	v.depart(d)
}

// join waits until the group of a write has been told of. The caller has a slot,
// which it gives up for as long.
func (v *convoy) join(p *PendingWrite) error {
	<-v.slots
	defer func() { v.slots <- struct{}{} }()
	v.mu.Lock()
	d := v.waiting
	if d == nil {
		d = &departure{gone: make(chan struct{})}
		d.timer = time.AfterFunc(v.linger, func() { v.depart(v.take(d)) })
		v.waiting = d
	}
	d.group.Writes = append(d.group.Writes, p)
	ready := v.ready()
	v.mu.Unlock()
	v.depart(ready)
	<-d.gone
	return d.err
}

// ready returns the group that waits if nobody is left to wait for, or it is full. The
// caller holds the lock.
func (v *convoy) ready() *departure {
	d := v.waiting
	if d == nil || len(d.group.Writes) < min(v.active, mostGrouped) {
		return nil
	}
	v.waiting = nil
	return d
}

// take returns a group that has waited long enough, unless it is gone.
func (v *convoy) take(d *departure) *departure {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.waiting != d {
		return nil
	}
	v.waiting = nil
	return d
}

// depart tells of a group, puts its objects, and lets its writes go on.
func (v *convoy) depart(d *departure) {
	if d == nil {
		return
	}
	d.timer.Stop()
	defer close(d.gone)
	if d.err = v.db.tellGroup(v.ctx, &d.group); d.err != nil {
		return
	}
	if puts := d.group.puts; len(d.group.Writes) == 1 {
		p := d.group.Writes[0]
		p.puts = append(p.puts, puts...)
	} else {
		errs := make([]error, len(puts))
		parallel(len(puts), max(len(puts), 1), func(i int) {
			errs[i] = v.db.requests.putUnique(v.ctx, puts[i].key, puts[i].body, puts[i].metadata)
		})
		for _, err := range errs {
			if err != nil && d.err == nil {
				d.err = err
			}
		}
	}
}
