package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
)

// Apply implements [replicator.Target]. All changes are one transaction, with the
// checkpoint, in one round trip. When the server refuses a row, the changes are halved
// until it is found; what is refused is in no table, and the checkpoint stays before it.
func (t *Target) Apply(ctx context.Context, changes []replicator.Change) ([]replicator.Rejection, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p, err := t.prepared()
	if err != nil || len(changes) == 0 {
		return nil, err
	}
	a := &application{target: t, plan: p, changes: changes, rows: make([][]row, len(changes)), refused: replicator.NewRefusals(changes)}
	if err := a.refused.Halve(ctx, a.convert(), a.send, refusal); err != nil {
		return nil, wrap("apply", err)
	}
	return a.refused.List(), nil
}

// application is one call of Apply.
type application struct {
	target  *Target
	plan    *plan
	changes []replicator.Change
	rows    [][]row // of each change
	refused *replicator.Refusals
}

// row is the row of a document in a table.
type row struct {
	table  int // in the plan
	change *replicator.Change
	cells  []cell // of its key and values
}

// convert turns changes into rows, and returns the indexes of those that are to be sent.
// Changes that no column can hold are refused.
func (a *application) convert() []int {
	indexes := make([]int, 0, len(a.changes))
	for i := range a.changes {
		if a.refused.Skip(i) {
			continue
		}
		var reason string
		if a.rows[i], reason = a.plan.rows(&a.changes[i]); reason != "" {
			a.refused.Refuse(i, reason)
			continue
		}
		indexes = append(indexes, i)
	}
	return indexes
}

// rows returns the rows of a change, or why PostgreSQL cannot hold it.
func (p *plan) rows(c *replicator.Change) (rows []row, reason string) {
	if strings.IndexByte(c.ID, 0) >= 0 {
		return nil, "the id has a NUL character, which PostgreSQL's texts cannot hold"
	}
	var members map[string]json.RawMessage
	for _, d := range p.routes[c.Resource] {
		if !slices.Contains(d.actions, c.Action) {
			continue
		}
		t := p.tables[d.table]
		if members == nil && c.Action != replicator.Delete && !t.documents {
			if err := json.Unmarshal(c.After, &members); err != nil || members == nil {
				return nil, "the document is no JSON object"
			}
		}
		cells, reason := t.cells(c, members)
		if reason != "" {
			return nil, reason
		}
		rows = append(rows, row{d.table, c, cells})
	}
	return rows, ""
}

// cells returns the values of the key and of the document's columns.
func (t *table) cells(c *replicator.Change, members map[string]json.RawMessage) ([]cell, string) {
	cells := make([]cell, 0, len(t.key)+len(t.values))
	if t.documents {
		cells = append(cells, text(c.Resource))
	}
	cells = append(cells, text(c.ID))
	switch {
	case c.Action == replicator.Delete:
		cells = append(cells, make([]cell, len(t.values))...)
	case t.documents:
		data, reason := cellOf(&replicator.Type{Kind: "json"}, "jsonb", c.After)
		if reason == "" && (len(c.After) == 0 || c.After[0] != '{') {
			reason = "is no JSON object"
		}
		if reason != "" {
			return nil, "the document " + reason
		}
		cells = append(cells, data)
	default:
		for i := range t.values {
			col := &t.values[i]
			value, reason := cellOf(&col.attribute.Type, col.typ, col.in(members))
			if reason != "" {
				return nil, fmt.Sprintf("attribute %q %s", col.attribute.Name, reason)
			}
			cells = append(cells, value)
		}
	}
	return cells, ""
}

// in returns the value of the column's attribute in a document; nil without one.
func (c *column) in(members map[string]json.RawMessage) json.RawMessage {
	for _, name := range c.names {
		if value, ok := members[name]; ok {
			return value
		}
	}
	return nil
}

// send writes changes in one transaction, of each document and table the last row. The
// statements go in one pipeline, which is a transaction of its own.
func (a *application) send(ctx context.Context, indexes []int) error {
	var b pgx.Batch
	a.moveCheckpoint(&b, indexes)
	if a.plan.log != "" {
		a.writeLog(&b, indexes)
	}
	type document struct{ resource, id string }
	last := make([]map[document]*row, len(a.plan.tables))
	for _, i := range indexes {
		for j := range a.rows[i] {
			r := &a.rows[i][j]
			if last[r.table] == nil {
				last[r.table] = make(map[document]*row, len(indexes))
			}
			last[r.table][document{a.changes[i].Resource, a.changes[i].ID}] = r
		}
	}
	for n, rows := range last {
		if len(rows) > 0 {
			t := a.plan.tables[n]
			b.Queue(t.insert, t.columnwise(slices.Collect(maps.Values(rows)))...)
		}
	}
	return a.target.pool.SendBatch(ctx, &b).Close()
}

