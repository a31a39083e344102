package schema

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"
)

// checkPlaces reports diagnostics whose places are not in the file.
func checkPlaces(t *testing.T, file string, src []byte, found Diagnostics) {
	t.Helper()
	s := newSource(file, src)
	check := func(what string, p Position) {
		if p.File != file {
			return // of the other file
		}
		if p.Line < 1 || p.Line > len(s.lines) || p.Column < 1 || p.Column > utf8.RuneCountInString(s.lines[p.Line-1])+1 {
			t.Errorf("%s at %v, which is not in the file", what, p)
		}
	}
	for _, d := range found {
		check(string(d.Code), d.Position)
		if d.End.IsValid() && (d.End.Line != d.Position.Line || d.End.Column < d.Position.Column) {
			t.Errorf("%s from %v to %v", d.Code, d.Position, d.End)
		}
		for _, r := range d.Related {
			check("related to "+string(d.Code), r.Position)
		}
		if _, ok := Explain(d.Code); !ok || d.Message == "" || d.Position.File == "" {
			t.Errorf("incomplete: %+v", d)
		}
	}
	if text := found.String(); !utf8.ValidString(text) && utf8.Valid(src) {
		t.Errorf("printed text is not UTF-8: %q", text)
	}
}

// FuzzParse shows that no schema makes the parser panic, that every mistake is
// in the file, and that what is right can be numbered and its lock read again.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/right/*.yaml", "../example/*.yaml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range paths {
			src, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
	for _, e := range explanations() {
		f.Add([]byte(e.Wrong))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if len(src) > 2<<10 {
			return
		}
		s, found := Parse("schema.yaml", src)
		checkPlaces(t, "schema.yaml", src, found)
		if (s == nil) != found.HasErrors() {
			t.Fatalf("schema %v with %v", s, found)
		}
		if s == nil {
			return
		}
		l, _ := ReadLock("schema.lock.yaml", nil)
		if found := s.Assign(l); found.HasErrors() {
			for _, d := range found {
				if d.Severity == Error && d.Code != CodeWas {
					t.Fatalf("a new lock: %v", d)
				}
			}
			return
		}
		text := l.Bytes()
		l, found = ReadLock("schema.lock.yaml", text)
		if len(found) > 0 {
			t.Fatalf("its own lock file: %v\n%s", found, text)
		}
		again, _ := Parse("schema.yaml", src)
		if found := again.Assign(l); len(found) > 0 {
			t.Fatalf("the second time: %v", found)
		}
		if !bytes.Equal(text, l.Bytes()) {
			t.Fatalf("lock file changes from\n%s\nto\n%s", text, l.Bytes())
		}
	})
}

// FuzzReadLock shows that no lock file makes the reader or the assignment panic,
// that every mistake is in the file, and that what is accepted is written as it
// was read.
func FuzzReadLock(f *testing.F) {
	for _, e := range explanations() {
		f.Add([]byte(e.Lock))
	}
	src, err := os.ReadFile("testdata/right/objects.yaml")
	if err != nil {
		f.Fatal(err)
	}
	s, _ := Parse("schema.yaml", src)
	l, _ := ReadLock("", nil)
	s.Assign(l)
	f.Add(l.Bytes())
	f.Fuzz(func(t *testing.T, src []byte) {
		if len(src) > 2<<10 {
			return
		}
		l, found := ReadLock("schema.lock.yaml", src)
		checkPlaces(t, "schema.lock.yaml", src, found)
		if l == nil {
			return
		}
		text := l.Bytes()
		again, found := ReadLock("schema.lock.yaml", text)
		if len(found) > 0 {
			t.Fatalf("%v\n%s", found, text)
		}
		if !bytes.Equal(text, again.Bytes()) {
			t.Fatalf("from\n%s\nto\n%s", text, again.Bytes())
		}
		s, _ := Parse("schema.yaml", []byte(attributesOf("      name: string|was:nick\n      p: {a: {b: enum:x}}\n")))
		checkPlaces(t, "schema.lock.yaml", src, s.Assign(l))
	})
}
