package sqs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// put is the n-th change of a document, after which it has a text.
func put(n int, resource, id, text string) replicator.Change {
	return replicator.Change{
		Seq: replicator.Seq{Segment: uint64(n)}, Resource: resource, Action: replicator.Update, ID: id, //nolint:gosec // small
		Revision: s3db.Revision(fmt.Sprint("r", n)), Time: time.Date(2026, 11, 30, 12, 0, n, 0, time.UTC),
		After: json.RawMessage(fmt.Sprintf(`{"id":%q,"text":%q}`, id, text)),
	}
}

func resource(name string, routes ...replicator.Route) replicator.Resource {
	if len(routes) == 0 {
		routes = []replicator.Route{{}}
	}
	return replicator.Resource{Name: name, Routes: routes}
}

func apply(t *testing.T, target *Target, changes ...replicator.Change) {
	t.Helper()
	rejected, err := target.Apply(t.Context(), changes)
	if err != nil || len(rejected) > 0 {
		t.Fatalf("Apply: %+v, %v", rejected, err)
	}
}

// order returns the changes that came of each document, in the order in which they came.
func order(list []received) map[string][]string {
	got := map[string][]string{}
	for _, m := range list {
		got[m.id] = append(got[m.id], strings.TrimLeft(m.seq[:16], "0"))
	}
	return got
}

