package link_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/leaktest"
	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/bigquery/internal/bqdouble"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/bigquery/link"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/command"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/config"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

func TestMain(m *testing.M) { leaktest.Tests{M: m}.Main() }

type kept struct{ s3db.Store }

func (kept) Close() error { return nil }

// users is a resource as a registry describes it.
func users() s3db.DescribedResource {
	return s3db.DescribedResource{
		Name: "users", Settings: `{"behavior":"body-overflow","timestamps":true,"id":{"generator":"nanoid","size":22,"charset":"any"}}`,
		Versions: []s3db.DescribedVersion{{Schema: `{"resource":"users","fields":[{"number":1,"name":"name","type":"string"},{"number":2,"name":"age","type":"integer","optional":true}]}`}},
	}
}

// TestEndToEnd takes a database to BigQuery by the command: what was there before, then
// writes; BigQuery is down meanwhile, and a process ends between.
func TestEndToEnd(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	driver := s3db.Driver{Schemes: []string{"world"}, Open: func(context.Context, s3db.DriverRequest) (s3db.Store, string, error) { return kept{store}, "", nil }}
	settings := dynamic.Config{Drivers: []s3db.Driver{driver}}
	if err := dynamic.Adopt(t.Context(), "world://x", settings, []s3db.DescribedResource{users()}); err != nil {
		t.Fatal(err)
	}
	open := func(options ...s3db.Option) *dynamic.Resource {
		db, err := dynamic.Open(t.Context(), "world://x", settings, options...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		r, err := db.Resource("users")
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	document := func(id, name string) dynamic.Input {
		return dynamic.Input{ID: id, Values: dynamic.Values{"name": name}}
	}
	check := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(open().Insert(t.Context(), document("old", "before")))

	d := bqdouble.New(t)
	d.AddDataset("my-project", "analytics", "EU")
	file := filepath.Join(t.TempDir(), "replicate.yaml")
	text := fmt.Sprintf(`
database: world://x
replicators:
  - driver: bigquery
    retries: 1
    resources: {users: [{table: people}, {actions: [insert], table: signups}]}
    config:
      projectId: my-project
      datasetId: analytics
      location: EU
      logTable: s3db_replicator_log
      endpoint: %s
      attempts: 2
      credentials: {client_email: %s, private_key: %q, token_uri: %s}
`, d.URL, bqdouble.Email, d.PrivateKey(), d.TokenURL())
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(want int, args ...string) {
		t.Helper()
		var out bytes.Buffer
		p := command.Program{Drivers: []config.Driver{link.Driver()}, Stores: []s3db.Driver{driver}}
		if code := command.Run(t.Context(), "replicate", p, append(args, "-c", file), &out, &out); code != want {
			t.Fatalf("%v: exit code %d, want %d\n%s", args, code, want, out.String())
		}
	}
	rows := func(table, column string) string {
		var list []string
		for _, row := range d.Rows("my-project", "analytics", table) {
			list = append(list, fmt.Sprint(row["id"], "=", row[column]))
		}
		slices.Sort(list)
		return strings.Join(list, " ")
	}
	want := func(table, column, want string) {
		t.Helper()
		if got := rows(table, column); got != want {
			t.Errorf("%s: %s, want %s", table, got, want)
		}
	}
	run(0, "test")
	run(0, "--once")
	want("people_current", "name", "old=before")

	r := open(s3db.WithPlugin(replicator.New(replicator.Options{Resources: []string{"users"}, WriteOnly: true})))
	check(r.Insert(t.Context(), document("ada", "Ada")))
	check(r.Update(t.Context(), "ada", dynamic.Patch{"name": "Ada L.", "age": int64(36)}))
	check(r.Insert(t.Context(), document("bob", "Bob")))
	d.Down(true)
	run(1, "test")
	run(1, "--once")
	check(nil, r.Delete(t.Context(), "old"))
	d.Down(false)
	run(0, "--once")
	want("people_current", "name", "ada=Ada L. bob=Bob")
	want("people", "_action", "ada=update bob=insert old=delete")
	want("signups", "name", "ada=Ada bob=Bob old=before")
	want("s3db_replicator_log", "action", "ada=insert ada=update bob=insert old=delete old=insert")
	run(0, "reconcile", "bigquery")
}
