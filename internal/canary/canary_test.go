package canary_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/s3dbgen/s3dbgen/internal/canary"
	"github.com/s3dbgen/s3dbgen/internal/testserver"
	"github.com/s3dbgen/s3dbgen/plugins/costs"
	"github.com/s3dbgen/s3dbgen/plugins/metrics"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/boltstore"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/runtime/s3store"
	"github.com/s3dbgen/s3dbgen/testdata/golden/secrets/secrets"
)

var server testserver.Shared

func TestMain(m *testing.M) {
	defer server.Close()
	m.Run()
}

// diary is all that a program could print: each value in every way that fmt,
// encoding/json and slog have.
type diary struct {
	mu   sync.Mutex
	text bytes.Buffer
	log  *slog.Logger
}

func newDiary() *diary {
	d := &diary{}
	d.log = slog.New(slog.NewMultiHandler(slog.NewTextHandler(&d.text, nil), slog.NewJSONHandler(&d.text, nil)))
	return d
}

func (d *diary) write(what string, values ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, v := range values {
		fmt.Fprintf(&d.text, "%s: %v\n%+v\n%#v\n%s\n%q\n%x\n", what, v, v, v, v, v, v)
		d.log.Info(what, "value", v, slog.Group("group", "value", v), "list", []any{v})
		if data, err := json.Marshal(v); err == nil {
			d.text.Write(data)
		}
		if err, ok := v.(error); ok {
			for e := err; e != nil; e = errors.Unwrap(e) {
				fmt.Fprintf(&d.text, "%T %v %#v\n", e, e, e)
			}
			fmt.Fprintln(&d.text, fmt.Errorf("wrapped: %w", err), errors.Join(err, err))
		}
	}
}

func vault(id secrets.VaultID) secrets.VaultInsert {
	c := canary.Value
	return secrets.VaultInsert{
		ID: id, Plain: s3db.NewSecret(c("plain")), Optional: new(s3db.NewSecret(c("optional"))), Generated: new(s3db.NewSecret(c("generated"))),
		Password: s3db.Password(c("password")), Backup: new(s3db.Password(c("backup"))), Phrase: s3db.Password(c("phrase-1")), Recovery: s3db.Password(c("recovery")),
		Number: s3db.NewSecret(int64(1)), Card: new(s3db.NewSecret(secrets.VaultCard{Number: "4111", Expires: s3db.Date{Year: 2030, Month: time.May, Day: 31}})),
		Words: s3db.NewSecret([]string{c("word"), "x"}), Blob: new(s3db.NewSecret([]byte(c("blob")))),
		Settings: secrets.VaultSettings{Key: s3db.NewSecret(c("key")), Hint: new(s3db.NewSecret(c("hint")))}, Seed: s3db.NewSecret(c("seed")), Token: new(s3db.NewSecret(c("token"))),
	}
}

func safe(id secrets.SafeID) secrets.SafeInsert {
	c := canary.Value
	return secrets.SafeInsert{
		ID: id, Label: "label", A: s3db.NewSecret(c("a")), B: s3db.NewSecret(c("b") + strings.Repeat(" long", 600)), C: s3db.NewSecret(1.5), D: s3db.NewSecret(int64(1)), E: s3db.NewSecret(true),
		F: s3db.NewSecret(s3db.Date{Year: 1999, Month: time.May, Day: 31}), G: s3db.NewSecret(time.Unix(1, 0).UTC()), H: s3db.NewSecret(time.Second), I: s3db.NewSecret(uuid.Max),
		J: s3db.NewSecret(canary.Mark + "@example.com"), K: s3db.NewSecret("https://example.com/" + c("k")), N: s3db.NewSecret(secrets.SafeNLow),
		L: s3db.NewSecret(netip.MustParseAddr("127.0.0.1")), M: s3db.NewSecret(netip.MustParseAddr("::1")), O: s3db.NewSecret([]byte(c("o"))), P: s3db.NewSecret(decimal.New(1, 0)),
		Q: s3db.NewSecret(json.RawMessage(`{"q":"` + c("q") + `"}`)), R: s3db.NewSecret(map[string]string{c("r"): c("r")}), S: s3db.NewSecret(map[string]any{"s": c("s")}),
	}
}

// options open with a passphrase and a key that are canaries, and print every
// request.
func options(d *diary, first ...s3db.Option) []s3db.Option {
	return append(first,
		s3db.WithPassphrase(canary.Value("passphrase")), s3db.WithKey("raw", canary.Key(1)),
		s3db.WithPasswordParams(s3db.PasswordParams{Memory: 8, Time: 1, Threads: 1}),
		s3db.WithRequestObserver(func(r s3db.Request) { d.write("request", r) }))
}

