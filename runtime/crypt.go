package s3db

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// sealer encrypts and decrypts the secrets of one document. path names the
// attribute by its numbers, such as "5" or "5.2"; a sealed value opens at the
// path where it was sealed and nowhere else.
type sealer interface {
	seal(path string, plain []byte) ([]byte, error)
	// reseal is seal for a value that was read from the store as sealed: as long as
	// it is the same value at the same place, and under the active key, it stays
	// as it is, byte for byte.
	reseal(path string, plain, sealed []byte) ([]byte, error)
	open(path string, sealed []byte) ([]byte, error)
}

// A sealed value is, in format 1 (docs/format.md, "Secrets"):
//
//	1 byte    0x01, the format of the sealed value
//	1 byte    n, the length of the key id, 1 to 32
//	n bytes   key id, printable ASCII
//	12 bytes  random nonce
//	rest      AES-256-GCM: ciphertext, then the tag of 16 bytes
//
// The additional data are the parts format, database id, resource, document id,
// path and key id, each after its length in 4 bytes, big-endian.
const (
	sealFormat     = 0x01
	sealFormatName = "s3dbgen secret 1"
	maxKeyID       = 32
	nonceSize      = 12
	tagSize        = 16
	keySize        = 32
)

// keyring holds the keys of a database. It is not changed after it was made.
type keyring struct {
	keys   map[string]cipher.AEAD
	order  []string // ids, the active one first
	random io.Reader
}

// newKeyring derives the keys, which takes some 100 ms for each passphrase. The
// first key is the active one: it encrypts, all of them decrypt. salt is the
// database's own, 16 bytes or more. Without sources the result is nil.
func newKeyring(salt []byte, sources ...keySource) (*keyring, error) {
	if len(sources) == 0 {
		return nil, nil //nolint:nilnil // no keys is a good state: most databases have no secrets
	}
	ring := &keyring{keys: make(map[string]cipher.AEAD, len(sources)), random: rand.Reader}
	for _, source := range sources {
		if err := ring.add(salt, source); err != nil {
			return nil, err
		}
	}
	return ring, nil
}

func (ring *keyring) add(salt []byte, source keySource) error {
	const shortestSalt = 16
	if len(salt) < shortestSalt {
		return fmt.Errorf("%w: the salt of the database has %d bytes, needs %d", ErrConfig, len(salt), shortestSalt)
	}
	root := source.raw
	switch {
	case len(source.passphrase) > 0 && source.raw != nil:
		return fmt.Errorf("%w: a key is either a passphrase or raw bytes", ErrConfig)
	case len(source.passphrase) > 0:
		root = source.derive(salt)
	case len(root) != keySize:
		return fmt.Errorf("%w: a raw key has %d bytes, needs %d", ErrConfig, len(root), keySize)
	}
	id := source.id
	if id == "" {
		var err error
		if id, err = rootID(root, salt); err != nil {
			return err
		}
	}
	if !isKeyID(id) {
		return fmt.Errorf("%w: key id %q: needs 1 to %d letters, digits, - or _", ErrConfig, id, maxKeyID)
	}
	if ring.keys[id] != nil {
		return fmt.Errorf("%w: key id %q is given twice", ErrConfig, id)
	}
	key, err := hkdf.Key(sha256.New, root, salt, "s3dbgen 1 secrets", keySize)
	if err != nil {
		return err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return err
	}
	ring.keys[id] = gcm
	ring.order = append(ring.order, id)
	return nil
}

// rootID returns the id of a key that was given none.
func rootID(root, salt []byte) (string, error) {
	if len(root) != keySize {
		return "", fmt.Errorf("%w: a key has %d bytes, needs %d", ErrConfig, len(root), keySize)
	}
	fingerprint, err := hkdf.Key(sha256.New, root, salt, "s3dbgen 1 key id", 6)
	return base64.RawURLEncoding.EncodeToString(fingerprint), err
}

func isKeyID(id string) bool { return len(id) <= maxKeyID && all(id, isDash) }

