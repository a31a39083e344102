package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	s3db "github.com/s3dbgen/s3dbgen/runtime"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
)

// Target is a database of PostgreSQL, a [replicator.Checkpointer] and a
// [replicator.Lister]. Make it by New.
type Target struct {
	config Config
	pool   *pgxpool.Pool
	plan   atomic.Pointer[plan] // nil before Prepare
}

// New returns the target of a configuration. It does not connect; Test does. Errors
// match s3db.ErrConfig.
func New(config Config) (*Target, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	pool, err := config.pool()
	if err != nil {
		return nil, err
	}
	t := &Target{config: config}
	if t.pool, err = pgxpool.NewWithConfig(context.Background(), pool); err != nil {
		return nil, wrap("open", err)
	}
	return t, nil
}

// Close implements [replicator.Target]. It waits until all connections are free.
func (t *Target) Close() error {
	t.pool.Close()
	return nil
}

// oldest is the first version of PostgreSQL that is supported, as server_version_num.
const oldest = 130000

// Test implements [replicator.Target]: it asks whether the server can be written to and
// whether the user may use the schema and create tables in it, or has those that the
// target needs.
func (t *Target) Test(ctx context.Context) error {
	var version int
	var readOnly bool
	err := t.pool.QueryRow(ctx, "SELECT current_setting('server_version_num')::integer, current_setting('transaction_read_only')::boolean").Scan(&version, &readOnly)
	switch {
	case err != nil:
		return wrap("test", err)
	case version < oldest:
		return fmt.Errorf("%w: postgres: the server is version %d, which is older than %d", s3db.ErrConfig, version/10000, oldest/10000)
	case readOnly:
		return fmt.Errorf("%w: postgres: the server takes no writes: it is a standby, or default_transaction_read_only is set", s3db.ErrConfig)
	}
	schema, err := t.schema(ctx, t.pool)
	if err != nil {
		return wrap("test", err)
	}
	var found, usage, create, inDatabase bool
	err = t.pool.QueryRow(ctx, `
SELECT n.oid IS NOT NULL, coalesce(has_schema_privilege(n.oid, 'USAGE'), false), coalesce(has_schema_privilege(n.oid, 'CREATE'), false),
	has_database_privilege(current_database(), 'CREATE')
FROM (SELECT to_regnamespace(quote_ident($1))::oid) AS n(oid)`, schema).Scan(&found, &usage, &create, &inDatabase)
	switch {
	case err != nil:
		return wrap("test", err)
	case !found && !inDatabase:
		return fmt.Errorf("%w: postgres: schema %q does not exist, and the user may not create it", s3db.ErrConfig, schema)
	case found && !usage:
		return fmt.Errorf("%w: postgres: the user may not use schema %q: GRANT USAGE ON SCHEMA", s3db.ErrConfig, schema)
	case found && !create:
		return t.testTables(ctx, schema)
	}
	return nil
}

// testTables is the part of Test for a user who may create no tables: those of the
// target are there, and may be written.
func (t *Target) testTables(ctx context.Context, schema string) error {
	for _, name := range []string{checkpointTable, columnTable, t.config.Table, t.config.LogTable} {
		if name == "" {
			continue
		}
		var may *bool
		err := t.pool.QueryRow(ctx, `
SELECT bool_and(has_table_privilege(c.oid, p)) FROM (SELECT to_regclass(quote_ident($1) || '.' || quote_ident($2))::oid) AS c(oid),
	unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) AS p`, schema, name).Scan(&may)
		if err != nil {
			return wrap("test", err)
		}
		if may == nil || !*may {
			return fmt.Errorf("%w: postgres: the user may neither create tables in schema %q nor write table %q: GRANT CREATE ON SCHEMA, or SELECT, INSERT, UPDATE ON the table", s3db.ErrConfig, schema, name)
		}
	}
	return nil
}

// Checkpoint implements [replicator.Checkpointer].
func (t *Target) Checkpoint(ctx context.Context, shard int) (replicator.Seq, error) {
	p, err := t.prepared()
	if err != nil {
		return replicator.Seq{}, err
	}
	var text string
	err = t.pool.QueryRow(ctx, "SELECT seq FROM "+quoted(p.schema, checkpointTable)+" WHERE database = $1 AND target = $2 AND shard = $3",
		p.source.Database, p.source.Name, shard).Scan(&text)
	if errors.Is(err, pgx.ErrNoRows) {
		return replicator.Seq{}, nil
	}
	if err != nil {
		return replicator.Seq{}, wrap("checkpoint", err)
	}
	return replicator.ParseSeq(text)
}

// pageSize is the number of rows that List reads at once.
const pageSize = 1000

// List implements [replicator.Lister]. A resource can be listed when one of its tables
// takes all actions.
func (t *Target) List(ctx context.Context, resource, after string) iter.Seq2[replicator.Listed, error] {
	return func(yield func(replicator.Listed, error) bool) {
		p, err := t.prepared()
		if err != nil {
			yield(replicator.Listed{}, err)
			return
		}
		table := p.listed[resource]
		if table == nil {
			yield(replicator.Listed{}, fmt.Errorf("%w: postgres: no table of resource %q takes all of insert, update and delete, so that none has to agree with it", s3db.ErrConfig, resource))
			return
		}
		for {
			page, err := t.page(ctx, table, resource, after)
			if err != nil {
				yield(replicator.Listed{}, wrap("list", err))
				return
			}
			for _, x := range page {
				if !yield(x, nil) {
					return
				}
				after = x.ID
			}
			if len(page) < pageSize {
				return
			}
		}
	}
}

func (t *Target) page(ctx context.Context, table *table, resource, after string) ([]replicator.Listed, error) {
	query := fmt.Sprintf(`SELECT id, coalesce(_revision, ''), _seq FROM %s WHERE NOT _deleted AND id COLLATE "C" > $1`, table.name)
	args := []any{after}
	if table.documents {
		query += " AND _resource = $2"
		args = append(args, resource)
	}
	query += fmt.Sprintf(` ORDER BY id COLLATE "C" LIMIT %d`, pageSize)
	rows, err := t.pool.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (x replicator.Listed, err error) {
		var seq string
		if err := row.Scan(&x.ID, &x.Revision, &seq); err != nil {
			return x, err
		}
		if seq != "" { // of a row that somebody else made
			x.Seq, err = replicator.ParseSeq(seq)
		}
		return x, err
	})
}

func (t *Target) prepared() (*plan, error) {
	if p := t.plan.Load(); p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("%w: postgres: the target has not been prepared", s3db.ErrConfig)
}

// wrap says what failed, and how to mend what a person can.
func wrap(op string, err error) error {
	if errors.Is(err, s3db.ErrConfig) {
		return err
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		hint := ""
		switch {
		case strings.HasPrefix(e.Code, "28"):
			hint = " (check user and password)"
		case e.Code == "3D000":
			hint = " (create the database)"
		case e.Code == "42501":
			hint = " (grant the user the rights that README.md lists)"
		}
		return fmt.Errorf("postgres: %s: %w%s", op, err, hint)
	}
	return fmt.Errorf("postgres: %s: %w", op, err)
}
