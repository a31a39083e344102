package bqdouble

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The types of columns, by the names that the API answers with.
const (
	typeString     = "STRING"
	typeBytes      = "BYTES"
	typeInteger    = "INTEGER"
	typeFloat      = "FLOAT"
	typeBoolean    = "BOOLEAN"
	typeNumeric    = "NUMERIC"
	typeBigNumeric = "BIGNUMERIC"
	typeTimestamp  = "TIMESTAMP"
	typeDate       = "DATE"
	typeJSON       = "JSON"
)

// apiType returns the name of a type that a client may also write as in SQL.
func apiType(name string) (string, bool) {
	switch name {
	case "INT64":
		return typeInteger, true
	case "FLOAT64":
		return typeFloat, true
	case "BOOL":
		return typeBoolean, true
	case typeString, typeBytes, typeInteger, typeFloat, typeBoolean, typeNumeric, typeBigNumeric, typeTimestamp, typeDate, typeJSON:
		return name, true
	}
	return "", false
}

// Modes of columns.
const (
	modeNullable = "NULLABLE"
	modeRequired = "REQUIRED"
	modeRepeated = "REPEATED"
)

// column is a field of a table.
type column struct {
	name, typ, mode, description string
}

// Values of cells are nil, string, []byte, int64, float64, bool, *big.Rat (NUMERIC and
// BIGNUMERIC), time.Time (TIMESTAMP and DATE), json.RawMessage (JSON), and []any for
// repeated columns.

// maxDepth is how deep values of the type JSON nest.
const maxDepth = 500

// Limits of decimal types: digits before and after the point, and the largest value.
// https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#decimal_types
const (
	numericDigits, numericScale       = 29, 9
	bigNumericDigits, bigNumericScale = 39, 38
	// The largest BIGNUMERIC is 2^255-1 at 38 decimals.
	bigNumericLargest = "578960446186580977117854925043439539266.34992332820282019728792003956564819967"
)

// cell reads the value of a field of a row that is loaded or streamed.
func (c *column) cell(raw json.RawMessage) (any, error) {
	isNull := len(raw) == 0 || string(raw) == "null"
	switch {
	case c.mode == modeRepeated && isNull:
		return []any{}, nil
	case c.mode == modeRepeated:
		var items []json.RawMessage
		if json.Unmarshal(raw, &items) != nil {
			return nil, fmt.Errorf("Array specified for non-repeated field: %s", c.name) //nolint:staticcheck // the text of BigQuery
		}
		list := make([]any, 0, len(items))
		for _, item := range items {
			if string(item) == "null" {
				return nil, fmt.Errorf("Only optional fields can be set to NULL. Field: %s; Value: NULL", c.name) //nolint:staticcheck // the text of BigQuery
			}
			v, err := c.scalar(item)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case isNull && c.mode == modeRequired:
		return nil, fmt.Errorf("Missing required field: %s", c.name) //nolint:staticcheck // the text of BigQuery
	case isNull:
		return nil, nil
	}
	return c.scalar(raw)
}

func (c *column) scalar(raw json.RawMessage) (any, error) {
	v, ok := parseScalar(c.typ, raw)
	if !ok {
		return nil, fmt.Errorf("Could not convert value to %s. Field: %s", c.typ, c.name) //nolint:staticcheck // the text of BigQuery
	}
	return v, nil
}

func parseScalar(typ string, raw json.RawMessage) (any, bool) {
	if typ == typeJSON {
		return parseJSONValue(raw)
	}
	var s string
	isText := json.Unmarshal(raw, &s) == nil
	if !isText {
		s = string(raw)
	}
	switch typ {
	case typeString:
		return s, isText
	case typeBytes:
		b, err := base64.StdEncoding.DecodeString(s)
		return b, isText && err == nil
	case typeInteger:
		n, err := strconv.ParseInt(s, 10, 64)
		return n, err == nil
	case typeFloat:
		return parseFloat(s, isText)
	case typeBoolean:
		return s == "true", !isText && (s == "true" || s == "false")
	case typeNumeric:
		return parseDecimal(s, numericDigits, numericScale)
	case typeBigNumeric:
		return parseDecimal(s, bigNumericDigits, bigNumericScale)
	case typeTimestamp:
		return parseTimestamp(s, isText)
	case typeDate:
		t, err := time.Parse(time.DateOnly, s)
		return t, isText && err == nil && t.Year() >= 1
	}
	return nil, false
}

func parseFloat(s string, isText bool) (any, bool) {
	if isText && !slices.Contains([]string{"NaN", "Infinity", "-Infinity"}, s) {
		return nil, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

var decimalForm = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

func parseDecimal(s string, digits, scale int) (any, bool) {
	if !decimalForm.MatchString(s) || len(s) > 1000 {
		return nil, false
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return nil, false
	}
	power := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil))
	if !new(big.Rat).Mul(r, power).IsInt() {
		return nil, false
	}
	limit := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil))
	if scale == bigNumericScale {
		limit, _ = new(big.Rat).SetString(bigNumericLargest)
	}
	return r, new(big.Rat).Abs(r).Cmp(limit) <= 0
}

