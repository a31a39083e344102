package s3db

import (
	"context"
	"errors"
	"fmt"
)

// Hooks are functions of a program that run around the operations on a resource,
// inside the collection, so that no method goes around them. Generated packages
// name them for each resource, as in shop.UserHooks. Fields that are nil do
// nothing.
//
// Hooks run in the order of their registration. An error of a Before hook ends
// the operation before anything is written; it is returned inside a [*HookError].
// An After hook runs when the write is durable, and cannot undo it: after its
// error the remaining hooks run all the same, and the operation returns the
// document together with the error, whose Durable is true.
//
// Hooks of writes see documents, whatever the method was: an upsert runs the hooks
// of an insert or those of an update, a replace those of an update, and bulk
// methods run them for each document. A Before hook may change the document that
// it is given; validation comes after it. It runs again when another writer was
// faster and the write is applied to the newer document, so it should have no
// other effect.
type Hooks[T any, ID ~string] struct {
	BeforeInsert func(ctx context.Context, d *T) error // defaults are filled in, the id is set
	AfterInsert  func(ctx context.Context, d *T) error
	// BeforeUpdate gets the document as it is stored, which it must not change, and
	// as it is about to be. Changes of immutable attributes have no effect.
	BeforeUpdate func(ctx context.Context, old, d *T) error
	AfterUpdate  func(ctx context.Context, old, d *T) error
	BeforeDelete func(ctx context.Context, d *T) error
	AfterDelete  func(ctx context.Context, d *T) error

	BeforeGet    func(ctx context.Context, id ID) error
	AfterGet     func(ctx context.Context, d *T) error
	BeforeExists func(ctx context.Context, id ID) error
	AfterExists  func(ctx context.Context, id ID, exists bool) error

	// BeforeList and AfterList are around all that reads the documents or the ids of
	// a query; n is how many there were, unless the reading was given up. With
	// predicates it is a query, and BeforeQuery and AfterQuery are called instead.
	BeforeList  func(ctx context.Context, q Query[T, ID]) error
	AfterList   func(ctx context.Context, n int) error
	BeforeQuery func(ctx context.Context, q Query[T, ID]) error
	AfterQuery  func(ctx context.Context, n int) error
	BeforeCount func(ctx context.Context, q Query[T, ID]) error
	AfterCount  func(ctx context.Context, n int) error
}

// The hooks as interfaces of one method each, for objects that [Collection.HookObject]
// takes. To have the compiler check that a type is one:
//
//	var _ s3db.BeforeInserter[shop.User] = auditor{}
type (
	// BeforeInserter is Hooks.BeforeInsert as a method.
	BeforeInserter[T any] interface {
		BeforeInsert(ctx context.Context, d *T) error
	}
	// AfterInserter is Hooks.AfterInsert as a method.
	AfterInserter[T any] interface {
		AfterInsert(ctx context.Context, d *T) error
	}
	// BeforeUpdater is Hooks.BeforeUpdate as a method.
	BeforeUpdater[T any] interface {
		BeforeUpdate(ctx context.Context, old, d *T) error
	}
	// AfterUpdater is Hooks.AfterUpdate as a method.
	AfterUpdater[T any] interface {
		AfterUpdate(ctx context.Context, old, d *T) error
	}
	// BeforeDeleter is Hooks.BeforeDelete as a method.
	BeforeDeleter[T any] interface {
		BeforeDelete(ctx context.Context, d *T) error
	}
	// AfterDeleter is Hooks.AfterDelete as a method.
	AfterDeleter[T any] interface {
		AfterDelete(ctx context.Context, d *T) error
	}
	// BeforeGetter is Hooks.BeforeGet as a method.
	BeforeGetter[ID ~string] interface {
		BeforeGet(ctx context.Context, id ID) error
	}
	// AfterGetter is Hooks.AfterGet as a method.
	AfterGetter[T any] interface {
		AfterGet(ctx context.Context, d *T) error
	}
	// BeforeExister is Hooks.BeforeExists as a method.
	BeforeExister[ID ~string] interface {
		BeforeExists(ctx context.Context, id ID) error
	}
	// AfterExister is Hooks.AfterExists as a method.
	AfterExister[ID ~string] interface {
		AfterExists(ctx context.Context, id ID, exists bool) error
	}
	// BeforeLister is Hooks.BeforeList as a method.
	BeforeLister[T any, ID ~string] interface {
		BeforeList(ctx context.Context, q Query[T, ID]) error
	}
	// AfterLister is Hooks.AfterList as a method.
	AfterLister interface {
		AfterList(ctx context.Context, n int) error
	}
	// BeforeQuerier is Hooks.BeforeQuery as a method.
	BeforeQuerier[T any, ID ~string] interface {
		BeforeQuery(ctx context.Context, q Query[T, ID]) error
	}
	// AfterQuerier is Hooks.AfterQuery as a method.
	AfterQuerier interface {
		AfterQuery(ctx context.Context, n int) error
	}
	// BeforeCounter is Hooks.BeforeCount as a method.
	BeforeCounter[T any, ID ~string] interface {
		BeforeCount(ctx context.Context, q Query[T, ID]) error
	}
	// AfterCounter is Hooks.AfterCount as a method.
	AfterCounter interface {
		AfterCount(ctx context.Context, n int) error
	}
)

