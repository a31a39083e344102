package replicator

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// A segment is one object of the log of a shard: changes that were settled together.
// Segments are numbered from 1 without a gap and never change: the one with the next
// number is put if it is not there. So whoever goes on with the log knows all of it,
// and who has fallen behind cannot write.
type segment struct {
	Format int    `json:"format"`
	Total  uint64 `json:"total"` // changes of the log up to here, these included
	// Intents are the keys of the objects whose changes are settled or carried here. They
	// are removed after the segment was put, and count no more from then on.
	Intents []string  `json:"intents,omitempty"`
	Carried []carried `json:"carried,omitempty"`
	Changes []Change  `json:"changes"`

	number uint64
	size   int
}

// carried is a write that may be in flight, of an intent whose other writes were
// settled.
type carried struct {
	Change
	Put time.Time `json:"put"` // when its intent was, by the server's clock
}

func logRoot(shard int) string { return "log/" + shardName(shard) + "/" }

func segmentKey(shard int, number uint64) string {
	return fmt.Sprintf("%s%016x", logRoot(shard), number)
}

// segmentNumber is the inverse of segmentKey; 0 for other keys.
func segmentNumber(shard int, key string) uint64 {
	n, err := strconv.ParseUint(strings.TrimPrefix(key, logRoot(shard)), 16, 64)
	if err != nil || segmentKey(shard, n) != key {
		return 0
	}
	return n
}

// readSegment reads a segment. s3db.ErrNotFound when it is not there.
func readSegment(ctx context.Context, space *s3db.Space, shard int, number uint64) (*segment, error) {
	seg := &segment{number: number}
	obj, err := read(ctx, space, segmentKey(shard, number), seg)
	if err != nil {
		return nil, err
	}
	seg.size = len(obj.Body)
	for i := range seg.Changes {
		seg.Changes[i].Shard, seg.Changes[i].Seq = shard, seg.seq(i)
	}
	return seg, nil
}

// seq is the position of a change of the segment.
func (s *segment) seq(i int) Seq { return Seq{s.number, uint32(i)} } //nolint:gosec // segments have few changes

// listSegments lists the segments of a log, ascending. 1 request for each 1,000.
func listSegments(ctx context.Context, space *s3db.Space, shard int) (list []listedSegment, err error) {
	for item, err := range space.List(ctx, logRoot(shard), "") {
		if err != nil {
			return nil, err
		}
		if n := segmentNumber(shard, item.Key); n > 0 {
			list = append(list, listedSegment{n, item.LastModified})
		}
	}
	return list, nil
}

// headOf finds the number of the newest segment of a log, 0 when there is none.
func headOf(ctx context.Context, space *s3db.Space, shard int) (uint64, error) {
	list, err := listSegments(ctx, space, shard)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	return list[len(list)-1].number, nil
}

// retention is the age of segments, by the server's clock, below which they stay
// although all targets have passed them. What writes to the log goes on with a head
// that it has found itself less than headLife ago, so that it cannot take the place of a
// segment that was removed.
const (
	retention = time.Hour
	headLife  = 30 * time.Minute
)

// collect removes the segments of a shard up to one that all targets have passed. The
// head always stays.
func collect(ctx context.Context, space *s3db.Space, shard int, passed uint64, now time.Time) (removed int, err error) {
	list, err := listSegments(ctx, space, shard)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	var keys []string
	for _, x := range list[:len(list)-1] {
		if x.number <= passed && now.Sub(x.at) >= retention {
			keys = append(keys, segmentKey(shard, x.number))
		}
	}
	return len(keys), space.Delete(ctx, keys...)
}

// errBehind is the error of a settler that has lost the race for a segment.
var errBehind = errors.New("another process goes on with the log")
