package main

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/s3dbgen/s3dbgen/example/barcode"
	shop "github.com/s3dbgen/s3dbgen/example/generated"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// maybe returns one of the values, or nil.
func maybe[T any](rnd *rand.Rand, list ...T) *T {
	if rnd.IntN(3) == 0 {
		return nil
	}
	return &list[rnd.IntN(len(list))]
}

// fillShop stores documents whose values repeat, so that queries find several.
func fillShop(t *testing.T, db *shop.DB, n int) {
	t.Helper()
	ctx, rnd := t.Context(), rand.New(rand.NewPCG(7, 7))
	pick := func(list ...string) string { return list[rnd.IntN(len(list))] }
	for i := range n {
		at := s3db.KeepTimestamps(clock.Add(time.Duration(rnd.IntN(n))*7*time.Hour), clock)
		in := shop.ProductInsert{
			ID: shop.ProductID(pick("a", "b/", "ü", "") + fmt.Sprint(i)), Name: pick("tea", "tea pot", "cup"), Supplier: "s", Code: fmt.Sprintf("C%d", i),
			Category: pick("x", "kitchen", "kitchen and a long name", "kitchen and a long nose"),
			Price:    decimal.New(int64(rnd.IntN(20))+1, int32(rnd.IntN(3))-1), Stock: new(int64(rnd.IntN(5))), EAN: maybe[barcode.EAN](rnd, "10000007", "10000014", "10000021", "10000038"),
			MadeIn: [][]string{nil, {"PT"}, {"BR", "PT"}}[rnd.IntN(3)],
		}
		must[*shop.Product](t)(db.Products.Insert(ctx, in, at))
		user := shop.UserInsert{
			Name: pick("Ada", "Bob", "Bobby"), Email: fmt.Sprintf("u%d@x.io", i), Password: "12345678", Age: new(int64(rnd.IntN(5)) + 1),
			Role: new([]shop.UserRole{shop.UserRoleAdmin, shop.UserRoleStaff}[rnd.IntN(2)]), Newsletter: new(rnd.IntN(2) == 0),
		}
		if rnd.IntN(4) > 0 {
			user.Profile = &shop.UserProfile{Country: pick("BR", "PT", "US")}
			if rnd.IntN(2) > 0 {
				user.Profile.Preferences = &shop.UserProfilePreferences{Theme: pick("light", "dark")}
			}
		}
		must[*shop.User](t)(db.Users.Insert(ctx, user, at))
		must[*shop.Order](t)(db.Orders.Insert(ctx, shop.OrderInsert{
			User: shop.UserID(pick("ada", "bob")), Status: new([]shop.OrderStatus{shop.OrderStatusPaid, shop.OrderStatusShipped}[rnd.IntN(2)]),
			PlacedAt: clock.Add(time.Duration(rnd.IntN(96)) * time.Hour), Note: maybe(rnd, "n", "nn"),
			Items:    []shop.OrderItem{{Product: pick("tea", "cup"), Quantity: int64(rnd.IntN(3)) + 1, Price: decimal.New(1, 0)}},
			Shipping: shop.OrderShipping{Street: "s", City: pick("Porto", "Rio"), Country: "PT"},
		}, at))
	}
}

// sorting is an order with what it means.
type sorting[T any] struct {
	order   s3db.Order[*T]
	compare func(a, b *T) int
}

