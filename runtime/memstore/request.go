package memstore

import (
	"fmt"
	"slices"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Kind is the kind of a request.
type Kind uint8

// The kinds of requests, one for each method of s3db.ContentStore that makes one.
const (
	Get Kind = iota
	Head
	Put
	Delete
	DeleteMany
	List
	ReadContent
	BeginUpload
	PutPart
	CompleteUpload
	AbortUpload
	ListUploads
)

// String returns the name that errors use for the operation.
func (k Kind) String() string {
	switch k {
	case Get:
		return "get"
	case Head:
		return "head"
	case Put:
		return "put"
	case Delete:
		return "delete"
	case DeleteMany:
		return "delete many"
	case List:
		return "list"
	case ReadContent:
		return "read content"
	case BeginUpload:
		return "begin upload"
	case PutPart:
		return "put part"
	case CompleteUpload:
		return "complete upload"
	case AbortUpload:
		return "abort upload"
	case ListUploads:
		return "list uploads"
	}
	return "unknown"
}

// Writes reports whether requests of this kind change objects.
func (k Kind) Writes() bool {
	switch k {
	case Put, Delete, DeleteMany, BeginUpload, PutPart, CompleteUpload, AbortUpload:
		return true
	}
	return false
}

// Request is one request, as fault hooks and observers see it. They must not
// change or keep Keys, Body and Metadata.
type Request struct {
	Kind      Kind
	Seq       int    // 1 for the client's first request since ResetCounts
	Key       string // prefix of a List, "" of a DeleteMany
	Keys      []string
	Condition s3db.Condition
	Body      []byte
	Metadata  map[string]string
	List      s3db.ListRequest
	Part      int // number of a part, from 1

	// Applied and Err are set for observers: whether the server carried the
	// request out, and what the client was told.
	Applied bool
	Err     error
}

// String describes the request in one line.
func (r Request) String() string {
	s := r.Kind.String() + " " + r.Key
	switch {
	case r.Kind == DeleteMany:
		s = fmt.Sprintf("%s (%d keys)", r.Kind, len(r.Keys))
	case r.Condition.Absent():
		s += " if absent"
	case r.Condition.ETag() != "":
		s += " if match"
	}
	if r.Err != nil {
		s += ": " + r.Err.Error()
	}
	return s
}

// Counts are numbers of requests as S3 bills them: reading a content is a Get;
// beginning and completing an upload, and each of its parts, is a Put; aborting one
// is a Delete, and listing uploads a List.
type Counts struct {
	Get, Head, Put, Delete, DeleteMany, List int
}

// with returns the counts after one more request.
func (c Counts) with(k Kind) Counts {
	switch k {
	case Get, ReadContent:
		c.Get++
	case Head:
		c.Head++
	case Put, BeginUpload, PutPart, CompleteUpload:
		c.Put++
	case Delete, AbortUpload:
		c.Delete++
	case DeleteMany:
		c.DeleteMany++
	case List, ListUploads:
		c.List++
	}
	return c
}

// Sub returns the requests of c that are not in earlier ones: with two snapshots,
// what was sent between them.
func (c Counts) Sub(earlier Counts) Counts {
	return Counts{
		Get: c.Get - earlier.Get, Head: c.Head - earlier.Head, Put: c.Put - earlier.Put,
		Delete: c.Delete - earlier.Delete, DeleteMany: c.DeleteMany - earlier.DeleteMany, List: c.List - earlier.List,
	}
}

// Total returns the number of requests of all kinds.
func (c Counts) Total() int { return c.Get + c.Head + c.Put + c.Delete + c.DeleteMany + c.List }

// Counts returns the numbers of requests that the client has sent, also those
// that failed. Requests whose context had ended before are not sent.
func (s *Store) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}

// ResetCounts sets all counts to zero; the next request is number 1 again.
func (s *Store) ResetCounts() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts = Counts{}
	s.seq = 0
}

// Observe calls a function after each request of the client, in the goroutine of
// the request, until cancel is called. Requests in parallel call it in parallel.
func (s *Store) Observe(observe func(Request)) (cancel func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entry := &observe
	s.observers = append(s.observers, entry)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.observers = slices.DeleteFunc(slices.Clone(s.observers), func(e *func(Request)) bool { return e == entry })
	}
}
