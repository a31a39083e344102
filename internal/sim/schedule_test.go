package sim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// schedule is one simulated run: clients, a server between them, and hours that
// pass.
type schedule struct {
	seed       uint64
	p, k       int
	local      bool // the server's: a request that has ended is never applied later
	server     *memstore.Server
	plugins    func() []s3db.Option // of each client; nil: none
	history    history
	start      time.Time
	violations []string

	mu    sync.Mutex
	trace []string
}

var (
	simIDs       = []string{"a0", "a1", "a2"}
	simValues    = []string{"v0", "v1", "v2"}
	constraints  = []string{"email", "phone"}
	simulatedGap = []time.Duration{0, time.Millisecond, 100 * time.Millisecond, 5 * time.Second, 4 * time.Minute}
)

// retry makes pauses vanish: what time passes is the network's, which depends on
// the seed.
func retry() s3db.Option { return s3db.WithRetry(s3db.RetryPolicy{Base: 1, Cap: 1}) }

// runSchedule runs the schedule of a seed and returns it with what went wrong.
func runSchedule(t *testing.T, seed uint64) *schedule {
	t.Helper()
	s := &schedule{seed: seed}
	// A failure inside ends the test, so this is where it is told.
	defer func() {
		if t.Failed() || len(s.violations) > 0 {
			t.Error(s.report())
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		s.start = time.Now()
		s.p, s.k = rnd.IntN(4), rnd.IntN(3)
		if s.k == 0 && rnd.IntN(2) == 0 {
			s.k = 1
		}
		s.local = rnd.IntN(5) == 0
		s.server = memstore.NewServer(memstore.Options{
			Local: s.local, Quirks: memstore.Quirks{RefuseDeleteCondition: rnd.IntN(2) == 0 && !s.local},
		})
		clients, phases, each := 2+rnd.IntN(3), 1+rnd.IntN(3), 2+rnd.IntN(6)
		for phase := range phases {
			s.phase(t, phase, clients, each, rnd.IntN(2) == 0)
			pass(20 * time.Minute) // what is late has arrived
			clienttest.CheckIndexes(t, s.server.Client(), s.p, s.k)
			s.contents(t)
			if rnd.IntN(2) == 0 {
				pass(2 * time.Hour)
			}
			if rnd.IntN(3) == 0 {
				s.fsck(t, s.server.Client())
			}
		}
		s.finish(t)
	})
	s.violations = append(s.violations, s.history.documents(simIDs).check()...)
	s.violations = append(s.violations, s.history.claims(constraints[:s.k], simValues).check()...)
	return s
}

func pass(d time.Duration) { <-time.After(d) }

// phase runs all clients to their ends, and perhaps a repair beside them.
func (s *schedule) phase(t *testing.T, phase, clients, each int, repair bool) {
	t.Helper()
	var running sync.WaitGroup
	for i := range clients {
		running.Go(func() {
			w := &worker{schedule: s, number: i, rnd: rand.New(rand.NewPCG(s.seed, uint64(1+phase*100+i)))}
			w.run(t.Context(), phase, each)
		})
	}
	if repair {
		running.Go(func() {
			store := newNetwork(s.server, s.seed^uint64(9000+phase), 0)
			pass(time.Duration(s.seed % 7 * uint64(time.Second)))
			s.fsck(t, store)
		})
	}
	running.Wait()
}

// fsck repairs, and reports what it must never find.
func (s *schedule) fsck(t *testing.T, store s3db.Store) *s3db.FsckReport {
	t.Helper()
	c, err := clienttest.Open(t.Context(), store, s.p, s.k, retry())
	if err != nil {
		return nil // the network failed for good
	}
	return s.repair(t, c)
}