// Hook registers hooks, also while operations run. The returned function removes
// them; operations that have begun may still call them.
func (c *Collection[T, ID, I, P]) Hook(h Hooks[T, ID]) (remove func()) {
	return c.engine.hooks.add(hookSet{
		beforeInsert: ofDocument(h.BeforeInsert), afterInsert: ofDocument(h.AfterInsert),
		beforeUpdate: ofChange(h.BeforeUpdate), afterUpdate: ofChange(h.AfterUpdate),
		beforeDelete: ofDocument(h.BeforeDelete), afterDelete: ofDocument(h.AfterDelete),
		beforeGet: ofID(h.BeforeGet), afterGet: ofDocument(h.AfterGet),
		beforeExists: ofID(h.BeforeExists), afterExists: ofAnswer(h.AfterExists),
		beforeList: c.ofQuery(h.BeforeList), afterList: h.AfterList,
		beforeQuery: c.ofQuery(h.BeforeQuery), afterQuery: h.AfterQuery,
		beforeCount: c.ofQuery(h.BeforeCount), afterCount: h.AfterCount,
	})
}

func (c *Collection[T, ID, I, P]) ofQuery(f func(context.Context, Query[T, ID]) error) func(context.Context, *querySpec) error {
	if f == nil {
		return nil
	}
	return func(ctx context.Context, s *querySpec) error { return f(ctx, Query[T, ID]{run: c, spec: s}) }
}

// hookSet are Hooks with their types forgotten.
type hookSet struct {
	beforeInsert, afterInsert, beforeDelete, afterDelete, afterGet func(context.Context, document) error

	beforeUpdate, afterUpdate func(ctx context.Context, old, d document) error
	beforeGet, beforeExists   func(ctx context.Context, id string) error
	afterExists               func(ctx context.Context, id string, exists bool) error

	beforeList, beforeQuery, beforeCount func(context.Context, *querySpec) error
	afterList, afterQuery, afterCount    func(ctx context.Context, n int) error
}

func ofDocument[T any](f func(context.Context, *T) error) func(context.Context, document) error {
	if f == nil {
		return nil
	}
	return func(ctx context.Context, d document) error { return f(ctx, of[T](d)) }
}

func ofChange[T any](f func(ctx context.Context, old, d *T) error) func(ctx context.Context, old, d document) error {
	if f == nil {
		return nil
	}
	return func(ctx context.Context, old, d document) error { return f(ctx, of[T](old), of[T](d)) }
}

func ofID[ID ~string](f func(context.Context, ID) error) func(context.Context, string) error {
	if f == nil {
		return nil
	}
	return func(ctx context.Context, id string) error { return f(ctx, ID(id)) }
}

func ofAnswer[ID ~string](f func(context.Context, ID, bool) error) func(context.Context, string, bool) error {
	if f == nil {
		return nil
	}
	return func(ctx context.Context, id string, yes bool) error { return f(ctx, ID(id), yes) }
}

