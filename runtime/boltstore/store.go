package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/internal/s3rules"
)

// maxBody keeps a value below what bbolt can hold.
const maxBody = 1 << 30

// Get implements s3db.Store.
func (s *Store) Get(ctx context.Context, key string) (*s3db.Object, error) {
	return s.read(ctx, "get", key, true)
}

// Head implements s3db.Store.
func (s *Store) Head(ctx context.Context, key string) (*s3db.Object, error) {
	return s.read(ctx, "head", key, false)
}

func (s *Store) read(ctx context.Context, op, key string, body bool) (o *s3db.Object, err error) {
	if err := begin(ctx, op, key); err != nil {
		return nil, err
	}
	if err := s3rules.CheckKey(op, key); err != nil {
		return nil, err
	}
	err = s.view(op, key, func(objects *bolt.Bucket) error {
		value := objects.Get([]byte(key))
		if value == nil {
			return s3db.ErrNotFound
		}
		if o, err = decodeValue(value, body); err == nil && body && value[0] == partsVersion {
			o.Body, err = readParts(objects, value)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	o.ServerTime = time.Now().UTC()
	return o, nil
}

// Put implements s3db.Store.
func (s *Store) Put(ctx context.Context, key string, body []byte, metadata map[string]string, cond s3db.Condition) (string, error) {
	if err := begin(ctx, "put", key); err != nil {
		return "", err
	}
	if err := errors.Join(s3rules.CheckKey("put", key), s3rules.CheckMetadata("put", key, metadata, s.limit), s3rules.CheckCondition("put", key, cond)); err != nil {
		return "", err
	}
	if len(body) > maxBody {
		return "", s3rules.Refused("put", key, "EntityTooLarge", 400, fmt.Sprintf("the body has %d bytes, at most %d are allowed", len(body), maxBody))
	}
	value, etag := encodeValue(body, metadata, time.Now())
	err := s.write(ctx, &write{op: "put", key: key, size: len(value), apply: func(objects *bolt.Bucket) (outcome, fatal error) {
		old := objects.Get([]byte(key))
		if err := check(cond, old); err != nil {
			return err, nil
		}
		if old == nil {
			if err := checkDirectories(objects, key); err != nil {
				return err, nil
			}
		}
		if err := removeParts(objects, old); err != nil {
			return nil, err
		}
		return nil, objects.Put([]byte(key), value)
	}})
	if err != nil {
		return "", err
	}
	return etag, nil
}

// Delete implements s3db.Store.
func (s *Store) Delete(ctx context.Context, key string, cond s3db.Condition) error {
	if err := begin(ctx, "delete", key); err != nil {
		return err
	}
	if err := errors.Join(s3rules.CheckKey("delete", key), s3rules.CheckCondition("delete", key, cond)); err != nil {
		return err
	}
	if cond.Absent() {
		return s3rules.Refused("delete", key, "NotImplemented", 501, "a deletion under If-None-Match means nothing")
	}
	return s.write(ctx, &write{op: "delete", key: key, apply: func(objects *bolt.Bucket) (outcome, fatal error) {
		if err := check(cond, objects.Get([]byte(key))); err != nil {
			return err, nil
		}
		return nil, remove(objects, []byte(key))
	}})
}

// DeleteMany implements s3db.Store. All keys go in one commit.
func (s *Store) DeleteMany(ctx context.Context, keys []string) error {
	if err := begin(ctx, "delete many", ""); err != nil {
		return err
	}
	if err := s3rules.CheckDeleteMany(keys); err != nil || len(keys) == 0 {
		return err
	}
	own := make([][]byte, len(keys)) // the caller may use its slice again before the commit
	for i, key := range keys {
		own[i] = []byte(key)
	}
	return s.write(ctx, &write{op: "delete many", apply: func(objects *bolt.Bucket) (outcome, fatal error) {
		for _, key := range own {
			if err := remove(objects, key); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}})
}

// List implements s3db.Store.
func (s *Store) List(ctx context.Context, req s3db.ListRequest) (*s3db.ListPage, error) {
	if err := begin(ctx, "list", req.Prefix); err != nil {
		return nil, err
	}
	if err := s3rules.CheckList(req); err != nil {
		return nil, err
	}
	page := &s3db.ListPage{}
	prefix, size := []byte(req.Prefix), s3rules.PageSize(req)
	err := s.view("list", req.Prefix, func(objects *bolt.Bucket) error {
		cursor := objects.Cursor()
		key, value := cursor.Seek([]byte(max(req.Prefix, req.StartAfter)))
		if key != nil && req.StartAfter != "" && string(key) == req.StartAfter {
			key, value = cursor.Next()
		}
		for ; key != nil && bytes.HasPrefix(key, prefix); key, value = cursor.Next() {
			if len(page.Items) == size {
				page.More = true
				return nil
			}
			item, err := decodeItem(value)
			if err != nil {
				return fmt.Errorf("%q: %w", key, err)
			}
			item.Key = string(key)
			page.Items = append(page.Items, item)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	page.ServerTime = time.Now().UTC()
	return page, nil
}

// remove removes an object with its parts.
func remove(objects *bolt.Bucket, key []byte) error {
	if err := removeParts(objects, objects.Get(key)); err != nil {
		return err
	}
	return objects.Delete(key)
}

// check evaluates a condition against a stored value, nil for none. A value that
// cannot be read has no ETag to match, and is not absent either; without a
// condition it may be written over.
func check(cond s3db.Condition, value []byte) error {
	if cond == (s3db.Condition{}) {
		return nil
	}
	current := ""
	if value != nil {
		if err := checkValue(value); err != nil {
			return err
		}
		current = etagOf(value)
	}
	if !s3rules.Holds(cond, current) {
		return s3db.ErrPrecondition
	}
	return nil
}

// checkDirectories keeps the rule of servers on file systems.
func checkDirectories(objects *bolt.Bucket, key string) error {
	return s3rules.CheckDirectories(key,
		func(k string) bool { return objects.Get([]byte(k)) != nil },
		func(prefix string) bool {
			k, _ := objects.Cursor().Seek([]byte(prefix))
			return bytes.HasPrefix(k, []byte(prefix))
		})
}

// begin refuses a request whose context has ended.
func begin(ctx context.Context, op, key string) error {
	if err := ctx.Err(); err != nil {
		return &s3db.StoreError{Op: op, Key: key, Err: err}
	}
	return nil
}

// view runs a function on a consistent view of the objects. What it is given
// belongs to the file and may not be used after it returns.
func (s *Store) view(op, key string, f func(objects *bolt.Bucket) error) error {
	err := guard(func() error {
		return s.db.View(func(tx *bolt.Tx) error { return f(tx.Bucket([]byte(objectsBucket))) })
	})
	return storeError(op, key, err)
}

// storeError wraps what is neither decided nor wrapped already.
func storeError(op, key string, err error) error {
	switch {
	case err == nil || errors.Is(err, s3db.ErrNotFound) || errors.Is(err, s3db.ErrPrecondition):
		return err
	case errors.Is(err, bolterrors.ErrDatabaseNotOpen):
		err = errClosed
	}
	if _, ok := errors.AsType[*s3db.StoreError](err); ok {
		return err
	}
	return &s3db.StoreError{Op: op, Key: key, Err: err}
}

var errClosed = errors.New("the store is closed")

// guard turns a panic of bbolt, which it gives on pages that make no sense, and a
// fault in the mapped file, which a truncated one gives, into an error.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: the database file is damaged: %v", s3db.ErrCorrupt, r)
		}
	}()
	return f()
}
