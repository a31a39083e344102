package s3db

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Violation is one broken rule. It never holds the value that broke it.
type Violation struct {
	Path    string `json:"path"`    // `profile.country`, `items[3].sku`, `labels["a b"]`
	Rule    string `json:"rule"`    // name of the rule in the schema, such as "min"
	Message string `json:"message"` // "must have at least 2 characters, has 1"
}

// ValidationError lists every broken rule of a document. It matches
// ErrValidation.
type ValidationError struct {
	Violations []Violation // in the order of the schema
}

// Error implements error. It prints up to 100 violations and counts the others.
func (e *ValidationError) Error() string {
	const printed = 100
	var b strings.Builder
	b.WriteString(ErrValidation.Error())
	for i, x := range e.Violations {
		b.WriteString([]string{"; ", ": "}[btoi(i == 0)])
		if i == printed {
			fmt.Fprintf(&b, "and %d more", len(e.Violations)-i)
			break
		}
		if x.Path != "" {
			b.WriteString(x.Path)
			b.WriteString(": ")
		}
		b.WriteString(x.Rule)
		b.WriteString(": ")
		b.WriteString(x.Message)
	}
	return b.String()
}

// Unwrap returns ErrValidation.
func (e *ValidationError) Unwrap() error { return ErrValidation }

// Validator collects the violations of one document. Its zero value is ready.
// Generated code hands it through the checks of a document; only a violation
// allocates.
type Validator struct {
	violations []Violation
	at         []step // where in the document the check is
	room       [8]step
	quiet      int // above 0 inside secrets, whose lengths are not told
	passwords  PasswordParams
	text       string // an item of a map while it is checked
	ordered    bool   // maps are walked in the order of their keys
	deep       bool   // the walk of a free-form object has ended early
}

// step is one part of a path: an attribute's name, an index, or a key of a map.
type step struct {
	kind  stepKind
	name  string
	index int
}

type stepKind uint8

const (
	stepName stepKind = iota
	stepIndex
	stepKey
)

// newValidator returns a validator that hashes passwords with these parameters.
func newValidator(passwords PasswordParams) *Validator { return &Validator{passwords: passwords} }

// reset prepares v for another document.
func (v *Validator) reset() { *v = Validator{passwords: v.passwords} }

// Add reports a violation at a path below the current object. A program's own
// hooks may call it; the message must not quote the value.
func (v *Validator) Add(path, rule, message string) {
	v.violations = append(v.violations, Violation{Path: v.path(path), Rule: rule, Message: message})
}

// Err returns a *ValidationError with all violations so far, or nil when there
// are none.
func (v *Validator) Err() error {
	if len(v.violations) == 0 {
		return nil
	}
	return &ValidationError{Violations: slices.Clone(v.violations)}
}

func (v *Validator) push(s step) {
	if v.at == nil {
		v.at = v.room[:0]
	}
	v.at = append(v.at, s)
}

func (v *Validator) pop() { v.at = v.at[:len(v.at)-1] }

// path writes out where the check is.
func (v *Validator) path(last string) string {
	var b strings.Builder
	name := func(n string) {
		if n == "" {
			return
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(n)
	}
	for _, s := range v.at {
		switch s.kind {
		case stepName:
			name(s.name)
		case stepIndex:
			b.WriteByte('[')
			b.WriteString(strconv.Itoa(s.index))
			b.WriteByte(']')
		case stepKey:
			b.WriteByte('[')
			b.WriteString(printableKey(s.name))
			b.WriteByte(']')
		}
	}
	name(last)
	return b.String()
}

// printableKey quotes the key of a map and shortens a long one.
func printableKey(key string) string {
	const longest = 60
	if len(key) <= longest {
		return strconv.Quote(key)
	}
	return strconv.Quote(cutRunes(key, longest)) + "…"
}

// Rule checks values of one type, and first brings them into the form that they
// are stored in, where the schema says so (trim, lowercase, uppercase). The rule
// structs of this package implement it; programs check what rules cannot say in
// hooks.
type Rule[T any] interface {
	// Check adds a violation to v for every rule that the value breaks. path is
	// the name of the attribute, or "" for an item.
	Check(v *Validator, path string, value *T)
	// changes reports whether Check would change the value.
	changes(v *Validator, value *T) bool
	// repeats adds a violation for each item that is equal to an earlier one.
	repeats(v *Validator, items []T)
}

// Check checks a required attribute, or one whose type says itself that it is
// absent, such as a nil slice. Generated code calls it.
func Check[T any, R Rule[T]](v *Validator, path string, value *T, rules R) {
	rules.Check(v, path, value)
}

// CheckOptional checks an attribute that is absent when its pointer is nil.
// Generated code calls it.
func CheckOptional[T any, R Rule[T]](v *Validator, path string, value **T, rules R) {
	if *value == nil {
		return
	}
	if rules.changes(v, *value) {
		// The pointer may be the caller's own.
		own := **value
		*value = &own
	}
	rules.Check(v, path, *value)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
