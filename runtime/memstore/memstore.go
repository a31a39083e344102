// Package memstore is an object store in memory, for tests and for mem:// URLs.
//
// It is strict: it refuses what a real server would refuse, change or hide, and
// answers conditions as S3 does, so that what works here works there. A Server
// holds the objects; each Store made by Server.Client is one process's connection
// to it, with its own request counts, observers and injected faults, so that a
// test can crash one writer while another goes on.
package memstore

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tidwall/btree"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/internal/s3rules"
)

// Options configure a Server. The zero Options are a strict server with the
// default metadata limit.
type Options struct {
	// MetadataLimit in bytes, counted as s3db.Capabilities does; 0 means
	// s3db.DefaultMetadataLimit.
	MetadataLimit int
	// Latency, when not nil, gives the time a request travels before it takes
	// effect. The wait ends early with the request's context.
	Latency func(Request) time.Duration
	// Now is the server's clock; nil means time.Now.
	Now func() time.Time
	// Quirks are the ways in which this server is no proper S3.
	Quirks Quirks
	// Local: no fault is ever injected, so the store may say that its replies are
	// never lost.
	Local bool
	// Claim, when not nil, is what Capabilities answers, true or not. A nil Claim
	// answers the truth.
	Claim *s3db.Capabilities
}

// Quirks are deviations found in real servers and stores, to test what finds
// them out or lives with them.
type Quirks struct {
	// IgnoreIfAbsent and IgnoreIfMatch: Put does not look at the condition
	// (interoperability modes of several clouds).
	IgnoreIfAbsent, IgnoreIfMatch bool
	// RacyConditions: Put looks at the condition when the request arrives and
	// writes after the latency, without looking again.
	RacyConditions bool
	// IgnoreDeleteCondition: Delete removes the object whatever the condition
	// says (MinIO).
	IgnoreDeleteCondition bool
	// RacyDeletes: Delete looks at the condition when the request arrives and
	// removes the object after the latency, without looking again (versitygw).
	RacyDeletes bool
	// RefuseDeleteCondition: Delete under a condition is answered 501.
	RefuseDeleteCondition bool
	// DeleteMissing: Delete of a missing object succeeds under a condition too
	// (versitygw).
	DeleteMissing bool
	// ConstantETag: the ETag does not change with the body.
	ConstantETag bool
	// Unordered: a page of a listing is not in the order of its keys (S3 Express).
	Unordered bool
	// StaleList: a listing shows objects one write late.
	StaleList bool
	// KeepMetadata: overwriting an object keeps old metadata that the new write
	// does not name (gofakes3).
	KeepMetadata bool
	// DirectoryKeys: "a" and "a/b" may both be keys (AWS).
	DirectoryKeys bool
}

// Server holds objects in memory. It is safe for concurrent use.
type Server struct {
	opts    Options
	mu      sync.RWMutex
	objects btree.Map[string, *object]
	listed  *btree.Map[string, *object] // the state before the last write, under StaleList
	uploads map[string]*upload          // by name
	begun   int                         // uploads, to name the next one
}

// object is never changed once it is stored.
type object struct {
	body     []byte
	metadata map[string]string
	etag     string
	modified time.Time
}

// NewServer returns an empty server.
func NewServer(opts Options) *Server {
	if opts.MetadataLimit == 0 {
		opts.MetadataLimit = s3db.DefaultMetadataLimit
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Server{opts: opts, uploads: map[string]*upload{}}
}

// New returns a client of a new, empty, strict server of its own.
func New() *Store { return NewServer(Options{}).Client() }

// Client returns a new connection to the server, with request counts, observers
// and faults of its own.
func (s *Server) Client() *Store { return &Store{server: s} }

// Clone returns a server with the same objects and options. It costs little: the
// two share what neither changes.
func (s *Server) Clone() *Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &Server{opts: s.opts, begun: s.begun, uploads: map[string]*upload{}}
	for name, u := range s.uploads {
		c.uploads[name] = u.clone()
	}
	c.objects = *s.objects.Copy()
	return c
}

// Len returns the number of objects.
func (s *Server) Len() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.objects.Len()
}

// Keys returns all keys in order. It is not a request: nothing counts it.
func (s *Server) Keys() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.objects.Keys()
}

// Plant stores an object as another program would, whatever the rules of this
// module say of its key and metadata, for tests of what reads databases of others.
// It is not a request: nothing counts it.
func (s *Server) Plant(key string, body []byte, metadata map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects.Set(key, &object{
		body: slices.Clone(body), metadata: maps.Clone(metadata), etag: s3rules.ETag(body), modified: s.now().Truncate(time.Second),
	})
}

// now is the server's clock as replies show it.
func (s *Server) now() time.Time { return s.opts.Now().UTC() }

func (s *Server) capabilities() s3db.Capabilities {
	if s.opts.Claim != nil {
		return *s.opts.Claim
	}
	q := s.opts.Quirks
	return s3db.Capabilities{
		Local:             s.opts.Local,
		MetadataLimit:     s.opts.MetadataLimit,
		ConditionalPut:    !q.IgnoreIfAbsent && !q.IgnoreIfMatch && !q.RacyConditions && !q.ConstantETag,
		ConditionalDelete: !q.IgnoreDeleteCondition && !q.DeleteMissing && !q.RacyDeletes && !q.RefuseDeleteCondition && !q.ConstantETag,
	}
}

