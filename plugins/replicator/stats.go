package replicator

import (
	"maps"
	"sync"
	"time"
)

// Stats are what the replicator of this process has counted for one target since it
// began.
type Stats struct {
	Changes  int64 // applied, among them those that had no effect
	Batches  int64 // calls of the target that ended well
	Errors   int64 // calls of the target that failed
	Retries  int64 // of these, those that followed another one
	Rejected int64 // changes put aside as dead letters
	Duration time.Duration
}

// stats counts for one target.
type stats struct {
	mu sync.Mutex
	Stats
	state   State
	last    string // error
	snap    snapshot
	parkedN map[int]int
	at      map[int]checkpoint
}

// State is what a target is doing.
type State string

// The states of a target.
const (
	Idle       State = "idle"       // nobody of this process works for it: another one does, or nobody does yet
	Snapshot   State = "snapshot"   // it gets the documents from before
	CatchingUp State = "catchingUp" // the log goes on behind what it has
	UpToDate   State = "upToDate"
	Paused     State = "paused"
	Failing    State = "failing" // its last call failed; it is tried again
)

func (s *stats) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *stats) applied(_, n int, took time.Duration) {
	s.change(func() {
		s.Changes, s.Batches, s.Duration, s.last = s.Changes+int64(n), s.Batches+1, s.Duration+took, ""
		if s.state == Failing {
			s.state = CatchingUp
		}
	})
}

func (s *stats) failed(err error, again bool) {
	s.change(func() {
		s.Errors++
		if again {
			s.Retries++
		}
		s.state, s.last = Failing, err.Error()
	})
}

func (s *stats) rejected(shard, parked int) {
	s.change(func() { s.Rejected++; s.setParked(shard, parked) })
}

func (s *stats) parked(shard, n int) { s.change(func() { s.setParked(shard, n) }) }

func (s *stats) setParked(shard, n int) {
	if s.parkedN == nil {
		s.parkedN = map[int]int{}
	}
	s.parkedN[shard] = n
}

func (s *stats) reached(shard int, c checkpoint) {
	s.change(func() {
		if s.at == nil {
			s.at = map[int]checkpoint{}
		}
		s.at[shard], s.state = c, CatchingUp
	})
}

func (s *stats) caughtUp(int) { s.change(func() { s.state, s.last = UpToDate, "" }) }

func (s *stats) paused(is bool) {
	s.change(func() {
		if is {
			s.state = Paused
		} else if s.state == Paused || s.state == "" {
			s.state = CatchingUp
		}
	})
}

func (s *stats) snapshot(snap snapshot) {
	s.change(func() {
		if s.snap = snap; !snap.Done {
			s.state = Snapshot
		}
	})
}

// now returns what is counted.
func (s *stats) now() (counted Stats, state State, lastError string, parked int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := range maps.Values(s.parkedN) {
		parked += n
	}
	if state = s.state; state == "" {
		state = Idle
	}
	return s.Stats, state, s.last, parked
}
