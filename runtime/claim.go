package s3db

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// A claim is the object whose name is a unique value. It says which document
// may hold the value; the document names the claim in turn, so that a claim that
// a crash left behind is known for what it is. The protocol is in docs/protocol.md.
type claim struct {
	ID    string `json:"id"`    // of the owner; "" when released
	Token string `json:"token"` // of the attempt that wrote the claim
}

// heldClaims are the claims that a write took and no document names yet.
type heldClaims map[string]heldClaim

type heldClaim struct {
	token string
	etag  string
	// inherited: it was written over a claim that another write had taken for the
	// same document. That write may still commit and count on it, so giving it back
	// is not ours to do.
	inherited bool
}

// forget gives up the claims of an attempt whose outcome is unknown: they belong
// to the document if the commit arrives after all.
func (h heldClaims) forget(wants []claimWant) {
	for _, want := range wants {
		delete(h, want.key)
	}
}

// acquire takes a claim for a document. A claim that this write took for an
// earlier attempt (prior) is written anew, since somebody may have read it before
// the document was read again. Someone else's claim is taken only after its owner
// was fenced, so that an owner that is slow cannot commit any more.
func (c *engine) acquire(ctx context.Context, id, token string, want claimWant, prior heldClaim) (heldClaim, error) {
	body, err := json.Marshal(claim{ID: id, Token: token})
	if err != nil {
		return heldClaim{}, err
	}
	mine := heldClaim{token: token, inherited: prior.inherited}
	cond := IfAbsent()
	if prior.etag != "" {
		cond = IfMatchETag(prior.etag)
	}
	policy := c.db.requests.policy
	look := contender{}
	for n := range policy.Conflicts {
		if !look.waiting {
			var err error
			mine.etag, _, err = c.db.requests.putIf(ctx, want.key, body, nil, cond)
			if err == nil {
				return mine, nil
			}
			if !errors.Is(err, ErrPrecondition) {
				return heldClaim{}, err
			}
		}
		if n > 0 {
			if err := policy.wait(ctx, min(n-1, 4)); err != nil {
				return heldClaim{}, err
			}
		}
		obj, err := c.db.requests.get(ctx, want.key)
		if errors.Is(err, ErrNotFound) {
			cond, look = IfAbsent(), contender{}
			mine.inherited = false
			continue
		}
		if err != nil {
			return heldClaim{}, err
		}
		cur, err := parseClaim(obj.Body)
		if err != nil {
			return heldClaim{}, err
		}
		if cur.ID == id && cur.Token == token {
			mine.etag = obj.ETag // our own write, whose reply was lost
			return mine, nil
		}
		cond = IfMatchETag(obj.ETag)
		mine.inherited = cur.ID == id && (cur.Token != prior.token || prior.inherited)
		if cur.ID == "" || cur.ID == id {
			look = contender{}
			continue
		}
		owner, err := c.owner(ctx, cur.ID, want)
		if err != nil {
			return heldClaim{}, err
		}
		if look.see(obj.ETag) {
			continue
		}
		fenced, err := c.fence(ctx, owner)
		if err != nil {
			return heldClaim{}, err
		}
		look.waiting = !fenced // if it moved, look at everything again
	}
	return heldClaim{}, fmt.Errorf("%w: %w", ErrConflict, errClaimLost)
}

// contender is how long another writer's claim has been watched. Fencing is safe
// at once, but a writer between its claim and its commit is common, and would have
// to begin again: so it gets a few looks' time.
type contender struct {
	etag    string
	looks   int
	waiting bool
}

// see reports whether to look again before fencing the owner.
func (x *contender) see(etag string) bool {
	const patience = 3
	if x.etag != etag {
		*x = contender{etag: etag}
	}
	x.looks++
	x.waiting = x.looks <= patience
	return x.waiting
}

func parseClaim(body []byte) (claim, error) {
	var cur claim
	if err := json.Unmarshal(body, &cur); err != nil {
		return cur, fmt.Errorf("%w: claim of a unique value: %w", ErrCorrupt, err)
	}
	return cur, nil
}

// ownerState is the document of a claim's owner, which does not hold the value.
type ownerState struct {
	key   string
	state state
}

// owner reads the document of a claim's owner: ErrUnique when it holds the value.
func (c *engine) owner(ctx context.Context, id string, want claimWant) (ownerState, error) {
	key, err := c.key(id)
	if err != nil {
		return ownerState{}, err
	}
	s, err := c.db.readState(ctx, key)
	if err != nil {
		return ownerState{}, err
	}
	if s.live() {
		d, err := c.decode(id, s)
		if err != nil {
			return ownerState{}, err
		}
		var b KeyBuilder
		path, err := c.claimPath(&c.model.Uniques[want.index], &b, d.doc)
		if err != nil {
			return ownerState{}, err
		}
		switch {
		case path != want.path:
		case !c.expired(d.doc):
			return ownerState{}, errUnique(want)
		default:
			if err := c.expire(ctx, id); err != nil {
				return ownerState{}, err
			}
			return c.owner(ctx, id, want)
		}
	}
	return ownerState{key: key, state: s}, nil
}

// fence makes sure that the owner of a claim cannot commit on the state it has
// read, by changing its document. It reports false when the document changed
// meanwhile.
func (c *engine) fence(ctx context.Context, owner ownerState) (bool, error) {
	fenced, err := c.fencedRecord(owner.state)
	if err != nil {
		return false, err
	}
	body, metadata := fenced.object()
	_, _, err = c.db.requests.putIf(ctx, owner.key, body, metadata, owner.state.condition())
	if errors.Is(err, ErrPrecondition) {
		// Perhaps this very fence with its reply lost: fencing again is harmless.
		return false, nil
	}
	return err == nil, err
}

// fencedRecord is the document with another body and nothing else changed; in
// place of an absent one it is a tombstone.
func (c *engine) fencedRecord(s state) (*record, error) {
	mark, err := newRevision()
	if err != nil {
		return nil, err
	}
	var r *record
	if s.record != nil {
		r = s.record.clone()
	} else {
		if r, err = c.nextRecord(s, writeOptions{}); err != nil {
			return nil, err
		}
		r.bury()
	}
	r.fence = token(mark)
	return r, nil
}

// clone copies the record; what the copies share is never changed.
func (r *record) clone() *record {
	copied := *r
	return &copied
}

// release gives a claim back, if it is still the one with this ETag. Failing
// leaves a claim that no document names: the next one who wants it fences.
func (db *Database) release(ctx context.Context, key, etag string) {
	if db.caps.ConditionalDelete {
		_, _ = db.requests.deleteIf(ctx, key, IfMatchETag(etag))
		return
	}
	mark, err := newRevision()
	if err != nil {
		return
	}
	body, err := json.Marshal(claim{Token: token(mark)})
	if err != nil {
		return
	}
	_, _, _ = db.requests.putIf(ctx, key, body, nil, IfMatchETag(etag))
}

// releaseHeld gives back what a failed write took.
func (c *engine) releaseHeld(ctx context.Context, held heldClaims) {
	for key, h := range held {
		if !h.inherited {
			c.db.release(ctx, key, h.etag)
		}
	}
}

func fieldList(fields []string) string { return strings.Join(fields, "+") }