// compareQueries runs random queries of some predicates and orders, and compares
// what they find with what the predicates say of each document.
func compareQueries[T any, ID ~string](t *testing.T, start s3db.Query[T, ID], id func(*T) ID, leaves []s3db.Predicate[*T], sortings []sorting[T]) {
	t.Helper()
	ctx, rnd := t.Context(), rand.New(rand.NewPCG(1, 2))
	all := must[[]*T](t)(start.List(ctx))
	ids := func(list []*T) (names []string) {
		for _, d := range list {
			names = append(names, string(id(d)))
		}
		return names
	}
	leaf := func() s3db.Predicate[*T] { return leaves[rnd.IntN(len(leaves))] }
	access := map[string]int{}
	for range 100 {
		q := start
		var where []s3db.Predicate[*T]
		for range rnd.IntN(4) {
			switch p := leaf(); rnd.IntN(8) {
			case 0:
				where = append(where, s3db.Or(p, leaf()))
			case 1:
				where = append(where, s3db.Not(p))
			case 2:
				where = append(where, s3db.And(p, s3db.Or(leaf(), leaf(), s3db.Not(leaf()))))
			default:
				where = append(where, p)
			}
		}
		q = q.Where(where...)
		var order []sorting[T]
		for range rnd.IntN(3) {
			order = append(order, sortings[rnd.IntN(len(sortings))])
		}
		var orders []s3db.Order[*T]
		for _, s := range order {
			orders = append(orders, s.order)
		}
		q = q.OrderBy(orders...)
		var want []*T
		for _, d := range all {
			if !slices.ContainsFunc(where, func(p s3db.Predicate[*T]) bool { return !p.Match(d) }) {
				want = append(want, d)
			}
		}
		plan := q.Plan()
		access[plan.Access]++
		got := must[[]*T](t)(q.List(ctx))
		compare := func(a, b *T) int {
			for _, s := range order {
				if c := s.compare(a, b); c != 0 {
					return c
				}
			}
			return 0
		}
		if !slices.IsSortedFunc(got, compare) {
			t.Errorf("%s\nis not in its order", plan)
		}
		if diff := gocmp.Diff(slices.Sorted(slices.Values(ids(want))), slices.Sorted(slices.Values(ids(got)))); diff != "" {
			t.Fatalf("%s\n(-want +got):\n%s", plan, diff)
		}
		if n := must[int](t)(q.Count(ctx)); n != len(want) {
			t.Errorf("%s\ncounted %d, want %d", plan, n, len(want))
		}
		var found []string
		for x, err := range q.IDs(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, string(x))
		}
		if !slices.Equal(found, ids(got)) {
			t.Errorf("%s\nids differ from the documents", plan)
		}
		// A window of the result, and all pages of it.
		offset, limit := rnd.IntN(5), rnd.IntN(7)
		window := got[min(offset, len(got)):min(offset+limit, len(got))]
		if list := ids(must[[]*T](t)(q.Offset(offset).Limit(limit).List(ctx))); !slices.Equal(list, ids(window)) {
			t.Errorf("%s\noffset %d, limit %d: %v, want %v", plan, offset, limit, list, ids(window))
		}
		if n := must[int](t)(q.Offset(offset).Limit(limit).Count(ctx)); n != len(window) {
			t.Errorf("%s\noffset %d, limit %d: counted %d, want %d", plan, offset, limit, n, len(window))
		}
		first, err := q.First(ctx)
		if len(got) == 0 && !errors.Is(err, s3db.ErrNotFound) || len(got) > 0 && (err != nil || id(first) != id(got[0])) {
			t.Errorf("%s\nfirst: %v, %v", plan, first, err)
		}
		var paged []string
		size := rnd.IntN(20) + 1
		for cursor := s3db.Cursor(""); ; {
			page := must[*s3db.Page[T]](t)(q.After(cursor).Page(ctx, size))
			if len(page.Items) > size || page.HasMore && len(page.Items) < size || page.HasMore != (page.Cursor != "") {
				t.Fatalf("%s\na page of %d has %d items, more %v, cursor %q", plan, size, len(page.Items), page.HasMore, page.Cursor)
			}
			paged = append(paged, ids(page.Items)...)
			if cursor = page.Cursor; cursor == "" {
				break
			}
		}
		if !slices.Equal(paged, ids(got)) {
			t.Errorf("%s\npages of %d: %v, want %v", plan, size, paged, ids(got))
		}
	}
	t.Logf("access: %v", access)
	for _, kind := range []string{"resource", "ids", "partition"} {
		if access[kind] == 0 {
			t.Errorf("no query took the way %q", kind)
		}
	}
}

