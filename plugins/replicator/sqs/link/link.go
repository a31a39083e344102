// Package link makes queues of SQS known to configuration files.
package link

import (
	"context"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/config"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/sqs"
)

// Driver is the driver "sqs".
func Driver() config.Driver {
	return config.Driver{Name: "sqs", New: func(s *config.Settings) (replicator.Target, error) {
		return sqs.New(context.Background(), sqs.Config{ // it reads the environment and files
			Queues:            s.Map("queues"),
			DefaultQueueURL:   s.Text("defaultQueueUrl"),
			QueueURL:          s.Text("queueUrl"),
			Region:            s.Text("region"),
			Endpoint:          s.Text("endpoint"),
			MessageGroupID:    s.Text("messageGroupId"),
			NoDeduplicationID: s.Has("deduplicationId") && !s.Bool("deduplicationId"),
			AccessKeyID:       s.Text("accessKeyId"),
			SecretAccessKey:   s.Text("secretAccessKey"),
			SessionToken:      s.Text("sessionToken"),
		})
	}}
}
