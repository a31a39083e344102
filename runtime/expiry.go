package s3db

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// TTL says when documents of a resource expire. Generated code makes one for a
// resource with the option ttl.
type TTL[T any] struct {
	For     time.Duration       // the time that a document lives, from After on
	Every   time.Duration       // the grain of the expiry index, see docs/expiry.md
	Updated bool                // it lives from its last update on, not from its creation
	After   func(*T) *time.Time // an attribute from which on it lives; nil: see Updated
}

// ttl is a TTL with its type forgotten.
type ttl struct {
	TTL[struct{}]

	after func(document) *time.Time
}

// The expiry index is a partition that the runtime keeps for resources with a TTL.
const (
	expiryIndex = "byExpiry"
	expiryPath  = "_expires"
)

func (m *Model[T, ID, I, P]) ttl() *ttl {
	if m.TTL == nil {
		return nil
	}
	t := &ttl{TTL: TTL[struct{}]{For: m.TTL.For, Every: m.TTL.Every, Updated: m.TTL.Updated}}
	if m.TTL.After != nil {
		t.after = func(d document) *time.Time { return m.TTL.After(of[T](d)) }
	}
	return t
}

// expires returns when a document expires; zero for never, which is so when the
// attribute that says it is absent.
func (t *ttl) expires(d document, created, updated time.Time) time.Time {
	from := created
	switch {
	case t == nil:
		return time.Time{}
	case t.after != nil:
		at := t.after(d)
		if at == nil {
			return time.Time{}
		}
		from = *at
	case t.Updated:
		from = updated
	}
	return from.Add(t.For).UTC()
}

// expiryIndex is the index that finds documents by when they have expired for sure:
// at the end of the stretch of Every in which they do. So a document that is updated
// often keeps its entry, and what is listed as due needs no second look at the clock.
func (m *model) expiryIndex() index {
	return index{
		indexInfo: indexInfo{name: expiryIndex, fields: []string{expiryPath}, place: len(m.Partitions)},
		Key: func(k *KeyBuilder, d document) {
			at := m.Meta(d).Expires
			if at.IsZero() {
				k.Absent()
				return
			}
			k.Time(ceil(at, m.TTL.Every))
		},
	}
}

func ceil(at time.Time, grain time.Duration) time.Time {
	if low := at.Truncate(grain); low.Before(at) {
		return low.Add(grain)
	}
	return at
}

// expired reports whether a document reads as absent by now.
func (c *engine) expired(d document) bool {
	return c.model.TTL != nil && expiredAt(c.model.Meta(d), c.db.now())
}

func expiredAt(m *Meta, now time.Time) bool { return !m.Expires.IsZero() && !m.Expires.After(now) }

// readPresent is read for which an expired document is absent.
func (c *engine) readPresent(ctx context.Context, id string) (state, error) {
	s, err := c.read(ctx, id)
	if err != nil || !s.live() || c.model.TTL == nil {
		return s, err
	}
	d, err := c.decode(id, s)
	if err != nil || c.expired(d.doc) {
		return state{}, err
	}
	return s, nil
}

// errExpired: a write found an expired document where it wants to put one.
var errExpired = errors.New("the document has expired")

// errNotDue: a sweep found a document that lives on.
var errNotDue = errors.New("the document has not expired")

// checkExpiry decides what a write makes of a document that may have expired.
func (c *engine) checkExpiry(w *write, cur state) error {
	sweep := w.options.sweep
	switch {
	case c.model.TTL == nil || w.retire: // a migration also brings along what has expired
		return nil
	case w.remove && sweep != nil && sweep.all:
		return nil
	}
	d, err := c.decode(w.id, cur)
	if err != nil {
		return err
	}
	if w.remove && sweep != nil && !sweep.due.IsZero() {
		if !expiredAt(c.model.Meta(d.doc), sweep.due) {
			return errNotDue
		}
		return nil
	}
	switch {
	case !c.expired(d.doc):
		return nil
	case w.create == nil:
		return ErrNotFound
	}
	return errExpired
}

// expire deletes an expired document that is in the way of a write, as a sweep does.
// Somebody else may be faster.
func (c *engine) expire(ctx context.Context, id string) error {
	sweep := &sweeper{requests: &c.db.requests, due: c.db.now()}
	_, err := c.write(ctx, &write{op: "delete", id: id, options: writeOptions{sweep: sweep}, remove: true})
	sweep.flush(ctx)
	if errors.Is(err, ErrNotFound) || errors.Is(err, errNotDue) {
		return nil
	}
	return err
}

// SweepOptions are those of [Collection.Sweep].
type SweepOptions struct {
	DryRun bool          // delete nothing, count what is due
	Grace  time.Duration // leave documents that have not been expired for so long, such as clocks may differ
	// Progress is called after each page of at most 1,000 entries, with the report so far.
	Progress func(SweepReport)
}

