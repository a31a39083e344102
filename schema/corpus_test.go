package schema

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write golden files anew")

// corpusCase is a schema, and perhaps the lock file it meets, with what reading
// them says.
type corpusCase struct {
	name   string
	schema string
	lock   string
	want   string
}

// readCorpus reads a txtar archive: NAME.yaml, or NAME.quoted for one with bytes
// that an editor would spoil; NAME.lock; NAME.want.
func readCorpus(t *testing.T, path string) []corpusCase {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var cases []corpusCase
	for _, file := range archive.Files {
		name, extension, _ := strings.Cut(file.Name, ".")
		i := slices.IndexFunc(cases, func(c corpusCase) bool { return c.name == name })
		if i < 0 {
			cases = append(cases, corpusCase{name: name})
			i = len(cases) - 1
		}
		c, text := &cases[i], string(file.Data)
		switch extension {
		case "yaml":
			c.schema = text
		case "quoted":
			if c.schema, err = strconv.Unquote(strings.TrimSpace(text)); err != nil {
				t.Fatalf("%s: %s: %v", path, file.Name, err)
			}
		case "lock":
			c.lock = text
		case "want":
			c.want = text
		default:
			t.Fatalf("%s: unknown file %s", path, file.Name)
		}
	}
	return cases
}

// run reads the schema and the lock of a case as the generator does.
func (c corpusCase) run() Diagnostics {
	s, found := Parse("schema.yaml", []byte(c.schema))
	l, more := ReadLock("schema.lock.yaml", []byte(c.lock))
	found = append(found, more...)
	if !found.HasErrors() {
		found = append(found, s.Assign(l)...)
	}
	if !found.HasErrors() {
		found = append(found, s.CheckBudgets()...)
	}
	return found.Sort()
}

func wrongCorpus(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/wrong/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no corpus", err)
	}
	return paths
}

// TestWrong holds each diagnostic of the corpus of wrong schemas to its golden
// text: place, message, code, excerpt, help and second place.
func TestWrong(t *testing.T) {
	total := 0
	for _, path := range wrongCorpus(t) {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		wants := map[string]string{}
		for _, c := range readCorpus(t, path) {
			total++
			t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar")+"/"+c.name, func(t *testing.T) {
				found := c.run()
				if len(found) == 0 {
					t.Error("nothing found")
				}
				for _, d := range found {
					if !d.Position.IsValid() {
						t.Errorf("no place: %v", d)
					}
				}
				got := found.String()
				wants[c.name] = got
				if diff := cmp.Diff(c.want, got); diff != "" && !*update {
					t.Errorf("(-want +got)\n%s", diff)
				}
			})
		}
		if *update {
			writeWants(t, path, archive, wants)
		}
	}
	if total < 150 {
		t.Errorf("corpus has %d wrong schemas, want at least 150", total)
	}
	t.Logf("%d wrong schemas", total)
}

// writeWants puts the printed diagnostics behind their cases.
func writeWants(t *testing.T, path string, archive *txtar.Archive, wants map[string]string) {
	t.Helper()
	files := slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return strings.HasSuffix(f.Name, ".want") })
	archive.Files = nil
	for i, file := range files {
		archive.Files = append(archive.Files, file)
		name, _, _ := strings.Cut(file.Name, ".")
		if i+1 == len(files) || !strings.HasPrefix(files[i+1].Name, name+".") {
			archive.Files = append(archive.Files, txtar.File{Name: name + ".want", Data: []byte(wants[name])})
		}
	}
	if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestRight holds what right schemas become to golden texts: the lock file, the
// stored shapes and, in Go syntax, what the generator sees.
func TestRight(t *testing.T) {
	paths, err := filepath.Glob("testdata/right/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatal("no corpus", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			src, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			s, found := Parse("schema.yaml", src)
			if len(found) > 0 {
				t.Fatal(found)
			}
			l, found := ReadLock("", nil)
			found = append(found, s.Assign(l)...)
			if len(found) > 0 {
				t.Fatal(found)
			}
			golden := strings.TrimSuffix(path, ".yaml") + ".golden"
			got := dump(s) + "-- lock --\n" + string(l.Bytes())
			for _, r := range s.Resources {
				got += "-- shape of " + r.Name + " --\n" + r.StoredShape() + "\n"
			}
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			again, found := ReadLock("schema.lock.yaml", l.Bytes())
			if len(found) > 0 {
				t.Fatalf("its own lock file cannot be read: %v", found)
			}
			if diff := cmp.Diff(string(l.Bytes()), string(again.Bytes())); diff != "" {
				t.Errorf("lock file changes when read and written (-want +got)\n%s", diff)
			}
		})
	}
}
