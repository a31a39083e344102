package goldentest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/canary"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/testdata/versions/v0/v0"
	"github.com/s3dbgen/s3dbgen/testdata/versions/v1/v1"
	"github.com/s3dbgen/s3dbgen/testdata/versions/v2/v2"
	"github.com/s3dbgen/s3dbgen/testdata/versions/v3/v3"
	"github.com/s3dbgen/s3dbgen/testdata/versions/v4/v4"
	"github.com/s3dbgen/s3dbgen/testdata/versions/v5/v5"
)

// chain opens the packages of testdata/versions, the oldest first.
var chain = []opener{open(v0.New), open(v1.New), open(v2.New), open(v3.New), open(v4.New), open(v5.New)}

const newest = 5

// openVersion opens a database with the client of a version, and returns its
// collection of users.
func openVersion(t *testing.T, server *memstore.Server, version int, options ...s3db.Option) collection {
	t.Helper()
	db, err := chain[version](t.Context(), server.Client(), append(options, s3db.WithKey("test", canary.Key(1)))...)
	if err != nil {
		t.Fatal(err)
	}
	return collection{T: t, value: reflectCollection(t, reflect.ValueOf(db).Elem(), "users")}
}

// document is what JSON shows of a user, without times.
type document = map[string]any

// written are the documents that the client of each version inserts, by version
// and id: one with all attributes and one with as few as possible.
var written = []map[string]document{
	{
		"full0": {"name": "Ada", "email": "ada0@x.io", "age": 36, "nick": "al0", "score": 7, "role": "admin", "legacy": "l",
			"profile": document{"city": "Rio", "zip": "123"}, "pin": "p0"},
		"bare0": {"name": "Bob", "email": "bob0@x.io", "age": 1, "role": "member", "legacy": "", "profile": document{"city": "Ulm"}},
	},
	{
		"full1": {"country": "BR", "name": "Ada", "plan": "pro", "email": "ada1@x.io", "age": 37, "nick": "al1", "score": -3, "role": "admin",
			"profile": document{"city": "Rio", "zip": "456"}, "pin": "p1"},
		"bare1": {"name": "Bob", "email": "bob1@x.io", "age": 2, "role": "member", "profile": document{"city": "Ulm"}},
	},
	{
		"full2": {"country": "BR", "fullName": "Ada", "plan": "pro", "email": "ada2@x.io", "age": 38, "nick": "al2", "score": 1 << 53, "role": "guest",
			"profile": document{"city": "Rio", "zip": "789", "street": "Rua A, 5"}, "pin": "p2"},
		"bare2": {"fullName": "Bob", "email": "bob2@x.io", "role": "owner", "profile": document{"city": "Ulm"}},
	},
	{
		"full3": {"country": "BR", "fullName": "Ada", "plan": "pro", "email": "ada3@x.io", "age": "39.5", "nick": "al3", "score": 0.25, "role": "owner",
			"profile": document{"city": "Rio", "zip": "1", "street": "Rua A"}, "pin": "p3"},
		"bare3": {"fullName": "Bob", "email": "bob3@x.io", "role": "member", "profile": document{"city": "Ulm"}},
	},
	{
		"full4": {"country": "BR", "fullName": "Ada", "plan": "pro", "email": "ada4@x.io", "age": "old", "nick": "al4", "score": 0.5, "role": "owner",
			"profile": document{"city": "Rio", "zip": 2, "lines": []any{"a", "b"}, "kind": "work"}, "pin": "p4"},
		"bare4": {"fullName": "Bob", "email": "bob4@x.io", "role": "member", "profile": document{"city": "Ulm", "lines": []any{}, "kind": "home"}},
	},
	{
		"full5": {"country": "BR", "fullName": "Ada", "tier": "pro", "email": "ada5@x.io", "age": "old", "nick": "al5", "score": 0.5, "role": "owner",
			"profile": document{"city": "Rio", "zip": 2, "lines": []any{"a", "b"}, "kind": "work"}, "pin": document{"code": "p5"}, "tags": []any{"x"}, "points": 3},
		"bare5": {"fullName": "Bob", "email": "bob5@x.io", "role": "member", "profile": document{"city": "Ulm", "lines": []any{}, "kind": "home"}, "tags": []any{}},
	},
}

