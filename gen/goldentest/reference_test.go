package goldentest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/gen"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/schema"
)

// TestReferenceRequests runs every operation that the reference of a resource lists,
// for each resource of the golden schemas and of the example, and counts: requests
// are those that the reference tells, those of queries those of their plans too, and
// keys have the patterns that it shows.
func TestReferenceRequests(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/golden/*/schema.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatal("no schemas", err)
	}
	moved, lookups := 0, 0
	for _, path := range append(paths, "../../example/schema.yaml") {
		r := reference(t, path)
		for _, resource := range r.Resources {
			t.Run(filepath.Base(filepath.Dir(path))+"/"+resource.Name, func(t *testing.T) {
				c := openCounted(t, resource)
				for _, op := range resource.Operations() {
					c.check(op)
				}
				if c.moved {
					moved++
				}
				lookups += c.lookups
				c.checkKeys()
			})
		}
	}
	if moved < 10 || lookups < 10 {
		t.Errorf("only %d resources move all their indexes in an update, only %d lookups", moved, lookups)
	}
}

func reference(t *testing.T, path string) *gen.Reference {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lockPath := strings.TrimSuffix(path, ".yaml") + ".lock.yaml"
	lockText, err := os.ReadFile(lockPath)
	if err != nil {
		t.Fatal(err)
	}
	s, found := schema.Parse(path, text)
	lock, more := schema.ReadLock(lockPath, lockText)
	found = append(append(found, more...), s.Assign(lock)...)
	r, names := gen.NewReference(s, lock)
	if err := append(found, names...).Err(); err != nil {
		t.Fatal(err)
	}
	return r
}

// counted is a resource in a store that counts requests.
type counted struct {
	*dynamic.Resource
	t         *testing.T
	reference *gen.ResourceReference
	store     *memstore.Store
	now       time.Time
	keys      []string // of a document with an entry and a claim in every index
	moved     bool     // the update that moves every index was possible
	lookups   int
}

func openCounted(t *testing.T, r *gen.ResourceReference) *counted {
	t.Helper()
	shape := r.StoredShape()
	entry := map[string]any{"version": 0, "settings": json.RawMessage(r.StoredSettings()), "versions": []any{
		map[string]any{"version": 0, "hash": fmt.Sprintf("%x", sha256.Sum256([]byte(shape))), "created": time.Time{}, "schema": json.RawMessage(shape)},
	}}
	text, err := json.Marshal(map[string]any{"format": 1, "database": "db", "salt": make([]byte, 32), "resources": map[string]any{r.Name: entry}})
	if err != nil {
		t.Fatal(err)
	}
	c := &counted{t: t, reference: r, store: memstore.New(), now: time.Date(2024, 2, 1, 12, 0, 0, 0, time.UTC)}
	if _, err := c.store.Put(t.Context(), "s3db.json", text, nil, s3db.Condition{}); err != nil {
		t.Fatal(err)
	}
	db, err := dynamic.New(t.Context(), c.store, dynamic.Config{Reveal: true},
		s3db.WithKey("k", make([]byte, 32)), s3db.WithClock(func() time.Time { return c.now }), s3db.WithIDs(r.Name, s3db.ULID),
		s3db.WithPasswordParams(s3db.PasswordParams{Memory: 64, Time: 1, Threads: 1}))
	if err != nil {
		t.Fatal(err)
	}
	if c.Resource, err = db.Resource(r.Name); err != nil {
		t.Fatal(err)
	}
	return c
}

// row is the JSON of a document with all attributes that keep accepts.
func (c *counted) row(variant int, keep func(*schema.Attribute) bool) []byte {
	c.t.Helper()
	text, err := json.Marshal(fixture{variant: variant, full: true}.object(c.reference.Attributes, keep))
	if err != nil {
		c.t.Fatal(err)
	}
	return text
}

func (c *counted) input(variant int) dynamic.Input {
	c.t.Helper()
	in, err := c.ParseInput(c.row(variant, all))
	if err != nil {
		c.t.Fatal(err)
	}
	return in
}

// insert inserts a document under an id that none had before: of one that was
// deleted a moment ago, the tombstone is still there.
func (c *counted) insert() *dynamic.Document {
	c.t.Helper()
	in := c.input(0)
	d, err := c.Insert(c.t.Context(), in)
	if err != nil {
		c.t.Fatal(err)
	}
	return d
}

// patch changes attributes that are neither immutable nor accepted by skip.
func (c *counted) patch(variant int, skip func(*schema.Attribute) bool) dynamic.Patch {
	c.t.Helper()
	p, err := c.ParsePatch(c.row(variant, func(a *schema.Attribute) bool { return !a.Immutable && !skip(a) }))
	if err != nil {
		c.t.Fatal(err)
	}
	return p
}

// indexed reports whether an index depends on an attribute.
func (c *counted) indexed(a *schema.Attribute) bool {
	return slices.ContainsFunc(slices.Concat(c.reference.Resource.Partitions, c.reference.Resource.Uniques), func(x *schema.Index) bool {
		return slices.ContainsFunc(x.Fields, func(f *schema.IndexField) bool {
			return f.Attribute == a || len(f.Through) > 0 && f.Through[0] == a
		})
	})
}

// count runs f and returns its requests.
func (c *counted) count(f func(ctx context.Context) error) gen.Requests {
	c.t.Helper()
	before := c.store.Counts()
	if err := f(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	n := c.store.Counts().Sub(before)
	return gen.Requests{
		Get: n.Get, Head: n.Head, Put: n.Put, Delete: n.Delete, DeleteMany: n.DeleteMany, List: n.List,
	}
}

func (c *counted) check(op gen.Operation) {
	c.t.Helper()
	got, ok := c.run(op)
	if !ok {
		return
	}
	if diff := cmp.Diff(op.Requests, got); diff != "" {
		c.t.Errorf("%s, %s (-told +counted):\n%s", op.Kind, op.Call, diff)
	}
}

// run carries out an operation. It reports false when the documents that the
// fixture can make do not get there.
func (c *counted) run(op gen.Operation) (gen.Requests, bool) {
	c.t.Helper()
	drop := func(_ any, err error) error { return err }
	switch op.Kind {
	case gen.OpInsert:
		in := c.input(0)
		in.ID = "a"
		n := c.count(func(ctx context.Context) error { return drop(c.Insert(ctx, in)) })
		c.keys = c.store.Server().Keys()
		return n, true
	case gen.OpGet, gen.OpExists:
		d := c.insert()
		defer c.remove(d)
		if op.Kind == gen.OpExists {
			return c.count(func(ctx context.Context) error { return drop(c.Exists(ctx, d.ID)) }), true
		}
		return c.count(func(ctx context.Context) error { return drop(c.Get(ctx, d.ID)) }), true
	case gen.OpUpdate:
		return c.count(func(ctx context.Context) error { return drop(c.Update(ctx, "a", c.patch(0, c.indexed))) }), true
	case gen.OpUpdateFrom:
		d, err := c.Get(c.t.Context(), "a")
		if err != nil {
			c.t.Fatal(err)
		}
		return c.count(func(ctx context.Context) error { return drop(c.UpdateFrom(ctx, d, c.patch(0, c.indexed))) }), true
	case gen.OpMove:
		before := c.store.Server().Keys()
		c.now = c.now.AddDate(0, 0, 1)
		n := c.count(func(ctx context.Context) error {
			return drop(c.Update(ctx, "a", c.patch(1, func(*schema.Attribute) bool { return false })))
		})
		// The rules may leave no other value for some index.
		c.moved = op.Requests.Put == 1+c.differ(before)
		return n, c.moved
	case gen.OpUpsertNew:
		d, err := c.Get(c.t.Context(), "a")
		if err != nil {
			c.t.Fatal(err)
		}
		c.remove(d)
		return c.count(func(ctx context.Context) error { return drop(c.Upsert(ctx, "b", c.input(0))) }), true
	case gen.OpUpsert:
		return c.count(func(ctx context.Context) error { return drop(c.Upsert(ctx, "b", c.input(0))) }), true
	case gen.OpSweep:
		return c.count(func(ctx context.Context) error { return drop(c.Sweep(ctx, s3db.SweepOptions{})) }), true
	case gen.OpDelete:
		return c.count(func(ctx context.Context) error { return c.Delete(ctx, "b") }), true
	}
	return c.read(op)
}

func (c *counted) remove(d *dynamic.Document) {
	c.t.Helper()
	if err := c.Delete(c.t.Context(), d.ID); err != nil {
		c.t.Fatal(err)
	}
}

// differ counts the keys of entries and claims that are new.
func (c *counted) differ(before []string) (n int) {
	for _, key := range c.store.Server().Keys() {
		if !slices.Contains(before, key) {
			n++
		}
	}
	return n
}

// read reads as many documents as there are, and compares with the plan for as many
// as the reference tells of.
func (c *counted) read(op gen.Operation) (gen.Requests, bool) {
	c.t.Helper()
	d := c.insert()
	defer c.remove(d)
	drop := func(_ any, err error) error { return err }
	if op.Kind == gen.OpLookup {
		// A lookup is the query of its plan.
		return c.lookup(op, d)
	}
	q, told := c.Query(), gen.ListDocuments
	if op.Index != nil {
		told = gen.PageDocuments
		values := make([]any, 0, len(op.Index.Fields))
		for _, f := range op.Index.Fields {
			v, ok := valueAt(d, f)
			if !ok {
				return gen.Requests{}, false
			}
			values = append(values, v)
		}
		var err error
		if q, err = c.InPartition(op.Index.Name, values...); err != nil {
			c.t.Fatal(err)
		}
	}
	counting := op.Kind == gen.OpCount || op.Kind == gen.OpTally
	one := c.count(func(ctx context.Context) error {
		switch {
		case counting:
			n, err := q.Count(ctx)
			if err == nil && n != 1 {
				err = fmt.Errorf("%d documents", n)
			}
			return err
		case op.Kind == gen.OpPage:
			return drop(q.Page(ctx, gen.PageDocuments))
		default:
			list, err := q.List(ctx)
			if err == nil && len(list) != 1 {
				err = fmt.Errorf("%d documents", len(list))
			}
			return err
		}
	})
	plan := q.Plan()
	planned := plan.For(told)
	if op.Kind == gen.OpPage {
		planned = plan.For(gen.PageDocuments)
	}
	if op.Kind == gen.OpCount {
		planned = plan.Count
	}
	if got := (gen.Requests{Get: int(planned.Get), List: int(planned.List)}); got != op.Requests {
		c.t.Errorf("%s, %s: the plan has %s, the reference %s", op.Kind, op.Call, got, op.Requests)
	}
	// What was counted is of one document: the rest is as many more GETs.
	if one.Get > 0 && op.Requests.Get > 0 {
		one.Get += op.Requests.Get - 1
	}
	return one, true
}

// lookup finds a document by a unique value, as the generated method does.
func (c *counted) lookup(op gen.Operation, d *dynamic.Document) (gen.Requests, bool) {
	c.t.Helper()
	var put []func(k *s3db.KeyBuilder)
	for _, f := range op.Index.Fields {
		v, _ := valueAt(d, f)
		if secret, ok := v.(dynamic.Secret); ok {
			v, _ = secret.Value()
		}
		switch v := v.(type) {
		case string:
			put = append(put, func(k *s3db.KeyBuilder) { k.String(v) })
		case int64:
			put = append(put, func(k *s3db.KeyBuilder) { k.Int(v) })
		default:
			return gen.Requests{}, false
		}
	}
	c.lookups++
	return c.count(func(ctx context.Context) error {
		found, err := s3db.GetByUnique(ctx, c.Collection, op.Index.Name, func(k *s3db.KeyBuilder) {
			for _, add := range put {
				add(k)
			}
		})
		if err == nil && found.ID != d.ID {
			err = errors.New("another document")
		}
		return err
	}), true
}

// valueAt returns the value of an index field in a document.
func valueAt(d *dynamic.Document, f *schema.IndexField) (any, bool) {
	var v any = d.Values
	switch f.Path {
	case "createdAt":
		v = d.CreatedAt
	case "updatedAt":
		v = d.UpdatedAt
	case "_v":
		v = int64(0)
	default:
		for name := range strings.SplitSeq(f.Path, ".") {
			values, ok := v.(dynamic.Values)
			if !ok {
				return nil, false
			}
			if v, ok = values[name]; !ok {
				return nil, false
			}
		}
	}
	if at, ok := v.(time.Time); ok && f.Date {
		v = s3db.DateOf(at.UTC())
	}
	return v, true
}

// checkKeys compares the keys of a document, its entries and its claims with the
// patterns of the reference: each has one, and each pattern one.
func (c *counted) checkKeys() {
	c.t.Helper()
	patterns := []string{c.reference.Key}
	for _, x := range slices.Concat(c.reference.Partitions, c.reference.Uniques) {
		patterns = append(patterns, x.Key)
	}
	if c.reference.Expiry != "" {
		patterns = append(patterns, c.reference.Expiry)
	}
	variable := regexp.MustCompile(`<[^>]*>`)
	seen := map[string]bool{}
	for _, key := range c.keys {
		if key == "s3db.json" {
			continue
		}
		i := slices.IndexFunc(patterns, func(pattern string) bool {
			var b strings.Builder
			last := 0
			for _, at := range variable.FindAllStringIndex(pattern, -1) {
				b.WriteString(regexp.QuoteMeta(pattern[last:at[0]]) + "[^/!]+(!![^/!]+)?")
				last = at[1]
			}
			return regexp.MustCompile("^" + b.String() + regexp.QuoteMeta(pattern[last:]) + "$").MatchString(key)
		})
		if i < 0 {
			c.t.Errorf("no pattern for the key %s", key)
			continue
		}
		seen[patterns[i]] = true
	}
	for _, pattern := range patterns {
		if !seen[pattern] {
			c.t.Errorf("no key for the pattern %s, among\n%s", pattern, strings.Join(c.keys, "\n"))
		}
	}
}
