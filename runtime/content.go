package s3db

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"
	"time"
)

// A content is an object of its own, under a name that is used once, and the
// document names it. The commit of the document decides which content it has, as it
// decides everything else. docs/protocol.md has the order of the requests.

// ContentOption changes how a content is stored. [IfMatch] and [KeepTimestamps]
// are some too.
type ContentOption interface{ setContent(*contentOptions) }

type contentOptions struct {
	write writeOptions
	info  ContentInfo
	size  int64 // -1: not known
	sized bool  // ContentSize was given
}

type contentOption func(*contentOptions)

func (f contentOption) setContent(o *contentOptions) { f(o) }

func (f WriteOption) setContent(o *contentOptions) { f(&o.write) }

// ContentType sets the media type of a content, such as "image/png". Without it
// the type is "application/octet-stream".
func ContentType(mediaType string) ContentOption {
	return contentOption(func(o *contentOptions) { o.info.Type = mediaType })
}

// ContentSize says how many bytes the reader will give. SetContent then refuses to
// store more or fewer, such as those of a request that broke off, and can store
// more than 80 GiB.
func ContentSize(bytes int64) ContentOption {
	return contentOption(func(o *contentOptions) { o.size, o.sized = bytes, true })
}

func newContentOptions(list []ContentOption) (contentOptions, error) {
	o := contentOptions{size: -1, info: ContentInfo{Type: "application/octet-stream"}}
	for _, option := range list {
		option.setContent(&o)
	}
	const largest = 5 << 40 // of an object in S3
	if o.sized && (o.size < 0 || o.size > largest) {
		return o, contentViolation("size", "must be between 0 and 5 TiB")
	}
	return o, checkMediaType(o.info.Type)
}

// checkMediaType refuses what cannot be the value of a Content-Type header.
func checkMediaType(t string) error {
	const longest = 255
	for i := range len(t) {
		if t[i] < ' ' || t[i] > '~' {
			return contentViolation("type", "must be printable ASCII")
		}
	}
	if kind, _, err := mime.ParseMediaType(t); err != nil || len(t) > longest || !strings.Contains(kind, "/") {
		return contentViolation("type", fmt.Sprintf(`must be a media type such as "image/png", of at most %d bytes`, longest))
	}
	return nil
}

// contentChange is what a write does to the content of its document.
type contentChange struct {
	ref      *contentRef // nil: there is none afterwards
	uploaded time.Time   // when the store had it
}

// late reports whether the content may count as left over, so that its commit must
// not be sent any more.
func (x *contentChange) late() bool {
	return x != nil && x.ref != nil && time.Since(x.uploaded) > maxAttempt
}

var errLateContent = fmt.Errorf("%w: the commit took too long after the content was written", ErrUnavailable)

// changeContent puts the content of a write into the document's next record.
func (c *engine) changeContent(w *write, cur state, a *attempt) {
	if w.content == nil {
		return
	}
	a.rec.content = w.content.ref
	c.dropContent(w.id, cur, a)
}

// dropContent lets a commit remove the content that the document has before it.
func (c *engine) dropContent(id string, cur state, a *attempt) {
	if cur.record == nil || cur.record.content == nil || names(a.rec.content, cur.record.content.token) {
		return
	}
	a.changes.stale = append(a.changes.stale, contentKey(c.db.prefix, c.model.Resource, id, cur.record.content.token))
}

// SetContent stores the bytes of a reader as the content of a document, in place of
// the one it has, and returns the document. Of writers at the same time the last to
// commit wins whole. When the reader or the store fails, or the document changes
// under [IfMatch], the old content stays. Bytes and strings are given as
// bytes.NewReader(b) and strings.NewReader(s).
//
// It needs memory for at most 4 parts of 8 MiB, and no more than the content when it
// is smaller. The reader is read once, from the calling goroutine; a Read that
// hangs is not ended by the context. Errors: ErrNotFound, before the first byte is
// read; ErrConflict; ErrValidation for a media type or size that is wrong;
// ErrTooLarge; ErrUnsupported; what the reader returns.
//
// It costs 3 requests, and 1 more to remove the content before; a content of more
// than 8 MiB costs 1 for each 8 MiB and 2 in place of one of these.
func (c *Collection[T, ID, I, P]) SetContent(ctx context.Context, id ID, r io.Reader, opts ...ContentOption) (*T, error) {
	if c.engine.plain() {
		d, err := c.engine.setContent(ctx, string(id), r, opts)
		return of[T](d), err
	}
	call := &SetContentCall[T, ID]{Args: SetContentArgs[ID]{ID: id, Reader: r, Options: opts}}
	return run(ctx, c.engine, MethodSetContent, call, nil, func(ctx context.Context) (any, error) {
		return c.engine.setContent(ctx, string(call.Args.ID), call.Args.Reader, call.Args.Options)
	})
}

