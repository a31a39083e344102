package postgres

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	s3db "github.com/s3dbgen/s3dbgen/runtime"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
)

// Tables in which the target keeps what it has to know.
const (
	checkpointTable = ownPrefix + "checkpoints"
	columnTable     = ownPrefix + "columns"
)

// plan is what changes are applied by.
type plan struct {
	source     replicator.Source
	schema     string
	tables     []*table
	routes     map[string][]destination // by resource
	listed     map[string]*table        // by resource, the table that has all of its documents
	checkpoint string                   // the statement that moves a checkpoint
	log        string                   // the statement that writes the log; "" without one
}

// destination is a table with the actions that lead to it.
type destination struct {
	table   int // in plan.tables
	actions []replicator.Action
}

// Prepare implements [replicator.Target]. It changes tables in one transaction, one
// process at a time, and needs the right to create tables only where one is missing.
// A change of a type that would lose values is an error and changes nothing.
func (t *Target) Prepare(ctx context.Context, source replicator.Source) error {
	wants, err := layout(&t.config, &source)
	if err != nil {
		return err
	}
	var p *plan
	err = pgx.BeginFunc(ctx, t.pool, func(tx pgx.Tx) error {
		p, err = t.prepare(ctx, tx, &source, wants)
		return err
	})
	if err != nil {
		return wrap("prepare", err)
	}
	t.plan.Store(p)
	return nil
}

func (t *Target) prepare(ctx context.Context, tx pgx.Tx, source *replicator.Source, wants []*wanted) (*plan, error) {
	schema, err := t.enter(ctx, tx)
	if err != nil {
		return nil, err
	}
	p := &plan{
		source: *source, schema: schema,
		routes: map[string][]destination{}, listed: map[string]*table{},
		checkpoint: checkpointStatement(schema),
	}
	for i, w := range wants {
		f, err := inspect(ctx, tx, schema, w.name)
		if err != nil {
			return nil, err
		}
		ddl, ready, noted, err := w.decide(schema, f)
		if err != nil {
			return nil, err
		}
		for _, statement := range ddl {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return nil, fmt.Errorf("table %q: %w", w.name, err)
			}
		}
		if err := note(ctx, tx, schema, w.name, noted); err != nil {
			return nil, err
		}
		p.tables = append(p.tables, ready)
		for resource, actions := range w.actions {
			p.routes[resource] = append(p.routes[resource], destination{i, actions})
			if len(actions) == len(replicator.Actions()) && p.listed[resource] == nil {
				p.listed[resource] = ready
			}
		}
	}
	if t.config.LogTable != "" {
		if p.log, err = t.prepareLog(ctx, tx, schema); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// enter waits for its turn, and returns the schema of the tables, which it makes
// together with the target's own tables if they are missing.
func (t *Target) enter(ctx context.Context, tx pgx.Tx) (schema string, err error) {
	h := fnv.New64a()
	_, _ = h.Write([]byte("s3dbgen replicator " + t.config.Schema))
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(h.Sum64())); err != nil { //nolint:gosec // any number will do
		return "", err
	}
	if schema, err = t.schema(ctx, tx); err != nil {
		return "", err
	}
	var missing bool
	if err := tx.QueryRow(ctx, "SELECT to_regnamespace(quote_ident($1)) IS NULL", schema).Scan(&missing); err != nil {
		return "", err
	}
	if missing {
		if _, err := tx.Exec(ctx, "CREATE SCHEMA "+quoted(schema)); err != nil {
			return "", err
		}
	}
	return schema, errors.Join(
		createMissing(ctx, tx, schema, checkpointTable, `(
	database text NOT NULL,
	target text NOT NULL,
	shard integer NOT NULL,
	seq text COLLATE "C" NOT NULL,
	PRIMARY KEY (database, target, shard)
)`),
		createMissing(ctx, tx, schema, columnTable, `(
	table_name text NOT NULL,
	column_name text NOT NULL,
	number integer NOT NULL,
	version integer NOT NULL,
	PRIMARY KEY (table_name, column_name)
)`))
}

