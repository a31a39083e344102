package s3db

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"path"
	"strings"
	"sync"
	"sync/atomic"
)

// Sequence hands out the numbers 1, 2, 3 and so on, such as those of invoices: each at
// most once, to however many programs, whatever crashes and whichever request fails.
// Numbers may be missing, see docs/sequences.md. It is safe for concurrent use, and all
// sequences of one name of a [Database] are one.
type Sequence[N ~int64] struct {
	numbers *numbers
	options SequenceOptions
}

// SequenceOptions are those of [NewSequence].
type SequenceOptions struct {
	// Start is the first number of a sequence that nobody has used yet, at least 1.
	// Default 1. It changes nothing later.
	Start int64
	// Block is how many numbers a program takes from the store at a time, from 1 to
	// 1,000,000. Default 1. What it has not handed out when it ends is missing.
	Block int64
}

// NewSequence returns the sequence of a database with a name, which is not empty; it
// sends no request. Errors match ErrConfig.
func NewSequence[N ~int64](db *Database, name string, o SequenceOptions) (*Sequence[N], error) {
	const largest = 1_000_000
	segment := sequencePrefix + KeyText(name)
	switch {
	case name == "" || len(segment) > maxKeySegment:
		return nil, configError("the name of a sequence is 1 to about %d characters long, not %q", maxKeySegment-len(sequencePrefix), printableID(name))
	case o.Start < 0:
		return nil, configError("SequenceOptions.Start is %d: it must be positive", o.Start)
	case o.Block < 0 || o.Block > largest:
		return nil, configError("SequenceOptions.Block is %d: it must be from 1 to %d", o.Block, largest)
	}
	o.Start, o.Block = max(o.Start, 1), max(o.Block, 1)
	fresh := &numbers{db: db, name: name, key: path.Join(db.prefix, segment), turn: make(chan struct{}, 1)}
	return &Sequence[N]{numbers: db.sequence(fresh), options: o}, nil
}

// Next returns the next number. It costs 1 PUT for each block, and 1 GET when another
// program took one since, as for the first; calls that wait for each other share a
// request, also where a block is one number. Errors: ErrConflict when other programs
// were faster in every attempt; ErrValidation after the last number of 64 bits.
func (s *Sequence[N]) Next(ctx context.Context) (N, error) {
	n, err := s.numbers.next(ctx, s.options)
	return N(n), sequenceError(s.numbers.name, err)
}

// Raise makes next the number that comes next, unless the sequence has gone further:
// it never goes back, so that it may be repeated. Another program hands out what it has
// left of a block that it took before. It costs 1 GET, and 1 PUT if the number changes.
// Errors: ErrValidation when next is less than 1; ErrConflict as for Next.
func (s *Sequence[N]) Raise(ctx context.Context, next N) error {
	return sequenceError(s.numbers.name, s.numbers.raise(ctx, int64(next)))
}

// SequenceState is what the store says of a sequence.
type SequenceState struct {
	Name string `json:"sequence"`
	// Next is the least number that no program has taken.
	Next int64 `json:"next"`
}

// Sequences yields the sequences of the database that were used, in the order of their
// names. It costs 1 LIST for each 1,000 of them and 1 GET for each. An object that is
// none comes as an error that matches ErrCorrupt or ErrNewerFormat, and the
// others follow; another error is the last.
func (db *Database) Sequences(ctx context.Context) iter.Seq2[SequenceState, error] {
	return func(yield func(SequenceState, error) bool) {
		for x, err := range db.storedSequences(ctx) {
			if err != nil {
				err = databaseError("sequences", err)
			}
			if !yield(x.SequenceState, err) {
				return
			}
		}
	}
}

// storedSequence is an object in the place of a sequence.
type storedSequence struct {
	SequenceState
	key string
}

// storedSequences are those objects. An error with a key is about one of them.
func (db *Database) storedSequences(ctx context.Context) iter.Seq2[storedSequence, error] {
	prefix := path.Join(db.prefix, sequencePrefix)
	read := func(key string) (x storedSequence, err error) {
		x.key = key
		name, ok := ParseKeyText(strings.TrimPrefix(key, prefix))
		if !ok {
			return x, fmt.Errorf("%w: the key %s is not that of a sequence", ErrCorrupt, key)
		}
		x.Name = name
		x.Next, _, err = db.readSequence(ctx, key)
		if err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrNewerFormat) && !errors.Is(err, ErrNotFound) {
			x.key = ""
		}
		return x, err
	}
	return func(yield func(storedSequence, error) bool) {
		for item, err := range db.requests.keys(ctx, keyRange{prefix: prefix}) {
			var x storedSequence
			if err == nil {
				x, err = read(item.Key)
			}
			if errors.Is(err, ErrNotFound) {
				continue // removed meanwhile
			}
			if !yield(x, err) || err != nil && x.key == "" {
				return
			}
		}
	}
}

