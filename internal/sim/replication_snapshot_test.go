package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/targettest"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// newcomer is a target that comes later, and begins with a snapshot while others write.
// The first target has seen the whole log, and tells what the newcomer must get.
type newcomer struct {
	*replication
	place   targettest.Memory
	effects map[string][]replicator.Change // what changed the target, by id
	reset   atomic.Bool                    // it was begun anew at some time
}

func newNewcomer(x *replication) *newcomer {
	n := &newcomer{replication: x, effects: map[string][]replicator.Change{}}
	n.place.Refuse = x.refuse
	n.place.Applied = func(c replicator.Change) { n.effects[c.ID] = append(n.effects[c.ID], c) }
	return n
}

func (n *newcomer) options(rnd *rand.Rand) replicator.TargetOptions {
	return replicator.TargetOptions{
		Name: "late", Target: entrance{n.place.Target(), n, rnd}, BatchSize: 3, Retries: 4,
		Routes: map[string][]replicator.Route{"accounts": {{}}},
	}
}

// entrance is the newcomer for one process.
type entrance struct {
	replicator.Target
	*newcomer
	rnd *rand.Rand // is slow and fails now and then; nil: never
}

// Apply implements [replicator.Target].
func (e entrance) Apply(ctx context.Context, list []replicator.Change) ([]replicator.Rejection, error) {
	if e.rnd != nil && e.rnd.IntN(4) == 0 {
		pass(time.Duration(e.rnd.Int64N(int64(30 * time.Second))))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if slices.ContainsFunc(list, func(c replicator.Change) bool { return e.taste(c) == breaking }) {
		return nil, errors.New("the target breaks")
	}
	if e.rnd != nil && e.rnd.IntN(6) == 0 {
		list = list[:e.rnd.IntN(len(list)+1)]
		if _, err := e.Target.Apply(ctx, list); err != nil {
			return nil, err
		}
		return nil, errors.New("the connection broke")
	}
	return e.Target.Apply(ctx, list)
}

// List implements [replicator.Lister].
func (e entrance) List(ctx context.Context, resource, after string) iter.Seq2[replicator.Listed, error] {
	return e.Target.(replicator.Lister).List(ctx, resource, after)
}

// check compares the newcomer with the documents, and what came behind its snapshot with
// the log. The target takes everything now.
func (n *newcomer) check(t *testing.T, r *replicator.Replicator) {
	t.Helper()
	n.judges = nil
	if err := r.Replay(t.Context(), "late", replicator.Document{}); err != nil {
		t.Fatal(err)
	}
	n.settle(t, r)
	for d, err := range r.DeadLetters(t.Context(), "late") {
		n.say("a letter of the newcomer is left: %+v, %v", d, err)
	}
	heads := n.heads(t)
	order := n.order(n.log)
	for _, id := range simIDs {
		var behind []position
		for _, c := range n.effects[id] {
			switch at := (position{c.Shard, c.Seq}); {
			case c.Snapshot && c.Seq != replicator.EndOf(c.Seq.Segment):
				behind = append(behind, at) // the settler told a state
			case c.Snapshot && n.announced[c.Revision] != id:
				n.say("the newcomer was told %s of %s, which was never written", c.Revision, id)
			case c.Snapshot:
				n.met.told++
			case c.Seq.Segment > heads[c.Shard]:
				behind = append(behind, at)
			}
		}
		want := slices.DeleteFunc(order[id], func(at position) bool { return at.seq.Segment <= heads[at.shard] })
		if !slices.Equal(want, behind) {
			n.say("behind the snapshot at %v, changes of %s are at %v, the newcomer took %v", heads, id, want, behind)
		}
		n.met.after += len(behind)
	}
	if n.reset.Load() {
		// What was deleted before the last snapshot, and the newcomer has, is found.
		if _, err := r.Reconcile(t.Context(), "late", replicator.ReconcileOptions{Repair: true}); err != nil {
			t.Fatal(err)
		}
		n.settle(t, r)
	}
	n.equal(t, "the newcomer", &n.place)
	if report, err := r.Reconcile(t.Context(), "late", replicator.ReconcileOptions{}); err != nil || !report.Clean() {
		n.say("reconcile: %+v, %v", report, err)
	}
}

// heads are the segments behind which the last snapshot began.
func (n *newcomer) heads(t *testing.T) []uint64 {
	t.Helper()
	obj, err := n.server.Client().Get(t.Context(), "plugin=replicator/target=late/record")
	if err != nil {
		t.Fatal(err)
	}
	var record struct {
		Value struct {
			Snapshot struct {
				Done  bool
				Heads []uint64
			}
		}
	}
	if err := json.Unmarshal(obj.Body, &record); err != nil {
		t.Fatal(err)
	}
	s := record.Value.Snapshot
	if !s.Done {
		n.say("the snapshot is not done")
	}
	return s.Heads
}

// TestSnapshotCrashes cuts off a process at each request of a snapshot, or of a second
// one that was asked for, or lets it stand still. Meanwhile others write, settle, apply to
// the first target and clear the log; then another process goes on.
func TestSnapshotCrashes(t *testing.T) {
	modes := func(p crashPoint) bool { return p.mode == crashMode(p.request)%crashModes } // one of them at each request
	snapshotCrashes(t, modes, stalls()[2:3], func() {})
}

func snapshotCrashes(t *testing.T, points func(crashPoint) bool, stalls []stall, one func()) {
	t.Helper()
	for _, again := range []bool{false, true} {
		everyRequest(func(p crashPoint) bool {
			if !points(p) {
				return false
			}
			defer one()
			return runSnapshot(t, again, p, stall{})
		})
		for _, s := range stalls {
			for struck := !s.target; struck && !t.Failed(); {
				s.request++
				struck = runSnapshot(t, again, crashPoint{}, s)
				one()
			}
		}
	}
}

// runSnapshot reports whether the crash or the stall struck.
func runSnapshot(t *testing.T, again bool, point crashPoint, still stall) (struck bool) {
	t.Helper()
	x := newReplication(&schedule{p: 1, k: 1}, 2)
	defer func() {
		if x.failed(t) {
			t.Errorf("again %v, crash %+v, stall %+v\n%s", again, point, still, x.report())
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		x.start = time.Now()
		x.server = memstore.NewServer(memstore.Options{})
		x.register(t)
		x.upsert(t, 0, simIDs...)
		x.others(t, 10)
		late := newNewcomer(x)
		if again {
			late.reset.Store(true)
			x.late = late
			x.act(t, false, 40, "before", point, still, &struck, func(r *replicator.Replicator) { _ = r.Sync(t.Context()) })
			x.others(t, 20)
		}
		x.late = late
		x.act(t, true, 50, "first", point, still, &struck, func(r *replicator.Replicator) {
			if again {
				_ = r.Reset(t.Context(), "late")
			}
			_ = r.Sync(t.Context())
		})
		x.others(t, 60)
		x.late = late
		x.check(t)
	})
	return struck
}

// others are programs without the newcomer: they write and replicate, and hours later
// what all targets have passed is cleared.
func (x *replication) others(t *testing.T, number int) {
	t.Helper()
	_, r, err := x.process(t.Context(), x.observed(number), fmt.Sprint("others", number), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		pass(2 * time.Hour)
		x.upsert(t, number+3*i, simIDs[0], simIDs[2])
		if i == 1 {
			_ = x.crash(t, number+3*i+2, crashOp{cmd: command{op: opDelete, id: simIDs[1]}}, nil)
		}
		x.sync(t, r)
	}
}
