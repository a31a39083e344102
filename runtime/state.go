package s3db

import (
	"context"
	"errors"
)

// state is a document as a read found it: absent, deleted with a tombstone in
// its place, or live.
type state struct {
	record *record // nil when absent
	etag   string
	aged   bool // by the server's clock; a tombstone may be removed soon
}

// agedAfter is the age from which on a tombstone might be removed, at minGrace,
// while a request that was sent before it was read is still under way.
const agedAfter = minGrace / 2

func (s state) live() bool { return s.record != nil && !s.record.tombstone() }

// condition holds as long as the document is in this state.
func (s state) condition() Condition {
	if s.record == nil {
		return IfAbsent()
	}
	return IfMatchETag(s.etag)
}

func (s state) revision() Revision {
	if s.record == nil {
		return ""
	}
	return Revision(s.record.rev)
}

// readState reads what is under a document's key.
func (db *Database) readState(ctx context.Context, key string) (state, error) {
	obj, err := db.requests.get(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return state{}, nil
	}
	if err != nil {
		return state{}, err
	}
	rec, err := parseRecord(obj)
	if err != nil {
		return state{}, err
	}
	return state{record: rec, etag: obj.ETag, aged: obj.ServerTime.Sub(obj.LastModified) >= agedAfter}, nil
}
