package s3db_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Hooks run inside the client: no method goes around them. What a Before hook sets is
// validated and stored; its error ends the write.
func ExampleCollection_Hook() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	remove := db.Users.Hook(shop.UserHooks{
		BeforeInsert: func(_ context.Context, u *shop.User) error {
			u.Nickname = new(strings.ToLower(u.Name))
			return nil
		},
		AfterUpdate: func(_ context.Context, old, u *shop.User) error {
			fmt.Println(old.Name, "is called", u.Name, "now")
			return nil
		},
		BeforeDelete: func(context.Context, *shop.User) error { return errors.New("users are never deleted") },
	})
	defer remove()

	u, err := db.Users.Insert(ctx, ada())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(*u.Nickname)
	if _, err := db.Users.Update(ctx, "ada", shop.UserPatch{Name: s3db.Set("Augusta")}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(db.Users.Delete(ctx, "ada"))
	// Output:
	// ada
	// Ada is called Augusta now
	// s3db: delete users/ada: hook BeforeDelete: users are never deleted
}

// welcome is an object with a method of the name of a hook.
type welcome struct{ out io.Writer }

func (w welcome) AfterInsert(_ context.Context, u *shop.User) error {
	_, err := fmt.Fprintln(w.out, "Hello,", u.Name)
	return err
}

// An object whose methods are hooks.
func ExampleCollection_HookObject() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	remove, err := db.Users.HookObject(welcome{os.Stdout})
	if err != nil {
		log.Fatal(err)
	}
	defer remove()
	if _, err := db.Users.Insert(ctx, ada()); err != nil {
		log.Fatal(err)
	}
	// Output:
	// Hello, Ada
}

// An After hook that fails does not undo the write, and its error says so.
func ExampleHookError() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	db.Users.Hook(shop.UserHooks{AfterInsert: func(context.Context, *shop.User) error { return errors.New("no mail today") }})
	u, err := db.Users.Insert(ctx, ada())
	if hook, ok := errors.AsType[*s3db.HookError](err); ok && hook.Durable {
		fmt.Println(hook.Hook, "failed:", hook.Err, "but there is", u.Name)
	}
	// Output:
	// AfterInsert failed: no mail today but there is Ada
}

// Middleware wraps a method: it may change what goes in and what comes out, answer
// itself, or refuse. Values travel with a call.
func ExampleCollection_Use() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	type actor struct{}
	db.Reviews.Use(shop.ReviewMiddleware{
		Update: func(ctx context.Context, call *s3db.UpdateCall[shop.Review, shop.ReviewID, shop.ReviewPatch]) (*shop.Review, error) {
			if call.Value(actor{}) == nil {
				return nil, errors.New("who are you?")
			}
			return call.Next(ctx)
		},
		Count: func(ctx context.Context, call *s3db.CountCall[shop.Review, shop.ReviewID]) (int, error) {
			call.Args.Query = call.Args.Query.Where(shop.ReviewWhere.Product.Eq("tea")) // all that this program may see
			return call.Next(ctx)
		},
	})

	if _, err := db.Reviews.Insert(ctx, review("r1", 4)); err != nil {
		log.Fatal(err)
	}
	patch := shop.ReviewPatch{Stars: s3db.Set(int64(5))}
	_, err := db.Reviews.Update(ctx, "r1", patch)
	fmt.Println(err)
	r, err := db.Reviews.Update(ctx, "r1", patch, s3db.CallValue(actor{}, "root"))
	fmt.Println(r.Stars, err)
	fmt.Println(db.Reviews.Query().Count(ctx))
	// Output:
	// who are you?
	// 5 <nil>
	// 1 <nil>
}

// One function for every method of every resource.
func ExampleDatabase_Use() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	db.Database().Use(func(ctx context.Context, call s3db.AnyCall, next func(context.Context) (any, error)) (any, error) {
		result, err := next(ctx)
		fmt.Println(call.Method(), call.Resource(), call.ID(), err)
		return result, err
	})
	if _, err := db.Users.Insert(ctx, ada()); err != nil {
		log.Fatal(err)
	}
	_, _ = db.Reviews.Get(ctx, "r1")
	// Output:
	// insert users ada <nil>
	// get reviews r1 s3db: get reviews/r1: not found
}

