package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	"github.com/s3dbgen/s3dbgen/internal/canary"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// impatient gives up soon.
var impatient = s3db.WithRetry(s3db.RetryPolicy{Requests: 2, Base: time.Millisecond, Cap: time.Millisecond})

// TestOpenRefuses opens what cannot be opened: each mistake has an error that says
// which it is, matches a sentinel, and holds no credential.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	s := server.Get(t)
	bucket := s.Bucket(t)
	good := s.BucketURL(bucket, "p")
	dir := t.TempDir()
	missingDir := filepath.Join(dir, "no", "such", "dir", "shop.db")
	notADatabase := filepath.Join(dir, "text.db")
	if err := os.WriteFile(notADatabase, []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	secret := canary.Value("credential")
	for _, test := range []struct {
		name string
		url  string
		want error
		says string
	}{
		{"no scheme", "bucket/prefix", s3db.ErrConfig, "such as s3://bucket/prefix"},
		{"empty", "", s3db.ErrConfig, "such as s3://bucket/prefix"},
		{"unknown scheme", "redis://localhost", s3db.ErrConfig, "redis"},
		{"scheme in upper case and misspelled", "S4://bucket", s3db.ErrConfig, `unknown scheme "s4"`},
		{"unknown option", good + "&reigon=x", s3db.ErrConfig, "reigon"},
		{"bad escape", "s3://key:" + secret + "%zz@bucket", s3db.ErrConfig, "write %25"},
		{"hostile prefix", "s3://bucket/../other", s3db.ErrConfig, `"../other"`},
		{"unreachable", "s3://key:" + secret + "@bucket/p?endpoint=http://127.0.0.1:1", s3db.ErrUnavailable, "127.0.0.1:1"},
		{"missing bucket", s.BucketURL("no-such-bucket", "p"), s3db.ErrRefused, `there is no bucket "no-such-bucket"`},
		{"unknown key", strings.Replace(good, s.AccessKey, "somebody", 1), s3db.ErrRefused, "does not know the access key"},
		{"wrong secret", strings.Replace(good, url.PathEscape(s.SecretKey), secret, 1), s3db.ErrRefused, "the secret key is wrong"},
		{"wrong region", good + "&region=mars-north-1", s3db.ErrRefused, `not in region "mars-north-1"`},
		{"missing directory", "file://" + missingDir, s3db.ErrConfig, "does not exist"},
		{"directory", "file://" + dir, s3db.ErrConfig, "is a directory"},
		{"other file", "file://" + notADatabase, s3db.ErrCorrupt, "is no database file"},
		{"no file", "file://", s3db.ErrConfig, "no path is named"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			db, err := shop.Open(ctx, test.url, append(options(), impatient)...)
			if err == nil {
				_ = db.Close()
				if test.name == "wrong region" {
					t.Skip("this server takes any region")
				}
				t.Fatal("it opened")
			}
			var e *s3db.Error
			if !errors.As(err, &e) || e.Op != "open" {
				t.Errorf("%v is no *Error of open", err)
			}
			if !errors.Is(err, test.want) {
				t.Errorf("error is %v, want %v", err, test.want)
			}
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("error does not name %q: %v", test.says, err)
			}
			if text := err.Error(); strings.Contains(text, secret) || strings.Contains(text, s.SecretKey) {
				t.Errorf("error shows a secret: %v", err)
			}
			t.Log(err)
		})
	}
}

// TestOpenRefusesWithoutWhatTheSchemaNeeds leaves out options that the shop's
// schema asks for.
func TestOpenRefusesWithoutWhatTheSchemaNeeds(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]s3db.Option{
		"WithPassphrase":    {s3db.WithIDs("products", productID)},
		`WithIDs("products`: {s3db.WithPassphrase(canary.Value("p"))},
		`"nonesuch"`:        {s3db.WithPassphrase(canary.Value("p")), s3db.WithIDs("products", productID), s3db.WithIDs("nonesuch", productID)},
		"32 bytes":          {s3db.WithKey("k", []byte(canary.Mark)), s3db.WithIDs("products", productID)},
	} {
		store := memstore.New()
		_, err := shop.New(t.Context(), store, options...)
		if !errors.Is(err, s3db.ErrConfig) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if n := store.Server().Len(); n != 0 {
			t.Errorf("%s: %d objects were written", name, n)
		}
	}
}

// TestOpenRefusesRegistry meets a registry that it must not use and must not
// overwrite.
func TestOpenRefusesRegistry(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, registry string
		want           error
	}{
		{"not JSON", `{"format":`, s3db.ErrCorrupt},
		{"empty", ``, s3db.ErrCorrupt},
		{"other JSON", `{"version":"1","s3dbVersion":"7.0.0"}`, s3db.ErrCorrupt},
		{"newer format", `{"format":999}`, s3db.ErrNewerFormat},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			store := memstore.New()
			if _, err := store.Put(t.Context(), "s3db.json", []byte(test.registry), nil, s3db.Condition{}); err != nil {
				t.Fatal(err)
			}
			if _, err := shop.New(t.Context(), store, options()...); !errors.Is(err, test.want) || !strings.Contains(err.Error(), "s3db.json") {
				t.Errorf("error is %v, want %v about s3db.json", err, test.want)
			}
			object := must[*s3db.Object](t)(store.Get(t.Context(), "s3db.json"))
			if string(object.Body) != test.registry || store.Server().Len() != 1 {
				t.Error("it was overwritten")
			}
		})
	}
}

