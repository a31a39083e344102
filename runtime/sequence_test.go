package s3db_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

type invoiceNumber int64

func openSequence(t *testing.T, store s3db.Store, o s3db.SequenceOptions, options ...s3db.Option) *s3db.Sequence[invoiceNumber] {
	t.Helper()
	c, err := clienttest.Open(t.Context(), store, 0, 0, options...)
	if err != nil {
		t.Fatal(err)
	}
	s, err := s3db.NewSequence[invoiceNumber](c.Database(), "invoices", o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSequence: numbers come one after the other, at one PUT for each block.
func TestSequence(t *testing.T) {
	for _, test := range []struct {
		options     s3db.SequenceOptions
		first, then string // requests of the first number, and of the 100 after it
		other       invoiceNumber
	}{
		{s3db.SequenceOptions{}, "0 LIST 1 GET 1 other", "0 LIST 0 GET 100 other", 102},
		{s3db.SequenceOptions{Block: 10}, "0 LIST 1 GET 1 other", "0 LIST 0 GET 10 other", 111},
		{s3db.SequenceOptions{Block: 1000, Start: 5000}, "0 LIST 1 GET 1 other", "0 LIST 0 GET 0 other", 6000},
	} {
		server := memstore.NewServer(memstore.Options{})
		var counter s3db.RequestCounter
		s := openSequence(t, server.Client(), test.options, s3db.WithRequestObserver(counter.Observe))
		want := invoiceNumber(max(test.options.Start, 1))
		next := func(s *s3db.Sequence[invoiceNumber], want invoiceNumber) {
			t.Helper()
			if n, err := s.Next(t.Context()); n != want || err != nil {
				t.Fatalf("%+v: got %d, %v, want %d", test.options, n, err, want)
			}
		}
		if cost := spent(&counter, func() { next(s, want) }); cost != test.first {
			t.Errorf("%+v: the first number took %s", test.options, cost)
		}
		if cost := spent(&counter, func() {
			for range 100 {
				want++
				next(s, want)
			}
		}); cost != test.then {
			t.Errorf("%+v: 100 numbers took %s", test.options, cost)
		}
		// Another process goes on behind the block, and Start is of the past.
		next(openSequence(t, server.Client(), s3db.SequenceOptions{Start: 7}), test.other)
		report, err := must(clienttest.Open(t.Context(), server.Client(), 0, 0))(t).Database().Fsck(t.Context(), s3db.FsckOptions{Exclusive: true})
		if err != nil || !report.Clean() {
			t.Errorf("fsck: %+v, %v", report, err)
		}
	}
}

// TestSequenceOfOneName: all handles of a process share what is taken.
func TestSequenceOfOneName(t *testing.T) {
	db := must(clienttest.Open(t.Context(), memstore.New(), 0, 0))(t).Database()
	open := func(name string) *s3db.Sequence[invoiceNumber] {
		return must(s3db.NewSequence[invoiceNumber](db, name, s3db.SequenceOptions{Block: 10}))(t)
	}
	for i, s := range []*s3db.Sequence[invoiceNumber]{open("a"), open("b"), open("a"), open("a b/ü"), open("a")} {
		if n, err := s.Next(t.Context()); err != nil || n != []invoiceNumber{1, 1, 2, 1, 3}[i] {
			t.Errorf("%d: %d, %v", i, n, err)
		}
	}
}

// TestSequenceAtOnce: many calls of many processes get each number once, while the
// network loses requests, replies and time. Without faults none is missing.
func TestSequenceAtOnce(t *testing.T) {
	const processes, callers, each = 4, 8, 20
	for _, faulty := range []bool{false, true} {
		for _, block := range []int64{1, 7} {
			synctest.Test(t, func(t *testing.T) {
				server := memstore.NewServer(memstore.Options{})
				var mu sync.Mutex
				var got []invoiceNumber
				var running sync.WaitGroup
				for p := range processes {
					store := server.Client()
					s := openSequence(t, store, s3db.SequenceOptions{Block: block}, s3db.WithRetry(s3db.RetryPolicy{Conflicts: 1000}))
					random := rand.New(rand.NewPCG(uint64(p), 1))
					if faulty {
						store.SetFault(func(r memstore.Request) memstore.Injection {
							mu.Lock()
							defer mu.Unlock()
							if random.IntN(4) > 0 || !strings.HasPrefix(r.Key, "sequence=") {
								return memstore.Injection{}
							}
							i := memstore.Injection{Fault: []memstore.FaultKind{memstore.InternalError, memstore.Reset, memstore.Timeout, memstore.Conflict}[random.IntN(4)]}
							switch random.IntN(3) {
							case 0:
								i.Applied = true
							case 1: // it arrives when others have gone on
								i.Late = func(apply func()) {
									running.Go(func() {
										time.Sleep(time.Second) //nolint:forbidigo // the clock of the bubble
										apply()
									})
								}
							}
							return i
						})
					}
					for range callers {
						running.Go(func() {
							for range each {
								n, err := s.Next(t.Context())
								if err != nil {
									t.Error(err)
									return
								}
								mu.Lock()
								got = append(got, n)
								mu.Unlock()
							}
						})
					}
				}
				running.Wait()
				slices.Sort(got)
				if all := len(got); all != processes*callers*each || len(slices.Compact(slices.Clone(got))) != all {
					t.Errorf("faulty %t, block %d: %d numbers, %d different ones", faulty, block, all, len(slices.Compact(slices.Clone(got))))
				}
				if last := int(got[len(got)-1]); !faulty && block == 1 && last != len(got) {
					t.Errorf("%d numbers, the last is %d", len(got), last)
				}
			})
		}
	}
}

// TestSequenceSharesRequests: calls that wait for each other share a request, though a
// block is one number.
func TestSequenceSharesRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const callers = 50
		store := memstore.New()
		var counter s3db.RequestCounter
		s := openSequence(t, store, s3db.SequenceOptions{}, s3db.WithRequestObserver(counter.Observe))
		store.SetFault(func(memstore.Request) memstore.Injection { return memstore.Injection{Delay: time.Second} })
		if cost := spent(&counter, func() {
			var running sync.WaitGroup
			for range callers {
				running.Go(func() {
					if _, err := s.Next(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			running.Wait()
		}); cost != "0 LIST 1 GET 1 other" && cost != "0 LIST 1 GET 2 other" {
			t.Errorf("%d numbers at once took %s", callers, cost)
		}
	})
}

// TestSequenceCrash: at any request of a process it ends, or the reply is lost, or the
// request itself is, or arrives only after another process has gone on. The other one
// takes numbers all the while, and one that begins afterwards goes on. No number that
// was handed out comes again.
func TestSequenceCrash(t *testing.T) {
	const draws = 6
	faults := map[string]func(late *[]func()) memstore.Injection{
		"ends before":  func(*[]func()) memstore.Injection { return memstore.Injection{Fault: memstore.Crash} },
		"ends after":   func(*[]func()) memstore.Injection { return memstore.Injection{Fault: memstore.Crash, Applied: true} },
		"request lost": func(*[]func()) memstore.Injection { return memstore.Injection{Fault: memstore.Timeout} },
		"reply lost":   func(*[]func()) memstore.Injection { return memstore.Injection{Fault: memstore.Reset, Applied: true} },
		"request too late": func(late *[]func()) memstore.Injection {
			return memstore.Injection{Fault: memstore.Timeout, Late: func(apply func()) { *late = append(*late, apply) }}
		},
	}
	for name, fault := range faults {
		for _, block := range []int64{1, 2} {
			for n, struck := 1, true; struck && !t.Failed(); n++ {
				synctest.Test(t, func(t *testing.T) {
					server := memstore.NewServer(memstore.Options{})
					store := server.Client()
					one := openSequence(t, store, s3db.SequenceOptions{Block: block})
					other := openSequence(t, server.Client(), s3db.SequenceOptions{Block: block})
					var late []func()
					sent, ended := 0, false
					store.SetFault(func(memstore.Request) memstore.Injection {
						sent++
						x := memstore.Injection{}
						if sent == n || ended {
							x = fault(&late)
							ended = x.Fault == memstore.Crash
						}
						return x
					})
					seen := map[invoiceNumber]bool{}
					draw := func(s *s3db.Sequence[invoiceNumber]) {
						t.Helper()
						number, err := s.Next(t.Context())
						switch {
						case err != nil && (s != one || !ended):
							t.Fatalf("%s, request %d, block %d: %v", name, n, block, err)
						case err == nil && seen[number]:
							t.Errorf("%s, request %d, block %d: %d comes twice", name, n, block, number)
						}
						seen[number] = err == nil
					}
					for range draws {
						draw(one)
						draw(other)
						for _, apply := range late {
							apply()
						}
						late = nil
					}
					after := openSequence(t, server.Client(), s3db.SequenceOptions{})
					for range draws {
						draw(after)
						draw(other)
					}
					struck = sent >= n
				})
			}
		}
	}
}

// TestSequenceRaise: numbers below one are not handed out any more, also those that the
// process holds, and a sequence never goes back. Sequences tells where they are.
func TestSequenceRaise(t *testing.T) {
	ctx := t.Context()
	server := memstore.NewServer(memstore.Options{})
	var counter s3db.RequestCounter
	s := openSequence(t, server.Client(), s3db.SequenceOptions{Block: 10, Start: 3}, s3db.WithRequestObserver(counter.Observe))
	other := openSequence(t, server.Client(), s3db.SequenceOptions{})
	for _, step := range []struct {
		raise, next, end invoiceNumber
		cost             string
	}{
		{raise: 7, next: 7, end: 17, cost: "0 LIST 1 GET 1 other"},
		{raise: 5, next: 8, end: 17, cost: "0 LIST 0 GET 0 other"},
		{raise: 12, next: 12, end: 17, cost: "0 LIST 0 GET 0 other"},
		{raise: 17, next: 17, end: 27, cost: "0 LIST 0 GET 0 other"},
		{raise: 100, next: 100, end: 110, cost: "0 LIST 0 GET 1 other"},
	} {
		if cost := spent(&counter, func() {
			if err := s.Raise(ctx, step.raise); err != nil {
				t.Fatal(err)
			}
		}); cost != step.cost {
			t.Errorf("raised to %d: %s, want %s", step.raise, cost, step.cost)
		}
		if n, err := s.Next(ctx); n != step.next || err != nil {
			t.Errorf("raised to %d: %d, %v, want %d", step.raise, n, err, step.next)
		}
		all := must(sequencesOf(t, server.Client()))(t)
		if diff := cmp.Diff([]s3db.SequenceState{{Name: "invoices", Next: int64(step.end)}}, all); diff != "" {
			t.Errorf("raised to %d (-want +got):\n%s", step.raise, diff)
		}
	}
	if n, err := other.Next(ctx); n != 110 || err != nil {
		t.Errorf("another program: %d, %v", n, err)
	}
	if err := s.Raise(ctx, 0); !errors.Is(err, s3db.ErrValidation) {
		t.Errorf("raised to 0: %v", err)
	}
}

func sequencesOf(t *testing.T, store s3db.Store) (all []s3db.SequenceState, err error) {
	t.Helper()
	for s, e := range must(clienttest.Open(t.Context(), store, 0, 0))(t).Database().Sequences(t.Context()) {
		if err = errors.Join(err, e); e == nil {
			all = append(all, s)
		}
	}
	return all, err
}

// TestSequencesBroken: what is no sequence is told by Sequences and by fsck, and the
// others with it.
func TestSequencesBroken(t *testing.T) {
	ctx := t.Context()
	store := memstore.New()
	for key, body := range map[string]string{"a": "x", "b%zz": `{"format":1,"next":9}`, "c": `{"format":1,"next":5}`, "d": `{"format":2,"next":5}`} {
		if _, err := store.Put(ctx, "sequence="+key, []byte(body), nil, s3db.Condition{}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := sequencesOf(t, store)
	if diff := cmp.Diff([]s3db.SequenceState{{Name: "c", Next: 5}}, all); diff != "" || !errors.Is(err, s3db.ErrCorrupt) || !errors.Is(err, s3db.ErrNewerFormat) {
		t.Errorf("%v\n%s", err, diff)
	}
	report := must(must(clienttest.Open(ctx, store, 0, 0))(t).Database().Fsck(ctx, s3db.FsckOptions{Repair: true}))(t)
	var found []string
	for _, f := range report.Findings {
		found = append(found, fmt.Sprint(f.Kind, " ", f.Key, " ", f.Repaired))
	}
	want := []string{"corrupt sequence=a false", "corrupt sequence=b%zz false", "corrupt sequence=d false"}
	if diff := cmp.Diff(want, found); diff != "" || report.Sequences != 1 {
		t.Errorf("%d sequences; findings (-want +got):\n%s", report.Sequences, diff)
	}
}

// TestSequenceRefuses: what is no sequence, and what cannot go on.
func TestSequenceRefuses(t *testing.T) {
	ctx := t.Context()
	store := memstore.New()
	db := must(clienttest.Open(ctx, store, 0, 0))(t).Database()
	for name, o := range map[string]s3db.SequenceOptions{
		"": {}, strings.Repeat("x", 250): {}, "start": {Start: -1}, "block": {Block: -1}, "large": {Block: 1_000_001},
	} {
		if _, err := s3db.NewSequence[invoiceNumber](db, name, o); !errors.Is(err, s3db.ErrConfig) {
			t.Errorf("%.9s %+v: %v", name, o, err)
		}
	}
	for i, test := range []struct {
		body string
		want error
	}{
		{"x", s3db.ErrCorrupt},
		{`{"format":1}`, s3db.ErrCorrupt},
		{`{"format":2,"next":1}`, s3db.ErrNewerFormat},
		{fmt.Sprintf(`{"format":1,"next":%d}`, int64(math.MaxInt64)), s3db.ErrValidation},
	} {
		name := fmt.Sprint("s", i)
		if _, err := store.Put(ctx, "sequence="+name, []byte(test.body), nil, s3db.Condition{}); err != nil {
			t.Fatal(err)
		}
		s := must(s3db.NewSequence[invoiceNumber](db, name, s3db.SequenceOptions{}))(t)
		if n, err := s.Next(ctx); !errors.Is(err, test.want) || !strings.HasPrefix(err.Error(), "s3db: sequence "+name+": ") {
			t.Errorf("%s: %d, %v", test.body, n, err)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if n, err := must(s3db.NewSequence[invoiceNumber](db, "c", s3db.SequenceOptions{}))(t).Next(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("%d, %v", n, err)
	}
}
