package bigquery_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/canary"
	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/bigquery"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/bigquery/internal/bqdouble"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

func attribute(name, kind string) replicator.Attribute {
	return replicator.Attribute{Name: name, Optional: true, Type: replicator.Type{Kind: kind}}
}

// users is a resource with one route to a table of its name.
func users(attributes ...replicator.Attribute) replicator.Resource {
	return replicator.Resource{Name: "users", Routes: []replicator.Route{{}}, Attributes: attributes}
}

func prepare(t *testing.T, target *bigquery.Target, resources ...replicator.Resource) {
	t.Helper()
	if err := target.Prepare(t.Context(), source(resources...)); err != nil {
		t.Fatal(err)
	}
}

func source(resources ...replicator.Resource) replicator.Source {
	return replicator.Source{Database: "db1", Name: "warehouse", Shards: 1, Resources: resources}
}

func insert(segment uint64, id, members string) replicator.Change {
	c := replicator.Change{
		Seq: replicator.Seq{Segment: segment}, Resource: "users", Action: replicator.Insert, ID: id,
		Revision: s3db.Revision(fmt.Sprint("r", segment)), Time: time.Date(2026, 11, 30, 12, 0, 0, 1234, time.UTC),
	}
	c.After = json.RawMessage(fmt.Sprintf(`{"id":%q%s}`, id, members))
	return c
}

func apply(t *testing.T, target *bigquery.Target, changes ...replicator.Change) {
	t.Helper()
	rejected, err := target.Apply(t.Context(), changes)
	if err != nil || len(rejected) > 0 {
		t.Fatal(rejected, err)
	}
}

