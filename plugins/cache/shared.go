package cache

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Results in S3 are objects named
//
//	plugin=cache/resource=<resource>/<hash of the scope>/<key of the read>
//
// A process that is about to read puts an object in the place of the result first,
// and the result by If-Match on that. A writer, after its commit, removes all
// objects of the scopes it concerns. So a result that was read before the commit
// is either removed or never put: its place was taken before the writer listed,
// and is gone. docs/plugins.md has the argument.

// abandonedAfter is the age, by the server's clock, at which a place that somebody
// took is anybody's.
const abandonedAfter = time.Minute

type shared struct {
	space *s3db.Space
	ttl   time.Duration
}

func resourcePrefix(resource string) string { return "resource=" + s3db.KeyText(resource) + "/" }

func scopeHash(scope string) string {
	sum := sha256.Sum256([]byte(scope))
	return hex.EncodeToString(sum[:8])
}

func objectKey(k key, scope string) string {
	return resourcePrefix(k.resource) + scopeHash(scope) + "/" + k.hash
}

// get returns what is kept. Without an entry, cond is the condition on which a
// reader may take the place; it may not when ok is false.
func (s *shared) get(ctx context.Context, k key, r *s3db.PendingRead) (e *entry, cond s3db.Condition, ok bool) {
	obj, err := s.space.Get(ctx, objectKey(k, r.Scope()))
	if errors.Is(err, s3db.ErrNotFound) {
		return nil, s3db.IfAbsent(), true
	}
	if err != nil {
		return nil, s3db.Condition{}, false // the store will tell the reader
	}
	var st stored
	if json.Unmarshal(obj.Body, &st) == nil {
		if st.Result == nil && obj.ServerTime.Sub(obj.LastModified) < abandonedAfter {
			return nil, s3db.Condition{}, false // somebody is reading
		}
		if e, err := st.entry(k, r); err == nil && time.Now().Before(e.expires) && time.Until(e.expires) <= s.ttl && r.Holds(e.until) {
			return e, s3db.IfMatchETag(obj.ETag), true
		}
	}
	return nil, s3db.IfMatchETag(obj.ETag), true
}

// take takes the place of a result. It returns "" when somebody else has it.
func (s *shared) take(ctx context.Context, k key, scope string, cond s3db.Condition) (etag string) {
	body, err := json.Marshal(stored{Nonce: rand.Text()})
	if err != nil {
		return ""
	}
	etag, err = s.space.Put(ctx, objectKey(k, scope), body, cond)
	if err != nil {
		return ""
	}
	return etag
}

// put puts a result into the place that was taken for it; with a stamp, which
// tells whether it is true, into any.
func (s *shared) put(ctx context.Context, e *entry, stamped bool) {
	if e.etag == "" && !stamped {
		return
	}
	st := stored{Nonce: rand.Text()}
	body, err := st.marshal(e)
	if err != nil {
		return
	}
	cond := s3db.Condition{}
	if !stamped {
		cond = s3db.IfMatchETag(e.etag)
	}
	// A result that cannot be kept is read again.
	_, _ = s.space.Put(ctx, objectKey(e.key, e.scope), body, cond)
}

// clear removes the results of scopes. Where that fails they stay until they are
// too old.
func (s *shared) clear(ctx context.Context, resource string, scopes map[string]bool) {
	hashes := make(map[string]bool, len(scopes))
	for scope := range scopes {
		hashes[scopeHash(scope)] = true
	}
	prefix := resourcePrefix(resource)
	var dead []string
	for item, err := range s.space.List(ctx, prefix, "") {
		if err != nil {
			break
		}
		if hash, _, _ := strings.Cut(strings.TrimPrefix(item.Key, prefix), "/"); hashes[hash] {
			dead = append(dead, item.Key)
		}
	}
	_ = s.space.Delete(ctx, dead...)
}

func (s *shared) clearAll(ctx context.Context) error {
	var keys []string
	for item, err := range s.space.List(ctx, "", "") {
		if err != nil {
			return err
		}
		keys = append(keys, item.Key)
	}
	return s.space.Delete(ctx, keys...)
}
