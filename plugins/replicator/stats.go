package replicator

import (
	"maps"
	"slices"
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
	shards map[int]*shardStats
}

// shardStats is what this process does for one shard of a target.
type shardStats struct {
	state  State
	err    string // of the last call, while it fails
	parked int    // documents with dead letters
}

// State is what a target is doing.
type State string

// The states of a target. Of several shards the one that a person must know first counts,
// which is the last one here.
const (
	Idle       State = "idle" // nobody of this process works for it: another one does, or nobody does yet
	UpToDate   State = "upToDate"
	CatchingUp State = "catchingUp" // the log goes on behind what it has
	Snapshot   State = "snapshot"   // it gets the documents from before
	Paused     State = "paused"
	Failing    State = "failing" // its last call failed; it is tried again
)

func (s *stats) change(shard int, f func(*shardStats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shards == nil {
		s.shards = map[int]*shardStats{}
	}
	if s.shards[shard] == nil {
		s.shards[shard] = &shardStats{state: Idle}
	}
	f(s.shards[shard])
}

// is notes what is done for a shard now. Whatever it is, the last call did not fail.
func (s *stats) is(shard int, state State) {
	s.change(shard, func(x *shardStats) { x.state, x.err = state, "" })
}

func (s *stats) applied(shard, n int, took time.Duration) {
	s.change(shard, func(x *shardStats) {
		s.Changes, s.Batches, s.Duration = s.Changes+int64(n), s.Batches+1, s.Duration+took
		if x.err = ""; x.state == Failing {
			x.state = CatchingUp
		}
	})
}

func (s *stats) failed(shard int, err error, again bool) {
	s.change(shard, func(x *shardStats) {
		s.Errors++
		if again {
			s.Retries++
		}
		x.state, x.err = Failing, err.Error()
	})
}

func (s *stats) rejected(shard int) { s.change(shard, func(*shardStats) { s.Rejected++ }) }

func (s *stats) parked(shard, n int) { s.change(shard, func(x *shardStats) { x.parked = n }) }

// now returns what is counted, and the state that counts with its error.
func (s *stats) now() (counted Stats, state State, lastError string, parked int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	order := []State{Idle, UpToDate, CatchingUp, Snapshot, Paused, Failing}
	rank := 0
	for _, shard := range slices.Sorted(maps.Keys(s.shards)) {
		x := s.shards[shard]
		if r := slices.Index(order, x.state); r > rank {
			rank, lastError = r, x.err
		}
		parked += x.parked
	}
	return s.Stats, order[rank], lastError, parked
}
