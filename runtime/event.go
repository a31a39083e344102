package s3db

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// EventKind says what an event is about.
type EventKind uint8

// The kinds of events. Those of writes are raised once for each committed write,
// whatever the method was; an upsert raises EventInsert or EventUpdate. Those of
// reads, and EventError, tell what the caller of a method got, so that a read
// answered by middleware counts too.
const (
	EventInsert EventKind = iota
	EventUpdate
	EventDelete
	EventGet
	EventExists
	EventList
	EventCount
	EventExceedsLimit // a document above the limit for metadata was written
	EventError        // a method returned an error

	// These are of the database, see [DatabaseEvent].

	EventConnected       // Open has succeeded
	EventResourceCreated // the database saw a resource for the first time
	EventVersionUpdated  // a resource has a newer schema version
	EventSchemaWritten   // the registry of the database was written
	eventKinds
)

// String returns the name of the kind, such as "exceedsLimit".
func (k EventKind) String() string {
	return [...]string{
		"insert", "update", "delete", "get", "exists", "list", "count", "exceedsLimit", "error",
		"connected", "resourceCreated", "versionUpdated", "schemaWritten", "unknown",
	}[min(k, eventKinds)]
}

// Event is something that happened to documents of one resource. Subscribers
// must not change what it points to.
type Event[T any, ID ~string] struct {
	Kind      EventKind
	Operation string // "insert", "upsert", "update", "replace", "delete", "get", …
	ID        ID     // "" when the event is not about one document
	Document  *T     // as it is now; nil after a delete, and when there is none
	Before    *T     // of EventUpdate and EventDelete: as it was
	Count     int    // of EventList and EventCount
	Exceeds   *ExceedsLimit[T]
	Err       error         // of EventError
	Duration  time.Duration // from the call of the method to the event
}

// DatabaseEvent is an event of any resource, without its types, or of the
// database itself.
type DatabaseEvent struct {
	Kind      EventKind
	Resource  string // "" for events of the database
	Operation string
	ID        string
	Document  any // a pointer to the document of the generated package, or nil
	Before    any // likewise
	Count     int
	Exceeds   *Oversize // of EventExceedsLimit
	Err       error
	Duration  time.Duration
	// Of EventVersionUpdated. OldVersion is -1 of EventResourceCreated.
	OldVersion, NewVersion int
}

// Overflow says what becomes of an event for which a subscription's buffer has
// no room.
type Overflow uint8

// The policies of buffered subscriptions.
const (
	Block      Overflow = iota // the operation waits for room, or until its context ends; then the event is dropped
	DropNewest                 // the event is dropped
	DropOldest                 // the event that has waited longest is dropped
)

// SubscribeOption changes a subscription.
type SubscribeOption func(*subscribeOptions)

type subscribeOptions struct {
	kinds  uint32 // bits; 0 for all
	ids    []string
	buffer int
	full   Overflow
}

// OnKinds limits a subscription to some kinds of events.
func OnKinds(kinds ...EventKind) SubscribeOption {
	return func(o *subscribeOptions) {
		for _, k := range kinds {
			o.kinds |= 1 << k
		}
	}
}

// OnID limits a subscription to events about some documents.
func OnID[ID ~string](ids ...ID) SubscribeOption {
	return func(o *subscribeOptions) {
		for _, id := range ids {
			o.ids = append(o.ids, string(id))
		}
	}
}

// Buffered delivers the events of a subscription on a goroutine of its own, in
// their order, from a buffer of n events. Without it the subscriber runs on the
// goroutine of the operation, which waits for it.
func Buffered(n int, full Overflow) SubscribeOption {
	return func(o *subscribeOptions) { o.buffer, o.full = max(n, 1), full }
}

func (o *subscribeOptions) wants(kind EventKind, id string) bool {
	return (o.kinds == 0 || o.kinds&(1<<kind) != 0) && (o.ids == nil || slices.Contains(o.ids, id))
}

// Subscription is a function that is called for events.
type Subscription struct {
	cancel  func()
	dropped *atomic.Int64
}

// Cancel ends the subscription. A call of the subscriber that is under way goes
// on; events in its buffer are dropped.
func (s *Subscription) Cancel() { s.cancel() }

// Dropped returns the number of events that the buffer had no room for.
func (s *Subscription) Dropped() int64 { return s.dropped.Load() }

// subscriber is what a subscription registers.
type subscriber struct {
	subscribeOptions
	deliver func(ctx context.Context, e DatabaseEvent)
}

// subscribe registers f. Buffered delivery ends when closed is closed.
func subscribe(r *registrations[subscriber], closed <-chan struct{}, f func(context.Context, DatabaseEvent), list []SubscribeOption) *Subscription {
	s := subscriber{deliver: f}
	for _, set := range list {
		set(&s.subscribeOptions)
	}
	sub := &Subscription{dropped: &atomic.Int64{}}
	if s.buffer == 0 {
		sub.cancel = r.add(s)
		return sub
	}
	cancelled := make(chan struct{})
	queue := make(chan DatabaseEvent, s.buffer)
	s.deliver = func(ctx context.Context, e DatabaseEvent) {
		sub.dropped.Add(enqueue(ctx, queue, e, s.full, cancelled, closed))
	}
	remove := r.add(s)
	sub.cancel = sync.OnceFunc(func() {
		remove()
		close(cancelled)
	})
	go func() {
		for {
			select {
			case <-cancelled:
				return
			case <-closed:
				return
			case e := <-queue:
				f(context.Background(), e)
			}
		}
	}()
	return sub
}

