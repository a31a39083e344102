package cache

import (
	"context"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// looked is what is known before a read.
type looked struct {
	entry *entry // it is true: there is nothing to read
	skip  bool   // the result is not to be kept
	etag  string // of the place that was taken for the result
	stamp string
	pages int
}

// look looks for a result in S3, verifies one, or prepares to keep one.
func (p *Plugin) look(ctx context.Context, r *s3db.PendingRead, f *flight, now time.Time) (looked, error) {
	var kept *entry
	var cond s3db.Condition
	ok := true
	if p.shared != nil {
		kept, cond, ok = p.shared.get(ctx, f.key, r)
	} else if p.options.Verify {
		kept = p.memory.get(f.key, r, now)
	}
	if p.options.Verify {
		return p.verify(ctx, r, kept)
	}
	switch {
	case kept != nil && f.valid():
		return looked{entry: kept}, nil
	case kept != nil || p.shared == nil || !ok:
		return looked{skip: !ok || kept != nil}, nil
	}
	etag := p.shared.take(ctx, f.key, f.scope, cond)
	return looked{etag: etag, skip: etag == ""}, nil
}

// verify compares the stamp of a kept result with the store's. The stamp is taken
// before the read whose result it will be kept with: as long as it is the same,
// nothing was written since then.
func (p *Plugin) verify(ctx context.Context, r *s3db.PendingRead, kept *entry) (looked, error) {
	if kept != nil && kept.useless {
		return looked{skip: true}, nil
	}
	prices := s3db.ClassStandard.Prices()
	budget := int(max(1, prices.Of(r.Plan().Requests)/prices.List))
	stamp, pages, ok, err := r.Stamp(ctx, budget)
	switch {
	case err != nil:
		return looked{}, err
	case ok && kept != nil && kept.stamp == stamp:
		return looked{entry: kept}, nil
	}
	return looked{stamp: stamp, pages: pages}, nil
}

// worthwhile reports whether to verify a result costs less than to read it.
func worthwhile(e *entry, pages int) bool {
	prices := s3db.ClassStandard.Prices()
	read := max(len(e.found.Images), len(e.found.IDs), e.found.Count)
	return e.stamp != "" && prices.Of(s3db.RequestCounts{List: int64(pages)}) < prices.Of(s3db.RequestCounts{List: 1, Get: int64(read)})
}
