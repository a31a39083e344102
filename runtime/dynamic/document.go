package dynamic

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Values are attributes by name. An absent attribute has no member. The values of
// each type are
//
//	string text email url enum   string
//	integer                      int64
//	number                       float64
//	decimal                      decimal.Decimal
//	boolean                      bool
//	datetime, date, duration     time.Time, s3db.Date, time.Duration
//	uuid                         uuid.UUID
//	ip ip4 ip6                   netip.Addr
//	bytes, json                  []byte, json.RawMessage
//	object                       Values; map[string]any without attributes
//	array, map                   []any, map[string]any
//	secret                       Secret
//	password                     s3db.PasswordHash; s3db.Password in input
type Values map[string]any

// Document is a document of any resource. Its JSON form is that of the generated
// struct: the same members with the same values, secrets and passwords redacted;
// but decimals keep the zeros at their end.
type Document struct {
	ID                   string
	Values               Values
	CreatedAt, UpdatedAt time.Time // zero when the resource has no timestamps
	Meta                 s3db.Meta

	shape  *shape
	stored Values // as they were read, for secrets that stay as they are
}

// Input is what inserts, upserts and replaces take. ParseInput makes one from
// JSON.
type Input struct {
	ID     string // "" for a generated one
	Values Values
	// CreatedAt and UpdatedAt are what the JSON says. They are stored only when they
	// are passed on with s3db.KeepTimestamps.
	CreatedAt, UpdatedAt time.Time
}

// Patch changes some attributes: nil removes an optional one, any other value is
// set, and one of s3db.Add is added. Attributes that it does not name stay as they are.
type Patch map[string]any

// Secret is an encrypted value. Printing it in any way shows "[redacted]".
type Secret struct {
	sealed []byte
	value  s3db.Secret[any]
	unseal func() (s3db.Secret[any], error) // of one that may be part of a claim's key
}

// NewSecret returns a secret that is encrypted when it is written, with the first
// key that the database was opened with.
func NewSecret(value any) Secret { return Secret{value: s3db.NewSecret(value)} }

// Value returns the decrypted value; ok is false when it was read without
// Config.Reveal.
func (s Secret) Value() (value any, ok bool) { return s.value.Reveal(), !s.value.IsZero() }

// unsealed returns the value, and decrypts it when it was not.
func (s Secret) unsealed() (s3db.Secret[any], error) {
	if s.value.IsZero() && s.unseal != nil {
		return s.unseal()
	}
	return s.value, nil
}

// Key returns the id of the key that the stored value is encrypted with, and ""
// for a secret that was not read from a database.
func (s Secret) Key() string {
	id, _ := s3db.SealingKey(s.sealed)
	return id
}

// Renewed returns the secret without its stored form, so that writing it encrypts
// the value again, with the first key that the database was opened with. It
// reports false when the value is not known.
func (s Secret) Renewed() (renewed Secret, ok bool) {
	if s.value.IsZero() {
		return s, false
	}
	return Secret{value: s.value}, true
}

// Format implements fmt.Formatter: every verb prints "[redacted]".
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]", also in JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

const redacted = "[redacted]"

// stored stands for the value that a document has already, in an input whose JSON
// shows "[redacted]".
type stored struct{}
