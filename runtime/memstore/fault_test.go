package memstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// always injects one fault into every request.
func always(injected memstore.Injection) memstore.Fault {
	return func(memstore.Request) memstore.Injection { return injected }
}

func TestFaultKinds(t *testing.T) {
	for _, test := range []struct {
		kind                     memstore.FaultKind
		status                   int
		code                     string
		cause                    error
		temporary, maybe, applid bool // for a put; applid: Injection.Applied has an effect
	}{
		{kind: memstore.InternalError, status: 500, code: "InternalError", temporary: true, maybe: true, applid: true},
		{kind: memstore.SlowDown, status: 503, code: "SlowDown", temporary: true, maybe: true, applid: true},
		{kind: memstore.Conflict, status: 409, code: "ConditionalRequestConflict", temporary: true},
		{kind: memstore.Reset, cause: syscall.ECONNRESET, temporary: true, maybe: true, applid: true},
		{kind: memstore.Timeout, temporary: true, maybe: true, applid: true},
		{kind: memstore.Refused, cause: syscall.ECONNREFUSED, temporary: true},
		{kind: memstore.Denied, status: 403, code: "AccessDenied", applid: true},
		{kind: memstore.Stall, cause: context.DeadlineExceeded, maybe: true, applid: true},
		{kind: memstore.Crash, cause: memstore.ErrCrashed, maybe: true, applid: true},
	} {
		for _, applied := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d applied %v", test.kind, applied), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					server := memstore.NewServer(memstore.Options{})
					store := server.Client()
					store.SetFault(always(memstore.Injection{Fault: test.kind, Applied: applied}))
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					_, err := store.Put(ctx, "key", nil, nil, s3db.IfAbsent())
					se, ok := errors.AsType[*s3db.StoreError](err)
					if !ok || se.Status != test.status || se.Code != test.code || se.Temporary != test.temporary || se.MaybeApplied != test.maybe || test.cause != nil && !errors.Is(err, test.cause) {
						t.Errorf("put: error %v (%+v)", err, se)
					}
					if want := applied && test.applid; slices.Contains(server.Keys(), "key") != want {
						t.Errorf("applied: %v, want %v", !want, want)
					}
					// What a read was told cannot have changed anything.
					_, err = store.Get(ctx, "key")
					if se, ok := errors.AsType[*s3db.StoreError](err); !ok || se.MaybeApplied {
						t.Errorf("get: error %v (%+v)", err, se)
					}
				})
			})
		}
	}
}

// A request of a client that gave up may arrive later, and even twice.
func TestLateRequests(t *testing.T) {
	server := memstore.NewServer(memstore.Options{})
	store, other := server.Client(), server.Client()
	var arrive func()
	store.SetFault(func(r memstore.Request) memstore.Injection {
		return memstore.Injection{Fault: memstore.Reset, Late: func(apply func()) { arrive = apply }}
	})
	body := []byte("late")
	if _, err := store.Put(t.Context(), "key", body, nil, s3db.IfAbsent()); err == nil {
		t.Fatal("no error")
	}
	copy(body, "next") // it is the caller's again
	if server.Len() != 0 {
		t.Fatal("applied before its time")
	}
	arrive()
	if o, err := other.Get(t.Context(), "key"); err != nil || string(o.Body) != "late" {
		t.Errorf("after the request arrived: %+v, %v", o, err)
	}
	if err := other.Delete(t.Context(), "key", s3db.Condition{}); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(arrive)
	}
	wg.Wait()
	if server.Len() != 1 {
		t.Errorf("after it arrived again: %q", server.Keys())
	}
	if _, err := store.Get(t.Context(), "key"); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a read: %v", err)
	}
}

func TestCrash(t *testing.T) {
	server := memstore.NewServer(memstore.Options{})
	a, b := server.Client(), server.Client()
	a.Crash()
	for range 2 {
		if _, err := a.Put(t.Context(), "key", nil, nil, s3db.Condition{}); !errors.Is(err, memstore.ErrCrashed) {
			t.Errorf("error %v", err)
		}
	}
	if n := a.Counts().Total(); n != 0 {
		t.Errorf("a dead client sent %d requests", n)
	}
	if _, err := b.Put(t.Context(), "key", nil, nil, s3db.Condition{}); err != nil {
		t.Errorf("another client: %v", err)
	}
	// A crash at the third request ends that one and all after it.
	c := server.Client()
	c.SetFault(func(r memstore.Request) memstore.Injection {
		if r.Seq == 3 {
			return memstore.Injection{Fault: memstore.Crash, Applied: true}
		}
		return memstore.Injection{}
	})
	for i := 1; i <= 5; i++ {
		_, err := c.Put(t.Context(), "c/"+strconv.Itoa(i), nil, nil, s3db.Condition{})
		if (err != nil) != (i >= 3) {
			t.Errorf("request %d: %v", i, err)
		}
	}
	if want := []string{"c/1", "c/2", "c/3", "key"}; !slices.Equal(server.Keys(), want) {
		t.Errorf("the server has %q, want %q", server.Keys(), want)
	}
}

