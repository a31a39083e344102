// Package evolution lets the programs of six versions of a schema write to one database,
// side by side, while one process replicates what they write. It is the suite of what
// becomes of a target meanwhile, for the tests of every driver.
package evolution

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/s3dbgen/s3dbgen/internal/canary"
	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/targettest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/testdata/versions/v0/v0"
	"github.com/s3dbgen/s3dbgen/testdata/versions/v1/v1"
	"github.com/s3dbgen/s3dbgen/testdata/versions/v2/v2"
	"github.com/s3dbgen/s3dbgen/testdata/versions/v3/v3"
	"github.com/s3dbgen/s3dbgen/testdata/versions/v4/v4"
	"github.com/s3dbgen/s3dbgen/testdata/versions/v5/v5"
)

// Resource is the resource that the programs write.
const Resource = "users"

// program is one that was generated from a version of the schema.
type program struct {
	insert  func(ctx context.Context, document string) error
	update  func(ctx context.Context, id, patch string) error
	remove  func(ctx context.Context, id string) error
	all     func(ctx context.Context) (map[string]json.RawMessage, error)
	migrate func(ctx context.Context) error
}

// users makes a program's operations from those of its client.
func users[D any, ID ~string, I, P any](c *s3db.Collection[D, ID, I, P], id func(*D) ID) program {
	return program{
		insert: func(ctx context.Context, document string) error {
			var in I
			if err := json.Unmarshal([]byte(document), &in); err != nil {
				return err
			}
			_, err := c.Insert(ctx, in)
			return err
		},
		update: func(ctx context.Context, id, patch string) error {
			var p P
			if err := json.Unmarshal([]byte(patch), &p); err != nil {
				return err
			}
			_, err := c.Update(ctx, ID(id), p)
			return err
		},
		remove: func(ctx context.Context, id string) error { return c.Delete(ctx, ID(id)) },
		all: func(ctx context.Context) (map[string]json.RawMessage, error) {
			docs := map[string]json.RawMessage{}
			for d, err := range c.Query().All(ctx) {
				if err != nil {
					return nil, err
				}
				if docs[string(id(d))], err = json.Marshal(d); err != nil {
					return nil, err
				}
			}
			return docs, nil
		},
	}
}

type opener func(context.Context, s3db.Store, ...s3db.Option) (program, error)

// programs open the database with the client of each version, the oldest first.
func programs() []opener {
	return []opener{
		func(ctx context.Context, s s3db.Store, o ...s3db.Option) (program, error) {
			return opened(v0.New(ctx, s, o...))(func(db *v0.DB) program {
				return users(db.Users.Collection, func(d *v0.User) v0.UserID { return d.ID })
			})
		},
		func(ctx context.Context, s s3db.Store, o ...s3db.Option) (program, error) {
			return opened(v1.New(ctx, s, o...))(func(db *v1.DB) program {
				return users(db.Users.Collection, func(d *v1.User) v1.UserID { return d.ID })
			})
		},
		func(ctx context.Context, s s3db.Store, o ...s3db.Option) (program, error) {
			return opened(v2.New(ctx, s, o...))(func(db *v2.DB) program {
				return users(db.Users.Collection, func(d *v2.User) v2.UserID { return d.ID })
			})
		},
		func(ctx context.Context, s s3db.Store, o ...s3db.Option) (program, error) {
			return opened(v3.New(ctx, s, o...))(func(db *v3.DB) program {
				return users(db.Users.Collection, func(d *v3.User) v3.UserID { return d.ID })
			})
		},
		func(ctx context.Context, s s3db.Store, o ...s3db.Option) (program, error) {
			return opened(v4.New(ctx, s, o...))(func(db *v4.DB) program {
				return users(db.Users.Collection, func(d *v4.User) v4.UserID { return d.ID })
			})
		},
		func(ctx context.Context, s s3db.Store, o ...s3db.Option) (program, error) {
			return opened(v5.New(ctx, s, o...))(func(db *v5.DB) program {
				p := users(db.Users.Collection, func(d *v5.User) v5.UserID { return d.ID })
				p.migrate = func(ctx context.Context) error {
					_, err := db.Migrate(ctx, s3db.MigrateOptions{})
					return err
				}
				return p
			})
		},
	}
}

func opened[DB any](db *DB, err error) func(func(*DB) program) (program, error) {
	return func(f func(*DB) program) (program, error) {
		if err != nil {
			return program{}, err
		}
		return f(db), nil
	}
}

