package replicator

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Event is something that the replicator of this process has done or met.
type Event struct {
	Kind      EventKind
	Target    string // "" of events of the log
	Shard     int
	Changes   int           // settled, applied or rejected
	Duration  time.Duration // of the call of the target
	Change    *Change       // that was rejected
	Documents int64         // of the snapshot so far
	Done      bool          // the snapshot is
	Err       error
}

// EventKind is a kind of event.
type EventKind uint8

// The kinds of events.
const (
	EventSettled  EventKind = iota + 1 // committed changes are in the log
	EventApplied                       // the target has applied changes
	EventRejected                      // a change was put aside as a dead letter
	EventError                         // something failed, and is tried again
	EventSnapshot                      // the snapshot has begun, gone on or ended
)

// String returns the kind in lower case.
func (k EventKind) String() string {
	names := [...]string{"unknown", "settled", "applied", "rejected", "error", "snapshot"}
	if int(k) >= len(names) {
		k = 0
	}
	return names[k]
}

// subscribers are called in the order in which they came.
type subscribers struct {
	mu   sync.Mutex
	next int
	list []subscriber
}

type subscriber struct {
	id int
	f  func(context.Context, Event)
}

func (s *subscribers) add(f func(context.Context, Event)) (remove func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	id := s.next
	s.list = append(slices.Clip(s.list), subscriber{id, f})
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.list = slices.DeleteFunc(slices.Clone(s.list), func(x subscriber) bool { return x.id == id })
	}
}

func (s *subscribers) emit(ctx context.Context, e Event) {
	s.mu.Lock()
	list := s.list
	s.mu.Unlock()
	for _, x := range list {
		x.f(ctx, e)
	}
}
