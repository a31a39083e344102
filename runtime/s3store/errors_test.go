package s3store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/s3store"
)

const (
	accessKey = "AKIAEXAMPLE"
	secretKey = "se/cr+et%SECRET"
	someETag  = `"5d41402abc4b2a76b9719d911017c592"`
)

// connect returns a store that talks to an address, without an environment.
func connect(t *testing.T, endpoint string) *s3store.Store {
	t.Helper()
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_CA_BUNDLE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	store, err := s3store.New(t.Context(), s3store.Options{Bucket: "bucket", Endpoint: endpoint, AccessKey: accessKey, SecretKey: secretKey})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// operations are all requests of a store, by name.
var operations = map[string]func(context.Context, s3db.Store) error{
	"get":          func(ctx context.Context, s s3db.Store) error { _, err := s.Get(ctx, "key"); return err },
	"head":         func(ctx context.Context, s s3db.Store) error { _, err := s.Head(ctx, "key"); return err },
	"put":          func(ctx context.Context, s s3db.Store) error { return put(ctx, s, s3db.Condition{}) },
	"put absent":   func(ctx context.Context, s s3db.Store) error { return put(ctx, s, s3db.IfAbsent()) },
	"put match":    func(ctx context.Context, s s3db.Store) error { return put(ctx, s, s3db.IfMatchETag(someETag)) },
	"delete":       func(ctx context.Context, s s3db.Store) error { return s.Delete(ctx, "key", s3db.Condition{}) },
	"delete match": func(ctx context.Context, s s3db.Store) error { return s.Delete(ctx, "key", s3db.IfMatchETag(someETag)) },
	"delete many":  func(ctx context.Context, s s3db.Store) error { return s.DeleteMany(ctx, []string{"key", "other"}) },
	"list": func(ctx context.Context, s s3db.Store) error {
		_, err := s.List(ctx, s3db.ListRequest{Prefix: "key"})
		return err
	},
}

func put(ctx context.Context, s s3db.Store, cond s3db.Condition) error {
	_, err := s.Put(ctx, "key", []byte("body"), map[string]string{"1": "x"}, cond)
	return err
}

const (
	allOperations   = "get,head,put,put absent,put match,delete,delete match,delete many,list"
	writeOperations = "put,put absent,put match,delete,delete match,delete many"
	bodyOperations  = "get,put,put absent,put match,delete,delete match,delete many,list" // whose error replies have a body
)

// is reports whether a name is in a list of them.
func is(list, name string) bool {
	return strings.Contains(","+list+",", ","+name+",")
}

func TestReplies(t *testing.T) {
	for _, test := range []struct {
		name   string
		status int
		code   string // of the S3 error document; "" for no document
		body   string // instead of the document
		header map[string]string
		// what it means for the operations named in on; others are not tried
		on        string
		sentinel  error // ErrNotFound or ErrPrecondition, nil for a *StoreError
		none      bool  // no error at all
		temporary bool
		maybe     bool // for writes
		text      string
	}{
		{name: "missing object", status: 404, code: "NoSuchKey", on: "get,head", sentinel: s3db.ErrNotFound},
		{name: "missing object, conditional", status: 404, code: "NoSuchKey", on: "put match,delete match", sentinel: s3db.ErrPrecondition},
		{name: "missing object, deleted", status: 404, code: "NoSuchKey", on: "delete", none: true},
		{name: "missing bucket", status: 404, code: "NoSuchBucket", on: bodyOperations, text: `there is no bucket "bucket"`},
		{name: "404 of something else", status: 404, body: "<html><body>Not Found</body></html>", on: bodyOperations, text: "404"},
		{name: "404 without a body", status: 404, on: "get,put,put match,delete,list", text: "does not answer as S3 does"},
		{name: "false condition", status: 412, code: "PreconditionFailed", on: "put absent,put match,delete match", sentinel: s3db.ErrPrecondition},
		{name: "false condition nobody set", status: 412, code: "PreconditionFailed", on: "put,delete,get", text: "412 PreconditionFailed"},
		{name: "conditional conflict", status: 409, code: "ConditionalRequestConflict", on: "put absent,put match,delete match", temporary: true},
		{name: "aborted", status: 409, code: "OperationAborted", on: writeOperations, temporary: true},
		{name: "directory comes and goes", status: 409, code: "ExistingObjectIsDirectory", on: "put", temporary: true},
		{name: "parent is an object", status: 409, code: "ObjectParentIsFile", on: "put", text: "409 ObjectParentIsFile"},
		{name: "internal error", status: 500, code: "InternalError", on: bodyOperations, temporary: true, maybe: true, text: "500 InternalError"},
		{name: "internal error without a body", status: 500, on: allOperations, temporary: true, maybe: true, text: "500"},
		{name: "bad gateway", status: 502, body: "<html>bad gateway</html>", on: bodyOperations, temporary: true, maybe: true, text: "502"},
		{name: "slow down", status: 503, code: "SlowDown", on: bodyOperations, temporary: true, maybe: true, text: "503 SlowDown"},
		{name: "gateway timeout", status: 504, on: allOperations, temporary: true, maybe: true},
		{name: "not implemented", status: 501, code: "NotImplemented", on: writeOperations, text: "501 NotImplemented"},
		{name: "disk full", status: 507, code: "XMinioStorageFull", on: "put", maybe: true},
		{name: "too many requests", status: 429, code: "TooManyRequests", on: bodyOperations, temporary: true},
		{name: "request timeout", status: 408, on: allOperations, temporary: true},
		{name: "slow request", status: 400, code: "RequestTimeout", on: "put", temporary: true},
		{name: "clock", status: 403, code: "RequestTimeTooSkewed", on: bodyOperations, temporary: true, text: "clocks"},
		{name: "denied", status: 403, code: "AccessDenied", on: bodyOperations, text: "may not do this"},
		{name: "denied without a body", status: 403, on: "head", text: "may not do this"},
		{name: "wrong access key", status: 403, code: "InvalidAccessKeyId", on: bodyOperations, text: "does not know the access key"},
		{name: "wrong access key, versitygw", status: 404, code: "XAdminUserNotFound", on: bodyOperations, text: "does not know the access key"},
		{name: "wrong secret key", status: 403, code: "SignatureDoesNotMatch", on: bodyOperations, text: "the secret key is wrong"},
		{name: "expired", status: 400, code: "ExpiredToken", on: bodyOperations, text: "have expired"},
		{name: "bad request", status: 400, code: "MetadataTooLarge", on: "put", text: "400 MetadataTooLarge"},
		{name: "wrong region", status: 301, code: "PermanentRedirect", header: map[string]string{"X-Amz-Bucket-Region": "eu-west-1"}, on: bodyOperations, text: `the bucket is in region "eu-west-1", not in "us-east-1"; add ?region=eu-west-1`},
		{name: "wrong region, no body", status: 301, header: map[string]string{"X-Amz-Bucket-Region": "eu-west-1"}, on: "head", text: `in region "eu-west-1"`},
		{name: "wrong region, 400", status: 400, code: "AuthorizationHeaderMalformed", on: bodyOperations, text: "name its region"},
		{name: "wrong region, 400, no body", status: 400, header: map[string]string{"X-Amz-Bucket-Region": "eu-west-1"}, on: "head", text: `in region "eu-west-1"`},
		{name: "redirected for now", status: 307, code: "TemporaryRedirect", header: map[string]string{"Location": "http://127.0.0.1:1/"}, on: bodyOperations, temporary: true},
		{name: "no S3 server", status: 200, body: "<html>welcome</html>", on: "put,put absent", maybe: true, text: "no ETag"},
		{name: "no S3 server, read", status: 200, body: "welcome", on: "list", text: "is this an S3 server?"},
	} {
		for name, call := range operations {
			if !is(test.on, name) {
				continue
			}
			t.Run(test.name+"/"+name, func(t *testing.T) {
				var requests atomic.Int32
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					requests.Add(1)
					_, _ = io.Copy(io.Discard, r.Body)
					for name, value := range test.header {
						w.Header().Set(name, value)
					}
					body := test.body
					if test.code != "" {
						body = fmt.Sprintf("<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>in words</Message><RequestId>R1</RequestId></Error>", test.code)
						w.Header().Set("Content-Type", "application/xml")
						w.Header().Set("X-Amz-Request-Id", "R1")
					}
					w.WriteHeader(test.status)
					_, _ = io.WriteString(w, body)
				}))
				defer server.Close()
				err := call(t.Context(), connect(t, server.URL))
				if n := requests.Load(); n != 1 {
					t.Errorf("%d requests, want one attempt", n)
				}
				check(t, err, test.sentinel, test.none, test.temporary, test.maybe && is(writeOperations, name), test.text)
				if se, ok := errors.AsType[*s3db.StoreError](err); ok && (se.Status != test.status || name != "head" && se.Code != test.code) {
					t.Errorf("status %d, code %q; want %d, %q", se.Status, se.Code, test.status, test.code)
				}
			})
		}
	}
}

