package fulltext

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// batchSize is the number of documents that are taken into segments at once, and
// are in memory until then.
const batchSize = 1000

// growth is how many times larger than all smaller segments together a segment is,
// at least. A larger one makes fewer segments, which are written more often.
const growth = 4

// attempts bounds how often one step begins again because others were faster.
const attempts = 10

// alone runs f while nothing else in this program changes the segments.
func (x *index) alone(ctx context.Context, f func() error) error {
	select {
	case x.changing <- struct{}{}:
		defer func() { <-x.changing }()
		return f()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// again repeats a step that others have beaten. What is missing although nothing
// has changed is lost.
func (x *index) again(step func() error) error {
	err := step()
	for n := 1; n < attempts && (errors.Is(err, errBeaten) || errors.Is(err, errGone)); n++ {
		err = step()
	}
	switch {
	case errors.Is(err, errGone):
		return wrap(s3db.ErrCorrupt, "an object of the index of %s is missing; Rebuild makes the index anew", x.name)
	case errors.Is(err, errBeaten):
		return wrap(s3db.ErrConflict, "other programs changed the index of %s %d times meanwhile", x.name, attempts)
	}
	return err
}

// errIncomplete is the error of a compaction when there is no index yet.
var errIncomplete = errors.New("there is no index")

// check reports why segments cannot be used as they are.
func (m *manifest) check(x *index) error {
	if m.Complete && m.Stamp != x.stamp() {
		return wrap(s3db.ErrConfig, "the index of %s was made with other fields, another Language or another MinWordLength; Rebuild makes it anew", x.name)
	}
	return nil
}

// compact takes the documents with settled marks into segments.
func (x *index) compact(ctx context.Context, r reader) error {
	for after := ""; ; {
		last := ""
		err := x.again(func() (err error) {
			last, err = x.compactBatch(ctx, r, after)
			return err
		})
		if err != nil || last == "" {
			return err
		}
		after = last
	}
}

// compactBatch does so for the first documents after an id. It returns the last
// one of them, "" when there are no more.
func (x *index) compactBatch(ctx context.Context, r reader, after string) (last string, err error) {
	stored, err := x.list(ctx, segmentsDir) // before the manifest is read: see unnamed
	if err != nil {
		return "", err
	}
	marks, err := x.marks(ctx)
	if err != nil {
		return "", err
	}
	m, err := x.readManifest(ctx)
	if err != nil {
		return "", err
	}
	if err := m.check(x); err != nil {
		return "", err
	}
	if !m.Complete {
		return "", errIncomplete
	}
	if m.Rebuild != "" {
		return "", wrap(s3db.ErrConflict, "a Rebuild of the index of %s is under way; if it has crashed, Rebuild again", x.name)
	}
	groups := slices.DeleteFunc(byID(marks), func(group []mark) bool { return group[0].id <= after })
	if len(groups) > batchSize {
		groups = groups[:batchSize]
		last = groups[batchSize-1][0].id
	}
	batch, err := x.readBatch(ctx, r, groups, m.now)
	if err != nil {
		return "", err
	}
	if len(batch.ids) == 0 {
		return last, x.sweep(ctx, m, stored)
	}
	next := &manifest{Stamp: m.Stamp, Complete: true}
	if next.Segments, err = x.replace(ctx, m.Segments, batch.ids, batch.entries); err != nil {
		return "", err
	}
	if err := x.publish(ctx, m, next); err != nil {
		return "", x.undo(ctx, err, next, m)
	}
	if err := x.space.Delete(ctx, keysOf(next.unnamed(x, stored))...); err != nil {
		return "", err
	}
	return last, x.space.Delete(ctx, batch.settled...)
}

// batch is what there is to take into segments.
type batch struct {
	ids     []string // of documents whose entries in segments are replaced, sorted
	entries []entry  // of those that exist
	settled []string // keys of marks to remove afterwards
}

// readBatch reads documents that have marks. Those with no settled mark keep them
// all, and searches go on to read them.
func (x *index) readBatch(ctx context.Context, r reader, groups [][]mark, now time.Time) (batch, error) {
	ids := make([]string, len(groups))
	for i, group := range groups {
		ids[i] = group[0].id
	}
	states, err := r.read(ctx, ids)
	if err != nil {
		return batch{}, err
	}
	var b batch
	for i, s := range states {
		settled := x.settled(groups[i], s, now)
		if len(settled) == 0 {
			continue
		}
		for _, m := range settled {
			b.settled = append(b.settled, m.key)
		}
		if b.ids = append(b.ids, ids[i]); s.live {
			b.entries = append(b.entries, x.analyze(ids[i], s.texts))
		}
	}
	return b, nil
}

// replace returns segments in which some documents have these entries in place of
// those they had. Small segments, and those that most documents have left, become
// one with the new entries.
func (x *index) replace(ctx context.Context, segments []segment, ids []string, entries []entry) ([]segment, error) {
	b := x.blocks()
	type part struct {
		segment

		gone   numbers
		leave  []listed
		remain int
	}
	parts := make([]*part, len(segments))
	for i, s := range segments {
		gone, err := b.gone(ctx, &s)
		if err != nil {
			return nil, err
		}
		leave, err := b.find(ctx, &s, gone, ids)
		if err != nil {
			return nil, err
		}
		parts[i] = &part{s, gone, leave, s.live() - len(leave)}
	}
	slices.SortStableFunc(parts, func(a, b *part) int { return cmp.Compare(a.remain, b.remain) })
	var kept []segment
	sources := []*source{entrySource(entries)}
	size := len(entries)
	for _, p := range parts {
		worn := p.Docs > p.remain && (p.Docs-p.remain)*growth >= p.Docs
		switch {
		case worn || p.remain <= growth*size:
			for _, d := range p.leave {
				p.gone[d.number] = struct{}{}
			}
			if size += p.remain; p.remain > 0 {
				sources = append(sources, x.segmentSource(ctx, &p.segment, p.gone))
			}
		case len(p.leave) > 0:
			s, err := x.depart(ctx, p.segment, p.gone, p.leave)
			if err != nil {
				return nil, err
			}
			kept = append(kept, s)
		default:
			kept = append(kept, p.segment)
		}
	}
	merged, err := x.merge(ctx, sources)
	if err != nil {
		return nil, err
	}
	if merged.Docs > 0 {
		kept = append(kept, merged)
	}
	return kept, nil
}

// sweep removes what crashed compactions have left, when it is old. A new manifest
// comes first, so that none of them can publish any more.
func (x *index) sweep(ctx context.Context, m *manifest, stored []s3db.ListItem) error {
	garbage := m.unnamed(x, stored)
	if !slices.ContainsFunc(garbage, func(item s3db.ListItem) bool { return !m.now.IsZero() && m.now.Sub(item.LastModified) >= settledAfter }) {
		return nil
	}
	next := &manifest{Stamp: m.Stamp, Complete: true, Segments: m.Segments}
	if err := x.publish(ctx, m, next); err != nil {
		return err
	}
	return x.space.Delete(ctx, keysOf(garbage)...)
}

// undo removes what was written for a manifest that others have beaten. After any
// other error it may yet be in force.
func (x *index) undo(ctx context.Context, err error, next, from *manifest) error {
	if !errors.Is(err, errBeaten) {
		return err
	}
	named := map[string]bool{}
	for _, s := range from.Segments {
		for _, key := range s.keys(x) {
			named[key] = true
		}
	}
	var keys []string
	for _, s := range next.Segments {
		keys = append(keys, slices.DeleteFunc(s.keys(x), func(key string) bool { return named[key] })...)
	}
	return errors.Join(err, x.space.Delete(ctx, keys...))
}

// rebuild makes the index anew from all documents. While it runs, searches use the
// old one, and nobody removes a mark: a document that is written after it
// was read here is marked.
func (x *index) rebuild(ctx context.Context, r reader) error {
	var begun *manifest
	err := x.again(func() error {
		m, err := x.readManifest(ctx)
		if err != nil {
			return err
		}
		begun = &manifest{Stamp: m.Stamp, Complete: m.Complete, Rebuild: uuid.NewString(), Segments: m.Segments}
		return x.publish(ctx, m, begun)
	})
	if err != nil {
		return err
	}
	err = x.rebuildFrom(ctx, r, begun)
	switch {
	case errors.Is(err, errBeaten):
		return wrap(s3db.ErrConflict, "another Rebuild of the index of %s has begun meanwhile", x.name)
	case err != nil:
		ended := &manifest{Stamp: begun.Stamp, Complete: begun.Complete, Segments: begun.Segments}
		return errors.Join(err, x.publish(context.WithoutCancel(ctx), begun, ended))
	}
	if err := x.compact(ctx, r); !errors.Is(err, s3db.ErrConflict) {
		return err
	}
	return nil // somebody else compacts
}

func (x *index) rebuildFrom(ctx context.Context, r reader, begun *manifest) error {
	stored, err := x.list(ctx, segmentsDir)
	if err != nil {
		return err
	}
	next := &manifest{Stamp: x.stamp(), Complete: true}
	var ids []string
	flush := func() error {
		states, err := r.read(ctx, ids)
		if err != nil {
			return err
		}
		var entries []entry
		for i, s := range states {
			if s.live {
				entries = append(entries, x.analyze(ids[i], s.texts))
			}
		}
		ids = ids[:0]
		grown, err := x.replace(ctx, next.Segments, nil, entries)
		if err != nil {
			return err
		}
		merged := (&manifest{Segments: grown}).unnamed(x, itemsOf(next.Segments, x))
		next.Segments = grown
		return x.space.Delete(ctx, keysOf(merged)...)
	}
	for id, err := range r.ids(ctx) {
		if err != nil {
			return err
		}
		if ids = append(ids, id); len(ids) == batchSize {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if len(ids) > 0 {
		if err := flush(); err != nil {
			return err
		}
	}
	if err := x.publish(ctx, begun, next); err != nil {
		return x.undo(ctx, err, next, begun)
	}
	return x.space.Delete(ctx, keysOf(next.unnamed(x, stored))...)
}

// itemsOf are the objects of segments as a list would have them.
func itemsOf(segments []segment, x *index) []s3db.ListItem {
	var items []s3db.ListItem
	for _, s := range segments {
		for _, key := range s.keys(x) {
			items = append(items, s3db.ListItem{Key: key})
		}
	}
	return items
}