// names returns the values of a column, sorted.
func (p *place) names(table, column string) string {
	var list []string
	for _, row := range p.double.Rows(project, datasetID, table) {
		list = append(list, fmt.Sprint(row["id"], "=", row[column]))
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// TestTypes is the type map of README.md.
func TestTypes(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	target := p.open(t)
	defer target.Close()
	list := func(items replicator.Type) replicator.Attribute {
		return replicator.Attribute{Name: "array_" + items.Kind, Type: replicator.Type{Kind: "array", Items: &items}}
	}
	var attributes []replicator.Attribute
	for _, kind := range []string{
		"string", "text", "email", "url", "enum", "uuid", "ip", "ip4", "ip6", "integer", "duration", "number", "decimal", "boolean", "date", "datetime", "bytes", "json", "object", "map", "password",
	} {
		attributes = append(attributes, attribute("a_"+kind, kind))
	}
	attributes = append(attributes, list(replicator.Type{Kind: "string"}), list(replicator.Type{Kind: "decimal"}), list(replicator.Type{Kind: "object"}),
		replicator.Attribute{Name: "a_secret", Type: replicator.Type{Kind: "secret", Items: &replicator.Type{Kind: "string"}}})
	r := users(attributes...)
	r.Timestamps = true
	prepare(t, target, r)
	want := []string{
		"id STRING REQUIRED",
		"a_string STRING NULLABLE", "a_text STRING NULLABLE", "a_email STRING NULLABLE", "a_url STRING NULLABLE", "a_enum STRING NULLABLE", "a_uuid STRING NULLABLE",
		"a_ip STRING NULLABLE", "a_ip4 STRING NULLABLE", "a_ip6 STRING NULLABLE", "a_integer INTEGER NULLABLE", "a_duration INTEGER NULLABLE", "a_number FLOAT NULLABLE",
		"a_decimal BIGNUMERIC NULLABLE", "a_boolean BOOLEAN NULLABLE", "a_date DATE NULLABLE", "a_datetime TIMESTAMP NULLABLE", "a_bytes BYTES NULLABLE",
		"a_json JSON NULLABLE", "a_object JSON NULLABLE", "a_map JSON NULLABLE", "a_password JSON NULLABLE",
		"array_string STRING REPEATED", "array_decimal BIGNUMERIC REPEATED", "array_object JSON NULLABLE", "a_secret STRING NULLABLE",
		"createdAt TIMESTAMP NULLABLE", "updatedAt TIMESTAMP NULLABLE",
		"_action STRING REQUIRED", "_revision STRING NULLABLE", "_time TIMESTAMP NULLABLE", "_seq STRING REQUIRED",
	}
	if diff := cmp.Diff(want, p.double.Columns(project, datasetID, "users")); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	apply(t, target, insert(1, "a", `,"a_string":"é\n","a_integer":9007199254740993,"a_duration":-5,"a_number":1.5e300,"a_decimal":"12345678901234567890.000000000000000001",
		"a_boolean":true,"a_date":"2024-02-29","a_datetime":"2024-01-15T10:20:30.123456789+02:00","a_bytes":"AP8=","a_json":[1,{"x":null}],"a_object":{"b":1,"a":2},
		"array_string":["x","y"],"array_decimal":["0.10"],"array_object":[{}],"a_password":{"phc":"h"},"a_secret":"s","createdAt":"2024-01-01T00:00:00Z"`))
	row := p.double.Rows(project, datasetID, "users")[0]
	for column, v := range map[string]any{
		"a_string": "é\n", "a_integer": int64(9007199254740993), "a_duration": int64(-5), "a_number": 1.5e300, "a_decimal": "12345678901234567890.000000000000000001",
		"a_boolean": true, "a_date": "2024-02-29", "a_datetime": "2024-01-15T08:20:30.123456Z", "a_bytes": []byte{0, 255}, "a_json": `[1,{"x":null}]`, "a_object": `{"a":2,"b":1}`,
		"array_string": []any{"x", "y"}, "array_decimal": []any{"0.1"}, "array_object": `[{}]`, "a_password": `{"phc":"h"}`, "a_secret": "s", "createdAt": "2024-01-01T00:00:00Z",
		"a_email": nil, "_action": "insert", "_revision": "r1", "_time": "2026-11-30T12:00:00.000001Z", "_seq": "0000000000000001-00000000",
	} {
		if diff := cmp.Diff(v, row[column]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", column, diff)
		}
	}
}

// TestValuesThatHaveNoColumn are refused with the reason, and never with the value.
func TestValuesThatHaveNoColumn(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	target := p.open(t)
	defer target.Close()
	tags := replicator.Attribute{Name: "tags", Type: replicator.Type{Kind: "array", Items: &replicator.Type{Kind: "string"}}}
	prepare(t, target, users(attribute("n", "integer"), attribute("d", "decimal"), attribute("at", "datetime"), attribute("day", "date"), attribute("s", "string"), attribute("f", "number"), attribute("b", "bytes"), attribute("deep", "json"), tags))
	value := `"` + canary.Mark + `"`
	for members, reason := range map[string]string{
		`,"n":` + value:            `attribute "n" is not an integer of 64 bits`,
		`,"n":9223372036854775808`: `attribute "n" is not an integer of 64 bits`,
		`,"f":1e999`:               `attribute "f" is not a number of 64 bits`,
		`,"d":` + value:            `attribute "d" is not a decimal`,
		`,"d":"0.` + strings.Repeat("1", 39) + `"`: `attribute "d" has more than 38 digits before or after its point, which BIGNUMERIC cannot hold`,
		`,"at":"10000-01-01T00:00:00Z"`:            `attribute "at" is not an instant of the years 1 to 9999`,
		`,"day":"2023-02-29"`:                      `attribute "day" is not a day from 0001-01-01 to 9999-12-31`,
		`,"s":5`:                                   `attribute "s" is not a text`,
		`,"b":"?"`:                                 `attribute "b" is not base64`,
		`,"tags":["a",null]`:                       `attribute "tags" item 1 is null, which a repeated column cannot hold`,
		`,"tags":"a"`:                              `attribute "tags" is not a list`,
		`,"new":1`:                                 `attribute "new" has no column: the schema does not have it`,
		`,"_seq":"f"`:                              `attribute "_seq" has the name of another column`,
		`,"deep":` + strings.Repeat("[", 501) + value + strings.Repeat("]", 501): `Error while reading data, error message: JSON parsing error in row starting at position 0: Could not convert value to JSON. Field: deep`,
	} {
		rejected, err := target.Apply(t.Context(), []replicator.Change{insert(1, "x", members), insert(2, "y", "")})
		if err != nil || len(rejected) != 1 || rejected[0].Index != 0 || rejected[0].Reason != "table users: "+reason {
			t.Errorf("%.40s: %v, %v, want %s", members, rejected, err, reason)
		}
		if found := canary.Find([]byte(fmt.Sprint(rejected))); found != "" {
			t.Errorf("%.40s: the reason shows the value", members)
		}
	}
	if got := p.names("users", "n"); got != "y=<nil>" {
		t.Errorf("rows: %s", got)
	}
}

// TestPoisonIsFoundByHalving: a row that only BigQuery refuses costs few jobs, and its
// neighbours arrive.
func TestPoisonIsFoundByHalving(t *testing.T) {
	t.Parallel()
	for _, mode := range []bigquery.Mode{bigquery.Merge, bigquery.Append} {
		p := newPlace(t, func(c *bigquery.Config) { c.Mode = mode })
		target := p.open(t)
		defer target.Close()
		prepare(t, target, users(attribute("deep", "json")))
		var batch []replicator.Change
		for i := range 64 {
			batch = append(batch, insert(uint64(i+1), fmt.Sprint("id", i), ""))
		}
		batch[41] = insert(42, "id41", `,"deep":`+strings.Repeat("[", 501)+strings.Repeat("]", 501))
		before := p.double.Count("bigquery.jobs.insert")
		rejected, err := target.Apply(t.Context(), batch)
		if err != nil || len(rejected) != 1 || rejected[0].Index != 41 {
			t.Fatal(rejected, err)
		}
		if n := len(p.double.Rows(project, datasetID, "users")); n != 63 {
			t.Errorf("%d rows", n)
		}
		if n := p.double.Count("bigquery.jobs.insert") - before; n > 2*(2*6+1) {
			t.Errorf("%d jobs", n)
		}
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	p := newPlace(t, func(c *bigquery.Config) { c.LogTable = "changes" })
	target := p.open(t)
	defer target.Close()
	r := users(attribute("n", "integer"))
	r.Routes = []replicator.Route{{To: "all"}, {To: "inserts", Actions: []replicator.Action{replicator.Insert}}, {To: "all", Actions: []replicator.Action{replicator.Insert}}}
	prepare(t, target, r)
	update := insert(2, "a", `,"n":2`)
	update.Action, update.Before = replicator.Update, json.RawMessage(`{"id":"a","n":1}`)
	remove := insert(3, "b", "")
	remove.Action, remove.Before, remove.After = replicator.Delete, remove.After, nil
	apply(t, target, insert(1, "a", `,"n":1`), insert(1, "b", `,"n":1`), update, remove)
	for table, want := range map[string]string{"all": "a=2 b=<nil>", "all_current": "a=2", "inserts": "a=1 b=1"} {
		if got := p.names(table, "n"); got != want {
			t.Errorf("%s: %s, want %s", table, got, want)
		}
	}
	if got := p.names("changes", "action"); got != "a=insert a=update b=delete b=insert" {
		t.Errorf("log: %s", got)
	}
	if got := p.names("changes", "before"); got != `a=<nil> a={"id":"a","n":1} b=<nil> b={"id":"b"}` {
		t.Errorf("log: %s", got)
	}
	if got := p.double.Tables(project, datasetID); !slices.Equal(got, []string{"all", "all_current", "changes", "inserts", "inserts_current"}) {
		t.Errorf("tables that are left: %v", got)
	}
}

// TestFailuresThatPass are tried again and do nothing twice: Append would show it.
func TestFailuresThatPass(t *testing.T) {
	t.Parallel()
	for name, inject := range map[string]func(*bqdouble.Double){
		"unavailable": func(d *bqdouble.Double) {
			d.Inject(bqdouble.Fault{Times: 2, Status: http.StatusServiceUnavailable, Reason: "backendError", Message: "try again"})
		},
		"quota": func(d *bqdouble.Double) {
			d.Inject(bqdouble.Fault{Times: 1, Status: http.StatusForbidden, Reason: "rateLimitExceeded", Message: "Exceeded rate limits"})
		},
		"too many requests": func(d *bqdouble.Double) {
			d.Inject(bqdouble.Fault{Times: 1, Status: http.StatusTooManyRequests, Reason: "rateLimitExceeded", Message: "slowly", RetryAfter: "0"})
		},
		"connection cut": func(d *bqdouble.Double) { d.Inject(bqdouble.Fault{Times: 1}) },
		"reply lost":     func(d *bqdouble.Double) { d.Inject(bqdouble.Fault{Times: 1, After: true}) },
		"reply lost twice": func(d *bqdouble.Double) {
			d.Inject(bqdouble.Fault{Method: "bigquery.jobs.insert", Times: 1, After: true})
			d.Inject(bqdouble.Fault{Method: "bigquery.jobs.insert", Times: 1, Status: http.StatusBadGateway, Message: "bad gateway"})
		},
		"no reply": func(d *bqdouble.Double) { d.Inject(bqdouble.Fault{Times: 1, Hang: true}) },
		"job failed": func(d *bqdouble.Double) {
			d.InjectJob(bqdouble.JobFault{Kind: "load", Times: 2, Reason: "backendError", Message: "An internal error occurred"})
		},
		"token gone": func(d *bqdouble.Double) { d.ExpireTokens() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, func(c *bigquery.Config) { c.Mode, c.AttemptTimeout = bigquery.Append, time.Second })
			target := p.open(t)
			defer target.Close()
			prepare(t, target, users(attribute("n", "integer")))
			p.double.Advance(2 * time.Second) // what ends now ends after Prepare
			inject(p.double)
			apply(t, target, insert(1, "a", `,"n":1`))
			if got := p.names("users", "n"); got != "a=1" {
				t.Errorf("rows: %s", got)
			}
		})
	}
}

func TestMergeThatMeetsAnother(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	target := p.open(t)
	defer target.Close()
	prepare(t, target, users())
	p.double.InjectJob(bqdouble.JobFault{Kind: "query", Times: 1, Reason: "invalidQuery", Message: "Could not serialize access to table my-project:analytics.users due to concurrent update"})
	apply(t, target, insert(1, "a", ""))
	if got := p.names("users", "_action"); got != "a=insert" {
		t.Errorf("rows: %s", got)
	}
}

// TestFailuresThatStay end Apply at once, with what a person must know.
func TestFailuresThatStay(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	target := p.open(t)
	defer target.Close()
	prepare(t, target, users())
	p.double.InjectJob(bqdouble.JobFault{Kind: "query", Times: 1, Reason: "accessDenied", Message: "Access Denied: no permission bigquery.tables.updateData"})
	_, err := target.Apply(t.Context(), []replicator.Change{insert(1, "a", "")})
	if err == nil || !strings.Contains(err.Error(), "no permission bigquery.tables.updateData (accessDenied)") {
		t.Errorf("without permission: %v", err)
	}
	apply(t, target, insert(1, "a", ""))
}

// TestDown: while BigQuery cannot be reached Apply fails, and nothing is rejected.
func TestDown(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	target := p.open(t)
	defer target.Close()
	prepare(t, target, users())
	p.double.Down(true)
	if rejected, err := target.Apply(t.Context(), []replicator.Change{insert(1, "a", "")}); err == nil || rejected != nil {
		t.Errorf("down: %v, %v", rejected, err)
	}
	p.double.Down(false)
	apply(t, target, insert(1, "a", ""))
	if got := p.names("users", "_action"); got != "a=insert" {
		t.Errorf("rows: %s", got)
	}
}

// TestLateMerge: the query of a process that was given up runs after newer changes were
// applied, and changes nothing.
func TestLateMerge(t *testing.T) {
	t.Parallel()
	p := newPlace(t, func(c *bigquery.Config) { c.JobTimeout = 300 * time.Millisecond })
	zombie := p.open(t)
	defer zombie.Close()
	prepare(t, zombie, users(attribute("n", "integer")))
	p.double.Hold()
	ended := make(chan error, 1)
	go func() {
		_, err := zombie.Apply(t.Context(), []replicator.Change{insert(1, "a", `,"n":1`)})
		ended <- err
	}()
	for released := false; ; {
		if !released && p.double.Waiting() == 1 { // the load
			p.double.ReleaseFirst()
			released = true
		}
		select {
		case err := <-ended:
			if err == nil || p.double.Waiting() != 1 {
				t.Fatalf("the query must be waiting: %v", err)
			}
		case <-time.After(time.Millisecond):
			continue
		}
		break
	}
	p.double.Pass()
	p.config.JobTimeout = 0
	target := p.open(t)
	defer target.Close()
	prepare(t, target, users(attribute("n", "integer")))
	apply(t, target, insert(2, "a", `,"n":2`))
	p.double.Release()
	if got := p.names("users", "n"); got != "a=2" {
		t.Errorf("rows: %s", got)
	}
}

// TestSameWorkAfterTruncation: a job of an earlier process must not stand for rows that
// somebody has removed since.
func TestSameWorkAfterTruncation(t *testing.T) {
	t.Parallel()
	for _, mode := range []bigquery.Mode{bigquery.Merge, bigquery.Append} {
		p := newPlace(t, func(c *bigquery.Config) { c.Mode = mode })
		first := p.open(t)
		defer first.Close()
		prepare(t, first, users())
		apply(t, first, insert(1, "a", ""))
		p.double.Truncate(project, datasetID, "users")
		second := p.open(t)
		defer second.Close()
		prepare(t, second, users())
		apply(t, second, insert(1, "a", ""))
		if got := p.names("users", "_action"); got != "a=insert" {
			t.Errorf("rows: %s", got)
		}
	}
}

// TestSameWorkAgain: a batch that comes again to the same target appends its rows once.
func TestSameWorkAgain(t *testing.T) {
	t.Parallel()
	p := newPlace(t, func(c *bigquery.Config) { c.Mode, c.LogTable = bigquery.Append, "changes" })
	target := p.open(t)
	defer target.Close()
	prepare(t, target, users())
	p.double.Advance(2 * time.Second) // jobs of the second in which it was prepared do not count
	for range 2 {
		apply(t, target, insert(1, "a", ""), insert(2, "b", ""))
	}
	for _, table := range []string{"users", "changes"} {
		if n := len(p.double.Rows(project, datasetID, table)); n != 2 {
			t.Errorf("%s has %d rows, want 2", table, n)
		}
	}
}

// TestStreamedRows: rows that something else streams into the table cannot be changed
// for a while. The changes are not rejected for that.
func TestStreamedRows(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	target := p.open(t)
	defer target.Close()
	prepare(t, target, users())
	p.double.Stream(project, datasetID, "users", `{"id":"a","_action":"insert","_seq":"0"}`)
	rejected, err := target.Apply(t.Context(), []replicator.Change{insert(1, "a", "")})
	if err == nil || rejected != nil || !strings.Contains(err.Error(), "streaming buffer") {
		t.Errorf("Apply: %v, %v", rejected, err)
	}
	p.double.Flush()
	apply(t, target, insert(1, "a", ""))
}

func TestPrepareRefuses(t *testing.T) {
	t.Parallel()
	p := newPlace(t, func(c *bigquery.Config) { c.LogTable = "changes" })
	target := p.open(t)
	defer target.Close()
	prepare(t, target, users(attribute("n", "integer")))
	orders := replicator.Resource{Name: "orders", Routes: []replicator.Route{{To: "users"}}}
	route := func(to string) replicator.Resource {
		r := users()
		r.Routes = []replicator.Route{{To: to}}
		return r
	}
	for want, resources := range map[string][]replicator.Resource{
		"table users: configuration: bigquery: column n is INTEGER, the schema needs STRING": {users(attribute("n", "string"))},
		"resources orders and users both go to table users":                                  {orders, users()},
		"columns n and N have the same name to BigQuery":                                     {users(attribute("n", "integer"), attribute("N", "integer"))},
		`BigQuery allows no column "_PARTITION_x"`:                                           {users(attribute("_PARTITION_x", "integer"))},
		`table "a-b" is not a name that BigQuery allows`:                                     {route("a-b")},
		"table changes is the log table":                                                     {route("changes")},
		"table users_current: configuration: bigquery: it exists and is a view":              {route("users_current")},
	} {
		err := target.Prepare(t.Context(), source(resources...))
		if !errors.Is(err, s3db.ErrConfig) || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestPrepareAtOnce: several processes prepare the same tables at once.
func TestPrepareAtOnce(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	results := make(chan error)
	for i := range 8 {
		go func() {
			target := p.open(t)
			defer target.Close()
			results <- target.Prepare(t.Context(), source(users(attribute("n", "integer"), attribute(fmt.Sprint("own", i), "string"))))
		}()
	}
	for range 8 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if n := len(p.double.Columns(project, datasetID, "users")); n != 2+8+4 {
		t.Errorf("%d columns", n)
	}
}

// TestViewAfterEvolution shows columns that came later, and columns of attributes that
// were removed stay.
func TestViewAfterEvolution(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	target := p.open(t)
	defer target.Close()
	prepare(t, target, users(attribute("old", "integer")))
	apply(t, target, insert(1, "a", `,"old":1`))
	next := users(attribute("new", "integer"))
	next.Version = 1
	prepare(t, target, next)
	apply(t, target, insert(2, "b", `,"new":2`), insert(2, "c", `,"old":3`))
	if got := p.names("users_current", "new") + ", " + p.names("users_current", "old"); got != "a=<nil> b=2 c=<nil>, a=1 b=<nil> c=3" {
		t.Errorf("rows: %s", got)
	}
	later := insert(3, "d", "")
	later.Version = 2
	if _, err := target.Apply(t.Context(), []replicator.Change{later}); err == nil || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("a change of a version that was not prepared: %v", err)
	}
}

func TestTest(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*bigquery.Config){
		"dataset nothing of project my-project does not exist":           func(c *bigquery.Config) { c.DatasetID = "nothing" },
		"dataset analytics is in location EU, the configuration says US": func(c *bigquery.Config) { c.Location = "US" },
		"account not found": func(c *bigquery.Config) { c.Credentials.ClientEmail = "other@my-project.iam.gserviceaccount.com" },
	} {
		p := newPlace(t, change)
		target := p.open(t)
		if err := target.Test(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		target.Close()
	}
	p := newPlace(t, func(c *bigquery.Config) { c.Location = "" })
	target := p.open(t)
	defer target.Close()
	if err := target.Test(t.Context()); err != nil {
		t.Error(err)
	}
	if got := p.double.Tables(project, datasetID); got != nil {
		t.Errorf("Test made %v", got)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*bigquery.Config){
		`projectId "" is not a name`:    func(c *bigquery.Config) { c.ProjectID = "" },
		`datasetId "a-b" is not a name`: func(c *bigquery.Config) { c.DatasetID = "a-b" },
		`logTable "a b" is not a name`:  func(c *bigquery.Config) { c.LogTable = "a b" },
		"are the same table":            func(c *bigquery.Config) { c.TableID, c.LogTable = "x", "x" },
		"credentials need client_email": func(c *bigquery.Config) { c.Credentials = bigquery.Credentials{} },
		"private_key is not in PEM":     func(c *bigquery.Config) { c.Credentials.PrivateKey = canary.Mark },
		"the endpoint is no URL":        func(c *bigquery.Config) { c.Endpoint = "localhost" },
	} {
		p := newPlace(t, change)
		_, err := bigquery.New(p.config)
		if !errors.Is(err, s3db.ErrConfig) || !strings.Contains(fmt.Sprint(err), want) || canary.Find([]byte(fmt.Sprint(err))) != "" {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if text := fmt.Sprintf("%v %+v %#v", bigquery.Credentials{PrivateKey: canary.Mark}, bigquery.Config{Credentials: bigquery.Credentials{PrivateKey: canary.Mark}}, bigquery.Credentials{PrivateKey: canary.Mark}); canary.Find([]byte(text)) != "" {
		t.Errorf("the key prints: %s", text)
	}
}

// TestLeftStaging: what a process leaves behind when it is killed, BigQuery removes.
func TestLeftStaging(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	target := p.open(t)
	defer target.Close()
	prepare(t, target, users())
	ctx, cancel := context.WithCancel(t.Context())
	p.double.Inject(bqdouble.Fault{Method: "bigquery.tables.delete", Times: 1, Hang: true})
	done := make(chan error)
	go func() {
		_, err := target.Apply(ctx, []replicator.Change{insert(1, "a", "")})
		done <- err
	}()
	for p.double.Count("bigquery.tables.delete") == 0 {
		<-time.After(time.Millisecond)
	}
	cancel()
	if err := <-done; err == nil {
		t.Error("Apply ended well although it was ended")
	}
	if n := len(p.double.Tables(project, datasetID)); n != 3 {
		t.Errorf("%d tables, want that of users, its view and one that was left", n)
	}
	p.double.Advance(7 * time.Hour)
	if n := len(p.double.Tables(project, datasetID)); n != 2 {
		t.Errorf("%d tables after 7 hours", n)
	}
}
