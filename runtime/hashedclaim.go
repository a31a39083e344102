package s3db

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"math/big"
)

// Hashed unique constraints keep their values out of key names: the claim is
// named by an HMAC of the values (docs/format.md, "Hashed claims"). The HMAC's
// key belongs to the database and stays the same for its life, because two
// programs that hash with different keys would both get the same value. The
// registry keeps it sealed under each key that encrypts, so that changing those
// changes no claim.

const (
	hashKeyPath = "hash key" // where the sealer binds it; no document has such a path
	hashKeyInfo = "s3dbgen 1 unique"
	hashedName  = "s3dbgen unique 1"
	// hashedField stands in a hashed claim's key where the name of a field is in others.
	hashedField = "hmac"
)

// loadHashKey opens the key of hashed claims, makes one when a resource needs it
// and there is none, and sees to it that the registry holds it under the active
// key. changed tells that the registry must be written.
func (db *Database) loadHashKey(ring *keyring, reg *registry, needed bool) (changed bool, err error) {
	sealer := newSealer(ring, reg.Database, "", "")
	var secret []byte
	for _, id := range ring.order {
		if sealed := reg.HashKeys[id]; sealed != nil {
			if secret, err = sealer.open(hashKeyPath, sealed); err != nil {
				return false, err
			}
			break
		}
	}
	active := ring.order[0]
	switch {
	case secret == nil && len(reg.HashKeys) > 0 && needed:
		return false, configError("the hashed unique constraints of this database need one of the keys that its registry names under \"hashKeys\", and Open was given %q", ring.order)
	case secret == nil && !needed:
		return false, nil
	case secret == nil:
		secret = make([]byte, keySize)
		if _, err := rand.Read(secret); err != nil {
			return false, err
		}
	}
	key, err := hkdf.Key(sha256.New, secret, reg.Salt, hashKeyInfo, keySize)
	if err != nil {
		return false, err
	}
	if !bytes.Equal(db.hashKey, key) { // else it may be in use
		db.hashKey = key
	}
	if reg.HashKeys[active] != nil {
		return false, nil
	}
	sealed, err := sealer.seal(hashKeyPath, secret)
	if err != nil {
		return false, err
	}
	if reg.HashKeys == nil {
		reg.HashKeys = map[string][]byte{}
	}
	reg.HashKeys[active] = sealed
	return true, nil
}

// claimPath returns the path of a unique constraint's claim for the values in b,
// "" when one is absent.
func (db *Database) claimPath(resource, name string, fields []string, hashed bool, b *KeyBuilder) (string, error) {
	if !hashed {
		return b.path(fields)
	}
	if b.err != nil || b.absent {
		return "", b.err
	}
	if db.hashKey == nil {
		return "", configError("the unique constraint %s is hashed: pass s3db.WithPassphrase or s3db.WithKey to Open", name)
	}
	texts := make([][]byte, len(b.values))
	for i, v := range b.values {
		texts[i] = b.text[v.start:v.end]
	}
	sum := hashClaim(db.hashKey, resource, name, texts)
	path := appendKeyHash([]byte(hashedField+"="), sum)
	return string(append(path, keyEnd)), nil
}

// hashClaim is the HMAC-SHA256 of what a claim stands for: each part after its
// length in 4 bytes, so that different parts are different bytes.
func hashClaim(key []byte, resource, constraint string, values [][]byte) []byte {
	mac := hmac.New(sha256.New, key)
	for _, part := range append([][]byte{[]byte(hashedName), []byte(resource), []byte(constraint)}, values...) {
		var length [4]byte
		binary.BigEndian.PutUint32(length[:], uint32(len(part))) //nolint:gosec // values of a document, far below 4 GiB
		mac.Write(length[:])
		mac.Write(part)
	}
	return mac.Sum(nil)
}

// appendKeyHash appends 32 bytes as a number in 43 digits of base 62.
func appendKeyHash(b, sum []byte) []byte {
	const zeros = "0000000000000000000000000000000000000000000"
	digits := new(big.Int).SetBytes(sum).Text(62)
	return append(append(b, zeros[len(digits):]...), digits...)
}
