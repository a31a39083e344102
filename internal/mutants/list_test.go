package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMutantsMatch keeps the list true to the source: every mutant changes one
// place of a file that is there. Only make mutants finds out what notices them.
func TestMutantsMatch(t *testing.T) {
	names := map[string]bool{}
	for _, m := range mutants() {
		if names[m.name] {
			t.Errorf("two mutants are called %q", m.name)
		}
		names[m.name] = true
		source, err := os.ReadFile(filepath.Join("..", "..", m.file))
		if errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: there is no file %s", m.name, m.file)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(source), m.old); n != 1 || m.old == m.new {
			t.Errorf("%s: %s has the text %d times, not once: %q", m.name, m.file, n, m.old)
		}
	}
	if len(names) < 15 {
		t.Errorf("there are only %d mutants", len(names))
	}
}
