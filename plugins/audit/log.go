package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Log reads the entries of a database, whichever programs wrote them. It is safe
// for concurrent use.
type Log struct {
	space  *s3db.Space
	digest digest
	now    func() time.Time
	own    *session // of the plugin that the log belongs to; nil of others
}

// LogOptions say how a log is opened.
type LogOptions struct {
	Key []byte           // as in Options
	Now func() time.Time // nil: time.Now
}

// OpenLog opens the log of a database without the plugin, such as to verify it.
// It sends no request. Errors match s3db.ErrConfig.
func OpenLog(db *s3db.Database, o LogOptions) (*Log, error) {
	const keySize = 32
	if n := len(o.Key); n != 0 && n != keySize {
		return nil, fmt.Errorf("%w: audit: the key has %d bytes, needs %d", s3db.ErrConfig, n, keySize)
	}
	space, err := db.Space(name)
	if err != nil {
		return nil, err
	}
	l := &Log{space: space, digest: digest{key: slices.Clone(o.Key)}, now: o.Now}
	if l.now == nil {
		l.now = time.Now
	}
	return l, nil
}

// Query chooses entries. Zero fields choose all.
type Query struct {
	Resource    string
	Operation   string
	ID          string
	User        string
	From, Until time.Time // From counts, Until does not
	Limit       int       // of the oldest, or of the newest; 0: all
	NewestFirst bool
	// Includes tells whether the history of a document has a revision, as
	// s3db.StoredState.Includes does. It is asked for writes of which their session
	// does not say what became of them; those it confirms are Committed. nil: none is.
	Includes func(ctx context.Context, resource, id string, rev s3db.Revision) (bool, error)
}

// Entries yields the entries that a query chooses, in the order of their time. An
// entry that cannot be read is an error that names it, and the others follow.
//
// It costs 1 LIST for each 1,000 entries of the resource, or of each resource, in
// the time asked for; and 1 GET for each entry that it yields and each session of
// one: the names of entries tell the rest.
func (l *Log) Entries(ctx context.Context, q Query) iter.Seq2[*Entry, error] {
	return func(yield func(*Entry, error) bool) {
		keys, err := l.keys(ctx, q)
		if err != nil {
			yield(nil, err)
			return
		}
		records := map[string]*record{}
		left := q.Limit
		for _, key := range keys {
			e, err := l.read(ctx, key, records)
			if errors.Is(err, s3db.ErrNotFound) {
				continue // it has just expired
			}
			if err == nil && (q.User != "" && e.User != q.User || q.ID != "" && e.ID != q.ID) {
				continue // names tell long users and ids by a hash
			}
			if err == nil && q.Includes != nil && e.Revision != "" && (e.State == Open || e.State == Unknown) {
				var done bool
				if done, err = q.Includes(ctx, e.Resource, e.ID, e.Revision); done {
					e.State = Committed
				}
			}
			if !yield(e, err) {
				return
			}
			if left--; left == 0 {
				return
			}
		}
	}
}

// keys lists the names of entries that may be those of a query, in its order.
func (l *Log) keys(ctx context.Context, q Query) ([]string, error) {
	var keys []string
	err := l.each(ctx, q.Resource, q.From, q.Until, func(key string, n named) {
		if (q.Operation == "" || n.operation == q.Operation) && (q.User == "" || n.user == keyUser(q.User)) && (q.ID == "" || n.id == keyID(q.ID)) {
			keys = append(keys, key)
		}
	})
	afterResource := func(key string) string { return key[strings.LastIndexByte(key, '/'):] }
	slices.SortFunc(keys, func(a, b string) int { return cmp.Compare(afterResource(a), afterResource(b)) })
	if q.NewestFirst {
		slices.Reverse(keys)
	}
	return keys, err
}

// each visits the names of entries of a resource, or of all, within a time.
func (l *Log) each(ctx context.Context, resource string, from, until time.Time, visit func(key string, n named)) error {
	if resource != "" {
		return l.eachOf(ctx, resourceRoot(resource), from, until, visit)
	}
	for after := ""; ; {
		root := ""
		for item, err := range l.space.List(ctx, entryRoot, after) {
			if err != nil {
				return err
			}
			root, _, _ = strings.Cut(item.Key[len(entryRoot):], "/")
			root = entryRoot + root + "/"
			break
		}
		if root == "" {
			return nil
		}
		if err := l.eachOf(ctx, root, from, until, visit); err != nil {
			return err
		}
		after = root + "~" // after all times
	}
}

func (l *Log) eachOf(ctx context.Context, root string, from, until time.Time, visit func(key string, n named)) error {
	after := ""
	if !from.IsZero() {
		after = root + keyTime(from)
	}
	for item, err := range l.space.List(ctx, root, after) {
		if err != nil {
			return err
		}
		n, ok := parseKey(item.Key)
		if ok && !until.IsZero() && n.time >= keyTime(until) {
			return nil
		}
		visit(item.Key, n)
	}
	return nil
}

// read reads an entry and what its session says of it.
func (l *Log) read(ctx context.Context, key string, records map[string]*record) (*Entry, error) {
	obj, err := l.space.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	x, err := l.digest.parse(key, obj.Body)
	if err != nil {
		return nil, fmt.Errorf("%w: audit: entry %s: %w", s3db.ErrCorrupt, key, err)
	}
	e := &x.Entry
	if l.own != nil && l.own.id == e.Session {
		e.State = l.own.state(e.Number)
		return e, nil
	}
	r, ok := records[e.Session]
	if !ok {
		if r, err = l.record(ctx, e.Session); err != nil && !errors.Is(err, s3db.ErrNotFound) {
			return nil, err
		}
		records[e.Session] = r
	}
	e.State = Open
	if r != nil {
		e.State = r.state(e.Number)
	}
	return e, nil
}

func (l *Log) record(ctx context.Context, id string) (*record, error) {
	obj, err := l.space.Get(ctx, sessionKey(id))
	if err != nil {
		return nil, err
	}
	r, err := l.parseRecord(id, obj.Body)
	if err != nil {
		return nil, fmt.Errorf("%w: audit: session %s: %w", s3db.ErrCorrupt, id, err)
	}
	return r, nil
}
