package replicator

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Change is one committed change of a document. Its JSON form is that of segments
// and dead letters.
type Change struct {
	Shard    int           `json:"shard,omitempty"`
	Seq      Seq           `json:"seq,omitzero"`
	Resource string        `json:"resource"`
	Action   Action        `json:"action"`
	ID       string        `json:"id"`
	Base     s3db.Revision `json:"base,omitempty"`     // of the document before; "" when nothing is known of one
	Revision s3db.Revision `json:"revision,omitempty"` // of the document after, of the tombstone after a delete
	Version  int           `json:"version"`            // of the schema under which it was written, counted from 0
	// BaseVersion is that of the document before.
	BaseVersion int `json:"baseVersion,omitempty"`

	Time time.Time `json:"time"` // by the writer's clock, when it prepared the write

	// Before and After are the document before and after the change, as the JSON
	// object that export writes: the id, the attributes, the timestamps. Secrets and
	// passwords are no members of it unless the configuration asks for them. Before is
	// nil for an insert, and where only the state after is known; After is nil for a
	// delete.
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`

	// Snapshot says that the change is no write, but tells the state in which the
	// document was found: in the initial snapshot, in a repair, or after a write by a
	// program without the replicator. It is an Insert, or a Delete of what is not there.
	Snapshot bool `json:"snapshot,omitempty"`

	// Again says that a dead letter is applied again, out of the order of the log: what
	// is before it in the log may not have been applied yet.
	Again bool `json:"-"`
}

// Action is what a change does to a document.
type Action uint8

// The actions. The zero Action is none of them.
const (
	Insert Action = iota + 1
	Update
	Delete
)

// Actions returns all actions.
func Actions() []Action { return []Action{Insert, Update, Delete} }

// String returns "insert", "update" or "delete".
func (a Action) String() string {
	switch a {
	case Insert:
		return "insert"
	case Update:
		return "update"
	case Delete:
		return "delete"
	default:
		return "Action(" + strconv.Itoa(int(a)) + ")"
	}
}

// ParseAction is the inverse of String. Errors match s3db.ErrConfig.
func ParseAction(s string) (Action, error) {
	for _, a := range Actions() {
		if s == a.String() {
			return a, nil
		}
	}
	return 0, fmt.Errorf("%w: unknown action %q, must be insert, update or delete", s3db.ErrConfig, s)
}

// MarshalText implements encoding.TextMarshaler.
func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *Action) UnmarshalText(b []byte) (err error) {
	*a, err = ParseAction(string(b))
	return err
}

// Seq is the position of a change in the log of its shard. Later changes of one
// document have larger ones. The zero Seq is before all changes.
type Seq struct {
	Segment uint64 // counted from 1
	Offset  uint32 // in the segment, counted from 0
}

// EndOf is the position after all changes of a segment and before those of the
// next: that of documents of a snapshot.
func EndOf(segment uint64) Seq { return Seq{segment, math.MaxUint32} }

// Compare returns -1, 0 or 1, as s is before, at or after t.
func (s Seq) Compare(t Seq) int {
	return cmp.Or(cmp.Compare(s.Segment, t.Segment), cmp.Compare(s.Offset, t.Offset))
}

// IsZero reports whether s is before all changes.
func (s Seq) IsZero() bool { return s == Seq{} }

// String returns 25 characters, 16 and 8 hexadecimal digits in lower case around a
// "-", which sort as positions do.
func (s Seq) String() string { return fmt.Sprintf("%016x-%08x", s.Segment, s.Offset) }

// ParseSeq is the inverse of String. Errors match s3db.ErrCorrupt.
func ParseSeq(text string) (Seq, error) {
	const digits = 16
	if len(text) == digits+1+digits/2 && text[digits] == '-' {
		segment, err1 := strconv.ParseUint(text[:digits], 16, 64)
		offset, err2 := strconv.ParseUint(text[digits+1:], 16, 32)
		if s := (Seq{segment, uint32(offset)}); err1 == nil && err2 == nil && s.String() == text {
			return s, nil
		}
	}
	return Seq{}, fmt.Errorf("%w: %q is no position of a change", s3db.ErrCorrupt, text)
}

// MarshalText implements encoding.TextMarshaler.
func (s Seq) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Seq) UnmarshalText(b []byte) (err error) {
	*s, err = ParseSeq(string(b))
	return err
}
