package s3db

import (
	"context"
	"iter"
	"strings"
	"sync"
	"time"
)

// keyRange is a stretch of keys: those that start with prefix, are not below
// from and are below to. Empty bounds do not bound.
type keyRange struct {
	prefix   string
	from, to string
}

// keys lists a range, a page of up to 1,000 keys a request.
func (r *requester) keys(ctx context.Context, kr keyRange) iter.Seq2[ListItem, error] {
	return func(yield func(ListItem, error) bool) {
		after := startAfter(kr)
		for {
			var page *ListPage
			err := r.repeat(ctx, RequestList, kr.prefix, func(ctx context.Context) (e error) {
				page, e = r.store.List(ctx, ListRequest{Prefix: kr.prefix, StartAfter: after})
				return e
			})
			if err != nil {
				yield(ListItem{}, err)
				return
			}
			for _, item := range page.Items {
				if kr.to != "" && item.Key >= kr.to {
					return
				}
				if item.Key >= kr.from && !yield(item, nil) {
					return
				}
				after = item.Key
			}
			if !page.More || len(page.Items) == 0 {
				return
			}
		}
	}
}

// startAfter is the key after which a listing of the range starts: the largest
// one that is surely below it.
func startAfter(kr keyRange) string {
	if kr.from == "" || kr.from <= kr.prefix {
		return ""
	}
	// There is no key just below another one; the bound without its last byte is
	// below, and the few keys in between are skipped.
	if cut := kr.from[:len(kr.from)-1]; cut > kr.prefix {
		return cut
	}
	return ""
}

// fetch is one document on its way from the store.
type fetch[T any] struct {
	id   string
	done chan struct{}
	doc  *T // nil when there is none, or not one that counts
	err  error
}

// scan reads the documents that a listing names, many at a time, and yields them
// in the order of the listing. check sees each document before it is yielded; it
// may refuse one. At most window documents are read ahead, and nothing runs on
// after the loop has ended.
func (c *Collection[T, ID, I, P]) scan(ctx context.Context, items iter.Seq2[scanItem, error], check func(*T, scanItem) (bool, error)) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		window := c.db.options.concurrency
		queue := make(chan *fetch[T], window)
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()
		running.Go(func() {
			defer close(queue)
			slots := make(chan struct{}, window)
			for item, err := range items {
				f := &fetch[T]{id: item.id, done: make(chan struct{}), err: err}
				select {
				case queue <- f:
				case <-ctx.Done():
					return
				}
				if err != nil {
					close(f.done)
					return
				}
				select {
				case slots <- struct{}{}:
				case <-ctx.Done():
					f.err = ctx.Err()
					close(f.done)
					return
				}
				running.Go(func() {
					defer func() { <-slots; close(f.done) }()
					f.doc, f.err = c.readListed(ctx, item, check)
				})
			}
		})
		for f := range queue {
			<-f.done
			switch {
			case f.err != nil:
				if !yield(nil, c.fail("list", f.id, f.err)) {
					return
				}
			case f.doc != nil:
				if !yield(f.doc, nil) {
					return
				}
			}
		}
		if err := ctx.Err(); err != nil {
			yield(nil, c.fail("list", "", err))
		}
	}
}

// readListed reads a document that a listing named. It is nil when there is none
// any more, or when it is not one that counts.
func (c *Collection[T, ID, I, P]) readListed(ctx context.Context, item scanItem, check func(*T, scanItem) (bool, error)) (*T, error) {
	s, err := c.db.readState(ctx, dataKey(c.db.prefix, c.model.Resource, item.id))
	if err != nil || !s.live() {
		return nil, err
	}
	d, err := c.decode(item.id, s)
	if err != nil {
		return nil, err
	}
	if check != nil {
		if ok, err := check(d.doc, item); err != nil || !ok {
			return nil, err
		}
	}
	return d.doc, nil
}

// scanItem is what a listing says of a document.
type scanItem struct {
	id       string
	path     string // of the entry, below its partition; "" for the document itself
	modified time.Time
}

// documents lists all documents of the resource, in the order of their ids.
// Tombstones are left out by their size.
func (c *Collection[T, ID, I, P]) documents(ctx context.Context) iter.Seq2[scanItem, error] {
	return func(yield func(scanItem, error) bool) {
		prefix := dataPrefix(c.db.prefix, c.model.Resource)
		for item, err := range c.db.requests.keys(ctx, keyRange{prefix: prefix}) {
			if err != nil {
				yield(scanItem{}, err)
				return
			}
			if tombstoneSize(item.Size) {
				continue
			}
			id, ok := parseDataKey(c.db.prefix, c.model.Resource, item.Key)
			if !ok {
				continue // not a key of ours
			}
			if !yield(scanItem{id: id, modified: item.LastModified}, nil) {
				return
			}
		}
	}
}

// entries lists the entries of a partition in the given ranges. Those of one
// document that follow each other count once.
func (c *Collection[T, ID, I, P]) entries(ctx context.Context, partition string, ranges []keyRange) iter.Seq2[scanItem, error] {
	return func(yield func(scanItem, error) bool) {
		root := entryPrefix(c.db.prefix, c.model.Resource, partition, "")
		var last scanItem
		for _, kr := range ranges {
			for item, err := range c.db.requests.keys(ctx, kr) {
				if err != nil {
					yield(scanItem{}, err)
					return
				}
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
				if !yield(entry, nil) {
					return
				}
			}
		}
	}
}