// later says what a document of one version is in the next, by what the schemas
// and the functions in migrations.go say.
var later = []func(document){
	1: func(d document) {
		delete(d, "legacy")
		d["plan"] = "free"
	},
	2: func(d document) {
		d["fullName"] = d["name"]
		delete(d, "name")
		if d["role"] == "admin" {
			d["role"] = "owner"
		}
	},
	3: func(d document) {
		if age, ok := d["age"]; ok {
			d["age"] = fmt.Sprint(age)
		}
		if _, ok := d["score"]; !ok {
			d["score"] = 0
		}
	},
	4: func(d document) {
		if age, ok := d["age"]; ok {
			d["age"] = fmt.Sprint(age, " years")
		}
		old := d["profile"].(document)
		profile := document{"city": old["city"], "lines": []any{}, "kind": "home"}
		if zip, ok := old["zip"].(string); ok {
			profile["zip"] = json.Number(zip)
		}
		if street, ok := old["street"].(string); ok {
			lines := []any{}
			for line := range strings.SplitSeq(street, ", ") {
				lines = append(lines, line)
			}
			profile["lines"] = lines
		}
		if d["role"] == "owner" {
			profile["kind"] = "work"
		}
		d["profile"] = profile
	},
	5: func(d document) {
		d["tier"] = d["plan"]
		delete(d, "plan")
		profile := d["profile"].(document)
		d["tags"] = []any{d["tier"], profile["kind"]}
		d["points"] = 10
	},
}

// fillDefaults adds what an insert adds.
func fillDefaults(version int, d document) {
	set := func(name string, value any) {
		if _, ok := d[name]; !ok {
			d[name] = value
		}
	}
	switch {
	case version >= 5:
		set("tier", "basic")
		set("points", 10)
	case version >= 1:
		set("plan", "free")
	}
	if version >= 3 {
		set("score", 0)
	}
}

// expected is what the client of a version shows of a document that another one
// wrote.
func expected(t *testing.T, id string, from, version int) document {
	t.Helper()
	d := maps.Clone(written[from][id])
	fillDefaults(from, d)
	for v := from + 1; v <= version; v++ {
		later[v](d)
		if version >= 5 && v == 1 {
			d["plan"] = "basic" // the default of the reader counts
		}
	}
	if _, ok := d["pin"]; ok {
		d["pin"] = "[redacted]"
	}
	d["id"] = id
	return normal(t, d)
}

// normal brings a document into the form that its JSON has.
func normal(t *testing.T, v any) document {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var d document
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	if err := decoder.Decode(&d); err != nil {
		t.Fatal(err)
	}
	delete(d, "createdAt")
	delete(d, "updatedAt")
	return d
}

// insertAll inserts the documents of a version with its client.
func (c collection) insertAll(version int) {
	c.Helper()
	for _, id := range slices.Sorted(maps.Keys(written[version])) {
		in := maps.Clone(written[version][id])
		in["id"] = id
		c.call("Insert", c.input("Insert", 1, in))
	}
}

// meta returns what the runtime says of a document.
func meta(d reflect.Value) s3db.Meta {
	m, _ := reflect.TypeAssert[s3db.Meta](d.Elem().FieldByName("Meta"))
	return m
}

// show reads a document and returns it as JSON shows it.
func (c collection) show(id string) (document, s3db.Meta) {
	c.Helper()
	d := c.call("Get", c.id(id))
	return normal(c.T, d.Interface()), meta(d)
}

func (c collection) id(id string) reflect.Value {
	return reflect.ValueOf(id).Convert(c.value.MethodByName("Get").Type().In(1))
}

