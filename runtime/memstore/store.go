package memstore

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/internal/s3rules"
)

// Store is one client of a Server. It implements s3db.ContentStore and is safe for
// concurrent use.
type Store struct {
	server *Server

	mu        sync.Mutex
	counts    Counts
	seq       int
	observers []*func(Request)
	fault     Fault
	crashed   bool
	closed    bool
}

var _ s3db.ContentStore = (*Store)(nil)

// Server returns the server that this client talks to.
func (s *Store) Server() *Server { return s.server }

// Get implements s3db.Store.
func (s *Store) Get(ctx context.Context, key string) (*s3db.Object, error) {
	return s.read(ctx, Get, key, true)
}

// Head implements s3db.Store.
func (s *Store) Head(ctx context.Context, key string) (*s3db.Object, error) {
	return s.read(ctx, Head, key, false)
}

func (s *Store) read(ctx context.Context, kind Kind, key string, body bool) (o *s3db.Object, err error) {
	req := Request{Kind: kind, Key: key}
	err = s.do(ctx, &req, func() (err error) {
		if err := s3rules.CheckKey(kind.String(), key); err != nil {
			return err
		}
		o, err = s.server.get(key, body)
		return err
	})
	if err != nil {
		return nil, err
	}
	return o, nil
}

// Put implements s3db.Store.
func (s *Store) Put(ctx context.Context, key string, body []byte, metadata map[string]string, cond s3db.Condition) (string, error) {
	req := Request{Kind: Put, Key: key, Condition: cond, Body: body, Metadata: metadata}
	// Each application of the request gives its own ETag; the caller sees that of
	// the one whose reply arrived.
	var etag string
	err := s.do(ctx, &req, func() error {
		if err := s3rules.CheckKey("put", key); err != nil {
			return err
		}
		if err := s3rules.CheckCondition("put", key, cond); err != nil {
			return err
		}
		var err error
		if etag, err = s.server.put(key, req.Body, req.Metadata, req.Condition); err != nil {
			return err
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return etag, nil
}

// Delete implements s3db.Store.
func (s *Store) Delete(ctx context.Context, key string, cond s3db.Condition) error {
	req := Request{Kind: Delete, Key: key, Condition: cond}
	return s.do(ctx, &req, func() error {
		if err := s3rules.CheckKey("delete", key); err != nil {
			return err
		}
		if err := s3rules.CheckCondition("delete", key, cond); err != nil {
			return err
		}
		if cond != (s3db.Condition{}) && !s.Capabilities().ConditionalDelete {
			return s3rules.Refused("delete", key, "NotImplemented", 501, "this store has no conditional deletion")
		}
		return s.server.delete(key, req.Condition)
	})
}

// DeleteMany implements s3db.Store.
func (s *Store) DeleteMany(ctx context.Context, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	req := Request{Kind: DeleteMany, Keys: slices.Clone(keys)}
	return s.do(ctx, &req, func() error {
		if err := s3rules.CheckDeleteMany(req.Keys); err != nil {
			return err
		}
		s.server.deleteMany(req.Keys)
		return nil
	})
}

// List implements s3db.Store.
func (s *Store) List(ctx context.Context, list s3db.ListRequest) (page *s3db.ListPage, err error) {
	req := Request{Kind: List, Key: list.Prefix, List: list}
	err = s.do(ctx, &req, func() error {
		if err := s3rules.CheckList(list); err != nil {
			return err
		}
		page = s.server.list(list)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

// Capabilities implements s3db.Store.
func (s *Store) Capabilities() s3db.Capabilities { return s.server.capabilities() }

// Close implements s3db.Store. The server and its other clients stay.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// do carries one request to the server and back, through the injected faults.
func (s *Store) do(ctx context.Context, req *Request, apply func() error) error {
	if err := ctx.Err(); err != nil {
		return &s3db.StoreError{Op: req.Kind.String(), Key: req.Key, Err: err}
	}
	fault, err := s.begin(req)
	if err != nil {
		return err
	}
	var injected Injection
	if fault != nil {
		injected = fault(*req)
	}
	err = s.carry(ctx, req, injected, apply)
	req.Err = err
	s.mu.Lock()
	observers := slices.Clone(s.observers)
	s.mu.Unlock()
	for _, observe := range observers {
		(*observe)(*req)
	}
	return err
}

// begin counts a request and returns the fault hook for it.
func (s *Store) begin(req *Request) (Fault, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, &s3db.StoreError{Op: req.Kind.String(), Key: req.Key, Err: errClosed}
	}
	if s.crashed {
		return nil, crashed(req)
	}
	s.counts = s.counts.with(req.Kind)
	s.seq++
	req.Seq = s.seq
	return s.fault, nil
}

// carry applies a request to the server, unless its fault or its context says
// otherwise.
func (s *Store) carry(ctx context.Context, req *Request, injected Injection, apply func() error) error {
	delay := injected.Delay
	if s.server.opts.Latency != nil {
		delay += s.server.opts.Latency(*req)
	}
	quirks := s.server.opts.Quirks
	racy := req.Kind == Put && quirks.RacyConditions || req.Kind == Delete && quirks.RacyDeletes
	if racy && !s.server.holds(req.Key, req.Condition) {
		return s3db.ErrPrecondition
	}
	if err := wait(ctx, delay); err != nil {
		return ended(req, err)
	}
	if racy {
		req.Condition = s3db.Condition{}
	}
	if s.isCrashed() {
		return crashed(req)
	}
	if injected.Fault == NoFault {
		err := apply()
		req.Applied = err == nil
		return err
	}
	switch {
	case injected.Fault == Conflict || injected.Fault == Refused:
		// These say that the request had no effect.
	case injected.Applied:
		req.Applied = apply() == nil // its reply is lost, whatever it was
	case injected.Late != nil && req.Kind.Writes():
		// The caller may use its slice and map again before then.
		req.Body, req.Metadata = slices.Clone(req.Body), maps.Clone(req.Metadata)
		var mu sync.Mutex
		injected.Late(func() {
			mu.Lock()
			defer mu.Unlock()
			_ = apply() // nobody waits for its reply
		})
	}
	if injected.Fault == Crash {
		s.Crash()
	}
	if injected.Fault == Stall {
		<-ctx.Done()
		return ended(req, ctx.Err())
	}
	return injected.Fault.err(req)
}

// Crash makes this and every later request of the client fail, as if its process
// had died. Other clients of the server go on.
func (s *Store) Crash() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.crashed = true
}

func (s *Store) isCrashed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.crashed
}

// wait waits for d or for the end of the context.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
