package s3db

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"sync"
	"time"
)

const (
	// partSize is the most that is written in one request, and the size of the
	// parts of what is larger.
	partSize = 8 << 20
	// maxParts is the number of parts that an upload may have (AWS, "Amazon S3
	// multipart upload limits").
	maxParts = 10_000
	// maxUpload bounds the time from the beginning of an upload to the commit of
	// its document. It is far below contentGrace, see docs/protocol.md.
	maxUpload = 12 * time.Hour
)

// upload carries one content to the store, in pieces of at most one part, so that
// memory is bounded and each request can be sent again.
type upload struct {
	requests *requester
	store    ContentStore
	key      string
	size     int64 // as the caller said, or -1
	began    time.Time

	source io.Reader
	part   int // bytes of each part but the last
	read   int64
	sum    hash.Hash
}

func newUpload(requests *requester, store ContentStore, key string, source io.Reader, size int64) *upload {
	u := &upload{requests: requests, store: store, key: key, source: source, size: size, part: partSize, sum: sha256.New(), began: time.Now()}
	const step = 1 << 20
	if least := (size + maxParts - 1) / maxParts; least > partSize {
		u.part = int((least + step - 1) / step * step)
	}
	return u
}

// buffers is the number of parts in memory: one that is read, and others that are
// on their way. A local store gains nothing from several.
func (u *upload) buffers() int {
	if u.store.Capabilities().Local {
		return 2
	}
	return 4
}

// run reads the source to its end and writes the object. After an error there may
// be an object under the key or not.
func (u *upload) run(ctx context.Context) (ContentInfo, error) {
	first, more, err := u.next(nil)
	if err != nil {
		return ContentInfo{}, err
	}
	var second []byte
	if more {
		if second, more, err = u.next(nil); err != nil {
			return ContentInfo{}, err
		}
	}
	if len(second) > 0 {
		err = u.inParts(ctx, first, second, more)
	} else if err = u.check(); err == nil {
		err = u.requests.patient(len(first)).putUnique(ctx, u.key, first, nil)
	}
	if err != nil {
		return ContentInfo{}, err
	}
	info := ContentInfo{Size: u.read}
	u.sum.Sum(info.SHA256[:0])
	return info, nil
}

// next reads the next part into a buffer, which it may replace by a larger one.
// more is false when the source has ended.
func (u *upload) next(buf []byte) (part []byte, more bool, err error) {
	const least = 64 << 10
	buf = buf[:0]
	for empty := 0; len(buf) < u.part; {
		if len(buf) == cap(buf) {
			buf = slices.Grow(buf, min(max(u.expected(), len(buf), least), u.part-len(buf)))
		}
		n, err := u.source.Read(buf[len(buf):min(cap(buf), u.part)])
		u.sum.Write(buf[len(buf) : len(buf)+n]) // a hash never fails
		buf = buf[:len(buf)+n]
		u.read += int64(n)
		const most = 100 // as in package bufio
		if empty++; n > 0 {
			empty = 0
		}
		switch {
		case errors.Is(err, io.EOF):
			return buf, false, nil
		case err != nil:
			return nil, false, fmt.Errorf("reading the content: %w", err)
		case empty == most:
			return nil, false, fmt.Errorf("reading the content: %w", io.ErrNoProgress)
		}
	}
	return buf, true, nil
}

// expected is the number of bytes that still come and one, to meet the end of the
// source, if the caller said so.
func (u *upload) expected() int {
	return int(min(max(u.size-u.read, -1)+1, int64(u.part)))
}

// check compares what was read with what the caller said.
func (u *upload) check() error {
	if u.size >= 0 && u.read != u.size {
		return contentViolation("size", fmt.Sprintf("must have %d bytes as was said, has %d", u.size, u.read))
	}
	return nil
}

// inParts writes an object of several parts, the first two of which are read.
func (u *upload) inParts(ctx context.Context, first, second []byte, more bool) error {
	id, err := u.requests.beginUpload(ctx, u.store, u.key)
	if err != nil {
		return err
	}
	etags, err := u.putParts(ctx, id, first, second, more)
	if err == nil {
		err = u.check()
	}
	if err == nil {
		err = u.requests.completeUpload(ctx, u.store, u.key, id, etags, u.read)
	}
	if err != nil {
		// Also when the caller's context has ended: parts cost as long as they stay.
		clean, cancel := u.requests.afterwards(ctx)
		defer cancel()
		_ = u.requests.abortUpload(clean, u.store, u.key, id)
	}
	return err
}

// putParts writes all parts, several at a time, and returns their ETags.
func (u *upload) putParts(ctx context.Context, id string, first, second []byte, more bool) ([]string, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.WaitGroup
	var mu sync.Mutex
	var etags []string
	free := make(chan []byte, u.buffers())
	put := func(part []byte) {
		number := len(etags) + 1
		mu.Lock()
		etags = append(etags, "")
		mu.Unlock()
		running.Go(func() {
			etag, err := u.requests.putPart(ctx, u.store, u.key, id, number, part)
			if err != nil {
				cancel(err)
			}
			mu.Lock()
			etags[number-1] = etag
			mu.Unlock()
			free <- part
		})
	}
	put(first)
	put(second)
	for range u.buffers() - 2 {
		free <- nil
	}
	for more {
		var part []byte
		select {
		case part = <-free:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		if err := u.bounds(len(etags)); err != nil {
			cancel(err)
			break
		}
		var err error
		if part, more, err = u.next(part); err != nil {
			cancel(err)
			break
		}
		if len(part) > 0 {
			put(part)
		}
	}
	running.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	return etags, nil
}

// bounds ends an upload that cannot become an object any more.
func (u *upload) bounds(parts int) error {
	switch {
	case parts >= maxParts:
		return fmt.Errorf("%w: the content has more than %d parts of %d bytes; say its size with s3db.ContentSize, so that they can be larger", ErrTooLarge, maxParts, u.part)
	case u.size >= 0 && u.read > u.size:
		return u.check()
	case time.Since(u.began) > maxUpload:
		return fmt.Errorf("%w: the upload takes longer than %v", ErrUnavailable, maxUpload)
	}
	return nil
}

// afterwards returns a context in which to tidy up after an operation, also when
// the caller's has ended.
func (r *requester) afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), r.policy.Timeout)
}

// contentViolation is the error of a content that is not what the caller says.
func contentViolation(rule, message string) error {
	return &ValidationError{Violations: []Violation{{Path: "content", Rule: rule, Message: message}}}
}
