package bigquery

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
)

// prepared is what Prepare found and made. It does not change.
type prepared struct {
	source    replicator.Source
	resources map[string]*replicator.Resource
	tables    map[string]*table
	log       *table    // nil for none
	since     time.Time // by the server's clock; jobs that ended before it may be undone
}

// table is a table of documents, or the log.
type table struct {
	name    string
	json    bool // Columns JSON
	columns []column
	byName  map[string]*column // by name in lower case: BigQuery's names have no case
	made    []byte             // which table of its name it is
}

func (w *table) column(name string) *column { return w.byName[strings.ToLower(name)] }

// viewSuffix makes the name of the view that shows the documents that exist.
const viewSuffix = "_current"

// resource is a Table of the API, as far as it matters here.
type tableResource struct {
	ETag         string
	CreationTime string
	Type         string
	Schema       struct{ Fields []column }
	View         struct{ Query string }
}

// Prepare implements [replicator.Target]. Columns that are missing are added; none is
// removed or changed. Errors match s3db.ErrConfig when a column has another type than
// the schema needs.
func (t *Target) Prepare(ctx context.Context, source replicator.Source) error {
	p := &prepared{source: source, resources: map[string]*replicator.Resource{}, tables: map[string]*table{}}
	wanted, err := t.wanted(p)
	if err != nil {
		return err
	}
	for _, w := range wanted {
		if err := t.prepareTable(ctx, w); err != nil {
			return fmt.Errorf("table %s: %w", w.name, err)
		}
		if err := t.prepareView(ctx, w); err != nil {
			return fmt.Errorf("view %s: %w", w.name+viewSuffix, err)
		}
		p.tables[w.name] = w
	}
	if t.config.LogTable != "" {
		p.log = &table{name: t.config.LogTable, columns: logColumns()}
		if err := t.prepareTable(ctx, p.log); err != nil {
			return fmt.Errorf("table %s: %w", p.log.name, err)
		}
	}
	at, err := t.send(ctx, request{method: http.MethodGet, path: t.datasetPath()}, nil)
	if err != nil {
		return err
	}
	p.since = at.Add(time.Second) // the header counts seconds
	t.prepared.Store(p)
	return nil
}

// tableOf returns the table that a route leads to, and whether it holds JSON.
func (t *Target) tableOf(resource string, route replicator.Route) (name string, asJSON bool) {
	switch {
	case route.To != "":
		return route.To, t.config.Columns == JSON
	case t.config.TableID != "":
		return t.config.TableID, true
	}
	return resource, t.config.Columns == JSON
}

// wanted returns the tables of all routes.
func (t *Target) wanted(p *prepared) ([]*table, error) {
	var list []*table
	owner := map[string]string{}
	for i := range p.source.Resources {
		r := &p.source.Resources[i]
		p.resources[r.Name] = r
		for _, route := range r.Routes {
			name, asJSON := t.tableOf(r.Name, route)
			if !tableName.MatchString(name) {
				return nil, configError("resource %s: table %q is not a name that BigQuery allows: letters, digits and underscores", r.Name, name)
			}
			if name == t.config.LogTable {
				return nil, configError("resource %s: table %s is the log table", r.Name, name)
			}
			other, taken := owner[name]
			switch {
			case taken && other != r.Name && !asJSON:
				return nil, configError("resources %s and %s both go to table %s; give each its own, or keep documents as JSON", other, r.Name, name)
			case taken:
				if j := slices.IndexFunc(list, func(x *table) bool { return x.name == name }); list[j].json != asJSON {
					return nil, configError("table %s would hold documents both as JSON and in columns", name)
				}
				continue
			}
			owner[name] = r.Name
			w := &table{name: name, json: asJSON, columns: jsonColumns()}
			if !asJSON {
				w.columns = columnsOf(r)
				if err := checkColumns(r.Name, w.columns); err != nil {
					return nil, err
				}
			}
			list = append(list, w)
		}
	}
	return list, nil
}

