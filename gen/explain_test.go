package gen_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/s3dbgen/s3dbgen/gen"
	"github.com/s3dbgen/s3dbgen/schema"
)

// explainModule is the module of the examples that name types.
var explainModule = map[string]string{
	"go.mod": "module example.com/shop\n\ngo 1.26\n",
	"money/money.go": "package money\n\ntype Amount struct{ text string }\n\n" +
		"func (a Amount) MarshalText() ([]byte, error) { return []byte(a.text), nil }\n\n" +
		"func (a *Amount) UnmarshalText(b []byte) error { a.text = string(b); return nil }\n",
	"orders/orders.go": "package orders\n\nimport _ \"example.com/shop/shop\"\n\ntype Amount string\n",
}

// TestExplainGo holds the examples of the codes that the generator raises to them:
// the wrong one raises the code, the right one none. Their plugins run, and the types
// that they name are there.
func TestExplainGo(t *testing.T) {
	prepare := func(text string) schema.Diagnostics {
		dir := t.TempDir()
		for name, content := range explainModule {
			path := filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		file := filepath.Join(dir, "schema.yaml")
		s, found := schema.Parse(file, []byte(text))
		lock, more := schema.ReadLock(gen.LockPath(file), nil)
		found = append(found, more...)
		if !found.HasErrors() {
			found = append(found, s.Assign(lock)...)
		}
		if !found.HasErrors() {
			_, more, err := gen.Prepare(t.Context(), gen.Input{Schema: s, Lock: lock, LockPath: gen.LockPath(file), Dir: filepath.Join(dir, "shop"), Stderr: t.Output()})
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, more...)
		}
		return found
	}
	for _, code := range schema.Codes() {
		if !strings.HasPrefix(string(code), "S3D05") {
			continue
		}
		e, _ := schema.Explain(code)
		if found := prepare(e.Wrong); !slices.ContainsFunc(found, func(d schema.Diagnostic) bool { return d.Code == code }) {
			t.Errorf("%s: the wrong example raises\n%s", code, found)
		}
		if found := prepare(e.Right); e.Right == "" || len(found) > 0 {
			t.Errorf("%s: the right example raises\n%s", code, found)
		}
	}
}
