package dynamic_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

const shape = `{"resource":"things","fields":[
 {"number":1,"name":"name","type":"string"},
 {"number":2,"name":"size","optional":true,"type":"integer"},
 {"number":3,"name":"at","optional":true,"type":"datetime"},
 {"number":4,"name":"kind","optional":true,"type":"enum","values":[{"number":1,"name":"a<b"},{"number":3,"name":"c"}]},
 {"number":5,"name":"parts","optional":true,"type":"array","items":{"type":"object","fields":[{"number":1,"name":"price","type":"decimal"}]}},
 {"number":6,"name":"tags","optional":true,"type":"map","items":{"type":"boolean"}},
 {"number":7,"name":"free","optional":true,"type":"object"},
 {"number":8,"name":"any","optional":true,"type":"json"},
 {"number":9,"name":"code","optional":true,"type":"secret","items":{"type":"integer"}},
 {"number":10,"name":"raw","optional":true,"type":"bytes"},
 {"number":11,"name":"login","optional":true,"type":"password"}],
 "partitions":[{"name":"byKind","fields":[{"path":"kind","desc":true},{"path":"at","date":true}]}],
 "uniques":[{"name":"name","fields":[{"path":"name"}]}]}`

const settings = `{"behavior":"user-managed","timestamps":true,"id":{"generator":"nanoid","size":10}}`

// registry writes the registry of a database with these resources, each a shape
// and its settings, and returns its store.
func registry(t *testing.T, resources map[string][2]string) *memstore.Store {
	t.Helper()
	entries := map[string]any{}
	for name, r := range resources {
		schema, err := json.Marshal(json.RawMessage(r[0])) // escapes "<", as that of all does
		if err != nil {
			t.Fatal(err)
		}
		entry := map[string]any{"version": 0, "versions": []any{
			map[string]any{"version": 0, "hash": fmt.Sprintf("%x", sha256.Sum256(schema)), "created": time.Time{}, "schema": json.RawMessage(r[0])},
		}}
		if r[1] != "" {
			entry["settings"] = json.RawMessage(r[1])
		}
		entries[name] = entry
	}
	text, err := json.Marshal(map[string]any{"format": 1, "database": "db", "salt": make([]byte, 32), "resources": entries})
	if err != nil {
		t.Fatal(err)
	}
	store := memstore.New()
	if _, err := store.Put(t.Context(), "s3db.json", text, nil, s3db.Condition{}); err != nil {
		t.Fatal(err)
	}
	return store
}

