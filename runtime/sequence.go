package s3db

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
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
	key := "sequence=" + KeyText(name)
	switch {
	case name == "" || len(key) > maxKeySegment:
		return nil, configError("the name of a sequence is 1 to about %d characters long, not %q", maxKeySegment-len("sequence="), printableID(name))
	case o.Start < 0:
		return nil, configError("SequenceOptions.Start is %d: it must be positive", o.Start)
	case o.Block < 0 || o.Block > largest:
		return nil, configError("SequenceOptions.Block is %d: it must be from 1 to %d", o.Block, largest)
	}
	o.Start, o.Block = max(o.Start, 1), max(o.Block, 1)
	if db.prefix != "" {
		key = db.prefix + "/" + key
	}
	fresh := &numbers{db: db, name: name, key: key, turn: make(chan struct{}, 1)}
	return &Sequence[N]{numbers: db.sequence(fresh), options: o}, nil
}

// Next returns the next number. It costs 1 PUT for each block, and 1 GET when another
// program took one since, as for the first; calls that wait for each other share a
// request, also where a block is one number. Errors: ErrConflict when other programs
// were faster in every attempt; ErrValidation after the last number of 64 bits.
func (s *Sequence[N]) Next(ctx context.Context) (N, error) {
	n, err := s.numbers.next(ctx, s.options)
	if err != nil {
		return 0, fmt.Errorf("s3db: sequence %s: %w", printableID(s.numbers.name), asUnavailable(err))
	}
	return N(n), nil
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

// sequenceObject is the object of a sequence.
type sequenceObject struct {
	Format int   `json:"format"`
	Next   int64 `json:"next"`
}

func (s *numbers) next(ctx context.Context, o SequenceOptions) (int64, error) {
	s.waiting.Add(1)
	defer s.waiting.Add(-1)
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	defer func() { <-s.turn }()
	if s.from == s.end {
		if err := s.reserve(ctx, o.Start, max(o.Block, s.waiting.Load())); err != nil {
			return 0, err
		}
	}
	s.from++
	return s.from - 1, nil
}

// reserve takes a block of numbers.
func (s *numbers) reserve(ctx context.Context, start, block int64) error {
	for try := range s.db.requests.policy.Conflicts {
		if try > 0 {
			if err := s.db.requests.policy.wait(ctx, try-1); err != nil {
				return err
			}
		}
		next, cond := s.end, IfMatchETag(s.etag)
		if s.etag == "" {
			var err error
			if next, cond, err = s.read(ctx, start); err != nil {
				return err
			}
		}
		if next > math.MaxInt64-block {
			return fmt.Errorf("%w: no numbers are left", ErrValidation)
		}
		body, err := json.Marshal(sequenceObject{Format: 1, Next: next + block})
		if err != nil {
			return err
		}
		s.etag = ""
		etag, _, err := s.db.requests.putIf(ctx, s.key, body, nil, cond)
		switch {
		case err == nil:
			s.from, s.end, s.etag = next, next+block, etag
			return nil
		case !errors.Is(err, ErrPrecondition):
			return err
		}
	}
	return fmt.Errorf("%w: other programs were faster %d times", ErrConflict, s.db.requests.policy.Conflicts)
}

// read returns the next number that nobody has, and the condition on which it may be taken.
func (s *numbers) read(ctx context.Context, start int64) (int64, Condition, error) {
	obj, err := s.db.requests.get(ctx, s.key)
	if errors.Is(err, ErrNotFound) {
		return start, IfAbsent(), nil
	}
	if err != nil {
		return 0, Condition{}, err
	}
	var stored sequenceObject
	switch err := json.Unmarshal(obj.Body, &stored); {
	case err != nil || stored.Format < 1 || stored.Next < 1:
		return 0, Condition{}, fmt.Errorf("%w: the object %s is not one of a sequence", ErrCorrupt, s.key)
	case stored.Format > 1:
		return 0, Condition{}, ErrNewerFormat
	}
	return stored.Next, IfMatchETag(obj.ETag), nil
}
