package s3db

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Probe finds out what a server really does, by trying it on keys of its own under
// the prefix, which it removes again: about 200 requests. Open runs it before it
// creates a database on a server that nobody has proven yet.
//
// The result says no where there is doubt: that costs requests, or a message to
// the user, while a wrong yes costs data. MetadataLimit is never above
// DefaultMetadataLimit, so that documents may move to any other server.
//
// An error means that the question has no answer: the server cannot be reached,
// refuses the credentials, or (matching ErrConfig) breaks promises that no
// capability describes, such as the order of listings.
func Probe(ctx context.Context, store Store, prefix string) (caps Capabilities, err error) {
	p := &prober{store: store, policy: DefaultRetryPolicy(), base: "probe=" + rand.Text() + "/"}
	if prefix != "" {
		p.base = prefix + "/" + p.base
	}
	defer func() {
		cleanup := ctx
		if ctx.Err() != nil { // what was begun is cleaned up even so
			var cancel context.CancelFunc
			cleanup, cancel = context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
		}
		if removeErr := p.remove(cleanup); err == nil {
			err = removeErr
		}
		if err != nil {
			caps = Capabilities{}
		}
	}()
	claimed := store.Capabilities()
	caps = Capabilities{Local: claimed.Local, Server: claimed.Server}
	if _, err := p.ask(ctx, p.roundTrip); err != nil {
		return caps, err
	}
	if caps.ConditionalPut, err = p.ask(ctx, append([]question{p.putConditions}, inRounds(p.raceAbsent, p.raceMatch)...)...); err != nil {
		return caps, err
	}
	if claimed.ConditionalDelete && caps.ConditionalPut {
		if caps.ConditionalDelete, err = p.ask(ctx, append([]question{p.deleteConditions}, inRounds(p.raceDelete)...)...); err != nil {
			return caps, err
		}
	}
	if caps.MetadataLimit, err = p.metadataLimit(ctx, min(claimed.MetadataLimit, DefaultMetadataLimit)); err != nil {
		return caps, err
	}
	_, err = p.ask(ctx, p.listing)
	return caps, err
}

// prober asks a series of questions.
type prober struct {
	store  Store
	policy RetryPolicy
	base   string // prefix of all keys that it may use, with a slash at the end

	dir  string // base and the number of the question
	next int    // number of the next question
	mu   sync.Mutex
	keys []string // those that it has used
}

// question has the answer yes or no. It gets keys that were never used before.
type question func(context.Context) (bool, error)

// ask reports whether every question is answered with yes, and stops at the first
// that is not. A question is asked again when a request failed that may have been
// carried out, because nothing can then be concluded from the objects of this run.
func (p *prober) ask(ctx context.Context, questions ...question) (bool, error) {
	for _, q := range questions {
		for n := 0; ; n++ {
			p.dir = p.base + strconv.Itoa(p.next) + "/"
			p.next++
			yes, err := q(ctx)
			if err == nil && yes {
				break
			}
			if !temporary(err) || n+1 == p.policy.Requests {
				return false, err
			}
			if err := p.policy.wait(ctx, n); err != nil {
				return false, err
			}
		}
	}
	return true, nil
}

// racers is the number of parallel requests in a race, and rounds the number of
// races. A server without atomic conditions lets two of sixteen win in most of
// them.
const (
	racers = 16
	rounds = 3
)

// inRounds returns questions several times over.
func inRounds(questions ...question) (repeated []question) {
	for range rounds {
		repeated = append(repeated, questions...)
	}
	return repeated
}

// key returns a key of its own and remembers to remove it.
func (p *prober) key(name string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := p.dir + name
	if !slices.Contains(p.keys, key) {
		p.keys = append(p.keys, key)
	}
	return key
}

