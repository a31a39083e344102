package s3store

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

func TestFromURL(t *testing.T) {
	yes, no := true, false
	env := map[string]string{"AWS_BUCKET": "envbucket", "DATABASE_NAME": "shop"}
	for _, test := range []struct {
		url    string
		req    s3db.DriverRequest // what the options of Open say
		want   Options
		prefix string
	}{
		{url: "s3://bucket", want: Options{Bucket: "bucket"}},
		{url: "s3://bucket/app/one/", want: Options{Bucket: "bucket"}, prefix: "app/one"},
		{url: "s3://KEY:SECRET@bucket/databases/app", want: Options{Bucket: "bucket", AccessKey: "KEY", SecretKey: "SECRET"}, prefix: "databases/app"},
		{url: "s3://K%2FY:s%2Fe%2Bc%25r%40t%3A@bucket/p", want: Options{Bucket: "bucket", AccessKey: "K/Y", SecretKey: "s/e+c%r@t:"}, prefix: "p"},
		{url: "s3://KEY:se+cr@bucket", want: Options{Bucket: "bucket", AccessKey: "KEY", SecretKey: "se+cr"}},
		{url: "s3://KEY:se/cr/et@bucket/p", want: Options{Bucket: "bucket", AccessKey: "KEY", SecretKey: "se/cr/et"}, prefix: "p"},
		{
			url:  "s3://bucket?endpoint=http://127.0.0.1:9000&region=eu-west-1&path-style=false&connections=7&session-token=T%2B",
			want: Options{Bucket: "bucket", Endpoint: "http://127.0.0.1:9000", Region: "eu-west-1", PathStyle: &no, Connections: 7, SessionToken: "T+"},
		},
		{
			url:  "s3://bucket?endpoint=http://a&region=r",
			req:  s3db.DriverRequest{Endpoint: "http://b", Region: "q", PathStyle: &yes},
			want: Options{Bucket: "bucket", Endpoint: "http://b", Region: "q", PathStyle: &yes},
		},
		{url: "http://KEY:SECRET@localhost:9000/bucket/app/one", want: Options{Bucket: "bucket", Endpoint: "http://localhost:9000", AccessKey: "KEY", SecretKey: "SECRET"}, prefix: "app/one"},
		{url: "https://s3.example.com/bucket", want: Options{Bucket: "bucket", Endpoint: "https://s3.example.com"}},
		{url: "s3://", want: Options{Bucket: "envbucket"}, prefix: "databases/shop"},
		{url: "s3:///other", want: Options{Bucket: "envbucket"}, prefix: "other"},
	} {
		u, err := s3db.ParseURL(test.url)
		if err != nil {
			t.Errorf("%s: %v", test.url, err)
			continue
		}
		test.req.URL = u
		got, prefix, err := fromURL(test.req, func(name string) string { return env[name] })
		if err != nil {
			t.Errorf("%s: %v", test.url, err)
			continue
		}
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported()); diff != "" || prefix != test.prefix {
			t.Errorf("%s: prefix %q, want %q; options (-want +got):\n%s", test.url, prefix, test.prefix, diff)
		}
	}
}

