// Package s3store keeps a database in a bucket of Amazon S3 or of a compatible
// server. It is the only package that imports the AWS SDK.
//
// A method makes exactly one attempt: the retries of the SDK are off, because
// only the runtime knows which request may be repeated and how to find out
// whether a failed one was applied. What a failure means is decided here, in
// errors.go.
package s3store

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Options say which bucket to use and how to reach it.
type Options struct {
	// Bucket is the name of an existing bucket. Required.
	Bucket string
	// Endpoint is the address of an S3 compatible server, such as
	// "http://localhost:9000". "" is the endpoint of the environment
	// (AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, shared configuration), else AWS.
	Endpoint string
	// Region of the bucket. "" is the region of the environment (AWS_REGION,
	// shared configuration), else us-east-1.
	Region string
	// PathStyle puts the bucket into the path of requests instead of the host
	// name. Nil means: with an endpoint yes, on AWS no.
	PathStyle *bool
	// AccessKey and SecretKey are credentials. When both are empty the default
	// chain of AWS finds some: environment, shared files, web identity (IRSA),
	// container and instance roles.
	AccessKey, SecretKey string
	// SessionToken belongs to temporary credentials.
	SessionToken string
	// Connections is the number of idle connections to keep, which should be at
	// least the number of parallel requests; 0 means 256.
	Connections int
	// Capabilities, when not nil, are known of this server, so that nobody needs
	// to probe it. Nil means the full ones, proven on AWS, unproven elsewhere.
	Capabilities *s3db.Capabilities
	// HTTPClient, when not nil, carries the requests. It must not follow redirects
	// or retry. Connections is then without effect.
	HTTPClient *http.Client
}

// Store is one bucket. It implements s3db.ContentSigner and is safe for concurrent use.
type Store struct {
	client *s3.Client
	bucket *string
	http   *http.Client
	caps   s3db.Capabilities
	closed atomic.Bool
	// deleteManyOptions add the Content-MD5 that S3 once required of a bulk
	// deletion, and some compatible servers still do, to the CRC of the SDK.
	deleteManyOptions []func(*s3.Options)
}

var _ s3db.ContentSigner = (*Store)(nil)

// New connects a Store to a bucket. It sends no request to the bucket; finding
// credentials may read files, and the first request may ask other services for
// some. Errors match s3db.ErrConfig.
func New(ctx context.Context, opts Options) (*Store, error) {
	if err := opts.check(); err != nil {
		return nil, err
	}
	var load []func(*config.LoadOptions) error
	if opts.Region != "" {
		load = append(load, config.WithRegion(opts.Region))
	}
	if opts.AccessKey != "" {
		load = append(load, config.WithCredentialsProvider(
			credentials.NewStaticCredentialsProvider(opts.AccessKey, opts.SecretKey, opts.SessionToken)))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("%w: AWS settings of the environment: %w", s3db.ErrConfig, err)
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	s := &Store{bucket: &opts.Bucket, http: opts.HTTPClient}
	if s.http == nil {
		s.http = newHTTPClient(cfg.HTTPClient, opts.Connections)
	}
	server := "" // the address of a server that is not known to be AWS
	s.client = s3.NewFromConfig(cfg, func(o *s3.Options) {
		if opts.Endpoint != "" {
			o.BaseEndpoint = &opts.Endpoint
		}
		custom := o.BaseEndpoint != nil
		if custom {
			server = address(*o.BaseEndpoint)
		}
		o.HTTPClient = s.http
		o.Retryer = aws.NopRetryer{}
		o.UsePathStyle = custom
		if opts.PathStyle != nil {
			o.UsePathStyle = *opts.PathStyle
		}
		o.DisableLogOutputChecksumValidationSkipped = true
		if custom {
			// The checksum trailers that the SDK adds by default are refused by
			// several servers.
			o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
			o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		}
	})
	if server != "" {
		s.deleteManyOptions = []func(*s3.Options){s3.WithAPIOptions(smithyhttp.AddContentChecksumMiddleware)}
	}
	s.caps = s3db.Capabilities{
		MetadataLimit: s3db.DefaultMetadataLimit, ConditionalPut: true, ConditionalDelete: true, Server: server, Unproven: server != "",
	}
	if opts.Capabilities != nil {
		s.caps = *opts.Capabilities
	}
	return s, nil
}

// check finds mistakes that would otherwise show up as odd answers of a server.
func (o *Options) check() error {
	if o.Bucket == "" {
		return fmt.Errorf("%w: no bucket is named", s3db.ErrConfig)
	}
	if strings.ContainsAny(o.Bucket, "/:@?#% \\") {
		return fmt.Errorf("%w: %q cannot be the name of a bucket", s3db.ErrConfig, o.Bucket)
	}
	if (o.AccessKey == "") != (o.SecretKey == "") {
		return fmt.Errorf("%w: give both the access key and the secret key, or neither", s3db.ErrConfig)
	}
	if o.Endpoint == "" {
		return nil
	}
	u, err := url.Parse(o.Endpoint)
	switch {
	case err != nil: // the error would print what may be a password
		return fmt.Errorf("%w: the endpoint is no URL; it looks like http://localhost:9000", s3db.ErrConfig)
	case u.User != nil:
		return fmt.Errorf("%w: the endpoint must hold no credentials; put them before the bucket: s3://KEY:SECRET@bucket", s3db.ErrConfig)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return fmt.Errorf("%w: the endpoint %q must begin with http:// or https://", s3db.ErrConfig, o.Endpoint)
	case u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("%w: the endpoint must have no ? or #", s3db.ErrConfig)
	}
	return nil
}

// address returns host and port of an endpoint.
func address(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		return "unknown"
	}
	return u.Host
}

// newHTTPClient returns a client that keeps enough idle connections. It starts
// from the transport of the SDK's client, which knows of AWS_CA_BUNDLE.
func newHTTPClient(from aws.HTTPClient, connections int) *http.Client {
	if connections <= 0 {
		connections = 256
	}
	buildable, ok := from.(*awshttp.BuildableClient)
	if !ok {
		buildable = awshttp.NewBuildableClient()
	}
	transport := buildable.GetTransport()
	// The default of two throws connections away under load.
	transport.MaxIdleConnsPerHost = connections
	transport.MaxIdleConns = connections
	// Objects are stored as they are; asking for compression only costs.
	transport.DisableCompression = true
	return &http.Client{
		Transport: transport,
		// A signature holds for one host: a redirect followed blindly would be
		// refused there with a misleading error.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Capabilities implements s3db.Store.
func (s *Store) Capabilities() s3db.Capabilities { return s.caps }

// Close implements s3db.Store. Requests that are under way go on.
func (s *Store) Close() error {
	if !s.closed.Swap(true) {
		s.http.CloseIdleConnections()
	}
	return nil
}

var errClosed = errors.New("the store is closed")

// begin refuses requests after Close and those whose context has ended, so that
// for both it is certain that nothing was sent.
func (s *Store) begin(ctx context.Context, op, key string) error {
	if err := ctx.Err(); err != nil {
		return &s3db.StoreError{Op: op, Key: key, Err: err}
	}
	if s.closed.Load() {
		return &s3db.StoreError{Op: op, Key: key, Err: errClosed}
	}
	return nil
}
