package migrate_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/s3dbgen/s3dbgen/internal/canary"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/s3dbjs"
	"github.com/s3dbgen/s3dbgen/s3dbjs/convert"
	"github.com/s3dbgen/s3dbgen/s3dbjs/migrate"
	"github.com/s3dbgen/s3dbgen/schema"
)

// fixture is a database that s3db.js wrote.
type fixture struct {
	Passphrase string
	Objects    []struct {
		Key      string
		Metadata map[string]string
		Body     []byte
	}
}

// source returns a database of the fixtures in a store.
func source(t *testing.T, name string) (*s3dbjs.Database, *memstore.Server) {
	t.Helper()
	text, err := os.ReadFile("../testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var f fixture
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	server := memstore.NewServer(memstore.Options{})
	for _, o := range f.Objects {
		for k, v := range o.Metadata {
			latin1 := make([]byte, 0, len(v))
			for _, r := range v {
				latin1 = append(latin1, byte(r))
			}
			o.Metadata[k] = string(latin1)
		}
		server.Plant(o.Key, o.Body, o.Metadata)
	}
	return openSource(t, server, f.Passphrase), server
}

func openSource(t *testing.T, server *memstore.Server, passphrase string) *s3dbjs.Database {
	t.Helper()
	reader, err := s3db.NewReader(server.Client())
	if err != nil {
		t.Fatal(err)
	}
	db, err := s3dbjs.Open(t.Context(), reader, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// small returns a source with one resource, r, of the given attributes and
// documents, which are headers.
func small(t *testing.T, attributes string, documents map[string]map[string]string) *s3dbjs.Database {
	t.Helper()
	server := memstore.NewServer(memstore.Options{})
	server.Plant("s3db.json", []byte(`{"resources":{"r":{"currentVersion":"v1","versions":{"v1":{"attributes":{`+attributes+`}}},"schemaRegistry":{"mapping":{}}}}}`), nil)
	for id, headers := range documents {
		headers["_v"] = "v1"
		server.Plant("resource=r/data/id="+id, nil, headers)
	}
	return openSource(t, server, "")
}

// parse reads the last of some states of a schema, with the lock file that the
// others have left.
func parse(t *testing.T, texts ...string) *schema.Schema {
	t.Helper()
	var locked []byte
	var s *schema.Schema
	for _, text := range texts {
		var found schema.Diagnostics
		if s, found = schema.Parse("schema.yaml", []byte(text)); found.Err() != nil {
			t.Fatal(found.Err())
		}
		lock, found := schema.ReadLock("schema.lock.yaml", locked)
		if err := append(found, s.Assign(lock)...).Err(); err != nil {
			t.Fatal(err)
		}
		locked = lock.Bytes()
	}
	return s
}

func key() s3db.Option { return s3db.WithKey("k", canary.Key(7)) }

// TestMigrate copies whole databases of both generations. Every document reads
// back as it was decoded, with its timestamps and content; the copy is sound; a
// second run changes nothing.
func TestMigrate(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"seed", "v21"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, _ := source(t, name)
			s := parse(t, convert.Schema(from.Definition, "shop"))
			server := memstore.NewServer(memstore.Options{})
			target := migrate.Target{Store: server.Client(), Options: []s3db.Option{key()}}

			planned, err := migrate.Run(t.Context(), from, migrate.Target{}, s, true)
			if err != nil {
				t.Fatal(err)
			}
			report, err := migrate.Run(t.Context(), from, target, s, false)
			if err != nil {
				t.Fatal(err)
			}
			checkReport(t, from, report)
			for i, r := range report.Resources {
				p := *planned.Resources[i]
				p.Contents = r.Contents // a dry run stores none
				if diff := cmp.Diff(*r, p); diff != "" {
					t.Errorf("the dry run planned otherwise (-run +plan):\n%s", diff)
				}
			}
			checkCopy(t, from, s, server)

			before := server.Clone()
			again, err := migrate.Run(t.Context(), from, target, s, false)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range again.Resources {
				if r.Copied != 0 || r.Contents != 0 || r.Unchanged+r.Failed != r.Documents {
					t.Errorf("the second run: %+v", *r)
				}
			}
			checkSameObjects(t, before, server)
		})
	}
}

// checkReport compares the report with what there is.
func checkReport(t *testing.T, from *s3dbjs.Database, report *migrate.Report) {
	t.Helper()
	documents := 0
	for _, r := range report.Resources {
		documents += r.Documents
		if r.Copied != r.Documents || r.Failed != 0 {
			t.Errorf("%+v", *r)
		}
		if want := from.Definition.Resource(r.Name).Name; r.Target != want {
			t.Errorf("%s went to %s", r.Name, r.Target)
		}
	}
	if documents < 90 || report.Entries < 50 || report.Left.References == 0 {
		t.Errorf("%d documents, %d entries, left %+v", documents, report.Entries, report.Left)
	}
	for _, p := range report.Problems {
		switch p.Kind {
		case s3dbjs.Unencrypted, s3dbjs.Truncated:
		case migrate.Unmapped: // an attribute that was removed
			if p.Resource != "products" || p.Field != "price" {
				t.Error(p)
			}
		case migrate.Cut:
			if p.Resource != "docs-truncate-data" {
				t.Error(p)
			}
		default:
			t.Error(p)
		}
	}
}

