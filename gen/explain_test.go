package gen_test

import (
	"slices"
	"testing"

	"github.com/s3dbgen/s3dbgen/gen"
	"github.com/s3dbgen/s3dbgen/schema"
)

// TestExplainGo holds the examples of the codes that the generator raises to them:
// the wrong one raises the code, the right one none.
func TestExplainGo(t *testing.T) {
	validate := func(text string) schema.Diagnostics {
		s, found := schema.Parse("schema.yaml", []byte(text))
		lock, more := schema.ReadLock("schema.lock.yaml", nil)
		found = append(found, more...)
		if !found.HasErrors() {
			found = append(append(found, s.Assign(lock)...), gen.Validate(s, lock)...)
		}
		return found
	}
	for _, code := range []schema.Code{schema.CodeGoNameTaken, schema.CodeFixture} {
		e, _ := schema.Explain(code)
		if found := validate(e.Wrong); !slices.ContainsFunc(found, func(d schema.Diagnostic) bool { return d.Code == code }) {
			t.Errorf("%s: the wrong example raises\n%s", code, found)
		}
		if found := validate(e.Right); len(found) > 0 {
			t.Errorf("%s: the right example raises\n%s", code, found)
		}
	}
}
