// Package cache answers reads that were answered before: from memory, or from
// objects in the bucket that processes share. What this process writes is never
// read stale; with Options.Verify neither is what others write.
package cache

import (
	"context"
	"errors"
	"fmt"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Driver says where results are kept.
type Driver uint8

// The drivers.
const (
	Memory Driver = iota // in this process
	S3                   // as objects of the database, shared by all its processes
)

// The defaults of Options.
const (
	DefaultTTL     = 5 * time.Minute
	DefaultMaxSize = 10_000
)

// Options say what is cached and for how long. The zero value is Memory with the
// defaults.
type Options struct {
	Disabled bool // nothing is cached
	Driver   Driver
	// TTL is the time for which a result is kept: how long the writes of other
	// processes may stay unseen, unless Verify is set. 0 is DefaultTTL.
	TTL time.Duration
	// MaxSize is the number of documents that Memory keeps, those in lists included; a
	// result without documents counts as one. What is used least goes first. 0 is
	// DefaultMaxSize.
	MaxSize int
	// Verify asks the store with each read whether anything has been written, by one
	// LIST for every 1,000 documents, so that writes of other processes are seen at
	// once. Only reads that cost more than this are cached.
	Verify bool
}

// Plugin is the cache of one database. It is safe for concurrent use.
type Plugin struct {
	options Options
	db      *s3db.Database
	memory  *memory // nil with S3
	shared  *shared // nil with Memory
	fences  fences
	stats   statistics
}

// New returns a plugin that caches what the options say.
func New(o Options) *Plugin {
	if o.TTL == 0 {
		o.TTL = DefaultTTL
	}
	if o.MaxSize == 0 {
		o.MaxSize = DefaultMaxSize
	}
	return &Plugin{options: o}
}

// Name implements [s3db.Plugin].
func (p *Plugin) Name() string { return "cache" }

// Install implements [s3db.Plugin]. Errors match ErrConfig.
func (p *Plugin) Install(_ context.Context, db *s3db.Database) (err error) {
	switch o := p.options; {
	case p.db != nil:
		return fmt.Errorf("%w: this cache is installed in another database: make one for each", s3db.ErrConfig)
	case o.TTL < 0:
		return fmt.Errorf("%w: Options.TTL is %v: it must be positive", s3db.ErrConfig, o.TTL)
	case o.MaxSize < 0:
		return fmt.Errorf("%w: Options.MaxSize is %d: it must be positive", s3db.ErrConfig, o.MaxSize)
	case o.Driver > S3:
		return fmt.Errorf("%w: Options.Driver is %d: it must be cache.Memory or cache.S3", s3db.ErrConfig, o.Driver)
	}
	p.db = db
	if p.options.Disabled {
		return nil
	}
	if p.options.Driver == S3 {
		if !p.options.Verify && !db.Capabilities().ConditionalPut {
			return fmt.Errorf("%w: this server ignores conditions, without which results in S3 may be stale: set Options.Verify", s3db.ErrConfig)
		}
		space, err := db.Space(p.Name())
		if err != nil {
			return err
		}
		p.shared = &shared{space: space, ttl: p.options.TTL}
	} else if p.memory, err = newMemory(p.options.MaxSize, p.fences.forget); err != nil {
		return err
	}
	db.OnRead(p.read)
	db.OnWrite(p.write)
	return nil
}

// read answers a read from the cache, or reads and keeps the result.
func (p *Plugin) read(ctx context.Context, r *s3db.PendingRead, next func(context.Context) (*s3db.ReadResult, error)) (*s3db.ReadResult, error) {
	if !p.caches(r) {
		return next(ctx)
	}
	began := time.Now()
	k := key{r.Resource, r.Key()}
	for {
		if e := p.memory.get(k, r, began); e != nil && !p.options.Verify {
			if found, err := e.result(r); err == nil {
				p.stats.hit(r.Resource, time.Since(began))
				return found, nil
			}
		}
		f, joined := p.fences.begin(r, k, !r.Stream && !p.options.Verify)
		if !joined {
			return p.lead(ctx, r, f, began, next)
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if f.entry != nil {
			if found, err := f.entry.result(r); err == nil {
				p.stats.hit(r.Resource, time.Since(began))
				return found, nil
			}
		}
		if f.alone || f.entry != nil {
			p.stats.miss(r.Resource)
			return next(ctx)
		}
		if f.err != nil && !errors.Is(f.err, context.Canceled) && !errors.Is(f.err, context.DeadlineExceeded) {
			return nil, f.err
		}
		// Who read for all of us gave up: somebody else reads.
	}
}

// caches reports whether a read is one that this cache answers.
func (p *Plugin) caches(r *s3db.PendingRead) bool {
	one := r.Method == s3db.MethodGet || r.Method == s3db.MethodExists || r.Method == s3db.MethodLookup
	switch {
	case one:
		// To ask whether a document has changed costs what reading it costs, and to read
		// it from another object too.
		return p.shared == nil && !p.options.Verify
	case !p.options.Verify:
		return true
	}
	plan := r.Plan()
	listed := plan.Access == "resource" || plan.Access == "partition"
	reads := plan.Requests.Get > 0
	if r.Method == s3db.MethodCount || r.Method == s3db.MethodListIDs {
		reads = plan.Count.Get > 0
	}
	return listed && reads
}

// lead makes the read for which a flight has begun.
func (p *Plugin) lead(ctx context.Context, r *s3db.PendingRead, f *flight, began time.Time, next func(context.Context) (*s3db.ReadResult, error)) (*s3db.ReadResult, error) {
	landed := false
	land := func(l landing) {
		landed = true
		p.land(ctx, f, l)
	}
	defer func() {
		if !landed && !r.Stream { // a panic of somebody's hook or store
			land(landing{alone: true})
		}
	}()
	look, err := p.look(ctx, r, f, began)
	if err != nil {
		land(landing{err: err})
		return nil, err
	}
	if look.entry != nil {
		found, err := look.entry.result(r)
		if err == nil {
			p.stats.hit(r.Resource, time.Since(began))
			land(landing{entry: look.entry})
			return found, nil
		}
	}
	p.stats.miss(r.Resource)
	found, err := next(ctx)
	if err != nil {
		land(landing{err: err})
		return nil, err
	}
	rec := &recorder{read: r, most: p.options.MaxSize}
	end := func(whole bool) {
		e := rec.entry(whole && !look.skip)
		if e != nil {
			e.key, e.scope, e.expires, e.stamp = f.key, r.Scope(), began.Add(p.options.TTL), look.stamp
			e.until, e.etag, e.pages = r.Until(), look.etag, look.pages
			if p.options.Verify {
				e.useless = !worthwhile(e, look.pages)
			}
		}
		land(landing{entry: e, fresh: e != nil, alone: e == nil})
	}
	if r.Stream {
		rec.stream(found, end)
		return found, nil
	}
	replay := rec.whole(found)
	end(rec.complete)
	return replay, nil
}

// land ends a flight and keeps what it found, unless it was overtaken.
func (p *Plugin) land(ctx context.Context, f *flight, l landing) {
	if l.fresh && p.memory != nil && f.valid() {
		p.memory.set(l.entry)
	}
	kept := f.end(l, p.memory != nil)
	if l.fresh && p.shared != nil && kept {
		p.shared.put(ctx, l.entry, p.options.Verify)
	}
}

// write fences the reads that a write concerns.
func (p *Plugin) write(_ context.Context, w *s3db.PendingWrite) error {
	f := p.fences.of(w.Resource)
	pending, dead := f.write(w)
	if p.memory != nil {
		p.memory.drop(dead)
	}
	w.OnOutcome(func(ctx context.Context, o s3db.Outcome) {
		if p.shared != nil && !p.options.Verify && o != s3db.OutcomeRefused {
			// The write is durable, so what is kept has to go, whatever the caller wants.
			p.shared.clear(context.WithoutCancel(ctx), w.Resource, pending.scopes)
		}
		f.settle(pending, o)
	})
	return nil
}

// Clear forgets everything, the objects of S3 included.
func (p *Plugin) Clear(ctx context.Context) error {
	p.fences.clear()
	if p.memory != nil {
		p.memory.clear()
	}
	if p.shared != nil {
		return p.shared.clearAll(ctx)
	}
	return nil
}
