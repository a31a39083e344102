package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// prepareLog makes the table of the log if it is missing, and returns the statement that
// writes it. A change that is sent again is in the log already.
func (t *Target) prepareLog(ctx context.Context, tx pgx.Tx, schema string) (string, error) {
	table := t.config.LogTable
	if err := createMissing(ctx, tx, schema, table, `(
	database text NOT NULL,
	target text NOT NULL,
	seq text COLLATE "C" NOT NULL,
	resource_name text NOT NULL,
	record_id text COLLATE "C" NOT NULL,
	operation text NOT NULL,
	data jsonb,
	revision text NOT NULL,
	version integer NOT NULL,
	timestamp timestamptz NOT NULL,
	source text NOT NULL DEFAULT 's3db-replicator',
	PRIMARY KEY (database, target, resource_name, record_id, seq)
)`); err != nil {
		return "", err
	}
	return "INSERT INTO " + quoted(schema, table) + ` (database, target, seq, resource_name, record_id, operation, data, revision, version, timestamp)
SELECT $1, $2, u.seq, u.resource, u.id, u.action, u.data::jsonb, u.revision, u.version::integer, u.time::timestamptz
FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])
	AS u(seq, resource, id, action, data, revision, version, time)
ON CONFLICT DO NOTHING`, nil
}
