package s3db_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// What is inserted is validated, completed and stored; it is an error when the id is
// taken.
func ExampleCollection_Insert() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	u, err := db.Users.Insert(ctx, shop.UserInsert{ID: "ada", Name: " Ada ", Email: "Ada@Example.com", Password: "correct horse"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%q %s %s\n", u.Name, u.Email, u.Role)

	_, err = db.Users.Insert(ctx, shop.UserInsert{ID: "ada", Name: "Ada", Email: "other@example.com", Password: "correct horse"})
	fmt.Println(errors.Is(err, s3db.ErrAlreadyExists))
	// Output:
	// "Ada" ada@example.com customer
	// true
}

// Every broken rule is reported, and nothing was sent.
func ExampleValidationError() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	_, err := db.Users.Insert(ctx, shop.UserInsert{Name: "A", Email: "nobody", Password: "short"})
	if invalid, ok := errors.AsType[*s3db.ValidationError](err); ok {
		for _, v := range invalid.Violations {
			fmt.Printf("%s (%s): %s\n", v.Path, v.Rule, v.Message)
		}
	}
	// Output:
	// password (min): must have at least 8 characters
	// name (min): must have at least 2 characters, has 1
	// email (email): must be an email address
}

// A value of a unique attribute belongs to one document, also when two programs
// insert at the same time.
func ExampleErrUnique() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	if _, err := db.Users.Insert(ctx, ada()); err != nil {
		log.Fatal(err)
	}
	_, err := db.Users.Insert(ctx, shop.UserInsert{ID: "eve", Name: "Eve", Email: "ADA@example.com", Password: "let me in!"})
	fmt.Println(errors.Is(err, s3db.ErrUnique))

	if e, ok := errors.AsType[*s3db.Error](err); ok {
		fmt.Println(e.Op, e.Resource, e.ID, e.Field)
	}
	// Output:
	// true
	// insert users eve email
}

// A patch changes what it names: Set gives a value, Clear takes an optional one away.
func ExampleCollection_Update() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	in := ada()
	in.Age = new(int64(36))
	if _, err := db.Users.Insert(ctx, in); err != nil {
		log.Fatal(err)
	}
	u, err := db.Users.Update(ctx, "ada", shop.UserPatch{Name: s3db.Set("Ada King"), Age: s3db.Clear[int64]()})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(u.Name, u.Age == nil, u.Email)

	_, err = db.Users.Update(ctx, "bob", shop.UserPatch{Name: s3db.Set("Bob")})
	fmt.Println(errors.Is(err, s3db.ErrNotFound))
	// Output:
	// Ada King true ada@example.com
	// true
}

// Only if the document is still what the caller has seen.
func ExampleIfMatch() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	seen, err := db.Users.Insert(ctx, ada())
	if err != nil {
		log.Fatal(err)
	}
	if _, err := db.Users.Update(ctx, "ada", shop.UserPatch{Newsletter: s3db.Set(true)}); err != nil { // another program
		log.Fatal(err)
	}
	_, err = db.Users.Update(ctx, "ada", shop.UserPatch{Name: s3db.Set("Augusta")}, s3db.IfMatch(seen.Meta.Revision))
	fmt.Println(errors.Is(err, s3db.ErrConflict))
	err = db.Users.Delete(ctx, "ada", s3db.IfMatch(seen.Meta.Revision))
	fmt.Println(errors.Is(err, s3db.ErrConflict))
	// Output:
	// true
	// true
}

// Whoever holds the document saves the read: one request in place of two.
func ExampleCollection_UpdateFrom() {
	ctx := context.Background()
	var sent s3db.RequestCounter
	db := openShop(ctx, s3db.WithRequestObserver(sent.Observe))
	defer db.Close()

	u, err := db.Users.Insert(ctx, ada())
	if err != nil {
		log.Fatal(err)
	}
	before := sent.Counts()
	if u, err = db.Users.UpdateFrom(ctx, u, shop.UserPatch{Name: s3db.Set("Ada King")}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(u.Name, sent.Counts().Sub(before).Total())
	// Output:
	// Ada King 1
}

// The patch depends on the document. The function runs again when another writer was
// faster.
func ExampleCollection_UpdateFunc() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	if _, err := db.Reviews.Insert(ctx, review("r1", 4)); err != nil {
		log.Fatal(err)
	}
	r, err := db.Reviews.UpdateFunc(ctx, "r1", func(r *shop.Review) (shop.ReviewPatch, error) {
		return shop.ReviewPatch{Stars: s3db.Set(min(r.Stars+3, 5))}, nil
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Stars)
	// Output:
	// 5
}

// Add to a number, whatever it is by now: no addition is lost.
func ExampleAdd() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	if _, err := db.Reviews.Insert(ctx, review("r1", 4)); err != nil {
		log.Fatal(err)
	}
	r, err := db.Reviews.Update(ctx, "r1", shop.ReviewPatch{Stars: s3db.Add(int64(1))})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Stars)

	_, err = db.Reviews.Update(ctx, "r1", shop.ReviewPatch{Stars: s3db.Add(int64(1))}) // the rules hold for the sum
	fmt.Println(err)
	// Output:
	// 5
	// s3db: update reviews/r1: validation failed: stars: max: must be at most 5
}

// Insert, or set what is given and keep the rest.
func ExampleCollection_Upsert() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	in := ada()
	in.Age = new(int64(36))
	for _, name := range []string{"Ada", "Ada King"} {
		in.Name = name
		u, err := db.Users.Upsert(ctx, "ada", in)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(u.Name, *u.Age)
		in.Age = nil // keeps the age
	}
	// Output:
	// Ada 36
	// Ada King 36
}

// The document becomes what is given; what is left out is gone.
func ExampleCollection_Replace() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	in := ada()
	in.Age = new(int64(36))
	if _, err := db.Users.Insert(ctx, in); err != nil {
		log.Fatal(err)
	}
	u, err := db.Users.Replace(ctx, "ada", ada())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(u.Name, u.Age == nil)
	// Output:
	// Ada true
}

// Read a document, or ask whether there is one.
func ExampleCollection_Get() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	if _, err := db.Users.Insert(ctx, ada()); err != nil {
		log.Fatal(err)
	}
	u, err := db.Users.Get(ctx, "ada")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(u.Name)

	_, err = db.Users.Get(ctx, "bob")
	fmt.Println(err, errors.Is(err, s3db.ErrNotFound))
	there, err := db.Users.Exists(ctx, "bob")
	fmt.Println(there, err)
	// Output:
	// Ada
	// s3db: get users/bob: not found true
	// false <nil>
}

// A delete takes entries, unique values and the content along.
func ExampleCollection_Delete() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	if _, err := db.Users.Insert(ctx, ada()); err != nil {
		log.Fatal(err)
	}
	fmt.Println(db.Users.Delete(ctx, "ada"))
	fmt.Println(errors.Is(db.Users.Delete(ctx, "ada"), s3db.ErrNotFound))
	// Output:
	// <nil>
	// true
}

// An import keeps the times at which documents were created elsewhere.
func ExampleKeepTimestamps() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	born := time.Date(2020, time.March, 14, 0, 0, 0, 0, time.UTC)
	u, err := db.Users.Insert(ctx, ada(), s3db.KeepTimestamps(born, born))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(u.CreatedAt, u.UpdatedAt.Equal(born))
	// Output:
	// 2020-03-14 00:00:00 +0000 UTC true
}
