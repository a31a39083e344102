package s3db

import (
	"context"
	"sync"
)

// scanOptions bound a scan.
type scanOptions struct {
	ahead    int // documents that are read or held before the caller takes them
	parallel int // documents that are read at the same time
	need     int // documents that the caller wants; negative: all
}

// scanner reads the documents that a source names, many at a time, and returns
// them in the order of the source. It never holds more than it may, reads no more
// than is needed, and runs on no longer than until close.
type scanner struct {
	ctx    context.Context
	cancel context.CancelFunc
	read   func(context.Context, scanItem) (any, error)
	bounds scanOptions

	running sync.WaitGroup
	pages   chan page
	turn    chan struct{} // tells list to go on
	asked   bool          // for a page that has not come
	ended   bool          // there are no more pages
	batch   []scanItem    // of the current page
	ahead   []*fetch      // on their way, in order
	work    chan *fetch
	workers int

	taken, refused int
}

// page is one answer of a source.
type page struct {
	items []scanItem
	err   error
}

// fetch is one document on its way from the store. doc is nil when there is none,
// or not one that counts.
type fetch struct {
	item scanItem
	doc  any
	err  error
	done chan struct{}
}

// newScanner starts to list. The caller must close the scanner.
func newScanner(ctx context.Context, src func(context.Context) source, read func(context.Context, scanItem) (any, error), bounds scanOptions) *scanner {
	s := &scanner{read: read, bounds: bounds, pages: make(chan page), turn: make(chan struct{}, 1), asked: true}
	s.ctx, s.cancel = context.WithCancel(ctx)
	s.work = make(chan *fetch, bounds.ahead)
	s.running.Go(func() { s.list(src) })
	return s
}

// list sends the pages of the source.
func (s *scanner) list(src func(context.Context) source) {
	defer close(s.pages)
	for items, err := range src(s.ctx) {
		select {
		case s.pages <- page{items, err}:
		case <-s.ctx.Done():
			return
		}
		if err != nil {
			return
		}
		select {
		case <-s.turn:
		case <-s.ctx.Done():
			return
		}
	}
}

// close ends what is still under way and waits for it.
func (s *scanner) close() {
	s.cancel()
	s.running.Wait()
}

// next returns the next document that counts, or the next error: of one document,
// whose id it then holds, or of the listing, which ends the scan.
func (s *scanner) next() (*fetch, bool) {
	for {
		s.fill()
		if len(s.ahead) == 0 {
			if err := s.ctx.Err(); err != nil && !s.ended {
				return s.fail(err), true
			}
			return nil, false
		}
		f := s.ahead[0]
		select {
		case <-f.done:
		case <-s.ctx.Done():
			return s.fail(s.ctx.Err()), true
		}
		if err := s.ctx.Err(); err != nil && f.err != nil {
			return s.fail(err), true
		}
		s.ahead[0] = nil
		s.ahead = s.ahead[1:]
		if f.doc == nil && f.err == nil {
			s.refused++
			continue
		}
		s.taken++
		return f, true
	}
}

// want asks for one more document in place of one that was taken in vain.
func (s *scanner) want() {
	s.taken--
	s.refused++
}

// fail ends the scan: of all that was on its way, only this error is told.
func (s *scanner) fail(err error) *fetch {
	s.ended, s.batch, s.ahead = true, nil, nil
	return &fetch{err: err}
}

// fill starts as many reads as there may be. It waits for a page only when there
// is nothing else to wait for.
func (s *scanner) fill() {
	for len(s.ahead) < s.room() {
		if len(s.batch) == 0 {
			var first chan struct{}
			if len(s.ahead) > 0 {
				first = s.ahead[0].done
			}
			if !s.nextPage(first) {
				return
			}
			continue
		}
		s.start(s.batch[0])
		s.batch = s.batch[1:]
	}
}

// room is the number of documents that may be on their way: no more than are
// still wanted, and one more for each that did not count, so that a filter that
// refuses many reads faster and faster.
func (s *scanner) room() int {
	if s.bounds.need < 0 {
		return s.bounds.ahead
	}
	wanted := s.bounds.need - s.taken
	if wanted <= 0 {
		return 0
	}
	return min(s.bounds.ahead, wanted+s.refused)
}

// nextPage waits for the next page, or until other is closed. It reports false
// when there is no page.
func (s *scanner) nextPage(other chan struct{}) bool {
	if s.ended {
		return false
	}
	s.ask()
	select {
	case p, ok := <-s.pages:
		s.asked = false
		if !ok {
			s.ended = s.ctx.Err() == nil
			return false
		}
		s.batch = p.items
		if p.err != nil {
			done := make(chan struct{})
			close(done)
			s.ahead = append(s.ahead, &fetch{err: p.err, done: done})
			s.ended = true
			return false
		}
		if s.bounds.need < 0 {
			s.ask() // one page ahead; with bounds a page is listed when it is needed
		}
		return true
	case <-other:
		return false
	}
}

// ask lets list go on. A list that a cancelled context has ended takes no turn, and may
// have left the last one.
func (s *scanner) ask() {
	if s.asked {
		return
	}
	s.asked = true
	select {
	case s.turn <- struct{}{}:
	case <-s.ctx.Done():
	}
}

// start sends an item on its way. Items are read in order, so far as one can be
// before another.
func (s *scanner) start(item scanItem) {
	f := &fetch{item: item, done: make(chan struct{})}
	s.ahead = append(s.ahead, f)
	s.work <- f // there is room for all that may be ahead
	if s.workers < s.bounds.parallel && s.workers < len(s.ahead) {
		s.workers++
		s.running.Go(s.readAll)
	}
}

// readAll reads items until the scan ends.
func (s *scanner) readAll() {
	for {
		select {
		case f := <-s.work:
			f.doc, f.err = s.read(s.ctx, f.item)
			close(f.done)
		case <-s.ctx.Done():
			return
		}
	}
}

// more reports whether the source has names that were not looked at.
func (s *scanner) more() bool {
	for len(s.ahead) == 0 && len(s.batch) == 0 {
		if !s.nextPage(nil) {
			return len(s.ahead) > 0
		}
	}
	return true
}
