// The example opens a small shop, walks through what a generated client can do,
// and says what each step cost.
//
//	go run ./example                          # in memory
//	go run ./example -db file://./shop.db     # in one file
//	go run ./example -db s3://bucket/prefix   # in S3, with the credentials of the environment
//
// Its schema is schema.yaml, the package made from it is in generated.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"github.com/s3dbgen/s3dbgen/example/barcode"
	shop "github.com/s3dbgen/s3dbgen/example/generated"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// passphrase is a constant, for a database that is thrown away.
const passphrase = "a passphrase that a real program reads from its environment"

func main() {
	url := flag.String("db", "mem://", "where the shop is: mem://, file://PATH or s3://BUCKET/PREFIX")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *url, passphrase, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run opens the shop at url and shows it to out.
func run(ctx context.Context, url, passphrase string, out io.Writer) error {
	t := &tour{out: out, requests: &s3db.RequestCounter{}}

	db, err := shop.Open(ctx, url,
		// Secret attributes are encrypted with a key that is made from this.
		s3db.WithPassphrase(passphrase),
		// The schema says that products get their ids from the program.
		s3db.WithIDs("products", productID),
		// Counts requests, to tell what things cost.
		s3db.WithRequestObserver(t.requests.Observe),
	)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // nothing is lost: each write was durable when it returned
	t.db = db
	t.done("Open the shop")

	for _, step := range []struct {
		title string
		show  func(context.Context) error
	}{
		{"Insert a user", t.insert},
		{"Try to insert nonsense", t.validation},
		{"Try to insert the same email again", t.unique},
		{"Keep secrets", t.secrets},
		{"Change what was read", t.update},
		{"Change it from two places at once", t.conflict},
		{"Insert or update", t.upsert},
		{"Sell one product to many at once", t.concurrency},
		{"Place an order", t.order},
		{"Write a review that is too long", t.tooLong},
		{"Attach a file", t.content},
		{"Read many at once", t.getMany},
		{"Delete what was made", t.cleanUp},
	} {
		if err := step.show(ctx); err != nil {
			return fmt.Errorf("%s: %w", strings.ToLower(step.title), err)
		}
		t.done(step.title)
	}
	t.bill()
	return nil
}

// productID makes the ids of products that are inserted without one.
func productID() (string, error) {
	id, err := s3db.NanoID(8)()
	return "product/" + id, err
}

// insert stores a document. Inputs are plain structs; what is optional or has a
// default is a pointer or may be left out.
func (t *tour) insert(ctx context.Context) error {
	ada, err := t.db.Users.Insert(ctx, shop.UserInsert{
		ID:       "ada", // left out, it would be made
		Name:     "  Ada Lovelace ",
		Email:    "Ada@Example.com",
		Password: "correct horse",
		Age:      new(int64(36)),
		Profile:  &shop.UserProfile{Country: "gb", Bio: new("Wrote the first program.")},
	})
	if err != nil {
		return err
	}
	t.say("stored %s <%s> from %s as %q", ada.Name, ada.Email, ada.Profile.Country, ada.ID)
	t.say("her role is %q by default; she got an API key of %d characters", ada.Role, len(ada.APIKey.Reveal()))

	again, err := t.db.Users.Get(ctx, "ada")
	if err != nil {
		return err
	}
	t.say("read back: the same revision: %t, created at the same instant: %t",
		again.Meta.Revision == ada.Meta.Revision, again.CreatedAt.Equal(ada.CreatedAt))
	return nil
}

// validation shows that all broken rules are reported at once, and that nothing
// was sent.
func (t *tour) validation(ctx context.Context) error {
	_, err := t.db.Users.Insert(ctx, shop.UserInsert{
		Name:     "A",
		Email:    "not an email",
		Password: "short",
		Age:      new(int64(-1)),
		Profile:  &shop.UserProfile{Country: "Britain"},
	})
	var invalid *s3db.ValidationError
	if !errors.As(err, &invalid) {
		return unexpected(err)
	}
	for _, v := range invalid.Violations {
		t.say("%s: %s", v.Path, v.Message)
	}

	// A barcode has a type of this program, which finds two digits that were swapped.
	_, err = t.db.Products.Insert(ctx, shop.ProductInsert{
		ID: "pen", Name: "Pen", Supplier: "acme-ltd", Code: "p1", Category: "office", Price: decimal.New(99, -2),
		EAN: new(barcode.EAN("4006381333913")),
	})
	if !errors.Is(err, s3db.ErrValidation) {
		return unexpected(err)
	}
	t.say("%v", err)
	return nil
}

// unique shows that an email belongs to one user, whoever comes first.
func (t *tour) unique(ctx context.Context) error {
	_, err := t.db.Users.Insert(ctx, shop.UserInsert{ID: "eve", Name: "Eve", Email: "ADA@example.com", Password: "let me in!"})
	if !errors.Is(err, s3db.ErrUnique) {
		return unexpected(err)
	}
	t.say("%v", err)
	return nil
}

// secrets shows what becomes of passwords and secrets.
func (t *tour) secrets(ctx context.Context) error {
	ada, err := t.db.Users.Update(ctx, "ada", shop.UserPatch{
		TaxNumber: s3db.Set(s3db.NewSecret("12 345 678")),
	})
	if err != nil {
		return err
	}
	t.say("printed, her tax number is %v; revealed, it is %s", ada.TaxNumber, ada.TaxNumber.Reveal())
	t.say("the password fits: %t; another fits: %t", ada.Password.Verify("correct horse"), ada.Password.Verify("battery staple"))
	return nil
}

// update changes some attributes. UpdateFrom starts from a document at hand and
// so needs no read; it fails if someone else changed the document meanwhile.
func (t *tour) update(ctx context.Context) error {
	ada, err := t.db.Users.Get(ctx, "ada")
	if err != nil {
		return err
	}
	ada, err = t.db.Users.UpdateFrom(ctx, ada, shop.UserPatch{
		Name: s3db.Set("Ada King"),
		Age:  s3db.Clear[int64](),
	})
	if err != nil {
		return err
	}
	t.say("she is called %s now, and her age is set: %t", ada.Name, ada.Age != nil)
	return nil
}

// conflict shows that nobody overwrites what they have not seen.
func (t *tour) conflict(ctx context.Context) error {
	seen, err := t.db.Users.Get(ctx, "ada")
	if err != nil {
		return err
	}
	// Someone else is faster.
	if _, err := t.db.Users.Update(ctx, "ada", shop.UserPatch{Newsletter: s3db.Set(true)}); err != nil {
		return err
	}
	_, err = t.db.Users.Update(ctx, "ada", shop.UserPatch{Name: s3db.Set("Augusta")}, s3db.IfMatch(seen.Meta.Revision))
	if !errors.Is(err, s3db.ErrConflict) {
		return unexpected(err)
	}
	t.say("only if it is still what I saw: %v", s3db.ErrConflict)

	// Without a condition both changes hold: a patch touches what it names only.
	ada, err := t.db.Users.Update(ctx, "ada", shop.UserPatch{Name: s3db.Set("Augusta")})
	if err != nil {
		return err
	}
	t.say("whatever it is by now: name %s, newsletter %t", ada.Name, ada.Newsletter)
	return nil
}

// upsert inserts a document or sets what is given of an existing one.
func (t *tour) upsert(ctx context.Context) error {
	kettle := shop.ProductInsert{
		Name:     "Kettle",
		Supplier: "acme-ltd",
		Code:     "k1",
		Category: "kitchen",
		Price:    decimal.RequireFromString("19.90"),
		Warranty: new(2 * 365 * 24 * time.Hour),
		Stock:    new(int64(5)),
		Labels:   map[string]string{"colour": "red"},
		EAN:      new(barcode.EAN("4006381333931")),
	}
	for range 2 {
		p, err := t.db.Products.Upsert(ctx, "chá/kettle", kettle)
		if err != nil {
			return err
		}
		t.say("%s costs %s, %d in stock", p.Name, p.Price.StringFixed(2), p.Stock)
		kettle.Price = decimal.RequireFromString("17.50")
		kettle.Stock = nil // keep
	}
	return nil
}

// concurrency sells five kettles to eight customers. UpdateFunc runs its function
// again when another sale came between.
func (t *tour) concurrency(ctx context.Context) error {
	soldOut := errors.New("sold out")
	results := make([]error, 8)
	var customers sync.WaitGroup
	for i := range results {
		customers.Go(func() {
			_, results[i] = t.db.Products.UpdateFunc(ctx, "chá/kettle", func(p *shop.Product) (shop.ProductPatch, error) {
				if p.Stock == 0 {
					return shop.ProductPatch{}, soldOut
				}
				return shop.ProductPatch{Stock: s3db.Set(p.Stock - 1)}, nil
			})
		})
	}
	customers.Wait()

	sold := 0
	for _, err := range results {
		switch {
		case err == nil:
			sold++
		case !errors.Is(err, soldOut):
			return err
		}
	}
	t.say("%d kettles sold, %d customers too late", sold, len(results)-sold)
	return nil
}

// order stores objects within objects.
func (t *tour) order(ctx context.Context) error {
	order, err := t.db.Orders.Insert(ctx, shop.OrderInsert{
		ID:       "order-1",
		User:     "ada",
		PlacedAt: time.Date(2025, time.December, 24, 18, 30, 0, 0, time.UTC),
		Items: []shop.OrderItem{
			{Product: "chá/kettle", Quantity: 2, Price: decimal.RequireFromString("17.50")},
		},
		Shipping: shop.OrderShipping{Street: "12 St James's Square", City: "London", Country: "gb"},
	})
	if err != nil {
		return err
	}
	total := decimal.Zero
	for _, item := range order.Items {
		total = total.Add(item.Price.Mul(decimal.NewFromInt(item.Quantity)))
	}
	t.say("%s is %s, %s in total, sent to %s", order.ID, order.Status, total.StringFixed(2), order.Shipping.City)

	order, err = t.db.Orders.Update(ctx, order.ID, shop.OrderPatch{Status: s3db.Set(shop.OrderStatusPaid)})
	if err != nil {
		return err
	}
	t.say("%s is %s", order.ID, order.Status)
	return nil
}

// tooLong shows what happens to a document that does not fit the 2 KB of metadata
// which S3 keeps: what its resource says. Reviews are cut, and there is an event.
func (t *tour) tooLong(ctx context.Context) error {
	cancel := t.db.Reviews.OnExceedsLimit(func(_ context.Context, e s3db.ExceedsLimit[shop.Review]) {
		t.say("event: %d bytes are %d more than the limit of %d; cut: %s", e.TotalSize, e.Excess, e.Limit, strings.Join(e.Truncated, ", "))
	})
	defer cancel()
	review, err := t.db.Reviews.Insert(ctx, shop.ReviewInsert{
		ID:      "first",
		Product: "chá/kettle",
		User:    "ada",
		Stars:   5,
		Title:   "It boils",
		Text:    strings.Repeat("It really does. ", 200),
	})
	if err != nil {
		return err
	}
	t.say("stored %q whole, and a text that ends in %q", review.Title, review.Text[len(review.Text)-10:])
	return nil
}

// content keeps bytes of any number beside a document and reads a part of them.
func (t *tour) content(ctx context.Context) error {
	ada, err := t.db.Users.SetContent(ctx, "ada", strings.NewReader("The engine has no pretensions whatever."), s3db.ContentType("text/plain"))
	if err != nil {
		return err
	}
	t.say("attached %d bytes of %s", ada.Meta.Content.Size, ada.Meta.Content.Type)
	file, err := t.db.Users.Content(ctx, "ada", s3db.ContentRange{Offset: 4, Length: 6})
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // what was not read is of no interest
	part, err := io.ReadAll(file)
	if err != nil {
		return err
	}
	t.say("bytes 4 to 9 are %q", part)
	return nil
}

// getMany reads documents in parallel and keeps their order; one that is missing
// does not hide the others.
func (t *tour) getMany(ctx context.Context) error {
	users, err := t.db.Users.GetMany(ctx, "ada", "bob")
	if !errors.Is(err, s3db.ErrNotFound) {
		return unexpected(err)
	}
	t.say("%s is here, bob is not: %t", users[0].Name, users[1] == nil)
	return nil
}

// cleanUp deletes everything, so that the tour can be taken again.
func (t *tour) cleanUp(ctx context.Context) error {
	if err := errors.Join(
		t.db.Reviews.Delete(ctx, "first"),
		t.db.Orders.Delete(ctx, "order-1"),
		t.db.Products.Delete(ctx, "chá/kettle"),
		t.db.Users.Delete(ctx, "ada"),
	); err != nil {
		return err
	}
	left, err := t.db.Users.Exists(ctx, "ada")
	if err != nil {
		return err
	}
	t.say("ada is still here: %t", left)
	return nil
}

// unexpected is the error of a step that should have failed in another way.
func unexpected(err error) error {
	if err == nil {
		return errors.New("it should have failed")
	}
	return err
}