// TestLockedFile opens a file twice.
func TestLockedFile(t *testing.T) {
	t.Parallel()
	place := "file://" + filepath.Join(canary.TempDir(t), "shop.db")
	db := must[*shop.DB](t)(shop.Open(t.Context(), place, options()...))
	t.Cleanup(func() { _ = db.Close() })
	other, err := shop.Open(t.Context(), place, options()...)
	if err == nil {
		_ = other.Close()
		t.Fatal("a file that is in use opened")
	}
	if !errors.Is(err, s3db.ErrConfig) || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("error is %v", err)
	}
	must[*shop.User](t)(db.Users.Insert(t.Context(), ada("ada"))) // the first one is not disturbed
}

// TestDamagedDocuments puts objects where documents should be.
func TestDamagedDocuments(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		body     string
		metadata map[string]string
		want     error
	}{
		{"nothing", "", nil, s3db.ErrCorrupt},
		{"foreign", "hello", map[string]string{"color": "red"}, s3db.ErrCorrupt},
		{"cut body", `{"rev":"0123456789abc`, map[string]string{"s": "1-0"}, s3db.ErrCorrupt},
		{"newer format", `{"rev":"0123456789abcdefghijkl"}`, map[string]string{"s": "2-0"}, s3db.ErrNewerFormat},
		{"unknown critical flag", `{"rev":"0123456789abcdefghijkl"}`, map[string]string{"s": "1-0-X"}, s3db.ErrNewerFormat},
		{"missing attributes", `{"rev":"0123456789abcdefghijkl","created":"2025-01-01T00:00:00Z","updated":"2025-01-01T00:00:00Z"}`, map[string]string{"s": "1-0"}, s3db.ErrCorrupt},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			db, store := newShop(t)
			const key = "resource=users/data/id=ada"
			before := must[string](t)(store.Put(t.Context(), key, []byte(test.body), test.metadata, s3db.Condition{}))
			for op, call := range map[string]func() error{
				"get": func() error { _, err := db.Users.Get(t.Context(), "ada"); return err },
				"update": func() error {
					_, err := db.Users.Update(t.Context(), "ada", shop.UserPatch{Name: s3db.Set("x")})
					return err
				},
				"upsert": func() error { _, err := db.Users.Upsert(t.Context(), "ada", ada("ada")); return err },
				"delete": func() error { return db.Users.Delete(t.Context(), "ada") },
			} {
				if err := call(); !errors.Is(err, test.want) {
					t.Errorf("%s: %v, want %v", op, err, test.want)
				}
			}
			if object := must[*s3db.Object](t)(store.Get(t.Context(), key)); object.ETag != before {
				t.Error("it was overwritten")
			}
		})
	}
}

// TestCredentialsFromEnvironment opens with the four variables alone, and with a
// URL without credentials.
func TestCredentialsFromEnvironment(t *testing.T) {
	s := server.Get(t)
	bucket := s.Bucket(t)
	t.Setenv("AWS_ACCESS_KEY_ID", s.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", s.SecretKey)
	t.Setenv("AWS_BUCKET", bucket)
	t.Setenv("DATABASE_NAME", "shop")
	list := append(options(), s3db.WithEndpoint(s.Endpoint))
	db := must[*shop.DB](t)(shop.Open(t.Context(), "s3://", list...))
	must[*shop.User](t)(db.Users.Insert(t.Context(), ada("ada")))
	_ = db.Close()
	db = must[*shop.DB](t)(shop.Open(t.Context(), "s3://"+bucket+"/databases/shop", list...))
	t.Cleanup(func() { _ = db.Close() })
	must[*shop.User](t)(db.Users.Get(t.Context(), "ada"))
}

// TestCredentialChain opens with a URL that has no credentials, on machines that
// have them in a shared file, from a container's agent, as ECS and EKS have it, and
// from the metadata service of an instance. The last two are services of a cloud,
// so that a server of the test stands in for them; what the credentials open is a
// real one.
func TestCredentialChain(t *testing.T) {
	s := server.Get(t)
	reply := map[string]string{
		"AccessKeyId": s.AccessKey, "SecretAccessKey": s.SecretKey, "Token": "", "Code": "Success",
		"Expiration": time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
	}
	cloud := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/latest/api/token":
			w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "60")
			_, _ = io.WriteString(w, "token")
		case "/latest/meta-data/iam/security-credentials/":
			_, _ = io.WriteString(w, "role")
		case "/latest/meta-data/iam/security-credentials/role", "/container":
			_ = json.NewEncoder(w).Encode(reply)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(cloud.Close)
	file := filepath.Join(t.TempDir(), "credentials")
	text := fmt.Sprintf("[shop]\naws_access_key_id = %s\naws_secret_access_key = %s\n", s.AccessKey, s.SecretKey)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		env  map[string]string
		want string // of the error
	}{
		{"shared file", map[string]string{"AWS_SHARED_CREDENTIALS_FILE": file, "AWS_PROFILE": "shop"}, ""},
		{"container", map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": cloud.URL + "/container"}, ""},
		{"instance", map[string]string{"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": cloud.URL}, ""},
		{"nothing", nil, "no usable AWS credentials"},
	} {
		t.Run(test.name, func(t *testing.T) {
			nowhere := filepath.Join(t.TempDir(), "nothing")
			for name, value := range map[string]string{
				"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
				"AWS_SHARED_CREDENTIALS_FILE": nowhere, "AWS_CONFIG_FILE": nowhere, "AWS_EC2_METADATA_DISABLED": "true",
				"AWS_CONTAINER_CREDENTIALS_FULL_URI": "", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "", "AWS_WEB_IDENTITY_TOKEN_FILE": "",
			} {
				t.Setenv(name, value)
			}
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			db, err := shop.Open(t.Context(), "s3://"+s.Bucket(t)+"/p", append(options(), s3db.WithEndpoint(s.Endpoint), impatient)...)
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("error is %v, want one that says %q", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			must[*shop.User](t)(db.Users.Insert(t.Context(), ada("ada")))
		})
	}
}
