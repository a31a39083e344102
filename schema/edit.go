package schema

import (
	"fmt"
	"slices"
	"strings"
)

// Edit changes a schema before it is checked. Its error is one of the schema.
type Edit struct {
	By    string // who changes it, for the messages: "plugin tenancy"
	Apply func(*Tree) error
}

// Tree is a schema as it is written, with aliases followed and merge keys applied. A
// path is the keys that lead to a value, as in "resources", "users", "attributes",
// "email".
type Tree struct {
	root *node
	by   string
	src  *source
}

// Keys returns the keys of the mapping at a path, in their order; none when there is no
// mapping.
func (t *Tree) Keys(path ...string) []string {
	n := t.find(path)
	if n == nil {
		return nil
	}
	keys := make([]string, len(n.pairs))
	for i, p := range n.pairs {
		keys[i] = p.key.value
	}
	return keys
}

// Text returns the single value at a path, and whether there is one.
func (t *Tree) Text(path ...string) (string, bool) {
	n := t.find(path)
	if n == nil || !n.isText() {
		return "", false
	}
	return n.value, true
}

// Set puts a value, written in YAML as in a schema, at a path. It replaces the one that
// is there, and makes mappings that are missing on the way. An error says that the YAML
// is wrong or that something on the way is no mapping; whether the value is right is
// checked with the rest of the schema.
func (t *Tree) Set(yaml string, path ...string) error {
	if len(path) == 0 {
		return fmt.Errorf("%s sets a value without a path", t.by)
	}
	inner := &reporter{src: newSource(fmt.Sprintf("%s, %s", t.by, strings.Join(path, ".")), []byte(yaml))}
	value := inner.readTree()
	if found := inner.diagnostics(); value == nil || found.HasErrors() {
		return found.Err()
	}
	t.src.others = append(t.src.others, inner.src)
	t.root = t.root.copied()
	n := t.root
	for i, key := range path {
		if n.kind != mappingNode {
			return fmt.Errorf("%s sets %s, but %s is %s", t.by, strings.Join(path, "."), strings.Join(path[:i], "."), n.what())
		}
		at := slices.IndexFunc(n.pairs, func(p pair) bool { return p.key.value == key })
		if at < 0 {
			at = len(n.pairs)
			name := &node{kind: scalarNode, value: key, tag: "!!str", pos: value.pos, src: inner.src}
			n.pairs = append(n.pairs, pair{name, &node{kind: mappingNode, pos: value.pos, src: inner.src}})
		}
		if i == len(path)-1 {
			n.pairs[at].value = value
			break
		}
		n.pairs[at].value = n.pairs[at].value.copied()
		n = n.pairs[at].value
	}
	return nil
}

// Delete takes away the value at a path with its key, and reports whether there was one.
func (t *Tree) Delete(path ...string) bool {
	if len(path) == 0 || t.find(path) == nil {
		return false
	}
	t.root = t.root.copied()
	n := t.root
	for i, key := range path {
		at := slices.IndexFunc(n.pairs, func(p pair) bool { return p.key.value == key })
		if i == len(path)-1 {
			n.pairs = slices.Delete(n.pairs, at, at+1)
			break
		}
		n.pairs[at].value = n.pairs[at].value.copied()
		n = n.pairs[at].value
	}
	return true
}

func (t *Tree) find(path []string) *node {
	n := t.root
	for _, key := range path {
		p, ok := n.get(key)
		if !ok {
			return nil
		}
		n = p.value
	}
	return n
}

// copied returns a node that can be changed: others may share this one, through merge
// keys.
func (n *node) copied() *node {
	c := *n
	c.pairs = slices.Clone(n.pairs)
	return &c
}

// apply lets an edit change a tree, and returns what is left.
func (e Edit) apply(r *reporter, root *node) *node {
	t := &Tree{root: root, by: e.By, src: r.src}
	if err := e.Apply(t); err != nil {
		if found, ok := AsDiagnostics(err); ok {
			for _, d := range found {
				r.found = append(r.found, &finding{d})
			}
			return nil
		}
		r.report(CodePlugin, r.src.start(), "%s", err)
		return nil
	}
	return t.root
}
