package s3db_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/testdata/golden/secrets/secrets"
)

// openTool opens a database as a command does, without generated code.
func openTool(t *testing.T, store s3db.Store, options ...s3db.Option) *s3db.Database {
	t.Helper()
	db, err := s3db.New(t.Context(), store, s3db.Config{Existing: true}, options...)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func rotate(t *testing.T, db *s3db.Database, o s3db.RotateOptions) *s3db.RotateReport {
	t.Helper()
	report, err := db.Rotate(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// rotationStore has documents under the key "old": in the metadata and in the
// body, with secrets of every type, in objects, with claims, unique, and a deleted one.
func rotationStore(t *testing.T) *memstore.Server {
	t.Helper()
	server := memstore.NewServer(memstore.Options{})
	db := openVaults(t, server.Client(), key("old", 1))
	for _, id := range []secrets.VaultID{"a", "b"} {
		in := vault(id)
		in.Tenant, in.Owner = new("t"), new(string(id)+"@example.com")
		if _, err := db.Vaults.Insert(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	small := vault("c")
	small.Card, small.Blob, small.Optional = nil, nil, nil
	if d, err := db.Vaults.Insert(t.Context(), small); err != nil || d.Meta.InBody {
		t.Fatal("the small document is not in the metadata", err)
	}
	if _, err := db.Safes.Insert(t.Context(), safe("s")); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Badges.Insert(t.Context(), badge("k")); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Safes.Insert(t.Context(), safe("gone")); err != nil {
		t.Fatal(err)
	}
	if err := db.Safes.Delete(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	return server
}

// contents reads all documents of a rotation store, with their revisions.
func contents(t *testing.T, db *secrets.DB) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, id := range []secrets.VaultID{"a", "b", "c"} {
		d, err := db.Vaults.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		optional := "-"
		if d.Blob != nil {
			optional = string(d.Blob.Reveal())
		}
		all["vaults/"+string(id)] = fmt.Sprint(d.Meta.Revision, d.Plain.Reveal(), d.Number.Reveal(), d.Words.Reveal(), d.Settings.Key.Reveal(), d.Settings.Hint.Reveal(), optional, d.Password.PHC())
	}
	d, err := db.Safes.Get(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	k, err := db.Badges.ByCode(t.Context(), needle+"-k")
	if err != nil {
		t.Fatal(err)
	}
	all["badges/k"] = fmt.Sprint(k.Meta.Revision, k.ID, k.Code.Reveal(), k.PIN.Reveal(), k.Serial.Reveal(), k.Holder.Tax.Reveal())
	all["safes/s"] = fmt.Sprint(d.Meta.Revision, d.Label, d.A.Reveal(), d.C.Reveal(), d.I.Reveal(), string(d.Q.Reveal()), d.S.Reveal())
	return all
}

// TestRotate: all secrets are under the new key afterwards, and nothing else has
// changed, for anybody.
func TestRotate(t *testing.T) {
	server := rotationStore(t)
	old := openVaults(t, server.Client(), key("old", 1))
	before := contents(t, old)
	_, was := vaultObject(t, server.Client(), "c")
	held, err := old.Vaults.Get(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	both := func() []s3db.Option { return []s3db.Option{key("new-key-with-a-longer-id", 2), key("old", 1)} }

	plan := rotate(t, openTool(t, server.Client(), both()...), s3db.RotateOptions{DryRun: true})
	want := &s3db.RotateReport{Documents: 5, Failures: []s3db.RotateFailure{}, Keys: []s3db.KeyUse{
		{ID: "new-key-with-a-longer-id", Active: true, Given: true},
		{ID: "old", Given: true, Documents: 5, Secrets: 57},
	}}
	if diff := cmp.Diff(want, plan); diff != "" {
		t.Errorf("dry run (-want +got):\n%s", diff)
	}
	want.Rotated, want.Keys[0].Documents, want.Keys[0].Secrets, want.Keys[1].Documents, want.Keys[1].Secrets = 5, 5, 57, 0, 0
	store := server.Client()
	tool := openTool(t, store, both()...)
	opened := store.Counts()
	report := rotate(t, tool, s3db.RotateOptions{})
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(memstore.Counts{Get: 1 + 5, Put: 5, List: 3}, store.Counts().Sub(opened)); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	// A document whose secrets are all in the metadata has another ETag too, or the
	// commit of a writer that read it before would undo the rotation.
	if _, now := vaultObject(t, server.Client(), "c"); now.ETag == was.ETag {
		t.Error("the ETag of a rotated document has not changed")
	}
	want.Rotated = 0
	if diff := cmp.Diff(want, rotate(t, tool, s3db.RotateOptions{})); diff != "" {
		t.Errorf("the second time (-want +got):\n%s", diff)
	}

	now := openVaults(t, server.Client(), key("new-key-with-a-longer-id", 2))
	if diff := cmp.Diff(before, contents(t, now)); diff != "" {
		t.Errorf("documents changed (-before +after):\n%s", diff)
	}
	// Who read a document before the rotation can still update that revision.
	if _, err := openVaults(t, server.Client(), both()...).Vaults.UpdateFrom(t.Context(), held, secrets.VaultPatch{Number: s3db.Set(s3db.NewSecret(int64(7)))}); err != nil {
		t.Errorf("a document that was read before the rotation: %v", err)
	}
	if _, err := now.Vaults.ByOwner(t.Context(), "t", "a@example.com"); err != nil {
		t.Errorf("lookup by a hashed value under the new key: %v", err)
	}
	fsck, err := now.Vaults.Database().Fsck(t.Context(), s3db.FsckOptions{})
	if err != nil || len(fsck.Findings) != 0 {
		t.Errorf("fsck: %+v, %v", fsck, err)
	}
}

// TestRotateDrop: a key goes when nothing needs it, and not before.
func TestRotateDrop(t *testing.T) {
	ctx := t.Context()
	server := rotationStore(t)
	both := openTool(t, server.Client(), key("new", 2), key("old", 1))
	refused := func(what string, db *s3db.Database, drop string, is error, says string) {
		t.Helper()
		report, err := db.Rotate(ctx, s3db.RotateOptions{Drop: drop})
		if !errors.Is(err, is) || !strings.Contains(err.Error(), says) || (report != nil && report.Dropped != "") {
			t.Errorf("%s: %+v, %v", what, report, err)
		}
	}
	refused("the active key", both, "new", s3db.ErrKeyInUse, "encrypts")
	refused("no such key", both, "odl", s3db.ErrConfig, `no key "odl"`)
	if _, err := both.Rotate(ctx, s3db.RotateOptions{Drop: "old", DryRun: true}); !errors.Is(err, s3db.ErrConfig) {
		t.Errorf("dry run: %v", err)
	}
	refused("a key that the program lacks", openTool(t, server.Client(), key("new", 2)), "old", s3db.ErrKeyInUse, `57 secrets in 5 documents are encrypted under "old"`)

	// A secret that does not open keeps its document as it is.
	store := server.Client()
	o, err := store.Get(ctx, "resource=safes/data/id=s")
	if err != nil {
		t.Fatal(err)
	}
	damaged := maps.Clone(o.Metadata)
	damaged["2"] = "AAAA"
	if _, err := store.Put(ctx, "resource=safes/data/id=s", o.Body, damaged, s3db.Condition{}); err != nil {
		t.Fatal(err)
	}
	refused("a damaged secret", both, "old", s3db.ErrKeyInUse, `18 secrets in 1 documents are encrypted under "old"`)
	report := rotate(t, both, s3db.RotateOptions{})
	if len(report.Failures) != 1 || report.Failures[0].ID != "s" || !strings.Contains(report.Failures[0].Detail, "a: cannot decrypt") || strings.Contains(report.Failures[0].Detail, needle) {
		t.Errorf("failures: %+v", report.Failures)
	}
	damaged = maps.Clone(o.Metadata)
	damaged["s"] = "?"
	if _, err := store.Put(ctx, "resource=safes/data/id=s", o.Body, damaged, s3db.Condition{}); err != nil {
		t.Fatal(err)
	}
	refused("a damaged document", both, "old", s3db.ErrKeyInUse, "1 documents could not be read")
	if _, err := store.Put(ctx, "resource=safes/data/id=s", o.Body, o.Metadata, s3db.Condition{}); err != nil {
		t.Fatal(err)
	}
	openVaults(t, server.Client(), key("old", 1)) // after all that the old key is still one of the database

	// A program that opens with the old key first, while the rotation runs.
	meddling := server.Client()
	var once sync.Once
	meddling.SetFault(func(r memstore.Request) memstore.Injection {
		if r.Kind == memstore.List {
			once.Do(func() { openVaults(t, server.Client(), key("old", 1), key("new", 2)) })
		}
		return memstore.Injection{}
	})
	refused("opened meanwhile", openTool(t, meddling, key("new", 2), key("old", 1)), "old", s3db.ErrKeyInUse, "meanwhile")

	report = rotate(t, both, s3db.RotateOptions{Drop: "old"})
	if report.Dropped != "old" || len(report.Keys) != 1 || report.Keys[0].ID != "new" {
		t.Errorf("report: %+v", report)
	}
	if _, err := secrets.New(ctx, server.Client(), key("old", 1), cheapPasswords()); !errors.Is(err, s3db.ErrConfig) {
		t.Errorf("open with the key that was dropped: %v", err)
	}
	contents(t, openVaults(t, server.Client(), key("new", 2)))
	registry, err := store.Get(ctx, "s3db.json")
	if err != nil || strings.Contains(string(registry.Body), `"old"`) {
		t.Errorf("the registry still names the key: %s, %v", registry.Body, err)
	}
}

// TestRotateWithoutKeys: what a tool lacks is said before anything is done.
func TestRotateWithoutKeys(t *testing.T) {
	server := rotationStore(t)
	if _, err := openTool(t, server.Client()).Rotate(t.Context(), s3db.RotateOptions{}); !errors.Is(err, s3db.ErrConfig) || !strings.Contains(err.Error(), "WithPassphrase") {
		t.Errorf("without a key: %v", err)
	}
	if _, err := s3db.New(t.Context(), server.Client(), s3db.Config{Existing: true}, key("new", 2)); !errors.Is(err, s3db.ErrConfig) {
		t.Errorf("with a key that the database does not know: %v", err)
	}
	// With the new key alone: what is under the old one is counted and left.
	openTool(t, server.Client(), key("new", 2), key("old", 1))
	report := rotate(t, openTool(t, server.Client(), key("new", 2)), s3db.RotateOptions{})
	if report.Rotated != 0 || len(report.Failures) != 5 || report.Keys[1].Secrets != 57 {
		t.Errorf("report: %+v", report)
	}
}

// TestRotateKeepsWhatAnOlderProgramWrote: a secret that the newest writer of a
// document did not know is rotated as well.
func TestRotateKeepsWhatAnOlderProgramWrote(t *testing.T) {
	server := rotationStore(t)
	store := server.Client()
	const at = "resource=safes/data/id=s"
	o, err := store.Get(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	// A later version of the shape that lost every secret, which only the registry
	// remembers.
	registry, err := store.Get(t.Context(), "s3db.json")
	if err != nil {
		t.Fatal(err)
	}
	body := string(registry.Body)
	i := strings.Index(body, `"safes": {`)
	j := i + strings.Index(body[i:], `"versions": [`) + len(`"versions": [`)
	later := `{"version":1,"hash":"x","created":"2026-01-01T00:00:00Z","schema":{"resource":"safes","fields":[{"number":1,"name":"label","type":"string"}]}},`
	if _, err := store.Put(t.Context(), "s3db.json", []byte(body[:j]+later+body[j:]), nil, s3db.Condition{}); err != nil {
		t.Fatal(err)
	}
	metadata := maps.Clone(o.Metadata)
	metadata["s"], metadata["99"] = "1-1", "kept"
	if _, err := store.Put(t.Context(), at, o.Body, metadata, s3db.Condition{}); err != nil {
		t.Fatal(err)
	}
	rotate(t, openTool(t, store, key("new", 2), key("old", 1)), s3db.RotateOptions{Drop: "old"})
	if d, err := openVaults(t, store, key("new", 2)).Safes.Get(t.Context(), "s"); err != nil || d.A.Reveal() != needle || d.Meta.Version != 1 {
		t.Errorf("read %v", err)
	}
	if o, err := store.Get(t.Context(), at); err != nil || o.Metadata["99"] != "kept" || o.Metadata["s"] != "1-1" {
		t.Errorf("unknown fields were lost: %v", err)
	}
}

// TestCrashRotation cuts a rotation off at each of its requests, which the server
// then applies, or not, or minutes later. Every document stays whole and
// readable, writers go on, and the rotation can be done again.
func TestCrashRotation(t *testing.T) {
	const unsent, applied, late = 0, 1, 2
	crashes := 0
	for request, struck := 1, true; struck; request++ {
		struck = false
		for _, mode := range []int{unsent, applied, late} {
			t.Run(fmt.Sprintf("request %d, mode %d", request, mode), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					hit := crashRotation(t, request, mode == applied, mode == late)
					struck = struck || hit
				})
			})
		}
		crashes += 3
	}
	t.Logf("%d crashes", crashes)
}

func crashRotation(t *testing.T, request int, applied, late bool) (struck bool) {
	t.Helper()
	server := rotationStore(t)
	before := contents(t, openVaults(t, server.Client(), key("old", 1)))
	keys := func() []s3db.Option {
		return []s3db.Option{key("new", 2), key("old", 1), s3db.WithConcurrency(1), cheapPasswords()}
	}
	store := server.Client()
	var mu sync.Mutex
	var arrives []func()
	store.SetFault(func(r memstore.Request) memstore.Injection {
		if r.Seq != request {
			return memstore.Injection{}
		}
		struck = true
		x := memstore.Injection{Fault: memstore.Crash, Applied: applied}
		if late {
			x.Late = func(apply func()) { mu.Lock(); arrives = append(arrives, apply); mu.Unlock() }
		}
		return x
	})
	db, err := s3db.New(t.Context(), store, s3db.Config{Existing: true}, keys()...)
	if err == nil {
		_, err = db.Rotate(t.Context(), s3db.RotateOptions{Drop: "old"})
	}
	if struck == (err == nil) {
		t.Fatalf("struck %v, error %v", struck, err)
	}
	survivor, err := secrets.New(t.Context(), server.Client(), keys()...)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, contents(t, survivor)); diff != "" {
		t.Errorf("after the crash (-before +after):\n%s", diff)
	}
	if _, err := survivor.Vaults.Update(t.Context(), "a", secrets.VaultPatch{Number: s3db.Set(s3db.NewSecret(int64(7)))}); err != nil {
		t.Fatal(err)
	}
	for _, apply := range arrives {
		apply()
	}
	if d, err := survivor.Vaults.Get(t.Context(), "a"); err != nil || d.Number.Reveal() != 7 {
		t.Errorf("a late request undid an update: %v", err)
	}
	again := openTool(t, server.Client(), keys()...)
	report, err := again.Rotate(t.Context(), s3db.RotateOptions{Drop: "old"})
	if err != nil || report.Dropped != "old" || len(report.Failures) > 0 {
		t.Errorf("again after the crash: %+v, %v", report, err)
	}
	after := contents(t, openVaults(t, server.Client(), key("new", 2)))
	delete(before, "vaults/a") // was updated
	delete(after, "vaults/a")
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("under the new key alone (-before +after):\n%s", diff)
	}
	return struck
}

// TestRotateUnderLoad: writers that use either key first lose nothing to a
// rotation that runs beside them, on a server with faults.
func TestRotateUnderLoad(t *testing.T) {
	const writers, each = 3, 5
	withSeeds(t, func(t *testing.T, seed uint64) {
		t.Helper()
		if seed >= 100 {
			return
		}
		server := rotationStore(t)
		var wg sync.WaitGroup
		var mu sync.Mutex
		acknowledged, unknown := int64(0), int64(0)
		for i := range writers {
			store := server.Client()
			first, second := key("old", 1), key("new", 2)
			if i%2 == 0 {
				first, second = second, first
			}
			db := openVaults(t, store, first, second)
			store.SetFault(memstore.Faults(seed*writers+uint64(i), rates))
			wg.Go(func() {
				for range each {
					_, err := db.Vaults.UpdateFunc(context.Background(), "a", func(d *secrets.Vault) (secrets.VaultPatch, error) {
						return secrets.VaultPatch{Number: s3db.Set(s3db.NewSecret(d.Number.Reveal() + 1))}, nil
					})
					mu.Lock()
					switch {
					case err == nil:
						acknowledged++
					case errors.Is(err, s3db.ErrUnknownOutcome):
						unknown++
					default:
						t.Errorf("increment: %v", err)
					}
					mu.Unlock()
				}
			})
		}
		store := server.Client()
		tool := openTool(t, store, key("new", 2), key("old", 1))
		store.SetFault(memstore.Faults(seed+1_000_000, rates))
		wg.Go(func() {
			if _, err := tool.Rotate(context.Background(), s3db.RotateOptions{}); err != nil && !errors.Is(err, s3db.ErrUnavailable) {
				t.Errorf("rotate: %v", err)
			}
		})
		wg.Wait()
		rotate(t, openTool(t, server.Client(), key("new", 2), key("old", 1)), s3db.RotateOptions{Drop: "old"})
		d, err := openVaults(t, server.Client(), key("new", 2)).Vaults.Get(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		if n := d.Number.Reveal() + 42; n < acknowledged || n > acknowledged+unknown {
			t.Errorf("counted %d, acknowledged %d, unknown %d", n, acknowledged, unknown)
		}
	})
}
