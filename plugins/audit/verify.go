package audit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// ProblemKind says what is wrong with the log.
type ProblemKind string

// The kinds of problems. Each means that somebody changed the log in another way
// than by this package, or that the store lost something.
const (
	Removed        ProblemKind = "removed"         // an entry that was stored is gone
	Altered        ProblemKind = "altered"         // an entry or a record says something else than it did, or has another name
	Broken         ProblemKind = "broken"          // an entry is not the one that the next one, the record or an anchor knows
	Doubled        ProblemKind = "doubled"         // two entries have one number
	SessionRemoved ProblemKind = "session-removed" // a session is gone that another one has seen, or that has entries
)

// Problem is one thing that is wrong.
type Problem struct {
	Kind    ProblemKind `json:"kind"`
	Session string      `json:"session,omitempty"`
	Number  int64       `json:"number,omitempty"`
	Key     string      `json:"key,omitempty"` // in the key space of the plugin
	Detail  string      `json:"detail"`
}

// Anchor is an entry and its hash. Kept at a place that those who write to the
// store cannot change, it shows a chain that was made anew as a whole.
type Anchor struct {
	Session string `json:"session"`
	Number  int64  `json:"number"`
	Hash    string `json:"hash"`
}

// Report is the result of Verify.
type Report struct {
	Sessions  int       `json:"sessions"`
	Entries   int       `json:"entries"`
	Refused   int       `json:"refused"`   // entries of operations that were not done, and were left over
	Unknown   int       `json:"unknown"`   // entries of operations whose outcome the program could not learn
	Unsettled int       `json:"unsettled"` // operations that were under way when their session last told
	Expired   int       `json:"expired"`   // entries that a sweep is about to remove
	Problems  []Problem `json:"problems"`
	Anchors   []Anchor  `json:"anchors"` // the newest entry of each session
}

// Verify reads the whole log and checks that each session's chain is whole: that no
// entry was removed, but expired ones by Sweep, and none altered, added or renamed.
// anchors are those of earlier reports. It is safe while programs write entries.
// Errors are those of the store; problems are none.
//
// It costs 1 GET for each entry and each session and 1 LIST for each 1,000.
func (l *Log) Verify(ctx context.Context, anchors ...Anchor) (*Report, error) {
	v := &verification{log: l, report: &Report{Problems: []Problem{}, Anchors: []Anchor{}}, chains: map[string]*chain{}}
	// Entries first: what a record then says of them is not older than they are.
	if err := v.entries(ctx); err != nil {
		return nil, err
	}
	if err := v.records(ctx); err != nil {
		return nil, err
	}
	for _, a := range anchors {
		v.chain(a.Session).anchors = append(v.chain(a.Session).anchors, a)
	}
	for _, id := range slices.Sorted(maps.Keys(v.chains)) {
		if err := v.check(ctx, id, v.chains[id]); err != nil {
			return nil, err
		}
	}
	return v.report, nil
}

type verification struct {
	log    *Log
	mu     sync.Mutex
	report *Report
	chains map[string]*chain
	again  map[string]bool // entries of a second listing; nil before it
}

// chain is what is stored of one session.
type chain struct {
	record  *record
	bad     bool             // the record cannot be read, which was told
	entries map[int64]*link  // that are there
	void    map[int64]string // that some entry says do not count: the hash before them, if it says
	unknown map[int64]bool   // whose outcome nobody knows, as some entry says
	newest  int64            // number
	anchors []Anchor
}

// link is what Verify keeps of an entry.
type link struct {
	key, hash, prev string
	open            []int64
}

func (v *verification) chain(session string) *chain {
	c := v.chains[session]
	if c == nil {
		c = &chain{entries: map[int64]*link{}, void: map[int64]string{}, unknown: map[int64]bool{}}
		v.chains[session] = c
	}
	return c
}

func (v *verification) problem(p Problem) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.report.Problems = append(v.report.Problems, p)
}

func (v *verification) entries(ctx context.Context) error {
	const parallel = 32
	running, ctx := errgroup.WithContext(ctx)
	running.SetLimit(parallel)
	for item, err := range v.log.space.List(ctx, entryRoot, "") {
		running.Go(func() error {
			if err != nil {
				return err
			}
			return v.entry(ctx, item.Key)
		})
	}
	err := running.Wait()
	slices.SortFunc(v.report.Problems, func(a, b Problem) int { return strings.Compare(a.Key, b.Key) })
	return err
}

