package cache

import (
	"sync"
	"sync/atomic"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// A read that began before a write was committed must not be kept after it, nor
// must anybody who comes after the write get its result. So a write, before it
// sends anything, drops what it concerns and overtakes the reads under way that it
// concerns; until its outcome is known, no such read is kept or shared.

// lateFor is the time for which a write whose reply was lost may still arrive: no
// signature of a request is older (docs/protocol.md, "Time").
const lateFor = 15 * time.Minute

// fences has the fence of each resource.
type fences struct {
	mu  sync.Mutex
	all map[string]*fence
}

func (a *fences) of(resource string) *fence {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.all[resource]
	if f == nil {
		if a.all == nil {
			a.all = map[string]*fence{}
		}
		f = &fence{flights: map[string]*flight{}, scopes: map[string]*scope{}, writes: map[*pendingWrite]struct{}{}}
		a.all[resource] = f
	}
	return f
}

// fence is what is kept, read and written of one resource, by scopes.
type fence struct {
	mu      sync.Mutex
	flights map[string]*flight // those that may be joined, by the keys of their reads
	scopes  map[string]*scope
	writes  map[*pendingWrite]struct{}
}

type scope struct {
	entries map[*entry]struct{}
	flights map[*flight]struct{}
}

// flight is a read under way.
type flight struct {
	key   key
	read  *s3db.PendingRead
	scope string
	fence *fence

	overtaken atomic.Bool // by a write; guarded by the fence when it is set
	done      chan struct{}
	landing   // after done
}

// landing is how a flight ended.
type landing struct {
	entry *entry // what was found
	fresh bool   // and is to be kept
	alone bool   // what was found cannot be kept, so that everybody reads on their own
	err   error
}

// pendingWrite is a write whose outcome is not known.
type pendingWrite struct {
	write  *s3db.PendingWrite
	scopes map[string]bool
	until  time.Time // when it is over; zero: when it is settled
}

func (w *pendingWrite) concerns(scope string, r *s3db.PendingRead) bool {
	return w.scopes[scope] && r.ChangedBy(w.write.Before, w.write.After)
}

// begin begins a read, or joins one that is under way.
func (a *fences) begin(r *s3db.PendingRead, k key, join bool) (f *flight, joined bool) {
	c := a.of(r.Resource)
	scope := r.Scope()
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if join {
		if f := c.flights[k.hash]; f != nil {
			return f, true
		}
	}
	f = &flight{key: k, read: r, scope: scope, fence: c, done: make(chan struct{})}
	for w := range c.writes {
		if !w.until.IsZero() && now.After(w.until) {
			delete(c.writes, w)
		} else if w.concerns(scope, r) {
			f.overtaken.Store(true)
		}
	}
	if f.overtaken.Load() {
		return f, false
	}
	c.at(scope).flights[f] = struct{}{}
	if join {
		c.flights[k.hash] = f
	}
	return f, false
}

func (c *fence) at(name string) *scope {
	s := c.scopes[name]
	if s == nil {
		s = &scope{entries: map[*entry]struct{}{}, flights: map[*flight]struct{}{}}
		c.scopes[name] = s
	}
	return s
}

// prune forgets a scope without entries and flights.
func (c *fence) prune(name string) {
	if s := c.scopes[name]; s != nil && len(s.entries)+len(s.flights) == 0 {
		delete(c.scopes, name)
	}
}

// valid reports whether no write has overtaken the flight.
func (f *flight) valid() bool { return !f.overtaken.Load() }

// end ends a flight. It reports whether what it found may be kept; in memory, it
// is from now on.
func (f *flight) end(l landing, memory bool) (kept bool) {
	c, e := f.fence, l.entry
	c.mu.Lock()
	if c.flights[f.key.hash] == f {
		delete(c.flights, f.key.hash)
	}
	if s := c.scopes[f.scope]; s != nil {
		delete(s.flights, f)
		c.prune(f.scope)
	}
	kept = f.valid()
	if l.fresh && memory && kept && !e.gone {
		c.at(f.scope).entries[e] = struct{}{}
		e.live.Store(true)
	}
	c.mu.Unlock()
	f.landing = l
	close(f.done)
	return kept
}

// write begins a write: it returns the entries that are no longer true.
func (c *fence) write(w *s3db.PendingWrite) (p *pendingWrite, dead []*entry) {
	p = &pendingWrite{write: w, scopes: map[string]bool{}}
	for _, name := range w.Scopes() {
		p.scopes[name] = true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for name := range p.scopes {
		s := c.scopes[name]
		if s == nil {
			continue
		}
		for e := range s.entries {
			if e.read.ChangedBy(w.Before, w.After) {
				e.live.Store(false)
				delete(s.entries, e)
				dead = append(dead, e)
			}
		}
		for f := range s.flights {
			if f.read.ChangedBy(w.Before, w.After) {
				f.overtaken.Store(true)
				delete(s.flights, f)
				if c.flights[f.key.hash] == f {
					delete(c.flights, f.key.hash)
				}
			}
		}
		c.prune(name)
	}
	c.writes[p] = struct{}{}
	return p, dead
}

// settle ends a write. One with an unknown outcome stays until it cannot arrive.
func (c *fence) settle(p *pendingWrite, o s3db.Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o == s3db.OutcomeUnknown {
		p.until = time.Now().Add(lateFor)
		return
	}
	delete(c.writes, p)
}

// forget is called when an entry has left the memory for whatever reason.
func (a *fences) forget(e *entry) {
	c := a.of(e.key.resource)
	c.mu.Lock()
	defer c.mu.Unlock()
	e.gone = true
	e.live.Store(false)
	if s := c.scopes[e.scope]; s != nil {
		delete(s.entries, e)
		c.prune(e.scope)
	}
}

// clear overtakes all reads and forgets all entries.
func (a *fences) clear() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.all {
		c.mu.Lock()
		for _, s := range c.scopes {
			for e := range s.entries {
				e.live.Store(false)
			}
			for f := range s.flights {
				f.overtaken.Store(true)
			}
		}
		clear(c.scopes)
		clear(c.flights)
		c.mu.Unlock()
	}
}