// check compares an error with what it should mean, and looks for secrets in it.
func check(t *testing.T, err, sentinel error, none, temporary, maybe bool, text string) {
	t.Helper()
	switch {
	case none:
		if err != nil {
			t.Errorf("error %v", err)
		}
		return
	case err == nil:
		t.Fatal("no error")
	case sentinel != nil:
		if !errors.Is(err, sentinel) {
			t.Errorf("error %v, want %v", err, sentinel)
		}
		return
	}
	se, ok := errors.AsType[*s3db.StoreError](err)
	if !ok || errors.Is(err, s3db.ErrNotFound) || errors.Is(err, s3db.ErrPrecondition) {
		t.Fatalf("error %v, want a *s3db.StoreError alone", err)
	}
	if se.Temporary != temporary || se.MaybeApplied != maybe {
		t.Errorf("error %v: temporary %v, maybe applied %v; want %v, %v", err, se.Temporary, se.MaybeApplied, temporary, maybe)
	}
	if !strings.Contains(err.Error(), text) {
		t.Errorf("error %q does not say %q", err, text)
	}
	for _, secret := range []string{secretKey, "se%2Fcr", "X-Amz-Signature", "Signature=", "AWS4-HMAC"} {
		if strings.Contains(fmt.Sprintf("%v %+v", err, err), secret) {
			t.Errorf("error %q holds a secret", err)
		}
	}
	t.Log(err)
}

