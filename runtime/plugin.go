package s3db

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
)

// Plugin extends a database. It does what the public API lets any program do:
// middleware, hooks, subscriptions, observers of writes, and objects in a key
// space of its own. A plugin that is also an io.Closer is closed by
// [Database.Close], the last one installed first.
type Plugin interface {
	// Name is the name of the plugin and of its key space: lower-case letters,
	// digits and "-".
	Name() string
	// Install is called once, by Open, before any operation on the database.
	Install(ctx context.Context, db *Database) error
}

// RequestObserver is a [Plugin] that sees every attempt of every request to the
// store, those of Open included, as [WithRequestObserver] does, with the context of
// the operation that sends it. What middleware put into that context tells which
// operation it is.
type RequestObserver interface {
	// ObserveRequest runs on the operation's goroutine, may be called concurrently and
	// should return soon.
	ObserveRequest(ctx context.Context, r Request)
}

// WithPlugin installs plugins when the database is opened, in their order.
func WithPlugin(plugins ...Plugin) Option {
	return func(o *options) error {
		for _, p := range plugins {
			if p == nil {
				return configError("WithPlugin: a plugin is nil")
			}
			if !pluginName(p.Name()) {
				return configError("WithPlugin: the name %q is not made of lower-case letters, digits and -", p.Name())
			}
			if x, ok := p.(RequestObserver); ok {
				o.observe = append(o.observe, x.ObserveRequest)
			}
			o.plug = append(o.plug, func(ctx context.Context, db *Database) error { return db.install(ctx, p) })
		}
		return nil
	}
}

// pluginName reports whether a name may stand in keys: 1 to 64 of a-z, 0-9 and "-".
func pluginName(name string) bool {
	return len(name) >= 1 && len(name) <= 64 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func (db *Database) install(ctx context.Context, p Plugin) error {
	if db.Plugin(p.Name()) != nil {
		return configError("WithPlugin: two plugins are called %q", p.Name())
	}
	if err := p.Install(ctx, db); err != nil {
		return &pluginError{name: p.Name(), err: err}
	}
	db.plugins = append(db.plugins, p)
	return nil
}

// pluginError says which plugin failed.
type pluginError struct {
	name string
	err  error
}

func (e *pluginError) Error() string { return "plugin " + e.name + ": " + e.err.Error() }
func (e *pluginError) Unwrap() error { return e.err }

// Plugin returns the plugin with this name, or nil. What a plugin starts in Install
// must not call it before the database is connected, see [EventConnected].
func (db *Database) Plugin(name string) Plugin {
	i := slices.IndexFunc(db.plugins, func(p Plugin) bool { return p.Name() == name })
	if i < 0 {
		return nil
	}
	return db.plugins[i]
}

// PluginOf returns the plugin of a type, such as *costs.Plugin.
func PluginOf[P Plugin](db *Database) (plugin P, ok bool) {
	for _, p := range db.plugins {
		if plugin, ok = p.(P); ok {
			return plugin, true
		}
	}
	return plugin, false
}

// stop ends what runs beside operations: buffered subscriptions and plugins.
func (db *Database) stop() error {
	var errs []error
	db.closing.Do(func() {
		for _, p := range slices.Backward(db.plugins) {
			if x, ok := p.(io.Closer); ok {
				if err := x.Close(); err != nil {
					errs = append(errs, &pluginError{name: p.Name(), err: err})
				}
			}
		}
		close(db.closed)
	})
	return errors.Join(errs...)
}

// PendingWrite is a write of one document that is about to be sent.
type PendingWrite struct {
	Resource  string
	Operation string   // "insert", "update", "replace", "upsert" or "delete"
	ID        string   // of the document
	Base      Revision // of the document before; "" when there is none
	Revision  Revision // of the document after, a tombstone after a delete
	Version   int      // of the schema
	Before    any      // a pointer to the document as it is stored, or nil
	After     any      // a pointer to the document as it will be; nil for a delete

	engine   *engine
	attempt  *attempt
	puts     []objectPut
	outcomes []func(context.Context, Outcome)
	left     bool
}

// objectPut is an object of a write's first round, under a name of its own.
type objectPut struct {
	key      string
	body     []byte
	metadata map[string]string
}

// Put adds an object to the first round of requests of the write: it is there
// before the write commits, and costs 1 request. The key must be one that no
// other write uses, as it is when it holds the token of Revision. If the write
// turns out never to have been committed, the object is removed as the write's
// own partition entries are; after a crash, or an unknown outcome, it stays.
func (p *PendingWrite) Put(space *Space, key string, body []byte) error {
	full, err := space.key(key)
	if err != nil {
		return err
	}
	p.puts = append(p.puts, objectPut{key: full, body: body})
	return nil
}

// OnOutcome calls f when it is known what became of the write, before the
// operation returns or tries again.
func (p *PendingWrite) OnOutcome(f func(context.Context, Outcome)) {
	p.outcomes = append(p.outcomes, f)
}

// Images returns the document before and after the write as the store has it and
// will have it, secrets encrypted; the empty Image where there is none.
// StoredView.Decode reads them.
func (p *PendingWrite) Images() (before, after Image) {
	if s := p.attempt.base; s.live() {
		before = Image{id: p.ID, record: s.record}
	}
	if p.attempt.doc != nil {
		after = Image{id: p.ID, record: p.attempt.rec}
	}
	return before, after
}

// Left reports, after OutcomeRefused, that the objects of Put may have stayed,
// because they could not be removed.
func (p *PendingWrite) Left() bool { return p.left }

// Outcome is what became of a write.
type Outcome uint8

// The outcomes of a write.
const (
	OutcomeCommitted Outcome = iota // it is durable
	OutcomeRefused                  // it was not applied, and never will be
	OutcomeUnknown                  // it may have been applied, or may be later
)

// OnWrite calls f before each attempt to write a document of any resource. An
// error of f ends the operation before anything is sent. A write that another
// writer has beaten is attempted again, and is then another PendingWrite. The
// returned function ends this.
func (db *Database) OnWrite(f func(context.Context, *PendingWrite) error) (remove func()) {
	return db.writes.add(f)
}

// announce tells observers of the attempt that is about to be sent.
func (c *engine) announce(ctx context.Context, w *write, a *attempt) error {
	if !c.db.watched() {
		return nil
	}
	p := &PendingWrite{
		Resource: c.model.Resource, Operation: w.op, ID: w.id,
		Base: a.base.revision(), Revision: Revision(a.rec.rev), Version: a.rec.version,
		Before: a.old, After: a.doc, engine: c, attempt: a,
	}
	a.pending = p // those who were told are told of the outcome, also if the next one refuses
	for _, f := range c.db.writes.all() {
		if err := f.value(ctx, p); err != nil {
			a.settled(ctx, OutcomeRefused)
			return err
		}
	}
	if !c.db.groups.empty() {
		if err := c.announceGroup(ctx, w, p); err != nil {
			a.settled(ctx, OutcomeRefused)
			return err
		}
	}
	a.changes.put = append(a.changes.put, p.puts...)
	return nil
}

// watched reports whether somebody observes writes.
func (db *Database) watched() bool { return !db.writes.empty() || !db.groups.empty() }

// settled tells observers what became of the attempt.
func (a *attempt) settled(ctx context.Context, o Outcome) {
	if a.pending == nil {
		return
	}
	for _, f := range a.pending.outcomes {
		f(ctx, o)
	}
}
