package s3db

import (
	"bytes"
	"cmp"
	"slices"
)

// idPath is the path of the id, which is no attribute.
const idPath = "id"

// accessKind is a way to find documents.
type accessKind uint8

const (
	accessResource  accessKind = iota // list the documents, or a stretch of their ids
	accessIDs                         // read documents whose ids are known
	accessUnique                      // read claims, and the documents that they name
	accessPartition                   // list entries of a partition, and read their documents
	accessNothing                     // the query can have no result
)

// access is the way that a query takes. What it does not decide, the predicates
// decide on each document.
type access struct {
	kind    accessKind
	index   *indexInfo  // of accessUnique and accessPartition
	steps   []narrowing // of the partition's fields, or of the id
	values  []string    // ids, or paths of claims; sorted
	pushed  []node      // predicates that choose the keys
	filters []node      // the others
	sorted  bool        // the keys have the order of the query
}

// choose finds the way for a query: by ids or unique values if it names them,
// else in the partition that its predicates narrow most, else along the ids.
func (c *engine) choose(s *querySpec) access {
	leaves := conjuncts(s.where)
	if s.index != nil {
		return intoPartition(s, s.index, leaves).access
	}
	if slices.ContainsFunc(leaves, func(n node) bool { return n.op == opIn && len(n.values) == 0 || n.op == opOr && len(n.parts) == 0 }) {
		return access{kind: accessNothing, pushed: leaves, sorted: true}
	}
	a := alongIDs(s, leaves)
	if a.kind != accessResource {
		return a
	}
	for i := range c.uniques {
		if u, ok := c.byUnique(&c.uniques[i], leaves); ok {
			u.sorted = len(s.order) == 0
			return u
		}
	}
	best := candidate{access: a}
	for i := range c.partitions {
		if p := intoPartition(s, &c.partitions[i], leaves); p.complete && p.compare(best) > 0 {
			best = p
		}
	}
	return best.access
}

// inKeys reports whether keys alone decide which documents a query has: its predicates
// are about ids, and documents do not expire, which keys do not tell.
func (c *engine) inKeys(a access, s *querySpec) bool {
	return a.kind == accessResource && !conditionsBeside(s.where, idPath) && c.model.TTL == nil
}

// alongIDs is the way along the ids of documents, as far as predicates narrow it.
func alongIDs(s *querySpec, leaves []node) access {
	a := access{kind: accessResource, sorted: len(s.order) == 0 || s.order[0].path == idPath && !s.order[0].desc}
	var step narrowing
	for _, n := range leaves {
		if n.path == idPath && step.narrow(n, KeyForm{}, []string{idPath}, 0) {
			a.pushed = append(a.pushed, n)
		} else {
			a.filters = append(a.filters, n)
		}
	}
	if step.chosen {
		a.kind = accessIDs
		for _, v := range step.values {
			a.values = append(a.values, string(v.text))
		}
		if len(a.values) == 0 {
			a.kind = accessNothing
		}
	}
	a.steps = []narrowing{step}
	return a
}

// byUnique is the way by a unique constraint, when the predicates name a value of
// each of its fields.
func (c *engine) byUnique(x *indexInfo, leaves []node) (access, bool) {
	a := access{kind: accessUnique, index: x, filters: leaves}
	if len(x.forms) != len(x.fields) {
		return a, false
	}
	puts := [][]func(*KeyBuilder){nil} // for each claim, its values
	for i, field := range x.fields {
		at := slices.IndexFunc(a.filters, func(n node) bool { return n.path == field && (n.op == opEq || n.op == opIn) })
		if at < 0 {
			return a, false
		}
		n := a.filters[at]
		a.filters, a.pushed = slices.Delete(slices.Clone(a.filters), at, at+1), append(a.pushed, n)
		var longer [][]func(*KeyBuilder)
		for _, head := range puts {
			for _, put := range n.values {
				longer = append(longer, append(slices.Clip(head), func(k *KeyBuilder) { put(k.as(x.forms[i])) }))
			}
		}
		if puts = longer; len(puts) > maxStretches {
			return a, false
		}
	}
	for _, list := range puts {
		var k KeyBuilder
		for _, put := range list {
			put(&k)
		}
		path, err := c.claimOf(x, &k)
		if err != nil {
			return a, false
		}
		a.values = append(a.values, path)
	}
	slices.Sort(a.values)
	a.values = slices.Compact(a.values)
	return a, true
}

// maxStretches is the number of combinations of values that a query looks up one
// by one.
const maxStretches = 256

// candidate is a way and how good it is.
type candidate struct {
	access

	complete bool // every document that satisfies the predicates has an entry
	equal    int  // fields whose values are given
	ranged   bool // the next field is narrowed
}

