package s3db

import (
	"context"
	"iter"
	"path"
	"strings"
)

// Reader reads the objects of a store as they are, whoever wrote them, with the
// retries of the runtime. It is for tools that look at databases of another
// format, and never writes. It is safe for concurrent use.
type Reader struct {
	requests requester
	prefix   string
	owned    bool
}

// OpenReader opens the place that url names, which must exist. Errors match
// ErrConfig, ErrNotFound or ErrUnavailable.
func OpenReader(ctx context.Context, url string, drivers []Driver, list ...Option) (*Reader, error) {
	o, err := newOptions(list)
	if err != nil {
		return nil, &Error{Op: "open", Err: err}
	}
	o.driver.Existing = true
	store, prefix, err := openStore(ctx, url, drivers, o.driver)
	if err != nil {
		return nil, databaseError("open", err)
	}
	return &Reader{requests: requester{store: store, policy: o.retry, observe: o.observe}, prefix: prefix, owned: true}, nil
}

// NewReader reads from a store that the caller opened and will close.
func NewReader(store Store, list ...Option) (*Reader, error) {
	o, err := newOptions(list)
	if err != nil {
		return nil, &Error{Op: "open", Err: err}
	}
	return &Reader{requests: requester{store: store, policy: o.retry, observe: o.observe}}, nil
}

// Get returns the object of a name below the place. Errors: ErrNotFound,
// ErrUnavailable, or a *StoreError of a name that no store of this module takes.
func (r *Reader) Get(ctx context.Context, name string) (*Object, error) {
	o, err := r.requests.get(ctx, path.Join(r.prefix, name))
	if err != nil {
		return nil, asUnavailable(err)
	}
	return o, nil
}

// List returns the objects whose names below the place start with a prefix, in
// the order of their bytes, with these names as keys. It costs 1 request for each
// 1,000. An error ends the sequence.
func (r *Reader) List(ctx context.Context, prefix string) iter.Seq2[ListItem, error] {
	root := ""
	if r.prefix != "" {
		root = r.prefix + "/"
	}
	return func(yield func(ListItem, error) bool) {
		after := ""
		for {
			var page *ListPage
			err := r.requests.repeat(ctx, RequestList, root+prefix, func(ctx context.Context) (e error) {
				page, e = r.requests.store.List(ctx, ListRequest{Prefix: root + prefix, StartAfter: after})
				return e
			})
			if err != nil {
				yield(ListItem{}, asUnavailable(err))
				return
			}
			for _, item := range page.Items {
				after = item.Key
				item.Key = strings.TrimPrefix(item.Key, root)
				if !yield(item, nil) {
					return
				}
			}
			if !page.More || len(page.Items) == 0 {
				return
			}
		}
	}
}

// Close releases the store if OpenReader opened it.
func (r *Reader) Close() error {
	if !r.owned {
		return nil
	}
	return r.requests.store.Close()
}
