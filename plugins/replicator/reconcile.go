package replicator

import (
	"context"
	"crypto/rand"
	"fmt"
	"iter"
	"slices"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// ReconcileOptions change what Reconcile does.
type ReconcileOptions struct {
	Resources []string // nil: all of the target
	// Repair puts right what is found.
	Repair bool
	// Found is called for each difference, by the order of resources and ids; nil: nobody
	// is told.
	Found func(Difference)
}

// Difference is a document of which the target has another state than the database.
type Difference struct {
	Kind     DifferenceKind
	Resource string
	ID       string
	Revision s3db.Revision // in the database; "" when there is no document
	Listed   Listed        // what the target has; the zero Listed for nothing
}

// DifferenceKind says what is different.
type DifferenceKind string

// The kinds of differences.
const (
	Missing DifferenceKind = "missing" // the target lacks the document
	Stale   DifferenceKind = "stale"   // it has another revision
	Extra   DifferenceKind = "extra"   // it has a document that is not there
)

// Report is what Reconcile found.
type Report struct {
	Documents int // of the database
	Missing   int
	Stale     int
	Extra     int
	Repaired  int // are on their way
}

// Clean reports whether nothing was different.
func (r *Report) Clean() bool { return r.Missing+r.Stale+r.Extra == 0 }

// Reconcile compares the documents of the database with what a target has, which must
// be a Lister. It finds writes by programs without the replicator, and what somebody
// has changed in the target. What the log has not brought to the target yet counts as
// different: let it catch up first. A repair puts the state of each such document into
// the log, for all targets, which does no harm where nothing is wrong; it is there when the
// target has caught up. 1 request for each document and 1 for every 1,000, 1 for 1,000
// repairs, and those of the target.
func (r *Replicator) Reconcile(ctx context.Context, target string, o ReconcileOptions) (*Report, error) {
	d, err := r.destination(target)
	if err != nil {
		return nil, err
	}
	lister, ok := d.options.Target.(Lister)
	if !ok {
		return nil, fmt.Errorf("%w: target %q does not tell what it has", s3db.ErrConfig, target)
	}
	if err := d.images.refresh(ctx); err != nil {
		return nil, err
	}
	if err := d.prepare(ctx, d.images.described()); err != nil {
		return nil, err
	}
	x := &reconciliation{destination: d, options: o, report: &Report{}}
	names := d.names()
	if o.Resources != nil {
		names = slices.Compact(slices.Sorted(slices.Values(o.Resources)))
	}
	for _, resource := range names {
		if err := x.compare(ctx, resource, lister.List(ctx, resource, "")); err != nil {
			return x.report, err
		}
	}
	return x.report, x.send(ctx, x.asked)
}

type reconciliation struct {
	*destination
	options ReconcileOptions
	report  *Report
	asked   []Change
	window  []compared
}

// compared is a document that is in the database, at the target, or both.
type compared struct {
	id  string
	has Listed // the zero Listed when the target does not have it
}

// compare walks through both lists in the order of ids.
func (x *reconciliation) compare(ctx context.Context, resource string, there iter.Seq2[Listed, error]) error {
	next, stop := iter.Pull2(there)
	defer stop()
	has, err, more := next()
	for id, e := range x.ids(ctx, resource, "") {
		if e != nil {
			return e
		}
		x.report.Documents++
		for ; more && err == nil && has.ID < id; has, err, more = next() {
			if e := x.look(ctx, resource, compared{has.ID, has}); e != nil {
				return e
			}
		}
		if err != nil {
			return err
		}
		both := compared{id: id}
		if more && has.ID == id {
			both.has = has
			has, err, more = next()
		}
		if e := x.look(ctx, resource, both); e != nil {
			return e
		}
	}
	for ; more && err == nil; has, err, more = next() {
		if e := x.look(ctx, resource, compared{has.ID, has}); e != nil {
			return e
		}
	}
	if e := x.flush(ctx, resource); e != nil {
		return e
	}
	return err
}

// look puts a document into the window, which is looked at when it is full.
func (x *reconciliation) look(ctx context.Context, resource string, c compared) error {
	if x.window = append(x.window, c); len(x.window) < snapshotWindow {
		return nil
	}
	return x.flush(ctx, resource)
}

// flush reads the documents of the window at the same time, and tells of differences in
// their order.
func (x *reconciliation) flush(ctx context.Context, resource string) error {
	list := x.window
	x.window = nil
	diffs := make([]Difference, len(list))
	err := each(len(list), func(i int) (err error) {
		diffs[i], err = x.difference(ctx, resource, list[i])
		return err
	})
	if err != nil {
		return err
	}
	for _, diff := range diffs {
		if diff.Kind == "" {
			continue
		}
		if err := x.found(ctx, diff); err != nil {
			return err
		}
	}
	return nil
}

// difference compares one document. Its Kind is "" when there is none.
func (x *reconciliation) difference(ctx context.Context, resource string, c compared) (Difference, error) {
	diff := Difference{Resource: resource, ID: c.id, Listed: c.has}
	s, err := x.db.ObjectState(ctx, resource, c.id)
	switch {
	case err != nil:
	case s.Live():
		if diff.Revision = s.Revision; c.has.ID == "" {
			diff.Kind = Missing
		} else if c.has.Revision != s.Revision {
			diff.Kind = Stale
		}
	case c.has.ID != "":
		diff.Kind = Extra
	}
	return diff, err
}

// found tells of a difference, and asks for it to be put right.
func (x *reconciliation) found(ctx context.Context, diff Difference) error {
	switch diff.Kind {
	case Missing:
		x.report.Missing++
	case Stale:
		x.report.Stale++
	case Extra:
		x.report.Extra++
	}
	if x.options.Found != nil {
		x.options.Found(diff)
	}
	if !x.options.Repair {
		return nil
	}
	if x.asked = append(x.asked, ask(diff.Resource, diff.ID, x.now())); len(x.asked) < intentChanges {
		return nil
	}
	full := x.asked
	x.asked = nil
	return x.send(ctx, full)
}

// ask is an intent that makes the settler tell the state of a document. It goes through
// the log like any change, so that later ones win.
func ask(resource, id string, now time.Time) Change {
	return Change{Resource: resource, ID: id, Action: Insert, Revision: s3db.Revision(rand.Text()), Time: now.UTC(), Snapshot: true}
}

// send puts intents of differences.
func (x *reconciliation) send(ctx context.Context, list []Change) error {
	byShard := make([][]Change, x.shards)
	for _, c := range list {
		shard := placeOf(c.Resource, c.ID, x.shards).shard
		byShard[shard] = append(byShard[shard], c)
	}
	for shard, changes := range byShard {
		if len(changes) == 0 {
			continue
		}
		body, err := marshal(intent{Format: format, Changes: changes})
		if err != nil {
			return err
		}
		if _, err := x.space.Put(ctx, bulkKey(shard, changes[0].Time, changes[0].Revision), body, s3db.Condition{}); err != nil {
			return err
		}
		x.report.Repaired += len(changes)
		x.wake(shard)
	}
	return nil
}
