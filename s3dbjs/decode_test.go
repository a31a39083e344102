package s3dbjs_test

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/s3dbjs"
)

// TestRecords decodes every document of two databases. Each must be what s3db.js
// returns for it or, where s3db.js is wrong, what was written.
func TestRecords(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"seed", "v21"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := loadFixture(t, name)
			def := f.definition(t)
			seen := 0
			for resource, documents := range f.Expected {
				for id, want := range documents {
					seen++
					object := f.object("resource=" + resource + "/data/id=" + id)
					rec := def.Resource(resource).Decode(id, object, f.Passphrase)
					place := name + "/" + resource + "/" + id
					right := want.Get
					if reason := wrongRecords()[place]; reason != "" {
						right = maps.Clone(want.Given)
						for _, name := range []string{"createdAt", "updatedAt"} {
							if at, ok := want.Get[name]; ok {
								right[name] = at
							}
						}
						if cmp.Equal(want.Get, plain(rec)) {
							t.Errorf("%s is listed as %q, but s3db.js is right", place, reason)
						}
					}
					if diff := cmp.Diff(right, plain(rec)); diff != "" {
						t.Errorf("%s (-want +got):\n%s\nproblems: %v", place, diff, rec.Problems)
					}
					checkContent(t, place, want, rec)
					for _, p := range rec.Problems {
						if p.Lost() {
							t.Errorf("%s: %v", place, p)
						}
					}
				}
			}
			if documents := len(f.dataKeys()); documents != seen || seen < 90 {
				t.Errorf("%d documents checked of %d", seen, documents)
			}
		})
	}
}

func checkContent(t *testing.T, place string, want expectation, rec *s3dbjs.Record) {
	t.Helper()
	switch {
	case (want.Content != nil) != (rec.Content != nil):
		t.Errorf("%s: content %v, want %v", place, rec.Content, want.Content)
	case want.Content == nil:
	case want.Content.ContentType != rec.Content.Type || string(want.Content.Base64) != string(rec.Content.Body):
		t.Errorf("%s: content %q %q, want %q %q", place, rec.Content.Type, rec.Content.Body, want.Content.ContentType, want.Content.Base64)
	}
}

func (f *fixture) dataKeys() []string {
	var keys []string
	for _, o := range f.Objects {
		if strings.Contains(o.Key, "/data/id=") {
			keys = append(keys, o.Key)
		}
	}
	return keys
}

// vector is a value as one generation stores and reads it.
type vector struct {
	Def       json.RawMessage
	In        any
	Wire      *string
	Out       any
	ExtraMeta map[string]string
	ExtraOut  map[string]string
}

// TestVectors decodes every value of the vectors that was stored.
func TestVectors(t *testing.T) {
	t.Parallel()
	for _, generation := range []string{"seed", "v21"} {
		t.Run(generation, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile("testdata/vectors-" + generation + ".json")
			if err != nil {
				t.Fatal(err)
			}
			var vectors []vector
			if err := json.Unmarshal(text, &vectors); err != nil {
				t.Fatal(err)
			}
			checked := 0
			for _, v := range vectors {
				if v.Wire == nil {
					continue // it could not be stored
				}
				checked++
				checkVector(t, generation, v)
			}
			if checked < 80 {
				t.Errorf("only %d vectors checked", checked)
			}
		})
	}
}

