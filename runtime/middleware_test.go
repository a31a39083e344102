package s3db_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// userKey is the key of a value that travels with a call.
type userKey struct{}

// TestMiddleware: each method goes through its middleware, which may change the
// arguments and the result, answer in place of the method, and refuse.
func TestMiddleware(t *testing.T) {
	c, store := openAccounts(t)
	ctx := t.Context()
	must(c.Insert(ctx, clienttest.AccountInsert{ID: "x", Name: "a"}))(t)

	t.Run("arguments", func(t *testing.T) {
		defer c.Use(middleware{
			Get: func(ctx context.Context, call *s3db.GetCall[doc, docID]) (*doc, error) {
				call.Args.ID = docID(strings.ToLower(string(call.Args.ID)))
				return call.Next(ctx)
			},
			Update: func(ctx context.Context, call *s3db.UpdateCall[doc, docID, clienttest.AccountPatch]) (*doc, error) {
				call.Args.Patch.Count = s3db.Set[int64](7)
				call.Args.Options = append(call.Args.Options, s3db.IfMatch("nonsense"))
				return call.Next(ctx)
			},
		})()
		must(c.Get(ctx, "X"))(t)
		if _, err := c.Update(ctx, "x", clienttest.AccountPatch{}); !errors.Is(err, s3db.ErrConflict) {
			t.Errorf("an option that middleware added: %v", err)
		}
	})
	t.Run("result", func(t *testing.T) {
		defer c.Use(middleware{Get: func(ctx context.Context, call *s3db.GetCall[doc, docID]) (*doc, error) {
			d, err := call.Next(ctx)
			if err == nil {
				d.Name = "masked"
			}
			return d, err
		}})()
		if d := must(c.Get(ctx, "x"))(t); d.Name != "masked" {
			t.Errorf("got %q", d.Name)
		}
	})
	t.Run("short circuit", func(t *testing.T) {
		defer c.Use(middleware{Get: func(context.Context, *s3db.GetCall[doc, docID]) (*doc, error) {
			return &doc{ID: "cached"}, nil
		}})()
		before := store.Counts()
		if d := must(c.Get(ctx, "x"))(t); d.ID != "cached" || store.Counts() != before {
			t.Errorf("got %q with requests %+v", d.ID, store.Counts().Sub(before))
		}
	})
	t.Run("refusal", func(t *testing.T) {
		missing := errors.New("an email is required for update")
		defer c.Use(middleware{Update: func(ctx context.Context, call *s3db.UpdateCall[doc, docID, clienttest.AccountPatch]) (*doc, error) {
			if _, ok := call.Args.Patch.Email.Value(); !ok {
				return nil, missing
			}
			return call.Next(ctx)
		}})()
		before := store.Counts()
		if _, err := c.Update(ctx, "x", clienttest.AccountPatch{Name: s3db.Set("b")}); !errors.Is(err, missing) || store.Counts() != before {
			t.Errorf("%v, requests %+v", err, store.Counts().Sub(before))
		}
		must(c.Update(ctx, "x", clienttest.AccountPatch{Email: s3db.Set("a@x.io")}))(t)
	})
	t.Run("again", func(t *testing.T) {
		tries := 0
		defer c.Use(middleware{Get: func(ctx context.Context, call *s3db.GetCall[doc, docID]) (*doc, error) {
			_, _ = call.Next(ctx)
			return call.Next(ctx)
		}})()
		defer c.Use(middleware{Get: func(ctx context.Context, call *s3db.GetCall[doc, docID]) (*doc, error) {
			tries++
			return call.Next(ctx)
		}})()
		must(c.Get(ctx, "x"))(t)
		if tries != 2 {
			t.Errorf("the next middleware ran %d times", tries)
		}
	})
	t.Run("values", func(t *testing.T) {
		var seen []any
		defer c.Database().Use(func(ctx context.Context, call s3db.AnyCall, next func(context.Context) (any, error)) (any, error) {
			seen = append(seen, call.Value(userKey{}))
			call.Set("authenticated", true)
			return next(ctx)
		})()
		defer c.Use(middleware{Delete: func(ctx context.Context, call *s3db.DeleteCall[docID]) (struct{}, error) {
			seen = append(seen, call.Value("authenticated"), ctx.Value(userKey{}))
			return call.Next(ctx)
		}})()
		err := c.Delete(context.WithValue(ctx, userKey{}, "from the context"), "x", s3db.CallValue(userKey{}, "from an option"))
		if want := []any{"from an option", true, "from the context"}; err != nil || !cmp.Equal(seen, want) {
			t.Errorf("%v, saw %v, want %v", err, seen, want)
		}
	})
}