// check compares all documents of versions up to one with what they should be.
func (c collection) check(version, upTo int) {
	c.Helper()
	for from := range upTo + 1 {
		for id := range written[from] {
			got, m := c.show(id)
			if diff := cmp.Diff(expected(c.T, id, from, version), got); diff != "" {
				c.Errorf("%s read under version %d (-want +got):\n%s", id, version, diff)
			}
			if m.Version != version {
				c.Errorf("%s read under version %d has version %d", id, version, m.Version)
			}
		}
	}
}

// TestVersions writes documents under each of six versions of a schema, reads all
// of them under each later one, migrates them, and compares every attribute.
func TestVersions(t *testing.T) {
	server := memstore.NewServer(memstore.Options{})
	var updated []string
	listen := s3db.WithSubscriber(func(_ context.Context, e s3db.DatabaseEvent) {
		if e.Kind == s3db.EventVersionUpdated {
			updated = append(updated, fmt.Sprint(e.Resource, " ", e.OldVersion, " ", e.NewVersion))
		}
	})
	for version := range chain {
		c := openVersion(t, server, version, listen)
		c.insertAll(version)
		c.check(version, version)
		again := openVersion(t, server, version, listen) // the same shape makes no version
		again.check(version, version)
	}
	var want []string
	for v := range newest {
		want = append(want, fmt.Sprint("users ", v, " ", v+1))
	}
	if diff := cmp.Diff(want, updated); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}

	c := openVersion(t, server, newest)
	if _, m := c.show("full0"); m.StoredVersion != 0 {
		t.Errorf("a document of the first version is stored under %d", m.StoredVersion)
	}
	if diff := cmp.Diff([]string{"bare0", "full0"}, c.ids("ByVersion", 0)); diff != "" {
		t.Errorf("documents of the first version (-want +got):\n%s", diff)
	}
	report := c.migrate(s3db.MigrateOptions{Exclusive: true})
	wantReport := s3db.MigrateReport{Resource: "users", Version: newest, Documents: 12, Migrated: 10, Complete: true}
	if diff := cmp.Diff(wantReport, report); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	c = openVersion(t, server, newest)
	c.check(newest, newest)
	for from := range written {
		for id := range written[from] {
			if _, m := c.show(id); m.StoredVersion != newest {
				t.Errorf("%s is stored under version %d", id, m.StoredVersion)
			}
		}
	}
	if list := c.ids("ByVersion", 0); len(list) > 0 {
		t.Errorf("documents of the first version: %v", list)
	}
	full := []string{"full0", "full1", "full2", "full3", "full4", "full5"}
	if diff := cmp.Diff(full, c.ids("ByCity", "Rio")); diff != "" {
		t.Errorf("documents in Rio (-want +got):\n%s", diff)
	}
	secret, err := v5.New(t.Context(), server.Client(), s3db.WithKey("test", canary.Key(1)))
	if err != nil {
		t.Fatal(err)
	}
	ada, err := secret.Users.Get(t.Context(), "full0")
	if err != nil || ada.PIN.Reveal().Code != "p0" || *ada.PIN.Reveal().Hint != "al0" {
		t.Errorf("the secret did not come through: %v", err)
	}
	checkClean(t, server, secret.Database())
}

// checkClean wants a database without findings.
func checkClean(t *testing.T, _ *memstore.Server, db *s3db.Database) {
	t.Helper()
	repaired, err := db.Fsck(t.Context(), s3db.FsckOptions{Exclusive: true, Repair: true})
	if err != nil || !repaired.Clean() {
		t.Fatalf("fsck: %v, %+v", err, repaired)
	}
	report, err := db.Fsck(t.Context(), s3db.FsckOptions{Exclusive: true})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]s3db.Finding{}, report.Findings); diff != "" {
		t.Errorf("findings after the repair (-want +got):\n%s", diff)
	}
}

