package s3db

import (
	"bytes"
	"context"
	"fmt"
	"hash/maphash"
	"iter"
	"slices"
	"strings"
)

// PartitionQuery reads the documents of one partition that have the values given
// so far. V is the type of the field that was named last; Between, From and Until
// set bounds on it.
type PartitionQuery[T any, ID ~string, V any] struct {
	Query[T, ID]
	part partition[T, ID]
	put  func(*KeyBuilder, V)
}

// partition is the part of a partition that a query reads. It is not changed
// after it was made.
type partition[T any, ID ~string] struct {
	collection partitionRunner[T, ID]
	index      *Index[T]
	steps      []narrowing
}

// partitionRunner is a collection with the types forgotten that a query does not
// need.
type partitionRunner[T any, ID ~string] interface {
	runPartition(ctx context.Context, p partition[T, ID]) iter.Seq2[*T, error]
	idOf(d *T) ID
}

func (p partition[T, ID]) all(ctx context.Context) iter.Seq2[*T, error] {
	return p.collection.runPartition(ctx, p)
}

func (p partition[T, ID]) ids(ctx context.Context) iter.Seq2[ID, error] {
	return func(yield func(ID, error) bool) {
		for d, err := range p.all(ctx) {
			var id ID
			if err == nil {
				id = p.collection.idOf(d)
			}
			if !yield(id, err) {
				return
			}
		}
	}
}

// narrowing limits one field of the index: to some values, or to a range. Only
// the last one of a query may be a range.
type narrowing struct {
	values   []keyText
	from, to *keyText // in the order of keys
}

// keyText is a value in a key: as a text that sorts as the values do, and as the
// segment that stands for it.
type keyText struct {
	text    []byte
	desc    bool
	segment string
}

// compare orders values as their keys are ordered.
func (a keyText) compare(b keyText) int {
	if a.desc {
		return bytes.Compare(b.text, a.text)
	}
	return bytes.Compare(a.text, b.text)
}

// InPartition starts a query of a partition with values of its first field, or
// with any value when none is given. Generated code calls it.
func InPartition[T any, ID ~string, I, P, V any](c *Collection[T, ID, I, P], name string, put func(*KeyBuilder, V), values ...V) PartitionQuery[T, ID, V] {
	q := PartitionQuery[T, ID, V]{put: put}
	i := slices.IndexFunc(c.model.Partitions, func(x Index[T]) bool { return x.Name == name })
	if i < 0 {
		q.err = c.fail("list", "", configError("there is no partition %q", name))
		return q
	}
	q.part = partition[T, ID]{collection: c, index: &c.model.Partitions[i]}
	return q.narrow(values)
}

// Then goes on with values of the next field of a composite partition, or with
// any value when none is given. Generated code calls it.
func Then[T any, ID ~string, U, V any](q PartitionQuery[T, ID, U], put func(*KeyBuilder, V), values ...V) PartitionQuery[T, ID, V] {
	next := PartitionQuery[T, ID, V]{Query: q.Query, part: q.part, put: put}
	return next.narrow(values)
}

func (q PartitionQuery[T, ID, V]) narrow(values []V) PartitionQuery[T, ID, V] {
	var s narrowing
	for _, v := range values {
		x, ok := q.key(len(q.part.steps), v)
		if !ok {
			return q
		}
		if !slices.ContainsFunc(s.values, func(y keyText) bool { return x.compare(y) == 0 }) {
			s.values = append(s.values, x)
		}
	}
	slices.SortFunc(s.values, keyText.compare)
	return q.with(append(slices.Clone(q.part.steps), s))
}

// key encodes a value of field i. It reports false when the query has an error.
func (q *PartitionQuery[T, ID, V]) key(i int, v V) (keyText, bool) {
	if q.err != nil {
		return keyText{}, false
	}
	if i >= len(q.part.index.Fields) {
		q.err = fmt.Errorf("partition %s has only %d fields", q.part.index.Name, len(q.part.index.Fields))
		return keyText{}, false
	}
	var b KeyBuilder
	q.put(&b, v)
	segment, err := b.appendSegment(nil, q.part.index.Fields, i, 0)
	if err != nil {
		q.err = err
		return keyText{}, false
	}
	x := b.keyText(0)
	x.segment = string(segment)
	return x, true
}

func (q PartitionQuery[T, ID, V]) with(steps []narrowing) PartitionQuery[T, ID, V] {
	q.part.steps = steps
	q.source = q.part
	return q
}

// Between keeps the documents whose value is between a and b, both included.
func (q PartitionQuery[T, ID, V]) Between(a, b V) PartitionQuery[T, ID, V] {
	return q.From(a).Until(b)
}

// From keeps the documents whose value is a or more.
func (q PartitionQuery[T, ID, V]) From(a V) PartitionQuery[T, ID, V] { return q.bound(a, true) }

// Until keeps the documents whose value is b or less.
func (q PartitionQuery[T, ID, V]) Until(b V) PartitionQuery[T, ID, V] { return q.bound(b, false) }

func (q PartitionQuery[T, ID, V]) bound(v V, least bool) PartitionQuery[T, ID, V] {
	last := len(q.part.steps) - 1
	x, ok := q.key(last, v)
	if !ok {
		return q
	}
	steps := slices.Clone(q.part.steps)
	if least != x.desc {
		steps[last].from = &x
	} else {
		steps[last].to = &x
	}
	return q.with(steps)
}