// TestMiddlewareOfTheDatabase: a result that is not the method's is an error, nil
// is its zero value, and removed middleware is gone.
func TestMiddlewareOfTheDatabase(t *testing.T) {
	c, _ := openAccounts(t)
	remove := c.Database().Use(func(context.Context, s3db.AnyCall, func(context.Context) (any, error)) (any, error) {
		return 17, nil
	})
	if _, err := c.Get(t.Context(), "x"); !errors.Is(err, s3db.ErrConfig) || !strings.Contains(err.Error(), "middleware of get returned a int") {
		t.Errorf("a result of another type: %v", err)
	}
	remove()
	remove = c.Database().Use(func(context.Context, s3db.AnyCall, func(context.Context) (any, error)) (any, error) {
		return nil, nil //nolint:nilnil // the zero value of any method
	})
	if d, err := c.Get(t.Context(), "x"); d != nil || err != nil {
		t.Errorf("nothing: %v, %v", d, err)
	}
	remove()
	if _, err := c.Get(t.Context(), "x"); !errors.Is(err, s3db.ErrNotFound) {
		t.Errorf("without middleware: %v", err)
	}
}

// TestAuditMiddleware: middleware around everything sees what succeeded, what
// failed, and how long it took.
func TestAuditMiddleware(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := openAccounts(t)
		var log []string
		c.Database().Use(func(ctx context.Context, call s3db.AnyCall, next func(context.Context) (any, error)) (any, error) {
			start := time.Now()
			result, err := next(ctx)
			log = append(log, fmt.Sprintf("%s %s %v %t", call.Method(), call.ID(), time.Since(start), err == nil))
			return result, err
		})
		c.Hook(hooks{BeforeInsert: func(ctx context.Context, d *doc) error {
			timer := time.NewTimer(3 * time.Second) // virtual
			defer timer.Stop()
			<-timer.C
			return nil
		}})
		must(c.Insert(t.Context(), clienttest.AccountInsert{ID: "x", Name: "a"}))(t)
		_, _ = c.Get(t.Context(), "y")
		if diff := cmp.Diff([]string{"insert x 3s true", "get y 0s false"}, log); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestNoMethodGoesAround calls every exported method of a collection that reads
// or writes documents and wants the database's middleware to see each. A method
// that is new must be added here, or to those that touch no document.
func TestNoMethodGoesAround(t *testing.T) {
	c, _ := openAccounts(t)
	var saw []string
	c.Database().Use(func(ctx context.Context, call s3db.AnyCall, next func(context.Context) (any, error)) (any, error) {
		saw = append(saw, call.Method().String())
		return next(ctx)
	})
	ctx := t.Context()
	in := clienttest.AccountInsert{ID: "x", Name: "a"}
	drop := func(_ *doc, err error) error { return err }
	type try struct {
		run  func() error
		want []string
	}
	calls := map[string]try{
		"Insert":  {func() error { return drop(c.Insert(ctx, in)) }, []string{"insert"}},
		"Get":     {func() error { return drop(c.Get(ctx, "x")) }, []string{"get"}},
		"GetMany": {func() error { _, err := c.GetMany(ctx, "x"); return err }, []string{"getMany", "get"}},
		"GetAll":  {func() error { _, err := c.GetAll(ctx); return err }, []string{"getAll"}},
		"Exists":  {func() error { _, err := c.Exists(ctx, "x"); return err }, []string{"exists"}},
		"Update":  {func() error { return drop(c.Update(ctx, "x", clienttest.AccountPatch{})) }, []string{"update"}},
		"UpdateFrom": {func() error {
			return drop(c.UpdateFrom(ctx, must(c.Get(ctx, "x"))(t), clienttest.AccountPatch{}))
		}, []string{"get", "update"}},
		"UpdateFunc": {func() error {
			return drop(c.UpdateFunc(ctx, "x", func(*doc) (clienttest.AccountPatch, error) { return clienttest.AccountPatch{}, nil }))
		}, []string{"update"}},
		"SetContent": {func() error { return drop(c.SetContent(ctx, "x", strings.NewReader("hello"))) }, []string{"setContent"}},
		"Content": {func() error {
			must(c.SetContent(ctx, "x", strings.NewReader("hello")))(t)
			return must(c.Content(ctx, "x"))(t).Close()
		}, []string{"setContent", "content"}},
		"ContentURL": {func() error {
			if _, err := c.ContentURL(ctx, "x", s3db.URLOptions{}); !errors.Is(err, s3db.ErrUnsupported) {
				return err
			}
			return nil
		}, []string{"contentURL"}},
		"HasContent": {func() error { _, err := c.HasContent(ctx, "x"); return err }, []string{"hasContent"}},
		"DeleteContent": {func() error {
			must(c.SetContent(ctx, "x", strings.NewReader("hello")))(t)
			return drop(c.DeleteContent(ctx, "x"))
		}, []string{"setContent", "deleteContent"}},
		"Replace": {func() error { return drop(c.Replace(ctx, "x", in)) }, []string{"replace"}},
		"Upsert":  {func() error { return drop(c.Upsert(ctx, "x", in)) }, []string{"upsert"}},
		"InsertMany": {func() error {
			_, err := c.InsertMany(ctx, []clienttest.AccountInsert{{ID: "y", Name: "y"}})
			return errors.Join(err, c.Delete(ctx, "y"))
		}, []string{"insert", "delete"}},
		"UpdateMany": {func() error {
			_, err := c.UpdateMany(ctx, []clienttest.AccountID{"x"}, clienttest.AccountPatch{Name: s3db.Set("z")})
			return err
		}, []string{"update"}},
		"Writer": {func() error {
			w, err := c.Writer(ctx)
			if err != nil {
				return err
			}
			return errors.Join(w.Write(clienttest.AccountInsert{ID: "y", Name: "y"}), w.Close(), c.Delete(ctx, "y"))
		}, []string{"insert", "delete"}},
		"DeleteMany": {func() error { return c.DeleteMany(ctx, "x") }, []string{"deleteMany", "delete"}},
		"DeleteAll": {func() error {
			_, err := c.DeleteAll(ctx, s3db.Confirm("accounts"))
			return err
		}, []string{"delete"}},
		"Delete": {func() error { return c.Delete(ctx, "x") }, []string{"delete"}},
	}
	// What these return or register reads no document by itself; a migration is for
	// tools, and changes no attribute. Stored goes around on purpose, for plugins, and
	// History is about what is no document any more; its comment says so. Nothing here
	// expires: TestSweepSparesTheLiving shows that Sweep deletes as Delete does.
	others := []string{"Database", "DryRun", "History", "HistoryWith", "Hook", "HookObject", "Migrate", "Name", "OnExceedsLimit", "Query", "Stored", "Subscribe", "Sweep", "Use", "Version"}
	check := func(name string, call try) {
		t.Helper()
		_ = c.Delete(ctx, "x")
		if name != "Insert" {
			must(c.Insert(ctx, in))(t)
		}
		saw = nil
		if err := call.run(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(call.want, saw); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for _, name := range methodsOf(c) {
		if call, ok := calls[name]; ok {
			check(name, call)
		} else if !slices.Contains(others, name) {
			t.Errorf("method %s is not known here: does middleware see it?", name)
		}
	}
	q := c.Query()
	queries := map[string]try{
		"All": {func() error {
			for _, err := range q.All(ctx) {
				return err
			}
			return nil
		}, []string{"list"}},
		"List":    {func() error { _, err := q.List(ctx); return err }, []string{"list"}},
		"Collect": {func() error { _, err := q.Collect(ctx); return err }, []string{"list"}},
		"First":   {func() error { return drop(q.First(ctx)) }, []string{"list"}},
		"IDs": {func() error {
			for _, err := range q.IDs(ctx) {
				return err
			}
			return nil
		}, []string{"listIds"}},
		"Count": {func() error { _, err := q.Count(ctx); return err }, []string{"count"}},
		"Page":  {func() error { _, err := q.Page(ctx, 1); return err }, []string{"page"}},
	}
	narrowing := []string{"After", "Limit", "Match", "Offset", "OrderBy", "ParallelList", "Plan", "SortLimit", "Where"}
	for _, name := range methodsOf(q) {
		if call, ok := queries[name]; ok {
			check("Query."+name, call)
		} else if !slices.Contains(narrowing, name) {
			t.Errorf("method %s of queries is not known here: does middleware see it?", name)
		}
	}
	key := func(k *s3db.KeyBuilder) { k.String("a@x.io") }
	check("GetByUnique", try{func() error {
		if _, err := s3db.GetByUnique(ctx, c, "email", key); !errors.Is(err, s3db.ErrNotFound) {
			return err
		}
		return nil
	}, []string{"lookup"}})
	check("Distinct", try{func() error {
		_, err := s3db.Distinct(ctx, c, "byCountry", func(d *doc) string { return *d.Country })
		return err
	}, []string{"distinct"}})
}

// TestMiddlewareNarrowsQueries: the query of a call may be narrowed, and its result
// replaced.
func TestMiddlewareNarrowsQueries(t *testing.T) {
	c, _ := openAccounts(t)
	ctx := t.Context()
	for _, name := range []string{"a", "b"} {
		must(c.Insert(ctx, clienttest.AccountInsert{ID: docID(name), Name: name}))(t)
	}
	c.Use(middleware{
		List: func(ctx context.Context, call *s3db.ListCall[doc, docID]) (iter.Seq2[*doc, error], error) {
			call.Args.Query = call.Args.Query.Where(named("b"))
			return call.Next(ctx)
		},
		Count: func(ctx context.Context, call *s3db.CountCall[doc, docID]) (int, error) {
			n, err := call.Next(ctx)
			return -n, err
		},
	})
	list := must(c.Query().List(ctx))(t)
	if len(list) != 1 || list[0].Name != "b" {
		t.Errorf("narrowed to %d documents", len(list))
	}
	if n := must(c.Query().Count(ctx))(t); n != -2 {
		t.Errorf("counted %d", n)
	}
}

// methodsOf returns the names of the exported methods of x.
func methodsOf(x any) []string {
	var names []string
	for m := range reflect.TypeOf(x).Methods() {
		names = append(names, m.Name)
	}
	return names
}

// BenchmarkUnhooked reads a document with nothing registered, and with one of
// everything.
func BenchmarkUnhooked(b *testing.B) {
	for _, name := range []string{"nothing registered", "one of each"} {
		b.Run(name, func(b *testing.B) {
			c, err := clienttest.Open(b.Context(), memstore.New(), 0, 0)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := c.Insert(b.Context(), clienttest.AccountInsert{ID: "x", Name: "a"}); err != nil {
				b.Fatal(err)
			}
			if name == "one of each" {
				c.Use(middleware{Get: func(ctx context.Context, call *s3db.GetCall[doc, docID]) (*doc, error) { return call.Next(ctx) }})
				c.Hook(hooks{AfterGet: func(context.Context, *doc) error { return nil }})
				c.Subscribe(func(context.Context, event) {})
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Get(b.Context(), "x"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestOnEnd: what middleware of a database asks for at the end of a call happens once,
// when a method has its result, and when the loop over a list has ended or was left.
func TestOnEnd(t *testing.T) {
	c, _ := openAccounts(t)
	ctx := t.Context()
	must(c.Insert(ctx, clienttest.AccountInsert{ID: "x", Name: "a"}))(t)
	must(c.Insert(ctx, clienttest.AccountInsert{ID: "y", Name: "a"}))(t)
	var trace []string
	defer c.Database().Use(func(ctx context.Context, call s3db.AnyCall, next func(context.Context) (any, error)) (any, error) {
		s3db.OnEnd(call, func() { trace = append(trace, "end "+call.Method().String()) })
		v, err := next(ctx)
		trace = append(trace, call.Method().String())
		return v, err
	})()

	must(c.Get(ctx, "x"))(t)
	if _, err := c.Get(ctx, "z"); !errors.Is(err, s3db.ErrNotFound) {
		t.Error(err)
	}
	for d, err := range c.Query().All(ctx) {
		trace = append(trace, string(must(d, err)(t).ID))
	}
	for id, err := range c.Query().IDs(ctx) {
		trace = append(trace, string(must(id, err)(t)))
		break
	}
	want := []string{"get", "end get", "get", "end get", "list", "x", "y", "end list", "listIds", "x", "end listIds"}
	if !slices.Equal(trace, want) {
		t.Errorf("%q, want %q", trace, want)
	}
}
