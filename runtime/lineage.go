package s3db

import "context"

// lineage is what a document, or the tombstone in its place, remembers of the
// revisions that it went through.
type lineage struct {
	current Revision
	past    string // tokens, the latest first
}

func (s state) lineage() lineage {
	if s.record == nil {
		return lineage{}
	}
	return lineage{current: s.revision(), past: s.record.past}
}

// Includes reports whether the write that made a revision was committed, as far as
// this state tells: it is at that revision, or went through it in its last 16
// writes.
func (l lineage) Includes(rev Revision) bool { return l.Writes(rev) >= 0 }

// Writes returns how many writes after a revision led to this state, 0 when it is at
// that revision; -1 when it does not remember the revision.
func (l lineage) Writes(rev Revision) int {
	if rev == "" || l.current == "" {
		return -1
	}
	if rev == l.current {
		return 0
	}
	if len(rev) != revisionSize {
		return -1
	}
	want, n := token(string(rev)), 1
	for past := l.past; len(past) >= tokenSize; past = past[tokenSize:] {
		if past[:tokenSize] == want {
			return n
		}
		n++
	}
	return -1
}

// Complete reports whether the state remembers all writes since there was no object
// under the id.
func (l lineage) Complete() bool { return !full(l.past) }

// ObjectState is what is stored under the id of a document of any resource.
type ObjectState struct {
	// Revision is that of the document or of the tombstone in its place; "" when there is
	// neither.
	Revision Revision
	// Image is the document; the empty Image when there is none.
	Image Image

	lineage
}

// Live reports whether there is a document.
func (s ObjectState) Live() bool { return s.Image.record != nil }

// ObjectState reads what is stored under an id, without decoding it. A program needs no
// client of the resource for that, and no key. 1 request.
func (db *Database) ObjectState(ctx context.Context, resource, id string) (ObjectState, error) {
	const op = "get"
	s, err := db.readState(ctx, dataKey(db.prefix, resource, id))
	if err != nil {
		return ObjectState{}, &Error{Op: op, Resource: resource, ID: id, Err: asUnavailable(err)}
	}
	found := ObjectState{Revision: s.revision(), lineage: s.lineage()}
	if s.live() {
		found.Image = Image{id: id, etag: s.etag, record: s.record}
	}
	return found, nil
}
