// Package targettest is the conformance suite that every target of the replicator
// must pass, and a target in memory for tests.
package targettest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Place is one empty place to replicate to, made for one test.
type Place interface {
	// Open returns a target that writes to the place. The suite closes it.
	Open(t *testing.T) replicator.Target
	// Documents returns what the place has of a resource, as the documents' JSON by
	// id, without those that were deleted. For a queue it is what remains of its messages
	// when the larger Seq of a document wins.
	Documents(t *testing.T, resource string) map[string]json.RawMessage
	// Poison changes c, an insert of Accounts, so that the target refuses it for good. It
	// reports false when the target refuses nothing.
	Poison(c *replicator.Change) bool
}

// Accounts is the resource that the suite replicates: as it is under version 0, and
// under version 1, which adds the optional attribute email.
func Accounts(version int) replicator.Resource {
	r := replicator.Resource{
		Name: "accounts", Version: version, Timestamps: true, Routes: []replicator.Route{{}},
		Attributes: []replicator.Attribute{
			{Number: 1, Name: "name", Type: replicator.Type{Kind: "string"}},
			{Number: 2, Name: "age", Optional: true, Type: replicator.Type{Kind: "integer"}},
			{Number: 3, Name: "tags", Optional: true, Type: replicator.Type{Kind: "array", Items: &replicator.Type{Kind: "string"}}},
		},
	}
	if version > 0 {
		r.Attributes = append(r.Attributes, replicator.Attribute{Number: 4, Name: "email", Optional: true, Type: replicator.Type{Kind: "email"}})
	}
	return r
}

// shards is the number of shards of the suite's source.
const shards = 4

// Run runs the suite. open makes an empty place, once for each test.
func Run(t *testing.T, open func(t *testing.T) Place) {
	t.Helper()
	for name, test := range map[string]func(*suite){
		"changes":          (*suite).changes,
		"one batch":        (*suite).oneBatch,
		"prepare":          (*suite).prepareAgain,
		"duplicates":       (*suite).duplicates,
		"older":            (*suite).older,
		"older than a gap": (*suite).olderThanDeleted,
		"snapshot":         (*suite).snapshot,
		"values":           (*suite).values,
		"poison":           (*suite).poison,
		"evolution":        (*suite).evolution,
		"shards":           (*suite).concurrent,
		"cancelled":        (*suite).cancelled,
		"checkpoint":       (*suite).checkpoint,
		"list":             (*suite).list,
	} {
		t.Run(name, func(t *testing.T) {
			s := &suite{T: t, place: open(t)}
			s.target = s.reopen()
			test(s)
		})
	}
}

type suite struct {
	*testing.T
	place  Place
	target replicator.Target
}

// reopen returns another target for the same place, prepared, as after a restart.
func (s *suite) reopen() replicator.Target {
	s.Helper()
	target := s.place.Open(s.T)
	s.Cleanup(func() {
		if err := target.Close(); err != nil {
			s.Errorf("Close: %v", err)
		}
	})
	if err := target.Test(s.Context()); err != nil {
		s.Fatalf("Test: %v", err)
	}
	s.prepare(target, 0)
	return target
}

func (s *suite) prepare(target replicator.Target, version int) {
	s.Helper()
	source := replicator.Source{Database: "db1", Name: "suite", Shards: shards, Resources: []replicator.Resource{Accounts(version)}}
	if err := target.Prepare(s.Context(), source); err != nil {
		s.Fatalf("Prepare: %v", err)
	}
}

func (s *suite) apply(changes ...replicator.Change) {
	s.Helper()
	rejected, err := s.target.Apply(s.Context(), changes)
	if err != nil || len(rejected) > 0 {
		s.Fatalf("Apply: %v, %v", rejected, err)
	}
}

// want compares the documents of the place; docs are JSON.
func (s *suite) want(docs ...string) {
	s.Helper()
	want := map[string]any{}
	for _, d := range docs {
		v := value(s.T, json.RawMessage(d))
		m, _ := v.(map[string]any)
		want[fmt.Sprint(m["id"])] = v
	}
	got := map[string]any{}
	for id, d := range s.place.Documents(s.T, "accounts") {
		got[id] = value(s.T, d)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("documents (-want +got):\n%s", diff)
	}
}

// value is JSON as values that compare: times in one form, absent for null.
func value(t *testing.T, raw json.RawMessage) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	if m, ok := v.(map[string]any); ok {
		for k, x := range m {
			text, isText := x.(string)
			if at, err := time.Parse(time.RFC3339Nano, text); isText && err == nil && strings.HasSuffix(k, "At") {
				m[k] = at.UTC().Format(time.RFC3339Nano)
			}
			if x == nil {
				delete(m, k)
			}
		}
	}
	return v
}

// document is the JSON of an account; more are members after its name, such as
// `"age":3`.
func document(id, name string, more ...string) string {
	members := append(more, `"createdAt":"2026-11-30T10:00:00Z","updatedAt":"2026-11-30T11:00:00.123456Z"`)
	return fmt.Sprintf(`{"id":%s,"name":%s,%s}`, quoted(id), quoted(name), strings.Join(members, ","))
}

