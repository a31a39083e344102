package s3db_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// TestEvents: each subscription gets the events that it asks for, until it is
// cancelled.
func TestEvents(t *testing.T) {
	c, _ := openAccounts(t)
	ctx := t.Context()
	var all, ofX, gets, wide []string
	note := func(list *[]string) func(context.Context, event) {
		return func(_ context.Context, e event) { *list = append(*list, e.Kind.String()+" "+string(e.ID)) }
	}
	every := c.Subscribe(note(&all))
	c.Subscribe(note(&ofX), s3db.OnID[docID]("x"))
	c.Subscribe(note(&gets), s3db.OnKinds(s3db.EventGet, s3db.EventError))
	c.Database().Subscribe(func(_ context.Context, e s3db.DatabaseEvent) {
		wide = append(wide, e.Resource+" "+e.Kind.String()+" "+e.ID)
	}, s3db.OnKinds(s3db.EventInsert, s3db.EventDelete))
	for _, id := range []docID{"x", "y"} {
		must(c.Insert(ctx, clienttest.AccountInsert{ID: id, Name: "a"}))(t)
	}
	must(c.Get(ctx, "y"))(t)
	must(c.Exists(ctx, "y"))(t)
	if _, err := c.Get(ctx, "z"); !errors.Is(err, s3db.ErrNotFound) {
		t.Fatal(err)
	}
	every.Cancel()
	every.Cancel()
	if err := c.Delete(ctx, "x"); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name      string
		got, want []string
	}{
		{"all, until cancelled", all, []string{"insert x", "insert y", "get y", "exists y", "error z"}},
		{"of x", ofX, []string{"insert x", "delete x"}},
		{"gets and errors", gets, []string{"get y", "error z"}},
		{"of the database", wide, []string{"accounts insert x", "accounts insert y", "accounts delete x"}},
	} {
		if diff := cmp.Diff(test.want, test.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// TestEventsOfQueries: what was read by a query is one event with its number, also
// when the loop ends early.
func TestEventsOfQueries(t *testing.T) {
	c, _ := openAccounts(t)
	ctx := t.Context()
	for _, id := range []docID{"x", "y"} {
		must(c.Insert(ctx, clienttest.AccountInsert{ID: id, Name: "a"}))(t)
	}
	var got []string
	c.Subscribe(func(_ context.Context, e event) {
		got = append(got, fmt.Sprintf("%s by %s %d", e.Kind, e.Operation, e.Count))
	})
	must(c.Query().List(ctx))(t)
	must(c.GetAll(ctx))(t)
	must(c.Query().Page(ctx, 1))(t)
	must(c.Query().Count(ctx))(t)
	for _, err := range c.Query().IDs(ctx) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	want := []string{"list by list 2", "list by getAll 2", "list by page 1", "count by count 2", "list by listIds 1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestEventHoldsTheDocument: before and after, and what went wrong.
func TestEventHoldsTheDocument(t *testing.T) {
	c, _ := openAccounts(t)
	ctx := t.Context()
	must(c.Insert(ctx, clienttest.AccountInsert{ID: "x", Name: "a"}))(t)
	var got event
	c.Subscribe(func(_ context.Context, e event) { got = e })
	d := must(c.Update(ctx, "x", clienttest.AccountPatch{Name: s3db.Set("b")}))(t)
	if got.Kind != s3db.EventUpdate || got.Before.Name != "a" || got.Document.Name != "b" || got.Document.Meta.Revision != d.Meta.Revision {
		t.Errorf("update: %+v", got)
	}
	if _, err := c.Update(ctx, "x", clienttest.AccountPatch{Name: s3db.Set("")}); !errors.Is(got.Err, s3db.ErrValidation) || got.Operation != "update" || got.ID != "x" {
		t.Errorf("error %v: %+v", err, got)
	}
	if err := c.Delete(ctx, "x"); err != nil || got.Kind != s3db.EventDelete || got.Before.Name != "b" || got.Document != nil {
		t.Errorf("delete %v: %+v", err, got)
	}
}

// TestDatabaseEvents: what Open did, for subscribers that it was given.
func TestDatabaseEvents(t *testing.T) {
	store := memstore.New()
	open := func(p int) []string {
		t.Helper()
		var got []string
		_, err := clienttest.Open(t.Context(), store, p, 0, s3db.WithSubscriber(func(_ context.Context, e s3db.DatabaseEvent) {
			text := e.Kind.String()
			if e.Kind == s3db.EventVersionUpdated {
				text += " " + e.Resource + " " + string(rune('0'+e.OldVersion)) + "→" + string(rune('0'+e.NewVersion))
			}
			got = append(got, text)
		}))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	for _, test := range []struct {
		name string
		p    int
		want []string
	}{
		{"a new database", 0, []string{"resourceCreated", "schemaWritten", "connected"}},
		{"a known one", 0, []string{"connected"}},
		{"a changed schema", 1, []string{"versionUpdated accounts 0→1", "schemaWritten", "connected"}},
	} {
		if diff := cmp.Diff(test.want, open(test.p)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// TestBufferedEvents: each policy does what it says when the buffer is full.
func TestBufferedEvents(t *testing.T) {
	for _, test := range []struct {
		name    string
		full    s3db.Overflow
		want    []docID
		dropped int64
	}{
		{"drop the newest", s3db.DropNewest, []docID{"1", "2", "3"}, 2},
		{"drop the oldest", s3db.DropOldest, []docID{"1", "4", "5"}, 2},
		{"block", s3db.Block, []docID{"1", "2", "3", "4", "5"}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, _ := openAccounts(t)
				gate := make(chan struct{})
				var got []docID
				sub := c.Subscribe(func(_ context.Context, e event) {
					<-gate
					got = append(got, e.ID)
				}, s3db.Buffered(2, test.full))
				must(c.Insert(t.Context(), clienttest.AccountInsert{ID: "1", Name: "a"}))(t)
				synctest.Wait() // the subscriber holds the first event
				written := make(chan error, 1)
				go func() {
					for _, id := range []docID{"2", "3", "4", "5"} {
						if _, err := c.Insert(t.Context(), clienttest.AccountInsert{ID: id, Name: "a"}); err != nil {
							written <- err
							return
						}
					}
					written <- nil
				}()
				synctest.Wait()
				select {
				case err := <-written:
					if err != nil || test.full == s3db.Block {
						t.Errorf("the writer did not wait for room: %v", err)
					}
				default:
					if test.full != s3db.Block {
						t.Error("the writer waits")
					}
				}
				close(gate)
				synctest.Wait()
				sub.Cancel()
				if diff := cmp.Diff(test.want, got); diff != "" || sub.Dropped() != test.dropped {
					t.Errorf("%d dropped, want %d (-want +got):\n%s", sub.Dropped(), test.dropped, diff)
				}
			})
		})
	}
}

// TestClosingEndsSubscriptions: nothing runs on after Close, also when a writer
// waits for room.
func TestClosingEndsSubscriptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := openAccounts(t)
		gate := make(chan struct{})
		sub := c.Subscribe(func(context.Context, event) { <-gate }, s3db.Buffered(1, s3db.Block))
		done := make(chan error, 1)
		go func() {
			for _, id := range []docID{"1", "2", "3"} {
				if _, err := c.Insert(t.Context(), clienttest.AccountInsert{ID: id, Name: "a"}); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
		synctest.Wait()
		if err := c.Database().Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil || sub.Dropped() != 1 {
			t.Errorf("%v, %d dropped", err, sub.Dropped())
		}
		close(gate) // synctest fails when a goroutine is left
	})
}
