package s3dbgen_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// missionRow is a line of testdata/mission.md.
type missionRow struct {
	id    string
	tests []string // empty for an open row
}

// missionRowPattern is the one form that a row has.
var missionRowPattern = regexp.MustCompile(`^\| ([0-9]+|B[0-9]+) \| ([^|]*) \|$`)

// TestMission keeps testdata/mission.md true: it has each row of the mission
// once and in order, and a row names only tests that exist.
func TestMission(t *testing.T) {
	t.Parallel()
	rows := readMission(t)

	var got, want []string
	for _, row := range rows {
		got = append(got, row.id)
	}
	for i := 1; i <= 187; i++ {
		want = append(want, strconv.Itoa(i))
	}
	for i := 1; i <= 11; i++ {
		want = append(want, "B"+strconv.Itoa(i))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}

	tests := declaredTests(t)
	open := 0
	for _, row := range rows {
		if len(row.tests) == 0 {
			open++
		}
		for _, name := range row.tests {
			if !tests[name] {
				t.Errorf("row %s names %s: there is no such test", row.id, name)
			}
		}
	}
	t.Logf("%d rows proven, %d open", len(rows)-open, open)
}

// readMission parses testdata/mission.md.
func readMission(t *testing.T) []missionRow {
	t.Helper()
	text, err := os.ReadFile("testdata/mission.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []missionRow
	for i, line := range strings.Split(string(text), "\n") {
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "| row |") || strings.HasPrefix(line, "|---") {
			continue
		}
		m := missionRowPattern.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("testdata/mission.md:%d: not of the form | row | tests |: %q", i+1, line)
			continue
		}
		row := missionRow{id: m[1]}
		if m[2] != "open" {
			for name := range strings.SplitSeq(m[2], ",") {
				row.tests = append(row.tests, strings.TrimSpace(name))
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// declaredTests returns the names of all top-level tests, fuzz targets,
// examples and benchmarks of the repository, each as it is and with its
// directory before it: TestGet and runtime/s3store.TestGet.
func declaredTests(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	fset := token.NewFileSet()
	walkSources(t, func(file string) {
		if !strings.HasSuffix(file, "_test.go") {
			return
		}
		f, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Error(err)
			return
		}
		for _, decl := range f.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Recv != nil || !isTestName(fn.Name.Name) {
				continue
			}
			names[fn.Name.Name] = true
			names[path.Dir(file)+"."+fn.Name.Name] = true
		}
	})
	return names
}

// isTestName reports whether go test would run a function of this name.
func isTestName(name string) bool {
	for _, prefix := range []string{"Test", "Fuzz", "Example", "Benchmark"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			return rest == "" || rest[0] < 'a' || rest[0] > 'z'
		}
	}
	return false
}

// walkSources calls visit with each Go file of the repository, slash-separated
// and relative to its root. Files under testdata and hidden directories are no
// part of it.
func walkSources(t *testing.T, visit func(file string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && file != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if !d.IsDir() && strings.HasSuffix(file, ".go") {
			visit(filepath.ToSlash(file))
		}
		return nil
	})
	if err != nil {
		t.Fatal(fmt.Errorf("walk the repository: %w", err))
	}
}
