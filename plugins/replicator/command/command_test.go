package command_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	"github.com/s3dbgen/s3dbgen/internal/canary"
	"github.com/s3dbgen/s3dbgen/internal/leaktest"
	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/command"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/config"
	copies "github.com/s3dbgen/s3dbgen/plugins/replicator/s3db/link"
	webhooks "github.com/s3dbgen/s3dbgen/plugins/replicator/webhook/link"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

func TestMain(m *testing.M) { leaktest.Tests{M: m}.Main() }

// world is a source and a copy in memory, which commands and programs open by name.
type world struct {
	t      *testing.T
	stores map[string]s3db.Store
	config string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{t: t, stores: map[string]s3db.Store{"source": memstore.New(), "copy": memstore.New()}, config: filepath.Join(t.TempDir(), "replicate.yaml")}
}

type kept struct{ s3db.Store }

func (kept) Close() error { return nil }

func (w *world) driver() s3db.Driver {
	return s3db.Driver{Schemes: []string{"world"}, Open: func(_ context.Context, r s3db.DriverRequest) (s3db.Store, string, error) {
		return kept{w.stores[r.URL.Host]}, "", nil
	}}
}

func (w *world) write(text string) {
	w.t.Helper()
	if err := os.WriteFile(w.config, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// run runs a command and returns what it printed.
func (w *world) run(want int, args ...string) string {
	w.t.Helper()
	var out bytes.Buffer
	if code := w.start(w.t.Context(), &out, args...); code != want {
		w.t.Fatalf("%v: exit code %d, want %d\n%s", args, code, want, out.String())
	}
	return out.String()
}

func (w *world) start(ctx context.Context, out io.Writer, args ...string) int {
	p := command.Program{Drivers: []config.Driver{copies.Driver(w.driver()), webhooks.Driver()}, Stores: []s3db.Driver{w.driver()}}
	return command.Run(ctx, "s3dbgen-replicate", p, append(args, "-c", w.config), out, out)
}

// open opens a database with the generated client, as a program that leaves intents when
// replicated names resources.
func (w *world) open(name string, replicated ...string) *shop.DB {
	w.t.Helper()
	options := []s3db.Option{s3db.WithKey("k", canary.Key(1)), s3db.WithIDs("products", s3db.NanoID(8))}
	if replicated != nil {
		options = append(options, s3db.WithPlugin(replicator.New(replicator.Options{Resources: replicated, WriteOnly: true})))
	}
	db, err := shop.New(w.t.Context(), kept{w.stores[name]}, options...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = db.Close() })
	return db
}

func review(id string, stars int64) shop.ReviewInsert {
	return shop.ReviewInsert{ID: shop.ReviewID(id), Product: "tea", User: id, Stars: stars, Title: id, Text: "t"}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// reviews are those of a database: id and stars.
func (w *world) reviews(name string) map[string]int64 {
	w.t.Helper()
	all := map[string]int64{}
	for r, err := range w.open(name).Reviews.Query().All(w.t.Context()) {
		if err != nil {
			w.t.Fatal(err)
		}
		all[string(r.ID)] = r.Stars
	}
	return all
}

func (w *world) want(want map[string]int64) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.reviews("copy")); diff != "" {
		w.t.Errorf("reviews of the copy (-want +got):\n%s", diff)
	}
}

const toCopy = `
database: world://source
replicators:
  - driver: s3db
    name: backup
    resources: [reviews]
    config: {connectionString: world://copy}
`

