package s3db

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestShorten(t *testing.T) {
	const family = "👩\u200D👩\u200D👧" // one character to a reader, 3 runes of 4 bytes and 2 joiners of 3
	tests := []struct {
		name     string
		s        string
		maxBytes int
		minRunes int
		want     string
	}{
		{"short enough", "abcdef", 6, 0, "abcdef"},
		{"cut", "abcdefg", 6, 0, "abc..."},
		{"least", "abcdefg", 3, 0, "..."},
		{"below the least", "abcdefg", -5, 0, "..."},
		{"no longer than the dots", "ab", 0, 0, "ab"},
		{"inside a rune", "aéîõü", 7, 0, "aé..."},
		{"inside an emoji", "a🎉🎉🎉", 7, 0, "a..."},
		{"before a combining mark", "ae\u0301e\u0301e\u0301e\u0301", 8, 0, "ae\u0301..."},
		{"inside a family", "ab" + family + family, 12, 0, "ab..."},
		{"after a family", "ab" + family + family, 2 + 18 + 3, 0, "ab" + family + "..."},
		{"nothing but marks", strings.Repeat("\u0301", 20), 10, 0, "..."},
		{"after a space", "ab   cdefgh", 8, 0, "ab   ..."},
		{"min", "abcdefghij", 4, 8, "abcde..."},
		{"min of the whole text", "abcdefghij", 4, 10, "abcdefghij"},
		{"min above the text", "abcdefghij", 4, 20, "abcdefghij"},
		{"min just below", "abcdefghij", 4, 9, "abcdef..."},
		{"min in runes", "éééééééééé", 4, 8, "ééééé..."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := shorten(tt.s, tt.maxBytes, tt.minRunes); got != tt.want {
				t.Errorf("shorten(%q, %d, %d) = %q, want %q", tt.s, tt.maxBytes, tt.minRunes, got, tt.want)
			}
		})
	}
}

func FuzzShorten(f *testing.F) {
	f.Add("aé🎉e\u0301\u200D x", 7, 3)
	f.Add("", 0, 0)
	f.Fuzz(func(t *testing.T, s string, maxBytes, minRunes int) {
		if !utf8.ValidString(s) {
			return
		}
		got := shorten(s, maxBytes, minRunes)
		if got == s {
			return
		}
		kept, dots := strings.CutSuffix(got, "...")
		if !dots || !strings.HasPrefix(s, kept) || !utf8.ValidString(got) || len(got) >= len(s) && len(s) > 3 {
			t.Errorf("shorten(%q, %d, %d) = %q", s, maxBytes, minRunes, got)
		}
		if n := utf8.RuneCountInString(got); n < minRunes {
			t.Errorf("shorten(%q, %d, %d) = %q has %d runes", s, maxBytes, minRunes, got, n)
		}
		if minRunes <= 3 && len(got) > max(maxBytes, 3) {
			t.Errorf("shorten(%q, %d, %d) = %q has %d bytes", s, maxBytes, minRunes, got, len(got))
		}
	})
}

type article struct {
	Title    string
	Subtitle *string
	Tags     []string
	Author   articleAuthor
	Editor   *articleAuthor
	Comments []articleAuthor
}

type articleAuthor struct {
	Name string
	Bio  *string
}

func textsArticle(t *Texts, d *article) {
	t.Add("title", 2, &d.Title)
	t.AddOptional("subtitle", 0, &d.Subtitle)
	t.AddStrings("tags", 0, &d.Tags)
	AddObjectTexts(t, "author", &d.Author, textsAuthor)
	AddOptionalObjectTexts(t, "editor", &d.Editor, textsAuthor)
	AddTexts(t, "comments", &d.Comments, textsAuthor)
}

func textsAuthor(t *Texts, d *articleAuthor) {
	t.Add("name", 0, &d.Name)
	t.AddOptional("bio", 0, &d.Bio)
}

func TestTexts(t *testing.T) {
	long := strings.Repeat("x", 30)
	in := article{
		Title: long, Subtitle: new(long), Tags: []string{"short", long}, Author: articleAuthor{Name: long, Bio: new(long)},
		Editor: &articleAuthor{Name: long}, Comments: []articleAuthor{{Name: "short"}, {Name: long, Bio: new(long)}},
	}
	want := []string{"title", "subtitle", "tags[1]", "author.name", "author.bio", "editor.name", "comments[1].name", "comments[1].bio"}

	d := in // shares pointers and slices with the input, as the document of an insert does
	var texts Texts
	textsArticle(&texts, &d)
	texts.cut(10)
	if diff := cmp.Diff(want, texts.truncated()); diff != "" {
		t.Errorf("truncated (-want +got): %s", diff)
	}
	const cut = "xxxxxxx..."
	if d.Title != cut || *d.Subtitle != cut || d.Tags[1] != cut || d.Tags[0] != "short" || d.Author.Name != cut || *d.Author.Bio != cut ||
		d.Editor.Name != cut || d.Comments[1].Name != cut || *d.Comments[1].Bio != cut {
		t.Errorf("not cut: %+v", d)
	}
	if *in.Subtitle != long || in.Tags[1] != long || *in.Author.Bio != long || in.Editor.Name != long || in.Comments[1].Name != long || *in.Comments[1].Bio != long {
		t.Error("the caller's values were cut")
	}
	texts.cut(1000)
	if diff := cmp.Diff(in, d); diff != "" || texts.truncated() != nil {
		t.Errorf("a longer cut does not start from the original texts: %s", diff)
	}
	var empty Texts
	textsArticle(&empty, &article{})
	if len(empty.texts) != 2 || !slices.ContainsFunc(empty.texts, func(x text) bool { return x.path == "author.name" }) {
		t.Errorf("texts of an empty document: %+v", empty.texts)
	}
}