// send sends a request until its answer is final. It repeats only what the server
// has certainly not carried out, which is common in races.
func (p *prober) send(ctx context.Context, request func(context.Context) error) error {
	for n := 0; ; n++ {
		attempt, cancel := context.WithTimeout(ctx, p.policy.Timeout)
		err := request(attempt)
		if err != nil && !decided(err) && attempt.Err() != nil && ctx.Err() == nil {
			err = &StoreError{Op: "probe", Temporary: true, MaybeApplied: true, Err: err}
		}
		cancel()
		if !temporary(err) || mayHaveApplied(err) || n == 20 {
			return err
		}
		if err := p.policy.wait(ctx, min(n, 3)); err != nil {
			return err
		}
	}
}

func (p *prober) put(ctx context.Context, name, body string, metadata map[string]string, cond Condition) (etag string, err error) {
	key := p.key(name)
	err = p.send(ctx, func(ctx context.Context) error {
		etag, err = p.store.Put(ctx, key, []byte(body), metadata, cond)
		return err
	})
	return etag, err
}

func (p *prober) delete(ctx context.Context, name string, cond Condition) error {
	key := p.key(name)
	return p.send(ctx, func(ctx context.Context) error { return p.store.Delete(ctx, key, cond) })
}

func (p *prober) get(ctx context.Context, name string) (*Object, error) {
	r := requester{store: p.store, policy: p.policy}
	return r.get(ctx, p.key(name))
}

// wasRefused reports whether a conditional write failed as it should have: no other
// answer than "the condition is false" will do.
func wasRefused(err error) (bool, error) {
	switch {
	case err == nil:
		return false, nil
	case errors.Is(err, ErrPrecondition):
		return true, nil
	default:
		return notSupported(err)
	}
}

// notSupported tells servers that say that they know no conditions from those that
// do not answer the question at all.
func notSupported(err error) (bool, error) {
	if se, ok := errors.AsType[*StoreError](err); ok && (se.Status == 501 || se.Code == "NotImplemented") {
		return false, nil
	}
	return false, err
}

// roundTrip finds out whether an object comes back as it was written.
func (p *prober) roundTrip(ctx context.Context) (bool, error) {
	body, metadata := "body\x00\r\n\xff", map[string]string{"1": "Ada  ~!\"%+,=", "s": "1-0"}
	etag, err := p.put(ctx, "object", body, metadata, Condition{})
	if err != nil {
		return false, err
	}
	o, err := p.get(ctx, "object")
	switch {
	case errors.Is(err, ErrNotFound):
		return false, p.unfit("an object that was just written is not found")
	case err != nil:
		return false, err
	case string(o.Body) != body:
		return false, p.unfit("the body of an object does not come back as it was written")
	case !maps.Equal(o.Metadata, metadata):
		return false, p.unfit("the metadata of an object does not come back as it was written")
	case o.ETag != etag:
		return false, p.unfit("reading and writing give different ETags")
	}
	// A second write must leave nothing of the first.
	if _, err := p.put(ctx, "object", "other", map[string]string{"2": "x"}, Condition{}); err != nil {
		return false, err
	}
	if o, err = p.get(ctx, "object"); err != nil {
		return false, err
	}
	if !bytes.Equal(o.Body, []byte("other")) || !maps.Equal(o.Metadata, map[string]string{"2": "x"}) {
		return false, p.unfit("overwriting an object keeps something of the old one")
	}
	return true, nil
}

// unfit is the error for a server that no capability can describe.
func (p *prober) unfit(reason string) error {
	return fmt.Errorf("%w: this server cannot keep a database: %s", ErrConfig, reason)
}

// putConditions finds out whether Put looks at its condition at all, and whether
// the ETag is good for one.
func (p *prober) putConditions(ctx context.Context) (bool, error) {
	first, err := p.put(ctx, "conditions", "one", nil, IfAbsent())
	if err != nil {
		return notSupported(err)
	}
	if yes, err := wasRefused(p.putErr(ctx, "conditions", IfAbsent())); !yes {
		return false, err
	}
	second, err := p.put(ctx, "conditions", "two", nil, IfMatchETag(first))
	if err != nil {
		return notSupported(err)
	}
	if first == second {
		return false, nil // no ETag tells one revision from another
	}
	if yes, err := wasRefused(p.putErr(ctx, "conditions", IfMatchETag(first))); !yes {
		return false, err
	}
	return wasRefused(p.putErr(ctx, "missing", IfMatchETag(first)))
}

