package s3db

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
)

// The objects of the key space are
//
//	resource=<resource>/<hash of the id>/<revision>   the position that made a document
//	resource=<resource>/<hash of the id>/gone         the position that deleted it
//
// The first kind is put in the first round of the write that makes the revision. The
// second is put before a delete commits, and only ever grows; it counts while there is no
// document, also when the tombstone has been removed.

// position is the body of these objects.
type position struct {
	Seq      replicator.Seq `json:"seq"`
	Revision s3db.Revision  `json:"revision,omitempty"` // in the source
}

const gone = "gone"

func positionKey(resource, id, name string) string {
	sum := sha256.Sum256([]byte(id))
	return "resource=" + s3db.KeyText(resource) + "/" + hex.EncodeToString(sum[:16]) + "/" + s3db.KeyText(name)
}

// readPosition returns the position that an object holds and the condition on which it
// may be replaced. Without one it is the zero position.
func readPosition(ctx context.Context, space *s3db.Space, key string) (position, s3db.Condition, error) {
	obj, err := space.Get(ctx, key)
	if errors.Is(err, s3db.ErrNotFound) {
		return position{}, s3db.IfAbsent(), nil
	}
	if err != nil {
		return position{}, s3db.Condition{}, err
	}
	var p position
	if err := json.Unmarshal(obj.Body, &p); err != nil {
		return p, s3db.Condition{}, fmt.Errorf("%w: the position %s: %w", s3db.ErrCorrupt, key, err)
	}
	return p, s3db.IfMatchETag(obj.ETag), nil
}

// errOlder ends a write whose change is not newer than what the copy has.
var errOlder = errors.New("the copy has a newer state")

// errRenewed ends a write that would keep what only an insert can set.
var errRenewed = errors.New("the document was deleted and made anew")

// applying is what a write of this package carries in its context.
type applying struct {
	resource *dynamic.Resource
	change   *replicator.Change
	input    *dynamic.Input // nil for a delete
	stale    *stale
	// renewing is a delete that only makes room for an insert at the same position.
	renewing bool
}

type applyingKey struct{}

// onWrite judges an attempt to write by the position of the document it is based on. The
// attempt is conditional on that state, so the judgement still holds when it commits.
func (o *opened) onWrite(ctx context.Context, w *s3db.PendingWrite) error {
	a, ok := ctx.Value(applyingKey{}).(applying)
	if !ok {
		return nil
	}
	live := w.Operation != "insert"
	name := gone
	if live {
		name = string(w.Base)
	}
	old := positionKey(w.Resource, w.ID, name)
	at, _, err := readPosition(ctx, o.space, old)
	if err != nil {
		return err
	}
	if at.Seq.Compare(a.change.Seq) >= 0 {
		return errOlder
	}
	switch after, _ := w.After.(*dynamic.Document); {
	case a.renewing:
	case w.Operation == "delete":
		if err := o.putGone(ctx, a.change); err != nil {
			return err
		}
	case live && !a.resource.SameImmutable(after, *a.input):
		return errRenewed
	default:
		body, err := json.Marshal(position{a.change.Seq, a.change.Revision})
		if err != nil {
			return err
		}
		if err := w.Put(o.space, positionKey(w.Resource, w.ID, string(w.Revision)), body); err != nil {
			return err
		}
	}
	if live && !at.Seq.IsZero() {
		w.OnOutcome(func(_ context.Context, outcome s3db.Outcome) {
			if outcome == s3db.OutcomeCommitted {
				a.stale.add(old)
			}
		})
	}
	return nil
}

// putGone notes that a document was deleted at a position, unless it was at a later one.
func (o *opened) putGone(ctx context.Context, c *replicator.Change) error {
	key := positionKey(c.Resource, c.ID, gone)
	body, err := json.Marshal(position{c.Seq, c.Revision})
	if err != nil {
		return err
	}
	const mostRaces = 20
	for range mostRaces {
		at, cond, err := readPosition(ctx, o.space, key)
		if err != nil {
			return err
		}
		if at.Seq.Compare(c.Seq) >= 0 {
			return nil
		}
		if _, err := o.space.Put(ctx, key, body, cond); !errors.Is(err, s3db.ErrPrecondition) {
			return err
		}
	}
	return fmt.Errorf("%w: others keep changing the position of %s/%s", s3db.ErrConflict, c.Resource, c.ID)
}

// stale collects objects that belong to revisions that are no more.
type stale struct {
	mu   sync.Mutex
	keys []string
}

func (s *stale) add(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = append(s.keys, key)
}
