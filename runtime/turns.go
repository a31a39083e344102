package s3db

import (
	"context"
	"sync"
	"time"
)

// turns lets the writers of this process that collide on one document go one
// after the other. It is a courtesy that saves requests, not a lock that anything
// relies on: a writer whose patience ends goes on without its turn, so nothing can
// deadlock on it.
type turns struct {
	mu   sync.Mutex
	open map[string]*turn
}

type turn struct {
	free    chan struct{} // holds one value while nobody has the turn
	writers int           // that hold or await the turn
}

// busy reports whether writers collided on the document and are not done yet.
func (t *turns) busy(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open[id] != nil
}

// take waits for the turn, at most for the patience given, and reports whether
// it had to wait. The returned function must be called when the attempt is over.
func (t *turns) take(ctx context.Context, id string, patience time.Duration) (done func(), waited bool) {
	x := t.join(id)
	mine := false
	select {
	case <-x.free:
		mine = true
	default:
		waited = true
		timer := time.NewTimer(patience)
		defer timer.Stop()
		select {
		case <-x.free:
			mine = true
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return func() {
		if mine {
			x.free <- struct{}{}
		}
		t.leave(id, x)
	}, waited
}

func (t *turns) join(id string) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	x := t.open[id]
	if x == nil {
		x = &turn{free: make(chan struct{}, 1)}
		x.free <- struct{}{}
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
