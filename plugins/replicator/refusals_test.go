package replicator_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
)

// TestHalve: bad changes are found and refused, what follows them in their document is
// held back, and all others are sent once, in order.
func TestHalve(t *testing.T) {
	t.Parallel()
	var changes []replicator.Change
	for i := range 16 {
		changes = append(changes, replicator.Change{Resource: "users", ID: fmt.Sprint(i % 8)})
	}
	bad := []int{3, 12} // of the documents 3 and 4
	r := replicator.NewRefusals(changes)
	errBad := errors.New("bad")
	var sent []int
	batches := 0
	all := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	err := r.Halve(t.Context(), all, func(_ context.Context, indexes []int) error {
		batches++
		if slices.ContainsFunc(indexes, func(i int) bool { return slices.Contains(bad, i) }) {
			return errBad
		}
		sent = append(sent, indexes...)
		return nil
	}, func(err error) (string, bool) { return "because", errors.Is(err, errBad) })
	if err != nil {
		t.Fatal(err)
	}
	if want := []int{0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15}; !slices.Equal(sent, want) {
		t.Errorf("sent %v, want %v", sent, want)
	}
	want := []replicator.Rejection{{Index: 3, Reason: "because"}, {Index: 11, Reason: "follows a rejected change of its document", Held: true}, {Index: 12, Reason: "because"}}
	if diff := cmp.Diff(want, r.List()); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
	if batches > 1+2*2*4 {
		t.Errorf("%d batches", batches)
	}
}

func TestHalveEnds(t *testing.T) {
	t.Parallel()
	r := replicator.NewRefusals(make([]replicator.Change, 4))
	errDown := errors.New("down")
	calls := 0
	err := r.Halve(t.Context(), []int{0, 1, 2, 3}, func(context.Context, []int) error {
		calls++
		return errDown
	}, func(error) (string, bool) { return "", false })
	if !errors.Is(err, errDown) || calls != 1 || r.List() != nil {
		t.Errorf("%v after %d calls, refused %v", err, calls, r.List())
	}
}
