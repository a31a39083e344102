package s3db

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
)

// Order is an order of documents by one attribute; see [OrderedAttr.Asc]. D is the
// pointer to a document.
type Order[D any] struct{ ordering ordering }

// ordering is an Order with the type of the documents forgotten.
type ordering struct {
	path string
	desc bool
	put  func(*KeyBuilder, any)
}

// String returns the attribute's path, and "desc" after it where it is so.
func (o ordering) String() string {
	if o.desc {
		return o.path + " desc"
	}
	return o.path
}

// DefaultSortLimit is the number of documents that a query sorts in memory unless
// SortLimit says otherwise.
const DefaultSortLimit = 10_000

// rank is the place of a document in an order: its values, as texts that sort as
// they do, and its id. A value that is not there is nil.
type rank struct {
	values [][]byte
	id     string
}

func rankOf(order []ordering, d any, id string) rank {
	r := rank{id: id}
	for _, o := range order {
		var k KeyBuilder
		o.put(&k, d)
		if k.absent {
			r.values = append(r.values, nil)
		} else {
			r.values = append(r.values, append([]byte{}, k.text...))
		}
	}
	return r
}

// compareRanks orders documents; those with the same values are in the order of
// their ids.
func compareRanks(order []ordering, a, b rank) int {
	for i, o := range order {
		x, y := a.values[i], b.values[i]
		switch {
		case x == nil && y == nil:
			continue
		case x == nil:
			return 1
		case y == nil:
			return -1
		}
		if c := bytes.Compare(x, y); c != 0 {
			if o.desc {
				return -c
			}
			return c
		}
	}
	return cmp.Compare(a.id, b.id)
}

type ranked struct {
	rank rank
	doc  any
}

// sorter keeps the first documents of an order: no more than most of them, or all when
// most is negative; then it fails above limit.
type sorter struct {
	order []ordering
	most  int
	limit int
	list  []ranked
}

// add takes one more document.
func (s *sorter) add(r rank, d any) error {
	s.list = append(s.list, ranked{r, d})
	if s.most >= 0 && s.most <= s.limit {
		if len(s.list) > 2*s.most+16 {
			s.cut()
		}
		return nil
	}
	if len(s.list) > s.limit {
		return fmt.Errorf("%w: no key has the order of the query, and more than %d documents would be sorted in memory: "+
			"narrow the query or give it a Limit, declare a partition that has this order, or raise SortLimit", ErrSortLimit, s.limit)
	}
	return nil
}

// cut sorts the documents and drops those that cannot be among the first.
func (s *sorter) cut() {
	slices.SortFunc(s.list, func(a, b ranked) int { return compareRanks(s.order, a.rank, b.rank) })
	if s.most >= 0 && len(s.list) > s.most {
		clear(s.list[s.most:])
		s.list = s.list[:s.most]
	}
}
