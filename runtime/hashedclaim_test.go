package s3db_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/testdata/golden/secrets/secrets"
)

const ownerAddress = "ada@needle.example"

// owned is a vault of an owner.
func owned(id secrets.VaultID) secrets.VaultInsert {
	in := vault(id)
	in.Tenant, in.Owner = new("acme"), new(ownerAddress)
	return in
}

// claimKeys lists the claims of a resource.
func claimKeys(t *testing.T, store s3db.Store, resource string) []string {
	t.Helper()
	page, err := store.List(t.Context(), s3db.ListRequest{Prefix: "resource=" + resource + "/unique="})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, item := range page.Items {
		keys = append(keys, item.Key)
	}
	return keys
}

// The names of objects hold no value of a hashed constraint, which is as good a
// constraint as any other.
func TestHashedClaimsHideTheValue(t *testing.T) {
	store := memstore.New()
	db := openVaults(t, store, key("k1", 1))
	if _, err := db.Vaults.Insert(t.Context(), owned("a")); err != nil {
		t.Fatal(err)
	}
	all, err := store.List(t.Context(), s3db.ListRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range all.Items {
		if strings.Contains(item.Key, "needle") || strings.Contains(item.Key, "acme") {
			t.Errorf("the key %s holds the value", item.Key)
		}
	}
	keys := claimKeys(t, store, "vaults")
	if len(keys) != 1 || !strings.HasPrefix(keys[0], "resource=vaults/unique=owner/hmac=") {
		t.Fatalf("claims: %q", keys)
	}
	for _, key := range keys {
		if o, err := store.Get(t.Context(), key); err != nil || strings.Contains(string(o.Body), "needle") {
			t.Errorf("the claim holds %s, %v", o.Body, err)
		}
	}

	_, err = db.Vaults.Insert(t.Context(), owned("b"))
	if e, ok := errors.AsType[*s3db.Error](err); !errors.Is(err, s3db.ErrUnique) || !ok || e.Field != "tenant+owner" || strings.Contains(err.Error(), "needle") {
		t.Errorf("the second holder: %v", err)
	}
	before := store.Counts()
	d, err := db.Vaults.ByOwner(t.Context(), "acme", ownerAddress)
	if err != nil || d.ID != "a" {
		t.Fatalf("looked up %v, %v", d, err)
	}
	if diff := cmp.Diff(memstore.Counts{Get: 2}, store.Counts().Sub(before)); diff != "" {
		t.Errorf("requests of a lookup (-want +got):\n%s", diff)
	}
	if _, err := db.Vaults.ByOwner(t.Context(), ownerAddress, "acme"); !errors.Is(err, s3db.ErrNotFound) {
		t.Errorf("the values the other way round: %v", err)
	}

	// Part of the values is no value; a release makes room for the next.
	if _, err := db.Vaults.Update(t.Context(), "a", secrets.VaultPatch{Tenant: s3db.Clear[string]()}); err != nil {
		t.Fatal(err)
	}
	if keys := claimKeys(t, store, "vaults"); len(keys) != 0 {
		t.Errorf("a value that is absent has the claim %q", keys)
	}
	if _, err := db.Vaults.Insert(t.Context(), owned("b")); err != nil {
		t.Errorf("after the release: %v", err)
	}
	if _, err := db.Vaults.Update(t.Context(), "a", secrets.VaultPatch{Tenant: s3db.Set("acme")}); !errors.Is(err, s3db.ErrUnique) {
		t.Errorf("back to the value: %v", err)
	}
	report, err := db.Vaults.Database().Fsck(t.Context(), s3db.FsckOptions{Exclusive: true})
	if err != nil || !report.Clean() {
		t.Errorf("fsck: %+v, %v", report, err)
	}
}

// Programs in the middle of a change of keys guard the same values, and so does
// one that has the new key alone.
func TestHashedClaimsOutliveTheKey(t *testing.T) {
	store := memstore.New()
	was := openVaults(t, store, key("k1", 1))
	if _, err := was.Vaults.Insert(t.Context(), owned("a")); err != nil {
		t.Fatal(err)
	}
	both := openVaults(t, store, key("k2", 2), key("k1", 1))
	if _, err := both.Vaults.Insert(t.Context(), owned("b")); !errors.Is(err, s3db.ErrUnique) {
		t.Errorf("with both keys: %v", err)
	}
	// Its secrets are written under the new key, its claim stays as it is.
	if _, err := both.Vaults.Update(t.Context(), "a", secrets.VaultPatch{Optional: s3db.Clear[s3db.Secret[string]]()}); err != nil {
		t.Fatal(err)
	}
	now := openVaults(t, store, key("k2", 2))
	if _, err := now.Vaults.Insert(t.Context(), owned("c")); !errors.Is(err, s3db.ErrUnique) {
		t.Errorf("with the new key: %v", err)
	}
	if err := now.Vaults.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := was.Vaults.Insert(t.Context(), owned("d")); err != nil {
		t.Errorf("with the old key, after the release: %v", err)
	}
	if _, err := both.Vaults.Insert(t.Context(), owned("e")); !errors.Is(err, s3db.ErrUnique) {
		t.Errorf("a claim of the old key: %v", err)
	}
}

// Programs that create a database at once with different first keys agree on its
// hash secret.
func TestHashedClaimsOfRacingOpens(t *testing.T) {
	const programs = 8
	store := memstore.New()
	var wg sync.WaitGroup
	errs := make([]error, programs)
	for i := range programs {
		wg.Go(func() {
			first, second := key("k1", 1), key("k2", 2)
			if i%2 == 1 {
				first, second = second, first
			}
			db, err := secrets.New(t.Context(), store, first, second, cheapPasswords())
			if err != nil {
				t.Error(err)
				return
			}
			_, errs[i] = db.Vaults.Insert(context.Background(), owned(""))
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, s3db.ErrUnique):
			t.Error(err)
		}
	}
	if won != 1 || len(claimKeys(t, store, "vaults")) != 1 {
		t.Errorf("%d documents hold one value; claims: %q", won, claimKeys(t, store, "vaults"))
	}
}

// A key that is not the one under its id is noticed when the database is opened.
func TestHashSecretNeedsItsKey(t *testing.T) {
	store := memstore.New()
	openVaults(t, store, key("k1", 1))
	_, err := secrets.New(t.Context(), store, key("k1", 9), cheapPasswords())
	if !errors.Is(err, s3db.ErrDecrypt) {
		t.Errorf("with other bytes under the id: %v", err)
	}
	_, err = secrets.New(t.Context(), store, key("k2", 2), cheapPasswords())
	if !errors.Is(err, s3db.ErrConfig) {
		t.Errorf("with another key: %v", err)
	}
	if _, err = secrets.New(t.Context(), store, cheapPasswords()); !errors.Is(err, s3db.ErrConfig) {
		t.Errorf("without a key: %v", err)
	}
}
