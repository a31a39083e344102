package memstore

import (
	"errors"
	"math/rand/v2"
	"sync"
	"syscall"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Fault decides what goes wrong with a request. It is called once for each
// request of the client, in the goroutine of the request, before anything else
// happens; requests in parallel call it in parallel. The zero Injection lets the
// request pass.
type Fault func(Request) Injection

// Injection is what goes wrong with one request.
type Injection struct {
	// Delay passes first, or until the context ends.
	Delay time.Duration
	// Fault is the error that the client sees.
	Fault FaultKind
	// Applied: the server carries the request out and its reply is lost.
	// Conflict and Refused say that the request had no effect; they ignore it.
	Applied bool
	// Late, when not nil and Applied is not set, gets a function that carries a
	// write out after the client was told of the failure, once for each call, or
	// never: a request that was still on its way. It is safe for concurrent use.
	Late func(apply func())
}

// FaultKind is a way for a request to fail.
type FaultKind uint8

// The ways to fail.
const (
	NoFault       FaultKind = iota
	InternalError           // 500
	SlowDown                // 503
	Conflict                // 409 ConditionalRequestConflict: not applied, send it again
	Reset                   // the connection broke after the request was sent
	Timeout                 // no reply in time, though the context has not ended
	Refused                 // no connection, so nothing was sent
	Denied                  // 403, for good
	Stall                   // no reply until the context ends
	Crash                   // the client's process dies: this and all later requests fail
)

// ErrCrashed is the cause of errors after a crash.
var ErrCrashed = errors.New("the client has crashed")

// errTimeout stands for a reply that took too long.
var errTimeout = errors.New("no reply in time")

// SetFault installs a fault hook in the client, in place of the one before. Nil
// takes it away.
func (s *Store) SetFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// err returns the error that a client gets.
func (k FaultKind) err(req *Request) error {
	e := &s3db.StoreError{Op: req.Kind.String(), Key: req.Key, Temporary: true, MaybeApplied: req.Kind.Writes()}
	switch k {
	case InternalError:
		e.Status, e.Code = 500, "InternalError"
	case SlowDown:
		e.Status, e.Code = 503, "SlowDown"
	case Conflict:
		e.Status, e.Code, e.MaybeApplied = 409, "ConditionalRequestConflict", false
	case Reset:
		e.Err = syscall.ECONNRESET
	case Timeout:
		e.Err = errTimeout
	case Refused:
		e.Err, e.MaybeApplied = syscall.ECONNREFUSED, false
	case Denied:
		e.Status, e.Code, e.Temporary, e.MaybeApplied = 403, "AccessDenied", false, false
	default:
		return crashed(req)
	}
	return e
}

// ended is the error of a request whose context ended on the way.
func ended(req *Request, err error) error {
	return &s3db.StoreError{Op: req.Kind.String(), Key: req.Key, MaybeApplied: req.Kind.Writes(), Err: err}
}

// crashed is the error of a request of a dead client. It is not temporary: a
// dead process does not try again.
func crashed(req *Request) error {
	return &s3db.StoreError{Op: req.Kind.String(), Key: req.Key, MaybeApplied: req.Kind.Writes(), Err: ErrCrashed}
}

// Rates are probabilities, from 0 to 1, of the faults of a random plan. Their sum
// is at most 1.
type Rates struct {
	InternalError float64 // half of them after the request was applied
	SlowDown      float64 // half of them after the request was applied
	Conflict      float64 // of conditional puts only
	Reset         float64 // before the request was applied
	LostReply     float64 // a reset after the request was applied
	Timeout       float64 // half of them after the request was applied
	Refused       float64
	Stall         float64 // half of them after the request was applied; needs a context that ends
	// MaxInARow bounds the faults of one kind of request on one key that follow
	// each other, so that enough attempts always succeed; 0 means 3.
	MaxInARow int
}

// Faults returns a plan of random faults. What happens to the n-th request of one
// kind on one key depends on the seed alone, not on what other goroutines do in
// the meantime, so that a failing seed fails again.
func Faults(seed uint64, rates Rates) Fault {
	if rates.MaxInARow == 0 {
		rates.MaxInARow = 3
	}
	type place struct {
		kind Kind
		key  string
	}
	type state struct{ nth, inARow uint64 }
	var mu sync.Mutex
	states := map[place]*state{}
	return func(req Request) Injection {
		at := place{req.Kind, req.Key}
		if req.Kind == DeleteMany && len(req.Keys) > 0 {
			at.key = req.Keys[0]
		}
		mu.Lock()
		defer mu.Unlock()
		st := states[at]
		if st == nil {
			st = &state{}
			states[at] = st
		}
		st.nth++
		if st.inARow >= uint64(rates.MaxInARow) {
			st.inARow = 0
			return Injection{}
		}
		injected := rates.draw(rand.New(rand.NewPCG(seed, hashPlace(uint64(at.kind), at.key, st.nth))), req)
		if injected.Fault == NoFault {
			st.inARow = 0
		} else {
			st.inARow++
		}
		return injected
	}
}

// draw picks one fault.
func (r Rates) draw(rnd *rand.Rand, req Request) Injection {
	x, half := rnd.Float64(), rnd.IntN(2) == 0
	for _, c := range []struct {
		rate float64
		inj  Injection
	}{
		{r.InternalError, Injection{Fault: InternalError, Applied: half}},
		{r.SlowDown, Injection{Fault: SlowDown, Applied: half}},
		{r.Conflict, Injection{Fault: Conflict}},
		{r.Reset, Injection{Fault: Reset}},
		{r.LostReply, Injection{Fault: Reset, Applied: true}},
		{r.Timeout, Injection{Fault: Timeout, Applied: half}},
		{r.Refused, Injection{Fault: Refused}},
		{r.Stall, Injection{Fault: Stall, Applied: half}},
	} {
		if x -= c.rate; x >= 0 {
			continue
		}
		if c.inj.Fault == Conflict && (req.Kind != Put || req.Condition == s3db.Condition{}) {
			return Injection{}
		}
		return c.inj
	}
	return Injection{}
}

// hashPlace mixes a place and a number into the stream of a generator. FNV-1a,
// because a hash with a random seed would not replay.
func hashPlace(kind uint64, key string, nth uint64) uint64 {
	const prime = 1099511628211
	h := uint64(14695981039346656037)
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * prime
	}
	h = (h ^ kind) * prime
	return (h ^ nth) * prime
}