func (s *Server) get(key string, body bool) (*s3db.Object, error) {
	s.mu.RLock()
	o, ok := s.objects.Get(key)
	s.mu.RUnlock()
	if !ok {
		return nil, s3db.ErrNotFound
	}
	out := &s3db.Object{Metadata: maps.Clone(o.metadata), ETag: o.etag, Size: int64(len(o.body)), LastModified: o.modified, ServerTime: s.now()}
	if out.Metadata == nil {
		out.Metadata = map[string]string{}
	}
	if body {
		out.Body = append(make([]byte, 0, len(o.body)), o.body...)
	}
	return out, nil
}

// etag returns the ETag of the object under a key, "" when there is none. The
// caller holds the lock.
func (s *Server) etag(key string) string {
	if o, ok := s.objects.Get(key); ok {
		return o.etag
	}
	return ""
}

// condition returns what is left of a condition after the quirks.
func (s *Server) condition(cond s3db.Condition) s3db.Condition {
	q := s.opts.Quirks
	if cond.Absent() && q.IgnoreIfAbsent || cond.ETag() != "" && q.IgnoreIfMatch {
		return s3db.Condition{}
	}
	return cond
}

// holds looks at a condition without writing.
func (s *Server) holds(key string, cond s3db.Condition) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s3rules.Holds(s.condition(cond), s.etag(key))
}

func (s *Server) put(key string, body []byte, metadata map[string]string, cond s3db.Condition) (string, error) {
	if err := s3rules.CheckMetadata("put", key, metadata, s.opts.MetadataLimit); err != nil {
		return "", err
	}
	o := &object{body: slices.Clone(body), metadata: maps.Clone(metadata), etag: s3rules.ETag(body)}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.store(key, o, cond)
}

// store puts an object under a key. The caller holds the lock.
func (s *Server) store(key string, o *object, cond s3db.Condition) (string, error) {
	if s.opts.Quirks.ConstantETag {
		o.etag = s3rules.ETag([]byte(key))
	}
	old, exists := s.objects.Get(key)
	current := ""
	if exists {
		current = old.etag
	}
	if !s3rules.Holds(s.condition(cond), current) {
		return "", s3db.ErrPrecondition
	}
	if !exists && !s.opts.Quirks.DirectoryKeys {
		if err := s3rules.CheckDirectories(key, s.has, s.under); err != nil {
			return "", err
		}
	}
	if exists && s.opts.Quirks.KeepMetadata {
		merged := maps.Clone(old.metadata)
		maps.Copy(merged, o.metadata)
		o.metadata = merged
	}
	s.remember()
	o.modified = s.now().Truncate(time.Second) // as servers do
	s.objects.Set(key, o)
	return o.etag, nil
}

func (s *Server) has(key string) bool {
	_, ok := s.objects.Get(key)
	return ok
}

func (s *Server) under(prefix string) bool {
	found := false
	s.objects.Ascend(prefix, func(key string, _ *object) bool {
		found = strings.HasPrefix(key, prefix)
		return false
	})
	return found
}

// remember keeps the state before a write for listings that come late. The
// caller holds the lock.
func (s *Server) remember() {
	if s.opts.Quirks.StaleList {
		s.listed = s.objects.Copy()
	}
}

func (s *Server) delete(key string, cond s3db.Condition) error {
	q := s.opts.Quirks
	if cond.Absent() {
		return s3rules.Refused("delete", key, "NotImplemented", 501, "a deletion under If-None-Match means nothing")
	}
	if q.RefuseDeleteCondition && cond.ETag() != "" {
		return s3rules.Refused("delete", key, "NotImplemented", 501, "conditional deletion is not supported")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	current := s.etag(key)
	if current == "" && q.DeleteMissing {
		return nil
	}
	if !q.IgnoreDeleteCondition && !s3rules.Holds(cond, current) {
		return s3db.ErrPrecondition
	}
	s.remember()
	s.objects.Delete(key)
	return nil
}

func (s *Server) deleteMany(keys []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remember()
	for _, key := range keys {
		s.objects.Delete(key)
	}
}

func (s *Server) list(req s3db.ListRequest) *s3db.ListPage {
	s.mu.RLock()
	defer s.mu.RUnlock()
	objects := &s.objects
	if s.listed != nil {
		objects = s.listed
	}
	page := &s3db.ListPage{ServerTime: s.now()}
	size := s3rules.PageSize(req)
	objects.Ascend(max(req.Prefix, req.StartAfter), func(key string, o *object) bool {
		if req.StartAfter != "" && key == req.StartAfter {
			return true
		}
		if !strings.HasPrefix(key, req.Prefix) {
			return false
		}
		if len(page.Items) == size {
			page.More = true
			return false
		}
		page.Items = append(page.Items, s3db.ListItem{Key: key, Size: int64(len(o.body)), ETag: o.etag, LastModified: o.modified})
		return true
	})
	if s.opts.Quirks.Unordered {
		slices.Reverse(page.Items)
	}
	return page
}

// errClosed is the error of a Store after Close.
var errClosed = errors.New("the store is closed")

// Driver opens mem:// URLs. Each Open makes a new, empty database: programs that
// want to share one pass clients of one Server to New instead. In mem://NAME/PREFIX
// the name is for the reader alone.
func Driver() s3db.Driver {
	return s3db.Driver{Schemes: []string{"mem"}, Open: func(_ context.Context, req s3db.DriverRequest) (s3db.Store, string, error) {
		return NewServer(Options{Local: true}).Client(), req.URL.Path, nil
	}}
}