// querier is a transaction or a pool.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// schema returns the name of the schema that holds the tables.
func (t *Target) schema(ctx context.Context, q querier) (string, error) {
	if t.config.Schema != "" {
		return t.config.Schema, nil
	}
	var schema *string
	if err := q.QueryRow(ctx, "SELECT current_schema()").Scan(&schema); err != nil {
		return "", err
	}
	if schema == nil {
		return "", fmt.Errorf("%w: postgres: no schema of the search path exists: name one as schema", s3db.ErrConfig)
	}
	return *schema, nil
}

func exists(ctx context.Context, q querier, schema, table string) (ok bool, err error) {
	err = q.QueryRow(ctx, "SELECT to_regclass(quote_ident($1) || '.' || quote_ident($2)) IS NOT NULL", schema, table).Scan(&ok)
	return ok, err
}

// createMissing makes a table if it is not there. CREATE TABLE IF NOT EXISTS would need
// the right to make it even if it is.
func createMissing(ctx context.Context, tx pgx.Tx, schema, name, definition string) error {
	if ok, err := exists(ctx, tx, schema, name); ok || err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "CREATE TABLE "+quoted(schema, name)+" "+definition)
	return err
}

// inspect finds out what a table is like.
func inspect(ctx context.Context, tx pgx.Tx, schema, name string) (*found, error) {
	f := &found{columns: map[string]foundColumn{}, known: map[string]knownColumn{}}
	var err error
	if f.exists, err = exists(ctx, tx, schema, name); err != nil || !f.exists {
		return f, err
	}
	rows, err := tx.Query(ctx, `
SELECT attname, format_type(atttypid, NULL), attnotnull, atthasdef OR attidentity <> ''
FROM pg_attribute
WHERE attrelid = to_regclass(quote_ident($1) || '.' || quote_ident($2)) AND attnum > 0 AND NOT attisdropped`, schema, name)
	if err != nil {
		return nil, err
	}
	var column string
	var c foundColumn
	if _, err := pgx.ForEachRow(rows, []any{&column, &c.typ, &c.notNull, &c.hasDefault}, func() error {
		f.columns[column] = c
		return nil
	}); err != nil {
		return nil, err
	}
	rows, err = tx.Query(ctx, `
SELECT array_to_string(ARRAY(
	SELECT a.attname FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS k(num, place)
	JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num ORDER BY k.place), ',')
FROM pg_index i
WHERE i.indrelid = to_regclass(quote_ident($1) || '.' || quote_ident($2))
	AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL`, schema, name)
	if err != nil {
		return nil, err
	}
	if f.keys, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		return nil, err
	}
	rows, err = tx.Query(ctx, "SELECT column_name, number, version FROM "+quoted(schema, columnTable)+" WHERE table_name = $1", name)
	if err != nil {
		return nil, err
	}
	var k knownColumn
	_, err = pgx.ForEachRow(rows, []any{&column, &k.number, &k.version}, func() error {
		f.known[column] = k
		return nil
	})
	return f, err
}

// note writes down whose columns are.
func note(ctx context.Context, tx pgx.Tx, schema, name string, noted map[string]knownColumn) error {
	var b pgx.Batch
	for _, column := range slices.Sorted(maps.Keys(noted)) {
		b.Queue("INSERT INTO "+quoted(schema, columnTable)+` VALUES ($1, $2, $3, $4)
ON CONFLICT (table_name, column_name) DO UPDATE SET number = excluded.number, version = excluded.version`,
			name, column, noted[column].number, noted[column].version)
	}
	return tx.SendBatch(ctx, &b).Close()
}

// checkpointStatement moves a checkpoint, never back. As the first statement of a
// transaction it lets only one process at a time apply changes of a shard.
func checkpointStatement(schema string) string {
	table := quoted(schema, checkpointTable)
	return "INSERT INTO " + table + ` AS t (database, target, shard, seq) VALUES ($1, $2, $3, $4)
ON CONFLICT (database, target, shard) DO UPDATE SET seq = greatest(t.seq, excluded.seq)`
}
