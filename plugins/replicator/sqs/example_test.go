package sqs_test

import (
	"context"
	"log"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/sqs"
)

// Changes of users as messages of a queue, one after the other for each user.
func ExampleNew() {
	target, err := sqs.New(context.Background(), sqs.Config{
		Queues: map[string]string{"users": "https://sqs.us-east-1.amazonaws.com/123456789012/users-events.fifo"},
	})
	if err != nil {
		log.Fatal(err)
	}
	_ = replicator.New(replicator.Options{Targets: []replicator.TargetOptions{{
		Name: "events", Target: target,
		Routes: map[string][]replicator.Route{"users": {{}}},
	}}})
}
