package replicator

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// checkpoint is how far a target has come in a shard.
type checkpoint struct {
	Seq   Seq       `json:"seq"`   // of the last change that is done with
	Total uint64    `json:"total"` // changes of the log up to there
	Time  time.Time `json:"time"`  // of that change, by its writer's clock
}

// record is what is known and wanted of a target, whichever process works for it.
type record struct {
	Paused   bool     `json:"paused,omitempty"`
	Snapshot snapshot `json:"snapshot"`
	// Replay is what is to be replayed, Replayed the shards that are done with it.
	Replay   *replay `json:"replay,omitempty"`
	Replayed []int   `json:"replayed,omitempty"`
}

// snapshot is how far the documents of before the log have come.
type snapshot struct {
	Done  bool     `json:"done,omitempty"`
	Heads []uint64 `json:"heads,omitempty"` // of the log of each shard when it began
	// Marked says that the checkpoints keep the log behind Heads. Nothing is told before.
	Marked bool `json:"marked,omitempty"`
	// Resource and After are the last document that was applied.
	Resource  string `json:"resource,omitempty"`
	After     string `json:"after,omitempty"`
	Documents int64  `json:"documents"`
	// Until are the names of resources that are done with.
	Until []string `json:"until,omitempty"`
}

// replay asks for dead letters to be applied again.
type replay struct {
	Token    string `json:"token"`
	Resource string `json:"resource,omitempty"` // "": of all
	ID       string `json:"id,omitempty"`       // "": of all documents
}

const targetsRoot = "target="

func targetRoot(name string) string { return targetsRoot + s3db.KeyText(name) + "/" }

func recordKey(target string) string { return targetRoot(target) + "record" }

func checkpointKey(target string, shard int) string { return targetRoot(target) + shardName(shard) }

// errMoved is the error of a process that changes what another one has changed
// meanwhile.
var errMoved = errors.New("another process works for the target")

// kept is an object that is changed by compare-and-swap.
type kept[T any] struct {
	space *s3db.Space
	key   string
	value T
	etag  string    // "": there is none
	now   time.Time // by the server's clock, when it was loaded
}

// load reads the object. The zero T stands for one that is not there.
func (k *kept[T]) load(ctx context.Context) error {
	var v struct {
		Value T `json:"value"`
	}
	obj, err := read(ctx, k.space, k.key, &v)
	if errors.Is(err, s3db.ErrNotFound) {
		k.value, k.etag = v.Value, ""
		return nil
	}
	if err != nil {
		return err
	}
	k.value, k.etag, k.now = v.Value, obj.ETag, obj.ServerTime
	return nil
}

// save puts the object if nobody has changed it since it was loaded; else errMoved.
// After any error it must be loaded again.
func (k *kept[T]) save(ctx context.Context, v T) error {
	// The token makes each state another one, so that a late request on an earlier one
	// fails.
	body, err := marshal(struct {
		Format int    `json:"format"`
		Token  string `json:"token"`
		Value  T      `json:"value"`
	}{format, rand.Text(), v})
	if err != nil {
		return err
	}
	cond := s3db.IfAbsent()
	if k.etag != "" {
		cond = s3db.IfMatchETag(k.etag)
	}
	etag, err := k.space.Put(ctx, k.key, body, cond)
	if errors.Is(err, s3db.ErrPrecondition) {
		err = errMoved
	}
	if err != nil {
		return fmt.Errorf("%s: %w", k.key, err)
	}
	k.value, k.etag = v, etag
	return nil
}

// change loads the object and saves what f makes of it, again while others change it.
// f returns false when there is nothing to change.
func (k *kept[T]) change(ctx context.Context, f func(*T) bool) error {
	for {
		if err := k.load(ctx); err != nil {
			return err
		}
		v := k.value
		if !f(&v) {
			return nil
		}
		if err := k.save(ctx, v); !errors.Is(err, errMoved) {
			return err
		}
	}
}

// slowest returns the segment of a shard that all targets have passed, and the
// server's clock. With no target it is the last one that there can be.
func slowest(ctx context.Context, space *s3db.Space, shard int) (passed uint64, now time.Time, err error) {
	passed = ^uint64(0)
	for item, err := range space.List(ctx, targetsRoot, "") {
		if err != nil {
			return 0, now, err
		}
		if !strings.HasSuffix(item.Key, "/"+shardName(shard)) {
			continue
		}
		at := kept[checkpoint]{space: space, key: item.Key}
		if err := at.load(ctx); err != nil {
			return 0, now, err
		}
		if at.etag == "" {
			continue
		}
		now = at.now
		done := at.value.Seq.Segment
		if at.value.Seq != EndOf(done) && done > 0 {
			done-- // some of it may be left
		}
		passed = min(passed, done)
	}
	return passed, now, nil
}
