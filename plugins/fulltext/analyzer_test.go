package fulltext

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTokens: how texts of several languages are taken apart.
func TestTokens(t *testing.T) {
	for _, test := range []struct {
		language   string
		min        int
		text, want string // word/stem
	}{
		{"en-US", 3, "The quick Foxes' dens, and don't RUN!", "quick/quick foxes/fox dens/den run/run"},
		{"en", 3, "a1 b22 c333 3.14 x", "b22/b22 c333/c333 3.14/3.14"},
		{"en", 3, "ﬁne Ｗｉｄｅ cafe\u0301 tea CAFÉ STRASSE fast straße", "fine/fine wide/wide café/café tea/tea café/café strasse/strass fast/fast strasse/strass"},
		{"en", 3, "it’s John’s", "john's/john"},
		{"es", 3, "Los niños corrían", "niños/niñ corrían/corr"},
		{"fr", 3, "L’arbre qu'elles aimaient", "arbre/arbre elles/elle aimaient/aim"},
		{"ru", 3, "Книги и книга", "книги/книг книга/книг"},
		{"sv", 3, "flickorna och flickan", "flickorna/flick flickan/flickan"},
		{"nb-NO", 3, "havnedistriktene", "havnedistriktene/havnedistrikt"},
		{"hu", 3, "házakban", "házakban/ház"},
		{"und", 1, "The Foxes", "the/the foxes/foxes"},
		{"und", 3, "東京 に", "東/東 京/京 に/に"},
		{"en", 3, "ok\x00\xff bytes " + strings.Repeat("x", 101), "bytes/byte"},
	} {
		a, err := newAnalyzer(test.language, test.min)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, token := range a.tokens(test.text) {
			got = append(got, token.word+"/"+token.stem)
		}
		if diff := cmp.Diff(strings.Fields(test.want), got); diff != "" {
			t.Errorf("%s %q (-want +got):\n%s", test.language, test.text, diff)
		}
	}
}

// FuzzTokens: any text in any language can be taken apart, and a search for one of
// its words finds it.
func FuzzTokens(f *testing.F) {
	f.Add("The quick l'arbre 東京 \xff")
	f.Add("ыы'ы ß ŉ İ")
	f.Fuzz(func(t *testing.T, text string) {
		for _, tag := range []string{"en", "es", "fr", "hu", "no", "ru", "sv", "und"} {
			a, err := newAnalyzer(tag, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, token := range a.tokens(text) {
				query, err := a.parse(token.word)
				if err != nil {
					t.Fatalf("%s: the word %q cannot be searched for: %v", tag, token.word, err)
				}
				if m := a.match(query, []string{text}); !hasEnough(m.counts, 1, true) {
					t.Fatalf("%s: the word %q is not found", tag, token.word)
				}
			}
		}
	})
}

// TestBlocks: what is written into blocks is read back.
func TestBlocks(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	const fields = 3
	b := []byte{0}
	var docs []listed
	for i := range 50 {
		d := listed{number: uint32(7 + i), id: strings.Repeat("é", i%9) + "x", lengths: []uint32{rnd.Uint32N(9), 0, rnd.Uint32()}}
		docs = append(docs, d)
		b = appendListed(b, d.id, d.lengths)
	}
	r, err := openBlock("docs", sealBlock(b))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(docs, slices.Collect(r.documents(7, fields)), cmp.AllowUnexported(listed{})); diff != "" || r.err() != nil {
		t.Errorf("documents (-want +got):\n%s%v", diff, r.err())
	}
	counts, lengths := []uint32{3, 0, 200}, []uint32{10, 11, 4000}
	p := newPosting(9, counts, lengths)
	e := termEntry{postings: append(binary.AppendUvarint(nil, 9), p.counts...)}
	got, long := make([]uint32, fields), make([]uint32, fields)
	for p := range e.list(fields) {
		p.add(got, long)
	}
	if diff := cmp.Diff(counts, got); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]uint32{10, 0, 4000}, long); diff != "" {
		t.Errorf("lengths (-want +got):\n%s", diff)
	}
}

// FuzzBlock: a block with any content is read or refused, and one that was changed
// is refused.
func FuzzBlock(f *testing.F) {
	f.Add([]byte("\x00\x03abc\x01\x02"), uint8(1))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), uint8(3))
	f.Fuzz(func(t *testing.T, content []byte, fields uint8) {
		sealed := sealBlock(append([]byte{0}, content...))
		open := func() blockReader {
			r, err := openBlock("block", sealed)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		n := int(fields%4) + 1
		r := open()
		for range r.documents(0, n) {
		}
		r = open()
		for e := range r.terms() {
			counts := make([]uint32, n)
			for p := range e.list(n) {
				p.add(counts, counts)
			}
		}
		for i := range sealed {
			sealed[i] ^= 1
			if _, err := openBlock("block", sealed); err == nil {
				t.Fatalf("a change of byte %d is not noticed", i)
			}
			sealed[i] ^= 1
		}
	})
}
