package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/canary"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/boltstore"
	"github.com/s3dbgen/s3dbgen/testdata/versions/v0/v0"
	"github.com/s3dbgen/s3dbgen/testdata/versions/v3/v3"
	"github.com/s3dbgen/s3dbgen/testdata/versions/v4/v4"
)

// usersFile makes a database with two documents of version 0, one of them without
// what version 3 requires to be exact when broken is true, and the versions up to one.
func usersFile(t *testing.T, upTo int, broken bool) (url string) {
	t.Helper()
	path := filepath.ToSlash(filepath.Join(canary.TempDir(t), "users.db"))
	store, err := boltstore.Open(t.Context(), path, boltstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}()
	key := s3db.WithKey("test", canary.Key(1))
	zero, err := v0.New(t.Context(), store, key)
	if err != nil {
		t.Fatal(err)
	}
	score := int64(7)
	if broken {
		score = 1<<53 + 1
	}
	for _, in := range []v0.UserInsert{
		{ID: "ada", Name: "Ada", Email: "ada@x.io", Age: 36, Score: &score, Role: v0.UserRoleAdmin, Profile: v0.UserProfile{City: "Rio"}},
		{ID: "bob", Name: "Bob", Email: "bob@x.io", Age: 1, Role: v0.UserRoleMember, Profile: v0.UserProfile{City: "Ulm"}},
	} {
		if _, err := zero.Users.Insert(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := v3.New(t.Context(), store, key); err != nil {
		t.Fatal(err)
	}
	if upTo > 3 {
		if _, err := v4.New(t.Context(), store, key); err != nil {
			t.Fatal(err)
		}
	}
	return "file://" + path
}

// command runs a command line, and returns its exit code and all that it prints.
func command(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr)
	return code, stdout.String() + stderr.String()
}

// TestMigrateVersions migrates a database from the command line, without its
// program: a dry run, the migration, and one that has nothing to do.
func TestMigrateVersions(t *testing.T) {
	url := usersFile(t, 3, false)
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"migrate", url, "--dry-run"}, "users: version 3, 2 documents read, 2 to migrate, 0 failed\n"},
		{[]string{"count", url, "users", "--where", "_v=0"}, "2\n"},
		{[]string{"migrate", url, "--exclusive"}, "users: version 3, 2 documents read, 2 migrated, 0 failed; complete\n"},
		{[]string{"count", url, "users", "--where", "_v=3"}, "2\n"},
		{[]string{"count", url, "users", "--where", "plan=free"}, "2\n"},
		{[]string{"migrate", url, "--exclusive"}, "users: version 3, 0 documents read, 0 migrated, 0 failed; complete\n"},
		{[]string{"fsck", url}, "2 documents, 16 entries, 2 claims, 0 contents, 0 tombstones, 2 kept states; 0 findings, 0 recent\n"},
	} {
		if test.args[0] == "fsck" { // the entry under the old name of a role is left over
			command(t, "fsck", url, "--repair", "--exclusive")
		}
		if code, out := command(t, test.args...); code != exitOK || out != test.want {
			t.Errorf("%v: exit code %d\n%s\twant %s", test.args, code, out, test.want)
		}
	}
	code, out := command(t, "get", url, "users", "ada")
	var got map[string]any
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitOK {
		t.Fatal(code, out)
	}
	delete(got, "createdAt")
	delete(got, "updatedAt")
	want := map[string]any{"id": "ada", "fullName": "Ada", "plan": "free", "email": "ada@x.io", "age": "36", "score": 7.0, "role": "owner", "profile": map[string]any{"city": "Rio"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestMigrateTellsWhatIsLeft: documents that cannot be migrated, the hour that is
// missing, and resources that need their program.
func TestMigrateTellsWhatIsLeft(t *testing.T) {
	const failure = "migrate users/ada: field 5: validation failed: the integer is not exact as a number\n"
	broken := usersFile(t, 3, true)
	code, out := command(t, "migrate", broken, "--exclusive")
	if want := failure + "users: version 3, 2 documents read, 1 migrated, 1 failed\n"; code != exitDifferent || out != want {
		t.Errorf("exit code %d\n%s\twant %s", code, out, want)
	}
	code, out = command(t, "migrate", broken, "--format", "json")
	var report migrationReport
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != exitDifferent || len(report.Failures) != 1 || report.Failures[0].ID != "ada" {
		t.Errorf("exit code %d, %v\n%s", code, err, out)
	}
	code, out = command(t, "migrate", usersFile(t, 3, false))
	if !strings.Contains(out, "2 migrated, 0 failed; not complete: run migrate again after 20") || code != exitOK {
		t.Errorf("exit code %d\n%s", code, out)
	}

	url := usersFile(t, 4, false)
	_, before := command(t, "inspect", url, "--format", "json")
	code, out = command(t, "migrate", url, "--exclusive")
	want := "users: needs its program, which has the functions that make version 4\n" +
		"Run there\n\n\treports, err := db.Migrate(ctx, s3db.MigrateOptions{})\n\n" +
		"Nothing was changed. Name the resources that need no program with --resource to migrate them here.\n"
	if code != exitDifferent || out != want {
		t.Errorf("exit code %d\n%s\twant %s", code, out, want)
	}
	if _, after := command(t, "inspect", url, "--format", "json"); after != before {
		t.Errorf("it has changed the database:\n%s", cmp.Diff(before, after))
	}
	code, out = command(t, "migrate", url, "--dry-run")
	if code != exitDifferent || strings.Count(out, "only the program of the resource can bring the document up to date") != 2 {
		t.Errorf("the dry run: exit code %d\n%s", code, out)
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{url, "--resource", "none"}, `the database has no resource "none"; it has users`},
		{[]string{url, "--format", "xml"}, `--format "xml": must be text or json`},
		{[]string{url, "--to", url}, "--to: only with --from-s3dbjs"},
		{[]string{"--from-s3dbjs", url, "--exclusive"}, "--exclusive: not with --from-s3dbjs"},
		{[]string{url, "--from-s3dbjs", url}, "unexpected argument"},
		{[]string{url + ".none"}, "there is no file"},
		{nil, "migrate takes the URL of one database, or --from-s3dbjs and --to; got 0 arguments"},
	} {
		if code, out := command(t, append([]string{"migrate"}, test.args...)...); code != exitFailed || !strings.Contains(out, test.want) {
			t.Errorf("%v: exit code %d, %s", fmt.Sprint(test.args), code, out)
		}
	}
}
