package replicator

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// DeadLetter is a change that a target has not applied, and that is not sent again
// unless Replay asks for it.
type DeadLetter struct {
	Change Change    `json:"change"`
	Reason string    `json:"reason"`
	Held   bool      `json:"held,omitempty"` // nothing is wrong with it, but it follows one that was rejected
	Time   time.Time `json:"time"`           // when it was put aside

	key   string
	twins []string // keys of the same letter
}

func (d *DeadLetter) document() documentKey { return documentKey{d.Change.Resource, d.Change.ID} }

type letterObject struct {
	Format int `json:"format"`
	DeadLetter
}

func lettersRoot(target string) string { return "dead/" + targetRoot(target) }

// letters are those of a target in one shard.
type letters struct {
	space  *s3db.Space
	target string
	shard  int
	parked map[string]bool // hashes of documents that have letters; nil before they are known
}

func (l *letters) root() string { return lettersRoot(l.target) + shardName(l.shard) + "/" }

func (l *letters) dir(hash string) string { return l.root() + hash + "/" }

// mostParked bounds the documents that have dead letters in one shard of a target. One
// more stops it: then something else is wrong than a document.
const mostParked = 100_000

// load finds the documents that have letters.
func (l *letters) load(ctx context.Context) error {
	if l.parked != nil {
		return nil
	}
	parked := map[string]bool{}
	for item, err := range l.space.List(ctx, l.root(), "") {
		if err != nil {
			return err
		}
		if hash, ok := l.hash(item.Key); ok {
			parked[hash] = true
		}
	}
	l.parked = parked
	return nil
}

func (l *letters) hash(key string) (string, bool) {
	const digits = 32
	rest := key[len(l.root()):]
	if len(rest) <= digits {
		return "", false
	}
	return rest[:digits], true
}

// holds reports whether a change has to wait behind letters of its document, which
// somebody may have discarded, and whether it is among them or was applied before them: the
// process that put them has crashed before it kept its checkpoint.
func (l *letters) holds(ctx context.Context, c Change) (waits, done bool, err error) {
	hash := placeOf(c.Resource, c.ID, 1).hash
	if !l.parked[hash] {
		return false, false, nil
	}
	for _, err := range l.space.List(ctx, l.dir(hash), l.dir(hash)+c.Seq.String()) {
		return true, true, err
	}
	for _, err := range l.space.List(ctx, l.dir(hash), "") {
		return true, false, err
	}
	delete(l.parked, hash)
	return false, false, nil
}

// have reports whether a change is among the letters of its document: what is done again,
// since a later change failed or the process crashed, must not try it again. Else two that
// make the target fail would take turns for ever.
func (l *letters) have(ctx context.Context, c Change) (bool, error) {
	hash := placeOf(c.Resource, c.ID, 1).hash
	if !l.parked[hash] {
		return false, nil
	}
	prefix := l.dir(hash) + c.Seq.String()
	for _, err := range l.space.List(ctx, prefix, "") {
		return err == nil, err
	}
	return false, nil
}

// put adds a letter. The same one may be there twice, after a crash.
func (l *letters) put(ctx context.Context, d DeadLetter) error {
	hash := placeOf(d.Change.Resource, d.Change.ID, 1).hash
	if !l.parked[hash] && len(l.parked) >= mostParked {
		return fmt.Errorf("%d documents have dead letters: replay or discard them", len(l.parked))
	}
	body, err := marshal(letterObject{format, d})
	if err != nil {
		return err
	}
	// Its name is used once, so that no late removal of another one hits it.
	if _, err := l.space.Put(ctx, l.dir(hash)+d.Change.Seq.String()+"-"+rand.Text(), body, s3db.IfAbsent()); err != nil {
		return err
	}
	l.parked[hash] = true
	return nil
}

// all yields letters below a prefix, those of a document in their order.
func (l *letters) all(ctx context.Context, prefix string) iter.Seq2[DeadLetter, error] {
	return func(yield func(DeadLetter, error) bool) {
		var last DeadLetter
		for item, err := range l.space.List(ctx, prefix, "") {
			var o letterObject
			if err == nil {
				if _, err = read(ctx, l.space, item.Key, &o); errors.Is(err, s3db.ErrNotFound) {
					continue
				}
			}
			if err == nil && last.key != "" && o.Change.Seq == last.Change.Seq && o.document() == last.document() {
				last.twins = append(last.twins, item.Key)
				continue
			}
			if last.key != "" && !yield(last, nil) {
				return
			}
			if err != nil {
				yield(DeadLetter{}, err)
				return
			}
			last = o.DeadLetter
			last.key = item.Key
		}
		if last.key != "" {
			yield(last, nil)
		}
	}
}

// remove removes letters of one document.
func (l *letters) remove(ctx context.Context, list []DeadLetter) error {
	var keys []string
	for _, d := range list {
		keys = append(append(keys, d.key), d.twins...)
	}
	return l.space.Delete(ctx, keys...)
}