// HookObject registers the hooks that an object has as methods, see
// [BeforeInserter] and the interfaces beside it. An object with none of them is an
// error that matches ErrConfig.
func (c *Collection[T, ID, I, P]) HookObject(object any) (remove func(), err error) {
	var h Hooks[T, ID]
	found := 0
	take := func(ok bool) bool {
		if ok {
			found++
		}
		return ok
	}
	if x, ok := object.(BeforeInserter[T]); take(ok) {
		h.BeforeInsert = x.BeforeInsert
	}
	if x, ok := object.(AfterInserter[T]); take(ok) {
		h.AfterInsert = x.AfterInsert
	}
	if x, ok := object.(BeforeUpdater[T]); take(ok) {
		h.BeforeUpdate = x.BeforeUpdate
	}
	if x, ok := object.(AfterUpdater[T]); take(ok) {
		h.AfterUpdate = x.AfterUpdate
	}
	if x, ok := object.(BeforeDeleter[T]); take(ok) {
		h.BeforeDelete = x.BeforeDelete
	}
	if x, ok := object.(AfterDeleter[T]); take(ok) {
		h.AfterDelete = x.AfterDelete
	}
	if x, ok := object.(BeforeGetter[ID]); take(ok) {
		h.BeforeGet = x.BeforeGet
	}
	if x, ok := object.(AfterGetter[T]); take(ok) {
		h.AfterGet = x.AfterGet
	}
	if x, ok := object.(BeforeExister[ID]); take(ok) {
		h.BeforeExists = x.BeforeExists
	}
	if x, ok := object.(AfterExister[ID]); take(ok) {
		h.AfterExists = x.AfterExists
	}
	if x, ok := object.(BeforeLister[T, ID]); take(ok) {
		h.BeforeList = x.BeforeList
	}
	if x, ok := object.(AfterLister); take(ok) {
		h.AfterList = x.AfterList
	}
	if x, ok := object.(BeforeQuerier[T, ID]); take(ok) {
		h.BeforeQuery = x.BeforeQuery
	}
	if x, ok := object.(AfterQuerier); take(ok) {
		h.AfterQuery = x.AfterQuery
	}
	if x, ok := object.(BeforeCounter[T, ID]); take(ok) {
		h.BeforeCount = x.BeforeCount
	}
	if x, ok := object.(AfterCounter); take(ok) {
		h.AfterCount = x.AfterCount
	}
	if found == 0 {
		return nil, c.engine.fail("hook", "", configError("%T has no method of a hook for %s, such as BeforeInsert(context.Context, %T) error",
			object, c.Name(), (*T)(nil)))
	}
	return c.Hook(h), nil
}

// HookError is the error of a hook.
type HookError struct {
	Hook    string // name of the field of Hooks, such as "AfterInsert"
	Durable bool   // the write was committed before the hook ran
	Err     error  // what the hook returned
}

// Error implements error.
func (e *HookError) Error() string {
	if e.Durable {
		return fmt.Sprintf("the write is durable, but hook %s failed: %v", e.Hook, e.Err)
	}
	return fmt.Sprintf("hook %s: %v", e.Hook, e.Err)
}

// Unwrap returns the error of the hook.
func (e *HookError) Unwrap() error { return e.Err }

// before runs one kind of hook until the first error.
func (c *engine) before(hook string, run func(*hookSet) error) error {
	for _, h := range c.hooks.all() {
		if err := run(&h.value); err != nil {
			return &HookError{Hook: hook, Err: err}
		}
	}
	return nil
}

// after runs one kind of hook of an operation that has succeeded, and all of
// them whatever they return.
func (c *engine) after(hook string, durable bool, run func(*hookSet) error) error {
	var errs []error
	for _, h := range c.hooks.all() {
		if err := run(&h.value); err != nil {
			errs = append(errs, &HookError{Hook: hook, Durable: durable, Err: err})
		}
	}
	return errors.Join(errs...)
}

// with1 and with2 call a hook that may be nil.
func with1[A any](ctx context.Context, hook func(context.Context, A) error, a A) error {
	if hook == nil {
		return nil
	}
	return hook(ctx, a)
}

func with2[A, B any](ctx context.Context, hook func(context.Context, A, B) error, a A, b B) error {
	if hook == nil {
		return nil
	}
	return hook(ctx, a, b)
}

func (c *engine) beforeInsert(ctx context.Context, d document) error {
	return c.before("BeforeInsert", func(h *hookSet) error { return with1(ctx, h.beforeInsert, d) })
}

// beforeUpdate undoes what hooks do to immutable attributes.
func (c *engine) beforeUpdate(ctx context.Context, old, d document) error {
	if c.hooks.empty() {
		return nil
	}
	err := c.before("BeforeUpdate", func(h *hookSet) error { return with2(ctx, h.beforeUpdate, old, d) })
	if err == nil && c.model.Keep != nil {
		c.model.Keep(old, d)
	}
	return err
}

func (c *engine) beforeDelete(ctx context.Context, d document) error {
	return c.before("BeforeDelete", func(h *hookSet) error { return with1(ctx, h.beforeDelete, d) })
}

