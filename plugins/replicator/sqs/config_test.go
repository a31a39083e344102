package sqs

import (
	"errors"
	"strings"
	"testing"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// TestConfig: mistakes are told all at once.
func TestConfig(t *testing.T) {
	for name, test := range map[string]struct {
		config Config
		want   []string
	}{
		"two defaults": {Config{QueueURL: "https://h/1/q", DefaultQueueURL: "https://h/1/q"}, []string{"queueUrl and defaultQueueUrl"}},
		"urls": {Config{Queues: map[string]string{"users": "users.fifo", "orders": "https://sqs.us-east-1.amazonaws.com/"}, QueueURL: "x"},
			[]string{`queues: "users" is no URL`, `queues: "orders" is no URL`, "queueUrl is no URL"}},
		"key":      {Config{AccessKeyID: "AKIA", MessageGroupID: strings.Repeat("x", 129)}, []string{"both accessKeyId and secretAccessKey", "messageGroupId is longer"}},
		"endpoint": {Config{Endpoint: "localhost:9324"}, []string{"endpoint is no address"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(t.Context(), test.config)
			if !errors.Is(err, s3db.ErrConfig) {
				t.Fatalf("error %v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want %q", err, want)
				}
			}
		})
	}
}

// TestRegion: the region of a queue is in its URL.
func TestRegion(t *testing.T) {
	for queue, want := range map[string]string{
		"https://sqs.eu-west-1.amazonaws.com/123456789012/q":     "eu-west-1",
		"https://sqs.cn-north-1.amazonaws.com.cn/123456789012/q": "cn-north-1",
		"https://sqs-fips.us-gov-west-1.amazonaws.com/1/q":       "us-gov-west-1",
		"https://us-west-2.queue.amazonaws.com/123456789012/q":   "us-west-2",
		"https://queue.amazonaws.com/123456789012/q":             "",
		"https://sqs.us-east-1.api.aws/123456789012/q":           "us-east-1",
		"http://sqs.us-east-1.localhost:4566/000000000000/q":     "",
		"https://vpce-1.sqs.eu-west-1.vpce.amazonaws.com/1234/q": "",
	} {
		if got := regionOf(queue); got != want {
			t.Errorf("%s: %q, want %q", queue, got, want)
		}
	}
}

// TestConnection: each queue is asked for, and nothing is sent.
func TestConnection(t *testing.T) {
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	s := newServer(t)
	queue := s.queue(t, ".fifo", nil)
	if err := s.target(t, Config{QueueURL: queue, Queues: map[string]string{"users": queue}}).Test(t.Context()); err != nil {
		t.Error(err)
	}
	err := s.target(t, Config{QueueURL: queue, Queues: map[string]string{"users": queue + "missing.fifo"}}).Test(t.Context())
	if err == nil || !strings.Contains(err.Error(), "missing.fifo") || !strings.Contains(err.Error(), "create the queue") {
		t.Errorf("error %v", err)
	}
	if err := s.target(t, Config{QueueURL: queue, Endpoint: "http://127.0.0.1:1"}).Test(t.Context()); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("error %v", err)
	}
	if got := s.receive(t, queue); len(got) != 0 {
		t.Errorf("%d messages", len(got))
	}
}
