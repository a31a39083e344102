package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/targettest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// replication is what is known of a run whose writes are replicated: what was about to
// be written, what was acknowledged, and what the target was sent.
type replication struct {
	place targettest.Memory // a target that keeps the last state of each document

	mu        sync.Mutex
	announced map[s3db.Revision]string // id
	committed map[s3db.Revision]string
	deletes   map[s3db.Revision]s3db.Revision      // what a delete was prepared on
	log       map[replicator.Seq]replicator.Change // all that was sent, by its position
	wrong     []string
}

func newReplication() *replication {
	return &replication{
		announced: map[s3db.Revision]string{}, committed: map[s3db.Revision]string{}, deletes: map[s3db.Revision]s3db.Revision{}, log: map[replicator.Seq]replicator.Change{},
	}
}

// witness is a plugin that notes what is written.
type witness struct{ *replication }

func (witness) Name() string { return "witness" }

func (w witness) Install(_ context.Context, db *s3db.Database) error {
	db.OnWrite(func(_ context.Context, p *s3db.PendingWrite) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.announced[p.Revision] = p.ID
		if p.After == nil {
			w.deletes[p.Revision] = p.Base
		}
		p.OnOutcome(func(_ context.Context, o s3db.Outcome) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if o == s3db.OutcomeCommitted {
				w.committed[p.Revision] = p.ID
			}
		})
		return nil
	})
	return nil
}

// writer are the plugins of a program that writes.
func (x *replication) writer() []s3db.Option {
	return []s3db.Option{s3db.WithPlugin(witness{x}, replicator.New(replicator.Options{WriteOnly: true, Resources: []string{"accounts"}}))}
}

// sink is a target that notes what it is sent and passes it on.
type sink struct {
	replicator.Target
	*replication
	rnd *rand.Rand // fails now and then; nil: never
}

func (s sink) Apply(ctx context.Context, list []replicator.Change) ([]replicator.Rejection, error) {
	s.mu.Lock()
	fails := s.rnd != nil && s.rnd.IntN(6) == 0
	part := list
	if fails {
		part = list[:s.rnd.IntN(len(list)+1)]
	}
	for _, c := range part {
		if had, ok := s.log[c.Seq]; ok && (had.Revision != c.Revision || had.ID != c.ID) && !c.Snapshot {
			s.wrong = append(s.wrong, fmt.Sprintf("position %s was %s of %s, is %s of %s", c.Seq, had.Revision, had.ID, c.Revision, c.ID))
		}
		s.log[c.Seq] = c
	}
	s.mu.Unlock()
	if _, err := s.Target.Apply(ctx, part); err != nil {
		return nil, err
	}
	if fails {
		return nil, fmt.Errorf("the connection broke after %d of %d changes", len(part), len(list))
	}
	return nil, nil
}

// process opens a program that replicates.
func (x *replication) process(ctx context.Context, store s3db.Store, p, k int, rnd *rand.Rand) (*replicator.Replicator, error) {
	r := replicator.New(replicator.Options{
		OnDemand: true, Lease: time.Second, // short, so that it is often lost without notice
		Targets: []replicator.TargetOptions{{
			Name: "copy", Target: sink{x.place.Target(), x, rnd}, NoSnapshot: true, BatchSize: 3,
			Routes: map[string][]replicator.Route{"accounts": {{}}},
		}},
	})
	_, err := clienttest.Open(ctx, store, p, k, retry(), s3db.WithPlugin(r))
	return r, err
}

