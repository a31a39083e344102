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
	at := r.locateSyntaxError()
	line := r.src.line(at)
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	if i := strings.IndexByte(indent, '\t'); i >= 0 {
		at.Column = i + 1
		r.report(CodeTab, span{pos: at}, "a tab cannot indent").help("indent with spaces")
		return
	}
	d := r.report(CodeSyntax, span{pos: at}, "not valid YAML: %s", message)
	switch {
	case strings.Contains(message, "mapping values are not allowed"):
		d.help("a text that contains \": \" needs quotes; else check the indentation of this line")
	case strings.Contains(message, "unknown anchor"):
		d.help("an alias *name needs a value marked &name before it; a text that begins with * needs quotes")
	case strings.HasPrefix(r.src.rest(at), `"`), strings.HasPrefix(r.src.rest(at), "'"):
		d.help("look for the end of this quoted text; a quote inside is written \\\" or ''")
	case strings.Contains(message, "did not find expected key"):
		d.help("check the indentation: the keys of one mapping begin in the same column")
	}
}

// locateBudget bounds the bytes parsed to locate one mistake.
const locateBudget = 16 << 20

// locateSyntaxError returns the place from which on the file cannot be read.
func (r *reporter) locateSyntaxError() Position {
	text := r.src.text
	budget := locateBudget
	readable := func(prefix string) bool {
		budget -= len(prefix) + 1
		_, err := parseYAML(prefix, 2)
		return err == nil
	}
	// The last line whose end can be reached.
	ends := []int{0} // offsets of line starts
	for i := range len(text) {
		if text[i] == '\n' {
			ends = append(ends, i+1)
		}
	}
	line := len(ends) - 1
	for line > 0 && budget > 0 && !readable(text[:ends[line]]) {
		line--
	}
	start := ends[line]
	rest := text[start:]
	if i := strings.IndexByte(rest, '\n'); i >= 0 {
		rest = rest[:i]
	}
	// The last character of the next line up to which it can be read.
	column, best := 1, 1
	for i, c := range rest {
		if budget <= 0 {
			break
		}
		column++
		if readable(text[:start+i+utf8.RuneLen(c)]) {
			best = column
		}
	}
	return r.src.at(line+1, min(best, max(1, utf8.RuneCountInString(strings.TrimRight(rest, "\r")))))
}
