package s3db

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"
)

// keySource is a key as the caller gives it: a passphrase, 32 raw bytes, or a
// provider of data keys. The empty id means one that is derived from the key
// itself.
type keySource struct {
	id         string
	passphrase []byte
	raw        []byte
	provider   KeyProvider
	derived    *derivations // of the passphrase; nil to keep none
}

// derive returns the root of the source's passphrase.
func (s *keySource) derive(salt []byte) []byte {
	if s.derived == nil {
		return deriveRoot(s.passphrase, salt)
	}
	return s.derived.root(s.passphrase, salt)
}

// derivations are the roots that were derived from one passphrase, by salt. They
// live as long as the option that holds the passphrase, so that a program which
// opens a database again does not pay again.
type derivations struct {
	derive func(passphrase, salt []byte) []byte

	mu    sync.Mutex
	roots map[string][]byte
}

func (d *derivations) root(passphrase, salt []byte) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	root := d.roots[string(salt)]
	if root == nil {
		root = d.derive(passphrase, salt)
		if d.roots == nil {
			d.roots = map[string][]byte{}
		}
		d.roots[string(salt)] = root
	}
	return root
}

// The cost of deriving the key from a passphrase: the second recommendation of
// RFC 9106, section 4. It is part of the format.
const (
	passphraseTime    = 3
	passphraseMemory  = 64 * 1024 // KiB
	passphraseThreads = 4
)

func deriveRoot(passphrase, salt []byte) []byte {
	return argon2.IDKey(passphrase, salt, passphraseTime, passphraseMemory, passphraseThreads, keySize)
}

// needsKey refuses a resource that needs a key when there is none.
func (db *Database) needsKey(info resourceInfo) error {
	var what string
	switch {
	case len(db.options.keys) > 0:
		return nil
	case info.secrets:
		what = "secret attributes"
	case info.hashed:
		what = "a hashed unique constraint"
	default:
		return nil
	}
	return configError("resource %q has %s: pass s3db.WithPassphrase, s3db.WithKey or s3db.WithKeyProvider to Open", info.name, what)
}

// usesKeys reports whether a program can meet anything that needs a key: its
// resources have secrets or hashed unique constraints, or it is a tool that was
// given keys for a database that has some.
func (db *Database) usesKeys(reg *registry, config Config) (uses, hashed bool) {
	for _, r := range config.Resources {
		info := r.info()
		uses = uses || info.secrets || info.hashed
		hashed = hashed || info.hashed
	}
	tool := config.Existing && len(config.Resources) == 0
	return uses || (tool && len(db.options.keys) > 0 && len(reg.Keys) > 0), hashed
}

// databaseKeys are the keys of an open database. The ring is replaced when a
// program meets a data key that was made after it opened the database.
type databaseKeys struct {
	ring atomic.Pointer[keyring] // nil when nothing is secret

	mu      sync.Mutex // guards what follows
	data    dataKeys
	unknown map[string]bool // ids that were looked for in vain
}

// ring returns the keyring, nil when the program has none.
func (db *Database) ring() *keyring { return db.keys.ring.Load() }

// sealer encrypts and decrypts the secrets of a document.
func (db *Database) sealer(resource, id string) *documentSealer {
	s := &documentSealer{ring: db.ring(), database: db.id, resource: resource, id: id}
	if slices.ContainsFunc(db.options.keys, func(k keySource) bool { return k.provider != nil }) {
		s.more = db.moreKeys
	}
	return s
}

// loadKeys makes the keyring, if the program needs one: see usesKeys. The
// registry remembers which keys encrypted: a program that has none of them has a
// wrong passphrase, and what it wrote would be lost to all others.
func (db *Database) loadKeys(ctx context.Context, reg *registry, config Config) (changed bool, err error) {
	uses, hashed := db.usesKeys(reg, config)
	if !uses || config.WithoutKeys && len(db.options.keys) == 0 {
		return false, nil
	}
	db.keys.mu.Lock()
	defer db.keys.mu.Unlock()
	ring, changed, err := db.makeRing(ctx, reg, true)
	if err != nil {
		return false, err
	}
	ids := ring.order
	if len(reg.Keys) > 0 && !slices.ContainsFunc(ids, func(id string) bool { return slices.Contains(reg.Keys, id) }) {
		return false, configError("the secrets of this database are encrypted with the key %q, and Open was given %q: is the passphrase wrong? "+
			"To change the key, give the old one after the new one", reg.Keys, ids)
	}
	registered, err := db.activate(ring, reg, hashed)
	if err != nil {
		return false, err
	}
	db.keys.ring.Store(ring)
	return changed || registered, nil
}

