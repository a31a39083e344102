package s3db_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// TestContention: writers of one process that collide hand on what they committed, so
// that most of them send the commit alone, and no addition is lost.
func TestContention(t *testing.T) {
	const writers, each = 4, 25
	synctest.Test(t, func(t *testing.T) {
		server := memstore.NewServer(memstore.Options{Latency: func(memstore.Request) time.Duration { return 20 * time.Millisecond }})
		var requests s3db.RequestCounter
		c, err := clienttest.Open(t.Context(), server.Client(), 0, 0, s3db.WithRequestObserver(requests.Observe))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Insert(t.Context(), clienttest.AccountInsert{ID: "n", Name: "n"}); err != nil {
			t.Fatal(err)
		}
		before := requests.Counts().Total()
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				for range each {
					if err := clienttest.Add(t.Context(), c, "n"); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		sent := requests.Counts().Total() - before
		if d, err := c.Get(t.Context(), "n"); err != nil || d.Count != writers*each {
			t.Errorf("%d additions made %+v, %v", writers*each, d, err)
		}
		if sent > writers*each*3/2 {
			t.Errorf("%d additions took %d requests", writers*each, sent)
		}
	})
}

// TestHandedOnTooLate: what another writer has left decides nothing when it is old.
func TestHandedOnTooLate(t *testing.T) {
	server := memstore.NewServer(memstore.Options{})
	open := func() *clienttest.Accounts {
		c, err := clienttest.Open(t.Context(), server.Client(), 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c, other := open(), open()
	c.Hook(s3db.Hooks[clienttest.Account, clienttest.AccountID]{BeforeUpdate: func(_ context.Context, _, d *clienttest.Account) error {
		if d.Count < 0 {
			return errors.New("out of stock")
		}
		return nil
	}})
	if _, err := c.Insert(t.Context(), clienttest.AccountInsert{ID: "n", Name: "n"}); err != nil {
		t.Fatal(err)
	}
	end, err := s3db.HandOn(t.Context(), c, "n")
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	stocked, err := other.Update(t.Context(), "n", clienttest.AccountPatch{Count: s3db.Add(int64(5))})
	if err != nil {
		t.Fatal(err)
	}
	take := clienttest.AccountPatch{Count: s3db.Add(int64(-1))}
	if d, err := c.Update(t.Context(), "n", take, s3db.IfMatch(stocked.Meta.Revision)); err != nil || d.Count != 4 {
		t.Fatalf("the update was judged on an old state: %+v, %v", d, err)
	}
}

// BenchmarkContention measures what writers of one counter get in each other's way: n
// goroutines of one process, or of as many clients as there are goroutines, which
// know nothing of each other, add one at a time to one document, with 20 ms for each
// request. It fails when an addition is lost.
func BenchmarkContention(b *testing.B) {
	const latency = 20 * time.Millisecond
	for _, processes := range []string{"one", "many"} {
		for _, n := range []int{1, 4, 16, 64} {
			b.Run(fmt.Sprintf("clients=%s/writers=%d", processes, n), func(b *testing.B) {
				slow := false
				server := memstore.NewServer(memstore.Options{Latency: func(memstore.Request) time.Duration {
					if slow {
						return latency
					}
					return 0
				}})
				var requests s3db.RequestCounter
				open := func() *clienttest.Accounts {
					c, err := clienttest.Open(b.Context(), server.Client(), 0, 0, s3db.WithRequestObserver(requests.Observe))
					if err != nil {
						b.Fatal(err)
					}
					return c
				}
				clients := make([]*clienttest.Accounts, n)
				for i := range clients {
					if i == 0 || processes == "many" {
						clients[i] = open()
					} else {
						clients[i] = clients[0]
					}
				}
				if _, err := clients[0].Insert(b.Context(), clienttest.AccountInsert{ID: "n", Name: "n"}); err != nil {
					b.Fatal(err)
				}
				before := requests.Counts().Total()
				slow = true
				b.ResetTimer()
				var wg sync.WaitGroup
				for i, c := range clients {
					wg.Go(func() {
						for j := i; j < b.N; j += n {
							if err := clienttest.Add(b.Context(), c, "n"); err != nil {
								b.Error(err)
							}
						}
					})
				}
				wg.Wait()
				b.StopTimer()
				slow = false
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
				b.ReportMetric(float64(requests.Counts().Total()-before)/float64(b.N), "requests/op")
				b.ReportMetric(0, "ns/op")
				d, err := clients[0].Get(b.Context(), "n")
				if err != nil || d.Count != int64(b.N) {
					b.Fatalf("%d additions made %v, %v", b.N, d, err)
				}
			})
		}
	}
}
