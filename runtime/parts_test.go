package s3db_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/oklog/ulid/v2"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// kindsOfIDs make the i-th of n ids, in ways that spread over the keys differently.
var kindsOfIDs = []struct {
	name string
	even bool // so that parts are guessed well
	make func(r *rand.Rand, i int) string
}{
	{"sequence", true, func(_ *rand.Rand, i int) string { return fmt.Sprintf("user-%07d", i) }},
	{"random", true, func(r *rand.Rand, _ int) string {
		return randomText(r, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", 22)
	}},
	{"uuid v4", true, func(r *rand.Rand, _ int) string {
		var u uuid.UUID
		for i := range u {
			u[i] = byte(r.Uint32())
		}
		return u.String()
	}},
	{"uuid v7", true, func(r *rand.Rand, i int) string {
		ms := uint64(1_795_000_000_000 + i*250)
		return fmt.Sprintf("%08x-%04x-7%03x-%04x-%012x", ms>>16, ms&0xffff, r.IntN(1<<12), 1<<15+r.IntN(1<<14), r.Uint64N(1<<48))
	}},
	{"ulid", true, func(r *rand.Rand, i int) string {
		var u ulid.ULID
		_ = u.SetTime(uint64(1_795_000_000_000 + i*250))
		return u.String()[:10] + randomText(r, "0123456789ABCDEFGHJKMNPQRSTVWXYZ", 16)
	}},
	{"numbers of any length", false, func(_ *rand.Rand, i int) string { return fmt.Sprint(i * i) }},
	{"a few clusters", false, func(r *rand.Rand, i int) string {
		return fmt.Sprintf("%s/%d", []string{"a", "a1", "Zürich", "z/z", "zz"}[r.IntN(5)], i)
	}},
	{"growing faster and faster", false, func(_ *rand.Rand, i int) string { return fmt.Sprintf("%016x", uint64(i)*uint64(i)*uint64(i)) }},
	{"nearly all in one place", false, func(_ *rand.Rand, i int) string {
		if i%1000 == 0 {
			return fmt.Sprintf("%07d", i)
		}
		return fmt.Sprintf("0000000-%07d", i)
	}},
}

func randomText(r *rand.Rand, alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

// plantedAccounts returns a client to a server with n documents of which a listing
// shows the ids; their content is no document's.
func plantedAccounts(t *testing.T, n int, id func(i int) string, latency time.Duration) (*clienttest.Accounts, *memstore.Store, *memstore.Server, []string) {
	t.Helper()
	server := memstore.NewServer(memstore.Options{Latency: func(memstore.Request) time.Duration { return latency }})
	store := server.Client()
	c, err := clienttest.Open(t.Context(), store, 0, 0, s3db.WithConcurrency(64))
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for i := range n {
		ids[id(i)] = true
	}
	keys := make([]string, 0, len(ids))
	for id := range ids {
		keys = append(keys, s3db.KeyText(id))
	}
	slices.Sort(keys)
	for _, key := range keys {
		server.Plant("resource=accounts/data/id="+key, []byte("x"), nil)
	}
	store.ResetCounts()
	return c, store, server, keys
}

// collectIDs returns the ids of a query as they stand in keys.
func collectIDs(ctx context.Context, q accountQuery) (list []string, err error) {
	for id, err := range q.IDs(ctx) {
		if err != nil {
			return nil, err
		}
		list = append(list, s3db.KeyText(string(id)))
	}
	return list, nil
}

// TestParallelList: whatever the ids look like, listing in parts finds each once, in
// order, for no more requests than it promises; and for no more than without parts
// when there are few. Ids that are spread evenly are listed several times as fast.
func TestParallelList(t *testing.T) {
	t.Parallel()
	const ms, width = 20 * time.Millisecond, 8
	for _, kind := range kindsOfIDs {
		for _, n := range []int{0, 1, 2500, 12_000, 12_001, 40_000} {
			t.Run(fmt.Sprintf("%s/%d", kind.name, n), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					r := rand.New(rand.NewPCG(1, uint64(n)))
					c, store, _, want := plantedAccounts(t, n, func(i int) string { return kind.make(r, i) }, ms)
					start := time.Now()
					got, err := collectIDs(t.Context(), c.Query().ParallelList(width))
					if err != nil || !slices.Equal(got, want) {
						t.Fatalf("%d ids of %d, %v", len(got), len(want), err)
					}
					took, requests := time.Since(start)/ms, store.Counts().List
					least := max(1, (len(want)+999)/1000)
					most := len(want)/1000 + width + len(want)/8000
					if len(want) <= 12_000 {
						most = least
					}
					if requests < least || requests > most {
						t.Errorf("%d requests for %d ids, at most %d are promised", requests, len(want), most)
					}
					if ideal := 12 + (n/1000-12)/width; kind.even && n == 40_000 && int(took) > ideal*3/2 {
						t.Errorf("as long as %d requests, the ideal is %d", took, ideal)
					}
					t.Logf("%d ids: %d requests, as long as %d", len(want), requests, took)
				})
			})
		}
	}
}

