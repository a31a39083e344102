package s3db

import (
	"context"
	"testing"
	"testing/synctest"
)

// TestCancelledScanEnds: a list that was asked for a page and is then ended by the
// context has left the turn in its channel. Asking again must not wait for it.
func TestCancelledScanEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		s := &scanner{ctx: ctx, cancel: cancel, bounds: scanOptions{ahead: 1, need: -1}, pages: make(chan page), turn: make(chan struct{}, 1)}
		close(s.pages)
		for range 2 { // the first turn finds room, nobody takes it
			if s.nextPage(nil) {
				t.Error("a page of a list that has ended")
			}
		}
		if f, ok := s.next(); !ok || f.err == nil {
			t.Error("a cancelled scan ends as if it were complete")
		}
	})
}
