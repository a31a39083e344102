package s3dbjs_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/s3dbjs"
)

// encrypt writes a secret as s3db.js does.
func encrypt(tb testing.TB, plain, passphrase string) string {
	tb.Helper()
	salted := make([]byte, 16+12)
	if _, err := rand.Read(salted); err != nil {
		tb.Fatal(err)
	}
	key, err := pbkdf2.Key(sha256.New, passphrase, salted[:16], 100_000, 32)
	if err != nil {
		tb.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		tb.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		tb.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(gcm.Seal(salted, salted[16:], []byte(plain), nil))
}

// TestSecretsNeedTheirPassphrase: without the passphrase, under another one, and
// when a byte was changed, a secret is a problem that holds no value. The default
// passphrase of the library is not tried.
func TestSecretsNeedTheirPassphrase(t *testing.T) {
	t.Parallel()
	f := loadFixture(t, "v21")
	vault := f.definition(t).Resource("vault")
	object := f.object("resource=vault/data/id=k2")
	changed := []byte(object.Metadata["1"])
	changed[40] = map[bool]byte{true: 'B', false: 'A'}[changed[40] == 'A']
	for name, test := range map[string]struct{ text, passphrase string }{
		"none":              {object.Metadata["1"], ""},
		"another":           {object.Metadata["1"], "incorrect horse battery"},
		"changed":           {string(changed), f.Passphrase},
		"cut":               {object.Metadata["1"][:20], f.Passphrase},
		"no base64":         {"*" + object.Metadata["1"], f.Passphrase},
		"default, not used": {encrypt(t, "x", s3dbjs.DefaultPassphrase), ""},
	} {
		rec := vault.Decode("k2", &s3db.Object{Metadata: map[string]string{"_v": "v1", "1": test.text}}, test.passphrase)
		if len(rec.Values) != 0 || len(rec.Problems) != 1 || !rec.Problems[0].Lost() {
			t.Errorf("%s: %v, problems %v", name, rec.Values, rec.Problems)
		}
		if text := rec.Problems[0].String(); strings.Contains(text, test.text) {
			t.Errorf("%s: the problem shows the ciphertext: %s", name, text)
		}
	}
	rec := vault.Decode("k2", object, f.Passphrase)
	if rec.Values["apiKey"] != "sénha 🚀" || len(rec.Problems) != 0 {
		t.Errorf("with the passphrase: %v, problems %v", rec.Values, rec.Problems)
	}
}

// TestSecretsInClear: the seed keeps a copy of secrets in clear in the body. It is
// reported, and serves where the passphrase is lost.
func TestSecretsInClear(t *testing.T) {
	t.Parallel()
	f := loadFixture(t, "seed")
	vault := f.definition(t).Resource("vault")
	for _, passphrase := range []string{f.Passphrase, ""} {
		rec := vault.Decode("k1", f.object("resource=vault/data/id=k1"), passphrase)
		exposed := slices.IndexFunc(rec.Problems, func(p s3dbjs.Problem) bool { return p.Kind == s3dbjs.Unencrypted && p.Field == "apiKey" })
		if rec.Values["apiKey"] != "hunter2" || exposed < 0 || len(rec.Problems) != 2 {
			t.Errorf("passphrase %q: %v, problems %v", passphrase, rec.Values, rec.Problems)
		}
	}
}