// TestQueriesFindWhatTheySay runs random queries of every type of attribute, on
// every way there is to documents.
func TestQueriesFindWhatTheySay(t *testing.T) {
	db, _ := newShop(t)
	fillShop(t, db, 80)
	t.Run("products", func(t *testing.T) {
		w := shop.ProductWhere
		compareQueries(t, db.Products.Query(), func(d *shop.Product) shop.ProductID { return d.ID }, []s3db.Predicate[*shop.Product]{
			w.ID.Eq("a5"), w.ID.Eq("ü3"), w.ID.Eq("no/such"), w.ID.In("a5", "b/7", "12", ""), w.ID.Ge("b"), w.ID.Gt("a5"), w.ID.Lt("ü"), w.ID.Le("b/7"), w.ID.Prefix("b/"), w.ID.Prefix("a1"), w.ID.Ne("a5"), w.ID.Contains("3"),
			w.Category.Eq("kitchen"), w.Category.Eq("kitchen and a long name"), w.Category.In("x", "kitchen"), w.Category.Prefix("kitchen and a long n"), w.Category.Prefix("kitchen and a long no"), w.Category.Gt("kitchen"), w.Category.Le("kitchen and a long name"),
			w.CreatedAt.Gt(clock.Add(99 * time.Hour)), w.CreatedAt.Le(clock.Add(300 * time.Hour)), w.CreatedAt.Eq(clock.Add(70 * time.Hour)),
			w.Price.Eq(decimal.New(20, -1)), w.Price.Ge(decimal.New(5, 0)), w.Price.Lt(decimal.New(15, 0)), w.Price.In(decimal.New(1, 0), decimal.New(10, 0)),
			w.Stock.Eq(2), w.Stock.Gt(1), w.Stock.Ne(0), w.EAN.IsSet(), w.EAN.Eq("10000014"), w.EAN.Ne("10000014"), w.EAN.Gt("10000014"), w.MadeIn.Contains("PT"), w.MadeIn.IsSet(), w.Thumbnail.IsSet(),
			w.Supplier.Eq("s"), w.Code.Eq("C7"), w.Code.In("C7", "C9", "nope"), w.Name.Contains("pot"), w.Stock.In(),
		}, []sorting[shop.Product]{
			{w.ID.Asc(), func(a, b *shop.Product) int { return cmp.Compare(a.ID, b.ID) }},
			{w.ID.Desc(), func(a, b *shop.Product) int { return cmp.Compare(b.ID, a.ID) }},
			{w.CreatedAt.Desc(), func(a, b *shop.Product) int { return b.CreatedAt.Compare(a.CreatedAt) }},
			{w.CreatedAt.Asc(), func(a, b *shop.Product) int { return a.CreatedAt.Compare(b.CreatedAt) }},
			{w.Price.Asc(), func(a, b *shop.Product) int { return a.Price.Cmp(b.Price) }},
			{w.Category.Asc(), func(a, b *shop.Product) int { return cmp.Compare(a.Category, b.Category) }},
			{w.EAN.Desc(), func(a, b *shop.Product) int {
				return absentLast(a.EAN, b.EAN, func(x, y barcode.EAN) int { return cmp.Compare(y, x) })
			}},
		})
	})
	t.Run("users", func(t *testing.T) {
		w := shop.UserWhere
		compareQueries(t, db.Users.Query(), func(d *shop.User) shop.UserID { return d.ID }, []s3db.Predicate[*shop.User]{
			w.Profile.Country.Eq("BR"), w.Profile.Country.Ne("BR"), w.Profile.Country.In("PT", "US"), w.Profile.Country.IsSet(), w.Profile.Country.Prefix("P"), w.Profile.Country.Lt("PT"),
			w.Profile.Preferences.Theme.Eq("dark"), w.Profile.Preferences.Theme.IsSet(), w.Profile.Preferences.Theme.Gt("dark"),
			w.Email.Eq("u3@x.io"), w.Email.In("u3@x.io", "u4@x.io"), w.Age.Gt(2), w.Age.Le(3), w.Role.Eq(shop.UserRoleAdmin), w.Role.Ne(shop.UserRoleAdmin), w.Role.In(shop.UserRoleAdmin, shop.UserRoleStaff),
			w.Newsletter.Eq(true), w.Name.Prefix("Bob"), w.Name.Eq("Bob"), w.ID.In("x"), w.ID.Gt("V"), w.Nickname.IsSet(),
		}, []sorting[shop.User]{
			{w.Age.Asc(), func(a, b *shop.User) int { return cmp.Compare(*a.Age, *b.Age) }},
			{w.Name.Desc(), func(a, b *shop.User) int { return cmp.Compare(b.Name, a.Name) }},
			{w.Profile.Country.Asc(), func(a, b *shop.User) int {
				country := func(d *shop.User) *string {
					if d.Profile == nil {
						return nil
					}
					return &d.Profile.Country
				}
				return absentLast(country(a), country(b), strings.Compare)
			}},
		})
	})
	t.Run("orders", func(t *testing.T) {
		w := shop.OrderWhere
		some := must[*shop.Order](t)(db.Orders.Query().First(t.Context()))
		compareQueries(t, db.Orders.Query(), func(d *shop.Order) shop.OrderID { return d.ID }, []s3db.Predicate[*shop.Order]{
			w.User.Eq("ada"), w.Status.Eq(shop.OrderStatusPaid), w.Status.In(shop.OrderStatusPaid, shop.OrderStatusPending), w.PlacedAt.Ge(clock.Add(30 * time.Hour)), w.PlacedAt.Lt(clock.Add(60 * time.Hour)), w.PlacedAt.Eq(some.PlacedAt),
			w.Items.Any(shop.OrderItemWhere.Quantity.Gt(2)), w.Items.Any(s3db.And(shop.OrderItemWhere.Product.Eq("tea"), shop.OrderItemWhere.Quantity.Eq(1))), w.Items.IsSet(),
			w.Shipping.City.Eq("Rio"), w.Note.Eq("n"), w.Note.IsSet(), w.ID.Eq(some.ID), w.ID.Le(some.ID), w.Reference.IsSet(),
		}, []sorting[shop.Order]{
			{w.PlacedAt.Asc(), func(a, b *shop.Order) int { return a.PlacedAt.Compare(b.PlacedAt) }},
			{w.User.Asc(), func(a, b *shop.Order) int { return cmp.Compare(a.User, b.User) }},
			{w.ID.Asc(), func(a, b *shop.Order) int { return cmp.Compare(a.ID, b.ID) }},
		})
	})
	t.Run("a partition", func(t *testing.T) {
		w := shop.ProductWhere
		products := must[[]*shop.Product](t)(db.Products.ByCategory("kitchen", "x").CreatedAt().From(clock.Add(50 * time.Hour)).Where(w.Stock.Gt(1)).OrderBy(w.Price.Asc()).List(t.Context()))
		want := 0
		for _, d := range must[[]*shop.Product](t)(db.Products.GetAll(t.Context())) {
			if (d.Category == "kitchen" || d.Category == "x") && !d.CreatedAt.Before(clock.Add(50*time.Hour)) && d.Stock > 1 {
				want++
			}
		}
		sorted := slices.IsSortedFunc(products, func(a, b *shop.Product) int { return a.Price.Cmp(b.Price) })
		if len(products) != want || want == 0 || !sorted {
			t.Errorf("found %d products, want %d; sorted: %v", len(products), want, sorted)
		}
	})
}

func absentLast[T any](a, b *T, compare func(a, b T) int) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return compare(*a, *b)
}
