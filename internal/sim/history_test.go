package sim

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// history is what the clients of one schedule asked for and were told, in the
// order of real time.
type history struct {
	clock   atomic.Int64
	mu      sync.Mutex
	records []record
}

// record is one operation with the times at which it began and ended.
type record struct {
	client    int
	cmd       command
	res       result
	call, end int64
}

func (h *history) add(client int, cmd command, run func() result) result {
	r := record{client: client, cmd: cmd, call: h.clock.Add(1)}
	r.res = run()
	r.end = h.clock.Add(1)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.records = append(h.records, r.parts()...)
	return r.res
}

// parts are the records of what a bulk operation did to each document: it is as
// many operations as it has documents, in no order.
func (r record) parts() []record {
	one, ids := command{}, r.cmd.ids
	switch r.cmd.op {
	case opDeleteMany:
		one.op = opDelete
	case opDeleteAll:
		one.op, ids = opWipe, simIDs
	default:
		return []record{r}
	}
	var list []record
	for _, id := range ids {
		part := r
		part.cmd = one
		part.cmd.id = id
		part.res = result{err: itemError(r.res.err, id)}
		list = append(list, part)
	}
	return list
}

// itemError is what the error of a bulk operation says of one document.
func itemError(err error, id string) error {
	bulk, ok := errors.AsType[*s3db.BulkError](err)
	switch {
	case err == nil:
		return nil
	case !ok: // the operation ended early, and does not say with which document
		return errors.Join(s3db.ErrUnknownOutcome, err)
	}
	i := slices.IndexFunc(bulk.Failed, func(x s3db.ItemError) bool { return x.ID == id })
	if i < 0 {
		return nil
	}
	return bulk.Failed[i].Err
}

// unknown reports whether a write may have been applied, or may be later.
func (r record) unknown() bool {
	return r.cmd.op.writes() && errors.Is(r.res.err, s3db.ErrUnknownOutcome)
}

// String prints the record as a line of a trace.
func (r record) String() string {
	var found []string
	for _, f := range r.res.found {
		found = append(found, fmt.Sprintf("%s %+v", f.id, f.content))
	}
	return fmt.Sprintf("[%d-%d] client %d: %s -> %s %v", r.call, r.end, r.client, r.cmd, strings.Join(found, "; "), r.res.err)
}

// step is one operation on one register: the states it may lead to from a state,
// none if it cannot have happened there.
type step[S any] struct {
	what string
	next func(S) []S
}

// registers are the histories of objects that can be checked one by one.
type registers[S comparable] map[string][]porcupine.Operation

func (g registers[S]) add(name string, r record, what string, next func(S) []S) {
	op := porcupine.Operation{ClientId: r.client, Call: r.call, Return: r.end, Input: step[S]{what: what, next: next}}
	if r.unknown() {
		op.Return = math.MaxInt64
	}
	g[name] = append(g[name], op)
}

// check returns the registers whose history is not linearizable.
func (g registers[S]) check() []string {
	var zero S
	spec := porcupine.NondeterministicModel{
		Init: func() []any { return []any{zero} },
		Step: func(state, input, _ any) []any {
			var out []any
			for _, s := range input.(step[S]).next(state.(S)) {
				out = append(out, s)
			}
			return out
		},
		Equal: func(a, b any) bool { return a == b },
	}
	model := spec.ToModel()
	var bad []string
	for name, ops := range g {
		switch porcupine.CheckOperationsTimeout(model, ops, time.Minute) {
		case porcupine.Ok:
		case porcupine.Illegal:
			bad = append(bad, fmt.Sprintf("%s is not linearizable:\n%s", name, explain[S](ops)))
		case porcupine.Unknown:
			bad = append(bad, fmt.Sprintf("%s could not be checked within a minute", name))
		}
	}
	sort.Strings(bad)
	return bad
}

func explain[S any](ops []porcupine.Operation) string {
	ops = slices.Clone(ops)
	sort.Slice(ops, func(i, j int) bool { return ops[i].Call < ops[j].Call })
	var b strings.Builder
	for _, op := range ops {
		fmt.Fprintf(&b, "    %s\n", op.Input.(step[S]).what)
	}
	return b.String()
}

func when[S any](ok bool, s S) []S {
	if ok {
		return []S{s}
	}
	return nil
}

// documents makes a register of each id.
func (h *history) documents(ids []string) registers[document] {
	g := registers[document]{}
	for _, r := range h.records {
		switch r.cmd.op {
		case opList:
			if r.res.err != nil {
				continue
			}
			for _, id := range ids {
				g.add(id, r, r.String(), listed(id, r))
			}
		case opLookup:
			for _, f := range r.res.found {
				g.add(f.id, r, r.String(), holds(f.content))
			}
		case opGet:
			g.add(r.cmd.id, r, r.String(), got(r.res))
		case opContent:
			g.add(r.cmd.id, r, r.String(), gotContent(r.res))
		default:
			g.add(r.cmd.id, r, r.String(), written(r))
		}
	}
	return g
}

