package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// readDocuments parses the file of r into its one document. It returns nil, with
// a diagnostic, when there is none or more than one, or the YAML is not valid.
func (r *reporter) readDocuments() []*yaml.Node {
	documents, err := parseYAML(r.src.text, 2)
	if err != nil {
		r.syntaxError(err)
		return nil
	}
	if len(documents) > 1 {
		second := documents[1]
		at := r.src.at(second.Line, second.Column)
		r.report(CodeDocuments, span{pos: at}, "file holds more than one YAML document").
			help("keep one document; remove the line with --- that begins the second")
		return nil
	}
	if len(documents) == 0 || len(documents[0].Content) == 0 || documents[0].Content[0].ShortTag() == "!!null" {
		r.report(CodeEmpty, r.src.start(), "file is empty").
			help("the smallest schema is: {package: shop, resources: {users: {attributes: {name: string}}}}")
		return nil
	}
	return documents
}

// parseYAML returns at most limit documents of text. The library reports bugs of
// its own by panicking; here they are errors like others.
func parseYAML(text string, limit int) (documents []*yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			documents, err = nil, fmt.Errorf("yaml: %v", p)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	for len(documents) < limit {
		var document yaml.Node
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		documents = append(documents, &document)
	}
	return documents, nil
}

var yamlErrorLine = regexp.MustCompile(`^yaml: (?:line \d+: )?`)

// syntaxError reports invalid YAML. The library tells at best the line, so the
// place is found by trying: the first character with which the text before it
// can no longer be read is where the reader of the file should look.
func (r *reporter) syntaxError(err error) {
	message := yamlErrorLine.ReplaceAllString(err.Error(), "")
	closing := ""
	if strings.Contains(message, "escape") {
		closing = `"` // the fault lies inside a quoted text, not at its begin
	}
	at := r.locateSyntaxError(closing)
	line := r.src.line(at)
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	if i := strings.IndexByte(indent, '\t'); i >= 0 {
		at.Column = i + 1
		r.report(CodeTab, span{pos: at}, "a tab cannot indent").help("indent with spaces")
		return
	}
	d := r.report(CodeSyntax, span{pos: at}, "not valid YAML: %s", message)
	rest := r.src.rest(at)
	switch {
	case strings.Contains(message, "escape"):
		d.help(`in double quotes \ begins an escape such as \n; a pattern is better written in single quotes`)
	case strings.Contains(message, "mapping values are not allowed"):
		d.help("a text that contains \": \" needs quotes; else check the indentation of this line")
	case strings.Contains(message, "unknown anchor"):
		d.help("an alias *name needs a value marked &name before it; a text that begins with * needs quotes")
	case strings.HasPrefix(rest, "*"), strings.HasPrefix(rest, "&"), strings.HasPrefix(rest, "@"), strings.HasPrefix(rest, "`"), strings.HasPrefix(rest, "%"):
		d.help("a text that begins with %s needs quotes", rest[:1])
	case strings.HasPrefix(rest, "["), strings.HasPrefix(rest, "{"):
		d.help("look for the end of this %s and for a comma that is missing", rest[:1])
	case strings.HasPrefix(rest, `"`), strings.HasPrefix(rest, "'"):
		d.help("look for the end of this quoted text; a quote inside is written \\\" or ''")
	case strings.Contains(message, "did not find expected key"):
		d.help("check the indentation: the keys of one mapping begin in the same column")
	}
}

// Limits of the search for one mistake.
const (
	locateBudget = 4 << 20 // bytes parsed, or 16 times the file
	locateAhead  = 20      // lines that a construct over several lines may take
	locateWidth  = 400     // characters of a line that are looked at
)

// locateSyntaxError returns the place from which on the file cannot be read. A
// part of a line may also be readable when closing is put behind it.
func (r *reporter) locateSyntaxError(closing string) Position {
	text := r.src.text
	budget := max(locateBudget, 16*len(text))
	readable := func(prefix string) bool {
		if budget -= len(prefix) + 1; budget < 0 {
			return false
		}
		_, err := parseYAML(prefix, 2)
		return err == nil
	}
	starts := []int{0} // offsets of lines
	for i := range len(text) {
		if text[i] == '\n' {
			starts = append(starts, i+1)
		}
	}
	line := lastReadable(len(starts), func(n int) bool { return readable(text[:starts[n]]) })
	start := starts[line]
	rest, _, _ := strings.Cut(text[start:], "\n")
	rest = strings.TrimSuffix(rest, "\r")
	// The last character of the next line up to which it can be read.
	column, best := 1, 1
	for i, c := range rest {
		if column > locateWidth {
			break
		}
		column++
		prefix := text[:start+i+utf8.RuneLen(c)]
		if readable(prefix) || closing != "" && readable(prefix+closing) {
			best = column
		}
	}
	return r.src.at(line+1, min(best, max(1, utf8.RuneCountInString(rest))))
}

// lastReadable returns the greatest n below end for which the first n lines can
// be read. Beyond the mistake none can; before it some cannot, which end inside
// a construct over several lines. So the search halves the range, and then looks
// ahead whether it stopped before such a construct.
func lastReadable(end int, readable func(n int) bool) int {
	low := 0
	for {
		high := end
		for high-low > 1 {
			if middle := (low + high) / 2; readable(middle) {
				low = middle
			} else {
				high = middle
			}
		}
		ahead := low + 2
		for ahead < min(end, low+locateAhead) && !readable(ahead) {
			ahead++
		}
		if ahead >= min(end, low+locateAhead) {
			return low
		}
		low = ahead
	}
}
