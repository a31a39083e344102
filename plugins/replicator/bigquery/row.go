package bigquery

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
)

// logColumns are those of the table that gets every change.
func logColumns() []column {
	return []column{
		{Name: "resource", Type: "STRING", Mode: "REQUIRED"},
		{Name: "id", Type: "STRING", Mode: "REQUIRED"},
		{Name: "action", Type: "STRING", Mode: "REQUIRED"},
		{Name: "before", Type: "JSON"},
		{Name: "data", Type: "JSON"},
		{Name: "revision", Type: "STRING"},
		{Name: "time", Type: "TIMESTAMP"},
		{Name: "shard", Type: "INTEGER"},
		{Name: "seq", Type: "STRING", Mode: "REQUIRED"},
	}
}

// encode makes the row of a change. Its error is the reason of a rejection.
func (w *table) encode(c *replicator.Change) ([]byte, error) {
	b := []byte{'{'}
	if w.json {
		b = member(b, columnResource, c.Resource)
		b = append(b, ',')
	}
	b = member(b, columnID, c.ID)
	var err error
	if c.Action != replicator.Delete {
		if b, err = w.document(b, c.After); err != nil {
			return nil, err
		}
	}
	for _, x := range [][2]string{
		{columnAction, c.Action.String()}, {columnRevision, string(c.Revision)}, {columnTime, timestamp(c.Time)}, {columnSeq, c.Seq.String()},
	} {
		b = member(append(b, ','), x[0], x[1])
	}
	b = append(b, '}', '\n')
	if len(b) > mostOfRow {
		return nil, fmt.Errorf("the row has %d bytes, BigQuery takes %d", len(b), mostOfRow)
	}
	return b, nil
}

// mostOfRow is the limit of a row in JSON:
// https://cloud.google.com/bigquery/quotas#load_jobs.
const mostOfRow = 100 << 20

func member(b []byte, name, value string) []byte {
	text, _ := json.Marshal(value) // a text has a JSON form
	b = append(append(b, '"'), name...)
	return append(append(b, '"', ':'), text...)
}

// document appends the members of a document.
func (w *table) document(b []byte, doc json.RawMessage) ([]byte, error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(doc, &members) != nil || members == nil {
		return b, errors.New("the document is no JSON object")
	}
	if w.json {
		b = append(b, `,"`+columnData+`":`...)
		return compact(b, doc)
	}
	names := make([]string, 0, len(members))
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	written := map[*column]bool{}
	for _, name := range names {
		if name == columnID {
			continue
		}
		c := w.column(name)
		if c == nil {
			return b, fmt.Errorf("attribute %q has no column: the schema does not have it", name)
		}
		if written[c] || strings.HasPrefix(c.Name, "_") && isSystem(c.Name) {
			return b, fmt.Errorf("attribute %q has the name of another column", name)
		}
		written[c] = true
		b = append(append(append(b, `,"`...), c.Name...), '"', ':')
		var err error
		if b, err = c.append(b, members[name]); err != nil {
			return b, fmt.Errorf("attribute %q %w", name, err)
		}
	}
	return b, nil
}

func isSystem(name string) bool {
	return slices.ContainsFunc(systemColumns(), func(c column) bool { return c.Name == name })
}

// logRow makes the row of a change in the log table.
func logRow(c *replicator.Change) ([]byte, error) {
	b := member([]byte{'{'}, "resource", c.Resource)
	for _, x := range [][2]string{
		{"id", c.ID}, {"action", c.Action.String()}, {"revision", string(c.Revision)}, {"time", timestamp(c.Time)},
		{"shard", fmt.Sprint(c.Shard)}, {"seq", c.Seq.String()},
	} {
		b = member(append(b, ','), x[0], x[1])
	}
	var err error
	for _, x := range []struct {
		name string
		doc  json.RawMessage
	}{{"before", c.Before}, {"data", c.After}} {
		if x.doc == nil {
			continue
		}
		b = append(b, `,"`+x.name+`":`...)
		if b, err = compact(b, x.doc); err != nil {
			return nil, err
		}
	}
	return append(b, '}', '\n'), nil
}
