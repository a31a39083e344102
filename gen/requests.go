package gen

import (
	"fmt"
	"strconv"
	"strings"
)

// Requests is a number of requests to S3 of each kind.
type Requests struct{ Get, Head, Put, Delete, DeleteMany, List int }

// String names the kinds that occur: "1 GET + 2 PUT".
func (r Requests) String() string {
	var parts []string
	for _, kind := range []struct {
		n    int
		name string
	}{{r.List, "LIST"}, {r.Get, "GET"}, {r.Head, "HEAD"}, {r.Put, "PUT"}, {r.Delete, "DELETE"}, {r.DeleteMany, "DELETE of several"}} {
		if kind.n > 0 {
			parts = append(parts, strconv.Itoa(kind.n)+" "+kind.name)
		}
	}
	return strings.Join(parts, " + ")
}

// OperationKind names an operation of the generated client.
type OperationKind string

// The operations of Operations.
const (
	OpGet        OperationKind = "get a document"
	OpExists     OperationKind = "ask whether a document exists"
	OpInsert     OperationKind = "insert"
	OpUpdate     OperationKind = "update"
	OpUpdateFrom OperationKind = "update a document that is held"
	OpMove       OperationKind = "update every attribute"
	OpUpsertNew  OperationKind = "upsert a document that is new"
	OpUpsert     OperationKind = "upsert a document that exists"
	OpDelete     OperationKind = "delete"
	OpList       OperationKind = "list documents"
	OpCount      OperationKind = "count documents"
	OpPage       OperationKind = "read a page"
	OpLookup     OperationKind = "find by a unique value"
	OpPartition  OperationKind = "list documents of a partition"
	OpTally      OperationKind = "count documents of a partition"
	OpSweep      OperationKind = "sweep when nothing has expired"
)

// Numbers of documents that Operations counts with.
const (
	ListDocuments = 1000 // of a list and a count
	PageDocuments = 20   // of a page and of a place in a partition
)

// Operation is what an operation of a resource costs.
type Operation struct {
	Kind     OperationKind
	Index    *IndexReference // of OpLookup, OpPartition and OpTally
	Call     string          // on the collection
	Requests Requests
}

// Operations returns what each operation costs when documents have a value for
// every partition and unique constraint: one without needs fewer. An update under
// timestamps on another day than the last moves the entry of byUpdatedDate as well.
func (r *ResourceReference) Operations() []Operation {
	p, k := len(r.Partitions), len(r.Uniques)
	exists, count := Requests{Head: 1}, Requests{List: 1}
	if r.Expiry != "" { // documents tell whether they have expired
		p++
		exists, count = Requests{Get: 1}, Requests{List: 1, Get: ListDocuments}
	}
	list := []Operation{
		{Kind: OpGet, Call: "Get(ctx, id)", Requests: Requests{Get: 1}},
		{Kind: OpExists, Call: "Exists(ctx, id)", Requests: exists},
		{Kind: OpInsert, Call: "Insert(ctx, input)", Requests: Requests{Put: 1 + p + k}},
		{Kind: OpUpdate, Call: "Update(ctx, id, patch)", Requests: Requests{Get: 1, Put: 1}},
		{Kind: OpUpdateFrom, Call: "UpdateFrom(ctx, " + paramName(r.Document) + ", patch)", Requests: Requests{Put: 1}},
	}
	if m := r.movable; m != (movable{}) {
		list = append(list, Operation{Kind: OpMove, Call: "Update(ctx, id, patch)", Requests: removed(
			Requests{Get: 1, Put: 1 + m.partitions + m.uniques, Delete: m.uniques}, m.partitions)})
	}
	list = append(list,
		Operation{Kind: OpUpsertNew, Call: "Upsert(ctx, id, input)", Requests: Requests{Get: 1, Put: 1 + p + k}},
		Operation{Kind: OpUpsert, Call: "Upsert(ctx, id, input)", Requests: Requests{Get: 1, Put: 1}},
		Operation{Kind: OpDelete, Call: "Delete(ctx, id)", Requests: removed(Requests{Get: 1, Put: 1, Delete: k}, p)},
		Operation{Kind: OpList, Call: "Query().List(ctx)", Requests: Requests{List: 1, Get: ListDocuments}},
		Operation{Kind: OpCount, Call: "Query().Count(ctx)", Requests: count},
		Operation{Kind: OpPage, Call: fmt.Sprintf("Query().Page(ctx, %d)", PageDocuments), Requests: Requests{List: 1, Get: PageDocuments}},
	)
	for _, x := range r.Uniques {
		list = append(list, Operation{Kind: OpLookup, Index: x, Call: x.Call, Requests: Requests{Get: 2}})
	}
	for _, x := range r.Partitions {
		list = append(list,
			Operation{Kind: OpPartition, Index: x, Call: x.Call + ".List(ctx)", Requests: Requests{List: 1, Get: PageDocuments}},
			Operation{Kind: OpTally, Index: x, Call: x.Call + ".Count(ctx)", Requests: Requests{List: 1, Get: PageDocuments}})
	}
	if r.Expiry != "" {
		list = append(list, Operation{Kind: OpSweep, Call: "Sweep(ctx, options)", Requests: Requests{List: 1}})
	}
	return list
}

// removed adds the request that removes the entries of a document.
func removed(r Requests, entries int) Requests {
	switch {
	case entries == 1:
		r.Delete++
	case entries > 1:
		r.DeleteMany++
	}
	return r
}
