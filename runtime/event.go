package s3db

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// listeners is a set of subscribed functions. Asking whether there are any, and
// calling them, takes no lock.
type listeners[E any] struct {
	mu   sync.Mutex
	next int
	list atomic.Pointer[[]listener[E]]
}

type listener[E any] struct {
	id   int
	call func(context.Context, E)
}

func (l *listeners[E]) add(f func(context.Context, E)) (cancel func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	id := l.next
	l.replace(append(l.current(), listener[E]{id: id, call: f}))
	return func() { l.remove(id) }
}

func (l *listeners[E]) remove(id int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.replace(slices.DeleteFunc(l.current(), func(x listener[E]) bool { return x.id == id }))
}

// current returns a copy that the caller may change.
func (l *listeners[E]) current() []listener[E] {
	if p := l.list.Load(); p != nil {
		return slices.Clone(*p)
	}
	return nil
}

func (l *listeners[E]) replace(list []listener[E]) { l.list.Store(&list) }

func (l *listeners[E]) emit(ctx context.Context, event E) {
	if p := l.list.Load(); p != nil {
		for _, x := range *p {
			x.call(ctx, event)
		}
	}
}
