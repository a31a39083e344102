package fulltext

import (
	"context"
	"slices"
	"strings"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// mark says that a write may have changed, or may yet change, what is indexed of a
// document. It is put before the write commits. For every document there is a
// mark, or the segments hold what is committed: whoever removes a mark must know
// that the write is settled, and that the segments hold a state read after that.
type mark struct {
	key  string
	id   string
	base s3db.Revision // what the write was based on; "" for no document
	rev  s3db.Revision // what it makes
	put  time.Time     // by the server's clock
}

const (
	marksDir = "marks/"
	noBase   = "-"
)

// mark puts a mark with a write, unless the write leaves all indexed texts as they
// are.
func (x *index) mark(w *s3db.PendingWrite) error {
	if w.Before != nil && w.After != nil {
		before, ok := x.texts(w.Before)
		after, same := x.texts(w.After)
		if !ok || !same {
			return configError("On(%q) has attributes of another resource: its documents are %T", x.name, w.After)
		}
		if slices.Equal(before, after) {
			return nil
		}
	}
	base := string(w.Base)
	if base == "" {
		base = noBase
	}
	return w.Put(x.space, x.root+marksDir+s3db.KeyText(w.ID)+"/"+base+"/"+string(w.Revision), nil)
}

// marks returns all marks, in the order of ids. 1 request for each 1,000.
func (x *index) marks(ctx context.Context) ([]mark, error) {
	items, err := x.list(ctx, marksDir)
	if err != nil {
		return nil, err
	}
	marks := make([]mark, 0, len(items))
	for _, item := range items {
		parts := strings.Split(strings.TrimPrefix(item.Key, x.root+marksDir), "/")
		if len(parts) != 3 {
			return nil, wrap(s3db.ErrCorrupt, "%s: the key is that of no mark", item.Key)
		}
		id, ok := s3db.ParseKeyText(parts[0])
		if !ok {
			return nil, wrap(s3db.ErrCorrupt, "%s: the key is that of no mark", item.Key)
		}
		m := mark{key: item.Key, id: id, base: s3db.Revision(parts[1]), rev: s3db.Revision(parts[2]), put: item.LastModified}
		if m.base == noBase {
			m.base = ""
		}
		marks = append(marks, m)
	}
	return marks, nil
}

// byID groups marks by their documents.
func byID(marks []mark) [][]mark {
	var groups [][]mark
	for i, m := range marks {
		if i > 0 && marks[i-1].id == m.id {
			groups[len(groups)-1] = append(groups[len(groups)-1], m)
		} else {
			groups = append(groups, []mark{m})
		}
	}
	return groups
}

// settledAfter is the age at which a write is settled: none lives as long
// (docs/protocol.md, "Time").
const settledAfter = time.Hour

// found is a state of a document that was read after its marks were listed.
type found struct {
	revision s3db.Revision
	live     bool
	texts    []string // of a live document
	includes func(s3db.Revision) bool
}

// settled returns the marks of writes that are in the state, or never will be in
// any.
func (x *index) settled(group []mark, s found, now time.Time) []mark {
	var list []mark
	for _, m := range group {
		based := func(other mark) bool { return other.base == m.rev } // so it was there
		switch {
		case s.includes(m.rev), slices.ContainsFunc(group, based):
		case m.base != "" && m.base != s.revision:
			// The document has left the state on which the commit is conditional.
		case m.base == "" && s.live && !x.local:
			// Deleted, it would leave a tombstone for longer than the write lives.
		case !now.IsZero() && now.Sub(m.put) >= settledAfter:
		default:
			continue
		}
		list = append(list, m)
	}
	return list
}
