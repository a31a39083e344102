package s3db

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// ParseFreeForm reads the JSON of an object without declared attributes as documents
// hold it: numbers are float64, or json.Number where encoding/json would not write the
// float as the number stands. null is an error, as is all else that is no object.
func ParseFreeForm(data []byte) (map[string]any, error) {
	r := json.NewDecoder(bytes.NewReader(data))
	r.UseNumber()
	var m map[string]any
	if err := r.Decode(&m); err != nil || m == nil {
		return nil, errJSON
	}
	for k, v := range m {
		m[k] = exactNumbers(v)
	}
	return m, nil
}

// exactNumbers replaces numbers by float64 where that loses nothing.
func exactNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if f, ok := exactFloat(string(v)); ok {
			return f
		}
	case []any:
		for i := range v {
			v[i] = exactNumbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = exactNumbers(v[k])
		}
	}
	return v
}

// exactFloat reports whether encoding/json writes the float of a number as the
// number stands.
func exactFloat(s string) (float64, bool) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, false
	}
	again, err := json.Marshal(f)
	return f, err == nil && string(again) == s
}
