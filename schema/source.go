package schema

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// source is the text of a file, cut into lines for excerpts and positions.
type source struct {
	file  string
	text  string // without a byte order mark
	lines []string

	others []*source // texts of edits, which became part of the schema
}

// maxFileSize bounds a schema or lock file, in bytes.
const maxFileSize = 4 << 20

func newSource(file string, text []byte) *source {
	s := &source{file: file, text: strings.TrimPrefix(string(text), "\uFEFF")}
	s.lines = strings.Split(s.text, "\n")
	for i, line := range s.lines {
		s.lines[i] = strings.TrimSuffix(line, "\r")
	}
	return s
}

// line returns the line of pos, "" when pos is neither in s nor in the text of an edit.
func (s *source) line(pos Position) string {
	if s != nil && pos.File != s.file {
		i := slices.IndexFunc(s.others, func(o *source) bool { return o.file == pos.File })
		if i < 0 {
			return ""
		}
		s = s.others[i]
	}
	if s == nil || pos.Line < 1 || pos.Line > len(s.lines) {
		return ""
	}
	return s.lines[pos.Line-1]
}

// at returns the position of a line and column.
func (s *source) at(line, column int) Position {
	return Position{File: s.file, Line: line, Column: column}
}

// start is the place for what concerns the whole file.
func (s *source) start() span { return span{pos: s.at(1, 1)} }

// rest returns the text of pos's line from pos on.
func (s *source) rest(pos Position) string {
	line := s.line(pos)
	if n := pos.Column - 1; n <= len(line) && isASCII(line[:n]) {
		return line[n:]
	}
	for range pos.Column - 1 {
		_, n := utf8.DecodeRuneInString(line)
		line = line[n:]
	}
	return line
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// wordEnd returns the end of the name that begins at pos.
func (s *source) wordEnd(pos Position) Position {
	if !pos.IsValid() {
		return pos // the file as a whole
	}
	n := 0
	for _, r := range s.rest(pos) {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '-' {
			break
		}
		n++
	}
	return advance(pos, n)
}

// advance returns the position n characters after pos, on its line.
func advance(pos Position, n int) Position {
	pos.Column += n
	return pos
}

// checkText reports text that no YAML file may hold, or that would make line
// numbers mean different things to different programs.
func (r *reporter) checkText() {
	s := r.src
	if len(s.text) > maxFileSize {
		r.report(CodeTooLarge, s.start(), "file has %.1f MiB, at most %d MiB are read", float64(len(s.text))/(1<<20), maxFileSize>>20).
			help("divide it: each schema makes a package of its own")
		return
	}
	for number, line := range s.lines {
		column := 1
		for i := 0; i < len(line); column++ {
			c, size := utf8.DecodeRuneInString(line[i:])
			at := span{pos: s.at(number+1, column)}
			switch {
			case c == utf8.RuneError && size == 1:
				r.report(CodeEncoding, at, "byte 0x%02X is not valid UTF-8", line[i]).help("save the file as UTF-8")
				return
			case c == '\t':
			case c < ' ' || c == 0x7F || c >= 0x80 && c < 0xA0 || c == 0x2028 || c == 0x2029 || c == 0xFEFF || c == 0xFFFE || c == 0xFFFF:
				r.report(CodeEncoding, at, "character U+%04X is not allowed", c).
					help("remove it; inside a double-quoted text it can be written as an escape such as \"\\u%04X\"", c)
				return
			}
			i += size
		}
	}
}

// checkConflict reports the marks that an unfinished git merge leaves.
func (r *reporter) checkConflict() {
	for i, line := range r.src.lines {
		if strings.HasPrefix(line, "<<<<<<< ") || strings.HasPrefix(line, ">>>>>>> ") || strings.HasPrefix(line, "||||||| ") {
			at := r.src.at(i+1, 1)
			r.report(CodeMergeConflict, span{at, advance(at, 7)}, "mark of an unfinished merge").
				help("decide which lines to keep and remove the lines beginning with <<<<<<<, |||||||, ======= and >>>>>>>")
			return
		}
	}
}
