package s3store_test

import (
	"crypto/md5"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/s3store"
)

// sent is a request as the server got it.
type sent struct {
	*http.Request
	body string
}

// record runs one operation against a server that notes the request and answers
// with a reply.
func record(t *testing.T, name string, reply func(http.ResponseWriter)) (sent, error) {
	t.Helper()
	var got sent
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = sent{r, string(body)}
		reply(w)
	}))
	defer server.Close()
	err := operations[name](t.Context(), connect(t, server.URL))
	return got, err
}

func ok(w http.ResponseWriter) { w.Header().Set("ETag", someETag) }

// What goes over the wire is what every server understands.
func TestWire(t *testing.T) {
	for name, want := range map[string]struct {
		method, path string
		header       map[string]string // "" = must be absent
	}{
		"get":          {"GET", "/bucket/key", nil},
		"head":         {"HEAD", "/bucket/key", nil},
		"put":          {"PUT", "/bucket/key", map[string]string{"If-Match": "", "If-None-Match": "", "X-Amz-Meta-1": "x", "Content-Length": "4"}},
		"put absent":   {"PUT", "/bucket/key", map[string]string{"If-Match": "", "If-None-Match": "*"}},
		"put match":    {"PUT", "/bucket/key", map[string]string{"If-Match": someETag, "If-None-Match": ""}},
		"delete":       {"DELETE", "/bucket/key", map[string]string{"If-Match": ""}},
		"delete match": {"DELETE", "/bucket/key", map[string]string{"If-Match": someETag}},
		"delete many":  {"POST", "/bucket", nil},
		"list":         {"GET", "/bucket", nil},
	} {
		got, _ := record(t, name, ok)
		if got.Request == nil {
			t.Errorf("%s: nothing was sent", name)
			continue
		}
		if got.Method != want.method || strings.TrimSuffix(got.URL.Path, "/") != want.path {
			t.Errorf("%s: %s %s, want %s %s", name, got.Method, got.URL.Path, want.method, want.path)
		}
		for header, value := range want.header {
			if header == "Content-Length" {
				if got.ContentLength != 4 || len(got.TransferEncoding) != 0 {
					t.Errorf("%s: length %d, encoding %v", name, got.ContentLength, got.TransferEncoding)
				}
			} else if got.Header.Get(header) != value {
				t.Errorf("%s: %s: %q, want %q", name, header, got.Header.Get(header), value)
			}
		}
		// Checksum trailers and modes, which several servers refuse.
		for _, header := range []string{"X-Amz-Trailer", "X-Amz-Checksum-Mode", "X-Amz-Decoded-Content-Length"} {
			if value := got.Header.Get(header); value != "" {
				t.Errorf("%s: %s: %q", name, header, value)
			}
		}
		if encoding := got.Header.Get("Content-Encoding"); encoding != "" {
			t.Errorf("%s: Content-Encoding: %q", name, encoding)
		}
		if !strings.HasPrefix(got.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential="+accessKey+"/") {
			t.Errorf("%s: Authorization: %q", name, got.Header.Get("Authorization"))
		}
		if strings.HasPrefix(name, "put") && got.body != "body" {
			t.Errorf("%s: body %q", name, got.body)
		}
	}
}

func TestWireDeleteMany(t *testing.T) {
	got, err := record(t, "delete many", func(w http.ResponseWriter) { _, _ = io.WriteString(w, `<DeleteResult/>`) })
	if err != nil {
		t.Fatal(err)
	}
	sum := md5.Sum([]byte(got.body))
	if want := base64.StdEncoding.EncodeToString(sum[:]); got.Header.Get("Content-Md5") != want {
		t.Errorf("Content-MD5 %q, want %q", got.Header.Get("Content-Md5"), want)
	}
	if !strings.Contains(got.body, "<Quiet>true</Quiet>") || !strings.Contains(got.body, "<Key>other</Key>") {
		t.Errorf("body %s", got.body)
	}
	t.Log(got.Header)
}