// putErr is a put of which only the error matters.
func (p *prober) putErr(ctx context.Context, name string, cond Condition) error {
	_, err := p.put(ctx, name, "refused", nil, cond)
	return err
}

// raceAbsent finds out whether exactly one of several parallel creations wins.
func (p *prober) raceAbsent(ctx context.Context) (bool, error) {
	return p.racePuts(ctx, IfAbsent())
}

// raceMatch finds out whether exactly one of several parallel changes of one
// revision wins.
func (p *prober) raceMatch(ctx context.Context) (bool, error) {
	etag, err := p.put(ctx, "race", "before", nil, Condition{})
	if err != nil {
		return false, err
	}
	return p.racePuts(ctx, IfMatchETag(etag))
}

func (p *prober) racePuts(ctx context.Context, cond Condition) (bool, error) {
	return oneWon(runRace(func(i int) error {
		_, err := p.put(ctx, "race", strconv.Itoa(i), nil, cond)
		return err
	}))
}

// runRace calls f for each racer at once.
func runRace(f func(i int) error) []error {
	errs := make([]error, racers)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// oneWon reports whether one racer won and all others were told that their
// condition is false.
func oneWon(errs []error) (bool, error) {
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, ErrPrecondition):
			return false, err
		}
	}
	return won == 1, nil
}

// deleteConditions finds out whether Delete looks at its condition, before it
// looks whether there is an object: servers that do not are not atomic either.
func (p *prober) deleteConditions(ctx context.Context) (bool, error) {
	first, err := p.put(ctx, "deletion", "one", nil, Condition{})
	if err != nil {
		return false, err
	}
	second, err := p.put(ctx, "deletion", "two", nil, Condition{})
	if err != nil {
		return false, err
	}
	if yes, err := wasRefused(p.delete(ctx, "deletion", IfMatchETag(first))); !yes {
		return false, err
	}
	if _, err := p.get(ctx, "deletion"); err != nil {
		return false, except(err, ErrNotFound) // it said no, and did it
	}
	if err := p.delete(ctx, "deletion", IfMatchETag(second)); err != nil {
		return notSupported(err)
	}
	return wasRefused(p.delete(ctx, "deletion", IfMatchETag(second)))
}

// raceDelete finds out whether exactly one of several parallel deletions and
// changes of one revision wins.
func (p *prober) raceDelete(ctx context.Context) (bool, error) {
	etag, err := p.put(ctx, "race", "before", nil, Condition{})
	if err != nil {
		return false, err
	}
	errs := runRace(func(i int) error {
		if i%2 == 0 {
			return p.delete(ctx, "race", IfMatchETag(etag))
		}
		_, err := p.put(ctx, "race", strconv.Itoa(i), nil, IfMatchETag(etag))
		return err
	})
	if one, err := oneWon(errs); !one {
		return false, err
	}
	_, err = p.get(ctx, "race")
	if except(err, ErrNotFound) != nil {
		return false, err
	}
	changed := slices.ContainsFunc(everyOther(errs), func(err error) bool { return err == nil })
	return changed == (err == nil), nil
}

// everyOther returns the elements with odd indexes.
func everyOther(errs []error) []error {
	var odd []error
	for i := 1; i < len(errs); i += 2 {
		odd = append(odd, errs[i])
	}
	return odd
}

// except returns nil for errors that match one, and others as they are.
func except(err, one error) error {
	if errors.Is(err, one) {
		return nil
	}
	return err
}

