package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/canary"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/boltstore"
	"github.com/s3dbgen/s3dbgen/testdata/golden/secrets/secrets"
)

const rotateSecret = canary.Mark + "-rotate"

// secretsFile makes a database with one document with secrets.
func secretsFile(t *testing.T, path string, key s3db.Option) {
	t.Helper()
	withSecrets(t, path, key, func(db *secrets.DB) {
		in := secrets.VaultInsert{
			ID: "a", Plain: s3db.NewSecret(rotateSecret), Password: "long enough", Phrase: "1", Recovery: "r", Number: s3db.NewSecret(int64(1)),
			Words: s3db.NewSecret([]string{"w"}), Settings: secrets.VaultSettings{Key: s3db.NewSecret("k")}, Seed: s3db.NewSecret("s"),
		}
		if _, err := db.Vaults.Insert(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	})
}

func withSecrets(t *testing.T, path string, key s3db.Option, do func(*secrets.DB)) {
	t.Helper()
	store, err := boltstore.Open(t.Context(), path, boltstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	db, err := secrets.New(t.Context(), store, key, s3db.WithPasswordParams(s3db.PasswordParams{Memory: 8, Time: 1, Threads: 1}))
	if err != nil {
		t.Fatal(err)
	}
	do(db)
}

// TestRotateCommand changes the key of a database from the command line.
func TestRotateCommand(t *testing.T) {
	dir := t.TempDir()
	path := filepath.ToSlash(filepath.Join(canary.TempDir(t), "shop.db"))
	file := func(name, text string) string {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	k1, k2, k3 := canary.Key(1), canary.Key(2), canary.Key(3)
	raw, hexa, b64 := "k1="+file("k1", string(k1)), "k2="+file("k2", hex.EncodeToString(k2)+"\n"), "k3="+file("k3", base64.StdEncoding.EncodeToString(k3))
	secretsFile(t, path, s3db.WithKey("k1", k1))
	rotated := func(args ...string) (int, string) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), append([]string{"rotate", "file://" + path}, args...), strings.NewReader(""), &stdout, &stderr)
		return code, stdout.String() + stderr.String()
	}
	for _, test := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"dry run", []string{"--key-file", hexa, "--key-file", raw, "--dry-run"}, 0, "1 document with secrets, 0 rotated\nkey k1: 8 secrets in 1 document\nkey k2: 0 secrets in 0 documents, active\n"},
		{
			"the key is missing", []string{"--key-file", hexa}, 1,
			"left resource=vaults/data/id=a: plain: cannot decrypt: it needs the key \"k1\", and Open was given [\"k2\"]\n" +
				"1 document with secrets, 0 rotated\nkey k1: 8 secrets in 1 document, not given\nkey k2: 0 secrets in 0 documents, active\n",
		},
		{"the key is in use", []string{"--key-file", hexa, "--drop", "k1"}, 1, "not dropped: rotate: key is in use: 8 secrets in 1 documents are encrypted under \"k1\"\n"},
		{"rotated", []string{"--key-file", hexa, "--key-file", raw}, 0, "1 document with secrets, 1 rotated\nkey k1: 0 secrets in 0 documents\nkey k2: 8 secrets in 1 document, active\n"},
		{"dropped", []string{"--key-file", hexa, "--key-file", raw, "--drop", "k1"}, 0, "1 document with secrets, 0 rotated\nkey k2: 8 secrets in 1 document, active\nkey k1: dropped\n"},
		{"the key that was dropped", []string{"--key-file", raw}, 2, "encrypted with the key [\"k2\"], and Open was given [\"k1\"]"},
		{"no key", nil, 2, "rotate needs the keys of the database: --passphrase-file"},
		{"no such key", []string{"--key-file", hexa, "--drop", "k9"}, 2, "the database has no key \"k9\""},
	} {
		code, got := rotated(test.args...)
		if strings.HasSuffix(test.want, "\n") && strings.HasPrefix(test.want, "1 ") {
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.name, diff)
			}
		}
		if code != test.code || !strings.Contains(got, test.want) {
			t.Errorf("%s: exit code %d, want %d; printed %s", test.name, code, test.code, got)
		}
	}
	code, text := rotated("--key-file", b64, "--key-file", hexa, "--format", "json")
	var report s3db.RotateReport
	if err := json.Unmarshal([]byte(text), &report); err != nil || code != 0 || report.Rotated != 1 || len(report.Keys) != 2 {
		t.Errorf("exit code %d, %v, as JSON: %s", code, err, text)
	}
	// Passphrases, from a file and from the environment.
	phrase := file("phrase", canary.Value("horse")+"\nbattery\n")
	if code, text := rotated("--passphrase-file", phrase, "--key-file", b64, "--drop", "k3"); code != 0 || !strings.Contains(text, "k3: dropped") {
		t.Errorf("to a passphrase: exit code %d, printed %s", code, text)
	}
	t.Setenv(passphraseEnv, canary.Value("horse"))
	if code, text := rotated(); code != 0 || !strings.Contains(text, "8 secrets in 1 document, active") {
		t.Errorf("passphrase of the environment: exit code %d, printed %s", code, text)
	}
	withSecrets(t, path, s3db.WithPassphrase(canary.Value("horse")), func(db *secrets.DB) {
		if d, err := db.Vaults.Get(t.Context(), "a"); err != nil || d.Plain.Reveal() != rotateSecret {
			t.Errorf("after all rotations: %v", err)
		}
	})
}

// TestRotateRefuses: wrong usage.
func TestRotateRefuses(t *testing.T) {
	dir := t.TempDir()
	empty, short := filepath.Join(dir, "empty"), filepath.Join(dir, "short")
	for _, path := range []string{empty, short} {
		if err := os.WriteFile(path, []byte("\nx"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"rotate"}, "rotate takes one database URL, got 0"},
		{[]string{"rotate", "mem://", "--format", "xml"}, `--format "xml": must be text or json`},
		{[]string{"rotate", "mem://", "--passphrase-file", empty}, "the first line is empty"},
		{[]string{"rotate", "mem://", "--passphrase-file", filepath.Join(dir, "none")}, "no such file"},
		{[]string{"rotate", "mem://", "--key-file", short}, "must be ID=FILE"},
		{[]string{"rotate", "mem://", "--key-file", "k=" + short}, "a key is 32 bytes"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), test.args, strings.NewReader(""), &stdout, &stderr)
		if code != exitFailed || !strings.Contains(stderr.String(), test.want) || stdout.Len() > 0 {
			t.Errorf("%v: exit code %d, stdout %q, stderr %q; want %d and %q", test.args, code, stdout.String(), stderr.String(), exitFailed, test.want)
		}
	}
}
