package s3db

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// outcome is what is known of a commit.
type outcome int

const (
	outcomeCommitted outcome = iota
	outcomeRefused           // another writer was first; the newer state was read
	outcomeFailed            // not applied, and never will be
	outcomeUnknown           // may have been applied, or may be later
)

// commit sends the one request that makes the attempt happen, and finds out by
// reading whatever the replies leave open.
func (c *engine) commit(ctx context.Context, w *write, key string, a *attempt) (outcome, state, error) {
	etag, maybe, err := c.sendCommit(ctx, key, a)
	if err == nil {
		c.settle(w.id, a, etag)
		return outcomeCommitted, state{}, nil
	}
	refused := errors.Is(err, ErrPrecondition)
	if !refused && !maybe {
		return outcomeFailed, state{}, err
	}
	seen, readErr := c.db.readState(ctx, key)
	if readErr != nil {
		if refused && !maybe {
			if a.base.record == nil {
				// What refused an insert may be an old tombstone: see fleeting.
				return outcomeUnknown, state{}, readErr
			}
			return outcomeFailed, state{}, readErr
		}
		return outcomeUnknown, state{}, errors.Join(unknownOutcome(err), readErr)
	}
	if a.fleeting(seen) {
		held, now, holdErr := c.hold(ctx, key, seen)
		if holdErr != nil || a.fleeting(now) {
			return outcomeUnknown, state{}, unknownOutcome(errors.Join(ErrConflict, holdErr))
		}
		// If the tombstone was gone, a duplicate of the commit may have been applied.
		seen, maybe = now, maybe || !held
	}
	if seen.record == nil && a.base.record == nil && !c.db.caps.Local {
		maybe = true // likewise: what refused it was removed before it was read
	}
	if !maybe {
		return outcomeRefused, seen, nil
	}
	switch a.fate(seen) {
	case fateApplied:
		etag := ""
		if seen.record != nil && seen.record.rev == a.rec.rev {
			etag = seen.etag
		}
		c.settle(w.id, a, etag)
		return outcomeCommitted, state{}, nil
	case fateImpossible:
		return outcomeRefused, seen, nil
	case fatePending:
		if seen.record != nil && (refused || seen.etag != a.base.etag) {
			// Fenced: the revision stands, but no request on the old ETag can win.
			return outcomeRefused, seen, nil
		}
	}
	return outcomeUnknown, state{}, unknownOutcome(err)
}

// fleeting reports whether a state that rules the attempt out may not last. A
// tombstone rules out a write on the condition that there is no object, but only
// until it is removed, and a request of the attempt may still be under way then.
func (a *attempt) fleeting(seen state) bool {
	return a.base.record == nil && seen.record != nil && !seen.live() && seen.aged
}

// hold writes a tombstone anew, so that it stays for another hour, and reads what
// is there then. It reports false when something else had taken its place.
func (c *engine) hold(ctx context.Context, key string, seen state) (bool, state, error) {
	held, err := c.fence(ctx, ownerState{key: key, state: seen})
	if err != nil {
		return false, state{}, err
	}
	seen, err = c.db.readState(ctx, key)
	return held, seen, err
}

func unknownOutcome(err error) error {
	if errors.Is(err, ErrPrecondition) {
		err = ErrConflict // the store's word means nothing to a caller
	}
	return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
}

func (c *engine) sendCommit(ctx context.Context, key string, a *attempt) (etag string, maybe bool, err error) {
	cond := a.base.condition()
	if a.doc == nil && c.vanishes(a.base) {
		maybe, err = c.db.requests.deleteIf(ctx, key, cond)
		return "", maybe, err
	}
	body, metadata := a.rec.object()
	return c.db.requests.putIf(ctx, key, body, metadata, cond)
}

// vanishes reports whether a delete may leave nothing behind. Otherwise a
// tombstone takes the place of the document, because an id that is absent, taken
// and absent again defeats the condition "there is no such document": an insert
// that is still under way in the network, or that began before its document was
// fenced, would commit although its entries and claims are gone.
func (c *engine) vanishes(s state) bool {
	return c.db.caps.Local && c.db.caps.ConditionalDelete && s.record.fence == ""
}

// settle completes the document that the caller gets.
func (c *engine) settle(id string, a *attempt, etag string) {
	if a.doc != nil {
		a.etag = etag
		c.describe(a.doc, id, state{record: a.rec, etag: etag})
	}
}

// fate is what a state of the document says about an attempt whose reply was
// lost.
type fate int

const (
	fateApplied    fate = iota // it is this state, or an ancestor of it
	fateImpossible             // another write took its base
	fatePending                // its base still stands
	fateUnknown                // the history does not reach back far enough
)

// fate looks for the attempt in the history of revisions that each document
// keeps. Without that history a write that was applied and then overwritten by
// others would look refused, and be applied twice.
func (a *attempt) fate(seen state) fate {
	if seen.record == nil {
		switch {
		case a.doc == nil:
			return fateApplied // a delete: there is nothing left
		case a.base.record == nil:
			return fatePending
		default:
			return fateUnknown
		}
	}
	if seen.record.rev == a.rec.rev {
		return fateApplied
	}
	if a.base.record != nil && seen.record.rev == a.base.record.rev {
		return fatePending
	}
	chain := seen.record.past
	switch {
	case contains(chain, token(a.rec.rev)):
		return fateApplied
	case a.base.record != nil && contains(chain, token(a.base.record.rev)),
		a.base.record == nil && !full(chain):
		return fateImpossible
	}
	return fateUnknown
}

// token is the part of a revision that names it in keys and histories.
func token(rev string) string { return rev[:tokenSize] }

// pastSize is the number of earlier revisions that a document remembers.
const pastSize = 16

func full(chain string) bool { return len(chain) >= pastSize*tokenSize }

func contains(chain, token string) bool {
	for ; len(chain) >= tokenSize; chain = chain[tokenSize:] {
		if strings.HasPrefix(chain, token) {
			return true
		}
	}
	return false
}

// follow makes r the successor of old: it remembers its revisions and that it was
// fenced, and keeps what this program does not understand but has to preserve.
func (r *record) follow(old *record) {
	past := token(old.rev) + old.past
	r.past = past[:min(len(past), pastSize*tokenSize)]
	r.flags = strings.ReplaceAll(old.flags, flagTombstone, "")
	r.fence, r.extra, r.headers = old.fence, old.extra, old.headers
	r.least = old.least
	r.content, r.history = old.content, old.history
}

// bury makes r a tombstone, which reads as an absent document.
func (r *record) bury() {
	r.flags = flagTombstone + r.flags
	r.content, r.history, r.least = nil, nil, 0
}

func (r *record) tombstone() bool { return strings.Contains(r.flags, flagTombstone) }

// flagTombstone marks a deleted document. It is critical: a program that does
// not know it must not take the object for a document.
const flagTombstone = "D"
