package s3db_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

type (
	doc        = clienttest.Account
	docID      = clienttest.AccountID
	hooks      = s3db.Hooks[doc, docID]
	middleware = s3db.Middleware[doc, docID, clienttest.AccountInsert, clienttest.AccountPatch]
	event      = s3db.Event[doc, docID]
)

// openAccounts opens accounts with one partition and one unique constraint in a
// fresh store.
func openAccounts(t *testing.T, options ...s3db.Option) (*clienttest.Accounts, *memstore.Store) {
	t.Helper()
	store := memstore.New()
	c, err := clienttest.Open(t.Context(), store, 1, 1, options...)
	if err != nil {
		t.Fatal(err)
	}
	return c, store
}

func must[R any](r R, err error) func(*testing.T) R {
	return func(t *testing.T) R {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
}

// TestOrder is the order of everything that surrounds an operation: middleware of
// the database, middleware of the resource, hooks, the write, hooks, events, and
// the way back.
func TestOrder(t *testing.T) {
	var trace []string
	note := func(format string, args ...any) { trace = append(trace, fmt.Sprintf(format, args...)) }
	c, store := openAccounts(t, s3db.WithRequestObserver(func(r s3db.Request) {
		if strings.Contains(r.Key, "/data/") {
			note("  %s document", r.Kind)
		}
	}))
	c.Database().Use(func(ctx context.Context, call s3db.AnyCall, next func(context.Context) (any, error)) (any, error) {
		note("database %s %s/%s", call.Method(), call.Resource(), call.ID())
		defer note("database back")
		return next(ctx)
	})
	for _, n := range []string{"first", "second"} {
		c.Use(middleware{
			Insert: func(ctx context.Context, call *s3db.InsertCall[doc, clienttest.AccountInsert]) (*doc, error) {
				note("%s middleware", n)
				defer note("%s middleware back", n)
				return call.Next(ctx)
			},
		})
		c.Hook(hooks{
			BeforeInsert: func(_ context.Context, d *doc) error { note(" %s before %s", n, d.ID); return nil },
			AfterInsert:  func(_ context.Context, d *doc) error { note(" %s after %s", n, d.ID); return nil },
		})
	}
	c.Subscribe(func(_ context.Context, e event) { note(" event %s %s", e.Kind, e.ID) })
	must(c.Insert(t.Context(), clienttest.AccountInsert{ID: "ada", Name: "Ada"}))(t)
	want := []string{
		"database insert accounts/ada",
		"first middleware",
		"second middleware",
		" first before ada",
		" second before ada",
		"  put document",
		" event insert ada",
		" first after ada",
		" second after ada",
		"second middleware back",
		"first middleware back",
		"database back",
	}
	if diff := cmp.Diff(want, trace); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_ = store
}

// TestHooksSeeEveryWrite runs each writing method and wants the hooks and the
// events of what it does to the document.
func TestHooksSeeEveryWrite(t *testing.T) {
	c, _ := openAccounts(t)
	var trace []string
	note := func(format string, args ...any) { trace = append(trace, fmt.Sprintf(format, args...)) }
	c.Hook(hooks{
		BeforeInsert: func(_ context.Context, d *doc) error { note("before insert %s", d.Name); return nil },
		AfterInsert:  func(_ context.Context, d *doc) error { note("after insert %s", d.Name); return nil },
		BeforeUpdate: func(_ context.Context, old, d *doc) error {
			note("before update %s→%s", old.Name, d.Name)
			return nil
		},
		AfterUpdate: func(_ context.Context, old, d *doc) error {
			note("after update %s→%s", old.Name, d.Name)
			return nil
		},
		BeforeDelete: func(_ context.Context, d *doc) error { note("before delete %s", d.Name); return nil },
		AfterDelete:  func(_ context.Context, d *doc) error { note("after delete %s", d.Name); return nil },
	})
	c.Subscribe(func(_ context.Context, e event) {
		name := func(d *doc) string {
			if d == nil {
				return "-"
			}
			return d.Name
		}
		note("event %s by %s %s→%s", e.Kind, e.Operation, name(e.Before), name(e.Document))
	})
	ctx := t.Context()
	in := func(name string) clienttest.AccountInsert { return clienttest.AccountInsert{ID: "x", Name: name} }
	patch := func(name string) clienttest.AccountPatch { return clienttest.AccountPatch{Name: s3db.Set(name)} }
	held := must(c.Insert(ctx, in("a")))(t)
	held = must(c.UpdateFrom(ctx, held, patch("b")))(t)
	must(c.Update(ctx, "x", patch("c")))(t)
	must(c.UpdateFunc(ctx, "x", func(*doc) (clienttest.AccountPatch, error) { return patch("d"), nil }))(t)
	must(c.Replace(ctx, "x", in("e")))(t)
	must(c.Upsert(ctx, "x", in("f")))(t)
	if err := c.Delete(ctx, "x"); err != nil {
		t.Fatal(err)
	}
	must(c.Upsert(ctx, "x", in("g")))(t)
	want := []string{
		"before insert a", "event insert by insert -→a", "after insert a",
		"before update a→b", "event update by update a→b", "after update a→b",
		"before update b→c", "event update by update b→c", "after update b→c",
		"before update c→d", "event update by update c→d", "after update c→d",
		"before update d→e", "event update by replace d→e", "after update d→e",
		"before update e→f", "event update by upsert e→f", "after update e→f",
		"before delete f", "event delete by delete f→-", "after delete f",
		"before insert g", "event insert by upsert -→g", "after insert g",
	}
	if diff := cmp.Diff(want, trace); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if held.Name != "b" {
		t.Errorf("the result of UpdateFrom is %q", held.Name)
	}
}

// TestHooksChangeDocuments: what a Before hook sets is validated, indexed and
// stored.
func TestHooksChangeDocuments(t *testing.T) {
	c, _ := openAccounts(t)
	c.Hook(hooks{
		BeforeInsert: func(_ context.Context, d *doc) error { d.Country = new("BR"); d.Name += "!"; return nil },
		BeforeUpdate: func(_ context.Context, old, d *doc) error { d.Count = old.Count + 1; return nil },
	})
	must(c.Insert(t.Context(), clienttest.AccountInsert{ID: "x", Name: "a"}))(t)
	must(c.Update(t.Context(), "x", clienttest.AccountPatch{Count: s3db.Set[int64](100)}))(t)
	d := must(c.Get(t.Context(), "x"))(t)
	if d.Name != "a!" || *d.Country != "BR" || d.Count != 1 {
		t.Errorf("stored %q %v %d", d.Name, *d.Country, d.Count)
	}
	report := must(c.Database().Fsck(t.Context(), s3db.FsckOptions{Exclusive: true}))(t)
	if report.Entries != 1 || !report.Clean() {
		t.Errorf("entries of what the hook set: %+v", report)
	}
	remove := c.Hook(hooks{BeforeUpdate: func(_ context.Context, _, d *doc) error { d.Name = ""; return nil }})
	if _, err := c.Update(t.Context(), "x", clienttest.AccountPatch{}); !errors.Is(err, s3db.ErrValidation) {
		t.Errorf("a hook that breaks a rule: %v", err)
	}
	remove()
	remove()
	must(c.Update(t.Context(), "x", clienttest.AccountPatch{}))(t)
}

// TestBeforeHookAborts: nothing is written, and the error says which hook it was.
func TestBeforeHookAborts(t *testing.T) {
	c, store := openAccounts(t)
	must(c.Insert(t.Context(), clienttest.AccountInsert{ID: "x", Name: "a"}))(t)
	no := errors.New("not today")
	ran := 0
	refuse := func(context.Context, *doc) error { return no }
	c.Hook(hooks{
		BeforeInsert: refuse, BeforeDelete: refuse,
		BeforeUpdate: func(context.Context, *doc, *doc) error { return no },
		BeforeGet:    func(context.Context, docID) error { return no },
		BeforeExists: func(context.Context, docID) error { return no },
	})
	c.Hook(hooks{BeforeInsert: func(context.Context, *doc) error { ran++; return nil }})
	ctx := t.Context()
	for _, test := range []struct {
		want string
		run  func() error
	}{
		{"s3db: insert accounts/y: hook BeforeInsert: not today", func() error {
			_, err := c.Insert(ctx, clienttest.AccountInsert{ID: "y", Name: "a"})
			return err
		}},
		{"s3db: update accounts/x: hook BeforeUpdate: not today", func() error {
			_, err := c.Update(ctx, "x", clienttest.AccountPatch{})
			return err
		}},
		{"s3db: upsert accounts/x: hook BeforeUpdate: not today", func() error {
			_, err := c.Upsert(ctx, "x", clienttest.AccountInsert{Name: "b"})
			return err
		}},
		{"s3db: delete accounts/x: hook BeforeDelete: not today", func() error { return c.Delete(ctx, "x") }},
		{"s3db: get accounts/x: hook BeforeGet: not today", func() error { _, err := c.Get(ctx, "x"); return err }},
		{"s3db: exists accounts/x: hook BeforeExists: not today", func() error { _, err := c.Exists(ctx, "x"); return err }},
	} {
		before := store.Counts()
		err := test.run()
		after := store.Counts().Sub(before)
		var hook *s3db.HookError
		if err == nil || err.Error() != test.want || !errors.Is(err, no) || !errors.As(err, &hook) || hook.Durable {
			t.Errorf("got %v, want %s", err, test.want)
		}
		if after.Put+after.Delete+after.DeleteMany > 0 {
			t.Errorf("%s: wrote %+v", test.want, after)
		}
	}
	if ran > 0 {
		t.Error("a hook ran after one that failed")
	}
}

// TestAfterHookFails: the write is durable, the document comes with the error, and
// the other hooks run.
func TestAfterHookFails(t *testing.T) {
	c, _ := openAccounts(t)
	broken := fmt.Errorf("mail server: %w", s3db.ErrAlreadyExists) // an error that an insert would act on
	ran := 0
	c.Hook(hooks{AfterInsert: func(context.Context, *doc) error { return broken }})
	c.Hook(hooks{AfterInsert: func(context.Context, *doc) error { ran++; return nil }})
	d, err := c.Insert(t.Context(), clienttest.AccountInsert{Name: "a", Email: new("a@x.io")})
	var hook *s3db.HookError
	if !errors.Is(err, broken) || !errors.As(err, &hook) || !hook.Durable || hook.Hook != "AfterInsert" || d == nil || ran != 1 {
		t.Fatalf("insert: %v, %v, %d other hooks", d, err, ran)
	}
	if want := "the write is durable, but hook AfterInsert failed: mail server"; !strings.Contains(err.Error(), want) {
		t.Errorf("the error %q does not say %q", err, want)
	}
	if stored := must(c.Get(t.Context(), d.ID))(t); stored.Name != "a" {
		t.Errorf("stored %+v", stored)
	}
	// The claim is the document's and was not given back.
	if _, err := c.Insert(t.Context(), clienttest.AccountInsert{Name: "b", Email: new("a@x.io")}); !errors.Is(err, s3db.ErrUnique) {
		t.Errorf("the same email again: %v", err)
	}
}

// TestHookReachesItsResource: a hook knows the resource's name and version, and
// calls its methods.
func TestHookReachesItsResource(t *testing.T) {
	c, _ := openAccounts(t)
	must(c.Insert(t.Context(), clienttest.AccountInsert{ID: "boss", Name: "b"}))(t)
	c.Hook(hooks{BeforeInsert: func(ctx context.Context, d *doc) error {
		ok, err := c.Exists(ctx, "boss")
		if err == nil && !ok {
			err = errors.New("there is no boss")
		}
		d.Bio = new(fmt.Sprintf("%s version %d", c.Name(), c.Version()))
		return err
	}})
	d := must(c.Insert(t.Context(), clienttest.AccountInsert{Name: "a"}))(t)
	if *d.Bio != "accounts version 0" {
		t.Errorf("the hook saw %q", *d.Bio)
	}
	if err := c.Delete(t.Context(), "boss"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Insert(t.Context(), clienttest.AccountInsert{Name: "a"}); err == nil || !strings.Contains(err.Error(), "there is no boss") {
		t.Errorf("without a boss: %v", err)
	}
}

// everyHook has all hooks as methods.
type everyHook struct{ calls map[string]int }

func (h everyHook) BeforeInsert(context.Context, *doc) error { h.calls["BeforeInsert"]++; return nil }
func (h everyHook) AfterInsert(context.Context, *doc) error  { h.calls["AfterInsert"]++; return nil }
func (h everyHook) BeforeUpdate(context.Context, *doc, *doc) error {
	h.calls["BeforeUpdate"]++
	return nil
}
func (h everyHook) AfterUpdate(context.Context, *doc, *doc) error {
	h.calls["AfterUpdate"]++
	return nil
}
func (h everyHook) BeforeDelete(context.Context, *doc) error  { h.calls["BeforeDelete"]++; return nil }
func (h everyHook) AfterDelete(context.Context, *doc) error   { h.calls["AfterDelete"]++; return nil }
func (h everyHook) BeforeGet(context.Context, docID) error    { h.calls["BeforeGet"]++; return nil }
func (h everyHook) AfterGet(context.Context, *doc) error      { h.calls["AfterGet"]++; return nil }
func (h everyHook) BeforeExists(context.Context, docID) error { h.calls["BeforeExists"]++; return nil }
func (h everyHook) BeforeList(context.Context, s3db.Query[doc, docID]) error {
	h.calls["BeforeList"]++
	return nil
}
func (h everyHook) AfterList(_ context.Context, n int) error { h.calls["AfterList"] += n; return nil }
func (h everyHook) BeforeQuery(context.Context, s3db.Query[doc, docID]) error {
	h.calls["BeforeQuery"]++
	return nil
}
func (h everyHook) AfterQuery(_ context.Context, n int) error { h.calls["AfterQuery"] += n; return nil }
func (h everyHook) BeforeCount(context.Context, s3db.Query[doc, docID]) error {
	h.calls["BeforeCount"]++
	return nil
}
func (h everyHook) AfterCount(_ context.Context, n int) error { h.calls["AfterCount"] += n; return nil }
func (h everyHook) AfterExists(context.Context, docID, bool) error {
	h.calls["AfterExists"]++
	return nil
}

// TestHookObject: every field of Hooks has an interface, and an object that has
// none of them is refused.
func TestHookObject(t *testing.T) {
	c, _ := openAccounts(t)
	h := everyHook{calls: map[string]int{}}
	if _, err := c.HookObject(h); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	must(c.Insert(ctx, clienttest.AccountInsert{ID: "x", Name: "a"}))(t)
	must(c.Update(ctx, "x", clienttest.AccountPatch{}))(t)
	must(c.Get(ctx, "x"))(t)
	must(c.Exists(ctx, "x"))(t)
	must(c.Query().List(ctx))(t)
	must(c.Query().Where(named("a")).List(ctx))(t)
	must(c.Query().Count(ctx))(t)
	if err := c.Delete(ctx, "x"); err != nil {
		t.Fatal(err)
	}
	fields := reflect.TypeFor[hooks]()
	for field := range fields.Fields() {
		if name := field.Name; h.calls[name] != 1 {
			t.Errorf("%s as a method ran %d times", name, h.calls[name])
		}
	}
	if _, err := c.HookObject(struct{}{}); !errors.Is(err, s3db.ErrConfig) || !strings.Contains(err.Error(), "struct {} has no method of a hook for accounts") {
		t.Errorf("an object without hooks: %v", err)
	}
}

// named is the predicate of accounts with a name.
func named(name string) s3db.Predicate[*doc] {
	return s3db.StringAt(s3db.DocumentOf[*doc](), "name", func(d *doc) *string { return &d.Name }).Eq(name)
}

// TestHooksOfQueries: they see the query, may refuse it, and learn how many
// documents there were, unless the reading was given up.
func TestHooksOfQueries(t *testing.T) {
	c, store := openAccounts(t)
	ctx := t.Context()
	for _, id := range []docID{"x", "y", "z"} {
		must(c.Insert(ctx, clienttest.AccountInsert{ID: id, Name: "a"}))(t)
	}
	var trace []string
	note := func(what string) func(context.Context, int) error {
		return func(_ context.Context, n int) error { trace = append(trace, fmt.Sprintf("%s %d", what, n)); return nil }
	}
	remove := c.Hook(hooks{AfterList: note("list"), AfterQuery: note("query"), AfterCount: note("count")})
	must(c.Query().List(ctx))(t)
	must(c.GetAll(ctx))(t)
	must(c.Query().Page(ctx, 2))(t)
	must(c.Query().Where(named("a")).First(ctx))(t)
	must(c.Query().Count(ctx))(t)
	for _, err := range c.Query().IDs(ctx) {
		if err != nil {
			t.Error(err)
		}
	}
	for _, err := range c.Query().All(ctx) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	want := []string{"list 3", "list 3", "list 2", "query 1", "count 3", "list 3"}
	if diff := cmp.Diff(want, trace); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	remove()
	no := errors.New("too expensive")
	refuse := func(_ context.Context, q s3db.Query[doc, docID]) error {
		if q.Plan().String() == "" {
			t.Error("the hook does not see the query")
		}
		return no
	}
	c.Hook(hooks{BeforeList: refuse, BeforeQuery: refuse, BeforeCount: refuse})
	before := store.Counts()
	_, err1 := c.Query().List(ctx)
	_, err2 := c.Query().Where(named("a")).Page(ctx, 1)
	_, err3 := c.Query().Count(ctx)
	var err4 error
	for _, err := range c.Query().IDs(ctx) {
		err4 = err
	}
	for _, err := range []error{err1, err2, err3, err4} {
		if !errors.Is(err, no) {
			t.Errorf("refused: %v", err)
		}
	}
	if store.Counts() != before {
		t.Errorf("refused queries cost %+v", store.Counts().Sub(before))
	}
}