// ids returns the ids of the keys, the active one first.
func (ring *keyring) ids() []string { return slices.Clone(ring.order) }

// documentSealer binds secrets to their document.
type documentSealer struct {
	ring                   *keyring
	database, resource, id string
	// more looks for a key that the ring lacks; nil where there is no place to look.
	more func(id string) (*keyring, error)
}

// newSealer returns the sealer of one document. With a nil ring it refuses every
// value.
func newSealer(ring *keyring, database, resource, id string) sealer {
	return &documentSealer{ring: ring, database: database, resource: resource, id: id}
}

func (s *documentSealer) seal(path string, plain []byte) ([]byte, error) {
	if s.ring == nil {
		return nil, fmt.Errorf("%w: secrets need a key: give WithPassphrase or WithKey to Open", ErrConfig)
	}
	id := s.ring.order[0]
	head := 2 + len(id)
	out := make([]byte, head+nonceSize, head+nonceSize+len(plain)+tagSize)
	out[0], out[1] = sealFormat, byte(len(id)) //nolint:gosec // at most maxKeyID
	copy(out[2:], id)
	if _, err := io.ReadFull(s.ring.random, out[head:]); err != nil {
		return nil, fmt.Errorf("no random numbers: %w", err)
	}
	return s.ring.keys[id].Seal(out, out[head:], plain, s.additional(path, id)), nil
}

func (s *documentSealer) reseal(path string, plain, sealed []byte) ([]byte, error) {
	// A caller may have changed the bytes of a value that it read, or put it at
	// another place: only opening it tells.
	if id, ok := SealingKey(sealed); ok && s.ring != nil && id == s.ring.order[0] {
		old, err := s.open(path, sealed)
		same := err == nil && subtle.ConstantTimeCompare(old, plain) == 1
		clear(old)
		if same {
			return sealed, nil
		}
	}
	return s.seal(path, plain)
}

func (s *documentSealer) open(path string, sealed []byte) ([]byte, error) {
	id, ok := SealingKey(sealed)
	if !ok {
		return nil, fmt.Errorf("%w: it is damaged, or of a format that this program does not know", ErrDecrypt)
	}
	head := 2 + len(id)
	if s.ring == nil {
		return nil, fmt.Errorf("%w: it needs the key %q, and Open was given none", ErrDecrypt, id)
	}
	key := s.ring.keys[id]
	if key == nil && s.more != nil {
		ring, err := s.more(id)
		if err != nil {
			return nil, fmt.Errorf("%w: it needs the key %q: %w", ErrDecrypt, id, err)
		}
		s.ring, key = ring, ring.keys[id]
	}
	if key == nil {
		return nil, fmt.Errorf("%w: it needs the key %q, and Open was given %q", ErrDecrypt, id, s.ring.order)
	}
	plain, err := key.Open(nil, sealed[head:head+nonceSize], sealed[head+nonceSize:], s.additional(path, id))
	if err != nil {
		return nil, fmt.Errorf("%w: wrong key %q, or the value was altered or moved", ErrDecrypt, id)
	}
	return plain, nil
}

// SealingKey returns the id of the key that a sealed value, as it is stored, was
// encrypted with; ok is false when it is not a sealed value.
func SealingKey(sealed []byte) (id string, ok bool) {
	if len(sealed) < 2 || sealed[0] != sealFormat {
		return "", false
	}
	head := 2 + int(sealed[1])
	if len(sealed) < head+nonceSize+tagSize || !isKeyID(string(sealed[2:head])) {
		return "", false
	}
	return string(sealed[2:head]), true
}

// additional returns the data that a sealed value is bound to.
func (s *documentSealer) additional(path, keyID string) []byte {
	parts := [...]string{sealFormatName, s.database, s.resource, s.id, path, keyID}
	size := 0
	for _, p := range parts {
		size += 4 + len(p)
	}
	b := make([]byte, 0, size)
	for _, p := range parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(p))) //nolint:gosec // ids and names, far below 4 GiB
		b = append(b, p...)
	}
	return b
}
