package bqdouble

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// dataset holds tables in one location.
type dataset struct {
	project, id, location string
	tables                map[string]*table
}

// table is a table or a view.
type table struct {
	dataset     *dataset
	id          string
	columns     []*column
	clustering  []string
	expires     time.Time
	description string
	labels      map[string]any
	view        *selectStatement
	viewText    string
	rows        []*row
	generation  int // of the description, for the ETag
	created     time.Time
}

// maxName is the length of ids of datasets, tables and jobs.
const maxName = 1024

// row is a row of a table.
type row struct {
	cells     []any // in the order of the columns; shorter when columns came later
	streaming bool  // in the streaming buffer, where DML cannot change it
}

func (r *row) cell(i int) any {
	if i < len(r.cells) {
		return r.cells[i]
	}
	return nil
}

func (t *table) name() string { return t.dataset.project + ":" + t.dataset.id + "." + t.id }

func (t *table) etag() string { return fmt.Sprintf("%q", t.id+"."+strconv.Itoa(t.generation)) }

func (t *table) column(name string) int {
	return slices.IndexFunc(t.columns, func(c *column) bool { return strings.EqualFold(c.name, name) })
}

// Rules of names: https://cloud.google.com/bigquery/docs/tables#table_naming,
// https://cloud.google.com/bigquery/docs/schemas#column_names.
var (
	datasetName   = regexp.MustCompile(`^[A-Za-z0-9_]+$`)
	tableName     = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	columnName    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,299}$`)
	reservedNames = regexp.MustCompile(`(?i)^(_TABLE_|_FILE_|_PARTITION|_ROW_TIMESTAMP|__ROOT__|_COLIDENTIFIER|_CHANGE_SEQUENCE_NUMBER|_CHANGE_TYPE|_CHANGE_TIMESTAMP)`)
)

// readColumns reads a TableSchema.
func readColumns(schema any) ([]*column, *failure) {
	fields, _ := member(schema, "fields").([]any)
	var columns []*column
	for _, f := range fields {
		c := &column{name: text(f, "name"), mode: text(f, "mode"), description: text(f, "description")}
		if c.mode == "" {
			c.mode = modeNullable
		}
		typ, known := apiType(text(f, "type"))
		c.typ = typ
		for name := range object(f) {
			if !slices.Contains([]string{"name", "type", "mode", "description"}, name) {
				return nil, unknown("%s of a field", name)
			}
		}
		switch {
		case !columnName.MatchString(c.name) || reservedNames.MatchString(c.name):
			return nil, invalid("Invalid field name %q. Fields must contain only letters, numbers, and underscores, start with a letter or underscore, and be at most 300 characters long.", c.name)
		case !known:
			return nil, invalid("Invalid value for type: %s is not a valid value", text(f, "type"))
		case !slices.Contains([]string{modeNullable, modeRequired, modeRepeated}, c.mode):
			return nil, invalid("Invalid value for mode: %s is not a valid value", c.mode)
		case slices.ContainsFunc(columns, func(d *column) bool { return strings.EqualFold(d.name, c.name) }):
			return nil, invalid("Duplicate field name %s: names are not case sensitive", c.name)
		}
		columns = append(columns, c)
	}
	return columns, nil
}

func (t *table) schema() map[string]any {
	fields := []any{}
	for _, c := range t.columns {
		f := map[string]any{"name": c.name, "type": c.typ, "mode": c.mode}
		if c.description != "" {
			f["description"] = c.description
		}
		fields = append(fields, f)
	}
	return map[string]any{"fields": fields}
}

// resource is the Table of the API.
func (t *table) resource() map[string]any {
	r := map[string]any{
		"kind": "bigquery#table", "etag": t.etag(), "id": t.name(), "type": "TABLE", "location": t.dataset.location,
		"tableReference": map[string]any{"projectId": t.dataset.project, "datasetId": t.dataset.id, "tableId": t.id},
		"schema":         t.schema(), "numRows": strconv.Itoa(len(t.rows)), "creationTime": strconv.FormatInt(t.created.UnixMilli(), 10),
	}
	if t.description != "" {
		r["description"] = t.description
	}
	if t.labels != nil {
		r["labels"] = t.labels
	}
	if !t.expires.IsZero() {
		r["expirationTime"] = strconv.FormatInt(t.expires.UnixMilli(), 10)
	}
	if t.clustering != nil {
		r["clustering"] = map[string]any{"fields": t.clustering}
	}
	if t.view != nil {
		delete(r, "numRows")
		r["type"], r["view"] = "VIEW", map[string]any{"query": t.viewText, "useLegacySql": false}
	}
	return r
}

// find returns a table that exists and has not expired.
func (d *Double) find(project, datasetID, id string) (*table, *failure) {
	ds := d.datasets[project+":"+datasetID]
	if ds == nil {
		return nil, notFound("Dataset", "%s:%s", project, datasetID)
	}
	t := ds.tables[id]
	if t != nil && !t.expires.IsZero() && !t.expires.After(d.now()) {
		delete(ds.tables, id)
		t = nil
	}
	if t == nil {
		return nil, notFound("Table", "%s:%s.%s", project, datasetID, id)
	}
	return t, nil
}

func (d *Double) datasetOf(c *call) (*dataset, *failure) {
	ds := d.datasets[c.params["projectId"]+":"+c.params["datasetId"]]
	if ds == nil {
		return nil, notFound("Dataset", "%s:%s", c.params["projectId"], c.params["datasetId"])
	}
	return ds, nil
}

func (d *Double) tableOf(c *call) (*table, *failure) {
	return d.find(c.params["projectId"], c.params["datasetId"], c.params["tableId"])
}

func (ds *dataset) resource() map[string]any {
	return map[string]any{
		"kind": "bigquery#dataset", "id": ds.project + ":" + ds.id, "location": ds.location,
		"datasetReference": map[string]any{"projectId": ds.project, "datasetId": ds.id},
	}
}

func (d *Double) datasetsGet(c *call) (any, *failure) {
	ds, f := d.datasetOf(c)
	if f != nil {
		return nil, f
	}
	return ds.resource(), nil
}

func (d *Double) datasetsInsert(c *call) (any, *failure) {
	project, id := c.params["projectId"], text(member(c.body, "datasetReference"), "datasetId")
	if f := only(c.body, "datasetReference", "location", "kind"); f != nil {
		return nil, f
	}
	if !datasetName.MatchString(id) || len(id) > maxName {
		return nil, invalid("Invalid dataset ID %q.", id)
	}
	if d.datasets[project+":"+id] != nil {
		return nil, duplicate("Dataset", "%s:%s", project, id)
	}
	location := text(c.body, "location")
	if location == "" {
		location = "US"
	}
	return d.addDataset(project, id, location).resource(), nil
}

func (d *Double) addDataset(project, id, location string) *dataset {
	ds := &dataset{project: project, id: id, location: location, tables: map[string]*table{}}
	d.datasets[project+":"+id] = ds
	return ds
}

func (d *Double) tablesGet(c *call) (any, *failure) {
	t, f := d.tableOf(c)
	if f != nil {
		return nil, f
	}
	return t.resource(), nil
}

func (d *Double) tablesInsert(c *call) (any, *failure) {
	ds, f := d.datasetOf(c)
	if f != nil {
		return nil, f
	}
	ref := member(c.body, "tableReference")
	if text(ref, "projectId") != ds.project || text(ref, "datasetId") != ds.id {
		return nil, invalid("the reference of the table does not match the path")
	}
	if f := only(c.body, "tableReference", "schema", "clustering", "expirationTime", "description", "labels", "view", "kind"); f != nil {
		return nil, f
	}
	t := &table{dataset: ds, id: text(ref, "tableId"), created: d.now(), description: text(c.body, "description"), labels: object(c.body["labels"])}
	if !tableName.MatchString(t.id) || len(t.id) > maxName {
		return nil, invalid("Invalid table ID %q.", t.id)
	}
	if _, f := d.find(ds.project, ds.id, t.id); f == nil {
		return nil, duplicate("Table", "%s", t.name())
	}
	if view := c.body["view"]; view != nil {
		if f := d.makeView(t, view); f != nil {
			return nil, f
		}
	} else if t.columns, f = readColumns(c.body["schema"]); f != nil {
		return nil, f
	}
	if f := t.setClustering(member(c.body, "clustering")); f != nil {
		return nil, f
	}
	if f := t.setExpiration(c.body, d.now()); f != nil {
		return nil, f
	}
	ds.tables[t.id] = t
	return t.resource(), nil
}

// makeView compiles the query of a view.
func (d *Double) makeView(t *table, view any) *failure {
	if f := only(object(view), "query", "useLegacySql"); f != nil {
		return f
	}
	if legacy, ok := member(view, "useLegacySql").(bool); !ok || legacy {
		return unknown("legacy SQL, which is the default of views")
	}
	q, f := parseSelect(text(view, "query"))
	if f != nil {
		return f
	}
	columns, f := d.resolve(q)
	if f != nil {
		return f
	}
	t.columns, t.view, t.viewText = columns, q, text(view, "query")
	return nil
}

func (t *table) setClustering(clustering any) *failure {
	fields, _ := member(clustering, "fields").([]any)
	if len(fields) > 4 {
		return invalid("at most four columns can cluster a table")
	}
	for _, f := range fields {
		name, _ := f.(string)
		i := t.column(name)
		if i < 0 {
			return invalid("The field specified for clustering cannot be found in the schema: %s", name)
		}
		if c := t.columns[i]; c.mode == modeRepeated || slices.Contains([]string{typeFloat, typeJSON, typeBytes}, c.typ) {
			return invalid("Field %s of type %s cannot cluster a table", name, c.typ)
		}
		t.clustering = append(t.clustering, name)
	}
	return nil
}

func (t *table) setExpiration(body map[string]any, now time.Time) *failure {
	raw, given := body["expirationTime"]
	if !given {
		return nil
	}
	ms, err := strconv.ParseInt(fmt.Sprint(raw), 10, 64)
	t.expires = time.UnixMilli(ms)
	if err != nil || !t.expires.After(now) {
		return invalid("Invalid value for expirationTime: it lies in the past")
	}
	return nil
}

// tablesPatch changes the description of a table. Columns may be added, and required
// ones may become nullable; nothing else may happen to them:
// https://cloud.google.com/bigquery/docs/managing-table-schemas.
func (d *Double) tablesPatch(c *call) (any, *failure) {
	t, f := d.tableOf(c)
	if f != nil {
		return nil, f
	}
	if match := c.header.Get("If-Match"); match != "" && match != t.etag() {
		return nil, &failure{Status: http.StatusPreconditionFailed, Reason: "conditionNotMet", Message: "Precondition check failed."}
	}
	if f := only(c.body, "schema", "description", "labels", "expirationTime", "view", "tableReference"); f != nil {
		return nil, f
	}
	changed := *t
	if schema := c.body["schema"]; schema != nil && t.view == nil {
		columns, f := readColumns(schema)
		if f != nil {
			return nil, f
		}
		if f := t.evolves(columns); f != nil {
			return nil, f
		}
		changed.columns = columns
	}
	if view := c.body["view"]; view != nil {
		if t.view == nil {
			return nil, invalid("Cannot change type of table %s to VIEW", t.name())
		}
		if f := d.makeView(&changed, view); f != nil {
			return nil, f
		}
	}
	if _, given := c.body["description"]; given {
		changed.description = text(c.body, "description")
	}
	if labels, given := c.body["labels"]; given {
		changed.labels = object(labels)
	}
	if f := changed.setExpiration(c.body, d.now()); f != nil {
		return nil, f
	}
	changed.generation++
	*t = changed
	return t.resource(), nil
}

func (t *table) evolves(columns []*column) *failure {
	for i, old := range t.columns {
		switch {
		case i >= len(columns) || !strings.EqualFold(columns[i].name, old.name):
			return invalid("Provided Schema does not match Table %s. Field %s is missing in new schema", t.name(), old.name)
		case columns[i].typ != old.typ:
			return invalid("Provided Schema does not match Table %s. Field %s has changed type from %s to %s", t.name(), old.name, old.typ, columns[i].typ)
		case columns[i].mode != old.mode && (old.mode != modeRequired || columns[i].mode != modeNullable):
			return invalid("Provided Schema does not match Table %s. Field %s has changed mode from %s to %s", t.name(), old.name, old.mode, columns[i].mode)
		}
	}
	for _, c := range columns[len(t.columns):] {
		if c.mode == modeRequired {
			return invalid("Provided Schema does not match Table %s. Cannot add required fields to an existing schema. (field: %s)", t.name(), c.name)
		}
	}
	return nil
}

func (d *Double) tablesDelete(c *call) (any, *failure) {
	t, f := d.tableOf(c)
	if f != nil {
		return nil, f
	}
	delete(t.dataset.tables, t.id)
	return nil, nil
}

// insertAll streams rows. They are in the streaming buffer, which DML must not touch,
// until Flush: https://cloud.google.com/bigquery/docs/data-manipulation-language#limitations.
func (d *Double) insertAll(c *call) (any, *failure) {
	t, f := d.tableOf(c)
	if f != nil {
		return nil, f
	}
	if f := only(c.body, "rows", "kind", "skipInvalidRows", "ignoreUnknownValues"); f != nil {
		return nil, f
	}
	rows, _ := c.body["rows"].([]any)
	var added []*row
	var problems []any
	for i, item := range rows {
		raw, err := json.Marshal(member(item, "json"))
		if err != nil {
			return nil, invalid("row %d cannot be read", i)
		}
		r, err := t.read(raw)
		if err != nil {
			problems = append(problems, map[string]any{"index": i, "errors": []any{invalid("%v", err).proto()}})
			continue
		}
		r.streaming = true
		added = append(added, r)
	}
	reply := map[string]any{"kind": "bigquery#tableDataInsertAllResponse"}
	if problems != nil {
		reply["insertErrors"] = problems
		return reply, nil
	}
	t.rows = append(t.rows, added...)
	return reply, nil
}

// read reads a row as a JSON object.
func (t *table) read(text []byte) (*row, error) {
	var fields map[string]json.RawMessage
	if err := decodeJSON(text, &fields); err != nil || fields == nil {
		return nil, fmt.Errorf("the row is no JSON object")
	}
	r := &row{cells: make([]any, len(t.columns))}
	seen := map[int]bool{}
	for name := range fields {
		i := t.column(name)
		if i < 0 {
			return nil, fmt.Errorf("No such field: %s", name) //nolint:staticcheck // the text of BigQuery
		}
		if seen[i] {
			return nil, fmt.Errorf("field %s stands twice", name)
		}
		seen[i] = true
	}
	for i, c := range t.columns {
		var raw json.RawMessage
		for name, value := range fields {
			if strings.EqualFold(name, c.name) {
				raw = value
			}
		}
		v, err := c.cell(raw)
		if err != nil {
			return nil, err
		}
		r.cells[i] = v
	}
	return r, nil
}

// tabledataList lists the rows of a table.
func (d *Double) tabledataList(c *call) (any, *failure) {
	t, f := d.tableOf(c)
	if f != nil {
		return nil, f
	}
	if t.view != nil {
		return nil, invalid("Cannot list a table of type VIEW.")
	}
	res := &result{columns: t.columns}
	for _, r := range t.rows {
		res.rows = append(res.rows, r.cells)
	}
	reply := res.page(c.params, c.params["formatOptions.useInt64Timestamp"] == "true")
	reply["kind"] = "bigquery#tableDataList"
	return reply, nil
}

// member returns a member of an object of JSON, and nil for anything else.
func member(v any, name string) any { return object(v)[name] }

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func text(v any, name string) string {
	s, _ := member(v, name).(string)
	return s
}

// only refuses members that this double would ignore. It takes those that say nothing.
func only(m map[string]any, names ...string) *failure {
	for name, v := range m {
		if !slices.Contains(names, name) && v != nil && v != false && v != "" {
			return unknown("%q in this place", name)
		}
	}
	return nil
}
