package s3db

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// indexKeys are the places of one document in its resource's indexes: the path
// below each partition and unique constraint, "" where a value is absent.
type indexKeys struct {
	partitions []string
	uniques    []string
}

func (k indexKeys) partition(i int) string { return at(k.partitions, i) }
func (k indexKeys) unique(i int) string    { return at(k.uniques, i) }

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}

func (c *engine) indexKeys(d document) (indexKeys, error) {
	var k indexKeys
	if len(c.model.Partitions)+len(c.model.Uniques) == 0 {
		return k, nil
	}
	k.partitions = make([]string, len(c.model.Partitions))
	k.uniques = make([]string, len(c.model.Uniques))
	var b KeyBuilder
	var err error
	for i := range c.model.Partitions {
		if k.partitions[i], err = c.model.Partitions[i].path(&b, d); err != nil {
			return k, err
		}
	}
	for i := range c.model.Uniques {
		if k.uniques[i], err = c.claimPath(&c.model.Uniques[i], &b, d); err != nil {
			return k, err
		}
	}
	return k, nil
}

// path returns the index's segments for a document, or "" when a value is absent.
func (x *index) path(b *KeyBuilder, d document) (string, error) {
	b.reset()
	x.Key(b, d)
	return b.path(x.fields)
}

// claimPath returns the path of a document's claim under a unique constraint, or
// "" when a value is absent.
func (c *engine) claimPath(x *index, b *KeyBuilder, d document) (string, error) {
	b.reset()
	x.Key(b, d)
	return c.claimOf(&x.indexInfo, b)
}

// claimOf returns the path of the claim of the values in b.
func (c *engine) claimOf(x *indexInfo, b *KeyBuilder) (string, error) {
	return c.db.claimPath(c.model.Resource, x.name, x.fields, x.hashed, b)
}

// indexChanges is what an attempt does to partitions and claims.
type indexChanges struct {
	put     []objectPut  // entries, and objects of plugins, that must exist before the commit
	stale   []string     // keys of entries to remove after it
	claim   []claimWant  // claims to hold before the commit
	release []heldByPast // claims to give back after it
}

type claimWant struct {
	name  string // of the unique constraint
	field string // for errors
	index int    // in Model.Uniques
	key   string
	path  string
}

type heldByPast struct {
	key string
	ref claimRef
}

// indexChanges compares two states of a document. What stays keeps the token
// under which it was made; rec learns the tokens of all entries.
//
// When a program that does not have an index as this one has it was the last to
// write the document, the document's token in that index says nothing: its values
// may have changed since. The entry is made anew then, and the claim taken anew.
func (c *engine) indexChanges(w *write, old, rec *record, before, after indexKeys, held heldClaims) indexChanges {
	var ch indexChanges
	id, mine := w.id, token(rec.rev)
	if old != nil && !rec.tombstone() && !w.retire {
		c.keepUnknown(old, rec)
	}
	for i := range c.model.Partitions {
		name := c.model.Partitions[i].name
		from, to := before.partition(i), after.partition(i)
		had := ""
		if old != nil && from != "" {
			had = old.entries[name]
		}
		if had != "" && from == to && w.view.trusts(old.version, partitionName(name)) {
			rec.setEntry(name, had)
			continue
		}
		if to != "" {
			rec.setEntry(name, mine)
			ch.put = append(ch.put, objectPut{key: entryKey(c.db.prefix, c.model.Resource, name, to, id, mine)})
		}
		if had != "" {
			ch.stale = append(ch.stale, entryKey(c.db.prefix, c.model.Resource, name, from, id, had))
		}
	}
	for i := range c.model.Uniques {
		name := c.model.Uniques[i].name
		from, to := before.unique(i), after.unique(i)
		var had claimRef
		if old != nil && from != "" && w.view.trusts(old.version, uniqueName(name)) {
			had = old.claims[name]
		}
		want := claimWant{name: name, field: fieldList(c.model.Uniques[i].fields), index: i, path: to}
		if to != "" {
			want.key = claimKey(c.db.prefix, c.model.Resource, name, to)
		}
		// A claim that an earlier attempt of this write took over from the document's
		// last writer is no longer the one that the document names.
		if had.token != "" && from == to && held[want.key].etag == "" {
			rec.setClaim(name, had)
			continue
		}
		if to != "" {
			ch.claim = append(ch.claim, want)
		}
		if had.token != "" && from != to {
			ch.release = append(ch.release, heldByPast{key: claimKey(c.db.prefix, c.model.Resource, name, from), ref: had})
		}
	}
	return ch
}

