package s3db

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// RetryPolicy bounds how often and how long the runtime repeats a request that
// failed for a passing reason, and a compare-and-swap that another writer won.
type RetryPolicy struct {
	// Requests is the number of times one request is sent at most. Default 6.
	Requests int
	// Conflicts is the number of times an update is applied again because another
	// writer changed the document first. Default 100.
	Conflicts int
	// Base and Cap bound the pauses: before repetition n the runtime waits a random
	// time up to Base·2ⁿ, never more than Cap ("full jitter"). Defaults 50 ms, 5 s.
	Base, Cap time.Duration
	// Timeout ends one attempt that gets no answer. Default 30 s.
	Timeout time.Duration
}

// DefaultRetryPolicy is used unless WithRetry gives another one.
func DefaultRetryPolicy() RetryPolicy {
	return RetryPolicy{Requests: 6, Conflicts: 100, Base: 50 * time.Millisecond, Cap: 5 * time.Second, Timeout: 30 * time.Second}
}

func (p RetryPolicy) withDefaults() RetryPolicy {
	d := DefaultRetryPolicy()
	if p.Requests <= 0 {
		p.Requests = d.Requests
	}
	if p.Conflicts <= 0 {
		p.Conflicts = d.Conflicts
	}
	if p.Base <= 0 {
		p.Base = d.Base
	}
	if p.Cap <= 0 {
		p.Cap = d.Cap
	}
	if p.Timeout <= 0 {
		p.Timeout = d.Timeout
	}
	return p
}

// delay is the pause before repetition n, counted from 0.
func (p RetryPolicy) delay(n int) time.Duration {
	most := p.Cap
	if n < 30 && p.Base<<n > 0 && p.Base<<n < p.Cap {
		most = p.Base << n
	}
	return rand.N(most + 1)
}

