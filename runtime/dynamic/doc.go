// Package dynamic reads and writes the documents of any database without
// generated code: it makes a collection of each resource from the stored shape
// and the settings that the registry of the database keeps.
//
// What it writes is byte for byte what the generated client would write: the same
// fields, the same place in metadata or body, the same partition entries and
// unique claims. Types are checked, rules are not: they are part of the schema and
// not of the database. Defaults and generated values are the schema's as well, so
// an insert gives every required attribute.
//
// Secrets stay encrypted. Without Config.Reveal they are never decrypted, not even
// in memory; an update of other attributes writes the ciphertext back as it was.
// Those of unique constraints are the exception: a write computes the name of the
// claim from the value, so it needs the key.
package dynamic

import (
	"context"
	"fmt"
	"slices"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Config says how a database is opened.
type Config struct {
	Drivers []s3db.Driver
	// Reveal decrypts secrets on reading, so that Secret.Value returns them; it needs
	// the key among the options.
	Reveal bool
	// At opens resources as programs of an older version of the schema do, which read
	// and write what these read and write: the hash of the version
	// ([s3db.DescribedVersion]) by the name of the resource. Others are as in their
	// newest version.
	At map[string]string
}

// Database is an open database. It is safe for concurrent use.
type Database struct {
	*s3db.Database
	resources []*Resource
	broken    map[string]error // resources whose registry entry cannot be used
}

// Open opens the database that url names, with all its resources. It never
// creates one. Errors are those of s3db.Open; s3db.ErrNotFound when there is no
// database.
func Open(ctx context.Context, url string, config Config, options ...s3db.Option) (*Database, error) {
	return open(config, options, func(c s3db.Config, options []s3db.Option) (*s3db.Database, error) {
		return s3db.Open(ctx, url, c, options...)
	})
}

// New opens the database at the root of a store that the caller opened and will
// close. Errors are those of Open.
func New(ctx context.Context, store s3db.Store, config Config, options ...s3db.Option) (*Database, error) {
	return open(config, options, func(c s3db.Config, options []s3db.Option) (*s3db.Database, error) {
		return s3db.New(ctx, store, c, options...)
	})
}

func open(config Config, options []s3db.Option, openDatabase func(s3db.Config, []s3db.Option) (*s3db.Database, error)) (*Database, error) {
	db := &Database{}
	var shapes []*shape
	inner, err := openDatabase(s3db.Config{
		Drivers:     config.Drivers,
		Existing:    true,
		WithoutKeys: !config.Reveal,
		Discover: func(d *s3db.Description) ([]s3db.Resource, error) {
			var found []s3db.Resource
			shapes, db.broken = nil, map[string]error{}
			for i := range d.Resources {
				s, err := config.shape(&d.Resources[i])
				if err != nil {
					db.broken[d.Resources[i].Name] = err
					continue
				}
				shapes = append(shapes, s)
				found = append(found, s.model())
			}
			return found, nil
		},
	}, options)
	if err != nil {
		return nil, err
	}
	db.Database = inner
	for _, s := range shapes {
		db.resources = append(db.resources, &Resource{Collection: s3db.NewCollection(inner, s.model()), shape: s})
	}
	return db, nil
}

// Attach returns the resources of a database that the program has opened in another
// way, such as by a generated client, as Describe or DescribeNow of it has described
// them. It sends no request; a Reveal needs the keys that db was opened with.
// Closing what it returns closes db.
func Attach(db *s3db.Database, described *s3db.Description, config Config) *Database {
	attached := &Database{Database: db, broken: map[string]error{}}
	list := described.Resources
	for i := range list {
		s, err := config.shape(&list[i])
		if err != nil {
			attached.broken[list[i].Name] = err
			continue
		}
		attached.resources = append(attached.resources, &Resource{Collection: s3db.NewCollection(db, s.model()), shape: s})
	}
	return attached
}

// Resource returns the resource with a name. Errors: s3db.ErrNotFound when the
// database has none of that name, s3db.ErrNewerFormat or s3db.ErrCorrupt when what
// the registry says of it cannot be understood.
func (db *Database) Resource(name string) (*Resource, error) {
	if i := slices.IndexFunc(db.resources, func(r *Resource) bool { return r.shape.resource == name }); i >= 0 {
		return db.resources[i], nil
	}
	if err := db.broken[name]; err != nil {
		return nil, err
	}
	names := make([]string, 0, len(db.resources))
	for _, r := range db.resources {
		names = append(names, r.shape.resource)
	}
	return nil, fmt.Errorf("%w: the database has no resource %q; it has %s", s3db.ErrNotFound, name, listed(names))
}

// Resources returns the resources in the order of their names, without those that
// Resource would return an error for.
func (db *Database) Resources() []*Resource { return slices.Clone(db.resources) }

// Resource reads and writes the documents of one resource.
type Resource struct {
	*s3db.Collection[Document, string, Input, Patch]
	shape *shape
}