func (v *verification) entry(ctx context.Context, key string) error {
	obj, err := v.log.space.Get(ctx, key)
	if errors.Is(err, s3db.ErrNotFound) {
		return nil // gone since it was listed; the chain tells whether it may
	}
	if err != nil {
		return err
	}
	x, err := v.log.digest.parse(key, obj.Body)
	if err != nil {
		v.problem(Problem{Kind: Altered, Key: key, Detail: err.Error()})
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.report.Entries++
	c := v.chain(x.Session)
	if other := c.entries[x.Number]; other != nil {
		v.report.Problems = append(v.report.Problems, Problem{
			Kind: Doubled, Session: x.Session, Number: x.Number, Key: max(key, other.key), Detail: "the same number as " + min(key, other.key),
		})
		return nil
	}
	c.entries[x.Number] = &link{key: key, hash: x.hash, prev: x.Prev, open: x.Open}
	c.newest = max(c.newest, x.Number)
	c.gaps(x.Refused)
	note(c.unknown, x.Unknown)
	return nil
}

func (c *chain) gaps(list []gap) {
	for _, g := range list {
		c.void[g.Number] = g.Prev
	}
}

// refused reports whether an entry does not count.
func (c *chain) refused(n int64) bool { _, ok := c.void[n]; return ok }

func note(set map[int64]bool, numbers []int64) {
	for _, n := range numbers {
		set[n] = true
	}
}

func (v *verification) records(ctx context.Context) error {
	for item, err := range v.log.space.List(ctx, sessionRoot, "") {
		if err != nil {
			return err
		}
		id := item.Key[len(sessionRoot):]
		r, err := v.log.record(ctx, id)
		c := v.chain(id)
		switch {
		case errors.Is(err, s3db.ErrCorrupt):
			c.bad = true
			v.problem(Problem{Kind: Altered, Session: id, Key: item.Key, Detail: err.Error()})
			continue
		case err != nil:
			return err
		}
		v.report.Sessions++
		c.record = r
		c.gaps(r.Refused)
		for _, n := range r.Left {
			if !c.refused(n) {
				c.void[n] = ""
			}
		}
		note(c.unknown, r.Unknown)
	}
	for _, id := range slices.Sorted(maps.Keys(v.chains)) {
		if r := v.chains[id].record; r != nil {
			for _, before := range r.After {
				v.chain(before)
			}
		}
	}
	return nil
}

// check walks a chain from its newest entry down.
func (v *verification) check(ctx context.Context, id string, c *chain) error {
	r := c.record
	if r == nil {
		if !c.bad {
			v.problem(Problem{Kind: SessionRemoved, Session: id, Key: sessionKey(id), Detail: fmt.Sprintf("%d entries of it are there, and other sessions have seen it", len(c.entries))})
		}
		r = &record{}
	}
	excused := map[int64]bool(nil) // entries that all later ones say are under way; nil: there is no later one
	next := ""                     // hash that the entry before must have; "" when nobody says
	for n := max(c.newest, r.Last); n > r.Floor; n-- {
		if n == r.Last {
			excused = both(excused, r.Open)
			if next == "" {
				next = r.Head
			}
		}
		x := c.entries[n]
		switch {
		case x == nil && c.refused(n):
			next = c.void[n]
			continue
		case x == nil && (excused == nil || excused[n]):
			v.report.Unsettled++
			next = ""
			continue
		case x == nil:
			gone, err := v.gone(ctx, id, n)
			if err != nil {
				return err
			}
			if gone {
				v.problem(Problem{Kind: Removed, Session: id, Number: n, Detail: "later entries know that it was stored"})
			}
			next = ""
			continue
		}
		v.state(c, n, excused)
		if next != "" && next != x.hash || n == r.Last && r.Head != x.hash {
			v.problem(Problem{Kind: Broken, Session: id, Number: n, Key: x.key, Detail: "it is another one than the one after it knows"})
		}
		excused, next = both(excused, x.open), x.prev
	}
	root := v.log.digest.sum([]byte(id))
	if r.Floor > 0 {
		root = r.FloorHash
	}
	if next != "" && next != root {
		v.problem(Problem{Kind: Broken, Session: id, Number: r.Floor + 1, Detail: "it does not follow what the record of the session says"})
	}
	for n := range c.entries {
		if n <= r.Floor {
			v.report.Expired++
		}
	}
	v.anchors(id, c, r)
	return nil
}

// state counts entries that do not stand for something that was done.
func (v *verification) state(c *chain, n int64, excused map[int64]bool) {
	switch {
	case c.refused(n):
		v.report.Refused++
	case c.unknown[n]:
		v.report.Unknown++
	case excused == nil, excused[n]:
		v.report.Unsettled++
	}
}

// both returns the entries that are in both sets; nil is the set of all.
func both(set map[int64]bool, open []int64) map[int64]bool {
	common := map[int64]bool{}
	for _, n := range open {
		if set == nil || set[n] {
			common[n] = true
		}
	}
	return common
}

// gone makes sure that an entry that was not found is not there: it may have been
// stored in a resource that had been listed by then, or swept while the log was
// read. Such an entry was stored before the one that knows it, so a second listing
// has it.
func (v *verification) gone(ctx context.Context, id string, n int64) (bool, error) {
	if v.again == nil {
		v.again = map[string]bool{}
		for item, err := range v.log.space.List(ctx, entryRoot, "") {
			if err != nil {
				return false, err
			}
			if k, ok := parseKey(item.Key); ok {
				v.again[k.session+"!"+k.number] = true
			}
		}
	}
	if v.again[id+"!"+strconv.FormatInt(n, 10)] {
		return false, nil
	}
	r, err := v.log.record(ctx, id)
	if errors.Is(err, s3db.ErrNotFound) || errors.Is(err, s3db.ErrCorrupt) {
		return true, nil
	}
	return err == nil && n > r.Floor, err
}

// anchors compares a chain with what earlier reports knew of it.
func (v *verification) anchors(id string, c *chain, r *record) {
	for _, a := range c.anchors {
		x := c.entries[a.Number]
		switch {
		case a.Number <= r.Floor:
		case x == nil:
			v.problem(Problem{Kind: Removed, Session: id, Number: a.Number, Detail: "an anchor knows it"})
		case x.hash != a.Hash:
			v.problem(Problem{Kind: Broken, Session: id, Number: a.Number, Key: x.key, Detail: "an anchor knows another one"})
		}
	}
	if x := c.entries[c.newest]; x != nil && c.newest > r.Floor && !c.refused(c.newest) {
		v.report.Anchors = append(v.report.Anchors, Anchor{Session: id, Number: c.newest, Hash: x.hash})
	}
}