// wait pauses before repetition n, or returns the context's error.
func (p RetryPolicy) wait(ctx context.Context, n int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := time.NewTimer(p.delay(n))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// requester sends requests to a store, again where that is safe and may help,
// and reports each to the observer. Only requests that are idempotent by nature
// are repeated blindly; those that commit are in commit.go.
type requester struct {
	store   Store
	policy  RetryPolicy
	observe []func(context.Context, Request)
	reads   *limiter // nil: no bound
}

// once sends one attempt under the policy's timeout, a read when its turn comes.
func (r *requester) once(ctx context.Context, kind RequestKind, key string, attempt int, send func(context.Context) error) error {
	var turn admission
	if !kind.writes() {
		var err error
		if turn, err = r.reads.enter(ctx); err != nil {
			return err
		}
	}
	began := r.now()
	attemptCtx, cancel := context.WithTimeout(ctx, r.policy.Timeout)
	err := send(attemptCtx)
	if err != nil && ctx.Err() == nil && attemptCtx.Err() != nil && !decided(err) {
		// The attempt's own timeout, not the caller's: another attempt may help.
		err = &StoreError{Op: kind.String(), Key: key, Temporary: true, MaybeApplied: kind.writes(), Err: err}
	}
	cancel()
	turn.end(kind, err)
	r.tell(ctx, Request{Kind: kind, Key: key, Attempt: attempt, Err: err, Began: began})
	return err
}

// now is the time, if there is an observer to tell it to.
func (r *requester) now() (t time.Time) {
	if len(r.observe) > 0 {
		t = time.Now()
	}
	return t
}

// tell reports an attempt to the observers.
func (r *requester) tell(ctx context.Context, sent Request) {
	if len(r.observe) == 0 {
		return
	}
	sent.Duration = time.Since(sent.Began)
	for _, f := range r.observe {
		f(ctx, sent)
	}
}

// repeat sends until the answer is decided, the policy is used up or the context
// ends. The last error is returned.
func (r *requester) repeat(ctx context.Context, kind RequestKind, key string, send func(context.Context) error) error {
	for n := 0; ; n++ {
		err := r.once(ctx, kind, key, n, send)
		if err == nil || !temporary(err) || n+1 >= r.policy.Requests {
			return err
		}
		if waitErr := r.policy.wait(ctx, n); waitErr != nil {
			return errors.Join(waitErr, err)
		}
	}
}

func (r *requester) get(ctx context.Context, key string) (obj *Object, err error) {
	err = r.repeat(ctx, RequestGet, key, func(ctx context.Context) (e error) {
		obj, e = r.store.Get(ctx, key)
		return e
	})
	return obj, err
}

func (r *requester) head(ctx context.Context, key string) (obj *Object, err error) {
	err = r.repeat(ctx, RequestHead, key, func(ctx context.Context) (e error) {
		obj, e = r.store.Head(ctx, key)
		return e
	})
	return obj, err
}

// putUnique writes an object whose name nobody else writes, so that repeating is
// harmless.
func (r *requester) putUnique(ctx context.Context, key string, body []byte, metadata map[string]string) error {
	return r.repeat(ctx, RequestPut, key, func(ctx context.Context) error {
		_, err := r.store.Put(ctx, key, body, metadata, Condition{})
		return err
	})
}

// mostDeletes is the number of keys that one deleteMany request can have.
const mostDeletes = 1000

// remove deletes keys that nobody writes again, so that repeating is harmless.
func (r *requester) remove(ctx context.Context, keys []string) error {
	switch len(keys) {
	case 0:
		return nil
	case 1:
		return r.repeat(ctx, RequestDelete, keys[0], func(ctx context.Context) error {
			return r.store.Delete(ctx, keys[0], Condition{})
		})
	}
	for len(keys) > 0 {
		page := keys[:min(mostDeletes, len(keys))]
		keys = keys[len(page):]
		err := r.repeat(ctx, RequestDeleteMany, page[0], func(ctx context.Context) error {
			return r.store.DeleteMany(ctx, page)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// putIf sends a conditional write whose every repetition has the same bytes. It
// returns ErrPrecondition when the condition was false; maybe then tells that an
// earlier attempt of this call may have been the one that was applied. With any
// other error, maybe tells that the write may have been applied or may still be.
func (r *requester) putIf(ctx context.Context, key string, body []byte, metadata map[string]string, cond Condition) (etag string, maybe bool, err error) {
	for n := 0; ; n++ {
		err = r.once(ctx, RequestPut, key, n, func(ctx context.Context) (e error) {
			etag, e = r.store.Put(ctx, key, body, metadata, cond)
			return e
		})
		maybe = maybe || mayHaveApplied(err)
		if err == nil || !temporary(err) || n+1 >= r.policy.Requests {
			return etag, maybe, err
		}
		if waitErr := r.policy.wait(ctx, n); waitErr != nil {
			return "", maybe, errors.Join(waitErr, err)
		}
	}
}

// deleteIf is putIf for a conditional delete.
func (r *requester) deleteIf(ctx context.Context, key string, cond Condition) (maybe bool, err error) {
	for n := 0; ; n++ {
		err = r.once(ctx, RequestDelete, key, n, func(ctx context.Context) error {
			return r.store.Delete(ctx, key, cond)
		})
		maybe = maybe || mayHaveApplied(err)
		if err == nil || !temporary(err) || n+1 >= r.policy.Requests {
			return maybe, err
		}
		if waitErr := r.policy.wait(ctx, n); waitErr != nil {
			return maybe, errors.Join(waitErr, err)
		}
	}
}

// decided reports that the server evaluated the request.
func decided(err error) bool {
	return errors.Is(err, ErrNotFound) || errors.Is(err, ErrPrecondition)
}

func temporary(err error) bool {
	var se *StoreError
	return errors.As(err, &se) && se.Temporary
}

func mayHaveApplied(err error) bool {
	var se *StoreError
	return errors.As(err, &se) && se.MaybeApplied
}

// RequestKind is a kind of request to a store, as S3 bills them.
type RequestKind uint8

// The kinds of request.
const (
	RequestGet RequestKind = iota
	RequestHead
	RequestPut
	RequestDelete
	RequestDeleteMany
	RequestList
	requestKinds
)

// String returns the kind in lower case, such as "get".
func (k RequestKind) String() string {
	return [...]string{"get", "head", "put", "delete", "deleteMany", "list", "unknown"}[min(k, requestKinds)]
}

func (k RequestKind) writes() bool {
	return k == RequestPut || k == RequestDelete || k == RequestDeleteMany
}

// Request is one attempt of one request, as an observer sees it.
type Request struct {
	Kind    RequestKind
	Key     string // the first key of a deleteMany, the prefix of a list
	Attempt int    // 0 for the first, more for repetitions
	Err     error  // nil when the store answered with success

	Began    time.Time     // when it was sent
	Duration time.Duration // until the answer, or until it was given up
}
