package fulltext_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	"github.com/s3dbgen/s3dbgen/plugins/fulltext"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// testServer is a server with a clock that stands still.
type testServer struct {
	*memstore.Server

	clock *atomic.Int64 // nanoseconds since the start
}

func start() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

// newServer makes one. A local store deletes without tombstones.
func newServer(local bool) *testServer {
	s := &testServer{clock: &atomic.Int64{}}
	s.Server = memstore.NewServer(memstore.Options{Local: local, Now: func() time.Time { return start().Add(time.Duration(s.clock.Load())) }})
	return s
}

// clone returns a server with the same objects, at the start of time.
func (s *testServer) clone() *testServer {
	s.clock.Store(0)
	return &testServer{Server: s.Clone(), clock: s.clock}
}

func (s *testServer) advance(d time.Duration) { s.clock.Add(int64(d)) }

// vocabulary is the words of the tests' documents.
func vocabulary() []string {
	return []string{"apple", "bread", "cherry", "dough", "eggs", "flour", "grape", "honey"}
}

// checkIndex verifies that a search for each word gives what a scan of the
// documents gives, and changes nothing.
func checkIndex(t *testing.T, s *testServer) {
	t.Helper()
	checkStore(t, s.Client())
}

func checkStore(t *testing.T, store s3db.Store) {
	t.Helper()
	c, x := open(t, store, fulltext.Options{CompactAfter: -1})
	docs := newScan(must(c.GetAll(t.Context()))(t))
	for _, word := range vocabulary() {
		var want []string
		for _, d := range docs.search(word) {
			want = append(want, d.id)
		}
		wantHits(t, x, word, strings.Join(want, " "))
	}
}

// checkTidy verifies that an hour later a compaction takes in all that is left,
// and leaves nothing but what the manifest names.
func checkTidy(t *testing.T, s *testServer) {
	t.Helper()
	s.advance(2 * time.Hour)
	_, x := open(t, s.Client(), fulltext.Options{})
	if err := x.Compact(t.Context()); err != nil {
		if !errors.Is(err, s3db.ErrConflict) {
			t.Fatal(err)
		}
		if err := x.Rebuild(t.Context()); err != nil { // of a Rebuild that crashed
			t.Fatal(err)
		}
	}
	if err := x.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkIndex(t, s)
	if status := must(x.Status(t.Context()))(t); status.Marked > 0 || !status.Complete || status.Rebuilding {
		t.Errorf("an hour later: %+v", status)
	}
	manifest := must(s.Client().Get(t.Context(), "plugin=fulltext/accounts/index"))(t)
	for _, key := range s.Keys() {
		if segment, ok := strings.CutPrefix(key, "plugin=fulltext/accounts/segments/"); ok {
			segment, _, _ = strings.Cut(segment, "/")
			if !strings.Contains(string(manifest.Body), segment) {
				t.Errorf("%s is left", key)
			}
		}
	}
}

// step is something that a program does.
type step struct {
	name string
	run  func(ctx context.Context, c *accounts, x texts) error
}

func upsert(name, text string) func(ctx context.Context, c *accounts, x texts) error {
	return func(ctx context.Context, c *accounts, _ texts) error {
		_, err := c.Upsert(ctx, id(name), clienttest.AccountInsert{Name: text, Bio: new(text + " honey")})
		return err
	}
}

func compact(ctx context.Context, _ *accounts, x texts) error { return x.Compact(ctx) }

func remove(name string) func(ctx context.Context, c *accounts, x texts) error {
	return func(ctx context.Context, c *accounts, _ texts) error {
		err := c.Delete(ctx, id(name))
		if errors.Is(err, s3db.ErrNotFound) {
			return nil
		}
		return err
	}
}

// all does several things.
func all(steps ...func(context.Context, *accounts, texts) error) func(context.Context, *accounts, texts) error {
	return func(ctx context.Context, c *accounts, x texts) error {
		for _, run := range steps {
			if err := run(ctx, c, x); err != nil {
				return err
			}
		}
		return nil
	}
}

