package gen

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// docText makes the lines of a doc comment: a first sentence of ours, the
// description, and the paragraph that marks what is deprecated. Any of them may
// be empty.
func docText(sentence, description, deprecated string) []string {
	var lines []string
	add := func(paragraph []string) {
		if len(paragraph) == 0 {
			return
		}
		if len(lines) > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, paragraph...)
	}
	if sentence != "" {
		add([]string{sentence})
	}
	add(docLines(description))
	if deprecated != "" {
		d := docLines(deprecated)
		if len(d) > 0 {
			d[0] = "Deprecated: " + strings.TrimLeft(d[0], " ")
			if last := d[len(d)-1]; !strings.ContainsAny(last[len(last)-1:], ".!?:;") {
				d[len(d)-1] += "."
			}
			add(d)
		}
	}
	return lines
}

// docLines splits text into lines that are safe in a comment. Long lines are
// broken between words.
func docLines(text string) []string {
	var lines []string
	blank := false
	for line := range strings.SplitSeq(strings.Map(docRune, strings.ToValidUTF8(text, "\uFFFD")), "\n") {
		line = strings.TrimRight(line, " ")
		if line == "" {
			blank = len(lines) > 0
			continue
		}
		if blank {
			lines = append(lines, "")
			blank = false
		}
		for _, l := range wrap(line) {
			if strings.HasPrefix(strings.TrimSpace(l), "+build") {
				l = "(" + strings.TrimSpace(l) + ")" // else gofmt takes it for a constraint
			}
			lines = append(lines, l)
		}
	}
	return lines
}

// docRune replaces what may not stand in a comment or would hide in it.
func docRune(r rune) rune {
	switch {
	case r == '\n':
		return r
	case r == '\r':
		return -1
	case unicode.IsSpace(r) || r == '\u2028' || r == '\u2029':
		return ' '
	case r == '\uFEFF' || unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Bidi_Control, r):
		return '\uFFFD'
	}
	return r
}

// wrap breaks a line of prose that is too long for a comment. Indented lines are
// code or lists and stay as they are.
func wrap(line string) []string {
	const width = 100
	if strings.HasPrefix(line, " ") {
		return []string{line}
	}
	var lines []string
	for utf8.RuneCountInString(line) > width {
		at := -1 // the last blank that leaves the first part short enough, else the first one
		runes := 0
		for i, r := range line {
			if r == ' ' && (runes <= width || at < 0) {
				at = i
			}
			if runes++; runes > width && at >= 0 {
				break
			}
		}
		if at < 0 {
			break
		}
		lines = append(lines, strings.TrimRight(line[:at], " "))
		line = strings.TrimLeft(line[at:], " ")
	}
	return append(lines, line)
}
