// Package goldentest compiles the golden packages of the generator and runs
// them: every operation on every resource, with documents that are made from the
// schemas.
package goldentest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/s3dbgen/s3dbgen/internal/canary"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/schema"
	"github.com/s3dbgen/s3dbgen/testdata/golden/arrays/arrays"
	"github.com/s3dbgen/s3dbgen/testdata/golden/behaviors/behaviors"
	"github.com/s3dbgen/s3dbgen/testdata/golden/defaults/defaults"
	"github.com/s3dbgen/s3dbgen/testdata/golden/diary/diary"
	"github.com/s3dbgen/s3dbgen/testdata/golden/enums/enums"
	"github.com/s3dbgen/s3dbgen/testdata/golden/expiry/expiry"
	"github.com/s3dbgen/s3dbgen/testdata/golden/frozen/frozen"
	"github.com/s3dbgen/s3dbgen/testdata/golden/gotypes/gotypes"
	"github.com/s3dbgen/s3dbgen/testdata/golden/hostile/hostile"
	"github.com/s3dbgen/s3dbgen/testdata/golden/ids/ids"
	"github.com/s3dbgen/s3dbgen/testdata/golden/many/many"
	"github.com/s3dbgen/s3dbgen/testdata/golden/minimal/minimal"
	"github.com/s3dbgen/s3dbgen/testdata/golden/names/names"
	"github.com/s3dbgen/s3dbgen/testdata/golden/nested/nested"
	"github.com/s3dbgen/s3dbgen/testdata/golden/relations/relations"
	"github.com/s3dbgen/s3dbgen/testdata/golden/rules/rules"
	"github.com/s3dbgen/s3dbgen/testdata/golden/secrets/secrets"
	"github.com/s3dbgen/s3dbgen/testdata/golden/shuffled/shuffled"
	"github.com/s3dbgen/s3dbgen/testdata/golden/stores/stores"
	"github.com/s3dbgen/s3dbgen/testdata/golden/timestamps/timestamps"
	"github.com/s3dbgen/s3dbgen/testdata/golden/types/types"
	"github.com/s3dbgen/s3dbgen/testdata/golden/unicode/unicode"
	"github.com/s3dbgen/s3dbgen/testdata/golden/uniques/uniques"
	versioned "github.com/s3dbgen/s3dbgen/testdata/golden/versioned/generated/code"
)

const goldenDir = "../../testdata/golden"

// opener opens a golden package on a store.
type opener func(context.Context, s3db.Store, ...s3db.Option) (any, error)

func open[C any](f func(context.Context, s3db.Store, ...s3db.Option) (*C, error)) opener {
	return func(ctx context.Context, store s3db.Store, options ...s3db.Option) (any, error) {
		return f(ctx, store, options...)
	}
}

var packages = map[string]opener{
	"arrays": open(arrays.New), "behaviors": open(behaviors.New), "defaults": open(defaults.New), "diary": open(diary.New), "expiry": open(expiry.New), "enums": open(enums.New),
	"frozen": open(frozen.New), "gotypes": open(gotypes.New), "hostile": open(hostile.New), "ids": open(ids.New), "many": open(many.New),
	"minimal": open(minimal.New), "names": open(names.New), "nested": open(nested.New), "relations": open(relations.New), "rules": open(rules.New),
	"secrets": open(secrets.New), "shuffled": open(shuffled.New), "stores": open(stores.New), "timestamps": open(timestamps.New), "types": open(types.New),
	"unicode": open(unicode.New), "uniques": open(uniques.New), "versioned": open(versioned.New),
}

// TestEveryGoldenPackageRuns takes documents of every resource through their
// whole life: insert, get, update, clear, upsert, replace, delete.
func TestEveryGoldenPackageRuns(t *testing.T) {
	entries, err := os.ReadDir(goldenDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Run(e.Name(), func(t *testing.T) {
			t.Parallel()
			if packages[e.Name()] == nil {
				t.Fatal("the golden package is not in the table of this test")
			}
			s := parse(t, e.Name())
			db := openGolden(t, e.Name())
			for _, r := range s.Resources {
				for _, full := range []bool{false, true} {
					c := collection{t, reflectCollection(t, db, r.Name), r, full}
					c.live()
				}
			}
		})
	}
}

func parse(t *testing.T, name string) *schema.Schema {
	t.Helper()
	path := filepath.Join(goldenDir, name, "schema.yaml")
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, found := schema.Parse(path, src)
	if found.HasErrors() {
		t.Fatal(found.String())
	}
	return s
}

func openGolden(t *testing.T, name string) reflect.Value {
	t.Helper()
	options := []s3db.Option{
		s3db.WithKey("test", canary.Key(1)),
		s3db.WithPasswordParams(s3db.PasswordParams{Memory: 8, Time: 1, Threads: 1}),
	}
	if name == "ids" {
		var last atomic.Int64
		options = append(options, s3db.WithIDs("customs", func() (string, error) {
			return "chá/" + strconv.FormatInt(last.Add(1), 10), nil
		}))
	}
	db, err := packages[name](t.Context(), memstore.New(), options...)
	if err != nil {
		t.Fatal(err)
	}
	return reflect.ValueOf(db).Elem()
}

// reflectCollection finds the collection of a resource in a generated DB.
func reflectCollection(t *testing.T, db reflect.Value, resource string) reflect.Value {
	t.Helper()
	for i := range db.NumField() {
		if !db.Type().Field(i).IsExported() {
			continue
		}
		if named, ok := reflect.TypeAssert[interface{ Name() string }](db.Field(i)); ok && named.Name() == resource {
			return db.Field(i)
		}
	}
	t.Fatalf("the generated DB has no collection of the resource %s", resource)
	return reflect.Value{}
}