// live takes documents with secrets through their life, with the failures that
// can meet them, and prints whatever a program gets to see. Values that a program
// asks for with Reveal are its own to keep.
func live(t *testing.T, store s3db.Store, d *diary) {
	t.Helper()
	ctx := t.Context()
	numbers, spent := metrics.New(metrics.Options{}), &costs.Plugin{}
	subscriber := s3db.WithSubscriber(func(_ context.Context, e s3db.DatabaseEvent) {
		d.write("database event", e, e.Document, e.Before, e.Err)
	})
	db, err := secrets.New(ctx, store, options(d, s3db.WithPlugin(numbers, spent), subscriber)...)
	if err != nil {
		t.Fatal(err)
	}
	d.write("database", db, *db)
	defer watchEvents(db, d)()
	defer db.Vaults.OnExceedsLimit(func(_ context.Context, e s3db.ExceedsLimit[secrets.Vault]) { d.write("event", e, &e) })()
	defer db.Safes.OnExceedsLimit(func(_ context.Context, e s3db.ExceedsLimit[secrets.Safe]) { d.write("event", e, &e) })()
	both := func(what string, v any, err error) {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		d.write(what, v)
	}
	fails := func(what string, err error) {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
		d.write(what, err)
	}
	in, other := vault("a"), safe("s")
	d.write("input", in, &in, other)
	v, err := db.Vaults.Insert(ctx, in)
	both("insert", v, err)
	s, err := db.Safes.Insert(ctx, other)
	both("insert", s, err)
	_, err = db.Vaults.Insert(ctx, in)
	fails("insert again", err)
	v, err = db.Vaults.Get(ctx, "a")
	both("get", v, err)
	list, err := db.Vaults.GetMany(ctx, "a", "none")
	fails("get many", err)
	d.write("get many", list)
	patch := secrets.VaultPatch{Plain: s3db.Set(s3db.NewSecret(canary.Value("patched"))), Password: s3db.Set(s3db.Password(canary.Value("patched")))}
	d.write("patch", patch)
	held, err := db.Vaults.Update(ctx, "a", patch)
	both("update", held, err)
	_, err = db.Vaults.Update(ctx, "a", patch, s3db.IfMatch(v.Meta.Revision))
	fails("conflict", err)
	v, err = db.Vaults.UpdateFrom(ctx, held, secrets.VaultPatch{Optional: s3db.Set(s3db.NewSecret(canary.Value("from")))})
	both("update from", v, err)
	v, err = db.Vaults.UpdateFunc(ctx, "a", func(v *secrets.Vault) (secrets.VaultPatch, error) {
		d.write("update func", v)
		return secrets.VaultPatch{Words: s3db.Set(s3db.NewSecret([]string{canary.Value("func")}))}, nil
	})
	both("update func", v, err)
	v, err = db.Vaults.Upsert(ctx, "b", vault(""))
	both("upsert", v, err)
	v, err = db.Vaults.Replace(ctx, "a", vault(""))
	both("replace", v, err)
	d.write("password", v.Password.Verify(s3db.Password(canary.Value("password"))), v.Password)

	short := vault("c")
	short.Card = new(s3db.NewSecret(secrets.VaultCard{Number: canary.Value("not-numeric")}))
	short.Phrase, short.Token = s3db.Password(canary.Mark[:1]), nil
	_, err = db.Vaults.Insert(ctx, short)
	fails("broken rules", err)
	mail := safe("t")
	mail.J, mail.K, mail.Q = s3db.NewSecret(canary.Value("no mail")), s3db.NewSecret(canary.Value("no url")), s3db.NewSecret(json.RawMessage(canary.Value("no json")))
	_, err = db.Safes.Insert(ctx, mail)
	fails("broken formats", err)
	var wrong struct {
		N s3db.Secret[int64]
		P s3db.PasswordHash
	}
	fails("JSON of another type", json.Unmarshal([]byte(`{"N":"`+canary.Value("json")+`"}`), &wrong))
	fails("JSON of no hash", json.Unmarshal([]byte(`{"P":"`+canary.Value("hash")+`"}`), &wrong))
	_, err = s3db.ParsePasswordHash(canary.Value("hash"))
	fails("no hash", err)

	// A secret that is found by its value.
	card := secrets.BadgeInsert{
		ID: "k", Site: "main", Code: s3db.NewSecret(canary.Value("code")), PIN: s3db.NewSecret(int64(1)),
		Holder: secrets.BadgeHolder{Name: "Ada", Tax: new(s3db.NewSecret(canary.Value("tax"))), Level: s3db.NewSecret(secrets.BadgeHolderLevelLow)},
	}
	k, err := db.Badges.Insert(ctx, card)
	both("unique secret", k, err)
	card.ID = "l"
	_, err = db.Badges.Insert(ctx, card)
	fails("the same unique secret", err)
	k, err = db.Badges.ByCode(ctx, canary.Value("code"))
	both("lookup", k, err)
	_, err = db.Badges.ByCode(ctx, canary.Value("none"))
	fails("lookup of nothing", err)
	where := secrets.BadgeWhere
	query := db.Badges.Query().Where(where.Code.In(canary.Value("code"), canary.Value("other")), where.Holder.Tax.Ne(canary.Value("x")))
	page, err := query.Page(ctx, 1)
	both("query", page, err)
	d.write("query", query, query.Plan(), query.Plan().String(), where.Code.Eq(canary.Value("code")))

	both("delete", nil, db.Vaults.Delete(ctx, "b"))
	_, err = secrets.New(ctx, store, s3db.WithPassphrase(canary.Value("wrong")))
	fails("wrong passphrase", err)
	_, err = secrets.New(ctx, store, s3db.WithKey("raw", canary.Key(1)[1:]))
	fails("short key", err)
	_, err = secrets.New(ctx, store, s3db.WithKey(canary.Mark[:3]+" id", canary.Key(1)))
	fails("bad id of a key", err)
	tamper(t, store)
	_, err = db.Safes.Get(ctx, "s")
	fails("tampered", err)
	report, err := db.Vaults.Database().Fsck(ctx, s3db.FsckOptions{Exclusive: true})
	both("fsck", report, err)
	tool, err := s3db.New(ctx, store, s3db.Config{Existing: true}, options(d, s3db.WithKey("next", canary.Key(2)))...)
	if err != nil {
		t.Fatal(err)
	}
	rotated, err := tool.Rotate(ctx, s3db.RotateOptions{})
	both("rotate", rotated, err)
	if rotated.Rotated != 2 || len(rotated.Failures) != 1 {
		t.Errorf("rotated %d, failed %d", rotated.Rotated, len(rotated.Failures))
	}
	if n := numbers.Totals(); len(n.Operations) == 0 {
		t.Error("the metrics have no operations")
	}
	d.write("metrics", numbers.Metrics(), numbers.Totals(), spent.Costs())
	both("flush of metrics", nil, numbers.Flush(ctx))
	func() {
		defer func() { d.write("panic", recover()) }()
		panic(fmt.Sprintf("%+v %+v", v, patch)) //nolint:forbidigo // what a program that panics prints is looked at
	}()
}

