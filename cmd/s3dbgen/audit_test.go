package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/canary"
	"github.com/s3dbgen/s3dbgen/plugins/audit"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/boltstore"
	"github.com/s3dbgen/s3dbgen/testdata/golden/secrets/secrets"
)

// auditedFile makes a database with the log of a session that did not end.
func auditedFile(t *testing.T, path string, key []byte) {
	t.Helper()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	p := audit.New(audit.Options{IncludeData: true, Key: key, Now: func() time.Time { now = now.Add(time.Minute); return now }})
	store, err := boltstore.Open(t.Context(), path, boltstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	db, err := secrets.New(t.Context(), store, s3db.WithPlugin(p), s3db.WithKey("k", canary.Key(1)))
	if err != nil {
		t.Fatal(err)
	}
	ctx := audit.WithUser(t.Context(), "ada")
	for _, id := range []secrets.BadgeID{"b1", "b2"} {
		in := secrets.BadgeInsert{
			ID: id, Site: string(id), Code: s3db.NewSecret(canary.Value(string(id))), PIN: s3db.NewSecret(int64(1)),
			Holder: secrets.BadgeHolder{Name: "Bo", Level: s3db.NewSecret(secrets.BadgeHolderLevelLow)},
		}
		if _, err := db.Badges.Insert(ctx, in); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Badges.Update(t.Context(), "b2", secrets.BadgePatch{Site: s3db.Set("annex")}); err != nil {
		t.Fatal(err)
	}
}

// removeEntry removes the first object of the log whose name holds a text.
func removeEntry(t *testing.T, path, in string) {
	t.Helper()
	store, err := boltstore.Open(t.Context(), path, boltstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	page, err := store.List(t.Context(), s3db.ListRequest{Prefix: "plugin=audit/"})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range page.Items {
		if strings.Contains(x.Key, in) {
			if err := store.Delete(t.Context(), x.Key, s3db.Condition{}); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("no entry with %q", in)
}

// TestAuditCommand reads a log and verifies it, before and after somebody took
// entries out of it.
func TestAuditCommand(t *testing.T) {
	dir := t.TempDir()
	path := filepath.ToSlash(filepath.Join(canary.TempDir(t), "shop.db"))
	keyFile := filepath.Join(dir, "key")
	if err := os.WriteFile(keyFile, canary.Key(2), 0o600); err != nil {
		t.Fatal(err)
	}
	auditedFile(t, path, canary.Key(2))
	command := func(args ...string) (int, string) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		args = append([]string{"audit", args[0], "file://" + path}, args[1:]...)
		code := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr)
		if text := stdout.String() + stderr.String(); canary.Find([]byte(text)) != "" {
			t.Errorf("%q prints a secret", args)
		}
		return code, stdout.String() + stderr.String()
	}
	key := []string{"--audit-key-file", keyFile}
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"all", nil, "2026-11-24T12:02:00Z ada insert badges/b1 committed\n2026-11-24T12:03:00Z ada insert badges/b2 committed\n2026-11-24T12:04:00Z - update badges/b2 committed\n"},
		{"of a user, the newest", []string{"--user", "ada", "--newest", "--limit", "1"}, "2026-11-24T12:03:00Z ada insert badges/b2 committed\n"},
		{"of a document and a time", []string{"--id", "b2", "--from", "2026-11-24T12:04:00Z"}, "2026-11-24T12:04:00Z - update badges/b2 committed\n"},
		{"of another resource", []string{"--resource", "vaults"}, ""},
	} {
		code, got := command(append(append([]string{"list"}, key...), test.args...)...)
		if diff := cmp.Diff(test.want, got); code != 0 || diff != "" {
			t.Errorf("%s: exit code %d (-want +got):\n%s", test.name, code, diff)
		}
	}
	code, text := command(append([]string{"list", "--operation", "insert", "--limit", "1", "--format", "json"}, key...)...)
	var entry struct {
		State string
		After struct{ Site, Code string }
	}
	if err := json.Unmarshal([]byte(text), &entry); err != nil || code != 0 || entry.State != "committed" || entry.After.Site != "b1" || entry.After.Code != "[redacted]" {
		t.Errorf("exit code %d, %v, as JSON: %s", code, err, text)
	}

	code, text = command(append([]string{"verify"}, key...)...)
	if want := "3 entries in 1 session, 0 refused, 0 unknown, 1 unsettled, 0 expired; 0 problems\n"; code != 0 || text != want {
		t.Errorf("verify: exit code %d, printed %s", code, text)
	}
	code, report := command(append([]string{"verify", "--format", "json"}, key...)...)
	anchors := filepath.Join(dir, "report.json")
	if err := os.WriteFile(anchors, []byte(report), 0o600); err != nil || code != 0 {
		t.Fatal(code, err)
	}
	if code, text := command("verify"); code != 1 || !strings.Contains(text, "altered: entry/") {
		t.Errorf("verify without the key: exit code %d, printed %s", code, text)
	}
	removeEntry(t, path, "!update!")
	if code, text := command(append([]string{"verify"}, key...)...); code != 0 {
		t.Errorf("the newest entry of a session that goes on is known to nobody: exit code %d, printed %s", code, text)
	}
	if code, text := command(append([]string{"verify", "--anchors", anchors}, key...)...); code != 1 || !strings.Contains(text, "removed: entry 3 of session ") {
		t.Errorf("verify with anchors: exit code %d, printed %s", code, text)
	}
	removeEntry(t, path, "!insert!")
	if code, text := command(append([]string{"verify"}, key...)...); code != 1 || !strings.Contains(text, "removed: entry 1 of session ") {
		t.Errorf("verify after a removal: exit code %d, printed %s", code, text)
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"list", "--from", "today"}, `--from "today": must be a time such as 2026-11-24T12:00:00Z`},
		{[]string{"list", "--format", "xml"}, `--format "xml": must be text or json`},
		{[]string{"verify", "--anchors", keyFile}, "not a report of audit verify"},
		{[]string{"verify", "--audit-key-file", anchors}, "a key is 32 bytes"},
	} {
		if code, text := command(test.args...); code != 2 || !strings.Contains(text, test.want) {
			t.Errorf("%q: exit code %d, printed %s", test.args, code, text)
		}
	}
	var stderr bytes.Buffer
	if code := run(t.Context(), []string{"audit"}, strings.NewReader(""), &stderr, &stderr); code != 2 || !strings.Contains(stderr.String(), "audit needs a command: list or verify") {
		t.Errorf("without a command: exit code %d, printed %s", code, stderr.String())
	}
}
