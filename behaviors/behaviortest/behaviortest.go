// Package behaviortest is the suite that every behavior passes: what happens to
// documents around the limit for metadata, counted on the wire after encoding.
package behaviortest

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Promise is what a behavior does with a document above the limit.
type Promise int

// The promises.
const (
	// Refuse: an error that matches ErrTooLarge; no event.
	Refuse Promise = iota
	// Overflow: an event; the largest attributes go to the body, no more of them
	// than needed, and the document stays as it is.
	Overflow
	// Cut: an event; the longest texts are cut, and everything stays in the
	// metadata. A document that does not fit even with every text at 16 bytes is
	// refused.
	Cut
	// Body: every attribute is in the body, below the limit as well; no event.
	Body
)

// Run runs the suite. name is the behavior's name in schemas.
func Run(t *testing.T, b s3db.Behavior, name string, promise Promise) {
	t.Helper()
	if b.Name() != name {
		t.Errorf("Name() = %q, want %q", b.Name(), name)
	}
	for _, doc := range documents() {
		t.Run(doc.Case, func(t *testing.T) {
			size := doc.size(t)
			for _, limit := range []int{size + 1, size, size - 1, size * 9 / 10, size / 2, size / 4} {
				t.Run(fmt.Sprintf("%d bytes of %d", size, limit), func(t *testing.T) { check(t, b, promise, doc, limit) })
			}
		})
	}
	t.Run("default limit", func(t *testing.T) {
		for size := s3db.DefaultMetadataLimit - 1; size <= s3db.DefaultMetadataLimit+1; size++ {
			doc := document{Case: "sized", Texts: []string{""}}
			doc.Texts[0] = strings.Repeat("a", size-doc.size(t))
			if n := doc.size(t); n < size { // the empty text is not empty on the wire
				doc.Texts[0] += strings.Repeat("a", size-n)
			}
			if n := doc.size(t); n != size {
				t.Fatalf("made a document of %d bytes, want %d", n, size)
			}
			check(t, b, promise, doc, s3db.DefaultMetadataLimit)
		}
	})
	t.Run("random documents", func(t *testing.T) {
		for seed := range uint64(200) {
			random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a seed that can be repeated
			doc := randomDocument(random)
			size := doc.size(t)
			t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
				check(t, b, promise, doc, size/3+random.IntN(size))
			})
		}
	})
}

// check puts one document through the behavior under one limit.
func check(t *testing.T, b s3db.Behavior, promise Promise, doc document, limit int) {
	t.Helper()
	size, caller := doc.size(t), doc.clone()
	d, stored, err := fit(t, b, doc, limit)
	if diff := cmp.Diff(caller, doc); diff != "" {
		t.Errorf("the memory of the caller changed: %s", diff)
	}
	again, storedAgain, errAgain := fit(t, b, doc, limit)
	if diff := cmp.Diff(d.Fields(), again.Fields()) + cmp.Diff(stored, storedAgain); diff != "" || fmt.Sprint(err) != fmt.Sprint(errAgain) {
		t.Errorf("one document is stored in two ways: %v, %v, %s", err, errAgain, diff)
	}

	fits := size <= limit
	switch {
	case err != nil:
		if fits || promise == Overflow || promise == Body || promise == Cut && doc.fitsWhenCut(t, limit) {
			t.Fatalf("refused: %v", err)
		}
		refused(t, d, size, limit, promise, err)
		return
	case !fits && promise == Refuse:
		t.Fatalf("a document of %d bytes is not refused under the limit %d", size, limit)
	case !d.Fits() || d.Size() > limit && promise != Body:
		t.Errorf("%d bytes of metadata do not fit %d", d.Size(), limit)
	}
	seen, yes := d.Exceeded()
	if want := !fits && (promise == Overflow || promise == Cut); yes != want || yes && seen != size {
		t.Errorf("event %v with size %d, want %v with %d", yes, seen, want, size)
	}
	if promise == Cut && !fits {
		truncated(t, d, doc, stored, limit)
	} else if diff := cmp.Diff(doc, stored); diff != "" {
		t.Errorf("the document is changed: %s", diff)
	}
	placed(t, d, fits, promise, limit)
}

