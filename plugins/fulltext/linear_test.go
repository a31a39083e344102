package fulltext_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/clipperhouse/uax29/v2/words"
	"github.com/kljensen/snowball/english"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	"github.com/s3dbgen/s3dbgen/plugins/fulltext"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// corpus returns n passages of the two books that come with Go and with the
// module of Zstandard: Newton's Opticks and Tom Sawyer.
func corpus(tb testing.TB, n int) []clienttest.AccountInsert {
	tb.Helper()
	out := func(args ...string) string {
		b, err := exec.CommandContext(tb.Context(), "go", args...).Output()
		if err != nil {
			tb.Fatal(err)
		}
		return strings.TrimSpace(string(b))
	}
	var words []string
	for _, file := range []string{
		filepath.Join(out("env", "GOROOT"), "src/testdata/Isaac.Newton-Opticks.txt"),
		filepath.Join(out("list", "-m", "-f", "{{.Dir}}", "github.com/klauspost/compress"), "testdata/Mark.Twain-Tom.Sawyer.txt"),
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		words = append(words, strings.Fields(string(text))...)
	}
	const step = 15 // words from one passage to the next
	if len(words) < 10_000*step {
		tb.Fatalf("the books have %d words", len(words))
	}
	list := make([]clienttest.AccountInsert, n)
	for i := range list {
		at := i * (len(words) / n)
		passage := words[at:min(at+20+i%30, len(words))]
		list[i] = clienttest.AccountInsert{
			// Ids in no order that has to do with the books.
			ID: id(fmt.Sprintf("%08x", uint32(i)*2654435761)), Name: strings.Join(passage[:5], " "), Bio: new(strings.Join(passage[5:], " ")),
			Country: new([]string{"BR", "US", "DE", "JP"}[i%4]),
		}
	}
	return list
}

// scan finds documents by reading all of them, as the definition of BM25 says
// and without any of the plugin's code.
type scan struct {
	docs  []scanned
	total [2]float64
}

type scanned struct {
	id    string
	words [2][]string // of each field
	stems [2][]string
}

func newScan(docs []*account) *scan {
	s := &scan{}
	for _, d := range docs {
		x := scanned{id: string(d.ID)}
		for f, text := range []*string{&d.Name, d.Bio} {
			if text == nil {
				continue
			}
			boundaries := words.FromString(strings.ToLower(*text))
			for boundaries.Next() {
				word := boundaries.Value()
				before, _, _ := strings.Cut(word, "'")
				if len([]rune(word)) >= 3 && strings.ContainsAny(word, "abcdefghijklmnopqrstuvwxyz0123456789") && !english.IsStopWord(word) && !english.IsStopWord(before) {
					x.words[f] = append(x.words[f], word)
					x.stems[f] = append(x.stems[f], english.Stem(word, true))
				}
			}
			s.total[f] += float64(len(x.words[f]))
		}
		s.docs = append(s.docs, x)
	}
	return s
}

type scored struct {
	id    string
	score float64
}

// search returns all documents with one of the words.
func (s *scan) search(text string) []scored {
	var matches []func(word, stem string) bool
	var stems []string
	for word := range strings.FieldsSeq(strings.ToLower(text)) {
		if prefix, ok := strings.CutSuffix(word, "*"); ok {
			matches = append(matches, func(word, _ string) bool { return strings.HasPrefix(word, prefix) })
		} else {
			want := english.Stem(word, true)
			if slices.Contains(stems, want) {
				continue // words of one stem are one word
			}
			stems = append(stems, want)
			matches = append(matches, func(_, stem string) bool { return stem == want })
		}
	}
	counts := make([][][2]float64, len(s.docs))
	having := make([]float64, len(matches))
	for i, d := range s.docs {
		counts[i] = make([][2]float64, len(matches))
		for m, match := range matches {
			for f := range 2 {
				for k := range d.words[f] {
					if match(d.words[f][k], d.stems[f][k]) {
						counts[i][m][f]++
					}
				}
			}
			if counts[i][m] != [2]float64{} {
				having[m]++
			}
		}
	}
	const k, b = 1.2, 0.75
	n := float64(len(s.docs))
	most := 0.0
	for m := range matches {
		most += math.Log(1+(n-having[m]+0.5)/(having[m]+0.5)) * (k + 1) * 2
	}
	var list []scored
	for i, d := range s.docs {
		score := 0.0
		for m := range matches {
			idf := math.Log(1 + (n-having[m]+0.5)/(having[m]+0.5))
			for f := range 2 {
				if tf := counts[i][m][f]; tf > 0 {
					score += idf * tf * (k + 1) / (tf + k*(1-b+b*float64(len(d.words[f]))/(s.total[f]/n)))
				}
			}
		}
		if score > 0 {
			list = append(list, scored{d.id, score / most})
		}
	}
	slices.SortFunc(list, func(a, b scored) int { return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.id, b.id)) })
	return list
}

