//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// entities is the number of entities that each generator gets.
const entities = 100

// BenchmarkPeers runs s3dbgen, sqlc and oapi-codegen as processes, each on 100
// entities of ten attributes that are read, written, listed and found by their owner
// and by a unique email, in turn and in one run. It reports the processor time
// (user and system), the largest resident memory, and how long a run of s3dbgen
// takes that finds nothing changed. "make bench-peers" builds the peers; without them
// there is nothing to compare.
//
// sqlc gets the engine for SQLite, whose parser is plain Go: the one for PostgreSQL
// runs in WebAssembly where there is no C compiler, and takes longer.
func BenchmarkPeers(b *testing.B) {
	for _, name := range []string{"sqlc", "oapi-codegen"} {
		if _, err := exec.LookPath(name); err != nil {
			b.Skip("make bench-peers builds the peers: ", err)
		}
	}
	dir := b.TempDir()
	b.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	b.Setenv("SQLCCACHE", filepath.Join(dir, "sqlc"))
	tool := filepath.Join(dir, "s3dbgen")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-o", tool, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	for name, text := range map[string]string{
		"schema.yaml": bigSchema(entities), "schema.sql": sqlSchema(), "query.sql": sqlQueries(), "openapi.yaml": openAPI(),
		"sqlc.yaml": "version: \"2\"\nsql:\n- {engine: sqlite, schema: schema.sql, queries: query.sql, gen: {go: {package: db, out: db, emit_json_tags: true, emit_interface: true}}}\n",
		"oapi.yaml": "package: api\noutput: api/api.go\ngenerate: {models: true, client: true}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	commands := []struct {
		name, output string
		args         []string
	}{
		{"s3dbgen", "shop", []string{tool, "generate"}},
		{"sqlc", "db", []string{"sqlc", "generate"}},
		{"oapi-codegen", "api", []string{"oapi-codegen", "-config", "oapi.yaml", "openapi.yaml"}},
	}
	cpu, memory := map[string]time.Duration{}, map[string]int64{}
	var unchanged time.Duration
	for b.Loop() {
		for _, c := range commands {
			if err := os.RemoveAll(filepath.Join(dir, c.output)); err != nil {
				b.Fatal(err)
			}
			if err := os.Mkdir(filepath.Join(dir, c.output), 0o700); err != nil {
				b.Fatal(err)
			}
			state := process(b, dir, c.args)
			cpu[c.name] += state.UserTime() + state.SystemTime()
			memory[c.name] = max(memory[c.name], maxResident(b, state))
		}
		process(b, dir, commands[0].args) // which notes that nothing changed
		start := time.Now()
		process(b, dir, commands[0].args)
		unchanged += time.Since(start)
	}
	for _, c := range commands {
		b.ReportMetric(cpu[c.name].Seconds()*1e3/float64(b.N), c.name+"-cpu-ms")
		b.ReportMetric(float64(memory[c.name])/1e6, c.name+"-MB")
	}
	b.ReportMetric(unchanged.Seconds()*1e3/float64(b.N), "unchanged-ms")
	b.ReportMetric(0, "ns/op") // the sum of all says nothing
}

// process runs a command that must succeed.
func process(b *testing.B, dir string, args []string) *os.ProcessState {
	b.Helper()
	command := exec.CommandContext(b.Context(), args[0], args[1:]...) //nolint:gosec // of this test
	command.Dir = dir
	if out, err := command.CombinedOutput(); err != nil {
		b.Fatalf("%s: %v\n%s", args[0], err, out)
	}
	return command.ProcessState
}

// maxResident is the largest resident memory of a process, in bytes.
func maxResident(b *testing.B, state *os.ProcessState) int64 {
	b.Helper()
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		b.Fatal("the system does not tell")
	}
	size := int64(usage.Maxrss)   //nolint:unconvert // other systems have another type
	if runtime.GOOS != "darwin" { // kilobytes elsewhere
		size *= 1024
	}
	return size
}

