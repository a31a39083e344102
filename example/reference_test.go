package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// component compiles a definition of the JSON Schema that "s3dbgen docs" wrote.
func component(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile("reference/schema.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("file:///schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("file:///schema.json#/$defs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// conforms validates JSON against a component.
func conforms(t *testing.T, name string, text []byte) {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if err := component(t, name).Validate(value); err != nil {
		t.Errorf("%s: %v\n%s", name, err, text)
	}
}

// roundTripJSON inserts what the JSON of an input says and shows the document: the one
// conforms to the component of inputs, the other to that of documents.
func roundTripJSON[T any, ID ~string, I, P any](t *testing.T, c *s3db.Collection[T, ID, I, P], document, insert, input string) {
	t.Helper()
	conforms(t, insert, []byte(input))
	var in I
	if err := json.Unmarshal([]byte(input), &in); err != nil {
		t.Fatal(err)
	}
	d, err := c.Insert(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	conforms(t, document, text)
}

// TestDocumentsConform: what the client takes and returns, in JSON, is what the
// components of the example say.
func TestDocumentsConform(t *testing.T) {
	t.Parallel()
	db, err := shop.Open(t.Context(), "mem://"+t.Name(), s3db.WithPassphrase("a passphrase of the test"), s3db.WithIDs("products", s3db.ULID),
		s3db.WithPasswordParams(s3db.PasswordParams{Memory: 64, Time: 1, Threads: 1}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	roundTripJSON(t, db.Users.Collection, "User", "UserInsert", `{"name":" Ada ","email":"Ada@Example.com","password":"correct horse",
		"taxNumber":"123","card":{"number":"4111111111111111","expires":"2030-01-31"},"role":"clerk","age":36,"born":"1815-12-10",
		"website":"https://example.com/","interests":["math","music"],"phone":"5511987654321","nickname":"Countess",
		"profile":{"country":"gb","bio":"Countess of Lovelace\nwrote a program","preferences":{"theme":"dark","locale":"en-GB"}}}`)
	roundTripJSON(t, db.Users.Collection, "User", "UserInsert", `{"name":"Eve","email":"eve@example.com","password":"correct horse"}`)
	roundTripJSON(t, db.Products.Collection, "Product", "ProductInsert", `{"id":"chá/verde","name":"Green tea","supplier":"t-1","code":"gt1","category":"tea",
		"price":"19.90","weight":0.25,"stock":3,"warranty":3600000000000,"madeIn":["BR","JP"],"labels":{"size":"L"},
		"specification":{"any":[1,null]},"thumbnail":"AAECAw==","discontinued":false,"barcode":"12345670"}`)
	roundTripJSON(t, db.Orders.Collection, "Order", "OrderInsert", `{"user":"ada","placedAt":"2024-01-15T10:20:30.123456789Z",
		"reference":"8d3ae1c9-60d8-4c1e-9d0b-3c7cf9c6a6f5","items":[{"product":"tea","quantity":2,"price":"19.90"}],
		"shipping":{"street":"Rua A, 1","city":"Rio","country":"br"},"note":"ring twice"}`)
	roundTripJSON(t, db.Reviews.Collection, "Review", "ReviewInsert", `{"product":"tea","user":"ada","stars":5,"title":"Good","text":"Warm."}`)
	roundTripJSON(t, db.Sessions.Collection, "Session", "SessionInsert", `{"user":"ada","ip":"2001:db8::1","ip4":"192.0.2.1","ip6":"::1",
		"startedAt":"2024-01-15T10:20:30Z","csrf":"0123456789abcdef0123456789ABCDEF","fingerprint":"AAEC"}`)
	roundTripJSON(t, db.Reports.Collection, "Report", "ReportInsert", `{"day":"2024-02-29","period":"P1M","file":"report.csv","revenue":"-0.50",
		"trend":-0.1,"rows":{"a":{"b":[1]}},"loss":-3}`)
	roundTripJSON(t, db.Visits.Collection, "Visit", "VisitInsert", `{"page":"/","referrer":"https://example.com/?q=1","agent":"curl"}`)

	var patch shop.UserPatch
	text := []byte(`{"name":"Ada L.","age":null,"profile":{"country":"PT"}}`)
	conforms(t, "UserPatch", text)
	if err := json.Unmarshal(text, &patch); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(patch)
	if err != nil {
		t.Fatal(err)
	}
	conforms(t, "UserPatch", again)
}
