package fulltext

import (
	"slices"
	"strings"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// queryWord is a word to search for: all words with its stem, or all that begin
// with it.
type queryWord struct {
	text   string // a stem, or the beginning of words
	prefix bool
}

// terms returns the range of terms that the word stands for, hi not included.
func (w queryWord) terms() (lo, hi string) {
	if w.prefix {
		lo = termWord + w.text
		return lo, lo + "\xff" // which no text has
	}
	lo = termStem + w.text
	return lo, lo + "\x00"
}

func (w queryWord) matches(t token) bool {
	if w.prefix {
		return strings.HasPrefix(t.word, w.text)
	}
	return t.stem == w.text
}

// parse reads the text of a search. Words that are not indexed are left out.
func (a *analyzer) parse(text string) ([]queryWord, error) {
	var list []queryWord
	add := func(w queryWord) {
		if !slices.Contains(list, w) {
			list = append(list, w)
		}
	}
	for part := range strings.FieldsSeq(text) {
		stem, prefix := strings.CutSuffix(part, "*")
		found := slices.Collect(a.split(stem))
		for i, word := range found {
			switch {
			case prefix && i == len(found)-1:
				add(queryWord{word, true})
			case a.counts(word):
				add(queryWord{text: a.stemOf(word)})
			}
		}
	}
	if len(list) == 0 {
		return nil, wrap(s3db.ErrQuery, "there is no word to search for: each one is shorter than %d characters, or too common to be indexed", a.min)
	}
	return list, nil
}

// match is what a document has of the words of a query.
type match struct {
	counts  []uint32 // of word i in field f at i*fields+f
	lengths []uint32
	words   []string // of the document, sorted
}

// match looks for words in the texts of a document.
func (a *analyzer) match(query []queryWord, texts []string) match {
	m := match{counts: make([]uint32, len(query)*len(texts)), lengths: make([]uint32, len(texts))}
	for f, text := range texts {
		for _, t := range a.tokens(text) {
			m.lengths[f]++
			for i, w := range query {
				if w.matches(t) {
					m.counts[i*len(texts)+f]++
					m.words = append(m.words, t.word)
				}
			}
		}
	}
	slices.Sort(m.words)
	m.words = slices.Compact(m.words)
	return m
}

// has reports whether word i is in any field.
func has(counts []uint32, fields, i int) bool {
	return slices.ContainsFunc(counts[i*fields:(i+1)*fields], func(n uint32) bool { return n > 0 })
}

// hasEnough reports whether a document counts: it has any of the words, or all.
func hasEnough(counts []uint32, fields int, all bool) bool {
	for i := range len(counts) / fields {
		if has(counts, fields, i) != all {
			return !all
		}
	}
	return all
}
