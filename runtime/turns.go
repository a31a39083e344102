package s3db

import (
	"context"
	"sync"
	"time"
)

// turns lets the writers of this process that collide on one document go one
// after the other, and hands each what the one before it has committed, so that it
// need not read. It is a courtesy that saves requests, not a lock that anything
// relies on: a writer whose patience ends goes on without its turn, so nothing can
// deadlock on it, and what was handed on may be old.
type turns struct {
	mu   sync.Mutex
	open map[string]*turn
}

type turn struct {
	free    chan *state // holds one value while nobody has the turn: what was committed last, or nil
	writers int         // that hold or await the turn
}

// busy reports whether writers collided on the document and are not done yet.
func (t *turns) busy(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open[id] != nil
}

// take waits for the turn, at most for the patience given, and reports whether
// it had to wait, and what the writer before has committed, if that is known. The
// returned function must be called when the attempt is over, with what it committed.
func (t *turns) take(ctx context.Context, id string, patience time.Duration) (done func(*state), waited bool, last *state) {
	x := t.join(id)
	mine := false
	select {
	case last = <-x.free:
		mine = true
	default:
		waited = true
		timer := time.NewTimer(patience)
		defer timer.Stop()
		select {
		case last = <-x.free:
			mine = true
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return func(committed *state) {
		if mine {
			x.free <- committed
		}
		t.leave(id, x)
	}, waited, last
}

func (t *turns) join(id string) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	x := t.open[id]
	if x == nil {
		x = &turn{free: make(chan *state, 1)}
		x.free <- nil
		if t.open == nil {
			t.open = map[string]*turn{}
		}
		t.open[id] = x
	}
	x.writers++
	return x
}

func (t *turns) leave(id string, x *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if x.writers--; x.writers == 0 {
		delete(t.open, id)
	}
}
