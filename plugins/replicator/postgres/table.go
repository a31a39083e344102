package postgres

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	s3db "github.com/s3dbgen/s3dbgen/runtime"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
)

// Columns that tables have beside those of attributes.
const (
	columnID       = "id"
	columnData     = "data"      // the document, where one column holds it
	columnResource = "_resource" // its resource, there
	columnRevision = "_revision"
	columnVersion  = "_version"
	columnTime     = "_time"
	columnDeleted  = "_deleted"
	columnSeq      = "_seq"
)

// ours are the columns at the end of every table, with their types.
func ours() []column {
	return []column{
		{name: columnRevision, typ: "text"},
		{name: columnVersion, typ: "integer"},
		{name: columnTime, typ: "timestamp with time zone"},
		{name: columnDeleted, typ: "boolean", more: " NOT NULL DEFAULT false"},
		{name: columnSeq, typ: "text", more: ` COLLATE "C" NOT NULL DEFAULT ''`},
	}
}

// column is a column of a table that is written.
type column struct {
	name, typ string
	more      string // of its definition
	attribute *attribute
	names     []string // of the attribute in documents, the present one first
}

// table is a table that is ready to be written.
type table struct {
	name      string
	documents bool
	key       []column
	values    []column // what a document gives
	gone      []string // columns of attributes that documents have no more
	insert    string   // the statement
}

// found is a table as it is in the database, or is not.
type found struct {
	exists  bool
	columns map[string]foundColumn
	keys    []string // columns of each unique index, joined by commas in their order
	known   map[string]knownColumn
}

type foundColumn struct {
	typ        string // without its length or precision
	notNull    bool
	hasDefault bool
}

// knownColumn is what the target has noted of a column that it made or took over.
type knownColumn struct {
	number  int
	version int // of the schema
}

// quoted returns a name for SQL.
func quoted(parts ...string) string { return pgx.Identifier(parts).Sanitize() }

// decide returns what has to be done to a table so that it can be written, as SQL, the
// table, and what is to be noted of its columns.
func (w *wanted) decide(schema string, f *found) (ddl []string, t *table, noted map[string]knownColumn, err error) {
	t = &table{name: quoted(schema, w.name), documents: w.documents}
	noted = map[string]knownColumn{}
	if w.documents {
		t.key = []column{{name: columnResource, typ: "text", more: ` COLLATE "C" NOT NULL`}, {name: columnID, typ: "text", more: ` COLLATE "C" NOT NULL`}}
		t.values = []column{{name: columnData, typ: "jsonb"}}
	} else {
		t.key = []column{{name: columnID, typ: "text", more: ` COLLATE "C" NOT NULL`}}
		if ddl, err = w.columns(t, f, noted); err != nil {
			return nil, nil, nil, err
		}
	}
	if !f.exists {
		ddl = []string{t.create()}
	} else {
		more, err := w.complete(t, f)
		if err != nil {
			return nil, nil, nil, err
		}
		ddl = append(ddl, more...)
	}
	t.insert = t.statement()
	return ddl, t, noted, nil
}

// create returns the statement that makes the table.
func (t *table) create() string {
	var lines []string
	for _, c := range slices.Concat(t.key, t.values, ours()) {
		lines = append(lines, quoted(c.name)+" "+c.typ+c.more)
	}
	lines = append(lines, "PRIMARY KEY ("+names(t.key)+")")
	return "CREATE TABLE " + t.name + " (\n\t" + strings.Join(lines, ",\n\t") + "\n)"
}

// complete adds what a table lacks that somebody else has made, or an earlier version
// of this package, and says what stands in the way.
func (w *wanted) complete(t *table, f *found) (ddl []string, err error) {
	written := map[string]bool{}
	for _, c := range t.values {
		written[c.name] = true
	}
	for _, c := range t.key {
		if _, ok := f.columns[c.name]; !ok {
			return nil, fmt.Errorf("%w: postgres: table %q has no column %q, by which documents are found: add it with a unique key on (%s), or choose another table", s3db.ErrConfig, w.name, c.name, names(t.key))
		}
		written[c.name] = true
	}
	var key []string
	for _, c := range t.key {
		key = append(key, c.name)
	}
	if !slices.Contains(f.keys, strings.Join(key, ",")) {
		return nil, fmt.Errorf("%w: postgres: table %q has no unique key on (%s): add one, or choose another table", s3db.ErrConfig, w.name, names(t.key))
	}
	for _, c := range slices.Concat(t.values, ours()) {
		if _, ok := f.columns[c.name]; !ok && (t.documents || c.attribute == nil) {
			ddl = append(ddl, fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s%s", t.name, quoted(c.name), c.typ, c.more))
		}
		written[c.name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(f.columns)) {
		if c := f.columns[name]; c.notNull && !c.hasDefault && !written[name] {
			return nil, fmt.Errorf("%w: postgres: table %q, column %q must not be null and has no default, and no document gives it a value: give it one, or choose another table", s3db.ErrConfig, w.name, name)
		}
	}
	for _, c := range t.values {
		if f.columns[c.name].notNull && w.takes(replicator.Delete) {
			return nil, fmt.Errorf("%w: postgres: table %q, column %q must not be null, and the row of a deleted document keeps no values: drop NOT NULL, or choose another table", s3db.ErrConfig, w.name, c.name)
		}
	}
	return ddl, nil
}

// names returns the names of columns for SQL.
func names(columns []column) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = quoted(c.name)
	}
	return strings.Join(list, ", ")
}

// statement returns the statement that writes rows, of which there is one for each
// document. Its parameters are the columns' values, as arrays; those of documents are
// texts.
func (t *table) statement() string {
	all := slices.Concat(t.key, t.values, ours())
	var params, aliases, casts, sets []string
	for i, c := range all {
		param, cast := "text", castTo(c.typ)
		if i >= len(t.key)+len(t.values) {
			param, cast = c.typ, "" // of known types, see columnwise
		}
		params = append(params, fmt.Sprintf("$%d::%s[]", i+1, param))
		aliases = append(aliases, fmt.Sprintf("c%d", i+1))
		casts = append(casts, fmt.Sprintf("u.c%d%s", i+1, cast))
		if i >= len(t.key) {
			sets = append(sets, fmt.Sprintf("%[1]s = excluded.%[1]s", quoted(c.name)))
		}
	}
	for _, name := range t.gone {
		sets = append(sets, quoted(name)+" = NULL")
	}
	return "INSERT INTO " + t.name + " AS t (" + names(all) + ")\n" +
		"SELECT " + strings.Join(casts, ", ") + "\n" +
		"FROM unnest(" + strings.Join(params, ", ") + ") AS u(" + strings.Join(aliases, ", ") + ")\n" +
		"ON CONFLICT (" + names(t.key) + ") DO UPDATE SET " + strings.Join(sets, ", ") + "\n" +
		"WHERE excluded." + quoted(columnSeq) + " > t." + quoted(columnSeq)
}

// castTo casts a text to a type. Lengths and precisions are left to the assignment,
// which refuses what is too long; a cast would cut it.
func castTo(typ string) string {
	switch typ {
	case "text":
		return ""
	case "character": // is one of length 1
		return "::bpchar"
	default:
		return "::" + typ
	}
}

// takes reports whether any resource's changes of an action come to the table.
func (w *wanted) takes(a replicator.Action) bool {
	for _, actions := range w.actions {
		if slices.Contains(actions, a) {
			return true
		}
	}
	return false
}