// A request that is under way when the client dies is not carried out.
func TestCrashUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := memstore.NewServer(memstore.Options{Latency: func(memstore.Request) time.Duration { return time.Second }})
		store := server.Client()
		done := make(chan error)
		go func() {
			_, err := store.Put(context.Background(), "key", nil, nil, s3db.Condition{})
			done <- err
		}()
		synctest.Wait()
		store.Crash()
		if err := <-done; !errors.Is(err, memstore.ErrCrashed) || server.Len() != 0 {
			t.Errorf("error %v, %d objects", err, server.Len())
		}
	})
}

func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.NewServer(memstore.Options{Latency: func(r memstore.Request) time.Duration {
			if r.Kind == memstore.Put {
				return 30 * time.Millisecond
			}
			return 10 * time.Millisecond
		}}).Client()
		start := time.Now()
		if _, err := store.Put(t.Context(), "key", nil, nil, s3db.Condition{}); err != nil {
			t.Fatal(err)
		}
		store.SetFault(always(memstore.Injection{Delay: time.Second}))
		if _, err := store.Get(t.Context(), "key"); err != nil {
			t.Fatal(err)
		}
		if got, want := time.Since(start), 1040*time.Millisecond; got != want {
			t.Errorf("took %v, want %v", got, want)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		defer cancel()
		_, err := store.Put(ctx, "late", nil, nil, s3db.Condition{})
		if se, ok := errors.AsType[*s3db.StoreError](err); !ok || !errors.Is(err, context.DeadlineExceeded) || !se.MaybeApplied || se.Temporary {
			t.Errorf("error %v", err)
		}
		if time.Since(start) != 1045*time.Millisecond {
			t.Errorf("the wait went on after the context had ended: %v", time.Since(start))
		}
	})
}

// requests sends requests in an order that a seed does not determine, and returns
// what became of each.
func outcomes(seed uint64, parallel bool) map[string]string {
	store := memstore.New()
	store.SetFault(memstore.Faults(seed, memstore.Rates{InternalError: 0.1, SlowDown: 0.1, Conflict: 0.1, Reset: 0.1, LostReply: 0.1, Timeout: 0.1, Refused: 0.1}))
	var mu sync.Mutex
	results := map[string]string{}
	store.Observe(func(r memstore.Request) {
		mu.Lock()
		defer mu.Unlock()
		results[r.Kind.String()+r.Key] += fmt.Sprintf("%v/%v ", r.Applied, r.Err)
	})
	var wg sync.WaitGroup
	for i := range 20 {
		send := func() {
			for range 10 {
				_, _ = store.Put(context.Background(), "key/"+strconv.Itoa(i), nil, nil, s3db.Condition{})
				_, _ = store.Get(context.Background(), "key/"+strconv.Itoa(i))
			}
		}
		if parallel {
			wg.Go(send)
		} else {
			send()
		}
	}
	wg.Wait()
	return results
}

// What a seed does to the n-th request on a key does not depend on the scheduler.
func TestFaultsReplay(t *testing.T) {
	one, two, three := outcomes(1, false), outcomes(1, true), outcomes(2, false)
	same := 0
	for place, result := range one {
		if two[place] != result {
			t.Errorf("%s: %s\nin parallel: %s", place, result, two[place])
		}
		if three[place] == result {
			same++
		}
	}
	if same == len(one) {
		t.Error("two seeds do the same")
	}
}

// Rates are what they say, and enough attempts always succeed.
func TestFaultRates(t *testing.T) {
	rates := memstore.Rates{InternalError: 0.05, SlowDown: 0.05, Conflict: 0.05, Reset: 0.05, LostReply: 0.05, Timeout: 0.05, Refused: 0.05, Stall: 0.05, MaxInARow: 2}
	fault := memstore.Faults(7, rates)
	got := map[memstore.FaultKind]int{}
	const n = 20000
	for i := range n {
		injected := fault(memstore.Request{Kind: memstore.Put, Key: strconv.Itoa(i), Condition: s3db.IfAbsent()})
		got[injected.Fault]++
		if injected.Applied {
			got[100]++
		}
	}
	for _, kind := range []memstore.FaultKind{memstore.InternalError, memstore.SlowDown, memstore.Conflict, memstore.Timeout, memstore.Refused, memstore.Stall} {
		if got[kind] < n*4/100 || got[kind] > n*6/100 {
			t.Errorf("fault %d: %d of %d, want 5 %%", kind, got[kind], n)
		}
	}
	if got[memstore.Reset] < n*9/100 || got[memstore.Reset] > n*11/100 {
		t.Errorf("resets and lost replies: %d of %d, want 10 %%", got[memstore.Reset], n)
	}
	if got[100] < n*13/100 || got[100] > n*17/100 {
		t.Errorf("applied: %d of %d, want 15 %%", got[100], n)
	}
	certain := memstore.Faults(1, memstore.Rates{Reset: 1})
	row := 0
	for range 100 {
		if certain(memstore.Request{Kind: memstore.Get, Key: "k"}).Fault == memstore.NoFault {
			row = 0
		} else if row++; row > 3 {
			t.Fatal("more than three faults in a row")
		}
	}
	unconditional := memstore.Faults(1, memstore.Rates{Conflict: 1})
	if f := unconditional(memstore.Request{Kind: memstore.Put, Key: "k"}).Fault; f != memstore.NoFault {
		t.Errorf("a conflict of an unconditional put: %d", f)
	}
}
