package webhook

import (
	"encoding/json"
	"time"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
)

// eventType is the type of all events.
const eventType = "s3db.changes"

// Event is the body of a request.
type Event struct {
	Type      string    `json:"type"`                // "s3db.changes"
	Timestamp string    `json:"timestamp,omitempty"` // of a test
	Data      EventData `json:"data"`
}

// EventData says what has changed.
type EventData struct {
	Database   string   `json:"database,omitempty"`   // its id
	Replicator string   `json:"replicator,omitempty"` // its name in the configuration
	Changes    []Change `json:"changes"`              // in order; none in a test
}

// Change is one change of a document. Its first members are those of messages of
// s3db.js.
type Change struct {
	Resource  string            `json:"resource"`
	Action    replicator.Action `json:"action"`           // "insert", "update" or "delete"
	Data      json.RawMessage   `json:"data"`             // the document; of a delete as it was
	Before    json.RawMessage   `json:"before,omitempty"` // the document before an update
	Timestamp string            `json:"timestamp"`        // when it was written, by the writer's clock
	ID        string            `json:"id"`
	// Key is that of the change, for the receiver to know one that comes again: its
	// revision.
	Key string `json:"key"`
	// Seq is the position of the change. Of two changes of a document the one with the
	// larger Seq, as a text, is later.
	Seq      replicator.Seq `json:"seq"`
	Version  int            `json:"version"`            // of the schema
	Snapshot bool           `json:"snapshot,omitempty"` // the state as it was found, not a write
}

// message is what the receiver gets of a change.
func message(c *replicator.Change) Change {
	m := Change{
		Resource: c.Resource, Action: c.Action, Data: c.After, Timestamp: formatTime(c.Time), ID: c.ID,
		Key: string(c.Revision), Seq: c.Seq, Version: c.Version, Snapshot: c.Snapshot,
	}
	switch {
	case c.Action == replicator.Delete:
		m.Data = c.Before
	case c.Action == replicator.Update:
		m.Before = c.Before
	}
	if m.Data == nil {
		m.Data = json.RawMessage("null")
	}
	if m.Key == "" { // nothing is known of the document
		m.Key = c.ID + "@" + c.Seq.String()
	}
	return m
}

// formatTime has milliseconds, as JavaScript's toISOString.
func formatTime(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }
