package sqs

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/s3dbgen/s3dbgen/internal/leaktest"
	"github.com/s3dbgen/s3dbgen/internal/testserver/fauxqs"
	"github.com/s3dbgen/s3dbgen/plugins/replicator"
)

var shared fauxqs.Shared

func TestMain(m *testing.M) {
	leaktest.Tests{M: m, Then: []func(){shared.Close, http.DefaultClient.CloseIdleConnections}}.Main()
}

// server is the shared server, as a consumer sees it.
type server struct {
	endpoint string
	client   *sqs.Client
}

func newServer(tb testing.TB) *server {
	tb.Helper()
	s := &server{endpoint: shared.Get(tb).Endpoint}
	h := &http.Client{Transport: &http.Transport{}}
	tb.Cleanup(h.CloseIdleConnections)
	s.client = sqs.New(sqs.Options{
		BaseEndpoint: &s.endpoint, Region: "us-east-1", HTTPClient: h,
		Credentials: credentials.NewStaticCredentialsProvider("consumer", "secret", ""),
	})
	return s
}

// queue makes a queue and returns its URL.
func (s *server) queue(tb testing.TB, suffix string, attributes map[string]string) string {
	tb.Helper()
	name := "test-" + rand.Text() + suffix
	all := map[string]string{}
	maps.Copy(all, attributes)
	if strings.HasSuffix(suffix, ".fifo") {
		all["FifoQueue"] = "true"
	}
	out, err := s.client.CreateQueue(tb.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: all})
	if err != nil {
		tb.Fatal(err)
	}
	return *out.QueueUrl
}

// received is a message as a consumer gets it.
type received struct {
	Resource  string          `json:"resource"`
	Action    string          `json:"action"`
	Data      json.RawMessage `json:"data"`
	Before    json.RawMessage `json:"before"`
	Timestamp string          `json:"timestamp"`
	Source    string          `json:"source"`

	id, group, seq string
}

// receive takes all messages from a queue, in order.
func (s *server) receive(tb testing.TB, queue string) (list []received) {
	tb.Helper()
	for {
		out, err := s.client.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{
			QueueUrl: &queue, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		})
		if err != nil {
			tb.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return list
		}
		for _, m := range out.Messages {
			var r received
			if err := json.Unmarshal([]byte(*m.Body), &r); err != nil {
				tb.Fatalf("%s: %v", *m.Body, err)
			}
			var data struct {
				ID string `json:"id"`
			}
			if err := json.Unmarshal(r.Data, &data); err != nil {
				tb.Fatal(err)
			}
			r.id, r.group, r.seq = data.ID, m.Attributes["MessageGroupId"], aws.ToString(m.MessageAttributes["seq"].StringValue)
			list = append(list, r)
			if _, err := s.client.DeleteMessage(context.Background(), &sqs.DeleteMessageInput{QueueUrl: &queue, ReceiptHandle: m.ReceiptHandle}); err != nil {
				tb.Fatal(err)
			}
		}
	}
}

// target returns a target of the server.
func (s *server) target(tb testing.TB, config Config) *Target {
	tb.Helper()
	if config.Endpoint == "" {
		config.Endpoint = s.endpoint
	}
	config.Region, config.AccessKeyID, config.SecretAccessKey = "us-east-1", "replicator", "secret"
	t, err := New(tb.Context(), config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = t.Close() })
	return t
}

func prepare(tb testing.TB, target *Target, resources ...replicator.Resource) {
	tb.Helper()
	if err := target.Prepare(tb.Context(), replicator.Source{Database: "db1", Name: "test", Shards: 1, Resources: resources}); err != nil {
		tb.Fatal(err)
	}
}
