package sqs

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestFormat: messages are those of s3db.js, to the byte. The documents of the first
// three are those of its manual.
func TestFormat(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2024, 1, 1, 10, minute, 0, 0, time.UTC) }
	for name, c := range map[string]replicator.Change{
		"insert": {
			Action: replicator.Insert, Resource: "users", ID: "user-001", Time: at(0),
			After: json.RawMessage(`{"id":"user-001","name":"John","email":"john@example.com"}`),
		},
		"update": {
			Action: replicator.Update, Resource: "users", ID: "user-001", Version: 1, Time: at(5),
			Before: json.RawMessage(`{"id":"user-001","name":"John","age":30}`),
			After:  json.RawMessage(`{"id":"user-001","name":"John","age":31}`),
		},
		"delete": {
			Action: replicator.Delete, Resource: "users", ID: "user-001", Version: 2, BaseVersion: 1, Time: at(10),
			Before: json.RawMessage(`{"id":"user-001","name":"John","age":31}`),
		},
		"update-of-what-is-unknown": {
			Action: replicator.Update, Resource: "users", ID: "user-001", Version: 1, Time: at(5),
			After: json.RawMessage(`{"id":"user-001"}`),
		},
		"delete-of-what-is-unknown": {Action: replicator.Delete, Resource: "users", ID: "a \"b\"", Time: at(10)},
		"hostile": {
			Action: replicator.Insert, Resource: "users", ID: "x", Version: 12,
			Time:  time.Date(2024, 2, 29, 1, 2, 3, 999_999_999, time.FixedZone("", 3600)),
			After: json.RawMessage("{ \"id\" : \"x\",\n\"t\": \"<&> \u2028 🎈 \ufffe\uffff \\u0000 \x7f\", \"n\": 1.50 }"),
		},
		"empty": {Action: replicator.Insert, Resource: "users", ID: "x", Time: at(0), After: json.RawMessage(`{}`)},
	} {
		t.Run(name, func(t *testing.T) {
			got, problem := body(&c)
			if problem != "" {
				t.Fatal(problem)
			}
			if !json.Valid(got) {
				t.Errorf("no JSON: %s", got)
			}
			golden := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(golden, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestNoMessage: what is no document makes no message.
func TestNoMessage(t *testing.T) {
	for _, image := range []string{``, `null`, `"x"`, `[{}]`, `{`, "{\"a\":\"\xff\"}"} {
		c := replicator.Change{Action: replicator.Insert, Resource: "users", ID: "x", After: json.RawMessage(image)}
		if got, problem := body(&c); problem == "" {
			t.Errorf("%q gives %s", image, got)
		}
	}
}

// TestIdentity: groups are those of documents, and what is sent once is a revision.
func TestIdentity(t *testing.T) {
	seen := map[string]string{}
	for _, parts := range [][]string{{"db", "users", "1"}, {"db", "user", "s1"}, {"d", "busers", "1"}, {"db", "users", "1", ""}, {"db", "users1"}} {
		h, text := hash(parts...), strings.Join(parts, "|")
		if seen[h] != "" || len(h) > 128 {
			t.Errorf("%q and %q are both %s", seen[h], text, h)
		}
		seen[h] = text
	}
	c := replicator.Change{Action: replicator.Delete, Resource: "users", ID: "x", Revision: "r1", Seq: replicator.Seq{Segment: 1}}
	first, _ := newMessage("group", &c)
	c.Seq.Segment = 2 // the same revision, told again by a repair
	if again, _ := newMessage("group", &c); again.once != first.once {
		t.Error("a revision is sent twice")
	}
	c.Revision = "r2"
	if other, _ := newMessage("group", &c); other.once == first.once {
		t.Error("another revision is dropped")
	}
	c.Revision = ""
	unknown, _ := newMessage("group", &c)
	c.Seq.Segment = 3
	if other, _ := newMessage("group", &c); other.once == unknown.once {
		t.Error("another change is dropped")
	}
}
