package sqs

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/targettest"
)

// place is a queue with a consumer that keeps the largest seq of each document.
type place struct {
	*server
	queueURL string
	last     map[string]received
}

func (p *place) Open(t *testing.T) replicator.Target {
	return p.target(t, Config{QueueURL: p.queueURL})
}

func (p *place) Documents(t *testing.T, _ string) map[string]json.RawMessage {
	t.Helper()
	for _, m := range p.receive(t, p.queueURL) {
		if p.last[m.id].seq < m.seq {
			p.last[m.id] = m
		}
	}
	docs := map[string]json.RawMessage{}
	for id, m := range p.last {
		if m.Action == "delete" {
			continue
		}
		var doc map[string]json.RawMessage
		if err := json.Unmarshal(m.Data, &doc); err != nil {
			t.Fatal(err)
		}
		delete(doc, "_v")
		raw, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		docs[id] = raw
	}
	return docs
}

// Poison makes a message that no queue takes.
func (p *place) Poison(c *replicator.Change) bool {
	c.After = json.RawMessage(`{"id":"bad","name":"` + strings.Repeat("x", 1<<20) + `"}`)
	return true
}

func TestSuite(t *testing.T) {
	for _, kind := range []string{"fifo", "standard"} {
		t.Run(kind, func(t *testing.T) {
			targettest.Run(t, func(t *testing.T) targettest.Place {
				s := newServer(t)
				suffix := map[string]string{"fifo": ".fifo"}[kind]
				return &place{s, s.queue(t, suffix, nil), map[string]received{}}
			})
		})
	}
}
