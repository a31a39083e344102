package s3db

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Sentinel errors. Every error of a collection matches one of them with
// errors.Is, unless it is the error of a context or of a caller's own function.
var (
	// ErrNotFound: there is no such document (or object, from a Store).
	ErrNotFound = errors.New("not found")
	// ErrNoContent: the document has no content. It matches ErrNotFound.
	ErrNoContent = fmt.Errorf("%w: the document has no content", ErrNotFound)
	// ErrRange: a range is not within the content, or a time is not one that a URL
	// may last.
	ErrRange = errors.New("out of range")
	// ErrUnsupported: the store cannot do what was asked of it.
	ErrUnsupported = errors.New("not supported")
	// ErrAlreadyExists: an insert names an id that is taken.
	ErrAlreadyExists = errors.New("already exists")
	// ErrConflict: the document changed since the revision that IfMatch names, or
	// kept changing under an update until its attempts were used up.
	ErrConflict = errors.New("conflict")
	// ErrUnique: another document holds the value of a unique attribute.
	ErrUnique = errors.New("already taken (unique)")
	// ErrTooLarge: the document does not fit the limit of its behavior.
	ErrTooLarge = errors.New("S3 metadata size exceeds 2KB limit")
	// ErrValidation: the document breaks rules of its schema; errors.As to
	// *ValidationError lists them all.
	ErrValidation = errors.New("validation failed")
	// ErrInvalidID: the id cannot name a document.
	ErrInvalidID = errors.New("invalid id")
	// ErrDecrypt: a secret does not decrypt: wrong key, or altered or moved data.
	ErrDecrypt = errors.New("cannot decrypt")
	// ErrCorrupt: stored bytes are not what this program or an older one writes.
	ErrCorrupt = errors.New("corrupt")
	// ErrNewerFormat: stored bytes were written by a newer program.
	ErrNewerFormat = errors.New("written by a newer version of s3dbgen")
	// ErrOutdated: the program has an older version of the resource's schema than
	// the database, and cannot do this without losing what it does not know.
	ErrOutdated = errors.New("the program is older than the database")
	// ErrNeedsProgram: a program without generated code cannot bring a document to
	// the newest version, because only the program of the resource has the function.
	ErrNeedsProgram = errors.New("only the program of the resource can bring the document up to date")
	// ErrUnavailable: the store did not answer, or only with errors that pass,
	// until the attempts were used up.
	ErrUnavailable = errors.New("store unavailable")
	// ErrRefused: the store refused the request for a reason that another attempt
	// does not change, such as a missing bucket, wrong credentials or rights.
	ErrRefused = errors.New("refused by the store")
	// ErrUnknownOutcome: the store did not say whether a write was applied, and
	// reading could not tell either. It comes with ErrUnavailable or ErrConflict.
	ErrUnknownOutcome = errors.New("the write may or may not have been applied")
	// ErrConfig: Open was called with something it cannot work with.
	ErrConfig = errors.New("configuration")
	// ErrKeyProvider: a key provider did not make or unwrap a data key.
	ErrKeyProvider = errors.New("key provider")
	// ErrKeyInUse: a key cannot be dropped, because something is encrypted under it
	// or may be.
	ErrKeyInUse = errors.New("key is in use")
	// ErrQuery: a query says what cannot be, such as a negative limit.
	ErrQuery = errors.New("the query cannot be run")
	// ErrCursor: a cursor is damaged, or comes from another query or database.
	ErrCursor = errors.New("cursor does not fit")
	// ErrSortLimit: a query would sort more documents in memory than it may.
	ErrSortLimit = errors.New("too many documents to sort")
	// ErrPrecondition: a condition of a Store's write is false.
	ErrPrecondition = errors.New("precondition failed")
)

