// Package metrics counts and times what a program does with a database: calls of
// methods, errors, requests. It tells it at any moment, keeps it in the database, and
// is read by exporters.
package metrics

import (
	"context"
	"errors"
	"sync"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Options say what is collected. The zero value collects everything and keeps it in
// memory alone.
type Options struct {
	NoPerformance bool // leave times out
	NoUsage       bool // leave out what was done to each resource, and the hours
	NoErrors      bool // leave errors out

	// FlushInterval is how often what was collected since the last time is written
	// to the database; 0: never. Close does so once more.
	FlushInterval time.Duration
	// Keep is how long what was flushed is kept; 0: until Prune.
	Keep time.Duration
	// OnFlushError is told of a flush that failed. What it was to write is written by
	// the next one.
	OnFlushError func(error)
}

// CacheStatistics is a plugin that answers from a cache.
type CacheStatistics interface {
	// CacheStatistics returns the number of answers and of misses so far, and the
	// time that all answers took together.
	CacheStatistics() (hits, misses int64, spent time.Duration)
}

// Plugin collects metrics of one database. It is safe for concurrent use.
type Plugin struct {
	options Options
	db      *s3db.Database
	space   *s3db.Space
	writer  string // names what this process flushes

	mu      sync.Mutex
	now     *counters  // since the last flush that began
	unsaved Totals     // of flushes that failed
	before  Totals     // written
	cached  CacheTotal // what the cache had answered at the last flush that began

	flushing sync.Mutex // one flush at a time
	stop     context.CancelFunc
	stopped  chan struct{} // closed when the flusher has ended; nil without one
}

// New returns a plugin.
func New(o Options) *Plugin { return &Plugin{options: o, now: newCounters(time.Now())} }

// Name implements [s3db.Plugin].
func (p *Plugin) Name() string { return "metrics" }

// Install implements [s3db.Plugin].
func (p *Plugin) Install(_ context.Context, db *s3db.Database) error {
	if p.db != nil {
		return errors.New("a metrics plugin counts for one database: make another one with metrics.New")
	}
	if p.options.FlushInterval < 0 || p.options.Keep < 0 {
		return errors.New("FlushInterval and Keep must not be negative")
	}
	space, err := db.Space(p.Name())
	if err != nil {
		return err
	}
	p.db, p.space, p.writer = db, space, newWriter()
	db.Subscribe(p.happened)
	db.Use(p.silent)
	return nil
}

// connected starts to flush, now that all plugins are installed.
func (p *Plugin) connected(ctx context.Context) {
	if p.options.FlushInterval > 0 {
		ctx, p.stop = context.WithCancel(context.WithoutCancel(ctx))
		p.stopped = make(chan struct{})
		go p.run(ctx)
	}
}

// happened counts an event.
func (p *Plugin) happened(ctx context.Context, e s3db.DatabaseEvent) {
	var o OperationTotal
	switch e.Kind {
	case s3db.EventConnected:
		p.connected(ctx)
		return
	case s3db.EventInsert:
		o.Inserts = 1
	case s3db.EventUpdate:
		o.Updates = 1
	case s3db.EventDelete:
		o.Deletes = 1
	case s3db.EventGet, s3db.EventExists, s3db.EventCount:
		o.Reads = 1
	case s3db.EventList:
		o.Reads, o.Documents = 1, int64(e.Count)
	case s3db.EventError:
		o.Failed = 1
	default:
		return // not a call of its own
	}
	o.Resource, o.Operation = e.Resource, e.Operation
	p.count(o, e.Duration, e.Err)
}

// silent counts the methods that raise no event unless they fail.
func (p *Plugin) silent(ctx context.Context, call s3db.AnyCall, next func(context.Context) (any, error)) (any, error) {
	switch call.Method() {
	case s3db.MethodContent, s3db.MethodContentURL, s3db.MethodHasContent, s3db.MethodDistinct:
		began := time.Now()
		v, err := next(ctx)
		if err == nil {
			p.count(OperationTotal{Resource: call.Resource(), Operation: call.Method().String(), Reads: 1}, time.Since(began), nil)
		}
		return v, err
	default:
		return next(ctx)
	}
}

// count counts one call.
func (p *Plugin) count(call OperationTotal, spent time.Duration, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	o := p.now.operation(call.Resource, call.Operation)
	*o = o.plusCalls(call)
	if !p.options.NoPerformance {
		o.Time += spent
		o.Longest = max(o.Longest, spent)
		observe(&o.Buckets, spent)
	}
	if !p.options.NoUsage {
		p.now.hours[time.Now().UTC().Hour()]++
	}
	if err != nil && !p.options.NoErrors {
		p.now.errors[[2]string{call.Resource, ErrorType(err)}]++
	}
}

// ObserveRequest implements [s3db.RequestObserver].
func (p *Plugin) ObserveRequest(_ context.Context, r s3db.Request) {
	if p.options.NoPerformance {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.now.request(r.Kind.String())
	t.Count++
	if r.Err != nil {
		t.Failed++
	}
	if r.Attempt > 0 {
		t.Repeated++
	}
	t.Time += r.Duration
	observe(&t.Buckets, r.Duration)
}

// Metrics returns what happened since Open.
func (p *Plugin) Metrics() Metrics {
	m := p.Totals().Report()
	if p.options.NoPerformance {
		m.Performance = Performance{}
	}
	if p.options.NoUsage {
		m.Usage = Usage{}
	}
	return m
}

// Totals returns the numbers of what happened since Open.
func (p *Plugin) Totals() Totals {
	cache := p.cache()
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.before.Add(p.unsaved).Add(p.now.totals(time.Now()))
	t.Cache = cache
	return t
}

// cache asks the plugins of the database that have a cache.
func (p *Plugin) cache() (sum CacheTotal) {
	if p.db == nil {
		return sum
	}
	if c, ok := p.db.Plugin("cache").(CacheStatistics); ok {
		sum.Hits, sum.Misses, sum.Time = c.CacheStatistics()
	}
	return sum
}

// ErrorType names an error after the error of the runtime that it matches, such as
// "ErrValidation"; "canceled" and "deadline" are those of the context, and "other" is
// any other.
func ErrorType(err error) string {
	for _, t := range []struct {
		name string
		err  error
	}{
		{"canceled", context.Canceled},
		{"deadline", context.DeadlineExceeded},
		{"ErrValidation", s3db.ErrValidation},
		{"ErrInvalidID", s3db.ErrInvalidID},
		{"ErrNoContent", s3db.ErrNoContent},
		{"ErrNotFound", s3db.ErrNotFound},
		{"ErrAlreadyExists", s3db.ErrAlreadyExists},
		{"ErrUnique", s3db.ErrUnique},
		{"ErrConflict", s3db.ErrConflict},
		{"ErrTooLarge", s3db.ErrTooLarge},
		{"ErrUnknownOutcome", s3db.ErrUnknownOutcome},
		{"ErrDecrypt", s3db.ErrDecrypt},
		{"ErrCorrupt", s3db.ErrCorrupt},
		{"ErrNewerFormat", s3db.ErrNewerFormat},
		{"ErrOutdated", s3db.ErrOutdated},
		{"ErrNeedsProgram", s3db.ErrNeedsProgram},
		{"ErrRefused", s3db.ErrRefused},
		{"ErrUnavailable", s3db.ErrUnavailable},
		{"ErrCursor", s3db.ErrCursor},
		{"ErrSortLimit", s3db.ErrSortLimit},
		{"ErrQuery", s3db.ErrQuery},
		{"ErrRange", s3db.ErrRange},
		{"ErrUnsupported", s3db.ErrUnsupported},
		{"ErrKeyProvider", s3db.ErrKeyProvider},
		{"ErrConfig", s3db.ErrConfig},
	} {
		if errors.Is(err, t.err) {
			return t.name
		}
	}
	if _, ok := errors.AsType[*s3db.HookError](err); ok {
		return "HookError"
	}
	return "other"
}

// Close writes what was not flushed. It implements [io.Closer]; closing the database
// calls it.
func (p *Plugin) Close() error {
	if p.stopped == nil {
		return nil
	}
	p.stop()
	<-p.stopped
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return p.Flush(ctx)
}

// closeTimeout bounds the flush of Close.
const closeTimeout = 10 * time.Second

func (p *Plugin) run(ctx context.Context) {
	defer close(p.stopped)
	tick := time.NewTicker(p.options.FlushInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := p.Flush(ctx)
		if err == nil && p.options.Keep > 0 {
			_, err = p.Prune(ctx, time.Now().Add(-p.options.Keep))
		}
		if err != nil && ctx.Err() == nil && p.options.OnFlushError != nil {
			p.options.OnFlushError(err)
		}
	}
}

// take takes what no flush has written.
func (p *Plugin) take() Totals {
	cache := p.cache()
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	t := p.now.totals(now)
	t.Cache = CacheTotal{Hits: cache.Hits - p.cached.Hits, Misses: cache.Misses - p.cached.Misses, Time: cache.Time - p.cached.Time}
	t = p.unsaved.Add(t)
	p.cached, p.unsaved, p.now = cache, Totals{}, newCounters(now)
	return t
}

// taken says whether what was taken is written.
func (p *Plugin) taken(t Totals, written bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if written {
		p.before = p.before.Add(t)
	} else {
		p.unsaved = t
	}
}
