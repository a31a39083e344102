package sim

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// taste is what a target makes of a change.
type taste int

const (
	fine     taste = iota
	refused        // it says so
	breaking       // it fails as long as the change is in the call
)

// byChance judges by a name and the seed.
func (x *replication) byChance(name string) taste {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, x.seed, " ", name)
	switch h.Sum64() % 12 {
	case 0, 1:
		return refused
	case 2:
		return breaking
	}
	return fine
}

// taste judges a change by the name of its document.
func (x *replication) taste(c replicator.Change) taste {
	if x.judges == nil || x.healed {
		return fine
	}
	text := c.After
	if text == nil {
		text = c.Before
	}
	var d struct{ Name string }
	_ = json.Unmarshal(text, &d) // no document has no name
	return x.judges(d.Name)
}

func (x *replication) refuse(c replicator.Change) string {
	if x.taste(c) == refused {
		return "not to my taste"
	}
	return ""
}

// heal makes the target take everything from now on.
func (x *replication) heal() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.healed, x.eased = true, true
}

// aside compares what was put aside with what should have been. Then the target takes
// everything, and what was put aside is replayed once, which must leave nothing.
func (x *replication) aside(t *testing.T, r *replicator.Replicator) {
	t.Helper()
	dead := x.letters(t, r)
	all := 0
	for id, list := range x.order(x.log) {
		if x.policy == replicator.Skip {
			x.skipped(id, list, dead[id])
		} else {
			x.parked(id, list, dead[id])
		}
		all += len(dead[id])
		delete(dead, id)
	}
	for id := range dead {
		x.say("%s has letters and no change", id)
	}
	if x.policy == replicator.Stop && all > 0 {
		x.say("%d letters although the target stops", all)
	}
	x.heal()
	if all > 0 {
		if err := r.Replay(t.Context(), "copy", replicator.Document{}); err != nil {
			t.Fatal(err)
		}
	}
	if x.judges == nil {
		return
	}
	x.judges = nil
	x.settle(t, r)
	if done, err := r.Replayed(t.Context(), "copy"); err != nil || !done {
		x.say("the replay does not end: %v", err)
	}
	if left := x.letters(t, r); len(left) > 0 {
		x.say("letters are left: %v", left)
	}
}

// letter is a dead letter.
type letter struct {
	at   position
	held bool
}

// letters are the dead letters by id. What they say is of the log.
func (x *replication) letters(t *testing.T, r *replicator.Replicator) map[string][]letter {
	t.Helper()
	dead := map[string][]letter{}
	for d, err := range r.DeadLetters(t.Context(), "copy") {
		if err != nil {
			t.Fatal(err)
		}
		c := d.Change
		at := position{c.Shard, c.Seq}
		if had, ok := x.log[at]; ok && had.Revision != c.Revision {
			x.say("the letter at %s is %s of %s, and was sent as %s of %s", at, c.Revision, c.ID, had.Revision, had.ID)
		}
		x.log[at] = c
		dead[c.ID] = append(dead[c.ID], letter{at, d.Held})
		if x.met.letters++; d.Held {
			x.met.held++
		}
	}
	return dead
}

// parked looks at a document that waits behind a change that was refused: the target has
// what was before, in order, and the letters are all that comes after.
func (x *replication) parked(id string, list []position, dead []letter) {
	took := x.effects[id]
	if len(took) > len(list) || !slices.Equal(list[:len(took)], took) {
		x.say("changes of %s are at %v, the target took %v", id, list, took)
		return
	}
	var aside []position
	for _, l := range dead {
		aside = append(aside, l.at)
	}
	if x.policy == replicator.Park && !x.eased {
		for i, at := range list {
			if bad := x.taste(x.log[at]) != fine; bad && i < len(took) {
				x.say("the target took %s of %s", at, id)
			} else if i == len(took) && !bad {
				x.say("%s of %s was put aside, and nothing is wrong with it", at, id)
			}
		}
		for i, l := range dead {
			if l.held != (i > 0) {
				x.say("letter %d of %s is held %v", i, id, l.held)
			}
		}
		if !slices.Equal(aside, list[len(took):]) {
			x.say("changes of %s are at %v, the target took %v, aside are %v", id, list, took, aside)
		}
	}
	if x.policy == replicator.Park {
		for _, at := range list[len(took):] {
			if !slices.Contains(aside, at) {
				x.say("%s of %s is neither at the target nor aside", at, id)
			}
		}
	}
}

