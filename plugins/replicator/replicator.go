package replicator

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Options say what is replicated where. All programs that write to a database must
// agree on which resources are: a write without an intent is only found by Reconcile.
type Options struct {
	// Targets are where changes go. Without any, the program leaves intents and settles
	// them, and others replicate.
	Targets []TargetOptions
	// Resources are those whose writes leave intents, beside those that have a route to
	// a target.
	Resources []string
	// Secrets keeps the values of secrets and the hashes of passwords in intents, the log and
	// what targets get. They are not encrypted there. All programs must agree.
	Secrets bool
	// Shards is the number of logs side by side. The first program of a database decides,
	// for good; 0 takes what is there, or 1. Each shard costs requests of its own, also in
	// bulk.
	Shards int

	// WriteOnly leaves intents and does nothing else.
	WriteOnly bool
	// OnDemand runs nothing beside operations: Sync does what there is to do.
	OnDemand bool
	// Interval is the least time between two looks at the intents of a shard. Default 1 s.
	Interval time.Duration
	// Sweep is the most time between them, when there is nothing to do. Default 1 minute.
	Sweep time.Duration
	// Lease is how long other processes wait for one that crashed. Default 30 s.
	Lease time.Duration
	// Instance names this process. One that begins under the name of one that crashed does
	// not wait for its leases. Default: a random name.
	Instance string
	// Now is the clock; nil: time.Now. It tells when writes were prepared.
	Now func() time.Time
}

// TargetOptions say how a target is served.
type TargetOptions struct {
	// Name is that of the target in what the database keeps about it: 1 to 100 characters.
	Name   string
	Target Target
	// Routes are those of each resource that is replicated to the target.
	Routes map[string][]Route
	// Policy is what becomes of changes that the target refuses. Default Park.
	Policy Policy
	// BatchSize is the number of changes in one call of Apply. Default 500.
	BatchSize int
	// Timeout is that of a call of the target. Default 1 minute.
	Timeout time.Duration
	// Retries is the number of failed calls in a row after which the change at fault is
	// looked for, if the target says that it is well. Default 8.
	Retries int
	// NoSnapshot leaves out the documents of before.
	NoSnapshot bool
}

// Policy is what becomes of a change that a target refuses for good, and of its
// document.
type Policy uint8

// The policies.
const (
	// Park puts the change aside as a dead letter, and later ones of its document behind
	// it, so that they stay in their order. Other documents go on.
	Park Policy = iota
	// Skip puts the change aside as a dead letter. Later ones of its document are applied.
	Skip
	// Stop tries the change again until the target takes it, and nothing behind it.
	Stop
)

// String returns "park", "skip" or "stop".
func (p Policy) String() string {
	names := [...]string{"park", "skip", "stop"}
	if int(p) >= len(names) {
		return fmt.Sprintf("Policy(%d)", uint8(p))
	}
	return names[p]
}

// ParsePolicy is the inverse of String. Errors match s3db.ErrConfig.
func ParsePolicy(s string) (Policy, error) {
	for _, p := range []Policy{Park, Skip, Stop} {
		if s == p.String() {
			return p, nil
		}
	}
	return 0, fmt.Errorf("%w: unknown policy %q, must be park, skip or stop", s3db.ErrConfig, s)
}

// Replicator replicates the changes of a database. Make one with New for each
// database. It is safe for concurrent use.
type Replicator struct {
	options Options
	db      *s3db.Database
	space   *s3db.Space
	images  *images
	shards  int
	events  subscribers

	settlers  []*keeper
	followers []*follower
	targets   []*destination

	stop    context.CancelFunc // nil before anything runs
	running sync.WaitGroup
	closed  sync.Once
}

// destination is a target with what its followers share.
type destination struct {
	*Replicator
	options TargetOptions
	stats   stats
}

// New returns the plugin. Options that cannot be are an error of Open.
func New(options Options) *Replicator { return &Replicator{options: options} }

// name is that of the plugin and of its key space.
const name = "replicator"

