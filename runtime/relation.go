package s3db

import (
	"cmp"
	"context"
	"errors"
	"slices"
)

// LoadOne returns, for each document, the document of from whose id it holds, in the
// order of the documents; nil where it holds none. Each different id is read once, in
// parallel, by GetMany of from, with 1 request, however many documents hold it; those
// share what was read. Where a document is missing or cannot be read the result holds
// nil, and the error is a *BulkError that names each such place; errors.Is with
// ErrNotFound reports that some are missing. Generated code calls it.
func LoadOne[T, U any, ID ~string, I, P any](ctx context.Context, documents []*T, from *Collection[U, ID, I, P], held func(*T) *ID) ([]*U, error) {
	n := len(documents)
	b := newBatch(n, func(i int) (string, bool) {
		if documents[i] == nil {
			return "", false
		}
		id := held(documents[i])
		if id == nil {
			return "", false
		}
		return string(*id), true
	})
	loaded := make([]*U, n)
	if len(b.ids) == 0 {
		return loaded, nil
	}
	ids := make([]ID, len(b.ids))
	for i, id := range b.ids {
		ids[i] = ID(id)
	}
	found, err := from.GetMany(ctx, ids...)
	failed, err := b.spread("load", from.Name(), err)
	for i, at := range b.at {
		if at >= 0 && at < len(found) && failed[at] == nil {
			loaded[i] = found[at]
		}
	}
	return loaded, err
}

// LoadMany returns, for each document, the documents of from that belong to it, in the
// order of the documents; those of one are in the order of the partition that finds
// them. where are predicates that they must satisfy. Each different document is looked
// up once, in parallel, with 1 LIST for every 1,000 entries and 1 GET for each
// document found. Where that fails the result holds nil, and the error is a *BulkError
// that names each such place. While the partition is incomplete
// ([ResourceVersion].Incomplete), all documents of from are read once for every 256
// documents. Generated code calls it.
func LoadMany[T, U any, ID, CID ~string, I, P any](ctx context.Context, documents []*T, id func(*T) *ID, from *Collection[U, CID, I, P], partition string, held func(*U) *ID, where []Predicate[*U]) ([][]*U, error) {
	b := newBatch(len(documents), func(i int) (string, bool) {
		if documents[i] == nil {
			return "", false
		}
		return string(*id(documents[i])), true
	})
	each := 1
	if !from.engine.seen().complete(partitionName(partition)) {
		each = maxStretches
	}
	groups := slices.Collect(slices.Chunk(b.ids, each))
	lists := make([][]*U, len(b.ids))
	errs := make([]error, len(b.ids))
	parallel(len(groups), from.engine.db.options.concurrency, func(g int) {
		ids := make([]ID, len(groups[g]))
		for i, id := range groups[g] {
			ids[i] = ID(id)
		}
		first := g * each
		found, err := InPartition(from, partition, KeyID[ID], ids...).Where(where...).Collect(ctx)
		for i := range ids {
			errs[first+i] = err
		}
		for _, d := range found {
			held := held(d)
			if held == nil || err != nil {
				continue
			}
			if i := slices.Index(ids, *held); i >= 0 { // else a hook has changed it
				lists[first+i] = append(lists[first+i], d)
			}
		}
	})
	bulk := &BulkError{Op: "load", Resource: from.Name(), Total: len(b.ids)}
	for i, err := range errs {
		bulk.add(i, b.ids[i], err)
	}
	loaded := make([][]*U, len(documents))
	for i, at := range b.at {
		if at >= 0 {
			loaded[i] = lists[at]
		}
	}
	_, err := b.spread("load", from.Name(), bulk.orNil())
	return loaded, err
}

// batch is the different ids that a list of documents holds.
type batch struct {
	ids []string // in the order in which they are first held
	at  []int    // for each document, the place of its id; -1 when it holds none
}

func newBatch(n int, held func(i int) (id string, ok bool)) *batch {
	b := &batch{at: make([]int, n)}
	places := make(map[string]int, n)
	for i := range n {
		id, ok := held(i)
		if !ok {
			b.at[i] = -1
			continue
		}
		at, seen := places[id]
		if !seen {
			at = len(b.ids)
			places[id] = at
			b.ids = append(b.ids, id)
		}
		b.at[i] = at
	}
	return b
}

// spread makes, of an error about ids, one about the documents that hold them. failed
// has the error of each id. Another error than a *BulkError is about all of them.
func (b *batch) spread(op, resource string, err error) (failed []error, spread error) {
	failed = make([]error, len(b.ids))
	if err == nil {
		return failed, nil
	}
	about, ok := errors.AsType[*BulkError](err)
	if !ok {
		for i := range failed {
			failed[i] = err
		}
		return failed, err
	}
	for _, f := range about.Failed {
		failed[f.Index] = f.Err
	}
	bulk := &BulkError{Op: op, Resource: resource, Total: len(b.at)}
	for i, at := range b.at {
		if at >= 0 {
			bulk.add(i, b.ids[at], failed[at])
		}
	}
	return failed, bulk.orNil()
}

// RefAt is an attribute that holds the id of a document of another resource.
func RefAt[D, O any, ID ~string](at Place[D, O], name string, get func(O) *ID) TextAttr[D, ID] {
	return TextAttr[D, ID]{OrderedAttr[D, ID]{equal(at, name, textKind[ID](), get)}}
}

// EncodeID writes an id. Generated code calls it.
func EncodeID[ID ~string](e *Encoder, n int, id ID) { e.String(n, string(id)) }

// DecodeID reads an id. Generated code calls it.
func DecodeID[ID ~string](d *Decoder, n int) ID { return ID(d.String(n)) }

// KeyID adds an id to a key. Generated code calls it.
func KeyID[ID ~string](k *KeyBuilder, id ID) { k.String(string(id)) }

// IDRules are the rules of an attribute that holds an id of another resource. Nobody
// looks whether there is such a document.
type IDRules[ID ~string] struct {
	Text StringRules // none of those that change a text
	Any  bool        // ids may hold any valid UTF-8 but NUL
}

// Check implements Rule.
func (r IDRules[ID]) Check(v *Validator, path string, value *ID) {
	text := string(*value)
	r.Text.Check(v, path, &text)
	if ValidateID(text, r.Any) != nil {
		v.Add(path, "id", "must be an id that a document can have")
	}
}

func (IDRules[ID]) changes(*Validator, *ID) bool { return false }

func (IDRules[ID]) repeats(v *Validator, items []ID) { reportRepeats(v, items, cmp.Compare) }
