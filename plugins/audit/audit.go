// Package audit writes down who did what to which document, in the database itself.
//
// The entry of a write is stored in the first round of the write's requests: it is
// there before the write is committed, so no committed write lacks its entry,
// whatever crashes. Entries of one program are a chain of hashes; Log.Verify
// notices one that was removed or altered.
package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Options say what is written down.
type Options struct {
	// Operations are those to track; nil: Insert, Update and Delete. A tracked Get
	// costs a request more, and fails when its entry cannot be stored.
	Operations []string
	// Resources are the names of those to track; nil: all.
	Resources []string
	// IncludeData stores the document before and after. Secrets and passwords are
	// "[redacted]" there.
	IncludeData bool
	// RetentionDays is how long entries are kept; 0: for ever. A program that writes
	// entries removes expired ones, once a day.
	RetentionDays int
	// User names who acts; nil: the user that WithUser has put into the context.
	User func(context.Context) string
	// Key makes the hashes HMACs, so that who can write to the store but has no key
	// cannot make a chain that holds. 32 bytes, the same in all programs; nil: none.
	Key []byte
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// OnError is told when expired entries could not be removed, or a record not
	// be written; nil: nobody is. It may be called concurrently.
	OnError func(error)
}

// Plugin tracks the operations of a database. Make one with New for each database.
// It is safe for concurrent use.
type Plugin struct {
	options Options
	log     *Log
	session *session

	mu      sync.Mutex // guards what follows
	closed  bool
	stop    context.CancelFunc // of the sweeper; nil before it runs
	sweeper sync.WaitGroup
}

// New returns the plugin. Options that cannot be are an error of Open.
func New(options Options) *Plugin { return &Plugin{options: options} }

// Name implements [s3db.Plugin].
func (p *Plugin) Name() string { return name }

const name = "audit"

// Install implements [s3db.Plugin].
func (p *Plugin) Install(_ context.Context, db *s3db.Database) (err error) {
	if p.log != nil {
		return fmt.Errorf("%w: one audit.Plugin is for one database: make another", s3db.ErrConfig)
	}
	o := &p.options
	if o.Operations == nil {
		o.Operations = []string{Insert, Update, Delete}
	}
	for _, op := range o.Operations {
		if !slices.Contains([]string{Insert, Update, Delete, Get}, op) {
			return fmt.Errorf("%w: audit: unknown operation %q, must be %s, %s, %s or %s", s3db.ErrConfig, op, Insert, Update, Delete, Get)
		}
	}
	known := db.Describe().Resources
	for _, r := range o.Resources {
		if !slices.ContainsFunc(known, func(k s3db.DescribedResource) bool { return k.Name == r }) {
			return fmt.Errorf("%w: audit: the database has no resource %q", s3db.ErrConfig, r)
		}
	}
	if o.RetentionDays < 0 {
		return fmt.Errorf("%w: audit: %d days of retention", s3db.ErrConfig, o.RetentionDays)
	}
	if p.log, err = OpenLog(db, LogOptions{Key: o.Key, Now: o.Now}); err != nil {
		return err
	}
	p.session = newSession(p.log)
	p.log.own = p.session
	db.OnWrite(p.onWrite)
	if slices.Contains(o.Operations, Get) {
		db.Use(p.onRead)
	}
	return nil
}

// Log returns the log, to read it; nil before the plugin is installed.
func (p *Plugin) Log() *Log { return p.log }

// Close writes down that the session has ended, after which the removal of its last
// entries is noticed too. Database.Close calls it.
func (p *Plugin) Close() error {
	p.mu.Lock()
	p.closed = true
	stop := p.stop
	p.mu.Unlock()
	if stop != nil {
		stop()
		p.sweeper.Wait()
	}
	if p.session == nil {
		return nil
	}
	const patience = 30 * time.Second
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return p.session.write(ctx, true)
}

type userKey struct{}

// WithUser returns a context whose operations are those of a user.
func WithUser(ctx context.Context, user string) context.Context {
	return context.WithValue(ctx, userKey{}, user)
}

func (p *Plugin) user(ctx context.Context) string {
	if p.options.User != nil {
		return p.options.User(ctx)
	}
	user, _ := ctx.Value(userKey{}).(string)
	return user
}

