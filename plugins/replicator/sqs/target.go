package sqs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	s3db "github.com/s3dbgen/s3dbgen/runtime"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
)

// Target is queues of SQS. Make it by New.
type Target struct {
	config Config
	client *sqs.Client
	http   *http.Client
	plan   atomic.Pointer[plan] // nil before Prepare
}

// plan is where messages go.
type plan struct {
	database string
	routes   map[string][]route // by resource
	limits   map[string]int     // of a message in bytes, by URL of a queue
}

// route is a queue with what leads to it.
type route struct {
	queue string
	takes replicator.Route
}

// New returns the target of a configuration. It reads settings of AWS from the
// environment, and sends nothing. Errors match s3db.ErrConfig.
func New(ctx context.Context, config Config) (*Target, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	config.Queues = maps.Clone(config.Queues)
	client, h, err := config.open(ctx)
	if err != nil {
		return nil, err
	}
	return &Target{config: config, client: client, http: h}, nil
}

// Close implements [replicator.Target].
func (t *Target) Close() error {
	t.http.CloseIdleConnections()
	return nil
}

// Test implements [replicator.Target]: it asks every queue of the configuration for its
// attributes.
func (t *Target) Test(ctx context.Context) error {
	queues := map[string]bool{}
	for _, q := range t.config.named() {
		queues[q.url] = true
	}
	if p := t.plan.Load(); p != nil {
		for queue := range p.limits {
			queues[queue] = true
		}
	}
	var errs []error
	for _, queue := range slices.Sorted(maps.Keys(queues)) {
		_, err := t.inspect(ctx, queue)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Prepare implements [replicator.Target]. It makes no queue, and asks each for the
// largest message that it takes.
func (t *Target) Prepare(ctx context.Context, source replicator.Source) error {
	p := &plan{database: source.Database, routes: map[string][]route{}, limits: map[string]int{}}
	for _, r := range source.Resources {
		for _, to := range r.Routes {
			queue := t.config.queueOf(r.Name, to.To)
			if queue == "" {
				return fmt.Errorf("%w: sqs: resource %q has no queue: add it to queues, or set defaultQueueUrl", s3db.ErrConfig, r.Name)
			}
			if problem := badQueue(queue); problem != "" {
				return fmt.Errorf("%w: sqs: resource %q: queue %q %s", s3db.ErrConfig, r.Name, queue, problem)
			}
			p.routes[r.Name] = append(p.routes[r.Name], route{queue, to})
			if _, known := p.limits[queue]; known {
				continue
			}
			limit, err := t.inspect(ctx, queue)
			if err != nil {
				return err
			}
			p.limits[queue] = limit
		}
	}
	t.plan.Store(p)
	return nil
}

// inspect returns the largest message that a queue takes, in bytes.
func (t *Target) inspect(ctx context.Context, queue string) (int, error) {
	out, err := t.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &queue,
		AttributeNames: []types.QueueAttributeName{
			types.QueueAttributeNameMaximumMessageSize, types.QueueAttributeNameContentBasedDeduplication,
		},
	}, t.config.at(queue))
	if err != nil {
		return 0, explain("sqs:GetQueueAttributes", queue, err)
	}
	if t.config.NoDeduplicationID && isFIFO(queue) && out.Attributes[string(types.QueueAttributeNameContentBasedDeduplication)] != "true" {
		return 0, fmt.Errorf("%w: sqs: queue %s: without deduplicationId, the queue needs ContentBasedDeduplication", s3db.ErrConfig, queue)
	}
	limit, err := strconv.Atoi(out.Attributes[string(types.QueueAttributeNameMaximumMessageSize)])
	if err != nil || limit > maxBatchBytes {
		limit = maxBatchBytes
	}
	return limit, nil
}

// explain says what failed, and how to mend what a person can.
func explain(action, queue string, err error) error {
	hint := ""
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		switch e.ErrorCode() {
		case "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist":
			hint = " (create the queue, or check account and region of its URL)"
		case "AccessDenied", "AccessDeniedException":
			hint = " (allow the principal " + action + " on the queue)"
		case "InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException", "InvalidSecurity":
			hint = " (check the credentials)"
		}
	}
	return fmt.Errorf("sqs: queue %s: %w%s", queue, err, hint)
}
