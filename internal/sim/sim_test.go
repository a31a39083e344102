package sim

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
)

// cases is the number of cases of a test: SIM_CASES of the environment, or some.
func cases(some int) int {
	if n, err := strconv.Atoi(os.Getenv("SIM_CASES")); err == nil && n > 0 {
		return n
	}
	return some
}

// firstSeed is the seed of the first case: SIM_SEED of the environment, or 1.
func firstSeed() uint64 {
	if n, err := strconv.ParseUint(os.Getenv("SIM_SEED"), 10, 64); err == nil {
		return n
	}
	return 1
}

// TestSim is make sim: all parts at length, two at a time. The environment gives
// the number of schedules in SIM_CASES and the first seed in SIM_SEED.
func TestSim(t *testing.T) {
	if os.Getenv("SIM") == "" {
		t.Skip("make sim runs this")
	}
	const width = 4 // parts of the schedules
	n, seed := cases(4000), firstSeed()
	var done, bad atomic.Int64
	part := func(name string, run func(t *testing.T, one func())) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Cleanup(func() {
				if t.Failed() {
					bad.Add(1)
				}
			})
			run(t, func() { done.Add(1) })
		})
	}
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(os.Stdout, format+"\n", args...) }
	// The last line is printed when all parts are over.
	t.Cleanup(func() { say("sim: %d cases, %d violations", done.Load(), bad.Load()) })
	part("crashes", func(t *testing.T, one func()) {
		crashSingles(t, one)
		say("crashes: every operation at every request")
		crashPairs(t, seed, n/2, one)
		say("pairs of crashes: seeds %d to %d", seed, seed+uint64(n/2)-1)
	})
	part("model", func(t *testing.T, one func()) {
		models(t, seed, n/4, one)
		say("reference model: seeds %d to %d", seed, seed+uint64(n/4)-1)
	})
	part("replication", func(t *testing.T, one func()) {
		for shards := range 3 {
			replicationCrashes(t, 1+shards, func(crashOp) bool { return true }, one)
		}
		say("replication: writer and replicator, each at every request, with 1 to 3 shards")
		zombies(t, slices.DeleteFunc(replicatedOps(), func(op crashOp) bool { return op.cmd.op != opInsert && !op.full }), one)
		say("replication: a process that stands still, at every request")
		for _, keeps := range []bool{false, true} {
			replayCrashes(t, keeps, func(crashPoint) bool { return true }, stalls(), one)
		}
		say("replication: dead letters and their replay, each at every request")
		snapshotCrashes(t, func(crashPoint) bool { return true }, stalls(), one)
		say("replication: a snapshot among writers, at every request")
		replicationPairs(t, seed, n/2, one)
		met := replications(t, seed, n/2, one)
		say("replication: seeds %d to %d; %+v", seed, seed+uint64(n/2)-1, met)
	})
	for i := range width {
		from, to := i*n/width, (i+1)*n/width
		part(fmt.Sprintf("schedules %d", i), func(t *testing.T, one func()) {
			schedules(t, seed+uint64(from), to-from, one)
			say("schedules: seeds %d to %d", seed+uint64(from), seed+uint64(to)-1)
		})
	}
}