func quoted(s string) string {
	b, _ := json.Marshal(s) // a text has a JSON form
	return string(b)
}

func at(segment uint64, offset uint32) replicator.Seq {
	return replicator.Seq{Segment: segment, Offset: offset}
}

func change(seq replicator.Seq, action replicator.Action, id, before, after string) replicator.Change {
	c := replicator.Change{
		Seq: seq, Resource: "accounts", Action: action, ID: id,
		Revision: s3db.Revision("revision" + seq.String()[8:16] + seq.String()[17:]),
		Time:     time.Date(2026, 11, 30, 12, 0, int(seq.Segment), int(seq.Offset), time.UTC), //nolint:gosec // small
	}
	if before != "" {
		c.Before, c.Base = json.RawMessage(before), "base"
	}
	if after != "" {
		c.After = json.RawMessage(after)
	}
	return c
}

func insert(seq replicator.Seq, id, doc string) replicator.Change {
	return change(seq, replicator.Insert, id, "", doc)
}

func update(seq replicator.Seq, id, before, after string) replicator.Change {
	return change(seq, replicator.Update, id, before, after)
}

func remove(seq replicator.Seq, id, before string) replicator.Change {
	return change(seq, replicator.Delete, id, before, "")
}

func (s *suite) changes() {
	a, b := document("a", "Ada", `"age":36`), document("b", "Bob")
	s.apply(insert(at(1, 0), "a", a), insert(at(1, 1), "b", b))
	s.want(a, b)
	older := document("a", "Ada L.", `"tags":["x","y"]`)
	s.apply(update(at(2, 0), "a", a, older))
	s.want(older, b)
	s.apply(remove(at(3, 0), "b", b))
	s.want(older)
	s.apply(insert(at(4, 0), "b", document("b", "Bea")))
	s.want(older, document("b", "Bea"))
	s.apply()
	s.want(older, document("b", "Bea"))
}

func (s *suite) oneBatch() {
	one, two := document("a", "one", `"age":1`), document("a", "two")
	s.apply(
		insert(at(1, 0), "a", one), update(at(1, 1), "a", one, two), insert(at(1, 2), "b", document("b", "b")),
		remove(at(1, 3), "a", two), insert(at(1, 4), "a", one), remove(at(1, 5), "b", document("b", "b")),
	)
	s.want(one)
}

func (s *suite) prepareAgain() {
	s.apply(insert(at(1, 0), "a", document("a", "a")))
	s.prepare(s.target, 0)
	s.reopen()
	s.want(document("a", "a"))
}

func (s *suite) duplicates() {
	one, two := document("a", "one"), document("a", "two")
	batch := []replicator.Change{insert(at(1, 0), "a", one), update(at(1, 1), "a", one, two), insert(at(1, 2), "b", document("b", "b")), remove(at(1, 3), "b", document("b", "b"))}
	s.apply(batch...)
	s.apply(batch...)
	s.target = s.reopen()
	s.apply(batch[:2]...)
	s.apply(batch...)
	s.want(two)
}

func (s *suite) older() {
	one, two := document("a", "one"), document("a", "two")
	s.apply(update(at(10, 2), "a", one, two))
	s.apply(insert(at(2, 9), "a", one))
	s.want(two)
	s.apply(remove(at(10, 1), "a", one))
	s.want(two)
}

func (s *suite) olderThanDeleted() {
	one := document("a", "one")
	s.apply(insert(at(1, 0), "a", one), remove(at(16, 0), "a", one))
	s.apply(insert(at(1, 0), "a", one), insert(at(9, 1), "a", one))
	s.target = s.reopen()
	s.apply(update(at(15, 200), "a", one, one))
	s.want()
	s.apply(insert(at(16, 1), "a", one))
	s.want(one)
	s.apply(remove(at(20, 0), "unknown", document("unknown", "new")))
	s.apply(insert(at(19, 0), "unknown", document("unknown", "old")))
	s.want(one)
}

func (s *suite) snapshot() {
	one, two, three := document("a", "one"), document("a", "two"), document("a", "three")
	snap := insert(replicator.EndOf(5), "a", two)
	snap.Snapshot = true
	s.apply(insert(at(5, 7), "a", one))
	s.apply(snap)
	s.apply(snap)
	s.want(two)
	s.apply(update(at(5, 9), "a", one, one))
	s.want(two)
	s.apply(update(at(6, 0), "a", two, three))
	s.apply(snap)
	s.want(three)
}

// values are those that targets get wrong.
func (s *suite) values() {
	var docs []string
	var list []replicator.Change
	for i, name := range []string{"", " x ", "null", `"quoted" \ back`, "line\nbreak\ttab", "é ü 漢字 🎈", "'; DROP TABLE accounts; --", "$1 ? :x %s", strings.Repeat("long ", 2000)} {
		id := fmt.Sprintf("id%d/é %%", i)
		d := document(id, name, fmt.Sprintf(`"age":%d`, []int64{0, -1, 1 << 53, 9007199254740993}[i%4]))
		docs = append(docs, d)
		list = append(list, insert(at(1, uint32(i)), id, d)) //nolint:gosec // small
	}
	s.apply(list...)
	s.want(docs...)
}

