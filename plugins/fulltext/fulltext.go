// Package fulltext finds documents by the words in their texts, ranked by BM25.
//
// It is a plugin: [New] makes it, s3db.WithPlugin installs it, and [Of] gives a
// typed [Index] of a resource. The index lies in the database itself. Each write that
// changes an indexed text leaves a mark before it commits; [Index.Compact] takes
// the marked documents into immutable segments; a search reads the segments, and
// the marked documents themselves. So a search sees each write that has
// returned, whoever crashed, and however many write. The README tells the costs.
package fulltext

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Options are the settings of a [Plugin]. The zero Options are the defaults. All
// programs that search a database give the same ones; after a change of Language,
// MinWordLength or the fields, searches fail until [Index.Rebuild].
type Options struct {
	// Language is the BCP 47 tag of the language of the texts: English (the default,
	// "en-US"), Spanish, French, Hungarian, Norwegian, Russian or Swedish. It decides
	// which words are left out as saying nothing, and how words are reduced to
	// their stems. "und" does neither, and suits any language.
	Language string
	// MinWordLength is the number of characters below which a word is left out;
	// default 3. Characters of scripts without blanks between words always count.
	MinWordLength int
	// MaxResults is the most hits of a search; default 50.
	MaxResults int
	// CompactAfter is the number of marked documents above which a search begins with
	// a Compact; default 1,000. Negative: no search does.
	CompactAfter int
}

// Resource names the attributes of one resource that are indexed. [On] makes it.
type Resource struct {
	name   string
	fields []string
	texts  func(document any) ([]string, bool)
}

// On indexes text attributes of a resource. They are the typed attributes of the
// generated package, as in On("products", shop.ProductWhere.Name).
func On[T any](resource string, fields ...s3db.TextAttr[*T, string]) Resource {
	r := Resource{name: resource}
	for _, f := range fields {
		r.fields = append(r.fields, f.Path())
	}
	r.texts = func(document any) ([]string, bool) {
		d, ok := document.(*T)
		if !ok {
			return nil, false
		}
		texts := make([]string, len(fields))
		for i, f := range fields {
			if d != nil {
				texts[i], _ = f.Value(d)
			}
		}
		return texts, true
	}
	return r
}

// Plugin keeps the full-text indexes of one database. It is safe for concurrent
// use.
type Plugin struct {
	options   Options
	resources []Resource

	mu      sync.Mutex
	indexes map[string]*index // nil until it is installed
}

// New returns a plugin for some resources. Mistakes in the options are errors of
// Open, which installs it.
func New(options Options, resources ...Resource) *Plugin {
	return &Plugin{options: options, resources: resources}
}

// Name implements s3db.Plugin.
func (p *Plugin) Name() string { return "fulltext" }

// Install implements s3db.Plugin. It checks the options and the attributes against
// the schema that the database knows, and names all mistakes at once; they match
// s3db.ErrConfig. It sends no request.
func (p *Plugin) Install(_ context.Context, db *s3db.Database) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.indexes != nil {
		return configError("the plugin is installed in a database already; each one needs a plugin of its own")
	}
	options, analyzer, err := p.options.check()
	errs := []error{err}
	if len(p.resources) == 0 {
		errs = append(errs, configError("no resource is indexed: give New at least one On(…)"))
	}
	space, err := db.Space(p.Name())
	if err != nil {
		return err
	}
	indexes := map[string]*index{}
	for _, r := range p.resources {
		if indexes[r.name] != nil {
			errs = append(errs, configError("On(%q) is given twice; give all fields at once", r.name))
		}
		errs = append(errs, r.check(db.Describe()))
		indexes[r.name] = newIndex(db, space, r, options, analyzer)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	p.options, p.indexes = options, indexes
	db.OnWrite(func(_ context.Context, w *s3db.PendingWrite) error {
		if x := indexes[w.Resource]; x != nil {
			return x.mark(w)
		}
		return nil
	})
	return nil
}

// check fills in the defaults.
func (o Options) check() (Options, *analyzer, error) {
	var errs []error
	notNegative := func(name string, n *int, def int) {
		if *n < 0 {
			errs = append(errs, configError("%s is %d; it must not be negative", name, *n))
		}
		if *n == 0 {
			*n = def
		}
	}
	notNegative("MinWordLength", &o.MinWordLength, 3)
	notNegative("MaxResults", &o.MaxResults, 50)
	if o.CompactAfter == 0 {
		o.CompactAfter = 1000
	}
	if o.Language == "" {
		o.Language = "en-US"
	}
	a, err := newAnalyzer(o.Language, o.MinWordLength)
	return o, a, errors.Join(append(errs, err)...)
}

// storedField is what a stored shape says of an attribute (docs/format.md, "Stored
// shape").
type storedField struct {
	Name   string        `json:"name"`
	Type   string        `json:"type"`
	Fields []storedField `json:"fields"`
}

// check looks the attributes up in the schema.
func (r Resource) check(d *s3db.Description) error {
	i := slices.IndexFunc(d.Resources, func(x s3db.DescribedResource) bool { return x.Name == r.name })
	if i < 0 {
		return configError("On(%q): there is no such resource", r.name)
	}
	shapes, err := shapesOf(d.Resources[i])
	if err != nil {
		return err
	}
	var errs []error
	if len(r.fields) == 0 {
		errs = append(errs, configError("On(%q) names no attribute", r.name))
	}
	for i, path := range r.fields {
		switch typ := newestType(shapes, path); {
		case slices.Contains(r.fields[:i], path):
			errs = append(errs, configError("On(%q), %s: named twice", r.name, path))
		case typ == "":
			errs = append(errs, configError("On(%q), %s: the resource has no such attribute", r.name, path))
		case typ == "secret" || typ == "password":
			errs = append(errs, configError("On(%q), %s: a %s is never indexed, since the index is not encrypted", r.name, path, typ))
		case !slices.Contains([]string{"string", "text", "email", "url"}, typ):
			errs = append(errs, configError("On(%q), %s: its type is %s; only texts are indexed", r.name, path, typ))
		}
	}
	return errors.Join(errs...)
}

// shapesOf returns the attributes of all versions of a resource, the newest first.
func shapesOf(r s3db.DescribedResource) ([][]storedField, error) {
	var shapes [][]storedField
	for _, v := range slices.Backward(r.Versions) {
		var shape struct {
			Fields []storedField `json:"fields"`
		}
		if err := json.Unmarshal([]byte(v.Schema), &shape); err != nil {
			return nil, wrap(s3db.ErrCorrupt, "version %d of the stored shape of %s: %w", v.Version, r.Name, err)
		}
		shapes = append(shapes, shape.Fields)
	}
	return shapes, nil
}

// newestType returns the type that an attribute has in the newest version which has
// it: this program may be older than the database. "" when none has it.
func newestType(shapes [][]storedField, path string) string {
	for _, fields := range shapes {
		if typ := typeAt(fields, path); typ != "" {
			return typ
		}
	}
	return ""
}

// typeAt returns the type of the attribute at a path, "" when there is none.
func typeAt(fields []storedField, path string) string {
	first, rest, nested := strings.Cut(path, ".")
	i := slices.IndexFunc(fields, func(f storedField) bool { return f.Name == first })
	switch {
	case i < 0:
		return ""
	case nested && fields[i].Type == "object":
		return typeAt(fields[i].Fields, rest)
	case nested:
		return ""
	}
	return fields[i].Type
}

// wrap makes an error of a class that is about this plugin.
func wrap(class error, format string, args ...any) error {
	return fmt.Errorf("%w: fulltext: "+format, append([]any{class}, args...)...)
}
