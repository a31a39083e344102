// Package reference writes the documentation of a schema for its users: Markdown,
// diagrams, and schemas of the JSON of its documents.
package reference

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
)

// member is one member of a JSON object that keeps its order.
type member struct {
	name  string
	value any
}

// ordered is a JSON object whose members stay in the order they were set.
type ordered []member //nolint:recvcheck // encoding/json asks values, set changes

// set adds a member.
func (o *ordered) set(name string, value any) { *o = append(*o, member{name, value}) }

// MarshalJSON writes the members in their order.
func (o ordered) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		for j, v := range []any{m.name, m.value} {
			if j > 0 {
				b.WriteByte(':')
			}
			encoder := json.NewEncoder(&b)
			encoder.SetEscapeHTML(false)
			if err := encoder.Encode(v); err != nil {
				return nil, err
			}
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func writeIndented(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

func base64Text(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