func TestFromURLRefuses(t *testing.T) {
	for url, want := range map[string]string{
		"s3://":                                "AWS_BUCKET is not set",
		"s3://b?regoin=x":                      `unknown option "regoin"`,
		"s3://b?pathStyle=true":                `did you mean "path-style"?`,
		"s3://b?path-style=maybe":              "true or false",
		"s3://b?connections=many":              "a number above zero",
		"s3://b?connections=0":                 "a number above zero",
		"http://localhost:9000":                "http://HOST/BUCKET/PREFIX",
		"s3://KEY@bucket":                      "both the access key and the secret key",
		"s3://b c":                             "cannot be the name of a bucket",
		"s3://b?endpoint=localhost:9000":       "begin with http://",
		"s3://b?endpoint=http://u:PASSW0RD@h":  "must hold no credentials",
		"s3://b?endpoint=http://[PASSW0RD":     "is no URL",
		"s3://b?endpoint=http://h?x=PASSW0RD":  "must have no ?",
		"s3://KEY:PASSW0RD@b?endpoint=ftp://h": "begin with http://",
	} {
		u, err := s3db.ParseURL(url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		t.Setenv("AWS_BUCKET", "")
		_, _, err = Driver().Open(t.Context(), s3db.DriverRequest{URL: u})
		if !errors.Is(err, s3db.ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one that says %q", url, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "PASSW0RD") {
			t.Errorf("%s: the error holds a secret: %v", url, err)
		}
	}
	u, err := s3db.ParseURL("s3://")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_BUCKET", "b")
	t.Setenv("DATABASE_NAME", "")
	if _, _, err := Driver().Open(t.Context(), s3db.DriverRequest{URL: u}); err == nil || !strings.Contains(err.Error(), "DATABASE_NAME is not set") {
		t.Errorf("error %v", err)
	}
}

// The four variables of the environment say everything.
func TestEnvironment(t *testing.T) {
	var authorization, path string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorization, path = r.Header.Get("Authorization"), r.URL.Path
		w.Header().Set("ETag", `"x"`)
	}))
	defer server.Close()
	t.Setenv("AWS_ACCESS_KEY_ID", "ENVKEY")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "ENVSECRET")
	t.Setenv("AWS_SESSION_TOKEN", "")
	t.Setenv("AWS_BUCKET", "envbucket")
	t.Setenv("DATABASE_NAME", "shop")
	t.Setenv("AWS_REGION", "sa-east-1")
	t.Setenv("AWS_ENDPOINT_URL_S3", server.URL)
	u, err := s3db.ParseURL("s3://")
	if err != nil {
		t.Fatal(err)
	}
	store, prefix, err := Driver().Open(t.Context(), s3db.DriverRequest{URL: u})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Get(t.Context(), prefix+"/s3db.json"); err != nil {
		t.Fatal(err)
	}
	if path != "/envbucket/databases/shop/s3db.json" || !strings.Contains(authorization, "Credential=ENVKEY/") || !strings.Contains(authorization, "/sa-east-1/s3/") {
		t.Errorf("sent %s with %s", path, authorization)
	}
	if caps := store.Capabilities(); !caps.Unproven || caps.Server != strings.TrimPrefix(server.URL, "http://") {
		t.Errorf("the endpoint of the environment is taken for AWS: %+v", caps)
	}
}

// forgetCredentials leaves the default chain nothing but the instance's metadata
// service.
func forgetCredentials(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE",
		"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3",
	} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
}

func TestNoCredentials(t *testing.T) {
	forgetCredentials(t)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	store, err := New(t.Context(), Options{Bucket: "b", Endpoint: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.Put(t.Context(), "key", nil, nil, s3db.Condition{})
	se, ok := errors.AsType[*s3db.StoreError](err)
	if !ok || se.Temporary || se.MaybeApplied || !strings.Contains(err.Error(), "no usable AWS credentials") {
		t.Errorf("error %v (%+v)", err, se)
	}
}

// A metadata service that does not answer holds nobody longer than the context
// says, and a write that waited for it was certainly not sent.
func TestCredentialsHonourContext(t *testing.T) {
	forgetCredentials(t)
	ctx, cancel := context.WithCancel(t.Context())
	imds := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	}))
	defer imds.Close()
	t.Setenv("AWS_EC2_METADATA_DISABLED", "false")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds.URL)
	store, err := New(ctx, Options{Bucket: "b", Endpoint: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.Put(ctx, "key", nil, nil, s3db.Condition{})
	se, ok := errors.AsType[*s3db.StoreError](err)
	if !ok || !errors.Is(err, context.Canceled) || se.Temporary {
		t.Errorf("error %v (%+v)", err, se)
	}
}

// Credentials of the chain: those of a role, from the instance.
func TestInstanceCredentials(t *testing.T) {
	forgetCredentials(t)
	imds := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut:
			w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "600")
			_, _ = io.WriteString(w, "token")
		case strings.HasSuffix(r.URL.Path, "/security-credentials/") || strings.HasSuffix(r.URL.Path, "/security-credentials-extended/"):
			_, _ = io.WriteString(w, "role")
		default:
			_, _ = io.WriteString(w, `{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"ROLEKEY","SecretAccessKey":"s","Token":"t","Expiration":"2099-01-01T00:00:00Z","LastUpdated":"2024-01-01T00:00:00Z"}`)
		}
	}))
	defer imds.Close()
	t.Setenv("AWS_EC2_METADATA_DISABLED", "false")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds.URL)
	var authorization, token string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorization, token = r.Header.Get("Authorization"), r.Header.Get("X-Amz-Security-Token")
		w.Header().Set("ETag", `"x"`)
	}))
	defer server.Close()
	store, err := New(t.Context(), Options{Bucket: "b", Endpoint: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Get(t.Context(), "key"); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(authorization, "Credential=ROLEKEY/") || token != "t" {
		t.Errorf("sent with %q, token %q", authorization, token)
	}
}
