package postgres_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/postgres"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/boltstore"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

type (
	account = clienttest.AccountInsert
	patch   = clienttest.AccountPatch
)

// replicated opens accounts whose changes go to a database on demand.
func replicated(tb testing.TB, store s3db.Store, target replicator.Target, change ...func(*replicator.Options)) (*clienttest.Accounts, *replicator.Replicator) {
	tb.Helper()
	options := replicator.Options{
		OnDemand: true, Instance: "test",
		Targets: []replicator.TargetOptions{{Name: "postgres", Target: target, Routes: map[string][]replicator.Route{"accounts": {{}}}}},
	}
	for _, f := range change {
		f(&options)
	}
	r := replicator.New(options)
	c, err := clienttest.Open(tb.Context(), store, 1, 1, s3db.WithPlugin(r))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.Database().Close(); err != nil {
			tb.Error(err)
		}
	})
	return c, r
}

// newTarget returns a target that the replicator closes.
func (d *database) newTarget(tb testing.TB, config postgres.Config) *postgres.Target {
	tb.Helper()
	config.ConnectionString = d.url
	target, err := postgres.New(config)
	if err != nil {
		tb.Fatal(err)
	}
	return target
}

// same checks that the table is what the documents are, in values and revisions.
func same(tb testing.TB, c *clienttest.Accounts, d *database) {
	tb.Helper()
	want := map[string]string{}
	for a, err := range c.Query().All(tb.Context()) {
		if err != nil {
			tb.Fatal(err)
		}
		want[string(a.ID)] = fmt.Sprintf("%s %d %s %s %s", a.Name, a.Count, value(a.Email), value(a.Country), a.Meta.Revision)
	}
	got := map[string]string{}
	for _, row := range query[json.RawMessage](tb, d, `SELECT to_jsonb(t) FROM accounts AS t WHERE NOT _deleted`) {
		var a struct {
			ID, Name string
			Count    int64
			Email    *string
			Country  *string
			Revision string `json:"_revision"`
		}
		if err := json.Unmarshal(row, &a); err != nil {
			tb.Fatal(err)
		}
		got[a.ID] = fmt.Sprintf("%s %d %s %s %s", a.Name, a.Count, value(a.Email), value(a.Country), a.Revision)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("table (-documents +rows):\n%s", diff)
	}
}

func value(s *string) string {
	if s == nil {
		return "-"
	}
	return *s
}

