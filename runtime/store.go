package s3db

import (
	"context"
	"time"
)

// Store is the small part of an object store that the runtime needs. Every
// implementation passes the suite of package storetest.
//
// A method makes one attempt and never retries: the runtime alone knows when a
// repeated request is safe. Errors are, wrapped or not:
//
//   - [ErrNotFound]: the object does not exist (decided);
//   - [ErrPrecondition]: the condition was evaluated and is false (decided);
//   - a [*StoreError] that says whether another attempt may help and whether the
//     request may have been applied although it failed;
//   - the context's error when the context ended first, wrapped in a *StoreError
//     with MaybeApplied set when the request may have reached the server.
//
// Keys are 1 to 1,024 bytes, "/"-separated segments of 1 to 255 bytes. Methods
// are safe for concurrent use. Byte slices and maps that a caller hands over are
// not kept after the call, and those that a Store returns belong to the caller.
type Store interface {
	// Get returns the object with its body. ErrNotFound when there is none.
	Get(ctx context.Context, key string) (*Object, error)
	// Head returns the object without its body. ErrNotFound when there is none.
	Head(ctx context.Context, key string) (*Object, error)
	// Put writes the object whole and returns its ETag. With [IfAbsent] and
	// [IfMatch] it fails with ErrPrecondition when the condition is false; IfMatch
	// on a missing object is ErrPrecondition too, whatever the server answers.
	Put(ctx context.Context, key string, body []byte, metadata map[string]string, cond Condition) (etag string, err error)
	// Delete removes the object. Deleting a missing object is no error, except
	// under IfMatch, where it is ErrPrecondition. A store whose capabilities lack
	// ConditionalDelete refuses a condition with a permanent *StoreError.
	Delete(ctx context.Context, key string, cond Condition) error
	// DeleteMany removes up to 1,000 objects without a condition. The error joins
	// one *StoreError for each key that could not be removed, with Key set.
	DeleteMany(ctx context.Context, keys []string) error
	// List returns one page of the keys that start with a prefix, in the order
	// of their bytes.
	List(ctx context.Context, req ListRequest) (*ListPage, error)
	// Capabilities says what the store can do. It makes no request.
	Capabilities() Capabilities
	// Close releases what the store holds. Later calls fail.
	Close() error
}

// Object is a stored object.
type Object struct {
	Body         []byte            // nil from Head
	Metadata     map[string]string // user metadata, names in lower case without "x-amz-meta-"
	ETag         string            // opaque, as the store gave it, with its quotes
	Size         int64             // bytes of the body
	LastModified time.Time         // by the server's clock, often in whole seconds
	ServerTime   time.Time         // the server's clock at the reply; zero when unknown
}

// Condition guards a write. The zero Condition always holds.
type Condition struct {
	absent bool
	etag   string
}

// IfAbsent holds when there is no object under the key (If-None-Match: *).
func IfAbsent() Condition { return Condition{absent: true} }

// IfMatchETag holds when the object exists and has this ETag (If-Match). Of the
// empty string it makes a condition that never holds, so that an ETag somebody
// forgot to fill in does not become an unconditional write.
func IfMatchETag(etag string) Condition {
	if etag == "" {
		etag = `"never"`
	}
	return Condition{etag: etag}
}

// Absent reports whether the condition is IfAbsent.
func (c Condition) Absent() bool { return c.absent }

// ETag returns the ETag to match, or "" when the condition is another one.
func (c Condition) ETag() string { return c.etag }

// ListRequest asks for one page of a listing.
type ListRequest struct {
	Prefix     string // keys must start with it
	StartAfter string // keys must sort after it; "" for the start
	Limit      int    // at most this many keys; 0 and above 1,000 mean 1,000
}

// ListPage is one page of a listing.
type ListPage struct {
	Items      []ListItem
	More       bool      // keys follow after the last item
	ServerTime time.Time // the server's clock at the reply; zero when unknown
}

// ListItem is one key of a listing.
type ListItem struct {
	Key          string
	Size         int64
	ETag         string
	LastModified time.Time
}

// Capabilities describes a store. Probe measures those of an unknown server.
type Capabilities struct {
	// MetadataLimit is the number of bytes of user metadata that an object may
	// have, counted as the sum of 11 + len(name) + len(value) over its headers.
	MetadataLimit int `json:"metadataLimit"`
	// ConditionalPut: IfAbsent and IfMatch are honoured on Put, also in races.
	ConditionalPut bool `json:"conditionalPut"`
	// ConditionalDelete: IfMatch is honoured on Delete, also in races with other
	// deletions and with conditional puts. Servers that compare the ETag first and
	// remove the object later do not have it.
	ConditionalDelete bool `json:"conditionalDelete"`
	// Local: a request that has ended is never applied later, and no reply is
	// lost, because there is no network in between. Deletes then leave nothing
	// behind.
	Local bool `json:"-"`
	// Server names the endpoint (host and port), so that a database remembers what
	// Probe found there. It is empty for stores that need no probe.
	Server string `json:"-"`
	// Unproven: nobody has verified these values on this server yet; Open runs
	// Probe before it creates a database there.
	Unproven bool `json:"-"`
}

// DefaultMetadataLimit fits every server known: AWS allows 2,048 bytes of names
// and values, MinIO counts the 11 bytes of "x-amz-meta-" for each name as well.
const DefaultMetadataLimit = 2047
