package s3db

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	for _, test := range []struct {
		text                           string
		scheme, user, password         string
		host, path, option, optionText string
	}{
		{text: "s3://bucket/app/one", scheme: "s3", host: "bucket", path: "app/one"},
		{text: "S3://bucket", scheme: "s3", host: "bucket"},
		{text: "s3://KEY:SECRET@bucket/a%20b/", scheme: "s3", user: "KEY", password: "SECRET", host: "bucket", path: "a b"},
		{text: "s3://K%2F:a%2Fb%2Bc%25d%40e%3Af@bucket", scheme: "s3", user: "K/", password: "a/b+c%d@e:f", host: "bucket"},
		{text: "s3://KEY:a+b=@bucket/p", scheme: "s3", user: "KEY", password: "a+b=", host: "bucket", path: "p"},
		{text: "s3://KEY:a/b/c@bucket/p", scheme: "s3", user: "KEY", password: "a/b/c", host: "bucket", path: "p"},
		{text: "s3://bucket/a@b:c", scheme: "s3", host: "bucket", path: "a@b:c"},
		{text: "s3://KEY:S@bucket/p?endpoint=http://127.0.0.1:9000&region=r", scheme: "s3", user: "KEY", password: "S", host: "bucket", path: "p", option: "endpoint", optionText: "http://127.0.0.1:9000"},
		{text: "http://KEY:S%2F@localhost:9000/bucket/p", scheme: "http", user: "KEY", password: "S/", host: "localhost:9000", path: "bucket/p"},
		{text: "http://localhost:9000/bucket/a@b", scheme: "http", host: "localhost:9000", path: "bucket/a@b"},
		{text: "file://./shop.db", scheme: "file", path: "./shop.db"},
		{text: "file:///var/lib/a%20b%25.db?prefix=app", scheme: "file", path: "/var/lib/a b%.db", option: "prefix", optionText: "app"},
		{text: `file://C:\data\shop.db`, scheme: "file", path: `C:\data\shop.db`},
		{text: "file://user@host/x.db", scheme: "file", path: "user@host/x.db"},
		{text: "mem://", scheme: "mem"},
		{text: "mem://test/app", scheme: "mem", host: "test", path: "app"},
	} {
		u, err := ParseURL(test.text)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		if u.Scheme != test.scheme || u.User != test.user || u.Password() != test.password || u.Host != test.host || u.Path != test.path || u.Query.Get(test.option) != test.optionText {
			t.Errorf("%s: %s, password %q, options %v; want %+v", test.text, u, u.Password(), u.Query, test)
		}
	}
}

func TestParseURLRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "named by a URL",
		"shop.db":                "named by a URL",
		"bucket/prefix":          "named by a URL",
		"://x":                   "named by a URL",
		"3s://x":                 "named by a URL",
		"s3://KEY:HIDD%EN@b":     "the secret key of the s3:// URL has a % that is no percent-escape",
		"s3://K%EY:HIDDEN@b":     "the access key of the s3:// URL",
		"s3://KEY:HIDDEN@b/p%zz": "the path of the s3:// URL",
		"file://100%.db":         "write %25",
		"s3://KEY:HIDDEN@b?x=%z": "options of the s3:// URL",
	} {
		_, err := ParseURL(text)
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one that says %q", text, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "HIDD") || strings.Contains(err.Error(), "%EN")) {
			t.Errorf("%s: the error holds the secret key: %v", text, err)
		}
	}
}

