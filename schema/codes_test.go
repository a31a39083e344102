package schema

import (
	"go/ast"
	goparser "go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// declaredCodes reads the codes that codes.go declares.
func declaredCodes(t *testing.T) []Code {
	t.Helper()
	file, err := goparser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []Code
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Code") {
			return true
		}
		if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
			codes = append(codes, Code(strings.Trim(literal.Value, `"`)))
		}
		return true
	})
	return codes
}

// TestCodes holds the registry to the declared codes, in order and each once.
func TestCodes(t *testing.T) {
	declared := declaredCodes(t)
	if diff := cmp.Diff(declared, Codes()); diff != "" {
		t.Errorf("registered codes (-declared +registered)\n%s", diff)
	}
	if !slices.IsSorted(declared) || len(slices.Compact(slices.Clone(declared))) != len(declared) {
		t.Error("codes are not in order, or one is used twice")
	}
	if _, ok := Explain("S3D9999"); ok {
		t.Error("an unknown code is explained")
	}
}

// TestCodesAreRaised shows that the corpus raises each code that this package
// can raise.
func TestCodesAreRaised(t *testing.T) {
	raised := map[Code]bool{}
	for _, path := range wrongCorpus(t) {
		for _, c := range readCorpus(t, path) {
			for _, d := range c.run() {
				raised[d.Code] = true
				if _, ok := Explain(d.Code); !ok {
					t.Errorf("code %s is not registered", d.Code)
				}
			}
		}
	}
	for _, code := range Codes() {
		if !raised[code] && !elsewhere(code) {
			t.Errorf("no case of the corpus raises %s", code)
		}
	}
}

// elsewhere reports whether another package raises a code: the generator, or the
// configuration of replication.
func elsewhere(code Code) bool {
	return strings.HasPrefix(string(code), "S3D05") || ofReplication(code)
}

// ofReplication reports whether a code is about a configuration of replication, not
// about a schema.
func ofReplication(code Code) bool { return strings.HasPrefix(string(code), "S3D07") }

// TestExplain holds the wrong example of each explanation to its code, and the
// right one to none.
func TestExplain(t *testing.T) {
	for _, code := range Codes() {
		t.Run(string(code), func(t *testing.T) {
			e, _ := Explain(code)
			if e.Title == "" || !strings.HasSuffix(e.Text, ".") || e.Code != code || e.Severity != code.severity() {
				t.Errorf("incomplete: %+v", e)
			}
			if elsewhere(code) {
				return // TestExplainGo of package gen and TestExplain of replicator/config read the examples
			}
			if e.Wrong == "" && e.Lock == "" {
				t.Error("there is no wrong example")
			} else {
				wrong := corpusCase{schema: e.Wrong, lock: e.Lock}
				if e.Wrong == "" {
					wrong.schema = attributesOf("      name: string\n")
				}
				found := wrong.run()
				if !slices.ContainsFunc(found, func(d Diagnostic) bool { return d.Code == code }) {
					t.Errorf("the wrong example raises\n%s", found)
				}
			}
			if e.Right == "" {
				return
			}
			if found := (corpusCase{schema: e.Right, lock: e.Lock}).run(); len(found) > 0 {
				t.Errorf("the right example raises\n%s", found)
			}
		})
	}
}
