package behaviortest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// document is a document with as many attributes as a test needs: texts that may
// be cut, fixed strings that may not, objects in an array, a free-form object.
type document struct {
	Case  string // of the test; not stored
	Title string // at least 40 characters, so it is cut to these at most
	Notes []note
	Free  map[string]any
	Texts []string
	Fixed []string
}

type note struct {
	Text  string
	Count int64
}

// The field numbers.
const (
	numberTitle = 1
	numberNotes = 2
	numberFree  = 3
	numberTexts = 10
	numberFixed = 2000
)

const titleMin = 40

func encodeDocument(e *s3db.Encoder, d *document) {
	e.String(numberTitle, d.Title)
	s3db.EncodeArray(e, numberNotes, d.Notes, putNote)
	e.Object(numberFree, d.Free)
	for i, s := range d.Texts {
		e.String(numberTexts+i, s)
	}
	for i, s := range d.Fixed {
		e.String(numberFixed+i, s)
	}
}

func putNote(e *s3db.Encoder, n int, v note) { s3db.EncodeObject(e, n, &v, encodeNote) }

func encodeNote(e *s3db.Encoder, d *note) {
	e.String(1, d.Text)
	e.Int(2, d.Count)
}

func textsDocument(t *s3db.Texts, d *document) {
	t.Add("title", titleMin, &d.Title)
	s3db.AddTexts(t, "notes", &d.Notes, textsNote)
	t.AddStrings("texts", 0, &d.Texts)
}

func textsNote(t *s3db.Texts, d *note) { t.Add("text", 0, &d.Text) }

// text is a text of a document as the suite sees it.
type text struct {
	path  string
	min   int
	value string
}

func (d *document) texts() []text {
	list := []text{{path: "title", min: titleMin, value: d.Title}}
	for i, n := range d.Notes {
		list = append(list, text{path: fmt.Sprintf("notes[%d].text", i), value: n.Text})
	}
	for i, s := range d.Texts {
		list = append(list, text{path: fmt.Sprintf("texts[%d]", i), value: s})
	}
	return list
}

// set changes text i of texts.
func (d *document) set(i int, s string) {
	switch {
	case i == 0:
		d.Title = s
	case i <= len(d.Notes):
		d.Notes[i-1].Text = s
	default:
		d.Texts[i-1-len(d.Notes)] = s
	}
}

func (d *document) clone() document {
	c := *d
	c.Notes, c.Free, c.Texts, c.Fixed = slices.Clone(d.Notes), maps.Clone(d.Free), slices.Clone(d.Texts), slices.Clone(d.Fixed)
	return c
}

func (d *document) draft(t *testing.T, limit int) *s3db.Draft {
	t.Helper()
	names := make([]string, numberFixed+len(d.Fixed))
	names[numberTitle], names[numberNotes], names[numberFree] = "title", "notes", "free"
	for i := range d.Texts {
		names[numberTexts+i] = fmt.Sprintf("text%d", i)
	}
	for i := range d.Fixed {
		names[numberFixed+i] = fmt.Sprintf("fixed%d", i)
	}
	draft, err := s3db.NewDraft(d, limit, names, encodeDocument, textsDocument)
	if err != nil {
		t.Fatal(err)
	}
	return draft
}

// size returns the bytes of the whole document on the wire.
func (d *document) size(t *testing.T) int {
	t.Helper()
	return d.draft(t, s3db.DefaultMetadataLimit).Size()
}

// fitsWhenCut reports whether the document fits with every text at 16 bytes.
func (d *document) fitsWhenCut(t *testing.T, limit int) bool {
	t.Helper()
	c := d.clone()
	draft := c.draft(t, limit)
	if err := draft.CutTexts(16); err != nil {
		t.Fatal(err)
	}
	return draft.Fits()
}

// documents are the shapes that the suite tries.
func documents() []document {
	many := make([]string, 300)
	for i := range many {
		many[i] = fmt.Sprint(i * i)
	}
	notes := make([]note, 30)
	for i := range notes {
		notes[i] = note{Text: strings.Repeat("note ", i*4), Count: int64(i) - 15}
	}
	free := map[string]any{"a": []any{1.5, "x", nil, true}, "b": map[string]any{"c": strings.Repeat("free ", 50)}}
	return []document{
		{Case: "one huge text", Title: "Short Title", Texts: []string{strings.Repeat("A", 5000)}},
		{Case: "one of 100 KB", Title: "Short Title", Texts: []string{strings.Repeat("A", 100_000)}},
		{Case: "title, description and content", Title: "Short Title", Texts: []string{strings.Repeat("A", 1000), strings.Repeat("B", 2000)}},
		{Case: "one huge fixed string", Title: "Short Title", Fixed: []string{strings.Repeat("A", 5000)}},
		{Case: "many small attributes", Title: "Short Title", Fixed: many},
		{Case: "many small texts", Title: strings.Repeat("Title ", 20), Texts: many},
		{Case: "nested", Title: strings.Repeat("Title ", 20), Notes: notes, Free: free},
		{Case: "Latin with accents", Title: "Ünïcödé", Texts: []string{strings.Repeat("àéîõü ", 500)}},
		{Case: "Cyrillic", Title: "Заголовок", Texts: []string{strings.Repeat("съешь ещё этих мягких булок ", 60)}},
		{Case: "Chinese", Title: "标题", Texts: []string{strings.Repeat("我能吞下玻璃而不伤身体", 100)}},
		{Case: "emoji", Title: "🎉", Texts: []string{strings.Repeat("👩‍👩‍👧‍👦🇧🇷é", 100)}, Notes: notes},
		{Case: "bytes that need escapes", Title: "\x00\x01", Texts: []string{strings.Repeat("\n\t\"%=?_~\x7f ", 200)}},
		{Case: "equal attributes", Title: "Short Title", Texts: slices.Repeat([]string{strings.Repeat("same ", 20)}, 40), Fixed: slices.Repeat([]string{"same"}, 40)},
		{Case: "empty attributes", Texts: make([]string, 100), Fixed: make([]string, 100)},
	}
}

// randomDocument makes a document of some of everything.
func randomDocument(r *rand.Rand) document {
	alphabets := [][]rune{[]rune("abcdefghij "), []rune("àéîõü ß"), []rune("съешь ещё"), []rune("我能吞下玻璃"), []rune("🎉👍e\u0301\u200D"), []rune("\x00\n=?~%\"")}
	random := func(longest int) string {
		letters := alphabets[r.IntN(len(alphabets))]
		s := make([]rune, r.IntN(longest+1))
		for i := range s {
			s[i] = letters[r.IntN(len(letters))]
		}
		return string(s)
	}
	strings := func(count, longest int) []string {
		list := make([]string, r.IntN(count+1))
		for i := range list {
			list[i] = random(1 + r.IntN(longest))
		}
		return list
	}
	d := document{Case: "random", Title: random(80), Texts: strings(20, 800), Fixed: strings(20, 60)}
	for range r.IntN(10) {
		d.Notes = append(d.Notes, note{Text: random(200), Count: r.Int64() - r.Int64()})
	}
	return d
}