func checkVector(t *testing.T, generation string, v vector) {
	t.Helper()
	place := generation + " " + string(v.Def) + " " + *v.Wire
	metadata := map[string]string{"_v": "v1"}
	for k, x := range v.ExtraMeta {
		metadata[k] = latin1(x)
	}
	if *v.Wire != "<absent>" {
		metadata["0"] = latin1(*v.Wire)
	}
	if strings.Contains(string(v.Def), "secret") {
		in, err := json.Marshal(v.In)
		if err != nil {
			t.Fatal(err)
		}
		place = generation + " " + string(v.Def) + " encrypted " + string(in)
		if *v.Wire != "null" {
			// The passphrase of the vectors is not known. The ciphertext must not
			// pass for a value; the same text under a known passphrase must read.
			rec := decodeVector(t, generation, v, metadata)
			if len(rec.Values) > 0 || len(rec.Problems) != 1 || rec.Problems[0].Kind != s3dbjs.Encrypted {
				t.Errorf("%s: under another passphrase: %v, problems %v", place, rec.Values, rec.Problems)
			}
			metadata["0"] = encrypt(t, javaScriptText(v.In, generation), vectorPassphrase)
		}
	}
	rec := decodeVector(t, generation, v, metadata)
	got, present := plain(rec)["v"]
	right, rightPresent := v.out()
	if c, ok := wrongVectors(v)[place]; ok {
		if !c.lost && present == rightPresent && cmp.Equal(right, got) {
			t.Errorf("%s is listed as %q, but s3db.js is right", place, c.reason)
		}
		right, rightPresent = c.right, !c.lost
		if lost := slices.ContainsFunc(rec.Problems, s3dbjs.Problem.Lost); lost != c.lost {
			t.Errorf("%s: problems %v, want some: %t", place, rec.Problems, c.lost)
		}
	}
	if diff := cmp.Diff(right, got); diff != "" || present != rightPresent {
		t.Errorf("%s: present %t, want %t (-want +got):\n%s\nproblems: %v", place, present, rightPresent, diff, rec.Problems)
	}
}

// decodeVector decodes an object of a resource whose one attribute is v.
func decodeVector(t *testing.T, generation string, v vector, metadata map[string]string) *s3dbjs.Record {
	t.Helper()
	registry := ""
	if generation == "v21" {
		registry = `,"schemaRegistry":{"nextIndex":0,"mapping":{},"burned":[]}`
	}
	def, err := s3dbjs.ParseDefinition([]byte(`{"resources":{"r":{"currentVersion":"v1","versions":{"v1":{"attributes":{"v":` + string(v.Def) + `}}}` + registry + `}}}`))
	if err != nil {
		t.Fatal(err)
	}
	return def.Resources[0].Decode("x", &s3db.Object{Metadata: metadata}, vectorPassphrase)
}

// javaScriptText is String(v), which s3db.js encrypts.
func javaScriptText(v any, generation string) string {
	switch v := v.(type) {
	case string:
		return v
	case nil: // release 21 encrypts an absent secret
		if generation == "v21" {
			return "null"
		}
		return ""
	}
	return "[object Object]"
}

const vectorPassphrase = "correct horse battery"

// out returns what s3db.js reads.
func (v vector) out() (any, bool) {
	text, ok := v.Out.(string)
	if !ok {
		return v.Out, true
	}
	if text == "<undefined>" {
		return nil, false
	}
	if number, ok := strings.CutPrefix(text, "num:"); ok {
		f, err := strconv.ParseFloat(number, 64)
		return f, err == nil
	}
	return text, true
}

// TestVersions: a document is decoded by the version that it names; one that names
// none of the definition is read by the current one, and reported.
func TestVersions(t *testing.T) {
	t.Parallel()
	f := loadFixture(t, "v21")
	products := f.definition(t).Resource("products")
	for id, want := range map[string]string{"p1": "v1", "p2": "v2", "p3": "v3"} {
		rec := products.Decode(id, f.object("resource=products/data/id="+id), "")
		if rec.Version.Name != want || len(rec.Problems) > 0 {
			t.Errorf("%s: version %s, want %s; problems %v", id, rec.Version.Name, want, rec.Problems)
		}
	}
	rec := products.Decode("p4", &s3db.Object{Metadata: map[string]string{"0": "D4", "_v": "v9"}}, "")
	if rec.Version.Name != "v3" || rec.Values["sku"] != "D4" || len(rec.Problems) != 1 || rec.Problems[0].Kind != s3dbjs.BadVersion {
		t.Errorf("an unknown version: %v by %s, problems %v", rec.Values, rec.Version.Name, rec.Problems)
	}
}

