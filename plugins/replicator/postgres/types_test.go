package postgres_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/postgres"
)

// TestTypes writes a value of each kind and reads it as PostgreSQL prints it, together
// with the type of its column.
func TestTypes(t *testing.T) {
	for _, test := range []struct{ kind, value, typ, printed string }{
		{"string", `"é \"x\" \\ \n 🎈"`, "text", "é \"x\" \\ \n 🎈"},
		{"text", `""`, "text", ""},
		{"email", `"a@x.io"`, "text", "a@x.io"},
		{"url", `"https://x.io/?a=1"`, "text", "https://x.io/?a=1"},
		{"enum", `"red"`, "text", "red"},
		{"integer", `-9223372036854775808`, "bigint", "-9223372036854775808"},
		{"number", `0.1`, "double precision", "0.1"},
		{"number", `-0`, "double precision", "-0"},
		{"number", `1.7976931348623157e308`, "double precision", "1.7976931348623157e+308"},
		{"decimal", `"12.30"`, "numeric", "12.30"},
		{"decimal", `"-1e20"`, "numeric", "-100000000000000000000"},
		{"decimal", `"0.00000000000000000001"`, "numeric", "0.00000000000000000001"},
		{"boolean", `false`, "boolean", "false"},
		{"date", `"0001-01-01"`, "date", "0001-01-01"},
		{"date", `"9999-12-31"`, "date", "9999-12-31"},
		{"datetime", `"2026-11-30T23:59:59.9999999+01:00"`, "timestamp with time zone", "2026-11-30 22:59:59.999999+00"},
		{"datetime", `"0001-01-01T00:00:00Z"`, "timestamp with time zone", "0001-01-01 00:00:00+00"},
		{"duration", `1500000001`, "bigint", "1500000001"},
		{"uuid", `"0190163d-8694-739b-aea5-966c26f8ad91"`, "uuid", "0190163d-8694-739b-aea5-966c26f8ad91"},
		{"ip4", `"10.0.0.1"`, "inet", "10.0.0.1/32"},
		{"ip6", `"2001:db8::1"`, "inet", "2001:db8::1/128"},
		{"bytes", `"AP8="`, "bytea", `\x00ff`},
		{"json", `null`, "jsonb", "null"},
		{"json", `{"b":[1,2.50],"a":null}`, "jsonb", `{"a": null, "b": [1, 2.50]}`},
		{"array", `["x",null]`, "jsonb", `["x", null]`},
		{"map", `{"k":"\\u0000 is no escape"}`, "jsonb", `{"k": "\\u0000 is no escape"}`},
		{"object", `{}`, "jsonb", "{}"},
		{"password", `{"phc":"$argon2id$…"}`, "jsonb", `{"phc": "$argon2id$…"}`},
		{"a kind of later", `"x"`, "text", "x"},
	} {
		t.Run(test.kind, func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t)
			target := d.target(t, postgres.Config{})
			prepare(t, target, resource("things", 0, attribute("v", test.kind), attribute("absent", test.kind)))
			apply(t, target, put(1, "things", "x", `{"id":"x","v":`+test.value+`}`))
			got := query[string](t, d, "SELECT pg_typeof(v)::text || ' ' || (v::text) FROM things WHERE absent IS NULL")
			if diff := cmp.Diff([]string{test.typ + " " + test.printed}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	t.Run("secret", func(t *testing.T) {
		d := newDatabase(t)
		target := d.target(t, postgres.Config{})
		secret := attribute("pin", "secret")
		secret.Items = &replicator.Type{Kind: "integer"}
		prepare(t, target, resource("things", 0, secret))
		apply(t, target, put(1, "things", "x", `{"id":"x","pin":42}`))
		if got := query[int64](t, d, "SELECT pin FROM things"); len(got) != 1 || got[0] != 42 {
			t.Errorf("%v", got)
		}
	})
}

// TestRefused: values that PostgreSQL cannot hold are refused with a reason that tells
// the attribute or the type and no value, and leave the others alone.
func TestRefused(t *testing.T) {
	d := newDatabase(t)
	target := d.target(t, postgres.Config{})
	kinds := []string{"string", "integer", "number", "decimal", "date", "datetime", "uuid", "ip", "bytes", "json", "boolean"}
	var attributes []replicator.Attribute
	for _, kind := range kinds {
		attributes = append(attributes, attribute(kind, kind))
	}
	prepare(t, target, resource("things", 0, attributes...))
	tests := []struct{ document, reason string }{
		{`{"string":"a\u0000b"}`, `attribute "string" has a NUL character`},
		{"{\"string\":\"\xff\"}", `attribute "string" has bytes that are no UTF-8`},
		{`{"json":{"deep":["\u0000"]}}`, `attribute "json" has a NUL character`},
		{`{"json":"\ud800"}`, "json"},
		{`{"integer":9223372036854775808}`, `attribute "integer" is no integer of 64 bits`},
		{`{"integer":1.5}`, `attribute "integer" is no integer`},
		{`{"number":1e999}`, `attribute "number" is beyond the range`},
		{`{"decimal":"1e999999"}`, "numeric"},
		{`{"date":"10000-13-01"}`, "date"},
		{`{"datetime":"yesterday"}`, `attribute "datetime" is no instant`},
		{`{"uuid":"very-private"}`, "uuid"},
		{`{"ip":"fe80::1%eth0"}`, `attribute "ip" is an address with a zone`},
		{`{"bytes":"!"}`, `attribute "bytes" is no base64`},
		{`{"boolean":"perhaps"}`, "boolean"},
		{`[]`, "the document is no JSON object"},
		{`null`, "the document is no JSON object"},
	}
	batch := []replicator.Change{put(1, "things", "good", `{"string":"x"}`)}
	for i, test := range tests {
		c := put(1, "things", strings.Repeat("x", i+1), test.document)
		batch = append(batch, c)
	}
	batch = append(batch, put(1, "things", "nul\x00", `{}`), put(1, "things", "fine", `{}`))
	rejected, err := target.Apply(t.Context(), batch)
	if err != nil || len(rejected) != len(tests)+1 {
		t.Fatalf("%d refused, want %d: %+v, %v", len(rejected), len(tests)+1, rejected, err)
	}
	for i, test := range tests {
		r := rejected[i]
		if r.Index != i+1 || r.Held || !strings.Contains(r.Reason, test.reason) || strings.Contains(r.Reason, "private") {
			t.Errorf("%s is refused as %+v, want index %d and %q", test.document, r, i+1, test.reason)
		}
	}
	if got := query[string](t, d, "SELECT id FROM things ORDER BY id"); !cmp.Equal(got, []string{"fine", "good"}) {
		t.Errorf("rows %q", got)
	}
}

// TestDocuments: in one column, documents are whole.
func TestDocuments(t *testing.T) {
	d := newDatabase(t)
	target := d.target(t, postgres.Config{Table: "all"})
	prepare(t, target, resource("users", 0, attribute("name", "string")), resource("orders", 0))
	apply(t, target, put(1, "users", "1", `{"id":"1","name":"Ada","more":[1]}`), put(1, "orders", "1", `{"id":"1"}`), remove(2, "orders", "1"))
	got := query[string](t, d, `SELECT jsonb_build_array(_resource, id, data, _deleted)::text FROM "all" ORDER BY _resource`)
	want := []string{`["orders", "1", null, true]`, `["users", "1", {"id": "1", "more": [1], "name": "Ada"}, false]`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	rejected, err := target.Apply(t.Context(), []replicator.Change{put(3, "users", "2", `{"x":"\u0000"}`), put(3, "users", "3", `7`)})
	if err != nil || len(rejected) != 2 || !json.Valid(query[json.RawMessage](t, d, `SELECT data FROM "all" WHERE _resource = 'users'`)[0]) {
		t.Errorf("%+v, %v", rejected, err)
	}
}
