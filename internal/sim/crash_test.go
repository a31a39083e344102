package sim

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// crashOp is an operation that is cut off at one of its requests.
type crashOp struct {
	name string
	cmd  command
	fsck bool

	full      bool // there are documents of all ids before
	abandoned bool // before, an insert of a2 crashed with entries and claims of v1
}

const crashP, crashK = 3, 2

// crashOps meet on few ids and values, so that a second operation runs into what
// the first one left behind.
func crashOps() []crashOp {
	full := func(v string) content {
		return content{email: v, phone: v, country: v, city: v, plan: v}
	}
	moved := map[string]string{"country": "v2", "city": ""}
	renamed := map[string]string{"email": "v2", "phone": ""}
	back := map[string]string{"email": "v0", "country": "v0"}
	return []crashOp{
		{name: "insert", cmd: command{op: opInsert, id: "a1", in: full("v1")}},
		{name: "insert of a taken id", cmd: command{op: opInsert, id: "a0", in: full("v0")}},
		{name: "insert of taken values", cmd: command{op: opInsert, id: "a2", in: full("v1")}},
		{name: "insert of the first document's values", cmd: command{op: opInsert, id: "a2", in: full("v0")}},
		{name: "update of indexed fields", cmd: command{op: opUpdate, id: "a0", patch: moved}},
		{name: "update of unique fields", cmd: command{op: opUpdate, id: "a0", patch: renamed}},
		{name: "update back", cmd: command{op: opUpdate, id: "a0", patch: back}},
		{name: "upsert of a new document", cmd: command{op: opUpsert, id: "a1", in: full("v1")}},
		{name: "upsert of an existing document", cmd: command{op: opUpsert, id: "a0", in: full("v2")}},
		{name: "replace", cmd: command{op: opReplace, id: "a0", in: full("v1")}},
		{name: "delete", cmd: command{op: opDelete, id: "a0"}},
		{name: "delete of many", cmd: command{op: opDeleteMany, ids: simIDs}, full: true},
		{name: "delete of all", cmd: command{op: opDeleteAll}, full: true},
		{name: "take-over", cmd: command{op: opInsert, id: "a1", in: full("v1")}, abandoned: true},
		{name: "update that takes over", cmd: command{op: opUpdate, id: "a0", patch: map[string]string{"email": "v1", "phone": "v1"}}, abandoned: true},
		{name: "insert by the abandoned owner", cmd: command{op: opInsert, id: "a2", in: full("v1")}, abandoned: true},
		{name: "content", cmd: command{op: opSetContent, id: "a0"}},
		{name: "delete of the content", cmd: command{op: opDeleteContent, id: "a0"}},
		{name: "repair", fsck: true},
		{name: "repair of leftovers", fsck: true, abandoned: true},
	}
}

// how a request ends at which the client crashes.
type crashMode int

const (
	crashUnsent crashMode = iota
	crashApplied
	crashLate // the server applies it minutes after the crash
	crashModes
)

// crashPoint is where a client crashes; its zero value is nowhere.
type crashPoint struct {
	request int
	mode    crashMode
}

func (p crashPoint) fault(struck *bool) memstore.Fault {
	return func(req memstore.Request) memstore.Injection {
		if req.Seq != p.request {
			return memstore.Injection{}
		}
		*struck = true
		x := memstore.Injection{Fault: memstore.Crash, Applied: p.mode == crashApplied}
		if p.mode == crashLate {
			x.Late = func(apply func()) { time.AfterFunc(3*time.Minute, apply) }
		}
		return x
	}
}

// crashCase is a sequence of operations, each with its crash.
type crashCase struct {
	ops               []crashOp
	points            []crashPoint
	deleted           bool // the first document was deleted before
	conditionalDelete bool
}

func (x crashCase) String() string {
	s := fmt.Sprintf("deleted before %v, conditional delete %v", x.deleted, x.conditionalDelete)
	for i, op := range x.ops {
		s += fmt.Sprintf("; %s, crash at request %d, mode %d", op.name, x.points[i].request, x.points[i].mode)
	}
	return s
}

// run reports whether every crash struck.
func (x crashCase) run(t *testing.T) (struck bool) {
	t.Helper()
	s := &schedule{p: crashP, k: crashK}
	defer func() {
		if t.Failed() || len(s.violations) > 0 {
			t.Errorf("%s\n%s", x, s.report())
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		s.start = time.Now()
		s.server = memstore.NewServer(memstore.Options{Quirks: memstore.Quirks{RefuseDeleteCondition: !x.conditionalDelete}})
		s.prepare(t, x)
		struck = true
		for i, op := range x.ops {
			hit := false
			_ = s.crash(t, i, op, x.points[i].fault(&hit)) // how it ends is not the point
			struck = struck && hit
			clienttest.CheckIndexes(t, s.server.Client(), crashP, crashK)
			s.contents(t)
		}
		// The survivors can go on at once: nothing waits for the dead.
		for i, op := range x.ops {
			if err := s.crash(t, len(x.ops)+i, op, nil); errors.Is(err, s3db.ErrConflict) || errors.Is(err, s3db.ErrUnknownOutcome) {
				s.violate(fmt.Sprintf("after the crash: %v", err))
			}
		}
		pass(10 * time.Minute) // what is late has arrived
		clienttest.CheckIndexes(t, s.server.Client(), crashP, crashK)
		s.contents(t)
		s.finish(t)
	})
	s.violations = append(s.violations, s.history.documents(simIDs).check()...)
	s.violations = append(s.violations, s.history.claims(constraints, simValues).check()...)
	return struck
}