// checkCopy reads every document of the target and compares it with the source.
func checkCopy(t *testing.T, from *s3dbjs.Database, s *schema.Schema, server *memstore.Server) {
	t.Helper()
	ctx := t.Context()
	db, err := dynamic.New(ctx, server.Client(), dynamic.Config{Reveal: true}, key())
	if err != nil {
		t.Fatal(err)
	}
	contents := 0
	for _, r := range from.Definition.Resources {
		to, err := db.Resource(r.Name)
		if err != nil {
			t.Fatal(err)
		}
		for id, err := range from.IDs(ctx, r) {
			if err != nil {
				t.Fatal(err)
			}
			want, err := from.Get(ctx, r, id)
			if err != nil {
				t.Fatal(err)
			}
			got, err := to.Get(ctx, id)
			if err != nil {
				t.Error(err)
				continue
			}
			if diff := cmp.Diff(expected(t, want), stored(t, got)); diff != "" && !(r.Name == "docs-truncate-data" && id == "big") {
				t.Errorf("%s/%s (-want +got):\n%s", r.Name, id, diff)
			}
			if want.Version.Timestamps && (!got.CreatedAt.Equal(want.Created) || !got.UpdatedAt.Equal(want.Updated) || got.CreatedAt.IsZero()) {
				t.Errorf("%s/%s: times %v %v, want %v %v", r.Name, id, got.CreatedAt, got.UpdatedAt, want.Created, want.Updated)
			}
			if want.Content == nil {
				continue
			}
			contents++
			c, err := to.Content(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(c)
			if err := errors.Join(err, c.Close()); err != nil || !bytes.Equal(body, want.Content.Body) || c.Type != want.Content.Type {
				t.Errorf("%s/%s: content %q %q, %v", r.Name, id, c.Type, body, err)
			}
		}
	}
	if contents != 1 {
		t.Errorf("%d contents", contents)
	}
	report, err := db.Fsck(ctx, s3db.FsckOptions{Exclusive: true})
	if err != nil || len(report.Findings) > 0 {
		t.Errorf("fsck: %v, %+v", err, report)
	}
	if len(s.Resources) != len(from.Definition.Resources) {
		t.Errorf("%d resources in the schema", len(s.Resources))
	}
}

// stored is a document of the target as plain JSON.
func stored(t *testing.T, d *dynamic.Document) map[string]any {
	t.Helper()
	text, err := d.RevealedJSON()
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"id", "createdAt", "updatedAt"} {
		delete(m, name)
	}
	return m
}

// expected is a document of the source in the JSON of the target: what the
// documentation says of types and names.
func expected(t *testing.T, rec *s3dbjs.Record) map[string]any {
	t.Helper()
	m := map[string]any{}
	for name, v := range rec.Values {
		switch {
		case name == "meta":
			name = "metaValue"
		case name == "price" && rec.Version.Attributes[0].Name == "sku":
			continue // removed by a later version
		}
		if v == nil && name != "metaValue" {
			continue
		}
		m[name] = plain(t, v)
	}
	return m
}

