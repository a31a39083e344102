package bigquery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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
	key   documentKey
	text  []byte
}

type documentKey struct{ resource, id string }

// batch is one call of Apply.
type batch struct {
	target  *Target
	at      *prepared
	changes []replicator.Change
	refused map[int]replicator.Rejection
	stopped map[documentKey]int // the index of the refused change of a document
	rows    map[string][]row    // by table, in order
	order   []string            // the tables in the order in which they were met
}

// Apply implements [replicator.Target]. A batch is one load job and, in the mode Merge,
// one query for each table. A row that BigQuery
// refuses is found by halving the batch.
func (t *Target) Apply(ctx context.Context, changes []replicator.Change) ([]replicator.Rejection, error) {
	p := t.prepared.Load()
	if p == nil {
		return nil, errors.New("bigquery: Apply before Prepare")
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b := &batch{target: t, at: p, changes: changes, refused: map[int]replicator.Rejection{}, stopped: map[documentKey]int{}, rows: map[string][]row{}}
	for i := range changes {
		if err := b.encode(i); err != nil {
			return nil, err
		}
	}
	for _, name := range b.order {
		if err := b.table(ctx, p.tables[name], b.rows[name]); err != nil {
			return nil, err
		}
	}
	if p.log != nil {
		if err := b.log(ctx); err != nil {
			return nil, err
		}
	}
	list := make([]replicator.Rejection, 0, len(b.refused))
	for _, r := range b.refused {
		list = append(list, r)
	}
	slices.SortFunc(list, func(x, y replicator.Rejection) int { return x.Index - y.Index })
	return list, nil
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
	}
	key := documentKey{c.Resource, c.ID}
	if b.held(row{index: i, key: key}) {
		return nil
	}
	type tableRow struct {
		table string
		row   row
	}
	var rows []tableRow
	for _, route := range r.RoutesOf(c.Action) {
		name, _ := b.target.tableOf(c.Resource, route)
		if slices.ContainsFunc(rows, func(x tableRow) bool { return x.table == name }) {
			continue
		}
		text, err := b.at.tables[name].encode(c)
		if err != nil {
			b.refuse(row{index: i, key: key}, name, err.Error())
			return nil
		}
		rows = append(rows, tableRow{name, row{i, key, text}})
	}
	for _, x := range rows {
		if _, met := b.rows[x.table]; !met {
			b.order = append(b.order, x.table)
		}
		b.rows[x.table] = append(b.rows[x.table], x.row)
	}
	return nil
}

func (b *batch) refuse(r row, table, reason string) {
	b.refused[r.index] = replicator.Rejection{Index: r.index, Reason: "table " + table + ": " + reason}
	b.stopped[r.key] = r.index
}

// held reports whether a row must not be sent: its change was refused, or follows one of
// its document that was, and is then held back.
func (b *batch) held(r row) bool {
	at, stopped := b.stopped[r.key]
	if !stopped || r.index < at {
		return false
	}
	if r.index > at {
		b.refused[r.index] = replicator.Rejection{Index: r.index, Reason: "follows a rejected change of its document", Held: true}
	}
	return true
}

// mostOfUpload splits what is uploaded at once.
const mostOfUpload = 8 << 20

// table applies the rows of one table, in order.
func (b *batch) table(ctx context.Context, w *table, rows []row) error {
	for part := range parts(rows) {
		if err := b.load(ctx, part, func(ctx context.Context, rows []byte) error {
			if b.target.config.Mode == Append {
				return b.target.append(ctx, b.at, w, rows)
			}
			return b.target.merge(ctx, b.at, w, rows)
		}, w.name); err != nil {
			return err
		}
	}
	return nil
}

// parts yields rows in uploads of a bounded size.
func parts(rows []row) func(yield func([]row) bool) {
	return func(yield func([]row) bool) {
		for len(rows) > 0 {
			n, size := 0, 0
			for n < len(rows) && (n == 0 || size+len(rows[n].text) <= mostOfUpload) {
				size += len(rows[n].text)
				n++
			}
			if !yield(rows[:n]) {
				return
			}
			rows = rows[n:]
		}
	}
}

// load loads rows. When BigQuery refuses one of them, it loads the first half and then
// the second, without those that follow a refused row of their document.
func (b *batch) load(ctx context.Context, rows []row, into func(context.Context, []byte) error, table string) error {
	var media bytes.Buffer
	kept := make([]row, 0, len(rows))
	for _, r := range rows {
		if !b.held(r) {
			kept = append(kept, r)
			media.Write(r.text)
		}
	}
	if len(kept) == 0 {
		return nil
	}
	err := into(ctx, media.Bytes())
	e, ok := errors.AsType[*jobError](err)
	if !ok || !e.ofRow() {
		return err
	}
	if len(kept) == 1 {
		b.refuse(kept[0], table, withoutValue(e.messages[len(e.messages)-1]))
		return nil
	}
	half := len(kept) / 2
	if err := b.load(ctx, kept[:half], into, table); err != nil {
		return err
	}
	return b.load(ctx, kept[half:], into, table)
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
		c := &b.changes[i]
		r := row{index: i, key: documentKey{c.Resource, c.ID}}
		if b.held(r) {
			continue
		}
		var err error
		if r.text, err = logRow(c); err != nil {
			b.refuse(r, b.at.log.name, "the document "+err.Error())
			continue
		}
		rows = append(rows, r)
	}
	for part := range parts(rows) {
		if err := b.load(ctx, part, func(ctx context.Context, rows []byte) error { return b.target.append(ctx, b.at, b.at.log, rows) }, b.at.log.name); err != nil {
			return err
		}
	}
	return nil
}
