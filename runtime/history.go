package s3db

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// A program whose resource has the option history keeps what a document was before
// the first write under a newer version. The copy is an object of its own, under a
// name that is used once: it is there before the write commits, and the document
// names it from then on, like an entry (docs/protocol.md).

// keepState lets an attempt that brings a document of an older version up to date
// keep the state before it, in place of one that it has of that version.
func (c *engine) keepState(w *write, cur state, a *attempt) {
	version := cur.record.version
	if !c.model.History || version == c.version || w.view.newer(version) {
		return
	}
	kept := cur.record.clone()
	kept.entries, kept.claims, kept.content, kept.history = nil, nil, nil, nil
	body, metadata := kept.object()
	mine := token(a.rec.rev)
	a.changes.put = append(a.changes.put, objectPut{key: historyKey(c.db.prefix, c.model.Resource, w.id, mine), body: body, metadata: metadata})
	if old, ok := a.rec.history[version]; ok {
		a.changes.stale = append(a.changes.stale, historyKey(c.db.prefix, c.model.Resource, w.id, old))
	}
	a.rec.history = maps.Clone(a.rec.history)
	if a.rec.history == nil {
		a.rec.history = map[int]string{}
	}
	a.rec.history[version] = mine
}

// dropHistory lets the delete of a document remove the states that were kept.
func (c *engine) dropHistory(id string, cur state, a *attempt) {
	if len(cur.record.history) == 0 {
		return // nearly always
	}
	for _, version := range sortedKeys(cur.record.history) {
		a.changes.stale = append(a.changes.stale, historyKey(c.db.prefix, c.model.Resource, id, cur.record.history[version]))
	}
}

// History returns what a document was last under each older version of the schema,
// the newest of these first, as Get would have returned it then in this program;
// Meta.StoredVersion tells the version. It is empty for a document that no older
// version wrote, or that was brought up to date while the resource did not have the
// option history. Deleting the document deletes its history. Middleware and hooks
// do not see the call. Errors: ErrNotFound.
//
// It costs 1 request, and 1 more for each version.
func (c *Collection[T, ID, I, P]) History(ctx context.Context, id ID) ([]*T, error) {
	return c.history(ctx, string(id), nil)
}

// HistoryWith is History without bringing anything up to date: decode gets the
// fields as the version stored them. It is for programs without generated code.
func (c *Collection[T, ID, I, P]) HistoryWith(ctx context.Context, id ID, decode func(r *Decoder, d *T, version int) error) ([]*T, error) {
	return c.history(ctx, string(id), func(r *Decoder, d document, version int) error { return decode(r, of[T](d), version) })
}

func (c *Collection[T, ID, I, P]) history(ctx context.Context, id string, decode func(*Decoder, document, int) error) ([]*T, error) {
	list, err := c.engine.history(ctx, id, decode)
	if err != nil {
		return nil, c.engine.fail("history", id, err)
	}
	typed := make([]*T, len(list))
	for i, d := range list {
		typed[i] = of[T](d)
	}
	return typed, nil
}

// history returns the states that were kept of a document. decode stands in the
// place of the model's; nil for that one.
func (c *engine) history(ctx context.Context, id string, decode func(*Decoder, document, int) error) ([]document, error) {
	policy := c.db.requests.policy
	for n := 0; ; n++ {
		s, err := c.readPresent(ctx, id)
		if err != nil {
			return nil, err
		}
		if !s.live() {
			return nil, ErrNotFound
		}
		versions := sortedKeys(s.record.history)
		slices.Reverse(versions)
		list, errs := make([]document, len(versions)), make([]error, len(versions))
		parallel(len(versions), c.db.options.concurrency, func(i int) {
			list[i], errs[i] = c.keptState(ctx, id, versions[i], s.record.history[versions[i]], decode)
		})
		err = errors.Join(errs...)
		if !errors.Is(err, ErrNotFound) || n+1 >= policy.Conflicts {
			return list, err
		}
		// The document may have got another state in the place of this one.
		if err := policy.wait(ctx, min(n, 3)); err != nil {
			return nil, err
		}
	}
}

func (c *engine) keptState(ctx context.Context, id string, version int, token string, decode func(*Decoder, document, int) error) (document, error) {
	kept, err := c.db.readState(ctx, historyKey(c.db.prefix, c.model.Resource, id, token))
	switch {
	case err != nil:
		return nil, err
	case kept.record == nil:
		return nil, fmt.Errorf("%w: the state of version %d is gone", ErrNotFound, version)
	}
	kept.etag = "" // it is not the state that an update may begin with
	if decode == nil {
		d, err := c.decode(id, kept)
		return d.doc, err
	}
	return c.decodeWith(id, kept, decode)
}

// decodeWith makes a document of a state without bringing it up to date: decode stands in
// the place of the model's.
func (c *engine) decodeWith(id string, s state, decode func(r *Decoder, d document, version int) error) (document, error) {
	d := c.model.make()
	r := c.codecs.decoder(s.record, c.sealer(id))
	defer c.codecs.decoders.Put(r)
	if err := decode(r, d, s.record.version); err != nil {
		return nil, err
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	c.describe(d, id, s)
	return d, nil
}

// checkHistory finds kept states that no document names, and documents whose kept
// states are not there.
func (f *fsck) checkHistory(ctx context.Context) error {
	seen := map[string]bool{} // by token and id
	has := func(history map[int]string, token string) bool {
		return slices.Contains(slices.Collect(maps.Values(history)), token)
	}
	err := f.checkNamed(ctx, historyPrefix(f.db.prefix, f.resource), namedObjects{
		kind: LeftHistory,
		what: "a kept state",
		note: func(_ ListItem, id, token string) {
			f.report.History++
			seen[token+"/"+id] = true
		},
		names: func(o owner, _ ListItem, token string) bool { return has(o.history, token) },
		old:   f.old,
	})
	if err != nil {
		return err
	}
	for id, o := range f.owners {
		for version, token := range o.history {
			if seen[token+"/"+id] {
				continue
			}
			key := dataKey(f.db.prefix, f.resource, id)
			s, err := f.db.readState(ctx, key)
			if err != nil {
				return err
			}
			if s.live() && has(s.record.history, token) {
				f.find(Finding{Kind: MissingHistory, Key: key, ID: id, Detail: fmt.Sprintf("the kept state of version %d is not there", version)})
			}
		}
	}
	return nil
}

// parseHistory reads the tokens of kept states.
func (r *record) parseHistory(p *jsonParser) error {
	r.history = map[int]string{}
	return p.object(func(name string) error {
		version, ok := 0, true
		if name != "0" {
			version, ok = fieldNumber(name)
		}
		if !ok {
			return errors.New("not a version")
		}
		if _, twice := r.history[version]; twice {
			return errTwice
		}
		token, err := p.token(1, maxToken)
		r.history[version] = token
		return err
	})
}
