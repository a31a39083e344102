package s3db

import (
	"context"
	"errors"
	"sync"
	"time"
)

// limiter bounds the reads of a database that are under way at the same time, and
// learns how many the server bears: it takes half of them after an answer "slow
// down", one more after each round of answers without, and a tenth less when a
// round takes several times as long as rounds did before.
type limiter struct {
	most int

	mu      sync.Mutex
	limit   float64 // at least 1
	busy    int
	waiting []*turnstile // first come, first served
	epoch   int          // counts cuts: only requests that began after the last one cut again

	// Of the current round of answers.
	answers int
	took    time.Duration
	usual   time.Duration // what an answer takes when all is well
}

// turnstile lets one waiting request pass.
type turnstile struct {
	open   chan struct{}
	passed bool
}

func newLimiter(most int) *limiter { return &limiter{most: most, limit: float64(most)} }

// admission is the right to send one request; end gives it back.
type admission struct {
	limiter *limiter
	epoch   int
	start   time.Time
}

// enter waits until one more request may be sent.
func (l *limiter) enter(ctx context.Context) (admission, error) {
	if l == nil {
		return admission{}, nil
	}
	l.mu.Lock()
	if l.busy < int(l.limit) && len(l.waiting) == 0 {
		l.busy++
		a := l.admit()
		l.mu.Unlock()
		return a, nil
	}
	w := &turnstile{open: make(chan struct{})}
	l.waiting = append(l.waiting, w)
	l.mu.Unlock()
	select {
	case <-w.open:
	case <-ctx.Done():
		l.mu.Lock()
		defer l.mu.Unlock()
		if w.passed {
			l.busy--
			l.wake()
		}
		w.passed = true // wake skips it
		return admission{}, ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.admit(), nil
}

func (l *limiter) admit() admission { return admission{l, l.epoch, time.Now()} }

// wake lets as many waiting requests pass as there is room for.
func (l *limiter) wake() {
	for l.busy < int(l.limit) && len(l.waiting) > 0 {
		w := l.waiting[0]
		l.waiting[0] = nil
		l.waiting = l.waiting[1:]
		if w.passed {
			continue // it has given up
		}
		w.passed = true
		l.busy++
		close(w.open)
	}
}

// end gives the admission back and learns from the answer.
func (a admission) end(kind RequestKind, err error) {
	l := a.limiter
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy--
	switch {
	case throttled(err):
		if a.epoch == l.epoch {
			l.cut(0.5, 1)
		}
	case err == nil:
		l.limit = min(l.limit+1/l.limit, float64(l.most))
		if kind == RequestGet {
			l.time(time.Since(a.start))
		}
	}
	l.wake()
}

// cut reduces the limit by a factor, to no less than least.
func (l *limiter) cut(factor, least float64) {
	l.limit = min(l.limit, max(l.limit*factor, least))
	l.epoch++
	l.answers, l.took = 0, 0
}

// time takes note of how long a request took. A server that is loaded answers
// late before it refuses.
func (l *limiter) time(took time.Duration) {
	const (
		round = 32 // answers at least, so that one slow one does not count
		slow  = 4  // times as long as usual
	)
	l.answers++
	l.took += took
	if l.answers < max(round, int(l.limit)) {
		return
	}
	average := l.took / time.Duration(l.answers)
	l.answers, l.took = 0, 0
	switch {
	case l.usual == 0 || average < l.usual:
		l.usual = average
	case average > slow*l.usual:
		l.cut(0.9, float64(l.most)/4)
	}
	l.usual += l.usual / 64 // what is usual changes
}

// throttled reports whether an answer asks for fewer requests, or did not come in
// time.
func throttled(err error) bool {
	const tooManyRequests, unavailable = 429, 503
	se, ok := errors.AsType[*StoreError](err)
	return ok && (se.Status == unavailable || se.Status == tooManyRequests || se.Temporary && errors.Is(err, context.DeadlineExceeded))
}
