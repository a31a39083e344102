package replicator_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	gosync "sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/targettest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// slowLog is a store whose segments take a second to read.
type slowLog struct {
	s3db.Store

	mu           gosync.Mutex
	applying     bool
	now, most    int   // segments that are being read
	reads, ahead int   // of them, those while the target was busy
	fail         error // of reads while the target is busy
}

func (s *slowLog) Get(ctx context.Context, key string) (*s3db.Object, error) {
	if !strings.Contains(key, "/log/") {
		return s.Store.Get(ctx, key)
	}
	s.count(1)
	defer s.count(-1)
	const half = time.Second / 2
	if err := replicator.Pause(ctx, half); err != nil {
		return nil, err
	}
	// Looked at in the middle: a read and an application that begin at the same time have
	// no order.
	s.mu.Lock()
	var fail error
	if s.applying {
		s.ahead++
		fail = s.fail
	}
	s.mu.Unlock()
	if err := replicator.Pause(ctx, half); err != nil {
		return nil, err
	}
	if fail != nil {
		return nil, fail
	}
	return s.Store.Get(ctx, key)
}

// count notes a read that begins or ends.
func (s *slowLog) count(reads int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads += max(reads, 0)
	s.now += reads
	s.most = max(s.most, s.now)
}

func (s *slowLog) busy(is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.applying = is
}

// TestReadAhead: while a segment is applied the next one is read, no more than that, and
// the order stays. A read that fails is made again; when the target fails, nothing that
// was read is applied.
func TestReadAhead(t *testing.T) {
	const segments = 6
	run := func(t *testing.T, prepare func(*slowLog, *targettest.Memory)) (store *slowLog, m *targettest.Memory, seqs []string, r *replicator.Replicator, took time.Duration, err error) {
		t.Helper()
		ctx := t.Context()
		server := memstore.NewServer(memstore.Options{})
		store, m = &slowLog{Store: server.Client()}, &targettest.Memory{}
		m.Fail = func(context.Context, []replicator.Change) error {
			store.busy(true)
			defer store.busy(false)
			<-time.After(time.Second)
			return nil
		}
		o := toMemory(m)
		o.Instance = "one"
		_, first := open(t, server.Client(), o)
		sync(t, first)
		c, settles := open(t, server.Client(), replicator.Options{OnDemand: true, Instance: "one", Resources: []string{"accounts"}})
		for i := range segments {
			must(c.Upsert(ctx, "a", account{Name: fmt.Sprint(i)}))(t)
			sync(t, settles)
		}
		m.Applied = func(c replicator.Change) { seqs = append(seqs, fmt.Sprint(c.Seq.Segment)) }
		if prepare != nil {
			prepare(store, m)
		}
		_, r = open(t, store, o)
		began := time.Now()
		err = r.Sync(ctx)
		return store, m, seqs, r, time.Since(began), err
	}
	want := []string{"1", "2", "3", "4", "5", "6"}
	t.Run("well", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			store, _, seqs, _, took, err := run(t, nil)
			if diff := cmp.Diff(want, seqs); diff != "" || err != nil {
				t.Errorf("%v, applied (-want +got):\n%s", err, diff)
			}
			// One read by the settler, who looks for the head; one that finds the end. The first
			// two segments do not tell that more of them wait.
			if got, want := took, (1+2+2+segments-2+1)*time.Second; got != want || store.most != 1 || store.ahead != segments-1 || store.reads != 1+segments+2 {
				t.Errorf("took %v, want %v; %d reads, %d ahead, %d at once", got, want, store.reads, store.ahead, store.most)
			}
		})
	})
	t.Run("the read fails", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			store, _, seqs, _, _, err := run(t, func(s *slowLog, _ *targettest.Memory) { s.fail = errors.New("out of order") })
			if diff := cmp.Diff(want, seqs); diff != "" || err != nil || store.ahead == 0 {
				t.Errorf("%v, %d ahead, applied (-want +got):\n%s", err, store.ahead, diff)
			}
		})
	})
	t.Run("the target fails", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			down := errors.New("no route to host")
			n := 0
			store, m, seqs, r, took, err := run(t, func(s *slowLog, m *targettest.Memory) {
				apply := m.Fail
				m.Fail = func(ctx context.Context, list []replicator.Change) error {
					if n++; n == 4 {
						return down
					}
					return apply(ctx, list)
				}
			})
			if !errors.Is(err, down) || !slices.Equal(seqs, want[:3]) || m.Rows("accounts")[0].Seq.Segment != 3 {
				t.Errorf("%v, applied %q", err, seqs)
			}
			if want := (1 + 2 + 2 + 1) * time.Second; took != want {
				t.Errorf("took %v, not %v: what is read ahead is waited for, though nobody wants it", took, want)
			}
			sync(t, r)
			if rows := m.Rows("accounts"); len(rows) != 1 || rows[0].Seq.Segment != segments || store.most != 1 {
				t.Errorf("rows %v, %d reads at once", rows, store.most)
			}
		})
	})
}
