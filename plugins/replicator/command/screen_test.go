package command

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
)

// shown is what a screen shows while a snapshot goes by and a target fails, second by
// second.
func shown(t *testing.T, terminal bool) string {
	t.Helper()
	var out bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		state := replicator.Status{Target: "copy"}
		set := func(is replicator.State, behind uint64) {
			mu.Lock()
			defer mu.Unlock()
			state.State, state.LagChanges = is, behind
		}
		set(replicator.Snapshot, 0)
		m := &monitor{ask: func(context.Context) ([]replicator.Status, error) {
			mu.Lock()
			defer mu.Unlock()
			return []replicator.Status{state}, nil
		}}
		s := &screen{w: &out, drawn: terminal, last: map[string]string{}}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { s.follow(ctx, m) })
		step := func(e replicator.Event) {
			e.Target = "copy"
			s.event(ctx, e)
			if err := replicator.Pause(ctx, fresh); err != nil { // until the state is asked for again
				t.Error(err)
			}
			synctest.Wait()
		}
		step(replicator.Event{Kind: replicator.EventSnapshot, Documents: 500})
		step(replicator.Event{Kind: replicator.EventSnapshot, Documents: 10_200})
		set(replicator.CatchingUp, 7)
		step(replicator.Event{Kind: replicator.EventSnapshot, Documents: 10_300, Done: true})
		step(replicator.Event{Kind: replicator.EventApplied, Changes: 7})
		for range 2 { // it is told once
			step(replicator.Event{Kind: replicator.EventError, Err: errors.New("connection refused")})
		}
		set(replicator.UpToDate, 0)
		change := replicator.Change{Action: replicator.Insert, Resource: "users", ID: "ada"}
		step(replicator.Event{Kind: replicator.EventRejected, Change: &change, Err: replicator.ErrRejected})
		stop()
		running.Wait()
	})
	return out.String()
}

// TestScreen: a terminal has lines of what happened, and below them one that tells how far
// targets are and is drawn anew each second; elsewhere there are lines alone.
func TestScreen(t *testing.T) {
	t.Parallel()
	want := []string{
		"copy: the snapshot begins",
		"copy: snapshot of 10200 documents so far",
		"copy: the snapshot of 10300 documents is done",
		"copy: connection refused; it is tried again",
		"copy: insert of users/ada is rejected: the target has rejected a change",
		"",
	}
	if diff := cmp.Diff(want, strings.Split(shown(t, false), "\n")); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}

	// Each drawing begins where the line does and ends with what was told next.
	var drawn []string
	for text := range strings.SplitSeq(shown(t, true), clearLine) {
		if n := len(drawn); text != "" && (n == 0 || drawn[n-1] != text) { // not each second
			drawn = append(drawn, text)
		}
	}
	want = []string{
		"copy: the snapshot begins\n",
		"0 changes applied | copy: snapshot, 500 documents",
		"0 changes applied | copy: snapshot, 10200 documents",
		"copy: the snapshot of 10300 documents is done\n",
		"0 changes applied | copy: catchingUp, 7 behind",
		"7 changes applied | copy: catchingUp, 7 behind",
		"copy: connection refused; it is tried again\n",
		"7 changes applied | copy: catchingUp, 7 behind",
		"copy: insert of users/ada is rejected: the target has rejected a change\n",
		"7 changes applied | copy: upToDate",
	}
	if diff := cmp.Diff(want, drawn); diff != "" {
		t.Errorf("drawn (-want +got):\n%s", diff)
	}
	if !strings.HasSuffix(shown(t, true), clearLine) {
		t.Error("the line is left behind at the end")
	}
}

// TestFreshness: the state is asked for once for many questions, and again when the
// answer is old.
func TestFreshness(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		m := &monitor{ask: func(context.Context) ([]replicator.Status, error) { asked++; return nil, nil }}
		for range 3 {
			if _, err := m.status(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if err := replicator.Pause(t.Context(), fresh+time.Second); err != nil {
			t.Error(err)
		}
		if _, err := m.status(t.Context()); err != nil || asked != 2 {
			t.Errorf("asked %d times, want 2; %v", asked, err)
		}
	})
}
