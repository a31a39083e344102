package bigquery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// row is a change as a row of a table.
type row struct {
	index int // of the change
	text  []byte
}

// batch is one call of Apply.
type batch struct {
	target  *Target
	at      *prepared
	changes []replicator.Change
	refused *replicator.Refusals
	rows    map[string][]row // by table, in order
	order   []string         // the tables in the order in which they were met
}

// Apply implements [replicator.Target]. A batch is one load job and, in the mode Merge,
// one query for each table. A row that BigQuery refuses is found by halving the batch.
func (t *Target) Apply(ctx context.Context, changes []replicator.Change) ([]replicator.Rejection, error) {
	p := t.prepared.Load()
	if p == nil {
		return nil, errors.New("bigquery: Apply before Prepare")
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b := &batch{target: t, at: p, changes: changes, refused: replicator.NewRefusals(changes), rows: map[string][]row{}}
	for i := range changes {
		if err := b.encode(i); err != nil {
			return nil, err
		}
	}
	for _, name := range b.order {
		put := t.merge
		if t.config.Mode == Append {
			put = t.append
		}
		if err := b.load(ctx, p.tables[name], b.rows[name], put); err != nil {
			return nil, err
		}
	}
	if p.log != nil {
		if err := b.log(ctx); err != nil {
			return nil, err
		}
	}
	return b.refused.List(), nil
}

// encode makes the rows of a change, or refuses it.
func (b *batch) encode(i int) error {
	c := &b.changes[i]
	r := b.at.resources[c.Resource]
	switch {
	case r == nil:
		return fmt.Errorf("%w: bigquery: nothing was prepared for resource %q", s3db.ErrConfig, c.Resource)
	case c.Version > r.Version:
		return fmt.Errorf("bigquery: resource %s has version %d, version %d was prepared", c.Resource, c.Version, r.Version)
	case b.refused.Skip(i):
		return nil
	}
	rows := map[string]row{}
	var order []string
	for _, route := range r.RoutesOf(c.Action) {
		name, _ := b.target.tableOf(c.Resource, route)
		if _, twice := rows[name]; twice {
			continue
		}
		text, err := b.at.tables[name].encode(c)
		if err != nil {
			b.refused.Refuse(i, reasonIn(name, err.Error()))
			return nil
		}
		rows[name] = row{i, text}
		order = append(order, name)
	}
	for _, name := range order {
		if _, met := b.rows[name]; !met {
			b.order = append(b.order, name)
		}
		b.rows[name] = append(b.rows[name], rows[name])
	}
	return nil
}

func reasonIn(table, reason string) string { return "table " + table + ": " + reason }

// mostOfUpload splits what is uploaded at once.
const mostOfUpload = 8 << 20

// load puts rows into a table, in order.
func (b *batch) load(ctx context.Context, w *table, rows []row, put func(context.Context, *prepared, *table, []byte) error) error {
	texts := make(map[int][]byte, len(rows))
	for _, r := range rows {
		texts[r.index] = r.text
	}
	send := func(ctx context.Context, indexes []int) error {
		var media bytes.Buffer
		for _, i := range indexes {
			media.Write(texts[i])
		}
		return put(ctx, b.at, w, media.Bytes())
	}
	reason := func(err error) (string, bool) {
		e, ok := errors.AsType[*jobError](err)
		if !ok || !e.ofRow() {
			return "", false
		}
		return reasonIn(w.name, withoutValue(e.messages[len(e.messages)-1])), true
	}
	for part := range parts(rows) {
		if err := b.refused.Halve(ctx, part, send, reason); err != nil {
			return err
		}
	}
	return nil
}

// parts yields the indexes of rows in uploads of a bounded size.
func parts(rows []row) iter.Seq[[]int] {
	return func(yield func([]int) bool) {
		for len(rows) > 0 {
			var part []int
			size := 0
			for len(rows) > 0 && (part == nil || size+len(rows[0].text) <= mostOfUpload) {
				part = append(part, rows[0].index)
				size += len(rows[0].text)
				rows = rows[1:]
			}
			if !yield(part) {
				return
			}
		}
	}
}

// identity is what makes work on a table what it is, beside the rows.
func (p *prepared) identity(w *table) [][]byte {
	return [][]byte{[]byte(p.source.Database), []byte(p.source.Name), []byte(w.name), w.made}
}

// append loads rows at the end of a table.
func (t *Target) append(ctx context.Context, p *prepared, w *table, rows []byte) error {
	return t.run(ctx, work{
		name:          nameOf("append", append(p.identity(w), rows)...),
		configuration: map[string]any{"load": t.loadInto(w.name, nil)},
		rows:          rows,
	}, p.since)
}

func (t *Target) loadInto(table string, columns []column) map[string]any {
	load := map[string]any{
		"destinationTable":  map[string]any{"projectId": t.config.ProjectID, "datasetId": t.config.DatasetID, "tableId": table},
		"sourceFormat":      "NEWLINE_DELIMITED_JSON",
		"writeDisposition":  "WRITE_APPEND",
		"createDisposition": "CREATE_NEVER",
	}
	if columns != nil {
		load["schema"] = map[string]any{"fields": columns}
		load["writeDisposition"] = "WRITE_TRUNCATE"
	}
	return load
}

// stagingLife is after what time BigQuery removes a staging table that a process left
// behind.
const stagingLife = 6 * time.Hour

// merge loads rows into a table of their own and takes from there what is newer.
func (t *Target) merge(ctx context.Context, p *prepared, w *table, rows []byte) error {
	name := nameOf("merge", append(p.identity(w), rows)...)
	// Nobody else uses the staging table: another process that applies the same rows must
	// neither remove it nor make it anew before they were merged.
	staging := fmt.Sprintf("%s_%016x", strings.ReplaceAll(name, "-", "_"), rand.Uint64())
	body := t.newTable(staging, w.columns, nil)
	body["expirationTime"] = strconv.FormatInt(time.Now().Add(stagingLife).UnixMilli(), 10)
	err := t.call(ctx, request{method: http.MethodPost, path: t.datasetPath() + "/tables", body: body}, nil)
	if err != nil && status(err) != http.StatusConflict { // it is there when a reply was lost
		return err
	}
	load := work{name: strings.ReplaceAll(staging, "_", "-"), configuration: map[string]any{"load": t.loadInto(staging, w.columns)}, rows: rows}
	if err := t.run(ctx, load, time.Time{}); err != nil {
		return errors.Join(err, t.remove(ctx, staging))
	}
	query := map[string]any{"query": t.mergeStatement(w, staging), "useLegacySql": false}
	if err := t.run(ctx, work{name: name, configuration: map[string]any{"query": query}}, p.since); err != nil {
		return err // the staging table stays: a query that goes on may need it
	}
	return t.remove(ctx, staging)
}

// remove deletes a staging table.
func (t *Target) remove(ctx context.Context, staging string) error {
	err := t.call(ctx, request{method: http.MethodDelete, path: t.tablePath(staging)}, nil)
	if status(err) == http.StatusNotFound {
		return nil
	}
	return err
}

// mergeStatement takes the last row of each document from a staging table, if it is
// newer than the one that the table has.
func (t *Target) mergeStatement(w *table, staging string) string {
	var on, set, names, values []string
	for _, k := range w.clustering() {
		on = append(on, "T."+k+" = S."+k)
	}
	for _, c := range w.columns {
		name := "`" + c.Name + "`"
		names = append(names, name)
		values = append(values, "S."+name)
		if !slices.Contains(w.clustering(), c.Name) {
			set = append(set, name+" = S."+name)
		}
	}
	return fmt.Sprintf("MERGE %s T USING %s S ON %s WHEN MATCHED AND S.%s > T.%s THEN UPDATE SET %s WHEN NOT MATCHED THEN INSERT (%s) VALUES (%s)",
		t.sqlName(w.name), t.latestOf(w, staging), strings.Join(on, " AND "), columnSeq, columnSeq, strings.Join(set, ", "), strings.Join(names, ", "), strings.Join(values, ", "))
}

// log appends the changes that were applied to the log table.
func (b *batch) log(ctx context.Context) error {
	var rows []row
	for i := range b.changes {
		if b.refused.Skip(i) {
			continue
		}
		text, err := logRow(&b.changes[i])
		if err != nil {
			b.refused.Refuse(i, reasonIn(b.at.log.name, "the document "+err.Error()))
			continue
		}
		rows = append(rows, row{i, text})
	}
	return b.load(ctx, b.at.log, rows, b.target.append)
}
