package s3db_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/s3dbgen/s3dbgen/internal/canary"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/testdata/golden/secrets/secrets"
)

func cheapPasswords() s3db.Option {
	return s3db.WithPasswordParams(s3db.PasswordParams{Memory: 8, Time: 1, Threads: 1})
}

func key(id string, b byte) s3db.Option { return s3db.WithKey(id, canary.Key(b)) }

func openVaults(t *testing.T, store s3db.Store, keys ...s3db.Option) *secrets.DB {
	t.Helper()
	if memory, ok := store.(*memstore.Store); ok {
		canary.SearchStore(t, memory.Server().Client())
	}
	db, err := secrets.New(t.Context(), store, append(keys, cheapPasswords())...)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

const needle = canary.Mark + "-plain-needle"

func vault(id secrets.VaultID) secrets.VaultInsert {
	return secrets.VaultInsert{
		ID: id, Plain: s3db.NewSecret(needle), Optional: new(s3db.NewSecret("")), Password: needle + "-password", Phrase: needle + "-1", Recovery: needle,
		Number: s3db.NewSecret(int64(-42)), Card: new(s3db.NewSecret(secrets.VaultCard{Number: "4111", Expires: s3db.Date{Year: 2030, Month: time.May, Day: 31}})),
		Words: s3db.NewSecret([]string{needle, "b"}), Blob: new(s3db.NewSecret([]byte(needle))),
		Settings: secrets.VaultSettings{Key: s3db.NewSecret(needle), Hint: new(s3db.NewSecret("hint"))}, Seed: s3db.NewSecret(needle),
	}
}

// vaultObject returns the key and the object of a document.
func vaultObject(t *testing.T, store s3db.Store, id string) (string, *s3db.Object) {
	t.Helper()
	page, err := store.List(t.Context(), s3db.ListRequest{Prefix: "resource=vaults/data/"})
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range page.Items {
		if strings.HasSuffix(item.Key, "id="+id) {
			o, err := store.Get(t.Context(), item.Key)
			if err != nil {
				t.Fatal(err)
			}
			return item.Key, o
		}
	}
	t.Fatalf("no object for %s", id)
	return "", nil
}

func TestSecretsAreStoredEncrypted(t *testing.T) {
	store := memstore.New()
	db := openVaults(t, store, key("k1", 1))
	in := vault("a")
	d, err := db.Vaults.Insert(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	_, o := vaultObject(t, store, "a")
	for name, value := range o.Metadata {
		if strings.Contains(value, "needle") {
			t.Errorf("header %s holds a secret: %s", name, value)
		}
	}
	if bytes.Contains(o.Body, []byte("needle")) {
		t.Errorf("the body holds a secret: %s", o.Body)
	}
	got, err := db.Vaults.Get(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d, got, cmpopts.IgnoreFields(secrets.Vault{}, "Meta")); diff != "" {
		t.Errorf("read back: %s", diff)
	}
	if got.Plain.Reveal() != needle || got.Optional == nil || got.Optional.Reveal() != "" || got.Number.Reveal() != -42 || got.Card.Reveal().Number != "4111" ||
		got.Words.Reveal()[0] != needle || string(got.Blob.Reveal()) != needle || got.Settings.Key.Reveal() != needle || got.Settings.Hint.Reveal() != "hint" {
		t.Error("a secret did not come back as it was")
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, value := range []any{in, &in, d, got, *got} {
			if out := fmt.Sprintf(verb, value); strings.Contains(out, "needle") {
				t.Errorf("%s of %T shows a secret: %s", verb, value, out)
			}
		}
	}
}

// Rule "generate": a value left out is made, and is told once.
func TestGeneratedSecretsAndPasswords(t *testing.T) {
	db := openVaults(t, memstore.New(), key("k1", 1))
	d, err := db.Vaults.Insert(t.Context(), vault("a"))
	if err != nil {
		t.Fatal(err)
	}
	pin, ok := d.PIN.Generated()
	if !ok || len(pin) != 12 || !d.PIN.Verify(pin) {
		t.Errorf("the generated pin: ok %v, %d characters", ok, len(pin))
	}
	if len(d.Generated.Reveal()) != 24 || len(d.Long.Reveal()) != 40 || len(d.Token.Reveal()) != 24 {
		t.Error("the generated secrets have other lengths")
	}
	got, err := db.Vaults.Get(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := got.PIN.Generated(); ok || !got.PIN.Verify(pin) || !got.Generated.Equal(d.Generated) {
		t.Error("a later read tells the pin, or the pin does not verify")
	}
	in := vault("b")
	in.PIN, in.Token = new(s3db.Password("1234")), new(s3db.NewSecret("given"))
	given, err := db.Vaults.Insert(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := given.PIN.Generated(); ok || !given.PIN.Verify("1234") || given.Token.Reveal() != "given" {
		t.Error("a value that was given was not taken")
	}
}

func TestPasswordsOfDocuments(t *testing.T) {
	store := memstore.New()
	db := openVaults(t, store, key("k1", 1))
	d, err := db.Vaults.Insert(t.Context(), vault("a"))
	if err != nil {
		t.Fatal(err)
	}
	if !d.Password.Verify(needle+"-password") || d.Password.Verify(needle) || d.Backup != nil {
		t.Error("the password does not verify")
	}
	d, err = db.Vaults.Update(t.Context(), "a", secrets.VaultPatch{Password: s3db.Set(s3db.Password("new password")), Backup: s3db.Set(s3db.Password("backup one"))})
	if err != nil || !d.Password.Verify("new password") || !d.Backup.Verify("backup one") || !d.Phrase.Verify(needle+"-1") {
		t.Errorf("after the update: %v", err)
	}
	before := store.Counts()
	in := vault("b")
	in.Password, in.Phrase, in.Plain = "short", "no digit", s3db.NewSecret("ab")
	_, err = db.Vaults.Insert(t.Context(), in)
	const want = "s3db: insert vaults/b: validation failed: password: min: must have at least 8 characters; phrase: pattern: must match [0-9]; plain: min: must have at least 3 characters"
	if !errors.Is(err, s3db.ErrValidation) || err.Error() != want {
		t.Errorf("error = %v\nwant    %s", err, want)
	}
	if n := store.Counts().Sub(before).Put; n != 0 {
		t.Errorf("%d writes of an invalid document", n)
	}
}

// A login with a right password stores it again when the database has come to
// hash at a higher cost, and at no other time.
func TestPasswordsAreUpgradedOnLogin(t *testing.T) {
	ctx, store := t.Context(), memstore.New()
	was := openVaults(t, store, key("k1", 1))
	if _, err := was.Vaults.Insert(ctx, vault("a")); err != nil {
		t.Fatal(err)
	}
	login := func(db *secrets.DB, typed s3db.Password) (ok bool, writes int) {
		t.Helper()
		user, err := db.Vaults.Get(ctx, "a")
		if err != nil {
			t.Fatal(err)
		}
		before := store.Counts()
		ok, err = user.Password.VerifyAndUpgrade(typed, db.Vaults.Database().PasswordParams(), func(c s3db.Change[s3db.Password]) error {
			_, err := db.Vaults.UpdateFrom(ctx, user, secrets.VaultPatch{Password: c})
			return err
		})
		if err != nil {
			t.Error(err)
		}
		return ok, store.Counts().Sub(before).Put
	}
	now, err := secrets.New(ctx, store, key("k1", 1), s3db.WithPasswordParams(s3db.PasswordParams{Memory: 16, Time: 2, Threads: 1}))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		what   string
		db     *secrets.DB
		typed  s3db.Password
		ok     bool
		writes int
	}{
		{"the cost has not grown", was, needle + "-password", true, 0},
		{"wrong, the cost has grown", now, needle, false, 0},
		{"right, the cost has grown", now, needle + "-password", true, 1},
		{"again", now, needle + "-password", true, 0},
		{"by a program with the lower cost", was, needle + "-password", true, 0},
	} {
		if ok, writes := login(step.db, step.typed); ok != step.ok || writes != step.writes {
			t.Errorf("%s: ok %v, %d writes; want %v, %d", step.what, ok, writes, step.ok, step.writes)
		}
	}
	d, err := now.Vaults.Get(ctx, "a")
	if err != nil || !strings.Contains(d.Password.PHC(), "m=16,t=2,p=1") {
		t.Errorf("the stored hash: %v", err)
	}
	broken := errors.New("the store is down")
	if ok, err := d.Password.VerifyAndUpgrade(needle+"-password", s3db.DefaultPasswordParams(), func(s3db.Change[s3db.Password]) error { return broken }); !ok || !errors.Is(err, broken) {
		t.Errorf("an upgrade that fails: ok %v, %v", ok, err)
	}
}

// A sealed value opens only where it was written: the cases are what somebody
// with access to the bucket can do.
func TestMovedSecretsDoNotOpen(t *testing.T) {
	for _, tt := range []struct {
		name  string
		field string
		alter func(t *testing.T, store s3db.Store, o *s3db.Object)
	}{
		{"from another document", "plain", func(t *testing.T, store s3db.Store, o *s3db.Object) {
			t.Helper()
			_, other := vaultObject(t, store, "b")
			o.Body, o.Metadata = other.Body, other.Metadata
		}},
		{"one bit", "plain", func(t *testing.T, _ s3db.Store, o *s3db.Object) {
			t.Helper()
			sealed, err := base64.RawURLEncoding.DecodeString(o.Metadata["1"])
			if err != nil {
				t.Fatal(err)
			}
			sealed[len(sealed)-5] ^= 1
			o.Metadata["1"] = base64.RawURLEncoding.EncodeToString(sealed)
		}},
		{"two attributes swapped", "plain", func(t *testing.T, _ s3db.Store, o *s3db.Object) {
			t.Helper()
			o.Metadata["1"], o.Metadata["14"] = o.Metadata["14"], o.Metadata["1"]
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store := memstore.New()
			db := openVaults(t, store, key("k1", 1))
			for _, id := range []secrets.VaultID{"a", "b"} {
				in := vault(id)
				in.Card, in.Blob, in.Optional = nil, nil, nil // so that all of it is in the metadata
				if d, err := db.Vaults.Insert(t.Context(), in); err != nil || d.Meta.InBody {
					t.Fatalf("insert: %v, in the body %v", err, d.Meta.InBody)
				}
			}
			k, o := vaultObject(t, store, "a")
			tt.alter(t, store, o)
			if _, err := store.Put(t.Context(), k, o.Body, o.Metadata, s3db.Condition{}); err != nil {
				t.Fatal(err)
			}
			d, err := db.Vaults.Get(t.Context(), "a")
			var located *s3db.Error
			if d != nil || !errors.Is(err, s3db.ErrDecrypt) || !errors.As(err, &located) || located.Field != tt.field {
				t.Errorf("read %v, %v", d, err)
			}
			if err != nil && strings.Contains(err.Error(), "needle") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

func TestOpenWithTheWrongKey(t *testing.T) {
	store := memstore.New()
	if _, err := secrets.New(t.Context(), store, cheapPasswords()); !errors.Is(err, s3db.ErrConfig) || !strings.Contains(err.Error(), "WithPassphrase") {
		t.Errorf("without a key: %v", err)
	}
	if n := store.Counts().Put; n != 0 {
		t.Errorf("%d writes without a key", n)
	}
	db := openVaults(t, store, s3db.WithPassphrase(canary.Value("correct horse")))
	if _, err := db.Vaults.Insert(t.Context(), vault("a")); err != nil {
		t.Fatal(err)
	}
	before := store.Counts()
	_, err := secrets.New(t.Context(), store, s3db.WithPassphrase(canary.Value("wrong horse")), cheapPasswords())
	if !errors.Is(err, s3db.ErrConfig) || !strings.Contains(err.Error(), "is the passphrase wrong?") || strings.Contains(err.Error(), "horse") {
		t.Errorf("with a wrong passphrase: %v", err)
	}
	if n := store.Counts().Sub(before).Put; n != 0 {
		t.Errorf("%d writes with a wrong passphrase", n)
	}
	if d, err := openVaults(t, store, s3db.WithPassphrase(canary.Value("correct horse"))).Vaults.Get(t.Context(), "a"); err != nil || d.Plain.Reveal() != needle {
		t.Errorf("with the right passphrase: %v", err)
	}
	if _, err := secrets.New(t.Context(), store, s3db.WithPasswordParams(s3db.PasswordParams{Memory: 8}), key("k", 1)); !errors.Is(err, s3db.ErrConfig) {
		t.Errorf("parameters that Argon2id does not take: %v", err)
	}
}

func TestKeysAreRotated(t *testing.T) {
	store := memstore.New()
	old := openVaults(t, store, key("old", 1))
	if _, err := old.Vaults.Insert(t.Context(), vault("a")); err != nil {
		t.Fatal(err)
	}
	both := openVaults(t, store, key("new", 2), key("old", 1))
	if _, err := both.Vaults.Insert(t.Context(), vault("b")); err != nil {
		t.Fatal(err)
	}
	for _, id := range []secrets.VaultID{"a", "b"} {
		if d, err := both.Vaults.Get(t.Context(), id); err != nil || d.Plain.Reveal() != needle {
			t.Errorf("%s with both keys: %v", id, err)
		}
	}
	if _, err := old.Vaults.Get(t.Context(), "b"); !errors.Is(err, s3db.ErrDecrypt) || !strings.Contains(err.Error(), `needs the key "new", and Open was given ["old"]`) {
		t.Errorf("b with the old key: %v", err)
	}
	if _, err := both.Vaults.Update(t.Context(), "a", secrets.VaultPatch{Backup: s3db.Set(s3db.Password("backup one"))}); err != nil {
		t.Fatal(err) // any write encrypts all secrets with the active key
	}
	fresh := openVaults(t, store, key("new", 2))
	if d, err := fresh.Vaults.Get(t.Context(), "a"); err != nil || d.Plain.Reveal() != needle {
		t.Errorf("a with the new key: %v", err)
	}
}

// TestOneDerivationForAKey counts the work that makes a key of a passphrase: it is
// done once for a database, however often the program opens it, whatever it reads
// and writes, and however often it has to write the registry again.
func TestOneDerivationForAKey(t *testing.T) {
	derivations := 0
	count := func() { derivations++ }
	options := []s3db.Option{s3db.CountedPassphrase("new", count), s3db.CountedPassphrase("old", count), cheapPasswords()}
	server := memstore.NewServer(memstore.Options{})
	for opened := range 3 {
		store := server.Client()
		meddled := 0
		store.SetFault(func(r memstore.Request) memstore.Injection {
			// Another process changes the registry before this one can.
			if r.Kind == memstore.Put && r.Key == "s3db.json" && meddled < 2 {
				meddled++
				if o, err := server.Client().Get(t.Context(), "s3db.json"); err == nil {
					body := append(o.Body, '\n')
					if _, err := server.Client().Put(t.Context(), "s3db.json", body, nil, s3db.Condition{}); err != nil {
						t.Error(err)
					}
				}
			}
			return memstore.Injection{}
		})
		db, err := secrets.New(t.Context(), store, options...)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			id := secrets.VaultID(fmt.Sprintf("v%d-%d", opened, i))
			if _, err := db.Vaults.Insert(t.Context(), vault(id)); err != nil {
				t.Fatal(err)
			}
			if _, err := db.Vaults.Get(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
	}
	if derivations != 2 {
		t.Errorf("%d derivations for 2 keys", derivations)
	}
	if _, err := secrets.New(t.Context(), memstore.New(), options...); err != nil {
		t.Fatal(err)
	}
	if derivations != 4 {
		t.Errorf("%d derivations for 2 keys of 2 databases", derivations)
	}
}
