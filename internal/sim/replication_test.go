package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
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
	*schedule

	shards int
	lease  time.Duration
	keeps  bool // the target keeps its checkpoints itself
	policy replicator.Policy
	judges func(name string) taste // by the target, of changes of documents with a name; nil: it takes all
	place  targettest.Memory
	late   *newcomer // a second target, which begins with a snapshot; or nil

	mu        sync.Mutex
	announced map[s3db.Revision]string // id
	committed map[s3db.Revision]string
	deletes   map[s3db.Revision]s3db.Revision    // what a delete was prepared on
	log       map[position]replicator.Change     // all that was sent
	effects   map[string][]position              // what changed the target, by id
	reached   map[int]replicator.Seq             // the target's own checkpoints, by shard
	appliers  map[int]string                     // the process that applied last, by shard
	applying  func(process string, applied bool) // is called before and after each call of the target; or nil
	met       met
	eased     bool // the target takes what it once refused
	healed    bool // it takes everything from now on
	wrong     []string
}

// position is the place of a change in all logs.
type position struct {
	shard int
	seq   replicator.Seq
}

func (p position) compare(q position) int {
	if p.shard != q.shard {
		return p.shard - q.shard
	}
	return p.seq.Compare(q.seq)
}

func (p position) String() string { return fmt.Sprintf("%d/%s", p.shard, p.seq) }

// met counts what makes a run worth its time, so that a test can tell that its runs had it.
type met struct {
	moves   int // another process applied to a shard than before
	shared  int // changes were applied while another process had another shard
	zombies int // and after another process had taken the lease of the same one
	letters int // were there at the end
	held    int // of them, behind another one
	told    int // documents of snapshots
	after   int // changes behind them
}

func (m *met) add(n met) {
	m.moves, m.shared, m.zombies = m.moves+n.moves, m.shared+n.shared, m.zombies+n.zombies
	m.letters, m.held = m.letters+n.letters, m.held+n.held
	m.told, m.after = m.told+n.told, m.after+n.after
}

