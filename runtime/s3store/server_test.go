package s3store_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/leaktest"
	"github.com/s3dbgen/s3dbgen/internal/testserver"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/s3store"
	"github.com/s3dbgen/s3dbgen/runtime/storetest"
)

var server testserver.Shared

func TestMain(m *testing.M) {
	leaktest.Tests{M: m, Then: []func(){server.Close}, Except: []string{
		// The SDK looks for credentials on, when the request that needs them has ended.
		"github.com/aws/aws-sdk-go-v2/aws.(*CredentialsCache).singleRetrieve",
	}}.Main()
}

// options connect to a new bucket of the test server. At the end of the test, no
// body of a reply may be open.
func options(t *testing.T) s3store.Options {
	t.Helper()
	srv := server.Get(t)
	bodies := &leaktest.Bodies{Next: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}}
	t.Cleanup(func() {
		if n := bodies.Open(); n > 0 {
			t.Errorf("%d bodies of replies are left open", n)
		}
		bodies.CloseIdleConnections()
	})
	return s3store.Options{
		HTTPClient: &http.Client{Transport: bodies, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		Bucket:     srv.Bucket(t), Endpoint: srv.Endpoint, AccessKey: srv.AccessKey, SecretKey: srv.SecretKey,
		// What Probe finds: MinIO deletes whatever If-Match says, versitygw looks at
		// it and deletes a moment later.
		Capabilities: &s3db.Capabilities{MetadataLimit: s3db.DefaultMetadataLimit, ConditionalPut: true},
	}
}

func TestConformance(t *testing.T) {
	opts := options(t)
	storetest.Run(t, func(t *testing.T) s3db.Store {
		t.Helper()
		store, err := s3store.New(t.Context(), opts)
		if err != nil {
			t.Fatal(err)
		}
		return store
	})
}

// Both servers keep the conditions of puts, and neither those of deletions.
func TestProbeServer(t *testing.T) {
	srv := server.Get(t)
	opts := options(t)
	opts.Capabilities = nil
	store, err := s3store.New(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if caps := store.Capabilities(); !caps.Unproven {
		t.Errorf("the capabilities of an endpoint are taken for granted: %+v", caps)
	}
	caps, err := s3db.Probe(t.Context(), store, "app")
	want := s3db.Capabilities{MetadataLimit: s3db.DefaultMetadataLimit, ConditionalPut: true, Server: strings.TrimPrefix(srv.Endpoint, "http://")}
	if err != nil || caps != want {
		t.Errorf("Probe: %+v, %v; want %+v", caps, err, want)
	}
}