func (s *schedule) repair(t *testing.T, c *clienttest.Accounts) *s3db.FsckReport {
	t.Helper()
	report, err := c.Database().Fsck(t.Context(), s3db.FsckOptions{Repair: true})
	if err != nil {
		return nil
	}
	for _, f := range report.Findings {
		switch f.Kind {
		case s3db.DanglingEntry, s3db.AbandonedClaim, s3db.OldTombstone, s3db.LeftContent, s3db.AbandonedUpload:
		case s3db.MissingEntry, s3db.MissingClaim, s3db.MissingContent, s3db.CorruptObject:
			s.violate(fmt.Sprintf("fsck found %+v", f))
		}
	}
	return report
}

func (s *schedule) violate(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.violations = append(s.violations, what)
}

// finish reads everything back, repairs when everything is old, and looks whether
// anything is left over.
func (s *schedule) finish(t *testing.T) {
	t.Helper()
	c, err := clienttest.Open(t.Context(), s.server.Client(), s.p, s.k, retry())
	if err != nil {
		t.Fatal(err)
	}
	read := func(cmd command) {
		s.history.add(99, cmd, func() result { return cmd.run(t.Context(), c) })
	}
	for _, id := range simIDs {
		read(command{op: opGet, id: id})
		read(command{op: opContent, id: id})
	}
	for _, v := range simValues {
		if s.p > 0 {
			read(command{op: opList, value: v})
		}
		if s.k > 0 {
			read(command{op: opLookup, value: v})
		}
	}
	pass(2 * time.Hour)
	s.fsck(t, s.server.Client())
	clienttest.CheckIndexes(t, s.server.Client(), s.p, s.k)
	if again := s.fsck(t, s.server.Client()); again == nil || len(again.Findings) > 0 {
		s.violate(fmt.Sprintf("the second repair found %+v", again))
	}
	clienttest.CheckEntries(t, s.server.Client(), s.p, s.k)
	clienttest.CheckExactContents(t, s.server.Client(), c)
	s.violations = append(s.violations, leftClaims(t.Context(), s.server.Client(), c)...)
}

// worker is one client process after the other: when one crashes, the next one
// goes on with the work.
type worker struct {
	*schedule
	number int
	rnd    *rand.Rand
	client *clienttest.Accounts
	lives  int
	held   map[string]*clienttest.Account // documents as this client saw them last
}

func (w *worker) run(ctx context.Context, phase, each int) {
	for n := range each {
		pass(time.Duration(w.rnd.Int64N(1 + int64(simulatedGap[w.rnd.IntN(len(simulatedGap))]))))
		if !w.alive(ctx, phase) {
			return
		}
		cmd := w.draw(fmt.Sprintf("%d.%d.%d", phase, w.number, n))
		opCtx, cancel := ctx, context.CancelFunc(func() {})
		if w.rnd.IntN(12) == 0 && !w.local {
			opCtx, cancel = context.WithTimeout(ctx, time.Duration(w.rnd.Int64N(int64(10*time.Second))))
		}
		res := w.history.add(w.number, cmd, func() result { return cmd.run(opCtx, w.client) })
		cancel()
		for _, f := range res.found {
			w.held[f.id] = f.doc
		}
		if errors.Is(res.err, memstore.ErrCrashed) {
			w.client = nil
		}
	}
}

// alive starts the client if there is none.
func (w *worker) alive(ctx context.Context, phase int) bool {
	for w.client == nil && w.lives < 20 {
		w.lives++
		dies := 0
		if w.lives < 4 && w.rnd.IntN(3) == 0 {
			dies = 2 + w.rnd.IntN(25)
		}
		seed := w.seed*1_000_003 + uint64(phase*10_000+w.number*100+w.lives)
		store := newNetwork(w.server, seed, dies)
		store.Observe(w.observe)
		w.held = map[string]*clienttest.Account{}
		c, err := clienttest.Open(ctx, store, w.p, w.k, append(w.open(), retry())...)
		if err == nil {
			w.client = c
		}
	}
	return w.client != nil
}

// open returns the options of the next client.
func (w *worker) open() []s3db.Option {
	if w.plugins == nil {
		return nil
	}
	return w.plugins()
}

