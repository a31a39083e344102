package bigquery

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
)

// column is a field of a table, in the words of the API.
type column struct {
	Name        string `json:"name"`
	Type        string `json:"type"`
	Mode        string `json:"mode,omitempty"`
	Description string `json:"description,omitempty"`
}

const repeated = "REPEATED"

// Columns that every table of documents has beside the attributes.
const (
	columnID       = "id"
	columnResource = "_resource" // of tables with Columns JSON
	columnData     = "data"      // of tables with Columns JSON
	columnAction   = "_action"
	columnRevision = "_revision"
	columnTime     = "_time"
	columnSeq      = "_seq"
	columnCreated  = "createdAt"
	columnUpdated  = "updatedAt"
)

func systemColumns() []column {
	return []column{
		{Name: columnAction, Type: "STRING", Mode: "REQUIRED", Description: "The last change: insert, update or delete"},
		{Name: columnRevision, Type: "STRING", Description: "The revision that the change made"},
		{Name: columnTime, Type: "TIMESTAMP", Description: "When the change was written, by the writer's clock"},
		{Name: columnSeq, Type: "STRING", Mode: "REQUIRED", Description: "The position of the change; the larger one is later"},
	}
}

// columnsOf returns the columns of a table of a resource, typed.
func columnsOf(r *replicator.Resource) []column {
	list := []column{{Name: columnID, Type: "STRING", Mode: "REQUIRED"}}
	for _, a := range r.Attributes {
		list = append(list, columnOf(a.Name, &a.Type))
	}
	if r.Timestamps {
		list = append(list, column{Name: columnCreated, Type: "TIMESTAMP"}, column{Name: columnUpdated, Type: "TIMESTAMP"})
	}
	return append(list, systemColumns()...)
}

// jsonColumns returns the columns of a table that holds documents as JSON.
func jsonColumns() []column {
	return append([]column{
		{Name: columnResource, Type: "STRING", Mode: "REQUIRED"},
		{Name: columnID, Type: "STRING", Mode: "REQUIRED"},
		{Name: columnData, Type: "JSON", Description: "The document"},
	}, systemColumns()...)
}

// columnOf is the type map, which README.md shows.
func columnOf(name string, t *replicator.Type) column {
	switch t.Kind {
	case "array":
		if item := columnOf(name, t.Items); item.Type != "JSON" && item.Mode != repeated {
			item.Mode = repeated
			return item
		}
		return column{Name: name, Type: "JSON"}
	case "secret":
		return columnOf(name, t.Items)
	case "string", "text", "email", "url", "enum", "uuid", "ip", "ip4", "ip6":
		return column{Name: name, Type: "STRING"}
	case "integer":
		return column{Name: name, Type: "INTEGER"}
	case "duration":
		return column{Name: name, Type: "INTEGER", Description: "Nanoseconds"}
	case "number":
		return column{Name: name, Type: "FLOAT"}
	case "decimal":
		return column{Name: name, Type: "BIGNUMERIC"}
	case "boolean":
		return column{Name: name, Type: "BOOLEAN"}
	case "date":
		return column{Name: name, Type: "DATE"}
	case "datetime":
		return column{Name: name, Type: "TIMESTAMP"}
	case "bytes":
		return column{Name: name, Type: "BYTES"}
	}
	return column{Name: name, Type: "JSON"} // object, map, json, password
}

// append appends a value as load jobs read it. Its errors do not show the value.
func (c *column) append(b []byte, raw json.RawMessage) ([]byte, error) {
	if c.Mode != repeated || string(raw) == "null" {
		return c.appendScalar(b, raw)
	}
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return b, errors.New("is not a list")
	}
	b = append(b, '[')
	for i, item := range items {
		if i > 0 {
			b = append(b, ',')
		}
		if string(item) == "null" {
			return b, fmt.Errorf("item %d is null, which a repeated column cannot hold", i)
		}
		var err error
		if b, err = c.appendScalar(b, item); err != nil {
			return b, fmt.Errorf("item %d %w", i, err)
		}
	}
	return append(b, ']'), nil
}

func (c *column) appendScalar(b []byte, raw json.RawMessage) ([]byte, error) {
	if string(raw) == "null" || c.Type == "JSON" {
		return compact(b, raw)
	}
	switch c.Type {
	case "BOOLEAN":
		if s := string(raw); s != "true" && s != "false" {
			return b, errors.New("is not true or false")
		}
		return append(b, raw...), nil
	case "INTEGER":
		n, err := strconv.ParseInt(string(raw), 10, 64)
		if err != nil {
			return b, errors.New("is not an integer of 64 bits")
		}
		// As a text: JSON readers may round large numbers.
		return append(strconv.AppendInt(append(b, '"'), n, 10), '"'), nil
	case "FLOAT":
		f, err := strconv.ParseFloat(string(raw), 64)
		if err != nil || math.IsInf(f, 0) {
			return b, errors.New("is not a number of 64 bits")
		}
		return append(b, raw...), nil
	}
	var s string
	if json.Unmarshal(raw, &s) != nil && c.Type != "BIGNUMERIC" {
		return b, errors.New("is not a text")
	}
	switch c.Type {
	case "STRING":
		return append(b, raw...), nil
	case "BYTES":
		if _, err := base64.StdEncoding.DecodeString(s); err != nil {
			return b, errors.New("is not base64")
		}
		return append(b, raw...), nil
	case "BIGNUMERIC":
		if s == "" {
			s = string(raw)
		}
		if err := checkDecimal(s); err != nil {
			return b, err
		}
	case "DATE":
		if d, err := time.Parse(time.DateOnly, s); err != nil || d.Year() < 1 {
			return b, errors.New("is not a day from 0001-01-01 to 9999-12-31")
		}
	case "TIMESTAMP":
		at, err := time.Parse(time.RFC3339Nano, s)
		if at = at.UTC(); err != nil || at.Year() < 1 || at.Year() > 9999 {
			return b, errors.New("is not an instant of the years 1 to 9999")
		}
		s = timestamp(at)
	default:
		return b, errors.New("has a column of the type " + c.Type + ", which nothing is written to")
	}
	return append(append(append(b, '"'), s...), '"'), nil
}

// timestamp has the microseconds that a TIMESTAMP has; the rest is cut off.
func timestamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000000Z") }

// checkDecimal wants what BIGNUMERIC holds exactly: at most 38 digits on each side of
// the point (https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#decimal_types).
func checkDecimal(s string) error {
	const most = 38
	digits := strings.TrimPrefix(s, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	if whole == "" || strings.Trim(whole+fraction, "0123456789") != "" {
		return errors.New("is not a decimal")
	}
	if len(strings.TrimLeft(whole, "0")) > most || len(strings.TrimRight(fraction, "0")) > most {
		return errors.New("has more than 38 digits before or after its point, which BIGNUMERIC cannot hold")
	}
	return nil
}

// compact appends JSON on one line.
func compact(b []byte, raw json.RawMessage) ([]byte, error) {
	if bytes.IndexByte(raw, '\n') < 0 && json.Valid(raw) {
		return append(b, raw...), nil
	}
	var buf bytes.Buffer
	if json.Compact(&buf, raw) != nil {
		return b, errors.New("is not JSON")
	}
	return append(b, buf.Bytes()...), nil
}