// TestCopy goes through the life of a copy: snapshot, changes, pause, a write by a program
// without the replicator, reconcile, reset.
func TestCopy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.write(toCopy)
	ctx := t.Context()
	db := w.open("source")
	for i := range 3 {
		must[*shop.Review](t)(db.Reviews.Insert(ctx, review(fmt.Sprint("old", i), 1)))
	}
	if got := w.run(0, "test"); got != "backup (s3db): ok\n" {
		t.Errorf("test: %s", got)
	}
	if got := w.run(0, "status"); got != "backup: snapshot, 0 documents so far; 0 unsettled\n" {
		t.Errorf("status: %s", got)
	}
	w.run(0, "--once")
	w.want(map[string]int64{"old0": 1, "old1": 1, "old2": 1})

	db = w.open("source", "reviews")
	must[*shop.Review](t)(db.Reviews.Insert(ctx, review("new", 5)))
	must[*shop.Review](t)(db.Reviews.Update(ctx, "old1", shop.ReviewPatch{Stars: s3db.Set[int64](2)}))
	if err := db.Reviews.Delete(ctx, "old2"); err != nil {
		t.Fatal(err)
	}
	w.run(0, "pause", "backup")
	w.run(0, "--once")
	w.want(map[string]int64{"old0": 1, "old1": 1, "old2": 1})
	if got := w.run(0, "status"); !strings.HasPrefix(got, "backup: paused") {
		t.Errorf("status: %s", got)
	}
	w.run(0, "resume", "backup")
	w.run(0, "--once")
	w.want(map[string]int64{"old0": 1, "old1": 2, "new": 5})
	var status []map[string]any
	if err := json.Unmarshal([]byte(w.run(0, "status", "--format", "json")), &status); err != nil || status[0]["lagChanges"] != 0.0 || status[0]["snapshotDone"] != true {
		t.Errorf("status: %v, %v", status, err)
	}

	// A program without the replicator.
	must[*shop.Review](t)(w.open("source").Reviews.Update(ctx, "new", shop.ReviewPatch{Stars: s3db.Set[int64](3)}))
	if err := w.open("copy").Reviews.Delete(ctx, "old0"); err != nil {
		t.Fatal(err)
	}
	must[*shop.Review](t)(w.open("copy").Reviews.Insert(ctx, review("stray", 1)))
	if got := w.run(1, "reconcile", "backup"); got != "stale: reviews/new\nmissing: reviews/old0\nextra: reviews/stray\n3 documents; 1 missing, 1 stale, 1 extra, 0 sent again\n" {
		t.Errorf("reconcile: %s", got)
	}
	w.run(1, "reconcile", "backup", "--repair")
	w.run(0, "--once")
	w.want(map[string]int64{"old0": 1, "old1": 2, "new": 3})
	w.run(0, "reconcile", "backup")

	w.run(0, "reset", "backup")
	w.run(0, "--once")
	w.want(map[string]int64{"old0": 1, "old1": 2, "new": 3})
	if got := w.run(2, "reset", "bakcup"); !strings.Contains(got, `there is no target "bakcup"`) {
		t.Errorf("reset of another: %s", got)
	}
	if got := w.run(2, "forget", "backup"); !strings.Contains(got, "in use") {
		t.Errorf("forget: %s", got)
	}
}

// hook is a receiver that can refuse documents, or everything.
type hook struct {
	*httptest.Server
	mu     sync.Mutex
	refuse string // id
	status int
	ids    []string
}

func newHook(t *testing.T) *hook {
	t.Helper()
	h := &hook{}
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Server.Close)
	return h
}

func (h *hook) set(refuse string, status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refuse, h.status = refuse, status
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var event struct {
		Data struct {
			Changes []struct{ ID string }
		}
	}
	if json.NewDecoder(r.Body).Decode(&event) != nil || h.status != 0 {
		w.WriteHeader(h.status)
		return
	}
	for _, c := range event.Data.Changes {
		if c.ID == h.refuse {
			http.Error(w, "not this one", http.StatusUnprocessableEntity)
			return
		}
	}
	for _, c := range event.Data.Changes {
		h.ids = append(h.ids, c.ID)
	}
}

func (h *hook) got() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.ids, " ")
}

const toHook = `
database: world://source
replicators:
  - driver: webhook
    resources: [reviews]
    snapshot: false
    retries: 1
    config: {url: "%s", secret: a secret of 24 characters, attempts: 1}
`