// inserted are the documents that the program of each version inserts.
func inserted() []string {
	return []string{
		`{"id":"full0","name":"Ada","email":"ada0@x.io","age":36,"nick":"al0","score":7,"role":"admin","legacy":"l","profile":{"city":"Rio","zip":"123"},"pin":"p0"}
	 {"id":"bare0","name":"Bob","email":"bob0@x.io","age":1,"role":"member","legacy":"","profile":{"city":"Ulm"}}`,
		`{"id":"full1","country":"BR","name":"Ada","plan":"pro","email":"ada1@x.io","age":37,"nick":"al1","score":-3,"role":"admin","profile":{"city":"Rio","zip":"456"},"pin":"p1"}
	 {"id":"bare1","name":"Bob","email":"bob1@x.io","age":2,"role":"member","profile":{"city":"Ulm"}}`,
		`{"id":"full2","country":"BR","fullName":"Ada","plan":"pro","email":"ada2@x.io","age":38,"nick":"al2","score":1024,"role":"guest","profile":{"city":"Rio","zip":"789","street":"Rua A, 5"},"pin":"p2"}
	 {"id":"bare2","fullName":"Bob","email":"bob2@x.io","role":"owner","profile":{"city":"Ulm"}}`,
		`{"id":"full3","country":"BR","fullName":"Ada","plan":"pro","email":"ada3@x.io","age":"39.5","nick":"al3","score":0.25,"role":"owner","profile":{"city":"Rio","zip":"1","street":"Rua A"},"pin":"p3"}
	 {"id":"bare3","fullName":"Bob","email":"bob3@x.io","role":"member","profile":{"city":"Ulm"}}`,
		`{"id":"full4","country":"BR","fullName":"Ada","plan":"pro","email":"ada4@x.io","age":"old","nick":"al4","score":0.5,"role":"owner","profile":{"city":"Rio","zip":2,"lines":["a","b"],"kind":"work"},"pin":"p4"}
	 {"id":"bare4","fullName":"Bob","email":"bob4@x.io","role":"member","profile":{"city":"Ulm","lines":[],"kind":"home"}}`,
		`{"id":"full5","country":"BR","fullName":"Ada","tier":"pro","email":"ada5@x.io","age":"old","nick":"al5","score":0.5,"role":"owner","profile":{"city":"Rio","zip":2,"lines":["a","b"],"kind":"work"},"pin":{"code":"p5"},"tags":["x"],"points":3}
	 {"id":"bare5","fullName":"Bob","email":"bob5@x.io","role":"member","profile":{"city":"Ulm","lines":[],"kind":"home"},"tags":[]}`,
	}
}

// documents are those of a version, with another word in their ids and unique values.
func documents(version int, word string) []string {
	replace := strings.NewReplacer(`"full`, `"full`+word, `"bare`, `"bare`+word, `"ada`, `"ada`+word, `"bob`, `"bob`+word, `"al`, `"al`+word)
	return strings.Split(replace.Replace(inserted()[version]), "\n")
}

// copies are what one process replicates to: a target that was there from the beginning,
// and one that was added with each version.
type copies struct {
	t      *testing.T
	server *memstore.Server
	open   func(t *testing.T) targettest.Place
	places []targettest.Place
	all    []*replicator.Replicator
}

// add adds a target. It begins with a snapshot.
func (c *copies) add() {
	c.t.Helper()
	place := c.open(c.t)
	name := fmt.Sprint("copy", len(c.places))
	r := replicator.New(replicator.Options{OnDemand: true, Instance: name, Targets: []replicator.TargetOptions{
		{Name: name, Target: place.Open(c.t), Routes: map[string][]replicator.Route{Resource: {{}}}},
	}})
	db, err := dynamic.New(c.t.Context(), c.server.Client(), dynamic.Config{}, s3db.WithPlugin(r))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = db.Close() })
	c.places, c.all = append(c.places, place), append(c.all, r)
}

