package snippets_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/snippets"
)

func parse(t *testing.T, lines ...string) *snippets.Page {
	t.Helper()
	page, err := snippets.Parse("docs/x.md", strings.Join(lines, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// TestParse: what is found in a page, and where.
func TestParse(t *testing.T) {
	t.Parallel()
	page := parse(t,
		"# X", "", "`main.go` runs it:", "", "```go", "package main", "```", "",
		"`Plan` has no dot:", "", "<!-- given", "one", "two", "-->", "```sh", "s3dbgen x", "```", "", "```text", "x", "```",
		"", "<!-- unchecked: a drawing -->", "```text", "o", "```", "", "1. In a list:", "", "   ```yaml attributes", "   a: b", "   ```", "<!-- end -->")
	type found struct{ Place, Kind, File, Text, Unchecked, Given, Output string }
	var got []found
	for _, b := range page.Blocks {
		f := found{Place: b.Place(), Kind: b.Kind(), File: b.File, Text: b.Text, Unchecked: b.Unchecked}
		for _, g := range b.Given {
			f.Given += g.Text
		}
		if b.Output != nil {
			f.Output = b.Output.Text
		}
		got = append(got, f)
	}
	want := []found{
		{Place: "docs/x.md:6", Kind: "go", File: "main.go", Text: "package main\n"},
		{Place: "docs/x.md:16", Kind: "sh", Text: "s3dbgen x\n", Given: "one\ntwo\n", Output: "x\n"},
		{Place: "docs/x.md:20", Kind: "text", Text: "x\n"},
		{Place: "docs/x.md:25", Kind: "text", Text: "o\n", Unchecked: "a drawing"},
		{Place: "docs/x.md:31", Kind: "yaml attributes", Text: "a: b\n"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, broken := range []string{"```go\nx", "<!-- given\nx", "<!-- unchecked: why -->\n"} {
		if _, err := snippets.Parse("x.md", broken); err == nil {
			t.Errorf("no error for %q", broken)
		}
	}
}

// TestCompiler: right blocks pass, and each mistake is told with its line.
func TestCompiler(t *testing.T) {
	t.Parallel()
	compiler, err := snippets.NewCompiler(t.Context(), "../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, want string // a problem, or ""
		page       []string
	}{
		{"statements that follow each other", "", []string{"```go", "u, err := db.Users.Get(ctx, id)", "```", "", "```go", "u, err = db.Users.Get(ctx, u.ID)", "```"}},
		{"left out", "", []string{"```go", "if err := db.Close(); err != nil { … }", "db, err := shop.Open(ctx, url, …)", "```"}},
		{"declarations", "", []string{"<!-- given", "type name string", "-->", "```go", "func f(n name) string { return string(n) }", "```"}},
		{"a file", "", []string{"```go", "package x", "", "import \"fmt\"", "", "func f() { fmt.Println() }", "```"}},
		{"a type", `docs/x.md:3: cannot use "x" (untyped string constant) as int value in argument to q.Limit`, []string{"```go", "q := db.Orders.Query()", "q = q.Limit(\"x\")", "```"}},
		{"a later block", "docs/x.md:6: undefined: unknown", []string{"```go", "_ = db.Close()", "```", "", "```go", "unknown()", "```"}},
		{"a file that is wrong", "docs/x.md:4: undefined: y", []string{"```go", "package x", "", "var x = y", "```"}},
		{"syntax", "docs/x.md:2", []string{"```go", "x := :=", "```"}},
		{"form", "docs/x.md:2: not as gofmt prints it", []string{"```go", "_  = db.Close()", "```"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			problems := compiler.Check(parse(t, test.page...))
			if test.want == "" && len(problems) > 0 || test.want != "" && !slices.ContainsFunc(problems, func(p string) bool { return strings.Contains(p, test.want) }) {
				t.Errorf("problems %q, want %q", problems, test.want)
			}
		})
	}
}

// TestSession: commands run in order, in one folder, and the first that does not what
// the page says is told with its line.
func TestSession(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, want string
		page       []string
	}{
		{"a file and a long line", "", []string{"`a.txt`:", "", "```yaml", "x: 1", "```", "", "```sh", "# nothing", "cat \\", "  a.txt   # shows it", "```", "", "```text", "x: …", "```"}},
		{"given", "", []string{"<!-- given", "echo y > b", "-->", "```sh", "grep -q y b", "```"}},
		{"an error that is shown", "", []string{"```sh", "echo no >&2; exit 3", "```", "", "```text", "no", "```"}},
		{"replaced both ways", "", []string{"```sh", "echo shown", "```", "", "```text", "shown", "```"}},
		{"an error", "docs/x.md:3: false: exit status 1", []string{"```sh", "true", "false", "true", "```"}},
		{"another output", "docs/x.md:2: echo x: the output is not the one shown", []string{"```sh", "echo x", "```", "", "```text", "y", "```"}},
		{"more lines", "docs/x.md:2", []string{"```sh", "echo x; echo z", "```", "", "```text", "…", "```"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &snippets.Session{Dir: t.TempDir(), Env: os.Environ(), Real: []string{"shown", "real"}}
			err := s.Run(t.Context(), parse(t, test.page...))
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

// TestSection: the part below a heading, with what belongs to it.
func TestSection(t *testing.T) {
	t.Parallel()
	page := parse(t, "# X", "```sh", "a", "```", "## One", "```sh", "# no heading", "b", "```", "### Deeper", "```sh", "c", "```", "## Two", "```sh", "d", "```")
	for heading, want := range map[string]string{"One": "# no heading\nb\nc\n", "Two": "d\n", "Deeper": "c\n", "X": "a\n# no heading\nb\nc\nd\n"} {
		part, err := page.Section(heading)
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, b := range part.Blocks {
			got.WriteString(b.Text)
		}
		if got.String() != want {
			t.Errorf("%s: %q", heading, got.String())
		}
	}
	if _, err := page.Section("no heading"); err == nil {
		t.Error("a comment of a block is no heading")
	}
}

// TestSessionGoes: "cd" holds for later commands, and what is shown is reported, without
// what modules were downloaded.
func TestSessionGoes(t *testing.T) {
	t.Parallel()
	var ran []string
	s := &snippets.Session{Dir: t.TempDir(), Ran: func(r snippets.Ran) { ran = append(ran, r.Command) }}
	page := parse(t, "<!-- given", "mkdir deep", "-->", "```sh", "cd deep", "echo go: downloading x v1; basename $(pwd)", "```", "", "```text", "deep", "```")
	if err := s.Run(t.Context(), page); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"cd deep", "echo go: downloading x v1; basename $(pwd)"}, ran); diff != "" {
		t.Error(diff)
	}
	if err := s.Run(t.Context(), parse(t, "```sh", "cd nowhere", "```")); err == nil {
		t.Error("no error for a directory that does not exist")
	}
}