func synced(tb testing.TB, r *replicator.Replicator) {
	tb.Helper()
	if err := r.Sync(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}

// TestEndToEnd: writes of every kind reach the table, those before the replicator was
// there too, and those while the server was down.
func TestEndToEnd(t *testing.T) {
	ctx := t.Context()
	d := newDatabase(t)
	server := memstore.NewServer(memstore.Options{})
	before, err := clienttest.Open(ctx, server.Client(), 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := before.InsertMany(ctx, []account{{ID: "old1", Name: "Old"}, {ID: "old2", Name: "Old"}}); err != nil {
		t.Fatal(err)
	}
	c, r := replicated(t, server.Client(), d.newTarget(t, postgres.Config{LogTable: "log"}))
	if err := r.TestConnections(ctx); err != nil {
		t.Fatal(err)
	}
	synced(t, r)
	same(t, c, d)
	write := func(round int) {
		t.Helper()
		name := func(s string) account { return account{ID: clienttest.AccountID(fmt.Sprint(s, round)), Name: s} }
		_, err1 := c.Insert(ctx, name("single"))
		_, err2 := c.InsertMany(ctx, []account{name("a"), name("b"), name("c")})
		_, err3 := c.Update(ctx, clienttest.AccountID(fmt.Sprint("a", round)), patch{Name: s3db.Set("A \"'; \\ é 🎈"), Email: s3db.Set(fmt.Sprintf("a%d@x.io", round))})
		_, err4 := c.Upsert(ctx, "old1", account{Name: fmt.Sprint("round ", round), Country: new("BR")})
		err5 := c.Delete(ctx, clienttest.AccountID(fmt.Sprint("b", round)))
		err6 := c.DeleteMany(ctx, clienttest.AccountID(fmt.Sprint("c", round)))
		if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
			t.Fatal(err)
		}
	}
	write(1)
	synced(t, r)
	same(t, c, d)

	shared.Get(t).Down()
	write(2)
	if err := r.Sync(ctx); err == nil {
		t.Error("Sync ended well without a server")
	}
	write(3)
	if err := shared.Get(t).Up(ctx); err != nil {
		t.Fatal(err)
	}
	d.pool.Reset()
	synced(t, r)
	same(t, c, d)

	again, r2 := replicated(t, server.Client(), d.newTarget(t, postgres.Config{LogTable: "log"}))
	write(4)
	synced(t, r2)
	same(t, again, d)
	if got := query[int64](t, d, "SELECT count(*) FROM log WHERE operation = 'delete'"); got[0] != 8 {
		t.Errorf("%d deletes in the log, want 8", got[0])
	}
}

// TestDeadLetters: a row that a constraint refuses waits as a dead letter with those of
// its document behind it, until the constraint is gone and it is replayed.
func TestDeadLetters(t *testing.T) {
	ctx := t.Context()
	d := newDatabase(t)
	c, r := replicated(t, memstore.NewServer(memstore.Options{}).Client(), d.newTarget(t, postgres.Config{}))
	synced(t, r)
	d.exec(t, "ALTER TABLE accounts ADD CONSTRAINT no_poison CHECK (name <> 'poison')")
	for i := range 20 {
		name := fmt.Sprint("n", i)
		if i == 7 {
			name = "poison"
		}
		if _, err := c.Insert(ctx, account{ID: clienttest.AccountID(fmt.Sprint("id", i)), Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	synced(t, r)
	if got := query[int64](t, d, "SELECT count(*) FROM accounts"); got[0] != 19 {
		t.Errorf("%d rows, want 19", got[0])
	}
	if _, err := c.Update(ctx, "id7", patch{Count: s3db.Set(int64(7))}); err != nil {
		t.Fatal(err)
	}
	synced(t, r)
	letters := 0
	for l, err := range r.DeadLetters(ctx, "postgres") {
		if err != nil {
			t.Fatal(err)
		}
		if letters == 0 && !strings.Contains(l.Reason, "no_poison") || l.Change.ID != "id7" {
			t.Errorf("%+v", l)
		}
		letters++
	}
	if letters != 2 {
		t.Errorf("%d dead letters, want 2", letters)
	}

	// While the target fails, letters go ahead of changes that are before them in the
	// log. Replayed, they must not make the target forget these.
	for i := range 20 {
		if _, err := c.Upsert(ctx, clienttest.AccountID(fmt.Sprint("id", i)), account{Name: fmt.Sprint("later", i)}); err != nil {
			t.Fatal(err)
		}
	}
	d.exec(t, "ALTER TABLE accounts RENAME TO away")
	if err := r.Sync(ctx); err == nil {
		t.Error("Sync ended well without the table")
	}
	d.exec(t, "ALTER TABLE away RENAME TO accounts")

	d.exec(t, "ALTER TABLE accounts DROP CONSTRAINT no_poison")
	if err := r.Replay(ctx, "postgres", replicator.Document{}); err != nil {
		t.Fatal(err)
	}
	synced(t, r)
	same(t, c, d)
}

// Writes of TestKill.
const (
	killWriters = 8
	killWrites  = 10_000
	killIDs     = 25 // documents of each writer
)

// killWrite is the n-th write of a writer. It may be repeated.
func killWrite(ctx context.Context, c *clienttest.Accounts, writer, n int) error {
	random := rand.New(rand.NewPCG(uint64(writer), uint64(n))) //nolint:gosec // a seed
	id := clienttest.AccountID(fmt.Sprintf("w%d-%d", writer, random.IntN(killIDs)))
	var err error
	switch random.IntN(10) {
	case 0, 1:
		if err = c.Delete(ctx, id); errors.Is(err, s3db.ErrNotFound) {
			err = nil
		}
	case 2:
		_, err = c.InsertMany(ctx, []account{{ID: id + "x", Name: "many", Count: int64(n)}, {ID: id + "y", Name: "many"}})
		if errors.Is(err, s3db.ErrAlreadyExists) {
			if err = c.DeleteMany(ctx, id+"x", id+"y"); errors.Is(err, s3db.ErrNotFound) {
				err = nil
			}
		}
	default:
		_, err = c.Upsert(ctx, id, account{Name: fmt.Sprint("write ", n), Count: int64(n), Country: new(string('A' + rune(n%5)))})
	}
	return err
}

func openFile(t *testing.T, file string) s3db.Store {
	t.Helper()
	store, err := boltstore.Open(t.Context(), file, boltstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// killed is the process that is killed: it goes on with each writer's writes where the
// arguments say, tells each one that has returned, and replicates meanwhile.
func killed(t *testing.T, url, file string, starts []string) {
	store := openFile(t, file)
	d := &database{url: url}
	c, _ := replicated(t, store, d.newTarget(t, postgres.Config{}), func(o *replicator.Options) {
		o.OnDemand, o.Interval, o.Sweep, o.Shards = false, 10*time.Millisecond, 50*time.Millisecond, 2
	})
	var running sync.WaitGroup
	for writer := range killWriters {
		n, err := strconv.Atoi(starts[writer])
		if err != nil {
			t.Fatal(err)
		}
		running.Go(func() {
			for ; n < killWrites/killWriters; n++ {
				if err := killWrite(t.Context(), c, writer, n); err != nil {
					t.Error(err)
					return
				}
				fmt.Printf("done %d %d\n", writer, n) //nolint:forbidigo // for the process that kills this one
			}
		})
	}
	running.Wait()
}

// TestKill kills a process that writes and replicates, at any moment, and starts it
// again; afterwards the table is what the documents are. The test runs itself as the
// process.
func TestKill(t *testing.T) {
	const marker = "S3DB_TEST_KILL"
	if args := os.Getenv(marker); args != "" {
		list := strings.Split(args, " ")
		killed(t, list[0], list[1], list[2:])
		return
	}
	kills := 50
	if testing.Short() {
		kills = 5
	}
	d := newDatabase(t)
	file := filepath.Join(t.TempDir(), "accounts.db")
	random := rand.New(rand.NewPCG(7, 9)) //nolint:gosec // a seed
	next := make([]int, killWriters)      // the first write of each writer that has not returned
	total := func() (n int) {
		for _, x := range next {
			n += x
		}
		return n
	}
	// run runs the process until it has told of some writes, or all, and reports whether it
	// was killed then.
	run := func(writes int) bool {
		args := d.url + " " + file
		for _, n := range next {
			args += " " + strconv.Itoa(n)
		}
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKill$", "-test.timeout=120s")
		cmd.Env = append(os.Environ(), marker+"="+args)
		cmd.Stderr = os.Stderr
		output, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for lines := bufio.NewScanner(output); lines.Scan(); {
			var writer, n int
			if _, err := fmt.Sscanf(lines.Text(), "done %d %d", &writer, &n); err != nil {
				continue // what the test says of itself
			}
			next[writer] = n + 1
			if writes--; writes == 0 {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		err = cmd.Wait()
		if writes > 0 && err != nil {
			t.Fatalf("the process ended by itself: %v", err)
		}
		return err != nil
	}
	killed := 0
	for kill := range kills {
		share := (killWrites*kills/50 - total()) / (kills - kill + 1) // some are left for the last run
		if run(share/2 + random.IntN(share) + 1) {
			killed++
		}
	}
	if !testing.Short() {
		run(killWrites + 1)
	}
	store := openFile(t, file)
	c, r := replicated(t, store, d.newTarget(t, postgres.Config{}))
	synced(t, r)
	same(t, c, d)
	rows := query[int64](t, d, "SELECT count(*) FROM accounts WHERE NOT _deleted")
	t.Logf("%d writes, %d kills, %d rows", total(), killed, rows[0])
	if rows[0] == 0 || killed != kills || !testing.Short() && total() != killWrites {
		t.Errorf("%d rows after %d writes and %d kills", rows[0], total(), killed)
	}
}