var timestampForm = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[-+]\d{2}:\d{2}| UTC)$`)

func parseTimestamp(s string, isText bool) (any, bool) {
	if !isText || !timestampForm.MatchString(s) {
		return nil, false
	}
	s = strings.Replace(strings.Replace(s, " UTC", "Z", 1), " ", "T", 1)
	t, err := time.Parse(time.RFC3339Nano, s)
	t = t.UTC()
	return t, err == nil && t.Year() >= 1 && t.Year() <= 9999
}

// parseJSONValue reads a value of the type JSON. BigQuery sorts the members and
// refuses what nests too deep.
func parseJSONValue(raw json.RawMessage) (any, bool) {
	depth, deepest, inText := 0, 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	if deepest > maxDepth {
		return nil, false
	}
	var v any
	if decodeJSON(raw, &v) != nil {
		return nil, false
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return nil, false
	}
	return json.RawMessage(bytes.TrimSpace(b.Bytes())), true
}

// compare orders two values of one type. ok is false for types without an order.
func compare(a, b any) (order int, ok bool) {
	switch x := a.(type) {
	case string:
		y, ok := b.(string)
		return cmp.Compare(x, y), ok
	case []byte:
		y, ok := b.([]byte)
		return bytes.Compare(x, y), ok
	case int64:
		y, ok := b.(int64)
		return cmp.Compare(x, y), ok
	case float64:
		y, ok := b.(float64)
		return cmp.Compare(x, y), ok
	case bool:
		y, ok := b.(bool)
		if x == y {
			return 0, ok
		} else if y {
			return -1, ok
		}
		return 1, ok
	case *big.Rat:
		y, ok := b.(*big.Rat)
		if !ok {
			return 0, false
		}
		return x.Cmp(y), true
	case time.Time:
		y, ok := b.(time.Time)
		return x.Compare(y), ok
	}
	return 0, false
}

// wire is a value as rows of replies have it. Timestamps are microseconds when the
// client asks for them, and otherwise seconds.
func (c *column) wire(v any, micros bool) any {
	list, ok := v.([]any)
	if !ok || c.mode != modeRepeated {
		return wireScalar(c.typ, v, micros)
	}
	items := make([]any, 0, len(list))
	for _, x := range list {
		items = append(items, map[string]any{"v": wireScalar(c.typ, x, micros)})
	}
	return items
}

func wireScalar(typ string, v any, micros bool) any {
	switch x := v.(type) {
	case nil:
		return nil
	case string:
		return x
	case []byte:
		return base64.StdEncoding.EncodeToString(x)
	case int64:
		return strconv.FormatInt(x, 10)
	case float64:
		switch {
		case math.IsNaN(x):
			return "NaN"
		case math.IsInf(x, 0):
			return map[bool]string{true: "Infinity", false: "-Infinity"}[x > 0]
		}
		return strconv.FormatFloat(x, 'g', -1, 64)
	case bool:
		return strconv.FormatBool(x)
	case *big.Rat:
		return decimalText(x)
	case json.RawMessage:
		return string(x)
	case time.Time:
		if typ == typeDate {
			return x.Format(time.DateOnly)
		}
		if micros {
			return strconv.FormatInt(x.UnixMicro(), 10)
		}
		return strconv.FormatFloat(float64(x.UnixMicro())/1e6, 'E', -1, 64)
	}
	return nil
}

// decimalText prints a decimal exactly, without zeros at its end.
func decimalText(r *big.Rat) string {
	s := r.FloatString(bigNumericScale)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// plain is a value as tests look at it: numbers, texts and lists; times, decimals and
// JSON as texts.
func plain(typ string, v any) any {
	switch x := v.(type) {
	case []any:
		list := make([]any, 0, len(x))
		for _, item := range x {
			list = append(list, plain(typ, item))
		}
		return list
	case *big.Rat:
		return decimalText(x)
	case json.RawMessage:
		return string(x)
	case time.Time:
		if typ == typeDate {
			return x.Format(time.DateOnly)
		}
		return x.Format("2006-01-02T15:04:05.999999Z")
	}
	return v
}
