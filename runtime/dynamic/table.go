package dynamic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Columns returns the columns of a table of the resource's documents: the id, the
// attributes in the order of their numbers, those of nested objects by dotted
// path, and the timestamps.
func (r *Resource) Columns() []string {
	all := []string{fieldID}
	for _, c := range r.shape.object.columns("", nil) {
		all = append(all, c.path)
	}
	if r.shape.timestamps() {
		all = append(all, fieldCreated, fieldUpdated)
	}
	return all
}

// column is a column of a table.
type column struct {
	path    string
	through []*field // objects on the way, and the attribute
	whole   bool     // the object itself, which stands there only when it is empty
}

func (c *column) typ() *valueType { return c.through[len(c.through)-1].typ }

func (o *object) columns(path string, through []*field) []column {
	var all []column
	for _, f := range o.fields {
		here := column{path: join(path, f.name), through: append(slices.Clone(through), f)}
		if f.typ.object == nil {
			all = append(all, here)
			continue
		}
		if f.typ.object.mayBeEmpty() {
			here.whole = true
			all = append(all, here)
		}
		all = append(all, f.typ.object.columns(here.path, here.through)...)
	}
	return all
}

// mayBeEmpty reports whether an object may have no attribute at all, so that its
// columns do not tell whether it is there.
func (o *object) mayBeEmpty() bool {
	return !slices.ContainsFunc(o.fields, func(f *field) bool { return !f.optional })
}

// Row returns the cells of a document, in the order of Columns. An absent value is
// an empty cell. A text is itself, but the JSON of it when it is empty, begins with
// a quotation mark or holds a carriage return, which CSV does not keep. Arrays,
// maps and free-form values are JSON. Secrets are shown as RevealedJSON shows them
// when reveal is true, else as "[redacted]".
func (r *Resource) Row(d *Document, reveal bool) ([]string, error) {
	row := []string{textCell(d.ID)}
	w := &jsonWriter{reveal: reveal}
	for _, c := range r.shape.object.columns("", nil) {
		row = append(row, w.cell(&c, d.Values))
	}
	if r.shape.timestamps() {
		for _, t := range []any{d.CreatedAt, d.UpdatedAt} {
			w.b = w.b[:0]
			w.any(t)
			row = append(row, strings.Trim(string(w.b), `"`))
		}
	}
	return row, w.err
}

func (w *jsonWriter) cell(c *column, values Values) string {
	for i, f := range c.through {
		v, ok := values[f.name]
		if !ok {
			return ""
		}
		inner, isObject := v.(Values)
		switch {
		case i < len(c.through)-1:
			values = inner
		case c.whole && isObject && len(inner) == 0:
			return "{}"
		case c.whole:
			return ""
		default:
			w.b = w.b[:0]
			w.value(f.typ, v)
			var text string
			if f.typ.isText() && json.Unmarshal(w.b, &text) == nil {
				return textCell(text)
			}
			return string(w.b)
		}
	}
	return ""
}

func textCell(text string) string {
	if text != "" && text[0] != '"' && !strings.Contains(text, "\r") {
		return text
	}
	w := &jsonWriter{}
	w.any(text)
	return string(w.b)
}

// isText reports whether the JSON of values is a string.
func (t *valueType) isText() bool {
	switch t.kind {
	case "integer", "number", "boolean", "duration", "json", kindObject, kindArray, kindMap:
		return false
	case kindSecret:
		return t.elem.isText()
	}
	return true
}

// Table reads the rows of a table as inputs.
type Table struct {
	resource *Resource
	columns  []column // with the path alone for the id and the timestamps
}

