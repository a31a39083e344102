package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDemo shows that the drawing in README is of what the demo prints now: TestTour of
// the example holds output.txt to a run.
func TestDemo(t *testing.T) {
	output, err := os.ReadFile("../../example/testdata/output.txt")
	if err != nil {
		t.Fatal(err)
	}
	drawing, err := os.ReadFile("../../docs/demo.svg")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(draw("make demo", string(output)), string(drawing)); diff != "" {
		t.Errorf("docs/demo.svg is not of this output (-drawn +file); make recording draws it\n%s", diff)
	}
}

// TestDraw: whatever is printed, the drawing is XML that holds all of it.
func TestDraw(t *testing.T) {
	drawing := draw("x", "a <b> & \"c\"  (1 GET)\n    d\x01: must be\n")
	var text strings.Builder
	for d := xml.NewDecoder(strings.NewReader(drawing)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if data, ok := token.(xml.CharData); ok {
			text.Write(data)
		}
	}
	for _, want := range []string{"$ x", `a <b> & "c"  (1 GET)`, "    d: must be"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in %q", want, text.String())
		}
	}
}