func plain(t *testing.T, v any) any {
	t.Helper()
	switch v := v.(type) {
	case decimal.Decimal:
		return v.StringFixed(-v.Exponent())
	case time.Duration:
		return float64(v)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func checkSameObjects(t *testing.T, before, after *memstore.Server) {
	t.Helper()
	if diff := cmp.Diff(before.Keys(), after.Keys()); diff != "" {
		t.Errorf("the second run changed keys:\n%s", diff)
	}
	a, b := before.Client(), after.Client()
	for _, k := range before.Keys() {
		x, xerr := a.Get(t.Context(), k)
		y, yerr := b.Get(t.Context(), k)
		if xerr != nil || yerr != nil || !bytes.Equal(x.Body, y.Body) || !maps.Equal(x.Metadata, y.Metadata) {
			t.Errorf("the second run changed %s (%v, %v)", k, xerr, yerr)
		}
	}
}

// TestMigrateResumes ends runs at every request, each in its turn; a last run
// completes the copy, and it is the same as if nothing had happened.
func TestMigrateResumes(t *testing.T) {
	t.Parallel()
	documents := map[string]map[string]string{}
	for i := range 5 {
		documents[fmt.Sprint("d", i)] = map[string]string{"0": fmt.Sprint("name", i), "1": "x"}
	}
	documents["d3"]["_hascontent"], documents["d3"]["_contentlength"], documents["d3"]["id"] = "true", "4", "d3"
	server := memstore.NewServer(memstore.Options{})
	server.Plant("s3db.json", []byte(`{"resources":{"r":{"currentVersion":"v1","versions":{"v1":{"attributes":{"name":"string|unique","group":"string"},"partitions":{"byGroup":{"fields":{"group":"string"}}}}},"schemaRegistry":{"mapping":{}}}}}`), nil)
	for id, headers := range documents {
		headers["_v"] = "v1"
		var body []byte
		if id == "d3" {
			body = []byte("\x00abc")
		}
		server.Plant("resource=r/data/id="+id, body, headers)
	}
	from := openSource(t, server, "")
	s := parse(t, convert.Schema(from.Definition, "shop"))
	for n := 1; ; n++ {
		target := memstore.NewServer(memstore.Options{})
		client := target.Client()
		left := n
		client.SetFault(func(r memstore.Request) memstore.Injection {
			if r.Kind.Writes() {
				left--
			}
			if left == 0 {
				return memstore.Injection{Fault: memstore.Crash, Applied: n%2 == 0}
			}
			return memstore.Injection{}
		})
		_, err := migrate.Run(t.Context(), from, migrate.Target{Store: client}, s, false)
		finished := err == nil
		report, err := migrate.Run(t.Context(), from, migrate.Target{Store: target.Client()}, s, false)
		if err != nil {
			t.Fatal(err)
		}
		if r := report.Resources[0]; r.Copied+r.Unchanged != 5 || !report.Complete() {
			t.Errorf("crash at write %d: %+v, %v", n, *r, report.Problems)
		}
		db, err := dynamic.New(t.Context(), target.Client(), dynamic.Config{})
		if err != nil {
			t.Fatal(err)
		}
		check, err := db.Fsck(t.Context(), s3db.FsckOptions{Exclusive: true, Repair: true})
		if err != nil || check.Documents != 5 || check.Entries-removed(check) != 5 {
			t.Errorf("crash at write %d: fsck %+v, %v", n, check, err)
		}
		for _, f := range check.Findings {
			if f.Kind == s3db.MissingEntry || f.Kind == s3db.MissingClaim || f.Kind == s3db.CorruptObject {
				t.Errorf("crash at write %d: %+v", n, f)
			}
		}
		to, err := db.Resource("r")
		if err != nil {
			t.Fatal(err)
		}
		if d, err := to.Get(t.Context(), "d3"); err != nil || d.Meta.Content == nil || d.Meta.Content.Size != 4 {
			t.Errorf("crash at write %d: the content is missing: %v", n, err)
		}
		if finished {
			if n < 15 {
				t.Errorf("the copy took only %d writes", n)
			}
			return
		}
	}
}

func removed(r *s3db.FsckReport) int {
	n := 0
	for _, f := range r.Findings {
		if f.Kind == s3db.DanglingEntry {
			n++
		}
	}
	return n
}

// TestMigrateReports: nothing is dropped silently.
func TestMigrateReports(t *testing.T) {
	t.Parallel()
	const all = `"name":"string","age":"number|optional"`
	for _, test := range []struct {
		name       string
		attributes string
		schema     string // "" for the imported one
		documents  map[string]map[string]string
		want       []string
		copied     int
	}{
		{"an attribute that the schema lacks", all, "{name: string}", docs("a", "0", "x", "a", "1", "7"), []string{"unmapped r/a: age: the schema has no such attribute"}, 1},
		{"a renamed attribute", all, "{title: string|was:name, age: number|optional}", docs("a", "0", "x", "a", "1", "7"), nil, 1},
		{"another type", all, "{name: string, age: string|optional}", docs("a", "0", "x", "a", "1", "7"), []string{"mismatch r/a: age: must be a text: the document was copied without age"}, 1},
		{"another type of a required attribute", all, "{name: integer}", docs("a", "0", "x"), []string{"mismatch r/a: name: must be an integer of 64 bits: the document was not copied"}, 0},
		{"a number that became an integer", all, "{name: string, age: integer|optional}", docs("a", "0", "x", "a", "1", "7"), nil, 1},
		{"no value", all, "", docs("a", "1", "7"), []string{"missing r/a: name: must be set: the document was not copied"}, 0},
		{"undecodable", all, "", docs("a", "0", "x", "a", "1", "%"), []string{"undecodable r/a: age: not a number in base 62"}, 1},
		{"undecodable and required", all, "{name: string, age: number}", docs("a", "0", "x", "a", "1", "%"), []string{
			"undecodable r/a: age: not a number in base 62", "missing r/a: age: must be set: the document was not copied",
		}, 0},
		{"no resource", all, "-", docs("a", "0", "x"), []string{`unmapped r: the schema has no resource "r": its documents were not copied`}, 0},
		{"an encrypted value", `"name":"string","s":"secret|optional"`, "", docs("a", "0", "x", "a", "1", "K+e1u8n7Syx/+X1sC1XHBln8zB+4gsbCW4vz+IEgiizurSTA1cl7JEoYBf4zTNk99hsb5tOt"), []string{
			"encrypted r/a: s: encrypted, and no passphrase was given",
		}, 1},
		{"a clash", `"name":"string|unique"`, "", docs("a", "0", "x", "b", "0", "y", "c", "0", "x"), []string{`clash r/c: name: document "a" has the same value: the document was not copied`}, 2},
		{"too large", `"name":"string"`, "behavior: enforce-limits", docs("a", "0", strings.Repeat("x", 2040)), []string{"refused"}, 0},
		{"an id that the schema forbids", `"name":"string"`, "{name: string}", docs("a b", "0", "x"), []string{"refused"}, 0},
		{"an undeclared header", `"name":"string"`, "", docs("a", "0", "x", "a", "other", "y"), []string{"undeclared r/a: other: a header that the definition does not name"}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			from := small(t, test.attributes, test.documents)
			imported := convert.Schema(from.Definition, "shop")
			text := imported
			switch {
			case test.schema == "-":
				text = "package: shop\nresources: {others: {attributes: {a: string}}}\n"
			case strings.HasPrefix(test.schema, "{"):
				text = "package: shop\nresources: {r: {attributes: " + test.schema + "}}\n"
			case test.schema != "":
				text = strings.Replace(text, "behavior: user-managed", test.schema, 1)
			}
			states := []string{text}
			if strings.Contains(text, "was:") {
				states = []string{imported, text}
			}
			s := parse(t, states...)
			server := memstore.NewServer(memstore.Options{})
			for _, dry := range []bool{true, false} {
				report, err := migrate.Run(t.Context(), from, migrate.Target{Store: server.Client(), Options: []s3db.Option{key()}}, s, dry)
				if err != nil {
					t.Fatal(err)
				}
				if dry && (test.name == "too large" || server.Len() > 0) {
					if server.Len() > 0 {
						t.Errorf("the dry run wrote %d objects", server.Len())
					}
					continue // only the write itself knows the size
				}
				var got []string
				for _, p := range report.Problems {
					got = append(got, p.String())
				}
				if len(test.want) == 1 && test.want[0] == "refused" && len(got) == 1 && report.Problems[0].Kind == migrate.Refused {
					got = test.want
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("dry run %t (-want +got):\n%s", dry, diff)
				}
				if r := report.Resources[0]; r.Copied != test.copied || r.Copied+r.Failed != r.Documents || report.Complete() != (len(test.want) == 0) {
					t.Errorf("dry run %t: %+v, complete %t", dry, *r, report.Complete())
				}
			}
		})
	}
}

// docs makes documents of triples: id, header, value.
func docs(triples ...string) map[string]map[string]string {
	m := map[string]map[string]string{}
	for t := range slices.Chunk(triples, 3) {
		if m[t[0]] == nil {
			m[t[0]] = map[string]string{}
		}
		m[t[0]][t[1]] = t[2]
	}
	return m
}

// TestMigrateLeavesOthersAlone: a document of the target that is another one stays,
// and so does a database of another shape.
func TestMigrateLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	from := small(t, `"name":"string"`, docs("a", "0", "x"))
	s := parse(t, convert.Schema(from.Definition, "shop"))
	target := migrate.Target{Store: memstore.New()}
	if _, err := migrate.Run(ctx, from, target, s, false); err != nil {
		t.Fatal(err)
	}
	db, err := dynamic.New(ctx, target.Store, dynamic.Config{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := db.Resource("r")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Update(ctx, "a", dynamic.Patch{"name": "newer"}); err != nil {
		t.Fatal(err)
	}
	report, err := migrate.Run(ctx, from, target, s, false)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Problems) != 1 || report.Problems[0].Kind != migrate.Different || report.Complete() {
		t.Errorf("problems: %v", report.Problems)
	}
	if d, err := r.Get(ctx, "a"); err != nil || d.Values["name"] != "newer" {
		t.Errorf("the document of the target: %v, %v", d, err)
	}

	_, err = migrate.Run(ctx, from, target, parse(t, "package: shop\nresources: {r: {attributes: {name: text, more: string|optional}}}\n"), false)
	if !errors.Is(err, s3db.ErrConfig) || !strings.Contains(err.Error(), "another shape") {
		t.Errorf("another shape: %v", err)
	}
	if slices.ContainsFunc(db.Describe().Resources, func(d s3db.DescribedResource) bool { return len(d.Versions) != 1 }) {
		t.Error("the database got another version")
	}
}
