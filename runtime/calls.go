package s3db

import (
	"context"
	"io"
	"iter"
)

// Call is one call of a method on its way through middleware. A are its arguments,
// R is its result. It belongs to one goroutine at a time.
type Call[A, R any] struct {
	// Args are the arguments. Middleware may change them before it calls Next.
	Args A

	invocation
}

// Next goes on with the call: the next middleware, and in the end the method
// itself. Not calling it answers the call without them. Calling it again repeats
// them.
func (c *Call[A, R]) Next(ctx context.Context) (R, error) {
	v, err := next(ctx, &c.invocation)
	return result[R](c.method, v, err)
}

// run runs a method through its middleware, and tells subscribers.
func run[A, R any](ctx context.Context, e *engine, m Method, call *Call[A, R], opts []WriteOption, final func(context.Context) (any, error)) (R, error) {
	begin(&call.invocation, e, m, call, &call.Args, opts, final)
	v, err := e.around(ctx, &call.invocation)
	return result[R](m, v, err)
}

// result gives a result back its type.
func result[R any](m Method, v any, err error) (R, error) {
	r, ok := v.(R)
	if v != nil && !ok {
		err = configError("middleware of %s returned a %T, not a %T", m, v, r)
	}
	return r, err
}

// The arguments of calls.
type (
	// GetArgs are the arguments of Get, Exists and HasContent.
	GetArgs[ID ~string] struct{ ID ID }
	// ManyArgs are the arguments of GetMany and DeleteMany.
	ManyArgs[ID ~string] struct{ IDs []ID }
	// InsertArgs are the arguments of Insert.
	InsertArgs[I any] struct {
		Input   I
		Options []WriteOption
	}
	// UpdateArgs are the arguments of Update; those of UpdateFrom, where From is the
	// document that the patch is for; and those of UpdateFunc, where Func makes the
	// patch and Patch is empty.
	UpdateArgs[T any, ID ~string, P any] struct {
		ID      ID
		Patch   P
		From    *T
		Func    func(*T) (P, error)
		Options []WriteOption
	}
	// PutArgs are the arguments of Replace and Upsert.
	PutArgs[ID ~string, I any] struct {
		ID      ID
		Input   I
		Options []WriteOption
	}
	// DeleteArgs are the arguments of Delete and DeleteContent.
	DeleteArgs[ID ~string] struct {
		ID      ID
		Options []WriteOption
	}
	// SetContentArgs are the arguments of SetContent.
	SetContentArgs[ID ~string] struct {
		ID      ID
		Reader  io.Reader
		Options []ContentOption
	}
	// ContentArgs are the arguments of Content.
	ContentArgs[ID ~string] struct {
		ID     ID
		Ranges []ContentRange
	}
	// ContentURLArgs are the arguments of ContentURL.
	ContentURLArgs[ID ~string] struct {
		ID      ID
		Options URLOptions
	}
	// QueryArgs are the arguments of what runs a query. Middleware may narrow it.
	QueryArgs[T any, ID ~string] struct{ Query Query[T, ID] }
	// PageArgs are the arguments of Page.
	PageArgs[T any, ID ~string] struct {
		Query Query[T, ID]
		Size  int
	}
	// LookupArgs name the unique constraint by which a document is looked for.
	LookupArgs struct{ Constraint string }
)

func (a *GetArgs[ID]) subject() string          { return string(a.ID) }
func (a *UpdateArgs[T, ID, P]) subject() string { return string(a.ID) }
func (a *PutArgs[ID, I]) subject() string       { return string(a.ID) }
func (a *DeleteArgs[ID]) subject() string       { return string(a.ID) }
func (a *SetContentArgs[ID]) subject() string   { return string(a.ID) }
func (a *ContentArgs[ID]) subject() string      { return string(a.ID) }
func (a *ContentURLArgs[ID]) subject() string   { return string(a.ID) }

// The calls of each method.
type (
	// GetCall is a call of Get.
	GetCall[T any, ID ~string] = Call[GetArgs[ID], *T]
	// GetManyCall is a call of GetMany.
	GetManyCall[T any, ID ~string] = Call[ManyArgs[ID], []*T]
	// ExistsCall is a call of Exists or HasContent.
	ExistsCall[ID ~string] = Call[GetArgs[ID], bool]
	// ListCall is a call of what reads the documents of a query, one by one.
	ListCall[T any, ID ~string] = Call[QueryArgs[T, ID], iter.Seq2[*T, error]]
	// ListIDsCall is a call of what reads the ids of a query.
	ListIDsCall[T any, ID ~string] = Call[QueryArgs[T, ID], iter.Seq2[ID, error]]
	// GetAllCall is a call of GetAll.
	GetAllCall[T any, ID ~string] = Call[QueryArgs[T, ID], []*T]
	// PageCall is a call of Page.
	PageCall[T any, ID ~string] = Call[PageArgs[T, ID], *Page[T]]
	// LookupCall is a call of what finds a document by a unique value.
	LookupCall[T any] = Call[LookupArgs, *T]
	// CountCall is a call of Count.
	CountCall[T any, ID ~string] = Call[QueryArgs[T, ID], int]
	// InsertCall is a call of Insert.
	InsertCall[T, I any] = Call[InsertArgs[I], *T]
	// UpdateCall is a call of Update, UpdateFrom or UpdateFunc.
	UpdateCall[T any, ID ~string, P any] = Call[UpdateArgs[T, ID, P], *T]
	// PutCall is a call of Replace or Upsert.
	PutCall[T any, ID ~string, I any] = Call[PutArgs[ID, I], *T]
	// DeleteCall is a call of Delete.
	DeleteCall[ID ~string] = Call[DeleteArgs[ID], struct{}]
	// DeleteManyCall is a call of DeleteMany.
	DeleteManyCall[ID ~string] = Call[ManyArgs[ID], struct{}]
	// SetContentCall is a call of SetContent.
	SetContentCall[T any, ID ~string] = Call[SetContentArgs[ID], *T]
	// ContentCall is a call of Content.
	ContentCall[ID ~string] = Call[ContentArgs[ID], *ContentReader]
	// ContentURLCall is a call of ContentURL.
	ContentURLCall[ID ~string] = Call[ContentURLArgs[ID], string]
	// DeleteContentCall is a call of DeleteContent.
	DeleteContentCall[T any, ID ~string] = Call[DeleteArgs[ID], *T]
)