func TestReplyFields(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", someETag)
		w.Header().Set("Last-Modified", "Thu, 29 Feb 2024 12:00:00 GMT")
		w.Header().Set("Date", "Thu, 29 Feb 2024 12:00:01 GMT")
		w.Header().Set("X-Amz-Meta-1", "Ada")
		w.Header().Set("X-Amz-Meta-A-B", "x")
		if r.URL.Path != "/bucket/key" {
			_, _ = io.WriteString(w, `<?xml version="1.0"?><ListBucketResult><Name>bucket</Name><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>
				<Contents><Key>a%2Bb+c/%C3%A9%01</Key><Size>5</Size><ETag>&#34;x&#34;</ETag><LastModified>2024-02-29T12:00:00.000Z</LastModified></Contents></ListBucketResult>`)
			return
		}
		_, _ = io.WriteString(w, "body")
	}))
	defer server.Close()
	store := connect(t, server.URL)
	modified, now := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC), time.Date(2024, 2, 29, 12, 0, 1, 0, time.UTC)
	o, err := store.Get(t.Context(), "key")
	if err != nil {
		t.Fatal(err)
	}
	if string(o.Body) != "body" || o.ETag != someETag || o.Size != 4 || !o.LastModified.Equal(modified) || !o.ServerTime.Equal(now) || len(o.Metadata) != 2 || o.Metadata["1"] != "Ada" || o.Metadata["a-b"] != "x" {
		t.Errorf("Get: %+v", o)
	}
	page, err := store.List(t.Context(), s3db.ListRequest{})
	if err != nil {
		t.Fatal(err)
	}
	want := s3db.ListItem{Key: "a+b c/é\x01", Size: 5, ETag: `"x"`, LastModified: modified}
	if len(page.Items) != 1 || page.Items[0] != want || !page.More || !page.ServerTime.Equal(now) {
		t.Errorf("List: %+v, want %+v", page, want)
	}
}

// Metadata that the server keeps back would be lost by the next write.
func TestMissingMetadata(t *testing.T) {
	for _, name := range []string{"get", "head"} {
		_, err := record(t, name, func(w http.ResponseWriter) {
			ok(w)
			w.Header().Set("X-Amz-Missing-Meta", "2")
		})
		check(t, err, nil, false, false, false, "leaves 2 metadata headers out")
	}
}

// A page without keys that says that more follow would be asked for endlessly.
func TestEndlessListing(t *testing.T) {
	_, err := record(t, "list", func(w http.ResponseWriter) {
		_, _ = io.WriteString(w, `<ListBucketResult><Name>bucket</Name><IsTruncated>true</IsTruncated></ListBucketResult>`)
	})
	check(t, err, nil, false, false, false, "more keys follow an empty page")
}

// One connection serves one request after the other, and as many as are in use at
// once are kept for the next ones.
func TestConnectionsAreKept(t *testing.T) {
	const parallel = 40
	var conns []string
	arrived, release := make(chan string, parallel), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived <- r.RemoteAddr
		<-release
		ok(w)
		_, _ = io.WriteString(w, "body")
	}))
	defer server.Close()
	store := connect(t, server.URL)
	for round := range 2 {
		done := make(chan error, parallel)
		for range parallel {
			go func() {
				_, err := store.Get(t.Context(), "key")
				done <- err
			}()
		}
		for range parallel {
			if addr := <-arrived; round == 0 {
				conns = append(conns, addr)
			} else if !slices.Contains(conns, addr) {
				t.Errorf("round %d opened a new connection %s", round, addr)
			}
		}
		if round == 0 {
			for range parallel {
				release <- struct{}{}
			}
		} else {
			close(release)
		}
		for range parallel {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestAWSDefaults(t *testing.T) {
	t.Setenv("AWS_ENDPOINT_URL", "")
	t.Setenv("AWS_ENDPOINT_URL_S3", "")
	store, err := s3store.New(t.Context(), s3store.Options{Bucket: "bucket", AccessKey: accessKey, SecretKey: secretKey})
	if err != nil {
		t.Fatal(err)
	}
	want := s3db.Capabilities{MetadataLimit: s3db.DefaultMetadataLimit, ConditionalPut: true, ConditionalDelete: true}
	if got := store.Capabilities(); got != want {
		t.Errorf("AWS: %+v, want %+v", got, want)
	}
	// On AWS the bucket is in the host name.
	var host string
	client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		host = r.URL.Host + r.URL.Path
		return nil, errors.New("not sent")
	})}
	store, err = s3store.New(t.Context(), s3store.Options{Bucket: "bucket", Region: "eu-west-1", AccessKey: accessKey, SecretKey: secretKey, HTTPClient: client})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Get(t.Context(), "key"); err == nil {
		t.Error("no error")
	}
	if host != "bucket.s3.eu-west-1.amazonaws.com/key" {
		t.Errorf("sent to %s", host)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
