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
	// are removed after the segment was put, and before intents are listed for the next.
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

// headOf finds the number of the newest segment of a log, 0 when there is none.
// 1 request for each 1,000 segments.
func headOf(ctx context.Context, space *s3db.Space, shard int) (uint64, error) {
	head := uint64(0)
	for item, err := range space.List(ctx, logRoot(shard), "") {
		if err != nil {
			return 0, err
		}
		head = max(head, segmentNumber(shard, item.Key))
	}
	return head, nil
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
	var keys []string
	var newest uint64
	for item, err := range space.List(ctx, logRoot(shard), "") {
		if err != nil {
			return 0, err
		}
		n := segmentNumber(shard, item.Key)
		newest = max(newest, n)
		if n > 0 && n <= passed && now.Sub(item.LastModified) >= retention {
			keys = append(keys, item.Key)
		}
	}
	if len(keys) > 0 && keys[len(keys)-1] == segmentKey(shard, newest) {
		keys = keys[:len(keys)-1]
	}
	return len(keys), space.Delete(ctx, keys...)
}

// errBehind is the error of a settler that has lost the race for a segment.
var errBehind = errors.New("another process goes on with the log")
