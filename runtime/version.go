package s3db

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// registryLife is how long a program goes on with what the registry said. With
// maxAttempt and the life of a request it bounds how long a writer of an older
// version can go on after the registry has shut it out, see docs/versions.md.
const registryLife = 5 * time.Minute

// versionView is what the registry said of the versions of a program's resources.
type versionView struct {
	read      time.Time // on this process' clock
	resources map[string]*resourceView
}

// resourceView is what a program knows of the versions of one resource.
type resourceView struct {
	version int         // of this program
	newest  int         // in the database
	writers int         // least version whose programs may write
	oldest  int         // least version that documents have
	locked  map[int]int // version in the lock file by version in the database; -1 where this program's lock file does not have it
	removed []int       // numbers of attributes that versions of this program's lock file had and it does not
	// same are the indexes that documents of a version keep as this program's do.
	same map[int]map[string]bool
}

// alone reports whether no other version counts any more.
func (v *resourceView) alone() bool { return len(v.locked) == 1 || v.oldest >= v.newest }

// trusts reports whether a document that a program of a version wrote last has
// its entry or claim in an index.
func (v *resourceView) trusts(version int, index string) bool {
	return version == v.version || v.same[version][index]
}

// complete reports whether every document that has values for an index is in it.
// It is not while documents, or programs that may still write, are of a version
// that does not have the index.
func (v *resourceView) complete(index string) bool {
	for version := range v.locked {
		if version >= v.oldest && !v.trusts(version, index) {
			return false
		}
	}
	return true
}

// newer reports whether a document was written under a newer version than this
// program has.
func (v *resourceView) newer(version int) bool { return version > v.version }

// lockVersion returns the version in the lock file of a document, and that of the
// program itself when it cannot be known.
func (v *resourceView) lockVersion(version, own int) int {
	if locked, ok := v.locked[version]; ok && locked >= 0 {
		return locked
	}
	return own
}

// least returns the first version of the database that is not below a version of
// the lock file.
func (v *resourceView) least(locked int) int {
	least := v.version
	for version, n := range v.locked {
		if n >= locked {
			least = min(least, version)
		}
	}
	return least
}

// view makes the view of a resource. It fails when a field has another type in
// some version than in this program.
func (r *registry) view(info resourceInfo, version int) (*resourceView, error) {
	res := r.Resources[info.name]
	v := &resourceView{
		version: version, newest: res.Version, writers: res.Writers, oldest: res.Oldest,
		locked: map[int]int{}, same: map[int]map[string]bool{},
	}
	mine, err := parseShape([]byte(info.schema))
	if err != nil {
		return nil, configError("resource %q: %w", info.name, err)
	}
	indexes := mine.indexes()
	for _, x := range res.Versions {
		v.locked[x.Version] = slices.Index(info.hashes, x.Hash)
		if x.Version == version {
			v.locked[version] = info.version
			continue
		}
		shape, err := parseShape(x.Schema)
		if err != nil {
			return nil, fmt.Errorf("resource %s, version %d: %w", info.name, x.Version, err)
		}
		if path := conflict(mine.Fields, shape.Fields); path != "" {
			return nil, configError("resource %q: field %s has another type in version %d of the database than in this program: "+
				"were two branches of the schema in use, or was schema.lock.yaml lost? Restore the lock file of the programs that write to this database", info.name, path, x.Version)
		}
		if v.locked[x.Version] >= 0 {
			v.removed = append(v.removed, shape.without(mine)...)
		}
		same := map[string]bool{}
		for name, other := range shape.indexes() {
			own, ok := indexes[name]
			same[name] = ok && sameKeys(mine, shape, own, other)
		}
		v.same[x.Version] = same
	}
	return v, nil
}

// look takes over what the registry says now.
func (db *Database) look(reg *registry, versions map[string]int) error {
	view := &versionView{read: time.Now(), resources: map[string]*resourceView{}}
	for name, info := range db.infos {
		v, err := reg.view(info, versions[name])
		if err != nil {
			return err
		}
		view.resources[name] = v
	}
	db.view.Store(view)
	return nil
}

