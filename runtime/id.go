package s3db

import (
	"crypto/rand"
	"fmt"

	"github.com/google/uuid"
	nanoid "github.com/matoous/go-nanoid/v2"
	"github.com/oklog/ulid/v2"
)

// IDGenerator makes the id of a document that is inserted without one. It must
// be safe for concurrent use and return a different id at each call; an id that
// is taken all the same is replaced by a fresh one.
type IDGenerator func() (string, error)

// idAlphabet has no "-" and no "_", so that an id is one word to a double click
// and needs no escape in a key.
const idAlphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// NanoID makes random ids of size characters from 0-9, a-z and A-Z; 22 of them
// hold 131 bits.
func NanoID(size int) IDGenerator {
	return func() (string, error) { return nanoid.Generate(idAlphabet, size) }
}

// UUIDv1 makes time-based UUIDs (RFC 9562, version 1).
func UUIDv1() (string, error) { return uuidText(uuid.NewUUID()) }

// UUIDv4 makes random UUIDs (RFC 9562, version 4).
func UUIDv4() (string, error) { return uuidText(uuid.NewRandom()) }

// UUIDv7 makes UUIDs that sort by their time of creation (RFC 9562, version 7).
func UUIDv7() (string, error) { return uuidText(uuid.NewV7()) }

func uuidText(u uuid.UUID, err error) (string, error) {
	if err != nil {
		return "", err
	}
	return u.String(), nil
}

// ULID makes ids of 26 characters that sort by their time of creation, see
// https://github.com/ulid/spec.
func ULID() (string, error) {
	u, err := ulid.New(ulid.Now(), rand.Reader)
	if err != nil {
		return "", err
	}
	return u.String(), nil
}

// newRevision returns a fresh random name of one write: 22 characters, 131 bits.
func newRevision() (string, error) {
	rev, err := nanoid.Generate(idAlphabet, revisionSize)
	if err != nil {
		return "", fmt.Errorf("no random numbers: %w", err)
	}
	return rev, nil
}

const (
	revisionSize = 22
	tokenSize    = 11 // 65 bits: names the entries and claims that a write made
)
