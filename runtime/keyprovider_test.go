package s3db_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/canary"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/testdata/golden/secrets/secrets"
)

// localProvider is a provider that wraps with a key in memory, as a program could
// write one: AES-GCM under the master key, with the binding as additional data.
type localProvider struct {
	name            string
	master          byte
	made, unwrapped atomic.Int64
	refuse          atomic.Bool
	confuse         bool // answer with other bytes than were wrapped
}

var errLocal = errors.New("the provider is out of order")

func (p *localProvider) gcm() (cipher.AEAD, error) {
	block, err := aes.NewCipher(bytes.Repeat([]byte{p.master}, 32))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func (p *localProvider) Name() string { return p.name }

func bindingBytes(binding map[string]string) []byte { return []byte(binding["s3dbgen:database"]) }

func (p *localProvider) NewKey(_ context.Context, binding map[string]string) (key, wrapped []byte, err error) {
	if p.refuse.Load() {
		return nil, nil, errLocal
	}
	p.made.Add(1)
	key = make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, nil, err
	}
	copy(key, canary.Mark)
	gcm, err := p.gcm()
	if err != nil {
		return nil, nil, err
	}
	return key, gcm.Seal(nil, nil, key, bindingBytes(binding)), nil
}

func (p *localProvider) Unwrap(_ context.Context, wrapped []byte, binding map[string]string) ([]byte, error) {
	if p.refuse.Load() {
		return nil, errLocal
	}
	p.unwrapped.Add(1)
	gcm, err := p.gcm()
	if err != nil {
		return nil, err
	}
	key, err := gcm.Open(nil, nil, wrapped, bindingBytes(binding))
	if err == nil && p.confuse {
		key[0]++
	}
	return key, err
}

// TestKeyProvider: a data key is made once for a database, unwrapped once for each
// Open, and its plain form is nowhere in the store.
func TestKeyProvider(t *testing.T) {
	store := memstore.New()
	p := &localProvider{name: "local", master: 1}
	db := openVaults(t, store, s3db.WithKeyProvider(p))
	for _, id := range []secrets.VaultID{"a", "b"} {
		if _, err := db.Vaults.Insert(t.Context(), vault(id)); err != nil {
			t.Fatal(err)
		}
	}
	if p.made.Load() != 1 || p.unwrapped.Load() != 0 {
		t.Errorf("%d keys made, %d unwrapped", p.made.Load(), p.unwrapped.Load())
	}
	again := openVaults(t, store, s3db.WithKeyProvider(p))
	for range 10 {
		if d, err := again.Vaults.Get(t.Context(), "a"); err != nil || d.Plain.Reveal() != needle {
			t.Fatal(err)
		}
	}
	if p.made.Load() != 1 || p.unwrapped.Load() != 1 {
		t.Errorf("%d keys made, %d unwrapped", p.made.Load(), p.unwrapped.Load())
	}
	if _, err := secrets.New(t.Context(), store, s3db.WithKeyProvider(&localProvider{name: "another", master: 2}), cheapPasswords()); !errors.Is(err, s3db.ErrConfig) {
		t.Errorf("another provider: %v", err)
	}
}

// TestKeyProviderFails: a provider that does not answer, that answers with
// another key, or whose wrapped key came from elsewhere, ends Open.
func TestKeyProviderFails(t *testing.T) {
	store := memstore.New()
	p := &localProvider{name: "local", master: 1}
	broken := &localProvider{name: "local", master: 1}
	broken.refuse.Store(true)
	refused := func(what string, store s3db.Store, p s3db.KeyProvider) {
		t.Helper()
		_, err := secrets.New(t.Context(), store, s3db.WithKeyProvider(p), cheapPasswords())
		if !errors.Is(err, s3db.ErrKeyProvider) {
			t.Errorf("%s: %v", what, err)
		}
	}
	refused("no answer to the first Open", store, broken)
	if n := store.Counts().Put; n != 0 {
		t.Errorf("%d writes without a key", n)
	}
	openVaults(t, store, s3db.WithKeyProvider(p))
	refused("no answer", store, broken)
	refused("another master key", store, &localProvider{name: "local", master: 2})
	refused("another data key", store, &localProvider{name: "local", master: 1, confuse: true})

	// The wrapped key of one database in the registry of another.
	elsewhere := memstore.New()
	openVaults(t, elsewhere, s3db.WithKeyProvider(p))
	stolen, err := store.Get(t.Context(), "s3db.json")
	if err != nil {
		t.Fatal(err)
	}
	own, err := elsewhere.Get(t.Context(), "s3db.json")
	if err != nil {
		t.Fatal(err)
	}
	id := func(body []byte) string {
		_, rest, _ := strings.Cut(string(body), `"database": "`)
		return rest[:strings.IndexByte(rest, '"')]
	}
	body := strings.Replace(string(stolen.Body), id(stolen.Body), id(own.Body), 1)
	if _, err := elsewhere.Put(t.Context(), "s3db.json", []byte(body), nil, s3db.Condition{}); err != nil {
		t.Fatal(err)
	}
	refused("moved from another database", elsewhere, p)

	for _, name := range []string{"", "line\nbreak", strings.Repeat("x", 256)} {
		if _, err := secrets.New(t.Context(), memstore.New(), s3db.WithKeyProvider(&localProvider{name: name})); !errors.Is(err, s3db.ErrConfig) {
			t.Errorf("name %q: %v", name, err)
		}
	}
	if _, err := secrets.New(t.Context(), memstore.New(), s3db.WithKeyProvider(nil)); !errors.Is(err, s3db.ErrConfig) {
		t.Errorf("no provider: %v", err)
	}
}