// current returns what the registry says of a resource. It reads the registry
// again, 1 request, when that was five minutes ago.
func (db *Database) current(ctx context.Context, resource string) (*resourceView, error) {
	view := db.view.Load()
	if time.Since(view.read) < registryLife {
		return view.resources[resource], nil
	}
	select { // not a mutex: who waits for another one's request may give up
	case db.looking <- struct{}{}:
		defer func() { <-db.looking }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if view = db.view.Load(); time.Since(view.read) < registryLife {
		return view.resources[resource], nil
	}
	if err := db.lookAgain(ctx); err != nil {
		return nil, err
	}
	return db.view.Load().resources[resource], nil
}

func (db *Database) lookAgain(ctx context.Context) error {
	reg, _, err := db.readRegistry(ctx)
	switch {
	case err != nil:
		return err
	case reg == nil || reg.Database != db.id:
		return fmt.Errorf("%w: %s is no longer that of the database that was opened", ErrCorrupt, registryName)
	}
	return db.look(reg, db.versions)
}

// ResourceVersion tells how the schema of a program stands to a database.
type ResourceVersion struct {
	Resource string
	Version  int // of this program
	Newest   int // that any program brought to the database
	Oldest   int // below which there are no documents any more
	Writable bool
	// Incomplete names the indexes in which documents of other versions are missing,
	// as "partition byCountry" or "unique email". Reads of such a partition, and
	// lookups that find nothing, read all documents instead.
	Incomplete []string
	// NeedsProgram are the versions that documents which may be there can only be
	// brought to by functions of the resource's program, in a program without
	// generated code.
	NeedsProgram []int
}

// Outdated reports whether the database has a newer version than this program.
func (v ResourceVersion) Outdated() bool { return v.Version < v.Newest }

// Versions returns how the program's resources stand to the database, in the
// order of their names. It reads the registry: 1 request.
func (db *Database) Versions(ctx context.Context) ([]ResourceVersion, error) {
	if err := db.lookAgain(ctx); err != nil {
		return nil, databaseError("versions", err)
	}
	view := db.view.Load()
	var list []ResourceVersion
	for _, name := range slices.Sorted(maps.Keys(view.resources)) {
		v := view.resources[name]
		x := ResourceVersion{Resource: name, Version: v.version, Newest: v.newest, Oldest: v.oldest, Writable: v.writers <= v.version}
		for _, index := range db.infos[name].indexes {
			if !v.complete(index) {
				x.Incomplete = append(x.Incomplete, index)
			}
		}
		x.NeedsProgram = v.lacking(db.infos[name].steps)
		list = append(list, x)
	}
	return list, nil
}

// lacking returns the versions whose steps take functions that this program does
// not have, for documents of versions that may still be there.
func (v *resourceView) lacking(steps []Step) []int {
	var versions []int
	for i := range steps {
		older := func(version int) bool {
			return version >= v.oldest && version != v.version && v.locked[version] >= 0 && v.locked[version] < steps[i].Version
		}
		if steps[i].lacking && slices.ContainsFunc(slices.Collect(maps.Keys(v.locked)), older) {
			versions = append(versions, steps[i].Version)
		}
	}
	return versions
}

// seen returns what the registry said last of the collection's resource.
func (c *engine) seen() *resourceView {
	return c.db.view.Load().resources[c.model.Resource]
}

// outdated explains a document that cannot be decoded because a newer program
// wrote it. Other errors stay as they are.
func (c *engine) outdated(version int, err error) error {
	if !c.seen().newer(version) || errors.Is(err, ErrDecrypt) {
		return err
	}
	newer := fmt.Errorf("%w: the document has version %d of the schema and not what version %d needs", ErrOutdated, version, c.version)
	if f, ok := errors.AsType[*pathError](err); ok {
		return &pathError{path: f.path, err: newer}
	}
	return newer
}

// writable returns an error when the program must not write, because programs of
// its version are shut out, or because it would destroy what a newer version
// stored in the document in another way.
func (c *engine) writable(v *resourceView, s state) error {
	switch {
	case v.writers > c.version:
		return fmt.Errorf("%w: the database was migrated to version %d, this program has version %d", ErrOutdated, v.writers, c.version)
	case s.live() && s.record.least > c.version:
		return fmt.Errorf("%w: the document takes programs of version %d to change it, this one has version %d", ErrOutdated, s.record.least, c.version)
	}
	return nil
}

// least returns the least version whose programs may change what this program
// writes: that which last stored an attribute in another way.
func (c *engine) least(v *resourceView) int {
	for i := len(c.model.Steps) - 1; i >= 0; i-- {
		if c.model.Steps[i].moves() {
			return v.least(c.model.Steps[i].Version)
		}
	}
	return 0
}
