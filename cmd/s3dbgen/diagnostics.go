package main

import (
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/s3dbgen/s3dbgen/schema"
)

// diagnosticFormats are the forms in which diagnostics are told to programs, next to
// "text" for people.
func diagnosticFormats() map[string]func(io.Writer, schema.Diagnostics) error {
	return map[string]func(io.Writer, schema.Diagnostics) error{"json": writeJSON, "sarif": writeSARIF, "github": writeGitHub}
}

// region is a place in a file, in the words of SARIF. Columns count characters.
type region struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn"`
	EndLine     int `json:"endLine,omitempty"`
	EndColumn   int `json:"endColumn,omitempty"` // of the character just after
}

func regionOf(from, to schema.Position) *region {
	if !from.IsValid() {
		return nil
	}
	return &region{from.Line, from.Column, to.Line, to.Column}
}

// writePlain writes JSON with "<" and the like as they are.
func writePlain(w io.Writer, v any) error {
	encoder := indented(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// writeJSON writes diagnostics as a list of objects.
func writeJSON(w io.Writer, found schema.Diagnostics) error {
	type place struct {
		File      string `json:"file"`
		Line      int    `json:"line,omitempty"`
		Column    int    `json:"column,omitempty"`
		EndLine   int    `json:"endLine,omitempty"`
		EndColumn int    `json:"endColumn,omitempty"`
		Message   string `json:"message"`
	}
	type diagnostic struct {
		Code     schema.Code `json:"code"`
		Severity string      `json:"severity"`
		place
		Suggestion string  `json:"suggestion,omitempty"`
		Related    []place `json:"related,omitempty"`
	}
	at := func(from, to schema.Position, message string) place {
		return place{from.File, from.Line, from.Column, to.Line, to.Column, message}
	}
	list := []diagnostic{}
	for _, d := range found {
		out := diagnostic{Code: d.Code, Severity: severity(d), place: at(d.Position, d.End, d.Message), Suggestion: d.Suggestion}
		for _, r := range d.Related {
			out.Related = append(out.Related, at(r.Position, r.End, r.Message))
		}
		list = append(list, out)
	}
	return writePlain(w, list)
}

func severity(d schema.Diagnostic) string {
	if d.Severity == schema.Warning {
		return "warning"
	}
	return "error"
}

// advice is the message with what to do.
func advice(d schema.Diagnostic) string {
	if d.Suggestion == "" {
		return d.Message
	}
	return d.Message + "\nhelp: " + d.Suggestion
}

// writeGitHub writes diagnostics as workflow commands, which GitHub Actions shows at
// the lines concerned:
// https://docs.github.com/actions/reference/workflow-commands-for-github-actions.
func writeGitHub(w io.Writer, found schema.Diagnostics) error {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	for _, d := range found {
		at := "file=" + property.Replace(filepath.ToSlash(d.Position.File))
		if d.Position.IsValid() {
			at += fmt.Sprintf(",line=%d,col=%d", d.Position.Line, d.Position.Column)
			if d.End.IsValid() {
				at += fmt.Sprintf(",endLine=%d,endColumn=%d", d.End.Line, d.End.Column)
			}
		}
		if _, err := fmt.Fprintf(w, "::%s %s,title=%s::%s\n", severity(d), at, property.Replace(string(d.Code)), data.Replace(advice(d))); err != nil {
			return err
		}
	}
	return nil
}

// The parts of SARIF that diagnostics need:
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html.
type (
	sarifText struct {
		Text string `json:"text"`
	}
	sarifRule struct {
		ID    schema.Code `json:"id"`
		Short sarifText   `json:"shortDescription"`
		Full  sarifText   `json:"fullDescription"`
		Help  sarifText   `json:"help"`
	}
	sarifFile struct {
		URI string `json:"uri"`
	}
	sarifPlace struct {
		File   sarifFile `json:"artifactLocation"`
		Region *region   `json:"region,omitempty"`
	}
	sarifLocation struct {
		Place   sarifPlace `json:"physicalLocation"`
		Message *sarifText `json:"message,omitempty"`
	}
	sarifResult struct {
		Rule      schema.Code     `json:"ruleId"`
		Index     int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
		Related   []sarifLocation `json:"relatedLocations,omitempty"`
	}
	sarifDriver struct {
		Name  string      `json:"name"`
		Rules []sarifRule `json:"rules"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifRun struct {
		Tool    sarifTool     `json:"tool"`
		Columns string        `json:"columnKind"`
		Results []sarifResult `json:"results"`
	}
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
)

// writeSARIF writes diagnostics as a log of SARIF 2.1.0, which code scanning and editors
// read. Its rules are the codes that occur, with their explanations.
func writeSARIF(w io.Writer, found schema.Diagnostics) error {
	run := sarifRun{Tool: sarifTool{sarifDriver{Name: "s3dbgen", Rules: []sarifRule{}}}, Columns: "unicodeCodePoints", Results: []sarifResult{}}
	location := func(from, to schema.Position, message string) sarifLocation {
		file := url.URL{Path: filepath.ToSlash(from.File)}
		l := sarifLocation{Place: sarifPlace{sarifFile{file.String()}, regionOf(from, to)}}
		if message != "" {
			l.Message = &sarifText{message}
		}
		return l
	}
	for _, d := range found {
		rules := &run.Tool.Driver.Rules
		index := slices.IndexFunc(*rules, func(r sarifRule) bool { return r.ID == d.Code })
		if index < 0 {
			index = len(*rules)
			e, _ := schema.Explain(d.Code)
			*rules = append(*rules, sarifRule{ID: d.Code, Short: sarifText{e.Title}, Full: sarifText{e.Text}, Help: sarifText{explanation(e)}})
		}
		result := sarifResult{
			Rule: d.Code, Index: index, Level: severity(d), Message: sarifText{advice(d)},
			Locations: []sarifLocation{location(d.Position, d.End, "")},
		}
		for _, r := range d.Related {
			result.Related = append(result.Related, location(r.Position, r.End, r.Message))
		}
		run.Results = append(run.Results, result)
	}
	return writePlain(w, sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}})
}
