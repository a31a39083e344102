package s3db

import (
	"context"
	"sync/atomic"
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
	MethodSetContent
	MethodContent
	MethodHasContent
	MethodDeleteContent
	methods
)

// String returns the name of the method, such as "getMany".
func (m Method) String() string {
	return [...]string{
		"get", "getMany", "exists", "list", "listIds", "getAll", "count", "page",
		"insert", "update", "replace", "upsert", "delete", "deleteMany",
		"setContent", "content", "hasContent", "deleteContent", "unknown",
	}[min(m, methods)]
}

// Call is one call of a method on its way through middleware. A are its arguments,
// R is its result. It belongs to one goroutine at a time.
type Call[A, R any] struct {
	// Args are the arguments. Middleware may change them before it calls Next.
	Args A

	values map[any]any
	pipe   *pipe[A, R]
	at     int // of the next step
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

// Next goes on with the call: the next middleware, and in the end the method
// itself. Not calling it answers the call without them. Calling it again repeats
// them.
func (c *Call[A, R]) Next(ctx context.Context) (R, error) {
	at := c.at
	if at == len(c.pipe.steps) {
		return c.pipe.method(ctx, c)
	}
	c.at++
	defer func() { c.at = at }()
	return c.pipe.steps[at](ctx, c)
}

// Resource implements [AnyCall].
func (c *Call[A, R]) Resource() string { return c.pipe.resource }

// Method implements [AnyCall].
func (c *Call[A, R]) Method() Method { return c.pipe.kind }

// ID implements [AnyCall].
func (c *Call[A, R]) ID() string {
	switch x, ok := any(&c.Args).(interface{ subject() string }); {
	case ok:
		return x.subject()
	case c.pipe.subject != nil:
		return c.pipe.subject(&c.Args)
	}
	return ""
}

// Arguments implements [AnyCall].
func (c *Call[A, R]) Arguments() any { return &c.Args }

// Value implements [AnyCall].
func (c *Call[A, R]) Value(key any) any { return c.values[key] }

// Set implements [AnyCall].
func (c *Call[A, R]) Set(key, value any) {
	if c.values == nil {
		c.values = map[any]any{}
	}
	c.values[key] = value
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
	return c.middleware.add(m)
}

// Use adds middleware for all resources, also while operations run. The returned
// function removes it.
func (db *Database) Use(m AnyMiddleware) (remove func()) { return db.middleware.add(m) }

// pipe is the middleware of one method.
type pipe[A, R any] struct {
	resource string
	kind     Method
	subject  func(*A) string // id in arguments that do not know it themselves; may be nil
	steps    []func(context.Context, *Call[A, R]) (R, error)
	method   func(context.Context, *Call[A, R]) (R, error)
}

// run calls the method through its middleware.
func (p *pipe[A, R]) run(ctx context.Context, args A, options []WriteOption) (R, error) {
	return (&Call[A, R]{Args: args, values: newWriteOptions(options).values, pipe: p}).Next(ctx)
}

// newPipe makes the pipe of a method of c.
func newPipe[A, R any, T any, ID ~string, I, P any](
	c *Collection[T, ID, I, P], kind Method,
	own func(*Middleware[T, ID, I, P]) func(context.Context, *Call[A, R]) (R, error),
	method func(context.Context, *Call[A, R]) (R, error),
) *pipe[A, R] {
	p := &pipe[A, R]{resource: c.model.Resource, kind: kind, method: method}
	for _, m := range c.db.middleware.all() {
		p.steps = append(p.steps, func(ctx context.Context, call *Call[A, R]) (r R, err error) {
			result, err := m.value(ctx, call, func(ctx context.Context) (any, error) { return call.Next(ctx) })
			if result == nil {
				return r, err
			}
			r, ok := result.(R)
			if !ok {
				err = configError("middleware of %s returned a %T, not a %T", kind, result, r)
			}
			return r, err
		})
	}
	for _, m := range c.middleware.all() {
		if f := own(&m.value); f != nil {
			p.steps = append(p.steps, f)
		}
	}
	return p
}

// pipes are the pipes of all methods, made from the middleware of one moment.
type pipes[T any, ID ~string, I, P any] struct {
	wide *[]registration[AnyMiddleware]
	own  *[]registration[Middleware[T, ID, I, P]]

	get     *pipe[GetArgs[ID], *T]
	getMany *pipe[ManyArgs[ID], []*T]
	exists  *pipe[GetArgs[ID], bool]
	insert  *pipe[InsertArgs[I], *T]
	update  *pipe[UpdateArgs[T, ID, P], *T]
	replace *pipe[PutArgs[ID, I], *T]
	upsert  *pipe[PutArgs[ID, I], *T]
	delete  *pipe[DeleteArgs[ID], struct{}]

	deleteMany    *pipe[ManyArgs[ID], struct{}]
	setContent    *pipe[SetContentArgs[ID], *T]
	content       *pipe[ContentArgs[ID], *ContentReader]
	hasContent    *pipe[GetArgs[ID], bool]
	deleteContent *pipe[DeleteArgs[ID], *T]
}

// piped keeps the pipes until the middleware changes.
type piped[T any, ID ~string, I, P any] struct {
	current atomic.Pointer[pipes[T, ID, I, P]]
}

// pipes returns nil when there is no middleware, which costs next to nothing.
func (c *Collection[T, ID, I, P]) pipes() *pipes[T, ID, I, P] {
	wide, own := c.db.middleware.list.Load(), c.middleware.list.Load()
	if wide == nil && own == nil {
		return nil
	}
	if p := c.piped.current.Load(); p != nil && p.wide == wide && p.own == own {
		return p
	}
	p := c.newPipes()
	p.wide, p.own = wide, own
	c.piped.current.Store(p)
	return p
}

func (c *Collection[T, ID, I, P]) newPipes() *pipes[T, ID, I, P] {
	type middleware = Middleware[T, ID, I, P]
	p := &pipes[T, ID, I, P]{
		get: newPipe(c, MethodGet,
			func(m *middleware) func(context.Context, *GetCall[T, ID]) (*T, error) { return m.Get },
			func(ctx context.Context, call *GetCall[T, ID]) (*T, error) { return c.get(ctx, call.Args.ID) }),
		getMany: newPipe(c, MethodGetMany,
			func(m *middleware) func(context.Context, *GetManyCall[T, ID]) ([]*T, error) { return m.GetMany },
			func(ctx context.Context, call *GetManyCall[T, ID]) ([]*T, error) {
				return c.getMany(ctx, call.Args.IDs)
			}),
		exists: newPipe(c, MethodExists,
			func(m *middleware) func(context.Context, *ExistsCall[ID]) (bool, error) { return m.Exists },
			func(ctx context.Context, call *ExistsCall[ID]) (bool, error) { return c.exists(ctx, call.Args.ID) }),
		insert: newPipe(c, MethodInsert,
			func(m *middleware) func(context.Context, *InsertCall[T, I]) (*T, error) { return m.Insert },
			func(ctx context.Context, call *InsertCall[T, I]) (*T, error) { return c.insert(ctx, &call.Args) }),
		update: newPipe(c, MethodUpdate,
			func(m *middleware) func(context.Context, *UpdateCall[T, ID, P]) (*T, error) { return m.Update },
			func(ctx context.Context, call *UpdateCall[T, ID, P]) (*T, error) { return c.update(ctx, &call.Args) }),
		replace: newPipe(c, MethodReplace,
			func(m *middleware) func(context.Context, *PutCall[T, ID, I]) (*T, error) { return m.Replace },
			func(ctx context.Context, call *PutCall[T, ID, I]) (*T, error) { return c.replace(ctx, &call.Args) }),
		upsert: newPipe(c, MethodUpsert,
			func(m *middleware) func(context.Context, *PutCall[T, ID, I]) (*T, error) { return m.Upsert },
			func(ctx context.Context, call *PutCall[T, ID, I]) (*T, error) { return c.upsert(ctx, &call.Args) }),
		delete: newPipe(c, MethodDelete,
			func(m *middleware) func(context.Context, *DeleteCall[ID]) (struct{}, error) { return m.Delete },
			func(ctx context.Context, call *DeleteCall[ID]) (struct{}, error) {
				return struct{}{}, c.delete(ctx, &call.Args)
			}),
		deleteMany: newPipe(c, MethodDeleteMany,
			func(m *middleware) func(context.Context, *DeleteManyCall[ID]) (struct{}, error) { return m.DeleteMany },
			func(ctx context.Context, call *DeleteManyCall[ID]) (struct{}, error) {
				return struct{}{}, c.deleteMany(ctx, call.Args.IDs)
			}),
		setContent: newPipe(c, MethodSetContent,
			func(m *middleware) func(context.Context, *SetContentCall[T, ID]) (*T, error) { return m.SetContent },
			func(ctx context.Context, call *SetContentCall[T, ID]) (*T, error) {
				return c.setContent(ctx, &call.Args)
			}),
		content: newPipe(c, MethodContent,
			func(m *middleware) func(context.Context, *ContentCall[ID]) (*ContentReader, error) { return m.Content },
			func(ctx context.Context, call *ContentCall[ID]) (*ContentReader, error) {
				return c.content(ctx, call.Args)
			}),
		hasContent: newPipe(c, MethodHasContent,
			func(m *middleware) func(context.Context, *ExistsCall[ID]) (bool, error) { return m.HasContent },
			func(ctx context.Context, call *ExistsCall[ID]) (bool, error) { return c.hasContent(ctx, call.Args.ID) }),
		deleteContent: newPipe(c, MethodDeleteContent,
			func(m *middleware) func(context.Context, *DeleteContentCall[T, ID]) (*T, error) {
				return m.DeleteContent
			},
			func(ctx context.Context, call *DeleteContentCall[T, ID]) (*T, error) {
				return c.deleteContent(ctx, &call.Args)
			}),
	}
	p.insert.subject = func(args *InsertArgs[I]) string { return string(c.model.InsertID(&args.Input)) }
	return p
}
