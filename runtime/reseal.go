package s3db

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
)

// secretNode is an attribute of the stored shape that is a secret, or an object
// with secrets in it.
type secretNode struct {
	number int
	name   string
	inside []secretNode // nil for a secret
}

// shapeNode is what the stored shape says of an attribute.
type shapeNode struct {
	Number int         `json:"number"`
	Name   string      `json:"name"`
	Type   string      `json:"type"`
	Fields []shapeNode `json:"fields"`
}

// secretTree finds the secrets of a resource in all versions of its stored shape:
// an older program may have written a document again whose newer secrets it does
// not know. Numbers are never used again, so versions do not contradict.
func secretTree(res registryResource) ([]secretNode, error) {
	var tree []secretNode
	for _, v := range res.Versions {
		var shape struct {
			Fields []shapeNode `json:"fields"`
		}
		if err := json.Unmarshal(v.Schema, &shape); err != nil {
			return nil, fmt.Errorf("%w: stored shape of version %d: %w", ErrCorrupt, v.Version, err)
		}
		tree = mergeSecrets(tree, secretsOf(shape.Fields))
	}
	return tree, nil
}

func secretsOf(fields []shapeNode) []secretNode {
	var tree []secretNode
	for _, f := range fields {
		switch {
		case f.Type == "secret":
			tree = append(tree, secretNode{number: f.Number, name: f.Name})
		case f.Type == "object":
			if inside := secretsOf(f.Fields); len(inside) > 0 {
				tree = append(tree, secretNode{number: f.Number, name: f.Name, inside: inside})
			}
		}
	}
	return tree
}

// mergeSecrets returns the nodes of both, in ascending order.
func mergeSecrets(a, b []secretNode) []secretNode {
	for _, n := range b {
		i := slices.IndexFunc(a, func(x secretNode) bool { return x.number == n.number })
		if i < 0 {
			a = append(a, n)
		} else {
			a[i].inside = mergeSecrets(a[i].inside, n.inside)
		}
	}
	slices.SortFunc(a, func(x, y secretNode) int { return cmp.Compare(x.number, y.number) })
	return a
}

// resealed counts the secrets of a document by their keys, and returns the
// document with all of them under the active key; nil when they are. To whoever
// has the keys it is the same document: what it does to writers that are under
// way is what a fence does to them (docs/protocol.md, "Claims").
func (db *Database) resealed(resource, id string, r *record, tree []secretNode) (found map[string]int, next *record, err error) {
	s := db.sealer(resource, id)
	x := &resealer{sealer: s, found: map[string]int{}}
	d := newDecoder(r, x.sealer)
	opened := x.open(d, tree, "")
	if err := cmp.Or(d.Err(), x.err); err != nil {
		return x.found, nil, err
	}
	if len(x.found) == 0 || (len(x.found) == 1 && x.found[s.ring.order[0]] > 0) {
		return x.found, nil, nil
	}
	e := newEncoder(x.sealer)
	e.preserve(d.unknown())
	x.seal(e, tree, opened)
	if err := e.Err(); err != nil {
		return x.found, nil, err
	}
	mark, err := newRevision()
	if err != nil {
		return x.found, nil, err
	}
	next = r.clone()
	next.fence = token(mark)
	db.place(next, r, e.fields())
	return x.found, next, nil
}

// place puts each field where it was. What no longer fits the metadata, because
// the active key has a longer id, goes to the body, the largest first.
func (db *Database) place(next, old *record, fields []field) {
	next.meta, next.body = nil, nil
	draft := &Draft{limit: db.metadataLimit(), system: old.overhead(), fields: fields, inBody: make([]bool, len(fields))}
	draft.size = draft.system
	for i := range fields {
		draft.size += wireSize(&fields[i])
	}
	for _, f := range old.body {
		draft.ToBody(f.number)
	}
	draft.OverflowToBody()
	for i, f := range draft.fields {
		if draft.inBody[i] {
			next.body = append(next.body, f)
		} else {
			next.meta = append(next.meta, f)
		}
	}
}

// resealer decrypts the secrets of one document and encrypts them again.
type resealer struct {
	sealer sealer
	found  map[string]int // secrets by the keys that they are under
	err    error          // the first one that did not open
}

// openedSecret is a secret of any type, as its plain text, or an object with
// secrets in it.
type openedSecret struct {
	plain  []byte
	inside map[int]openedSecret
}

// open decrypts the secrets of a document, or of the object in it that a name
// with a dot at its end leads to. All else stays unknown to the decoder, which
// keeps it.
func (x *resealer) open(d *Decoder, tree []secretNode, name string) map[int]openedSecret {
	opened := map[int]openedSecret{}
	for _, n := range tree {
		if !d.has(n.number) {
			continue
		}
		if n.inside != nil {
			var inside map[int]openedSecret
			DecodeObject(d, n.number, &inside, func(d *Decoder, inside *map[int]openedSecret) {
				*inside = x.open(d, n.inside, name+n.name+".")
			})
			opened[n.number] = openedSecret{inside: inside}
			continue
		}
		path := numberPath(append(slices.Clone(d.place.path), n.number))
		sealed := d.Bytes(n.number)
		if d.err != nil {
			d.err = undecryptable(d.err)
			return nil
		}
		if id, ok := SealingKey(sealed); ok {
			x.found[id]++
		}
		plain, err := x.sealer.open(path, sealed)
		if err != nil && x.err == nil {
			x.err = &attributeError{path: name + n.name, err: err}
		}
		opened[n.number] = openedSecret{plain: plain}
	}
	return opened
}

// seal encrypts what open decrypted.
func (x *resealer) seal(e *Encoder, tree []secretNode, opened map[int]openedSecret) {
	for _, n := range tree {
		o, ok := opened[n.number]
		switch {
		case !ok:
		case n.inside != nil:
			EncodeObject(e, n.number, &o, func(e *Encoder, o *openedSecret) { x.seal(e, n.inside, o.inside) })
		default:
			sealed, err := x.sealer.seal(numberPath(append(slices.Clone(e.packer.path), n.number)), o.plain)
			clear(o.plain)
			if err != nil {
				e.fail(n.number, err)
				return
			}
			e.Bytes(n.number, sealed)
		}
	}
}
