package s3db

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// wide is a document with any attributes, by their numbers.
type wide map[int]string

func newWideDraft(t *testing.T, limit int, w wide) *Draft {
	t.Helper()
	names := make([]string, 200)
	for n := range w {
		names[n] = fmt.Sprintf("a%d", n)
	}
	d, err := NewDraft(&w, limit, names, func(e *Encoder, d *wide) {
		for n := range 200 {
			if s, found := (*d)[n]; found {
				e.String(n, s)
			}
		}
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The size of a draft is that of the metadata which the store gets.
func TestDraftSizeIsTheWireSize(t *testing.T) {
	for _, w := range []wide{
		{}, {1: ""}, {1: "x"}, {9: "abc", 10: "abc", 99: "", 100: "abc", 199: "x"}, {1: "é 日本 🎉 \x00", 2: " blank ", 3: "=?x"},
	} {
		d := newWideDraft(t, 2047, w)
		r := record{format: recordFormat, rev: "r", meta: d.fields}
		_, metadata := r.object()
		size := 0
		for name, value := range metadata {
			size += len("x-amz-meta-") + len(name) + len(value)
		}
		if d.Size() != size {
			t.Errorf("%v: Size() = %d, the metadata has %d bytes", w, d.Size(), size)
		}
		for _, f := range d.Fields() {
			d.ToBody(f.Number)
			d.ToBody(f.Number) // once is enough
		}
		if d.Size() != r.overhead() {
			t.Errorf("%v: %d bytes are left when everything is in the body", w, d.Size())
		}
		d = newWideDraft(t, 2047, w)
		if d.AllToBody(); d.Size() != r.overhead() {
			t.Errorf("%v: %d bytes are left after AllToBody", w, d.Size())
		}
	}
}

func TestDraftOverflowMovesTheLargest(t *testing.T) {
	w := wide{1: "aaaa", 2: strings.Repeat("b", 50), 3: strings.Repeat("c", 50), 4: strings.Repeat("d", 60), 5: "e"}
	d := newWideDraft(t, 180, w) // system 15, then 16, 62, 62, 72 and 13: 240
	if d.Size() != 240 || d.Fits() || d.Limit() != 180 {
		t.Fatalf("size %d", d.Size())
	}
	d.OverflowToBody()
	var body []string
	for _, f := range d.Fields() {
		if f.InBody {
			body = append(body, f.Name)
		}
	}
	if diff := cmp.Diff([]string{"a4"}, body); diff != "" || d.Size() != 168 {
		t.Errorf("in the body (-want +got): %s, size %d", diff, d.Size())
	}
	d = newWideDraft(t, 110, w)
	d.OverflowToBody()
	if !d.inBody[1] || d.inBody[2] || !d.inBody[3] {
		t.Errorf("of two equally large ones the lower number goes first: %v", d.inBody)
	}
	d = newWideDraft(t, 0, w)
	if d.OverflowToBody(); d.Size() != 15 || d.Fits() {
		t.Errorf("size %d", d.Size())
	}
}

func TestDraftTooLarge(t *testing.T) {
	d := newWideDraft(t, 100, wide{1: "a", 7: strings.Repeat("b", 300)})
	err := d.TooLarge()
	const want = "S3 metadata size exceeds 2KB limit: 340 bytes on the wire, limit 100; the largest attribute is a7 with 312"
	if !errors.Is(err, ErrTooLarge) || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
	var large *SizeError
	if !errors.As(err, &large) {
		t.Fatal("not a *SizeError")
	}
	if diff := cmp.Diff(SizeError{Size: 340, Limit: 100, Field: "a7", FieldSize: 312}, *large); diff != "" {
		t.Error(diff)
	}
	d.AllToBody()
	if got := d.TooLarge().Error(); got != "S3 metadata size exceeds 2KB limit: 15 bytes on the wire, limit 100" {
		t.Errorf("error = %v", got)
	}
	for path, want := range map[string]string{"1": "a", "2": "field 2", "1.3": "a (field 1.3)", "2.3.4": "field 2.3.4", "": "field "} {
		if got := attributePath([]string{1: "a"}, path); got != want {
			t.Errorf("attributePath(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestDraftExceedsLimitOnce(t *testing.T) {
	d := newWideDraft(t, 100, wide{1: strings.Repeat("b", 300)})
	if _, yes := d.Exceeded(); yes {
		t.Error("an event before the call")
	}
	d.ExceedsLimit()
	d.AllToBody()
	d.ExceedsLimit()
	if size, yes := d.Exceeded(); !yes || size != 327 {
		t.Errorf("event %v with %d, want 327", yes, size)
	}
}

func TestDraftWithoutTexts(t *testing.T) {
	d := newWideDraft(t, 100, wide{1: strings.Repeat("b", 300)})
	if d.LongestText() != 0 {
		t.Error("there is a text to cut")
	}
	if err := d.CutTexts(10); err != nil || d.Size() != 327 || d.Truncated() != nil {
		t.Errorf("cut to %d bytes, %v, %v", d.Size(), d.Truncated(), err)
	}
}

func TestDraftOfADocumentThatCannotBeEncoded(t *testing.T) {
	if _, err := NewDraft(new("\xff"), 100, nil, func(e *Encoder, s *string) { e.String(1, *s) }, nil); err == nil {
		t.Error("no error")
	}
}
