package postgres_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/postgres"
)

func numbered(number int, name, kind string) replicator.Attribute {
	a := attribute(name, kind)
	a.Number = number
	return a
}

// columnsOf returns the attributes' columns of a table with their types.
func columnsOf(t *testing.T, d *database, table string) string {
	t.Helper()
	list := query[string](t, d, `SELECT attname || ' ' || format_type(atttypid, NULL) FROM pg_attribute
WHERE attrelid = quote_ident($1)::regclass AND attnum > 0 AND NOT attisdropped AND attname !~ '^_' ORDER BY attname COLLATE "C"`, table)
	return strings.Join(list, ", ")
}

// TestEvolution adds, renames and removes attributes; what is stored stays, and
// programs of any version go on.
func TestEvolution(t *testing.T) {
	d := newDatabase(t)
	target := d.target(t, postgres.Config{})
	first := resource("users", 0, numbered(1, "mail", "string"), numbered(2, "age", "integer"))
	prepare(t, target, first)
	apply(t, target, put(1, "users", "a", `{"mail":"a@x.io","age":1}`))

	second := resource("users", 1, numbered(1, "email", "string"), numbered(3, "mail", "string"))
	prepare(t, target, second)
	if got, want := columnsOf(t, d, "users"), "age bigint, email text, id text, mail text"; got != want {
		t.Errorf("columns %s, want %s", got, want)
	}
	apply(t, target, put(2, "users", "b", `{"email":"b@x.io","mail":"Street 1"}`))

	third := resource("users", 2, numbered(1, "email", "string"), numbered(4, "age", "string"))
	prepare(t, target, third)
	if got, want := columnsOf(t, d, "users"), "age text, age_2 bigint, email text, id text, mail text"; got != want {
		t.Errorf("columns %s, want %s", got, want)
	}
	apply(t, target, put(3, "users", "c", `{"email":"c@x.io","age":"old"}`))
	got := query[string](t, d, "SELECT concat_ws(' ', id, email, age_2, age, mail) FROM users ORDER BY id")
	want := []string{"a a@x.io 1", "b b@x.io Street 1", "c c@x.io old"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}

	// A row that is written keeps nothing of attributes that are gone.
	apply(t, target, remove(4, "users", "a"))
	if got := query[string](t, d, "SELECT jsonb_strip_nulls(to_jsonb(t) - ARRAY['_revision', '_version', '_time', '_seq'])::text FROM users AS t WHERE id = 'a'"); !cmp.Equal(got, []string{`{"id": "a", "_deleted": true}`}) {
		t.Errorf("%q", got)
	}

	// A document may still have a former name of an attribute.
	fourth := resource("users", 3, numbered(1, "contact", "string"), numbered(4, "age", "string"))
	prepare(t, target, fourth)
	apply(t, target, put(4, "users", "b", `{"email":"b2@x.io","mail":"no attribute any more"}`))
	if got := query[string](t, d, "SELECT contact FROM users WHERE id = 'b'"); !cmp.Equal(got, []string{"b2@x.io"}) {
		t.Errorf("%q", got)
	}

	// A process that still has the first schema neither renames back nor fails.
	old := d.target(t, postgres.Config{})
	prepare(t, old, resource("users", 0, numbered(1, "mail2", "string")))
	apply(t, old, put(5, "users", "a", `{"mail2":"new@x.io"}`))
	if got := query[string](t, d, "SELECT contact FROM users WHERE id = 'a'"); !cmp.Equal(got, []string{"new@x.io"}) {
		t.Errorf("%q", got)
	}
}

// TestRenames: names may be exchanged.
func TestRenames(t *testing.T) {
	d := newDatabase(t)
	target := d.target(t, postgres.Config{})
	prepare(t, target, resource("users", 0, numbered(1, "a", "string"), numbered(2, "b", "string"), numbered(3, "c", "string")))
	apply(t, target, put(1, "users", "x", `{"a":"1","b":"2","c":"3"}`))
	prepare(t, target, resource("users", 1, numbered(1, "b", "string"), numbered(2, "c", "string"), numbered(3, "a", "string")))
	apply(t, target, put(2, "users", "y", `{"b":"1","c":"2","a":"3"}`))
	want := []string{"123", "123"}
	if got := query[string](t, d, "SELECT b || c || a FROM users"); !cmp.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	prepare(t, target, resource("users", 2, numbered(1, "b", "string"), numbered(4, "c", "string"), numbered(3, "d", "string")))
	if got, want := columnsOf(t, d, "users"), "b text, c text, c_2 text, d text, id text"; got != want {
		t.Errorf("columns %s, want %s", got, want)
	}
}

