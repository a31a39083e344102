package s3db_test

import (
	"context"
	"fmt"
	"log"
	"sync"
	"time"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// memo is a plugin that answers repeated reads of a document from memory, as long as
// this program writes nothing and the document has not expired. Package plugins/cache is
// a whole one.
type memo struct {
	mu   sync.Mutex
	kept map[string]remembered
	hits int
}

type remembered struct {
	image s3db.Image
	until time.Time // when the document expires
}

func (*memo) Name() string { return "memo" }

func (m *memo) Install(_ context.Context, db *s3db.Database) error {
	db.OnRead(func(ctx context.Context, r *s3db.PendingRead, next func(context.Context) (*s3db.ReadResult, error)) (*s3db.ReadResult, error) {
		if r.Method != s3db.MethodGet {
			return next(ctx)
		}
		key := r.Resource + " " + r.Key()
		m.mu.Lock()
		found, ok := m.kept[key]
		m.mu.Unlock()
		if ok && r.Holds(found.until) {
			document, err := r.Document(found.image) // a new one, which the caller may change
			m.hits++
			return &s3db.ReadResult{Document: document}, err
		}
		result, err := next(ctx)
		if err != nil {
			return nil, err
		}
		if image, ok := r.Image(result.Document); ok {
			m.mu.Lock()
			m.kept[key] = remembered{image, r.Until()}
			m.mu.Unlock()
		}
		return result, nil
	})
	db.OnWrite(func(_ context.Context, w *s3db.PendingWrite) error {
		w.OnOutcome(func(context.Context, s3db.Outcome) {
			m.mu.Lock()
			clear(m.kept)
			m.mu.Unlock()
		})
		return nil
	})
	return nil
}

// A plugin that stands between the client and its store.
func ExampleDatabase_OnRead() {
	ctx := context.Background()
	var sent s3db.RequestCounter
	kept := &memo{kept: map[string]remembered{}}
	db := openShop(ctx, s3db.WithPlugin(kept), s3db.WithRequestObserver(sent.Observe))
	defer db.Close()
	if _, err := db.Reviews.Insert(ctx, review("r1", 4)); err != nil {
		log.Fatal(err)
	}

	before := sent.Counts()
	for range 3 {
		if _, err := db.Reviews.Get(ctx, "r1"); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(sent.Counts().Sub(before).Get, "request,", kept.hits, "hits")
	r, err := db.Reviews.Update(ctx, "r1", shop.ReviewPatch{Stars: s3db.Set(int64(5))})
	if err != nil {
		log.Fatal(err)
	}
	r, err = db.Reviews.Get(ctx, r.ID)
	fmt.Println(r.Stars, err)
	// Output:
	// 1 request, 2 hits
	// 5 <nil>
}

// One object for all writes that are sent together: calls for many documents make
// groups of up to 1,000.
func ExampleDatabase_OnWriteGroup() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()
	space, err := db.Database().Space("batches")
	if err != nil {
		log.Fatal(err)
	}
	n := 0
	db.Database().OnWriteGroup(func(_ context.Context, g *s3db.WriteGroup) error {
		n++
		return g.Put(space, fmt.Sprint("batch-", n), fmt.Append(nil, len(g.Writes), " writes"))
	})

	if _, err := db.Reviews.InsertMany(ctx, []shop.ReviewInsert{review("r1", 1), review("r2", 2), review("r3", 3)}); err != nil {
		log.Fatal(err)
	}
	for item, err := range space.List(ctx, "batch-", "") {
		if err != nil {
			log.Fatal(err)
		}
		object, err := space.Get(ctx, item.Key)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %s\n", item.Key, object.Body)
		if err := space.Delete(ctx, item.Key); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// batch-1: 3 writes
}

// Objects of a plugin, which programs change by compare-and-swap as documents are.
func ExampleSpace() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()
	space, err := db.Database().Space("notes")
	if err != nil {
		log.Fatal(err)
	}

	etag, err := space.Put(ctx, "lock", []byte("mine"), s3db.IfAbsent())
	if err != nil {
		log.Fatal(err)
	}
	_, err = space.Put(ctx, "lock", []byte("mine too"), s3db.IfAbsent())
	fmt.Println("taken:", err != nil)
	_, err = space.Put(ctx, "lock", []byte("still mine"), s3db.IfMatchETag(etag))
	fmt.Println(err)
	removed, err := space.DeleteIf(ctx, "lock", etag) // that of the first put
	fmt.Println(removed, err)
	// Output:
	// taken: true
	// <nil>
	// false <nil>
}

// Documents as they are stored, around hooks and middleware: for what must agree with
// the store, such as an index.
func ExampleStoredView() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()
	db.Reviews.Hook(shop.ReviewHooks{AfterGet: func(_ context.Context, r *shop.Review) error {
		r.Title = "for your eyes only"
		return nil
	}})
	var last s3db.Image
	db.Database().OnWrite(func(_ context.Context, w *s3db.PendingWrite) error {
		_, last = w.Images()
		return nil
	})
	if _, err := db.Reviews.InsertMany(ctx, []shop.ReviewInsert{review("r1", 4)}); err != nil {
		log.Fatal(err)
	}

	view := db.Reviews.Stored()
	for id, err := range view.IDs(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		state, err := view.Get(ctx, id)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(id, state.Document.Title, state.Revision == state.Document.Meta.Revision)
	}
	for id, err := range view.IDsAfter(ctx, "r1") { // none
		fmt.Println(id, err)
	}
	r, err := view.Decode(last) // what OnWrite saw
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Stars)
	state, err := db.Database().ObjectState(ctx, "reviews", "r1") // of any resource, not decoded
	fmt.Println(state.Live(), err)
	// Output:
	// r1 Tea true
	// 4
	// true <nil>
}