// register makes the target known, so that it gets what is written from then on.
func (x *replication) register(t *testing.T, s *schedule) {
	t.Helper()
	r, err := x.process(t.Context(), s.server.Client(), s.p, s.k, nil)
	if err == nil {
		err = r.Sync(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	pass(2 * time.Second)
}

// check compares the log with what was committed, and the target with the documents.
// The state of each document remembers what led to it.
func (x *replication) check(t *testing.T, server *memstore.Server, p, k int, local bool) {
	t.Helper()
	say := func(format string, args ...any) { x.wrong = append(x.wrong, fmt.Sprintf(format, args...)) }
	store := server.Client()
	r, err := x.process(t.Context(), store, p, k, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		pass(2 * time.Second) // leases of the dead
		if err := r.Sync(t.Context()); err != nil {
			say("the last sync: %v", err)
		}
		pass(2 * time.Hour) // nothing is in flight any more
	}
	if err := r.Sync(t.Context()); err != nil {
		say("the last sync: %v", err)
	}
	for _, key := range server.Keys() {
		if strings.HasPrefix(key, "plugin=replicator/outbox/") {
			say("%s is left", key)
		}
	}
	logged := map[string][]string{} // tokens by id
	seen := map[s3db.Revision]bool{}
	for _, seq := range slices.SortedFunc(keysOf(x.log), replicator.Seq.Compare) {
		c := x.log[seq]
		switch {
		case c.Snapshot:
			say("%s of %s tells a state although nothing else wrote", seq, c.ID)
			continue
		case x.announced[c.Revision] != c.ID:
			say("%s of %s was never written", c.Revision, c.ID)
		case seen[c.Revision]:
			say("%s of %s is twice in the log", c.Revision, c.ID)
		}
		seen[c.Revision] = true
		logged[c.ID] = append(logged[c.ID], tokenOf(c.Revision))
	}
	gone := map[s3db.Revision]bool{}
	for rev, base := range x.deletes {
		if seen[rev] {
			gone[base] = true
		}
	}
	for rev, id := range x.committed {
		base, deletes := x.deletes[rev]
		// Where deletes leave nothing, of two of one state either stands for both.
		if !seen[rev] && !(local && deletes && gone[base]) {
			say("%s of %s was committed and is missing", rev, id)
		}
	}
	x.compare(t, store, logged, local, say)
}

// compare looks at each document.
func (x *replication) compare(t *testing.T, store *memstore.Store, logged map[string][]string, local bool, say func(string, ...any)) {
	t.Helper()
	tokens := map[string]bool{}
	for rev := range x.announced {
		tokens[tokenOf(rev)] = true
	}
	live := map[string]string{}
	for _, row := range x.place.Rows("accounts") {
		live[row.ID] = string(row.Revision)
	}
	for _, id := range simIDs {
		obj, err := store.Get(t.Context(), dataKey+id)
		if err != nil {
			if live[id] != "" {
				say("%s is at the target and does not exist", id)
			}
			continue
		}
		var body struct{ Rev, Past string }
		if err := json.Unmarshal(obj.Body, &body); err != nil {
			t.Fatal(err)
		}
		if want := body.Rev; strings.HasSuffix(obj.Metadata["s"], "D") {
			if live[id] != "" {
				say("%s is at the target and was deleted", id)
			}
		} else if live[id] != want {
			say("%s is at revision %q at the target, not %q", id, live[id], want)
		}
		if local {
			continue // a delete leaves nothing that remembers
		}
		truth := []string{tokenOf(s3db.Revision(body.Rev))}
		for past := body.Past; past != ""; past = past[len(truth[0]):] {
			truth = append(truth, past[:len(truth[0])])
		}
		slices.Reverse(truth)
		truth = slices.DeleteFunc(truth, func(token string) bool { return !tokens[token] }) // fences in place of nothing
		got := logged[id]
		got = got[max(0, len(got)-len(truth)):]
		if !slices.Equal(truth, got) {
			say("%s was written as %q and logged as %q", id, truth, logged[id])
		}
	}
}

func keysOf[K comparable, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// tokenOf is the part of a revision that documents remember.
func tokenOf(rev s3db.Revision) string { return string(rev[:11]) }

// runReplication runs writers and replicating processes, two at a time, over a bad
// network. All of them crash.
func runReplication(t *testing.T, seed uint64) {
	t.Helper()
	s := &schedule{seed: seed}
	x := newReplication()
	s.plugins = x.writer
	defer func() {
		if s.violations = append(s.violations, x.wrong...); t.Failed() || len(s.violations) > 0 {
			t.Error(s.report())
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(seed, 77))
		s.start = time.Now()
		s.p, s.k, s.local = rnd.IntN(2), rnd.IntN(2), rnd.IntN(5) == 0
		s.server = memstore.NewServer(memstore.Options{Local: s.local})
		x.register(t, s)
		writers, each := 2+rnd.IntN(2), 3+rnd.IntN(5)
		for phase := range 1 + rnd.IntN(2) {
			var running sync.WaitGroup
			stop := make(chan struct{})
			for i := range 2 {
				running.Go(func() { s.replicate(t, x, uint64(phase*10+i), stop) }) //nolint:gosec // small
			}
			var writing sync.WaitGroup
			for i := range writers {
				writing.Go(func() {
					w := &worker{schedule: s, number: i, rnd: rand.New(rand.NewPCG(seed, uint64(5000+phase*100+i)))} //nolint:gosec // small
					w.run(t.Context(), phase, each)
				})
			}
			writing.Wait()
			close(stop)
			running.Wait()
			pass(20 * time.Minute)
		}
		x.check(t, s.server, s.p, s.k, s.local)
	})
}

// replicate runs one process after the other until it is told to stop.
func (s *schedule) replicate(t *testing.T, x *replication, number uint64, stop <-chan struct{}) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(s.seed, 300+number))
	for life := uint64(0); ; life++ {
		dies := 0
		if rnd.IntN(2) == 0 {
			dies = 3 + rnd.IntN(40)
		}
		store := newNetwork(s.server, s.seed*1_000_033+number*1000+life, dies)
		store.Observe((&worker{schedule: s, number: int(50 + number)}).observe) //nolint:gosec // small
		r, err := x.process(t.Context(), store, s.p, s.k, rand.New(rand.NewPCG(s.seed, 900+number*100+life)))
		for rounds := 2 + rnd.IntN(10); err == nil && rounds > 0; rounds-- {
			_ = r.Sync(t.Context()) // how it ends is not the point
			pass(time.Duration(rnd.Int64N(int64(20 * time.Second))))
			select {
			case <-stop:
				return
			default:
			}
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
func replications(t *testing.T, seed uint64, n int, one func()) {
	t.Helper()
	for i := range n {
		runReplication(t, seed+uint64(i)) //nolint:gosec // small
		one()
		if t.Failed() {
			t.Fatalf("seed %d", seed+uint64(i)) //nolint:gosec // small
		}
	}
}

// TestReplication runs a few fixed schedules; make sim runs many.
func TestReplication(t *testing.T) { replications(t, firstSeed(), cases(60), func() {}) }

// TestReplicationCrashes cuts off each operation of a writer, and then the process that
// settles and applies it, at each of their requests; another process goes on.
func TestReplicationCrashes(t *testing.T) {
	replicationCrashes(t, func() {})
}

func replicationCrashes(t *testing.T, one func()) {
	t.Helper()
	for _, op := range crashOps() {
		if op.fsck || op.cmd.op == opDeleteContent {
			continue
		}
		for request, struck := 1, true; struck; request++ {
			struck = false
			for mode := range crashModes {
				struck = crashReplication(t, op, crashPoint{request, mode}, crashPoint{}) || struck
				one()
			}
		}
		for request, struck := 1, true; struck; request++ {
			struck = false
			for mode := range crashModes {
				struck = crashReplication(t, op, crashPoint{}, crashPoint{request, mode}) || struck
				one()
			}
		}
		if t.Failed() {
			return
		}
	}
}

// crashReplication reports whether a crash struck.
func crashReplication(t *testing.T, op crashOp, writes, replicates crashPoint) (struck bool) {
	t.Helper()
	s := &schedule{p: crashP, k: crashK}
	x := newReplication()
	s.plugins = x.writer
	defer func() {
		if s.violations = append(s.violations, x.wrong...); t.Failed() || len(s.violations) > 0 {
			t.Errorf("%s, writer %+v, replicator %+v\n%s", op.name, writes, replicates, s.report())
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		s.start = time.Now()
		s.server = memstore.NewServer(memstore.Options{})
		x.register(t, s)
		s.prepare(t, crashCase{ops: []crashOp{op}})
		_ = s.crash(t, 1, op, writes.fault(&struck)) // how it ends is not the point
		store := s.server.Client()
		r, err := x.process(t.Context(), store, crashP, crashK, nil)
		if err != nil {
			t.Fatal(err)
		}
		store.ResetCounts()
		store.Observe((&worker{schedule: s, number: 50}).observe)
		store.SetFault(replicates.fault(&struck))
		_ = r.Sync(t.Context())
		pass(10 * time.Minute) // what is late has arrived
		_ = s.crash(t, 2, op, nil)
		x.check(t, s.server, crashP, crashK, false)
	})
	return struck
}
