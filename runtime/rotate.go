package s3db

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// RotateOptions change what [Database.Rotate] does.
type RotateOptions struct {
	// DryRun counts the uses of each key and writes no document.
	DryRun bool
	// NewKey has the key provider that was given first make a new data key, which
	// becomes the active key before anything is rotated.
	NewKey bool
	// Drop is the id of a key to forget once nothing is encrypted under it.
	Drop string
}

// KeyUse tells what is encrypted under one key.
type KeyUse struct {
	ID        string `json:"id"`
	Active    bool   `json:"active"` // it encrypts
	Given     bool   `json:"given"`  // Open was given it
	Documents int    `json:"documents"`
	Secrets   int    `json:"secrets"`
}

// RotateFailure is a document that could not be rotated.
type RotateFailure struct {
	Resource string `json:"resource"`
	ID       string `json:"id,omitempty"`
	Key      string `json:"key"`
	Detail   string `json:"detail"`
}

// RotateReport is the result of [Database.Rotate].
type RotateReport struct {
	Documents int             `json:"documents"` // that hold secrets, and kept states of documents
	Rotated   int             `json:"rotated"`   // of them, written under the active key
	Keys      []KeyUse        `json:"keys"`      // as it is now, by id
	Failures  []RotateFailure `json:"failures"`
	Dropped   string          `json:"dropped,omitempty"`
}

// Rotate writes every secret that is encrypted under another key anew under the
// active one, which is the first that Open was given. Documents change for
// nobody: their attributes, revisions and times stay. It is safe while programs
// that have both keys read and write, may be ended at any point and started
// again, and needs no generated code. A document that cannot be rotated, because
// its key is missing or it is damaged, is reported and left as it is.
//
// It costs 1 request for each document of a resource with secrets, 1 for each
// 1,000 of them, and 1 for each document that it writes.
//
// With Drop the registry forgets a key, unless some document is encrypted under
// it or may be: [ErrKeyInUse]. Programs that encrypt with that key have to be
// ended before; what they write later is not seen.
func (db *Database) Rotate(ctx context.Context, o RotateOptions) (*RotateReport, error) {
	report, err := db.rotate(ctx, o)
	if err != nil {
		return report, databaseError("rotate", err)
	}
	return report, nil
}

func (db *Database) rotate(ctx context.Context, o RotateOptions) (*RotateReport, error) {
	if o.NewKey {
		if o.DryRun {
			return nil, configError("DryRun changes nothing, so it cannot make a new key")
		}
		if err := db.newDataKey(ctx); err != nil {
			return nil, err
		}
	}
	reg, _, err := db.readRegistry(ctx)
	if err != nil {
		return nil, err
	}
	if reg == nil {
		return nil, fmt.Errorf("%w: there is no database here (no %s)", ErrNotFound, db.registryKey())
	}
	if db.ring() == nil && len(reg.Keys) > 0 {
		return nil, configError("the secrets of this database are encrypted with the key %q: pass s3db.WithPassphrase, s3db.WithKey or s3db.WithKeyProvider to Open", reg.Keys)
	}
	r := &rotation{db: db, options: o, report: &RotateReport{Failures: []RotateFailure{}}, uses: map[string]*KeyUse{}}
	for _, id := range reg.Keys {
		r.use(id)
	}
	if o.Drop != "" {
		if err := r.checkDrop(reg); err != nil {
			return nil, err
		}
		if err := db.retireKey(ctx, o.Drop); err != nil {
			return nil, err
		}
	}
	for _, name := range sortedKeys(reg.Resources) {
		tree, err := secretTree(reg.Resources[name])
		if err != nil {
			return nil, fmt.Errorf("resource %q: %w", name, err)
		}
		if len(tree) == 0 {
			continue
		}
		if err := r.resource(ctx, name, tree); err != nil {
			return nil, err
		}
		// After the documents: what a write keeps of one that was rotated is rotated.
		if len(reg.Resources[name].Versions) > 1 { // else there are none
			if err := r.history(ctx, name, tree); err != nil {
				return nil, err
			}
		}
	}
	r.finish()
	if o.Drop == "" {
		return r.report, nil
	}
	return r.report, r.drop(ctx)
}

