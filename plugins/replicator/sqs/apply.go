package sqs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"

	s3db "github.com/s3dbgen/s3dbgen/runtime"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
)

// Limits of SQS.
const (
	maxBatch      = 10      // messages in a request
	maxBatchBytes = 1 << 20 // of all messages of a request, and of one
)

// parallel is the number of requests of one call of Apply that are on the way at once.
const parallel = 8

// attempts is how often a message is sent that a queue does not take for no fault of
// its own, before the call fails.
const attempts = 4

// Apply implements [replicator.Target]. Messages of different documents are sent side by
// side, ten in a request; those of one document one after the other, each when the one
// before it has been taken.
func (t *Target) Apply(ctx context.Context, changes []replicator.Change) ([]replicator.Rejection, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p := t.plan.Load()
	if p == nil {
		return nil, fmt.Errorf("%w: sqs: the target has not been prepared", s3db.ErrConfig)
	}
	s := &sending{target: t, refused: replicator.NewRefusals(changes)}
	s.queue(p, changes)
	for len(s.pending) > 0 {
		if err := s.round(ctx); err != nil {
			return nil, err
		}
	}
	return s.refused.List(), nil
}

// sending is one call of Apply.
type sending struct {
	target  *Target
	pending []*parcel // in the order of changes
	refused *replicator.Refusals
}

// parcel is a message on its way to a queue.
type parcel struct {
	*message
	index    int // of the change
	to       string
	attempts int
	sent     bool
	refusal  string // why the queue will never take it
}

// queue makes the messages of all changes. A change that one of its queues cannot take
// goes to none.
func (s *sending) queue(p *plan, changes []replicator.Change) {
	for i := range changes {
		c := &changes[i]
		var to []string
		for _, r := range p.routes[c.Resource] {
			if r.takes.Takes(c.Action) && !slices.Contains(to, r.queue) {
				to = append(to, r.queue)
			}
		}
		if len(to) == 0 || s.refused.Skip(i) {
			continue
		}
		m, problem := newMessage(hash(p.database, c.Resource, c.ID), c)
		for _, queue := range to {
			if problem == "" && m.size > p.limits[queue] {
				problem = fmt.Sprintf("the message has %d bytes, and the queue takes %d", m.size, p.limits[queue])
			}
		}
		if problem != "" {
			s.refused.Refuse(i, problem)
			continue
		}
		for _, queue := range to {
			s.pending = append(s.pending, &parcel{message: m, index: i, to: queue})
		}
	}
}

// round sends, of each document to each queue, the first message that is pending.
func (s *sending) round(ctx context.Context) error {
	batches := s.batches()
	errs := make([]error, len(batches))
	var running errgroup.Group
	running.SetLimit(parallel)
	for i, batch := range batches {
		running.Go(func() error {
			errs[i] = s.target.send(ctx, batch)
			return nil
		})
	}
	_ = running.Wait() // all errors are told
	if err := errors.Join(errs...); err != nil {
		return err
	}
	again := 0
	for _, p := range s.pending {
		if p.refusal != "" {
			s.refused.Refuse(p.index, p.refusal)
		}
		again = max(again, p.attempts)
	}
	s.pending = slices.DeleteFunc(s.pending, func(p *parcel) bool { return p.sent || s.refused.Skip(p.index) })
	if again == 0 || len(s.pending) == 0 {
		return nil
	}
	return pause(ctx, again)
}

// batches returns what one round sends: requests of up to ten messages and 1 MiB.
func (s *sending) batches() [][]*parcel {
	type place struct{ queue, group string }
	taken := map[place]bool{}
	open := map[string][]*parcel{} // by queue
	size := map[string]int{}
	var full [][]*parcel
	for _, p := range s.pending {
		if taken[place{p.to, p.group}] {
			continue
		}
		taken[place{p.to, p.group}] = true
		if len(open[p.to]) == maxBatch || size[p.to]+p.size > maxBatchBytes {
			full = append(full, open[p.to])
			open[p.to], size[p.to] = nil, 0
		}
		open[p.to] = append(open[p.to], p)
		size[p.to] += p.size
	}
	for _, queue := range slices.Sorted(maps.Keys(open)) {
		full = append(full, open[queue])
	}
	return full
}

// send sends one request, and notes what became of each message.
func (t *Target) send(ctx context.Context, batch []*parcel) error {
	queue := batch[0].to
	in := &sqs.SendMessageBatchInput{QueueUrl: &queue}
	for i, p := range batch {
		entry := types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: &p.body, MessageAttributes: p.attributes}
		if isFIFO(queue) {
			entry.MessageGroupId = &p.group
			if t.config.MessageGroupID != "" {
				entry.MessageGroupId = &t.config.MessageGroupID
			}
			if !t.config.NoDeduplicationID {
				entry.MessageDeduplicationId = &p.once
			}
		}
		in.Entries = append(in.Entries, entry)
	}
	out, err := t.client.SendMessageBatch(ctx, in, t.config.at(queue))
	if err != nil {
		return explain("sqs:SendMessage", queue, err)
	}
	told := 0
	for _, ok := range out.Successful {
		if p := named(batch, ok.Id); p != nil {
			p.sent = true
			told++
		}
	}
	for _, failure := range out.Failed {
		p := named(batch, failure.Id)
		reason := fmt.Sprintf("%s (%s)", aws.ToString(failure.Message), aws.ToString(failure.Code))
		switch {
		case p == nil:
		case failure.SenderFault:
			p.refusal = reason
			told++
		case p.attempts == attempts-1:
			return fmt.Errorf("sqs: queue %s: a message was not taken %d times: %s", queue, attempts, reason)
		default:
			p.attempts++
			told++
		}
	}
	if told < len(batch) {
		return fmt.Errorf("sqs: queue %s: the reply says nothing of a message", queue)
	}
	return nil
}

// named returns the message with an id in the reply; nil for one that was not sent.
func named(batch []*parcel, id *string) *parcel {
	if i, err := strconv.Atoi(aws.ToString(id)); err == nil && i >= 0 && i < len(batch) {
		return batch[i]
	}
	return nil
}

// pause waits before messages are sent again, longer each time.
func pause(ctx context.Context, again int) error {
	const first = 50 * time.Millisecond
	longest := first << again
	return replicator.Pause(ctx, longest/2+rand.N(longest/2)) //nolint:gosec // spread, not secret
}
