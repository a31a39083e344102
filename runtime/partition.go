package s3db

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
)

// PartitionQuery reads the documents of one partition that have the values given
// so far. V is the type of the field that was named last; Between, From and Until
// set bounds on it.
type PartitionQuery[T any, ID ~string, V any] struct {
	Query[T, ID]
	put func(*KeyBuilder, V)
}

// keyText is a value in a key: as a text that sorts as the values do, and as the
// segment that stands for it.
type keyText struct {
	text    []byte
	desc    bool
	segment string
}

// newKeyText takes the value of k as that of field i of an index.
func newKeyText(k *KeyBuilder, fields []string, i int) (keyText, error) {
	segment, err := k.appendSegment(nil, fields, i, 0)
	if err != nil {
		return keyText{}, err
	}
	x := k.keyText(0)
	x.segment = string(segment)
	return x, nil
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
	q := PartitionQuery[T, ID, V]{c.Query(), put}
	return q.narrow(q.spec.in(c.engine.partition(name)), values)
}

// Then goes on with values of the next field of a composite partition, or with
// any value when none is given. Generated code calls it.
func Then[T any, ID ~string, U, V any](q PartitionQuery[T, ID, U], put func(*KeyBuilder, V), values ...V) PartitionQuery[T, ID, V] {
	next := PartitionQuery[T, ID, V]{q.Query, put}
	return next.narrow(q.spec, values)
}

func (q PartitionQuery[T, ID, V]) narrow(s *querySpec, values []V) PartitionQuery[T, ID, V] {
	puts := make([]func(*KeyBuilder), len(values))
	for i, v := range values {
		puts[i] = q.value(v)
	}
	q.spec = s.narrow(puts)
	return q
}

func (q PartitionQuery[T, ID, V]) value(v V) func(*KeyBuilder) {
	return func(k *KeyBuilder) { q.put(k, v) }
}

// Between keeps the documents whose value is between a and b, both included.
func (q PartitionQuery[T, ID, V]) Between(a, b V) PartitionQuery[T, ID, V] {
	return q.From(a).Until(b)
}

// From keeps the documents whose value is a or more.
func (q PartitionQuery[T, ID, V]) From(a V) PartitionQuery[T, ID, V] {
	q.spec = q.spec.bound(q.value(a), true)
	return q
}

// Until keeps the documents whose value is b or less.
func (q PartitionQuery[T, ID, V]) Until(b V) PartitionQuery[T, ID, V] {
	q.spec = q.spec.bound(q.value(b), false)
	return q
}

// in starts the query of a partition.
func (s *querySpec) in(index *indexInfo, err error) *querySpec {
	c := *s
	c.index, c.err = index, err
	return &c
}

// narrow goes on with values of the next field, or with any value.
func (s *querySpec) narrow(values []func(*KeyBuilder)) *querySpec {
	c := *s
	var step narrowing
	var list []keyText
	for _, put := range values {
		x, ok := c.key(len(c.steps), put)
		if !ok {
			return &c
		}
		list = append(list, x)
	}
	if len(list) > 0 {
		step.choose(list)
	}
	c.steps = append(slices.Clip(c.steps), step)
	return &c
}

// bound sets a bound on the field that was named last.
func (s *querySpec) bound(put func(*KeyBuilder), least bool) *querySpec {
	c := *s
	last := len(c.steps) - 1
	x, ok := c.key(last, put)
	if !ok {
		return &c
	}
	c.steps = slices.Clone(c.steps)
	c.steps[last].bound(x, least)
	return &c
}

// key encodes a value of field i. It reports false when the query has an error.
func (s *querySpec) key(i int, put func(*KeyBuilder)) (x keyText, ok bool) {
	if s.err != nil {
		return keyText{}, false
	}
	if i >= len(s.index.fields) {
		s.err = fmt.Errorf("partition %s has only %d fields", s.index.name, len(s.index.fields))
		return keyText{}, false
	}
	var k KeyBuilder
	put(&k)
	x, s.err = newKeyText(&k, s.index.fields, i)
	return x, s.err == nil
}

