// Package testserver runs real S3 servers for tests: versitygw, or MinIO when the
// environment says so.
//
// A test binary starts one server, at its first use, and shares it:
//
//	var server testserver.Shared
//
//	func TestMain(m *testing.M) { defer server.Close(); m.Run() }
//
//	func TestX(t *testing.T) { url := server.Get(t).URL(t, "prefix"); … }
//
// The environment decides (make sets it):
//
//	S3DB_TEST_SERVER           versitygw (the default) or minio
//	S3DB_TEST_REQUIRE_SERVERS  1: a missing binary fails tests instead of skipping them
//	S3DB_TEST_CANARY           1: what goes to servers and comes from them is searched for
//	                           canaries, and what holds one is printed
//	S3DB_TEST_VERSITYGW, S3DB_TEST_MINIO
//	                           path of the binary; else PATH, else .tools/bin
package testserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/s3dbgen/s3dbgen/internal/canary"
	"github.com/s3dbgen/s3dbgen/internal/testserver/process"
)

// Kind is the kind of a server.
type Kind string

// The servers that can be run.
const (
	VersityGW Kind = "versitygw"
	MinIO     Kind = "minio"
)

// Shared is the one server of a test binary. The zero Shared is ready for use.
type Shared struct {
	shared process.Shared[*Server]
}

// Get returns the server and starts it when that has not happened yet. Without
// the binary the test is skipped, or fails under S3DB_TEST_REQUIRE_SERVERS=1.
func (s *Shared) Get(tb testing.TB) *Server {
	tb.Helper()
	return s.shared.Get(tb, func(ctx context.Context) (*Server, error) {
		kind := VersityGW
		if name := os.Getenv("S3DB_TEST_SERVER"); name != "" {
			kind = Kind(name)
		}
		return Start(ctx, kind)
	})
}

// Close stops the server, if it was started.
func (s *Shared) Close() { s.shared.Close() }

// Server is a running S3 server on the loopback interface, with an empty drive and
// credentials of its own.
type Server struct {
	Kind      Kind
	Endpoint  string // http://127.0.0.1:PORT
	AccessKey string
	SecretKey string // holds characters that a URL must escape, and a canary

	client  *s3.Client
	process *process.Process
	drive   string
	wire    *wire // before the server, when that is asked for
}

// Start starts a server and waits until it answers. An error matches
// exec.ErrNotFound when its binary is not installed.
func Start(ctx context.Context, kind Kind) (*Server, error) {
	binary, err := find(kind)
	if err != nil {
		return nil, err
	}
	return process.Retry(ctx, func(ctx context.Context) (*Server, error) { return start(ctx, kind, binary) })
}

// find returns the path of a server's binary.
func find(kind Kind) (string, error) {
	if kind != VersityGW && kind != MinIO {
		return "", fmt.Errorf("testserver: unknown server %q: S3DB_TEST_SERVER is versitygw or minio", kind)
	}
	if path := os.Getenv("S3DB_TEST_" + strings.ToUpper(string(kind))); path != "" {
		return path, nil
	}
	if path, err := exec.LookPath(string(kind)); err == nil {
		return path, nil
	}
	if path, err := exec.LookPath(filepath.Join(process.Tools(), "bin", string(kind))); err == nil {
		return path, nil
	}
	return "", fmt.Errorf("testserver: %w: %s; `make tools` builds it", exec.ErrNotFound, kind)
}

func start(ctx context.Context, kind Kind, binary string) (_ *Server, err error) {
	drive, err := newDrive()
	if err != nil {
		return nil, err
	}
	address, err := process.FreeAddress(ctx)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(drive))
	}
	public := address
	var searched *wire
	if os.Getenv("S3DB_TEST_CANARY") == "1" {
		searched, err = newWire(ctx, address, func(how string, around []byte) {
			fmt.Fprintf(os.Stderr, "canary: what went to the server or came from it holds a secret %s: %q\n", how, around)
		})
		if err != nil {
			return nil, errors.Join(err, os.RemoveAll(drive))
		}
		public = searched.address()
	}
	s := &Server{
		Kind: kind, Endpoint: "http://" + public, wire: searched,
		AccessKey: "test" + rand.Text()[:12], SecretKey: "s/e+c%r=" + canary.Mark + rand.Text(),
		drive: drive,
	}
	s.client = s3.New(s3.Options{
		BaseEndpoint: &s.Endpoint, Region: "us-east-1", UsePathStyle: true, Retryer: aws.NopRetryer{},
		Credentials:                credentials.NewStaticCredentialsProvider(s.AccessKey, s.SecretKey, ""),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		HTTPClient:                 &http.Client{Timeout: 10 * time.Second},
	})
	s.process = process.Start(func(ctx context.Context) *exec.Cmd { return s.command(ctx, binary, address) })
	// It answers as ours when it knows the credentials, which no other does.
	err = s.process.Await(ctx, func(ctx context.Context) error {
		_, err := s.client.ListBuckets(ctx, &s3.ListBucketsInput{})
		return err
	})
	if err != nil {
		s.Stop()
		return nil, fmt.Errorf("testserver: %s: %w", kind, err)
	}
	return s, nil
}

// command returns the command line. Secrets travel in the environment, which
// other users of the machine do not see.
func (s *Server) command(ctx context.Context, binary, address string) *exec.Cmd {
	var cmd *exec.Cmd
	if s.Kind == MinIO {
		cmd = exec.CommandContext(ctx, binary, "server", "--quiet", "--address", address, "--certs-dir", filepath.Join(s.drive, "certs"), filepath.Join(s.drive, "data"))
		cmd.Env = append(os.Environ(), "MINIO_ROOT_USER="+s.AccessKey, "MINIO_ROOT_PASSWORD="+s.SecretKey, "MINIO_BROWSER=off", "MINIO_UPDATE=off", "MINIO_CI_CD=1")
	} else {
		cmd = exec.CommandContext(ctx, binary, "--port", address, "--keep-alive", "--quiet", "posix", filepath.Join(s.drive, "data"))
		cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+s.AccessKey, "ROOT_SECRET_KEY="+s.SecretKey)
	}
	return cmd
}

// Stop kills the server, waits until it is gone and removes its drive.
func (s *Server) Stop() {
	s.process.Stop()
	_ = os.RemoveAll(s.drive) // left behind, it is one more directory in the temporary one
	if s.wire != nil {
		s.wire.close()
	}
}

// Bucket creates a new, empty bucket and returns its name.
func (s *Server) Bucket(tb testing.TB) string {
	tb.Helper()
	name := "test-" + strings.ToLower(rand.Text())
	if _, err := s.client.CreateBucket(tb.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		tb.Fatalf("testserver: create bucket: %v", err)
	}
	return name
}

// URL creates a new bucket and returns the URL of a database in it, credentials
// and all.
func (s *Server) URL(tb testing.TB, prefix string) string {
	tb.Helper()
	return s.BucketURL(s.Bucket(tb), prefix)
}

// BucketURL returns the URL of a database in an existing bucket.
func (s *Server) BucketURL(bucket, prefix string) string {
	return fmt.Sprintf("s3://%s:%s@%s/%s?endpoint=%s", s.AccessKey, url.PathEscape(s.SecretKey), bucket, prefix, s.Endpoint)
}