// watchEvents prints what subscribers, hooks and middleware of a program get to see.
func watchEvents(db *secrets.DB, d *diary) (remove func()) {
	one := func(what string) func(context.Context, *secrets.Vault) error {
		return func(_ context.Context, v *secrets.Vault) error { d.write(what, v); return nil }
	}
	two := func(what string) func(context.Context, *secrets.Vault, *secrets.Vault) error {
		return func(_ context.Context, old, v *secrets.Vault) error { d.write(what, old, v); return nil }
	}
	removes := []func(){
		db.Vaults.Hook(secrets.VaultHooks{
			BeforeInsert: one("before insert"), AfterInsert: one("after insert"), BeforeUpdate: two("before update"), AfterUpdate: two("after update"),
			BeforeDelete: one("before delete"), AfterDelete: one("after delete"), AfterGet: one("after get"),
		}),
		db.Badges.Hook(secrets.BadgeHooks{
			BeforeQuery: func(_ context.Context, q s3db.Query[secrets.Badge, secrets.BadgeID]) error {
				d.write("before query", q)
				return nil
			},
		}),
		db.Vaults.Subscribe(func(_ context.Context, e s3db.Event[secrets.Vault, secrets.VaultID]) {
			d.write("event", e, e.Document, e.Before, e.Err)
		}).Cancel,
		db.Badges.Subscribe(func(_ context.Context, e s3db.Event[secrets.Badge, secrets.BadgeID]) {
			d.write("event", e, e.Document, e.Before, e.Err)
		}).Cancel,
		db.Database().Use(func(ctx context.Context, call s3db.AnyCall, next func(context.Context) (any, error)) (any, error) {
			result, err := next(ctx)
			d.write("call", call.Resource(), call.Method(), call.ID(), result, err)
			return result, err
		}),
	}
	return func() {
		for _, remove := range removes {
			remove()
		}
	}
}