// metadataLimit finds the largest metadata that comes back whole, up to a limit:
// in one header and in many, of which servers count different things.
func (p *prober) metadataLimit(ctx context.Context, most int) (int, error) {
	const smallest = 64
	fits := func(size int) (bool, error) {
		return p.ask(ctx,
			func(ctx context.Context) (bool, error) { return p.metadataFits(ctx, fullMetadata(1, size)) },
			func(ctx context.Context) (bool, error) {
				return p.metadataFits(ctx, fullMetadata(max(1, size/40), size))
			},
		)
	}
	if yes, err := fits(most); yes || err != nil {
		return most, err
	}
	low, high := smallest-1, most // low fits or is below the smallest, high does not fit
	for high-low > 1 {
		middle := (low + high) / 2
		yes, err := fits(middle)
		switch {
		case err != nil:
			return 0, err
		case yes:
			low = middle
		default:
			high = middle
		}
	}
	if low < smallest {
		return 0, p.unfit("it keeps hardly any metadata")
	}
	return low, nil
}

// metadataFits reports whether metadata is accepted and comes back whole.
func (p *prober) metadataFits(ctx context.Context, metadata map[string]string) (bool, error) {
	var err error
	for range 3 {
		if _, err = p.put(ctx, "metadata", "", metadata, Condition{}); !temporary(err) {
			break
		}
	}
	if se, ok := errors.AsType[*StoreError](err); ok && se.Status >= 400 && se.Status != 401 && se.Status != 403 {
		// Also a 500 that does not go away while others succeed: servers on file
		// systems answer so when an extended attribute is too small.
		return false, nil
	}
	if err != nil {
		return false, err
	}
	o, err := p.get(ctx, "metadata")
	if err != nil {
		return false, err
	}
	return maps.Equal(o.Metadata, metadata), nil
}

// fullMetadata returns metadata of a number of headers and an exact size, counted
// as Capabilities.MetadataLimit is.
func fullMetadata(headers, size int) map[string]string {
	const overhead = 11
	metadata := make(map[string]string, headers)
	for i := range headers {
		name := strconv.Itoa(i)
		share := size / (headers - i)
		metadata[name] = strings.Repeat("x", max(1, share-overhead-len(name)))
		size -= share
	}
	return metadata
}

// listing finds out whether listings are complete, current and in order.
func (p *prober) listing(ctx context.Context) (bool, error) {
	names := []string{"list/A!/1", "list/a!/1", "list/a!/2", "list/a,20!/1", "list/a-!/1", "list/aa!/1", "list/b", "list/é"}
	for i := range names {
		if _, err := p.put(ctx, names[(i*3+2)%len(names)], "x", nil, Condition{}); err != nil {
			return false, err
		}
	}
	list := func(req ListRequest) (found []string, more bool, err error) {
		page, err := p.list(ctx, req)
		if err != nil {
			return nil, false, err
		}
		for _, item := range page.Items {
			found = append(found, strings.TrimPrefix(item.Key, p.dir))
		}
		return found, page.More, nil
	}
	found, more, err := list(ListRequest{Prefix: p.dir + "list/"})
	if err != nil {
		return false, err
	}
	if !slices.Equal(found, names) || more {
		return false, p.unfit("a listing is incomplete, late or not in the order of the keys")
	}
	found, more, err = list(ListRequest{Prefix: p.dir + "list/a", StartAfter: p.dir + names[1], Limit: 2})
	if err != nil {
		return false, err
	}
	if !slices.Equal(found, names[2:4]) || !more {
		return false, p.unfit("a listing does not begin or end where it was asked to")
	}
	return true, nil
}

// remove deletes the keys and looks whether they are gone.
func (p *prober) remove(ctx context.Context) error {
	if len(p.keys) == 0 {
		return nil
	}
	r := requester{store: p.store, policy: p.policy}
	if err := r.remove(ctx, p.keys); err != nil {
		return err
	}
	page, err := p.list(ctx, ListRequest{Prefix: p.base})
	if err == nil && len(page.Items) > 0 {
		err = p.unfit("objects that were deleted are still listed")
	}
	return err
}

// list lists one page, again as long as that may help: reading changes nothing.
func (p *prober) list(ctx context.Context, req ListRequest) (page *ListPage, err error) {
	r := requester{store: p.store, policy: p.policy}
	err = r.repeat(ctx, RequestList, req.Prefix, func(ctx context.Context) error {
		page, err = p.store.List(ctx, req)
		return err
	})
	return page, err
}
