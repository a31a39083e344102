package replicator

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// format is the version of the objects that the replicator stores.
const format = 1

// opening is how all objects of this format begin, so that their format is seen without
// reading them twice.
const opening = `{"format":1,`

// An intent is an object that says what some writes of one shard are about to do. It
// is there before any of them commits.
type intent struct {
	Format  int      `json:"format"`
	Changes []Change `json:"changes"`
}

// The size of an intent of many writes: one more change begins another one.
const (
	intentChanges = 1000
	intentBytes   = 1 << 20
)

// place is where the changes of a document are: a shard, and the name of the document
// in keys.
type place struct {
	shard int
	hash  string // 32 hexadecimal digits
}

func placeOf(resource, id string, shards int) place {
	sum := sha256.Sum256([]byte(resource + "\x00" + id))
	return place{
		shard: int(binary.BigEndian.Uint64(sum[:8]) % uint64(shards)), //nolint:gosec // both are positive, and it is below shards
		hash:  hex.EncodeToString(sum[:16]),
	}
}

func shardName(shard int) string { return "shard=" + strconv.Itoa(shard) }

// outboxRoot is the prefix of all intents of a shard.
func outboxRoot(shard int) string { return "outbox/" + shardName(shard) + "/" }

// intentKey is the key of the intent of one write. A revision is used once.
func intentKey(p place, rev s3db.Revision) string {
	return outboxRoot(p.shard) + p.hash + "/" + string(rev)
}

// bulkRoot is the prefix of the intents of many writes, before those of single ones
// in the order of keys.
func bulkRoot(shard int) string { return outboxRoot(shard) + "!bulk/" }

// bulkKey is the key of an intent of many writes, by the revision of the first. They
// sort by the clocks of the writers, so that older ones are settled first, as far as
// clocks can tell; nothing relies on it.
func bulkKey(shard int, at time.Time, rev s3db.Revision) string {
	return fmt.Sprintf("%s%013d-%s", bulkRoot(shard), at.UnixMilli(), rev)
}

// marshal is JSON as it stands in objects: documents are not escaped again.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// unmarshal reads an object of the replicator. Errors match s3db.ErrCorrupt or
// s3db.ErrNewerFormat.
func unmarshal(key string, body []byte, v any) error {
	if !bytes.HasPrefix(body, []byte(opening)) {
		var head struct {
			Format int `json:"format"`
		}
		if err := json.Unmarshal(body, &head); err != nil {
			return fmt.Errorf("%w: %s: %w", s3db.ErrCorrupt, key, err)
		}
		if head.Format > format {
			return fmt.Errorf("%w: %s has format %d, this program knows %d", s3db.ErrNewerFormat, key, head.Format, format)
		}
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("%w: %s: %w", s3db.ErrCorrupt, key, err)
	}
	return nil
}

// read reads an object of the replicator into v.
func read(ctx context.Context, space *s3db.Space, key string, v any) (*s3db.Object, error) {
	obj, err := space.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	return obj, unmarshal(key, obj.Body, v)
}