// TestDeadLetters lists, replays and discards them.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	w, h := newWorld(t), newHook(t)
	w.write(fmt.Sprintf(toHook, h.URL))
	w.open("source")
	w.run(0, "--once") // the target begins here
	db := w.open("source", "reviews")
	h.set("bad", 0)
	for _, id := range []string{"bad", "good"} {
		must[*shop.Review](t)(db.Reviews.Insert(t.Context(), review(id, 1)))
	}
	must[*shop.Review](t)(db.Reviews.Update(t.Context(), "bad", shop.ReviewPatch{Stars: s3db.Set[int64](2)}))
	w.run(0, "--once")
	if h.got() != "good" {
		t.Errorf("sent: %s", h.got())
	}
	list := w.run(0, "dlq", "list", "webhook")
	if !regexp.MustCompile(`^\S+ insert reviews/bad \S+ rejected: .* answers 422 .*not this one\n\S+ update reviews/bad \S+ held: .*\n$`).MatchString(list) {
		t.Errorf("dlq list:\n%s", list)
	}
	var letter struct {
		Change struct{ After map[string]any }
	}
	first, _, _ := strings.Cut(w.run(0, "dlq", "list", "webhook", "--format", "json"), "\n")
	if err := json.Unmarshal([]byte(first), &letter); err != nil || letter.Change.After["id"] != "bad" {
		t.Errorf("dlq list: %s, %v", first, err)
	}
	h.set("", 0)
	w.run(0, "dlq", "replay", "webhook", "--resource", "reviews", "--id", "bad")
	w.run(0, "--once")
	if h.got() != strings.Join([]string{"good", "bad", "bad"}, " ") || w.run(0, "dlq", "list", "webhook") != "" {
		t.Errorf("after the replay: %s", h.got())
	}
	h.set("good", 0)
	if err := db.Reviews.Delete(t.Context(), "good"); err != nil {
		t.Fatal(err)
	}
	w.run(0, "--once")
	if got := w.run(0, "dlq", "discard", "webhook"); got != "1 discarded\n" {
		t.Errorf("dlq discard: %s", got)
	}
	w.run(2, "dlq", "list", "other")
	w.run(2, "dlq", "replay", "webhook", "--id", "x")
}

// output is what a command prints while it runs.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// until waits for a condition; the test's deadline ends it.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !is() {
		select {
		case <-t.Context().Done():
			t.Fatal(what)
		case <-ticker.C:
		}
	}
}

var address = regexp.MustCompile(`http://[0-9.:]+`)