func (w *worker) observe(req memstore.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trace = append(w.trace, fmt.Sprintf("%v client %d: %s", time.Since(w.start), w.number, req))
}

// draw picks an operation. Each write gives the document a name of its own, so
// that a name stands for a revision.
func (w *worker) draw(name string) command {
	pick := func(list []string) string { return list[w.rnd.IntN(len(list))] }
	maybe := func() string {
		if w.rnd.IntN(4) == 0 {
			return ""
		}
		return pick(simValues)
	}
	cmd := command{id: pick(simIDs)}
	switch d := w.rnd.IntN(100); {
	case d < 16:
		cmd.op = opInsert
	case d < 32:
		cmd.op = opUpsert
	case d < 42:
		cmd.op = opReplace
	case d < 56:
		cmd.op = opUpdate
	case d < 66:
		cmd.op = opUpdateFrom
	case d < 70:
		cmd.op = opUpdateFunc
	case d < 77:
		cmd.op, cmd.value = opSetContent, name
	case d < 79:
		cmd.op = opDeleteContent
	case d < 87:
		cmd.op = opDelete
	case d < 89:
		cmd.op, cmd.id, cmd.ids = opDeleteMany, "", simIDs[:1+w.rnd.IntN(len(simIDs))]
	case d < 90:
		cmd.op, cmd.id = opDeleteAll, ""
	case d < 92:
		cmd.op = opGet
	case d < 94:
		cmd.op = opContent
	case d < 97:
		cmd.op, cmd.value = opList, pick(append(simValues, ""))
	default:
		cmd.op, cmd.value = opLookup, pick(simValues)
	}
	held := w.held[cmd.id]
	switch {
	case cmd.op == opList && w.p == 0, cmd.op == opLookup && w.k == 0, cmd.op == opUpdateFrom && held == nil:
		cmd.op = opGet
	case cmd.op == opList || cmd.op == opLookup:
		cmd.id = ""
	case cmd.op == opUpdateFrom:
		cmd.held, cmd.ifMatch, cmd.ifBlob = held, held.Name, locate(held).blob
	case cmd.op != opInsert && cmd.op != opGet && cmd.op != opContent && held != nil && w.rnd.IntN(4) == 0:
		cmd.ifMatch, cmd.ifBlob, cmd.revision = held.Name, locate(held).blob, held.Meta.Revision
	}
	cmd.in = content{name: name, email: maybe(), phone: maybe(), country: maybe(), city: maybe(), plan: maybe()}
	if cmd.op == opUpdate || cmd.op == opUpdateFrom || cmd.op == opUpdateFunc {
		cmd.patch = map[string]string{"name": name}
		for _, f := range fields[1:6] {
			if w.rnd.IntN(3) == 0 {
				cmd.patch[f] = maybe()
			}
		}
	}
	return cmd
}

// report is all that is known of a schedule that went wrong.
func (s *schedule) report() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: p=%d k=%d\n", s.seed, s.p, s.k)
	for _, v := range s.violations {
		fmt.Fprintf(&b, "  %s\n", v)
	}
	records := slices.Clone(s.history.records)
	slices.SortFunc(records, func(a, b record) int { return int(a.call - b.call) })
	b.WriteString("  operations:\n")
	for _, r := range records {
		fmt.Fprintf(&b, "    %s\n", r)
	}
	b.WriteString("  requests:\n")
	for _, line := range s.trace {
		fmt.Fprintf(&b, "    %s\n", line)
	}
	return b.String()
}

// TestSchedules runs a few fixed schedules; make sim runs thousands.
func TestSchedules(t *testing.T) {
	schedules(t, firstSeed(), cases(150), func() {})
}

// schedules runs n schedules from a seed on and stops at the first that fails. It
// calls one after each.
func schedules(t *testing.T, seed uint64, n int, one func()) {
	t.Helper()
	for i := range n {
		runSchedule(t, seed+uint64(i))
		one()
		if t.Failed() {
			return
		}
	}
}
