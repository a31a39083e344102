package s3db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// write is one logical write of one document: what the caller asked for, before
// any state of the document is known. The functions may be called once for each
// attempt.
type write struct {
	op      string
	id      string
	options writeOptions

	blind bool   // begin as if the document were absent, without a read
	known *state // begin with this state, without a read

	view   *resourceView // what the registry says at this attempt
	retire bool          // drop entries and claims that only older versions have
	drop   []int         // numbers of fields to drop that the program does not have

	create func(v *Validator, d document)                                    // the document is absent; nil: ErrNotFound
	change func(v *Validator, old document, s state) (d document, err error) // it is there; nil: ErrAlreadyExists
	remove bool                                                              // delete it

	content *contentChange // nil: the document keeps the content that it has
	unknown bool           // after an error: a commit may still arrive
	began   time.Time      // zero when nobody subscribed
}

// attempt is one try of a write against one state of the document.
type attempt struct {
	base    state
	old     document // the document before; of an update only if somebody wants to see it
	rec     *record  // what is committed; a tombstone for a delete
	doc     document // nil for a delete
	changes indexChanges
	exceeds *Oversize
	sweep   *sweeper      // removes stale entries later; nil: at once
	pending *PendingWrite // as observers were told
	started time.Time     // of the attempt's first request that changes something
	etag    string        // of the document that was committed; "" when it is not known
}

// maxAttempt bounds the time from an attempt's first put to its commit. Leftovers
// that are an hour old by the server's clock can then be nobody's work in
// progress, see docs/protocol.md.
const maxAttempt = 5 * time.Minute

// write runs attempts until one commits, the document's state makes the write
// impossible, or the policy is used up.
func (c *engine) write(ctx context.Context, w *write) (document, error) {
	key, err := c.key(w.id)
	if err != nil {
		return nil, c.fail(w.op, w.id, err)
	}
	held := heldClaims{}
	w.began = c.started()
	a, err := c.attempts(ctx, w, key, held)
	if err != nil {
		c.releaseHeld(ctx, held)
		return nil, c.fail(w.op, w.id, err)
	}
	c.committed(ctx, w, a)
	if err := c.afterWrite(ctx, a); err != nil {
		return a.doc, c.fail(w.op, w.id, err)
	}
	return a.doc, nil
}

// attempts returns the attempt that committed.
func (c *engine) attempts(ctx context.Context, w *write, key string, held heldClaims) (*attempt, error) {
	policy := c.db.requests.policy
	var cur state
	trusting := true                   // of what other writers hand on
	fresh := w.blind || w.known != nil // cur needs no read
	if w.known != nil {
		cur = *w.known
	}
	for n := 0; ; n++ {
		done, waited, last := c.turn(ctx, w.id, n)
		if n > 0 && waited {
			fresh = false // the state is older than the wait
		}
		handed := !fresh && trusting && last != nil
		switch {
		case handed:
			cur = *last
		case !fresh:
			var err error
			if cur, err = c.db.readState(ctx, key); err != nil {
				done(nil)
				return nil, err
			}
		}
		a, err := c.prepare(ctx, w, cur, held)
		if errors.Is(err, errExpired) {
			done(nil)
			if err := c.expire(ctx, w.id); err != nil {
				return nil, err
			}
			fresh = false
			continue
		}
		if err != nil && (handed || fresh && w.known != nil && n == 0 && errors.Is(err, ErrConflict)) {
			// What the caller holds is not the revision it names, or what another writer
			// has left is not what it can work on: look.
			done(nil)
			fresh, trusting = false, false
			continue
		}
		if err != nil {
			done(nil)
			return nil, err
		}
		committed, seen, err := c.try(ctx, w, key, a, held)
		done(a.result())
		if err != nil {
			return nil, err
		}
		if committed {
			c.removeStale(ctx, a, held)
			return a, nil
		}
		if n+1 >= policy.Conflicts {
			return nil, fmt.Errorf("%w: other writers changed the document %d times meanwhile", ErrConflict, n+1)
		}
		cur, fresh = seen, true
		if n > 0 {
			fresh = false // the state will be older than this pause
			if err := policy.wait(ctx, min(n-1, 3)); err != nil {
				return nil, err
			}
		}
	}
}

// result is the state that the attempt has made of the document; nil when it has
// not, or when that is not known exactly.
func (a *attempt) result() *state {
	if a.etag == "" {
		return nil
	}
	return &state{record: a.rec, etag: a.etag}
}

// turn waits for the turn among colliding writers of this process, if there are
// any.
func (c *engine) turn(ctx context.Context, id string, n int) (done func(*state), waited bool, last *state) {
	if n == 0 && !c.turns.busy(id) {
		return func(*state) {}, false, nil
	}
	policy := c.db.requests.policy
	return c.turns.take(ctx, id, min(policy.Cap, policy.Base<<min(n+3, 10)))
}

