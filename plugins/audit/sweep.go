package audit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Sweep removes the entries from before a time and returns their number. It is safe
// while programs write entries and others sweep. The records of sessions stay, with
// the number and hash of their last expired entry: so the rest of their chain still
// holds, and what was removed in another way is still noticed.
//
// It costs 1 LIST for each 1,000 expired entries and each resource, 3 requests for
// each session of them, and 1 for each 1,000 that it removes.
func (l *Log) Sweep(ctx context.Context, before time.Time) (removed int, err error) {
	type end struct {
		number int64
		key    string
	}
	ends := map[string]end{}         // of each session: its last expired entry
	expired := map[string][]string{} // keys by session
	err = l.each(ctx, "", time.Time{}, before, func(key string, n named) {
		number, err := strconv.ParseInt(n.number, 10, 64)
		if err != nil {
			return // none of ours, for Verify to tell
		}
		expired[n.session] = append(expired[n.session], key)
		if number > ends[n.session].number {
			ends[n.session] = end{number, key}
		}
	})
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, session := range slices.Sorted(maps.Keys(expired)) {
		err := l.raise(ctx, session, ends[session].number, ends[session].key, before)
		if err == nil {
			err = l.space.Delete(ctx, expired[session]...)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("session %s: %w", session, err))
			continue
		}
		removed += len(expired[session])
	}
	return removed, errors.Join(errs...)
}

// raise writes down, before anything is removed, up to where a session has expired.
func (l *Log) raise(ctx context.Context, session string, number int64, key string, before time.Time) error {
	obj, err := l.space.Get(ctx, key)
	if errors.Is(err, s3db.ErrNotFound) {
		return nil // another sweep is done with it
	}
	if err != nil {
		return err
	}
	x, err := l.digest.parse(key, obj.Body)
	if err != nil {
		return fmt.Errorf("%w: audit: entry %s: %w", s3db.ErrCorrupt, key, err)
	}
	return l.change(ctx, session, func(r *record) bool {
		if r.Floor >= number {
			return false
		}
		r.Floor, r.FloorHash, r.Expired = number, x.hash, before.UTC()
		return true
	})
}