// TestLayouts: release 21 numbers headers by position or by its registry; the
// headers of a document tell which, and where they do not, that is reported.
func TestLayouts(t *testing.T) {
	t.Parallel()
	def, err := s3dbjs.ParseDefinition([]byte(`{"resources":{"r":{"currentVersion":"v2","versions":{
		"v1":{"attributes":{"a":"string","b":"number","c":"string"}},"v2":{"attributes":{"a":"string","c":"string","d":"string"}}},
		"schemaRegistry":{"nextIndex":4,"mapping":{"a":0,"c":2,"d":3},"burned":[{"index":1,"attribute":"b"}]}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, version string
		headers       map[string]string
		want          map[string]any
		ambiguous     bool
	}{
		{"by the registry", "v2", map[string]string{"0": "x", "2": "y", "3": "z"}, map[string]any{"a": "x", "c": "y", "d": "z"}, false},
		{"by position", "v2", map[string]string{"0": "x", "1": "y", "2": "z"}, map[string]any{"a": "x", "c": "y", "d": "z"}, false},
		{"both", "v2", map[string]string{"0": "x", "2": "y"}, map[string]any{"a": "x", "c": "y"}, true},
		{"no difference", "v2", map[string]string{"0": "x"}, map[string]any{"a": "x"}, false},
		{"with a number that was burned", "v1", map[string]string{"0": "x", "1": "G", "2": "y"}, map[string]any{"a": "x", "b": 42.0, "c": "y"}, false},
	} {
		test.headers["_v"] = test.version
		rec := def.Resources[0].Decode("x", &s3db.Object{Metadata: test.headers}, "")
		ambiguous := slices.ContainsFunc(rec.Problems, func(p s3dbjs.Problem) bool { return p.Kind == s3dbjs.Ambiguous })
		if diff := cmp.Diff(test.want, rec.Values); diff != "" || ambiguous != test.ambiguous {
			t.Errorf("%s: problems %v, want ambiguous: %t (-want +got):\n%s", test.name, rec.Problems, test.ambiguous, diff)
		}
	}
}

// TestProblems: what cannot be decoded is a problem that names its place.
func TestProblems(t *testing.T) {
	t.Parallel()
	f := loadFixture(t, "v21")
	def := f.definition(t)
	for _, test := range []struct {
		resource string
		headers  map[string]string
		body     string
		kind     s3dbjs.ProblemKind
		field    string
	}{
		{"kinds_num", map[string]string{"0": "%"}, "", s3dbjs.Undecodable, "score"},
		{"kinds_num", map[string]string{"1": "1.5x"}, "", s3dbjs.Undecodable, "age"},
		{"kinds_num", map[string]string{"2": "1|%"}, "", s3dbjs.Undecodable, "nums"},
		{"kinds_obj", map[string]string{"0": "maybe"}, "", s3dbjs.Undecodable, "active"},
		{"kinds_obj", map[string]string{"2": "{"}, "", s3dbjs.Undecodable, "obj"},
		{"kinds_str", map[string]string{"0": "u:%zz"}, "", s3dbjs.Undecodable, "name"},
		{"kinds_str", map[string]string{"0": "b:????"}, "", s3dbjs.Undecodable, "name"},
		{"kinds_str", map[string]string{"0": "z85:abc"}, "", s3dbjs.Undecodable, "name"},
		{"kinds_str", map[string]string{"z": "x"}, "", s3dbjs.Undeclared, "z"},
		{"kinds_str", map[string]string{"0": "x", "_truncated": "true"}, "", s3dbjs.Truncated, ""},
		{"docs-body-only", map[string]string{"_map": `{"title":"0","gone":"1"}`}, `{"0":"t","1":"x","_v":"v1"}`, s3dbjs.Undeclared, "1"},
		{"docs-user-managed", map[string]string{"0": "t"}, `{"title":"t","stranger":1,"_etag":"x"}`, s3dbjs.Undeclared, "stranger"},
	} {
		test.headers["_v"] = "v1"
		rec := def.Resource(test.resource).Decode("x", &s3db.Object{Metadata: test.headers, Body: []byte(test.body)}, "")
		want := []s3dbjs.Problem{{Kind: test.kind, Resource: test.resource, ID: "x", Field: test.field}}
		got := slices.Clone(rec.Problems)
		for i := range got {
			got[i].Detail = ""
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v %s (-want +got):\n%s", test.headers, test.body, diff)
		}
	}
}
