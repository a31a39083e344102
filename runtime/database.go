package s3db

import (
	"context"
	"errors"
	"path"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what generated code tells Open about its package.
type Config struct {
	Drivers   []Driver
	Resources []Resource
	// Existing: fail with ErrNotFound instead of creating a database, for tools.
	Existing bool
	// Discover returns resources that the program learns from the database itself,
	// beside Resources. It may be called several times; the last call counts. It is
	// not called for a database that does not exist yet.
	Discover func(*Description) ([]Resource, error)
	// WithoutKeys opens a database whose secrets the program has no key for. Reading
	// one fails then, unless the model leaves secrets sealed; so does a write of a
	// document with hashed unique constraints.
	WithoutKeys bool
}

// Resource is a *[Model] with its types forgotten.
type Resource interface {
	info() resourceInfo
}

type resourceInfo struct {
	name     string
	schema   string
	settings string
	secrets  bool
	hashed   bool // some unique constraint is hashed
	ids      bool // the model makes ids itself
	version  int  // in the lock file
	hashes   []string
	steps    []Step
	indexes  []string // names of partitions and unique constraints, as in storedShape.indexes
}

func (m *Model[T, ID, I, P]) info() resourceInfo {
	info := resourceInfo{
		name: m.Resource, schema: m.Schema, settings: m.Settings, secrets: m.Secrets, ids: m.NewID != nil,
		hashed:  slices.ContainsFunc(m.Uniques, func(x Index[T]) bool { return x.Hashed }),
		version: m.Version, hashes: m.Hashes, steps: m.Steps,
	}
	for i := range m.Partitions {
		info.indexes = append(info.indexes, partitionName(m.Partitions[i].Name))
	}
	if m.TTL != nil {
		info.indexes = append(info.indexes, partitionName(expiryIndex))
	}
	for i := range m.Uniques {
		info.indexes = append(info.indexes, uniqueName(m.Uniques[i].Name))
	}
	return info
}

// Database is an open database: a prefix of a store under which resources keep
// their documents. It is safe for concurrent use.
type Database struct {
	requests  requester
	prefix    string // without a "/" at its ends; "" for the root of the store
	options   *options
	caps      Capabilities
	id        string
	salt      []byte
	versions  map[string]int // schema version of each resource in this program
	infos     map[string]resourceInfo
	view      atomic.Pointer[versionView]
	looking   chan struct{} // holds a value while a program reads the registry again
	resources []string      // names of all resources in the registry, sorted
	described *Description  // the registry as it was when the database was opened
	keys      databaseKeys
	hashKey   []byte // of the HMAC in hashed claims; nil when no resource has any
	owned     bool   // Close closes the store

	middleware registrations[AnyMiddleware]
	events     registrations[subscriber]
	writes     registrations[func(context.Context, *PendingWrite) error]
	groups     registrations[func(context.Context, *WriteGroup) error]
	reads      registrations[ReadObserver]
	plugins    []Plugin
	sequences  sequences
	news       []DatabaseEvent // of loading the registry, until Open tells them
	closed     chan struct{}   // closed by Close
	closing    sync.Once
}

// Open opens the database that url names, and creates it when the place is
// empty. Generated packages wrap it; see their Open. Errors match ErrConfig (a
// url or option that cannot work), ErrUnavailable, ErrCorrupt or ErrNewerFormat.
func Open(ctx context.Context, url string, config Config, list ...Option) (*Database, error) {
	o, err := newOptions(list)
	if err != nil {
		return nil, &Error{Op: "open", Err: err}
	}
	o.driver.Existing = config.Existing
	store, prefix, err := openStore(ctx, url, config.Drivers, o.driver)
	if err != nil {
		return nil, databaseError("open", err)
	}
	db, err := open(ctx, store, prefix, config, o)
	if err != nil {
		_ = store.Close() // the first error is the one to report
		return nil, err
	}
	db.owned = true
	return db, nil
}

// New opens the database at the root of a store that the caller opened and will
// close, and creates it when the store is empty. Errors are those of Open.
func New(ctx context.Context, store Store, config Config, list ...Option) (*Database, error) {
	o, err := newOptions(list)
	if err != nil {
		return nil, &Error{Op: "open", Err: err}
	}
	return open(ctx, store, "", config, o)
}

func open(ctx context.Context, store Store, prefix string, config Config, o *options) (*Database, error) {
	db := &Database{
		requests: requester{store: store, policy: o.retry, observe: o.observe, reads: newLimiter(o.concurrency)},
		prefix:   prefix,
		options:  o,
		closed:   make(chan struct{}),
		looking:  make(chan struct{}, 1),
	}
	if config.Discover == nil { // else when all of them are known
		if err := db.checkResources(config.Resources, config); err != nil {
			return nil, &Error{Op: "open", Err: err}
		}
	}
	if err := db.loadRegistry(ctx, config); err != nil {
		return nil, databaseError("open", err)
	}
	for _, plug := range o.plug {
		if err := plug(ctx, db); err != nil {
			return nil, errors.Join(databaseError("open", err), db.stop())
		}
	}
	for _, e := range db.news {
		db.emit(ctx, e)
	}
	db.emit(ctx, DatabaseEvent{Kind: EventConnected, Operation: "open"})
	return db, nil
}

// checkResources finds mistakes that need no request.
func (db *Database) checkResources(resources []Resource, config Config) error {
	known := make(map[string]bool, len(resources))
	for _, r := range resources {
		info := r.info()
		known[info.name] = true
		if !info.ids && db.options.ids[info.name] == nil {
			return configError("resource %q makes its ids by a function of the program: pass s3db.WithIDs(%q, f) to Open", info.name, info.name)
		}
		if err := db.needsKey(info); err != nil && !config.WithoutKeys {
			return err
		}
	}
	for name := range db.options.ids {
		if !known[name] {
			return configError("WithIDs(%q): there is no such resource", name)
		}
	}
	return nil
}

// Close closes the plugins, ends buffered subscriptions, and releases the store
// if Open opened it. Operations that run fail.
func (db *Database) Close() error {
	err := db.stop()
	if !db.owned {
		return err
	}
	return errors.Join(err, db.requests.store.Close())
}

// Capabilities returns what the database's server can do.
func (db *Database) Capabilities() Capabilities { return db.caps }

// PasswordParams returns the cost at which the database hashes passwords, see
// [WithPasswordParams].
func (db *Database) PasswordParams() PasswordParams { return db.options.password }

// ID returns the random id that the database got when it was created.
func (db *Database) ID() string { return db.id }

func (db *Database) registryKey() string { return path.Join(db.prefix, registryName) }

// metadataLimit is the number of bytes a document may have in metadata.
func (db *Database) metadataLimit() int {
	return min(db.caps.MetadataLimit, DefaultMetadataLimit)
}

func (db *Database) now() time.Time { return db.options.now().UTC().Round(0) }

// databaseError wraps an error of an operation that is about no document.
func databaseError(op string, err error) error {
	return &Error{Op: op, Err: asUnavailable(err)}
}
