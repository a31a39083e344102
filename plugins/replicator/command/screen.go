package command

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
)

// screen shows what happens: on a terminal one line for all targets that changes in place,
// elsewhere a line for each thing that a person wants to know of.
type screen struct {
	w     io.Writer
	drawn bool

	mu        sync.Mutex
	last      map[string]string // by target: what was told last
	applied   int64             // changes since the begin
	documents map[string]int64  // by target: of a snapshot that goes on
}

// event notes or tells what the replicator does.
func (s *screen) event(_ context.Context, e replicator.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e.Kind {
	case replicator.EventApplied:
		s.applied += int64(e.Changes)
	case replicator.EventSnapshot:
		s.snapshot(&e)
	case replicator.EventRejected:
		c := e.Change
		s.line("%s: %s of %s/%s is rejected: %v", e.Target, c.Action, c.Resource, c.ID, e.Err)
	case replicator.EventError:
		what := e.Target
		if what == "" {
			what = "the log"
		}
		s.once(what, fmt.Sprintf("%s: %v; it is tried again", what, e.Err))
	}
}

// snapshot tells when a snapshot begins and ends, and each 10,000 documents between.
func (s *screen) snapshot(e *replicator.Event) {
	const every = 10_000
	if s.documents == nil {
		s.documents = map[string]int64{}
	}
	before, began := s.documents[e.Target]
	s.documents[e.Target] = e.Documents
	switch {
	case e.Done:
		delete(s.documents, e.Target)
		s.line("%s: the snapshot of %d documents is done", e.Target, e.Documents)
	case !began:
		s.line("%s: the snapshot begins", e.Target)
	case !s.drawn && e.Documents/every > before/every:
		s.line("%s: snapshot of %d documents so far", e.Target, e.Documents)
	}
}

// once tells a line unless it was the last one about its matter.
func (s *screen) once(matter, text string) {
	if s.last[matter] != text {
		s.last[matter] = text
		s.line("%s", text)
	}
}

// line prints a line above the one that is drawn.
func (s *screen) line(format string, args ...any) {
	if s.drawn {
		_, _ = io.WriteString(s.w, clearLine)
	}
	tell(s.w, format, args...)
}

// clearLine goes to the begin of the line and empties it.
const clearLine = "\r\x1b[K"

// clear removes what is drawn.
func (s *screen) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.drawn {
		_, _ = io.WriteString(s.w, clearLine)
	}
}

// follow shows the state of targets until the context ends.
func (s *screen) follow(ctx context.Context, m *monitor) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			s.clear()
			return
		case <-ticker.C:
			if s.drawn {
				s.draw(ctx, m)
			}
		}
	}
}

// draw draws the line of a terminal.
func (s *screen) draw(ctx context.Context, m *monitor) {
	list, err := m.status(ctx)
	if err != nil {
		return // an event tells of it
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	parts := []string{fmt.Sprintf("%d changes applied", s.applied)}
	for i := range list {
		x := &list[i]
		text := fmt.Sprintf("%s: %s", x.Target, x.State)
		if n, ok := s.documents[x.Target]; ok {
			text = fmt.Sprintf("%s: snapshot, %d documents", x.Target, n)
		} else if x.LagChanges > 0 {
			text += fmt.Sprintf(", %d behind", x.LagChanges)
		}
		parts = append(parts, text)
	}
	_, _ = io.WriteString(s.w, clearLine+strings.Join(parts, " | "))
}
