// Package s3rules holds the rules of S3 that every store of this module keeps,
// so that what one of them accepts all of them accept: which keys and metadata
// are portable, what an ETag is, and when a condition holds.
package s3rules

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

const (
	// MaxKey is the longest key in bytes (AWS: "Naming Amazon S3 objects").
	MaxKey = 1024
	// MaxSegment is the longest part of a key between slashes, in bytes: servers
	// on file systems keep one file name for each.
	MaxSegment = 255
	// MaxKeys is the largest page of a listing and the largest bulk deletion.
	MaxKeys = 1000
	// HeaderOverhead is len("x-amz-meta-"), which some servers count.
	HeaderOverhead = 11
)

// CheckKey refuses keys that some server refuses, changes or hides. The error is
// a permanent *s3db.StoreError.
func CheckKey(op, key string) error {
	if len(key) > MaxKey {
		return refuse(op, key, "KeyTooLongError", fmt.Sprintf("key has %d bytes, at most %d are allowed", len(key), MaxKey))
	}
	if reason := badText(key); reason != "" {
		return refuse(op, key, "InvalidKey", reason)
	}
	rest := key
	for {
		segment, tail, more := strings.Cut(rest, "/")
		switch {
		case segment == "":
			return refuse(op, key, "InvalidKey", "key is empty or has an empty segment (a leading, trailing or double slash)")
		case segment == "." || segment == "..":
			return refuse(op, key, "InvalidKey", `key has a segment "." or ".."`)
		case len(segment) > MaxSegment:
			return refuse(op, key, "KeyTooLongError", fmt.Sprintf("key has a segment of %d bytes, at most %d are allowed", len(segment), MaxSegment))
		}
		if !more {
			return nil
		}
		rest = tail
	}
}

// CheckList refuses list requests that cannot be sent safely. An empty prefix
// and one that ends inside a segment are fine.
func CheckList(req s3db.ListRequest) error {
	for _, part := range []struct{ name, text string }{{"prefix", req.Prefix}, {"start-after", req.StartAfter}} {
		if len(part.text) > MaxKey {
			return refuse("list", part.text, "KeyTooLongError", fmt.Sprintf("%s has %d bytes, at most %d are allowed", part.name, len(part.text), MaxKey))
		}
		if reason := badText(part.text); reason != "" {
			return refuse("list", part.text, "InvalidArgument", part.name+": "+reason)
		}
	}
	if req.Limit < 0 {
		return refuse("list", req.Prefix, "InvalidArgument", "negative limit")
	}
	return nil
}

// PageSize returns the number of keys that a list request asks for.
func PageSize(req s3db.ListRequest) int {
	if req.Limit <= 0 || req.Limit > MaxKeys {
		return MaxKeys
	}
	return req.Limit
}

// CheckDeleteMany refuses a bulk deletion that a server would refuse whole.
func CheckDeleteMany(keys []string) error {
	if len(keys) > MaxKeys {
		return refuse("delete many", "", "MalformedXML", fmt.Sprintf("%d keys, at most %d are allowed", len(keys), MaxKeys))
	}
	var errs []error
	for _, key := range keys {
		if err := CheckKey("delete many", key); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// MetadataSize returns the size of user metadata as limits count it here: the
// sum of 11 + len(name) + len(value), in bytes.
func MetadataSize(metadata map[string]string) int {
	size := 0
	for name, value := range metadata {
		size += HeaderOverhead + len(name) + len(value)
	}
	return size
}

// CheckMetadata refuses metadata that some server refuses or changes, and
// metadata larger than the limit. The error is a permanent *s3db.StoreError and
// holds no value.
func CheckMetadata(op, key string, metadata map[string]string, limit int) error {
	for name, value := range metadata {
		if reason := badName(name); reason != "" {
			return refuse(op, key, "InvalidMetadata", fmt.Sprintf("metadata name %q: %s", name, reason))
		}
		if reason := badValue(value); reason != "" {
			return refuse(op, key, "InvalidMetadata", fmt.Sprintf("metadata %q: %s", name, reason))
		}
	}
	if size := MetadataSize(metadata); size > limit {
		return refuse(op, key, "MetadataTooLarge", fmt.Sprintf("metadata has %d bytes, at most %d are allowed", size, limit))
	}
	return nil
}

// CheckCondition refuses conditions that have no meaning: an ETag is sent in a
// header, so it is quoted, printable ASCII.
func CheckCondition(op, key string, cond s3db.Condition) error {
	etag := cond.ETag()
	if etag == "" {
		return nil
	}
	for i := range len(etag) {
		if etag[i] < ' ' || etag[i] > '~' {
			return refuse(op, key, "InvalidArgument", "the ETag of the condition is not printable ASCII")
		}
	}
	if etag == "*" {
		return refuse(op, key, "InvalidArgument", `the ETag of the condition is "*", which matches anything`)
	}
	return nil
}

// Holds reports whether a condition holds for the current ETag of an object,
// which is "" when there is none.
func Holds(cond s3db.Condition, current string) bool {
	switch {
	case cond.Absent():
		return current == ""
	case cond.ETag() != "":
		return current == cond.ETag()
	default:
		return true
	}
}

// ETag returns the ETag that S3 gives a single-part upload: the quoted MD5 of
// the body. Metadata is not in it.
func ETag(body []byte) string {
	sum := md5.Sum(body)
	etag := make([]byte, 0, 2*md5.Size+2)
	etag = append(etag, '"')
	etag = hex.AppendEncode(etag, sum[:])
	return string(append(etag, '"'))
}

// Refused is the error of a request that the server would refuse each time.
func Refused(op, key, code string, status int, reason string) error {
	return &s3db.StoreError{Op: op, Key: key, Code: code, Status: status, Err: errors.New(reason)}
}

func refuse(op, key, code, reason string) error { return Refused(op, key, code, 400, reason) }

// badText says why a text cannot be a key or a part of one, or "".
func badText(s string) string {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return fmt.Sprintf("control character 0x%02x at byte %d", s[i], i)
		}
	}
	if !utf8.ValidString(s) {
		return "not valid UTF-8"
	}
	return ""
}

func badName(name string) string {
	if name == "" {
		return "empty"
	}
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return "only a-z, 0-9 and - are portable"
		}
	}
	return ""
}

func badValue(value string) string {
	if value == "" {
		return "an empty value does not come back from every server"
	}
	if value[0] == ' ' || value[len(value)-1] == ' ' {
		return "leading and trailing blanks are cut on the way"
	}
	if strings.HasPrefix(value, "=?") {
		return `a value that starts with "=?" is taken for an encoded word`
	}
	for i := range len(value) {
		if value[i] < ' ' || value[i] > '~' {
			return fmt.Sprintf("byte %d is not printable ASCII", i)
		}
	}
	return ""
}
