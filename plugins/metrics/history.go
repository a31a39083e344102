package metrics

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// keyTime is the form of the time in the key of a flush. Texts in it sort as the
// times do.
const keyTime = "2006-01-02T15:04:05.000000000Z"

// flushes is the part of the key space with what was flushed.
const flushes = "flush/"

// newWriter names a process among those that flush.
func newWriter() string { return rand.Text() }

// Flush writes what was collected since the last time to the database, as an object
// of its own, so that any number of processes may do so. 1 request; none when nothing
// happened but flushes.
func (p *Plugin) Flush(ctx context.Context) error {
	if p.space == nil {
		return errors.New("metrics: the plugin is not installed")
	}
	p.flushing.Lock()
	defer p.flushing.Unlock()
	t := p.take()
	if len(t.Operations) == 0 {
		p.taken(t, false) // the request of the last flush is no news
		return nil
	}
	body, err := json.Marshal(t)
	if err == nil {
		key := flushes + t.To.UTC().Format(keyTime) + "-" + p.writer
		_, err = p.space.Put(ctx, key, body, s3db.Condition{})
	}
	// After an unknown outcome it is rather lost than counted twice.
	p.taken(t, err == nil || errors.Is(err, s3db.ErrUnknownOutcome))
	if err != nil {
		return fmt.Errorf("metrics: flush: %w", err)
	}
	return nil
}

// History adds up what all processes flushed from one moment to another; the zero
// time is no bound. 1 request for each flush, and 1 for each 1,000.
func (p *Plugin) History(ctx context.Context, from, to time.Time) (Totals, error) {
	var sum Totals
	err := p.each(ctx, from, to, func(key string) error {
		object, err := p.space.Get(ctx, key)
		if errors.Is(err, s3db.ErrNotFound) {
			return nil // pruned meanwhile
		}
		if err != nil {
			return err
		}
		var t Totals
		if err := json.Unmarshal(object.Body, &t); err != nil {
			return fmt.Errorf("%w: %s", s3db.ErrCorrupt, key)
		}
		sum = sum.Add(t)
		return nil
	})
	if err != nil {
		return sum, fmt.Errorf("metrics: history: %w", err)
	}
	return sum, nil
}

// Prune deletes what was flushed before a moment, by any process, and returns how
// many objects that were. 2 requests for each 1,000.
func (p *Plugin) Prune(ctx context.Context, before time.Time) (int, error) {
	var keys []string
	err := p.each(ctx, time.Time{}, before, func(key string) error {
		keys = append(keys, key)
		return nil
	})
	if err == nil && len(keys) > 0 {
		err = p.space.Delete(ctx, keys...)
	}
	if err != nil {
		return 0, fmt.Errorf("metrics: prune: %w", err)
	}
	return len(keys), nil
}

// each calls f for the keys of flushes from one moment, included, to another, not
// included, in the order of time.
func (p *Plugin) each(ctx context.Context, from, to time.Time, f func(key string) error) error {
	if p.space == nil {
		return errors.New("the plugin is not installed")
	}
	after := ""
	if !from.IsZero() {
		after = flushes + from.UTC().Format(keyTime)
	}
	for item, err := range p.space.List(ctx, flushes, after) {
		if err != nil {
			return err
		}
		if !to.IsZero() && item.Key >= flushes+to.UTC().Format(keyTime) {
			return nil
		}
		if err := f(item.Key); err != nil {
			return err
		}
	}
	return nil
}
