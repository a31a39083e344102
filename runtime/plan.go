package s3db

import (
	"fmt"
	"strings"
)

// Plan tells how a query would be run. It holds no values, so that it may go into
// a log.
type Plan struct {
	Resource string
	// Access is the way to the documents: "resource" (all of them, or a stretch of
	// ids), "ids", "unique", "partition" or "nothing".
	Access string
	// Index is the partition or unique constraint, or "".
	Index string
	// Keys are the predicates that choose what is read.
	Keys []string
	// Filters are the predicates that are decided on each document after it was
	// read.
	Filters []string
	// Order is the order of the result.
	Order []string
	// InMemory: the result is sorted in memory.
	InMemory bool
	// Known: Requests are those of the query, if all documents are there. Otherwise
	// they depend on what is stored, see For.
	Known bool
	// Requests are those of reading the documents; with an unknown number of
	// documents, those of a result of up to 1,000.
	Requests RequestCounts
	// Count are the requests of counting instead, as Requests are those of reading.
	Count RequestCounts

	limit, offset int
	perItem       int  // GETs for each document
	lists         bool // there is something to list
	inKeys        bool // counting reads no documents, and neither does an offset
}

// For returns the requests of reading the query's documents when n of them, or of
// their entries, lie where it reads.
func (p Plan) For(n int) RequestCounts { return p.cost(n, false) }

func (p Plan) cost(n int, count bool) RequestCounts {
	read, listed := n, n
	if p.limit >= 0 && len(p.Filters) == 0 && !p.InMemory {
		read, listed = min(n, p.offset+p.limit), min(n, p.offset+p.limit+1)
	}
	if p.inKeys {
		read = max(0, read-p.offset)
	}
	var c RequestCounts
	if p.limit == 0 {
		return c
	}
	if p.lists {
		c.List = int64(max(1, (listed+maxPage-1)/maxPage))
	}
	if !count || !p.inKeys {
		c.Get = int64(read * p.perItem)
	}
	return c
}

// Dollars is the price of Requests, see [RequestCounts.Dollars].
func (p Plan) Dollars() float64 { return p.Requests.Dollars() }

// String tells the plan in a few lines.
func (p Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: ", p.Resource)
	switch p.Access {
	case accessResource.String():
		b.WriteString("list all documents")
		if len(p.Keys) > 0 {
			b.WriteString(" of a range of ids")
		}
	case accessIDs.String():
		b.WriteString("get documents by their ids")
	case accessUnique.String():
		fmt.Fprintf(&b, "look up the unique %s", p.Index)
	case accessPartition.String():
		fmt.Fprintf(&b, "list the partition %s", p.Index)
	default:
		b.WriteString("nothing can match")
	}
	line := func(name string, list []string, sep string) {
		if len(list) > 0 {
			fmt.Fprintf(&b, "\n  %-7s %s", name, strings.Join(list, sep))
		}
	}
	line("keys", p.Keys, " and ")
	line("filter", p.Filters, " and ")
	order := p.Order
	if p.InMemory {
		order = []string{strings.Join(p.Order, ", ") + " (sorted in memory)"}
	}
	line("order", order, ", ")
	about := ""
	if !p.Known {
		about = ", when it reads 1,000 documents"
	}
	line("cost", []string{fmt.Sprintf("%d LIST + %d GET = %s%s", p.Requests.List, p.Requests.Get, ClassStandard.Prices().Of(p.Requests), about)}, "")
	return b.String()
}

// String names the way.
func (k accessKind) String() string {
	return [...]string{
		accessResource: "resource", accessIDs: "ids", accessUnique: "unique", accessPartition: "partition", accessNothing: "nothing",
	}[k]
}

// plan tells the way of a query.
func (c *engine) plan(s *querySpec) Plan {
	a := c.choose(s)
	p := Plan{
		Resource: c.model.Resource, Access: a.kind.String(), InMemory: !a.sorted,
		limit: s.limit, offset: s.offset, perItem: 1,
		lists:  a.kind == accessResource || a.kind == accessPartition,
		inKeys: c.inKeys(a, s),
	}
	if a.index != nil {
		p.Index = a.index.name
		for i, step := range s.steps {
			if step.narrows() {
				p.Keys = append(p.Keys, step.describe(a.index.fields[i]))
			}
		}
	}
	for _, n := range a.pushed {
		p.Keys = append(p.Keys, n.String())
	}
	for _, n := range a.filters {
		p.Filters = append(p.Filters, n.String())
	}
	for _, o := range s.order {
		p.Order = append(p.Order, o.String())
	}
	n := maxPage
	switch a.kind {
	case accessUnique:
		p.perItem = 2
		n, p.Known = len(a.values), true
	case accessIDs:
		n, p.Known = len(a.values), true
	case accessNothing:
		n, p.Known = 0, true
	default:
		p.Known = s.limit >= 0 && len(a.filters) == 0 && a.sorted
		if p.Known {
			n = s.offset + s.limit + 1
		}
	}
	p.Requests, p.Count = p.cost(n, false), p.cost(n, true)
	return p
}

// describe tells a step of a partition without its values.
func (s *narrowing) describe(path string) string {
	switch {
	case s.chosen && len(s.values) == 1:
		return node{op: opEq, path: path}.String()
	case s.chosen:
		return node{op: opIn, path: path, values: make([]func(*KeyBuilder), len(s.values))}.String()
	}
	return path + " in a range"
}