func (c *engine) setContent(ctx context.Context, id string, r io.Reader, opts []ContentOption) (document, error) {
	const op = "setContent"
	d, err := c.replaceContent(ctx, op, id, r, opts)
	if d == nil && err != nil {
		return nil, c.fail(op, id, err)
	}
	return d, err // with a document: of a hook after the write
}

func (c *engine) replaceContent(ctx context.Context, op, id string, r io.Reader, opts []ContentOption) (document, error) {
	o, err := newContentOptions(opts)
	if err != nil {
		return nil, err
	}
	store, err := c.db.contents()
	if err != nil {
		return nil, err
	}
	s, err := c.read(ctx, id)
	if err != nil {
		return nil, err
	}
	w := &write{op: op, id: id, options: o.write, known: &s, content: &contentChange{ref: &contentRef{}}, change: keepDocument}
	// Whatever forbids the write is found before anything is sent.
	if _, err := c.prepare(ctx, w, s, heldClaims{}); err != nil {
		return nil, err
	}
	rev, err := newRevision()
	if err != nil {
		return nil, err
	}
	ref := &contentRef{token: token(rev)}
	key := contentKey(c.db.prefix, c.model.Resource, id, ref.token)
	ref.ContentInfo, err = newUpload(&c.db.requests, store, key, r, o.size).run(ctx)
	if err != nil {
		c.removeContent(ctx, key)
		return nil, err
	}
	ref.Type = o.info.Type
	w.content = &contentChange{ref: ref, uploaded: time.Now()}
	d, err := c.write(ctx, w)
	if d == nil && !w.unknown {
		c.removeContent(ctx, key)
	}
	return d, err
}

// keepDocument is the change of a write that changes no attribute.
func keepDocument(_ *Validator, d document, _ state) (document, error) { return d, nil }

// removeContent removes a content that no document names or will name. Failing
// leaves what fsck finds.
func (c *engine) removeContent(ctx context.Context, key string) {
	clean, cancel := c.db.requests.afterwards(ctx)
	defer cancel()
	_ = c.db.requests.remove(clean, []string{key})
}

// DeleteContent removes the content of a document, whose attributes stay. Errors:
// ErrNotFound, ErrNoContent; ErrConflict under IfMatch. It costs 3 requests.
func (c *Collection[T, ID, I, P]) DeleteContent(ctx context.Context, id ID, opts ...WriteOption) (*T, error) {
	if c.engine.plain() {
		d, err := c.engine.deleteContent(ctx, string(id), opts)
		return of[T](d), err
	}
	call := &DeleteContentCall[T, ID]{Args: DeleteArgs[ID]{ID: id, Options: opts}}
	return run(ctx, c.engine, MethodDeleteContent, call, opts, func(ctx context.Context) (any, error) {
		return c.engine.deleteContent(ctx, string(call.Args.ID), call.Args.Options)
	})
}

func (c *engine) deleteContent(ctx context.Context, id string, opts []WriteOption) (document, error) {
	return c.write(ctx, &write{
		op: "deleteContent", id: id, options: newWriteOptions(opts), content: &contentChange{},
		change: func(_ *Validator, d document, s state) (document, error) {
			if s.record.content == nil {
				return nil, ErrNoContent
			}
			return d, nil
		},
	})
}

