package main

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	"github.com/s3dbgen/s3dbgen/internal/canary"
	"github.com/s3dbgen/s3dbgen/internal/leaktest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

var update = flag.Bool("update", false, "write the expected output in the scripts anew")

func TestMain(m *testing.M) {
	testscript.Main(leaktest.Tests{M: m}, map[string]func(){"s3dbgen": main})
}

// TestScripts runs the command line in testdata/script. Beside the commands of
// testscript there is "exits CODE COMMAND…", which wants an exact exit code, and
// the condition [root], for file permissions do not bind root.
func TestScripts(t *testing.T) {
	module, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("MODULE", module)
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, "home", ".cache"))
			for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOFLAGS"} {
				out, err := exec.Command("go", "env", name).Output()
				if err != nil {
					return err
				}
				env.Setenv(name, string(out[:len(out)-1]))
			}
			env.Defer(func() { canary.SearchFiles(t, env.WorkDir) })
			return nil
		},
		Condition: func(cond string) (bool, error) {
			if cond == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, errors.New("unknown condition " + cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":      exits,
			"passphrase": passphraseCommand,
			"reveals":    reveals,
			"shop":       shopCommand,
		},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// The canaries of scripts are named here: what a script says is in its log.
const (
	scriptPassphrase = "passphrase"
	scriptSecret     = "tax-number"
)

// passphraseCommand is "passphrase": it puts that of shop into the environment.
func passphraseCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: passphrase")
	}
	ts.Setenv(passphraseEnv, canary.Value(scriptPassphrase))
}

// reveals is "reveals FILE": the file must hold the secret of the user of shop, and
// is removed, for no other may.
func reveals(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: reveals FILE")
	}
	if !strings.Contains(ts.ReadFile(args[0]), `"`+canary.Value(scriptSecret)+`"`) {
		ts.Fatalf("the secret is not in %s", args[0])
	}
	ts.Check(os.Remove(ts.MkAbs(args[0])))
}

// shopCommand is "shop FILE [empty]": it makes the database of the example, with
// three reviews, a user and two sessions that have expired, or with nothing in it.
func shopCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: shop FILE [empty]")
	}
	ctx, now := context.Background(), time.Date(2025, time.March, 14, 15, 9, 26, 0, time.UTC)
	db, err := shop.Open(ctx, "file://"+filepath.ToSlash(ts.MkAbs(args[0])),
		s3db.WithPassphrase(canary.Value(scriptPassphrase)),
		s3db.WithIDs("products", s3db.ULID),
		s3db.WithPasswordParams(s3db.PasswordParams{Memory: 8, Time: 1, Threads: 1}),
		s3db.WithClock(func() time.Time { return now }))
	ts.Check(err)
	defer func() { ts.Check(db.Close()) }()
	if len(args) > 1 {
		return
	}
	for _, r := range []shop.ReviewInsert{
		{ID: "r1", Product: "tea", User: "ada", Stars: 5, Title: "Good, hot", Text: "said \"wow\"\nand drank"},
		{ID: "r2", Product: "tea", User: "bob", Stars: 4, Title: "\"quoted\"", Text: "fine"},
		{ID: "r3", Product: "pot", User: "ada", Stars: 1, Title: "", Text: "leaks"},
	} {
		_, err := db.Reviews.Insert(ctx, r)
		ts.Check(err)
	}
	_, err = db.Users.Insert(ctx, shop.UserInsert{ID: "ada", Name: "Ada", Email: "ada@example.com", Password: s3db.Password(canary.Value("password")), TaxNumber: new(s3db.NewSecret(canary.Value(scriptSecret)))})
	ts.Check(err)
	now = longAgo
	for _, id := range []shop.SessionID{"s1", "s2"} {
		_, err := db.Sessions.Insert(ctx, session(id, now))
		ts.Check(err)
	}
}
