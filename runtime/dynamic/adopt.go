package dynamic

import (
	"bytes"
	"context"
	"fmt"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Adopt makes sure that the database that url names has resources as another database
// describes them: their newest versions, with all that programs without generated code
// must know. It creates the database when the place is empty. Documents are not copied.
// Errors are those of s3db.Open and those of Database.Resource.
func Adopt(ctx context.Context, url string, config Config, resources []s3db.DescribedResource, options ...s3db.Option) error {
	models := make([]s3db.Resource, 0, len(resources))
	for i := range resources {
		d := &resources[i]
		s, err := newShape(d, config.Reveal)
		if err != nil {
			return err
		}
		newest, ok := d.Newest()
		if !ok {
			return fmt.Errorf("%w: the description of resource %q lacks its newest version", s3db.ErrCorrupt, d.Name)
		}
		m := s.model()
		// The settings hold the history of versions already.
		m.Schema, m.Version, m.Settings, m.Hashes, m.Steps = newest.Schema, newest.Version, d.Settings, nil, nil
		models = append(models, m)
	}
	db, err := s3db.Open(ctx, url, s3db.Config{Drivers: config.Drivers, Resources: models, WithoutKeys: !config.Reveal}, options...)
	if err != nil {
		return err
	}
	return db.Close()
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
