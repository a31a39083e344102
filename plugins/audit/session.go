package audit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// record is the object of a session: where it began, and from time to time how far
// it has come. Its writer and sweeps change it by compare-and-swap.
type record struct {
	Format  int       `json:"format"`
	Session string    `json:"session"`
	Started time.Time `json:"started"`
	After   []string  `json:"after,omitempty"` // sessions that had begun shortly before

	Last    int64   `json:"last"` // number of the newest entry that the record knows
	Head    string  `json:"head,omitempty"`
	Open    []int64 `json:"open,omitempty"`    // entries up to Last that were under way
	Refused []gap   `json:"refused,omitempty"` // that do not count, and that no entry says so of
	Left    []int64 `json:"left,omitempty"`    // that do not count, and whose object may have stayed
	Unknown []int64 `json:"unknown,omitempty"` // whose outcome nobody knows
	Ended   bool    `json:"ended,omitempty"`

	Floor     int64     `json:"floor,omitempty"` // entries up to it have expired
	FloorHash string    `json:"floorHash,omitempty"`
	Expired   time.Time `json:"expired,omitzero"` // they are from before this time
}

// state is what the record says of an entry.
func (r *record) state(n int64) State {
	switch {
	case slices.ContainsFunc(r.Refused, func(g gap) bool { return g.Number == n }), slices.Contains(r.Left, n):
		return Refused
	case slices.Contains(r.Unknown, n):
		return Unknown
	case n > r.Last, slices.Contains(r.Open, n):
		return Open
	}
	return Committed
}

// session is the chain of entries that one program writes to one database. Entries
// are numbered and linked in memory, and stored at the same time as each other.
type session struct {
	log *Log
	id  string

	// begin holds a value while the record is being made: it needs requests, and
	// waiting for it ends with the context.
	begin chan struct{}

	mu       sync.Mutex // guards what follows
	began    bool
	started  time.Time
	last     time.Time
	number   int64
	prev     string
	open     map[int64]bool
	unstated map[int64]string // refused, and no stored entry says so: the hash before it
	left     []int64
	unknown  []int64
	unsaid   map[int64]bool // unknown, and no stored entry says so
	headed   int64          // number of the newest head
}

func newSession(log *Log) *session {
	now := log.now().UTC()
	s := &session{
		log: log, id: keyTime(now) + "-" + rand.Text()[:12], started: now, begin: make(chan struct{}, 1),
		open: map[int64]bool{}, unstated: map[int64]string{}, unsaid: map[int64]bool{},
	}
	s.prev = log.digest.sum([]byte(s.id))
	return s
}

func sessionKey(id string) string { return sessionRoot + id }

// ensure makes the record before the first entry, so that a session cannot vanish
// without a trace: later ones name those that they find. It costs 3 requests, once.
func (s *session) ensure(ctx context.Context) error {
	s.mu.Lock()
	began := s.began
	s.mu.Unlock()
	if began {
		return nil
	}
	select {
	case s.begin <- struct{}{}:
		defer func() { <-s.begin }()
	case <-ctx.Done():
		return ctx.Err()
	}
	s.mu.Lock()
	began = s.began
	s.mu.Unlock()
	if began {
		return nil
	}
	after, err := s.log.recent(ctx, s.started)
	if err != nil {
		return err
	}
	body, _, err := s.log.digest.seal(&record{Format: format, Session: s.id, Started: s.started, After: after})
	if err != nil {
		return err
	}
	// The name is this session's alone: that it is there is success.
	if _, err := s.log.space.Put(ctx, sessionKey(s.id), body, s3db.IfAbsent()); err != nil && !errors.Is(err, s3db.ErrPrecondition) {
		return err
	}
	s.mu.Lock()
	s.began = true
	s.mu.Unlock()
	return nil
}

// recent returns the sessions that began today or yesterday, the newest 100.
func (l *Log) recent(ctx context.Context, now time.Time) ([]string, error) {
	const most = 100
	var list []string
	for _, day := range []time.Time{now.AddDate(0, 0, -1), now} {
		for item, err := range l.space.List(ctx, sessionRoot+day.Format("20060102"), "") {
			if err != nil {
				return nil, err
			}
			list = append(list, item.Key[len(sessionRoot):])
		}
	}
	return list[max(0, len(list)-most):], nil
}

