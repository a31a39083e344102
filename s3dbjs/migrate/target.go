package migrate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
	"github.com/s3dbgen/s3dbgen/schema"
)

// Target is the database that documents are copied into: the one that URL names,
// or, when Store is not nil, the one at the root of that store. It is created when
// there is none.
type Target struct {
	URL     string
	Drivers []s3db.Driver
	Store   s3db.Store
	Options []s3db.Option // keys, and what else Open takes
}

func (t Target) open(ctx context.Context, config s3db.Config, options ...s3db.Option) (*s3db.Database, error) {
	config.Drivers = t.Drivers
	options = append(slices.Clone(t.Options), options...)
	if t.Store != nil {
		return s3db.New(ctx, t.Store, config, options...)
	}
	return s3db.Open(ctx, t.URL, config, options...)
}

func (t Target) openDynamic(ctx context.Context, reveal bool, options ...s3db.Option) (*dynamic.Database, error) {
	config := dynamic.Config{Drivers: t.Drivers, Reveal: reveal}
	options = append(slices.Clone(t.Options), options...)
	if t.Store != nil {
		return dynamic.New(ctx, t.Store, config, options...)
	}
	return dynamic.Open(ctx, t.URL, config, options...)
}

// checkShapes refuses a database whose resources have another shape than the
// schema: documents of the copy would be of a version that its programs do not
// expect.
func (t Target) checkShapes(ctx context.Context, s *schema.Schema) (exists bool, err error) {
	db, err := t.open(ctx, s3db.Config{Existing: true})
	if errors.Is(err, s3db.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, r := range s.Resources {
		i := slices.IndexFunc(db.Describe().Resources, func(d s3db.DescribedResource) bool { return d.Name == r.Name })
		if i < 0 {
			continue
		}
		if newest, ok := db.Describe().Resources[i].Newest(); !ok || newest.Schema != r.StoredShape() {
			return true, fmt.Errorf("%w: the target has a resource %q of another shape: give the schema that its programs were generated from, with its lock file, or another target", s3db.ErrConfig, r.Name)
		}
	}
	return true, nil
}

// create registers the resources of the schema, and creates the database when
// there is none.
func (t Target) create(ctx context.Context, s *schema.Schema) error {
	config := s3db.Config{}
	for _, r := range s.Resources {
		config.Resources = append(config.Resources, &s3db.Model[dynamic.Document, string, dynamic.Input, dynamic.Patch]{
			Resource: r.Name, Schema: r.StoredShape(), Settings: r.StoredSettings(), NewID: s3db.UUIDv4, Secrets: hasSecrets(r.Attributes),
		})
	}
	db, err := t.open(ctx, config)
	if err != nil {
		return err
	}
	return db.Close()
}

// HasSecrets reports whether the copy needs a key.
func HasSecrets(s *schema.Schema) bool {
	return slices.ContainsFunc(s.Resources, func(r *schema.Resource) bool { return hasSecrets(r.Attributes) })
}

func hasSecrets(list []*schema.Attribute) bool {
	return slices.ContainsFunc(list, func(a *schema.Attribute) bool {
		return a.Type.Kind == schema.KindSecret || hasSecrets(a.Type.Fields)
	})
}
