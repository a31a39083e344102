package schema

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// excerptWidth is how much of a source line an excerpt shows at most, in
// characters; longer lines are cut around the place of interest.
const excerptWidth = 120

// String returns ds as a person reads them:
//
//	schema.yaml:5:12: unknown type "strng" [S3D0201]
//	  5 |     name: strng|min:2
//	    |           ^^^^^
//	  help: did you mean "string"?
//
// followed by the related places in the same form.
func (ds Diagnostics) String() string {
	var b strings.Builder
	for i, d := range ds {
		if i > 0 {
			b.WriteByte('\n')
		}
		d.print(&b)
	}
	return b.String()
}

// String returns d in the form of Diagnostics.String.
func (d Diagnostic) String() string {
	var b strings.Builder
	d.print(&b)
	return b.String()
}

func (d Diagnostic) print(b *strings.Builder) {
	severity := ""
	if d.Severity == Warning {
		severity = "warning: "
	}
	fmt.Fprintf(b, "%s: %s%s [%s]\n", d.Position, severity, d.Message, d.Code)
	printExcerpt(b, d.excerpt, d.Position, d.End)
	if d.Suggestion != "" {
		fmt.Fprintf(b, "  help: %s\n", d.Suggestion)
	}
	for _, r := range d.Related {
		fmt.Fprintf(b, "%s: %s\n", r.Position, r.Message)
		printExcerpt(b, r.excerpt, r.Position, r.End)
	}
}

// hiddenLine stands for a line that is not shown.
const hiddenLine = "\x00"

// printExcerpt prints a source line with carets below the characters from pos
// to end.
func printExcerpt(b *strings.Builder, line string, pos, end Position) {
	if !pos.IsValid() || line == hiddenLine {
		return
	}
	runes := []rune(line)
	from := min(pos.Column-1, len(runes))
	to := from + 1
	if end.Line == pos.Line && end.Column-1 > to {
		to = min(end.Column-1, max(len(runes), to))
	}
	runes, from, to = window(runes, from, to)

	var text, carets strings.Builder
	for i, r := range runes {
		r = visible(r)
		text.WriteRune(r)
		if i >= to {
			continue
		}
		mark := " "
		switch {
		case i >= from:
			mark = "^"
		case r == '\t':
			mark = "\t"
		}
		carets.WriteString(strings.Repeat(mark, columns(r)))
	}
	if from >= len(runes) {
		carets.WriteByte('^')
	}
	number := strconv.Itoa(pos.Line)
	fmt.Fprintf(b, "  %s | %s\n", number, strings.TrimRight(text.String(), " \t"))
	fmt.Fprintf(b, "  %s | %s\n", strings.Repeat(" ", len(number)), carets.String())
}

// window cuts a long line to a part around the characters from..to.
func window(line []rune, from, to int) (cut []rune, cutFrom, cutTo int) {
	if len(line) <= excerptWidth {
		return line, from, to
	}
	start := min(max(0, from-excerptWidth/3), len(line)-excerptWidth)
	stop := start + excerptWidth
	cut = append([]rune(nil), line[start:stop]...)
	if start > 0 {
		cut[0] = '…'
	}
	if stop < len(line) {
		cut[len(cut)-1] = '…'
	}
	return cut, from - start, min(to, stop) - start
}

// visible replaces what a terminal would obey or hide (control characters,
// marks that turn the direction of text) with a visible sign.
func visible(r rune) rune {
	if r == '\t' || unicode.IsPrint(r) {
		return r
	}
	return '\uFFFD'
}

// columns returns how many columns a terminal uses for r.
func columns(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case r >= 0x1100 && (r <= 0x115F || // Hangul Jamo
		r >= 0x2E80 && r <= 0xA4CF || // CJK, Kana, Yi
		r >= 0xAC00 && r <= 0xD7A3 || // Hangul syllables
		r >= 0xF900 && r <= 0xFAFF || // CJK compatibility
		r >= 0xFE30 && r <= 0xFE6F || // CJK forms
		r >= 0xFF00 && r <= 0xFF60 || // full-width forms
		r >= 0xFFE0 && r <= 0xFFE6 ||
		r >= 0x1F300 && r <= 0x1FAFF || // emoji
		r >= 0x20000 && r <= 0x3FFFD):
		return 2
	}
	return 1
}