func newReplication(s *schedule, shards int) *replication {
	x := &replication{
		schedule: s, shards: shards, lease: time.Second, // short, so that it is often lost without notice
		announced: map[s3db.Revision]string{}, committed: map[s3db.Revision]string{}, deletes: map[s3db.Revision]s3db.Revision{},
		log: map[position]replicator.Change{}, effects: map[string][]position{}, reached: map[int]replicator.Seq{}, appliers: map[int]string{},
	}
	x.place.Refuse = x.refuse
	x.place.Applied = func(c replicator.Change) { x.effects[c.ID] = append(x.effects[c.ID], position{c.Shard, c.Seq}) }
	s.plugins = x.writer
	return x
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

// sink is the target of a process. It notes what it is sent and passes it on.
type sink struct {
	replicator.Target
	*replication
	process string
	rnd     *rand.Rand // is slow and fails now and then; nil: never
}

func (s sink) Apply(ctx context.Context, list []replicator.Change) ([]replicator.Rejection, error) {
	if s.rnd != nil && s.rnd.IntN(4) == 0 {
		pass(time.Duration(s.rnd.Int64N(int64(30 * time.Second))))
	}
	if s.applying != nil {
		s.applying(s.process, false)
		defer s.applying(s.process, true)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.meet(list[0].Shard)
	if slices.ContainsFunc(list, func(c replicator.Change) bool { return s.taste(c) == breaking }) {
		return nil, errors.New("the target breaks")
	}
	fails := s.rnd != nil && s.rnd.IntN(6) == 0
	part := list
	switch {
	case fails && s.keeps: // all in one transaction
		part = list[:len(list)*s.rnd.IntN(2)]
	case fails:
		part = list[:s.rnd.IntN(len(list)+1)]
	}
	for _, c := range part {
		at := position{c.Shard, c.Seq}
		if had, ok := s.log[at]; ok && (had.Revision != c.Revision || had.ID != c.ID) && !c.Snapshot {
			s.wrong = append(s.wrong, fmt.Sprintf("position %s was %s of %s, is %s of %s", at, had.Revision, had.ID, c.Revision, c.ID))
		}
		s.log[at] = c
	}
	rejected, err := s.Target.Apply(ctx, part)
	if err != nil {
		return nil, err
	}
	s.reach(part, rejected)
	if fails {
		return nil, fmt.Errorf("the connection broke after %d of %d changes", len(part), len(list))
	}
	return rejected, nil
}

// reach moves the checkpoint of the target up to the first change that it rejects.
func (s sink) reach(list []replicator.Change, rejected []replicator.Rejection) {
	if len(rejected) > 0 {
		list = list[:rejected[0].Index]
	}
	for _, c := range list {
		if !c.Snapshot && !c.Again && c.Seq.Compare(s.reached[c.Shard]) > 0 {
			s.reached[c.Shard] = c.Seq
		}
	}
}

// meet notes who has leases when a process applies changes of a shard.
func (s sink) meet(shard int) {
	if last, ok := s.appliers[shard]; ok && last != s.process {
		s.met.moves++
	}
	s.appliers[shard] = s.process
	for i := range s.shards {
		switch holder, ended := s.holder(i); {
		case holder == "" || holder == s.process:
		case i == shard:
			s.met.zombies++
		case !ended:
			s.met.shared++
		}
	}
}

// holder is the process that took the lease of a shard of the target last; "" when it gave
// it back. ended says that its time is over.
func (x *replication) holder(shard int) (process string, ended bool) {
	obj, err := x.server.Client().Get(context.Background(), fmt.Sprintf("plugin=replicator/lease/target=copy/shard=%d", shard))
	if err != nil {
		return "", true
	}
	var held struct {
		Holder string
		Until  time.Time
	}
	if json.Unmarshal(obj.Body, &held) != nil {
		return "", true
	}
	return held.Holder, time.Now().After(held.Until)
}

// keeper is a target that keeps its checkpoints itself.
type keeper struct{ sink }

// Checkpoint implements [replicator.Checkpointer].
func (k keeper) Checkpoint(_ context.Context, shard int) (replicator.Seq, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.reached[shard], nil
}

// process opens a program that replicates.
func (x *replication) process(ctx context.Context, store s3db.Store, name string, rnd *rand.Rand) (*clienttest.Accounts, *replicator.Replicator, error) {
	s := sink{x.place.Target(), x, name, rnd}
	target := replicator.Target(s)
	if x.keeps {
		target = keeper{s}
	}
	o := replicator.Options{
		OnDemand: true, Lease: x.lease, Shards: x.shards, Instance: name,
		Targets: []replicator.TargetOptions{{
			Name: "copy", Target: target, NoSnapshot: true, BatchSize: 3, Policy: x.policy, Retries: 4,
			Routes: map[string][]replicator.Route{"accounts": {{}}},
		}},
	}
	if x.late != nil {
		o.Targets = append(o.Targets, x.late.options(rnd))
	}
	r := replicator.New(o)
	c, err := clienttest.Open(ctx, store, x.p, x.k, retry(), s3db.WithPlugin(r))
	return c, r, err
}

// register makes the target known, so that it gets what is written from then on.
func (x *replication) register(t *testing.T) {
	t.Helper()
	_, r, err := x.process(t.Context(), x.server.Client(), "register", nil)
	if err == nil {
		err = r.Sync(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	pass(2 * x.lease)
}

// check brings the target up to date, compares the log with what was committed, and the
// target with the documents.
func (x *replication) check(t *testing.T) {
	t.Helper()
	_, r, err := x.process(t.Context(), x.server.Client(), "check", nil)
	if err != nil {
		t.Fatal(err)
	}
	x.settle(t, r)
	for _, key := range x.server.Keys() {
		if strings.HasPrefix(key, "plugin=replicator/outbox/") {
			x.say("%s is left", key)
		}
	}
	x.aside(t, r)
	x.compare(t, x.logged())
	if x.late != nil {
		x.late.check(t, r)
	}
}

func (x *replication) say(format string, args ...any) {
	x.wrong = append(x.wrong, fmt.Sprintf(format, args...))
}

// settle replicates until nothing is in flight any more.
func (x *replication) settle(t *testing.T, r *replicator.Replicator) {
	t.Helper()
	for range 2 {
		pass(2 * x.lease) // leases of the dead
		x.sync(t, r)
		pass(2 * time.Hour)
	}
	x.sync(t, r)
}

// sync replicates what there is. A change that breaks the target is found after some
// errors.
func (x *replication) sync(t *testing.T, r *replicator.Replicator) {
	t.Helper()
	const tries = 100
	var err error
	for range tries {
		err = r.Sync(t.Context())
		if err == nil || x.policy == replicator.Stop && x.judges != nil {
			return
		}
		if x.judges == nil {
			x.say("the last sync: %v", err)
			return
		}
	}
	x.say("the target is never up to date: %v", err)
}

// logged compares the log with what was committed, and what changed the target with
// the log: each change of a document once, in its order, none before the one that
// precedes it. It returns the tokens of the changes by id.
func (x *replication) logged() map[string][]string {
	logged := map[string][]string{}
	seen := map[s3db.Revision]bool{}
	const remembered = 16 // writes, by a document
	for id, list := range x.order(x.log) {
		var last s3db.Revision
		for _, at := range list {
			c := x.log[at]
			switch {
			case c.Snapshot && len(list) > remembered && last == c.Revision:
				continue // an intent was late, and the document has forgotten what it was prepared on
			case c.Snapshot:
				x.say("%s of %s tells the state %s although nothing else wrote", at, c.ID, c.Revision)
				continue
			case x.announced[c.Revision] != c.ID:
				x.say("%s of %s was never written", c.Revision, c.ID)
			case seen[c.Revision]:
				x.say("%s of %s is twice in the log", c.Revision, c.ID)
			}
			seen[c.Revision], last = true, c.Revision
			logged[c.ID] = append(logged[c.ID], tokenOf(c.Revision))
		}
		if x.policy != replicator.Skip && !slices.Equal(list, x.effects[id]) {
			x.say("changes of %s are at %v, the target took them as %v", id, list, x.effects[id])
		}
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
		if !seen[rev] && !(x.local && deletes && gone[base]) {
			x.say("%s of %s was committed and is missing", rev, id)
		}
	}
	return logged
}

// order returns the positions of changes by the ids of their documents.
func (x *replication) order(log map[position]replicator.Change) map[string][]position {
	order := map[string][]position{}
	for _, at := range slices.SortedFunc(maps.Keys(log), position.compare) {
		order[log[at].ID] = append(order[log[at].ID], at)
	}
	return order
}

// compare looks at each document. Its state remembers what led to it.
func (x *replication) compare(t *testing.T, logged map[string][]string) {
	t.Helper()
	tokens := map[string]bool{}
	for rev := range x.announced {
		tokens[tokenOf(rev)] = true
	}
	x.equal(t, "the target", &x.place)
	for _, id := range simIDs {
		obj, err := x.server.Client().Get(t.Context(), dataKey+id)
		if err != nil {
			continue
		}
		var body struct{ Rev, Past string }
		if err := json.Unmarshal(obj.Body, &body); err != nil {
			t.Fatal(err)
		}
		if x.local {
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
			x.say("%s was written as %q and logged as %q", id, truth, logged[id])
		}
	}
}

// equal compares what a target has with the documents.
func (x *replication) equal(t *testing.T, where string, place *targettest.Memory) {
	t.Helper()
	live := map[string]string{}
	for _, row := range place.Rows("accounts") {
		live[row.ID] = string(row.Revision)
	}
	for _, id := range simIDs {
		want := ""
		if obj, err := x.server.Client().Get(t.Context(), dataKey+id); err == nil && !strings.HasSuffix(obj.Metadata["s"], "D") {
			var body struct{ Rev string }
			if err := json.Unmarshal(obj.Body, &body); err != nil {
				t.Fatal(err)
			}
			want = body.Rev
		}
		if live[id] != want {
			x.say("%s is at revision %q at %s, not %q", id, live[id], where, want)
		}
	}
}

// tokenOf is the part of a revision that documents remember.
func tokenOf(rev s3db.Revision) string { return string(rev[:11]) }

// failed moves what is wrong to the schedule.
func (x *replication) failed(t *testing.T) bool {
	x.violations = append(x.violations, x.wrong...)
	x.wrong = nil
	return t.Failed() || len(x.violations) > 0
}

// observed is a client of the server whose requests are in the report.
func (x *replication) observed(number int) *memstore.Store {
	store := x.server.Client()
	store.Observe((&worker{schedule: x.schedule, number: number}).observe)
	return store
}
