package postgres_test

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/s3dbgen/s3dbgen/plugins/replicator/postgres"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// TestConfig: mistakes are told all at once, and no password is.
func TestConfig(t *testing.T) {
	for name, test := range map[string]struct {
		config postgres.Config
		want   []string
	}{
		"both ways":   {postgres.Config{ConnectionString: "postgres://u@h/d", Host: "h", Port: 70000}, []string{"connectionString excludes host", "port 70000 is not between"}},
		"ssl twice":   {postgres.Config{ConnectionString: "host=h sslmode=require", SSL: new(true)}, []string{"ssl and the sslmode"}},
		"long name":   {postgres.Config{Table: strings.Repeat("x", 64), LogTable: "a\x00b"}, []string{"tableName", "longer than the 63 bytes", "logTable", "NUL"}},
		"no string":   {postgres.Config{ConnectionString: "postgres://user:secret-word@host:port/db"}, []string{"postgres"}},
		"no root":     {postgres.Config{ConnectionString: "host=h password=secret-word sslmode=verify-full sslrootcert=/does/not/exist"}, []string{"/does/not/exist"}},
		"no ssl mode": {postgres.Config{ConnectionString: "host=h sslmode=perhaps"}, []string{"sslmode"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := postgres.New(test.config)
			if !errors.Is(err, s3db.ErrConfig) {
				t.Fatalf("error %v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "secret-word") {
				t.Errorf("the error has the password: %v", err)
			}
		})
	}
	for name, test := range map[string]struct {
		config postgres.Config
		want   string
	}{
		"one table":  {postgres.Config{LogTable: "users"}, `table "users" is kept for the replicator`},
		"long route": {postgres.Config{}, "longer than the 63 bytes"},
		"two in one": {postgres.Config{}, `table "same" is that of resources "a" and "b"`},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDatabase(t)
			users, a, b := resource("users", 0), resource("a", 0), resource("b", 0)
			a.Routes[0].To, b.Routes[0].To = "same", "same"
			list := source(users)
			switch name {
			case "long route":
				users.Routes[0].To = strings.Repeat("x", 64)
			case "two in one":
				list = source(a, b)
			}
			if err := d.target(t, test.config).Prepare(t.Context(), list); !errors.Is(err, s3db.ErrConfig) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
	target, err := postgres.New(postgres.Config{ConnectionString: "host=127.0.0.1 port=1"})
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	if _, err := target.Apply(t.Context(), nil); err == nil {
		t.Error("Apply before Prepare ended well")
	}
}

// TestConnection connects by single parameters, with a password and with TLS, and tells
// what is wrong with a connection.
func TestConnection(t *testing.T) {
	d := newDatabase(t)
	schema := d.url[strings.LastIndex(d.url, "=")+1:]
	host, portText, err := net.SplitHostPort(shared.Get(t).Address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		t.Fatal(err)
	}
	const password = `p%@/w' "d`
	// They belong to the server: a test that runs again finds those of the run before.
	d.exec(t, "DROP SCHEMA IF EXISTS theirs, readonly, missing CASCADE")
	d.exec(t, "DROP ROLE IF EXISTS guarded")
	d.exec(t, `CREATE ROLE guarded LOGIN PASSWORD 'p%@/w'' "d'`)
	d.exec(t, "CREATE SCHEMA theirs AUTHORIZATION guarded")
	d.exec(t, "CREATE SCHEMA readonly")
	d.exec(t, "GRANT USAGE ON SCHEMA readonly TO guarded")
	single := postgres.Config{Host: host, Port: port, Database: "postgres", User: "test", SSL: new(false), Schema: schema}
	withTLS := url.Values{"sslmode": {"verify-full"}, "sslrootcert": {shared.Get(t).CA}}
	change := func(f func(c *postgres.Config)) postgres.Config {
		c := single
		f(&c)
		return c
	}
	guarded := func(password, schema string) postgres.Config {
		return change(func(c *postgres.Config) { c.User, c.Password, c.Schema = "guarded", password, schema })
	}
	for _, test := range []struct {
		name   string
		config postgres.Config
		want   string // in the error; "" for none
	}{
		{"single", single, ""},
		{"password", guarded(password, "theirs"), ""},
		{"wrong password", guarded("wrong", "theirs"), "check user and password"},
		{"no right", guarded(password, schema), fmt.Sprintf("may not use schema %q", schema)},
		{"no right to create", guarded(password, "readonly"), `may neither create tables in schema "readonly" nor write table "_s3dbgen_checkpoints"`},
		{"no schema", guarded(password, "missing"), `schema "missing" does not exist, and the user may not create it`},
		{"new schema", change(func(c *postgres.Config) { c.Schema = "missing" }), ""},
		{"TLS", postgres.Config{ConnectionString: "postgres://test@" + shared.Get(t).Address + "/postgres?" + withTLS.Encode()}, ""},
		{"unknown authority", change(func(c *postgres.Config) { c.SSL = new(true) }), "certificate"},
		{"no database", change(func(c *postgres.Config) { c.Database = "missing" }), "create the database"},
		{"nobody there", change(func(c *postgres.Config) { c.Port = 1 }), "refused"},
		{"read only", postgres.Config{ConnectionString: d.url + "&default_transaction_read_only=on"}, "takes no writes"},
		{"no path", postgres.Config{ConnectionString: strings.Replace(d.url, schema, "missing", 1)}, "no schema of the search path"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := d.target(t, test.config).Test(t.Context())
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("error %v, want %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), password) {
				t.Errorf("the error has the password: %v", err)
			}
		})
	}

	// Without the right to create, with tables that somebody else has made.
	owner := d.target(t, change(func(c *postgres.Config) { c.Schema = "readonly" }))
	users := resource("users", 0, attribute("name", "string"))
	prepare(t, owner, users)
	d.exec(t, "GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA readonly TO guarded")
	target := d.target(t, guarded(password, "readonly"))
	if err := target.Test(t.Context()); err != nil {
		t.Error(err)
	}
	prepare(t, target, users)
	apply(t, target, put(1, "users", "a", `{"name":"Ada"}`), remove(2, "users", "a"))
}
