package s3db

import (
	"bytes"
	"encoding/base64"
	"mime/quotedprintable"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// growthBounds are the bytes of the armour for 100 bytes of UTF-8, at most.
var growthBounds = map[string]int{
	"arabic": 58, "armenian": 56, "bengali": 41, "chinese": 87, "czech": 100, "emoji": 100,
	"english": 100, "french": 100, "georgian": 84, "german": 100, "greek": 58, "hebrew": 59,
	"hindi": 40, "hungarian": 100, "japanese": 84, "korean": 89, "persian": 60, "polish": 100,
	"portuguese": 100, "romanian": 100, "russian": 61, "spanish": 100, "telugu": 83, "thai": 37,
	"turkish": 100, "ukrainian": 58, "vietnamese": 100,
}

// Over a corpus of 27 languages the armour keeps its bounds, and is never longer
// than base64 (with a byte to mark it), percent-encoding or quoted-printable.
func TestArmourGrowth(t *testing.T) {
	files, err := filepath.Glob("testdata/corpus/*.txt")
	if err != nil || len(files) < 10 {
		t.Fatal("no corpus", err)
	}
	t.Logf("%-12s %6s %6s %6s %6s %6s  bytes of the wire for 100 bytes of UTF-8", "", "bytes", "ours", "base64", "percnt", "quoted")
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		var plain, ours, b64, percent, quoted int
		for line := range strings.Lines(string(src)) {
			line = strings.TrimSuffix(line, "\n")
			checkArmour(t, line)
			o, b, p, q := len(appendArmour(nil, line)), base64Size(line), percentSize(line), quotedSize(line)
			if o > b || o > p || o > q {
				t.Errorf("%s: ours %d, base64 %d, percent %d, quoted %d: %q", name, o, b, p, q, line)
			}
			plain, ours, b64, percent, quoted = plain+len(line), ours+o, b64+b, percent+p, quoted+q
		}
		in := func(n int) int { return (n*100 + plain - 1) / plain }
		t.Logf("%-12s %6d %6d %6d %6d %6d", name, plain, in(ours), in(b64), in(percent), in(quoted))
		if in(ours) > growthBounds[name] {
			t.Errorf("%s: %d bytes for 100, the bound is %d", name, in(ours), growthBounds[name])
		}
	}
}

// The others leave plain ASCII alone too, as any fair use of them would.
func base64Size(s string) int {
	if plainASCII(s) {
		return len(s)
	}
	return 1 + base64.RawURLEncoding.EncodedLen(len(s))
}

func percentSize(s string) int {
	n := len(url.PathEscape(s))
	for _, kept := range []string{" ", "\"", "<", ">", "[", "]", "{", "}", "|", "\\", "^", "`", "/", "?", "#", ",", ";"} {
		n -= 2 * strings.Count(s, kept)
	}
	return n
}

func quotedSize(s string) int {
	var b bytes.Buffer
	w := quotedprintable.NewWriter(&b)
	w.Binary = true
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return len(strings.ReplaceAll(b.String(), "=\r\n", ""))
}

func plainASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
