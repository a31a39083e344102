package sqs

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// replicated opens accounts whose changes go to a queue on demand.
func replicated(t *testing.T, store s3db.Store, target replicator.Target) (*clienttest.Accounts, *replicator.Replicator) {
	t.Helper()
	r := replicator.New(replicator.Options{
		OnDemand: true, Instance: "test",
		Targets: []replicator.TargetOptions{{Name: "sqs", Target: target, Routes: map[string][]replicator.Route{"accounts": {{}}}}},
	})
	c, err := clienttest.Open(t.Context(), store, 1, 1, s3db.WithPlugin(r))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Database().Close(); err != nil {
			t.Error(err)
		}
	})
	if err := r.TestConnections(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c, r
}

func synced(t *testing.T, r *replicator.Replicator) {
	t.Helper()
	if err := r.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestEndToEnd: writes of every kind come as messages, each document's in order, with what
// it was and is and the version of its schema; those of a time without a server too.
func TestEndToEnd(t *testing.T) {
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	ctx := t.Context()
	s := newServer(t)
	p := newProxy(t, s)
	queue := s.queue(t, ".fifo", nil)
	store := memstore.NewServer(memstore.Options{}).Client()
	c, r := replicated(t, store, s.target(t, Config{QueueURL: queue, Endpoint: p.URL}))
	synced(t, r)

	var want []string
	wants := func(id, message string, args ...any) { want = append(want, id+" "+fmt.Sprintf(message, args...)) }
	write := func(round int) {
		t.Helper()
		one, two := fmt.Sprint("one", round), fmt.Sprint("two", round)
		_, err1 := c.Insert(ctx, clienttest.AccountInsert{ID: clienttest.AccountID(one), Name: "Ada <&> 🎈"})
		_, err2 := c.Update(ctx, clienttest.AccountID(one), clienttest.AccountPatch{Count: s3db.Set(int64(2))})
		err3 := c.Delete(ctx, clienttest.AccountID(one))
		_, err4 := c.InsertMany(ctx, []clienttest.AccountInsert{{ID: clienttest.AccountID(two), Name: "Two"}, {ID: clienttest.AccountID(two + "x"), Name: "X"}})
		err5 := c.DeleteMany(ctx, clienttest.AccountID(two))
		if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
			t.Fatal(err)
		}
		wants(one, `insert 0 {"name":"Ada <&> 🎈","count":0}`)
		wants(one, `update 0 {"name":"Ada <&> 🎈","count":0} 0 {"name":"Ada <&> 🎈","count":2}`)
		wants(one, `delete 0 {"name":"Ada <&> 🎈","count":2}`)
		wants(two, `insert 0 {"name":"Two","count":0}`)
		wants(two, `delete 0 {"name":"Two","count":0}`)
		wants(two+"x", `insert 0 {"name":"X","count":0}`)
	}
	write(1)
	synced(t, r)
	p.set(func() { p.down = true })
	write(2)
	if err := r.Sync(ctx); err == nil {
		t.Error("Sync ended well without a server")
	}
	p.set(func() { p.down = false })
	synced(t, r)
	synced(t, r)

	got := map[string][]string{}
	for _, m := range s.receive(t, queue) {
		text := m.Action
		if m.Before != nil {
			text += " " + told(t, m.Before)
		}
		got[m.id] = append(got[m.id], m.id+" "+text+" "+told(t, m.Data))
	}
	expected := map[string][]string{}
	for _, w := range want {
		id, _, _ := strings.Cut(w, " ")
		expected[id] = append(expected[id], w)
	}
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

// told is the version of a document's schema, and its attributes.
func told(t *testing.T, document json.RawMessage) string {
	t.Helper()
	var d struct {
		Version *int   `json:"_v"`
		Name    string `json:"name"`
		Count   int    `json:"count"`
	}
	if err := json.Unmarshal(document, &d); err != nil || d.Version == nil {
		t.Fatalf("%s: %v", document, err)
	}
	return fmt.Sprintf(`%d {"name":"%s","count":%d}`, *d.Version, d.Name, d.Count)
}

// TestDeadLetters: a document that is larger than the queue takes waits as a dead letter
// until the queue takes more.
func TestDeadLetters(t *testing.T) {
	ctx := t.Context()
	s := newServer(t)
	queue := s.queue(t, ".fifo", map[string]string{"MaximumMessageSize": "2048"})
	store := memstore.NewServer(memstore.Options{}).Client()
	c, r := replicated(t, store, s.target(t, Config{QueueURL: queue}))
	synced(t, r)
	for _, in := range []clienttest.AccountInsert{{ID: "large", Name: strings.Repeat("x", 3000)}, {ID: "small", Name: "x"}} {
		if _, err := c.Insert(ctx, in); err != nil {
			t.Fatal(err)
		}
	}
	synced(t, r)
	if got := order(s.receive(t, queue)); len(got) != 1 || got["small"] == nil {
		t.Errorf("%v", got)
	}
	for l, err := range r.DeadLetters(ctx, "sqs") {
		if err != nil || l.Change.ID != "large" || !strings.Contains(l.Reason, "the queue takes 2048") {
			t.Errorf("%+v, %v", l, err)
		}
	}
	if _, err := s.client.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: &queue, Attributes: map[string]string{"MaximumMessageSize": "65536"}}); err != nil {
		t.Fatal(err)
	}
	if err := c.Database().Close(); err != nil {
		t.Fatal(err)
	}
	_, r = replicated(t, store, s.target(t, Config{QueueURL: queue})) // after a restart
	if err := r.Replay(ctx, "sqs", replicator.Document{}); err != nil {
		t.Fatal(err)
	}
	synced(t, r)
	if got := order(s.receive(t, queue)); len(got) != 1 || got["large"] == nil {
		t.Errorf("after the replay: %v", got)
	}
}
