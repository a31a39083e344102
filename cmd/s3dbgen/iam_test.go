package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// TestPermissionsAreThoseOfTheStore: the policy allows the actions that the calls of
// the S3 store need, and no other.
func TestPermissionsAreThoseOfTheStore(t *testing.T) {
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
	needs := map[string]string{
		"GetObject": "s3:GetObject", "HeadObject": "s3:GetObject", "PutObject": "s3:PutObject",
		"DeleteObject": "s3:DeleteObject", "DeleteObjects": "s3:DeleteObject", "ListObjectsV2": "s3:ListBucket",
		"CreateMultipartUpload": "s3:PutObject", "UploadPart": "s3:PutObject", "CompleteMultipartUpload": "s3:PutObject",
		"AbortMultipartUpload": "s3:AbortMultipartUpload", "ListMultipartUploads": "s3:ListBucketMultipartUploads",
		"PresignGetObject": "s3:GetObject",
	}
	var used []string
	files, err := filepath.Glob("../../runtime/s3store/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			receiver, ok := method.X.(*ast.SelectorExpr)
			if !ok || (receiver.Sel.Name != "client" && receiver.Sel.Name != "presign") {
				return true
			}
			if method.Sel.Name == "Options" {
				return true // no request
			}
			action, ok := needs[method.Sel.Name]
			if !ok {
				t.Errorf("%s calls %s: say which action it needs", name, method.Sel.Name)
			}
			used = append(used, action)
			return true
		})
	}
	slices.Sort(used)
	used = slices.Compact(used)
	var allowed []string
	for _, s := range permissions("b", "p", false) {
		allowed = append(allowed, s.Action...)
	}
	slices.Sort(allowed)
	if !slices.Equal(allowed, used) {
		t.Errorf("allowed are %q, the store needs %q", allowed, used)
	}
}

// TestEnforcedKeysAreWrittenConditionally: what the bucket's policy refuses, no client
// does, whatever it does; and there are such writes.
func TestEnforcedKeysAreWrittenConditionally(t *testing.T) {
	var enforced []*regexp.Regexp
	for _, pattern := range conditionalKeys("") {
		enforced = append(enforced, regexp.MustCompile("^(.*/)?"+strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*")+"$"))
	}
	writes := make([]atomic.Int64, len(enforced)) // requests run side by side
	observed := func(t *testing.T) s3db.Store {
		t.Helper()
		store := memstore.New()
		t.Cleanup(store.Observe(func(r memstore.Request) {
			for i, pattern := range enforced {
				if r.Kind == memstore.Put && pattern.MatchString(r.Key) {
					writes[i].Add(1)
					if r.Condition == (s3db.Condition{}) {
						t.Errorf("%s was written without a condition", r.Key)
					}
				}
			}
		}))
		return store
	}
	clienttest.Run(t, observed)
	c, err := clienttest.Open(t.Context(), observed(t), 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	numbers, err := s3db.NewSequence[int64](c.Database(), "invoices", s3db.SequenceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for want := range int64(2) {
		if n, err := numbers.Next(t.Context()); err != nil || n != want+1 {
			t.Fatal(n, err)
		}
	}
	for i := range writes {
		if writes[i].Load() == 0 {
			t.Errorf("nothing was written to %s", enforced[i])
		}
	}
}

// TestReadOnlyPolicy: reading needs no action that writes.
func TestReadOnlyPolicy(t *testing.T) {
	var out bytes.Buffer
	if err := writePolicy(&out, permissions("b", "", true)); err != nil {
		t.Fatal(err)
	}
	for _, action := range []string{"Put", "Delete", "Abort", "Multipart"} {
		if strings.Contains(out.String(), action) {
			t.Errorf("%s", out.String())
		}
	}
}
