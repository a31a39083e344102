package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	"github.com/s3dbgen/s3dbgen/internal/canary"
	"github.com/s3dbgen/s3dbgen/internal/leaktest"
	"github.com/s3dbgen/s3dbgen/internal/testserver"
	"github.com/s3dbgen/s3dbgen/internal/testserver/fauxqs"
	"github.com/s3dbgen/s3dbgen/internal/testserver/postgres"
	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// asCommand makes the test binary the command itself.
const asCommand = "S3DB_TEST_COMMAND"

var (
	buckets testserver.Shared
	queues  fauxqs.Shared
)

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	leaktest.Tests{M: m, Then: []func(){buckets.Close, queues.Close, http.DefaultClient.CloseIdleConnections}}.Main()
}

// world is a database in a bucket, a cluster of PostgreSQL that can be taken down, a
// queue, and a configuration that takes the one to the others.
type world struct {
	t      *testing.T
	url    string
	rows   *postgres.Server
	sqs    *sqs.Client
	queue  string
	config string
	env    []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, url: buckets.Get(t).URL(t, "shop"), config: filepath.Join(t.TempDir(), "replicate.yaml")}
	var cluster postgres.Shared // not shared: it is taken down
	w.rows = cluster.Get(t)
	t.Cleanup(cluster.Close)
	endpoint := queues.Get(t).Endpoint
	h := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(h.CloseIdleConnections)
	w.sqs = sqs.New(sqs.Options{
		BaseEndpoint: &endpoint, Region: "us-east-1", HTTPClient: h,
		Credentials: credentials.NewStaticCredentialsProvider("consumer", "secret", ""),
	})
	made, err := w.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{
		QueueName: aws.String("test-" + rand.Text() + ".fifo"), Attributes: map[string]string{"FifoQueue": "true"},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.queue = *made.QueueUrl
	w.env = append(os.Environ(), asCommand+"=1", "DATABASE_URL="+w.url, "PG_URL="+w.rows.URL("postgres"), "SQS_SECRET="+canary.Value("sqs"))
	text := fmt.Sprintf(`
database: ${DATABASE_URL}
syncInterval: 20
lease: 2s
listen: 127.0.0.1:0
replicators:
  - driver: postgres
    resources:
      reviews: [{actions: [insert, update, delete], table: reviews_table}]
    config: {connectionString: "${PG_URL}"}
  - driver: sqs
    resources: [reviews]
    config: {queueUrl: %q, endpoint: %q, region: us-east-1, accessKeyId: replicator, secretAccessKey: "${SQS_SECRET}"}
`, w.queue, endpoint)
	if err := os.WriteFile(w.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return w
}

// open opens the database as a program that leaves intents.
func (w *world) open() *shop.DB {
	w.t.Helper()
	replicated := replicator.New(replicator.Options{Resources: []string{"reviews"}, WriteOnly: true})
	db, err := shop.Open(w.t.Context(), w.url, s3db.WithPlugin(replicated), s3db.WithKey("k", canary.Key(1)), s3db.WithIDs("products", s3db.NanoID(8)))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = db.Close() })
	return db
}

// process is the command as a process of its own.
type process struct {
	*exec.Cmd
	t   *testing.T
	out output
}

// output may be read while the process writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func (w *world) start(args ...string) *process {
	w.t.Helper()
	p := &process{Cmd: exec.CommandContext(w.t.Context(), os.Args[0], append(args, "-c", w.config)...), t: w.t}
	p.Env, p.Stdout, p.Stderr = w.env, &p.out, &p.out
	if err := p.Start(); err != nil {
		w.t.Fatal(err)
	}
	return p
}

// run runs a command to its end and returns what it printed.
func (w *world) run(want int, args ...string) string {
	w.t.Helper()
	p := w.start(args...)
	_ = p.Wait()
	if code := p.ProcessState.ExitCode(); code != want {
		w.t.Fatalf("%v: exit code %d, want %d\n%s", args, code, want, p.out.String())
	}
	return p.out.String()
}