// Name implements [s3db.Plugin].
func (r *Replicator) Name() string { return name }

// Install implements [s3db.Plugin]. It costs 1 request, 2 in a new database.
func (r *Replicator) Install(ctx context.Context, db *s3db.Database) (err error) {
	if r.db != nil {
		return fmt.Errorf("%w: one replicator.Replicator is for one database: make another", s3db.ErrConfig)
	}
	if err := r.options.complete(db.Describe()); err != nil {
		return err
	}
	r.db = db
	if r.space, err = db.Space(name); err != nil {
		return err
	}
	if r.shards, err = agree(ctx, r.space, r.options.Shards); err != nil {
		return err
	}
	r.images = newImages(db, r.options.Secrets)
	out := &outbox{space: r.space, images: r.images, resources: map[string]bool{}, shards: r.shards, now: r.now, committed: r.wake}
	for _, x := range r.options.Resources {
		out.resources[x] = true
	}
	for _, t := range r.options.Targets {
		for x := range t.Routes {
			out.resources[x] = true
		}
	}
	for shard := range r.shards {
		r.settlers = append(r.settlers, r.newKeeper(shard))
	}
	for _, t := range r.options.Targets {
		d := &destination{Replicator: r, options: t}
		r.targets = append(r.targets, d)
		for shard := range r.shards {
			r.followers = append(r.followers, &follower{
				destination: d, shard: shard,
				lease: r.newLease("lease/" + targetRoot(t.Name) + shardName(shard)),
			})
		}
	}
	db.OnWriteGroup(out.announce)
	if !r.options.OnDemand && !r.options.WriteOnly {
		r.start()
	}
	return nil
}