// tamper changes a secret of the safe.
func tamper(t *testing.T, store s3db.Store) {
	t.Helper()
	const key = "resource=safes/data/id=s"
	o, err := store.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	metadata := maps.Clone(o.Metadata)
	metadata["5"] = strings.ToLower(metadata["5"])
	if _, err := store.Put(t.Context(), key, o.Body, metadata, s3db.Condition{}); err != nil {
		t.Fatal(err)
	}
}

// watch makes a store that fails the test when a canary is sent.
func watch(t *testing.T, store s3db.Store) s3db.Store {
	return &canary.Store{Store: store, Leak: func(where, how string) { t.Errorf("%s holds a secret %s", where, how) }}
}

func (d *diary) check(t *testing.T) {
	t.Helper()
	if d.text.Len() < 10_000 {
		t.Errorf("only %d bytes were printed", d.text.Len())
	}
	for line := range bytes.Lines(d.text.Bytes()) {
		if how := canary.Find(line); how != "" {
			t.Errorf("printed a secret %s: %.200q", how, line)
		}
	}
}

func TestMemory(t *testing.T) {
	srv, d := memstore.NewServer(memstore.Options{}), newDiary()
	canary.SearchStore(t, srv.Client())
	live(t, watch(t, srv.Client()), d)
	d.check(t)
}

func TestFile(t *testing.T) {
	d := newDiary()
	store, err := boltstore.Open(t.Context(), filepath.Join(canary.TempDir(t), "shop.db"), boltstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	live(t, watch(t, store), d)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	d.check(t)
}

// TestServer looks at every byte that goes to an S3 server: request lines,
// headers with the signature, and bodies.
func TestServer(t *testing.T) {
	s := server.Get(t)
	d := newDiary()
	wire := &diary{}
	upstream, err := url.Parse(s.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		dump, err := httputil.DumpRequest(r.In, true)
		if err != nil {
			t.Error(err)
		}
		wire.mu.Lock()
		wire.text.Write(append(dump, '\n'))
		wire.mu.Unlock()
		r.Out.Body = r.In.Body // as DumpRequest left it
		r.SetURL(upstream)
		r.Out.Host = r.In.Host // it is signed
	}})
	defer proxy.Close()
	if canary.Find([]byte(s.SecretKey)) == "" {
		t.Error("the credentials of the server are no canary")
	}
	at := strings.Replace(s.URL(t, "shop"), s.Endpoint, proxy.URL, 1)
	store, err := openS3(t, at)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	live(t, watch(t, store), d)
	d.check(t)
	wire.check(t)
}

// openS3 opens the store that a URL names, without a prefix.
func openS3(t *testing.T, text string) (s3db.Store, error) {
	t.Helper()
	u, err := s3db.ParseURL(text)
	if err != nil {
		return nil, err
	}
	store, _, err := s3store.Driver().Open(t.Context(), s3db.DriverRequest{URL: u})
	return store, err
}