// No way of printing a URL shows its password.
func TestURLHidesPassword(t *testing.T) {
	u, err := ParseURL("s3://KEY:HIDDEN@bucket/p?session-token=HIDDEN")
	if err != nil {
		t.Fatal(err)
	}
	marshalled, err := json.Marshal(u)
	if err != nil {
		t.Fatal(err)
	}
	request := DriverRequest{URL: u}
	for _, text := range []string{
		u.String(), fmt.Sprint(u), fmt.Sprint(*u), fmt.Sprintf("%v %+v %#v %s %q", u, u, u, u, u), fmt.Sprintf("%v %+v %#v %s", *u, *u, *u, *u),
		fmt.Sprintf("%v %+v", request, request), string(marshalled),
	} {
		if strings.Contains(text, "HIDDEN") {
			t.Errorf("shows the password: %s", text)
		}
	}
	if got, want := u.String(), "s3://KEY:***@bucket/p"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestOpenStore(t *testing.T) {
	broken := errors.New("broken")
	var got DriverRequest
	drivers := []Driver{
		{Schemes: []string{"file"}, Open: func(context.Context, DriverRequest) (Store, string, error) { return nil, "", broken }},
		{Schemes: []string{"mem", "memory"}, Open: func(_ context.Context, req DriverRequest) (Store, string, error) {
			got = req
			return nopStore{}, req.URL.Path, nil
		}},
	}
	yes := true
	store, prefix, err := openStore(t.Context(), "mem://x/app", drivers, driverOptions{Endpoint: "e", Region: "r", PathStyle: &yes})
	if err != nil || store == nil || prefix != "app" || got.Endpoint != "e" || got.Region != "r" || got.PathStyle != &yes || got.URL.Host != "x" {
		t.Errorf("%v, prefix %q, request %+v, %v", store, prefix, got, err)
	}
	for url, want := range map[string]string{
		"s3://KEY:HIDDEN@bucket": "scheme \"s3\" is not linked: add `s3` to `stores` in the schema and generate again (linked: file, mem, memory)",
		"https://h/bucket":       "add `s3` to `stores`",
		"ftp://x":                `unknown scheme "ftp" (linked: file, mem, memory)`,
		"file://x.db":            "file://x.db: broken",
		"mem://x/a//b":           "empty segment",
		"mem://x/a/../b":         "empty segment",
		"mem://x/a%00b":          "control characters",
		"nothing":                "named by a URL",
	} {
		_, _, err := openStore(t.Context(), url, drivers, driverOptions{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "HIDDEN") {
			t.Errorf("%s: error %v, want one that says %q", url, err, want)
		}
		if !errors.Is(err, ErrConfig) && !errors.Is(err, broken) {
			t.Errorf("%s: error %v does not match ErrConfig", url, err)
		}
	}
	if _, _, err := openStore(t.Context(), "mem://", nil, driverOptions{}); err == nil || !strings.Contains(err.Error(), "(linked: none)") {
		t.Errorf("without drivers: %v", err)
	}
}

// nopStore is a store that can be closed.
type nopStore struct{ Store }

func (nopStore) Close() error { return nil }

func TestCheckPrefix(t *testing.T) {
	for _, prefix := range []string{"", "app", "databases/app one", "é", strings.Repeat("x", 200)} {
		if err := CheckPrefix(prefix); err != nil {
			t.Errorf("%q: %v", prefix, err)
		}
	}
	for _, prefix := range []string{"/", "/a", "a/", "a//b", ".", "..", "a/./b", "a/..", "a\nb", "a\x00", "a\x7f", "\xff", strings.Repeat("x", 201)} {
		if err := CheckPrefix(prefix); !errors.Is(err, ErrConfig) {
			t.Errorf("%q: error %v", prefix, err)
		}
	}
}

func FuzzParseURL(f *testing.F) {
	f.Add("s3://KEY:SECRET@bucket/p?region=r")
	f.Add("file:///x%20y")
	f.Fuzz(func(t *testing.T, text string) {
		u, err := ParseURL(text)
		if err != nil {
			if !errors.Is(err, ErrConfig) {
				t.Errorf("%q: error %v does not match ErrConfig", text, err)
			}
			return
		}
		if password := u.Password(); len(password) > 8 && !strings.Contains(u.Scheme+u.User+u.Host+u.Path, password) && strings.Contains(u.String(), password) {
			t.Errorf("%q: String shows the password: %s", text, u)
		}
	})
}