// prepare decides what an attempt would commit on top of a state. It sends
// nothing, but that it reads the registry when that was long ago.
func (c *engine) prepare(ctx context.Context, w *write, cur state, held heldClaims) (*attempt, error) {
	var err error
	if w.view, err = c.db.current(ctx, c.model.Resource); err != nil {
		return nil, err
	}
	if err := c.writable(w.view, cur); err != nil {
		return nil, err
	}
	if w.options.ifMatch != "" && cur.live() && cur.revision() != w.options.ifMatch {
		return nil, fmt.Errorf("%w: the document is no longer at the revision given", ErrConflict)
	}
	if cur.live() {
		if err := c.checkExpiry(w, cur); err != nil {
			return nil, err
		}
	}
	if !cur.live() {
		if w.create == nil {
			return nil, ErrNotFound
		}
		if w.options.ifMatch != "" {
			return nil, fmt.Errorf("%w: the document does not exist", ErrConflict)
		}
		v := c.validator()
		d := c.model.make()
		w.create(v, d)
		c.model.setID(d, w.id)
		if err := c.beforeInsert(ctx, d); err != nil {
			return nil, err
		}
		return c.seal(w, v, cur, indexKeys{}, decoded{doc: d}, held)
	}
	if w.remove {
		return c.prepareDelete(ctx, w, cur, held)
	}
	if w.change == nil {
		return nil, ErrAlreadyExists
	}
	old, err := c.decode(w.id, cur)
	if err != nil {
		return nil, err
	}
	before, err := c.indexKeys(old.doc)
	if err != nil {
		return nil, err
	}
	var image decoded // old.doc is about to change
	if !c.hooks.empty() || !w.began.IsZero() || c.db.watched() {
		if image, err = c.decode(w.id, cur); err != nil {
			return nil, err
		}
	}
	v := c.validator()
	d, err := w.change(v, old.doc, cur)
	if err != nil {
		return nil, err
	}
	c.model.setID(d, w.id)
	if !w.retire {
		if err := c.beforeUpdate(ctx, image.doc, d); err != nil {
			return nil, err
		}
	}
	old.unknown.fields = slices.DeleteFunc(old.unknown.fields, func(f field) bool { return slices.Contains(w.drop, f.number) })
	a, err := c.seal(w, v, cur, before, decoded{doc: d, unknown: old.unknown}, held)
	if a != nil {
		a.old = image.doc
		c.keepState(w, cur, a)
	}
	return a, err
}

func (c *engine) validator() *Validator { return newValidator(c.db.options.password) }

// seal validates and encodes the document and names what the attempt will write.
func (c *engine) seal(w *write, v *Validator, cur state, before indexKeys, d decoded, held heldClaims) (*attempt, error) {
	c.model.Validate(v, d.doc)
	if err := v.Err(); err != nil {
		return nil, err
	}
	rec, err := c.nextRecord(cur, w.options)
	if err != nil {
		return nil, err
	}
	rec.least = max(rec.least, c.least(w.view))
	c.describe(d.doc, w.id, state{record: rec}) // indexes may be over system fields
	a := &attempt{base: cur, rec: rec, doc: d.doc}
	if a.exceeds, err = c.fit(w, rec, d); err != nil {
		return nil, err
	}
	after, err := c.indexKeys(d.doc)
	if err != nil {
		return nil, err
	}
	a.changes = c.indexChanges(w, cur.record, rec, before, after, held)
	c.changeContent(w, cur, a)
	return a, nil
}

// nextRecord returns the record that follows a state, without attributes yet.
func (c *engine) nextRecord(cur state, o writeOptions) (*record, error) {
	rev, err := newRevision()
	if err != nil {
		return nil, err
	}
	now := c.db.now()
	rec := &record{format: recordFormat, version: c.version, rev: rev, created: now, updated: now}
	if cur.record != nil {
		rec.follow(cur.record)
		if cur.live() {
			rec.created = cur.record.created
			if o.keepUpdated {
				rec.updated = cur.record.updated
			}
		}
	}
	if !o.created.IsZero() {
		rec.created = o.created.UTC()
	}
	if !o.updated.IsZero() {
		rec.updated = o.updated.UTC()
	}
	return rec, nil
}

// prepareDelete names the entries and claims that go with the document.
func (c *engine) prepareDelete(ctx context.Context, w *write, cur state, held heldClaims) (*attempt, error) {
	old, err := c.decode(w.id, cur)
	if err != nil {
		return nil, err
	}
	before, err := c.indexKeys(old.doc)
	if err != nil {
		return nil, err
	}
	if err := c.beforeDelete(ctx, old.doc); err != nil {
		return nil, err
	}
	rec, err := c.nextRecord(cur, w.options)
	if err != nil {
		return nil, err
	}
	rec.bury()
	a := &attempt{base: cur, old: old.doc, rec: rec, sweep: w.options.sweep}
	a.changes = c.indexChanges(w, cur.record, rec, before, indexKeys{}, held)
	c.dropContent(w.id, cur, a)
	c.dropHistory(w.id, cur, a)
	return a, nil
}

// try sends an attempt. It reports whether the attempt committed; if not, and
// there is no error, seen is the newer state of the document that prevents it.
func (c *engine) try(ctx context.Context, w *write, key string, a *attempt, held heldClaims) (committed bool, seen state, err error) {
	a.started = time.Now() // a group may put objects of this attempt before it comes back
	if err := c.announce(ctx, w, a); err != nil {
		return false, state{}, err
	}
	if err := c.putIndexes(ctx, w.id, a, held); err != nil {
		// The commit was never sent, so these entries are nobody's.
		c.drop(ctx, a)
		return false, state{}, err
	}
	if time.Since(a.started) > maxAttempt {
		c.drop(ctx, a)
		seen, err := c.db.readState(ctx, key)
		return false, seen, err
	}
	if w.content.late() {
		c.drop(ctx, a)
		return false, state{}, errLateContent
	}
	outcome, seen, err := c.commit(ctx, w, key, a)
	switch outcome {
	case outcomeCommitted:
		a.settled(ctx, OutcomeCommitted)
		return true, state{}, nil
	case outcomeRefused:
		// The document was seen in a state that makes this commit impossible.
		c.drop(ctx, a)
		return false, seen, nil
	case outcomeFailed:
		c.drop(ctx, a)
	case outcomeUnknown:
		// The commit may still arrive: what belongs to it has to stay.
		held.forget(a.changes.claim)
		w.unknown = true
		a.settled(ctx, OutcomeUnknown)
	}
	return false, state{}, err
}
