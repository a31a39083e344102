package fulltext

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/words"
	"github.com/kljensen/snowball/english"
	"github.com/kljensen/snowball/french"
	"github.com/kljensen/snowball/hungarian"
	"github.com/kljensen/snowball/norwegian"
	"github.com/kljensen/snowball/russian"
	"github.com/kljensen/snowball/spanish"
	"github.com/kljensen/snowball/swedish"
	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// rules are what an analyzer knows of a language.
type rules struct {
	stem  func(word string, stemStopWords bool) string // nil: words are their own stems
	stop  func(word string) bool                       // nil: no word is left out
	elide []string                                     // what stands before an apostrophe and is no word
}

// rulesOf returns the rules of a language by its BCP 47 base.
func rulesOf(base string) (rules, bool) {
	switch base {
	case "en":
		return rules{stem: english.Stem, stop: english.IsStopWord}, true
	case "es":
		return rules{stem: spanish.Stem, stop: spanish.IsStopWord}, true
	case "fr":
		return rules{stem: french.Stem, stop: french.IsStopWord, elide: []string{
			"c", "d", "j", "jusqu", "l", "lorsqu", "m", "n", "puisqu", "qu", "quoiqu", "s", "t",
		}}, true
	case "hu":
		return rules{stem: hungarian.Stem, stop: hungarian.IsStopWord}, true
	case "nb", "nn", "no":
		return rules{stem: norwegian.Stem, stop: norwegian.IsStopWord}, true
	case "ru":
		return rules{stem: russian.Stem, stop: russian.IsStopWord}, true
	case "sv":
		return rules{stem: swedish.Stem, stop: swedish.IsStopWord}, true
	case "und":
		return rules{}, true
	}
	return rules{}, false
}

// languages lists what Options.Language knows, for errors.
const languages = "en, es, fr, hu, no, ru, sv, with a region or without, or und for any other"

// analyzer takes texts apart into words. It is safe for concurrent use.
type analyzer struct {
	rules

	base string // of the language
	min  int    // characters of a word
}

// analysis names the way in which texts are taken apart. It changes when the same
// text would give other words, so that no index mixes two ways.
const analysis = 1

// longestWord is the number of bytes above which a word is left out: nobody
// searches for it.
const longestWord = 100

func newAnalyzer(tag string, minLength int) (*analyzer, error) {
	parsed, err := language.Parse(tag)
	if err != nil {
		return nil, configError("Language %q is no language tag; known are %s", tag, languages)
	}
	base, _ := parsed.Base()
	if parsed == language.Und {
		base = language.MustParseBase("und")
	}
	r, ok := rulesOf(base.String())
	if !ok {
		return nil, configError("Language %q is not known; known are %s", tag, languages)
	}
	return &analyzer{rules: r, base: base.String(), min: minLength}, nil
}

// token is a word of a text in the form in which words are compared, and its stem.
type token struct{ word, stem string }

// tokens returns the words of a text that are indexed, in their order.
func (a *analyzer) tokens(text string) []token {
	var list []token
	for word := range a.split(text) {
		if a.counts(word) {
			list = append(list, token{word, a.stemOf(word)})
		}
	}
	return list
}

// split yields the words of a text: those between the word boundaries of Unicode
// (UAX #29) that have a letter or a digit, folded (so that case and compatibility
// forms do not matter).
func (a *analyzer) split(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		boundaries := words.FromString(fold(text))
		for boundaries.Next() {
			word := boundaries.Value()
			if strings.ContainsFunc(word, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) && !yield(a.withoutElision(word)) {
				return
			}
		}
	}
}

// fold brings texts that a reader takes for the same to one form.
func fold(text string) string {
	text = cases.Fold().String(norm.NFKC.String(strings.ToValidUTF8(text, " ")))
	return norm.NFKC.String(strings.ReplaceAll(text, "’", "'"))
}

// withoutElision takes "l'" from "l'arbre".
func (a *analyzer) withoutElision(word string) string {
	if before, after, ok := strings.Cut(word, "'"); ok && after != "" && slices.Contains(a.elide, before) {
		return after
	}
	return word
}

// counts reports whether a word is indexed: it is long enough, and says something.
// In scripts without blanks between words a character is a word.
func (a *analyzer) counts(word string) bool {
	if len(word) > longestWord || a.saysNothing(word) {
		return false
	}
	if utf8.RuneCountInString(word) >= a.min {
		return true
	}
	first, _ := utf8.DecodeRuneInString(word)
	return unicode.In(first, unicode.Han, unicode.Hiragana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// saysNothing reports whether a word is a stop word, alone or with something after
// an apostrophe: "it's".
func (a *analyzer) saysNothing(word string) bool {
	before, _, _ := strings.Cut(word, "'")
	return a.stop != nil && (a.stop(word) || a.stop(before))
}

func (a *analyzer) stemOf(word string) string {
	if a.stem == nil {
		return word
	}
	return a.stem(word, true)
}

func configError(format string, args ...any) error {
	return wrap(s3db.ErrConfig, format, args...)
}
