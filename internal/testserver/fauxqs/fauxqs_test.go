package fauxqs_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/testserver/fauxqs"
)

func TestStartStop(t *testing.T) {
	var shared fauxqs.Shared
	defer shared.Close()
	server := shared.Get(t)
	address, err := url.Parse(server.Endpoint)
	if err != nil || address.Hostname() != "127.0.0.1" {
		t.Fatalf("endpoint %q: %v", server.Endpoint, err)
	}
	create := func() (*http.Response, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.Endpoint, strings.NewReader(`{"QueueName":"orders"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-amz-json-1.0")
		req.Header.Set("X-Amz-Target", "AmazonSQS.CreateQueue")
		return http.DefaultClient.Do(req)
	}
	resp, err := create()
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || !strings.Contains(string(body), "/orders") {
		t.Errorf("status %s, body %s, error %v", resp.Status, body, err)
	}
	shared.Close()
	if resp, err := create(); err == nil {
		resp.Body.Close()
		t.Error("the server answers after Close")
	}
}
