package memstore

import (
	"bytes"
	"context"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/internal/s3rules"
)

// upload is an object that is written in parts.
type upload struct {
	key     string
	started time.Time
	parts   map[int][]byte
}

// clone copies an upload; parts are never changed.
func (u *upload) clone() *upload {
	return &upload{key: u.key, started: u.started, parts: maps.Clone(u.parts)}
}

// ReadContent implements s3db.ContentStore. What it reads is the object as it was
// when it was opened.
func (s *Store) ReadContent(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	req := Request{Kind: ReadContent, Key: key}
	var body []byte
	err := s.do(ctx, &req, func() error {
		if err := s3rules.CheckKey(req.Kind.String(), key); err != nil {
			return err
		}
		s.server.mu.RLock()
		o, ok := s.server.objects.Get(key)
		s.server.mu.RUnlock()
		if !ok {
			return s3db.ErrNotFound
		}
		from, to, err := s3rules.Stretch(req.Kind.String(), key, offset, length, int64(len(o.body)))
		if err != nil {
			return err
		}
		body = o.body[from:to]
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &content{ctx: ctx, key: key, body: bytes.NewReader(body)}, nil
}

// content is an object being read.
type content struct {
	ctx    context.Context //nolint:containedctx // reads belong to the request
	key    string
	body   *bytes.Reader
	closed bool
}

// Read implements io.Reader.
func (c *content) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, &s3db.StoreError{Op: ReadContent.String(), Key: c.key, Err: err}
	}
	if c.closed {
		return 0, &s3db.StoreError{Op: ReadContent.String(), Key: c.key, Err: errClosed}
	}
	return c.body.Read(p)
}

// Close implements io.Closer.
func (c *content) Close() error {
	c.closed = true
	return nil
}

// BeginUpload implements s3db.ContentStore.
func (s *Store) BeginUpload(ctx context.Context, key string) (name string, err error) {
	req := Request{Kind: BeginUpload, Key: key}
	err = s.do(ctx, &req, func() error {
		if err := s3rules.CheckKey(req.Kind.String(), key); err != nil {
			return err
		}
		s.server.mu.Lock()
		defer s.server.mu.Unlock()
		s.server.begun++
		name = "upload-" + strconv.Itoa(s.server.begun)
		s.server.uploads[name] = &upload{key: key, started: s.server.now(), parts: map[int][]byte{}}
		return nil
	})
	if err != nil {
		return "", err
	}
	return name, nil
}

// PutPart implements s3db.ContentStore.
func (s *Store) PutPart(ctx context.Context, key, name string, number int, body []byte) (etag string, err error) {
	req := Request{Kind: PutPart, Key: key, Body: body, Part: number}
	err = s.do(ctx, &req, func() error {
		if err := s3rules.CheckPart(req.Kind.String(), key, number); err != nil {
			return err
		}
		s.server.mu.Lock()
		defer s.server.mu.Unlock()
		u := s.server.upload(key, name)
		if u == nil {
			return s3db.ErrNotFound
		}
		u.parts[number] = slices.Clone(req.Body)
		etag = s3rules.ETag(req.Body)
		return nil
	})
	if err != nil {
		return "", err
	}
	return etag, nil
}

// upload returns an upload of a key; nil when it is over. The caller holds the
// lock.
func (s *Server) upload(key, name string) *upload {
	if u := s.uploads[name]; u != nil && u.key == key {
		return u
	}
	return nil
}

// CompleteUpload implements s3db.ContentStore. As on AWS, the object counts as
// changed when its upload began.
func (s *Store) CompleteUpload(ctx context.Context, key, name string, etags []string) error {
	etags = slices.Clone(etags)
	req := Request{Kind: CompleteUpload, Key: key}
	return s.do(ctx, &req, func() error {
		s.server.mu.Lock()
		defer s.server.mu.Unlock()
		u := s.server.upload(key, name)
		if u == nil {
			return s3db.ErrNotFound
		}
		sizes, sums := make([]int64, len(etags)), make([]string, len(etags))
		for i := range etags {
			part, ok := u.parts[i+1]
			if !ok || s3rules.ETag(part) != etags[i] {
				return s3rules.Refused(req.Kind.String(), key, "InvalidPart", 400, "a part is missing or was written again")
			}
			sizes[i], sums[i] = int64(len(part)), etags[i]
		}
		if err := s3rules.CheckParts(req.Kind.String(), key, sizes); err != nil {
			return err
		}
		parts := make([][]byte, len(etags))
		for i := range parts {
			parts[i] = u.parts[i+1]
		}
		o := &object{body: bytes.Join(parts, nil), etag: s3rules.PartsETag(sums)}
		if _, err := s.server.store(key, o, s3db.Condition{}); err != nil {
			return err
		}
		o.modified = u.started.Truncate(time.Second)
		delete(s.server.uploads, name)
		return nil
	})
}

// AbortUpload implements s3db.ContentStore.
func (s *Store) AbortUpload(ctx context.Context, key, name string) error {
	req := Request{Kind: AbortUpload, Key: key}
	return s.do(ctx, &req, func() error {
		s.server.mu.Lock()
		defer s.server.mu.Unlock()
		if s.server.upload(key, name) != nil {
			delete(s.server.uploads, name)
		}
		return nil
	})
}

// ListUploads implements s3db.ContentStore.
func (s *Store) ListUploads(ctx context.Context, prefix string) (page *s3db.UploadPage, err error) {
	req := Request{Kind: ListUploads, Key: prefix}
	err = s.do(ctx, &req, func() error {
		if err := s3rules.CheckList(s3db.ListRequest{Prefix: prefix}); err != nil {
			return err
		}
		s.server.mu.RLock()
		defer s.server.mu.RUnlock()
		page = &s3db.UploadPage{ServerTime: s.server.now()}
		for name, u := range s.server.uploads {
			if !strings.HasPrefix(u.key, prefix) {
				continue
			}
			if len(page.Items) == s3rules.MaxKeys {
				page.More = true
				break
			}
			page.Items = append(page.Items, s3db.UploadItem{Key: u.key, Upload: name, Started: u.started.Truncate(time.Second)})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}