// stretches are the ranges of keys that hold the entries of a query, in the order
// of keys.
func stretches(root string, fields []string, steps []narrowing) []keyRange {
	prefixes := []string{root}
	for i, s := range steps {
		if s.chosen {
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
			ranges = append(ranges, s.stretch(prefix, string(appendKeyName(nil, fields[i]))+"="))
		}
		return ranges
	}
	ranges := make([]keyRange, len(prefixes))
	for i, prefix := range prefixes {
		ranges[i] = keyRange{prefix: prefix}
	}
	return ranges
}

// stretch is the range of keys of the values of one field, which begin with a
// prefix and the field's name.
func (s *narrowing) stretch(prefix, name string) keyRange {
	kr := keyRange{prefix: prefix + name}
	if s.prefix != nil {
		stem, _ := s.prefix.stem(prefix)
		if s.prefix.desc {
			stem = strings.TrimSuffix(stem, "~") // which ends the text
		}
		kr.prefix = stem
	}
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
	return kr
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

// exact reports whether the steps name one combination of values of all fields,
// where each document has one place.
func exact(fields []string, steps []narrowing) bool {
	return len(steps) == len(fields) && !slices.ContainsFunc(steps, func(s narrowing) bool { return len(s.values) != 1 })
}

// isAt reports whether a document is where an entry says, and within the steps.
func (x *index) isAt(d document, path string, steps []narrowing) (bool, error) {
	var k KeyBuilder
	now, err := x.path(&k, d)
	if err != nil || now != path {
		return false, err
	}
	for i, s := range steps {
		if !s.holds(k.keyText(i)) {
			return false, nil
		}
	}
	return true, nil
}

// Distinct returns the values of a partition's first field that documents have,
// in the order of keys, with 1 LIST and about 1 GET for each value. value reads
// the field from a document. Documents that are not in the partition, because
// another one of its fields is absent, do not count. Generated code calls it.
func Distinct[T any, ID ~string, I, P, V any](ctx context.Context, c *Collection[T, ID, I, P], name string, value func(*T) V) ([]V, error) {
	read := func(ctx context.Context) (any, error) {
		var list []V
		err := c.engine.distinct(ctx, name, func(d document) { list = append(list, value(of[T](d))) })
		return list, err
	}
	return run(ctx, c.engine, MethodDistinct, &Call[struct{}, []V]{}, nil, read)
}

// partition returns the partition of a name.
func (c *engine) partition(name string) (*indexInfo, error) {
	i := slices.IndexFunc(c.partitions, func(x indexInfo) bool { return x.name == name })
	if i < 0 {
		return nil, configError("there is no partition %q", name)
	}
	return &c.partitions[i], nil
}

// distinct visits one document for each value of a partition's first field.
func (c *engine) distinct(ctx context.Context, name string, visit func(document)) error {
	const op = "distinct"
	index, err := c.partition(name)
	if err != nil {
		return c.fail(op, "", err)
	}
	root := entryPrefix(c.db.prefix, c.model.Resource, name, "")
	for from := ""; ; {
		// The next document in the partition has the next value.
		s := c.scan(ctx, &reading{access: access{kind: accessPartition, index: index}, spec: &querySpec{}, source: func(ctx context.Context) source {
			return c.entries(ctx, name, []keyRange{{prefix: root, from: from}}, listing{first: 1})
		}}, 1, streamOptions{batch: 1, concurrency: 1})
		f, ok := s.next()
		s.close()
		switch {
		case !ok:
			return nil
		case f.err != nil:
			return c.fail(op, f.item.id, f.err)
		}
		visit(f.doc)
		segment, _, _ := strings.Cut(f.item.path, "/")
		from = root + strings.TrimSuffix(segment, string(keyEnd)) + afterEnd
	}
}