// enqueue returns the number of events that were dropped.
func enqueue(ctx context.Context, queue chan DatabaseEvent, e DatabaseEvent, full Overflow, cancelled, closed <-chan struct{}) (dropped int64) {
	for {
		select {
		case queue <- e:
			return dropped
		default:
		}
		switch full {
		case DropNewest:
			return dropped + 1
		case DropOldest:
			select {
			case <-queue:
				dropped++
			default: // the subscriber was faster
			}
		default:
			select {
			case queue <- e:
				return dropped
			case <-ctx.Done():
			case <-cancelled:
			case <-closed:
			}
			return dropped + 1
		}
	}
}

// Subscribe calls f for events of the resource: on the goroutine of the operation,
// unless the subscription is [Buffered]. f may be called concurrently. Events of
// one document that two operations raise at the same time may come in either
// order; their documents' revisions and times tell.
func (c *Collection[T, ID, I, P]) Subscribe(f func(context.Context, Event[T, ID]), options ...SubscribeOption) *Subscription {
	return subscribe(&c.engine.events, c.engine.db.closed, func(ctx context.Context, e DatabaseEvent) {
		typed := Event[T, ID]{
			Kind: e.Kind, Operation: e.Operation, ID: ID(e.ID), Document: of[T](e.Document), Before: of[T](e.Before),
			Count: e.Count, Err: e.Err, Duration: e.Duration,
		}
		if e.Exceeds != nil {
			typed.Exceeds = &ExceedsLimit[T]{Oversize: *e.Exceeds, Data: typed.Document}
		}
		f(ctx, typed)
	}, options)
}

// OnExceedsLimit calls f after each write of a document that did not fit the
// limit for metadata, on the goroutine of the write. The returned function ends
// the subscription.
func (c *Collection[T, ID, I, P]) OnExceedsLimit(f func(context.Context, ExceedsLimit[T])) (cancel func()) {
	return c.Subscribe(func(ctx context.Context, e Event[T, ID]) { f(ctx, *e.Exceeds) }, OnKinds(EventExceedsLimit)).Cancel
}

// Subscribe calls f for events of the database and of all its resources, like
// [Collection.Subscribe]. Those of Open itself reach only subscribers that were
// given to it, see [WithSubscriber].
func (db *Database) Subscribe(f func(context.Context, DatabaseEvent), options ...SubscribeOption) *Subscription {
	return subscribe(&db.events, db.closed, f, options)
}

// WithSubscriber subscribes before the database is opened, so that f is told of
// that too.
func WithSubscriber(f func(context.Context, DatabaseEvent), list ...SubscribeOption) Option {
	return func(o *options) error {
		o.plug = append(o.plug, func(_ context.Context, db *Database) error { db.Subscribe(f, list...); return nil })
		return nil
	}
}

// emit tells subscribers of the database.
func (db *Database) emit(ctx context.Context, e DatabaseEvent) {
	for _, s := range db.events.all() {
		if s.value.wants(e.Kind, e.ID) {
			s.value.deliver(ctx, e)
		}
	}
}

// started is the time at which an operation began; zero when nobody subscribed.
func (c *engine) started() (t time.Time) {
	if !c.events.empty() || !c.db.events.empty() {
		t = time.Now()
	}
	return t
}

// emit tells subscribers of the resource and of the database.
func (c *engine) emit(ctx context.Context, began time.Time, e DatabaseEvent) {
	e.Resource, e.Duration = c.model.Resource, time.Since(began)
	for _, s := range c.events.all() {
		if s.value.wants(e.Kind, e.ID) {
			s.value.deliver(ctx, e)
		}
	}
	c.db.emit(ctx, e)
}

// listed tells how many documents a method read by a query.
func (c *engine) listed(ctx context.Context, began time.Time, m Method, n int) {
	if !began.IsZero() {
		c.emit(ctx, began, DatabaseEvent{Kind: EventList, Operation: m.String(), Count: n})
	}
}

// committed tells of a write that has just been committed.
func (c *engine) committed(ctx context.Context, w *write, a *attempt) {
	if w.began.IsZero() {
		return
	}
	e := DatabaseEvent{Kind: EventInsert, Operation: w.op, ID: w.id, Document: a.doc, Before: a.old}
	switch {
	case a.doc == nil:
		e.Kind = EventDelete
	case a.base.live():
		e.Kind = EventUpdate
	}
	c.emit(ctx, w.began, e)
	if a.exceeds != nil {
		c.emit(ctx, w.began, DatabaseEvent{Kind: EventExceedsLimit, Operation: w.op, ID: w.id, Document: a.doc, Exceeds: a.exceeds})
	}
}
