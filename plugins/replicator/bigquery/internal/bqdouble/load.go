package bqdouble

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
)

// readUpload splits the body of an upload into the description of the job and its
// data: https://cloud.google.com/bigquery/docs/reference/api-uploads.
func readUpload(c *call, body []byte) (metadata, media []byte, f *failure) {
	if kind := c.params["uploadType"]; kind != "multipart" {
		return nil, nil, unknown("uploads of the type %q", kind)
	}
	kind, params, err := mime.ParseMediaType(c.header.Get("Content-Type"))
	if err != nil || kind != "multipart/related" || params["boundary"] == "" {
		return nil, nil, invalid("a multipart upload has the type multipart/related with a boundary")
	}
	r := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	var parts [][]byte
	for {
		p, err := r.NextRawPart()
		if err == io.EOF { //nolint:errorlint // NextRawPart returns it as it is
			break
		}
		if err != nil {
			return nil, nil, invalid("the parts of the upload cannot be read: %v", err)
		}
		if len(parts) == 0 && !strings.HasPrefix(p.Header.Get("Content-Type"), "application/json") {
			return nil, nil, invalid("the first part of an upload is JSON")
		}
		data, err := io.ReadAll(p)
		if err != nil {
			return nil, nil, invalid("the parts of the upload cannot be read: %v", err)
		}
		parts = append(parts, data)
	}
	if len(parts) != 2 {
		return nil, nil, invalid("an upload has two parts, not %d", len(parts))
	}
	return parts[0], parts[1], nil
}

// load puts the rows of an upload into a table, all of them or none.
func (d *Double) load(j *job, load map[string]any) (*failure, []any) {
	ref := load["destinationTable"]
	project, datasetID, id := text(ref, "projectId"), text(ref, "datasetId"), text(ref, "tableId")
	ds := d.datasets[project+":"+datasetID]
	if ds == nil || ds.location != j.location {
		return notFound("Dataset", "%s:%s was not found in location %s", project, datasetID, j.location), nil
	}
	var columns []*column
	var f *failure
	if load["schema"] != nil {
		if columns, f = readColumns(load["schema"]); f != nil {
			return f, nil
		}
	}
	t, missing := d.find(project, datasetID, id)
	if missing != nil {
		if text(load, "createDisposition") == "CREATE_NEVER" {
			return missing, nil
		}
		if columns == nil || !tableName.MatchString(id) {
			return invalid("No schema specified on job or table."), nil
		}
		t = &table{dataset: ds, id: id, columns: columns, created: d.now()}
	}
	if t.view != nil {
		return invalid("Cannot load into the view %s", t.name()), nil
	}
	write := text(load, "writeDisposition")
	next := *t
	switch {
	case write == "WRITE_TRUNCATE" && columns != nil:
		next.columns = columns
	case columns != nil:
		if f := t.evolves(columns); f != nil {
			return f, nil
		}
		if len(columns) > len(t.columns) {
			return invalid("Provided Schema does not match Table %s. Cannot add fields (field: %s)", t.name(), columns[len(t.columns)].name), nil
		}
	}
	if write == "WRITE_EMPTY" && len(t.rows) > 0 {
		return duplicate("Table", "%s", t.name()), nil
	}
	if strings.HasPrefix(write, "WRITE_TRUNCATE") {
		next.rows = nil
	}
	added, f, details := next.readLines(j.media)
	if f != nil {
		return f, details
	}
	next.rows = slices.Concat(next.rows, added)
	*t = next
	ds.tables[id] = t
	j.statistics["load"] = map[string]any{"outputRows": fmt.Sprint(len(added)), "badRecords": "0", "inputFiles": "1", "inputFileBytes": fmt.Sprint(len(j.media)), "outputBytes": fmt.Sprint(len(j.media))}
	return nil, nil
}

// readLines reads JSON lines as rows of the table. Reading ends at the first bad one;
// its place and reason are in the details, as BigQuery words them.
func (t *table) readLines(media []byte) ([]*row, *failure, []any) {
	var rows []*row
	at := 0
	for line := range bytes.Lines(media) {
		start := at
		at += len(line)
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		r, err := t.read(line)
		if err != nil {
			const reading = "Error while reading data, error message: "
			f := invalid("%sJSON table encountered too many errors, giving up. Rows: %d; errors: 1. Please look into the errors[] collection for more details.", reading, len(rows)+1)
			return nil, f, []any{
				invalid("%sJSON processing encountered too many errors, giving up. Rows: %d; errors: 1; max bad: 0; error percent: 0", reading, len(rows)+1).proto(),
				invalid("%sJSON parsing error in row starting at position %d: %v", reading, start, err).proto(),
			}
		}
		rows = append(rows, r)
	}
	return rows, nil, nil
}

// readRequest reads the body of a request, and for an upload its data too.
func (d *Double) readRequest(c *call, r *http.Request) *failure {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return invalid("the body cannot be read")
	}
	if c.upload {
		metadata, media, f := readUpload(c, body)
		if f != nil {
			return f
		}
		body, c.media = metadata, media
	} else if len(body) > 0 && !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return invalid("a body is application/json, not %q", r.Header.Get("Content-Type"))
	}
	return d.discovery.readBody(c, body)
}
