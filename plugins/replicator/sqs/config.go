package sqs

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Config says which queues there are, and how they are reached.
type Config struct {
	// Queues are the URLs of the queues of resources. The messages of a resource that has
	// none go to DefaultQueueURL, or QueueURL, which is another name for it: a
	// configuration has one of them. A route that names a queue goes before all.
	Queues          map[string]string
	DefaultQueueURL string
	QueueURL        string

	// Region of the queues. Default: that in the URL of each queue, else that of the
	// environment.
	Region string
	// Endpoint is the address of a server other than AWS, such as http://127.0.0.1:9324.
	// The host in a queue's URL is never dialled.
	Endpoint string

	// MessageGroupID is the group of all messages to FIFO queues, which then are delivered
	// one after the other. Default: a group for each document, which is a hash of its
	// database, resource and id.
	MessageGroupID string
	// NoDeduplicationID leaves it to FIFO queues to tell repeated messages by their
	// content, which they have to be set up for. Default: the id is a hash of database,
	// resource, id and revision.
	NoDeduplicationID bool

	// Credentials. Default: those that the AWS SDK finds in the environment.
	AccessKeyID, SecretAccessKey, SessionToken string
}

// validate returns every mistake at once. Errors match s3db.ErrConfig.
func (c *Config) validate() error {
	var wrong []string
	if c.QueueURL != "" && c.DefaultQueueURL != "" {
		wrong = append(wrong, "queueUrl and defaultQueueUrl say the same: leave one out")
	}
	if (c.AccessKeyID == "") != (c.SecretAccessKey == "") {
		wrong = append(wrong, "give both accessKeyId and secretAccessKey, or neither")
	}
	if u, err := url.Parse(c.Endpoint); c.Endpoint != "" && (err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https") {
		wrong = append(wrong, "endpoint is no address such as http://127.0.0.1:9324")
	}
	if len(c.MessageGroupID) > 128 {
		wrong = append(wrong, "messageGroupId is longer than 128 characters")
	}
	for _, queue := range c.named() {
		if problem := badQueue(queue.url); problem != "" {
			wrong = append(wrong, fmt.Sprintf("%s %s", queue.option, problem))
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%w: sqs: %s", s3db.ErrConfig, strings.Join(wrong, "; "))
	}
	return nil
}

type namedQueue struct{ option, url string }

// named returns the queues that the configuration names.
func (c *Config) named() (list []namedQueue) {
	for _, name := range slices.Sorted(maps.Keys(c.Queues)) {
		list = append(list, namedQueue{fmt.Sprintf("queues: %q", name), c.Queues[name]})
	}
	if c.DefaultQueueURL != "" {
		list = append(list, namedQueue{"defaultQueueUrl", c.DefaultQueueURL})
	}
	if c.QueueURL != "" {
		list = append(list, namedQueue{"queueUrl", c.QueueURL})
	}
	return list
}

// badQueue says what is wrong with the URL of a queue, "" when nothing is.
func badQueue(queue string) string {
	u, err := url.Parse(queue)
	if err != nil || u.Host == "" || u.User != nil || strings.Count(u.Path, "/") < 2 || strings.HasSuffix(u.Path, "/") {
		return "is no URL of a queue, such as https://sqs.us-east-1.amazonaws.com/123456789012/my-queue"
	}
	return ""
}

// queueOf returns the URL of the queue of a route; "" when there is none.
func (c *Config) queueOf(resource, route string) string {
	switch {
	case route != "":
		return route
	case c.Queues[resource] != "":
		return c.Queues[resource]
	case c.DefaultQueueURL != "":
		return c.DefaultQueueURL
	default:
		return c.QueueURL
	}
}

// regionOf returns the region in the URL of a queue of AWS; "" when it is another's.
func regionOf(queue string) string {
	u, err := url.Parse(queue)
	if err != nil {
		return ""
	}
	host := u.Hostname()
	// https://sqs.REGION.amazonaws.com and, older, https://REGION.queue.amazonaws.com
	if !strings.Contains(host, ".amazonaws.com") && !strings.Contains(host, ".api.aws") {
		return ""
	}
	parts := strings.Split(host, ".")
	switch {
	case (parts[0] == "sqs" || parts[0] == "sqs-fips") && len(parts) > 3:
		return parts[1]
	case parts[1] == "queue" && len(parts) > 3:
		return parts[0]
	default:
		return ""
	}
}

// isFIFO reports whether a queue is one: AWS names them so.
func isFIFO(queue string) bool { return strings.HasSuffix(queue, ".fifo") }

// attemptTimeout bounds one attempt of a request. SQS answers in milliseconds.
const attemptTimeout = 20 * time.Second

// open makes the client of all queues.
func (c *Config) open(ctx context.Context) (*sqs.Client, *http.Client, error) {
	var options []func(*awsconfig.LoadOptions) error
	if c.Region != "" {
		options = append(options, awsconfig.WithRegion(c.Region))
	}
	if c.AccessKeyID != "" {
		options = append(options, awsconfig.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)))
	}
	loaded, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: sqs: AWS settings of the environment: %w", s3db.ErrConfig, err)
	}
	if loaded.Region == "" {
		loaded.Region = "us-east-1"
	}
	buildable, ok := loaded.HTTPClient.(*awshttp.BuildableClient) // it knows of AWS_CA_BUNDLE
	if !ok {
		buildable = awshttp.NewBuildableClient()
	}
	transport := buildable.GetTransport()
	transport.MaxIdleConnsPerHost = parallel
	client := &http.Client{Transport: transport, Timeout: attemptTimeout}
	return sqs.NewFromConfig(loaded, func(o *sqs.Options) {
		o.HTTPClient = client
		if c.Endpoint != "" {
			o.BaseEndpoint = aws.String(c.Endpoint)
		}
	}), client, nil
}

// at sets the region of the request that a queue's URL tells.
func (c *Config) at(queue string) func(*sqs.Options) {
	return func(o *sqs.Options) {
		if region := regionOf(queue); c.Region == "" && region != "" {
			o.Region = region
		}
	}
}
