package s3dbjs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxDepth bounds the nesting of JSON that others wrote.
const maxDepth = 200

// node is a JSON value with the members of objects in their order, which decides
// the numbers of headers.
type node struct {
	raw     json.RawMessage // the text of the value
	kind    nodeKind
	text    string   // of a string
	members []member // of an object
}

type nodeKind int

const (
	nullNode nodeKind = iota
	boolNode
	numberNode
	stringNode
	arrayNode
	objectNode
)

type member struct {
	name  string
	value *node
}

// parseJSON reads one JSON value. Errors name the place, never the text.
func parseJSON(text []byte) (*node, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	n, err := parseNode(dec, text, 0)
	if err != nil {
		return nil, fmt.Errorf("not JSON at byte %d", dec.InputOffset())
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("text after the JSON value at byte %d", dec.InputOffset())
	}
	return n, nil
}

var errTooDeep = errors.New("nested too deep")

func parseNode(dec *json.Decoder, text []byte, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, errTooDeep
	}
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	n := &node{}
	end := dec.InputOffset()
	start := end - 1 // of an object or array
	switch t := token.(type) {
	case nil:
		n.raw = json.RawMessage("null")
		return n, nil
	case bool:
		n.kind, n.raw = boolNode, json.RawMessage(fmt.Sprint(t))
		return n, nil
	case json.Number:
		n.kind, n.raw = numberNode, json.RawMessage(t)
		return n, nil
	case string:
		n.kind, n.text = stringNode, t
		n.raw = quoteJSON(t)
		return n, nil
	case json.Delim:
		if t == '[' {
			n.kind = arrayNode
		} else {
			n.kind = objectNode
		}
	}
	for dec.More() {
		name := ""
		if n.kind == objectNode {
			token, err := dec.Token()
			if err != nil {
				return nil, err
			}
			name, _ = token.(string)
		}
		value, err := parseNode(dec, text, depth+1)
		if err != nil {
			return nil, err
		}
		n.add(name, value)
	}
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	n.raw = json.RawMessage(text[start:dec.InputOffset()])
	return n, nil
}

// add appends a member. As in JavaScript, the last of one name counts, at the
// place of the first.
func (n *node) add(name string, value *node) {
	if n.kind == objectNode {
		if old := n.get(name); old != nil {
			*old = *value
			return
		}
	}
	n.members = append(n.members, member{name, value})
}

// get returns a member of an object, nil when there is none.
func (n *node) get(name string) *node {
	if n == nil || n.kind != objectNode {
		return nil
	}
	for _, m := range n.members {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// object reports whether n is an object.
func (n *node) object() bool { return n != nil && n.kind == objectNode }

// string returns the text of a string, "" of anything else.
func (n *node) string() string {
	if n == nil || n.kind != stringNode {
		return ""
	}
	return n.text
}

// true reports whether n is the value true.
func (n *node) true() bool { return n != nil && n.kind == boolNode && string(n.raw) == "true" }

// int returns a whole number from 0 on.
func (n *node) int() (int, bool) {
	if n == nil || n.kind != numberNode {
		return 0, false
	}
	i, err := json.Number(n.raw).Int64()
	return int(i), err == nil && i >= 0 && i <= 1<<31
}

// quoteJSON writes a text as JSON, without the escapes that only HTML needs.
func quoteJSON(s string) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return json.RawMessage(`""`) // a string always encodes
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
