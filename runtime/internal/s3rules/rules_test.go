package s3rules

import (
	"errors"
	"slices"
	"strings"
	"testing"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// code returns the code of a refusal, "" for none.
func code(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	se, ok := errors.AsType[*s3db.StoreError](err)
	if !ok || se.Temporary || se.MaybeApplied || se.Status < 400 {
		t.Errorf("error %v (%+v) is no refusal", err, se)
		return "?"
	}
	return se.Code
}

func TestCheckKey(t *testing.T) {
	long := strings.Repeat("x", 255)
	whole := long + "/" + long + "/" + long + "/" + long // 1,023 bytes
	for key, want := range map[string]string{
		"a": "", "a/b": "", "...": "", "a b+c=%é😀": "", long: "", whole + "y": "KeyTooLongError", whole[:1022] + "/y": "", whole + "/y": "KeyTooLongError", long + "x": "KeyTooLongError",
		"": "InvalidKey", "/": "InvalidKey", "/a": "InvalidKey", "a/": "InvalidKey", "a//b": "InvalidKey", ".": "InvalidKey", "..": "InvalidKey", "a/./b": "InvalidKey", "../a": "InvalidKey",
		"a\x00": "InvalidKey", "a\x1f": "InvalidKey", "a\x7f": "InvalidKey", "\xff": "InvalidKey", "\xed\xa0\x80": "InvalidKey",
	} {
		if got := code(t, CheckKey("put", key)); got != want {
			t.Errorf("%q: %q, want %q", key, got, want)
		}
	}
}

func TestCheckMetadata(t *testing.T) {
	for _, test := range []struct {
		metadata map[string]string
		limit    int
		want     string
	}{
		{nil, 0, ""}, {map[string]string{"1": "abc"}, 15, ""}, {map[string]string{"1": "abc"}, 14, "MetadataTooLarge"}, {map[string]string{"1": "abc", "ab": "c"}, 29, ""},
		{map[string]string{"1": "abc", "ab": "c"}, 28, "MetadataTooLarge"}, {map[string]string{"": "x"}, 99, "InvalidMetadata"}, {map[string]string{"A": "x"}, 99, "InvalidMetadata"},
		{map[string]string{"a_b": "x"}, 99, "InvalidMetadata"}, {map[string]string{"a": ""}, 99, "InvalidMetadata"}, {map[string]string{"a": " x"}, 99, "InvalidMetadata"},
		{map[string]string{"a": "x "}, 99, "InvalidMetadata"}, {map[string]string{"a": "=?x"}, 99, "InvalidMetadata"}, {map[string]string{"a": "=x?"}, 99, ""},
		{map[string]string{"a": "é"}, 99, "InvalidMetadata"}, {map[string]string{"a": "a\tb"}, 99, "InvalidMetadata"}, {map[string]string{"a": "a\nb"}, 99, "InvalidMetadata"},
	} {
		err := CheckMetadata("put", "k", test.metadata, test.limit)
		if got := code(t, err); got != test.want {
			t.Errorf("%v with limit %d: %q, want %q", test.metadata, test.limit, got, test.want)
		}
	}
	if err := CheckMetadata("put", "k", map[string]string{"a": "VALUE\n"}, 99); strings.Contains(err.Error(), "VALUE") {
		t.Errorf("the error holds the value: %v", err)
	}
}

func TestCheckListAndDeleteMany(t *testing.T) {
	for _, test := range []struct {
		req  s3db.ListRequest
		want string
	}{
		{s3db.ListRequest{}, ""}, {s3db.ListRequest{Prefix: "a/", StartAfter: "a//b", Limit: 1}, ""}, {s3db.ListRequest{Prefix: "a\n"}, "InvalidArgument"},
		{s3db.ListRequest{StartAfter: "\xff"}, "InvalidArgument"}, {s3db.ListRequest{Limit: -1}, "InvalidArgument"}, {s3db.ListRequest{Prefix: strings.Repeat("x", 1025)}, "KeyTooLongError"},
	} {
		if got := code(t, CheckList(test.req)); got != test.want {
			t.Errorf("%+v: %q, want %q", test.req, got, test.want)
		}
	}
	for limit, want := range map[int]int{0: 1000, 1: 1, 999: 999, 1000: 1000, 1001: 1000} {
		if got := PageSize(s3db.ListRequest{Limit: limit}); got != want {
			t.Errorf("limit %d: pages of %d, want %d", limit, got, want)
		}
	}
	keys := slices.Repeat([]string{"k"}, 1000)
	if err := CheckDeleteMany(keys); err != nil {
		t.Error(err)
	}
	if got := code(t, CheckDeleteMany(append(keys, "k"))); got != "MalformedXML" {
		t.Errorf("1,001 keys: %q", got)
	}
	if got := code(t, CheckDeleteMany([]string{"a", "/b"})); got != "InvalidKey" {
		t.Errorf("a bad key: %q", got)
	}
}

func TestConditions(t *testing.T) {
	const etag, other = `"a"`, `"b"`
	for _, test := range []struct {
		cond    s3db.Condition
		current string
		want    bool
	}{
		{s3db.Condition{}, "", true}, {s3db.Condition{}, etag, true}, {s3db.IfAbsent(), "", true}, {s3db.IfAbsent(), etag, false},
		{s3db.IfMatchETag(etag), etag, true}, {s3db.IfMatchETag(etag), other, false}, {s3db.IfMatchETag(etag), "", false},
		{s3db.IfMatchETag(""), "", false}, {s3db.IfMatchETag(""), etag, false},
	} {
		if got := Holds(test.cond, test.current); got != test.want {
			t.Errorf("%+v with %q: %v", test.cond, test.current, got)
		}
	}
	for cond, want := range map[s3db.Condition]string{
		s3db.IfMatchETag(etag): "", s3db.IfAbsent(): "", {}: "", s3db.IfMatchETag("*"): "InvalidArgument", s3db.IfMatchETag("a\nb"): "InvalidArgument", s3db.IfMatchETag("é"): "InvalidArgument",
	} {
		if got := code(t, CheckCondition("put", "k", cond)); got != want {
			t.Errorf("%+v: %q, want %q", cond, got, want)
		}
	}
}

// The values of RFC 1321.
func TestETag(t *testing.T) {
	for body, want := range map[string]string{"": `"d41d8cd98f00b204e9800998ecf8427e"`, "abc": `"900150983cd24fb0d6963f7d28e17f72"`} {
		if got := ETag([]byte(body)); got != want {
			t.Errorf("%q: %s, want %s", body, got, want)
		}
	}
}