// TestRun is the command that runs: two processes share the work, one ends well, the
// other goes on; health and metrics tell.
func TestRun(t *testing.T) {
	t.Parallel()
	w, h := newWorld(t), newHook(t)
	w.write(strings.Replace(fmt.Sprintf(toHook, h.URL), "replicators:", "syncInterval: 10\nlease: 1s\nlisten: 127.0.0.1:0\nreplicators:", 1))
	w.open("source")
	w.run(0, "--once")
	var outs [2]output
	var stops [2]context.CancelFunc
	codes := make(chan int, 2)
	for i := range outs {
		var ctx context.Context
		ctx, stops[i] = context.WithCancel(t.Context())
		defer stops[i]()
		go func() { codes <- w.start(ctx, &outs[i]) }()
		until(t, "the command begins", func() bool { return strings.Contains(outs[i].String(), "replicating") })
	}
	db := w.open("source", "reviews")
	must[*shop.Review](t)(db.Reviews.Insert(t.Context(), review("one", 1)))
	until(t, "the first change arrives", func() bool { return h.got() == "one" })
	stops[0]()
	if code := <-codes; code != 0 || !strings.HasSuffix(outs[0].String(), "stopping\n") {
		t.Errorf("exit code %d\n%s", code, outs[0].String())
	}
	must[*shop.Review](t)(db.Reviews.Insert(t.Context(), review("two", 1)))
	// The first change may come again: the one that sent it was stopped, perhaps before it
	// knew that it had arrived.
	until(t, "the other one goes on", func() bool { return strings.HasSuffix(h.got(), "one two") })

	base := address.FindString(outs[1].String())
	get := func(path string) (int, string) {
		resp, err := http.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode, string(must[[]byte](t)(io.ReadAll(resp.Body)))
	}
	if code, body := get("/healthz"); code != 200 || body != "ok\n" {
		t.Errorf("healthz: %d %s", code, body)
	}
	if code, body := get("/readyz"); code != 200 {
		t.Errorf("readyz: %d %s", code, body)
	}
	if code, body := get("/metrics"); code != 200 || !strings.Contains(body, "# TYPE s3db_replicator_lag_changes gauge\ns3db_replicator_lag_changes{target=\"webhook\"} ") {
		t.Errorf("metrics: %d %s", code, body)
	}
	h.set("", http.StatusInternalServerError)
	must[*shop.Review](t)(db.Reviews.Insert(t.Context(), review("three", 1)))
	until(t, "the failure is told", func() bool { return strings.Contains(outs[1].String(), "answers 500") })
	h.set("", 0)
	until(t, "the third change arrives", func() bool { return strings.HasSuffix(h.got(), "three") })
	stops[1]()
	if code := <-codes; code != 0 {
		t.Errorf("exit code %d\n%s", code, outs[1].String())
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestSecrets: they are copied when the configuration asks for them, encrypted anew, and
// printed nowhere.
func TestSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tax := canary.Value("tax")
	ada := must[*shop.User](t)(w.open("source").Users.Insert(t.Context(), shop.UserInsert{Name: "Ada", Email: "a@x.io", Password: "a long password", TaxNumber: new(s3db.NewSecret(tax))}))
	text := strings.Replace(toCopy, "[reviews]", "[users]", 1)
	w.write(text)
	if got := w.run(1, "--once"); !strings.Contains(got, "requires the attribute password, which is a secret") {
		t.Errorf("without secrets: %s", got)
	}
	w.write(text + "secrets: true\n")
	if got := w.run(2, "--once"); !strings.Contains(got, "S3D0011") {
		t.Errorf("without a key: %s", got)
	}
	key := base64Key()
	w.write(strings.Replace(text, "connectionString: world://copy", "connectionString: world://copy, keyId: k, key: "+key, 1) + "secrets: true\nencryption: {keyId: k, key: " + key + "}\n")
	out := w.run(0, "--once")
	if canary.Find([]byte(out)) != "" {
		t.Errorf("a secret is printed: %s", out)
	}
	got := must[*shop.User](t)(w.open("copy").Users.Get(t.Context(), ada.ID))
	if got.TaxNumber.Reveal() != tax {
		t.Error("the secret is another one")
	}
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if got := w.run(2); !strings.Contains(got, "name the configuration with -c") {
		t.Errorf("without a file: %s", got)
	}
	w.write(strings.Replace(toCopy, "driver: s3db", "driver: sqs", 1))
	if got := w.run(2, "test"); !strings.Contains(got, ":4:13: driver sqs is not linked [S3D0702]") && !strings.Contains(got, "driver sqs is not linked") {
		t.Errorf("a driver that is not linked: %s", got)
	}
	w.write(toCopy)
	if got := w.run(2, "--once"); !strings.Contains(got, "there is no database here") {
		t.Errorf("without a database: %s", got)
	}
	w.open("source")
	w.write(strings.Replace(toCopy, "[reviews]", "[revues]", 1))
	if got := w.run(2, "--once"); !strings.Contains(got, `the database has no resource "revues"`) {
		t.Errorf("an unknown resource: %s", got)
	}
	w.write(toCopy + "enabled: false\n")
	if got := w.run(0); !strings.Contains(got, "is not enabled") {
		t.Errorf("disabled: %s", got)
	}
}

func base64Key() string { return base64.StdEncoding.EncodeToString(canary.Key(1)) }