// Names of columns: https://cloud.google.com/bigquery/docs/schemas#column_names.
var (
	columnName    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,299}$`)
	reservedNames = regexp.MustCompile(`(?i)^(_TABLE_|_FILE_|_PARTITION|_ROW_TIMESTAMP|__ROOT__|_COLIDENTIFIER|_CHANGE_SEQUENCE_NUMBER|_CHANGE_TYPE|_CHANGE_TIMESTAMP)`)
)

func checkColumns(resource string, columns []column) error {
	seen := map[string]string{}
	for _, c := range columns {
		folded := strings.ToLower(c.Name)
		if other, ok := seen[folded]; ok {
			return configError("resource %s: columns %s and %s have the same name to BigQuery; keep the documents as JSON", resource, other, c.Name)
		}
		seen[folded] = c.Name
		if !columnName.MatchString(c.Name) || reservedNames.MatchString(c.Name) {
			return configError("resource %s: BigQuery allows no column %q; keep the documents as JSON", resource, c.Name)
		}
	}
	return nil
}

// mostRaces bounds how often other processes may change a table meanwhile.
const mostRaces = 20

// prepareTable creates a table or adds columns to it. Afterwards w has all its columns.
func (t *Target) prepareTable(ctx context.Context, w *table) error {
	for range mostRaces {
		var found tableResource
		err := t.call(ctx, request{method: http.MethodGet, path: t.tablePath(w.name)}, &found)
		if status(err) == http.StatusNotFound {
			err = t.call(ctx, request{method: http.MethodPost, path: t.datasetPath() + "/tables", body: t.newTable(w.name, w.columns, w.clustering())}, nil)
			if err == nil || status(err) == http.StatusConflict {
				continue // look what it is now
			}
		}
		if err != nil {
			return err
		}
		if found.Type != "TABLE" {
			return configError("it exists and is a %s", strings.ToLower(found.Type))
		}
		columns, err := evolved(found.Schema.Fields, w.columns)
		if err != nil {
			return err
		}
		if len(columns) == len(found.Schema.Fields) {
			w.settle(columns, found.CreationTime)
			return nil
		}
		body := map[string]any{"schema": map[string]any{"fields": columns}}
		err = t.call(ctx, request{method: http.MethodPatch, path: t.tablePath(w.name), body: body, match: found.ETag}, nil)
		if err != nil && status(err) != http.StatusPreconditionFailed {
			return err
		}
	}
	return errors.New("bigquery: others keep changing it")
}

func status(err error) int {
	if e, ok := errors.AsType[*apiError](err); ok {
		return e.status
	}
	return 0
}

func (t *Target) newTable(name string, columns []column, clustering []string) map[string]any {
	body := map[string]any{
		"tableReference": map[string]any{"projectId": t.config.ProjectID, "datasetId": t.config.DatasetID, "tableId": name},
		"schema":         map[string]any{"fields": columns},
	}
	if clustering != nil {
		body["clustering"] = map[string]any{"fields": clustering}
	}
	return body
}

func (w *table) clustering() []string {
	if w.json {
		return []string{columnResource, columnID}
	}
	return []string{columnID}
}

func (w *table) settle(columns []column, made string) {
	w.columns, w.made = columns, []byte(made)
	w.byName = map[string]*column{}
	for i := range columns {
		w.byName[strings.ToLower(columns[i].Name)] = &columns[i]
	}
}

// evolved returns the columns of a table with those that it lacks. All that it has
// already stay. New ones are never required: rows lack them.
func evolved(have, want []column) ([]column, error) {
	columns := slices.Clone(have)
	for _, w := range want {
		i := slices.IndexFunc(columns, func(c column) bool { return strings.EqualFold(c.Name, w.Name) })
		if i < 0 {
			if w.Mode == "REQUIRED" {
				if len(have) > 0 {
					return nil, configError("it exists without the column %s, so something else made it", w.Name)
				}
			}
			columns = append(columns, w)
			continue
		}
		h := columns[i]
		if apiType(h.Type) != w.Type || (h.Mode == repeated) != (w.Mode == repeated) {
			return nil, configError("column %s is %s, the schema needs %s; rename or drop the column, or name another table", h.Name, typeText(h), typeText(w))
		}
	}
	for _, h := range have {
		if h.Mode == "REQUIRED" && !slices.ContainsFunc(want, func(w column) bool { return strings.EqualFold(w.Name, h.Name) && w.Mode == h.Mode }) {
			return nil, configError("column %s is required, which a deleted document cannot give; relax it to NULLABLE", h.Name)
		}
	}
	return columns, nil
}

// apiType is the name that the API gives a type.
func apiType(name string) string {
	switch name {
	case "INT64":
		return "INTEGER"
	case "FLOAT64":
		return "FLOAT"
	case "BOOL":
		return "BOOLEAN"
	}
	return name
}

func typeText(c column) string {
	if c.Mode == repeated {
		return "repeated " + c.Type
	}
	return c.Type
}

// prepareView makes the view that shows the documents that exist, or changes it to show
// all columns.
func (t *Target) prepareView(ctx context.Context, w *table) error {
	name, query := w.name+viewSuffix, t.viewQuery(w)
	for range mostRaces {
		var found tableResource
		err := t.call(ctx, request{method: http.MethodGet, path: t.tablePath(name)}, &found)
		view := map[string]any{"query": query, "useLegacySql": false}
		switch {
		case status(err) == http.StatusNotFound:
			body := t.newTable(name, nil, nil)
			delete(body, "schema")
			body["view"] = view
			err = t.call(ctx, request{method: http.MethodPost, path: t.datasetPath() + "/tables", body: body}, nil)
			if status(err) == http.StatusConflict {
				continue
			}
			return err
		case err != nil:
			return err
		case found.Type != "VIEW":
			return configError("it exists and is a %s", strings.ToLower(found.Type))
		case found.View.Query == query:
			return nil
		}
		err = t.call(ctx, request{method: http.MethodPatch, path: t.tablePath(name), body: map[string]any{"view": view}, match: found.ETag}, nil)
		if status(err) != http.StatusPreconditionFailed {
			return err
		}
	}
	return errors.New("bigquery: others keep changing it")
}

// viewQuery names the columns, since views keep those of the time they were made.
func (t *Target) viewQuery(w *table) string {
	names := make([]string, 0, len(w.columns))
	for _, c := range w.columns {
		names = append(names, "`"+c.Name+"`")
	}
	from := t.sqlName(w.name)
	if t.config.Mode == Append {
		from = t.latestOf(w, w.name)
	}
	return fmt.Sprintf("SELECT %s FROM %s WHERE %s != 'delete'", strings.Join(names, ", "), from, columnAction)
}

// latestOf is a query for the last row of each document in a table with the columns of
// w.
func (t *Target) latestOf(w *table, name string) string {
	return fmt.Sprintf("(SELECT * FROM %s WHERE TRUE QUALIFY ROW_NUMBER() OVER (PARTITION BY %s ORDER BY %s DESC) = 1)",
		t.sqlName(name), strings.Join(w.clustering(), ", "), columnSeq)
}

func (t *Target) sqlName(table string) string {
	return "`" + t.config.ProjectID + "." + t.config.DatasetID + "." + table + "`"
}
