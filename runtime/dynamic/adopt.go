package dynamic

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Adopt makes sure that the database that url names has resources as another database
// describes them: all their versions, in their order, and all that programs without
// generated code must know of them. It creates the database when the place is empty.
// Documents are not copied. Errors are those of s3db.Open and those of Database.Resource.
func Adopt(ctx context.Context, url string, config Config, resources []s3db.DescribedResource, options ...s3db.Option) error {
	known, err := versionsAt(ctx, url, config, options)
	if err != nil {
		return err
	}
	rounds := 1
	for i := range resources {
		rounds = max(rounds, len(resources[i].Versions))
	}
	for round := range rounds {
		news := round == rounds-1 // the settings may have changed
		var models []s3db.Resource
		for i := range resources {
			d := &resources[i]
			if len(d.Versions) == 0 {
				return fmt.Errorf("%w: the description of resource %q has no version", s3db.ErrCorrupt, d.Name)
			}
			v := d.Versions[min(round, len(d.Versions)-1)]
			news = news || !known[resourceVersion{d.Name, v.Hash}]
			m, err := adopted(d, v, config.Reveal)
			if err != nil {
				return err
			}
			models = append(models, m)
		}
		if !news {
			continue
		}
		db, err := s3db.Open(ctx, url, s3db.Config{Drivers: config.Drivers, Resources: models, WithoutKeys: !config.Reveal}, options...)
		if err != nil {
			return err
		}
		if err := db.Close(); err != nil {
			return err
		}
	}
	return nil
}

// adopted is what a program of a version would register.
func adopted(d *s3db.DescribedResource, v s3db.DescribedVersion, reveal bool) (s3db.Resource, error) {
	at, err := asOf(d, v.Hash)
	if err != nil {
		return nil, err
	}
	s, err := newShape(at, reveal)
	if err != nil {
		return nil, err
	}
	m := s.model()
	// The settings hold the history of versions already.
	m.Schema, m.Version, m.Settings, m.Hashes, m.Steps = v.Schema, v.Version, at.Settings, nil, nil
	return m, nil
}

// resourceVersion names a version of a resource by its hash.
type resourceVersion struct{ resource, hash string }

// versionsAt returns the versions that a database has; none where there is no database.
func versionsAt(ctx context.Context, url string, config Config, options []s3db.Option) (map[resourceVersion]bool, error) {
	known := map[resourceVersion]bool{}
	db, err := Open(ctx, url, Config{Drivers: config.Drivers}, options...)
	if errors.Is(err, s3db.ErrNotFound) {
		return known, nil
	}
	if err != nil {
		return nil, err
	}
	for _, r := range db.Describe().Resources {
		for _, v := range r.Versions {
			known[resourceVersion{r.Name, v.Hash}] = true
		}
	}
	return known, db.Close()
}

// Required returns the attributes that every document of the resource has, in the order
// of their numbers.
func (r *Resource) Required() []string {
	var names []string
	for _, f := range r.shape.object.fields {
		if !f.optional {
			names = append(names, f.name)
		}
	}
	return names
}

// SameImmutable reports whether a document has the values of an input in the attributes
// that only an insert can set.
func (r *Resource) SameImmutable(d *Document, in Input) bool {
	for _, name := range r.shape.known.Immutable {
		f := r.shape.object.field(name)
		if f == nil {
			continue
		}
		old, isThere := d.Values[name]
		next, isGiven := in.Values[name]
		if isThere != isGiven || isThere && !bytes.Equal(f.typ.json(old), f.typ.json(next)) {
			return false
		}
	}
	return true
}

// json is the JSON of a value, with secrets.
func (t *valueType) json(v any) []byte {
	w := &jsonWriter{reveal: true}
	w.value(t, v)
	return w.b
}