// HasContent reports whether there is a document with this id that has content. It
// costs 1 request, and none is needed for a document at hand, whose Meta.Content
// tells it.
func (c *Collection[T, ID, I, P]) HasContent(ctx context.Context, id ID) (bool, error) {
	if c.engine.plain() {
		return c.engine.hasContent(ctx, string(id))
	}
	call := &ExistsCall[ID]{Args: GetArgs[ID]{ID: id}}
	return run(ctx, c.engine, MethodHasContent, call, nil, func(ctx context.Context) (any, error) {
		return c.engine.hasContent(ctx, string(call.Args.ID))
	})
}

func (c *engine) hasContent(ctx context.Context, id string) (bool, error) {
	s, err := c.readPresent(ctx, id)
	if err != nil {
		return false, c.fail("hasContent", id, err)
	}
	return s.live() && s.record.content != nil, nil
}

// ContentRange is a stretch of a content.
type ContentRange struct {
	Offset int64 // of its first byte, at most the size of the content
	Length int64 // bytes; 0 for all that follow, and no more than there are
}

// Content opens the content of a document for reading. The caller must close it.
// With a range, only that is read, and no checksum is compared unless it is all.
// Reading goes on from the content that was found, or fails, when the document gets
// another one meanwhile: bytes of two contents are never mixed. Errors:
// ErrNotFound; ErrNoContent, which matches ErrNotFound, when the document is there
// without content; ErrRange; ErrUnsupported. It costs 2 requests.
func (c *Collection[T, ID, I, P]) Content(ctx context.Context, id ID, ranges ...ContentRange) (*ContentReader, error) {
	if c.engine.plain() {
		return c.engine.content(ctx, string(id), ranges)
	}
	call := &ContentCall[ID]{Args: ContentArgs[ID]{ID: id, Ranges: ranges}}
	return run(ctx, c.engine, MethodContent, call, nil, func(ctx context.Context) (any, error) {
		return c.engine.content(ctx, string(call.Args.ID), call.Args.Ranges)
	})
}

func (c *engine) content(ctx context.Context, id string, ranges []ContentRange) (*ContentReader, error) {
	const op = "content"
	r, err := c.openContent(ctx, op, id, ranges)
	if err != nil {
		return nil, c.fail(op, id, err)
	}
	return r, nil
}

func (c *engine) openContent(ctx context.Context, op, id string, ranges []ContentRange) (*ContentReader, error) {
	store, err := c.db.contents()
	if err != nil {
		return nil, err
	}
	if len(ranges) > 1 {
		return nil, fmt.Errorf("%w: give at most one", ErrRange)
	}
	gone := ""
	const most = 10 // contents that vanish between the two requests
	for range most {
		ref, err := c.contentRef(ctx, id)
		if err != nil {
			return nil, err
		}
		if ref.token == gone {
			return nil, fmt.Errorf("%w: the content that the document names is missing", ErrCorrupt)
		}
		r := &ContentReader{
			ContentInfo: ref.ContentInfo, ctx: ctx, requests: &c.db.requests, store: store, sum: sha256.New(), end: ref.Size,
			key:  contentKey(c.db.prefix, c.model.Resource, id, ref.token),
			fail: func(err error) error { return c.fail(op, id, err) },
		}
		if len(ranges) == 1 {
			if err := r.limit(ranges[0]); err != nil {
				return nil, err
			}
		}
		if r.start == r.end && r.Size > 0 {
			return r, nil // an empty range needs no request
		}
		err = r.open()
		if !errors.Is(err, ErrNotFound) {
			return r, err
		}
		gone = ref.token
	}
	return nil, fmt.Errorf("%w: the content was replaced %d times while it was opened", ErrConflict, most)
}

// contentRef reads which content a document has.
func (c *engine) contentRef(ctx context.Context, id string) (*contentRef, error) {
	s, err := c.readPresent(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case !s.live():
		return nil, ErrNotFound
	case s.record.content == nil:
		return nil, ErrNoContent
	}
	return s.record.content, nil
}

// limit makes the reader one of a range.
func (c *ContentReader) limit(x ContentRange) error {
	if x.Offset < 0 || x.Length < 0 || x.Offset > c.Size {
		return fmt.Errorf("%w: %d bytes from %d on, of %d", ErrRange, x.Length, x.Offset, c.Size)
	}
	c.start, c.pos = x.Offset, x.Offset
	if x.Length > 0 && x.Length < c.Size-x.Offset {
		c.end = x.Offset + x.Length
	}
	return nil
}
