package s3db

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
)

// Space is the part of a database's store in which a plugin keeps objects of its
// own, under the prefix plugin=<name>/. Requests are repeated and observed like
// those of collections. It is safe for concurrent use.
type Space struct {
	db   *Database
	root string // ends in "/"
}

// Space returns the key space of a plugin. The name is as in [Plugin].
func (db *Database) Space(plugin string) (*Space, error) {
	if !pluginName(plugin) {
		return nil, configError("the name %q of a key space is not made of lower-case letters, digits and -", plugin)
	}
	root := "plugin=" + plugin + "/"
	if db.prefix != "" {
		root = db.prefix + "/" + root
	}
	return &Space{db: db, root: root}, nil
}

// KeyText escapes any text so that it can be a part of a key, and texts sort in
// keys as they do otherwise (docs/format.md, "Keys").
func KeyText(s string) string { return string(appendKeyText(nil, s)) }

// ParseKeyText is the inverse of [KeyText]. It reports false for what that does not
// write.
func ParseKeyText(s string) (text string, ok bool) { return parseKeyText(s) }

// key is the whole key of an object of the space.
func (s *Space) key(key string) (string, error) {
	full := s.root + key
	const longest = 1024
	if len(full) > longest {
		return "", fmt.Errorf("%w: the key has %d bytes, at most %d are allowed", ErrConfig, len(full), longest)
	}
	for segment := range strings.SplitSeq(key, "/") {
		if segment == "" || segment == "." || segment == ".." || len(segment) > maxKeySegment {
			return "", fmt.Errorf(`%w: the key %q has a segment that is empty, ".", ".." or longer than %d bytes`, ErrConfig, key, maxKeySegment)
		}
	}
	return full, nil
}

// Get reads an object. ErrNotFound when there is none. 1 request.
func (s *Space) Get(ctx context.Context, key string) (*Object, error) {
	full, err := s.key(key)
	if err != nil {
		return nil, err
	}
	obj, err := s.db.requests.get(ctx, full)
	return obj, asUnavailable(err)
}

// Put writes an object and returns its ETag. ErrPrecondition when the condition is
// false; after an error that matches ErrUnknownOutcome the object may or may not
// have been written, and one of the two is then true of later reads. 1 request.
func (s *Space) Put(ctx context.Context, key string, body []byte, cond Condition) (etag string, err error) {
	full, err := s.key(key)
	if err != nil {
		return "", err
	}
	etag, maybe, err := s.db.requests.putIf(ctx, full, body, nil, cond)
	if err != nil && maybe {
		err = fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
	return etag, asUnavailable(err)
}

// Delete removes objects without a condition; missing ones are no error.
// 1 request for each 1,000.
func (s *Space) Delete(ctx context.Context, keys ...string) error {
	full := make([]string, len(keys))
	for i, key := range keys {
		var err error
		if full[i], err = s.key(key); err != nil {
			return err
		}
	}
	return asUnavailable(s.db.requests.remove(ctx, full))
}

// DeleteIf removes an object if it has an ETag, and reports whether it did; it is
// gone or another one otherwise. On servers without conditional deletes it is an
// error that matches ErrConfig. 1 request.
func (s *Space) DeleteIf(ctx context.Context, key, etag string) (bool, error) {
	full, err := s.key(key)
	if err != nil {
		return false, err
	}
	if !s.db.caps.ConditionalDelete {
		return false, configError("the server has no conditional delete")
	}
	_, err = s.db.requests.deleteIf(ctx, full, IfMatchETag(etag))
	if errors.Is(err, ErrPrecondition) || errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, asUnavailable(err)
}

// List lists the objects whose keys start with prefix and sort after a key, in
// the order of their bytes; the keys of the items are those of the space.
// 1 request for each 1,000.
func (s *Space) List(ctx context.Context, prefix, after string) iter.Seq2[ListItem, error] {
	return func(yield func(ListItem, error) bool) {
		kr := keyRange{prefix: s.root + prefix}
		if after != "" {
			kr.after = s.root + after
		}
		for item, err := range s.db.requests.keys(ctx, kr) {
			item.Key = strings.TrimPrefix(item.Key, s.root)
			if !yield(item, asUnavailable(err)) || err != nil {
				return
			}
		}
	}
}