// sqlSchema has the tables of bigSchema.
func sqlSchema() string {
	var b strings.Builder
	for i := range entities {
		fmt.Fprintf(&b, `CREATE TABLE things%d (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  owner TEXT NOT NULL,
  email TEXT NOT NULL UNIQUE,
  count INTEGER NOT NULL DEFAULT 0,
  price NUMERIC,
  active BOOLEAN NOT NULL DEFAULT TRUE,
  tags TEXT,
  state TEXT NOT NULL DEFAULT 'open',
  due DATETIME,
  color TEXT,
  weight REAL,
  created_at DATETIME NOT NULL,
  updated_at DATETIME NOT NULL
);
CREATE INDEX things%[1]d_owner ON things%[1]d (owner);
`, i)
	}
	return b.String()
}

// sqlQueries are those that a generated client has methods for.
func sqlQueries() string {
	const columns = "id, name, owner, email, count, price, active, tags, state, due, color, weight, created_at, updated_at"
	values := strings.Repeat("?, ", strings.Count(columns, ",")) + "?"
	set := strings.ReplaceAll(strings.TrimPrefix(columns, "id, "), ",", " = ?,") + " = ?"
	var b strings.Builder
	for i := range entities {
		fmt.Fprintf(&b, `-- name: GetThing%[1]d :one
SELECT * FROM things%[1]d WHERE id = ?;
-- name: GetThing%[1]dByEmail :one
SELECT * FROM things%[1]d WHERE email = ?;
-- name: ListThings%[1]d :many
SELECT * FROM things%[1]d ORDER BY id;
-- name: ListThings%[1]dByOwner :many
SELECT * FROM things%[1]d WHERE owner = ? ORDER BY id;
-- name: CountThings%[1]d :one
SELECT count(*) FROM things%[1]d;
-- name: CreateThing%[1]d :one
INSERT INTO things%[1]d (%[2]s) VALUES (%[3]s) RETURNING *;
-- name: UpdateThing%[1]d :one
UPDATE things%[1]d SET %[4]s WHERE id = ? RETURNING *;
-- name: DeleteThing%[1]d :exec
DELETE FROM things%[1]d WHERE id = ?;
`, i, columns, values, set)
	}
	return b.String()
}

// openAPI has the schemas of bigSchema, with paths to create, get, list, replace and
// delete.
func openAPI() string {
	var paths, schemas strings.Builder
	for i := range entities {
		thing := fmt.Sprintf("Thing%d", i)
		content := "content: {application/json: {schema: {$ref: '#/components/schemas/" + thing + "'}}}"
		fmt.Fprintf(&paths, `  /things%[1]d:
    get:
      operationId: list%[2]s
      parameters: [{name: owner, in: query, schema: {type: string}}]
      responses: {'200': {description: ok, content: {application/json: {schema: {type: array, items: {$ref: '#/components/schemas/%[2]s'}}}}}}
    post:
      operationId: create%[2]s
      requestBody: {required: true, %[3]s}
      responses: {'201': {description: ok, %[3]s}}
  /things%[1]d/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get:
      operationId: get%[2]s
      responses: {'200': {description: ok, %[3]s}}
    put:
      operationId: replace%[2]s
      requestBody: {required: true, %[3]s}
      responses: {'200': {description: ok, %[3]s}}
    delete:
      operationId: delete%[2]s
      responses: {'204': {description: ok}}
`, i, thing, content)
		fmt.Fprintf(&schemas, `    %s:
      type: object
      required: [id, name, owner, email, count, active, state]
      properties:
        id: {type: string}
        name: {type: string, minLength: 2, maxLength: 100}
        owner: {type: string}
        email: {type: string, format: email}
        count: {type: integer, format: int64, minimum: 0, default: 0}
        price: {type: string}
        active: {type: boolean, default: true}
        tags: {type: array, items: {type: string}, uniqueItems: true}
        state: {type: string, enum: [open, closed], default: open}
        due: {type: string, format: date-time}
        details: {type: object, required: [color], properties: {color: {type: string}, weight: {type: number}}}
`, thing)
	}
	return "openapi: 3.0.3\ninfo: {title: shop, version: '1'}\npaths:\n" + paths.String() + "components:\n  schemas:\n" + schemas.String()
}