// What goes wrong on the way.
func TestTransport(t *testing.T) {
	listen := func(t *testing.T, serve func(net.Conn)) string {
		t.Helper()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				go serve(conn)
			}
		}()
		return "http://" + l.Addr().String()
	}
	// answer reads the request, sends some bytes and breaks the connection.
	answer := func(reply string, reset bool) func(net.Conn) {
		return func(conn net.Conn) {
			buf := make([]byte, 64<<10)
			_, _ = conn.Read(buf)
			_, _ = io.WriteString(conn, reply)
			if reset {
				_ = conn.(*net.TCPConn).SetLinger(0)
			}
			_ = conn.Close()
		}
	}
	breaks := func(serve func(net.Conn)) func(*testing.T) string {
		return func(t *testing.T) string {
			t.Helper()
			return listen(t, serve)
		}
	}
	const half = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: \"x\"\r\nContent-Type: application/xml\r\n\r\n<?xml version=\"1.0\"?><ListBucketResult>"
	for _, test := range []struct {
		name      string
		endpoint  func(*testing.T) string
		on        string
		temporary bool
		maybe     bool
		text      string
	}{
		{"reset", breaks(answer("", true)), allOperations, true, true, ""},
		{"closed", breaks(answer("", false)), allOperations, true, true, ""},
		{"half a header", breaks(answer("HTTP/1.1 200 OK\r\nContent-Le", false)), allOperations, true, true, ""},
		{"half a body", breaks(answer(half, false)), "get,list,delete many", true, true, ""},
		{"reset in a body", breaks(answer(half, true)), "get,list,delete many", true, true, ""},
		{"refused", func(t *testing.T) string {
			t.Helper()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			return "http://" + l.Addr().String()
		}, allOperations, true, false, "connection refused"},
		{"no such host", func(*testing.T) string { return "http://s3.invalid" }, allOperations, true, false, "s3.invalid"},
		{"unknown certificate", func(t *testing.T) string {
			t.Helper()
			server := httptest.NewTLSServer(http.NotFoundHandler())
			server.Config.ErrorLog = nil
			t.Cleanup(server.Close)
			return server.URL
		}, "get,put", false, false, "cannot be trusted"},
		{"plain HTTP behind https", func(t *testing.T) string {
			t.Helper()
			server := httptest.NewServer(http.NotFoundHandler())
			t.Cleanup(server.Close)
			return strings.Replace(server.URL, "http:", "https:", 1)
		}, "get,put", false, false, "begin it with http://"},
	} {
		for name, call := range operations {
			if !is(test.on, name) {
				continue
			}
			t.Run(test.name+"/"+name, func(t *testing.T) {
				err := call(t.Context(), connect(t, test.endpoint(t)))
				check(t, err, nil, false, test.temporary, test.maybe && is(writeOperations, name), test.text)
			})
		}
	}
}

