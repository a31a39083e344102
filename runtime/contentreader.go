package s3db

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
)

// ContentReader reads the content of a document, or a range of it, as a stream.
// It must be closed, at any point. It is not safe for concurrent use.
//
// When a connection breaks it goes on from where it was. Who reads all bytes from
// the first to the last gets only what was stored: the last ones are returned
// after the checksum was compared. Errors: ErrCorrupt when it differs,
// ErrConflict when the content was replaced or deleted while it was read and what
// is left of it cannot be had any more, ErrUnavailable.
//
// It is an io.ReadSeeker, for http.ServeContent: seeking costs a request when the
// next byte is read.
type ContentReader struct {
	// ContentInfo describes the whole content, also when a range of it is read.
	ContentInfo

	ctx        context.Context //nolint:containedctx // reads belong to the call that opened the content
	requests   *requester
	store      ContentStore
	key        string
	fail       func(error) error
	start, end int64 // the range
	pos        int64 // of the next byte, in the whole content
	stream     *stream
	at         int64 // where the stream is
	sum        hash.Hash
	summed     int64 // bytes from the first on that are in sum
	err        error // of every further read
}

// open opens the stream where the next byte is.
func (c *ContentReader) open() error {
	length := c.end - c.pos
	if c.pos == 0 && c.end == c.Size {
		length = -1 // the whole object, so that the store's own checks apply
	}
	s, err := c.requests.openStream(c.ctx, c.store, c.key, c.pos, length)
	if se, ok := errors.AsType[*StoreError](err); ok && se.Status == 416 { // HTTP: range not satisfiable
		return fmt.Errorf("%w: the content is shorter than the document says", ErrCorrupt)
	}
	if err != nil {
		return err
	}
	c.stream, c.at = s, c.pos
	return nil
}

// Read implements io.Reader.
func (c *ContentReader) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := c.read(p)
	if err != nil {
		c.drop()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = c.fail(err)
		return 0, c.err
	}
	return n, err
}

// read reads some bytes, from a new stream when the one before broke.
func (c *ContentReader) read(p []byte) (int, error) {
	for failures := 0; ; failures++ {
		if c.pos >= c.end {
			return 0, c.ended()
		}
		n, err := c.readStream(p[:min(int64(len(p)), c.end-c.pos)])
		if n > 0 && c.pos == c.end {
			if err := c.ended(); !errors.Is(err, io.EOF) {
				return 0, err
			}
		}
		if n > 0 || err == nil {
			return n, nil
		}
		c.drop()
		if errors.Is(err, ErrNotFound) {
			return 0, fmt.Errorf("%w: the content was replaced or deleted while it was read", ErrConflict)
		}
		if !temporary(err) || failures+1 >= c.requests.policy.Requests {
			return 0, err
		}
		if waitErr := c.requests.policy.wait(c.ctx, failures); waitErr != nil {
			return 0, errors.Join(waitErr, err)
		}
	}
}

// readStream reads from the stream and moves on. An error comes without bytes.
func (c *ContentReader) readStream(p []byte) (int, error) {
	if c.stream != nil && c.at != c.pos {
		c.drop()
	}
	if c.stream == nil {
		if err := c.open(); err != nil {
			return 0, err
		}
	}
	n, err := c.stream.Read(p)
	if c.summed == c.pos {
		c.sum.Write(p[:n]) // a hash never fails
		c.summed += int64(n)
	}
	c.pos += int64(n)
	c.at = c.pos
	switch {
	case n > 0 && err != nil && c.pos < c.end:
		c.drop() // the next read opens another one
		return n, nil
	case n > 0:
		return n, nil
	case errors.Is(err, io.EOF):
		return 0, &StoreError{Op: "get", Key: c.key, Temporary: true, Err: io.ErrUnexpectedEOF}
	}
	return 0, err
}

// ended is what a read at the end of the range returns.
func (c *ContentReader) ended() error {
	if c.summed == c.Size && c.pos == c.Size && [sha256.Size]byte(c.sum.Sum(nil)) != c.SHA256 {
		return fmt.Errorf("%w: the checksum of the content is wrong", ErrCorrupt)
	}
	return io.EOF
}

// Seek implements io.Seeker. Offsets are those in the range.
func (c *ContentReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
		offset += c.start
	case io.SeekCurrent:
		offset += c.pos
	case io.SeekEnd:
		offset += c.end
	default:
		return 0, fmt.Errorf("%w: seek from %d", ErrRange, whence)
	}
	if offset < c.start {
		return 0, fmt.Errorf("%w: seek before its start", ErrRange)
	}
	c.pos = offset
	return offset - c.start, nil
}

// Close implements io.Closer. Further reads fail; closing again is no error.
func (c *ContentReader) Close() error {
	c.drop()
	c.err = fs.ErrClosed
	return nil
}

func (c *ContentReader) drop() {
	if c.stream != nil {
		c.stream.close()
		c.stream = nil
	}
}