// queries makes searches of words of documents, some of them the beginnings.
func queries(rnd *rand.Rand, s *scan, n int) []string {
	var list []string
	for len(list) < n {
		var text []string
		for range 1 + rnd.IntN(4) {
			if words := s.docs[rnd.IntN(len(s.docs))].words[1]; len(words) > 0 {
				word := words[rnd.IntN(len(words))]
				if rnd.IntN(5) == 0 && !strings.Contains(word[:2], "'") {
					word = word[:2] + "*"
				}
				text = append(text, word)
			}
		}
		slices.Sort(text)
		if text = slices.Compact(text); len(text) > 0 {
			list = append(list, strings.Join(text, " "))
		}
	}
	return list
}

// compareWithScan checks that the best hits are those of a linear scan, with their
// scores.
func compareWithScan(t *testing.T, c *accounts, x texts, seed uint64, n int) {
	t.Helper()
	s := newScan(must(c.GetAll(t.Context()))(t))
	const top = 10
	for _, text := range queries(rand.New(rand.NewPCG(seed, 1)), s, n) {
		want := s.search(text)
		want = want[:min(top, len(want))]
		hits, err := x.Limit(top).Search(t.Context(), text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		got := make([]scored, len(hits))
		for i, h := range hits {
			got[i] = scored{string(h.Document.ID), h.Score}
		}
		if !slices.EqualFunc(got, want, func(a, b scored) bool { return a.id == b.id && math.Abs(a.score-b.score) < 1e-12 }) {
			t.Fatalf("%q finds\n%v\na scan finds\n%v", text, got, want)
		}
	}
}

// TestLinearScan: the ten best of many searches over 10,000 passages of two books are
// those of a linear scan: with all documents marked, compacted, and after many
// updates and deletes with several segments.
func TestLinearScan(t *testing.T) {
	docs, searches := 10_000, 120
	if testing.Short() {
		docs, searches = 1500, 40
	}
	ctx := t.Context()
	c, x := open(t, memstore.New(), fulltext.Options{})
	list := corpus(t, docs)
	if _, err := c.InsertMany(ctx, list[:docs/2]); err != nil {
		t.Fatal(err)
	}
	compareWithScan(t, c, x, 1, searches/10)
	if _, err := c.InsertMany(ctx, list[docs/2:]); err != nil {
		t.Fatal(err)
	}
	if err := x.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	compareWithScan(t, c, x, 2, searches)
	rnd := rand.New(rand.NewPCG(3, 3))
	for range 4 {
		for range docs / 60 {
			d, with := list[rnd.IntN(len(list))], list[rnd.IntN(len(list))]
			if rnd.IntN(4) == 0 {
				_ = c.Delete(ctx, d.ID) // perhaps it is gone already
			} else {
				must(c.Upsert(ctx, d.ID, clienttest.AccountInsert{Name: with.Name, Bio: with.Bio}))(t)
			}
		}
		compareWithScan(t, c, x, 4, searches/10)
		if err := x.Compact(ctx); err != nil {
			t.Fatal(err)
		}
	}
	status := must(x.Status(ctx))(t)
	t.Logf("%+v", status)
	if status.Segments < 2 || status.Marked > 0 {
		t.Errorf("the updates were to leave several segments and no marks: %+v", status)
	}
	compareWithScan(t, c, x, 5, searches/2)
	if err := x.Rebuild(ctx); err != nil {
		t.Fatal(err)
	}
	compareWithScan(t, c, x, 6, searches/10)
}