// add numbers an entry, links it to the one before, and returns its object. It is
// under way until settle is called.
func (s *session) add(e Entry) (x *stored, body []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.log.now().UTC().Round(0); now.After(s.last) {
		s.last = now
	}
	e.Time, e.Session, e.Number = s.last, s.id, s.number+1
	x = &stored{
		Format: format, Entry: e, Prev: s.prev,
		Open: sorted(s.open), Refused: s.gaps(), Unknown: sorted(s.unsaid),
	}
	body, x.hash, err = s.log.digest.seal(x)
	if err != nil {
		return nil, nil, err
	}
	s.number, s.prev = e.Number, x.hash
	s.open[e.Number] = true
	return x, body, nil
}

func sorted(set map[int64]bool) []int64 { return slices.Sorted(maps.Keys(set)) }

func (s *session) gaps() []gap {
	var list []gap
	for _, n := range slices.Sorted(maps.Keys(s.unstated)) {
		list = append(list, gap{n, s.unstated[n]})
	}
	return list
}

// settle notes what became of an entry; left tells that the object of a refused one
// may have stayed. What the entry says is said for good when it is stored.
func (s *session) settle(x *stored, state State, left bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, x.Number)
	switch state {
	case Refused:
		s.unstated[x.Number] = x.Prev
		if left {
			s.left = append(s.left, x.Number)
		}
		return
	case Unknown:
		s.unknown = append(s.unknown, x.Number)
		s.unsaid[x.Number] = true
	case Committed, Open:
	}
	for _, g := range x.Refused {
		delete(s.unstated, g.Number)
	}
	for _, n := range x.Unknown {
		delete(s.unsaid, n)
	}
}

// state is what the session knows of an entry of its own.
func (s *session) state(n int64) State {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := record{}
	s.tell(&r)
	return r.state(n)
}

// tell writes into the record how far the session has come.
func (s *session) tell(r *record) {
	r.Last, r.Head, r.Open, r.Refused = s.number, s.prev, sorted(s.open), s.gaps()
	r.Left, r.Unknown = slices.Clone(s.left), slices.Clone(s.unknown)
}

// due reports whether it is time for a head, and that the caller is to write it.
func (s *session) due() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.number-s.headed < headEvery {
		return false
	}
	s.headed = s.number
	return true
}

// headEvery is the number of entries after which the record is written again.
// Whoever removes the newest entries of a session that was never closed goes
// unnoticed with fewer than that, unless their documents tell.
const headEvery = 128

// write writes the record as of now.
func (s *session) write(ctx context.Context, ended bool) error {
	s.mu.Lock()
	began := s.began
	s.mu.Unlock()
	if !began {
		return nil
	}
	return s.log.change(ctx, s.id, func(r *record) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.tell(r)
		r.Ended = ended
		return true
	})
}

// change changes the record of a session by compare-and-swap; f reports whether
// there is anything to change. A write whose reply was lost is done again.
func (l *Log) change(ctx context.Context, id string, f func(*record) bool) error {
	const attempts = 20
	for range attempts {
		obj, err := l.space.Get(ctx, sessionKey(id))
		if err != nil {
			return err
		}
		r, err := l.parseRecord(id, obj.Body)
		if err != nil {
			return fmt.Errorf("the record of session %s: %w", id, err)
		}
		if !f(r) {
			return nil
		}
		body, _, err := l.digest.seal(r)
		if err != nil {
			return err
		}
		_, err = l.space.Put(ctx, sessionKey(id), body, s3db.IfMatchETag(obj.ETag))
		if !errors.Is(err, s3db.ErrPrecondition) && !errors.Is(err, s3db.ErrUnknownOutcome) {
			return err
		}
	}
	return fmt.Errorf("%w: the record of session %s keeps changing", s3db.ErrConflict, id)
}

func (l *Log) parseRecord(id string, body []byte) (*record, error) {
	r := &record{}
	_, err := l.digest.open(body, r)
	switch {
	case err != nil:
		return nil, err
	case r.Format != format:
		return nil, fmt.Errorf("%w: a session of format %d", s3db.ErrNewerFormat, r.Format)
	case r.Session != id:
		return nil, errors.New("it has the name of another session")
	}
	return r, nil
}