// TestParallelListHoldsLittle: while nobody takes ids, no more pages are listed than
// the parts may hold.
func TestParallelListHoldsLittle(t *testing.T) {
	t.Parallel()
	const width = 3
	synctest.Test(t, func(t *testing.T) {
		c, store, _, _ := plantedAccounts(t, 100_000, func(i int) string { return fmt.Sprintf("%07d", i) }, time.Millisecond)
		taken := 0
		for _, err := range c.Query().ParallelList(width).IDs(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if taken++; taken%10_000 == 0 {
				synctest.Wait()
				<-time.After(time.Minute)
				if held := store.Counts().List - taken/1000; held > width*12 {
					t.Fatalf("after %d ids, %d pages are held", taken, held)
				}
			}
		}
	})
}

// TestParallelListWhileWriting: ids that are there all the time are listed once and
// in order, whatever comes and goes between them.
func TestParallelListWhileWriting(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(2, seed))
			c, _, server, there := plantedAccounts(t, 30_000, func(int) string { return "k" + randomText(r, "0123456789abcdef", 20) }, 20*time.Millisecond)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			store := server.Client()
			go func() {
				var mine []string
				for ctx.Err() == nil {
					for range 20 {
						key := "resource=accounts/data/id=" + []string{"j", "k", "l"}[r.IntN(3)] + randomText(r, "0123456789abcdef", 20)
						server.Plant(key, []byte("y"), nil)
						mine = append(mine, key)
					}
					if err := store.DeleteMany(ctx, mine[:len(mine)/3]); err == nil { // takes its time
						mine = mine[len(mine)/3:]
					}
				}
			}()
			got, err := collectIDs(ctx, c.Query().ParallelList(6))
			if err != nil || !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
				t.Fatalf("%d ids, %v; out of order, or twice", len(got), err)
			}
			at := 0
			for _, id := range got {
				if at < len(there) && id == there[at] {
					at++
				}
			}
			if at != len(there) {
				t.Errorf("%s is missing", there[at])
			}
		})
	}
}

// TestParallelListEnds: a listing that fails says so after all that comes before,
// and a loop may end anywhere; nothing of it runs on.
func TestParallelListEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, store, _, want := plantedAccounts(t, 40_000, func(i int) string { return fmt.Sprintf("%07d", i) }, time.Millisecond)
		q := c.Query().ParallelList(5)
		for stop := 1; stop < 40_000; stop += 2777 {
			n := 0
			for _, err := range q.IDs(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				if n++; n == stop {
					break
				}
			}
		}
		store.SetFault(func(r memstore.Request) memstore.Injection {
			if r.Kind == memstore.List && r.List.StartAfter > "resource=accounts/data/id=0025" {
				return memstore.Injection{Fault: memstore.Denied}
			}
			return memstore.Injection{}
		})
		n := 0
		var failed error
		for id, err := range q.IDs(t.Context()) {
			if failed = err; err != nil {
				break
			}
			if string(id) != want[n] {
				t.Fatalf("id %d is %s", n, id)
			}
			n++
		}
		if failed == nil || n < 25_000 || n > 26_000 {
			t.Errorf("%d ids, then %v", n, failed)
		}
		store.SetFault(nil)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(14500*time.Microsecond, cancel)
		start := time.Now()
		if _, err := collectIDs(ctx, q); !errors.Is(err, context.Canceled) || time.Since(start) > 15*time.Millisecond {
			t.Errorf("cancelled: %v after %v", err, time.Since(start))
		}
	})
}

// TestParallelListOfDocuments: documents, counts and partitions are the same in parts.
func TestParallelListOfDocuments(t *testing.T) {
	t.Parallel()
	const n = 14_000
	c, store, _ := accounts(t, n, memstore.Options{})
	w := clienttest.Where()
	for _, q := range []accountQuery{
		c.Query(), c.Query().Where(w.Country.Eq("BR")), c.Query().Where(w.ID.Ge("a000500"), w.ID.Lt("a013500")), c.Query().Where(w.Count.Ge(13_900)),
		c.Query().OrderBy(w.Count.Desc()).Where(w.Count.Ge(10_000)), c.Query().Offset(12_100),
	} {
		want, err := q.List(t.Context())
		if err != nil || len(want) == 0 {
			t.Fatal(len(want), err)
		}
		got, err := q.ParallelList(8).List(t.Context())
		if err != nil || !slices.EqualFunc(got, want, func(a, b *clienttest.Account) bool { return a.ID == b.ID }) {
			t.Errorf("%v: %d documents, want %d: %v", q.Plan(), len(got), len(want), err)
		}
		if n, err := q.ParallelList(8).Count(t.Context()); err != nil || n != len(want) {
			t.Errorf("%v: counted %d, want %d: %v", q.Plan(), n, len(want), err)
		}
	}
	store.ResetCounts()
	if _, err := c.Query().ParallelList(8).Page(t.Context(), 20); err != nil || store.Counts() != (memstore.Counts{List: 1, Get: 20}) {
		t.Errorf("a page took %+v, %v", store.Counts(), err)
	}
}