// end asks the process to end, and wants it to end well.
func (p *process) end() {
	p.t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		p.t.Errorf("%v\n%s", err, p.out.String())
	}
}

var address = regexp.MustCompile(`http://[0-9.:]+`)

// get asks the process over HTTP.
func (p *process) get(path string) (status int, body []byte) {
	p.t.Helper()
	until(p.t, "the command listens", func() bool { return address.MatchString(p.out.String()) })
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, address.FindString(p.out.String())+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatalf("%v\n%s", err, p.out.String())
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, body
}

// until waits for what other processes do.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !is() {
		if err := replicator.Pause(ctx, 5*time.Millisecond); err != nil {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

// table returns id and stars of the rows that are not deleted.
func (w *world) table() string {
	w.t.Helper()
	c, err := pgx.Connect(w.t.Context(), w.rows.URL("postgres"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer c.Close(w.t.Context())
	rows, err := c.Query(w.t.Context(), `SELECT id || ' ' || stars FROM reviews_table WHERE NOT _deleted ORDER BY id COLLATE "C"`)
	if err != nil {
		w.t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.Join(list, ", ")
}

func (w *world) exec(sql string) {
	w.t.Helper()
	c, err := pgx.Connect(w.t.Context(), w.rows.URL("postgres"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer c.Close(w.t.Context())
	if _, err := c.Exec(w.t.Context(), sql); err != nil {
		w.t.Fatal(err)
	}
}

// messages takes all messages from the queue: of each document, its actions in order.
func (w *world) messages() map[string][]string {
	w.t.Helper()
	got := map[string][]string{}
	for {
		out, err := w.sqs.ReceiveMessage(w.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &w.queue, MaxNumberOfMessages: 10})
		if err != nil {
			w.t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return got
		}
		for _, m := range out.Messages {
			var x struct {
				Action string
				Data   struct{ ID string }
			}
			if err := json.Unmarshal([]byte(*m.Body), &x); err != nil {
				w.t.Fatal(err)
			}
			got[x.Data.ID] = append(got[x.Data.ID], x.Action)
			if _, err := w.sqs.DeleteMessage(w.t.Context(), &sqs.DeleteMessageInput{QueueUrl: &w.queue, ReceiptHandle: m.ReceiptHandle}); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

func review(id string, stars int64) shop.ReviewInsert {
	return shop.ReviewInsert{ID: shop.ReviewID(id), Product: "tea", User: id, Stars: stars, Title: id, Text: "t"}
}

func (w *world) insert(db *shop.DB, id string, stars int64) {
	w.t.Helper()
	if _, err := db.Reviews.Insert(w.t.Context(), review(id, stars)); err != nil {
		w.t.Fatal(err)
	}
}

// TestServers takes a database in a bucket to PostgreSQL and to SQS, by the command as a
// process, through a bad row, a server that is down for a whole run, and restarts.
func TestServers(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t)
	db := w.open()
	w.insert(db, "a", 1)
	w.insert(db, "b", 2)

	if out := w.run(0, "test"); strings.Count(out, "ok") < 2 {
		t.Errorf("test:\n%s", out)
	}
	w.run(0, "--once")
	if got := w.table(); got != "a 1, b 2" {
		t.Errorf("after the first run: %s", got)
	}

	// A row that PostgreSQL refuses waits with its reason, and the later ones of its
	// document behind it; SQS has no part in that.
	w.exec(`ALTER TABLE reviews_table ADD CONSTRAINT few CHECK (stars <> 4)`)
	w.insert(db, "c", 4)
	w.insert(db, "d", 3)
	w.run(0, "--once") // else the last state of a batch would be good
	if _, err := db.Reviews.Update(ctx, "c", shop.ReviewPatch{Stars: s3db.Set(int64(5))}); err != nil {
		t.Fatal(err)
	}
	w.run(0, "--once")
	if got := w.table(); got != "a 1, b 2, d 3" {
		t.Errorf("with a bad row: %s", got)
	}
	letters := w.run(0, "dlq", "list", "postgres")
	for _, want := range []string{`constraint "few"`, "reviews/c", "follows a change that was rejected"} {
		if !strings.Contains(letters, want) {
			t.Errorf("the letters have no %q:\n%s", want, letters)
		}
	}
	w.exec(`ALTER TABLE reviews_table DROP CONSTRAINT few`)
	w.run(0, "dlq", "replay", "postgres")
	w.run(0, "--once")
	if got := w.table(); got != "a 1, b 2, c 5, d 3" {
		t.Errorf("after the replay: %s", got)
	}
	want := map[string][]string{"a": {"insert"}, "b": {"insert"}, "c": {"insert", "update"}, "d": {"insert"}}
	if diff := cmp.Diff(want, w.messages()); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}

	// PostgreSQL is down for the whole run of a process; SQS goes on.
	w.rows.Down()
	p := w.start()
	if _, err := db.Reviews.Update(ctx, "a", shop.ReviewPatch{Stars: s3db.Set(int64(3))}); err != nil {
		t.Fatal(err)
	}
	if err := db.Reviews.Delete(ctx, "b"); err != nil {
		t.Fatal(err)
	}
	until(t, "the failure is told", func() bool {
		return strings.Contains(p.out.String(), "postgres") && strings.Contains(p.out.String(), "refused")
	})
	until(t, "SQS goes on", func() bool {
		got := w.messages()
		return len(got["b"]) > 0 && got["b"][len(got["b"])-1] == "delete"
	})
	if status, body := p.get("/readyz"); status != http.StatusServiceUnavailable || !bytes.Contains(body, []byte("postgres: ")) {
		t.Errorf("readyz: %d %s", status, body)
	}
	failing := w.metric(p, "s3db_replicator_failing")
	if failing["postgres"] != 1 || failing["sqs"] != 0 {
		t.Errorf("failing: %v", failing)
	}
	if lag := w.metric(p, "s3db_replicator_lag_changes"); lag["postgres"] < 1 {
		t.Errorf("lag: %v", lag)
	}
	p.end()
	if err := w.rows.Up(ctx); err != nil {
		t.Fatal(err)
	}

	// Two processes share the work, and one of them is killed.
	first, second := w.start(), w.start()
	until(t, "what waited arrives", func() bool { return w.table() == "a 3, c 5, d 3" })
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.Wait()
	w.insert(db, "e", 5)
	until(t, "the other one goes on", func() bool { return w.table() == "a 3, c 5, d 3, e 5" })
	if status, _ := second.get("/healthz"); status != http.StatusOK {
		t.Errorf("healthz: %d", status)
	}
	if done := w.metric(second, "s3db_replicator_snapshot_done"); done["postgres"] != 1 || done["sqs"] != 1 {
		t.Errorf("snapshots done: %v", done)
	}
	second.end()
	for _, out := range []string{first.out.String(), second.out.String(), p.out.String(), letters} {
		if strings.Contains(out, canary.Value("sqs")) {
			t.Error("a process has printed a secret")
		}
	}
}

// metric reads a metric of the process as Prometheus does: by target.
func (w *world) metric(p *process, name string) map[string]float64 {
	w.t.Helper()
	status, body := p.get("/metrics")
	if status != http.StatusOK {
		w.t.Fatalf("metrics: %d %s", status, body)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	got := map[string]float64{}
	for _, m := range families[name].GetMetric() {
		i := slices.IndexFunc(m.GetLabel(), func(l *dto.LabelPair) bool { return l.GetName() == "target" })
		got[m.GetLabel()[i].GetValue()] = m.GetGauge().GetValue()
	}
	return got
}