// rotation is one run of Rotate.
type rotation struct {
	db      *Database
	options RotateOptions

	mu     sync.Mutex
	report *RotateReport
	uses   map[string]*KeyUse
}

// use returns the counts of a key.
func (r *rotation) use(id string) *KeyUse {
	u := r.uses[id]
	if u == nil {
		u = &KeyUse{ID: id}
		r.uses[id] = u
	}
	return u
}

func (r *rotation) finish() {
	if ring := r.db.ring(); ring != nil {
		for i, id := range ring.order {
			u := r.use(id)
			u.Active, u.Given = i == 0, true
		}
	}
	for _, id := range sortedKeys(r.uses) {
		r.report.Keys = append(r.report.Keys, *r.uses[id])
	}
	slices.SortFunc(r.report.Failures, func(a, b RotateFailure) int { return cmp.Compare(a.Key, b.Key) })
}

func (r *rotation) fail(resource, id, key string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Failures = append(r.report.Failures, RotateFailure{Resource: resource, ID: id, Key: key, Detail: err.Error()})
}

// resource rotates the documents of one resource.
func (r *rotation) resource(ctx context.Context, name string, tree []secretNode) error {
	return r.db.eachKey(ctx, dataPrefix(r.db.prefix, name), func(item ListItem) error {
		if tombstoneSize(item.Size) {
			return nil
		}
		id, ok := parseDataKey(r.db.prefix, name, item.Key)
		return r.object(ctx, name, id, ok, item.Key, tree)
	})
}

// history rotates the states that were kept of the documents of one resource.
func (r *rotation) history(ctx context.Context, name string, tree []secretNode) error {
	return r.db.eachKey(ctx, historyPrefix(r.db.prefix, name), func(item ListItem) error {
		id, _, ok := parseEntryKey(item.Key)
		return r.object(ctx, name, id, ok, item.Key, tree)
	})
}

// object rotates one document or kept state, and reports what it cannot rotate.
func (r *rotation) object(ctx context.Context, resource, id string, ok bool, key string, tree []secretNode) error {
	if !ok {
		r.fail(resource, "", key, fmt.Errorf("%w: the key holds no id", ErrCorrupt))
		return nil
	}
	err := r.document(ctx, resource, id, key, tree)
	if errors.Is(err, ErrCorrupt) || errors.Is(err, ErrNewerFormat) || errors.Is(err, ErrDecrypt) {
		r.fail(resource, id, key, err)
		return nil
	}
	return err
}

// eachKey runs a function for every object below a prefix, several at a time.
func (db *Database) eachKey(ctx context.Context, prefix string, do func(ListItem) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.WaitGroup
	slots := make(chan struct{}, db.options.concurrency)
	for item, err := range db.requests.keys(ctx, keyRange{prefix: prefix}) {
		if err != nil {
			cancel(err)
			break
		}
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			if err := do(item); err != nil {
				cancel(err)
			}
		})
	}
	running.Wait()
	return context.Cause(ctx)
}