// Table returns the reader of a table with these columns, in any order. A column
// that the resource does not have is an error that names its place.
func (r *Resource) Table(names []string) (*Table, error) {
	known := r.shape.object.columns("", nil)
	t := &Table{resource: r}
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return nil, fmt.Errorf("column %d: %q stands twice", i+1, shortened(name))
		}
		at := slices.IndexFunc(known, func(c column) bool { return c.path == name })
		switch {
		case at >= 0:
			t.columns = append(t.columns, known[at])
		case slices.Contains(r.Columns(), name):
			t.columns = append(t.columns, column{path: name})
		default:
			return nil, fmt.Errorf("column %d: there is no attribute %q; there are %s", i+1, shortened(name), listed(r.Columns()))
		}
	}
	return t, nil
}

// Input returns the input that a row says. Errors are those of ParseInput.
func (t *Table) Input(row []string) (Input, error) {
	if len(row) != len(t.columns) {
		return Input{}, &s3db.ValidationError{Violations: []s3db.Violation{{
			Rule: "csv", Message: fmt.Sprintf("has %d cells, the header has %d", len(row), len(t.columns)),
		}}}
	}
	root := map[string]any{}
	v := &s3db.Validator{}
	for i := range t.columns {
		c := &t.columns[i]
		if row[i] == "" {
			continue
		}
		raw := c.json(row[i])
		if !json.Valid(raw) {
			if t := c.typ(); t.scalar != nil {
				v.Add(c.path, "type", "must be "+t.scalar.want)
			} else {
				v.Add(c.path, "type", "is not valid JSON")
			}
			continue
		}
		c.put(root, raw)
	}
	if err := v.Err(); err != nil {
		return Input{}, err
	}
	text, err := json.Marshal(root)
	if err != nil {
		return Input{}, err
	}
	return t.resource.ParseInput(text)
}

// json returns the JSON of a cell.
func (c *column) json(cell string) json.RawMessage {
	hidden := len(c.through) > 0 && c.typ().hidden()
	text := len(c.through) == 0 || c.typ().isText() || hidden && cell == redacted
	if hidden && c.typ().kind == kindPassword && cell[0] == '{' {
		text = false
	}
	if !text || cell[0] == '"' {
		return json.RawMessage(cell)
	}
	w := &jsonWriter{}
	w.any(cell)
	return bytes.Clone(w.b)
}

// put adds the value of a cell to an object.
func (c *column) put(root map[string]any, raw json.RawMessage) {
	for i, f := range c.through {
		if i == len(c.through)-1 {
			if _, there := root[f.name]; !there || !c.whole {
				root[f.name] = raw
			}
			return
		}
		inner, ok := root[f.name].(map[string]any)
		if !ok {
			inner = map[string]any{}
			root[f.name] = inner
		}
		root = inner
	}
	root[c.path] = raw
}

// ParseValue reads a value of a partition's field from a text, as a cell of a
// table has it.
func (r *Resource) ParseValue(path, text string) (any, error) {
	for _, x := range r.shape.partitions {
		for i := range x.fields {
			f := &x.fields[i]
			if f.path != path {
				continue
			}
			raw := json.RawMessage(text)
			if f.through == nil && path != fieldVersion || f.through != nil && f.through[len(f.through)-1].typ.isText() {
				w := &jsonWriter{}
				w.any(text)
				raw = w.b
			}
			if f.date {
				if day, err := s3db.ParseDate(text); err == nil {
					return day, nil
				}
			}
			v, ok := f.scalar().parse(raw)
			if !ok {
				return nil, fmt.Errorf("%s must be %s", path, f.scalar().want)
			}
			return v, nil
		}
	}
	return nil, fmt.Errorf("no partition of %s is over %q", r.Name(), shortened(path))
}

// Same reports whether a document has the attributes of an input. Secrets and
// passwords are not compared.
func (r *Resource) Same(d *Document, in Input) bool {
	a, b := &jsonWriter{}, &jsonWriter{}
	a.attributes(r.shape.object, d.Values)
	b.attributes(r.shape.object, in.Values)
	return a.err == nil && b.err == nil && bytes.Equal(a.b, b.b)
}
