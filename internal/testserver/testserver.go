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
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/s3dbgen/s3dbgen/internal/canary"
)

// Kind is the kind of a server.
type Kind string

// The servers that can be run.
const (
	VersityGW Kind = "versitygw"
	MinIO     Kind = "minio"
)

// startTimeout bounds the start of a server. It is long: a machine that builds and
// tests many packages at once is slow.
const startTimeout = 60 * time.Second

// Shared is the one server of a test binary. The zero Shared is ready for use.
type Shared struct {
	once   sync.Once
	server *Server
	err    error
}

// Get returns the server and starts it when that has not happened yet. Without
// the binary the test is skipped, or fails under S3DB_TEST_REQUIRE_SERVERS=1.
func (s *Shared) Get(tb testing.TB) *Server {
	tb.Helper()
	s.once.Do(func() {
		kind := VersityGW
		if name := os.Getenv("S3DB_TEST_SERVER"); name != "" {
			kind = Kind(name)
		}
		ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
		defer cancel()
		s.server, s.err = Start(ctx, kind)
	})
	if s.err == nil {
		return s.server
	}
	if errors.Is(s.err, exec.ErrNotFound) && os.Getenv("S3DB_TEST_REQUIRE_SERVERS") != "1" {
		tb.Skipf("%v", s.err)
	}
	tb.Fatalf("%v", s.err)
	return nil
}

// Close stops the server, if it was started.
func (s *Shared) Close() {
	s.once.Do(func() { s.err = errors.New("the test server is closed") })
	if s.server != nil {
		s.server.Stop()
	}
}

// Server is a running S3 server on the loopback interface, with an empty drive and
// credentials of its own.
type Server struct {
	Kind      Kind
	Endpoint  string // http://127.0.0.1:PORT
	AccessKey string
	SecretKey string // holds characters that a URL must escape, and a canary

	client *s3.Client
	stop   context.CancelFunc
	done   chan struct{} // closed when the process has ended and its drive is gone
	log    *tail
	wire   *wire // before the server, when that is asked for
}

// Start starts a server and waits until it answers. An error matches
// exec.ErrNotFound when its binary is not installed.
func Start(ctx context.Context, kind Kind) (*Server, error) {
	binary, err := find(kind)
	if err != nil {
		return nil, err
	}
	// Somebody else may take the port between the choice and the server's start.
	for attempt := 1; ; attempt++ {
		s, err := start(ctx, kind, binary)
		if err == nil || attempt == 3 || ctx.Err() != nil {
			return s, err
		}
	}
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
	if root, err := moduleRoot(); err == nil {
		if path, err := exec.LookPath(filepath.Join(root, ".tools", "bin", string(kind))); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("testserver: %w: %s; `make tools` builds it", exec.ErrNotFound, kind)
}

// moduleRoot returns the directory of go.mod. Tests run in that of their package.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", os.ErrNotExist
		}
		dir = parent
	}
}

func start(ctx context.Context, kind Kind, binary string) (_ *Server, err error) {
	drive, err := newDrive()
	if err != nil {
		return nil, err
	}
	address, err := freeAddress(ctx)
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
	running, stop := context.WithCancel(context.Background())
	s := &Server{
		Kind: kind, Endpoint: "http://" + public, wire: searched,
		AccessKey: "test" + rand.Text()[:12], SecretKey: "s/e+c%r=" + canary.Mark + rand.Text(),
		stop: stop, done: make(chan struct{}), log: &tail{},
	}
	s.client = s3.New(s3.Options{
		BaseEndpoint: &s.Endpoint, Region: "us-east-1", UsePathStyle: true, Retryer: aws.NopRetryer{},
		Credentials:                credentials.NewStaticCredentialsProvider(s.AccessKey, s.SecretKey, ""),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		HTTPClient:                 &http.Client{Timeout: 10 * time.Second},
	})
	exited := make(chan error, 1)
	go s.run(running, s.command(running, binary, address, drive), drive, exited)
	if err := s.ready(ctx, exited); err != nil {
		s.Stop()
		return nil, fmt.Errorf("testserver: %s: %w\n%s", kind, err, s.log)
	}
	return s, nil
}

// freeAddress returns a loopback address on which nobody listens.
func freeAddress(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// command returns the command line. Secrets travel in the environment, which
// other users of the machine do not see.
func (s *Server) command(ctx context.Context, binary, address, drive string) *exec.Cmd {
	var cmd *exec.Cmd
	if s.Kind == MinIO {
		cmd = exec.CommandContext(ctx, binary, "server", "--quiet", "--address", address, "--certs-dir", filepath.Join(drive, "certs"), filepath.Join(drive, "data"))
		cmd.Env = append(os.Environ(), "MINIO_ROOT_USER="+s.AccessKey, "MINIO_ROOT_PASSWORD="+s.SecretKey, "MINIO_BROWSER=off", "MINIO_UPDATE=off", "MINIO_CI_CD=1")
	} else {
		cmd = exec.CommandContext(ctx, binary, "--port", address, "--keep-alive", "--quiet", "posix", filepath.Join(drive, "data"))
		cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+s.AccessKey, "ROOT_SECRET_KEY="+s.SecretKey)
	}
	cmd.Stdout, cmd.Stderr = s.log, s.log
	cmd.WaitDelay = time.Second
	dieWithParent(cmd)
	return cmd
}

// run starts the process and stays until it has ended.
func (s *Server) run(ctx context.Context, cmd *exec.Cmd, drive string, exited chan<- error) {
	// The kernel kills the process when this thread ends, not only when all of the
	// test binary does, so the thread must stay.
	runtime.LockOSThread()
	defer close(s.done)
	err := cmd.Run()
	if ctx.Err() == nil {
		exited <- fmt.Errorf("the server ended by itself: %w", err)
	}
	_ = os.RemoveAll(drive) // left behind, it is one more directory in the temporary one
}

// ready asks the server until it answers as ours: its credentials are in no other.
func (s *Server) ready(ctx context.Context, exited <-chan error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := s.client.ListBuckets(ctx, &s3.ListBucketsInput{})
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case err := <-exited:
			return err
		case <-ctx.Done():
			return fmt.Errorf("no answer in time: %w", err)
		}
	}
}

// Stop kills the server, waits until it is gone and removes its drive.
func (s *Server) Stop() {
	s.stop()
	<-s.done
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

// tail keeps the end of what a server prints, for the message when it fails.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	const keep = 8 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - keep; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
