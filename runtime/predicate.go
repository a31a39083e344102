package s3db

import (
	"slices"
	"strconv"
	"strings"
)

// Predicate is a condition on documents, made by the attributes that generated
// code lists: shop.UserWhere.Age.Gt(30). D is the pointer to a document, such as
// *shop.User. A condition on a value that a document does not have is false; Not
// makes it true.
//
// It is a value that does not change; the zero Predicate holds always.
type Predicate[D any] struct{ predicate predicate }

// predicate is a Predicate with the type of the documents forgotten: d is a
// pointer to one.
type predicate struct {
	node  node
	match func(d any) bool // nil: always
}

func (p predicate) holds(d any) bool { return p.match == nil || p.match(d) }

// Match reports whether a document satisfies the predicate.
func (p Predicate[D]) Match(d D) bool { return p.predicate.holds(d) }

// And holds when all predicates do.
func And[D any](list ...Predicate[D]) Predicate[D] { return Predicate[D]{and(forget(list))} }

// Or holds when at least one predicate does.
func Or[D any](list ...Predicate[D]) Predicate[D] { return Predicate[D]{or(forget(list))} }

// Not holds when the predicate does not.
func Not[D any](p Predicate[D]) Predicate[D] { return Predicate[D]{not(p.predicate)} }

func forget[D any](list []Predicate[D]) []predicate {
	parts := make([]predicate, len(list))
	for i, p := range list {
		parts[i] = p.predicate
	}
	return parts
}

func and(list []predicate) predicate {
	return predicate{node{op: opAnd, parts: nodes(list)}, func(d any) bool {
		return !slices.ContainsFunc(list, func(p predicate) bool { return !p.holds(d) })
	}}
}

func or(list []predicate) predicate {
	return predicate{node{op: opOr, parts: nodes(list)}, func(d any) bool {
		return slices.ContainsFunc(list, func(p predicate) bool { return p.holds(d) })
	}}
}

func not(p predicate) predicate {
	return predicate{node{op: opNot, parts: []node{p.node}}, func(d any) bool { return !p.holds(d) }}
}

func nodes(list []predicate) []node {
	parts := make([]node, len(list))
	for i, p := range list {
		parts[i] = p.node
	}
	return parts
}

// node is what a predicate says, without the type of the documents: what the
// planner reads and what tells one query from another.
type node struct {
	op     operator
	path   string // of the attribute; "" for opAnd, opOr and opNot
	values []func(*KeyBuilder)
	parts  []node
	hidden bool // the values are secrets
}

// secret reports whether the predicate holds values of secrets.
func (n node) secret() bool { return n.hidden || slices.ContainsFunc(n.parts, node.secret) }

type operator uint8

const (
	opAnd operator = iota // the zero node is an opAnd of nothing, which holds
	opOr
	opNot
	opEq
	opNe
	opLt
	opLe
	opGt
	opGe
	opIn
	opPrefix
	opContains
	opHas
	opIsSet
)

func (o operator) String() string {
	return [...]string{
		opAnd: " and ", opOr: " or ", opNot: "not ", opEq: "=", opNe: "≠", opLt: "<", opLe: "≤", opGt: ">", opGe: "≥",
		opIn: "in", opPrefix: "starts with", opContains: "contains", opHas: "has", opIsSet: "is set",
	}[o]
}

// String tells the predicate without its values: "age >", "role in (2 values)".
func (n node) String() string {
	text := n.op.String()
	switch {
	case n.op == opNot:
		return text + n.parts[0].nested()
	case n.op == opAnd || n.op == opOr:
		if len(n.parts) == 0 {
			return map[operator]string{opAnd: "always", opOr: "never"}[n.op]
		}
		var parts []string
		for _, p := range n.parts {
			parts = append(parts, p.nested())
		}
		return strings.Join(parts, text)
	case n.op == opIn:
		return n.path + " in (" + strconv.Itoa(len(n.values)) + " values)"
	case n.op == opHas && len(n.parts) > 0:
		return n.path + " has an item with " + n.parts[0].nested()
	}
	return n.path + " " + text
}

func (n node) nested() string {
	if (n.op == opAnd || n.op == opOr) && len(n.parts) > 1 {
		return "(" + n.String() + ")"
	}
	return n.String()
}

// appendTo appends all that tells this predicate from others.
func (n node) appendTo(b []byte) []byte {
	b = append(b, byte(n.op))
	b = appendCounted(b, []byte(n.path))
	for _, put := range n.values {
		var k KeyBuilder
		put(&k)
		b = appendCounted(append(b, 'v'), k.text)
	}
	for _, p := range n.parts {
		b = p.appendTo(append(b, 'p'))
	}
	return append(b, 0)
}

// about reports whether the predicate is about attributes of this path alone.
func (n node) about(path string) bool {
	if n.op > opNot {
		return n.path == path
	}
	return !slices.ContainsFunc(n.parts, func(p node) bool { return !p.about(path) })
}

// conjuncts takes predicates that must all hold apart into such that cannot be
// taken apart. Alternatives for one attribute become one opIn.
func conjuncts(list []node) []node {
	var flat []node
	for _, n := range list {
		switch {
		case n.op == opAnd:
			flat = append(flat, conjuncts(n.parts)...)
		case n.op == opOr && isChoice(n.parts):
			in := node{op: opIn, path: n.parts[0].path, hidden: n.parts[0].hidden}
			for _, p := range n.parts {
				in.values = append(in.values, p.values...)
			}
			flat = append(flat, in)
		default:
			flat = append(flat, n)
		}
	}
	return flat
}

// isChoice reports whether alternatives are values of one attribute.
func isChoice(parts []node) bool {
	return len(parts) > 0 && !slices.ContainsFunc(parts, func(p node) bool {
		return (p.op != opEq && p.op != opIn) || p.path != parts[0].path
	})
}
