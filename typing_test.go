package s3dbgen_test

import (
	"strings"
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/snippets"
)

// TestMistakesDoNotCompile: what a program confuses is found by the compiler. Each pair of
// lines differs in one place; the first compiles, the second does not, for the reason given.
func TestMistakesDoNotCompile(t *testing.T) {
	t.Parallel()
	compiler, err := snippets.NewCompiler(t.Context(), ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ about, right, wrong, because string }{
		{"the id of another resource", `db.Users.Get(ctx, shop.UserID("a"))`, `db.Users.Get(ctx, shop.OrderID("a"))`, "cannot use"},
		{"an id that is any text", `db.Users.Delete(ctx, shop.UserID(name))`, `db.Users.Delete(ctx, name)`, "cannot use name"},
		{"the input of another resource", `db.Users.Insert(ctx, shop.UserInsert{})`, `db.Users.Insert(ctx, shop.OrderInsert{})`, "cannot use"},
		{"an attribute that there is not", `_ = shop.UserInsert{Name: "Ada"}`, `_ = shop.UserInsert{Title: "Ada"}`, "unknown field"},
		{"an attribute that the client sets", `_ = shop.User{CreatedAt: time.Now()}`, `_ = shop.UserInsert{CreatedAt: time.Now()}`, "unknown field"},
		{"an attribute that never changes", `_ = shop.OrderInsert{User: "ada"}`, `_ = shop.OrderPatch{User: s3db.Set(shop.UserID("ada"))}`, "unknown field"},
		{"a value of another type in an input", `_ = shop.ReviewInsert{Stars: 5}`, `_ = shop.ReviewInsert{Stars: "5"}`, "cannot use"},
		{"a value of another type in a patch", `_ = shop.ReviewPatch{Stars: s3db.Set(int64(5))}`, `_ = shop.ReviewPatch{Stars: s3db.Set("5")}`, "cannot use"},
		{"the patch of another resource", `db.Users.Update(ctx, "a", shop.UserPatch{})`, `db.Users.Update(ctx, "a", shop.OrderPatch{})`, "cannot use"},
		{"an addition to a text", `_ = shop.ProductPatch{Stock: s3db.Add(int64(1))}`, `_ = shop.ProductPatch{Name: s3db.Add("x")}`, "does not satisfy"},
		{"a text for an enum", `_ = shop.UserPatch{Role: s3db.Set(shop.UserRoleAdmin)}`, `_ = shop.UserPatch{Role: s3db.Set(name)}`, "cannot use"},
		{"a secret in plain text", `_ = shop.UserPatch{TaxNumber: s3db.Set(s3db.NewSecret("1"))}`, `_ = shop.UserPatch{TaxNumber: s3db.Set("1")}`, "cannot use"},
		{"a secret taken for its value", `var _ string = (&shop.User{}).APIKey.Reveal()`, `var _ string = (&shop.User{}).APIKey`, "cannot use"},
		{"a predicate on another type", `_ = shop.UserWhere.Age.Gt(30)`, `_ = shop.UserWhere.Age.Gt("30")`, "cannot use"},
		{"a predicate without an order", `_ = shop.UserWhere.Role.Eq(shop.UserRoleAdmin)`, `_ = shop.UserWhere.Role.Gt(shop.UserRoleAdmin)`, "has no field or method Gt"},
		{"a predicate on a secret", `_ = shop.UserWhere.Email.Eq("a@x.io")`, `_ = shop.UserWhere.TaxNumber.Eq("1")`, "has no field or method"},
		{"a predicate of another resource", `db.Users.Query().Where(shop.UserWhere.Age.Gt(1))`, `db.Users.Query().Where(shop.ReviewWhere.Stars.Gt(1))`, "cannot use"},
		{"the order of another resource", `db.Users.Query().OrderBy(shop.UserWhere.Name.Asc())`, `db.Users.Query().OrderBy(shop.ReviewWhere.Title.Asc())`, "cannot use"},
		{"a value of another type in a partition", `db.Products.ByPrice(decimal.NewFromInt(5))`, `db.Products.ByPrice(5)`, "cannot use"},
		{"the second field of a partition before the first", `db.Reviews.ByProduct("tea").Stars(5)`, `db.Reviews.Stars(5)`, "undefined"},
		{"a unique value of another type", `db.Users.ByEmail(ctx, "a@x.io")`, `db.Users.ByEmail(ctx, 5)`, "cannot use"},
		{"documents of another resource in a relation", `db.Orders.LoadBuyer(ctx, []*shop.Order{})`, `db.Orders.LoadBuyer(ctx, []*shop.User{})`, "cannot use"},
		{
			"a hook of another resource",
			`db.Users.Hook(shop.UserHooks{BeforeInsert: func(context.Context, *shop.User) error { return nil }})`,
			`db.Users.Hook(shop.UserHooks{BeforeInsert: func(context.Context, *shop.Order) error { return nil }})`, "cannot use",
		},
		{
			"the middleware of another resource",
			`db.Users.Use(shop.UserMiddleware{})`, `db.Users.Use(shop.OrderMiddleware{})`, "cannot use",
		},
		{
			"events of another resource",
			`db.Users.Subscribe(func(_ context.Context, e s3db.Event[shop.User, shop.UserID]) {})`,
			`db.Users.Subscribe(func(_ context.Context, e s3db.Event[shop.Order, shop.OrderID]) {})`, "cannot use",
		},
		{
			"the result of another resource",
			`func() (*shop.User, error) { return db.Users.Get(ctx, "a") }()`, `func() (*shop.Order, error) { return db.Users.Get(ctx, "a") }()`, "cannot use",
		},
	} {
		check := func(code string) string {
			page := &snippets.Page{Path: "x.md", Blocks: []*snippets.Block{{Page: "x.md", Line: 1, Language: "go", Text: "var name string\n" + code + "\n"}}}
			return strings.Join(compiler.Check(page), "\n")
		}
		if problems := check(test.right); problems != "" {
			t.Errorf("%s: what is right does not compile: %s", test.about, problems)
		}
		if problems := check(test.wrong); !strings.Contains(problems, test.because) {
			t.Errorf("%s: want %q, got %q\n%s", test.about, test.because, problems, test.wrong)
		}
	}
}
