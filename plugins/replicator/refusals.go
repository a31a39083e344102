package replicator

import (
	"cmp"
	"context"
	"maps"
	"slices"
)

// Refusals collect what a target refuses in one call of Apply, and keep the changes
// that follow a refused one of their document from being sent. They are for one
// goroutine.
type Refusals struct {
	changes []Change
	list    map[int]Rejection
	first   map[refusedDocument]int // the first refused change of a document
}

type refusedDocument struct{ resource, id string }

// NewRefusals returns those of a call with these changes, none yet.
func NewRefusals(changes []Change) *Refusals {
	return &Refusals{changes: changes, list: map[int]Rejection{}, first: map[refusedDocument]int{}}
}

func (r *Refusals) document(i int) refusedDocument {
	return refusedDocument{r.changes[i].Resource, r.changes[i].ID}
}

// Refuse notes that the target refuses a change for good.
func (r *Refusals) Refuse(index int, reason string) {
	r.list[index] = Rejection{Index: index, Reason: reason}
	d := r.document(index)
	if at, ok := r.first[d]; !ok || index < at {
		r.first[d] = index
	}
}

// Skip reports whether a change must not be sent (any more): because it was refused, or
// because it follows one of its document that was, and then is held back.
func (r *Refusals) Skip(index int) bool {
	at, ok := r.first[r.document(index)]
	if !ok || index < at {
		return false
	}
	if _, refused := r.list[index]; !refused {
		r.list[index] = Rejection{Index: index, Reason: "follows a rejected change of its document", Held: true}
	}
	return true
}

// List returns what was refused and held back, by index. It is nil when nothing was.
func (r *Refusals) List() []Rejection {
	return slices.SortedFunc(maps.Values(r.list), func(a, b Rejection) int { return cmp.Compare(a.Index, b.Index) })
}

// Halve sends changes, given by ascending indexes, to a target that takes all of a batch
// or nothing and does not say which change it refuses. reason tells of an error of send
// whether a change is at fault, and why. Then the first half is sent and after it the second,
// down to single changes, which are refused. Any other error ends it.
//
// One bad change among n costs at most 2·log₂ n batches more.
func (r *Refusals) Halve(ctx context.Context, indexes []int, send func(context.Context, []int) error, reason func(error) (string, bool)) error {
	left := make([]int, 0, len(indexes))
	for _, i := range indexes {
		if !r.Skip(i) {
			left = append(left, i)
		}
	}
	if len(left) == 0 {
		return nil
	}
	err := send(ctx, left)
	if err == nil {
		return nil
	}
	why, atFault := reason(err)
	switch {
	case !atFault:
		return err
	case len(left) == 1:
		r.Refuse(left[0], why)
		return nil
	}
	half := len(left) / 2
	if err := r.Halve(ctx, left[:half], send, reason); err != nil {
		return err
	}
	return r.Halve(ctx, left[half:], send, reason)
}
