package postgres_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/postgres"
)

// TestHostileNames: names of resources, attributes, tables and schemas are data.
func TestHostileNames(t *testing.T) {
	d := newDatabase(t)
	const evil = `x"; DROP TABLE users; --`
	target := d.target(t, postgres.Config{Schema: `s "ch.ema`, LogTable: `l'o"g %s $1`})
	r := resource("users", 0, attribute(evil, "string"), attribute("select", "integer"), attribute("größe-in_m", "number"),
		attribute("%s %d $1", "json"), attribute(strings.Repeat("é", 40)+"1", "string"), attribute(strings.Repeat("é", 40)+"2", "string"))
	r.Routes = []replicator.Route{{}, {To: `a.b"c`}, {To: "User"}, {To: "user"}}
	prepare(t, target, r)
	prepare(t, target, r)
	document := fmt.Sprintf(`{%q:"v","select":1,"größe-in_m":2,"%%s %%d $1":3,%q:"one",%q:"two"}`, evil, strings.Repeat("é", 40)+"1", strings.Repeat("é", 40)+"2")
	apply(t, target, put(1, "users", `'; DROP TABLE "User"; --`, document), remove(2, "users", `\`))
	for _, table := range []string{`"users"`, `"a.b""c"`, `"User"`, `"user"`} {
		got := query[string](t, d, `SELECT jsonb_path_query_array(to_jsonb(t) - ARRAY['_revision', '_version', '_time', '_deleted', '_seq'], '$.*')::text FROM "s ""ch.ema".`+table+` AS t ORDER BY id`)
		if len(got) != 2 || !strings.Contains(got[0], `"one"`) || !strings.Contains(got[0], `"two"`) || !strings.Contains(got[0], `"v"`) {
			t.Errorf("%s: %q", table, got)
		}
	}
	if got := query[int64](t, d, `SELECT count(*) FROM "s ""ch.ema"."l'o""g %s $1"`); got[0] != 2 {
		t.Errorf("%d lines in the log", got[0])
	}
}

// TestRoutes: several tables of one resource, each with its actions.
func TestRoutes(t *testing.T) {
	d := newDatabase(t)
	target := d.target(t, postgres.Config{LogTable: "s3db_replicator_log"})
	orders := resource("orders", 0, attribute("total", "integer"))
	orders.Routes = []replicator.Route{
		{To: "orders_table"},
		{To: "orders_analytics", Actions: []replicator.Action{replicator.Insert}},
		{To: "gone", Actions: []replicator.Action{replicator.Delete}},
		{To: "two ways", Actions: []replicator.Action{replicator.Insert}},
		{To: "two ways", Actions: []replicator.Action{replicator.Update}},
	}
	silent := resource("silent", 0)
	silent.Routes = []replicator.Route{{Actions: []replicator.Action{replicator.Delete}}}
	prepare(t, target, orders, silent)
	apply(t, target, put(1, "orders", "a", `{"total":1}`), put(1, "orders", "b", `{"total":1}`), put(2, "orders", "a", `{"total":2}`), remove(3, "orders", "b"),
		put(1, "silent", "s", `{}`), put(1, "unknown", "u", `{}`))
	for table, want := range map[string][]string{
		"orders_table":     {"a 2 f", "b t"},
		"orders_analytics": {"a 1 f", "b 1 f"},
		"gone":             {"b t"},
		`"two ways"`:       {"a 2 f", "b 1 f"},
		"silent":           {},
	} {
		if got := query[string](t, d, "SELECT concat_ws(' ', to_jsonb(t)->>'id', to_jsonb(t)->>'total', _deleted) FROM "+table+" AS t ORDER BY 1"); !cmp.Equal(got, want) {
			t.Errorf("%s: %q, want %q", table, got, want)
		}
	}
	want := []string{
		`a insert {"total": 1} 1 revision1 s3db-replicator`, `a update {"total": 2} 2 revision2 s3db-replicator`,
		`b delete {"was": 1} 3 revision3 s3db-replicator`, `b insert {"total": 1} 1 revision1 s3db-replicator`,
	}
	log := func() []string {
		return query[string](t, d, "SELECT concat_ws(' ', record_id, operation, data, ltrim(split_part(seq, '-', 1), '0'), revision, source) FROM s3db_replicator_log ORDER BY 1")
	}
	if diff := cmp.Diff(want, log()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	apply(t, target, put(2, "orders", "a", `{"total":2}`), remove(3, "orders", "b"))
	if diff := cmp.Diff(want, log()); diff != "" {
		t.Errorf("log after the same changes (-want +got):\n%s", diff)
	}
	for x, err := range target.List(t.Context(), "silent", "") {
		if err == nil || !strings.Contains(err.Error(), "takes all of") {
			t.Errorf("%v, %v", x, err)
		}
	}
}

// TestConstraints: rows that the server refuses are found among many, and tell why. The
// checkpoint stays before the first until the next call, so that a crash between them
// does not lose it.
func TestConstraints(t *testing.T) {
	d := newDatabase(t)
	target := d.target(t, postgres.Config{})
	prepare(t, target, resource("users", 0, attribute("name", "string")))
	d.exec(t, `ALTER TABLE users ADD CONSTRAINT short CHECK (length(name) < 5)`)
	d.exec(t, `CREATE UNIQUE INDEX only_one ON users (name)`)
	d.exec(t, `CREATE FUNCTION grumble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF new.name = 'no' THEN RAISE EXCEPTION 'I grumble'; END IF; RETURN new; END $$`)
	d.exec(t, `CREATE TRIGGER grumble BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION grumble()`)
	var batch []replicator.Change
	bad := map[int]string{}
	for i := range 300 {
		name := fmt.Sprint(i)
		switch i {
		case 20, 250:
			name, bad[i] = "much too long", `constraint "short"`
		case 40:
			name, bad[i] = "no", "I grumble"
		case 299:
			name, bad[i] = "7", `constraint "only_one"`
		}
		c := put(1, "users", fmt.Sprintf("id%03d", i), fmt.Sprintf(`{"name":%q}`, name))
		c.Seq.Offset = uint32(i) //nolint:gosec // small
		batch = append(batch, c)
	}
	held := put(2, "users", "id250", `{"name":"ok"}`)
	batch = append(batch[:260:260], append([]replicator.Change{held}, batch[260:]...)...)
	rejected, err := target.Apply(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	// Halves are transactions: whether the later change of id250 overtakes the bad one
	// depends on where they are cut.
	for _, r := range rejected {
		c := batch[r.Index]
		if r.Held != (c.Seq == held.Seq) || !r.Held && (bad[int(c.Seq.Offset)] == "" || !strings.Contains(r.Reason, bad[int(c.Seq.Offset)])) {
			t.Errorf("%s: %+v", c.ID, r)
		}
	}
	if got := query[int64](t, d, "SELECT count(*) FROM users"); got[0] < 296 || int(got[0]) > 297 || len(rejected) < 3 {
		t.Errorf("%d rows, %d rejected", got[0], len(rejected))
	}
	checkpoint := func() uint32 {
		seq, err := target.Checkpoint(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		return seq.Offset
	}
	if got := checkpoint(); got != 19 {
		t.Errorf("the checkpoint is at %d, want 19, before the first that was refused", got)
	}
	next := put(1, "users", "next", `{}`)
	next.Seq.Offset = 1000
	apply(t, target, next)
	if got := checkpoint(); got != 1000 {
		t.Errorf("the checkpoint is at %d, want 1000", got)
	}
	// The state of a snapshot or a repair says nothing of the changes before it, nor
	// does a dead letter that is applied again.
	snapshot := put(1, "users", "next", `{}`)
	snapshot.Seq, snapshot.Snapshot = replicator.EndOf(9), true
	letter := put(10, "users", "letter", `{}`)
	letter.Again = true
	apply(t, target, snapshot, letter)
	if got := checkpoint(); got != 1000 {
		t.Errorf("the checkpoint is at %d after a snapshot and a dead letter, want 1000", got)
	}
}

// TestZombies: processes that apply the same changes at the same time, each at its own
// pace, end in the state of the last change of each document.
func TestZombies(t *testing.T) {
	d := newDatabase(t)
	const documents, segments = 20, 30
	var all []replicator.Change
	want := map[string]string{}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a seed makes the test the same each time
	for segment := range uint64(segments) {
		for id := range documents {
			name := fmt.Sprintf("id%02d", id)
			c := put(segment+1, "users", name, fmt.Sprintf(`{"n":%d}`, segment))
			if random.IntN(4) == 0 {
				c = remove(segment+1, "users", name)
			}
			want[name] = fmt.Sprint(c.Action == replicator.Delete, " ", segment+1)
			all = append(all, c)
		}
	}
	var running sync.WaitGroup
	for worker := range 4 {
		target := d.target(t, postgres.Config{})
		prepare(t, target, resource("users", 0, attribute("n", "integer")))
		running.Go(func() {
			size := 7 + 13*worker
			for start := 0; start < len(all); start += size {
				rejected, err := target.Apply(t.Context(), all[start:min(start+size, len(all))])
				if err != nil || len(rejected) > 0 {
					t.Error(rejected, err)
				}
			}
		})
	}
	running.Wait()
	for _, row := range query[string](t, d, "SELECT concat_ws(' ', id, _deleted::text, ('x' || split_part(_seq, '-', 1))::bit(64)::bigint) FROM users") {
		id, state, _ := strings.Cut(row, " ")
		if state != want[id] {
			t.Errorf("%s is %s, want %s", id, state, want[id])
		}
		delete(want, id)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}

// TestDownAndUp: while the server is down, Apply and Test fail; afterwards the same
// target goes on.
func TestDownAndUp(t *testing.T) {
	d := newDatabase(t)
	target := d.target(t, postgres.Config{})
	prepare(t, target, resource("users", 0, attribute("n", "integer")))
	apply(t, target, put(1, "users", "a", `{"n":1}`))
	s := shared.Get(t)
	s.Down()
	if _, err := target.Apply(t.Context(), []replicator.Change{put(2, "users", "a", `{"n":2}`)}); err == nil {
		t.Error("Apply ended well without a server")
	}
	if err := target.Test(t.Context()); err == nil {
		t.Error("Test ended well without a server")
	}
	if err := s.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.pool.Reset()
	apply(t, target, put(2, "users", "a", `{"n":2}`))
	if got := query[int64](t, d, "SELECT n FROM users"); !cmp.Equal(got, []int64{2}) {
		t.Errorf("%v", got)
	}
	if seq, err := target.Checkpoint(t.Context(), 0); err != nil || seq != at(2) {
		t.Errorf("checkpoint %v, %v", seq, err)
	}
}