// ids lists the documents of a partition, sorted by id.
func (c collection) ids(method string, values ...any) []string {
	c.Helper()
	var args []reflect.Value
	for _, v := range values {
		args = append(args, reflect.ValueOf(v))
	}
	query := c.value.MethodByName(method).Call(args)[0]
	out := query.MethodByName("List").Call([]reflect.Value{reflect.ValueOf(c.Context())})
	if err, _ := reflect.TypeAssert[error](out[1]); err != nil {
		c.Fatal(err)
	}
	var list []string
	for i := range out[0].Len() {
		list = append(list, out[0].Index(i).Elem().FieldByName("ID").String())
	}
	slices.Sort(list)
	return list
}

// migrate migrates the collection and wants no error.
func (c collection) migrate(o s3db.MigrateOptions) s3db.MigrateReport {
	c.Helper()
	m, ok := reflect.TypeAssert[s3db.Migrator](c.value.FieldByName("Collection"))
	if !ok {
		c.Fatal("the collection cannot migrate")
	}
	report, err := m.Migrate(c.Context(), o)
	if err != nil {
		c.Fatal(err)
	}
	return *report
}

// TestOldClient: the client of the first version reads and changes what later
// ones added to, and neither misreads nor changes what they store in another way.
func TestOldClient(t *testing.T) {
	server := memstore.NewServer(memstore.Options{})
	old := openVersion(t, server, 0)
	old.insertAll(0)
	openVersion(t, server, 1).insertAll(1)

	// What version 1 added is kept by a write of version 0, which says that its
	// entries are not to be trusted.
	one := openVersion(t, server, 1)
	one.call("Update", one.id("full0"), one.input("Update", 2, document{"country": "PT", "plan": "pro"}))
	old.call("Update", old.id("full0"), old.input("Update", 2, document{"nick": "changed"}))
	got, m := one.show("full0")
	if got["country"] != "PT" || got["plan"] != "pro" || got["nick"] != "changed" || m.StoredVersion != 0 {
		t.Errorf("after an update by version 0: %v, stored under version %d", got, m.StoredVersion)
	}
	if shown, m := old.show("full0"); shown["legacy"] != "l" || m.Version != 0 {
		t.Errorf("version 0 reads %v of version %d", shown, m.Version)
	}

	// Documents of version 1 lack what it removed.
	_, err := old.try("Get", old.id("full1"))
	if !errors.Is(err, s3db.ErrOutdated) || errors.Is(err, s3db.ErrCorrupt) || !strings.Contains(fmt.Sprint(err), "legacy") {
		t.Errorf("version 0 reads a document of version 1: %v", err)
	}

	// Version 4 stores attributes in another way: the third version reads its own
	// documents, and may not change those.
	three := openVersion(t, server, 3)
	three.insertAll(3)
	four := openVersion(t, server, 4)
	four.call("Update", four.id("bare3"), four.input("Update", 2, document{"country": "PT"}))
	if _, err := three.try("Get", three.id("bare3")); !errors.Is(err, s3db.ErrOutdated) {
		t.Errorf("version 3 reads a document of version 4: %v", err)
	}
	if _, err := three.try("Upsert", three.id("bare3"), three.input("Upsert", 2, written[3]["bare3"])); !errors.Is(err, s3db.ErrOutdated) {
		t.Errorf("version 3 overwrites a document of version 4: %v", err)
	}
	if _, err := three.try("Delete", three.id("bare3")); !errors.Is(err, s3db.ErrOutdated) {
		t.Errorf("version 3 deletes a document of version 4: %v", err)
	}
	full, _ := three.show("full3")
	if diff := cmp.Diff(expected(t, "full3", 3, 3), full); diff != "" {
		t.Errorf("version 3 reads its own document (-want +got):\n%s", diff)
	}

	// After the migration older versions read and do not write.
	four.migrate(s3db.MigrateOptions{Exclusive: true})
	for _, version := range []int{0, 3} {
		late := openVersion(t, server, version)
		if _, err := late.try("Insert", late.input("Insert", 1, maps.Clone(written[version][fmt.Sprint("bare", version)]))); !errors.Is(err, s3db.ErrOutdated) {
			t.Errorf("version %d inserts after the migration: %v", version, err)
		}
	}
}