// contents verifies that each document has the content that it names.
func (s *schedule) contents(t *testing.T) {
	t.Helper()
	c, err := clienttest.Open(t.Context(), s.server.Client(), s.p, s.k, retry())
	if err != nil {
		t.Fatal(err)
	}
	clienttest.CheckContents(t, c)
}

// prepare leaves one document with content, or its tombstone, and what the operations need, and
// lets all of it get old.
func (s *schedule) prepare(t *testing.T, x crashCase) {
	t.Helper()
	insert := func(id, v string) crashOp {
		return crashOp{cmd: command{op: opInsert, id: id, in: content{email: v, phone: v, country: v, city: v, plan: v}}}
	}
	list := []crashOp{insert("a0", "v0"), {cmd: command{op: opSetContent, id: "a0"}}}
	if x.deleted {
		list = append(list, crashOp{cmd: command{op: opDelete, id: "a0"}})
	}
	abandoned := slices.ContainsFunc(x.ops, func(op crashOp) bool { return op.abandoned })
	if slices.ContainsFunc(x.ops, func(op crashOp) bool { return op.full }) {
		list = append(list, insert("a1", "v2"))
		if !abandoned {
			list = append(list, insert("a2", "v1"))
		}
	}
	c := s.client(t, 100, nil)
	for i, op := range list {
		if err := s.perform(t, c, 100+i, op); err != nil {
			t.Fatal(err)
		}
	}
	if abandoned {
		err := s.crash(t, 110, insert("a2", "v1"), func(req memstore.Request) memstore.Injection {
			if req.Key == dataKey+"a2" {
				return memstore.Injection{Fault: memstore.Crash}
			}
			return memstore.Injection{}
		})
		if !errors.Is(err, memstore.ErrCrashed) {
			t.Fatalf("the insert that is to be abandoned: %v", err)
		}
	}
	pass(2 * time.Hour)
}

// crash runs one operation by a client of its own.
func (s *schedule) crash(t *testing.T, number int, op crashOp, fault memstore.Fault) error {
	t.Helper()
	return s.perform(t, s.client(t, number, fault), number, op)
}

// client opens a client whose requests go wrong from then on.
func (s *schedule) client(t *testing.T, number int, fault memstore.Fault) *clienttest.Accounts {
	t.Helper()
	store := s.server.Client()
	w := &worker{schedule: s, number: number}
	c, err := clienttest.Open(t.Context(), store, s.p, s.k, append(w.open(), retry())...)
	if err != nil {
		t.Fatal(err)
	}
	store.ResetCounts()
	store.Observe(w.observe)
	store.SetFault(fault)
	return c
}

// perform runs one operation. Its number makes the name of what it writes.
func (s *schedule) perform(t *testing.T, c *clienttest.Accounts, number int, op crashOp) error {
	t.Helper()
	if op.fsck {
		s.repair(t, c)
		return nil
	}
	cmd := op.cmd
	name := fmt.Sprintf("op%d", number)
	cmd.in.name = name
	if cmd.op == opSetContent {
		cmd.value = name
	}
	if cmd.patch != nil {
		patch := map[string]string{"name": name}
		maps.Copy(patch, op.cmd.patch)
		cmd.patch = patch
	}
	return s.history.add(number, cmd, func() result { return cmd.run(t.Context(), c) }).err
}

// crashSingles cuts every operation off at each of its requests.
func crashSingles(t *testing.T, one func()) {
	t.Helper()
	for _, op := range crashOps() {
		for setup := range 4 {
			for request, struck := 1, true; struck; request++ {
				struck = false
				for mode := range crashModes {
					x := crashCase{
						ops: []crashOp{op}, points: []crashPoint{{request, mode}},
						deleted: setup&1 != 0, conditionalDelete: setup&2 != 0,
					}
					struck = x.run(t) || struck
					one()
					if t.Failed() {
						return
					}
				}
			}
		}
	}
}

// crashPairs crashes one client and then another one that runs into what the
// first left behind.
func crashPairs(t *testing.T, seed uint64, n int, one func()) {
	t.Helper()
	ops := crashOps()
	for i := range n {
		rnd := rand.New(rand.NewPCG(seed+uint64(i), 11))
		point := func() crashPoint { return crashPoint{1 + rnd.IntN(10), crashMode(rnd.IntN(int(crashModes)))} }
		x := crashCase{
			ops:     []crashOp{ops[rnd.IntN(len(ops))], ops[rnd.IntN(len(ops))]},
			points:  []crashPoint{point(), point()},
			deleted: rnd.IntN(2) == 0, conditionalDelete: rnd.IntN(2) == 0,
		}
		x.run(t)
		one()
		if t.Failed() {
			t.Fatalf("seed %d", seed+uint64(i))
		}
	}
}

// TestCrashSingles and TestCrashPairs: after a crash at any request every
// invariant holds, an acknowledged write is there, the survivors can go on, and a
// repair leaves nothing behind.
func TestCrashSingles(t *testing.T) {
	n := 0
	crashSingles(t, func() { n++ })
	t.Logf("%d crashes", n)
}

func TestCrashPairs(t *testing.T) {
	crashPairs(t, firstSeed(), cases(200), func() {})
}