// TestOrder: the messages of each document come in order, once, in a group of its own, ten
// documents in a request.
func TestOrder(t *testing.T) {
	s := newServer(t)
	p := newProxy(t, s)
	queue := s.queue(t, ".fifo", nil)
	target := s.target(t, Config{QueueURL: queue, Endpoint: p.URL})
	prepare(t, target, resource("users"))
	var changes []replicator.Change
	want := map[string][]string{}
	for n := range 4 {
		for id := range 25 {
			name := fmt.Sprint("id", id)
			changes = append(changes, put(n+1, "users", name, "x"))
			want[name] = append(want[name], fmt.Sprintf("%x", n+1))
		}
	}
	apply(t, target, changes...)
	apply(t, target, changes...) // the queue drops what it has had
	batches := p.took()
	if len(batches) != 2*4*3 {
		t.Errorf("%d requests, want 24", len(batches))
	}
	for _, b := range batches {
		groups := map[string]bool{}
		for _, e := range b {
			groups[e.MessageGroupID] = true
		}
		if len(groups) != len(b) {
			t.Error("two messages of a document in one request")
		}
	}
	list := s.receive(t, queue)
	if diff := cmp.Diff(want, order(list)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	groups := map[string]string{}
	for _, m := range list {
		if other, known := groups[m.group]; known && other != m.id || m.group == "" {
			t.Errorf("%s and %s share a group", other, m.id)
		}
		groups[m.group] = m.id
	}
	for _, host := range p.hosts {
		if !strings.Contains(p.URL, host) {
			t.Errorf("a request went to %s", host)
		}
	}
}

// TestPartialFailure: a message that the queue does not take holds back those of its
// document, and no others, until it is taken; if it never is, the call fails, and what
// is sent again is dropped by the queue.
func TestPartialFailure(t *testing.T) {
	s := newServer(t)
	p := newProxy(t, s)
	queue := s.queue(t, ".fifo", nil)
	target := s.target(t, Config{QueueURL: queue, Endpoint: p.URL})
	prepare(t, target, resource("users"))
	var changes []replicator.Change
	want := map[string][]string{}
	for n := range 3 {
		for _, id := range []string{"a", "b", "c"} {
			changes = append(changes, put(n+1, "users", id, fmt.Sprint("n", n+1)))
			want[id] = append(want[id], fmt.Sprint(n+1))
		}
	}
	failures := 0
	p.set(func() {
		p.fail = func(e entry) bool {
			failing := strings.Contains(e.MessageBody, `"b","text":"n2"`) && failures < 2
			if failing {
				failures++
			}
			return failing
		}
	})
	apply(t, target, changes...)
	if failures != 2 {
		t.Errorf("%d failures", failures)
	}
	if diff := cmp.Diff(want, order(s.receive(t, queue))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	for i := range changes {
		changes[i].Revision += "again"
	}
	p.set(func() {
		p.fail = func(e entry) bool { return strings.Contains(e.MessageBody, `"b","text":"n2"`) }
	})
	if rejected, err := target.Apply(t.Context(), changes); err == nil || !strings.Contains(err.Error(), "try again (InternalError)") {
		t.Errorf("%+v, %v", rejected, err)
	}
	p.set(func() { p.fail = nil })
	if got := order(s.receive(t, queue)); !slices.Equal(got["b"], []string{"1"}) {
		t.Errorf("of b came %v before the one that failed was taken", got["b"])
	}
	apply(t, target, changes...)
	if got := order(s.receive(t, queue)); !slices.Equal(got["b"], []string{"2", "3"}) || len(got["a"]) > 1 {
		t.Errorf("after it was taken came %v", got)
	}
}

// TestSilentReply: a message that the reply does not name has not been taken.
func TestSilentReply(t *testing.T) {
	s := newServer(t)
	p := newProxy(t, s)
	queue := s.queue(t, ".fifo", nil)
	target := s.target(t, Config{QueueURL: queue, Endpoint: p.URL})
	prepare(t, target, resource("users"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	requests := 0
	p.set(func() {
		p.silent = true
		p.fail = func(e entry) bool {
			if requests++; requests > 10 {
				cancel() // it would be sent for ever
			}
			return strings.Contains(e.MessageBody, `"text":"lost"`)
		}
	})
	rejected, err := target.Apply(ctx, []replicator.Change{put(1, "users", "a", "n1"), put(1, "users", "b", "lost")})
	if err == nil || !strings.Contains(err.Error(), "the reply says nothing of a message") {
		t.Errorf("%+v, %v", rejected, err)
	}
}

// TestRoutes: each resource has its queue, others the default, and routes name others.
func TestRoutes(t *testing.T) {
	s := newServer(t)
	users, others, inserts := s.queue(t, ".fifo", nil), s.queue(t, "", nil), s.queue(t, "", nil)
	target := s.target(t, Config{Queues: map[string]string{"users": users}, DefaultQueueURL: others})
	prepare(t, target, resource("users"), resource("orders", replicator.Route{}, replicator.Route{To: others}, replicator.Route{To: inserts, Actions: []replicator.Action{replicator.Insert}}))
	inserted := put(3, "orders", "o2", "x")
	inserted.Action = replicator.Insert
	apply(t, target, put(1, "users", "u1", "x"), put(2, "orders", "o1", "x"), inserted, put(4, "unknown", "x", "x"))
	for queue, want := range map[string][]string{users: {"u1"}, others: {"o1", "o2"}, inserts: {"o2"}} {
		var got []string
		for _, m := range s.receive(t, queue) {
			got = append(got, m.id)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s has %v, want %v", queue, got, want)
		}
	}
	none := s.target(t, Config{Queues: map[string]string{"users": users}})
	for _, r := range []replicator.Resource{resource("orders"), resource("users", replicator.Route{To: "my-queue"})} {
		err := none.Prepare(t.Context(), replicator.Source{Resources: []replicator.Resource{r}})
		if !errors.Is(err, s3db.ErrConfig) || !strings.Contains(err.Error(), fmt.Sprintf("resource %q", r.Name)) {
			t.Errorf("error %v", err)
		}
	}
	if _, err := none.Apply(t.Context(), []replicator.Change{put(1, "users", "x", "x")}); !errors.Is(err, s3db.ErrConfig) {
		t.Errorf("Apply before Prepare: %v", err)
	}
}

// TestGroup: with a group and without deduplication ids, the queue does what it is set
// up for.
func TestGroup(t *testing.T) {
	s := newServer(t)
	queue := s.queue(t, ".fifo", map[string]string{"ContentBasedDeduplication": "true"})
	target := s.target(t, Config{QueueURL: queue, MessageGroupID: "s3db-replicator", NoDeduplicationID: true})
	prepare(t, target, resource("users"))
	apply(t, target, put(1, "users", "a", "x"), put(2, "users", "b", "x"), put(3, "users", "a", "y"))
	apply(t, target, put(1, "users", "a", "x"))
	list := s.receive(t, queue)
	if len(list) != 3 || list[0].group != "s3db-replicator" || list[2].id != "a" {
		t.Errorf("%+v", list)
	}
	strict := s.target(t, Config{QueueURL: s.queue(t, ".fifo", nil), NoDeduplicationID: true})
	if err := strict.Test(t.Context()); !errors.Is(err, s3db.ErrConfig) || !strings.Contains(err.Error(), "ContentBasedDeduplication") {
		t.Errorf("error %v", err)
	}
}

// TestSizes: requests stay below 1 MiB, and a message that a queue does not take is
// refused with its document's later ones, whoever finds out.
func TestSizes(t *testing.T) {
	s := newServer(t)
	p := newProxy(t, s)
	queue := s.queue(t, "", nil)
	target := s.target(t, Config{QueueURL: queue, Endpoint: p.URL})
	prepare(t, target, resource("users"))
	var changes []replicator.Change
	for n := range 10 {
		changes = append(changes, put(n+1, "users", fmt.Sprint("id", n), strings.Repeat("x", 300_000)))
	}
	apply(t, target, changes...)
	if got := len(p.took()); got != 4 {
		t.Errorf("%d requests for 3 MB, want 4", got)
	}
	if got := len(s.receive(t, queue)); got != 10 {
		t.Errorf("%d messages", got)
	}
	check := func(want string) {
		t.Helper()
		rejected, err := target.Apply(t.Context(), []replicator.Change{
			put(1, "users", "good", "x"), put(2, "users", "bad", strings.Repeat("x", 2000)), put(3, "users", "bad", "x"), put(4, "users", "fine", "x"),
		})
		if err != nil || len(rejected) != 2 || rejected[0].Index != 1 || !strings.Contains(rejected[0].Reason, want) || rejected[1].Index != 2 || !rejected[1].Held {
			t.Errorf("%+v, %v", rejected, err)
		}
		if got := order(s.receive(t, queue)); len(got) != 2 || got["bad"] != nil {
			t.Errorf("came %v", got)
		}
	}
	if _, err := s.client.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &queue, Attributes: map[string]string{"MaximumMessageSize": "2048"}}); err != nil {
		t.Fatal(err)
	}
	check("(InvalidParameterValue)")
	prepare(t, target, resource("users"))
	check("and the queue takes 2048")
}

// TestDownAndUp: without a server Apply and Test fail; then the same target goes on.
func TestDownAndUp(t *testing.T) {
	t.Setenv("AWS_MAX_ATTEMPTS", "1") // of the SDK, which would wait
	s := newServer(t)
	p := newProxy(t, s)
	queue := s.queue(t, ".fifo", nil)
	target := s.target(t, Config{QueueURL: queue, Endpoint: p.URL})
	prepare(t, target, resource("users"))
	p.set(func() { p.down = true })
	if _, err := target.Apply(t.Context(), []replicator.Change{put(1, "users", "a", "x")}); err == nil {
		t.Error("Apply ended well without a server")
	}
	if err := target.Test(t.Context()); err == nil {
		t.Error("Test ended well without a server")
	}
	p.set(func() { p.down = false })
	apply(t, target, put(1, "users", "a", "x"), put(2, "users", "a", "y"))
	if got := order(s.receive(t, queue)); !slices.Equal(got["a"], []string{"1", "2"}) {
		t.Errorf("%v", got)
	}
}
