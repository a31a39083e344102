package replicator

import (
	"cmp"
	"slices"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// What became of the writes of one document is decided here, from the intents that are
// there and the document as it was read after they were listed. It sends no request.
//
// These hold (docs/protocol.md, docs/replication.md):
//
//   - The intent of a write is there before its commit, so those of all committed
//     writes that led to a state are there when the state is read, or were settled.
//   - The base of an intent is a state that its writer has read: it was committed.
//   - At most one write follows a state. What a write was prepared on does not come
//     back, except "there is no object".
//   - An intent older than an hour by the server's clock is nobody's work in progress.
//   - Intents are settled together with all earlier ones of their document.

// minAge is the age by the server's clock from which on a write that is not committed
// never will be: docs/protocol.md, "Time".
const minAge = time.Hour

// lineage is what the runtime tells of the state of a document.
type lineage struct {
	revision s3db.Revision
	live     bool
	// writes is how many writes ago the document was at a revision; -1: it does not say.
	writes func(s3db.Revision) int
	// complete says that it remembers all writes since there was no object.
	complete bool
	// local says that deletes leave nothing behind, so that an insert may come after
	// writes that the document does not remember.
	local bool
}

func lineageOf(s s3db.ObjectState, local bool) lineage {
	return lineage{revision: s.Revision, live: s.Live(), writes: s.Writes, complete: s.Complete(), local: local}
}

// pending is the intent of one write.
type pending struct {
	Change
	key  string    // of its object; "" when the head of the log carries it
	put  time.Time // when its object was, by the server's clock
	old  bool      // older than minAge when the document was read
	late bool      // listed only after the document was read: it explains others and is not judged
}

// verdict is what became of the writes of one document.
type verdict struct {
	committed []pending // in the order in which they were
	aborted   []pending // they never will be
	open      []pending // may be in flight

	// unexplained says that an intent may be missing which would come before one of the
	// committed, or tell more of others. They must be listed again before the verdict
	// counts.
	unexplained bool
	// broken says that the writes do not lead to the state of the document: a program
	// without the replicator wrote it. The state itself is told after them.
	broken bool
}

// judge decides about the writes of one document. all says that the intents of the
// document, those that are late included, are all that there were when it had been read.
func judge(s lineage, intents []pending, all bool) verdict {
	j := judgement{lineage: s, followed: map[s3db.Revision]bool{}, byRev: map[s3db.Revision]*pending{}}
	for i := range intents {
		x := &intents[i]
		if j.byRev[x.Revision] != nil {
			continue // told twice
		}
		j.byRev[x.Revision] = x
		if !x.late && x.Base != "" {
			j.followed[x.Base] = true
		}
	}
	j.follow()
	for i := range intents {
		if x := &intents[i]; j.byRev[x.Revision] == x {
			j.decide(x)
		}
	}
	return j.verdict(all)
}

type judgement struct {
	lineage
	followed map[s3db.Revision]bool     // revisions that a writer had read before the document was
	byRev    map[s3db.Revision]*pending // the first of each revision

	committed []*pending
	aborted   []*pending
	open      []*pending
	told      bool       // somebody asks for the state
	doubtful  []*pending // not committed as far as known; the state does not tell
}

// follow adds what late writes were prepared on, if they were committed before the
// document was read.
func (j *judgement) follow() {
	for more := true; more; {
		more = false
		for _, x := range j.byRev {
			if x.late && x.Base != "" && !j.followed[x.Base] && j.happened(x) {
				j.followed[x.Base], more = true, true
			}
		}
	}
}

// happened reports that a write was committed before the document was read.
func (j *judgement) happened(x *pending) bool {
	return j.writes(x.Revision) >= 0 || j.followed[x.Revision]
}

// tells reports that a late write was prepared on one.
func (j *judgement) tells(x *pending) bool {
	for _, y := range j.byRev {
		if y.late && y.Base == x.Revision {
			return true
		}
	}
	return false
}

// replaced reports that a base was followed by another committed write than x.
func (j *judgement) replaced(x *pending) bool {
	if x.Base == "" {
		return false
	}
	if j.writes(x.Base) > 0 {
		return true
	}
	for _, y := range j.byRev {
		if y != x && y.Base == x.Base && j.happened(y) {
			return true
		}
	}
	return false
}

// decide puts one write where it belongs.
func (j *judgement) decide(x *pending) {
	switch {
	case x.late:
		if j.happened(x) {
			j.committed = append(j.committed, x)
		}
	case x.Snapshot: // no write, but the wish to have the state told
		j.told = true
		j.aborted = append(j.aborted, x)
	case j.happened(x):
		j.committed = append(j.committed, x)
	case j.replaced(x):
		j.aborted = append(j.aborted, x)
	case x.Base == j.revision || x.Base == "":
		if !x.old {
			j.open = append(j.open, x)
		} else {
			j.doubtful = append(j.doubtful, x)
		}
	case j.tells(x): // its base was no more when the document was read, so it was committed before
		j.committed = append(j.committed, x)
	default:
		j.doubtful = append(j.doubtful, x)
	}
}

// verdict orders what was committed, and says what is missing.
func (j *judgement) verdict(all bool) verdict {
	var v verdict
	j.vanished()
	ordered, unexplained := j.order()
	for _, x := range ordered {
		v.committed = append(v.committed, *x)
	}
	for _, x := range j.aborted {
		v.aborted = append(v.aborted, *x)
	}
	for _, x := range j.open {
		v.open = append(v.open, *x)
	}
	v.broken = j.breaks(ordered)
	if !all && (unexplained || v.broken || len(j.doubtful) > 0) {
		v.unexplained = true
	}
	v.broken = v.broken || j.told
	for _, x := range j.doubtful {
		if !all {
			v.open = append(v.open, *x)
			continue
		}
		v.aborted = append(v.aborted, *x)
		// When the state does not reach back to the base, other programs may have written
		// often enough since to hide that it was committed.
		v.broken = v.broken || !j.complete && x.Base != j.revision
	}
	return v
}

// vanished finds the deletes that left nothing behind. Where a document is gone, or is
// another one than the delete met, and nobody else followed the delete's base, it was
// committed, unless what is there now was settled before.
func (j *judgement) vanished() {
	settled := j.live && j.byRev[j.revision] == nil
	gone := map[s3db.Revision]bool{}
	j.doubtful = slices.DeleteFunc(j.doubtful, func(x *pending) bool {
		if x.Action != Delete || x.Base == j.revision || settled || !j.complete {
			return false
		}
		if gone[x.Base] {
			j.aborted = append(j.aborted, x) // two deletes of one state: either was
			return true
		}
		gone[x.Base] = true
		j.committed = append(j.committed, x)
		return true
	})
	if settled || !j.complete {
		return
	}
	for _, y := range slices.Clone(j.committed) { // late ones may be what followed
		j.commit(j.goneBy(y))
	}
	for _, x := range j.byRev { // or begin with one that follows what the log knows
		base := j.byRev[x.Base]
		if x.late && base == nil && x.Base != "" && x.Base != j.revision && j.writes(x.Base) < 0 && !gone[x.Base] && !j.happened(x) && !j.replaced(x) &&
			(x.Action == Delete || j.tells(x)) {
			gone[x.Base] = true
			j.commit(x)
		}
	}
}

// commit adds a late write and those that followed it, up to a delete.
func (j *judgement) commit(x *pending) {
	for x != nil {
		j.committed = append(j.committed, x)
		x = j.goneBy(x)
	}
}

// goneBy returns the late write that followed a committed one which the document is
// past, and which nothing else followed: one that another late write was prepared on, since
// one alone can follow; or else a delete.
func (j *judgement) goneBy(y *pending) (found *pending) {
	if y.Action == Delete || j.writes(y.Revision) >= 0 {
		return nil
	}
	for _, x := range j.byRev {
		switch {
		case x.Base != y.Revision:
		case slices.Contains(j.committed, x):
			return nil
		case !x.late:
		case j.tells(x):
			found = x
		case x.Action == Delete && (found == nil || !j.tells(found) && x.Revision < found.Revision):
			found = x
		}
	}
	return found
}

// order returns what was committed as it was, and whether an earlier write may be
// missing.
func (j *judgement) order() (ordered []*pending, unexplained bool) {
	next := map[s3db.Revision]*pending{}
	for _, x := range j.committed {
		if x.Base != "" {
			next[x.Base] = x
		}
	}
	var runs [][]*pending // of writes, each on the one before
	for _, x := range j.committed {
		if before := j.byRev[x.Base]; before != nil && slices.Contains(j.committed, before) {
			continue
		}
		unexplained = unexplained || x.Base != "" || j.local
		var run []*pending
		for ; x != nil && len(run) <= len(j.committed); x = next[x.Revision] {
			run = append(run, x)
		}
		runs = append(runs, run)
	}
	// What the state remembers comes last, in its order; what came before it ended
	// in a delete or is cut off, and is as old as its writers say.
	ago := func(run []*pending) int {
		least := -1
		for _, x := range run {
			if n := j.writes(x.Revision); n >= 0 && (least < 0 || n < least) {
				least = n
			}
		}
		return least
	}
	slices.SortStableFunc(runs, func(a, b []*pending) int {
		x, y := ago(a), ago(b)
		switch {
		case x >= 0 && y >= 0:
			return cmp.Compare(y, x)
		case x >= 0:
			return 1
		case y >= 0:
			return -1
		}
		return a[0].Time.Compare(b[0].Time)
	})
	return slices.Concat(runs...), unexplained
}

// breaks reports that what was committed does not end in the state of the document.
func (j *judgement) breaks(ordered []*pending) bool {
	if len(ordered) == 0 {
		return false
	}
	last := ordered[len(ordered)-1]
	return last.Revision != j.revision && (j.live || last.Action != Delete)
}