// moveCheckpoint queues the statement that moves the checkpoint to the last change that
// is sent, but not past one that was refused: until the caller has written that down, it
// must be sent again after a crash. A change of a snapshot, or one that is applied again,
// says nothing of those before it.
func (a *application) moveCheckpoint(b *pgx.Batch, indexes []int) {
	end := indexes[len(indexes)-1] + 1
	if refused := a.refused.List(); len(refused) > 0 {
		end = min(end, refused[0].Index)
	}
	var seq replicator.Seq
	for _, c := range a.changes[:end] {
		if !c.Snapshot && !c.Again && seq.Compare(c.Seq) < 0 {
			seq = c.Seq
		}
	}
	b.Queue(a.plan.checkpoint, a.plan.source.Database, a.plan.source.Name, a.changes[0].Shard, seq.String())
}

// columnwise returns rows as arrays, one for each column, in the order of their keys,
// so that processes that write the same rows wait for each other and do not deadlock.
func (t *table) columnwise(rows []*row) []any {
	slices.SortFunc(rows, func(x, y *row) int {
		for i := range t.key {
			if c := strings.Compare(x.cells[i].String, y.cells[i].String); c != 0 {
				return c
			}
		}
		return 0
	})
	var args []any
	for i := range rows[0].cells {
		values := make(pgtype.FlatArray[cell], len(rows))
		for j, r := range rows {
			values[j] = r.cells[i]
		}
		args = append(args, values)
	}
	revisions, seqs := make([]string, len(rows)), make([]string, len(rows))
	versions, times, deleted := make([]int32, len(rows)), make([]time.Time, len(rows)), make([]bool, len(rows))
	for j, r := range rows {
		c := r.change
		revisions[j], seqs[j] = string(c.Revision), c.Seq.String()
		versions[j], times[j], deleted[j] = int32(c.Version), c.Time, c.Action == replicator.Delete //nolint:gosec // versions are few
	}
	return append(args, revisions, versions, times, deleted, seqs) // in the order of ours
}

// writeLog queues the statement that adds changes to the log: all that lead to a
// table, whether or not a later one has overtaken them.
func (a *application) writeLog(b *pgx.Batch, indexes []int) {
	var columns [8]pgtype.FlatArray[cell]
	for _, i := range indexes {
		if len(a.rows[i]) == 0 {
			continue
		}
		c := &a.changes[i]
		data := c.After
		if c.Action == replicator.Delete {
			data = c.Before
		}
		value := cell{String: string(data), Valid: len(data) > 0 && !hasNUL(data)}
		for i, v := range [...]cell{text(c.Seq.String()), text(c.Resource), text(c.ID), text(c.Action.String()), value, text(string(c.Revision)), text(strconv.Itoa(c.Version)), text(instant(c.Time))} {
			columns[i] = append(columns[i], v)
		}
	}
	if len(columns[0]) == 0 {
		return
	}
	args := []any{a.plan.source.Database, a.plan.source.Name}
	for _, c := range columns {
		args = append(args, c)
	}
	b.Queue(a.plan.log, args...)
}

// refusal returns why the server refuses rows for good. It reports false when an error
// says something else.
func refusal(err error) (string, bool) {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return "", false
	}
	reason := e.Message
	switch {
	case strings.HasPrefix(e.Code, "22"): // data exception; the message may quote the value
		reason = regexp.MustCompile(`:? *"[^"]*"`).ReplaceAllString(reason, "")
	case strings.HasPrefix(e.Code, "23"), // integrity constraint violation; the detail has values, the message has none
		strings.HasPrefix(e.Code, "44"), // with check option violation
		strings.HasPrefix(e.Code, "54"), // program limit exceeded
		e.Code == "P0001":               // raised by a trigger
	default:
		return "", false
	}
	return fmt.Sprintf("%s (SQLSTATE %s)", reason, e.Code), true
}
