// Package s3db replicates documents to another database: a copy in another bucket, region
// or file, which the same generated client opens.
//
// The copy is made of documents, not of objects: it has an id, keys and entries of its
// own. Each write puts an object beside its entries that is named by the revision it makes
// and holds the position of the change. A write is conditional on the revision it was
// judged by, so the position that belongs to the document is always known, and an older
// change never replaces a newer one, whoever sends it and however late.
package s3db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
)

// Config says which database is written. URL and Drivers are required.
type Config struct {
	// URL is the connection string, such as s3://bucket/backup or file://./copy.db. Where
	// there is no database, Prepare creates one with the resources that are replicated.
	URL     string
	Drivers []s3db.Driver
	// Options open it. With the key of the copy, secrets can be replicated, if the
	// configuration of the replicator asks for them: they are encrypted anew.
	Options []s3db.Option
	// Reveal says that the options hold the key of secrets.
	Reveal bool
	// Concurrency is the number of documents written at the same time; 0: 16.
	Concurrency int
}

// Target is a [replicator.Target] and a [replicator.Lister]. It is safe for concurrent
// use.
type Target struct {
	config Config

	mu        sync.RWMutex // held for writing while the database is opened anew
	store     *shared
	newest    *opened // nil before Prepare
	resources map[string]*replicator.Resource

	opening sync.Mutex
	older   map[version]*opened

	waits waits
}

var (
	_ replicator.Target = (*Target)(nil)
	_ replicator.Lister = (*Target)(nil)
)

// spaceName is the key space of positions. It is not that of the replicator, which the
// copy may have for itself.
const spaceName = "replicated"

// New returns a target. It sends no request. Errors match s3db.ErrConfig.
func New(config Config) (*Target, error) {
	switch {
	case config.URL == "":
		return nil, configError("the connection string is missing, such as s3://bucket/backup")
	case len(config.Drivers) == 0:
		return nil, configError("there is no driver for the connection string")
	case config.Concurrency < 0:
		return nil, configError("concurrency is negative")
	case config.Concurrency == 0:
		config.Concurrency = 16
	}
	return &Target{config: config, store: &shared{}, waits: waits{failed: map[waitKey]int{}}}, nil
}

func configError(format string, args ...any) error {
	return fmt.Errorf("%w: s3db target: "+format, append([]any{s3db.ErrConfig}, args...)...)
}

// Test implements [replicator.Target]: it opens the database, if there is one yet.
func (t *Target) Test(ctx context.Context) error {
	o, err := t.openAt(ctx, nil)
	if errors.Is(err, s3db.ErrNotFound) {
		return nil // the place is empty
	}
	if err != nil {
		return err
	}
	return o.Close()
}

// Prepare implements [replicator.Target]. It registers the versions of the
// resources with the copy. A route leads to the resource of the same name.
func (t *Target) Prepare(ctx context.Context, source replicator.Source) error {
	described := make([]s3db.DescribedResource, 0, len(source.Resources))
	resources := map[string]*replicator.Resource{}
	for i := range source.Resources {
		r := &source.Resources[i]
		for _, route := range r.Routes {
			if route.To != "" && route.To != r.Name {
				return configError("resource %s cannot go to %q: in a copy it has the same name", r.Name, route.To)
			}
		}
		described = append(described, r.Described)
		resources[r.Name] = r
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.closeDatabase(); err != nil {
		return err
	}
	adopting := dynamic.Config{Drivers: t.store.drivers(t.config.Drivers), Reveal: t.config.Reveal}
	if err := dynamic.Adopt(ctx, t.config.URL, adopting, described, t.config.Options...); err != nil {
		return err
	}
	db, err := t.openAt(ctx, nil)
	if err != nil {
		return err
	}
	if db.Describe().ID == source.Database {
		return errors.Join(configError("the database cannot be a copy of itself"), db.Close())
	}
	for i := range source.Resources {
		if err := checkSecrets(db.Database, &source.Resources[i]); err != nil {
			return errors.Join(err, db.Close())
		}
	}
	t.newest, t.resources, t.older = db, resources, map[version]*opened{}
	return nil
}

// checkSecrets wants a document to be complete without the attributes that are not
// replicated.
func checkSecrets(db *dynamic.Database, r *replicator.Resource) error {
	target, err := db.Resource(r.Name)
	if err != nil {
		return err
	}
	for _, name := range target.Required() {
		if !slices.ContainsFunc(r.Attributes, func(a replicator.Attribute) bool { return a.Name == name }) {
			return configError("resource %s requires the attribute %s, which is a secret: replicate secrets, with the key of the copy", r.Name, name)
		}
	}
	return nil
}

// Close implements [replicator.Target].
func (t *Target) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.closeDatabase()
}

func (t *Target) closeDatabase() error {
	if t.newest == nil {
		return nil
	}
	errs := []error{t.newest.Close()}
	for _, o := range t.older {
		errs = append(errs, o.Close())
	}
	t.newest, t.older = nil, nil
	return errors.Join(errs...)
}
