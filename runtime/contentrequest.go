package s3db

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// contents returns the database's store as one that keeps contents.
func (db *Database) contents() (ContentStore, error) {
	store, ok := db.requests.store.(ContentStore)
	if !ok {
		return nil, fmt.Errorf("%w: this store keeps no contents", ErrUnsupported)
	}
	return store, nil
}

// patient returns a requester that gives one attempt the time which a body of this
// size takes on a line of 64 KiB a second.
func (r *requester) patient(size int) *requester {
	const slow = 64 << 10
	p := *r
	p.policy.Timeout += time.Duration(size/slow) * time.Second
	return &p
}

// openStream opens a stretch of an object. The stream ends when nothing arrives
// for as long as one attempt may take.
func (r *requester) openStream(ctx context.Context, store ContentStore, key string, offset, length int64) (*stream, error) {
	for n := 0; ; n++ {
		began := r.now()
		s, err := newStream(ctx, r.policy.Timeout, key, func(ctx context.Context) (io.ReadCloser, error) {
			return store.ReadContent(ctx, key, offset, length)
		})
		r.tell(ctx, Request{Kind: RequestGet, Key: key, Attempt: n, Err: err, Began: began})
		if err == nil || !temporary(err) || n+1 >= r.policy.Requests {
			return s, err
		}
		if waitErr := r.policy.wait(ctx, n); waitErr != nil {
			return nil, errors.Join(waitErr, err)
		}
	}
}

// stream is the body of one reply, under a watch that ends it when it stalls.
type stream struct {
	key    string
	body   io.ReadCloser
	idle   time.Duration
	watch  *time.Timer
	caller context.Context //nolint:containedctx // the stream's life is that of the call that opened it
	own    context.Context //nolint:containedctx // caller, and the end of the watch
	cancel context.CancelFunc
}

func newStream(ctx context.Context, idle time.Duration, key string, open func(context.Context) (io.ReadCloser, error)) (*stream, error) {
	s := &stream{key: key, idle: idle, caller: ctx}
	s.own, s.cancel = context.WithCancel(ctx)
	s.watch = time.AfterFunc(idle, s.cancel)
	body, err := open(s.own)
	s.watch.Stop()
	if err != nil {
		err = s.explain(err)
		s.cancel()
		return nil, err
	}
	s.body = body
	return s, nil
}

// explain tells the end of the watch from the end of the caller's context.
func (s *stream) explain(err error) error {
	if s.caller.Err() == nil && s.own.Err() != nil && !decided(err) {
		return &StoreError{Op: "get", Key: s.key, Temporary: true, Err: fmt.Errorf("nothing arrived for %v: %w", s.idle, err)}
	}
	return err
}

func (s *stream) Read(p []byte) (int, error) {
	s.watch.Reset(s.idle)
	n, err := s.body.Read(p)
	s.watch.Stop()
	if err != nil && !errors.Is(err, io.EOF) {
		err = s.explain(err)
	}
	return n, err
}

func (s *stream) close() {
	s.watch.Stop()
	s.cancel()
	_ = s.body.Close() // what was not read is of no interest
}

// errUploadOver is the error of an upload that somebody else has ended.
func errUploadOver(err error) error {
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	return fmt.Errorf("%w: the upload was ended by somebody else, such as a lifecycle rule of the bucket", ErrUnavailable)
}

func (r *requester) beginUpload(ctx context.Context, store ContentStore, key string) (upload string, err error) {
	err = r.repeat(ctx, RequestPut, key, func(ctx context.Context) (e error) {
		upload, e = store.BeginUpload(ctx, key)
		return e
	})
	return upload, err
}

func (r *requester) putPart(ctx context.Context, store ContentStore, key, upload string, number int, body []byte) (etag string, err error) {
	err = r.patient(len(body)).repeat(ctx, RequestPut, key, func(ctx context.Context) (e error) {
		etag, e = store.PutPart(ctx, key, upload, number, body)
		return e
	})
	return etag, errUploadOver(err)
}

// completeUpload makes the object. When a reply was lost and the upload is over
// then, the object tells whether this was why.
func (r *requester) completeUpload(ctx context.Context, store ContentStore, key, upload string, etags []string, size int64) error {
	const each = 64 << 10 // a server may take its time to join many parts
	patient := r.patient(len(etags) * each)
	maybe := false
	for n := 0; ; n++ {
		err := patient.once(ctx, RequestPut, key, n, func(ctx context.Context) error {
			return store.CompleteUpload(ctx, key, upload, etags)
		})
		if err == nil {
			return nil
		}
		if maybe && errors.Is(err, ErrNotFound) {
			obj, headErr := r.head(ctx, key)
			if headErr == nil && obj.Size == size {
				return nil
			}
			return errors.Join(errUploadOver(err), errUploadOver(headErr))
		}
		maybe = maybe || mayHaveApplied(err)
		if !temporary(err) || n+1 >= r.policy.Requests {
			return errUploadOver(err)
		}
		if waitErr := r.policy.wait(ctx, n); waitErr != nil {
			return errors.Join(waitErr, err)
		}
	}
}

func (r *requester) abortUpload(ctx context.Context, store ContentStore, key, upload string) error {
	return r.repeat(ctx, RequestDelete, key, func(ctx context.Context) error {
		return store.AbortUpload(ctx, key, upload)
	})
}