// Events of writes are raised once for each committed write.
func ExampleCollection_Subscribe() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	sub := db.Users.Subscribe(func(_ context.Context, e s3db.Event[shop.User, shop.UserID]) {
		fmt.Println(e.Kind, e.ID, e.Document.Name)
	}, s3db.OnKinds(s3db.EventInsert, s3db.EventUpdate), s3db.OnID(shop.UserID("ada")))

	if _, err := db.Users.InsertMany(ctx, []shop.UserInsert{ada(), bob()}); err != nil {
		log.Fatal(err)
	}
	if _, err := db.Users.Update(ctx, "ada", shop.UserPatch{Name: s3db.Set("Augusta")}); err != nil {
		log.Fatal(err)
	}
	sub.Cancel()
	if _, err := db.Users.Update(ctx, "ada", shop.UserPatch{Name: s3db.Set("Ada")}); err != nil {
		log.Fatal(err)
	}
	// Output:
	// insert ada Ada
	// update ada Augusta
}

// A subscriber with a goroutine and a buffer of its own does not hold up writes.
// Events that find the buffer full are dropped here, and counted.
func ExampleBuffered() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	seen := make(chan string)
	sub := db.Database().Subscribe(func(_ context.Context, e s3db.DatabaseEvent) {
		seen <- fmt.Sprint(e.Kind, " ", e.Resource, " ", e.ID)
	}, s3db.OnKinds(s3db.EventInsert), s3db.Buffered(100, s3db.DropOldest))
	defer sub.Cancel()

	if _, err := db.Users.Insert(ctx, ada()); err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-seen)
	fmt.Println("dropped:", sub.Dropped())
	// Output:
	// insert users ada
	// dropped: 0
}

// What happens while the database is opened.
func ExampleWithSubscriber() {
	ctx := context.Background()
	db := openShop(ctx, s3db.WithSubscriber(func(_ context.Context, e s3db.DatabaseEvent) {
		fmt.Println(e.Kind, e.Resource)
	}, s3db.OnKinds(s3db.EventConnected)))
	defer db.Close()
	// Output:
	// connected
}

// changes is a plugin: it writes down each change, in a key space of its own
// and before the change commits, so that a crash cannot lose it.
type changes struct{ space *s3db.Space }

func (*changes) Name() string { return "changes" }

func (c *changes) Install(_ context.Context, db *s3db.Database) (err error) {
	if c.space, err = db.Space(c.Name()); err != nil {
		return err
	}
	db.OnWrite(func(_ context.Context, w *s3db.PendingWrite) error {
		key := s3db.KeyText(w.Resource) + "/" + s3db.KeyText(w.ID) + "/" + string(w.Revision)
		return w.Put(c.space, key, []byte(w.Operation))
	})
	return nil
}

// Print writes the changes of a resource to out.
func (c *changes) Print(ctx context.Context, out io.Writer, resource string) error {
	for item, err := range c.space.List(ctx, s3db.KeyText(resource)+"/", "") {
		if err != nil {
			return err
		}
		object, err := c.space.Get(ctx, item.Key)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "%s\n", object.Body); err != nil {
			return err
		}
	}
	return nil
}

// A plugin of your own.
func ExampleWithPlugin() {
	ctx := context.Background()
	db := openShop(ctx, s3db.WithPlugin(&changes{}))
	defer db.Close()

	if _, err := db.Users.Insert(ctx, ada()); err != nil {
		log.Fatal(err)
	}
	fmt.Println(db.Users.Database().Plugin("changes") != nil)
	if plugin, ok := s3db.PluginOf[*changes](db.Database()); ok {
		if err := plugin.Print(ctx, os.Stdout, "users"); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// true
	// insert
}
