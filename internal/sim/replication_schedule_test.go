package sim

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// runReplication runs writers and replicating processes, two at a time, over a bad
// network. All of them crash. The processes share one to three shards, under leases
// that end in the midst of a request, after some, or with the process.
func runReplication(t *testing.T, seed uint64) met {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 77))
	x := newReplication(&schedule{seed: seed}, 1+rnd.IntN(3))
	x.lease = []time.Duration{10 * time.Millisecond, time.Second, 20 * time.Second}[rnd.IntN(3)]
	x.keeps = rnd.IntN(3) == 0
	healing := false
	if rnd.IntN(2) == 0 {
		x.judges, x.policy = x.byChance, []replicator.Policy{replicator.Park, replicator.Park, replicator.Skip, replicator.Stop}[rnd.IntN(4)]
		healing = rnd.IntN(2) == 0
	}
	defer func() {
		if x.failed(t) {
			t.Errorf("%d shards, leases of %v, the target keeps checkpoints %v, poison %v, %s, healing %v\n%s", x.shards, x.lease, x.keeps, x.judges != nil, x.policy, healing, x.report())
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		x.start = time.Now()
		x.p, x.k, x.local = rnd.IntN(2), rnd.IntN(2), rnd.IntN(5) == 0
		x.server = memstore.NewServer(memstore.Options{Local: x.local})
		x.register(t)
		newcomer := rnd.IntN(3) > 0
		writers, each := 2+rnd.IntN(2), 3+rnd.IntN(5)
		for phase := range 1 + rnd.IntN(3) {
			if newcomer && x.late == nil && rnd.IntN(2) == 0 {
				x.late = newNewcomer(x)
			}
			var running sync.WaitGroup
			stop := make(chan struct{})
			for i := range 2 {
				running.Go(func() { x.replicate(t, uint64(phase*10+i), stop) }) //nolint:gosec // small
			}
			var writing sync.WaitGroup
			for i := range writers {
				writing.Go(func() {
					w := &worker{schedule: x.schedule, number: i, rnd: rand.New(rand.NewPCG(seed, uint64(5000+phase*100+i)))} //nolint:gosec // small
					w.run(t.Context(), phase, each)
				})
			}
			if healing && phase > 0 {
				pass(time.Duration(rnd.Int64N(int64(time.Minute))))
				x.heal()
			}
			writing.Wait()
			close(stop)
			running.Wait()
			pass([]time.Duration{20 * time.Minute, 3 * time.Hour}[rnd.IntN(2)])
		}
		x.check(t)
	})
	return x.met
}

// replicate runs one process after the other until it is told to stop. Some end as they
// should, and give their leases back.
func (x *replication) replicate(t *testing.T, number uint64, stop <-chan struct{}) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(x.seed, 300+number))
	for life := uint64(0); ; life++ {
		dies := 0
		if rnd.IntN(2) == 0 {
			dies = 3 + rnd.IntN(40)
		}
		store := newNetwork(x.server, x.seed*1_000_033+number*1000+life, dies)
		store.Observe((&worker{schedule: x.schedule, number: int(50 + number)}).observe) //nolint:gosec // small
		c, r, err := x.process(t.Context(), store, fmt.Sprint(number, ".", life), rand.New(rand.NewPCG(x.seed, 900+number*100+life)))
		for rounds := 2 + rnd.IntN(10); err == nil && rounds > 0; rounds-- {
			if x.judges != nil && rnd.IntN(4) == 0 {
				_ = r.Replay(t.Context(), "copy", replicator.Document{Resource: "accounts", ID: append(simIDs, "")[rnd.IntN(len(simIDs)+1)]})
			}
			if x.late != nil && rnd.IntN(16) == 0 {
				x.late.reset.Store(true)
				_ = r.Reset(t.Context(), "late")
			}
			_ = r.Sync(t.Context()) // how it ends is not the point
			pass(time.Duration(rnd.Int64N(int64(20 * time.Second))))
			select {
			case <-stop:
				return
			default:
			}
		}
		if err == nil && rnd.IntN(2) == 0 {
			_ = c.Database().Close()
		}
		select {
		case <-stop:
			return
		default:
			pass(time.Second)
		}
	}
}

// replications runs n runs from a seed on.
func replications(t *testing.T, seed uint64, n int, one func()) (all met) {
	t.Helper()
	for i := range n {
		all.add(runReplication(t, seed+uint64(i))) //nolint:gosec // small
		one()
		if t.Failed() {
			t.Fatalf("seed %d", seed+uint64(i)) //nolint:gosec // small
		}
	}
	return all
}

// TestReplication runs a few fixed schedules; make sim runs many.
func TestReplication(t *testing.T) {
	const some = 60
	n := cases(some)
	met := replications(t, firstSeed(), n, func() {})
	if n < some {
		return
	}
	if met.moves == 0 || met.shared == 0 || met.zombies == 0 || met.letters == 0 || met.held == 0 || met.told == 0 || met.after == 0 {
		t.Errorf("the runs met %+v: they show less than they should", met)
	}
}
