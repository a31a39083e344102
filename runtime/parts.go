package s3db

import (
	"context"
	"iter"
	"sync"
)

const (
	// plannedPages is how many pages a part should have. Each part costs up to one
	// request more than the keys need, so this is what a split costs: an eighth.
	plannedPages = 8
	// mostPages is how many pages a part may have before the rest becomes a part of
	// its own, which bounds what is held.
	mostPages = 12
)

// partedListing lists one range of keys in several parts at the same time. Parts
// begin where keys of the pages before suggest; a bad guess makes a part too long or
// empty, never wrong. As long as few pages have come there is one part.
type partedListing struct {
	requests *requester
	width    int // parts that are being listed, or listed and not taken
	running  sync.WaitGroup

	mu     sync.Mutex
	first  *part      // the one that is being taken
	full   int        // pages that others followed
	splits int        // never more than width-1, and one for each plannedPages full pages
	reach  int        // how much farther than planned to guess, because parts were empty
	latest []ListItem // the page with the highest keys
}

// part is a stretch of the range, in the order of keys.
type part struct {
	keyRange

	guessed bool       // its end was guessed
	nearest []ListItem // a page just before it; nil: use the latest
	started bool
	pages   chan []ListItem // has room for all; closed when the part is listed
	err     error           // of the listing, once pages is closed
	next    *part           // final once pages is closed
}

// pagesInParts lists a range as pages does, in up to width parts at the same time.
// n keys cost at most ⌊n/1000⌋ + width + n/8000 requests, and ⌈n/1000⌉ when they
// are 12,000 or fewer.
func (r *requester) pagesInParts(ctx context.Context, kr keyRange, width int) iter.Seq2[[]ListItem, error] {
	return func(yield func([]ListItem, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		l := &partedListing{requests: r, width: width, reach: 1, first: newPart(kr)}
		defer l.running.Wait()
		defer cancel()
		for p := l.take(ctx, l.first); p != nil; p = l.take(ctx, p.next) {
			for items := range p.pages {
				if !yield(items, nil) {
					return
				}
			}
			if p.err != nil {
				yield(nil, p.err)
				return
			}
		}
	}
}

func newPart(kr keyRange) *part { return &part{keyRange: kr, pages: make(chan []ListItem, mostPages)} }

// take makes p the first part, and returns it.
func (l *partedListing) take(ctx context.Context, p *part) *part {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.first = p
	l.start(ctx)
	return p
}

// start starts the parts that may be listed now. The caller holds the lock.
func (l *partedListing) start(ctx context.Context) {
	for p, n := l.first, 0; p != nil && n < l.width; p, n = p.next, n+1 {
		if !p.started {
			p.started = true
			l.split(p)
			l.running.Go(func() { l.list(ctx, p) })
		}
	}
}

// split makes two parts of one where that pays. The caller holds the lock.
func (l *partedListing) split(p *part) {
	if l.full == 0 || l.splits >= l.width-1+l.full/plannedPages {
		return
	}
	page := p.nearest
	if page == nil {
		page = l.latest
	}
	point, ok := extrapolate(page, p.prefix, p.start(), l.reach*plannedPages*maxPage)
	if !ok || p.to != "" && point >= p.to {
		return
	}
	rest := newPart(p.keyRange)
	rest.after, rest.next, rest.guessed = point, p.next, p.guessed
	p.to, p.next, p.guessed = point+"\x00", rest, true
	l.splits++
}

// list lists a part, or the first pages of it.
func (l *partedListing) list(ctx context.Context, p *part) {
	after, keys := p.start(), 0
	for n := 1; ; n++ {
		page, err := l.requests.page(ctx, p.keyRange, after, 0)
		if err == nil {
			p.pages <- page.items
			keys += len(page.items)
		}
		l.mu.Lock()
		switch {
		case err != nil:
			p.err = err
		case page.more:
			l.full++
			l.look(page.items)
			if n < mostPages {
				after = page.last
				l.mu.Unlock()
				continue
			}
			l.shorter(p)
			rest := newPart(p.keyRange)
			rest.after, rest.next, rest.nearest = page.last, p.next, page.items
			p.next = rest
		default:
			l.look(page.items)
			l.farther(p, keys)
			l.leaveOut(p, page)
		}
		close(p.pages)
		l.start(ctx)
		l.mu.Unlock()
		return
	}
}

// look remembers a page to guess from. The caller holds the lock.
func (l *partedListing) look(items []ListItem) {
	if n := len(items); n > 1 && (l.latest == nil || items[n-1].Key > l.latest[len(l.latest)-1].Key) {
		l.latest = items
	}
}

// shorter learns from a part that is longer than it should be. The caller holds the
// lock.
func (l *partedListing) shorter(p *part) {
	if p.guessed {
		l.reach = max(1, l.reach/2)
	}
}

// farther learns from a part that has hardly any keys. The caller holds the lock.
func (l *partedListing) farther(p *part, keys int) {
	const farthest = 1 << 20
	if p.guessed && keys < plannedPages*maxPage/4 {
		l.reach = min(2*l.reach, farthest)
	}
}

// leaveOut takes from the parts that nobody lists yet what the last page of the part
// before shows to be empty. The caller holds the lock.
func (l *partedListing) leaveOut(p *part, page keyPage) {
	if q := p.next; page.beyond != "" && q != nil && !q.started {
		q.after = max(q.after, justBelow(page.beyond, q.prefix))
	}
	for q := p; page.end && q.next != nil; {
		if q.next.started {
			q = q.next
		} else {
			q.next = q.next.next
		}
	}
}
