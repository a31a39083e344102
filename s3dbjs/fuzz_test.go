package s3dbjs_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/s3dbjs"
)

// FuzzDefinition: no text makes the reader of s3db.json panic, and what it reads
// decodes documents.
func FuzzDefinition(f *testing.F) {
	f.Add([]byte(`{"version":"1","s3dbVersion":"21.6.2","resources":{"a":{"currentVersion":"v2","partitions":{"byB":{"fields":{"b":"date|maxlength:10"}}},"versions":{` +
		`"v1":{"attributes":{"b":"string|optional","c":"number|integer:true"},"behavior":"body-overflow","hooks":{"x":{}}},"v2":{"attributes":{"b":"string"},"timestamps":true,"idSize":22}},` +
		`"schemaRegistry":{"nextIndex":2,"mapping":{"b":0},"burned":[{"index":1,"attribute":"c"}]}}}}`))
	f.Add([]byte(`{"resources":{"a":{"currentVersion":"v1","versions":{"v1":{"attributes":{"b":{"c":{"type":"array"}},"d":{"$$type":"object","e":{}}}}}}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		def, err := s3dbjs.ParseDefinition(text)
		if err != nil {
			return
		}
		for _, r := range def.Resources {
			checkRecord(t, r.Decode("x", &s3db.Object{Body: text, Metadata: map[string]string{"0": "1", "a": "x"}}, ""))
		}
	})
}

// FuzzDocument: no metadata and no body makes the decoder of any kind, of either
// generation and of any behavior panic, and every value has one of the types that
// are promised.
func FuzzDocument(f *testing.F) {
	for _, name := range []string{"seed", "v21"} {
		for _, o := range loadFixture(f, name).Objects {
			f.Add(uint16(len(o.Key)), o.Metadata["0"], o.Metadata["1"], o.Metadata["_map"], o.Body)
		}
	}
	for _, text := range []string{"d:@hx", "u:%zz", "b:!", "z:AQ", "z85:x", "~4uOGc~91BD2", "^[1,-2]", "$-1", "4GFfc34GF3tl3vZVTx4GFfc3", "1.5e+300", "-", ".5", "\"", "=?utf-8?q?x?="} {
		f.Add(uint16(len(text)), text, text, `{"v":"0"}`, []byte(`{"v":`+string(quote(f, text))+`}`))
	}
	var resources []*s3dbjs.Resource
	for _, registry := range []string{"", `,"schemaRegistry":{"mapping":{"v":0,"w":1}}`} {
		for _, behavior := range []string{"user-managed", "body-only", "truncate-data"} {
			for _, def := range []string{
				"string", "number", "number|integer", "boolean", "date", "datetime", "dateonly", "timeonly", "duration", "uuid", "ip4", "ip6", "mac", "cidr",
				"semver", "phone", "color", "ean", "money:3", "crypto", "decimal", "geo:lat", "geo:lon", "geo:point", "embedding:3", "array", "array|items:string",
				"array|items:number", "array|items:number|integer", "json", "any", "object", "secret", "secretNumber", "secretAny", "password", "buffer",
			} {
				text := `{"resources":{"r":{"currentVersion":"v1","versions":{"v1":{"behavior":"` + behavior + `","timestamps":true,"attributes":{"v":"` + def +
					`","w":{"x":"` + def + `","y":{"z":"string"}},"createdAt":"` + def + `"}}}` + registry + `}}}`
				parsed, err := s3dbjs.ParseDefinition([]byte(text))
				if err != nil {
					f.Fatal(err)
				}
				resources = append(resources, parsed.Resources...)
			}
		}
	}
	f.Fuzz(func(t *testing.T, n uint16, a, b, list string, body []byte) {
		r := resources[int(n)%len(resources)]
		checkRecord(t, r.Decode("x", &s3db.Object{Metadata: map[string]string{"0": a, "1": b, "v_0": a, "_map": list, "_v": "v1"}, Body: body}, ""))
	})
}

func quote(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func checkRecord(t *testing.T, rec *s3dbjs.Record) {
	t.Helper()
	for _, p := range rec.Problems {
		if p.Kind == "" || p.Detail == "" {
			t.Errorf("a problem says nothing: %+v", p)
		}
	}
	checkValue(t, rec.Values)
}

func checkValue(t *testing.T, v any) {
	t.Helper()
	switch v := v.(type) {
	case nil, string, bool, float64, int64, time.Time, time.Duration, []byte:
	case decimal.Decimal:
		if len(v.String()) > 1000 {
			t.Error("a decimal that is too long to print")
		}
	case json.RawMessage:
		if !json.Valid(v) {
			t.Errorf("invalid JSON: %q", v)
		}
	case []any:
		for _, x := range v {
			checkValue(t, x)
		}
	case map[string]any:
		for _, x := range v {
			checkValue(t, x)
		}
	default:
		t.Errorf("a value of type %T", v)
	}
}