// Error is the error of an operation on a resource or a database. It prints as
//
//	s3db: insert users/ada: email: already taken (unique)
//
// It never holds a value of a document.
type Error struct {
	Op       string // "insert", "get", "open", …
	Resource string // "" for operations on the database
	ID       string // "" when the operation is not about one document
	Field    string // path of the attribute at fault, or ""
	Err      error  // the cause; matches a sentinel
	Hint     string // what to do about it, or ""
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("s3db: ")
	b.WriteString(e.Op)
	if e.Resource != "" {
		b.WriteByte(' ')
		b.WriteString(e.Resource)
		if e.ID != "" {
			b.WriteByte('/')
			b.WriteString(printableID(e.ID))
		}
	}
	if e.Field != "" {
		b.WriteString(": ")
		b.WriteString(e.Field)
	}
	b.WriteString(": ")
	b.WriteString(e.Err.Error())
	if e.Hint != "" {
		b.WriteString(" (")
		b.WriteString(e.Hint)
		b.WriteByte(')')
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// asUnavailable gives errors of the store the sentinel that callers test for.
func asUnavailable(err error) error {
	var se *StoreError
	switch {
	case err == nil, !errors.As(err, &se), errors.Is(err, ErrUnavailable), errors.Is(err, ErrRefused):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), se.Temporary:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	default:
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
}

// BulkError reports the documents of a bulk operation that failed; the others
// succeeded. errors.Is and errors.As look into every failure.
type BulkError struct {
	Op       string
	Resource string
	Total    int         // documents of the operation
	Failed   []ItemError // in the order of the input
}

// ItemError is the failure of one document of a bulk operation.
type ItemError struct {
	Index int // place in the input
	ID    string
	Err   error
}

// add takes the error of one document, if there is one.
func (e *BulkError) add(index int, id string, err error) {
	if err != nil {
		e.Failed = append(e.Failed, ItemError{Index: index, ID: id, Err: err})
	}
}

// orNil returns the error, or nil when nothing failed.
func (e *BulkError) orNil() error {
	if len(e.Failed) == 0 {
		return nil
	}
	return e
}

// Error implements error; it prints the first failure and counts the others.
func (e *BulkError) Error() string {
	first := e.Failed[0]
	text := fmt.Sprintf("s3db: %s %s: %d of %d documents failed; item %d: %v",
		e.Op, e.Resource, len(e.Failed), e.Total, first.Index, first.Err)
	return text
}

// Unwrap returns the failures.
func (e *BulkError) Unwrap() []error {
	all := make([]error, len(e.Failed))
	for i, f := range e.Failed {
		all[i] = f.Err
	}
	return all
}

// printableID shortens and quotes an id so that a hostile one cannot disturb a
// log line.
func printableID(id string) string {
	const longest = 80
	cut := id
	if len(cut) > longest {
		cut = cut[:longest]
	}
	q := fmt.Sprintf("%q", cut)
	if q[1:len(q)-1] == cut {
		q = cut
	}
	if len(id) > longest {
		return fmt.Sprintf("%s… (%d bytes)", q, len(id))
	}
	return q
}

// StoreError is a failed request of a Store that is neither "not found" nor a
// false precondition.
type StoreError struct {
	Op   string // "get", "put", "delete", "list", …
	Key  string
	Code string // the server's code, such as "SlowDown" or "AccessDenied", or ""
	// Status is the HTTP status, 0 when there was no reply.
	Status int
	// Temporary: the same request may succeed later.
	Temporary bool
	// MaybeApplied: the request may have been applied, or may still be.
	MaybeApplied bool
	Err          error
}

// Error implements error.
func (e *StoreError) Error() string {
	var b strings.Builder
	b.WriteString("store: ")
	b.WriteString(e.Op)
	if e.Key != "" {
		fmt.Fprintf(&b, " %q", e.Key)
	}
	if e.Status != 0 || e.Code != "" {
		b.WriteByte(':')
		if e.Status != 0 {
			fmt.Fprintf(&b, " %d", e.Status)
		}
		if e.Code != "" {
			b.WriteByte(' ')
			b.WriteString(e.Code)
		}
	}
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *StoreError) Unwrap() error { return e.Err }
