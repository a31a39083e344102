package s3db

import (
	"bytes"
	"slices"
	"sync"

	"golang.org/x/crypto/argon2"
)

// keySource is a key as the caller gives it: a passphrase, or 32 raw bytes. The
// empty id means one that is derived from the key itself.
type keySource struct {
	id         string
	passphrase []byte
	raw        []byte
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
	what := ""
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
	return configError("resource %q has %s: pass s3db.WithPassphrase or s3db.WithKey to Open", info.name, what)
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

// loadKeys makes the keyring, if the program needs one: see usesKeys. The
// registry remembers which keys encrypted: a program that has none of them has a
// wrong passphrase, and what it wrote would be lost to all others.
func (db *Database) loadKeys(reg *registry, config Config) (changed bool, err error) {
	uses, hashed := db.usesKeys(reg, config)
	if !uses || config.WithoutKeys && len(db.options.keys) == 0 {
		return false, nil
	}
	if db.keys == nil || !bytes.Equal(db.salt, reg.Salt) { // else another attempt to write the registry
		if db.keys, err = newKeyring(reg.Salt, db.options.keys...); err != nil {
			return false, err
		}
		db.salt = reg.Salt
	}
	ids := db.keys.ids()
	if slices.Contains(reg.Keys, ids[0]) {
		return db.loadHashKey(reg, hashed)
	}
	if len(reg.Keys) > 0 && !slices.ContainsFunc(ids, func(id string) bool { return slices.Contains(reg.Keys, id) }) {
		return false, configError("the secrets of this database are encrypted with the key %q, and Open was given %q: is the passphrase wrong? "+
			"To change the key, give the old one after the new one", reg.Keys, ids)
	}
	reg.Keys = append(reg.Keys, ids[0])
	_, err = db.loadHashKey(reg, hashed)
	return true, err
}