// A server that does not answer holds nobody longer than the context says.
func TestStall(t *testing.T) {
	for _, part := range []string{"before the reply", "in the body"} {
		for name, call := range operations {
			if part == "in the body" && !is("get,list,delete many", name) {
				continue
			}
			t.Run(part+"/"+name, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					if part == "in the body" {
						w.Header().Set("Content-Length", "1000")
						_, _ = io.WriteString(w, "<?xml version=\"1.0\"?>")
						_ = http.NewResponseController(w).Flush()
					}
					cancel() // the caller loses patience now that the request is here
					<-r.Context().Done()
				}))
				defer server.Close()
				err := call(ctx, connect(t, server.URL))
				if !errors.Is(err, context.Canceled) {
					t.Errorf("error %v", err)
				}
				check(t, err, nil, false, false, is(writeOperations, name), "context canceled")
			})
		}
	}
}

func TestDeleteManyErrors(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/xml")
		_, _ = io.WriteString(w, `<?xml version="1.0"?><DeleteResult>
			<Error><Key>a</Key><Code>AccessDenied</Code><Message>no</Message></Error>
			<Error><Key>b</Key><Code>InternalError</Code><Message>try again</Message></Error>
			<Error><Key>c</Key><Code>NoSuchKey</Code><Message>gone</Message></Error>
			<Error><Key>d</Key><Code>SlowDown</Code><Message>slow</Message></Error></DeleteResult>`)
	}))
	defer server.Close()
	err := connect(t, server.URL).DeleteMany(t.Context(), []string{"a", "b", "c", "d", "e"})
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) != 3 {
		t.Fatalf("error %v, want three", err)
	}
	for i, want := range []s3db.StoreError{
		{Op: "delete many", Key: "a", Code: "AccessDenied"},
		{Op: "delete many", Key: "b", Code: "InternalError", Temporary: true, MaybeApplied: true},
		{Op: "delete many", Key: "d", Code: "SlowDown", Temporary: true, MaybeApplied: true},
	} {
		got, ok := errors.AsType[*s3db.StoreError](joined.Unwrap()[i])
		if !ok {
			t.Fatalf("error %d: %v", i, joined.Unwrap()[i])
		}
		got.Err = nil
		if *got != want {
			t.Errorf("error %d: %+v, want %+v", i, *got, want)
		}
	}
}
