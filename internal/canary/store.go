package canary

import (
	"context"
	"fmt"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Store is a store that looks at everything which is sent to another one, and at
// the errors that come back.
type Store struct {
	s3db.Store
	// Leak is told of every canary: where it was, and how it was written down. It
	// is called concurrently.
	Leak func(where, how string)
}

func (s *Store) look(where string, texts ...string) {
	for _, text := range texts {
		if how := Find([]byte(text)); how != "" {
			s.Leak(where, how)
		}
	}
}

func (s *Store) lookAt(err error, where string) {
	if err != nil {
		s.look("error of "+where, fmt.Sprintf("%v %+v %#v", err, err, err))
	}
}

// Get implements s3db.Store.
func (s *Store) Get(ctx context.Context, key string) (*s3db.Object, error) {
	s.look("key of get", key)
	o, err := s.Store.Get(ctx, key)
	s.lookAt(err, "get")
	return o, err
}

// Head implements s3db.Store.
func (s *Store) Head(ctx context.Context, key string) (*s3db.Object, error) {
	s.look("key of head", key)
	o, err := s.Store.Head(ctx, key)
	s.lookAt(err, "head")
	return o, err
}

// Put implements s3db.Store.
func (s *Store) Put(ctx context.Context, key string, body []byte, metadata map[string]string, cond s3db.Condition) (string, error) {
	s.look("key of put", key)
	s.look("body of put "+key, string(body))
	for name, value := range metadata {
		s.look("header "+name+" of put "+key, name, value)
	}
	etag, err := s.Store.Put(ctx, key, body, metadata, cond)
	s.lookAt(err, "put")
	return etag, err
}

// Delete implements s3db.Store.
func (s *Store) Delete(ctx context.Context, key string, cond s3db.Condition) error {
	s.look("key of delete", key)
	err := s.Store.Delete(ctx, key, cond)
	s.lookAt(err, "delete")
	return err
}

// DeleteMany implements s3db.Store.
func (s *Store) DeleteMany(ctx context.Context, keys []string) error {
	s.look("key of delete many", keys...)
	err := s.Store.DeleteMany(ctx, keys)
	s.lookAt(err, "delete many")
	return err
}

// List implements s3db.Store.
func (s *Store) List(ctx context.Context, req s3db.ListRequest) (*s3db.ListPage, error) {
	s.look("list", req.Prefix, req.StartAfter)
	page, err := s.Store.List(ctx, req)
	s.lookAt(err, "list")
	return page, err
}