// sequenceError says of which sequence an error is.
func sequenceError(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("s3db: sequence %s: %w", printableID(name), asUnavailable(err))
}

// sequence returns the sequence of this process with the name of another one, or that.
func (db *Database) sequence(fresh *numbers) *numbers {
	db.sequences.mu.Lock()
	defer db.sequences.mu.Unlock()
	if s, ok := db.sequences.all[fresh.name]; ok {
		return s
	}
	if db.sequences.all == nil {
		db.sequences.all = map[string]*numbers{}
	}
	db.sequences.all[fresh.name] = fresh
	return fresh
}

// sequences are those that the program uses, by name.
type sequences struct {
	mu  sync.Mutex
	all map[string]*numbers
}

// numbers is one sequence in this process. The object says which number is the next
// that nobody has. A block is taken by compare-and-swap of that number, which only grows,
// so that no state of the object comes twice; it belongs to whom the store has
// told so. After any other reply the block is given up, for somebody may have it.
type numbers struct {
	db      *Database
	name    string
	key     string
	waiting atomic.Int64  // calls that have no number yet
	turn    chan struct{} // holds a value while a call looks at what follows

	from, end int64  // numbers that are taken and not handed out
	etag      string // of the object as this process wrote it; "" when that is not known
}

// sequencePrefix begins the keys of sequences, below the place of the database.
const sequencePrefix = "sequence="

// sequenceObject is the object of a sequence.
type sequenceObject struct {
	Format int   `json:"format"`
	Next   int64 `json:"next"`
}

func (s *numbers) next(ctx context.Context, o SequenceOptions) (int64, error) {
	s.waiting.Add(1)
	defer s.waiting.Add(-1)
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.leave()
	if s.from == s.end {
		if err := s.reserve(ctx, o.Start, max(o.Block, s.waiting.Load())); err != nil {
			return 0, err
		}
	}
	s.from++
	return s.from - 1, nil
}

// enter waits until no other call looks at what follows.
func (s *numbers) enter(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *numbers) leave() { <-s.turn }

// reserve takes a block of numbers.
func (s *numbers) reserve(ctx context.Context, start, block int64) error {
	return s.advance(ctx, func(next int64) (from, end int64, err error) {
		if next == 0 {
			next = start
		}
		if next > math.MaxInt64-block {
			return 0, 0, fmt.Errorf("%w: no numbers are left", ErrValidation)
		}
		return next, next + block, nil
	})
}

// raise gives up the numbers below one, those that this process holds among them.
func (s *numbers) raise(ctx context.Context, to int64) error {
	if to < 1 {
		return fmt.Errorf("%w: %d is no number of a sequence, they begin with 1", ErrValidation, to)
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	err := s.advance(ctx, func(next int64) (from, end int64, err error) {
		end = max(next, to)
		return end, end, nil
	})
	if err == nil {
		s.from = min(max(s.from, to), s.end)
	}
	return err
}

// advance moves the number that nobody has, which is 0 before the first use, to the end
// of a block, and holds the block. It writes nothing when that is where it is.
func (s *numbers) advance(ctx context.Context, block func(next int64) (from, end int64, err error)) error {
	for try := range s.db.requests.policy.Conflicts {
		if try > 0 {
			if err := s.db.requests.policy.wait(ctx, try-1); err != nil {
				return err
			}
		}
		next, cond, err := s.end, IfMatchETag(s.etag), error(nil)
		if s.etag == "" {
			next, cond, err = s.db.readSequence(ctx, s.key)
		}
		if errors.Is(err, ErrNotFound) {
			next, cond, err = 0, IfAbsent(), nil
		}
		if err != nil {
			return err
		}
		from, end, err := block(next)
		if err != nil || end == next {
			return err
		}
		body, err := json.Marshal(sequenceObject{Format: 1, Next: end})
		if err != nil {
			return err
		}
		s.etag = ""
		etag, _, err := s.db.requests.putIf(ctx, s.key, body, nil, cond)
		switch {
		case err == nil:
			s.from, s.end, s.etag = from, end, etag
			return nil
		case !errors.Is(err, ErrPrecondition):
			return err
		}
	}
	return fmt.Errorf("%w: other programs were faster %d times", ErrConflict, s.db.requests.policy.Conflicts)
}

// readSequence returns the next number that nobody has, and the condition on which it
// may be taken. ErrNotFound for a sequence that nobody has used.
func (db *Database) readSequence(ctx context.Context, key string) (int64, Condition, error) {
	obj, err := db.requests.get(ctx, key)
	if err != nil {
		return 0, Condition{}, err
	}
	var stored sequenceObject
	switch err := json.Unmarshal(obj.Body, &stored); {
	case err != nil || stored.Format < 1 || stored.Next < 1:
		return 0, Condition{}, fmt.Errorf("%w: the object %s is not one of a sequence", ErrCorrupt, key)
	case stored.Format > 1:
		return 0, Condition{}, ErrNewerFormat
	}
	return stored.Next, IfMatchETag(obj.ETag), nil
}