// TestCredentials opens databases with credentials and URLs that cannot work.
func TestCredentials(t *testing.T) {
	d, wire := newDiary(), &diary{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		dump, err := httputil.DumpRequest(r, true)
		if err != nil {
			t.Error(err)
		}
		wire.mu.Lock()
		wire.text.Write(dump)
		wire.mu.Unlock()
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error>`))
	}))
	defer srv.Close()
	secret := canary.Value("credential")
	for _, at := range []string{
		"s3://AKIA:" + secret + "@bucket/shop?endpoint=" + srv.URL,
		"s3://AKIA:" + secret + "/with/slash@bucket/shop?endpoint=" + srv.URL,
		"s3://AKIA:" + secret + "@bucket/shop?endpoint=http://127.0.0.1:1",
		"s3://AKIA:" + secret + "%zz@bucket/shop",
		"s3://AKIA:" + secret + "@bucket/a//b?endpoint=" + srv.URL,
		"gs://AKIA:" + secret + "@bucket/shop",
		"s3://AKIA:" + secret + "@bucket/shop?endpoint=" + srv.URL + "&secret=" + secret,
		"s3:/AKIA:" + secret + "@bucket",
	} {
		db, err := s3db.Open(t.Context(), at, s3db.Config{Drivers: []s3db.Driver{s3store.Driver(), boltstore.Driver(), memstore.Driver()}},
			s3db.WithRetry(s3db.RetryPolicy{Requests: 1}), s3db.WithRequestObserver(func(r s3db.Request) { d.write("request", r) }))
		if err == nil {
			t.Fatalf("%d characters: opened %v", len(at), db)
		}
		d.write("open", err)
		if u, err := s3db.ParseURL(at); err == nil {
			d.write("URL", u, *u)
		}
	}
	d.check(t)
	if wire.text.Len() == 0 {
		t.Error("no request was sent")
	}
	if how := canary.Find(wire.text.Bytes()); how != "" {
		t.Errorf("a request holds the secret key %s", how)
	}
}

// TestFindsLeaks plants a leak of each kind: what finds none proves nothing.
func TestFindsLeaks(t *testing.T) {
	secret := canary.Value("planted")
	for _, shift := range []string{"", "x", "xy"} {
		text := []byte(shift + secret)
		for name, planted := range map[string]string{
			"plain": string(text), "base64": base64.StdEncoding.EncodeToString(text), "base64url": base64.RawURLEncoding.EncodeToString(text),
			"hex": hex.EncodeToString(text), "HEX": strings.ToUpper(hex.EncodeToString(text)), "URL": url.QueryEscape(string(text)), "JSON": fmt.Sprintf("%q", text),
			"bytes": fmt.Sprint(text), "bytes in hex": fmt.Sprintf("% x", text), "bytes of Go": fmt.Sprintf("%#v", text),
		} {
			if canary.Find([]byte("before "+planted+" after")) == "" {
				t.Errorf("%s after %q is not found", name, shift)
			}
		}
	}
	if how := canary.Find([]byte("a text without any, MAMMAL 1234")); how != "" {
		t.Errorf("found %s where there is none", how)
	}

	var mu sync.Mutex
	var found []string
	store := &canary.Store{Store: memstore.New(), Leak: func(where, how string) {
		mu.Lock()
		found = append(found, where+" "+how)
		mu.Unlock()
	}}
	ctx := t.Context()
	_, _ = store.Get(ctx, secret)
	_, _ = store.Head(ctx, secret)
	_, _ = store.Put(ctx, secret, nil, nil, s3db.Condition{})
	_, _ = store.Put(ctx, "k", []byte(base64.StdEncoding.EncodeToString([]byte(secret))), nil, s3db.Condition{})
	_, _ = store.Put(ctx, "k", nil, map[string]string{"1": secret}, s3db.Condition{})
	_ = store.Delete(ctx, secret, s3db.Condition{})
	_ = store.DeleteMany(ctx, []string{"k", secret})
	_, _ = store.List(ctx, s3db.ListRequest{Prefix: secret})
	_, _ = store.List(ctx, s3db.ListRequest{StartAfter: secret})
	for _, want := range []string{
		"key of get as it is", "key of head as it is", "key of put as it is", "body of put k in base64", "header 1 of put k as it is",
		"key of delete as it is", "key of delete many as it is", "list as it is",
	} {
		if !slices.ContainsFunc(found, func(s string) bool { return strings.HasPrefix(s, want) }) {
			t.Errorf("a leak in the %s is not found: %q", want, found)
		}
	}

	// A document whose secret went into an attribute that is none.
	leaky := newDiary()
	in := safe("s")
	in.Label = secret
	leaked := false
	db, err := secrets.New(ctx, &canary.Store{Store: memstore.New(), Leak: func(string, string) { leaked = true }}, options(leaky)...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Safes.Insert(ctx, in); err != nil || !leaked {
		t.Errorf("a secret in the label is not found: %v", err)
	}
	leaky.write("input", in)
	if canary.Find(leaky.text.Bytes()) == "" {
		t.Error("a secret in the label was printed and is not found")
	}
	end := &ending{TB: t}
	if err := os.WriteFile(filepath.Join(canary.TempDir(end), "x"), []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	full := memstore.New()
	canary.SearchStore(end, full)
	for i := range 1001 { // more than a page
		_, _ = full.Put(ctx, fmt.Sprintf("a%04d", i), []byte("x"), nil, s3db.Condition{})
	}
	_, _ = full.Put(ctx, "b", nil, map[string]string{"1": secret}, s3db.Condition{})
	end.run()
	if len(end.failures) != 2 || !strings.Contains(end.failures[0], "the object b holds") || !strings.Contains(end.failures[1], "x holds") {
		t.Errorf("secrets in a file and a store are not found: %q", end.failures)
	}
}

// ending is a test that ends when run is called, and notes its failures.
type ending struct {
	testing.TB
	cleanups []func()
	failures []string
}

func (e *ending) Cleanup(f func()) { e.cleanups = append(e.cleanups, f) }
func (e *ending) Errorf(format string, args ...any) {
	e.failures = append(e.failures, fmt.Sprintf(format, args...))
}

func (e *ending) run() {
	for _, f := range slices.Backward(e.cleanups) {
		f()
	}
}
