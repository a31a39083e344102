package postgres_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/postgres"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/targettest"
)

// place is an empty database, for the suite.
type place struct {
	*database
	config postgres.Config
}

func (p place) Open(t *testing.T) replicator.Target { return p.target(t, p.config) }

// Documents makes JSON of the rows by PostgreSQL itself.
func (p place) Documents(t *testing.T, resource string) map[string]json.RawMessage {
	t.Helper()
	table := resource
	if p.config.Table != "" {
		table = p.config.Table
	}
	document := "to_jsonb(t) - ARRAY['_revision', '_version', '_time', '_deleted', '_seq']"
	if p.config.Documents {
		document = "data"
	}
	rows := query[json.RawMessage](t, p.database, "SELECT jsonb_build_array(id, "+document+") FROM "+table+" AS t WHERE NOT _deleted")
	docs := map[string]json.RawMessage{}
	for _, row := range rows {
		var pair []json.RawMessage
		var id string
		if err := json.Unmarshal(row, &pair); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(pair[0], &id); err != nil {
			t.Fatal(err)
		}
		docs[id] = pair[1]
	}
	return docs
}

// Poison gives the name a NUL character, which no text of PostgreSQL holds.
func (p place) Poison(c *replicator.Change) bool {
	c.After = json.RawMessage(`{"id":"bad","name":"N\u0000L"}`)
	return true
}

func TestSuite(t *testing.T) {
	places := map[string]func(t *testing.T) targettest.Place{
		"columns": func(t *testing.T) targettest.Place { return place{newDatabase(t), postgres.Config{}} },
		"documents": func(t *testing.T) targettest.Place {
			return place{newDatabase(t), postgres.Config{Documents: true, Table: "everything", LogTable: "log"}}
		},
	}
	for _, name := range slices.Sorted(maps.Keys(places)) {
		t.Run(name, func(t *testing.T) { targettest.Run(t, places[name]) })
	}
}
