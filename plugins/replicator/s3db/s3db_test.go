package s3db_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/canary"
	"github.com/s3dbgen/s3dbgen/internal/leaktest"
	"github.com/s3dbgen/s3dbgen/internal/testserver"
	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	target "github.com/s3dbgen/s3dbgen/plugins/replicator/s3db"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/targettest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/boltstore"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/runtime/s3store"
)

var server testserver.Shared

func TestMain(m *testing.M) {
	leaktest.Tests{M: m, Then: []func(){server.Close}}.Main()
}

// place is a database in memory that outlives its targets.
type place struct {
	store    s3db.Store
	key      s3db.Option
	observed func(s3db.Request)
}

func newPlace() *place {
	return &place{store: memstore.New(), key: s3db.WithKey("copy", canary.Key(1))}
}

// driver opens the place for every URL of its scheme. Closing a target leaves it.
func (p *place) driver() s3db.Driver {
	return s3db.Driver{Schemes: []string{"place"}, Open: func(context.Context, s3db.DriverRequest) (s3db.Store, string, error) {
		return kept{p.store}, "", nil
	}}
}

type kept struct{ s3db.Store }

func (kept) Close() error { return nil }

func (p *place) open(t *testing.T, reveal bool) *target.Target {
	t.Helper()
	c := target.Config{URL: "place://x", Drivers: []s3db.Driver{p.driver()}, Reveal: reveal}
	if reveal {
		c.Options = append(c.Options, p.key)
	}
	if p.observed != nil {
		c.Options = append(c.Options, s3db.WithRequestObserver(p.observed))
	}
	opened, err := target.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	return opened
}

// Open implements [targettest.Place]. The suite describes a resource without a registry.
func (p *place) Open(t *testing.T) replicator.Target { return described{p.open(t, false)} }

type described struct{ *target.Target }

func (d described) Prepare(ctx context.Context, source replicator.Source) error {
	source.Resources = slices.Clone(source.Resources)
	for i := range source.Resources {
		source.Resources[i].Described = describe(source.Resources[i].Version)
	}
	return d.Target.Prepare(ctx, source)
}

// describe is what the registry would say of the suite's resource.
func describe(version int) s3db.DescribedResource {
	d := s3db.DescribedResource{Name: "accounts", Version: version}
	var hashes []string
	for v := range version + 1 {
		shape, _ := json.Marshal(struct {
			Resource string                 `json:"resource"`
			Fields   []replicator.Attribute `json:"fields"`
		}{"accounts", targettest.Accounts(v).Attributes})
		sum := sha256.Sum256(shape)
		hashes = append(hashes, fmt.Sprintf("%q", hex.EncodeToString(sum[:])))
		d.Versions = append(d.Versions, s3db.DescribedVersion{Version: v, Schema: string(shape), Hash: hex.EncodeToString(sum[:])})
	}
	d.Settings = fmt.Sprintf(`{"behavior":"body-overflow","timestamps":true,"id":{"generator":"nanoid","size":22,"charset":"any"},"hashes":[%s]}`, strings.Join(hashes, ","))
	return d
}

