package s3db

import (
	"sync"
	"time"
)

// lifetime is the time until which the documents that a read found live. Those of a
// query are read several at a time.
type lifetime struct {
	mu    sync.Mutex
	until time.Time // zero: for ever
}

func (l *lifetime) end(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !at.IsZero() && (l.until.IsZero() || at.Before(l.until)) {
		l.until = at
	}
}

// see notes a document that the read found.
func (r *PendingRead) see(d document) {
	if d != nil && r.engine.model.TTL != nil {
		r.life.end(r.engine.model.Meta(d).Expires)
	}
}

// Until returns when the first of the documents expires that the store had for the
// read, from when on the result is another one though nobody writes; zero for never.
// It is known when the result has been read to its end.
func (r *PendingRead) Until() time.Time {
	r.life.mu.Lock()
	defer r.life.mu.Unlock()
	return r.life.until
}

// Holds reports whether a result of the read with this Until still holds, by the clock
// of the database.
func (r *PendingRead) Holds(until time.Time) bool {
	return until.IsZero() || until.After(r.engine.db.now())
}