func holds(c content) func(document) []document {
	return func(d document) []document { return when(d.live && d.content == c, d) }
}

func got(res result) func(document) []document {
	return func(d document) []document {
		switch {
		case res.err == nil:
			return when(d.live && d.content == res.found[0].content, d)
		case errors.Is(res.err, s3db.ErrNotFound):
			return when(!d.live, d)
		}
		return []document{d}
	}
}

// gotContent says that a read gets the whole content that the document had at some
// moment.
func gotContent(res result) func(document) []document {
	return func(d document) []document {
		switch {
		case res.err == nil:
			return when(d.live && d.blob == res.found[0].blob, d)
		case errors.Is(res.err, s3db.ErrNotFound):
			return when(!d.live || d.blob == "", d)
		}
		return []document{d}
	}
}

// listed says that a listing of a partition returns a document as it was at some
// moment while it was in the partition, and leaves out only one that was not in it
// at some moment.
func listed(id string, r record) func(document) []document {
	i := slices.IndexFunc(r.res.found, func(f located) bool { return f.id == id })
	if i >= 0 && slices.ContainsFunc(r.res.found[i+1:], func(f located) bool { return f.id == id }) {
		return func(document) []document { return nil } // twice
	}
	if r.cmd.value == "" {
		if i >= 0 {
			return holds(r.res.found[i].content)
		}
		// One that moved from what was still to be listed to what was listed already
		// is missing, although it always was in some country.
		return func(d document) []document { return []document{d} }
	}
	if i >= 0 && r.res.found[i].country == r.cmd.value {
		return holds(r.res.found[i].content)
	}
	return func(d document) []document { return when(i < 0 && !(d.live && d.country == r.cmd.value), d) }
}

// written says what a write does to its document, and when it may be refused.
func written(r record) func(document) []document {
	return func(d document) []document {
		next, err := r.cmd.apply(d)
		switch sentinel(r.res.err) {
		case nil:
			if err != nil || (next.live && next.content != r.res.found[0].content) {
				return nil
			}
			return []document{next}
		case s3db.ErrUnknownOutcome: //nolint:errorlint // sentinel returns the sentinel itself
			if err != nil {
				return []document{d}
			}
			return []document{d, next}
		case s3db.ErrNotFound, s3db.ErrAlreadyExists:
			return when(errors.Is(r.res.err, sentinelOr(err)), d)
		case s3db.ErrConflict:
			return when(r.cmd.ifMatch == "" || d.erased || errors.Is(err, s3db.ErrConflict), d)
		}
		return []document{d} // refused before it had an effect
	}
}

var errNone = errors.New("no error")

func sentinelOr(err error) error {
	if err == nil {
		return errNone
	}
	return err
}

// claims makes a register of each unique value: the id of the document that
// holds it, "" for none.
func (h *history) claims(constraints, values []string) registers[string] {
	g := registers[string]{}
	for _, r := range h.records {
		for _, constraint := range constraints {
			for _, v := range values {
				if next := claimStep(r, constraint, v); next != nil {
					g.add(constraint+"="+v, r, r.String(), next)
				}
			}
		}
	}
	return g
}

// claimStep says what an operation tells of one unique value; nil for nothing.
func claimStep(r record, constraint, v string) func(string) []string {
	id := r.cmd.id
	switch {
	case r.cmd.op == opLookup && constraint == "email" && r.cmd.value == v:
		switch {
		case r.res.err == nil:
			return func(holder string) []string { return when(holder == r.res.found[0].id, holder) }
		case errors.Is(r.res.err, s3db.ErrNotFound):
			return func(holder string) []string { return when(holder == "", holder) }
		}
		return nil
	case r.cmd.op == opContent:
		return nil
	case r.cmd.op == opGet:
		if r.res.err == nil && *r.res.found[0].field(constraint) == v {
			return func(holder string) []string { return when(holder == id, holder) }
		}
		return nil
	case !r.cmd.op.writes():
		return nil
	}
	to, sets := r.cmd.sets(constraint)
	if !sets {
		return nil
	}
	free := func(holder string) bool { return holder == "" || holder == id }
	switch kind := sentinel(r.res.err); {
	case kind == s3db.ErrUnique && to == v && refusedField(r.res.err) == constraint: //nolint:errorlint // kind is a sentinel itself
		return func(holder string) []string { return when(!free(holder), holder) }
	case kind != nil && !r.unknown():
		return nil
	case to == v && kind == nil:
		return func(holder string) []string { return when(free(holder), id) }
	case to == v:
		return func(holder string) []string { return append(when(free(holder), id), holder) }
	case kind == nil:
		return func(holder string) []string { return []string{without(holder, id)} }
	default:
		return func(holder string) []string {
			if holder == id {
				return []string{"", holder}
			}
			return []string{holder}
		}
	}
}

func without(holder, id string) string {
	if holder == id {
		return ""
	}
	return holder
}

func refusedField(err error) string {
	if e, ok := errors.AsType[*s3db.Error](err); ok {
		return e.Field
	}
	return ""
}
