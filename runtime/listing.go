package s3db

import (
	"context"
	"iter"
	"strings"
	"time"
)

// keyRange is a stretch of keys: those that start with prefix, come after after,
// are not below from and are below to. Empty bounds do not bound.
type keyRange struct {
	prefix   string
	after    string
	from, to string
}

// start is the key after which a listing of the range starts.
func (kr keyRange) start() string { return max(kr.after, justBelow(kr.from, kr.prefix)) }

// holds reports whether a key is in the range.
func (kr keyRange) holds(key string) bool {
	return strings.HasPrefix(key, kr.prefix) && key > kr.after && key >= kr.from && (kr.to == "" || key < kr.to)
}

// justBelow returns a text that is below from and above all keys below it, or ""
// when from does not bound the keys with a prefix.
func justBelow(from, prefix string) string {
	if from <= prefix {
		return ""
	}
	// No key has "~~", which sorts after all that may follow its last but one byte.
	last := len(from) - 1
	return from[:last] + string(rune(from[last]-1)) + "~~"
}

// keys lists one range, key by key.
func (r *requester) keys(ctx context.Context, kr keyRange) iter.Seq2[ListItem, error] {
	return func(yield func(ListItem, error) bool) {
		for page, err := range r.pages(ctx, []keyRange{kr}, listing{}) {
			if err != nil {
				yield(ListItem{}, err)
				return
			}
			for _, item := range page {
				if !yield(item, nil) {
					return
				}
			}
		}
	}
}

// pages lists ranges that follow each other, a page of up to 1,000 keys a request.
func (r *requester) pages(ctx context.Context, ranges []keyRange, how listing) iter.Seq2[[]ListItem, error] {
	return func(yield func([]ListItem, error) bool) {
		for _, kr := range ranges {
			if how.parts > 1 {
				for items, err := range r.pagesInParts(ctx, kr, how.parts) {
					if !yield(items, err) || err != nil {
						return
					}
				}
				continue
			}
			for after, more := kr.start(), true; more; {
				p, err := r.page(ctx, kr, after, how.first)
				if err != nil {
					yield(nil, err)
					return
				}
				how.first = 0
				if after, more = p.last, p.more; !yield(p.items, nil) {
					return
				}
			}
		}
	}
}

// listing says how to list.
type listing struct {
	first int // keys that the first request asks for; 0: as many as there may be
	parts int // parts of a range to list at the same time; 0 and 1: one after the other
}

// keyPage is the answer to one request for the keys of a range.
type keyPage struct {
	items  []ListItem // those in the range
	last   string     // the last key of the answer
	more   bool       // the range may have more keys
	beyond string     // the first key of the answer behind the range
	end    bool       // no key follows the items, not even behind the range
}

// page lists the keys of a range that come after one. limit, when it is not 0, is
// the number of keys to ask for.
func (r *requester) page(ctx context.Context, kr keyRange, after string, limit int) (keyPage, error) {
	var answer *ListPage
	err := r.repeat(ctx, RequestList, kr.prefix, func(ctx context.Context) (e error) {
		answer, e = r.store.List(ctx, ListRequest{Prefix: kr.prefix, StartAfter: after, Limit: limit})
		return e
	})
	if err != nil {
		return keyPage{}, err
	}
	p := keyPage{items: answer.Items}
	p.more = answer.More && len(p.items) > 0
	if p.more {
		p.last = p.items[len(p.items)-1].Key
	}
	for len(p.items) > 0 && p.items[0].Key < kr.from {
		p.items = p.items[1:]
	}
	for kr.to != "" && len(p.items) > 0 && p.items[len(p.items)-1].Key >= kr.to {
		p.beyond = p.items[len(p.items)-1].Key
		p.items, p.more = p.items[:len(p.items)-1], false
	}
	p.end = !answer.More && p.beyond == ""
	return p, nil
}

// resume drops what the ranges have up to a key.
func resume(ranges []keyRange, key string) []keyRange {
	var rest []keyRange
	for _, kr := range ranges {
		if kr.to != "" && kr.to <= key || kr.prefix < key && !strings.HasPrefix(key, kr.prefix) {
			continue
		}
		kr.after = max(kr.after, key)
		rest = append(rest, kr)
	}
	return rest
}

// scanItem is what a listing says of a document.
type scanItem struct {
	id       string
	path     string // of the entry or claim, below its index; "" for the document itself
	claim    bool   // the id is not known: the claim at path tells it
	modified time.Time
}

// source yields what a listing says, a batch for each request.
type source = iter.Seq2[[]scanItem, error]

// documents lists documents of the resource by their ids. Tombstones are left out
// by their size.
func (c *engine) documents(ctx context.Context, ranges []keyRange, how listing) source {
	return func(yield func([]scanItem, error) bool) {
		for page, err := range c.db.requests.pages(ctx, ranges, how) {
			items := make([]scanItem, 0, len(page))
			for _, item := range page {
				if tombstoneSize(item.Size) {
					continue
				}
				if id, ok := parseDataKey(c.db.prefix, c.model.Resource, item.Key); ok {
					items = append(items, scanItem{id: id, modified: item.LastModified})
				}
			}
			if !yield(items, err) {
				return
			}
		}
	}
}

// entries lists the entries of a partition in the given ranges. Those of one
// document that follow each other count once. Where documents may have none, the
// entries are derived from all documents.
func (c *engine) entries(ctx context.Context, partition string, ranges []keyRange, how listing) source {
	return func(yield func([]scanItem, error) bool) {
		view, err := c.db.current(ctx, c.model.Resource)
		if err != nil {
			yield(nil, err)
			return
		}
		if !view.complete(partitionName(partition)) {
			c.derived(ctx, partition, ranges)(yield)
			return
		}
		root := entryPrefix(c.db.prefix, c.model.Resource, partition, "")
		var last scanItem
		for page, err := range c.db.requests.pages(ctx, ranges, how) {
			items := make([]scanItem, 0, len(page))
			for _, item := range page {
				id, _, ok := parseEntryKey(item.Key)
				if !ok {
					continue
				}
				rest := strings.TrimPrefix(item.Key, root)
				entry := scanItem{id: id, path: rest[:strings.LastIndexByte(rest, '/')], modified: item.LastModified}
				if entry.id == last.id && entry.path == last.path {
					continue
				}
				last = entry
				items = append(items, entry)
			}
			if !yield(items, err) {
				return
			}
		}
	}
}

// named is a source of items that need no request.
func named(items []scanItem) source {
	return func(yield func([]scanItem, error) bool) { yield(items, nil) }
}