// TestWidening changes types; values stay what they were.
func TestWidening(t *testing.T) {
	for _, test := range []struct{ from, value, to, next, typ, printed string }{
		{"integer", `9007199254740993`, "number", `0.5`, "numeric", "9007199254740993 0.5"},
		{"integer", `7`, "decimal", `"1.50"`, "numeric", "7 1.50"},
		{"number", `0.1234567890123456`, "decimal", `"1"`, "numeric", "0.1234567890123456 1"},
		{"number", `5e-324`, "integer", `1`, "numeric", ""},
		{"integer", `7`, "duration", `8`, "bigint", "7 8"},
		{"integer", `7`, "string", `"x"`, "text", "7 x"},
		{"number", `0.1`, "string", `"x"`, "text", "0.1 x"},
		{"boolean", `true`, "string", `"x"`, "text", "true x"},
		{"date", `"2026-01-02"`, "string", `"x"`, "text", "2026-01-02 x"},
		{"datetime", `"2026-01-02T03:04:05.5+01:00"`, "string", `"x"`, "text", "2026-01-02T02:04:05.500000Z x"},
		{"ip4", `"10.0.0.1"`, "string", `"x"`, "text", "10.0.0.1 x"},
		{"bytes", `"AP8="`, "string", `"x"`, "text", "AP8= x"},
		{"uuid", `"0190163d-8694-739b-aea5-966c26f8ad91"`, "string", `"x"`, "text", "0190163d-8694-739b-aea5-966c26f8ad91 x"},
		{"date", `"2026-01-02"`, "datetime", `"2026-01-02T03:04:05Z"`, "timestamp with time zone", "2026-01-02 00:00:00+00 2026-01-02 03:04:05+00"},
		{"datetime", `"2026-01-02T03:04:05Z"`, "date", `"2026-01-03"`, "timestamp with time zone", "2026-01-02 03:04:05+00 2026-01-03 00:00:00+00"},
		{"string", `"x"`, "enum", `"y"`, "text", "x y"},
		{"string", `"x"`, "integer", `7`, "text", "x 7"},
		{"string", `"x"`, "datetime", `"2026-01-02T03:04:05+01:00"`, "text", "x 2026-01-02T02:04:05Z"},
		{"decimal", `"1.5"`, "integer", `7`, "numeric", "1.5 7"},
		{"string", `"x"`, "array", `["x"]`, "jsonb", `"x" ["x"]`},
		{"decimal", `"1.50"`, "json", `null`, "jsonb", `"1.50" null`},
		{"integer", `7`, "object", `{}`, "jsonb", `7 {}`},
		{"array", `["x"]`, "string", `"x"`, "jsonb", `["x"] "x"`},
		// Not without loss:
		{"boolean", `true`, "integer", `1`, "", ""},
		{"uuid", `"0190163d-8694-739b-aea5-966c26f8ad91"`, "integer", `1`, "", ""},
		{"string", `"x"`, "bytes", `"AP8="`, "", ""},
	} {
		t.Run(test.from+" "+test.to, func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t)
			target := d.target(t, postgres.Config{})
			prepare(t, target, resource("things", 0, attribute("v", test.from)))
			apply(t, target, put(1, "things", "1", `{"v":`+test.value+`}`))
			err := target.Prepare(t.Context(), source(resource("things", 1, attribute("v", test.to))))
			if test.typ == "" {
				if err == nil || !strings.Contains(err.Error(), `table "things", column "v"`) || !strings.Contains(err.Error(), "without loss") {
					t.Errorf("error %v", err)
				}
				apply(t, target, put(2, "things", "1", `{"v":`+test.value+`}`)) // as before
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			prepare(t, target, resource("things", 1, attribute("v", test.to))) // again
			apply(t, target, put(2, "things", "2", `{"v":`+test.next+`}`))
			got := query[string](t, d, "SELECT pg_typeof(v)::text || '|' || string_agg(v::text, ' ' ORDER BY id) FROM things GROUP BY pg_typeof(v)")
			if want := test.typ + "|" + test.printed; test.printed != "" && !cmp.Equal(got, []string{want}) {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

// TestPrepareTogether: several processes prepare at once, in an empty database.
func TestPrepareTogether(t *testing.T) {
	d := newDatabase(t)
	var running sync.WaitGroup
	for version := range 8 {
		target := d.target(t, postgres.Config{Schema: "new", LogTable: "log"})
		running.Go(func() {
			r := resource("users", version/2, attribute("name", "string"), attribute(fmt.Sprint("more", version/2), "string"))
			if err := target.Prepare(t.Context(), source(r)); err != nil {
				t.Error(err)
			}
			if rejected, err := target.Apply(t.Context(), []replicator.Change{put(uint64(version)+1, "users", "x", fmt.Sprintf(`{"name":"%d"}`, version))}); err != nil || len(rejected) > 0 {
				t.Error(rejected, err)
			}
		})
	}
	running.Wait()
	if got := query[string](t, d, "SELECT name FROM new.users"); !cmp.Equal(got, []string{"7"}) {
		t.Errorf("%q", got)
	}
}

// TestTablesOfOthers: a table that is there is taken over if it can be; if not, the
// error says what to do, and nothing has changed.
func TestTablesOfOthers(t *testing.T) {
	users := resource("users", 0, attribute("name", "string"), attribute("age", "integer"))
	t.Run("taken over", func(t *testing.T) {
		d := newDatabase(t)
		d.exec(t, "CREATE TYPE mood AS ENUM ('ok', 'sad')")
		d.exec(t, "CREATE TABLE users (id varchar(40) PRIMARY KEY, name varchar(5), age integer, mine text DEFAULT 'm', mood mood)")
		d.exec(t, "INSERT INTO users VALUES ('a', 'there', 1), ('b', 'stays', 2)")
		target := d.target(t, postgres.Config{})
		r := resource("users", 0, attribute("name", "string"), attribute("age", "integer"), attribute("mood", "enum"))
		prepare(t, target, r)
		rejected, err := target.Apply(t.Context(), []replicator.Change{
			put(1, "users", "a", `{"name":"new","age":3,"mood":"ok"}`),
			put(1, "users", "long", `{"name":"too long"}`),
			put(1, "users", "big", `{"age":2147483648}`),
			put(1, "users", "no", `{"mood":"elated"}`),
		})
		if err != nil || len(rejected) != 3 {
			t.Errorf("%+v, %v", rejected, err)
		}
		want := []string{"a new 3 m ok", "b stays 2 m"}
		if got := query[string](t, d, "SELECT concat_ws(' ', id, name, age, mine, mood) FROM users ORDER BY id"); !cmp.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
	for name, test := range map[string]struct{ table, want string }{
		"no id":     {"(name text)", `has no column "id"`},
		"no key":    {"(id text)", `has no unique key on ("id")`},
		"partial":   {"(id text, name text); CREATE UNIQUE INDEX ON users (id) WHERE name IS NULL", "has no unique key"},
		"must have": {"(id text PRIMARY KEY, mine text NOT NULL)", `column "mine" must not be null and has no default`},
		"not null":  {"(id text PRIMARY KEY, name text NOT NULL DEFAULT '')", "the row of a deleted document keeps no values"},
		"type":      {"(id text PRIMARY KEY, age date)", `column "age": its type date cannot become bigint without loss`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t)
			d.exec(t, "CREATE TABLE users "+test.table)
			before := columnsOf(t, d, "users")
			err := d.target(t, postgres.Config{}).Prepare(t.Context(), source(users))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
			if got := columnsOf(t, d, "users"); got != before {
				t.Errorf("columns %s, were %s", got, before)
			}
		})
	}
}