// compare takes the changes to all targets and compares what they have with the
// documents that a program reads: their ids, or all of them.
func (c *copies) compare(when string, p program, whole bool) {
	c.t.Helper()
	ctx := c.t.Context()
	docs, err := p.all(ctx)
	if err != nil {
		c.t.Fatal(when, err)
	}
	for i, r := range c.all {
		name := fmt.Sprint("copy", i)
		if err := r.Sync(ctx); err != nil {
			c.t.Fatalf("%s: %s: %v", when, name, err)
		}
		for d, err := range r.DeadLetters(ctx, name) {
			if err != nil {
				c.t.Fatal(when, err)
			}
			c.t.Errorf("%s: %s: a letter of %s %s by version %d: %s", when, name, d.Change.Action, d.Change.ID, d.Change.Version, d.Reason)
		}
		got := c.places[i].Documents(c.t, Resource)
		if diff := cmp.Diff(slices.Sorted(maps.Keys(docs)), slices.Sorted(maps.Keys(got))); diff != "" {
			c.t.Errorf("%s: %s: ids (-documents +rows):\n%s", when, name, diff)
		}
		for id := range docs {
			if diff := cmp.Diff(members(c.t, docs[id]), members(c.t, got[id])); whole && diff != "" {
				c.t.Errorf("%s: %s: %s (-document +row):\n%s", when, name, id, diff)
			}
		}
		report, err := r.Reconcile(ctx, name, replicator.ReconcileOptions{})
		if err == nil && !report.Clean() {
			err = fmt.Errorf("reconcile: %+v", report)
		}
		if err != nil && !strings.Contains(err.Error(), "does not tell what it has") {
			c.t.Errorf("%s: %s: %v", when, name, err)
		}
	}
}

// Run lets each program write beside the one before it, which is opened anew when the
// newer one is there. Targets are there from the beginning or join with a version, and
// get a snapshot. After each version their ids are those of the documents, and at the end,
// when all are migrated, every attribute is. open makes an empty place; a member of what
// it shows is none when its name begins with an underscore, or when it is null.
func Run(t *testing.T, open func(t *testing.T) targettest.Place) {
	t.Helper()
	ctx := t.Context()
	server := memstore.NewServer(memstore.Options{})
	begin := func(version int) program {
		writer := replicator.New(replicator.Options{Resources: []string{Resource}, WriteOnly: true})
		p, err := programs()[version](ctx, server.Client(), s3db.WithKey("test", canary.Key(1)), s3db.WithPlugin(writer))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	do := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	before := begin(0)
	for _, d := range documents(0, "") {
		do(d, before.insert(ctx, d))
	}
	c := &copies{t: t, server: server, open: open}
	c.add()
	c.compare("version 0", before, true)
	for version := 1; version < len(programs()); version++ {
		now := begin(version)
		older := fmt.Sprint(version - 1)
		for _, d := range documents(version, "") {
			do(d, now.insert(ctx, d))
		}
		do("the new program updates", now.update(ctx, "bare"+older, fmt.Sprintf(`{"nick":"new%d"}`, version)))
		again := fmt.Sprint("fullAgain", version)
		do(again, now.insert(ctx, documents(version, "Again")[0]))
		if version == 3 { // a snapshot meets documents of a version that the process has not seen
			do("reset", c.all[0].Reset(ctx, "copy0"))
		}
		if version%2 == 0 {
			c.compare(fmt.Sprintf("version %d begins", version), now, false)
		}
		c.add()
		// The old program may not change what the new one stores in another way, but it
		// may make it anew.
		do("the new program deletes", now.remove(ctx, again))
		do("the old program inserts anew", before.insert(ctx, strings.Replace(documents(version-1, "Again")[0], "fullAgain"+older, again, 1)))
		for _, p := range []struct {
			word string
			program
		}{{"Late", before}, {"Restarted", begin(version - 1)}} {
			for _, d := range documents(version-1, p.word) {
				do("the old program inserts "+d, p.insert(ctx, d))
			}
			do("the old program updates", p.update(ctx, "full"+p.word+older, fmt.Sprintf(`{"nick":"old%s%d"}`, p.word, version)))
			do("the new program deletes", now.remove(ctx, "bare"+p.word+older))
		}
		c.compare(fmt.Sprintf("version %d", version), now, false)
		before = now
	}
	do("migrate", before.migrate(ctx))
	c.compare("migrated", before, true)
}

// members are those of a document or of a row that a comparison looks at. Numbers are
// equal by their value, also where one place has them as texts.
func members(t *testing.T, document json.RawMessage) map[string]any {
	t.Helper()
	if document == nil {
		return nil
	}
	r := json.NewDecoder(strings.NewReader(string(document)))
	r.UseNumber()
	var m map[string]any
	if err := r.Decode(&m); err != nil {
		t.Fatalf("%s: %v", document, err)
	}
	for name, v := range m {
		if strings.HasPrefix(name, "_") || v == nil || name == "createdAt" || name == "updatedAt" || name == "pin" {
			delete(m, name)
			continue
		}
		m[name] = plain(v)
	}
	return m
}

func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		return decimal.RequireFromString(string(v)).String()
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = plain(v[name])
		}
	}
	return v
}