func (s *suite) poison() {
	good := document("good", "good")
	bad := insert(at(1, 1), "bad", document("bad", "bad"))
	if !s.place.Poison(&bad) {
		s.Skip("the target refuses nothing")
	}
	later := update(at(1, 3), "bad", document("bad", "bad"), document("bad", "healed"))
	batch := []replicator.Change{insert(at(1, 0), "good", good), bad, insert(at(1, 2), "other", document("other", "o")), later}
	for range 2 {
		rejected, err := s.target.Apply(s.Context(), batch)
		if err != nil || len(rejected) != 2 {
			s.Fatalf("a poison row must not stop the others: %v, %v", rejected, err)
		}
		if r := rejected[0]; r.Index != 1 || r.Reason == "" || r.Held {
			s.Errorf("the poison row: %+v", r)
		}
		if r := rejected[1]; r.Index != 3 || !r.Held {
			s.Errorf("what follows it must be held back: %+v", r)
		}
		s.want(good, document("other", "o"))
	}
	s.apply(later)
	s.want(good, document("other", "o"), document("bad", "healed"))
}

func (s *suite) evolution() {
	old := document("old", "old", `"age":1`)
	s.apply(insert(at(1, 0), "old", old))
	s.prepare(s.target, 1)
	s.prepare(s.target, 1)
	s.want(old)
	with := insert(at(2, 0), "new", document("new", "new", `"email":"a@x.io"`))
	with.Version = 1
	late := insert(at(2, 1), "late", document("late", "late")) // of a program that has not been updated yet
	s.apply(with, late)
	s.want(old, document("new", "new", `"email":"a@x.io"`), document("late", "late"))
}

func (s *suite) concurrent() {
	var running sync.WaitGroup
	var docs []string
	for shard := range shards {
		for i := range 5 {
			docs = append(docs, document(fmt.Sprintf("s%d-%d", shard, i), "new"))
		}
		running.Go(func() {
			for n := range 3 {
				var batch []replicator.Change
				for i := range 5 {
					id := fmt.Sprintf("s%d-%d", shard, i)
					c := update(at(uint64(n+1), uint32(i)), id, document(id, "old"), document(id, "new")) //nolint:gosec // small
					c.Shard = shard
					batch = append(batch, c)
				}
				if rejected, err := s.target.Apply(s.Context(), batch); err != nil || len(rejected) > 0 {
					s.Errorf("shard %d: %v, %v", shard, rejected, err)
				}
			}
		})
	}
	running.Wait()
	s.want(docs...)
}

func (s *suite) cancelled() {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	if _, err := s.target.Apply(ctx, []replicator.Change{insert(at(1, 0), "a", document("a", "a"))}); err == nil {
		s.Error("Apply ended well under a context that had ended")
	}
	s.apply(insert(at(1, 0), "a", document("a", "a")))
	s.want(document("a", "a"))
}

func (s *suite) checkpoint() {
	target, ok := s.target.(replicator.Checkpointer)
	if !ok {
		s.Skip("the target keeps no checkpoints")
	}
	want := func(shard int, seq replicator.Seq) {
		s.Helper()
		if got, err := target.Checkpoint(s.Context(), shard); err != nil || got != seq {
			s.Errorf("checkpoint of shard %d: %v, %v, want %v", shard, got, err, seq)
		}
	}
	want(0, replicator.Seq{})
	s.apply(insert(at(1, 0), "a", document("a", "a")), insert(at(1, 4), "b", document("b", "b")))
	want(0, at(1, 4))
	want(1, replicator.Seq{})
	s.apply(insert(at(1, 0), "a", document("a", "a")))
	want(0, at(1, 4)) // it never moves back
	target, _ = s.reopen().(replicator.Checkpointer)
	want(0, at(1, 4))
}

func (s *suite) list() {
	target, ok := s.target.(replicator.Lister)
	if !ok {
		s.Skip("the target does not tell what it has")
	}
	one := document("a", "one")
	s.apply(insert(at(1, 0), "b", one), insert(at(1, 1), "a", one), insert(at(1, 2), "Z", one), insert(at(1, 3), "é", one), remove(at(2, 0), "b", one))
	list := func(after string) string {
		var ids []string
		for x, err := range target.List(s.Context(), "accounts", after) {
			if err != nil {
				s.Fatal(err)
			}
			ids = append(ids, fmt.Sprint(x.ID, " ", x.Seq.Offset, " ", x.Revision != ""))
		}
		return strings.Join(ids, ", ")
	}
	if got := list(""); got != "Z 2 true, a 1 true, é 3 true" {
		s.Errorf("listed: %s", got)
	}
	if got := list("a"); got != "é 3 true" {
		s.Errorf("listed after a: %s", got)
	}
}