// SweepReport is what a sweep did.
type SweepReport struct {
	Resource string `json:"resource"`
	Due      int    `json:"due"`     // documents that the expiry index named
	Deleted  int    `json:"deleted"` // in a dry run: that would be
	Kept     int    `json:"kept"`    // that live on, because they were changed
	Gone     int    `json:"gone"`    // that were deleted already, by another sweep perhaps
	Failed   int    `json:"failed"`  // left as they are, and named by the error
}

// Sweep deletes the documents that have expired, each as Delete does: with its entries,
// unique values, content and kept states, and with middleware, hooks and events. Each
// is deleted only in the state in which it was seen to have expired; one whose life was
// prolonged meanwhile stays. Any number of sweeps may run at once, and one that was cut
// off is gone on with by the next. A document that cannot be deleted does not end it:
// the error is a *BulkError that names each. A resource without ttl has nothing due.
//
// It costs 1 LIST for every 1,000 documents that are due, at least one, and what
// DeleteMany costs. While the index is incomplete ([ResourceVersion].Incomplete), it
// reads all documents.
func (c *Collection[T, ID, I, P]) Sweep(ctx context.Context, o SweepOptions) (*SweepReport, error) {
	return c.engine.sweep(ctx, o, c.deleteLater)
}

func (c *engine) sweep(ctx context.Context, o SweepOptions, deleteLater deleteLater) (*SweepReport, error) {
	const op = "sweep"
	report := &SweepReport{Resource: c.model.Resource}
	if c.model.TTL == nil {
		return report, nil
	}
	if o.Grace < 0 {
		return report, c.fail(op, "", configError("Grace is %v: it must not be negative", o.Grace))
	}
	due := c.db.now().Add(-o.Grace)
	ranges, err := c.dueRanges(due)
	if err != nil {
		return report, c.fail(op, "", err)
	}
	sweep := &sweeper{requests: &c.db.requests, due: due}
	bulk := &BulkError{Op: op, Resource: c.model.Resource}
	for items, err := range c.entries(ctx, expiryIndex, ranges, listing{}) {
		if err != nil {
			return report, errors.Join(c.fail(op, "", err), bulk.orNil())
		}
		ids := make([]string, len(items))
		for i, item := range items {
			ids[i] = item.id
		}
		errs := make([]error, len(ids))
		convoy := c.convoy(ctx)
		opts := convoy.options([]WriteOption{sweep.option})
		convoy.parallel(len(ids), c.db.options.concurrency, func(i int) {
			if o.DryRun {
				errs[i] = c.due(ctx, ids[i], due)
			} else {
				errs[i] = deleteLater(ctx, ids[i], opts)
			}
		})
		sweep.flush(ctx)
		if err := ctx.Err(); err != nil {
			return report, c.fail(op, "", err)
		}
		for i, err := range errs {
			report.count(bulk, ids[i], err)
		}
		if o.Progress != nil {
			o.Progress(*report)
		}
	}
	return report, bulk.orNil()
}

// dueRanges are the keys of the entries of documents that have expired at a time.
func (c *engine) dueRanges(due time.Time) ([]keyRange, error) {
	var k KeyBuilder
	k.Time(due)
	fields := []string{expiryPath}
	until, err := newKeyText(&k, fields, 0)
	if err != nil {
		return nil, fmt.Errorf("expiry index: %w", err)
	}
	var step narrowing
	step.bound(until, false)
	return stretches(entryPrefix(c.db.prefix, c.model.Resource, expiryIndex, ""), fields, []narrowing{step}), nil
}

// due tells of a document what deleting it would.
func (c *engine) due(ctx context.Context, id string, at time.Time) error {
	s, err := c.read(ctx, id)
	if err != nil {
		return c.fail("sweep", id, err)
	}
	if !s.live() {
		return ErrNotFound
	}
	d, err := c.decode(id, s)
	if err != nil {
		return c.fail("sweep", id, err)
	}
	if !expiredAt(c.model.Meta(d.doc), at) {
		return errNotDue
	}
	return nil
}

func (r *SweepReport) count(bulk *BulkError, id string, err error) {
	r.Due++
	bulk.Total = r.Due
	_, hook := errors.AsType[*HookError](err)
	switch {
	case err == nil:
		r.Deleted++
	case !hook && errors.Is(err, ErrNotFound):
		r.Gone++
	case !hook && errors.Is(err, errNotDue):
		r.Kept++
	default:
		r.Failed++
		bulk.add(r.Due-1, id, err)
	}
}

// Sweepable is a collection of any resource, for [SweepAll].
type Sweepable interface {
	Sweep(ctx context.Context, o SweepOptions) (*SweepReport, error)
}

// SweepAll sweeps collections one after the other, also when one of them fails. The
// Sweep of a generated client calls it.
func SweepAll(ctx context.Context, o SweepOptions, collections ...Sweepable) ([]SweepReport, error) {
	var reports []SweepReport
	var errs []error
	for _, c := range collections {
		r, err := c.Sweep(ctx, o)
		reports, errs = append(reports, *r), append(errs, err)
	}
	return reports, errors.Join(errs...)
}
