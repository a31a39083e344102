package s3db

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// GeneratedV1 is named by every generated client, so that a client of another
// generation than the runtime does not compile.
const GeneratedV1 = true

// Option changes how a database is opened.
type Option func(*options) error

type options struct {
	driver       driverOptions
	retry        RetryPolicy
	observe      []func(context.Context, Request)
	singleWriter bool
	concurrency  int
	ids          map[string]IDGenerator
	now          func() time.Time
	keys         []keySource
	password     PasswordParams
	plug         []func(context.Context, *Database) error // in the order of the options
}

func newOptions(list []Option) (*options, error) {
	o := &options{
		retry:       DefaultRetryPolicy(),
		concurrency: 64,
		ids:         map[string]IDGenerator{},
		now:         time.Now,
		password:    DefaultPasswordParams(),
	}
	for _, set := range list {
		if err := set(o); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func configError(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrConfig}, args...)...)
}

// WithEndpoint sends requests to an S3-compatible server instead of AWS, such as
// "http://127.0.0.1:9000". Buckets are then part of the path unless
// [WithPathStyle] says otherwise.
func WithEndpoint(url string) Option {
	return func(o *options) error { o.driver.Endpoint = url; return nil }
}

// WithRegion sets the region of the bucket.
func WithRegion(region string) Option {
	return func(o *options) error { o.driver.Region = region; return nil }
}

// WithPathStyle says whether the bucket is part of the path (true) or of the
// host name (false).
func WithPathStyle(on bool) Option {
	return func(o *options) error { o.driver.PathStyle = &on; return nil }
}

// WithRetry replaces the retry policy; zero fields keep their defaults.
func WithRetry(p RetryPolicy) Option {
	return func(o *options) error { o.retry = p.withDefaults(); return nil }
}

// WithRequestObserver calls f after every attempt of every request. f runs on the
// operation's goroutine, may be called concurrently and should return soon.
func WithRequestObserver(f func(Request)) Option {
	return func(o *options) error {
		o.observe = append(o.observe, func(_ context.Context, r Request) { f(r) })
		return nil
	}
}

// SingleWriter opens a database on a server that ignores conditions. The caller
// promises that only one process writes, one write at a time: nothing else
// protects documents and unique attributes there.
func SingleWriter() Option {
	return func(o *options) error { o.singleWriter = true; return nil }
}

// WithConcurrency bounds the reads that the database sends at the same time, all
// calls together, and the writes that one call sends. When the server asks for
// less, or answers late, there are fewer reads until it recovers. Default 64.
func WithConcurrency(n int) Option {
	return func(o *options) error {
		if n < 1 {
			return configError("WithConcurrency(%d): must be at least 1", n)
		}
		o.concurrency = n
		return nil
	}
}

// WithIDs makes the ids of a resource's documents by a function of the program.
func WithIDs(resource string, generate IDGenerator) Option {
	return func(o *options) error {
		if generate == nil {
			return configError("WithIDs(%q): no function", resource)
		}
		o.ids[resource] = generate
		return nil
	}
}

// WithClock replaces time.Now as the source of createdAt and updatedAt. The write
// protocol does not use it.
func WithClock(now func() time.Time) Option {
	return func(o *options) error { o.now = now; return nil }
}

// WithPassphrase adds a key for secret attributes that is derived from a
// passphrase by Argon2id with the database's own salt. That takes some 100
// milliseconds and 64 MiB, once for each database that the option opens. The first
// key given encrypts; all of them decrypt what was written under them.
func WithPassphrase(passphrase string) Option {
	source := keySource{passphrase: []byte(passphrase), derived: &derivations{derive: deriveRoot}}
	return func(o *options) error {
		if passphrase == "" {
			return configError("WithPassphrase: the passphrase is empty")
		}
		o.keys = append(o.keys, source)
		return nil
	}
}

// WithKey adds a key of 32 random bytes for secret attributes under an id of 1 to
// 32 letters, digits, "-" and "_". The first key given encrypts; all of them
// decrypt what was written under them.
func WithKey(id string, key []byte) Option {
	return func(o *options) error {
		if id == "" || len(key) != keySize {
			return configError("WithKey: needs an id and %d bytes, got id %q and %d bytes", keySize, id, len(key))
		}
		o.keys = append(o.keys, keySource{id: id, raw: slices.Clone(key)})
		return nil
	}
}

// WithPasswordParams sets the cost of hashing passwords. Tests take the least,
// PasswordParams{Memory: 8, Time: 1, Threads: 1}.
func WithPasswordParams(p PasswordParams) Option {
	return func(o *options) error {
		p = p.orDefault()
		if err := p.validate(); err != nil {
			return configError("WithPasswordParams: %w", err)
		}
		o.password = p
		return nil
	}
}

// WriteOption changes one write.
type WriteOption func(*writeOptions)

type writeOptions struct {
	ifMatch          Revision
	created, updated time.Time
	convoy           *convoy     // lets writes of one call wait for each other; nil: of a call of its own
	sweep            *sweeper    // takes the entries that a delete leaves; nil: removed at once
	values           map[any]any // for middleware
	keepUpdated      bool        // the time of the last update stays
}

func newWriteOptions(list []WriteOption) writeOptions {
	var o writeOptions
	for _, set := range list {
		set(&o)
	}
	return o
}

// IfMatch makes a write fail with ErrConflict unless the document is still at
// this revision.
func IfMatch(rev Revision) WriteOption { return func(o *writeOptions) { o.ifMatch = rev } }

// KeepTimestamps writes these times instead of the current one, for imports and
// replication. A zero time is the current one.
func KeepTimestamps(created, updated time.Time) WriteOption {
	return func(o *writeOptions) { o.created, o.updated = created, updated }
}
