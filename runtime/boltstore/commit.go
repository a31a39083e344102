package boltstore

import (
	"context"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// A commit waits for the disk twice, whatever it holds, so writes share them: while
// one commit waits, the writes that come in line up and go into the next one
// together. bbolt's own DB.Batch would hold a lonely write back for ten
// milliseconds in the hope of company.
const (
	queueLength = 256     // writes that may line up
	batchSize   = 8 << 20 // bytes of values after which a commit is full
)

// write is one write on its way to the disk.
type write struct {
	op, key string
	size    int // bytes of its value
	// apply carries the write out inside a transaction. outcome is what the caller
	// gets when the transaction commits; a fatal error undoes the transaction.
	// apply may run several times, in different transactions. It must not use
	// what belongs to the caller, who may be gone.
	apply func(objects *bolt.Bucket) (outcome, fatal error)

	state atomic.Int32
	err   error         // what the caller gets, set before done is closed
	done  chan struct{} // closed when the write is decided
}

// The states of a write. Whoever moves it away from waiting owns it.
const (
	waiting int32 = iota
	taken         // by the committer
	left          // by a caller whose context ended
)

// write hands a write to the committer and waits for its commit. A write that the
// committer has taken is waited for even when its context ends: the disk cannot be
// called back, and so the caller always learns what became of the write, as
// s3db.Capabilities.Local promises.
func (s *Store) write(ctx context.Context, w *write) error {
	w.done = make(chan struct{})
	if err := s.enqueue(ctx, w); err != nil {
		return err
	}
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
		if w.state.CompareAndSwap(waiting, left) {
			return &s3db.StoreError{Op: w.op, Key: w.key, Err: ctx.Err()}
		}
		<-w.done
		return w.err
	}
}

func (s *Store) enqueue(ctx context.Context, w *write) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return &s3db.StoreError{Op: w.op, Key: w.key, Err: errClosed}
	}
	select {
	case s.queue <- w:
		return nil
	case <-ctx.Done():
		return &s3db.StoreError{Op: w.op, Key: w.key, Err: ctx.Err()}
	}
}

// commitLoop commits writes until the queue is closed and empty.
func (s *Store) commitLoop() {
	defer close(s.done)
	var batch []*write
	for first := range s.queue {
		batch = s.collect(batch[:0], first)
		s.commit(batch)
		clear(batch)
	}
}

// collect takes the writes that have lined up.
func (s *Store) collect(batch []*write, first *write) []*write {
	size := 0
	for w := first; ; {
		if w.state.CompareAndSwap(waiting, taken) {
			batch = append(batch, w)
			size += w.size
		}
		if size >= batchSize || len(batch) >= queueLength {
			return batch
		}
		select {
		case next, ok := <-s.queue:
			if !ok {
				return batch
			}
			w = next
		default:
			return batch
		}
	}
}

// commit carries writes out in one transaction, and one by one when that fails, so
// that one that cannot be carried out does not take the others with it.
func (s *Store) commit(batch []*write) {
	if len(batch) == 0 {
		return
	}
	err := s.transact(batch)
	switch {
	case err == nil:
	case len(batch) == 1:
		w := batch[0]
		// Nobody can say how much of a commit that failed is on the disk.
		w.err = &s3db.StoreError{Op: w.op, Key: w.key, MaybeApplied: true, Err: err}
	default:
		for i := range batch {
			s.commit(batch[i : i+1])
		}
		return
	}
	for _, w := range batch {
		close(w.done)
	}
}

// transact carries writes out in the order in which they came.
func (s *Store) transact(batch []*write) error {
	return guard(func() error {
		return s.db.Update(func(tx *bolt.Tx) error {
			objects := tx.Bucket([]byte(objectsBucket))
			for _, w := range batch {
				outcome, fatal := w.apply(objects)
				if fatal != nil {
					return fatal
				}
				w.err = storeError(w.op, w.key, outcome)
			}
			return nil
		})
	})
}