// read opens the copy as any program would.
func (p *place) read(t *testing.T, reveal bool) *dynamic.Database {
	t.Helper()
	var options []s3db.Option
	if reveal {
		options = append(options, p.key)
	}
	db, err := dynamic.Open(t.Context(), "place://x", dynamic.Config{Drivers: []s3db.Driver{p.driver()}, Reveal: reveal}, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// Documents implements [targettest.Place].
func (p *place) Documents(t *testing.T, resource string) map[string]json.RawMessage {
	t.Helper()
	r, err := p.read(t, false).Resource(resource)
	if err != nil {
		t.Fatal(err)
	}
	docs := map[string]json.RawMessage{}
	for d, err := range r.Query().All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if docs[d.ID], err = d.MarshalJSON(); err != nil {
			t.Fatal(err)
		}
	}
	return docs
}

// Poison implements [targettest.Place].
func (p *place) Poison(c *replicator.Change) bool {
	c.After = json.RawMessage(`{"id":"bad","name":5}`)
	return true
}

func TestTarget(t *testing.T) {
	targettest.Run(t, func(*testing.T) targettest.Place { return newPlace() })
}

// TestServer: the copy is in a bucket of a server.
func TestServer(t *testing.T) {
	targettest.Run(t, func(t *testing.T) targettest.Place {
		t.Helper()
		at := server.Get(t)
		store, err := s3store.New(t.Context(), s3store.Options{Bucket: at.Bucket(t), Endpoint: at.Endpoint, AccessKey: at.AccessKey, SecretKey: at.SecretKey})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		return &place{store: store, key: s3db.WithKey("copy", canary.Key(1))}
	})
}

// TestFile: a file can be opened once, also by a target that is prepared again.
func TestFile(t *testing.T) {
	t.Parallel()
	url := "file://" + filepath.Join(t.TempDir(), "copy.db")
	x, err := target.New(target.Config{URL: url, Drivers: []s3db.Driver{boltstore.Driver()}})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	for n := range 2 {
		if err := x.Test(t.Context()); err != nil {
			t.Fatal(err)
		}
		prepare(t, x, users(false))
		apply(t, x, change(uint64(n+1), replicator.Insert, "a", ""))
	}
}

const settings = `{"behavior":"body-overflow","timestamps":true,"id":{"generator":"nanoid","size":22,"charset":"any"},"immutable":["kind"]}`

// users has a unique email, a kind that only an insert sets, and a secret.
func users(secrets bool) replicator.Resource {
	r := replicator.Resource{
		Name: "users", Timestamps: true, Routes: []replicator.Route{{}},
		Described: s3db.DescribedResource{Name: "users", Settings: settings, Versions: []s3db.DescribedVersion{{Schema: `{"resource":"users","fields":[` +
			`{"number":1,"name":"email","type":"email","optional":true},{"number":2,"name":"kind","type":"string","optional":true},` +
			`{"number":3,"name":"token","type":"secret","optional":true,"items":{"type":"string"}}],` +
			`"uniques":[{"name":"email","fields":[{"path":"email"}]}],"partitions":[{"name":"byKind","fields":[{"path":"kind"}]}]}`}}},
	}
	described, err := replicator.Describe(&r.Described, secrets, r.Routes)
	if err != nil {
		return r
	}
	return described
}

func prepare(t *testing.T, x *target.Target, r replicator.Resource) {
	t.Helper()
	if err := x.Prepare(t.Context(), replicator.Source{Database: "db1", Name: "copy", Shards: 2, Resources: []replicator.Resource{r}}); err != nil {
		t.Fatal(err)
	}
}

func change(segment uint64, action replicator.Action, id, members string) replicator.Change {
	c := replicator.Change{
		Seq: replicator.Seq{Segment: segment}, Resource: "users", Action: action, ID: id, Revision: s3db.Revision(fmt.Sprint("r", segment)), Time: time.Now(),
	}
	if action != replicator.Delete {
		c.After = json.RawMessage(fmt.Sprintf(`{"id":%q%s,"createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-02T00:00:00Z"}`, id, members))
	}
	return c
}

func apply(t *testing.T, x *target.Target, changes ...replicator.Change) {
	t.Helper()
	rejected, err := x.Apply(t.Context(), changes)
	if err != nil || rejected != nil {
		t.Fatal(rejected, err)
	}
}

// keys are those of the objects that the place has.
func (p *place) keys(t *testing.T, prefix string) []string {
	t.Helper()
	page, err := p.store.List(t.Context(), s3db.ListRequest{Prefix: prefix})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, item := range page.Items {
		keys = append(keys, item.Key)
	}
	return keys
}

func (p *place) want(t *testing.T, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	for id, d := range p.Documents(t, "users") {
		got[id] = strings.ReplaceAll(string(d), `,"createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-02T00:00:00Z"`, "")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
}

// TestSecrets: they are left out, or encrypted anew with the key of the copy, and never
// in the clear in its objects.
func TestSecrets(t *testing.T) {
	t.Parallel()
	secret := canary.Value("token")
	for _, asked := range []bool{false, true} {
		p := newPlace()
		x := p.open(t, asked)
		prepare(t, x, users(asked))
		members := ""
		if asked {
			members = `,"token":"` + secret + `"`
		}
		apply(t, x, change(1, replicator.Insert, "a", members))
		for _, key := range p.keys(t, "") {
			obj, err := p.store.Get(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			if found := canary.Find([]byte(fmt.Sprint(string(obj.Body), obj.Metadata, key))); found != "" {
				t.Errorf("%s has the secret %s", key, found)
			}
		}
		if !asked {
			p.want(t, map[string]string{"a": `{"id":"a"}`})
			continue
		}
		r, err := p.read(t, true).Resource("users")
		if err != nil {
			t.Fatal(err)
		}
		d, err := r.Get(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		s, _ := d.Values["token"].(dynamic.Secret)
		if v, ok := s.Value(); !ok || v != secret || s.Key() != "copy" {
			t.Errorf("the secret of the copy: %v, key %q", ok, s.Key())
		}
	}
}

// TestRequiredSecret: documents without a required attribute cannot be written, so the
// mistake is told when the target is prepared.
func TestRequiredSecret(t *testing.T) {
	t.Parallel()
	r := users(false)
	r.Described.Versions[0].Schema = strings.Replace(r.Described.Versions[0].Schema, `"type":"secret","optional":true`, `"type":"secret"`, 1)
	x := newPlace().open(t, false)
	err := x.Prepare(t.Context(), replicator.Source{Database: "db1", Name: "copy", Resources: []replicator.Resource{r}})
	if !errors.Is(err, s3db.ErrConfig) || !strings.Contains(fmt.Sprint(err), "resource users requires the attribute token, which is a secret") {
		t.Error(err)
	}
}

// TestUnique: a value that moves from one document to another arrives, in whatever order
// the changes of the two do.
func TestUnique(t *testing.T) {
	t.Parallel()
	p := newPlace()
	x := p.open(t, false)
	prepare(t, x, users(false))
	apply(t, x, change(1, replicator.Insert, "a", `,"email":"x@x.io"`))
	// In one batch, the taker first.
	apply(t, x, change(3, replicator.Insert, "b", `,"email":"x@x.io"`), change(4, replicator.Update, "a", `,"email":"y@x.io"`))
	p.want(t, map[string]string{"a": `{"id":"a","email":"y@x.io"}`, "b": `{"id":"b","email":"x@x.io"}`})
	// In different shards: the taker waits, without a rejection.
	taker, giver := change(6, replicator.Insert, "c", `,"email":"y@x.io"`), change(5, replicator.Delete, "a", "")
	taker.Shard = 1
	if rejected, err := x.Apply(t.Context(), []replicator.Change{taker}); !errors.Is(err, s3db.ErrUnique) || rejected != nil {
		t.Errorf("the taker: %v, %v", rejected, err)
	}
	apply(t, x, giver)
	apply(t, x, taker)
	p.want(t, map[string]string{"b": `{"id":"b","email":"x@x.io"}`, "c": `{"id":"c","email":"y@x.io"}`})
	// When nobody gives it up for long, the change is rejected.
	stuck := change(7, replicator.Insert, "d", `,"email":"y@x.io"`)
	for n := 0; ; n++ {
		rejected, err := x.Apply(t.Context(), []replicator.Change{stuck, change(8, replicator.Insert, "e", "")})
		if err == nil {
			if len(rejected) != 1 || rejected[0].Index != 0 || n != 20 {
				t.Errorf("after %d failures: %v", n, rejected)
			}
			break
		}
		if n > 50 {
			t.Fatal("it is never rejected")
		}
	}
	p.want(t, map[string]string{"b": `{"id":"b","email":"x@x.io"}`, "c": `{"id":"c","email":"y@x.io"}`, "e": `{"id":"e"}`})
}

// TestMadeAnew: a document that was deleted and made anew has another value in an
// attribute that only an insert sets; a snapshot does not tell of the delete.
func TestMadeAnew(t *testing.T) {
	t.Parallel()
	p := newPlace()
	x := p.open(t, false)
	prepare(t, x, users(false))
	apply(t, x, change(1, replicator.Insert, "a", `,"kind":"one"`))
	snapshot := change(2, replicator.Insert, "a", `,"kind":"two"`)
	snapshot.Snapshot = true
	apply(t, x, snapshot)
	p.want(t, map[string]string{"a": `{"id":"a","kind":"two"}`})
	apply(t, x, change(1, replicator.Insert, "a", `,"kind":"one"`))
	apply(t, x, change(3, replicator.Update, "a", `,"kind":"two","email":"a@x.io"`))
	p.want(t, map[string]string{"a": `{"id":"a","email":"a@x.io","kind":"two"}`})
	// The copy has the entries of partitions and claims of any database.
	db := p.read(t, false)
	report, err := db.Fsck(t.Context(), s3db.FsckOptions{})
	if err != nil || !report.Clean() {
		t.Errorf("fsck: %+v, %v", report, err)
	}
}

// TestZombie: many processes apply the same history at once, each from another place on
// and some of it again; the last change wins, for documents and for deletes.
func TestZombie(t *testing.T) {
	t.Parallel()
	for seed := range 20 {
		p := newPlace()
		prepare(t, p.open(t, false), users(false))
		var history []replicator.Change
		for n := range 9 {
			action := replicator.Update
			if n%3 == 2 {
				action = replicator.Delete
			}
			history = append(history, change(uint64(n+1), action, "a", fmt.Sprintf(`,"email":"n%d@x.io"`, n)))
		}
		last := 8 - seed%3
		history = history[:last+1]
		var running sync.WaitGroup
		for worker := range 4 {
			x := p.open(t, false)
			prepare(t, x, users(false))
			running.Go(func() {
				for i := range history {
					c := history[(i*(worker+1)+seed)%len(history)]
					if _, err := x.Apply(t.Context(), []replicator.Change{c}); err != nil {
						t.Errorf("apply: %v", err)
					}
				}
				if _, err := x.Apply(t.Context(), history[last:]); err != nil {
					t.Errorf("apply: %v", err)
				}
			})
		}
		running.Wait()
		want := map[string]string{}
		if last%3 != 2 {
			want["a"] = fmt.Sprintf(`{"id":"a","email":"n%d@x.io"}`, last)
		}
		p.want(t, want)
	}
}

// TestLateInsert: the tombstone of a deleted document has been removed, and an older insert
// comes late.
func TestLateInsert(t *testing.T) {
	t.Parallel()
	p := newPlace()
	x := p.open(t, false)
	prepare(t, x, users(false))
	apply(t, x, change(1, replicator.Insert, "a", ""), change(5, replicator.Delete, "a", ""))
	apply(t, x, change(5, replicator.Delete, "b", ""))
	if err := p.store.DeleteMany(t.Context(), p.keys(t, "resource=users/data/")); err != nil {
		t.Fatal(err)
	}
	apply(t, x, change(4, replicator.Insert, "a", ""), change(4, replicator.Insert, "b", ""))
	p.want(t, map[string]string{})
	apply(t, x, change(6, replicator.Insert, "a", ""))
	p.want(t, map[string]string{"a": `{"id":"a"}`})
}

// TestRequests is what a change costs at the copy.
func TestRequests(t *testing.T) {
	t.Parallel()
	p := newPlace()
	var mu sync.Mutex
	var requests []string
	p.observed = func(r s3db.Request) {
		mu.Lock()
		defer mu.Unlock()
		requests = append(requests, fmt.Sprint(r.Kind, " ", r.Key))
	}
	x := p.open(t, false)
	prepare(t, x, users(false))
	for _, test := range []struct {
		name string
		c    replicator.Change
		want int
	}{
		{"insert", change(1, replicator.Insert, "a", ""), 3},  // position of a delete; position, document
		{"update", change(2, replicator.Update, "a", ""), 5},  // document, position; position, document; old position
		{"again", change(2, replicator.Update, "a", ""), 2},   // document, position
		{"delete", change(3, replicator.Delete, "a", ""), 6},  // document, position; position of the delete read and put; document; old position
		{"deleted", change(3, replicator.Delete, "a", ""), 2}, // document; position
	} {
		requests = nil
		apply(t, x, test.c)
		if len(requests) != test.want {
			t.Errorf("%s: %d requests, want %d: %v", test.name, len(requests), test.want, requests)
		}
	}
	if left := p.keys(t, "plugin="); len(left) != 1 || !strings.HasSuffix(left[0], "/gone") {
		t.Errorf("left: %v", left)
	}
}

func TestItself(t *testing.T) {
	t.Parallel()
	p := newPlace()
	prepare(t, p.open(t, false), users(false))
	id := p.read(t, false).Describe().ID
	err := p.open(t, false).Prepare(t.Context(), replicator.Source{Database: id, Name: "copy", Resources: []replicator.Resource{users(false)}})
	if !errors.Is(err, s3db.ErrConfig) || !strings.Contains(fmt.Sprint(err), "copy of itself") {
		t.Error(err)
	}
}
