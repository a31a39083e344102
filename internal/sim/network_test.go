package sim

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// network is the way of one client's requests to the server. Each may be delayed
// or fail, and a request that was sent may be delivered once more later, whatever
// its sender was told: that is a duplicate, or a request that was late. What
// happens to the n-th request of a kind on a key depends on the seed alone.
type network struct {
	*memstore.Store
	echo *memstore.Store // a connection that nothing disturbs
	seed uint64

	mu     sync.Mutex
	nth    map[string]uint64
	inARow map[string]int
	sent   int  // requests so far
	dies   int  // the request at which the client crashes; 0 is never
	local  bool // nothing is lost, late or repeated; only crashes happen
}

// farthest is the longest time for which a request may be under way. Signatures
// are valid for 15 minutes.
const farthest = 14 * time.Minute

func newNetwork(server *memstore.Server, seed uint64, dies int) *network {
	n := &network{
		local: server.Client().Capabilities().Local,
		Store: server.Client(), echo: server.Client(), seed: seed, dies: dies,
		nth: map[string]uint64{}, inARow: map[string]int{},
	}
	n.SetFault(n.fault)
	return n
}

// random returns the source of what happens to the next request on a key. The
// token of an entry, an intent or a content is drawn anew in each run and does not count.
func (n *network) random(purpose, key string) *rand.Rand {
	if i := strings.LastIndexByte(key, '/'); i > 0 && strings.HasPrefix(key, "plugin=replicator/outbox/") {
		key = key[:i]
	}
	if i := strings.LastIndexByte(key, '!'); i > 0 && (strings.Contains(key, "/partition=") || strings.Contains(key, "/content/")) {
		key = key[:i]
	}
	place := purpose + " " + key
	n.mu.Lock()
	n.nth[place]++
	nth := n.nth[place]
	n.mu.Unlock()
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%s %d", place, nth)
	return rand.New(rand.NewPCG(n.seed, h.Sum64()))
}

func (n *network) fault(req memstore.Request) memstore.Injection {
	key := req.Key
	if req.Kind == memstore.DeleteMany {
		key = req.Keys[0]
	}
	rnd := n.random(req.Kind.String(), key)
	place := req.Kind.String() + key
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sent++
	// Times differ in nanoseconds, so that hardly two requests arrive at once.
	x := memstore.Injection{Delay: 1 + time.Duration(rnd.Int64N(int64(2*time.Millisecond)))}
	switch d := rnd.IntN(100); {
	case d < 10:
		x.Delay = time.Duration(rnd.Int64N(int64(4 * time.Second)))
	case d < 13 && !n.local:
		x.Delay = time.Duration(rnd.Int64N(int64(40 * time.Second))) // the client waits for 30
	}
	if n.sent == n.dies {
		x.Fault, x.Applied = memstore.Crash, rnd.IntN(2) == 0
		return x
	}
	if n.local {
		return x
	}
	const most = 3 // faults of one place that follow each other
	if n.inARow[place]++; n.inARow[place] > most {
		n.inARow[place] = 0
		return x
	}
	x.Applied = rnd.IntN(2) == 0
	switch d := rnd.IntN(100); {
	case d < 5:
		x.Fault = memstore.InternalError
	case d < 13:
		x.Fault = memstore.Reset
	case d < 16:
		x.Fault = memstore.Timeout
	case d < 18:
		x.Fault = memstore.Refused
	case d < 20 && req.Kind == memstore.Put && req.Condition != (s3db.Condition{}):
		x.Fault = memstore.Conflict
	case d < 21:
		x.Fault = memstore.Stall
	default:
		n.inARow[place], x.Applied = 0, false
	}
	return x
}

// again delivers a request once more after some time, or not.
func (n *network) again(kind, key string) (deliver func(err error, send func())) {
	rnd := n.random("again "+kind, key)
	chance, after := rnd.IntN(100), time.Duration(rnd.Int64N(int64(farthest)))
	if rnd.IntN(2) == 0 {
		after = time.Duration(rnd.Int64N(int64(10 * time.Second)))
	}
	return func(err error, send func()) {
		var se *s3db.StoreError
		switch {
		case n.local:
		case err == nil && chance < 10,
			errors.Is(err, s3db.ErrPrecondition) && chance < 5,
			errors.As(err, &se) && se.MaybeApplied && chance < 50:
			time.AfterFunc(after, send)
		}
	}
}

func (n *network) Put(ctx context.Context, key string, body []byte, metadata map[string]string, cond s3db.Condition) (string, error) {
	body, metadata = slices.Clone(body), maps.Clone(metadata)
	deliver := n.again("put", key)
	etag, err := n.Store.Put(ctx, key, body, metadata, cond)
	deliver(err, func() { _, _ = n.echo.Put(context.Background(), key, body, metadata, cond) })
	return etag, err
}

func (n *network) Delete(ctx context.Context, key string, cond s3db.Condition) error {
	deliver := n.again("delete", key)
	err := n.Store.Delete(ctx, key, cond)
	deliver(err, func() { _ = n.echo.Delete(context.Background(), key, cond) })
	return err
}

func (n *network) DeleteMany(ctx context.Context, keys []string) error {
	keys = slices.Clone(keys)
	deliver := n.again("delete many", keys[0])
	err := n.Store.DeleteMany(ctx, keys)
	deliver(err, func() { _ = n.echo.DeleteMany(context.Background(), keys) })
	return err
}
