package schema

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Position is a place in a file. Line and Column count from 1, Column in
// characters (Unicode code points). The zero Position is no place.
type Position struct {
	File         string
	Line, Column int
}

// IsValid reports whether p is a place.
func (p Position) IsValid() bool { return p.Line > 0 }

// String returns "file:line:column", or the file alone when p has no line.
func (p Position) String() string {
	if !p.IsValid() {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// compare orders positions by file, line and column.
func (p Position) compare(q Position) int {
	return cmp.Or(cmp.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Column, q.Column))
}

// Severity says whether a diagnostic stops the generation.
type Severity int

// The severities.
const (
	Error   Severity = iota // nothing may be generated
	Warning                 // something to look at; generation goes on
)

// Diagnostic is one mistake, or one doubt, in a file: where it is, what is wrong
// and how to put it right.
type Diagnostic struct {
	Code       Code
	Severity   Severity
	Position   Position
	End        Position // just after the last character concerned, on the same line; zero if not known
	Message    string   // one line, lower case, no full stop
	Suggestion string   // what to do, one line; "" when the message says it all
	Related    []Related

	excerpt string // the line of Position
}

// Related is another place that a diagnostic speaks of, such as the first of two
// definitions.
type Related struct {
	Position Position
	End      Position
	Message  string

	excerpt string
}

// Diagnostics are all findings of a run. As an error they print like String.
type Diagnostics []Diagnostic

// HasErrors reports whether any of ds is an error, so that nothing may be generated.
func (ds Diagnostics) HasErrors() bool {
	return slices.ContainsFunc(ds, func(d Diagnostic) bool { return d.Severity == Error })
}

// Err returns ds as an error when any of them is one, and nil otherwise. The
// caller finds them again with errors.As and a *DiagnosticsError.
func (ds Diagnostics) Err() error {
	if !ds.HasErrors() {
		return nil
	}
	return &DiagnosticsError{Diagnostics: ds}
}

// DiagnosticsError is the error form of diagnostics.
type DiagnosticsError struct{ Diagnostics Diagnostics }

// Error returns the printed form of all diagnostics, without the last newline.
func (e *DiagnosticsError) Error() string { return strings.TrimSuffix(e.Diagnostics.String(), "\n") }

// AsDiagnostics returns the diagnostics that err carries, and whether it carries any.
func AsDiagnostics(err error) (Diagnostics, bool) {
	if e, ok := errors.AsType[*DiagnosticsError](err); ok {
		return e.Diagnostics, true
	}
	return nil, false
}

// Sort orders ds by place, then code and message, and drops exact repetitions,
// which arise when an alias brings one mistake to several places.
func (ds Diagnostics) Sort() Diagnostics {
	slices.SortStableFunc(ds, func(a, b Diagnostic) int {
		return cmp.Or(a.Position.compare(b.Position), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message))
	})
	return slices.CompactFunc(ds, func(a, b Diagnostic) bool {
		return a.Position == b.Position && a.Code == b.Code && a.Message == b.Message
	})
}

// span is the part of one line that a diagnostic is about.
type span struct{ pos, end Position }

// reporter collects the diagnostics of one file.
type reporter struct {
	src   *source
	found []*finding
}

// finding is a diagnostic being made.
type finding struct{ Diagnostic }

// diagnostics returns what was found, in order.
func (r *reporter) diagnostics() Diagnostics {
	ds := make(Diagnostics, len(r.found))
	for i, f := range r.found {
		ds[i] = f.Diagnostic
	}
	return ds.Sort()
}

// report adds an error and returns it, so that the caller can add related places.
func (r *reporter) report(code Code, at span, format string, args ...any) *finding {
	f := &finding{Diagnostic{
		Code:     code,
		Severity: code.severity(),
		Position: at.pos,
		End:      at.end,
		Message:  fmt.Sprintf(format, args...),
		excerpt:  r.src.line(at.pos),
	}}
	r.found = append(r.found, f)
	return f
}

// help sets what to do.
func (f *finding) help(format string, args ...any) *finding {
	f.Suggestion = fmt.Sprintf(format, args...)
	return f
}

// also adds a related place, which lies in src.
func (f *finding) also(src *source, at span, format string, args ...any) *finding {
	f.Related = append(f.Related, Related{
		Position: at.pos,
		End:      at.end,
		Message:  fmt.Sprintf(format, args...),
		excerpt:  src.line(at.pos),
	})
	return f
}

// Diagnose makes a diagnostic about a place in the file of s, with its excerpt,
// for tools that find mistakes after parsing, such as the generator. The
// positions of related places lie in the same file.
func (s *Schema) Diagnose(code Code, pos Position, message, suggestion string, related ...Related) Diagnostic {
	d := Diagnostic{
		Code:       code,
		Severity:   code.severity(),
		Position:   pos,
		End:        s.src.wordEnd(pos),
		Message:    message,
		Suggestion: suggestion,
		excerpt:    s.src.line(pos),
	}
	for _, r := range related {
		r.excerpt = s.src.line(r.Position)
		if !r.End.IsValid() {
			r.End = s.src.wordEnd(r.Position)
		}
		d.Related = append(d.Related, r)
	}
	return d
}
