package s3db

import (
	"slices"
	"unicode"
	"unicode/utf8"
)

// Texts collects the strings of a document that TruncateData may cut: those
// whose rules a shorter text cannot break, but for "min". Generated code fills
// it.
type Texts struct {
	at    Validator // for its paths
	texts []text
}

// text is a string of the document that may be cut.
type text struct {
	path     string
	min      int // runes that must stay
	value    *string
	original string
	set      func(string) // stores what a cut made of value; nil when value is in the document
}

// Add offers a string.
func (t *Texts) Add(path string, minRunes int, s *string) {
	t.texts = append(t.texts, text{path: t.at.path(path), min: minRunes, value: s, original: *s})
}

// AddFunc offers a string of a document that has no pointers to its strings; set
// stores what is left of it after a cut.
func (t *Texts) AddFunc(path string, minRunes int, s string, set func(string)) {
	own := s
	t.Add(path, minRunes, &own)
	t.texts[len(t.texts)-1].set = set
}

// AddOptional offers an optional string. It is copied first, because the caller
// of an insert may still use its own.
func (t *Texts) AddOptional(path string, minRunes int, s **string) {
	if *s != nil {
		own := **s
		*s = &own
		t.Add(path, minRunes, *s)
	}
}

// AddStrings offers the items of an array.
func (t *Texts) AddStrings(path string, minRunes int, list *[]string) {
	*list = slices.Clone(*list)
	t.at.push(step{kind: stepName, name: path})
	for i := range *list {
		t.at.push(step{kind: stepIndex, index: i})
		t.Add("", minRunes, &(*list)[i])
		t.at.pop()
	}
	t.at.pop()
}

// AddTexts offers the strings of the objects of an array.
func AddTexts[T any](t *Texts, path string, list *[]T, add func(*Texts, *T)) {
	*list = slices.Clone(*list)
	t.at.push(step{kind: stepName, name: path})
	for i := range *list {
		t.at.push(step{kind: stepIndex, index: i})
		add(t, &(*list)[i])
		t.at.pop()
	}
	t.at.pop()
}

// AddObjectTexts offers the strings of a nested object.
func AddObjectTexts[T any](t *Texts, path string, object *T, add func(*Texts, *T)) {
	t.at.push(step{kind: stepName, name: path})
	add(t, object)
	t.at.pop()
}

// AddOptionalObjectTexts offers the strings of an optional nested object.
func AddOptionalObjectTexts[T any](t *Texts, path string, object **T, add func(*Texts, *T)) {
	if *object != nil {
		own := **object
		*object = &own
		AddObjectTexts(t, path, *object, add)
	}
}

// ellipsis ends every text that was cut.
const ellipsis = "..."

// cut sets every text to at most so many bytes, the ellipsis included, starting
// from the original texts.
func (t *Texts) cut(maxBytes int) {
	for i := range t.texts {
		x := &t.texts[i]
		*x.value = shorten(x.original, maxBytes, x.min)
		if x.set != nil {
			x.set(*x.value)
		}
	}
}

// truncated returns the paths of the texts that are cut now.
func (t *Texts) truncated() []string {
	var paths []string
	for i := range t.texts {
		if x := &t.texts[i]; *x.value != x.original {
			paths = append(paths, x.path)
		}
	}
	return paths
}

// shorten cuts a text to at most so many bytes with its ellipsis, but leaves at
// least minRunes runes with it. It cuts between characters as readers see them:
// never inside a rune, before a combining mark, or beside a joiner.
func shorten(s string, maxBytes, minRunes int) string {
	maxBytes = max(maxBytes, len(ellipsis))
	if len(s) <= maxBytes {
		return s
	}
	kept := cutRunes(s, maxBytes-len(ellipsis))
	for kept != "" && joins(kept, s[len(kept):]) {
		_, size := utf8.DecodeLastRuneInString(kept)
		kept = kept[:len(kept)-size]
	}
	if need := minRunes - len(ellipsis); utf8.RuneCountInString(kept) < need {
		kept = firstRunes(s, need)
	}
	if len(kept)+len(ellipsis) >= len(s) {
		return s
	}
	return kept + ellipsis
}

// joins reports whether the first rune of rest belongs to the last one of kept.
func joins(kept, rest string) bool {
	const joiner = '\u200D'
	next, _ := utf8.DecodeRuneInString(rest)
	last, _ := utf8.DecodeLastRuneInString(kept)
	return next == joiner || last == joiner || unicode.IsMark(next)
}

// cutRunes returns the longest start of s with at most so many bytes that does
// not end inside a rune.
func cutRunes(s string, maxBytes int) string {
	if maxBytes >= len(s) {
		return s
	}
	for maxBytes > 0 && !utf8.RuneStart(s[maxBytes]) {
		maxBytes--
	}
	return s[:max(maxBytes, 0)]
}

// firstRunes returns the first n runes of s.
func firstRunes(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}
