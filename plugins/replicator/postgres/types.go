package postgres

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
)

// columnType returns the type of the column that is made for an attribute.
func columnType(t *replicator.Type) string {
	switch t.Kind {
	case "integer", "duration":
		return "bigint"
	case "number":
		return "double precision"
	case "decimal":
		return "numeric"
	case "boolean":
		return "boolean"
	case "date":
		return "date"
	case "datetime":
		return "timestamp with time zone"
	case "uuid":
		return "uuid"
	case "ip", "ip4", "ip6":
		return "inet"
	case "bytes":
		return "bytea"
	case "secret":
		if t.Items != nil {
			return columnType(t.Items)
		}
		return "text"
	case "json", "object", "array", "map", "password":
		return "jsonb"
	default: // string, text, email, url, enum, and what later versions bring
		return "text"
	}
}

// cell is the text form of a value of a column; one that is not valid is NULL.
type cell = pgtype.Text

func text(s string) cell { return cell{String: s, Valid: true} }

// cellOf returns the form of a value of an attribute for a column of a type, which
// may be wider than the one of the attribute. It returns why PostgreSQL cannot hold the
// value, "" when it can as far as can be told here.
func cellOf(t *replicator.Type, column string, value json.RawMessage) (cell, string) {
	for t.Kind == "secret" && t.Items != nil {
		t = t.Items
	}
	if len(value) == 0 || t.Kind != "json" && isNull(value) {
		return cell{}, ""
	}
	if !utf8.Valid(value) {
		return cell{}, "has bytes that are no UTF-8"
	}
	if column == "jsonb" || column == "json" {
		if hasNUL(value) {
			return cell{}, "has a NUL character, which PostgreSQL's texts cannot hold"
		}
		return text(string(value)), ""
	}
	s, ok := unquoted(value)
	if !ok {
		return cell{}, "is no JSON value"
	}
	if strings.IndexByte(s, 0) >= 0 {
		return cell{}, "has a NUL character, which PostgreSQL's texts cannot hold"
	}
	return plainCell(t.Kind, column, s)
}

// plainCell is cellOf for the text of a value that is no JSON to the column.
func plainCell(kind, column, s string) (cell, string) {
	switch {
	case kind == "bytes" && column == "bytea":
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return cell{}, "is no base64"
		}
		return text(`\x` + hex.EncodeToString(b)), ""
	case kind == "datetime":
		at, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return cell{}, "is no instant of RFC 3339"
		}
		if column == "text" || column == "character varying" {
			return text(at.UTC().Format(time.RFC3339Nano)), ""
		}
		// PostgreSQL would round, and 23:59:59.9999999 would become the next day.
		return text(instant(at)), ""
	case kind == "number":
		// Beyond the range there is infinity, which is another value.
		if _, err := strconv.ParseFloat(s, 64); err != nil {
			return cell{}, "is beyond the range of double precision"
		}
	case kind == "integer" || kind == "duration":
		if _, err := strconv.ParseInt(s, 10, 64); err != nil {
			return cell{}, "is no integer of 64 bits"
		}
	case (kind == "ip" || kind == "ip6") && column == "inet" && strings.Contains(s, "%"):
		return cell{}, "is an address with a zone, which inet cannot hold"
	}
	return text(s), ""
}

// instant is the text of an instant, to the microsecond.
func instant(at time.Time) string {
	return at.UTC().Truncate(time.Microsecond).Format("2006-01-02T15:04:05.999999Z07:00")
}

// isNull reports whether a value is JSON's null.
func isNull(value []byte) bool { return string(bytes.TrimSpace(value)) == "null" }

// unquoted returns what a JSON string holds, and any other value as it stands.
func unquoted(value []byte) (string, bool) {
	if value[0] != '"' {
		return string(value), true
	}
	if len(value) > 1 && bytes.IndexByte(value, '\\') < 0 {
		return string(value[1 : len(value)-1]), true
	}
	var s string
	err := json.Unmarshal(value, &s)
	return s, err == nil
}

// hasNUL reports whether a text in JSON has the escape of a NUL character.
func hasNUL(value []byte) bool {
	for {
		i := bytes.IndexByte(value, '\\')
		if i < 0 || i+1 >= len(value) {
			return false
		}
		if bytes.HasPrefix(value[i:], []byte(`\u0000`)) {
			return true
		}
		value = value[i+2:]
	}
}