// skipped looks at a document of which single changes were refused.
func (x *replication) skipped(id string, list []position, dead []letter) {
	took := x.effects[id]
	for _, at := range list {
		bad := x.taste(x.log[at]) != fine
		aside := slices.ContainsFunc(dead, func(l letter) bool { return l.at == at })
		later := len(took) > 0 && at.compare(took[len(took)-1]) < 0
		switch taken := slices.Contains(took, at); {
		case !x.eased && (taken == bad || aside != bad):
			x.say("%s of %s: bad %v, taken %v, aside %v", at, id, bad, taken, aside)
		case !taken && !aside && !later:
			x.say("%s of %s is neither at the target nor aside", at, id)
		}
	}
}

// replayStep is a process that crashes or stands still in the story of a replay.
type replayStep int

const (
	putsLetters replayStep = iota // takes the log to the target, which refuses some of it
	asks                          // asks for the replay
	replays                       // does it
	replaySteps
)

// TestReplayCrashes cuts off, at each of its requests, a process that puts changes aside,
// one that asks for them to be replayed, and one that replays them, or lets it stand still
// while others go on. One document is refused again at first.
func TestReplayCrashes(t *testing.T) {
	modes := func(p crashPoint) bool { return p.mode == crashMode(p.request)%crashModes } // one of them at each request
	replayCrashes(t, false, modes, stalls()[3:], func() {})
}

func replayCrashes(t *testing.T, keeps bool, points func(crashPoint) bool, stalls []stall, one func()) {
	t.Helper()
	for step := range replaySteps {
		everyRequest(func(p crashPoint) bool {
			if !points(p) {
				return false
			}
			defer one()
			return runReplay(t, keeps, step, p, stall{})
		})
		for _, s := range stalls {
			for struck := true; struck && !t.Failed(); {
				s.request++
				struck = runReplay(t, keeps, step, crashPoint{}, s)
				one()
			}
		}
	}
}

// runReplay reports whether the crash or the stall struck.
func runReplay(t *testing.T, keeps bool, step replayStep, point crashPoint, still stall) (struck bool) {
	t.Helper()
	x := newReplication(&schedule{p: 1, k: 1}, 2)
	x.keeps = keeps
	tastes := map[string]taste{"op1": refused, "op3": refused, "op12": refused}
	x.judges = func(name string) taste { return tastes[name] }
	defer func() {
		if x.failed(t) {
			t.Errorf("step %d, crash %+v, stall %+v\n%s", step, point, still, x.report())
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		x.start = time.Now()
		x.server = memstore.NewServer(memstore.Options{})
		x.register(t)
		act := func(s replayStep, number int, name string, f func(*replicator.Replicator)) {
			x.act(t, s == step, number, name, point, still, &struck, f)
		}
		x.upsert(t, 0, simIDs[0], simIDs[0], simIDs[1], simIDs[2], simIDs[2])
		act(putsLetters, 50, "first", func(r *replicator.Replicator) { _ = r.Sync(t.Context()) })
		pass(10 * time.Minute)
		x.upsert(t, 10, simIDs[0], simIDs[1], simIDs[2])
		x.mu.Lock()
		delete(tastes, "op1")
		x.eased = true
		x.mu.Unlock()
		act(asks, 51, "asks", func(r *replicator.Replicator) { _ = r.Replay(t.Context(), "copy", replicator.Document{}) })
		pass(time.Minute)
		act(replays, 52, "second", func(r *replicator.Replicator) { _ = r.Sync(t.Context()) })
		pass(10 * time.Minute)
		x.upsert(t, 20, simIDs...)
		var letters map[string][]letter
		act(replaySteps, 53, "third", func(r *replicator.Replicator) {
			_ = r.Sync(t.Context())
			letters = x.letters(t, r)
		})
		if !struck && (len(letters[simIDs[0]]) > 0 || len(letters[simIDs[2]]) < 4) {
			t.Errorf("letters after the replay: %v", letters)
		}
		x.check(t)
	})
	return struck
}

// act lets a process do something, the only one that knows the newcomer. If it is the one in question, it crashes at the
// point, or stands still while others go on.
func (x *replication) act(t *testing.T, chosen bool, number int, name string, point crashPoint, still stall, struck *bool, f func(*replicator.Replicator)) {
	t.Helper()
	store := x.observed(number)
	_, r, err := x.process(t.Context(), store, name, nil)
	if err != nil {
		t.Fatal(err)
	}
	x.late = nil
	if !chosen {
		f(r)
		return
	}
	store.ResetCounts()
	if still.request == 0 {
		store.SetFault(point.fault(struck))
		f(r)
		return
	}
	still.strike(x, store, name, struck)
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(r)
	}()
	x.overtake(t, still.takes)
	<-done
}
