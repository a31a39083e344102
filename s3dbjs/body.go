package s3dbjs

import (
	"errors"
	"slices"
	"strconv"
)

// Behaviors of s3db.js. They have the names that they have here.
const (
	userManaged = "user-managed"
	bodyOnly    = "body-only"
)

// readBody reads what the body has: content, values under the names of
// headers, or values in clear under the names of attributes.
func (d *decoding) readBody(body []byte) {
	if len(body) == 0 {
		return
	}
	n, err := parseJSON(body)
	if err != nil || !n.object() || d.isContent(n, len(body)) {
		d.record.Content = &Content{Body: slices.Clone(body), Type: d.headers["_mimetype"].text}
		return
	}
	names := d.bodyNames()
	if d.isClear(n, names) {
		d.whole = d.resource.Seed()
		d.mergeJSON("", n)
		if d.whole {
			d.settle(n)
		}
		return
	}
	d.whole = d.version.Behavior == "truncate-data"
	for _, m := range n.members {
		if isInternal(m.name) {
			continue
		}
		a := d.version.index[names[m.name]]
		if a == nil {
			if !d.hasUndeclared(m.name) {
				d.problem(Undeclared, m.name, "a member of the body that the definition does not name")
			}
			continue
		}
		d.mergeBody(a, m.value)
	}
}

// isContent tells content that is a JSON object from a body of values. The
// library leaves its notes on content in the headers when it writes the body anew,
// but then the length is another one.
func (d *decoding) isContent(n *node, size int) bool {
	if d.headers["_hascontent"].text != "true" || d.headers["_contentlength"].text != strconv.Itoa(size) {
		return false
	}
	if _, ok := d.headers["id"]; ok {
		return true
	}
	names := d.bodyNames()
	for _, m := range n.members {
		if isInternal(m.name) || d.version.index[m.name] != nil || names[m.name] != "" {
			return false
		}
	}
	return len(n.members) > 0
}

// bodyNames returns the attributes by the names of headers. An object that is all
// body brings its own list.
func (d *decoding) bodyNames() map[string]string {
	list, err := parseJSON([]byte(d.headers["_map"].text))
	if err != nil || !list.object() {
		return d.layout.exact
	}
	names := map[string]string{}
	for _, m := range list.members {
		names[m.value.string()] = m.name
	}
	return names
}

// isClear reports whether the members of a body are attributes, not headers.
// Attributes may be named like headers ("a"), so the behavior decides in doubt.
func (d *decoding) isClear(n *node, names map[string]string) bool {
	named, coded := 0, 0
	for _, m := range n.members {
		if d.version.index[m.name] != nil {
			named++
		}
		if names[m.name] != "" {
			coded++
		}
	}
	if named != coded {
		return named > coded
	}
	// What does not fit the headers goes to the body under their names.
	return d.version.Behavior != bodyOnly && (d.version.Behavior == userManaged || d.version.Behavior == "") &&
		(d.resource.Seed() || len(d.keys()) > 0)
}

// mergeBody adds a value that stands under the name of a header: the text that a
// header would have.
func (d *decoding) mergeBody(a *Attribute, n *node) {
	old, had := d.values[a.Path]
	var v value
	if n.kind == stringNode {
		v = d.decode(a, stored{text: n.text})
		v.doubt = false
		if a.Kind.isPlain() {
			v.problem = nil // a body has words as they are
		}
	} else {
		decoded, err := a.decodeJSON(n)
		v = d.result(a, decoded, err)
	}
	if had && v.problem != nil && (old.problem == nil || !old.problem.Lost()) {
		return
	}
	d.values[a.Path] = v
}

// mergeJSON adds values in clear.
func (d *decoding) mergeJSON(path string, n *node) {
	for _, m := range n.members {
		full := joinPath(path, m.name)
		a := d.version.index[full]
		switch {
		case a == nil && path == "" && (isInternal(m.name) || isUpdateNote(m)):
		case a == nil:
			if !d.hasUndeclared(headerName(full)) {
				d.problem(Undeclared, full, "the definition does not name it")
			}
		case a.Kind == Nested && m.value.object():
			if !d.values[full].present {
				d.values[full] = value{value: map[string]any{}, present: true}
			}
			d.mergeJSON(full, m.value)
		case a.Kind.isSecret():
			d.mergeSecret(a, m.value)
		default:
			d.mergeClear(a, m.value)
		}
	}
}

// isUpdateNote reports the trace that updates with timestamps leave.
func isUpdateNote(m member) bool {
	return m.name == "metadata" && m.value.object() && len(m.value.members) == 1 && m.value.get("updatedAt") != nil
}

func (d *decoding) hasUndeclared(field string) bool {
	return slices.ContainsFunc(d.record.Problems, func(p Problem) bool { return p.Kind == Undeclared && p.Field == field })
}

func (d *decoding) mergeClear(a *Attribute, n *node) {
	old, had := d.values[a.Path]
	usable := had && (old.problem == nil || !old.problem.Lost())
	if usable && !a.Kind.prefersBody() {
		return
	}
	decoded, err := a.decodeJSON(n)
	if err != nil && usable {
		return
	}
	d.values[a.Path] = d.result(a, decoded, err)
}

// mergeSecret adds a secret of a body in clear, where it may or may not be
// encrypted.
func (d *decoding) mergeSecret(a *Attribute, n *node) {
	text := n.text
	switch n.kind {
	case stringNode:
	case numberNode:
		text = string(n.raw)
	default:
		return
	}
	old, had := d.values[a.Path]
	if had && old.text == text {
		return
	}
	v := d.decrypt(a, text)
	usable := had && (old.problem == nil || !old.problem.Lost())
	if _, err := decryptSecret(text, ""); errors.Is(err, errNoCiphertext) {
		decoded, err := a.decodeSecret(text)
		v = d.result(a, decoded, err)
		if usable {
			v = old
		}
		if v.problem == nil {
			p := d.newProblem(Unencrypted, a.Path, "s3db.js stored a copy of the secret in clear, in the body of the object")
			v.problem = &p
		}
	} else if usable {
		return
	}
	d.values[a.Path] = v
}

// settle removes values in doubt that the whole document in clear does not have.
func (d *decoding) settle(n *node) {
	for path, v := range d.values {
		if v.doubt && n.lookup(path) == nil {
			delete(d.values, path)
		}
	}
}

// lookup returns the value at a path of names, nil when there is none.
func (n *node) lookup(path string) *node {
	if v := n.get(path); v != nil {
		return v
	}
	for i := range len(path) {
		if path[i] == '.' {
			if v := n.get(path[:i]); v != nil {
				return v.lookup(path[i+1:])
			}
		}
	}
	return nil
}
