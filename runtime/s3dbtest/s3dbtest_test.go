package s3dbtest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/runtime/s3dbtest"
)

// open opens a shop, whose products have ids of the program.
func open(tb testing.TB, options ...s3db.Option) (*shop.DB, *s3dbtest.Link) {
	tb.Helper()
	return s3dbtest.Open(tb, shop.New, append(options, s3db.WithIDs("products", s3dbtest.IDs("product")))...)
}

func ada() shop.UserInsert {
	return shop.UserInsert{ID: "ada", Name: "Ada", Email: "ada@example.com", Password: "correct horse"}
}

func insert(tb testing.TB, db *shop.DB, in shop.UserInsert) *shop.User {
	tb.Helper()
	u, err := db.Users.Insert(tb.Context(), in)
	if err != nil {
		tb.Fatal(err)
	}
	return u
}

// recorder is a test whose errors are collected.
type recorder struct {
	testing.TB

	errors  []string
	cleanup []func()
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanup = append(r.cleanup, f) }
func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

func (r *recorder) end() string {
	for _, f := range slices.Backward(r.cleanup) {
		f()
	}
	return strings.Join(r.errors, "\n")
}

// TestOpen opens a database in one line, which is closed with the test.
func TestOpen(t *testing.T) {
	t.Parallel()
	inner := &recorder{TB: t}
	db, link := open(inner)
	insert(t, db, ada())
	if told := inner.end(); told != "" {
		t.Fatal(told)
	}
	if _, err := db.Users.Get(t.Context(), "ada"); err == nil {
		t.Error("the database is still open after the test")
	}
	if link.Store().Server().Len() == 0 {
		t.Error("no object on the server of the link")
	}
}

// TestJoin opens one database twice: each program has its own faults and counts,
// and both have the key that secrets need.
func TestJoin(t *testing.T) {
	t.Parallel()
	one, link := open(t)
	two, other := s3dbtest.Join(t, link, shop.New, s3db.WithIDs("products", s3dbtest.IDs("x")))
	in := ada()
	in.TaxNumber = new(s3db.NewSecret("123"))
	insert(t, one, in)
	other.Inject(t, s3dbtest.Fault{Kinds: []memstore.Kind{memstore.Put}, Injection: memstore.Injection{Fault: memstore.Crash}})
	u, err := two.Users.Get(t.Context(), "ada")
	if err != nil || u.TaxNumber.Reveal() != "123" {
		t.Fatalf("%+v, %v", u, err)
	}
	if _, err := two.Users.Update(t.Context(), "ada", shop.UserPatch{Name: s3db.Set("Eve")}); !errors.Is(err, memstore.ErrCrashed) {
		t.Errorf("the second program has not crashed: %v", err)
	}
	link.Expect(t, s3dbtest.Counts{Get: 1, Put: 1}, func() {
		if _, err := one.Users.Update(t.Context(), "ada", shop.UserPatch{Name: s3db.Set("Ada L.")}); err != nil {
			t.Errorf("nor must the first: %v", err)
		}
	})
}

