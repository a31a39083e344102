package s3db

import (
	"context"
	"iter"
	"slices"
)

// Method names a method of a collection that middleware wraps.
type Method uint8

// The methods that middleware wraps. A method that is not listed is made of these:
// First and List of MethodList, UpdateFrom and UpdateFunc of MethodUpdate, and a
// bulk method runs the method for one document for each of its documents.
const (
	MethodGet Method = iota
	MethodGetMany
	MethodExists
	MethodList
	MethodListIDs
	MethodGetAll
	MethodCount
	MethodPage
	MethodInsert
	MethodUpdate
	MethodReplace
	MethodUpsert
	MethodDelete
	MethodDeleteMany
	MethodLookup // by a unique value
	MethodDistinct
	MethodSetContent
	MethodContent
	MethodContentURL
	MethodHasContent
	MethodDeleteContent
	methods
)

// String returns the name of the method, such as "getMany".
func (m Method) String() string {
	return [...]string{
		"get", "getMany", "exists", "list", "listIds", "getAll", "count", "page",
		"insert", "update", "replace", "upsert", "delete", "deleteMany", "lookup", "distinct",
		"setContent", "content", "contentURL", "hasContent", "deleteContent", "unknown",
	}[min(m, methods)]
}

// AnyCall is a [Call] of any method, for middleware of a whole database.
type AnyCall interface {
	// Resource is the name of the resource.
	Resource() string
	// Method is the method that was called.
	Method() Method
	// ID is the id of the one document that the call is about, or "".
	ID() string
	// Arguments is a pointer to the Args of the call, such as *GetArgs[shop.UserID].
	Arguments() any
	// Value returns what Set, or the option [CallValue], kept under a key, or nil.
	Value(key any) any
	// Set keeps a value for the middleware that follows.
	Set(key, value any)
}

// invocation is a call with its types forgotten. It implements AnyCall. What else
// is done with it is not a method, because each method is compiled again for each
// type of Call.
type invocation struct {
	engine *engine
	method Method
	typed  any           // the *Call that this is a part of
	args   any           // a pointer to its Args
	id     func() string // of an insert, whose arguments do not know it
	values map[any]any
	final  func(context.Context) (any, error) // the method itself

	wide []registration[AnyMiddleware]
	own  []registration[middlewareSet]
	at   int // of the next step in both lists

	ended []func()
}

// middlewareSet is a Middleware with its types forgotten: for each method a
// function of the typed call, or nil.
type middlewareSet [methods]func(ctx context.Context, typed any) (any, error)

func begin(x *invocation, e *engine, m Method, typed, args any, opts []WriteOption, final func(context.Context) (any, error)) {
	x.engine, x.method, x.typed, x.args, x.final = e, m, typed, args, final
	x.wide, x.own = e.db.middleware.all(), e.middleware.all()
	if len(opts) > 0 {
		x.values = newWriteOptions(opts).values
	}
}

// next runs what follows in the chain.
func next(ctx context.Context, x *invocation) (any, error) {
	at := x.at
	defer func() { x.at = at }()
	for {
		i := x.at
		x.at++
		switch {
		case i < len(x.wide):
			return x.wide[i].value(ctx, x, func(ctx context.Context) (any, error) { return next(ctx, x) })
		case i < len(x.wide)+len(x.own):
			if f := x.own[i-len(x.wide)].value[x.method]; f != nil {
				return f(ctx, x.typed)
			}
		default:
			return x.final(ctx)
		}
	}
}

// streams reports that the result of a method is a loop.
func (m Method) streams() bool { return m == MethodList || m == MethodListIDs }

// OnEnd calls f when a call that [AnyMiddleware] was given has ended: when the method
// has its result, or, if that is a loop, when the loop has ended. It does nothing to
// other calls.
func OnEnd(call AnyCall, f func()) {
	if x, ok := call.(*invocation); ok {
		x.ended = append(x.ended, f)
	}
}

// end tells that a call has ended, the last one first that asked for it.
func end(x *invocation) {
	for _, f := range slices.Backward(x.ended) {
		f()
	}
	x.ended = nil
}

// Resource implements [AnyCall].
func (x *invocation) Resource() string { return x.engine.model.Resource }

// Method implements [AnyCall].
func (x *invocation) Method() Method { return x.method }

// ID implements [AnyCall].
func (x *invocation) ID() string {
	if x.id != nil {
		return x.id()
	}
	if a, ok := x.args.(interface{ subject() string }); ok {
		return a.subject()
	}
	return ""
}

// Arguments implements [AnyCall].
func (x *invocation) Arguments() any { return x.args }

// Value implements [AnyCall].
func (x *invocation) Value(key any) any { return x.values[key] }

// Set implements [AnyCall].
func (x *invocation) Set(key, value any) {
	if x.values == nil {
		x.values = map[any]any{}
	}
	x.values[key] = value
}

// plain reports that nothing surrounds the operations of a resource but hooks.
func (c *engine) plain() bool {
	return c.middleware.empty() && c.db.middleware.empty() && c.events.empty() && c.db.events.empty()
}