// complete sets defaults and finds mistakes.
func (o *Options) complete(d *s3db.Description) error {
	mistake := func(format string, args ...any) error {
		return fmt.Errorf("%w: replicator: "+format, append([]any{s3db.ErrConfig}, args...)...)
	}
	known := map[string]bool{}
	for _, x := range d.Resources {
		known[x.Name] = true
	}
	for _, x := range o.Resources {
		if !known[x] {
			return mistake("the database has no resource %q", x)
		}
	}
	const mostShards = 64
	if o.Shards < 0 || o.Shards > mostShards {
		return mistake("%d shards: must be 1 to %d", o.Shards, mostShards)
	}
	names := map[string]bool{}
	o.Targets = slices.Clone(o.Targets)
	for i := range o.Targets {
		t := &o.Targets[i]
		const longest = 100
		switch {
		case t.Name == "" || len(s3db.KeyText(t.Name)) > longest:
			return mistake("a target needs a name of 1 to %d characters, not %q", longest, t.Name)
		case names[t.Name]:
			return mistake("two targets are called %q", t.Name)
		case t.Target == nil:
			return mistake("target %q is nil", t.Name)
		case len(t.Routes) == 0:
			return mistake("target %q has no resources", t.Name)
		case t.Policy > Stop:
			return mistake("target %q: unknown policy %d", t.Name, t.Policy)
		case t.BatchSize < 0 || t.Timeout < 0 || t.Retries < 0:
			return mistake("target %q: sizes and times must not be negative", t.Name)
		}
		names[t.Name] = true
		for _, x := range slices.Sorted(maps.Keys(t.Routes)) {
			if !known[x] {
				return mistake("target %q: the database has no resource %q", t.Name, x)
			}
			if len(t.Routes[x]) == 0 {
				return mistake("target %q: resource %q has no route", t.Name, x)
			}
		}
		t.BatchSize = or(t.BatchSize, 500)
		t.Timeout = or(t.Timeout, time.Minute)
		t.Retries = or(t.Retries, 8)
	}
	if o.Interval < 0 || o.Sweep < 0 || o.Lease < 0 {
		return mistake("times must not be negative")
	}
	o.Interval = or(o.Interval, time.Second)
	o.Sweep = max(or(o.Sweep, time.Minute), o.Interval)
	o.Lease = or(o.Lease, 30*time.Second)
	if o.Instance == "" {
		o.Instance = rand.Text()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// layout is what all replicators of a database must agree on.
type layout struct {
	Shards int `json:"shards"`
}

const layoutKey = "layout"

// agree returns the number of shards; the first program decides.
func agree(ctx context.Context, space *s3db.Space, want int) (int, error) {
	at := kept[layout]{space: space, key: layoutKey}
	err := at.change(ctx, func(l *layout) bool {
		if l.Shards > 0 {
			return false
		}
		*l = layout{Shards: max(want, 1)}
		return true
	})
	if err != nil {
		return 0, err
	}
	if n := at.value.Shards; want == 0 || want == n {
		return n, nil
	}
	return 0, fmt.Errorf("%w: replicator: the database has %d shards, not %d, which cannot be changed", s3db.ErrConfig, at.value.Shards, want)
}

func (r *Replicator) now() time.Time { return r.options.Now() }

func (r *Replicator) newLease(key string) lease {
	return lease{space: r.space, key: key, holder: r.options.Instance, ttl: r.options.Lease, now: time.Now}
}

// Subscribe calls f for each event, on the goroutine that does the work, until remove
// is called. f should return soon.
func (r *Replicator) Subscribe(f func(context.Context, Event)) (remove func()) {
	return r.events.add(f)
}

// Close stops what runs, waits for it, gives leases back, and closes the targets.
// Database.Close calls it.
func (r *Replicator) Close() error {
	var errs []error
	r.closed.Do(func() {
		if r.stop != nil {
			r.stop()
		}
		r.running.Wait()
		const patience = 10 * time.Second
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		for _, k := range r.settlers {
			errs = append(errs, k.release(ctx))
		}
		for _, f := range r.followers {
			errs = append(errs, f.release(ctx))
		}
		for _, t := range r.options.Targets {
			if t.Target != nil {
				errs = append(errs, t.Target.Close())
			}
		}
	})
	return errors.Join(errs...)
}

// release gives the lease back.
func (f *follower) release(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lease.release(ctx)
}

// takes reports whether a change has a route to the target.
func (d *destination) takes(c Change) bool {
	return slices.ContainsFunc(d.options.Routes[c.Resource], func(r Route) bool { return r.Takes(c.Action) })
}

// names are the resources that are replicated to the target.
func (d *destination) names() []string { return slices.Sorted(maps.Keys(d.options.Routes)) }

// source is what the target is told.
func (d *destination) source(described *s3db.Description) (Source, error) {
	s := Source{Database: d.db.ID(), Name: d.options.Name, Shards: d.shards}
	list := described.Resources
	for i := range list {
		routes, ok := d.options.Routes[list[i].Name]
		if !ok {
			continue
		}
		x, err := Describe(&list[i], d.Replicator.options.Secrets, routes)
		if err != nil {
			return s, err
		}
		s.Resources = append(s.Resources, x)
	}
	return s, nil
}

func (d *destination) prepare(ctx context.Context, described *s3db.Description) error {
	s, err := d.source(described)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, d.options.Timeout)
	defer cancel()
	return d.options.Target.Prepare(ctx, s)
}

// TestConnections asks each target whether it can be reached and would take
// changes; it changes nothing. The error joins those of all targets, each with its name.
func (r *Replicator) TestConnections(ctx context.Context) error {
	var errs []error
	for _, t := range r.targets {
		test, cancel := context.WithTimeout(ctx, t.options.Timeout)
		if err := t.options.Target.Test(test); err != nil {
			errs = append(errs, fmt.Errorf("target %q: %w", t.options.Name, err))
		}
		cancel()
	}
	return errors.Join(errs...)
}

func (r *Replicator) destination(name string) (*destination, error) {
	for _, d := range r.targets {
		if d.options.Name == name {
			return d, nil
		}
	}
	return nil, fmt.Errorf("%w: there is no target %q", s3db.ErrNotFound, name)
}
