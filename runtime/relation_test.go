package s3db_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/testdata/golden/relations/relations"
)

// related opens a database of users u0 to u2 with orders: u0 has 3, u1 has 2, u2 none;
// order o9 belongs to a user that is not there. It counts requests.
func related(t *testing.T) (*relations.DB, *s3db.RequestCounter) {
	t.Helper()
	counter := &s3db.RequestCounter{}
	db, err := relations.New(t.Context(), memstore.NewServer(memstore.Options{}).Client(), s3db.WithRequestObserver(counter.Observe))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if _, err := db.Users.Insert(t.Context(), relations.UserInsert{ID: relations.UserID(fmt.Sprint("u", i)), Name: fmt.Sprint("User ", i)}); err != nil {
			t.Fatal(err)
		}
	}
	for i, user := range []relations.UserID{"u0", "u1", "u0", "u1", "u0"} {
		insertOrder(t, db, fmt.Sprint("o", i), user, i)
	}
	insertOrder(t, db, "o9", "nobody", 9)
	return db, counter
}

func insertOrder(t *testing.T, db *relations.DB, id string, user relations.UserID, hour int) {
	t.Helper()
	in := relations.OrderInsert{ID: relations.OrderID(id), UserID: user, At: time.Date(2026, 1, 1, 23-hour, 0, 0, 0, time.UTC), Total: new(int64(hour))}
	if hour%2 == 0 {
		in.PayerID = new(relations.UserID("u1"))
	}
	if _, err := db.Orders.Insert(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

// spent are the requests of f.
func spent(c *s3db.RequestCounter, f func()) string {
	before := c.Counts()
	f()
	after := c.Counts()
	return fmt.Sprintf("%d LIST %d GET %d other", after.List-before.List, after.Get-before.Get, after.Total()-before.Total()-(after.List-before.List)-(after.Get-before.Get))
}

// TestLoadOne: each different document is read once, whoever belongs to it, and those
// that are missing are named by place.
func TestLoadOne(t *testing.T) {
	db, counter := related(t)
	orders, err := db.Orders.GetMany(t.Context(), "o0", "o1", "o2", "o3", "o4", "o9")
	if err != nil {
		t.Fatal(err)
	}
	orders = append(orders, nil)
	var users []*relations.User
	cost := spent(counter, func() { users, err = db.Orders.LoadUser(t.Context(), orders) })
	if cost != "0 LIST 3 GET 0 other" {
		t.Errorf("3 different users took %s", cost)
	}
	var bulk *s3db.BulkError
	if !errors.As(err, &bulk) || !errors.Is(err, s3db.ErrNotFound) || len(bulk.Failed) != 1 || bulk.Failed[0].Index != 5 || bulk.Failed[0].ID != "nobody" || bulk.Total != 7 {
		t.Errorf("missing users: %+v", err)
	}
	for i, want := range []string{"User 0", "User 1", "User 0", "User 1", "User 0", "", ""} {
		if got := users[i]; (got == nil) != (want == "") || got != nil && got.Name != want {
			t.Errorf("user %d is %+v, want %q", i, got, want)
		}
	}
	if users[0] != users[2] {
		t.Error("one user was made twice")
	}
	var payers []*relations.User
	cost = spent(counter, func() { payers, err = db.Orders.LoadPayer(t.Context(), orders) })
	if err != nil || cost != "0 LIST 1 GET 0 other" || payers[0] == nil || payers[1] != nil || payers[5] != nil {
		t.Errorf("payers %v, %v, took %s", payers, err, cost)
	}
	cost = spent(counter, func() { _, err = db.Orders.LoadParent(t.Context(), orders) })
	if err != nil || cost != "0 LIST 0 GET 0 other" {
		t.Errorf("no parents took %s, %v", cost, err)
	}
}

// TestLoadMany: each document takes a LIST and a GET for each of its own, once.
func TestLoadMany(t *testing.T) {
	db, counter := related(t)
	users, err := db.Users.GetMany(t.Context(), "u0", "u1", "u2", "u0")
	if err != nil {
		t.Fatal(err)
	}
	users = append(users, nil)
	ids := func(lists [][]*relations.Order) (s string) {
		for _, list := range lists {
			for _, d := range list {
				s += string(d.ID) + " "
			}
			s += "| "
		}
		return s
	}
	var lists [][]*relations.Order
	cost := spent(counter, func() { lists, err = db.Users.LoadOrders(t.Context(), users) })
	if got, want := ids(lists), "o4 o2 o0 | o3 o1 | | o4 o2 o0 | | "; err != nil || got != want { // by time
		t.Errorf("orders %q, want %q, %v", got, want, err)
	}
	if cost != "3 LIST 5 GET 0 other" {
		t.Errorf("the 5 orders of 3 users took %s", cost)
	}
	lists, err = db.Users.LoadOrders(t.Context(), users, relations.OrderWhere.Total.Gt(1))
	if got, want := ids(lists), "o4 o2 | o3 | | o4 o2 | | "; err != nil || got != want {
		t.Errorf("orders above 1: %q, want %q, %v", got, want, err)
	}
	// The wider partition byUser has each order once, the one by payer only some.
	if lists, err = db.Users.LoadPaid(t.Context(), users[:2]); err != nil || ids(lists) != "| o0 o2 o4 | " {
		t.Errorf("paid: %q, %v", ids(lists), err)
	}
}

// TestLoadsGoThroughTheirCollection: hooks and middleware of the resource that is
// loaded have their say, and an error of theirs is told for each place.
func TestLoadsGoThroughTheirCollection(t *testing.T) {
	db, _ := related(t)
	hidden := errors.New("hidden")
	db.Users.Hook(s3db.Hooks[relations.User, relations.UserID]{AfterGet: func(_ context.Context, d *relations.User) error {
		if d.ID == "u1" {
			return hidden
		}
		return nil
	}})
	orders, err := db.Orders.GetMany(t.Context(), "o0", "o1", "o3")
	if err != nil {
		t.Fatal(err)
	}
	users, err := db.Orders.LoadUser(t.Context(), orders)
	var bulk *s3db.BulkError
	if !errors.As(err, &bulk) || !errors.Is(err, hidden) || len(bulk.Failed) != 2 || bulk.Failed[1].Index != 2 || users[0] == nil || users[1] != nil {
		t.Errorf("users %v, %v", users, err)
	}
	lists := 0
	db.Orders.Hook(s3db.Hooks[relations.Order, relations.OrderID]{BeforeList: func(context.Context, s3db.Query[relations.Order, relations.OrderID]) error {
		lists++
		return nil
	}})
	found, err := db.Users.LoadOrders(t.Context(), slices.Concat(users[:1], users[:1]))
	if err != nil || len(found[0]) != 3 || len(found[1]) != 3 || lists != 1 {
		t.Errorf("orders %v, %v, by %d lists", found, err, lists)
	}
}

// TestRefRules: what no document can have as its id is refused.
func TestRefRules(t *testing.T) {
	db, _ := related(t)
	at := time.Unix(1, 0)
	for _, in := range []relations.OrderInsert{{UserID: ""}, {UserID: "a\x00"}, {UserID: "u0", ParentID: new(relations.OrderID("a b"))}} {
		in.At = at
		_, err := db.Orders.Insert(t.Context(), in)
		var invalid *s3db.ValidationError
		if !errors.As(err, &invalid) || len(invalid.Violations) != 1 || invalid.Violations[0].Rule != "id" {
			t.Errorf("%+v: %v", in, err)
		}
	}
	if _, err := db.Orders.Insert(t.Context(), relations.OrderInsert{UserID: "any text", At: at}); err != nil { // charset: any
		t.Error(err)
	}
	q := db.Orders.Query().Where(relations.OrderWhere.UserID.Eq("u1"))
	if n, err := q.Count(t.Context()); err != nil || n != 2 || !strings.Contains(q.Plan().String(), "byUser") {
		t.Errorf("%d orders by predicate, %v, plan %s", n, err, q.Plan())
	}
}
