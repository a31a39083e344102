package replicator

import (
	"context"
	"errors"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// lease shares work among processes: one of them at a time holds it. It spares
// requests and duplicates. Nothing relies on it, since clocks and stalled processes can
// make two hold it: what they write is conditional. It is for one goroutine.
type lease struct {
	space  *s3db.Space
	key    string
	holder string
	ttl    time.Duration
	now    func() time.Time

	etag    string // "" when it is not held
	epoch   int
	renewed age
}

// held is the object of a lease.
type held struct {
	Format int       `json:"format"`
	Holder string    `json:"holder"`
	Epoch  int       `json:"epoch"` // counts holders
	Until  time.Time `json:"until"` // by the holder's clock
}

// hold takes the lease or keeps it, and reports whether this process has it. It sends
// a request every third of the lease's time, 2 when others might have it.
func (l *lease) hold(ctx context.Context) (bool, error) {
	if l.etag != "" && since(l.renewed) < l.ttl/3 {
		return true, nil
	}
	if l.etag != "" {
		return l.put(ctx, s3db.IfMatchETag(l.etag))
	}
	var h held
	obj, err := read(ctx, l.space, l.key, &h)
	switch {
	case errors.Is(err, s3db.ErrNotFound):
		l.epoch = 1
		return l.put(ctx, s3db.IfAbsent())
	case err != nil:
		return false, err
	case h.Holder != l.holder && l.now().Before(h.Until):
		return false, nil
	}
	l.epoch = h.Epoch + 1
	return l.put(ctx, s3db.IfMatchETag(obj.ETag))
}

func (l *lease) put(ctx context.Context, cond s3db.Condition) (bool, error) {
	began := age{time.Now()}
	l.etag = ""
	body, err := marshal(held{Format: format, Holder: l.holder, Epoch: l.epoch, Until: l.now().Add(l.ttl).UTC()})
	if err != nil {
		return false, err
	}
	etag, err := l.space.Put(ctx, l.key, body, cond)
	if errors.Is(err, s3db.ErrPrecondition) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	l.etag, l.renewed = etag, began
	return true, nil
}

// release gives the lease back, so that another process need not wait.
func (l *lease) release(ctx context.Context) error {
	if l.etag == "" {
		return nil
	}
	body, err := marshal(held{Format: format, Epoch: l.epoch})
	if err != nil {
		return err
	}
	_, err = l.space.Put(ctx, l.key, body, s3db.IfMatchETag(l.etag))
	l.etag = ""
	if errors.Is(err, s3db.ErrPrecondition) {
		return nil
	}
	return err
}
