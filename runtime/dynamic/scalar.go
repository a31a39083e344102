package dynamic

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// scalar is what the package does with the values of one type.
type scalar struct {
	want   string // what a value must be, for messages
	goType string // what it must be in Go
	holds  func(any) bool
	encode func(*s3db.Encoder, int, any)
	decode func(*s3db.Decoder, int) any
	key    func(*s3db.KeyBuilder, any) // nil when it cannot be part of a key
	parse  func([]byte) (any, bool)    // from JSON
	form   func(any) any               // what encoding/json writes in its place; nil for the value itself
}

// scalarOf returns the scalar of a type of the schema language; nil when there is
// none.
func scalarOf(kind string) *scalar {
	switch kind {
	case "string", "text", "email", "url":
		return plain("a text", (*s3db.Encoder).String, (*s3db.Decoder).String, (*s3db.KeyBuilder).String)
	case "integer":
		return plain("an integer of 64 bits", (*s3db.Encoder).Int, (*s3db.Decoder).Int, (*s3db.KeyBuilder).Int)
	case "number":
		return plain("a number", (*s3db.Encoder).Float, (*s3db.Decoder).Float, (*s3db.KeyBuilder).Float)
	case "decimal":
		s := plain("a decimal", (*s3db.Encoder).Decimal, (*s3db.Decoder).Decimal, (*s3db.KeyBuilder).Decimal)
		s.form = func(v any) any { d, _ := v.(decimal.Decimal); return decimalText(d) }
		return s
	case "boolean":
		return plain("true or false", (*s3db.Encoder).Bool, (*s3db.Decoder).Bool, (*s3db.KeyBuilder).Bool)
	case "datetime":
		return plain("an instant such as 2024-01-15T10:20:30Z", (*s3db.Encoder).Time, (*s3db.Decoder).Time, (*s3db.KeyBuilder).Time)
	case "date":
		return plain("a day such as 2024-01-15", (*s3db.Encoder).Date, (*s3db.Decoder).Date, (*s3db.KeyBuilder).Date)
	case "duration":
		return plain("a number of nanoseconds", (*s3db.Encoder).Duration, (*s3db.Decoder).Duration, (*s3db.KeyBuilder).Duration)
	case "uuid":
		return plain("a UUID", (*s3db.Encoder).UUID, (*s3db.Decoder).UUID, (*s3db.KeyBuilder).UUID)
	case "ip", "ip4", "ip6":
		return plain("an IP address", (*s3db.Encoder).IP, (*s3db.Decoder).IP, (*s3db.KeyBuilder).IP)
	case "bytes":
		return plain("bytes in base64", (*s3db.Encoder).Bytes, (*s3db.Decoder).Bytes, nil)
	case "json":
		s := plain("any JSON", (*s3db.Encoder).JSON, (*s3db.Decoder).JSON, nil)
		s.parse = func(data []byte) (any, bool) { return json.RawMessage(bytes.Clone(data)), true }
		return s
	case kindObject: // without attributes
		s := plain("an object", (*s3db.Encoder).Object, (*s3db.Decoder).Object, nil)
		s.parse = func(data []byte) (any, bool) {
			m, err := s3db.ParseFreeForm(data)
			return m, err == nil
		}
		return s
	}
	return nil
}

// plain is the scalar whose values are of type T, with the JSON that encoding/json
// gives a T.
func plain[T any](want string, encode func(*s3db.Encoder, int, T), decode func(*s3db.Decoder, int) T, key func(*s3db.KeyBuilder, T)) *scalar {
	s := &scalar{
		want:   want,
		goType: typeName[T](),
		holds:  func(v any) bool { _, ok := v.(T); return ok },
		encode: func(e *s3db.Encoder, n int, v any) {
			t, _ := v.(T) // checked before; nil stands for an absent item
			encode(e, n, t)
		},
		decode: func(d *s3db.Decoder, n int) any { return decode(d, n) },
		parse: func(data []byte) (any, bool) {
			var v T
			err := json.Unmarshal(data, &v)
			return v, err == nil
		},
	}
	if key != nil {
		s.key = func(k *s3db.KeyBuilder, v any) {
			t, _ := v.(T)
			key(k, t)
		}
	}
	return s
}

// typeName names a Go type for messages.
func typeName[T any]() string {
	var v T
	switch any(v).(type) {
	case string:
		return "string"
	case int64:
		return "int64"
	case float64:
		return "float64"
	case bool:
		return "bool"
	case decimal.Decimal:
		return "decimal.Decimal"
	case time.Time:
		return "time.Time"
	case s3db.Date:
		return "s3db.Date"
	case time.Duration:
		return "time.Duration"
	case uuid.UUID:
		return "uuid.UUID"
	case netip.Addr:
		return "netip.Addr"
	case []byte:
		return "[]byte"
	case json.RawMessage:
		return "json.RawMessage"
	default:
		return "map[string]any"
	}
}

// enumScalar is the scalar of an enum: its values are their names.
func enumScalar(values s3db.Enum[string]) *scalar {
	s := plain("", values.Encode, values.Decode, func(k *s3db.KeyBuilder, v string) { values.Key(k, v) })
	names := slices.DeleteFunc(slices.Clone(values), func(name string) bool { return name == "" })
	s.want = "one of " + listed(names)
	s.holds = func(v any) bool { name, ok := v.(string); return ok && values.Number(name) > 0 }
	s.parse = func(data []byte) (any, bool) {
		var name string
		err := json.Unmarshal(data, &name)
		return name, err == nil && values.Number(name) > 0
	}
	return s
}

// decimalText writes a decimal so that reading it gives the same coefficient and
// exponent again: shopspring's own text loses zeros at the end, which the format
// keeps.
func decimalText(v decimal.Decimal) string {
	const longest = 64 // digits after the point before an exponent is shorter
	switch exp := v.Exponent(); {
	case exp == 0:
		return v.Coefficient().String()
	case exp < 0 && exp >= -longest:
		return v.StringFixed(-exp)
	default:
		return v.Coefficient().String() + "e" + strconv.Itoa(int(exp))
	}
}