// ranges are the stretches of keys that hold the entries of the query, in the
// order of keys.
func (p partition[T, ID]) ranges(root string) []keyRange {
	prefixes := []string{root}
	for i, s := range p.steps {
		if len(s.values) > 0 {
			var longer []string
			for _, prefix := range prefixes {
				for _, v := range s.values {
					longer = append(longer, prefix+v.segment+"/")
				}
			}
			prefixes = longer
			continue
		}
		var ranges []keyRange
		for _, prefix := range prefixes {
			kr := keyRange{prefix: prefix + string(appendKeyName(nil, p.index.Fields[i])) + "="}
			if s.from != nil {
				kr.from, _ = s.from.stem(prefix)
			}
			if s.to != nil {
				stem, whole := s.to.stem(prefix)
				kr.to = stem + afterLonger
				if whole {
					kr.to = stem + afterEnd
				}
			}
			ranges = append(ranges, kr)
		}
		return ranges
	}
	ranges := make([]keyRange, len(prefixes))
	for i, prefix := range prefixes {
		ranges[i] = keyRange{prefix: prefix}
	}
	return ranges
}

// What sorts after the end of a value but before any longer value, and what sorts
// after any longer value.
const (
	afterEnd    = "\""
	afterLonger = "\x7f"
)

// stem is the start of the keys under a value. whole tells that the value stands
// there whole, and is not cut and hashed.
func (a keyText) stem(prefix string) (stem string, whole bool) {
	stem = prefix + strings.TrimSuffix(a.segment, string(keyEnd))
	if cut := strings.Index(a.segment, "!!"); cut >= 0 {
		return prefix + a.segment[:cut], false
	}
	return stem, true
}

// holds reports whether a document with these values is in the query.
func (p partition[T, ID]) holds(b *KeyBuilder) bool {
	for i, s := range p.steps {
		x := b.keyText(i)
		if len(s.values) > 0 && !slices.ContainsFunc(s.values, func(v keyText) bool { return x.compare(v) == 0 }) {
			return false
		}
		if (s.from != nil && x.compare(*s.from) < 0) || (s.to != nil && x.compare(*s.to) > 0) {
			return false
		}
	}
	return true
}

// exact reports whether the query reads the entries of one combination of values
// only, where each document has one place.
func (p partition[T, ID]) exact() bool {
	for _, s := range p.steps {
		if len(s.values) != 1 {
			return false
		}
	}
	return len(p.steps) == len(p.index.Fields)
}

func (c *Collection[T, ID, I, P]) idOf(d *T) ID { return *c.model.ID(d) }

// runPartition reads the documents that the entries name. An entry counts only if
// its document is in that very place now; a document that moves while the query
// runs is yielded once at most.
func (c *Collection[T, ID, I, P]) runPartition(ctx context.Context, p partition[T, ID]) iter.Seq2[*T, error] {
	ranges := p.ranges(entryPrefix(c.db.prefix, c.model.Resource, p.index.Name, ""))
	docs := c.runRanges(ctx, p, ranges)
	if p.exact() {
		return docs
	}
	return func(yield func(*T, error) bool) {
		seed := maphash.MakeSeed()
		seen := map[uint64]struct{}{}
		for d, err := range docs {
			if err == nil {
				id := maphash.String(seed, string(c.idOf(d)))
				if _, again := seen[id]; again {
					continue
				}
				seen[id] = struct{}{}
			}
			if !yield(d, err) {
				return
			}
		}
	}
}

// Distinct returns the values of a partition's first field that documents have,
// in the order of keys, with 1 LIST and about 1 GET for each value. value reads
// the field from a document. Generated code calls it.
func Distinct[T any, ID ~string, I, P, V any](ctx context.Context, c *Collection[T, ID, I, P], name string, value func(*T) V) ([]V, error) {
	q := InPartition(c, name, func(*KeyBuilder, V) {})
	if q.err != nil {
		return nil, q.err
	}
	root := entryPrefix(c.db.prefix, c.model.Resource, name, "")
	var list []V
	from := ""
	for {
		segment := ""
		for item, err := range c.db.requests.keys(ctx, keyRange{prefix: root, from: from}) {
			if err != nil {
				return nil, c.fail("distinct", "", err)
			}
			segment, _, _ = strings.Cut(item.Key[len(root):], "/")
			break
		}
		if segment == "" {
			return list, nil
		}
		group := partition[T, ID]{collection: c, index: q.part.index}
		for d, err := range c.runRanges(ctx, group, []keyRange{{prefix: root + segment + "/"}}) {
			if err != nil {
				return nil, err
			}
			list = append(list, value(d))
			break
		}
		from = root + strings.TrimSuffix(segment, string(keyEnd)) + afterEnd
	}
}

// runRanges reads the documents of some stretches of a partition that are where
// their entries say, and in the query.
func (c *Collection[T, ID, I, P]) runRanges(ctx context.Context, p partition[T, ID], ranges []keyRange) iter.Seq2[*T, error] {
	return c.scan(ctx, c.entries(ctx, p.index.Name, ranges), func(d *T, item scanItem) (bool, error) {
		var b KeyBuilder
		path, err := p.index.path(&b, d)
		return err == nil && path == item.path && p.holds(&b), err
	})
}
