package boltstore

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/internal/s3rules"
)

// ReadContent implements s3db.ContentStore. One chunk is in memory at a time. No
// transaction stays open between reads: when the object is removed meanwhile, the
// next chunk is not there.
func (s *Store) ReadContent(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	const op = "read content"
	if err := begin(ctx, op, key); err != nil {
		return nil, err
	}
	if err := s3rules.CheckKey(op, key); err != nil {
		return nil, err
	}
	c := &content{ctx: ctx, store: s, op: op, key: key}
	err := s.view(op, key, func(objects *bolt.Bucket) error {
		value := objects.Get([]byte(key))
		if value == nil {
			return s3db.ErrNotFound
		}
		o, err := decodeValue(value, false)
		if err != nil {
			return err
		}
		if c.pos, c.end, err = s3rules.Stretch(op, key, offset, length, o.Size); err != nil {
			return err
		}
		if value[0] == partsVersion {
			c.parts, err = partsOf(value)
			return err
		}
		if o, err = decodeValue(value, true); err == nil {
			c.chunk, c.chunkEnd = o.Body, o.Size
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// content is an object being read.
type content struct {
	ctx      context.Context //nolint:containedctx // reads belong to the request
	store    *Store
	op, key  string
	parts    parts
	pos      int64  // of the next byte
	end      int64  // of the stretch
	chunk    []byte // the bytes before chunkEnd
	chunkEnd int64
	closed   bool
}

// Read implements io.Reader.
func (c *content) Read(p []byte) (int, error) {
	if c.closed {
		return 0, &s3db.StoreError{Op: c.op, Key: c.key, Err: errClosed}
	}
	if err := begin(c.ctx, c.op, c.key); err != nil {
		return 0, err
	}
	if c.pos >= c.end {
		return 0, io.EOF
	}
	if c.pos >= c.chunkEnd {
		if err := c.load(); err != nil {
			return 0, err
		}
	}
	p = p[:min(int64(len(p)), c.end-c.pos)]
	n := copy(p, c.chunk[int64(len(c.chunk))-(c.chunkEnd-c.pos):])
	c.pos += int64(n)
	return n, nil
}

// load reads the chunk that has the next byte.
func (c *content) load() error {
	i, start := 0, int64(0) // the part, and where it begins
	for c.pos >= start+c.parts.sizes[i] {
		start += c.parts.sizes[i]
		i++
	}
	n := (c.pos - start) / chunkSize
	size := min(chunkSize, c.parts.sizes[i]-n*chunkSize)
	return c.store.view(c.op, c.key, func(objects *bolt.Bucket) error {
		chunk, err := readChunk(uploadsOf(objects), c.parts.upload, i+1, int(n))
		if err == nil && int64(len(chunk)) != size {
			err = fmt.Errorf("%w: chunk %d of part %d has %d bytes, not %d", s3db.ErrCorrupt, n, i+1, len(chunk), size)
		}
		c.chunk = append(c.chunk[:0], chunk...)
		c.chunkEnd = start + n*chunkSize + int64(len(chunk))
		return err
	})
}

// Close implements io.Closer.
func (c *content) Close() error {
	c.closed, c.chunk = true, nil
	return nil
}

// BeginUpload implements s3db.ContentStore.
func (s *Store) BeginUpload(ctx context.Context, key string) (string, error) {
	const op = "begin upload"
	if err := begin(ctx, op, key); err != nil {
		return "", err
	}
	if err := s3rules.CheckKey(op, key); err != nil {
		return "", err
	}
	value := binary.BigEndian.AppendUint64([]byte{uploadVersion}, uint64(time.Now().UnixNano())) //nolint:gosec // after 1970
	value = append(value, key...)
	name := ""
	err := s.write(ctx, &write{op: op, key: key, size: len(value), apply: func(objects *bolt.Bucket) (outcome, fatal error) {
		uploads, err := objects.Tx().CreateBucketIfNotExists([]byte(uploadsBucket))
		if err != nil {
			return nil, err
		}
		number, err := uploads.NextSequence()
		if err != nil {
			return nil, err
		}
		name = uploadName(number)
		return nil, uploads.Put([]byte(name), value)
	}})
	if err != nil {
		return "", err
	}
	return name, nil
}

// underWay reports whether an upload of a key is not over.
func underWay(objects *bolt.Bucket, key, name string) bool {
	uploads := uploadsOf(objects)
	if uploads == nil || name == "" {
		return false
	}
	value := uploads.Get([]byte(name))
	return len(value) > uploadKeyAt && value[0] == uploadVersion && string(value[uploadKeyAt:]) == key
}

// PutPart implements s3db.ContentStore.
func (s *Store) PutPart(ctx context.Context, key, upload string, number int, body []byte) (string, error) {
	const op = "put part"
	if err := begin(ctx, op, key); err != nil {
		return "", err
	}
	if err := errors.Join(s3rules.CheckKey(op, key), s3rules.CheckPart(op, key, number)); err != nil {
		return "", err
	}
	if len(body) > maxBody {
		return "", s3rules.Refused(op, key, "EntityTooLarge", 400, fmt.Sprintf("the part has %d bytes, at most %d are allowed", len(body), maxBody))
	}
	p := encodePart(body)
	err := s.write(ctx, &write{op: op, key: key, size: len(body), apply: func(objects *bolt.Bucket) (outcome, fatal error) {
		if !underWay(objects, key, upload) {
			return s3db.ErrNotFound, nil
		}
		return nil, p.put(uploadsOf(objects), upload, number)
	}})
	if err != nil {
		return "", err
	}
	etag, _, _ := decodePart(p.value)
	return etag, nil
}

// CompleteUpload implements s3db.ContentStore.
func (s *Store) CompleteUpload(ctx context.Context, key, upload string, etags []string) error {
	const op = "complete upload"
	if err := begin(ctx, op, key); err != nil {
		return err
	}
	if err := s3rules.CheckKey(op, key); err != nil {
		return err
	}
	etags = slices.Clone(etags)
	modified := time.Now()
	return s.write(ctx, &write{op: op, key: key, apply: func(objects *bolt.Bucket) (outcome, fatal error) {
		if !underWay(objects, key, upload) {
			return s3db.ErrNotFound, nil
		}
		uploads := uploadsOf(objects)
		p := parts{upload: upload, sizes: make([]int64, len(etags))}
		var sums []byte
		for i, etag := range etags {
			value := uploads.Get(partKey(upload, i+1))
			is, size, ok := decodePart(value)
			if !ok || is != etag {
				return s3rules.Refused(op, key, "InvalidPart", 400, "a part is missing or was written again"), nil
			}
			p.sizes[i] = size
			sums = append(sums, value[:md5.Size]...)
		}
		if err := s3rules.CheckParts(op, key, p.sizes); err != nil {
			return err, nil
		}
		old := objects.Get([]byte(key))
		if old == nil {
			if err := checkDirectories(objects, key); err != nil {
				return err, nil
			}
		}
		return nil, errors.Join(
			removeParts(objects, old),
			removeAbove(uploads, upload, len(etags)),
			uploads.Delete([]byte(upload)),
			objects.Put([]byte(key), encodeParts(p, sums, modified)),
		)
	}})
}

// AbortUpload implements s3db.ContentStore.
func (s *Store) AbortUpload(ctx context.Context, key, upload string) error {
	const op = "abort upload"
	if err := begin(ctx, op, key); err != nil {
		return err
	}
	return s.write(ctx, &write{op: op, key: key, apply: func(objects *bolt.Bucket) (outcome, fatal error) {
		if !underWay(objects, key, upload) {
			return nil, nil
		}
		uploads := uploadsOf(objects)
		return nil, errors.Join(removeAbove(uploads, upload, 0), uploads.Delete([]byte(upload)))
	}})
}

// ListUploads implements s3db.ContentStore.
func (s *Store) ListUploads(ctx context.Context, prefix string) (*s3db.UploadPage, error) {
	const op = "list uploads"
	if err := begin(ctx, op, prefix); err != nil {
		return nil, err
	}
	if err := s3rules.CheckList(s3db.ListRequest{Prefix: prefix}); err != nil {
		return nil, err
	}
	page := &s3db.UploadPage{}
	err := s.view(op, prefix, func(objects *bolt.Bucket) error {
		uploads := uploadsOf(objects)
		if uploads == nil {
			return nil
		}
		cursor := uploads.Cursor()
		for name, value := cursor.First(); name != nil; {
			// Names have all the same length; what is longer is a part.
			if len(name) == hex.EncodedLen(8) && len(value) > uploadKeyAt && strings.HasPrefix(string(value[uploadKeyAt:]), prefix) {
				if len(page.Items) == s3rules.MaxKeys {
					page.More = true
					return nil
				}
				page.Items = append(page.Items, s3db.UploadItem{
					Key: string(value[uploadKeyAt:]), Upload: string(name),
					Started: time.Unix(0, int64(binary.BigEndian.Uint64(value[1:]))).UTC(), //nolint:gosec // as it was written
				})
			}
			// Past the parts of this upload: "0" follows after "/".
			name, value = cursor.Seek(append(bytes.Clone(name[:min(len(name), hex.EncodedLen(8))]), '0'))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	page.ServerTime = time.Now().UTC()
	return page, nil
}