// compare reports which of two ways is better: the one that is narrowed more, or
// that spares sorting, or that has the shorter keys.
func (c candidate) compare(d candidate) int {
	fields := func(x candidate) int {
		if x.index == nil {
			return 0
		}
		return len(x.index.fields)
	}
	narrowed := func(x candidate) bool { return x.ranged || x.kind == accessResource && x.steps[0].narrows() }
	return cmp.Or(cmp.Compare(c.equal, d.equal), compareBool(narrowed(c), narrowed(d)), compareBool(c.sorted, d.sorted), cmp.Compare(fields(d), fields(c)))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// intoPartition is the way into a partition as far as predicates narrow it.
func intoPartition(s *querySpec, x *indexInfo, leaves []node) candidate {
	c := candidate{access: access{kind: accessPartition, index: x}}
	known := len(x.forms) == len(x.fields)
	c.complete = known
	used := make([]bool, len(leaves))
	stretches := 1
	for i, field := range x.fields {
		var step narrowing
		if i < len(s.steps) {
			step = s.steps[i].clone()
		}
		if known {
			c.complete = c.complete && (!x.forms[i].Optional || slices.ContainsFunc(leaves, func(n node) bool { return n.path == field }))
			for j, n := range leaves {
				if n.path == field && step.narrow(n, x.forms[i], x.fields, i) {
					used[j] = true
				}
			}
		}
		if step.chosen && len(step.values) == 0 {
			c.kind = accessNothing
		}
		if stretches *= max(len(step.values), 1); stretches > maxStretches {
			step.spread()
		}
		c.steps = append(c.steps, step)
		if !step.chosen {
			c.ranged = step.narrows()
			break
		}
		c.equal++
	}
	for i := c.equal + 1; i < len(x.fields) && known; i++ { // fields that nothing narrows
		c.complete = c.complete && (!x.forms[i].Optional || slices.ContainsFunc(leaves, func(n node) bool { return n.path == x.fields[i] }))
	}
	for len(c.steps) > 0 && !c.steps[len(c.steps)-1].chosen && !c.steps[len(c.steps)-1].narrows() {
		c.steps = c.steps[:len(c.steps)-1]
	}
	for j, n := range leaves {
		if used[j] {
			c.pushed = append(c.pushed, n)
		} else {
			c.filters = append(c.filters, n)
		}
	}
	c.sorted = len(s.order) == 0 || known && sortedByKeys(s.order, x, c.steps)
	return c
}

// sortedByKeys reports whether entries lie in the order that a query wants. Fields
// with one value have any order.
func sortedByKeys(order []ordering, x *indexInfo, steps []narrowing) bool {
	fixed := func(i int) bool { return i < len(steps) && len(steps[i].values) == 1 }
	at := 0
	for _, o := range order {
		if i := slices.Index(x.fields, o.path); i >= 0 && fixed(i) && x.forms[i].exact() {
			continue
		}
		for at < len(x.fields) && fixed(at) {
			at++
		}
		switch {
		case at == len(x.fields):
			return o.path == idPath && !o.desc
		case x.fields[at] != o.path || x.forms[at].Desc != o.desc || !x.forms[at].exact():
			return false
		}
		at++
	}
	return true
}

// exact reports whether keys tell values apart.
func (f KeyForm) exact() bool { return f.MaxLength == 0 && !f.Day }

// narrowing limits one field of an index: to some values, or to a range.
type narrowing struct {
	chosen   bool      // values are all there are
	values   []keyText // in the order of keys
	from, to *keyText  // in the order of keys
	prefix   *keyText
}

func (s *narrowing) narrows() bool {
	return s.chosen || s.from != nil || s.to != nil || s.prefix != nil
}

func (s *narrowing) clone() narrowing {
	copied := *s
	copied.values = slices.Clone(s.values)
	return copied
}

// narrow takes a predicate into account. It reports false when it could not.
func (s *narrowing) narrow(n node, form KeyForm, fields []string, i int) bool {
	var values []keyText
	for _, put := range n.values {
		var k KeyBuilder
		put(k.as(form))
		v, err := newKeyText(&k, fields, i)
		if err != nil {
			return false
		}
		values = append(values, v)
	}
	switch n.op {
	case opEq, opIn:
		s.choose(values)
	case opGt, opGe:
		s.bound(values[0], true)
	case opLt, opLe:
		s.bound(values[0], false)
	case opPrefix:
		if s.prefix != nil && len(s.prefix.text) >= len(values[0].text) {
			return false
		}
		s.prefix = &values[0]
	default:
		return false
	}
	return true
}

// choose keeps only these values.
func (s *narrowing) choose(values []keyText) {
	slices.SortFunc(values, keyText.compare)
	values = slices.CompactFunc(values, func(a, b keyText) bool { return a.compare(b) == 0 })
	if s.chosen {
		values = slices.DeleteFunc(values, func(v keyText) bool {
			return !slices.ContainsFunc(s.values, func(x keyText) bool { return x.compare(v) == 0 })
		})
	}
	s.chosen, s.values = true, values
}

// bound keeps only values of at least v, or of at most v.
func (s *narrowing) bound(v keyText, least bool) {
	if least != v.desc {
		if s.from == nil || v.compare(*s.from) > 0 {
			s.from = &v
		}
	} else if s.to == nil || v.compare(*s.to) < 0 {
		s.to = &v
	}
}

// spread makes a range of values that are too many to look up one by one.
func (s *narrowing) spread() {
	if s.chosen && len(s.values) > 0 {
		first, last := s.values[0], s.values[len(s.values)-1]
		*s = narrowing{from: &first, to: &last, prefix: s.prefix}
	}
}

// holds reports whether a value is within the narrowing.
func (s *narrowing) holds(x keyText) bool {
	return (!s.chosen || slices.ContainsFunc(s.values, func(v keyText) bool { return x.compare(v) == 0 })) &&
		(s.from == nil || x.compare(*s.from) >= 0) && (s.to == nil || x.compare(*s.to) <= 0) &&
		(s.prefix == nil || bytes.HasPrefix(x.text, s.prefix.text))
}