func (p *Plugin) tracks(resource, operation string) bool {
	return slices.Contains(p.options.Operations, operation) &&
		(p.options.Resources == nil || slices.Contains(p.options.Resources, resource))
}

// onWrite adds the entry of a write to its first round of requests.
func (p *Plugin) onWrite(ctx context.Context, w *s3db.PendingWrite) error {
	op := Update
	switch {
	case w.After == nil:
		op = Delete
	case w.Before == nil:
		op = Insert
	}
	if !p.tracks(w.Resource, op) {
		return nil
	}
	e := Entry{Resource: w.Resource, Operation: op, Method: w.Operation, ID: w.ID, User: p.user(ctx), Base: w.Base, Revision: w.Revision}
	if p.options.IncludeData {
		var err error
		if e.Before, err = data(w.Before); err != nil {
			return err
		}
		if e.After, err = data(w.After); err != nil {
			return err
		}
	}
	x, body, err := p.add(ctx, e)
	if err != nil {
		return err
	}
	w.OnOutcome(func(ctx context.Context, o s3db.Outcome) {
		p.session.settle(x, stateAfter(o), w.Left())
		p.head(ctx)
	})
	return w.Put(p.log.space, x.key(), body)
}

// stateAfter is the state of the entry of a write.
func stateAfter(o s3db.Outcome) State {
	switch o {
	case s3db.OutcomeCommitted:
		return Committed
	case s3db.OutcomeRefused:
		return Refused
	default:
		return Unknown
	}
}

// data is a document as JSON; the types of secrets and passwords hide themselves.
func data(document any) (json.RawMessage, error) {
	if document == nil {
		return nil, nil
	}
	body, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("audit: the document has no JSON: %w", err)
	}
	return body, nil
}

// onRead stores the entry of a read before the document is handed over.
func (p *Plugin) onRead(ctx context.Context, call s3db.AnyCall, next func(context.Context) (any, error)) (any, error) {
	m := call.Method()
	result, err := next(ctx)
	if err != nil || m != s3db.MethodGet && m != s3db.MethodLookup && m != s3db.MethodContent || !p.tracks(call.Resource(), Get) {
		return result, err
	}
	e := Entry{Resource: call.Resource(), Operation: Get, Method: m.String(), ID: call.ID(), User: p.user(ctx)}
	if e.ID == "" {
		e.ID = idOf(result)
	}
	x, body, err := p.add(ctx, e)
	if err == nil {
		_, err = p.log.space.Put(ctx, x.key(), body, s3db.Condition{})
		state := Committed
		if err != nil {
			state = Refused
		}
		p.session.settle(x, state, err != nil)
		p.head(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("audit: the read cannot be written down: %w", err)
	}
	return result, nil
}

// idOf is the id of a document that was looked up by something else.
func idOf(document any) string {
	var head struct {
		ID string `json:"id"`
	}
	if body, err := json.Marshal(document); err != nil || json.Unmarshal(body, &head) != nil {
		return ""
	}
	return head.ID
}

func (p *Plugin) add(ctx context.Context, e Entry) (*stored, []byte, error) {
	if err := p.session.ensure(ctx); err != nil {
		return nil, nil, fmt.Errorf("audit: the session cannot be written down: %w", err)
	}
	p.keepSweeping()
	return p.session.add(e)
}

// head writes the record of the session when it is time, also when the operation
// that is the reason is cancelled.
func (p *Plugin) head(ctx context.Context) {
	if p.session.due() {
		p.failed(p.session.write(context.WithoutCancel(ctx), false))
	}
}

func (p *Plugin) failed(err error) {
	if err != nil && p.options.OnError != nil {
		p.options.OnError(fmt.Errorf("audit: %w", err))
	}
}

// keepSweeping starts to remove expired entries, once a day.
func (p *Plugin) keepSweeping() {
	if p.options.RetentionDays == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.stop != nil {
		return
	}
	var ctx context.Context
	ctx, p.stop = context.WithCancel(context.Background())
	p.sweeper.Go(func() {
		const day = 24 * time.Hour
		ticker := time.NewTicker(day)
		defer ticker.Stop()
		for {
			before := p.log.now().Add(-day * time.Duration(p.options.RetentionDays))
			if _, err := p.log.Sweep(ctx, before); err != nil && !errors.Is(err, context.Canceled) {
				p.failed(err)
			}
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
		}
	})
}