// keepUnknown keeps the tokens in indexes that only programs of other versions
// have, so that what they made is not taken for left over.
func (c *engine) keepUnknown(old, rec *record) {
	for name, token := range old.entries {
		if !slices.ContainsFunc(c.model.Partitions, func(x index) bool { return x.name == name }) {
			rec.setEntry(name, token)
		}
	}
	for name, ref := range old.claims {
		if !slices.ContainsFunc(c.model.Uniques, func(x index) bool { return x.name == name }) {
			rec.setClaim(name, ref)
		}
	}
}

func (r *record) setEntry(partition, token string) {
	if r.entries == nil {
		r.entries = map[string]string{}
	}
	r.entries[partition] = token
}

func (r *record) setClaim(name string, ref claimRef) {
	if r.claims == nil {
		r.claims = map[string]claimRef{}
	}
	r.claims[name] = ref
}

// putIndexes writes the entries and takes the claims of an attempt, all at once.
// After an error nothing but entries and held claims is left behind.
func (c *engine) putIndexes(ctx context.Context, id string, a *attempt, held heldClaims) error {
	entries, claims := a.changes.put, a.changes.claim
	total := len(entries) + len(claims)
	if total == 0 {
		return nil
	}
	// Entries are not cancelled: one that arrives after its removal would be left.
	claiming, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	parallel(total, max(total, 1), func(i int) {
		var err error
		if i < len(entries) {
			err = c.db.requests.putUnique(ctx, entries[i].key, entries[i].body, entries[i].metadata)
		} else {
			want := claims[i-len(entries)]
			mu.Lock()
			prior := held[want.key]
			mu.Unlock()
			var got heldClaim
			got, err = c.acquire(claiming, id, token(a.rec.rev), want, prior)
			mu.Lock()
			if got.etag != "" {
				held[want.key] = got
			}
			if err == nil {
				a.rec.setClaim(want.name, claimRef{token: got.token, etag: got.etag})
				if got.inherited {
					// The other write must not commit once this document, and with it the
					// claim, is gone again: as after a fence, see vanishes.
					a.rec.fence = token(a.rec.rev)
				}
			}
			mu.Unlock()
		}
		if err != nil {
			cancel(err)
		}
	})
	if err := context.Cause(claiming); err != nil {
		return err
	}
	return nil
}

// drop removes what an attempt that cannot commit any more has put. Failing
// leaves entries that no document names: readers drop them.
func (c *engine) drop(ctx context.Context, a *attempt) {
	keys := make([]string, len(a.changes.put))
	for i, x := range a.changes.put {
		keys[i] = x.key
	}
	if err := c.db.requests.remove(ctx, keys); err != nil && a.pending != nil {
		a.pending.left = true
	}
	a.settled(ctx, OutcomeRefused)
}

// removeStale removes what the document has left behind by a commit.
func (c *engine) removeStale(ctx context.Context, a *attempt, held heldClaims) {
	for _, want := range a.changes.claim {
		delete(held, want.key) // the document holds it now
	}
	jobs := make([]func(), 0, 1+len(a.changes.release)+len(held))
	switch {
	case len(a.changes.stale) == 0:
	case a.sweep != nil:
		a.sweep.add(ctx, a.changes.stale)
	default:
		jobs = append(jobs, func() { _ = c.db.requests.remove(ctx, a.changes.stale) })
	}
	for _, r := range a.changes.release {
		jobs = append(jobs, func() { c.db.release(ctx, r.key, r.ref.etag) })
	}
	jobs = append(jobs, func() { c.releaseHeld(ctx, held) }) // of earlier attempts that wanted other values
	parallel(len(jobs), len(jobs), func(i int) { jobs[i]() })
}

// errUnique is the error of a value that another document holds.
func errUnique(want claimWant) error {
	return &attributeError{path: want.field, err: ErrUnique}
}

var errClaimLost = errors.New("claims keep changing hands")