func things(t *testing.T) *dynamic.Resource {
	t.Helper()
	db, err := dynamic.New(t.Context(), registry(t, map[string][2]string{"things": {shape, settings}}), dynamic.Config{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := db.Resource("things")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestParseInputNamesMistakes: every mistake of an input is told with its place,
// all at once, and no value is quoted.
func TestParseInputNamesMistakes(t *testing.T) {
	t.Parallel()
	r := things(t)
	for _, test := range []struct{ name, input, want string }{
		{"nothing", ``, "json: is not valid JSON: the mistake is at byte 0"},
		{"half", `{"name":"x`, "json: is not valid JSON: the mistake is at byte 10"},
		{"two", `{"name":"x"} {}`, "json: is not valid JSON: the mistake is at byte 14"},
		{"not UTF-8", "{\"name\":\"\xff\"}", "json: is not valid UTF-8"},
		{"list", `[]`, "type: must be an object"},
		{"missing", `{}`, "name: required: must be set"},
		{"null", `{"name":null}`, "name: required: must be set"},
		{"twice", `{"name":"x","name":"y"}`, "name: json: stands twice"},
		{"unknown", `{"name":"x","label":"y"}`, "label: unknown: there is no such attribute; there are name, size, at, kind, parts, tags, free, any, code, raw, login"},
		{"several", `{"name":7,"size":1.5,"at":"noon"}`, "name: type: must be a text; size: type: must be an integer of 64 bits; at: type: must be an instant such as 2024-01-15T10:20:30Z"},
		{"enum", `{"name":"x","kind":"hidden"}`, "kind: type: must be one of a<b, c"},
		{"nested", `{"name":"x","parts":[{"price":"1.50"},{"price":"hidden"},{"prize":1},{}]}`,
			"parts[1].price: type: must be a decimal; parts[2].prize: unknown: there is no such attribute; there are price"},
		{"nested required", `{"name":"x","parts":[{}]}`, "parts[0].price: required: must be set"},
		{"item null", `{"name":"x","parts":[null]}`, "parts[0]: type: must be an object"},
		{"map", `{"name":"x","tags":{"a":true,"b":"hidden"}}`, `tags["b"]: type: must be true or false`},
		{"free-form", `{"name":"x","free":[1]}`, "free: type: must be an object"},
		{"secret", `{"name":"x","code":"hidden"}`, "code: type: must be an integer of 64 bits"},
		{"password", `{"name":"x","login":{"phc":"hidden"}}`, `login: type: must be a text, or {"phc":"…"} with an Argon2id hash`},
		{"id", `{"id":7,"name":"x"}`, "id: type: must be a text"},
		{"time", `{"name":"x","createdAt":"hidden"}`, "createdAt: type: must be an instant such as 2024-01-15T10:20:30Z"},
	} {
		_, err := r.ParseInput([]byte(test.input))
		if got, want := fmt.Sprint(err), s3db.ErrValidation.Error()+": "+test.want; got != want {
			t.Errorf("%s: %s\n\twant %s", test.name, got, want)
		}
		if !errors.Is(err, s3db.ErrValidation) || strings.Contains(fmt.Sprint(err), "hidden") {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// TestValuesAreChecked: values of other Go types than documented are refused, at
// every depth, and nothing is written.
func TestValuesAreChecked(t *testing.T) {
	t.Parallel()
	r := things(t)
	for name, v := range map[string]any{
		"size": 7, "at": "2024-01-15T10:20:30Z", "kind": "b", "parts": []dynamic.Values{}, "tags": map[string]bool{},
		"free": dynamic.Values{}, "any": "{}", "code": int64(7), "raw": "x", "login": "x",
	} {
		_, err := r.Insert(t.Context(), dynamic.Input{ID: "x", Values: dynamic.Values{"name": "x", name: v}})
		var invalid *s3db.ValidationError
		if !errors.As(err, &invalid) || invalid.Violations[0].Path != name || !strings.Contains(err.Error(), fmt.Sprintf("is of type %T", v)) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := r.Update(t.Context(), "x", dynamic.Patch{name: v}); !errors.Is(err, s3db.ErrNotFound) {
			t.Errorf("%s was written: %v", name, err)
		}
	}
	deep := dynamic.Values{"name": "x", "parts": []any{dynamic.Values{"price": 1.5}}, "code": dynamic.NewSecret("x"), "none": 1}
	_, err := r.Insert(t.Context(), dynamic.Input{Values: deep})
	want := "parts[0].price: type: must be a decimal (decimal.Decimal), is of type float64; " +
		"code: type: must be an integer of 64 bits (int64), is of type string; none: unknown: "
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v\n\twant %s", err, want)
	}
}

// TestNumbersStayExact: numbers that a float64 cannot hold keep their digits, and
// decimals the zeros at their end.
func TestNumbersStayExact(t *testing.T) {
	t.Parallel()
	r := things(t)
	const text = `{"id":"x","name":"x","size":9223372036854775807,"parts":[{"price":"1.50"},{"price":"5e3"},{"price":"0.000"}],` +
		`"free":{"big":12345678901234567890,"f":1.5},"any":{"n": 1.50, "x": null}}`
	in, err := r.ParseInput([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Insert(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	d, err := r.Get(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer(`"n": 1.50, "x": null`, `"n":1.50,"x":null`).Replace(strings.TrimSuffix(text, "}"))
	if !strings.HasPrefix(string(got), want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestRegistriesThatCannotBeUsed: a resource that this program cannot understand
// is an error of that resource alone.
func TestRegistriesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	field := func(typ string) string {
		return `{"resource":"r","fields":[{"number":1,"name":"a","optional":true,` + typ + `}],"partitions":[{"name":"p","fields":[{"path":"b"}]}]}`
	}
	for name, test := range map[string]struct {
		shape, settings string
		kind            error
		want            string
	}{
		"newer type":   {`{"resource":"r","fields":[{"number":1,"name":"a","type":"polygon"}]}`, settings, s3db.ErrNewerFormat, `attribute a: this program does not know the type "polygon"`},
		"no items":     {`{"resource":"r","fields":[{"number":1,"name":"a","type":"array"}]}`, settings, s3db.ErrNewerFormat, "attribute a: array without items"},
		"not a shape":  {`{"name":"r"}`, settings, s3db.ErrCorrupt, "is no shape of documents"},
		"missing path": {field(`"type":"string"`), settings, s3db.ErrCorrupt, `index p: there is no attribute "b"`},
		"settings":     {`{"resource":"r","fields":[{"number":1,"name":"a","type":"string"}]}`, `{"texts":[{"path":"b"}]}`, s3db.ErrCorrupt, `settings: texts name the attribute "b"`},
	} {
		db, err := dynamic.New(t.Context(), registry(t, map[string][2]string{"r": {test.shape, test.settings}, "things": {shape, settings}}), dynamic.Config{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := db.Resource("r"); !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := db.Resource("things"); err != nil {
			t.Errorf("%s: the other resource: %v", name, err)
		}
		if _, err := db.Resource("none"); !errors.Is(err, s3db.ErrNotFound) || !strings.Contains(err.Error(), "it has things") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := dynamic.New(t.Context(), memstore.New(), dynamic.Config{}); !errors.Is(err, s3db.ErrNotFound) {
		t.Errorf("an empty store: %v", err)
	}
}

// TestUnknownBehaviorsAreNotWritten: what the registry does not tell, or tells in
// words of a newer release, is not guessed.
func TestUnknownBehaviorsAreNotWritten(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		"":                              s3db.ErrConfig,
		`{"behavior":"compress-data"}`:  s3db.ErrNewerFormat,
		`{"behavior":"enforce-limits"}`: nil,
	} {
		db, err := dynamic.New(t.Context(), registry(t, map[string][2]string{"things": {shape, text}}), dynamic.Config{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := db.Resource("things")
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.Insert(t.Context(), dynamic.Input{ID: "x", Values: dynamic.Values{"name": "x"}})
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestInPartition: values of a partition are given in Go, in the order of its
// fields; mistakes are told.
func TestInPartition(t *testing.T) {
	t.Parallel()
	r := things(t)
	at := time.Date(2024, 1, 15, 10, 0, 0, 0, time.UTC)
	for i, kind := range []string{"a<b", "c", "c"} {
		values := dynamic.Values{"name": fmt.Sprint(i), "kind": kind, "at": at.AddDate(0, 0, i)}
		if _, err := r.Insert(t.Context(), dynamic.Input{ID: fmt.Sprint(i), Values: values}); err != nil {
			t.Fatal(err)
		}
	}
	count := func(values ...any) (n int, err error) {
		q, err := r.InPartition("byKind", values...)
		if err != nil {
			return 0, err
		}
		return q.Count(t.Context())
	}
	var got []string
	for _, values := range [][]any{
		{}, {"c"}, {"c", at.AddDate(0, 0, 2)}, {"c", s3db.DateOf(at.AddDate(0, 0, 1))}, {"c", at}, {"b"}, {7}, {"c", at, 1},
	} {
		n, err := count(values...)
		got = append(got, fmt.Sprint(n, " ", err))
	}
	if _, err := r.InPartition("none"); err == nil {
		t.Error("there is a partition none")
	}
	config := s3db.ErrConfig.Error()
	want := []string{
		"3 <nil>", "2 <nil>", "1 <nil>", "1 <nil>", "0 <nil>",
		"0 " + config + ": kind must be one of a<b, c (string), is of type string",
		"0 " + config + ": kind must be one of a<b, c (string), is of type int",
		"0 " + config + ": partition byKind has 2 fields, 3 values are given",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if x, ok := r.PartitionFor("at", "kind"); !ok || x.Name != "byKind" {
		t.Errorf("the partition of at and kind: %v, %t", x, ok)
	}
	if x, ok := r.PartitionFor("at"); ok {
		t.Errorf("the partition of at: %v", x)
	}
}

// TestHashedConstraints: the claims of a hashed constraint are named by the key of
// the database; without it documents can be read but not written.
func TestHashedConstraints(t *testing.T) {
	t.Parallel()
	hashed := strings.Replace(shape, `"uniques":[{"name":"name",`, `"uniques":[{"name":"name","hashed":true,`, 1)
	store := registry(t, map[string][2]string{"things": {hashed, settings}})
	open := func(options ...s3db.Option) *dynamic.Resource {
		db, err := dynamic.New(t.Context(), store, dynamic.Config{}, options...)
		if err != nil {
			t.Fatal(err)
		}
		r, err := db.Resource("things")
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	in := dynamic.Input{ID: "x", Values: dynamic.Values{"name": "visible"}}
	if _, err := open().Insert(t.Context(), in); !errors.Is(err, s3db.ErrConfig) {
		t.Errorf("insert without a key: %v", err)
	}
	withKey := open(s3db.WithKey("k", make([]byte, 32)))
	if _, err := withKey.Insert(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	in.ID = "y"
	if _, err := withKey.Insert(t.Context(), in); !errors.Is(err, s3db.ErrUnique) {
		t.Errorf("a second one: %v", err)
	}
	if d, err := open().Get(t.Context(), "x"); err != nil || d.Values["name"] != "visible" {
		t.Errorf("read without a key: %v", err)
	}
	page, err := store.List(t.Context(), s3db.ListRequest{Prefix: "resource=things/unique="})
	if err != nil || len(page.Items) != 1 || !strings.Contains(page.Items[0].Key, "hmac=") {
		t.Errorf("claims: %v, %v", page, err)
	}
}