// steps are what is cut off, and interrupted, at each request.
func steps() []step {
	return []step{
		{"insert", func(ctx context.Context, c *accounts, _ texts) error {
			_, err := c.Insert(ctx, clienttest.AccountInsert{ID: "x", Name: "flour", Bio: new("grape")})
			if errors.Is(err, s3db.ErrAlreadyExists) {
				return nil
			}
			return err
		}},
		{"update", func(ctx context.Context, c *accounts, _ texts) error {
			_, err := c.Update(ctx, "a", clienttest.AccountPatch{Bio: s3db.Set("eggs")})
			if errors.Is(err, s3db.ErrNotFound) {
				return nil
			}
			return err
		}},
		{"update of other attributes", func(ctx context.Context, c *accounts, _ texts) error {
			_, err := c.Update(ctx, "a", clienttest.AccountPatch{Count: s3db.Set(int64(7))})
			if errors.Is(err, s3db.ErrNotFound) {
				return nil
			}
			return err
		}},
		{"delete", remove("b")},
		{"compaction", compact},
		{"rebuild", func(ctx context.Context, _ *accounts, x texts) error { return x.Rebuild(ctx) }},
		{"search", func(ctx context.Context, _ *accounts, x texts) error {
			_, err := x.Search(ctx, "honey")
			return err
		}},
	}
}

// prepareDocuments leaves two segments, one with documents that have left it, and
// marks of each kind. With many documents, the first segment stays when some leave.
func prepareDocuments(t *testing.T, s *testServer, many int) {
	t.Helper()
	c, x := open(t, s.Client(), fulltext.Options{})
	run := func(steps ...func(context.Context, *accounts, texts) error) {
		t.Helper()
		if err := all(steps...)(t.Context(), c, x); err != nil {
			t.Fatal(err)
		}
	}
	for i := range many {
		run(upsert(fmt.Sprintf("many%02d", i), vocabulary()[i%7]))
	}
	run(compact, upsert("a", "apple"), upsert("many03", "bread"), compact)
	run(upsert("b", "cherry"), upsert("many04", "dough"), remove("many05"), upsert("a", "bread"))
}

// crashAt lets the client die at its n-th request.
func crashAt(n int, applied bool, struck *atomic.Bool) memstore.Fault {
	return func(r memstore.Request) memstore.Injection {
		if r.Seq == n {
			struck.Store(true)
			return memstore.Injection{Fault: memstore.Crash, Applied: applied}
		}
		return memstore.Injection{}
	}
}

// TestCrash cuts each operation off at each of its requests, before and after the
// server applied it. Afterwards a search finds what the documents say, the
// operation can be done again, and nothing is left over.
func TestCrash(t *testing.T) {
	cases := 0
	prepared := newServer(false)
	prepareDocuments(t, prepared, 16)
	for _, op := range steps() {
		for n := 1; ; n++ {
			var struck atomic.Bool
			for _, applied := range []bool{false, true} {
				cases++
				t.Run(fmt.Sprintf("%s, request %d, applied %v", op.name, n, applied), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						s := prepared.clone()
						store := s.Client()
						c, x := open(t, store, fulltext.Options{})
						store.ResetCounts()
						store.SetFault(crashAt(n, applied, &struck))
						if err := op.run(t.Context(), c, x); err != nil && !struck.Load() {
							t.Fatalf("without a crash: %v", err)
						}
						checkIndex(t, s)
						c, x = open(t, s.Client(), fulltext.Options{})
						if err := op.run(t.Context(), c, x); err != nil && !errors.Is(err, s3db.ErrConflict) {
							t.Errorf("again: %v", err)
						}
						checkIndex(t, s)
						checkTidy(t, s)
					})
				})
			}
			if !struck.Load() {
				break
			}
		}
	}
	t.Logf("%d crashes", cases)
}

// interrupted is a store that does something else before one of its requests.
type interrupted struct {
	s3db.Store
	mu   sync.Mutex
	left int // requests before the one
	run  func()
}

func (s *interrupted) before() {
	s.mu.Lock()
	s.left--
	now := s.left == 0
	s.mu.Unlock()
	if now {
		s.run()
	}
}

