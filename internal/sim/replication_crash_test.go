package sim

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// TestReplicationCrashes cuts off each operation of a writer, and then the process that
// settles and applies some of them, at each of their requests; another process goes on.
func TestReplicationCrashes(t *testing.T) {
	replicationCrashes(t, 2, func(op crashOp) bool { return op.name == "insert" || op.name == "delete of many" }, func() {})
}

// replicationCrashes cuts off all writers, and who replicates those that are chosen.
func replicationCrashes(t *testing.T, shards int, chosen func(crashOp) bool, one func()) {
	t.Helper()
	for _, op := range replicatedOps() {
		everyRequest(func(p crashPoint) bool {
			defer one()
			return crashReplication(t, shards, op, p, crashPoint{})
		})
		if chosen(op) {
			everyRequest(func(p crashPoint) bool {
				defer one()
				return crashReplication(t, shards, op, crashPoint{}, p)
			})
		}
		if t.Failed() {
			return
		}
	}
}

// replicatedOps are the operations that write documents.
func replicatedOps() (list []crashOp) {
	for _, op := range crashOps() {
		if !op.fsck && op.cmd.op != opDeleteContent {
			list = append(list, op)
		}
	}
	return list
}

// everyRequest calls f for each request, in each mode, until none strikes.
func everyRequest(f func(crashPoint) (struck bool)) {
	for request, struck := 1, true; struck; request++ {
		struck = false
		for mode := range crashModes {
			struck = f(crashPoint{request, mode}) || struck
		}
	}
}

// crashReplication reports whether a crash struck.
func crashReplication(t *testing.T, shards int, op crashOp, writes, replicates crashPoint) (struck bool) {
	t.Helper()
	x := newReplication(&schedule{p: crashP, k: crashK}, shards)
	defer func() {
		if x.failed(t) {
			t.Errorf("%s, %d shards, writer %+v, replicator %+v\n%s", op.name, shards, writes, replicates, x.report())
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		x.start = time.Now()
		x.server = memstore.NewServer(memstore.Options{})
		x.register(t)
		x.prepare(t, crashCase{ops: []crashOp{op}})
		_ = x.crash(t, 1, op, writes.fault(&struck)) // how it ends is not the point
		store := x.observed(50)
		_, r, err := x.process(t.Context(), store, "first", nil)
		if err != nil {
			t.Fatal(err)
		}
		store.ResetCounts()
		store.SetFault(replicates.fault(&struck))
		_ = r.Sync(t.Context())
		pass(10 * time.Minute) // what is late has arrived
		_ = x.crash(t, 2, op, nil)
		x.check(t)
	})
	return struck
}

// stall is how a process stands still, while another one has its leases.
type stall struct {
	request  int  // to the store; of the target if target is set
	answered bool // it was carried out before
	target   bool
	takes    time.Duration
}

// strike makes the process stand still.
func (s stall) strike(x *replication, store *memstore.Store, process string, struck *bool) {
	hit := func(n int) bool {
		if n != s.request {
			return false
		}
		*struck = true
		return true
	}
	switch calls := 0; {
	case s.target:
		x.applying = func(by string, applied bool) {
			if by != process || applied != s.answered {
				return
			}
			if calls++; hit(calls) {
				pass(s.takes)
			}
		}
	case s.answered:
		store.Observe(func(req memstore.Request) {
			if hit(req.Seq) {
				pass(s.takes)
			}
		})
	default:
		store.SetFault(func(req memstore.Request) (i memstore.Injection) {
			if hit(req.Seq) {
				i.Delay = s.takes
			}
			return i
		})
	}
}

// stalls are the ways to stand still, without their requests.
func stalls() []stall {
	const short, long = 25 * time.Second, 3 * time.Hour // requests wait for 30 seconds
	return []stall{
		{takes: short}, {answered: true, takes: short}, {answered: true, takes: long},
		{target: true, takes: short}, {target: true, answered: true, takes: long},
	}
}

// TestZombies lets the process that settles and applies stand still at each of its
// requests. Meanwhile its leases end, a second one takes over, and others write; then
// it goes on as if nothing had been.
func TestZombies(t *testing.T) {
	if met := zombies(t, replicatedOps()[:1], func() {}); met.zombies == 0 {
		t.Error("none of them applied anything after another process had taken its lease")
	}
}

func zombies(t *testing.T, ops []crashOp, one func()) (all met) {
	t.Helper()
	for _, op := range ops {
		for _, s := range stalls() {
			for struck := true; struck && !t.Failed(); {
				s.request++
				var met met
				struck, met = runZombie(t, op, s)
				all.add(met)
				one()
			}
		}
	}
	return all
}

// runZombie reports whether the process stood still.
func runZombie(t *testing.T, op crashOp, at stall) (struck bool, _ met) {
	t.Helper()
	x := newReplication(&schedule{p: crashP, k: crashK}, 2)
	defer func() {
		if x.failed(t) {
			t.Errorf("%s, the first process stalls %+v\n%s", op.name, at, x.report())
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		x.start = time.Now()
		x.server = memstore.NewServer(memstore.Options{})
		x.register(t)
		x.prepare(t, crashCase{ops: []crashOp{op}})
		_ = x.crash(t, 1, op, nil)
		x.act(t, true, 50, "first", crashPoint{}, at, &struck, func(r *replicator.Replicator) {
			_ = r.Sync(t.Context())
			_ = r.Sync(t.Context())
		})
		x.check(t)
	})
	return struck, x.met
}

// overtake is what others do in a time: write, settle, apply, and clear the log.
func (x *replication) overtake(t *testing.T, takes time.Duration) {
	t.Helper()
	_, r, err := x.process(t.Context(), x.observed(60), "overtaker", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		pass(takes / 4)
		x.upsert(t, 30+i*10, simIDs[0], simIDs[2])
		x.sync(t, r)
	}
}

// upsert writes documents by a client of its own.
func (x *replication) upsert(t *testing.T, number int, ids ...string) {
	t.Helper()
	c := x.client(t, number, nil)
	for i, id := range ids {
		if err := x.perform(t, c, number+i, crashOp{cmd: command{op: opUpsert, id: id}}); err != nil {
			t.Error(err)
		}
	}
}

// replicationPairs crashes a writer, and then two processes that replicate its work
// while another one writes.
func replicationPairs(t *testing.T, seed uint64, n int, one func()) {
	t.Helper()
	ops := replicatedOps()
	for i := range n {
		rnd := rand.New(rand.NewPCG(seed+uint64(i), 13)) //nolint:gosec // small
		point := func() crashPoint { return crashPoint{1 + rnd.IntN(20), crashMode(rnd.IntN(int(crashModes)))} }
		crashReplication(t, 1+rnd.IntN(3), ops[rnd.IntN(len(ops))], point(), point())
		one()
		if t.Failed() {
			t.Fatalf("seed %d", seed+uint64(i)) //nolint:gosec // small
		}
	}
}

// TestReplicationPairs runs a few; make sim runs many.
func TestReplicationPairs(t *testing.T) { replicationPairs(t, firstSeed(), cases(100), func() {}) }