// fit runs the behavior on a copy that shares its slices with doc, as the
// document of an insert shares them with the input.
func fit(t *testing.T, b s3db.Behavior, doc document, limit int) (*s3db.Draft, document, error) {
	t.Helper()
	stored := doc
	d := stored.draft(t, limit)
	err := b.Fit(d)
	return d, stored, err
}

// refused checks the error of a document above the limit.
func refused(t *testing.T, d *s3db.Draft, size, limit int, promise Promise, err error) {
	t.Helper()
	var large *s3db.SizeError
	if !errors.Is(err, s3db.ErrTooLarge) || !errors.As(err, &large) {
		t.Fatalf("error = %v", err)
	}
	largest := slices.MaxFunc(d.Fields(), func(a, b s3db.DraftField) int { return a.Size - b.Size })
	want := fmt.Sprintf("S3 metadata size exceeds 2KB limit: %d bytes on the wire, limit %d; the largest attribute is %s with %d",
		d.Size(), limit, largest.Name, largest.Size)
	if err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
	if large.Limit != limit || large.Size <= limit || promise == Refuse && large.Size != size {
		t.Errorf("error = %+v, size %d, limit %d", large, size, limit)
	}
	if _, yes := d.Exceeded(); yes && promise == Refuse {
		t.Error("an event of a document that is refused")
	}
}

// placed checks what is in the metadata and what in the body.
func placed(t *testing.T, d *s3db.Draft, fits bool, promise Promise, limit int) {
	t.Helper()
	least, largest, inBody := 0, 0, 0 // in the body, in the metadata
	for _, f := range d.Fields() {
		if !f.InBody {
			largest = max(largest, f.Size)
			continue
		}
		inBody++
		if least == 0 || f.Size < least {
			least = f.Size
		}
	}
	switch {
	case promise == Body:
		if inBody != len(d.Fields()) {
			t.Errorf("%d of %d attributes are in the body", inBody, len(d.Fields()))
		}
	case fits || promise != Overflow:
		if inBody != 0 {
			t.Errorf("%d attributes are in the body", inBody)
		}
	case inBody == 0:
		t.Error("nothing is in the body")
	case largest > least:
		t.Errorf("an attribute of %d bytes is in the body, one of %d is not", least, largest)
	case d.Size()+least <= limit:
		t.Errorf("an attribute of %d bytes is in the body although the metadata has %d of %d", least, d.Size(), limit)
	}
}

// truncated checks every text of a document against what it was.
func truncated(t *testing.T, d *s3db.Draft, before, after document, limit int) {
	t.Helper()
	was, is := before.texts(), after.texts()
	var paths []string
	longestKept, shortestCut := 0, math.MaxInt
	for i := range was {
		old, now := was[i].value, is[i].value
		if old == now {
			longestKept = max(longestKept, len(old))
			continue
		}
		paths = append(paths, was[i].path)
		shortestCut = min(shortestCut, len(old))
		kept, dots := strings.CutSuffix(now, "...")
		switch {
		case !dots || !strings.HasPrefix(old, kept):
			t.Errorf("%s was cut from %q to %q", was[i].path, old, now)
		case !utf8.ValidString(now):
			t.Errorf("%s was cut inside a rune: %q", was[i].path, now)
		case utf8.RuneCountInString(now) < was[i].min:
			t.Errorf("%s was cut below its %d characters", was[i].path, was[i].min)
		}
	}
	if diff := cmp.Diff(paths, d.Truncated()); diff != "" || len(paths) == 0 {
		t.Errorf("%d texts were cut, told (-want +got): %s", len(paths), diff)
	}
	if longestKept > shortestCut {
		t.Errorf("a text of %d bytes was cut, one of %d was not", shortestCut, longestKept)
	}
	// The next longer cut would give each text one more character at most, which may
	// have many bytes and may need a longer form of the whole text on the wire.
	if character := 64; d.Size() < limit-character*len(paths) {
		t.Errorf("%d texts were cut until %d bytes were left, limit %d", len(paths), d.Size(), limit)
	}
	for i := range is {
		after.set(i, was[i].value)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("more than texts was changed: %s", diff)
	}
}
