package s3dbtest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// Fault is what goes wrong with some requests: those of its kinds and its key, and
// of them the nth or all.
type Fault struct {
	// Kinds are the kinds of requests; none means all.
	Kinds []memstore.Kind
	// Key is a part of the key: "/data/" is in those of all documents,
	// "/unique=email/" in those of claims. "" is in all keys, those of a DeleteMany
	// included.
	Key string
	// Nth is the number, from 1, of the one request that fails, counted from Inject
	// on; 0 means each. A request that the client repeats counts again.
	Nth int
	// Injection says what goes wrong. {Fault: memstore.Reset, Applied: true} loses the
	// reply of a request that the server carries out; {Delay: time.Second} is only
	// slow. What passes after a few repetitions is repeated, see s3db.WithRetry: take
	// memstore.Denied for what fails for good.
	Injection memstore.Injection
}

// faults are the faults of a link.
type faults struct {
	mu   sync.Mutex
	list []*installed
}

// installed is a fault with the number of requests that it has met.
type installed struct {
	Fault

	met int
}

// Inject makes requests fail until the test ends, or until the returned function is
// called. When two faults are for one request, that which was injected first happens. A
// fault that no request has met is an error of the test: it shows nothing.
func (l *Link) Inject(tb testing.TB, f Fault) (stop func()) {
	tb.Helper()
	in := &installed{Fault: f}
	l.faults.mu.Lock()
	defer l.faults.mu.Unlock()
	l.faults.list = append(l.faults.list, in)
	stop = sync.OnceFunc(func() {
		tb.Helper()
		l.faults.mu.Lock()
		defer l.faults.mu.Unlock()
		l.faults.list = slices.DeleteFunc(l.faults.list, func(x *installed) bool { return x == in })
		if in.met < max(f.Nth, 1) {
			tb.Errorf("s3dbtest: a fault did not happen: it waited for %s, and met %d", &f, in.met)
		}
	})
	tb.Cleanup(stop)
	return stop
}

// inject is the fault hook of the store.
func (l *Link) inject(req memstore.Request) memstore.Injection {
	l.faults.mu.Lock()
	defer l.faults.mu.Unlock()
	var injected *memstore.Injection
	for _, f := range l.faults.list {
		if !f.meets(&req) {
			continue
		}
		f.met++
		if injected == nil && (f.Nth == 0 || f.Nth == f.met) {
			injected = &f.Injection
		}
	}
	if injected == nil {
		return memstore.Injection{}
	}
	return *injected
}

// meets reports whether the fault is for requests like this one.
func (f *Fault) meets(req *memstore.Request) bool {
	if len(f.Kinds) > 0 && !slices.Contains(f.Kinds, req.Kind) {
		return false
	}
	if req.Kind == memstore.DeleteMany {
		return f.Key == "" || slices.ContainsFunc(req.Keys, func(key string) bool { return strings.Contains(key, f.Key) })
	}
	return strings.Contains(req.Key, f.Key)
}

// String says for which requests the fault is, as in `put request 2 with "/data/"`.
func (f *Fault) String() string {
	var b strings.Builder
	for i, k := range f.Kinds {
		if i > 0 {
			b.WriteString("or ")
		}
		b.WriteString(k.String() + " ")
	}
	b.WriteString("request")
	if f.Nth > 0 {
		fmt.Fprintf(&b, " %d", f.Nth)
	}
	if f.Key != "" {
		fmt.Fprintf(&b, " with %q", f.Key)
	}
	return b.String()
}
