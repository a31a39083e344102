package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

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
	a := &application{target: t, plan: p, changes: changes, refused: map[document]bool{}, barrier: len(changes)}
	items := a.items()
	if err := a.write(ctx, items); err != nil {
		return nil, wrap("apply", err)
	}
	slices.SortFunc(a.rejected, func(x, y replicator.Rejection) int { return x.Index - y.Index })
	return a.rejected, nil
}

// document names a document.
type document struct{ resource, id string }

// item is a change as the rows that it writes.
type item struct {
	index int // of the change
	rows  []row
}

// row is the row of a document in a table.
type row struct {
	table int // in the plan
	cells []cell
}

// application is one call of Apply.
type application struct {
	target   *Target
	plan     *plan
	changes  []replicator.Change
	rejected []replicator.Rejection
	refused  map[document]bool
	// barrier is the index of the first change that was rejected. The checkpoint stays
	// before it: until the caller has written down what was rejected, it must be sent
	// again after a crash.
	barrier int
}

// reject notes what became of a change, and holds back those of its document after it.
func (a *application) reject(index int, reason string) {
	a.rejected = append(a.rejected, replicator.Rejection{Index: index, Reason: reason})
	a.refused[a.document(index)] = true
	a.barrier = min(a.barrier, index)
}

// held reports whether a change follows a rejected one of its document, and notes it.
func (a *application) held(index int) bool {
	if !a.refused[a.document(index)] {
		return false
	}
	a.rejected = append(a.rejected, replicator.Rejection{Index: index, Reason: "follows a rejected change of the document", Held: true})
	return true
}

func (a *application) document(index int) document {
	return document{a.changes[index].Resource, a.changes[index].ID}
}

// items turns changes into rows; those that no column can hold are rejected.
func (a *application) items() []item {
	items := make([]item, 0, len(a.changes))
	for i := range a.changes {
		if a.held(i) {
			continue
		}
		x := item{index: i}
		reason := a.plan.rows(&x, &a.changes[i])
		if reason != "" {
			a.reject(i, reason)
			continue
		}
		items = append(items, x)
	}
	return items
}

// rows adds the rows of a change. It returns why PostgreSQL cannot hold it.
func (p *plan) rows(x *item, c *replicator.Change) (reason string) {
	if strings.IndexByte(c.ID, 0) >= 0 {
		return "the id has a NUL character, which PostgreSQL's texts cannot hold"
	}
	var members map[string]json.RawMessage
	for _, d := range p.routes[c.Resource] {
		if !slices.Contains(d.actions, c.Action) {
			continue
		}
		t := p.tables[d.table]
		if members == nil && c.Action != replicator.Delete && !t.documents {
			if err := json.Unmarshal(c.After, &members); err != nil || members == nil {
				return "the document is no JSON object"
			}
		}
		cells, reason := t.cells(c, members)
		if reason != "" {
			return reason
		}
		x.rows = append(x.rows, row{d.table, cells})
	}
	return ""
}

// cells returns the values of the columns in the order of the statement's.
func (t *table) cells(c *replicator.Change, members map[string]json.RawMessage) ([]cell, string) {
	cells := make([]cell, 0, len(t.key)+len(t.values)+5)
	if t.documents {
		cells = append(cells, text(c.Resource))
	}
	cells = append(cells, text(c.ID))
	deleted := c.Action == replicator.Delete
	switch {
	case deleted:
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
	return append(cells, text(string(c.Revision)), text(strconv.Itoa(c.Version)), text(instant(c.Time)), text(strconv.FormatBool(deleted)), text(c.Seq.String())), ""
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

// write writes changes, each half by itself when the server refuses them together.
func (a *application) write(ctx context.Context, items []item) error {
	items = slices.DeleteFunc(items, func(x item) bool { return a.held(x.index) })
	if len(items) == 0 {
		return nil
	}
	err := a.send(ctx, items)
	reason := refusal(err)
	if reason == "" {
		return err
	}
	if len(items) < 2 {
		a.reject(items[0].index, reason)
		return nil
	}
	half := len(items) / 2
	if err := a.write(ctx, slices.Clone(items[:half])); err != nil {
		return err
	}
	return a.write(ctx, slices.Clone(items[half:]))
}

// send writes changes in one transaction, of each document and table the last row. The
// statements go in one pipeline, which is a transaction of its own.
func (a *application) send(ctx context.Context, items []item) error {
	var b pgx.Batch
	a.moveCheckpoint(&b, items)
	if a.plan.log != "" {
		a.writeLog(&b, items)
	}
	byTable := make([]map[document]*row, len(a.plan.tables))
	for i := range items {
		for j := range items[i].rows {
			r := &items[i].rows[j]
			if byTable[r.table] == nil {
				byTable[r.table] = make(map[document]*row, len(items))
			}
			byTable[r.table][a.document(items[i].index)] = r
		}
	}
	for n, rows := range byTable {
		if len(rows) > 0 {
			t := a.plan.tables[n]
			b.Queue(t.insert, t.columnwise(rows)...)
		}
	}
	return a.target.pool.SendBatch(ctx, &b).Close()
}

// moveCheckpoint queues the statement that moves the checkpoint to the last change
// before the barrier. A change of a snapshot, or one that is applied again, says nothing
// of those before it.
func (a *application) moveCheckpoint(b *pgx.Batch, items []item) {
	end := items[len(items)-1].index + 1 // what follows is no item, and was rejected, or is not sent yet
	var seq replicator.Seq
	for _, c := range a.changes[:min(end, a.barrier)] {
		if !c.Snapshot && !c.Again && seq.Compare(c.Seq) < 0 {
			seq = c.Seq
		}
	}
	b.Queue(a.plan.checkpoint, a.plan.source.Database, a.plan.source.Name, a.changes[0].Shard, seq.String())
}

// columnwise returns rows as arrays, one for each column, in the order of their keys,
// so that processes that write the same rows wait for each other and do not deadlock.
func (t *table) columnwise(rows map[document]*row) []any {
	list := make([]*row, 0, len(rows))
	for _, r := range rows {
		list = append(list, r)
	}
	slices.SortFunc(list, func(x, y *row) int {
		for i := range t.key {
			if c := strings.Compare(x.cells[i].String, y.cells[i].String); c != 0 {
				return c
			}
		}
		return 0
	})
	args := make([]any, len(list[0].cells))
	for i := range args {
		values := make(pgtype.FlatArray[cell], len(list))
		for j, r := range list {
			values[j] = r.cells[i]
		}
		args[i] = values
	}
	return args
}

// writeLog queues the statement that adds changes to the log: all that lead to a
// table, whether or not a later one has overtaken them.
func (a *application) writeLog(b *pgx.Batch, items []item) {
	var columns [8]pgtype.FlatArray[cell]
	for _, x := range items {
		if len(x.rows) == 0 {
			continue
		}
		c := &a.changes[x.index]
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

// refusal returns why the server refuses rows for good; "" when err is nil or says
// something else.
func refusal(err error) string {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return ""
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
		return ""
	}
	return fmt.Sprintf("%s (SQLSTATE %s)", reason, e.Code)
}