// TestKeyProviderRaces: programs that open a new database at once agree on one
// data key.
func TestKeyProviderRaces(t *testing.T) {
	server := memstore.NewServer(memstore.Options{})
	p := &localProvider{name: "local", master: 1}
	var wg sync.WaitGroup
	dbs := make([]*secrets.DB, 8)
	for i := range dbs {
		wg.Go(func() { dbs[i] = openVaults(t, server.Client(), s3db.WithKeyProvider(p)) })
	}
	wg.Wait()
	for i, db := range dbs {
		if _, err := db.Vaults.Insert(t.Context(), vault(secrets.VaultID("v"+string(rune('a'+i))))); err != nil {
			t.Fatal(err)
		}
	}
	report := rotate(t, openTool(t, server.Client(), s3db.WithKeyProvider(p)), s3db.RotateOptions{DryRun: true})
	if len(report.Keys) != 1 || report.Keys[0].Documents != len(dbs) {
		t.Errorf("keys in use: %+v", report.Keys)
	}
}

// TestRotateDataKey: a new data key is made, all secrets move to it, the old one
// is dropped, and programs that run meanwhile go on with it by themselves.
func TestRotateDataKey(t *testing.T) {
	ctx := t.Context()
	server := memstore.NewServer(memstore.Options{})
	p := &localProvider{name: "local", master: 1}
	store := server.Client()
	running := openVaults(t, store, s3db.WithKeyProvider(p))
	in := vault("a")
	in.Tenant, in.Owner = new("t"), new("o@example.com")
	if _, err := running.Vaults.Insert(ctx, in); err != nil {
		t.Fatal(err)
	}
	tool := openTool(t, server.Client(), s3db.WithKeyProvider(p))
	before := rotate(t, tool, s3db.RotateOptions{DryRun: true})
	old := before.Keys[0].ID
	report := rotate(t, tool, s3db.RotateOptions{NewKey: true, Drop: old})
	if report.Rotated != 1 || report.Dropped != old || len(report.Keys) != 1 || report.Keys[0].ID == old || report.Keys[0].Secrets != 12 {
		t.Errorf("report: %+v", report)
	}
	counts := store.Counts()
	for range 3 {
		if d, err := running.Vaults.Get(ctx, "a"); err != nil || d.Plain.Reveal() != needle {
			t.Fatalf("a program that runs meets the new key: %v", err)
		}
	}
	if n := store.Counts().Sub(counts).Get; n != 4 { // one of them for the registry
		t.Errorf("%d requests for 3 reads", n)
	}
	if _, err := running.Vaults.Insert(ctx, vault("b")); err != nil {
		t.Fatal(err)
	}
	report = rotate(t, openTool(t, server.Client(), s3db.WithKeyProvider(p)), s3db.RotateOptions{DryRun: true})
	if len(report.Keys) != 1 || report.Keys[0].Secrets != 24 {
		t.Errorf("the program did not go on with the new key: %+v", report.Keys)
	}
	if d, err := openVaults(t, server.Client(), s3db.WithKeyProvider(p)).Vaults.ByOwner(ctx, "t", "o@example.com"); err != nil || d.ID != "a" {
		t.Errorf("lookup by a hashed value: %v", err)
	}

	// A forged key id costs one request, once.
	key, o := vaultObject(t, store, "a")
	metadata := maps.Clone(o.Metadata)
	metadata["1"] = "AQRmYWtl" + strings.Repeat("A", 60)
	if _, err := store.Put(ctx, key, o.Body, metadata, s3db.Condition{}); err != nil {
		t.Fatal(err)
	}
	counts = store.Counts()
	for range 3 {
		if _, err := running.Vaults.Get(ctx, "a"); !errors.Is(err, s3db.ErrDecrypt) || !strings.Contains(err.Error(), `"fake"`) {
			t.Errorf("a forged key id: %v", err)
		}
	}
	if n := store.Counts().Sub(counts).Get; n != 4 {
		t.Errorf("%d requests for 3 reads of a forged key id", n)
	}

	if _, err := openTool(t, server.Client(), s3db.WithKeyProvider(p)).Rotate(ctx, s3db.RotateOptions{NewKey: true, DryRun: true}); !errors.Is(err, s3db.ErrConfig) {
		t.Errorf("a new key in a dry run: %v", err)
	}
}

// TestRotateToAnotherProvider moves a database from a passphrase to a provider and
// from there to another master key.
func TestRotateToAnotherProvider(t *testing.T) {
	server := rotationStore(t)
	before := contents(t, openVaults(t, server.Client(), key("old", 1)))
	first, second := &localProvider{name: "first", master: 1}, &localProvider{name: "second", master: 2}
	if _, err := openTool(t, server.Client(), key("old", 1)).Rotate(t.Context(), s3db.RotateOptions{NewKey: true}); !errors.Is(err, s3db.ErrConfig) || !strings.Contains(err.Error(), "WithKeyProvider") {
		t.Errorf("a new key without a provider: %v", err)
	}
	rotate(t, openTool(t, server.Client(), s3db.WithKeyProvider(first), key("old", 1)), s3db.RotateOptions{Drop: "old"})
	tool := openTool(t, server.Client(), s3db.WithKeyProvider(second), s3db.WithKeyProvider(first))
	report := rotate(t, tool, s3db.RotateOptions{})
	for _, u := range report.Keys {
		if !u.Active {
			rotate(t, tool, s3db.RotateOptions{Drop: u.ID})
		}
	}
	now := openVaults(t, server.Client(), s3db.WithKeyProvider(second))
	after := contents(t, now)
	for name, text := range before {
		if after[name] != text {
			t.Errorf("%s changed", name)
		}
	}
}
