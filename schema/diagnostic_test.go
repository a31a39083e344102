package schema

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDiagnose shows how the generator reports through the schema: with excerpts
// and ends found from the places alone.
func TestDiagnose(t *testing.T) {
	s, found := Parse("dir/schema.yaml", []byte(attributesOf("      имя-я: string\n      a_b: string\n")))
	if len(found) > 0 {
		t.Fatal(found)
	}
	first, second := s.Resources[0].Attributes[0], s.Resources[0].Attributes[1]
	d := s.Diagnose(CodeGoNameTaken, second.Pos, "attributes give one name in Go", "name one with go: …",
		Related{Position: first.Pos, Message: "the other is here"})
	want := `dir/schema.yaml:6:7: attributes give one name in Go [S3D0501]
  6 |       a_b: string
    |       ^^^
  help: name one with go: …
dir/schema.yaml:5:7: the other is here
  5 |       имя-я: string
    |       ^^^^^
`
	if diff := cmp.Diff(want, d.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestErr shows that only errors make an error, and that it carries all.
func TestErr(t *testing.T) {
	warning := Diagnostic{Code: CodeIndexSame, Severity: Warning, Position: Position{"a.yaml", 2, 1}, Message: "twice"}
	fault := Diagnostic{Code: CodeSyntax, Position: Position{"a.yaml", 1, 1}, Message: "wrong"}
	if err := (Diagnostics{warning}).Err(); err != nil {
		t.Errorf("a warning is an error: %v", err)
	}
	err := fmt.Errorf("generate: %w", (Diagnostics{warning, fault}).Sort().Err())
	if want := "generate: a.yaml:1:1: wrong [S3D0001]\n  1 | \n    | ^\n\na.yaml:2:1: warning: twice [S3D0306]\n  2 | \n    | ^"; err.Error() != want {
		t.Errorf("got %q, want %q", err.Error(), want)
	}
	if ds, ok := AsDiagnostics(err); !ok || len(ds) != 2 {
		t.Errorf("AsDiagnostics: %v, %v", ds, ok)
	}
	if _, ok := AsDiagnostics(fmt.Errorf("other")); ok {
		t.Error("another error has diagnostics")
	}
}

// TestExcerptIsHarmless shows that an excerpt never sends a terminal what it would obey.
func TestExcerptIsHarmless(t *testing.T) {
	_, found := Parse("schema.yaml", []byte("package: shop\nresources: {users: {attributes: {name: \"strng\u202e\"}}}\nx-a: \x1b[2J\n"))
	for _, r := range found.String() {
		if r == '\x1b' || r == '\u202e' {
			t.Fatalf("%q", found.String())
		}
	}
}

func TestClosest(t *testing.T) {
	candidates := []string{"string", "text", "number", "integer", "singleLine"}
	for word, want := range map[string]string{
		"strng": "string", "sting": "string", "stirng": "string", "String": "string", "str": "",
		"txt": "text", "single-line": "singleLine", "singleline": "singleLine", "nmuber": "number", "banana": "", "": "", "x": "",
	} {
		if got := closest(word, candidates); got != want {
			t.Errorf("closest(%q) = %q, want %q", word, got, want)
		}
	}
}