func (s *interrupted) Get(ctx context.Context, key string) (*s3db.Object, error) {
	s.before()
	return s.Store.Get(ctx, key)
}

func (s *interrupted) Put(ctx context.Context, key string, body []byte, metadata map[string]string, cond s3db.Condition) (string, error) {
	s.before()
	return s.Store.Put(ctx, key, body, metadata, cond)
}

func (s *interrupted) Delete(ctx context.Context, key string, cond s3db.Condition) error {
	s.before()
	return s.Store.Delete(ctx, key, cond)
}

func (s *interrupted) DeleteMany(ctx context.Context, keys []string) error {
	s.before()
	return s.Store.DeleteMany(ctx, keys)
}

func (s *interrupted) List(ctx context.Context, r s3db.ListRequest) (*s3db.ListPage, error) {
	s.before()
	return s.Store.List(ctx, r)
}

// TestInterleavings interrupts each operation at each of its requests by others of
// another program. Afterwards a search finds what the documents say.
func TestInterleavings(t *testing.T) {
	others := append(steps(),
		step{"update and compaction", all(upsert("a", "grape"), compact)},
		step{"delete and compaction", all(remove("a"), remove("b"), compact)},
		step{"insert, compaction, delete, compaction", all(upsert("x", "dough"), compact, remove("x"), compact)},
		step{"two compactions with writes between", all(upsert("a", "cherry"), compact, upsert("a", "dough"), upsert("many01", "eggs"), compact)},
	)
	places := []bool{false, true}
	if testing.Short() {
		others, places = others[len(steps()):], places[:1]
	}
	cases := 0
	for _, local := range places {
		prepared := newServer(local)
		prepareDocuments(t, prepared, 16)
		for _, op := range steps() {
			for _, other := range others {
				for n := 1; ; n++ {
					reached := false
					cases++
					synctest.Test(t, func(t *testing.T) {
						s := prepared.clone()
						c2, x2 := open(t, s.Client(), fulltext.Options{})
						store := &interrupted{Store: s.Client()}
						c, x := open(t, store, fulltext.Options{})
						store.left, store.run = n, func() {
							reached = true
							if err := other.run(t.Context(), c2, x2); err != nil && !errors.Is(err, s3db.ErrConflict) {
								t.Errorf("%s: %v", other.name, err)
							}
						}
						err := op.run(t.Context(), c, x)
						if err != nil && !errors.Is(err, s3db.ErrConflict) {
							t.Errorf("%s: %v", op.name, err)
						}
						checkIndex(t, s)
						if err := x.Compact(t.Context()); err != nil && !errors.Is(err, s3db.ErrConflict) {
							t.Error(err)
						}
						checkIndex(t, s)
						if t.Failed() {
							t.Fatalf("%s interrupted by %s before request %d, local %t", op.name, other.name, n, local)
						}
					})
					if t.Failed() {
						return
					}
					if !reached {
						break
					}
				}
			}
		}
	}
	t.Logf("%d interleavings", cases)
}

