package targettest

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
)

// Memory is a place in memory, and a [Place] for the suite. The zero Memory is
// empty. Its targets are safe for concurrent use.
type Memory struct {
	// Refuse gives the reason for which a change is refused; "" for none. A nil one
	// refuses documents that are no JSON object.
	Refuse func(c replicator.Change) string
	// Fail is asked before each Apply; an error is that of Apply.
	Fail func(ctx context.Context, changes []replicator.Change) error
	// Applied is told of each change that took effect, in order.
	Applied func(c replicator.Change)

	mu     sync.Mutex
	rows   map[rowKey]replicator.Change // the last change of each document
	source replicator.Source
}

type rowKey struct{ resource, id string }

// Target returns a target that writes to the place.
func (m *Memory) Target() replicator.Target { return memoryTarget{m} }

// Open implements [Place].
func (m *Memory) Open(*testing.T) replicator.Target { return m.Target() }

// Poison implements [Place].
func (m *Memory) Poison(c *replicator.Change) bool {
	c.After = json.RawMessage(`"no object"`)
	return true
}

// Documents implements [Place].
func (m *Memory) Documents(_ *testing.T, resource string) map[string]json.RawMessage {
	docs := map[string]json.RawMessage{}
	for _, c := range m.Rows(resource) {
		docs[c.ID] = c.After
	}
	return docs
}

// Rows returns the last change of each document of a resource that is not deleted,
// by the order of their ids.
func (m *Memory) Rows(resource string) []replicator.Change {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []replicator.Change
	for _, k := range slices.SortedFunc(maps.Keys(m.rows), func(a, b rowKey) int { return bytes.Compare([]byte(a.id), []byte(b.id)) }) {
		if c := m.rows[k]; k.resource == resource && c.Action != replicator.Delete {
			list = append(list, c)
		}
	}
	return list
}

// Source returns what Prepare was told last.
func (m *Memory) Source() replicator.Source {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.source
}

// Drop removes a document as somebody else might.
func (m *Memory) Drop(resource, id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.rows, rowKey{resource, id})
}

type memoryTarget struct{ place *Memory }

// Test implements [replicator.Target].
func (t memoryTarget) Test(ctx context.Context) error { return ctx.Err() }

// Prepare implements [replicator.Target].
func (t memoryTarget) Prepare(_ context.Context, s replicator.Source) error {
	t.place.mu.Lock()
	defer t.place.mu.Unlock()
	t.place.source = s
	return nil
}

// Apply implements [replicator.Target].
func (t memoryTarget) Apply(ctx context.Context, changes []replicator.Change) ([]replicator.Rejection, error) {
	m := t.place
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if m.Fail != nil {
		if err := m.Fail(ctx, changes); err != nil {
			return nil, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var rejected []replicator.Rejection
	held := map[rowKey]bool{}
	for i, c := range changes {
		k := rowKey{c.Resource, c.ID}
		if held[k] {
			rejected = append(rejected, replicator.Rejection{Index: i, Reason: "follows a rejected change", Held: true})
			continue
		}
		if reason := m.refuse(c); reason != "" {
			rejected = append(rejected, replicator.Rejection{Index: i, Reason: reason})
			held[k] = true
			continue
		}
		if last, ok := m.rows[k]; ok && last.Seq.Compare(c.Seq) >= 0 {
			continue
		}
		if m.rows == nil {
			m.rows = map[rowKey]replicator.Change{}
		}
		m.rows[k] = c
		if m.Applied != nil {
			m.Applied(c)
		}
	}
	return rejected, nil
}

func (m *Memory) refuse(c replicator.Change) string {
	if m.Refuse != nil {
		return m.Refuse(c)
	}
	if c.Action != replicator.Delete && !bytes.HasPrefix(c.After, []byte("{")) {
		return "the document is no JSON object"
	}
	return ""
}

// List implements [replicator.Lister].
func (t memoryTarget) List(_ context.Context, resource, after string) iter.Seq2[replicator.Listed, error] {
	return func(yield func(replicator.Listed, error) bool) {
		for _, c := range t.place.Rows(resource) {
			if c.ID > after && !yield(replicator.Listed{ID: c.ID, Revision: c.Revision, Seq: c.Seq}, nil) {
				return
			}
		}
	}
}

// Close implements [replicator.Target].
func (t memoryTarget) Close() error { return nil }