// afterWrite runs the hooks of a committed write.
func (c *engine) afterWrite(ctx context.Context, a *attempt) error {
	const durable = true
	switch {
	case a.doc == nil:
		return c.after("AfterDelete", durable, func(h *hookSet) error { return with1(ctx, h.afterDelete, a.old) })
	case a.base.live():
		return c.after("AfterUpdate", durable, func(h *hookSet) error { return with2(ctx, h.afterUpdate, a.old, a.doc) })
	default:
		return c.after("AfterInsert", durable, func(h *hookSet) error { return with1(ctx, h.afterInsert, a.doc) })
	}
}

func (c *engine) beforeGet(ctx context.Context, id string) error {
	return c.before("BeforeGet", func(h *hookSet) error { return with1(ctx, h.beforeGet, id) })
}

func (c *engine) afterGet(ctx context.Context, d document) error {
	return c.after("AfterGet", false, func(h *hookSet) error { return with1(ctx, h.afterGet, d) })
}

func (c *engine) beforeExists(ctx context.Context, id string) error {
	return c.before("BeforeExists", func(h *hookSet) error { return with1(ctx, h.beforeExists, id) })
}

func (c *engine) afterExists(ctx context.Context, id string, exists bool) error {
	if c.hooks.empty() {
		return nil
	}
	return c.after("AfterExists", false, func(h *hookSet) error {
		if h.afterExists == nil {
			return nil
		}
		return h.afterExists(ctx, id, exists)
	})
}

// list is stream with its hooks. all says that the caller takes all documents.
func (c *engine) list(ctx context.Context, m Method, s *querySpec, all bool, options []StreamOption, yield func(document, error) bool) {
	c.hooked(ctx, m.String(), s, func(err error) { yield(nil, err) }, func() (n int, whole bool) {
		whole = true
		c.streamed(ctx, m, s, all, options, func(d document, err error) bool {
			if err == nil {
				n++
			}
			whole = yield(d, err)
			return whole
		})
		return n, whole
	})
}

// ids is streamIDs with its hooks.
func (c *engine) ids(ctx context.Context, s *querySpec, yield func(string, error) bool) {
	const op = "listIds"
	c.hooked(ctx, op, s, func(err error) { yield("", err) }, func() (n int, whole bool) {
		whole = true
		c.streamedIDs(ctx, op, s, func(id string, err error) bool {
			if err == nil {
				n++
			}
			whole = yield(id, err)
			return whole
		})
		return n, whole
	})
}

// onePage is page with its hooks.
func (c *engine) onePage(ctx context.Context, s *querySpec, size int, options []PageOption) (p *pageOf, err error) {
	c.hooked(ctx, "page", s, func(failed error) { p, err = nil, failed }, func() (int, bool) {
		if p, err = c.paged(ctx, s, size, options); err != nil {
			return 0, false
		}
		return len(p.items), true
	})
	return p, err
}

// hooked runs hooks around the reading of a query. read returns how many
// documents there were, and whether it came to the end.
func (c *engine) hooked(ctx context.Context, op string, s *querySpec, fail func(error), read func() (n int, whole bool)) {
	if c.hooks.empty() {
		read()
		return
	}
	before, after := "BeforeList", "AfterList"
	if len(s.where) > 0 {
		before, after = "BeforeQuery", "AfterQuery"
	}
	err := c.before(before, func(h *hookSet) error {
		if len(s.where) > 0 {
			return with1(ctx, h.beforeQuery, s)
		}
		return with1(ctx, h.beforeList, s)
	})
	if err != nil {
		fail(c.fail(op, "", err))
		return
	}
	n, whole := read()
	if !whole {
		return
	}
	err = c.after(after, false, func(h *hookSet) error {
		if len(s.where) > 0 {
			return with1(ctx, h.afterQuery, n)
		}
		return with1(ctx, h.afterList, n)
	})
	if err != nil {
		fail(c.fail(op, "", err))
	}
}

// number is count with its hooks.
func (c *engine) number(ctx context.Context, s *querySpec) (int, error) {
	const op = "count"
	if err := c.before("BeforeCount", func(h *hookSet) error { return with1(ctx, h.beforeCount, s) }); err != nil {
		return 0, c.fail(op, "", err)
	}
	n, err := c.counted(ctx, s)
	if err != nil {
		return 0, err
	}
	if err := c.after("AfterCount", false, func(h *hookSet) error { return with1(ctx, h.afterCount, n) }); err != nil {
		return 0, c.fail(op, "", err)
	}
	return n, nil
}