// TestConcurrentWriters: sixteen programs write the same few documents, while
// others search, compact and rebuild.
func TestConcurrentWriters(t *testing.T) {
	const writers, writes = 16, 60
	s := newServer(false)
	prepareDocuments(t, s, 30)
	ctx, stop := context.WithCancel(t.Context())
	var writing, tending sync.WaitGroup
	for w := range writers {
		c, x := open(t, s.Client(), fulltext.Options{CompactAfter: 20}) // a search now and then compacts
		rnd := rand.New(rand.NewPCG(7, uint64(w)))
		writing.Go(func() {
			for range writes {
				name, text := fmt.Sprintf("doc%d", rnd.IntN(12)), vocabulary()[rnd.IntN(7)]
				var err error
				switch rnd.IntN(8) {
				case 0:
					err = remove(name)(ctx, c, x)
				case 1:
					_, err = x.Search(ctx, text+" honey")
				default:
					err = upsert(name, text)(ctx, c, x)
				}
				if err != nil && !errors.Is(err, s3db.ErrConflict) {
					t.Error(err)
				}
			}
		})
	}
	for _, run := range []func(context.Context, *accounts, texts) error{compact, compact, func(ctx context.Context, _ *accounts, x texts) error { return x.Rebuild(ctx) }} {
		c, x := open(t, s.Client(), fulltext.Options{})
		tending.Go(func() {
			for ctx.Err() == nil {
				if err := run(ctx, c, x); err != nil && !errors.Is(err, s3db.ErrConflict) && ctx.Err() == nil {
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	stop()
	tending.Wait()
	checkIndex(t, s)
	checkTidy(t, s)
}

// TestFaults: requests fail and replies get lost while programs write, compact and
// rebuild, on many seeds. Whatever each was told, a search finds what the
// documents say.
func TestFaults(t *testing.T) {
	seeds := 60
	if testing.Short() {
		seeds = 12
	}
	var told atomic.Int64
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(false)
			prepareDocuments(t, s, 30)
			var running sync.WaitGroup
			for w := range 4 {
				store := s.Client()
				c, x := open(t, store, fulltext.Options{})
				rates := memstore.Rates{InternalError: 0.03, SlowDown: 0.02, LostReply: 0.08, Reset: 0.03, Timeout: 0.03}
				store.SetFault(memstore.Faults(uint64(seed*10+w), rates))
				rnd := rand.New(rand.NewPCG(uint64(seed), uint64(w)))
				running.Go(func() {
					for range 12 {
						list := append(steps(), step{run: upsert("a", vocabulary()[rnd.IntN(7)])}, step{run: upsert("x", "dough")}, step{run: remove("x")})
						if err := list[rnd.IntN(len(list))].run(t.Context(), c, x); err != nil {
							told.Add(1)
						}
					}
				})
			}
			running.Wait()
			checkIndex(t, s)
			checkTidy(t, s)
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		})
	}
	t.Logf("%d operations were told of a failure", told.Load())
}

// TestSearchMeanwhile: a search whose index is changed at any of its requests finds
// what it would have found before.
func TestSearchMeanwhile(t *testing.T) {
	prepared := newServer(false)
	prepareDocuments(t, prepared, 16)
	_, x := open(t, prepared.Client(), fulltext.Options{})
	want := idsOf(must(x.Search(t.Context(), "honey dough"))(t))
	if len(strings.Fields(want)) < 10 {
		t.Fatalf("it finds %q", want)
	}
	rebuild := func(ctx context.Context, _ *accounts, x texts) error { return x.Rebuild(ctx) }
	// What is written does not change what is found.
	neutral := func(ctx context.Context, c *accounts, _ texts) error {
		_, err := c.Update(ctx, "a", clienttest.AccountPatch{Count: s3db.Set(int64(1))})
		return err
	}
	for _, other := range []step{
		{"compaction", compact}, {"rebuild", rebuild}, {"rebuild and compaction", all(rebuild, neutral, compact, rebuild)},
	} {
		for n := 1; ; n++ {
			s := prepared.clone()
			c2, x2 := open(t, s.Client(), fulltext.Options{})
			store := &interrupted{Store: s.Client()}
			_, x := open(t, store, fulltext.Options{})
			reached := false
			store.left, store.run = n, func() {
				reached = true
				if err := other.run(t.Context(), c2, x2); err != nil {
					t.Error(err)
				}
			}
			if got := idsOf(must(x.Search(t.Context(), "honey dough"))(t)); got != want {
				t.Errorf("%s before request %d: finds %q, want %q", other.name, n, got, want)
			}
			if !reached {
				break
			}
		}
	}
}

// TestLostReplies: the reply to a new manifest is lost, applied, applied by a
// repetition, or never applied, and at each request another program changes the index. What others have built upon
// stays.
func TestLostReplies(t *testing.T) {
	prepared := newServer(false)
	prepareDocuments(t, prepared, 30)
	cases := 0
	for _, op := range steps()[4:6] { // compaction and rebuild
		for _, other := range []step{
			{"compaction", compact}, {"update and compaction", all(upsert("a", "grape"), compact)}, {"two compactions", all(upsert("a", "grape"), compact, upsert("x", "dough"), compact)},
			{"rebuild", func(ctx context.Context, _ *accounts, x texts) error { return x.Rebuild(ctx) }},
		} {
			for _, lose := range []struct {
				applied bool
				times   int
			}{{true, 1}, {false, 1}, {false, 1000}} {
				for n := 1; ; n++ {
					reached := false
					cases++
					synctest.Test(t, func(t *testing.T) {
						s := prepared.clone()
						c2, x2 := open(t, s.Client(), fulltext.Options{})
						faulty := s.Client()
						store := &interrupted{Store: faulty}
						c, x := open(t, store, fulltext.Options{})
						var lost atomic.Int64
						faulty.SetFault(func(r memstore.Request) memstore.Injection {
							if r.Kind != memstore.Put || r.Key != "plugin=fulltext/accounts/index" || lost.Add(1) > int64(lose.times) {
								return memstore.Injection{}
							}
							return memstore.Injection{Fault: memstore.Reset, Applied: lose.applied}
						})
						store.left, store.run = n, func() {
							reached = true
							if err := other.run(t.Context(), c2, x2); err != nil && !errors.Is(err, s3db.ErrConflict) {
								t.Errorf("%s: %v", other.name, err)
							}
						}
						if err := op.run(t.Context(), c, x); err != nil && !errors.Is(err, s3db.ErrConflict) && !errors.Is(err, s3db.ErrUnknownOutcome) {
							t.Errorf("%s: %v", op.name, err)
						}
						checkIndex(t, s)
						checkTidy(t, s)
						if t.Failed() {
							t.Fatalf("%s, lost %+v, %s before request %d", op.name, lose, other.name, n)
						}
					})
					if t.Failed() {
						return
					}
					if !reached {
						break
					}
				}
			}
		}
	}
	t.Logf("%d cases", cases)
}

// TestRebuildIsNotBeaten: programs that write and compact while another rebuilds do
// not make it start over; they are told.
func TestRebuildIsNotBeaten(t *testing.T) {
	prepared := newServer(false)
	prepareDocuments(t, prepared, 16)
	refused := 0
	for n := 1; ; n++ {
		s := prepared.clone()
		c2, x2 := open(t, s.Client(), fulltext.Options{})
		store := &interrupted{Store: s.Client()}
		_, x := open(t, store, fulltext.Options{})
		reached := false
		store.left, store.run = n, func() {
			reached = true
			err := all(upsert("a", "grape"), compact)(t.Context(), c2, x2)
			if errors.Is(err, s3db.ErrConflict) && strings.Contains(err.Error(), "a Rebuild of the index of accounts is under way") {
				refused++
			} else if err != nil {
				t.Error(err)
			}
		}
		if err := x.Rebuild(t.Context()); err != nil {
			t.Errorf("a compaction before request %d: %v", n, err)
		}
		checkIndex(t, s)
		if !reached {
			break
		}
	}
	if refused < 10 {
		t.Errorf("%d compactions were refused", refused)
	}
}

// TestSearchMeanwhileInserted: a document that is marked when a search begins, and
// compacted into a new segment at any of its requests, is found.
func TestSearchMeanwhileInserted(t *testing.T) {
	prepared := newServer(false)
	c, x := open(t, prepared.Client(), fulltext.Options{})
	for i := range 30 {
		insert(t, c, fmt.Sprintf("many%02d", i), "apple", "")
	}
	if err := x.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	insert(t, c, "x", "dough", "")
	for n := 1; ; n++ {
		s := prepared.clone()
		c2, x2 := open(t, s.Client(), fulltext.Options{})
		store := &interrupted{Store: s.Client()}
		_, x := open(t, store, fulltext.Options{})
		reached := false
		store.left, store.run = n, func() {
			reached = true
			if err := compact(t.Context(), c2, x2); err != nil {
				t.Error(err)
			}
		}
		if got := idsOf(must(x.Search(t.Context(), "dough"))(t)); got != "x" {
			t.Errorf("a compaction before request %d: finds %q", n, got)
		}
		if !reached {
			break
		}
	}
}