// collection drives a generated collection without knowing its types.
type collection struct {
	*testing.T
	value    reflect.Value
	resource *schema.Resource
	full     bool
}

// live takes one document through its life.
func (c collection) live() {
	c.Helper()
	first, second := fixture{variant: 0, full: c.full}, fixture{variant: 1, full: c.full}
	attributes := c.resource.Attributes
	created := c.call("Insert", c.input("Insert", 1, first.object(attributes, all)))
	c.same("insert", created, first.object(attributes, all))
	id := created.Elem().FieldByName("ID")
	c.equal("get", created, c.call("Get", id))

	// An update changes what the patch names and nothing else.
	patch := second.object(attributes, mutable)
	updated := c.call("Update", id, c.input("Update", 2, patch))
	want := first.object(attributes, all)
	maps.Copy(want, patch)
	c.same("update", updated, want)
	c.equal("get after update", updated, c.call("Get", id))

	kept := c.call("Update", id, c.input("Update", 2, map[string]any{}))
	c.same("update with an empty patch", kept, want)

	// Null clears what is optional, and nothing else can be cleared.
	clearing := map[string]any{}
	for _, a := range attributes {
		if a.Optional && mutable(a) {
			clearing[a.Name] = nil
			delete(want, a.Name)
		}
	}
	cleared := c.call("Update", id, c.input("Update", 2, clearing))
	c.same("clear", cleared, want)
	for _, a := range attributes {
		if !a.Optional && mutable(a) {
			_, err := c.try("Update", id, c.input("Update", 2, map[string]any{a.Name: nil}))
			if !errors.Is(err, s3db.ErrValidation) {
				c.Errorf("clear the required attribute %s: %v, want ErrValidation", a.Name, err)
			}
		}
	}

	// An upsert sets what it gives; a replacement clears the rest. Both keep what
	// is immutable.
	given := func(a *schema.Attribute) bool { return !a.HasDefault() && a.Type.Rules.Generate == 0 }
	required := fixture{variant: 1}
	for _, a := range attributes {
		if a.Immutable {
			continue
		}
		if value, ok := required.object(attributes, given)[a.Name]; ok {
			want[a.Name] = value
		}
	}
	upserted := c.call("Upsert", id, c.input("Upsert", 2, required.object(attributes, given)))
	c.same("upsert", upserted, want)
	c.equal("get after upsert", upserted, c.call("Get", id))
	replaced := c.call("Replace", id, c.input("Replace", 2, second.object(attributes, all)))
	want = second.object(attributes, all)
	for _, a := range attributes {
		if a.Immutable {
			delete(want, a.Name)
			if value, ok := first.object(attributes, all)[a.Name]; ok {
				want[a.Name] = value
			}
		}
	}
	c.same("replace", replaced, want)
	c.equal("get after replace", replaced, c.call("Get", id))

	c.call("Delete", id)
	if _, err := c.try("Get", id); !errors.Is(err, s3db.ErrNotFound) {
		c.Errorf("get after delete: %v, want ErrNotFound", err)
	}
}

func mutable(a *schema.Attribute) bool { return !a.Immutable }

// input makes the nth argument of a method from JSON.
func (c collection) input(method string, n int, o map[string]any) reflect.Value {
	c.Helper()
	in := reflect.New(c.value.MethodByName(method).Type().In(n))
	text, err := json.Marshal(o)
	if err != nil {
		c.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(in.Interface()); err != nil {
		c.Fatalf("%s: %s %s: %v", c.resource.Name, method, text, err)
	}
	return in.Elem()
}

// try calls a method with a context before its arguments.
func (c collection) try(method string, args ...reflect.Value) (reflect.Value, error) {
	c.Helper()
	out := c.value.MethodByName(method).Call(append([]reflect.Value{reflect.ValueOf(c.Context())}, args...))
	err, _ := reflect.TypeAssert[error](out[len(out)-1])
	return out[0], err
}

func (c collection) call(method string, args ...reflect.Value) reflect.Value {
	c.Helper()
	out, err := c.try(method, args...)
	if err != nil {
		c.Fatalf("%s: %v", method, err)
	}
	return out
}

// equal compares two documents.
func (c collection) equal(what string, want, got reflect.Value) {
	c.Helper()
	options := cmp.Options{cmpopts.EquateComparable(netip.Addr{}), cmpopts.IgnoreUnexported(s3db.Meta{})}
	if diff := cmp.Diff(want.Interface(), got.Interface(), options); diff != "" {
		c.Errorf("%s: %s (-want +got):\n%s", c.resource.Name, what, diff)
	}
}

// same compares what the JSON of a document shows with what was put in. Fields
// that were not put in, such as defaults, are not looked at.
func (c collection) same(what string, document reflect.Value, want map[string]any) {
	c.Helper()
	got := map[string]any{}
	c.convert(document.Interface(), &got)
	var normal map[string]any
	c.convert(shown(c.resource.Attributes, want), &normal)
	got = shown(c.resource.Attributes, got)
	for _, a := range c.resource.Attributes {
		if _, ok := normal[a.Name]; !ok && !a.Optional {
			delete(got, a.Name)
		}
	}
	if diff := cmp.Diff(normal, got); diff != "" {
		c.Errorf("%s: document after %s (-put in +got):\n%s", c.resource.Name, what, diff)
	}
}

// convert brings a value into the form that JSON has in Go.
func (c collection) convert(from any, to *map[string]any) {
	c.Helper()
	text, err := json.Marshal(from)
	if err != nil {
		c.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(to); err != nil {
		c.Fatal(err)
	}
}
