package s3db

import (
	"cmp"
	"context"
	"slices"
)

// derived lists what the entries of a partition would be if every document had
// its own, in the order of their keys, for a partition in which documents of other
// versions are missing. It reads all documents of the resource, and holds an id
// and a path for each that is in the ranges.
func (c *engine) derived(ctx context.Context, partition string, ranges []keyRange) source {
	return func(yield func([]scanItem, error) bool) {
		i := slices.IndexFunc(c.model.Partitions, func(x index) bool { return x.name == partition })
		if i < 0 {
			return
		}
		type place struct {
			key  string
			item scanItem
		}
		var places []place
		err := c.everyDocument(ctx, func(id string, d document, err error) error {
			item := scanItem{id: id}
			if err == nil {
				item.path, err = c.model.Partitions[i].path(&KeyBuilder{}, d)
			}
			switch {
			case err != nil:
				places = append(places, place{item: item}) // its error is for the one who reads it
			case item.path != "":
				places = append(places, place{key: entryKey(c.db.prefix, c.model.Resource, partition, item.path, id, ""), item: item})
			}
			return nil
		})
		if err != nil {
			yield(nil, err)
			return
		}
		slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.key, b.key) })
		var items []scanItem
		for n, kr := range ranges {
			for _, p := range places {
				if kr.holds(p.key) || p.key == "" && n == 0 && kr.after == "" {
					items = append(items, p.item)
				}
			}
		}
		yield(items, nil)
	}
}

// everyDocument reads all documents of the resource, a page of a listing at a
// time, and hands them over in the order of their ids. One that cannot be read
// comes with its error; an error of visit ends the loop.
func (c *engine) everyDocument(ctx context.Context, visit func(id string, d document, err error) error) error {
	const page = 1000
	ids := make([]string, 0, page)
	flush := func() error {
		docs, errs := make([]document, len(ids)), make([]error, len(ids))
		parallel(len(ids), c.db.options.concurrency, func(i int) {
			var s state
			if s, errs[i] = c.read(ctx, ids[i]); errs[i] == nil && s.live() {
				var d decoded
				d, errs[i] = c.decode(ids[i], s)
				docs[i] = d.doc
			}
		})
		if err := ctx.Err(); err != nil {
			return err
		}
		for i, id := range ids {
			if docs[i] == nil && errs[i] == nil {
				continue // deleted since it was listed
			}
			if err := visit(id, docs[i], errs[i]); err != nil {
				return err
			}
		}
		ids = ids[:0]
		return nil
	}
	for item, err := range c.db.requests.keys(ctx, keyRange{prefix: dataPrefix(c.db.prefix, c.model.Resource)}) {
		if err != nil {
			return err
		}
		id, ok := parseDataKey(c.db.prefix, c.model.Resource, item.Key)
		if !ok || tombstoneSize(item.Size) {
			continue
		}
		if ids = append(ids, id); len(ids) == page {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// derivedLookup finds the document that holds a unique value which has no claim,
// because a program that does not know the constraint wrote it; nil when there is
// none.
func (c *engine) derivedLookup(ctx context.Context, index *index, path string) (document, error) {
	var found document
	err := c.everyDocument(ctx, func(_ string, d document, err error) error {
		if err != nil || found != nil {
			return err
		}
		holds, err := c.claimPath(index, &KeyBuilder{}, d)
		if holds == path && !c.expired(d) {
			found = d
		}
		return err
	})
	return found, err
}
