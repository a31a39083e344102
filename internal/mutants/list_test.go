package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMutantsApply: the text that each mutant replaces stands in its file exactly
// once, so that a change of the code does not silently end a mutant.
func TestMutantsApply(t *testing.T) {
	for _, m := range mutants() {
		text, err := os.ReadFile(filepath.Join("..", "..", m.file))
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), m.old); n != 1 {
			t.Errorf("%s: %s has the text %d times: %q", m.name, m.file, n, m.old)
		}
	}
}