// document rotates one document: it reads it, and puts it again on the condition
// that nobody changed it meanwhile. Whatever a lost reply leaves open the next
// read tells: the secrets are under the active key, or they are not.
func (r *rotation) document(ctx context.Context, resource, id, key string, tree []secretNode) error {
	for n := 0; ; n++ {
		s, err := r.db.readState(ctx, key)
		if err != nil || !s.live() {
			return err
		}
		found, next, err := r.db.resealed(resource, id, s.record, tree)
		if err != nil {
			r.count(found)
			return err
		}
		if next == nil || r.options.DryRun {
			r.count(found)
			return nil
		}
		body, metadata := next.object()
		_, _, err = r.db.requests.putIf(ctx, key, body, metadata, s.condition())
		if err == nil {
			r.count(map[string]int{r.db.ring().order[0]: total(found)})
			r.mu.Lock()
			r.report.Rotated++
			r.mu.Unlock()
			return nil
		}
		if !errors.Is(err, ErrPrecondition) {
			return err
		}
		if n+1 >= r.db.requests.policy.Conflicts {
			return fmt.Errorf("%w: other writers changed the document %d times meanwhile", ErrConflict, n+1)
		}
		if err := r.db.requests.policy.wait(ctx, min(n, 3)); err != nil {
			return err
		}
	}
}

func total(uses map[string]int) int {
	n := 0
	for _, k := range uses {
		n += k
	}
	return n
}

// count adds a document with so many secrets under each key.
func (r *rotation) count(found map[string]int) {
	if len(found) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Documents++
	for id, n := range found {
		u := r.use(id)
		u.Documents++
		u.Secrets += n
	}
}

// checkDrop refuses to drop a key before any work is done.
func (r *rotation) checkDrop(reg *registry) error {
	id := r.options.Drop
	if r.options.DryRun {
		return configError("DryRun changes nothing, so it cannot drop the key %q", id)
	}
	// A run that was ended early has taken the key out of those that encrypt.
	ring := r.db.ring()
	if ring == nil || (!slices.Contains(reg.Keys, id) && reg.HashKeys[id] == nil && ring.keys[id] == nil) {
		return configError("the database has no key %q, only %q", id, reg.Keys)
	}
	active := ring.order[0]
	if id == active {
		return fmt.Errorf("%w: %q is the first key that Open was given, so it encrypts; give the one that replaces it before it", ErrKeyInUse, id)
	}
	if len(reg.HashKeys) > 0 && reg.HashKeys[active] == nil {
		return fmt.Errorf("%w: %q opens the secret of hashed unique constraints and the active key %q does not; give both to Open", ErrKeyInUse, id, active)
	}
	return nil
}

// drop forgets a key when no document uses it.
func (r *rotation) drop(ctx context.Context) error {
	id := r.options.Drop
	u := r.use(id)
	var err error
	switch {
	case u.Secrets > 0:
		err = fmt.Errorf("%w: %d secrets in %d documents are encrypted under %q", ErrKeyInUse, u.Secrets, u.Documents, id)
	case len(r.report.Failures) > 0:
		err = fmt.Errorf("%w: %d documents could not be read, and may need the key %q", ErrKeyInUse, len(r.report.Failures), id)
	}
	if err != nil {
		return errors.Join(err, r.db.changeRegistry(ctx, func(reg *registry, _ time.Time) error {
			if !slices.Contains(reg.Keys, id) {
				reg.Keys = append(reg.Keys, id)
			}
			return nil
		}))
	}
	err = r.db.changeRegistry(ctx, func(reg *registry, _ time.Time) error {
		if slices.Contains(reg.Keys, id) {
			return fmt.Errorf("%w: meanwhile a program opened the database with %q as its first key", ErrKeyInUse, id)
		}
		delete(reg.HashKeys, id)
		reg.DataKeys = slices.DeleteFunc(reg.DataKeys, func(w wrappedKey) bool { return w.ID == id })
		return nil
	})
	if err != nil {
		return err
	}
	r.report.Keys = slices.DeleteFunc(r.report.Keys, func(u KeyUse) bool { return u.ID == id })
	r.report.Dropped = id
	return nil
}

// retireKey takes a key out of those that encrypt, so that a program which begins
// to use it after that is noticed: it has to write the key into the registry again.
func (db *Database) retireKey(ctx context.Context, id string) error {
	return db.changeRegistry(ctx, func(reg *registry, _ time.Time) error {
		reg.Keys = slices.DeleteFunc(reg.Keys, func(k string) bool { return k == id })
		return nil
	})
}