// activate makes sure that the registry knows the active key of a ring.
func (db *Database) activate(ring *keyring, reg *registry, hashed bool) (changed bool, err error) {
	changed, err = db.loadHashKey(ring, reg, hashed)
	if active := ring.order[0]; !slices.Contains(reg.Keys, active) {
		reg.Keys = append(reg.Keys, active)
		changed = true
	}
	return changed, err
}

// makeRing makes the keyring of the sources that Open was given. A provider that
// stands first and has no data key in the registry makes one, if it may: changed
// tells that the registry must be written.
func (db *Database) makeRing(ctx context.Context, reg *registry, create bool) (ring *keyring, changed bool, err error) {
	var sources []keySource
	for i, source := range db.options.keys {
		if source.provider == nil {
			sources = append(sources, source)
			continue
		}
		mine := reg.dataKeys(source.provider)
		if len(mine) == 0 && i == 0 && create {
			if err := db.keys.data.add(ctx, source.provider, reg, db.options.now()); err != nil {
				return nil, false, err
			}
			mine, changed = reg.dataKeys(source.provider), true
		}
		for _, w := range mine {
			root, err := db.keys.data.root(ctx, source.provider, reg, w)
			if err != nil {
				return nil, false, err
			}
			sources = append(sources, keySource{raw: root})
		}
	}
	ring, err = newKeyring(reg.Salt, sources...)
	return ring, changed, err
}

// dataKeys returns the data keys of a provider, the newest first.
func (r *registry) dataKeys(p KeyProvider) []wrappedKey {
	var mine []wrappedKey
	for _, w := range slices.Backward(r.DataKeys) {
		if w.Provider == p.Name() {
			mine = append(mine, w)
		}
	}
	return mine
}

// moreKeys looks in the registry for a data key that was made after the database
// was opened. It costs a request for each id that it meets for the first time.
func (db *Database) moreKeys(id string) (*keyring, error) {
	db.keys.mu.Lock()
	defer db.keys.mu.Unlock()
	ring := db.ring()
	if ring.keys[id] != nil || db.keys.unknown[id] {
		return ring, nil
	}
	// A decoder has no context: what it asks here it asks once.
	ctx, cancel := context.WithTimeout(context.Background(), db.requests.policy.Timeout)
	defer cancel()
	reg, _, err := db.readRegistry(ctx)
	if err != nil {
		return nil, err
	}
	if reg != nil && slices.ContainsFunc(reg.DataKeys, func(w wrappedKey) bool { return w.ID == id }) {
		if ring, _, err = db.makeRing(ctx, reg, false); err != nil {
			return nil, err
		}
		db.keys.ring.Store(ring)
	}
	if ring.keys[id] == nil {
		const most = 1000 // forged ids must not fill the memory
		if len(db.keys.unknown) >= most || db.keys.unknown == nil {
			db.keys.unknown = map[string]bool{}
		}
		db.keys.unknown[id] = true
	}
	return ring, nil
}

// newDataKey has the provider of the first key make a data key, which becomes the
// active one.
func (db *Database) newDataKey(ctx context.Context) error {
	if len(db.options.keys) == 0 || db.options.keys[0].provider == nil {
		return configError("NewKey needs a key provider as the first key: pass s3db.WithKeyProvider to Open before other keys")
	}
	db.keys.mu.Lock()
	defer db.keys.mu.Unlock()
	db.keys.data.made = nil
	var ring *keyring
	err := db.changeRegistry(ctx, func(reg *registry, _ time.Time) (err error) {
		if err := db.keys.data.add(ctx, db.options.keys[0].provider, reg, db.options.now()); err != nil {
			return err
		}
		if ring, _, err = db.makeRing(ctx, reg, false); err != nil {
			return err
		}
		_, err = db.activate(ring, reg, false)
		return err
	})
	if err != nil {
		return err
	}
	db.keys.ring.Store(ring)
	return nil
}