// TestFaults injects each way to choose requests.
func TestFaults(t *testing.T) {
	t.Parallel()
	lost := memstore.Injection{Fault: memstore.Reset, Applied: true}
	denied := memstore.Injection{Fault: memstore.Denied}
	for name, test := range map[string]struct {
		fault s3dbtest.Fault
		want  s3dbtest.Counts // of the insert of a user with one unique attribute and two partitions
		fails bool
	}{
		"a lost reply is found again": {
			fault: s3dbtest.Fault{Kinds: []memstore.Kind{memstore.Put}, Key: "/data/", Nth: 1, Injection: lost},
			want:  s3dbtest.Counts{Get: 1, Put: 5},
		},
		"a busy server is asked again": {
			fault: s3dbtest.Fault{Kinds: []memstore.Kind{memstore.Put}, Nth: 4, Injection: memstore.Injection{Fault: memstore.SlowDown}},
			want:  s3dbtest.Counts{Put: 5},
		},
		"for good": {
			fault: s3dbtest.Fault{Key: "/unique=email/", Injection: denied},
			fails: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, link := open(t)
			link.Inject(t, test.fault)
			var err error
			got := link.Count(func() { _, err = db.Users.Insert(t.Context(), ada()) })
			if (err != nil) != test.fails {
				t.Fatalf("insert: %v", err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" && !test.fails {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFaultOrder: of two faults for one request the first happens, and the other
// has met it.
func TestFaultOrder(t *testing.T) {
	t.Parallel()
	db, link := open(t)
	insert(t, db, ada())
	stop := link.Inject(t, s3dbtest.Fault{Injection: memstore.Injection{Fault: memstore.Denied}})
	link.Inject(t, s3dbtest.Fault{Kinds: []memstore.Kind{memstore.Get}, Nth: 1, Injection: memstore.Injection{Fault: memstore.Crash}})
	if _, err := db.Users.Get(t.Context(), "ada"); err == nil || errors.Is(err, memstore.ErrCrashed) {
		t.Errorf("want the first fault, got %v", err)
	}
	stop()
	if _, err := db.Users.Get(t.Context(), "ada"); err != nil {
		t.Errorf("the faults are over: %v", err)
	}
}

// TestUnusedFault: a fault that nothing met is an error, and so is an nth that was
// never sent.
func TestUnusedFault(t *testing.T) {
	t.Parallel()
	db, link := open(t)
	insert(t, db, ada())
	for want, fault := range map[string]s3dbtest.Fault{
		"": {Kinds: []memstore.Kind{memstore.Get}},
		`s3dbtest: a fault did not happen: it waited for put or delete request with "/data/", and met 0`: {
			Kinds: []memstore.Kind{memstore.Put, memstore.Delete}, Key: "/data/",
		},
		"s3dbtest: a fault did not happen: it waited for request 2, and met 1": {Nth: 2},
	} {
		inner := &recorder{TB: t}
		stop := link.Inject(inner, fault)
		if _, err := db.Users.Get(t.Context(), "ada"); err != nil {
			t.Fatal(err)
		}
		stop()
		if got := inner.end(); got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	}
}

// TestDeleteManyFaults chooses requests by any of their keys.
func TestDeleteManyFaults(t *testing.T) {
	t.Parallel()
	_, link := open(t)
	link.Inject(t, s3dbtest.Fault{Kinds: []memstore.Kind{memstore.DeleteMany}, Key: "b", Injection: memstore.Injection{Fault: memstore.Denied}})
	store := link.Store()
	if err := store.DeleteMany(t.Context(), []string{"a"}); err != nil {
		t.Error(err)
	}
	if err := store.DeleteMany(t.Context(), []string{"a", "b"}); err == nil {
		t.Error("the fault did not happen")
	}
}

// TestDelay delays a request in the time of a bubble: nothing waits.
func TestDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, link := open(t)
		insert(t, db, ada())
		link.Inject(t, s3dbtest.Fault{Kinds: []memstore.Kind{memstore.Get}, Injection: memstore.Injection{Delay: time.Hour}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := db.Users.Get(ctx, "ada"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want that the context ended", err)
		}
	})
}

// TestExpect shows the message of other requests than expected.
func TestExpect(t *testing.T) {
	t.Parallel()
	db, link := open(t)
	insert(t, db, ada())
	inner := &recorder{TB: t}
	link.Expect(inner, s3dbtest.Counts{List: 1, Get: 1}, func() {
		for _, id := range []shop.UserID{"ada", "bob"} {
			_, _ = db.Users.Get(t.Context(), id)
		}
	})
	want := `s3dbtest: other requests than expected:
            want   got
get            1     2   +1
list           1     0   -1
sent:
  get resource=users/data/id=ada
  get resource=users/data/id=bob: not found`
	if diff := cmp.Diff(want, inner.end()); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	inner = &recorder{TB: t}
	link.Expect(inner, s3dbtest.Counts{}, func() {})
	if told := inner.end(); told != "" {
		t.Error(told)
	}
}

// TestDeterministic runs a program twice with a clock, ids and a seed of its own:
// the servers hold the same bytes.
func TestDeterministic(t *testing.T) {
	cryptotest.SetGlobalRandom(t, 7)
	first := objects(t)
	cryptotest.SetGlobalRandom(t, 7)
	if diff := cmp.Diff(first, objects(t)); diff != "" {
		t.Errorf("objects (-first +second):\n%s", diff)
	}
}

// objects returns the objects of a database to which one user was added.
func objects(t *testing.T) map[string]string {
	t.Helper()
	clock := s3dbtest.NewClock(time.Date(2026, time.May, 1, 0, 0, 0, 0, time.UTC))
	db, link := open(t, s3db.WithClock(clock.Now), s3db.WithIDs("users", s3dbtest.IDs("user")), s3db.WithConcurrency(1))
	in := ada()
	in.ID = ""
	u := insert(t, db, in)
	clock.Advance(time.Minute)
	u, err := db.Users.Update(t.Context(), u.ID, shop.UserPatch{Age: s3db.Set[int64](36)})
	if err != nil {
		t.Fatal(err)
	}
	if u.ID != "user1" || u.UpdatedAt.Sub(u.CreatedAt) != time.Minute {
		t.Errorf("user %s, created %v, updated %v", u.ID, u.CreatedAt, u.UpdatedAt)
	}
	all := map[string]string{}
	for _, key := range link.Store().Server().Keys() {
		o, err := link.Store().Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		all[key] = fmt.Sprint(o.Metadata, bytes.NewBuffer(o.Body))
	}
	return all
}