// around runs a method through its middleware, and tells subscribers of what a
// read found and of errors. Writes tell what they committed themselves.
func (c *engine) around(ctx context.Context, x *invocation) (any, error) {
	began := c.started()
	v, err := next(ctx, x)
	if err != nil || !x.method.streams() {
		end(x)
	}
	if began.IsZero() {
		return v, err
	}
	e := DatabaseEvent{Operation: x.method.String(), ID: x.ID()}
	switch {
	case err != nil:
		e.Kind, e.Err = EventError, err
	case x.method == MethodGet || x.method == MethodLookup:
		e.Kind, e.Document = EventGet, v
	case x.method == MethodExists:
		e.Kind = EventExists
		if v == true {
			e.Count = 1
		}
	case x.method == MethodCount:
		e.Kind = EventCount
		e.Count, _ = v.(int)
	default:
		return v, nil
	}
	c.emit(ctx, began, e)
	return v, err
}

// CallValue hands a value to the middleware of one write, such as the user who
// asked for it. Values for reads travel in the context.
func CallValue(key, value any) WriteOption {
	return func(o *writeOptions) {
		if o.values == nil {
			o.values = map[any]any{}
		}
		o.values[key] = value
	}
}

// Middleware wraps methods of a resource. Each function is called in place of its
// method; it goes on with call.Next, before which it may change call.Args and
// after which it may change the result. Functions that are nil wrap nothing.
// Middleware of a method runs in the order of registration, the database's before
// the resource's, and outside of hooks. Generated packages name it for each
// resource, as in shop.UserMiddleware.
type Middleware[T any, ID ~string, I, P any] struct {
	Get     func(ctx context.Context, call *GetCall[T, ID]) (*T, error)
	GetMany func(ctx context.Context, call *GetManyCall[T, ID]) ([]*T, error)
	Exists  func(ctx context.Context, call *ExistsCall[ID]) (bool, error)
	Lookup  func(ctx context.Context, call *LookupCall[T]) (*T, error)
	List    func(ctx context.Context, call *ListCall[T, ID]) (iter.Seq2[*T, error], error)
	ListIDs func(ctx context.Context, call *ListIDsCall[T, ID]) (iter.Seq2[ID, error], error)
	GetAll  func(ctx context.Context, call *GetAllCall[T, ID]) ([]*T, error)
	Count   func(ctx context.Context, call *CountCall[T, ID]) (int, error)
	Page    func(ctx context.Context, call *PageCall[T, ID]) (*Page[T], error)
	Insert  func(ctx context.Context, call *InsertCall[T, I]) (*T, error)
	Update  func(ctx context.Context, call *UpdateCall[T, ID, P]) (*T, error)
	Replace func(ctx context.Context, call *PutCall[T, ID, I]) (*T, error)
	Upsert  func(ctx context.Context, call *PutCall[T, ID, I]) (*T, error)
	Delete  func(ctx context.Context, call *DeleteCall[ID]) (struct{}, error)
	// DeleteMany runs around the deletion of several documents, each of which then
	// goes through Delete.
	DeleteMany func(ctx context.Context, call *DeleteManyCall[ID]) (struct{}, error)

	SetContent    func(ctx context.Context, call *SetContentCall[T, ID]) (*T, error)
	Content       func(ctx context.Context, call *ContentCall[ID]) (*ContentReader, error)
	ContentURL    func(ctx context.Context, call *ContentURLCall[ID]) (string, error)
	HasContent    func(ctx context.Context, call *ExistsCall[ID]) (bool, error)
	DeleteContent func(ctx context.Context, call *DeleteContentCall[T, ID]) (*T, error)
}

// AnyMiddleware wraps all methods of all resources of a database. The result of
// next is that of the method, such as a *shop.User; what is returned must be of
// that type, or nil for its zero value.
type AnyMiddleware func(ctx context.Context, call AnyCall, next func(context.Context) (any, error)) (any, error)

// Use adds middleware, also while operations run. The returned function removes
// it.
func (c *Collection[T, ID, I, P]) Use(m Middleware[T, ID, I, P]) (remove func()) {
	return c.engine.middleware.add(middlewareSet{
		MethodGet:           forgetStep(m.Get),
		MethodGetMany:       forgetStep(m.GetMany),
		MethodExists:        forgetStep(m.Exists),
		MethodLookup:        forgetStep(m.Lookup),
		MethodList:          forgetStep(m.List),
		MethodListIDs:       forgetStep(m.ListIDs),
		MethodGetAll:        forgetStep(m.GetAll),
		MethodCount:         forgetStep(m.Count),
		MethodPage:          forgetStep(m.Page),
		MethodInsert:        forgetStep(m.Insert),
		MethodUpdate:        forgetStep(m.Update),
		MethodReplace:       forgetStep(m.Replace),
		MethodUpsert:        forgetStep(m.Upsert),
		MethodDelete:        forgetStep(m.Delete),
		MethodDeleteMany:    forgetStep(m.DeleteMany),
		MethodSetContent:    forgetStep(m.SetContent),
		MethodContent:       forgetStep(m.Content),
		MethodContentURL:    forgetStep(m.ContentURL),
		MethodHasContent:    forgetStep(m.HasContent),
		MethodDeleteContent: forgetStep(m.DeleteContent),
	})
}

// forgetStep forgets the types of a function of Middleware.
func forgetStep[A, R any](f func(context.Context, *Call[A, R]) (R, error)) func(context.Context, any) (any, error) {
	if f == nil {
		return nil
	}
	return func(ctx context.Context, typed any) (any, error) {
		call, _ := typed.(*Call[A, R])
		return f(ctx, call)
	}
}

// Use adds middleware for all resources, also while operations run. The returned
// function removes it.
func (db *Database) Use(m AnyMiddleware) (remove func()) { return db.middleware.add(m) }
