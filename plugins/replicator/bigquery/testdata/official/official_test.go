package official_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"

	"github.com/s3dbgen/s3dbgen/plugins/replicator/bigquery/internal/bqdouble"
)

const (
	project  = "my-project"
	location = "EU"
)

// TestDocument compares the discovery document that the double checks requests by with
// that of the module google.golang.org/api.
func TestDocument(t *testing.T) {
	t.Parallel()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "google.golang.org/api").Output()
	if err != nil {
		t.Fatal(err)
	}
	google, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "bigquery", "v2", "bigquery-api.json"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := bqdouble.Strip(google)
	if err != nil {
		t.Fatal(err)
	}
	got, err := bqdouble.Document()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("the document of the double is not that of the module; make it anew with Strip")
	}
}

// open connects Google's client with a key of a service account.
func open(t *testing.T, d *bqdouble.Double) *bigquery.Client {
	t.Helper()
	key, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": project, "client_email": bqdouble.Email,
		"private_key": d.PrivateKey(), "private_key_id": "k1", "token_uri": d.TokenURL(),
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := bigquery.NewClient(t.Context(), project, option.WithEndpoint(d.URL+"/bigquery/v2/"),
		option.WithAuthCredentialsJSON(option.ServiceAccount, key))
	if err != nil {
		t.Fatal(err)
	}
	c.Location = location
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func create(t *testing.T, c *bigquery.Client) *bigquery.Table {
	t.Helper()
	ds := c.Dataset("analytics")
	if err := ds.Create(t.Context(), &bigquery.DatasetMetadata{Location: location}); err != nil {
		t.Fatal(err)
	}
	table := ds.Table("users")
	err := table.Create(t.Context(), &bigquery.TableMetadata{Schema: schema(), Clustering: &bigquery.Clustering{Fields: []string{"id"}}})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func schema() bigquery.Schema {
	return bigquery.Schema{
		{Name: "id", Type: bigquery.StringFieldType, Required: true},
		{Name: "age", Type: bigquery.IntegerFieldType},
		{Name: "price", Type: bigquery.BigNumericFieldType},
		{Name: "tags", Type: bigquery.StringFieldType, Repeated: true},
		{Name: "more", Type: bigquery.JSONFieldType},
		{Name: "at", Type: bigquery.TimestampFieldType},
		{Name: "_seq", Type: bigquery.StringFieldType, Required: true},
	}
}

// load runs a load job with an id that the caller may have used before.
func load(ctx context.Context, t *testing.T, table *bigquery.Table, id, rows string) (*bigquery.JobStatus, error) {
	t.Helper()
	source := bigquery.NewReaderSource(strings.NewReader(rows))
	source.SourceFormat, source.Schema = bigquery.JSON, schema()
	loader := table.LoaderFrom(source)
	loader.JobID, loader.WriteDisposition = id, bigquery.WriteAppend
	job, err := loader.Run(ctx)
	if err != nil {
		return nil, err
	}
	return job.Wait(ctx)
}

func read(t *testing.T, it *bigquery.RowIterator, err error) []map[string]bigquery.Value {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]bigquery.Value
	for {
		row := map[string]bigquery.Value{}
		err := it.Next(&row)
		if errors.Is(err, iterator.Done) {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
}

const (
	ada  = `{"id":"ada","age":36,"price":"12.50","tags":["a","b"],"more":{"x":[1,null]},"at":"2026-11-30T12:00:00.123456Z","_seq":"01"}` + "\n"
	alan = `{"id":"alan","_seq":"01"}` + "\n"
)

func TestLoadAndRead(t *testing.T) {
	t.Parallel()
	d := bqdouble.New(t)
	table := create(t, open(t, d))
	d.Poll(2)
	status, err := load(t.Context(), t, table, "load-1", ada+alan)
	if err != nil || status.Err() != nil {
		t.Fatal(err, status)
	}
	it := table.Read(t.Context())
	rows := read(t, it, nil)
	if len(rows) != 2 {
		t.Fatalf("%d rows: %v", len(rows), rows)
	}
	row := rows[0]
	if row["id"] != "ada" || row["age"] != int64(36) || row["more"] != `{"x":[1,null]}` {
		t.Errorf("row: %v", row)
	}
	if at, ok := row["at"].(time.Time); !ok || !at.Equal(time.Date(2026, 11, 30, 12, 0, 0, 123_456_000, time.UTC)) {
		t.Errorf("at: %v", row["at"])
	}
	if tags, ok := row["tags"].([]bigquery.Value); !ok || len(tags) != 2 || tags[1] != "b" {
		t.Errorf("tags: %v", row["tags"])
	}
	if rows[1]["age"] != nil {
		t.Errorf("second row: %v", rows[1])
	}
}

func TestRepeatedJobIsRefused(t *testing.T) {
	t.Parallel()
	d := bqdouble.New(t)
	c := open(t, d)
	table := create(t, c)
	if _, err := load(t.Context(), t, table, "load-1", ada); err != nil {
		t.Fatal(err)
	}
	_, err := load(t.Context(), t, table, "load-1", alan)
	if apiError, ok := errors.AsType[*googleapi.Error](err); !ok || apiError.Code != http.StatusConflict || apiError.Errors[0].Reason != "duplicate" {
		t.Errorf("a repeated job: %v", err)
	}
	job, err := c.JobFromIDLocation(t.Context(), "load-1", location)
	if err != nil || job.LastStatus().State != bigquery.Done {
		t.Errorf("the first job: %v", err)
	}
}

// TestFailedJob: the request succeeds and the job says why it did not.
func TestFailedJob(t *testing.T) {
	t.Parallel()
	d := bqdouble.New(t)
	table := create(t, open(t, d))
	status, err := load(t.Context(), t, table, "load-1", ada+`{"id":"x","age":"many","_seq":"01"}`)
	if err != nil {
		t.Fatal(err)
	}
	if status.State != bigquery.Done || status.Err() == nil || len(status.Errors) != 3 {
		t.Fatalf("status: %+v", status)
	}
	if m := status.Errors[2].Message; !strings.Contains(m, "position "+strconv.Itoa(len(ada))+":") || !strings.Contains(m, "Could not convert value to INTEGER. Field: age") {
		t.Errorf("the reason: %s", m)
	}
	it := table.Read(t.Context())
	if rows := read(t, it, nil); len(rows) != 0 {
		t.Errorf("rows of a failed job: %v", rows)
	}
}

const merge = "MERGE `my-project.analytics.users` T USING `my-project.analytics.staging` S ON T.id = S.id " +
	"WHEN MATCHED AND S._seq > T._seq THEN UPDATE SET age = S.age, _seq = S._seq " +
	"WHEN NOT MATCHED THEN INSERT (id, age, _seq) VALUES (S.id, S.age, S._seq)"

func run(t *testing.T, c *bigquery.Client, statement string) error {
	t.Helper()
	job, err := c.Query(statement).Run(t.Context())
	if err != nil {
		return err
	}
	status, err := job.Wait(t.Context())
	if err != nil {
		return err
	}
	return status.Err()
}

func staging(t *testing.T, c *bigquery.Client, rows string) {
	t.Helper()
	table := c.Dataset("analytics").Table("staging")
	if status, err := load(t.Context(), t, table, "", rows); err != nil || status.Err() != nil {
		t.Fatal(err, status)
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	d := bqdouble.New(t)
	c := open(t, d)
	table := create(t, c)
	if _, err := load(t.Context(), t, table, "", ada+alan); err != nil {
		t.Fatal(err)
	}
	staging(t, c, `{"id":"ada","age":37,"_seq":"02"}`+"\n"+`{"id":"alan","age":1,"_seq":"00"}`+"\n"+`{"id":"grace","age":5,"_seq":"01"}`+"\n")
	if err := run(t, c, merge); err != nil {
		t.Fatal(err)
	}
	it, err := c.Query("SELECT id, age FROM `my-project.analytics.users` ORDER BY id").Read(t.Context())
	rows := read(t, it, err)
	if len(rows) != 3 || rows[0]["age"] != int64(37) || rows[1]["age"] != nil || rows[2]["age"] != int64(5) {
		t.Errorf("rows: %v", rows)
	}
}

func TestMergeOfTwoRowsForOne(t *testing.T) {
	t.Parallel()
	d := bqdouble.New(t)
	c := open(t, d)
	table := create(t, c)
	if _, err := load(t.Context(), t, table, "", ada); err != nil {
		t.Fatal(err)
	}
	staging(t, c, `{"id":"ada","_seq":"02"}`+"\n"+`{"id":"ada","_seq":"03"}`+"\n")
	if err := run(t, c, merge); err == nil || !strings.Contains(err.Error(), "at most one source row") {
		t.Errorf("merge: %v", err)
	}
}

func TestStreamingBuffer(t *testing.T) {
	t.Parallel()
	d := bqdouble.New(t)
	c := open(t, d)
	table := create(t, c)
	row := &bigquery.ValuesSaver{Schema: schema()[:1], Row: []bigquery.Value{"ada"}}
	if err := table.Inserter().Put(t.Context(), row); err == nil {
		t.Error("a row without a required field was taken")
	}
	whole := &bigquery.StructSaver{Schema: bigquery.Schema{schema()[0], schema()[6]}, Struct: struct {
		ID  string `bigquery:"id"`
		Seq string `bigquery:"_seq"`
	}{"ada", "01"}, InsertID: bigquery.NoDedupeID}
	if err := table.Inserter().Put(t.Context(), whole); err != nil {
		t.Fatal(err)
	}
	staging(t, c, `{"id":"ada","age":37,"_seq":"02"}`)
	if err := run(t, c, merge); err == nil || !strings.Contains(err.Error(), "streaming buffer") {
		t.Errorf("merge: %v", err)
	}
	d.Flush()
	if err := run(t, c, merge); err != nil {
		t.Errorf("merge after the buffer was written: %v", err)
	}
}

func TestViewAndEvolution(t *testing.T) {
	t.Parallel()
	d := bqdouble.New(t)
	c := open(t, d)
	table := create(t, c)
	if _, err := load(t.Context(), t, table, "", ada+strings.Replace(ada, `"_seq":"01"`, `"_seq":"02"`, 1)+alan); err != nil {
		t.Fatal(err)
	}
	view := c.Dataset("analytics").Table("users_latest")
	err := view.Create(t.Context(), &bigquery.TableMetadata{ViewQuery: "SELECT * EXCEPT (tags) FROM (SELECT * FROM `my-project.analytics.users` " +
		"WHERE TRUE QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY _seq DESC) = 1) WHERE age IS NOT NULL"})
	if err != nil {
		t.Fatal(err)
	}
	it, err := c.Query("SELECT * FROM `my-project.analytics.users_latest`").Read(t.Context())
	rows := read(t, it, err)
	if len(rows) != 1 || rows[0]["_seq"] != "02" {
		t.Errorf("rows of the view: %v", rows)
	}

	meta, err := table.Metadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	more := append(meta.Schema, &bigquery.FieldSchema{Name: "email", Type: bigquery.StringFieldType})
	if _, err := table.Update(t.Context(), bigquery.TableMetadataToUpdate{Schema: more}, meta.ETag); err != nil {
		t.Fatal(err)
	}
	_, err = table.Update(t.Context(), bigquery.TableMetadataToUpdate{Schema: more}, meta.ETag)
	if e, ok := errors.AsType[*googleapi.Error](err); !ok || e.Code != http.StatusPreconditionFailed {
		t.Errorf("an update under an old ETag: %v", err)
	}
	more[1] = &bigquery.FieldSchema{Name: "age", Type: bigquery.StringFieldType}
	if _, err := table.Update(t.Context(), bigquery.TableMetadataToUpdate{Schema: more}, ""); err == nil || !strings.Contains(err.Error(), "changed type from INTEGER to STRING") {
		t.Errorf("a change of type: %v", err)
	}
}

// TestRetries: Google's client takes the injected failures for those of BigQuery and
// tries again.
func TestRetries(t *testing.T) {
	t.Parallel()
	d := bqdouble.New(t)
	c := open(t, d)
	create(t, c)
	d.Inject(bqdouble.Fault{Method: "bigquery.tables.get", Times: 1, Status: http.StatusServiceUnavailable, Reason: "backendError", Message: "Error encountered during execution. Retrying may solve the problem."})
	d.Inject(bqdouble.Fault{Method: "bigquery.tables.get", Times: 1, Status: http.StatusForbidden, Reason: "rateLimitExceeded", Message: "Exceeded rate limits"})
	if _, err := c.Dataset("analytics").Table("users").Metadata(t.Context()); err != nil {
		t.Error(err)
	}
	if n := d.Count("bigquery.tables.get"); n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
}

func TestWrongCredentials(t *testing.T) {
	t.Parallel()
	d := bqdouble.New(t)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(other)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	key, err := json.Marshal(map[string]string{"type": "service_account", "client_email": bqdouble.Email, "private_key": text, "token_uri": d.TokenURL()})
	if err != nil {
		t.Fatal(err)
	}
	c, err := bigquery.NewClient(t.Context(), project, option.WithEndpoint(d.URL+"/bigquery/v2/"), option.WithAuthCredentialsJSON(option.ServiceAccount, key))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := c.Dataset("analytics").Metadata(ctx); err == nil || !strings.Contains(err.Error(), "Invalid JWT Signature") {
		t.Errorf("a key of somebody else: %v", err)
	}
}
